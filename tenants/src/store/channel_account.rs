//! Linked channel accounts. An account's id at the platform is taken once in the whole installation,
//! through the directory, in the same transaction as the row; it is given back when the link ends.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::channel_account;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::account_link::external_value;
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::channel::AccountState;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, ShopId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

pub use super::account_link::{
    AccountSecrets, NewLink, account_count, account_link, account_link_gate, account_secrets,
    account_set_secrets,
};
pub use super::account_push::{PushAccount, PushProof, push_account, push_accounts_now};

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

pub(super) fn from_model(row: channel_account::Model) -> StoreResult<ChannelAccount> {
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
        state: match AccountState::from_text(&row.state) {
            Some(state) if state.counts() && row.retired_at.is_some() => AccountState::Retired,
            Some(state) => state,
            None => return Err(StoreError::Corrupt("channel_accounts.state")),
        },
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
    match filter.state {
        None => {}
        Some(AccountState::Retired) => {
            let counted = AccountState::ALL.iter().filter(|state| state.counts()).map(|state| state.as_str());
            query = query
                .filter(channel_account::Column::RetiredAt.is_not_null())
                .filter(channel_account::Column::State.is_in(counted));
        }
        Some(state) if state.counts() => {
            query = query
                .filter(channel_account::Column::RetiredAt.is_null())
                .filter(channel_account::Column::State.eq(state.as_str()));
        }
        Some(state) => query = query.filter(channel_account::Column::State.eq(state.as_str())),
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

/// Retires an account whose kind is switched off, or brings it back to the state it had. False when it is so already.
pub async fn account_retire(tx: &mut TenantTx, id: ChannelAccountId, retired: bool) -> StoreResult<bool> {
    use channel_account::Column;
    let was = if retired { Column::RetiredAt.is_null() } else { Column::RetiredAt.is_not_null() };
    let at = retired.then(|| tx.now().micros());
    let done = channel_account::Entity::update_many()
        .col_expr(Column::RetiredAt, Expr::value(at))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(was)
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// How exactly the moment of the last push is kept. More often it would only be written for its own sake, and pushes of
/// one account would wait for each other.
const LAST_PUSH_GRAIN: Span = Span::seconds(10);

/// Notes that a push came. Not guarded: it says nothing about the account itself.
pub async fn account_note_push(tx: &mut TenantTx, account: &ChannelAccount) -> StoreResult<()> {
    use channel_account::Column;
    if account.last_push_at.is_some_and(|at| at > tx.now().minus(LAST_PUSH_GRAIN)) {
        return Ok(());
    }
    channel_account::Entity::update_many()
        .col_expr(Column::LastPushAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(account.id.0))
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
