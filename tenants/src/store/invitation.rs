//! A provider's invitations. Only the hash of a link's token is kept; the directory leads from it here.

use crate::db::TenantTx;
use crate::entity::invitation;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{InvitationId, TenantId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: String,
    /// The merchant's name, to greet with.
    pub merchant_name: String,
    /// Language of the mail, `zh` or `en`.
    pub locale: String,
    /// `open`, `used`, `revoked` or `expired`.
    pub state: &'static str,
    /// The merchant that came of it.
    pub used_by: Option<TenantId>,
    /// Until when the link works.
    pub expires_at: Timestamp,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// The form of a token in the directory.
pub fn invitation_token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_model(row: invitation::Model, now: Timestamp) -> StoreResult<Invitation> {
    let expired = row.expires_at <= now.micros();
    Ok(Invitation {
        id: InvitationId(row.id),
        email: row.email,
        merchant_name: row.merchant_name,
        locale: row.locale,
        state: match row.state.as_str() {
            "open" if expired => "expired",
            "open" => "open",
            "used" => "used",
            "revoked" => "revoked",
            _ => return Err(StoreError::Corrupt("invitations.state")),
        },
        used_by: row.used_by.map(TenantId),
        expires_at: Timestamp::from_micros(row.expires_at),
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// Adds an invitation.
pub async fn invitation_insert(
    tx: &mut TenantTx,
    email: &str,
    merchant_name: &str,
    locale: &str,
    token: &str,
    by: Option<UserId>,
    life: Span,
) -> StoreResult<InvitationId> {
    let id = tx.new_id();
    let hash = invitation_token_hash(token);
    directory::key_insert(tx, directory::INVITATION, &hash, id).await?;
    invitation::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        email: Set(email.to_lowercase()),
        merchant_name: Set(merchant_name.to_owned()),
        locale: Set(locale.to_owned()),
        token_hash: Set(hash),
        state: Set("open".to_owned()),
        invited_by: Set(by.map(|id| id.0)),
        used_by: Set(None),
        used_at: Set(None),
        expires_at: Set(tx.now().plus(life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(InvitationId(id))
}

/// An invitation by id.
pub async fn invitation_get(tx: &TenantTx, id: InvitationId) -> StoreResult<Invitation> {
    let row = invitation::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    from_model(row.ok_or(StoreError::NotFound)?, tx.now())
}

/// The provider's invitations, newest first.
pub async fn invitation_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Invitation>> {
    let query = invitation::Entity::find().filter(invitation::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, invitation::Column::CreatedAt, invitation::Column::Id, page)
        .all(tx.conn())
        .await?;
    let now = tx.now();
    let rows = rows.into_iter().map(|row| from_model(row, now)).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// Spends an open invitation for a merchant. `NotFound` when it is spent, revoked or expired.
pub async fn invitation_use(tx: &mut TenantTx, id: InvitationId, merchant: TenantId) -> StoreResult<()> {
    let now = tx.now().micros();
    let done = invitation::Entity::update_many()
        .col_expr(invitation::Column::State, Expr::value("used"))
        .col_expr(invitation::Column::UsedBy, Expr::value(merchant.0))
        .col_expr(invitation::Column::UsedAt, Expr::value(now))
        .filter(invitation::Column::TenantId.eq(tx.tenant()))
        .filter(invitation::Column::Id.eq(id.0))
        .filter(invitation::Column::State.eq("open"))
        .filter(invitation::Column::ExpiresAt.gt(now))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Takes an open invitation back; its link is dead at once.
pub async fn invitation_revoke(tx: &mut TenantTx, id: InvitationId) -> StoreResult<()> {
    let row = invitation::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let done = invitation::Entity::update_many()
        .col_expr(invitation::Column::State, Expr::value("revoked"))
        .filter(invitation::Column::TenantId.eq(tx.tenant()))
        .filter(invitation::Column::Id.eq(id.0))
        .filter(invitation::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::Conflict("invitation"));
    }
    directory::key_delete(tx, directory::INVITATION, &row.token_hash).await
}
