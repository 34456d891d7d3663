//! Tokens of channel accounts and channel apps, sealed. Invariant: a new refresh token is committed before
//! the access token that came with it is used, so a crash between the two loses nothing.

use crate::db::TenantTx;
use crate::entity::channel_token;
use crate::error::{StoreError, StoreResult};
use crate::secrets::{Plain, Sealer};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

const ACCESS: &str = "channel_token.access";
const REFRESH: &str = "channel_token.refresh";

/// The tokens of one account or app.
#[derive(Clone, Debug)]
pub struct ChannelTokens {
    /// Access token and its end.
    pub access: Option<(Plain, Timestamp)>,
    /// Refresh token.
    pub refresh: Option<Plain>,
    /// Rises with every change.
    pub version: i64,
}

/// The tokens of an account or app of the tenant; `None` before the first.
pub async fn token_find(tx: &TenantTx, sealer: &Sealer, owner: Uuid) -> StoreResult<Option<ChannelTokens>> {
    let Some(row) = channel_token::Entity::find_by_id((tx.tenant(), owner)).one(tx.conn()).await? else {
        return Ok(None);
    };
    let open = |purpose, sealed: &[u8]| sealer.open_text(tx.ctx(), purpose, sealed);
    let access = row.access_token.as_deref().map(|sealed| open(ACCESS, sealed)).transpose()?;
    Ok(Some(ChannelTokens {
        access: access.zip(row.access_expires_at.map(Timestamp::from_micros)),
        refresh: row.refresh_token.as_deref().map(|sealed| open(REFRESH, sealed)).transpose()?,
        version: row.version,
    }))
}

/// When the access token ends, for the health of an account; nothing is opened.
pub async fn token_expiry(tx: &TenantTx, owner: Uuid) -> StoreResult<Option<Timestamp>> {
    let row = channel_token::Entity::find_by_id((tx.tenant(), owner)).one(tx.conn()).await?;
    Ok(row.and_then(|row| row.access_expires_at).map(Timestamp::from_micros))
}

/// Puts a new set in place. Without a refresh token the one that is there stays.
pub async fn token_save(
    tx: &mut TenantTx,
    sealer: &Sealer,
    owner: Uuid,
    access: Option<(&Plain, Timestamp)>,
    refresh: Option<&Plain>,
) -> StoreResult<()> {
    let ctx = tx.ctx().clone();
    let sealed_access = access.map(|(token, _)| sealer.seal_text(&ctx, ACCESS, token)).transpose()?;
    let sealed_refresh = refresh.map(|token| sealer.seal_text(&ctx, REFRESH, token)).transpose()?;
    let ends = access.map(|(_, at)| at.micros());
    let now = tx.now().micros();
    let mut update = channel_token::Entity::update_many()
        .col_expr(channel_token::Column::AccessToken, Expr::value(sealed_access.clone()))
        .col_expr(channel_token::Column::AccessExpiresAt, Expr::value(ends))
        .col_expr(channel_token::Column::Version, Expr::col(channel_token::Column::Version).add(1))
        .col_expr(channel_token::Column::UpdatedAt, Expr::value(now));
    if let Some(sealed) = &sealed_refresh {
        update = update.col_expr(channel_token::Column::RefreshToken, Expr::value(sealed.clone()));
    }
    let done = update
        .filter(channel_token::Column::TenantId.eq(tx.tenant()))
        .filter(channel_token::Column::OwnerId.eq(owner))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let row = channel_token::ActiveModel {
        tenant_id: Set(tx.tenant()),
        owner_id: Set(owner),
        access_token: Set(sealed_access),
        access_expires_at: Set(ends),
        refresh_token: Set(sealed_refresh),
        version: Set(1),
        updated_at: Set(now),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let rows =
        channel_token::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    // Two first sets at once: the transaction may be tried again and will then update.
    if rows == 1 { Ok(()) } else { Err(StoreError::Busy("tokens were saved meanwhile".to_owned())) }
}

/// Forgets all tokens of an account or app.
pub async fn token_delete(tx: &mut TenantTx, owner: Uuid) -> StoreResult<()> {
    channel_token::Entity::delete_many()
        .filter(channel_token::Column::TenantId.eq(tx.tenant()))
        .filter(channel_token::Column::OwnerId.eq(owner))
        .exec(tx.conn())
        .await?;
    Ok(())
}
