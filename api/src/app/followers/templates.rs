//! Templates of notices that an account chose at its platform, and what followers are told of their orders by them.

use super::account_of;
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::follower_notice::{
    FieldSource, MOST_FIELDS, NoticeEvent, NoticeValue, TemplateKind, field_text,
};
use qianpu_domain::ids::{ChannelAccountId, MessageTemplateId};
use qianpu_sdk::{ErrorClass, MessageTemplate};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::message_template::{
    StoredField, StoredTemplate, ToldTemplate, template_get, template_list, templates_take,
};
use qianpu_tenants::store::order_notice::{OrderNotice, order_notice_list, order_notice_put};
use serde_json::json;
use std::collections::BTreeMap;

/// The account, if the caller may see it and notices can be sent there.
pub(super) async fn noticing_account<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_of(tx, grant, id).await?;
    let sends = qianpu_host::find(&account.channel).is_some_and(|channel| channel.templates().is_some());
    if sends { Ok(account) } else { Err(ApiError::not_found()) }
}

pub(super) const fn kind(kind: TemplateKind) -> qianpu_sdk::TemplateKind {
    match kind {
        TemplateKind::Template => qianpu_sdk::TemplateKind::Template,
        TemplateKind::Subscription => qianpu_sdk::TemplateKind::Subscription,
    }
}

/// Templates of an account and what is told by them.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
) -> Answer<(ChannelAccount, Vec<StoredTemplate>, Vec<OrderNotice>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = noticing_account(&tx, grant, account).await?;
    let templates = template_list(&tx, account.id).await?;
    let notices = order_notice_list(&tx, account.id).await?;
    Ok((account, templates, notices))
}

fn told(template: MessageTemplate) -> ToldTemplate {
    let short = |text: String| text.chars().take(1_000).collect::<String>();
    let field = |field: qianpu_sdk::TemplateField| StoredField { name: field.name, label: field.label };
    ToldTemplate {
        native_id: template.id,
        title: short(template.title),
        content: short(template.content),
        example: short(template.example),
        fields: template.fields.into_iter().take(MOST_FIELDS).map(field).collect(),
    }
}

/// Reads the templates from the platform. A kind that the account may not use has none.
pub async fn read(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
) -> Answer<(ChannelAccount, Vec<StoredTemplate>)> {
    let of = noticing_account(&*state.db.read(grant.ctx()).await?, grant, account).await?;
    let call = AccountCall::open(state, grant.ctx(), account).await?;
    let mut read = Vec::new();
    let mut barred = None;
    for own in [TemplateKind::Template, TemplateKind::Subscription] {
        let answer = call.host().message_templates(call.account_ref(), kind(own)).await;
        match answer {
            // Not every account has both; that is no reason to think that it lost its grant.
            Err(error) if error.class == ErrorClass::Reauthorise => {
                barred = Some(error);
                read.push((own, Vec::new()));
            }
            answer => read.push((own, call.settle(answer).await?.into_iter().map(told).collect())),
        }
    }
    if let Some(error) = barred
        && read.iter().all(|(_, templates)| templates.is_empty())
    {
        let words = plain_words(&error);
        return Err(ApiError::from(CallError::Channel(error)).with_detail(words));
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    for (own, templates) in &read {
        templates_take(&mut tx, account, *own, templates).await?;
    }
    let templates = template_list(&tx, account).await?;
    tx.commit().await?;
    Ok((of, templates))
}

/// A template of the account that can be used.
pub(super) async fn usable(
    tx: &TenantTx,
    account: ChannelAccountId,
    id: MessageTemplateId,
) -> Answer<StoredTemplate> {
    let template = template_get(tx, id).await?;
    if template.account != account || template.gone {
        let (en, zh) = ("the account has no such template", "该账号没有这个模板");
        return Err(FieldError::new("message_template_id", "unknown", en, zh).into());
    }
    Ok(template)
}

/// What stands in the fields of a template: exactly its own ones.
pub(super) fn only_own<T>(template: &StoredTemplate, given: &BTreeMap<String, T>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = template
        .fields
        .iter()
        .filter(|field| !given.contains_key(&field.name))
        .map(|field| FieldError::required(format!("fields.{}", field.name)))
        .collect();
    for name in given.keys().filter(|name| !template.fields.iter().any(|field| field.name == **name)) {
        let (en, zh) = ("the template has no such field", "模板没有这个字段");
        errors.push(FieldError::new(format!("fields.{name}"), "unknown", en, zh));
    }
    errors
}

/// What somebody wants followers to be told.
#[derive(Debug, Clone)]
pub struct TypedNotice {
    /// Of which event.
    pub event: String,
    /// By which template.
    pub template: MessageTemplateId,
    /// The fields: the name of a value, or a text.
    pub fields: BTreeMap<String, TypedField>,
    /// Whether it is told.
    pub active: bool,
}

/// A field of it.
#[derive(Debug, Clone, Default)]
pub struct TypedField {
    /// The name of a value.
    pub value: String,
    /// A text.
    pub text: String,
}

fn source(name: &str, typed: &TypedField) -> Result<FieldSource, FieldError> {
    let at = format!("fields.{name}");
    match (typed.value.trim(), typed.text.trim()) {
        ("", text) => field_text(&at, text).map(FieldSource::Text),
        (value, "") => NoticeValue::from_text(value).map(FieldSource::Value).ok_or_else(|| {
            let values: Vec<&str> = NoticeValue::ALL.iter().map(|value| value.as_str()).collect();
            let known = values.join(", ");
            FieldError::new(&at, "unknown", format!("one of {known}"), format!("应为以下之一：{known}"))
        }),
        _ => Err(FieldError::new(&at, "one_of", "a value or a text", "请在数据和固定文字中选一种")),
    }
}

/// Sets what followers of an account are told of an event.
pub async fn set(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    typed: &TypedNotice,
) -> Answer<OrderNotice> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    noticing_account(&tx, grant, account).await?;
    let template = usable(&tx, account, typed.template).await?;
    let mut errors = only_own(&template, &typed.fields);
    let event = NoticeEvent::from_text(&typed.event);
    if event.is_none() {
        let (en, zh) = ("paid, shipped or refunded", "应为 paid、shipped 或 refunded");
        errors.push(FieldError::new("event", "unknown", en, zh));
    }
    let mut fields = BTreeMap::new();
    for (name, typed) in &typed.fields {
        match source(name, typed) {
            Ok(source) => {
                fields.insert(name.clone(), source);
            }
            Err(error) if !errors.iter().any(|own| own.path == error.path) => errors.push(error),
            Err(_) => {}
        }
    }
    let (Some(event), true) = (event, errors.is_empty()) else { return Err(errors.into()) };
    let notice = OrderNotice {
        account,
        event,
        template: template.id,
        fields,
        active: typed.active,
        updated_at: tx.now(),
    };
    order_notice_put(&mut tx, &notice).await?;
    let detail = json!({ "event": event.as_str(), "template": template.title, "active": typed.active });
    audit_append(&mut tx, AuditAction::OrderNoticeSet, "channel_account", &account.to_string(), detail)
        .await?;
    tx.commit().await?;
    Ok(notice)
}
