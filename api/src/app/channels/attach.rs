//! The one place where an account becomes linked: rules, quota, row, directory and tokens in one transaction.

use super::accounts::OWN_APP_ID;
use super::call::back_at_work;
use super::{phases, quota};
use crate::app::money::limits;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::Limited;
use qianpu_domain::channel::AccountState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, LinkIntentId, ShopId};
use qianpu_sdk::{AccountProfile, Channel, LinkMode, PushFormat, TokenSet};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::channel_account::{
    AccountChange, AccountSecrets, ChannelAccount, NewLink, account_by_external, account_link,
    account_link_gate, account_save, account_set_secrets,
};
use qianpu_tenants::store::channel_token::token_save;
use qianpu_tenants::store::link_intent::{IntentEnd, intent_end};
use serde_json::{Value, json};

/// The job that looks for orders which were never pushed; its handler lives with the orders.
pub const RECONCILE_JOB: &str = "orders.reconcile";

/// Everything known of an account that is to be linked.
pub struct Attachment<'a> {
    pub shop: ShopId,
    pub channel: &'static dyn Channel,
    pub kind: &'a str,
    pub mode: LinkMode,
    pub app: Option<ChannelAppId>,
    /// Id of the account's own app, where a direct link has one.
    pub own_app_id: Option<&'a str>,
    pub external_id: &'a str,
    pub profile: &'a AccountProfile,
    pub tokens: Option<&'a TokenSet>,
    pub scopes: &'a [String],
    pub push_format: PushFormat,
    pub secrets: &'a AccountSecrets,
    /// The attempt that led here; it ends with the outcome.
    pub intent: Option<LinkIntentId>,
}

/// Links the account to the shop in the tenant of `ctx`, or authorises it anew when it is linked there
/// already. Refused with the rule's id when the shop does not trade or the quota is used up; the decision is
/// made inside the transaction, so that links at the same time cannot pass together.
pub async fn attach(
    state: &AppState,
    ctx: &TenantCtx,
    attachment: &Attachment<'_>,
) -> Answer<ChannelAccountId> {
    let outcome = try_attach(state, ctx, attachment).await;
    if let (Err(error), Some(intent)) = (&outcome, attachment.intent)
        && error.code().status() < 500
    {
        let mut tx = state.db.begin(ctx).await?;
        let end = IntentEnd::Refused(error.code().as_str(), error.rule());
        if intent_end(&mut tx, intent, &end).await? {
            let detail = json!({ "code": error.code().as_str(), "rule": error.rule() });
            audit_append(
                &mut tx,
                AuditAction::ChannelAccountLinkRefused,
                "link_intent",
                &intent.to_string(),
                detail,
            )
            .await?;
            tx.commit().await?;
        }
    }
    outcome
}

async fn try_attach(
    state: &AppState,
    ctx: &TenantCtx,
    attachment: &Attachment<'_>,
) -> Answer<ChannelAccountId> {
    let rules = quota::rules(state, ctx).await?;
    let slug = attachment.channel.info().slug;
    let mut tx = state.db.begin(ctx).await?;
    account_link_gate(&mut tx).await?;
    let known = account_by_external(&tx, slug, attachment.external_id).await?;
    let (id, action, decided_by) = match known.filter(|account| account.state.counts()) {
        Some(account) => {
            if account.shop != attachment.shop || account.app != attachment.app {
                return Err(ApiError::new(ErrorCode::ChannelAccountLinked));
            }
            phases::decide(&rules.phases, attachment.kind, tx.now(), true)?;
            renew(&mut tx, &account, attachment).await?;
            if attachment.mode == LinkMode::Direct {
                let format = attachment.push_format.as_str();
                let sealer = &state.channels.sealer;
                account_set_secrets(&mut tx, sealer, account.id, attachment.secrets, format).await?;
            }
            (account.id, AuditAction::ChannelAccountReauthorised, Value::Null)
        }
        None => {
            phases::decide(&rules.phases, attachment.kind, tx.now(), false)?;
            let allowed = quota::decide(&tx, attachment.shop, attachment.kind, &rules).await?;
            let allowed = allowed.map_err(|refusal| quota::refused(&refusal))?;
            limits::allow_in(&mut tx, Limited::LinkedAccounts).await?;
            let id = insert(&mut tx, state, attachment).await?;
            (id, AuditAction::ChannelAccountLinked, json!(allowed.rule.0))
        }
    };
    if let Some(tokens) = attachment.tokens {
        let access = Plain::from(tokens.access_token.value.expose().clone());
        let refresh = tokens.refresh_token.as_ref().map(|token| Plain::from(token.expose().clone()));
        let access = Some((&access, tokens.access_token.expires_at));
        token_save(&mut tx, &state.channels.sealer, id.0, access, refresh.as_ref()).await?;
    }
    if let Some(intent) = attachment.intent {
        intent_end(&mut tx, intent, &IntentEnd::Linked(id)).await?;
    }
    back_at_work(&mut tx, id, slug).await?;
    let detail = json!({
        "channel": slug, "kind": attachment.kind, "external_id": attachment.external_id,
        "mode": attachment.mode.as_str(), "rule": decided_by,
    });
    audit_append(&mut tx, action, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(id)
}

async fn insert(
    tx: &mut TenantTx,
    state: &AppState,
    attachment: &Attachment<'_>,
) -> Answer<ChannelAccountId> {
    let profile = attachment.profile;
    let link = NewLink {
        shop: attachment.shop,
        channel: attachment.channel.info().slug,
        kind: attachment.kind,
        external_id: attachment.external_id,
        user_name: profile.user_name.as_deref(),
        name: profile.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(attachment.external_id),
        link_mode: attachment.mode.as_str(),
        app: attachment.app,
        push_format: attachment.push_format.as_str(),
        scopes: attachment.scopes,
        settings: &with_own_app(json!({}), attachment),
        secrets: attachment.secrets,
    };
    account_link(tx, &state.channels.sealer, &link).await.map_err(|error| match error {
        StoreError::Conflict("external_account") => ApiError::new(ErrorCode::ChannelAccountLinked),
        other => other.into(),
    })
}

/// Settings of an account with the id of its own app.
fn with_own_app(mut settings: Value, attachment: &Attachment<'_>) -> Value {
    if let (Some(map), Some(id)) = (settings.as_object_mut(), attachment.own_app_id) {
        map.insert(OWN_APP_ID.to_owned(), json!(id));
    }
    settings
}

async fn renew(tx: &mut TenantTx, account: &ChannelAccount, attachment: &Attachment<'_>) -> Answer<()> {
    let settings = with_own_app(account.settings.clone(), attachment);
    let change = AccountChange {
        settings: Some(&settings),
        state: Some(AccountState::Active),
        native_state: attachment.profile.native_state.as_deref(),
        name: attachment.profile.name.as_deref().filter(|name| !name.is_empty()),
        user_name: attachment.profile.user_name.as_deref(),
        scopes: Some(attachment.scopes),
        error: Some(None),
        linked: true,
    };
    Ok(account_save(tx, account, &change).await?)
}
