//! Domains of a tenant. A verified one stands in the directory, written in the same transaction, so that a host leads
//! to one tenant whoever else claimed it.

use crate::db::TenantTx;
use crate::entity::domain as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::host::{DomainState, ProofMethod};
use qianpu_domain::ids::{DomainId, ShopId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use uuid::Uuid;

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// The host in ASCII, small letters.
    pub host: String,
    /// The shop it leads to; none for a provider's console.
    pub shop: Option<ShopId>,
    /// What the proof has to hold.
    pub token: String,
    /// Where it stands.
    pub state: DomainState,
    /// How it was proven last.
    pub method: Option<ProofMethod>,
    /// Why it was not, in stable words.
    pub error: Option<String>,
    /// When it was proven first.
    pub verified_at: Option<Timestamp>,
    /// When it was looked at last.
    pub checked_at: Option<Timestamp>,
    /// Since when its proof is missing.
    pub failing_at: Option<Timestamp>,
    /// When it was claimed.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<Domain> {
    let method = row.method.as_deref().map(ProofMethod::from_text);
    Ok(Domain {
        id: DomainId(row.id),
        host: row.host,
        shop: row.shop_id.map(ShopId),
        token: row.token,
        state: DomainState::from_text(&row.state).ok_or(StoreError::Corrupt("domains.state"))?,
        method: match method {
            None => None,
            Some(known) => Some(known.ok_or(StoreError::Corrupt("domains.method"))?),
        },
        error: row.error,
        verified_at: row.verified_at.map(Timestamp::from_micros),
        checked_at: row.checked_at.map(Timestamp::from_micros),
        failing_at: row.failing_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// Claims a host; nothing leads to it before it is proven. `Conflict(domain)` when the tenant claims it already.
pub async fn domain_insert(
    tx: &mut TenantTx,
    host: &str,
    shop: Option<ShopId>,
    token: &str,
) -> StoreResult<DomainId> {
    let known = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Host.eq(host))
        .one(tx.conn())
        .await?;
    if known.is_some() {
        return Err(StoreError::Conflict("domain"));
    }
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        host: Set(host.to_owned()),
        shop_id: Set(shop.map(|shop| shop.0)),
        token: Set(token.to_owned()),
        state: Set(DomainState::Waiting.as_str().to_owned()),
        method: Set(None),
        error: Set(None),
        verified_at: Set(None),
        checked_at: Set(None),
        failing_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(DomainId(id))
}

/// One of the tenant's domains.
pub async fn domain_get(tx: &TenantTx, id: DomainId) -> StoreResult<Domain> {
    let row = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The tenant's domains, newest first.
pub async fn domain_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Domain>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |domain| Cursor { at: domain.created_at, id: domain.id.0 }))
}

/// How many domains the tenant claims.
pub async fn domain_count(tx: &TenantTx) -> StoreResult<u64> {
    Ok(row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant())).count(tx.conn()).await?)
}

/// The host of the tenant, or of one of its shops, that is in the directory; the one proven first.
pub async fn domain_in_use(tx: &TenantTx, shop: Option<ShopId>) -> StoreResult<Option<String>> {
    use sea_orm::QueryOrder;
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.is_in([DomainState::Verified.as_str(), DomainState::Failing.as_str()]));
    let query = match shop {
        Some(shop) => query.filter(row::Column::ShopId.eq(shop.0)),
        None => query.filter(row::Column::ShopId.is_null()),
    };
    Ok(query.order_by_asc(row::Column::VerifiedAt).one(tx.conn()).await?.map(|row| row.host))
}

/// Notes that the host was proven, and lets it lead to the tenant. `Conflict(host)` when it leads to another one.
pub async fn domain_proven(tx: &mut TenantTx, was: &Domain, method: ProofMethod) -> StoreResult<()> {
    if !was.state.is_in_use() {
        let target: Uuid = was.shop.map_or(tx.tenant(), |shop| shop.0);
        directory::key_insert(tx, directory::HOST, &was.host, target).await?;
    }
    let now = tx.now().micros();
    let first = was.verified_at.map_or(now, |at| at.micros());
    let verified = DomainState::Verified;
    update(tx, was, verified, Some(method), None, Some(first), None).await
}

/// Notes that the proof is missing. The host leads to the tenant on until it is dropped.
pub async fn domain_missing(tx: &mut TenantTx, was: &Domain, error: &str) -> StoreResult<()> {
    let now = tx.now().micros();
    let (state, failing) = match was.state {
        DomainState::Verified => (DomainState::Failing, Some(now)),
        state => (state, was.failing_at.map(|at| at.micros())),
    };
    let verified = was.verified_at.map(|at| at.micros());
    update(tx, was, state, was.method, Some(error), verified, failing).await
}

/// Takes a host out of the directory because its proof stayed away.
pub async fn domain_drop(tx: &mut TenantTx, was: &Domain, error: &str) -> StoreResult<()> {
    directory::key_delete(tx, directory::HOST, &was.host).await?;
    update(tx, was, DomainState::Dropped, was.method, Some(error), None, None).await
}

/// Forgets a domain; nothing leads to it any more.
pub async fn domain_delete(tx: &mut TenantTx, was: &Domain) -> StoreResult<()> {
    if was.state.is_in_use() {
        directory::key_delete(tx, directory::HOST, &was.host).await?;
    }
    let done = row::Entity::delete_by_id((tx.tenant(), was.id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

async fn update(
    tx: &mut TenantTx,
    was: &Domain,
    state: DomainState,
    method: Option<ProofMethod>,
    error: Option<&str>,
    verified_at: Option<i64>,
    failing_at: Option<i64>,
) -> StoreResult<()> {
    use row::Column;
    let done = row::Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Method, Expr::value(method.map(ProofMethod::as_str)))
        .col_expr(Column::Error, Expr::value(error.map(str::to_owned)))
        .col_expr(Column::VerifiedAt, Expr::value(verified_at))
        .col_expr(Column::FailingAt, Expr::value(failing_at))
        .col_expr(Column::CheckedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(was.id.0))
        .filter(Column::State.eq(was.state.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}
