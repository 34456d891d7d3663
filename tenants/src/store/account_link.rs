//! Linking an account, and the secrets of a direct link. An account's id at the platform is taken once in the whole
//! installation, through the directory, in the same transaction as the row.

use super::channel_account::account_by_external;
use crate::db::TenantTx;
use crate::entity::{channel_account, tenant};
use crate::error::{StoreError, StoreResult};
use crate::secrets::{Plain, Sealer};
use crate::store::directory;
use qianpu_domain::channel::AccountState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, ShopId};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};

/// What checks of pushes and calls of a direct link need.
#[derive(Clone, Debug)]
pub struct AccountSecrets {
    /// The account's own secret (direct link).
    pub secret: Option<Plain>,
    /// The token both sides know (direct link).
    pub push_token: Option<Plain>,
    /// The key pushes are encrypted with (direct link).
    pub aes_key: Option<Plain>,
    /// The key before it.
    pub previous_aes_key: Option<Plain>,
}

/// A link to be made, or made anew for an account that was ours before.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The channel's slug.
    pub channel: &'a str,
    /// Kind of account.
    pub kind: &'a str,
    /// Its id at the platform.
    pub external_id: &'a str,
    /// The second id pushes name.
    pub user_name: Option<&'a str>,
    /// Shown name.
    pub name: &'a str,
    /// Way of linking.
    pub link_mode: &'a str,
    /// The provider's app.
    pub app: Option<ChannelAppId>,
    /// `json` or `xml`.
    pub push_format: &'a str,
    /// Permission sets.
    pub scopes: &'a [String],
    /// JSON object.
    pub settings: &'a serde_json::Value,
    /// Secrets of a direct link.
    pub secrets: &'a AccountSecrets,
}

const SECRET: &str = "channel_account.secret";
const PUSH_TOKEN: &str = "channel_account.push_token";
const AES_KEY: &str = "channel_account.aes_key";

/// Lets one link at a time be decided in this merchant: until commit nobody else passes. On SQLite writers
/// are alone anyway.
pub async fn account_link_gate(tx: &mut TenantTx) -> StoreResult<()> {
    tenant::Entity::find_by_id(tx.tenant())
        .lock(LockType::NoKeyUpdate)
        .one(tx.conn())
        .await?
        .map(|_| ())
        .ok_or(StoreError::NotFound)
}

/// How many accounts of a kind count against a shop's quota now.
pub async fn account_count(tx: &TenantTx, shop: ShopId, kind: &str) -> StoreResult<u32> {
    let counted = AccountState::ALL.iter().filter(|state| state.counts()).map(|state| state.as_str());
    let count = channel_account::Entity::find()
        .filter(channel_account::Column::TenantId.eq(tx.tenant()))
        .filter(channel_account::Column::ShopId.eq(shop.0))
        .filter(channel_account::Column::Kind.eq(kind))
        .filter(channel_account::Column::State.is_in(counted))
        .count(tx.conn())
        .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) fn external_value(channel: &str, external_id: &str) -> String {
    format!("{channel}:{external_id}")
}

/// Links an account: a new row, or the old one with a new generation when it was ours before.
/// `Conflict(external_account)` when it is linked already, here or anywhere.
pub async fn account_link(
    tx: &mut TenantTx,
    sealer: &Sealer,
    new: &NewLink<'_>,
) -> StoreResult<ChannelAccountId> {
    let before = account_by_external(tx, new.channel, new.external_id).await?;
    let ctx = tx.ctx().clone();
    let seal = |purpose, plain: &Option<Plain>| {
        plain.as_ref().map(|plain| sealer.seal_text(&ctx, purpose, plain)).transpose()
    };
    let now = tx.now().micros();
    let id = before.as_ref().map_or_else(|| tx.new_id(), |account| account.id.0);
    let hook_token = crate::random::token();
    let scopes = serde_json::to_string(new.scopes).map_err(|_| StoreError::Corrupt("scopes"))?;
    let row = channel_account::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        shop_id: Set(new.shop.0),
        channel: Set(new.channel.to_owned()),
        kind: Set(new.kind.to_owned()),
        external_id: Set(new.external_id.to_owned()),
        user_name: Set(new.user_name.map(str::to_owned)),
        name: Set(new.name.chars().take(200).collect()),
        link_mode: Set(new.link_mode.to_owned()),
        channel_app_id: Set(new.app.map(|id| id.0)),
        hook_token: Set(hook_token.clone()),
        secret: Set(seal(SECRET, &new.secrets.secret)?),
        push_token: Set(seal(PUSH_TOKEN, &new.secrets.push_token)?),
        aes_key: Set(seal(AES_KEY, &new.secrets.aes_key)?),
        previous_aes_key: Set(seal(AES_KEY, &new.secrets.previous_aes_key)?),
        push_format: Set(new.push_format.to_owned()),
        state: Set(AccountState::Active.as_str().to_owned()),
        native_state: Set(None),
        scopes: Set(scopes),
        settings: Set(new.settings.to_string()),
        generation: Set(before.as_ref().map_or(1, |account| account.generation + 1)),
        error_code: Set(None),
        error_text: Set(None),
        linked_at: Set(now),
        last_push_at: Set(None),
        last_reconcile_at: Set(None),
        reconcile_cursor: Set(None),
        retired_at: Set(None),
        version: Set(before.as_ref().map_or(1, |account| account.version + 1)),
        created_at: Set(before.as_ref().map_or(now, |account| account.created_at.micros())),
        updated_at: Set(now),
    };
    let external = external_value(new.channel, new.external_id);
    directory::key_insert(tx, directory::EXTERNAL_ACCOUNT, &external, id).await?;
    directory::key_insert(tx, directory::ACCOUNT_HOOK, &hook_token, id).await?;
    match before {
        Some(account) => {
            directory::key_delete(tx, directory::ACCOUNT_HOOK, &account.hook_token).await?;
            row.update(tx.conn()).await?;
        }
        None => {
            row.insert(tx.conn()).await?;
        }
    }
    Ok(ChannelAccountId(id))
}

/// Opens the secrets of an account.
pub async fn account_secrets(
    tx: &TenantTx,
    sealer: &Sealer,
    id: ChannelAccountId,
) -> StoreResult<AccountSecrets> {
    let row = channel_account::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    secrets_of(tx, sealer, &row)
}

/// Opens the secrets of a row.
pub(super) fn secrets_of(
    tx: &TenantTx,
    sealer: &Sealer,
    row: &channel_account::Model,
) -> StoreResult<AccountSecrets> {
    let open = |purpose, sealed: &Option<Vec<u8>>| {
        sealed.as_deref().map(|sealed| sealer.open_text(tx.ctx(), purpose, sealed)).transpose()
    };
    Ok(AccountSecrets {
        secret: open(SECRET, &row.secret)?,
        push_token: open(PUSH_TOKEN, &row.push_token)?,
        aes_key: open(AES_KEY, &row.aes_key)?,
        previous_aes_key: open(AES_KEY, &row.previous_aes_key)?,
    })
}

/// Puts new secrets of a direct link in place. A push key that changes is kept as the one before.
pub async fn account_set_secrets(
    tx: &mut TenantTx,
    sealer: &Sealer,
    id: ChannelAccountId,
    secrets: &AccountSecrets,
    push_format: &str,
) -> StoreResult<()> {
    use channel_account::Column;
    let before = account_secrets(tx, sealer, id).await?;
    let ctx = tx.ctx().clone();
    let seal = |purpose, plain: &Option<Plain>| {
        plain.as_ref().map(|plain| sealer.seal_text(&ctx, purpose, plain)).transpose()
    };
    let previous = if before.aes_key == secrets.aes_key { before.previous_aes_key } else { before.aes_key };
    channel_account::Entity::update_many()
        .col_expr(Column::Secret, Expr::value(seal(SECRET, &secrets.secret)?))
        .col_expr(Column::PushToken, Expr::value(seal(PUSH_TOKEN, &secrets.push_token)?))
        .col_expr(Column::AesKey, Expr::value(seal(AES_KEY, &secrets.aes_key)?))
        .col_expr(Column::PreviousAesKey, Expr::value(seal(AES_KEY, &previous)?))
        .col_expr(Column::PushFormat, Expr::value(push_format))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
