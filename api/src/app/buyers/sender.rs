//! The provider's sender of text messages and its settings about buyers.

use super::codes::phone_of;
use crate::app::webhooks::url_to_call;
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::sms::{self, SECRET, Sms, SmsError, SmsSender, gateway};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::buyer_person::{linked_buyers, links_forget_all};
use qianpu_tenants::store::sms_message::{
    NewSmsMessage, SmsLimit, SmsMessage, SmsOutcome, sms_count, sms_get, sms_insert, sms_list, sms_note,
};
use qianpu_tenants::store::sms_sender::{
    BuyerSettings, NewSender, StoredSender, sender_find, sender_save, settings_find, settings_save,
};
use serde_json::json;

/// The code of a test message: it opens nothing.
const TEST_CODE: &str = "000000";
/// Of a secret, in bytes.
const LONGEST_SECRET: usize = 500;
/// Between two test messages to one phone.
const TEST_PAUSE: Span = Span::seconds(60);
/// Test messages a day to one phone; ours.
const TESTS_PER_DAY: i64 = 20;

/// What a provider fills in. An empty secret keeps the one that is stored.
#[derive(Clone, Default)]
pub struct SetSender {
    pub kind: String,
    pub active: bool,
    /// Gateway: where to.
    pub url: String,
    /// Alibaba Cloud: key, signature, template.
    pub access_key_id: String,
    pub sign_name: String,
    pub template_code: String,
    /// The gateway's secret or the key's.
    pub secret: String,
    /// The version that was seen, when the caller says so.
    pub version: Option<i64>,
}

/// The sender, when there is one.
pub async fn get(state: &AppState, grant: &Grant<perm::BuyerSettingsManage>) -> Answer<Option<StoredSender>> {
    Ok(sender_find(&*state.db.read(grant.ctx()).await?).await?)
}

fn required(name: &'static str, value: &str, most: usize, errors: &mut Vec<FieldError>) {
    if value.is_empty() {
        errors.push(FieldError::required(name));
    } else if value.chars().count() > most {
        let (en, zh) = (format!("at most {most} characters"), format!("最多 {most} 个字"));
        errors.push(FieldError::new(name, "too_long", en, zh));
    }
}

/// Sets the sender.
pub async fn set(
    state: &AppState,
    grant: &Grant<perm::BuyerSettingsManage>,
    command: &SetSender,
) -> Answer<StoredSender> {
    let was = get(state, grant).await?;
    if let (Some(seen), Some(was)) = (command.version, &was)
        && seen != was.version
    {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    let mut errors = Vec::new();
    let settings = match command.kind.as_str() {
        "gateway" => {
            let url = url_to_call(state, &command.url, &mut errors).await;
            json!({ "url": url })
        }
        "aliyun" => {
            required("access_key_id", &command.access_key_id, 100, &mut errors);
            required("sign_name", &command.sign_name, 50, &mut errors);
            required("template_code", &command.template_code, 50, &mut errors);
            json!({ "access_key_id": command.access_key_id, "sign_name": command.sign_name,
                "template_code": command.template_code })
        }
        _ => {
            errors.push(FieldError::new("kind", "unknown", "gateway or aliyun", "请选择短信通道"));
            json!({})
        }
    };
    let kept = was.as_ref().filter(|was| was.kind == command.kind).map(|was| was.secret.clone());
    let gateway = command.kind == "gateway";
    let secret = match (command.secret.as_str(), kept) {
        ("", Some(kept)) => kept,
        (given, _)
            if given.len() <= LONGEST_SECRET
                && (!gateway && !given.is_empty() || gateway::is_secret(given)) =>
        {
            state.keys.sealer.seal_text(grant.ctx(), SECRET, &Plain::from(given.to_owned()))?
        }
        _ => {
            let (en, zh) = if gateway {
                ("whsec_ and the base64 of 24 bytes or more", "须为 whsec_ 加至少 24 字节的 Base64")
            } else {
                ("1 to 500 characters", "1 至 500 个字符")
            };
            errors.push(FieldError::new("secret", "malformed", en, zh));
            Vec::new()
        }
    };
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let new = NewSender { kind: &command.kind, settings: &settings, secret, active: command.active };
    let mut tx = state.db.begin(grant.ctx()).await?;
    sender_save(&mut tx, &new, was.map(|was| was.version)).await?;
    let detail = json!({ "kind": command.kind, "active": command.active, "settings": settings });
    let id = grant.ctx().tenant().to_string();
    audit_append(&mut tx, AuditAction::SmsSenderSet, "sms_sender", &id, detail).await?;
    let saved = sender_find(&tx).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(saved)
}

/// Sends a test message now and says what came of it, in the sender's own words.
pub async fn test(
    state: &AppState,
    grant: &Grant<perm::BuyerSettingsManage>,
    phone: &str,
    lang: Lang,
) -> Answer<SmsMessage> {
    let phone = phone_of(phone)?;
    let ctx = grant.ctx();
    let sender =
        SmsSender::of(state, ctx).await?.ok_or_else(|| ApiError::new(ErrorCode::SmsNotConfigured))?;
    let text = state.pages.catalogue().say(lang, "buyers.sms_test", [("code", TEST_CODE)]);
    let message = Sms { phone: phone.reveal().to_owned(), lang, code: TEST_CODE.to_owned(), text };
    let subject = format!("test:{}", state.keys.sealer.lookup(ctx, "sms phone", phone.reveal())?);
    let limit = SmsLimit { subject, most: TESTS_PER_DAY, apart: TEST_PAUSE };
    let mut tx = state.db.begin(ctx).await?;
    if let Some(wait) = sms_count(&mut tx, &limit).await? {
        let seconds = u32::try_from(wait.as_seconds().max(1)).unwrap_or(u32::MAX);
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let new = NewSmsMessage {
        shop: None,
        kind: "test",
        payload: sms::sealed(state, ctx, &message)?,
        phone_masked: &phone.masked(),
    };
    let id = sms_insert(&mut tx, new).await?;
    tx.commit().await?;
    let outcome = sender.send(state, &message, &id.to_string()).await;
    let mut tx = state.db.begin(ctx).await?;
    match &outcome {
        Ok(remote_id) => sms_note(&mut tx, id, SmsOutcome::Sent { remote_id: remote_id.as_deref() }).await?,
        Err(SmsError::Later { code, text } | SmsError::Never { code, text }) => {
            sms_note(&mut tx, id, SmsOutcome::Failed { code, text, last: true }).await?;
        }
    }
    let noted = sms_get(&tx, id).await?;
    tx.commit().await?;
    Ok(noted)
}

/// Messages with what became of them, newest first.
pub async fn messages(
    state: &AppState,
    grant: &Grant<perm::BuyerSettingsManage>,
    page: PageRequest,
) -> Answer<Page<SmsMessage>> {
    Ok(sms_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

fn defaults(state: &AppState) -> BuyerSettings {
    BuyerSettings { person_links: false, erasure_days: state.config.buyers.erasure_days }
}

/// The provider's settings about buyers.
pub async fn settings(state: &AppState, grant: &Grant<perm::BuyerSettingsManage>) -> Answer<BuyerSettings> {
    let found = settings_find(&*state.db.read(grant.ctx()).await?).await?;
    Ok(found.unwrap_or_else(|| defaults(state)))
}

/// The settings that hold for a merchant's shop.
pub(super) async fn settings_for(state: &AppState, merchant: &TenantCtx) -> Answer<BuyerSettings> {
    let provider = resolve::provider_of(&state.db, merchant).await?;
    let found = settings_find(&*state.db.read(&provider).await?).await?;
    Ok(found.unwrap_or_else(|| defaults(state)))
}

/// How many buyers of the provider's shops are linked now.
pub async fn linked(state: &AppState, grant: &Grant<perm::BuyerSettingsManage>) -> Answer<u64> {
    Ok(linked_buyers(&*state.db.read(grant.ctx()).await?).await?)
}

/// Sets them; without a word about links they stay as they are.
pub async fn set_settings(
    state: &AppState,
    grant: &Grant<perm::BuyerSettingsManage>,
    erasure_days: i64,
    person_links: Option<bool>,
) -> Answer<BuyerSettings> {
    if !(0..=30).contains(&erasure_days) {
        return Err(
            FieldError::new("erasure_days", "out_of_range", "0 to 30", "请填写 0 至 30 的天数").into()
        );
    }
    let was = settings(state, grant).await?;
    let new = BuyerSettings { erasure_days, person_links: person_links.unwrap_or(was.person_links) };
    let mut tx = state.db.begin(grant.ctx()).await?;
    settings_save(&mut tx, new).await?;
    // Off is off at once: nothing that was joined is kept.
    let forgotten = if new.person_links { 0 } else { links_forget_all(&mut tx).await? };
    let id = grant.ctx().tenant().to_string();
    let detail = json!({ "erasure_days": erasure_days, "person_links": new.person_links,
        "links_forgotten": forgotten });
    audit_append(&mut tx, AuditAction::BuyerSettingsChanged, "buyer_settings", &id, detail).await?;
    tx.commit().await?;
    Ok(new)
}
