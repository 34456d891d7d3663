//! The furniture of a linked shop: [`freight`] templates and [`addresses`], read and written at the platform, and which
//! of them products are published with.

pub mod addresses;
pub mod freight;

use crate::app::channels::call::{CallError, plain_words};
use crate::error::{Answer, ApiError};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::ErrorClass;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::{AccountChange, ChannelAccount, account_get, account_save};
use serde_json::json;

use crate::state::AppState;

/// The setting that names the freight template products are published with.
pub const FREIGHT: &str = "freight_template_id";
/// The setting that names the address goods come back to.
pub const RETURN: &str = "return_address_id";

/// The account, if the caller may see it and its shop has furniture.
pub async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    let has = qianpu_host::find(&account.channel).is_some_and(|channel| channel.shop_desk().is_some());
    if grant.covers_shop(account.shop) && has { Ok(account) } else { Err(ApiError::not_found()) }
}

/// A refusal of the platform that names fields stands at these fields.
fn refused(error: CallError) -> ApiError {
    let CallError::Channel(channel) = &error else { return error.into() };
    let ErrorClass::FixRequest { fields } = &channel.class else { return error.into() };
    if channel.remote.is_some() || fields.is_empty() {
        let words = plain_words(channel);
        return FieldError::new("", "refused_by_platform", words.clone(), words).into();
    }
    // Plugins name the fields of the forms.
    let field = |one: &qianpu_sdk::FieldError| {
        let code = if one.code == "taken" { "taken" } else { "refused_by_platform" };
        FieldError::new(one.path.clone(), code, one.message.clone(), one.message.clone())
    };
    fields.iter().map(field).collect::<Vec<_>>().into()
}

/// What was chosen, of an account.
pub fn chosen(account: &ChannelAccount, setting: &str) -> Option<String> {
    account.settings[setting].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Notes a choice among the account's settings; none takes it back.
async fn choose(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    setting: &str,
    wanted: Option<&str>,
) -> Answer<ChannelAccount> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let mut settings = account.settings.clone();
    let map = settings.as_object_mut().ok_or_else(|| ApiError::new(ErrorCode::Internal))?;
    match wanted {
        Some(wanted) => map.insert(setting.to_owned(), json!(wanted)),
        None => map.remove(setting),
    };
    if settings != account.settings {
        let change = AccountChange { settings: Some(&settings), ..AccountChange::default() };
        account_save(&mut tx, &account, &change).await?;
        let subject = id.to_string();
        audit_append(&mut tx, AuditAction::ChannelAccountSettings, "channel_account", &subject, settings)
            .await?;
    }
    let saved = account_get(&tx, id).await?;
    tx.commit().await?;
    Ok(saved)
}

/// What cannot be chosen because the platform does not have it.
fn unknown(path: &str) -> ApiError {
    FieldError::new(path, "unknown", "the platform does not have it", "平台上没有这一项，请重新选择").into()
}
