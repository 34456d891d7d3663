//! Looking after linked accounts: what there is, how it fares, its settings, and ending a link.

use super::call::AccountCall;
use super::find;
use crate::app::listings::stock_lag::{self, StockLag};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::channel::{AccountEvent, next};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ShopId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::AccountProfile;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::{
    AccountChange, AccountFilter, ChannelAccount, account_get, account_list, account_save,
};
use qianpu_tenants::store::channel_app::app_get;
use qianpu_tenants::store::channel_token::{token_delete, token_expiry};
use qianpu_tenants::store::exchange_log::{Exchange, exchange_list};
use serde_json::{Value, json};

/// The setting with the id of the account's own app; only linking sets it.
pub(super) const OWN_APP_ID: &str = "own_app_id";

/// Id of the account's own app: of an account that is linked directly at a platform where an app signs every call.
pub fn own_app_id(account: &ChannelAccount) -> Option<&str> {
    account.settings[OWN_APP_ID].as_str().filter(|_| account.app.is_none())
}

/// An account with what people look at first.
#[derive(Debug, Clone)]
pub struct AccountHealth {
    /// The account.
    pub account: ChannelAccount,
    /// Where the platform pushes its events.
    pub hook_url: String,
    /// Until when the token is good; it is refreshed when it is used.
    pub token_expires_at: Option<Timestamp>,
    /// How far its quantities are behind ours.
    pub stock: StockLag,
}

pub(in crate::app) fn covered<P: Perm>(grant: &Grant<P>, account: ChannelAccount) -> Answer<ChannelAccount> {
    if grant.covers_shop(account.shop) { Ok(account) } else { Err(ApiError::not_found()) }
}

/// Accounts the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    shop: Option<ShopId>,
    page: PageRequest,
) -> Answer<Page<AccountHealth>> {
    let shops = match (shop, grant.shops()) {
        (Some(shop), _) if !grant.covers_shop(shop) => return Err(ApiError::not_found()),
        (Some(shop), _) => Some(vec![shop]),
        (None, covered) => covered,
    };
    let tx = state.db.read(grant.ctx()).await?;
    let found = account_list(&tx, &AccountFilter { shops, ..AccountFilter::default() }, page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for account in found.items {
        let token_expires_at = token_expiry(&tx, account.id.0).await?;
        items.push((account, token_expires_at));
    }
    let mut lags = stock_lag::read(&tx).await?;
    drop(tx);
    let mut shown = Vec::with_capacity(items.len());
    for (account, token_expires_at) in items {
        let hook_url = hook_url(state, grant, &account).await?;
        let stock = lags.remove(&account.id).unwrap_or_default();
        shown.push(AccountHealth { account, hook_url, token_expires_at, stock });
    }
    Ok(Page { items: shown, next: found.next })
}

/// One account.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
) -> Answer<AccountHealth> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = covered(grant, account_get(&tx, id).await?)?;
    let token_expires_at = token_expiry(&tx, id.0).await?;
    let stock = stock_lag::read(&tx).await?.remove(&id).unwrap_or_default();
    drop(tx);
    let hook_url = hook_url(state, grant, &account).await?;
    Ok(AccountHealth { account, hook_url, token_expires_at, stock })
}

/// The push address of an account: its own for a direct link, else the app's with the account's id.
pub async fn hook_url<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: &ChannelAccount,
) -> Answer<String> {
    let base = state.config.app.public_url.trim_end_matches('/');
    match account.app {
        None => Ok(format!("{base}/hooks/{}/{}", account.channel, account.hook_token)),
        Some(app) => {
            let parent = state.db.read_parent(grant.ctx()).await?;
            let app = app_get(&parent, app).await?;
            Ok(format!("{}/{}", super::apps::hook_url(state, &app), account.external_id))
        }
    }
}

/// Exchanges with the platform, newest first.
pub async fn exchanges(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<Exchange>> {
    let tx = state.db.read(grant.ctx()).await?;
    covered(grant, account_get(&tx, id).await?)?;
    Ok(exchange_list(&tx, id.0, page).await?)
}

/// What may be set on an account.
#[derive(Debug, Clone, Default)]
pub struct ChangeAccount {
    /// The channel's category ids from the top to the leaf, for products without their own.
    pub category_path: Option<Vec<String>>,
    /// The channel's freight template.
    pub freight_template_id: Option<String>,
}

/// Changes settings.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::AccountLink>,
    id: ChannelAccountId,
    seen: Option<i64>,
    command: &ChangeAccount,
) -> Answer<ChannelAccount> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = covered(grant, account_get(&tx, id).await?)?;
    if let Some(path) = &command.category_path {
        check_category_path(path)?;
    }
    if let Some(template) = &command.freight_template_id
        && !(template.is_empty() || is_channel_id(template))
    {
        let (en, zh) = ("digits only", "应为数字");
        return Err(FieldError::new("freight_template_id", "invalid", en, zh).into());
    }
    if seen.is_some_and(|seen| seen != account.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    let mut settings = account.settings.clone();
    if let Some(path) = &command.category_path {
        put(&mut settings, "category_path", json!(path));
    }
    if let Some(template) = &command.freight_template_id {
        put(&mut settings, "freight_template_id", json!(template));
    }
    let change = AccountChange { settings: Some(&settings), ..AccountChange::default() };
    account_save(&mut tx, &account, &change).await?;
    audit_append(&mut tx, AuditAction::ChannelAccountSettings, "channel_account", &id.to_string(), settings)
        .await?;
    let saved = account_get(&tx, id).await?;
    tx.commit().await?;
    Ok(saved)
}

fn put(settings: &mut Value, key: &str, value: Value) {
    if let Some(map) = settings.as_object_mut() {
        let empty = value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        if empty {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), value);
        }
    }
}

fn is_channel_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Checks the channel's category ids.
pub fn check_category_path(path: &[String]) -> Answer<()> {
    if path.len() <= 5 && path.iter().all(|id| is_channel_id(id)) {
        return Ok(());
    }
    let (en, zh) = ("up to five ids, each of digits", "最多五级类目 ID，应为数字");
    Err(FieldError::new("category_path", "invalid", en, zh).into())
}

/// The default category path of an account.
pub fn category_path(account: &ChannelAccount) -> Vec<String> {
    let list = account.settings["category_path"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// Asks the platform for the account's profile now: the button "check".
pub async fn check(
    state: &AppState,
    grant: &Grant<perm::AccountLink>,
    id: ChannelAccountId,
) -> Answer<AccountProfile> {
    let tx = state.db.read(grant.ctx()).await?;
    covered(grant, account_get(&tx, id).await?)?;
    drop(tx);
    let call = AccountCall::open_to_check(state, grant.ctx(), id).await?;
    let can = find(&call.account().channel)?.account().is_some();
    // Whoever asks wants to hear it from the platform.
    call.host().forget_call_quotas(call.account_ref());
    let answer = if can {
        call.host().profile(call.account_ref()).await
    } else {
        call.host().ready_account(call.account_ref()).await.map(|()| AccountProfile::default())
    };
    Ok(call.settle(answer).await?)
}

/// Ends a link from our side: tokens are forgotten and the account may be linked elsewhere. What was sold
/// stays. At the platform the merchant takes the grant back themselves.
pub async fn unlink(state: &AppState, grant: &Grant<perm::AccountLink>, id: ChannelAccountId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = covered(grant, account_get(&tx, id).await?)?;
    let to = next(account.state, AccountEvent::Unlinked);
    if to == account.state {
        return Err(ApiError::new(ErrorCode::ChannelAccountUnusable));
    }
    let change = AccountChange { state: Some(to), error: Some(None), ..AccountChange::default() };
    account_save(&mut tx, &account, &change).await?;
    token_delete(&mut tx, id.0).await?;
    let detail = json!({ "channel": account.channel, "external_id": account.external_id });
    audit_append(&mut tx, AuditAction::ChannelAccountUnlinked, "channel_account", &id.to_string(), detail)
        .await?;
    Ok(tx.commit().await?)
}
