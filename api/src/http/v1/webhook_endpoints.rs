//! `/webhook_endpoints`: where the tenant is told of events, the log of what was sent, and sending again.

use crate::app::webhooks::{self, ChangeEndpoint, RegisterEndpoint, WithSecret, deliveries};
use crate::error::Answer;
use crate::http::describe::{Accepted, Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{EventId, WebhookDeliveryId, WebhookEndpointId};
use qianpu_domain::webhook::{EventType, Origin};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::webhook_delivery::{WebhookAttempt, WebhookDelivery};
use qianpu_tenants::store::webhook_endpoint::{Wanted, WebhookEndpoint};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let one = "/webhook_endpoints/{webhook_endpoint_id}";
    api.get("/webhook_event_types", list_webhook_event_types, "Types of events that endpoints can choose");
    api.post(
        "/webhook_endpoints",
        register_webhook_endpoint,
        "Register an endpoint; its secret is shown once",
    );
    api.get("/webhook_endpoints", list_webhook_endpoints, "Endpoints, newest first");
    api.get(one, get_webhook_endpoint, "One endpoint; its secret is never shown again");
    api.patch(one, change_webhook_endpoint, "Change address, description or event types");
    api.delete(one, delete_webhook_endpoint, "Delete an endpoint and its log");
    let at = |rest: &str| format!("{one}/{rest}");
    api.post(&at("pause"), pause_webhook_endpoint, "Send nothing there until it is resumed");
    api.post(
        &at("resume"),
        resume_webhook_endpoint,
        "Send there again, after a pause or when it was disabled",
    );
    api.post(
        &at("rotate_secret"),
        rotate_webhook_secret,
        "Make a new secret; the old one signs too for a while",
    );
    api.post(&at("test"), test_webhook_endpoint, "Send a test event there");
    api.post(&at("replay_failed"), replay_failed_deliveries, "Send failed deliveries since a time again");
    api.get(&at("deliveries"), list_webhook_deliveries, "What was sent there, newest first");
    api.get(&at("deliveries/{webhook_delivery_id}"), get_webhook_delivery, "One delivery with its tries");
    api.post(
        &at("deliveries/{webhook_delivery_id}/replay"),
        replay_webhook_delivery,
        "Send a delivery again, with the same webhook-id",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookEventTypeView {
    /// Goes out as `type`.
    code: &'static str,
    description: &'static str,
    /// Whether a provider gets it of its merchants, when its endpoint includes them.
    of_merchants: bool,
}

async fn list_webhook_event_types(
    auth: Authed<perm::WebhookManage>,
) -> Answer<Json<Page<WebhookEventTypeView>>> {
    let lang = auth.info.lang;
    let view = |own: EventType| WebhookEventTypeView {
        code: own.as_str(),
        description: lang.pick(own.text_zh(), own.text_en()),
        of_merchants: own.origin() == Origin::MerchantAndProvider,
    };
    let items = webhooks::event_types(auth.grant.ctx()).map(view).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookEndpointView {
    #[schema(value_type = String)]
    id: Id<WebhookEndpointId>,
    url: String,
    description: String,
    /// Codes of types, or `*` for all, those of later releases too.
    event_types: Vec<&'static str>,
    /// Whether events of the provider's merchants are sent too.
    include_merchants: bool,
    /// `active`, `paused`, or `disabled` because nobody answered.
    state: &'static str,
    /// `gone` (410) or `failing` (for five days), when it is disabled.
    disabled_for: Option<String>,
    /// Since when no try went well.
    #[schema(value_type = Option<String>)]
    failing_since: Option<Time>,
    /// Until when the secret before this one signs too.
    #[schema(value_type = Option<String>)]
    old_secret_until: Option<Time>,
    /// The last good answer.
    #[schema(value_type = Option<String>)]
    delivered_at: Option<Time>,
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

fn view(row: WebhookEndpoint) -> WebhookEndpointView {
    WebhookEndpointView {
        id: Id(row.id),
        url: row.url,
        description: row.description,
        event_types: match &row.wanted {
            Wanted::All => vec!["*"],
            Wanted::Types(types) => types.iter().map(|own| own.as_str()).collect(),
        },
        include_merchants: row.merchants,
        state: row.state.as_str(),
        disabled_for: row.disabled_for,
        failing_since: row.failing_since.map(Time),
        old_secret_until: row.old_secret.map(|(_, until)| Time(until)),
        delivered_at: row.delivered_at.map(Time),
        version: row.version,
        created_at: Time(row.created_at),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookSecretView {
    /// `whsec_` and base64; shown this once.
    secret: String,
    endpoint: WebhookEndpointView,
}

fn with_secret(made: WithSecret) -> WebhookSecretView {
    WebhookSecretView { secret: made.secret.into_inner(), endpoint: view(made.endpoint) }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterWebhookEndpointBody {
    /// `https://…`, of a public host.
    url: String,
    #[serde(default)]
    description: String,
    /// Codes of types, or `["*"]`.
    event_types: Vec<String>,
    /// For providers: events of its merchants too.
    #[serde(default)]
    include_merchants: bool,
}

async fn register_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Json<RegisterWebhookEndpointBody>>,
) -> Answer<Created<WebhookSecretView>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let command = RegisterEndpoint {
        url: body.url,
        description: body.description,
        event_types: body.event_types,
        merchants: body.include_merchants,
    };
    Ok(Created(with_secret(webhooks::register(&call.state, &grant, &command).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListEndpointsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_webhook_endpoints(
    auth: Authed<perm::WebhookManage, Query<ListEndpointsQuery>>,
) -> Answer<Json<Page<WebhookEndpointView>>> {
    let page = page_request(auth.input.0.limit, auth.input.0.cursor.as_deref())?;
    Ok(Json(Page::of(webhooks::list(&auth.state, &auth.grant, page).await?, view)))
}

fn versioned(endpoint: WebhookEndpoint) -> Versioned<WebhookEndpointView> {
    Versioned { version: endpoint.version, body: view(endpoint) }
}

async fn get_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Path<WebhookEndpointId>>,
) -> Answer<Versioned<WebhookEndpointView>> {
    Ok(versioned(webhooks::get(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeWebhookEndpointBody {
    url: Option<String>,
    description: Option<String>,
    /// Codes of types, or `["*"]`.
    event_types: Option<Vec<String>>,
    include_merchants: Option<bool>,
}

async fn change_webhook_endpoint(
    auth: Authed<perm::WebhookManage, (Path<WebhookEndpointId>, IfMatch, Json<ChangeWebhookEndpointBody>)>,
) -> Answer<Versioned<WebhookEndpointView>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), Json(body)), .. } = auth;
    let command = ChangeEndpoint {
        url: body.url,
        description: body.description,
        event_types: body.event_types,
        merchants: body.include_merchants,
    };
    Ok(versioned(webhooks::change(&call.state, &grant, id, seen, &command).await?))
}

async fn delete_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Path<WebhookEndpointId>>,
) -> Answer<NoContent> {
    webhooks::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

async fn pause_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Path<WebhookEndpointId>>,
) -> Answer<Versioned<WebhookEndpointView>> {
    Ok(versioned(webhooks::pause(&auth.state, &auth.grant, auth.input.0).await?))
}

async fn resume_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Path<WebhookEndpointId>>,
) -> Answer<Versioned<WebhookEndpointView>> {
    Ok(versioned(webhooks::resume(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateWebhookSecretBody {
    /// How long the old secret signs too; 24 unless said, at most 168, 0 for not at all.
    #[serde(default)]
    overlap_hours: Option<i64>,
}

async fn rotate_webhook_secret(
    auth: Authed<perm::WebhookManage, (Path<WebhookEndpointId>, Json<RotateWebhookSecretBody>)>,
) -> Answer<Json<WebhookSecretView>> {
    let (Path(id), Json(body)) = &auth.input;
    let made = webhooks::rotate(&auth.state, &auth.grant, *id, body.overlap_hours).await?;
    Ok(Json(with_secret(made)))
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookDeliveryView {
    #[schema(value_type = String)]
    id: Id<WebhookDeliveryId>,
    /// Goes out as `webhook-id`, the same for every try.
    #[schema(value_type = String)]
    event_id: Id<EventId>,
    event_type: String,
    /// What it happened to.
    subject: String,
    /// `pending`, `delivered` or `failed`.
    state: String,
    /// Tries since it was last sent off.
    attempt: i64,
    #[schema(value_type = Option<String>)]
    next_at: Option<Time>,
    last_status: Option<i64>,
    /// A word for why the last try failed.
    last_error: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
}

fn delivery_view(row: WebhookDelivery) -> WebhookDeliveryView {
    WebhookDeliveryView {
        id: Id(row.id),
        event_id: Id(row.event),
        event_type: row.event_type,
        subject: row.subject,
        state: row.state,
        attempt: row.attempt,
        next_at: row.next_at.map(Time),
        last_status: row.last_status,
        last_error: row.last_error,
        created_at: Time(row.created_at),
    }
}

async fn test_webhook_endpoint(
    auth: Authed<perm::WebhookManage, Path<WebhookEndpointId>>,
) -> Answer<Accepted<WebhookDeliveryView>> {
    Ok(Accepted(delivery_view(deliveries::test(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayFailedBody {
    /// Deliveries made at this time or later.
    #[schema(value_type = String, example = "2026-01-01T00:00:00Z")]
    since: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReplayedView {
    /// How many were sent off.
    count: u64,
    /// Whether there are more than one call takes; call again.
    more: bool,
}

async fn replay_failed_deliveries(
    auth: Authed<perm::WebhookManage, (Path<WebhookEndpointId>, Json<ReplayFailedBody>)>,
) -> Answer<Accepted<ReplayedView>> {
    let (Path(id), Json(body)) = &auth.input;
    let done = deliveries::replay_failed(&auth.state, &auth.grant, *id, body.since.0).await?;
    Ok(Accepted(ReplayedView { count: done.count, more: done.more }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListDeliveriesQuery {
    /// `pending`, `delivered` or `failed`.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_webhook_deliveries(
    auth: Authed<perm::WebhookManage, (Path<WebhookEndpointId>, Query<ListDeliveriesQuery>)>,
) -> Answer<Json<Page<WebhookDeliveryView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = deliveries::list(&auth.state, &auth.grant, *id, query.state.as_deref(), page).await?;
    Ok(Json(Page::of(found, delivery_view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookAttemptView {
    status: Option<i64>,
    /// A word for why it failed.
    error: Option<String>,
    /// The first kilobyte of the answer.
    answer: String,
    took_ms: i64,
    #[schema(value_type = String)]
    at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct WebhookDeliveryWithAttempts {
    delivery: WebhookDeliveryView,
    /// The body as it is sent.
    payload: String,
    /// Newest first.
    attempts: Vec<WebhookAttemptView>,
}

async fn get_webhook_delivery(
    auth: Authed<perm::WebhookManage, Path2<WebhookEndpointId, WebhookDeliveryId>>,
) -> Answer<Json<WebhookDeliveryWithAttempts>> {
    let Path2(endpoint, id) = auth.input;
    let (delivery, attempts) = deliveries::get(&auth.state, &auth.grant, endpoint, id).await?;
    let attempt = |row: WebhookAttempt| WebhookAttemptView {
        status: row.status,
        error: row.error,
        answer: row.answer,
        took_ms: row.took.as_micros() / 1000,
        at: Time(row.at),
    };
    Ok(Json(WebhookDeliveryWithAttempts {
        payload: delivery.payload.clone(),
        delivery: delivery_view(delivery),
        attempts: attempts.into_iter().map(attempt).collect(),
    }))
}

async fn replay_webhook_delivery(
    auth: Authed<perm::WebhookManage, Path2<WebhookEndpointId, WebhookDeliveryId>>,
) -> Answer<Accepted<WebhookDeliveryView>> {
    let Path2(endpoint, id) = auth.input;
    Ok(Accepted(delivery_view(deliveries::replay(&auth.state, &auth.grant, endpoint, id).await?)))
}
