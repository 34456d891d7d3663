//! The registry of tenants.

use crate::db::{ProviderTx, SystemTx, TenantTx};
use crate::entity::tenant;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
pub use qianpu_domain::tenancy::TenantState;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use std::collections::HashMap;

/// A tenant.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Which tier.
    pub kind: Surface,
    /// Its provider (itself for a provider).
    pub provider: Option<TenantId>,
    /// Shown name.
    pub name: String,
    /// State.
    pub state: TenantState,
    /// Subject kind of a merchant, once known.
    pub subject_kind: Option<String>,
    /// `zh` or `en`.
    pub locale: String,
    /// IANA time zone.
    pub zone: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Why it is suspended or closed, in the words of whoever did it.
    pub state_reason: Option<String>,
    /// Since when it is suspended or closed.
    pub state_at: Option<Timestamp>,
    /// Whether a provider's suspension stops its merchants too.
    pub stops_merchants: bool,
}

fn from_model(row: tenant::Model) -> StoreResult<TenantRow> {
    Ok(TenantRow {
        id: TenantId(row.tenant_id),
        kind: Surface::parse(&row.kind).ok_or(StoreError::Corrupt("tenants.kind"))?,
        provider: row.provider_id.map(TenantId),
        name: row.name,
        state: TenantState::from_text(&row.state).ok_or(StoreError::Corrupt("tenants.state"))?,
        subject_kind: row.subject_kind,
        locale: row.locale,
        zone: row.zone,
        created_at: Timestamp::from_micros(row.created_at),
        state_reason: row.state_reason,
        state_at: row.state_at.map(Timestamp::from_micros),
        stops_merchants: row.stops_merchants.unwrap_or(false),
    })
}

/// A tenant to be.
#[derive(Clone, Debug)]
pub struct NewTenant<'a> {
    /// Its id.
    pub id: TenantId,
    /// Which tier.
    pub kind: Surface,
    /// Its provider: the tenant's own id for a provider, none for the operator.
    pub provider: Option<TenantId>,
    /// Shown name.
    pub name: &'a str,
    /// First state.
    pub state: TenantState,
    /// `zh` or `en`.
    pub locale: &'a str,
}

/// Adds a tenant.
pub async fn tenant_insert(tx: &mut SystemTx, new: &NewTenant<'_>) -> StoreResult<()> {
    let now = tx.now().micros();
    tenant::ActiveModel {
        tenant_id: Set(new.id.0),
        kind: Set(new.kind.as_str().to_owned()),
        parent_id: Set(new.provider.filter(|provider| *provider != new.id).map(|id| id.0)),
        provider_id: Set(new.provider.map(|id| id.0)),
        name: Set(new.name.to_owned()),
        state: Set(new.state.as_str().to_owned()),
        subject_kind: Set(None),
        locale: Set(new.locale.to_owned()),
        zone: Set("Asia/Shanghai".to_owned()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        state_reason: Set(None),
        state_at: Set(None),
        stops_merchants: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// A tenant by id, for resolution.
pub async fn tenant_find(tx: &SystemTx, id: TenantId) -> StoreResult<Option<TenantRow>> {
    tenant::Entity::find_by_id(id.0).one(tx.conn()).await?.map(from_model).transpose()
}

/// Several tenants by id, by name, for the list of a person's own.
pub async fn tenant_find_all(tx: &SystemTx, ids: &[TenantId]) -> StoreResult<Vec<TenantRow>> {
    use sea_orm::{QueryOrder, QuerySelect};
    let rows = tenant::Entity::find()
        .filter(tenant::Column::TenantId.is_in(ids.iter().map(|id| id.0)))
        .order_by_asc(tenant::Column::Name)
        .order_by_asc(tenant::Column::TenantId)
        .limit(100)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The first tenants of a kind, oldest first (start-up and command line).
pub async fn tenant_list_of_kind(tx: &SystemTx, kind: Surface, limit: u64) -> StoreResult<Vec<TenantRow>> {
    use sea_orm::QueryOrder;
    let rows = tenant::Entity::find()
        .filter(tenant::Column::Kind.eq(kind.as_str()))
        .order_by_asc(tenant::Column::CreatedAt)
        .order_by_asc(tenant::Column::TenantId)
        .limit(limit)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The own tenant.
pub async fn tenant_get(tx: &TenantTx) -> StoreResult<TenantRow> {
    tenant::Entity::find_by_id(tx.tenant())
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()?
        .ok_or(StoreError::NotFound)
}

/// Sets name, subject kind and state of the own tenant.
pub async fn tenant_set(
    tx: &mut TenantTx,
    name: Option<&str>,
    subject_kind: Option<&str>,
    state: Option<TenantState>,
) -> StoreResult<()> {
    let mut update = tenant::Entity::update_many()
        .col_expr(tenant::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(tenant::Column::Version, Expr::col(tenant::Column::Version).add(1));
    if let Some(name) = name {
        update = update.col_expr(tenant::Column::Name, Expr::value(name));
    }
    if let Some(kind) = subject_kind {
        update = update.col_expr(tenant::Column::SubjectKind, Expr::value(kind));
    }
    if let Some(state) = state {
        update = update.col_expr(tenant::Column::State, Expr::value(state.as_str()));
    }
    let done = update.filter(tenant::Column::TenantId.eq(tx.tenant())).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// The provider's merchants, newest first.
pub async fn merchant_list(tx: &ProviderTx, page: PageRequest) -> StoreResult<Page<TenantRow>> {
    let query = tenant::Entity::find()
        .filter(tenant::Column::ProviderId.eq(tx.provider()))
        .filter(tenant::Column::Kind.eq(Surface::Merchant.as_str()));
    let rows =
        newest_first(query, tenant::Column::CreatedAt, tenant::Column::TenantId, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// A new state of the own tenant.
#[derive(Clone, Copy, Debug)]
pub struct StateChange<'a> {
    /// What it has to be in still.
    pub from: TenantState,
    /// What it comes to.
    pub to: TenantState,
    /// Why; none when it goes on.
    pub reason: Option<&'a str>,
    /// Whether a provider's suspension stops its merchants too.
    pub stops_merchants: bool,
}

/// Changes the state of the own tenant. `VersionConflict` when it is in another state meanwhile.
pub async fn tenant_change_state(tx: &mut TenantTx, change: &StateChange<'_>) -> StoreResult<()> {
    let now = tx.now().micros();
    let since = change.reason.map(|_| now);
    let done = tenant::Entity::update_many()
        .col_expr(tenant::Column::State, Expr::value(change.to.as_str()))
        .col_expr(tenant::Column::StateReason, Expr::value(change.reason.map(str::to_owned)))
        .col_expr(tenant::Column::StateAt, Expr::value(since))
        .col_expr(tenant::Column::StopsMerchants, Expr::value(change.stops_merchants))
        .col_expr(tenant::Column::UpdatedAt, Expr::value(now))
        .col_expr(tenant::Column::Version, Expr::col(tenant::Column::Version).add(1))
        .filter(tenant::Column::TenantId.eq(tx.tenant()))
        .filter(tenant::Column::State.eq(change.from.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// The installation's providers, newest first.
pub async fn provider_list(tx: &SystemTx, page: PageRequest) -> StoreResult<Page<TenantRow>> {
    let query = tenant::Entity::find().filter(tenant::Column::Kind.eq(Surface::Provider.as_str()));
    let rows =
        newest_first(query, tenant::Column::CreatedAt, tenant::Column::TenantId, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// How many merchants of the provider are in each state; states without any are left out.
pub async fn merchant_counts(tx: &ProviderTx) -> StoreResult<Vec<(TenantState, i64)>> {
    let rows: Vec<(String, i64)> = tenant::Entity::find()
        .select_only()
        .column(tenant::Column::State)
        .column_as(tenant::Column::TenantId.count(), "count")
        .filter(tenant::Column::ProviderId.eq(tx.provider()))
        .filter(tenant::Column::Kind.eq(Surface::Merchant.as_str()))
        .group_by(tenant::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|(word, count)| {
            let state = TenantState::from_text(&word).ok_or(StoreError::Corrupt("tenants.state"))?;
            Ok((state, count))
        })
        .collect()
}

/// Names of some of the provider's merchants.
pub async fn tenant_names(tx: &ProviderTx, ids: &[TenantId]) -> StoreResult<HashMap<TenantId, String>> {
    let rows = tenant::Entity::find()
        .filter(tenant::Column::ProviderId.eq(tx.provider()))
        .filter(tenant::Column::TenantId.is_in(ids.iter().map(|id| id.0)))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.name)).collect())
}
