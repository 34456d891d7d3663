//! Invitations to join a tenant. An e-mail has at most one that is open; only the hash of its token is kept.

use crate::db::TenantTx;
use crate::entity::staff_invitation as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::custom_role::Roles;
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::custom_role::StaffRole;
use qianpu_domain::ids::{InvitationId, ShopId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};

/// An invitation.
#[derive(Clone, Debug)]
pub struct StaffInvitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited; the log-in e-mail to be.
    pub email: String,
    /// What they are called; may be empty.
    pub name: String,
    /// The role they will have.
    pub role: StaffRole,
    /// The shop it is limited to; none for the whole tenant.
    pub shop: Option<ShopId>,
    /// Language of the mail, `zh` or `en`.
    pub locale: String,
    /// Until when the link works.
    pub expires_at: Timestamp,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// An invitation to be.
#[derive(Clone, Debug)]
pub struct NewStaffInvitation<'a> {
    /// Lower case.
    pub email: &'a str,
    /// May be empty.
    pub name: &'a str,
    /// The role.
    pub role: &'a StaffRole,
    /// The shop it is limited to.
    pub shop: Option<ShopId>,
    /// `zh` or `en`.
    pub locale: &'a str,
    /// What the mail's link carries.
    pub token: &'a str,
    /// How long it works.
    pub life: Span,
}

/// The form of a token in the directory.
pub fn staff_invitation_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn from_row(tx: &TenantTx, row: row::Model) -> StoreResult<StaffInvitation> {
    let roles = Roles::of(tx, [row.role.as_str()]).await?;
    from_model(&roles, row)
}

fn from_model(roles: &Roles, row: row::Model) -> StoreResult<StaffInvitation> {
    Ok(StaffInvitation {
        id: InvitationId(row.id),
        email: row.email,
        name: row.name,
        role: roles.get(&row.role)?,
        shop: row.shop_id.map(ShopId),
        locale: row.locale,
        expires_at: Timestamp::from_micros(row.expires_at),
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// Adds an invitation; the one that the same e-mail had until now is dead.
pub async fn staff_invitation_insert(
    tx: &mut TenantTx,
    new: &NewStaffInvitation<'_>,
) -> StoreResult<InvitationId> {
    let open = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Email.eq(new.email))
        .filter(row::Column::State.eq("open"))
        .one(tx.conn())
        .await?;
    if let Some(open) = open {
        end(tx, &open, "revoked").await?;
    }
    let id = tx.new_id();
    let hash = staff_invitation_hash(new.token);
    directory::key_insert(tx, directory::STAFF_INVITATION, &hash, id).await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        email: Set(new.email.to_owned()),
        name: Set(new.name.to_owned()),
        role: Set(new.role.key()),
        shop_id: Set(new.shop.map(|shop| shop.0)),
        locale: Set(new.locale.to_owned()),
        token_hash: Set(hash),
        state: Set("open".to_owned()),
        expires_at: Set(tx.now().plus(new.life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(InvitationId(id))
}

async fn end(tx: &mut TenantTx, was: &row::Model, state: &str) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id))
        .filter(row::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::NotFound);
    }
    directory::key_delete(tx, directory::STAFF_INVITATION, &was.token_hash).await
}

async fn open(tx: &TenantTx, id: InvitationId) -> StoreResult<row::Model> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.filter(|found| found.state == "open").ok_or(StoreError::NotFound)
}

/// An invitation whose link works. `NotFound` when it is spent, taken back or too old.
pub async fn staff_invitation_find(tx: &TenantTx, id: InvitationId) -> StoreResult<StaffInvitation> {
    let found = open(tx, id).await?;
    if found.expires_at <= tx.now().micros() {
        return Err(StoreError::NotFound);
    }
    from_row(tx, found).await
}

/// Invitations that wait for an answer, newest first; those that are too old among them.
pub async fn staff_invitation_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<StaffInvitation>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("open"));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let roles = Roles::of(tx, rows.iter().map(|row| row.role.as_str())).await?;
    let rows = rows.into_iter().map(|row| from_model(&roles, row)).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// How many invitations wait whose links still work.
pub async fn staff_invitation_count(tx: &TenantTx) -> StoreResult<u64> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("open"))
        .filter(row::Column::ExpiresAt.gt(tx.now().micros()));
    Ok(query.count(tx.conn()).await?)
}

/// Spends an invitation. `NotFound` when it is spent, taken back or too old; of two uses at once one is good.
pub async fn staff_invitation_use(tx: &mut TenantTx, id: InvitationId) -> StoreResult<StaffInvitation> {
    let found = open(tx, id).await?;
    if found.expires_at <= tx.now().micros() {
        return Err(StoreError::NotFound);
    }
    end(tx, &found, "used").await?;
    from_row(tx, found).await
}

/// Takes an invitation back; its link is dead at once.
pub async fn staff_invitation_revoke(tx: &mut TenantTx, id: InvitationId) -> StoreResult<()> {
    let found = open(tx, id).await?;
    end(tx, &found, "revoked").await
}
