//! Linked channel accounts. An account's id at the platform is taken once in the whole installation,
//! through the directory, in the same transaction as the row; it is given back when the link ends.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{channel_account, tenant};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::secrets::{Plain, Sealer};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::channel::AccountState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, ShopId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};

/// A linked account without its secrets.
#[derive(Clone, Debug)]
pub struct ChannelAccount {
    /// Its id.
    pub id: ChannelAccountId,
    /// The merchant.
    pub tenant: TenantId,
    /// The shop it sells for.
    pub shop: ShopId,
    /// The channel's slug.
    pub channel: String,
    /// Kind of account; quotas count by it.
    pub kind: String,
    /// Its id at the platform.
    pub external_id: String,
    /// The second id pushes name (`gh_…`).
    pub user_name: Option<String>,
    /// Shown name.
    pub name: String,
    /// `direct`, `authorisation_link` or `purchase`.
    pub link_mode: String,
    /// The provider's app it is linked through.
    pub app: Option<ChannelAppId>,
    /// Secret part of its own push address.
    pub hook_token: String,
    /// `json` or `xml`.
    pub push_format: String,
    /// Where it stands.
    pub state: AccountState,
    /// The platform's raw word for its state.
    pub native_state: Option<String>,
    /// Permission sets it granted.
    pub scopes: Vec<String>,
    /// JSON object: default category path, freight template, addresses of a stand-in platform.
    pub settings: serde_json::Value,
    /// Which link this is; rises when it is linked anew.
    pub generation: i64,
    /// Last failure's code.
    pub error_code: Option<String>,
    /// Last failure in plain words.
    pub error_text: Option<String>,
    /// When this link began.
    pub linked_at: Timestamp,
    /// When the last push came.
    pub last_push_at: Option<Timestamp>,
    /// When orders were last reconciled.
    pub last_reconcile_at: Option<Timestamp>,
    /// Where the reconciler goes on.
    pub reconcile_cursor: Option<String>,
    /// For guarded updates.
    pub version: i64,
    /// When it was first linked.
    pub created_at: Timestamp,
}

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

fn from_model(row: channel_account::Model) -> StoreResult<ChannelAccount> {
    Ok(ChannelAccount {
        id: ChannelAccountId(row.id),
        tenant: TenantId(row.tenant_id),
        shop: ShopId(row.shop_id),
        channel: row.channel,
        kind: row.kind,
        external_id: row.external_id,
        user_name: row.user_name,
        name: row.name,
        link_mode: row.link_mode,
        app: row.channel_app_id.map(ChannelAppId),
        hook_token: row.hook_token,
        push_format: row.push_format,
        state: AccountState::from_text(&row.state).ok_or(StoreError::Corrupt("channel_accounts.state"))?,
        native_state: row.native_state,
        scopes: serde_json::from_str(&row.scopes)
            .map_err(|_| StoreError::Corrupt("channel_accounts.scopes"))?,
        settings: serde_json::from_str(&row.settings)
            .map_err(|_| StoreError::Corrupt("channel_accounts.settings"))?,
        generation: row.generation,
        error_code: row.error_code,
        error_text: row.error_text,
        linked_at: Timestamp::from_micros(row.linked_at),
        last_push_at: row.last_push_at.map(Timestamp::from_micros),
        last_reconcile_at: row.last_reconcile_at.map(Timestamp::from_micros),
        reconcile_cursor: row.reconcile_cursor,
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

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

fn external_value(channel: &str, external_id: &str) -> String {
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

/// An account of the merchant.
pub async fn account_get(tx: &TenantTx, id: ChannelAccountId) -> StoreResult<ChannelAccount> {
    let row = channel_account::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// An account of the merchant by its id at the platform, whatever its state.
pub async fn account_by_external(
    tx: &TenantTx,
    channel: &str,
    external_id: &str,
) -> StoreResult<Option<ChannelAccount>> {
    channel_account::Entity::find()
        .filter(channel_account::Column::TenantId.eq(tx.tenant()))
        .filter(channel_account::Column::Channel.eq(channel))
        .filter(channel_account::Column::ExternalId.eq(external_id))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// Which accounts a list is about.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Only of these shops.
    pub shops: Option<Vec<ShopId>>,
    /// Only of this channel.
    pub channel: Option<String>,
    /// Only in this state.
    pub state: Option<AccountState>,
}

/// Accounts of the merchant, newest first.
pub async fn account_list(
    tx: &TenantTx,
    filter: &AccountFilter,
    page: PageRequest,
) -> StoreResult<Page<ChannelAccount>> {
    let mut query = channel_account::Entity::find().filter(channel_account::Column::TenantId.eq(tx.tenant()));
    if let Some(shops) = &filter.shops {
        query = query.filter(channel_account::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(channel) = &filter.channel {
        query = query.filter(channel_account::Column::Channel.eq(channel.as_str()));
    }
    if let Some(state) = filter.state {
        query = query.filter(channel_account::Column::State.eq(state.as_str()));
    }
    let rows = newest_first(query, channel_account::Column::CreatedAt, channel_account::Column::Id, page)
        .all(tx.conn())
        .await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |account| Cursor { at: account.created_at, id: account.id.0 }))
}

/// How many accounts are linked through one of the provider's apps.
pub async fn account_count_by_app(tx: &ProviderTx, app: ChannelAppId) -> StoreResult<u64> {
    let counted = AccountState::ALL.iter().filter(|state| state.counts()).map(|state| state.as_str());
    Ok(channel_account::Entity::find()
        .filter(channel_account::Column::ProviderId.eq(tx.provider()))
        .filter(channel_account::Column::ChannelAppId.eq(app.0))
        .filter(channel_account::Column::State.is_in(counted))
        .count(tx.conn())
        .await?)
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

/// An account of one of the provider's merchants by the second id pushes name, linked through an app.
pub async fn account_by_user_name(
    tx: &ProviderTx,
    app: ChannelAppId,
    user_name: &str,
) -> StoreResult<Option<ChannelAccount>> {
    use channel_account::Column;
    let counted = AccountState::ALL.iter().filter(|state| state.counts()).map(|state| state.as_str());
    channel_account::Entity::find()
        .filter(Column::ProviderId.eq(tx.provider()))
        .filter(Column::ChannelAppId.eq(app.0))
        .filter(Column::UserName.eq(user_name))
        .filter(Column::State.is_in(counted))
        .limit(1)
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// What may be changed on an account.
#[derive(Clone, Debug, Default)]
pub struct AccountChange<'a> {
    /// A new state. `revoked` and `closed` give the platform id back.
    pub state: Option<AccountState>,
    /// The platform's raw word.
    pub native_state: Option<&'a str>,
    /// A new name.
    pub name: Option<&'a str>,
    /// The second id pushes name.
    pub user_name: Option<&'a str>,
    /// New permission sets.
    pub scopes: Option<&'a [String]>,
    /// New settings.
    pub settings: Option<&'a serde_json::Value>,
    /// The last failure; `Some(None)` clears it.
    pub error: Option<Option<(&'a str, &'a str)>>,
    /// A new moment of linking (authorised again).
    pub linked: bool,
}

/// Saves a change if the account is still as it was read.
pub async fn account_save(
    tx: &mut TenantTx,
    was: &ChannelAccount,
    change: &AccountChange<'_>,
) -> StoreResult<()> {
    use channel_account::Column;
    let mut update = channel_account::Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1));
    if let Some(state) = change.state {
        update = update.col_expr(Column::State, Expr::value(state.as_str()));
    }
    if let Some(native) = change.native_state {
        update = update.col_expr(Column::NativeState, Expr::value(native));
    }
    if let Some(name) = change.name {
        let name: String = name.chars().take(200).collect();
        update = update.col_expr(Column::Name, Expr::value(name));
    }
    if let Some(user_name) = change.user_name {
        update = update.col_expr(Column::UserName, Expr::value(user_name));
    }
    if let Some(scopes) = change.scopes {
        let scopes = serde_json::to_string(scopes).map_err(|_| StoreError::Corrupt("scopes"))?;
        update = update.col_expr(Column::Scopes, Expr::value(scopes));
    }
    if let Some(settings) = change.settings {
        update = update.col_expr(Column::Settings, Expr::value(settings.to_string()));
    }
    if let Some(error) = change.error {
        update = update
            .col_expr(Column::ErrorCode, Expr::value(error.map(|(code, _)| code.to_owned())))
            .col_expr(Column::ErrorText, Expr::value(error.map(|(_, text)| text.to_owned())));
    }
    if change.linked {
        update = update.col_expr(Column::LinkedAt, Expr::value(tx.now().micros()));
    }
    let done = update
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(was.id.0))
        .filter(Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::VersionConflict);
    }
    if change.state.is_some_and(|state| !state.counts()) && was.state.counts() {
        let external = external_value(&was.channel, &was.external_id);
        directory::key_delete(tx, directory::EXTERNAL_ACCOUNT, &external).await?;
        directory::key_delete(tx, directory::ACCOUNT_HOOK, &was.hook_token).await?;
    }
    Ok(())
}

/// Notes that a push came. Not guarded: it says nothing about the account itself.
pub async fn account_note_push(tx: &mut TenantTx, id: ChannelAccountId) -> StoreResult<()> {
    use channel_account::Column;
    channel_account::Entity::update_many()
        .col_expr(Column::LastPushAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes how far orders are reconciled.
pub async fn account_note_reconciled(
    tx: &mut TenantTx,
    id: ChannelAccountId,
    cursor: Option<&str>,
) -> StoreResult<()> {
    use channel_account::Column;
    channel_account::Entity::update_many()
        .col_expr(Column::LastReconcileAt, Expr::value(tx.now().micros()))
        .col_expr(Column::ReconcileCursor, Expr::value(cursor.map(str::to_owned)))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
