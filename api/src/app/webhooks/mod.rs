//! Outgoing webhooks: endpoints that a tenant registers, and what is sent to them. Where things are:
//!
//! * this file: registering, changing, pausing, rotating the secret; [`deliveries`]: the log, replay, the test;
//! * [`sign`] secrets and signatures; [`send`] the job that makes one try; [`relay`] carries a merchant's events
//!   to its provider; [`trim`] keeps the log short.

pub mod deliveries;
pub mod relay;
pub mod send;
pub mod sign;
pub mod trim;

pub use trim::TRIM_JOB;

use crate::error::{Answer, ApiError};
use crate::outside::Refusal;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::WebhookEndpointId;
use qianpu_domain::time::Span;
use qianpu_domain::webhook::{EventType, LONGEST_OVERLAP_HOURS, OVERLAP};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::webhook_delivery::delivery_give_up;
use qianpu_tenants::store::webhook_endpoint::{
    EndpointFacts, EndpointState, MOST_ENDPOINTS, Wanted, WebhookEndpoint, endpoint_count, endpoint_delete,
    endpoint_get, endpoint_insert, endpoint_list, endpoint_move, endpoint_rotate, endpoint_save,
};
use serde_json::json;
use std::time::Duration;

const LONGEST_DESCRIPTION: usize = 200;
const RESOLVE_WITHIN: Duration = Duration::from_secs(5);

/// An endpoint to be.
#[derive(Debug, Clone)]
pub struct RegisterEndpoint {
    pub url: String,
    pub description: String,
    /// Codes of types, or `*` alone.
    pub event_types: Vec<String>,
    /// For providers: events of its merchants too.
    pub merchants: bool,
}

/// What is to change; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct ChangeEndpoint {
    pub url: Option<String>,
    pub description: Option<String>,
    pub event_types: Option<Vec<String>>,
    pub merchants: Option<bool>,
}

/// An endpoint with a secret that is shown this once.
#[derive(Debug, Clone)]
pub struct WithSecret {
    pub endpoint: WebhookEndpoint,
    pub secret: Plain,
}

pub(in crate::app::webhooks) fn purpose(id: WebhookEndpointId) -> String {
    format!("webhook secret {id}")
}

/// The types that endpoints of this tenant can choose.
pub fn event_types(ctx: &TenantCtx) -> impl Iterator<Item = EventType> {
    let merchant = ctx.kind() == Surface::Merchant;
    EventType::ALL.iter().copied().filter(move |own| own.reaches(merchant))
}

/// Endpoints, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    page: PageRequest,
) -> Answer<Page<WebhookEndpoint>> {
    Ok(endpoint_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// One endpoint; somebody else's is not found.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
) -> Answer<WebhookEndpoint> {
    Ok(endpoint_get(&*state.db.read(grant.ctx()).await?, id).await?)
}

/// Registers an endpoint.
pub async fn register(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    command: &RegisterEndpoint,
) -> Answer<WithSecret> {
    let ctx = grant.ctx();
    let mut errors = Vec::new();
    let url = url_to_call(state, &command.url, &mut errors).await;
    let description = description_of(&command.description, &mut errors);
    let wanted = wanted_of(ctx, &command.event_types, &mut errors);
    check_reach(ctx, command.merchants, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(ctx).await?;
    if endpoint_count(&tx).await? >= MOST_ENDPOINTS {
        let (en, zh) =
            (format!("at most {MOST_ENDPOINTS} endpoints"), format!("最多 {MOST_ENDPOINTS} 个端点"));
        return Err(FieldError::new("url", "too_many", en, zh).into());
    }
    let id = WebhookEndpointId(tx.new_id());
    let secret = sign::new_secret();
    let sealed = state.keys.sealer.seal_text(ctx, &purpose(id), &secret)?;
    let merchants = command.merchants;
    let facts = EndpointFacts { url: &url, description: &description, wanted: &wanted, merchants };
    endpoint_insert(&mut tx, id, &facts, sealed).await?;
    trim::ensure_in(&mut tx).await?;
    note(&mut tx, AuditAction::WebhookEndpointCreated, id, json!({ "url": url })).await?;
    let endpoint = endpoint_get(&tx, id).await?;
    tx.commit().await?;
    Ok(WithSecret { endpoint, secret })
}

/// Changes an endpoint.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
    seen: Option<i64>,
    command: &ChangeEndpoint,
) -> Answer<WebhookEndpoint> {
    let ctx = grant.ctx();
    let was = get(state, grant, id).await?;
    let mut errors = Vec::new();
    let url = match &command.url {
        Some(url) => url_to_call(state, url, &mut errors).await,
        None => was.url.clone(),
    };
    let description = match &command.description {
        Some(text) => description_of(text, &mut errors),
        None => was.description.clone(),
    };
    let wanted = match &command.event_types {
        Some(types) => wanted_of(ctx, types, &mut errors),
        None => was.wanted.clone(),
    };
    let merchants = command.merchants.unwrap_or(was.merchants);
    check_reach(ctx, merchants, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(ctx).await?;
    let facts = EndpointFacts { url: &url, description: &description, wanted: &wanted, merchants };
    endpoint_save(&mut tx, id, seen.unwrap_or(was.version), &facts).await?;
    note(&mut tx, AuditAction::WebhookEndpointChanged, id, json!({ "url": url })).await?;
    let endpoint = endpoint_get(&tx, id).await?;
    tx.commit().await?;
    Ok(endpoint)
}

/// Stops sending there; what was on its way is laid aside as failed.
pub async fn pause(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
) -> Answer<WebhookEndpoint> {
    turn(state, grant, id, EndpointState::Paused).await
}

/// Sends there again, with a clean record.
pub async fn resume(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
) -> Answer<WebhookEndpoint> {
    turn(state, grant, id, EndpointState::Active).await
}

async fn turn(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
    next: EndpointState,
) -> Answer<WebhookEndpoint> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = endpoint_get(&tx, id).await?;
    if was.state == next {
        return Ok(was);
    }
    endpoint_move(&mut tx, &was, next, None).await?;
    if next == EndpointState::Paused {
        delivery_give_up(&mut tx, id, "endpoint_paused").await?;
    }
    note(&mut tx, AuditAction::WebhookEndpointChanged, id, json!({ "state": next.as_str() })).await?;
    let endpoint = endpoint_get(&tx, id).await?;
    tx.commit().await?;
    Ok(endpoint)
}

/// Gives an endpoint a new secret. The old one signs too for `overlap_hours`, a day unless asked otherwise.
pub async fn rotate(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
    overlap_hours: Option<i64>,
) -> Answer<WithSecret> {
    let overlap = match overlap_hours {
        None => OVERLAP,
        Some(hours) if (0..=LONGEST_OVERLAP_HOURS).contains(&hours) => Span::hours(hours),
        Some(_) => {
            let (en, zh) = (format!("0 to {LONGEST_OVERLAP_HOURS}"), format!("0 至 {LONGEST_OVERLAP_HOURS}"));
            return Err(FieldError::new("overlap_hours", "out_of_range", en, zh).into());
        }
    };
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = endpoint_get(&tx, id).await?;
    let secret = sign::new_secret();
    let sealed = state.keys.sealer.seal_text(grant.ctx(), &purpose(id), &secret)?;
    let until = tx.now().plus(overlap);
    endpoint_rotate(&mut tx, &was, sealed, until).await?;
    note(&mut tx, AuditAction::WebhookSecretRotated, id, json!({ "old_until": until.to_string() })).await?;
    let endpoint = endpoint_get(&tx, id).await?;
    tx.commit().await?;
    Ok(WithSecret { endpoint, secret })
}

/// Deletes an endpoint with its secrets; its log follows within a day.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::WebhookManage>,
    id: WebhookEndpointId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = endpoint_get(&tx, id).await?;
    endpoint_delete(&mut tx, id).await?;
    delivery_give_up(&mut tx, id, "endpoint_deleted").await?;
    note(&mut tx, AuditAction::WebhookEndpointDeleted, id, json!({ "url": was.url })).await?;
    Ok(tx.commit().await?)
}

pub(in crate::app::webhooks) async fn note(
    tx: &mut TenantTx,
    action: AuditAction,
    id: WebhookEndpointId,
    detail: serde_json::Value,
) -> Answer<()> {
    Ok(audit_append(tx, action, "webhook_endpoint", &id.to_string(), detail).await?)
}

/// The address, if it may be called.
pub(in crate::app) async fn url_to_call(
    state: &AppState,
    text: &str,
    errors: &mut Vec<FieldError>,
) -> String {
    let judged = match state.outside.parse(text.trim()) {
        Ok(url) => state.outside.check(&url, RESOLVE_WITHIN).await.map(|()| url.to_string()),
        Err(refusal) => Err(refusal),
    };
    judged.unwrap_or_else(|refusal| {
        let zh = match refusal {
            Refusal::Unreadable => "不是有效的网址",
            Refusal::TooLong => "网址不能超过 500 个字符",
            Refusal::Scheme => "网址须以 https:// 开头",
            Refusal::UserInfo => "网址中不能包含用户名或密码",
            Refusal::Fragment => "网址中不能包含 # 部分",
            Refusal::Port => "仅支持 443 和 8443 端口",
            Refusal::NotPublic => "该主机不是公网地址",
            Refusal::Unknown => "无法解析该域名",
        };
        errors.push(FieldError::new("url", "not_callable", refusal.to_string(), zh));
        String::new()
    })
}

fn description_of(text: &str, errors: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(char::is_control) {
        let (en, zh) = ("at most 200 characters on one line", "最多 200 个字符，不能换行");
        errors.push(FieldError::new("description", "too_long", en, zh));
    }
    text.to_owned()
}

fn wanted_of(ctx: &TenantCtx, codes: &[String], errors: &mut Vec<FieldError>) -> Wanted {
    if codes == ["*"] {
        return Wanted::All;
    }
    let merchant = ctx.kind() == Surface::Merchant;
    let mut types = Vec::new();
    for code in codes.iter().take(EventType::ALL.len() + 1) {
        match EventType::parse(code).filter(|own| own.reaches(merchant)) {
            Some(own) if types.contains(&own) => {}
            Some(own) => types.push(own),
            None => {
                let (en, zh) = ("there is no such event type", "没有这种事件类型");
                errors.push(FieldError::new("event_types", "unknown", en, zh));
                return Wanted::All;
            }
        }
    }
    if types.is_empty() {
        let (en, zh) = ("choose at least one type, or * for all", "请至少选择一种事件，或用 * 表示全部");
        errors.push(FieldError::new("event_types", "required", en, zh));
    }
    Wanted::Types(types)
}

fn check_reach(ctx: &TenantCtx, merchants: bool, errors: &mut Vec<FieldError>) {
    if merchants && ctx.kind() != Surface::Provider {
        let (en, zh) = ("only a provider has merchants", "仅服务商可以接收商家事件");
        errors.push(FieldError::new("include_merchants", "not_yours", en, zh));
    }
}

pub(in crate::app::webhooks) fn inactive() -> ApiError {
    ApiError::new(ErrorCode::WebhookInactive)
}
