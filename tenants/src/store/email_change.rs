//! Changes of a log-in e-mail: the new address gets a link that completes it, the old one a link that stops or undoes
//! it. The directory's key moves in the same transaction as the person's row; the old address stays taken while it
//! can be undone. Of both links only hashes are kept.

use crate::db::TenantTx;
use crate::entity::{email_change as row, user};
use crate::error::{StoreError, StoreResult};
use crate::store::directory;
use qianpu_domain::ids::{SessionId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The form of a token in the directory.
pub fn email_token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A change that was asked for.
#[derive(Clone, Debug)]
pub struct EmailChange {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub user: UserId,
    /// The session that asked; it goes on.
    pub session: SessionId,
    /// The address until then.
    pub old: String,
    /// The address to be.
    pub new: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// It was completed.
    pub done: bool,
    /// Until when it can be undone.
    pub undo_until: Timestamp,
}

fn from_model(row: row::Model) -> EmailChange {
    EmailChange {
        id: row.id,
        user: UserId(row.user_id),
        session: SessionId(row.session_id),
        old: row.old_email,
        new: row.new_email,
        created_at: Timestamp::from_micros(row.created_at),
        done: row.state == "done",
        undo_until: Timestamp::from_micros(row.undo_until),
    }
}

/// A change to be.
#[derive(Clone, Copy, Debug)]
pub struct NewEmailChange<'a> {
    /// Whose.
    pub user: UserId,
    /// The session that asks.
    pub session: SessionId,
    /// The address now.
    pub old: &'a str,
    /// The address to be, lower case.
    pub new: &'a str,
    /// Of the link that completes it.
    pub token: &'a str,
    /// Of the link that stops or undoes it.
    pub undo_token: &'a str,
    /// How long the first link works.
    pub life: Span,
    /// How long the second one does.
    pub undo_life: Span,
}

/// Adds a change; one that waited is dead. Its id.
pub async fn email_change_insert(tx: &mut TenantTx, new: &NewEmailChange<'_>) -> StoreResult<Uuid> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("revoked"))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(new.user.0))
        .filter(row::Column::State.eq("open"))
        .exec(tx.conn())
        .await?;
    let id = tx.new_id();
    let (token, undo) = (email_token_hash(new.token), email_token_hash(new.undo_token));
    directory::key_insert(tx, directory::EMAIL_CHANGE, &token, id).await?;
    directory::key_insert(tx, directory::EMAIL_UNDO, &undo, id).await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(new.user.0),
        session_id: Set(new.session.0),
        old_email: Set(new.old.to_owned()),
        new_email: Set(new.new.to_owned()),
        token_hash: Set(token),
        undo_hash: Set(undo),
        state: Set("open".to_owned()),
        expires_at: Set(tx.now().plus(new.life).micros()),
        undo_until: Set(tx.now().plus(new.undo_life).micros()),
        created_at: Set(tx.now().micros()),
        done_at: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(id)
}

/// The change that a link completes. `NotFound` when it was completed, stopped, replaced, or is too old.
pub async fn email_change_open(tx: &TenantTx, id: Uuid) -> StoreResult<EmailChange> {
    let found = row::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await?;
    found
        .filter(|found| found.state == "open" && found.expires_at > tx.now().micros())
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

/// The change that a link stops or undoes. `NotFound` when that was done, or it is too late.
pub async fn email_change_undoable(tx: &TenantTx, id: Uuid) -> StoreResult<EmailChange> {
    let found = row::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await?;
    found
        .filter(|found| found.state != "undone" && found.undo_until > tx.now().micros())
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

async fn turn(tx: &mut TenantTx, id: Uuid, from: &[&str], to: &str) -> StoreResult<()> {
    let done_at = (to == "done").then(|| tx.now().micros());
    let mut query = row::Entity::update_many().col_expr(row::Column::State, Expr::value(to));
    if done_at.is_some() {
        query = query.col_expr(row::Column::DoneAt, Expr::value(done_at));
    }
    let done = query
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::State.is_in(from.iter().copied()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

async fn set_email(tx: &mut TenantTx, id: UserId, from: &str, to: &str) -> StoreResult<()> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::Email, Expr::value(to))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .filter(user::Column::Email.eq(from))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Completes a change: takes the new address and writes it to the person. The old one stays taken by them, without
/// being a log-in. `Conflict(login_email)` when somebody else has the new one.
pub async fn email_change_complete(tx: &mut TenantTx, change: &EmailChange) -> StoreResult<()> {
    turn(tx, change.id, &["open"], "done").await?;
    if directory::key_target(tx, directory::LOGIN_EMAIL, &change.new).await? != Some(change.user.0) {
        directory::key_insert(tx, directory::LOGIN_EMAIL, &change.new, change.user.0).await?;
    }
    set_email(tx, change.user, &change.old, &change.new).await
}

/// Takes an address from the directory, when it is this person's.
async fn give_back(tx: &mut TenantTx, person: UserId, address: &str) -> StoreResult<()> {
    if directory::key_target(tx, directory::LOGIN_EMAIL, address).await? == Some(person.0) {
        directory::key_delete(tx, directory::LOGIN_EMAIL, address).await?;
    }
    Ok(())
}

/// Stops a change that waits, or sets a completed one back, and with it what was asked for since: whoever holds the
/// older link decides.
pub async fn email_change_undo(tx: &mut TenantTx, change: &EmailChange) -> StoreResult<()> {
    turn(tx, change.id, &["open", "done", "revoked"], "undone").await?;
    let since = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::UserId.eq(change.user.0))
        .filter(row::Column::CreatedAt.gte(change.created_at.micros()))
        .filter(row::Column::State.ne("undone"))
        .limit(1_000)
        .all(tx.conn())
        .await?;
    let row = user::Entity::find_by_id((tx.tenant(), change.user.0)).one(tx.conn()).await?;
    let now = row.ok_or(StoreError::NotFound)?.email;
    if now != change.old {
        set_email(tx, change.user, &now, &change.old).await?;
    }
    for later in &since {
        turn(tx, later.id, &["open", "done", "revoked"], "undone").await?;
    }
    let gone = since.iter().map(|later| later.new_email.as_str()).chain([now.as_str(), change.new.as_str()]);
    for address in gone.filter(|address| *address != change.old) {
        give_back(tx, change.user, address).await?;
    }
    Ok(())
}

/// Gives an old address free that can no longer be gone back to; nothing happens when it is the person's again.
pub async fn email_release(tx: &mut TenantTx, id: Uuid) -> StoreResult<()> {
    let found = row::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await?;
    let Some(found) = found.filter(|found| found.undo_until <= tx.now().micros()) else { return Ok(()) };
    directory::key_delete(tx, directory::EMAIL_CHANGE, &found.token_hash).await?;
    directory::key_delete(tx, directory::EMAIL_UNDO, &found.undo_hash).await?;
    let held = [found.old_email, found.new_email];
    for address in held {
        let used = user::Entity::find()
            .filter(user::Column::TenantId.eq(tx.tenant()))
            .filter(user::Column::Email.eq(address.as_str()))
            .one(tx.conn())
            .await?;
        // Another change of the same person may still lead back to it.
        let needed = row::Entity::find()
            .filter(row::Column::TenantId.eq(tx.tenant()))
            .filter(row::Column::UserId.eq(found.user_id))
            .filter(row::Column::OldEmail.eq(address.as_str()))
            .filter(row::Column::State.eq("done"))
            .filter(row::Column::UndoUntil.gt(tx.now().micros()))
            .one(tx.conn())
            .await?;
        if used.is_none() && needed.is_none() {
            give_back(tx, UserId(found.user_id), &address).await?;
        }
    }
    Ok(())
}
