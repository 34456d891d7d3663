//! How long the queues of tenants are, for whoever watches the installation or a provider's merchants.

use crate::context::SystemCtx;
use crate::db::Db;
use crate::error::StoreResult;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
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
        provider_id: Option<Uuid>,
        waiting: i64,
        oldest: Option<i64>,
        laid_aside: i64,
    }
    let scan = db.begin_lookup(&SystemCtx::for_task("job queues", request)).await?;
    let backend = scan.conn().get_database_backend();
    let sql = "SELECT queue.tenant_id, queue.waiting, queue.oldest, queue.laid_aside, tenants.provider_id
        FROM (
            SELECT tenant_id,
                   count(CASE WHEN state = 'pending' THEN 1 END) AS waiting,
                   min(CASE WHEN state = 'pending' THEN run_at END) AS oldest,
                   count(CASE WHEN state = 'dead' THEN 1 END) AS laid_aside
            FROM jobs
            WHERE state = 'dead' OR (state = 'pending' AND run_at <= $1 AND (lease_until IS NULL OR lease_until < $1))
            GROUP BY tenant_id
        ) AS queue
        JOIN tenants ON tenants.tenant_id = queue.tenant_id
        ORDER BY queue.waiting DESC, queue.laid_aside DESC, queue.tenant_id LIMIT $2";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let values = [now.micros().into(), most.into()];
    let rows =
        Row::find_by_statement(Statement::from_sql_and_values(backend, sql, values)).all(scan.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|row| TenantQueue {
            tenant: TenantId(row.tenant_id),
            provider: row.provider_id.map(TenantId),
            waiting: row.waiting,
            oldest: row.oldest.map(Timestamp::from_micros),
            laid_aside: row.laid_aside,
        })
        .collect())
}
