//! How long the queues of tenants are, for whoever watches the installation or a provider's merchants.

use crate::context::SystemCtx;
use crate::db::Db;
use crate::entity::tenant;
use crate::error::StoreResult;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect, Statement,
};
use std::collections::HashMap;
use uuid::Uuid;

/// What waits for one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantQueue {
    /// Whose.
    pub tenant: TenantId,
    /// Its provider, or itself; none for the operator.
    pub provider: Option<TenantId>,
    /// Jobs that are due and that nobody runs yet.
    pub waiting: i64,
    /// Since when the oldest of them has been due.
    pub oldest: Option<Timestamp>,
    /// Jobs that failed and wait for a person.
    pub laid_aside: i64,
    /// Jobs that carry changes of stock to channels, whether due, running or waiting for their next try.
    pub stock_waiting: i64,
    /// When the oldest of them was added.
    pub stock_oldest: Option<Timestamp>,
}

/// Queues of at most `most` tenants, the longest first; tenants without a due or failed job are left out.
pub async fn job_queues(
    db: &Db,
    now: Timestamp,
    most: u64,
    request: RequestId,
) -> StoreResult<Vec<TenantQueue>> {
    #[derive(FromQueryResult)]
    struct Row {
        tenant_id: Uuid,
        waiting: i64,
        oldest: Option<i64>,
        laid_aside: i64,
        stock_waiting: i64,
        stock_oldest: Option<i64>,
    }
    let scan = db.begin_lookup(&SystemCtx::for_task("job queues", request)).await?;
    let backend = scan.conn().get_database_backend();
    let due = "state = 'pending' AND run_at <= $1 AND (lease_until IS NULL OR lease_until < $1)";
    let stock = "state = 'pending' AND kind IN ('stock.fan_out', 'stock.push')";
    let sql = format!(
        "SELECT tenant_id,
               count(CASE WHEN {due} THEN 1 END) AS waiting,
               min(CASE WHEN {due} THEN run_at END) AS oldest,
               count(CASE WHEN state = 'dead' THEN 1 END) AS laid_aside,
               count(CASE WHEN {stock} THEN 1 END) AS stock_waiting,
               min(CASE WHEN {stock} THEN created_at END) AS stock_oldest
        FROM jobs
        WHERE state = 'dead' OR ({due}) OR ({stock})
        GROUP BY tenant_id
        ORDER BY waiting DESC, laid_aside DESC, tenant_id LIMIT $2"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let values = [now.micros().into(), most.into()];
    let rows =
        Row::find_by_statement(Statement::from_sql_and_values(backend, sql, values)).all(scan.conn()).await?;
    // Not joined: jobs and the registry do not lie side by side in a database that is spread by tenant.
    let providers: HashMap<Uuid, Option<Uuid>> = tenant::Entity::find()
        .select_only()
        .columns([tenant::Column::TenantId, tenant::Column::ProviderId])
        .filter(tenant::Column::TenantId.is_in(rows.iter().map(|row| row.tenant_id)))
        .into_tuple::<(Uuid, Option<Uuid>)>()
        .all(scan.conn())
        .await?
        .into_iter()
        .collect();
    Ok(rows
        .into_iter()
        .map(|row| TenantQueue {
            tenant: TenantId(row.tenant_id),
            provider: providers.get(&row.tenant_id).copied().flatten().map(TenantId),
            waiting: row.waiting,
            oldest: row.oldest.map(Timestamp::from_micros),
            laid_aside: row.laid_aside,
            stock_waiting: row.stock_waiting,
            stock_oldest: row.stock_oldest.map(Timestamp::from_micros),
        })
        .collect())
}
