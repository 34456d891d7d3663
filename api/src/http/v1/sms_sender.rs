//! `/sms_sender`, `/sms_messages` and `/buyer_settings`: what a provider decides about its shops' buyers.

use crate::app::buyers::sender::{self, SetSender};
use crate::error::Answer;
use crate::http::extract::{Authed, IfMatch, Json, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{ShopId, SmsMessageId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::sms_message::SmsMessage;
use qianpu_tenants::store::sms_sender::{BuyerSettings, StoredSender};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/sms_sender", get_sms_sender, "The sender of text messages; never its secret");
    api.put("/sms_sender", set_sms_sender, "Set the sender; without a secret the stored one stays");
    api.post("/sms_sender/test", test_sms_sender, "Send a test message now, and hear what came of it");
    api.get("/sms_messages", list_sms_messages, "Text messages with what became of them, newest first");
    api.get("/buyer_settings", get_buyer_settings, "Settings about buyers");
    api.put("/buyer_settings", set_buyer_settings, "Change the settings about buyers");
}

#[derive(Debug, Serialize, ToSchema)]
struct SmsSenderView {
    /// `gateway`, `aliyun`, or null when there is none.
    kind: Option<String>,
    /// Whether messages are sent by it.
    active: bool,
    url: Option<String>,
    access_key_id: Option<String>,
    sign_name: Option<String>,
    template_code: Option<String>,
    /// Whether a secret is stored; it is never shown.
    has_secret: bool,
    version: Option<i64>,
    updated_at: Option<Time>,
}

fn sender_view(stored: Option<StoredSender>) -> SmsSenderView {
    let text = |name: &str| {
        let settings = stored.as_ref().map(|stored| &stored.settings)?;
        settings[name].as_str().map(str::to_owned)
    };
    SmsSenderView {
        url: text("url"),
        access_key_id: text("access_key_id"),
        sign_name: text("sign_name"),
        template_code: text("template_code"),
        has_secret: stored.is_some(),
        active: stored.as_ref().is_some_and(|stored| stored.active),
        version: stored.as_ref().map(|stored| stored.version),
        updated_at: stored.as_ref().map(|stored| Time(stored.updated_at)),
        kind: stored.map(|stored| stored.kind),
    }
}

async fn get_sms_sender(auth: Authed<perm::BuyerSettingsManage>) -> Answer<Json<SmsSenderView>> {
    Ok(Json(sender_view(sender::get(&auth.state, &auth.grant).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetSmsSenderBody {
    /// `gateway` or `aliyun`.
    #[schema(example = "gateway")]
    kind: String,
    active: bool,
    /// Gateway: a public https address.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    access_key_id: Option<String>,
    /// The approved signature 短信签名.
    #[serde(default)]
    sign_name: Option<String>,
    /// The approved template, with the one variable `code`.
    #[serde(default)]
    template_code: Option<String>,
    /// The gateway's secret (`whsec_` and the base64 of 24 bytes or more) or the access key's. Left out, the stored one
    /// stays.
    #[serde(default)]
    secret: Option<String>,
}

async fn set_sms_sender(
    auth: Authed<perm::BuyerSettingsManage, (IfMatch, Json<SetSmsSenderBody>)>,
) -> Answer<Json<SmsSenderView>> {
    let (IfMatch(version), Json(body)) = &auth.input;
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let command = SetSender {
        kind: body.kind.clone(),
        active: body.active,
        url: text(&body.url),
        access_key_id: text(&body.access_key_id),
        sign_name: text(&body.sign_name),
        template_code: text(&body.template_code),
        secret: body.secret.clone().unwrap_or_default(),
        version: *version,
    };
    Ok(Json(sender_view(Some(sender::set(&auth.state, &auth.grant, &command).await?))))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestSmsBody {
    phone: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct SmsMessageView {
    #[schema(value_type = String)]
    id: Id<SmsMessageId>,
    /// `code` or `test`.
    kind: String,
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    phone_masked: String,
    /// `queued`, `sent` or `failed`.
    state: String,
    /// The sender's code and words.
    error_code: Option<String>,
    error_text: Option<String>,
    /// The sender's id of the message.
    remote_id: Option<String>,
    sent_at: Option<Time>,
    created_at: Time,
}

fn message_view(message: SmsMessage) -> SmsMessageView {
    SmsMessageView {
        id: Id(message.id),
        kind: message.kind,
        merchant_id: message.merchant.map(Id),
        shop_id: message.shop.map(Id),
        phone_masked: message.phone_masked,
        state: message.state,
        error_code: message.error_code,
        error_text: message.error_text,
        remote_id: message.remote_id,
        sent_at: message.sent_at.map(Time),
        created_at: Time(message.created_at),
    }
}

async fn test_sms_sender(
    auth: Authed<perm::BuyerSettingsManage, Json<TestSmsBody>>,
) -> Answer<Json<SmsMessageView>> {
    let phone = &auth.input.0.phone;
    Ok(Json(message_view(sender::test(&auth.state, &auth.grant, phone, auth.info.lang).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListSmsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_sms_messages(
    auth: Authed<perm::BuyerSettingsManage, Query<ListSmsQuery>>,
) -> Answer<Json<Page<SmsMessageView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(sender::messages(&auth.state, &auth.grant, page).await?, message_view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerSettingsView {
    /// Days between the request to erase personal data and its erasure, 0 to 30.
    erasure_days: i64,
    /// Whether the same person's rows in the provider's shops are linked.
    person_links: bool,
    /// How many buyers are linked now.
    linked_buyers: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BuyerSettingsBody {
    /// Days between the request to erase personal data and its erasure, 0 to 30.
    #[schema(minimum = 0, maximum = 30)]
    erasure_days: i64,
    /// Whether the same person's rows in the provider's shops are linked; left out, it stays. Off forgets all links.
    #[serde(default)]
    person_links: Option<bool>,
}

async fn settings_view<T>(
    auth: &Authed<perm::BuyerSettingsManage, T>,
    found: BuyerSettings,
) -> Answer<Json<BuyerSettingsView>> {
    Ok(Json(BuyerSettingsView {
        erasure_days: found.erasure_days,
        person_links: found.person_links,
        linked_buyers: sender::linked(&auth.state, &auth.grant).await?,
    }))
}

async fn get_buyer_settings(auth: Authed<perm::BuyerSettingsManage>) -> Answer<Json<BuyerSettingsView>> {
    let found = sender::settings(&auth.state, &auth.grant).await?;
    settings_view(&auth, found).await
}

async fn set_buyer_settings(
    auth: Authed<perm::BuyerSettingsManage, Json<BuyerSettingsBody>>,
) -> Answer<Json<BuyerSettingsView>> {
    let body = &auth.input.0;
    let saved = sender::set_settings(&auth.state, &auth.grant, body.erasure_days, body.person_links).await?;
    settings_view(&auth, saved).await
}
