//! Console sessions and API sessions with rotating refresh tokens. Only hashes of tokens are stored.

use crate::db::TenantTx;
use crate::entity::{refresh_token, session};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{SessionId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use sha2::{Digest, Sha256};

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionKind {
    /// Bearer tokens.
    Api,
    /// A console cookie.
    Console,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The token forms must carry.
    pub csrf_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was ended before.
    pub revoked: bool,
    /// Of a member: which of the home's passwords it was begun with.
    pub credentials_epoch: i64,
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn from_model(row: session::Model) -> Session {
    Session {
        id: SessionId(row.id),
        user: UserId(row.user_id),
        csrf_token: row.csrf_token,
        expires_at: Timestamp::from_micros(row.expires_at),
        revoked: row.revoked_at.is_some(),
        credentials_epoch: row.credentials_epoch,
    }
}

/// Starts a session; `token` is what the browser or client keeps.
pub async fn session_insert(
    tx: &mut TenantTx,
    user: UserId,
    kind: SessionKind,
    token: &str,
    user_agent: &str,
    life: Span,
) -> StoreResult<SessionId> {
    let id = tx.new_id();
    session::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        user_id: Set(user.0),
        kind: Set(match kind {
            SessionKind::Api => "api",
            SessionKind::Console => "console",
        }
        .to_owned()),
        token_hash: Set(hash(token)),
        csrf_token: Set(crate::random::token()),
        user_agent: Set(user_agent.chars().take(200).collect()),
        expires_at: Set(tx.now().plus(life).micros()),
        revoked_at: Set(None),
        created_at: Set(tx.now().micros()),
        credentials_epoch: Set(0),
    }
    .insert(tx.conn())
    .await?;
    Ok(SessionId(id))
}

/// Says with which of the home's passwords a member's session was begun, or that it outlives a new one.
pub async fn session_set_epoch(tx: &mut TenantTx, id: SessionId, epoch: i64) -> StoreResult<()> {
    session::Entity::update_many()
        .col_expr(session::Column::CredentialsEpoch, Expr::value(epoch))
        .filter(session::Column::TenantId.eq(tx.tenant()))
        .filter(session::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// A session by id.
pub async fn session_find(tx: &TenantTx, id: SessionId) -> StoreResult<Option<Session>> {
    Ok(session::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?.map(from_model))
}

/// A session by its token.
pub async fn session_by_token(tx: &TenantTx, token: &str) -> StoreResult<Option<Session>> {
    let row = session::Entity::find()
        .filter(session::Column::TenantId.eq(tx.tenant()))
        .filter(session::Column::TokenHash.eq(hash(token)))
        .one(tx.conn())
        .await?;
    Ok(row.map(from_model))
}

/// A session as its owner sees it.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Of a browser or of a program.
    pub kind: SessionKind,
    /// What the client calls itself.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

fn alive(tx: &TenantTx, user: UserId) -> Condition {
    Condition::all()
        .add(session::Column::TenantId.eq(tx.tenant()))
        .add(session::Column::UserId.eq(user.0))
        .add(session::Column::RevokedAt.is_null())
        .add(session::Column::ExpiresAt.gt(tx.now().micros()))
}

/// Sessions of a person that are alive, newest first; at most 100.
pub async fn session_list(tx: &TenantTx, user: UserId) -> StoreResult<Vec<SessionRow>> {
    let rows = session::Entity::find()
        .filter(alive(tx, user))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .limit(100)
        .all(tx.conn())
        .await?;
    let row = |row: session::Model| SessionRow {
        id: SessionId(row.id),
        kind: if row.kind == "console" { SessionKind::Console } else { SessionKind::Api },
        user_agent: row.user_agent,
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Ends one session of a person. `NotFound` when it is somebody else's or has ended.
pub async fn session_revoke_own(tx: &mut TenantTx, user: UserId, id: SessionId) -> StoreResult<()> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(alive(tx, user))
        .filter(session::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Ends every session of a person but one; how many.
pub async fn session_revoke_others(
    tx: &mut TenantTx,
    user: UserId,
    kept: Option<SessionId>,
) -> StoreResult<u64> {
    let mut query = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(alive(tx, user));
    if let Some(kept) = kept {
        query = query.filter(session::Column::Id.ne(kept.0));
    }
    Ok(query.exec(tx.conn()).await?.rows_affected)
}

/// Ends a session now; its refresh tokens end with it.
pub async fn session_revoke(tx: &mut TenantTx, id: SessionId) -> StoreResult<()> {
    session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(session::Column::TenantId.eq(tx.tenant()))
        .filter(session::Column::Id.eq(id.0))
        .filter(session::Column::RevokedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Adds a refresh token to a session.
pub async fn refresh_insert(
    tx: &mut TenantTx,
    session: SessionId,
    token: &str,
    life: Span,
) -> StoreResult<()> {
    refresh_token::ActiveModel {
        tenant_id: Set(tx.tenant()),
        token_hash: Set(hash(token)),
        session_id: Set(session.0),
        used_at: Set(None),
        expires_at: Set(tx.now().plus(life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// What using a refresh token came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshUse {
    /// It was good; it is spent now.
    Good(SessionId),
    /// It was spent before: somebody has a copy. End the session.
    Reused(SessionId),
}

/// Spends a refresh token. `NotFound` when it is unknown or expired.
pub async fn refresh_use(tx: &mut TenantTx, token: &str) -> StoreResult<RefreshUse> {
    let found = refresh_token::Entity::find_by_id((tx.tenant(), hash(token)))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    let session = SessionId(found.session_id);
    if found.used_at.is_none() && found.expires_at <= tx.now().micros() {
        return Err(StoreError::NotFound);
    }
    // One statement decides, so that of two parallel uses only one is good.
    let spent = refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(tx.now().micros()))
        .filter(refresh_token::Column::TenantId.eq(tx.tenant()))
        .filter(refresh_token::Column::TokenHash.eq(hash(token)))
        .filter(refresh_token::Column::UsedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(if spent.rows_affected == 1 { RefreshUse::Good(session) } else { RefreshUse::Reused(session) })
}
