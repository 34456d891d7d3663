//! Impersonations: people of the provider or the operator who act in the tenant for a while. The row lies in the tenant
//! that is acted in, so that its people see it.

use crate::db::TenantTx;
use crate::entity::impersonation as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ImpersonationId, TenantId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};

/// An impersonation.
#[derive(Clone, Debug)]
pub struct Impersonation {
    /// Its id.
    pub id: ImpersonationId,
    /// Where the person belongs.
    pub actor_tenant: TenantId,
    /// The person.
    pub actor: UserId,
    /// Their name at the time.
    pub actor_name: String,
    /// Name of where they belong, at the time.
    pub actor_tenant_name: String,
    /// Why, in their words.
    pub reason: String,
    /// The token a form must carry.
    pub csrf_token: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before.
    pub ended_at: Option<Timestamp>,
    /// Name of who ended it before.
    pub ended_by: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
}

impl Impersonation {
    /// Whether it goes on at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// An impersonation to be.
#[derive(Clone, Debug)]
pub struct NewImpersonation<'a> {
    /// Where the person belongs.
    pub actor_tenant: TenantId,
    /// The person.
    pub actor: UserId,
    /// Their name.
    pub actor_name: &'a str,
    /// Name of where they belong.
    pub actor_tenant_name: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
    /// What the browser or program shows; only its hash is kept.
    pub token: &'a str,
    /// How long it lasts.
    pub life: Span,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn from_model(row: row::Model) -> Impersonation {
    Impersonation {
        id: ImpersonationId(row.id),
        actor_tenant: TenantId(row.actor_tenant_id),
        actor: UserId(row.actor_user_id),
        actor_name: row.actor_name,
        actor_tenant_name: row.actor_tenant_name,
        reason: row.reason,
        csrf_token: row.csrf_token,
        expires_at: Timestamp::from_micros(row.expires_at),
        ended_at: row.ended_at.map(Timestamp::from_micros),
        ended_by: row.ended_by,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// Begins an impersonation in the transaction's tenant.
pub async fn impersonation_insert(
    tx: &mut TenantTx,
    new: &NewImpersonation<'_>,
) -> StoreResult<ImpersonationId> {
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        actor_tenant_id: Set(new.actor_tenant.0),
        actor_user_id: Set(new.actor.0),
        actor_name: Set(new.actor_name.to_owned()),
        actor_tenant_name: Set(new.actor_tenant_name.to_owned()),
        reason: Set(new.reason.to_owned()),
        token_hash: Set(hash(new.token)),
        csrf_token: Set(crate::random::token()),
        expires_at: Set(tx.now().plus(new.life).micros()),
        ended_at: Set(None),
        ended_by: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(ImpersonationId(id))
}

/// One of the tenant's impersonations.
pub async fn impersonation_get(tx: &TenantTx, id: ImpersonationId) -> StoreResult<Impersonation> {
    let row = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// By what the browser or program shows.
pub(crate) async fn impersonation_by_token(tx: &TenantTx, token: &str) -> StoreResult<Option<Impersonation>> {
    let row = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::TokenHash.eq(hash(token)))
        .one(tx.conn())
        .await?;
    Ok(row.map(from_model))
}

/// Impersonations in the tenant, newest first.
pub async fn impersonation_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Impersonation>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows: Vec<Impersonation> = rows.into_iter().map(from_model).collect();
    Ok(Page::from_rows(rows, page.limit, |one| Cursor { at: one.created_at, id: one.id.0 }))
}

/// Ends an impersonation that goes on. `Conflict(impersonation)` when it is over.
pub async fn impersonation_end(tx: &mut TenantTx, id: ImpersonationId, by: &str) -> StoreResult<()> {
    let now = tx.now().micros();
    let done = row::Entity::update_many()
        .col_expr(row::Column::EndedAt, Expr::value(now))
        .col_expr(row::Column::EndedBy, Expr::value(by))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::EndedAt.is_null())
        .filter(row::Column::ExpiresAt.gt(now))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict("impersonation")) }
}
