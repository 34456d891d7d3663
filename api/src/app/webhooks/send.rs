//! `webhooks.deliver`: makes one try at a delivery, with no transaction open meanwhile, and writes down how it went.
//! A process that dies after sending and before that sends again, with the same `webhook-id`.

use super::{note, purpose, sign};
use crate::app::notices;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult};
use crate::outside::{self, Bounds};
use crate::state::AppState;
use actix_web::http::header::HttpDate;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::WebhookDeliveryId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_domain::webhook::{EventType, Outcome, given_up, outcome, pause_after};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, job_finish};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::random;
use qianpu_tenants::store::webhook_delivery::{
    NewAttempt, WebhookDelivery, delivery_enqueue, delivery_get, delivery_give_up, delivery_note,
};
use qianpu_tenants::store::webhook_endpoint::{
    EndpointState, WebhookEndpoint, endpoint_get, endpoint_move, endpoint_note,
};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use std::time::{Duration, Instant, SystemTime};

/// What is read of an answer, and what is kept of it.
const MOST_READ: usize = 64 * 1024;
const MOST_KEPT: usize = 1024;

/// What a try brought.
struct Tried {
    status: Option<u16>,
    error: Option<&'static str>,
    answer: String,
    retry_after: Option<Span>,
    took: Span,
}

/// Makes the try.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload["delivery_id"].as_str().and_then(|text| text.parse::<WebhookDeliveryId>().ok());
    let id = id.ok_or_else(|| JobError::dead("payload", "the job names no delivery"))?;
    let tx = state.db.read(&job.ctx).await?;
    let (delivery, now) = match delivery_get(&tx, id).await {
        Ok(delivery) => (delivery, tx.now()),
        // Its time in the log is over.
        Err(StoreError::NotFound) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    // Another job has it when it was sent off again meanwhile.
    if delivery.state != "pending" || delivery.next_at.is_some_and(|at| at > now) {
        return Ok(Done::Nothing);
    }
    let endpoint = match endpoint_get(&tx, delivery.endpoint).await {
        Ok(endpoint) if endpoint.state == EndpointState::Active => endpoint,
        Ok(_) | Err(StoreError::NotFound) => {
            drop(tx);
            let mut tx = state.db.begin(&job.ctx).await?;
            delivery_give_up(&mut tx, delivery.endpoint, "endpoint_inactive").await?;
            return crate::jobs::finish(tx, job).await;
        }
        Err(error) => return Err(error.into()),
    };
    drop(tx);
    let tried = attempt(state, &job.ctx, &endpoint, &delivery).await?;
    settle(state, job, &delivery, &tried).await
}

async fn attempt(
    state: &AppState,
    ctx: &TenantCtx,
    endpoint: &WebhookEndpoint,
    delivery: &WebhookDelivery,
) -> Answer<Tried> {
    let headers = headers(state, ctx, endpoint, delivery)?;
    let time = Duration::from_secs(state.config.webhooks.timeout_seconds);
    let started = Instant::now();
    let result = match state.outside.parse(&endpoint.url) {
        Ok(url) => {
            let bounds = Bounds { time, bytes: MOST_READ };
            state.outside.post(&url, headers, delivery.payload.clone(), bounds).await
        }
        Err(_) => Err(outside::Failure::Refused),
    };
    let took = Span::micros(i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX));
    Ok(match result {
        Ok(answer) => Tried {
            status: Some(answer.status),
            error: (!(200..300).contains(&answer.status)).then_some("http_status"),
            answer: shown(&answer.body),
            retry_after: answer
                .headers
                .get("retry-after")
                .and_then(|value| pause(value, state.clock().now())),
            took,
        },
        Err(failure) => Tried {
            status: None,
            error: Some(failure.as_str()),
            answer: String::new(),
            retry_after: None,
            took,
        },
    })
}

fn headers(
    state: &AppState,
    ctx: &TenantCtx,
    endpoint: &WebhookEndpoint,
    delivery: &WebhookDelivery,
) -> Answer<HeaderMap> {
    let now = state.clock().now();
    let id = delivery.event.to_string();
    let old = endpoint.old_secret.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
    let mut signatures = Vec::new();
    for sealed in std::iter::once(&endpoint.secret).chain(old) {
        let secret = state.keys.sealer.open_text(ctx, &purpose(endpoint.id), sealed)?;
        let signed = sign::signature(&secret, &id, now, &delivery.payload);
        signatures.push(signed.ok_or_else(|| ApiError::internal("a webhook secret is not one"))?);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", now.seconds().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).map_err(ApiError::internal)?);
    }
    Ok(headers)
}

/// The beginning of an answer as text that every database takes.
fn shown(body: &[u8]) -> String {
    let start = body.get(..body.len().min(MOST_KEPT)).unwrap_or_default();
    String::from_utf8_lossy(start).replace('\0', "\u{fffd}")
}

/// `Retry-After` as seconds or as a date.
fn pause(value: &HeaderValue, now: Timestamp) -> Option<Span> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Span::seconds(i64::from(seconds)));
    }
    let date: SystemTime = text.parse::<HttpDate>().ok()?.into();
    let seconds = date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(Timestamp::from_seconds(i64::try_from(seconds).ok()?).since(now))
}

async fn settle(state: &AppState, job: &ClaimedJob, delivery: &WebhookDelivery, tried: &Tried) -> JobResult {
    let mut tx = state.db.begin(&job.ctx).await?;
    if !job_finish(&mut tx, job).await? {
        return Ok(Done::Lost);
    }
    let (tries, now) = (delivery.attempt + 1, tx.now());
    let result = outcome(tried.status, tried.retry_after);
    let (next, next_at) = match result {
        Outcome::Delivered => ("delivered", None),
        Outcome::Gone => ("failed", None),
        Outcome::Failed { asked_pause } => {
            let jitter = i64::from(u16::from_be_bytes(random::bytes::<2>())) % 1001;
            match pause_after(tries, asked_pause, jitter) {
                Some(pause) => ("pending", Some(now.plus(pause))),
                None => ("failed", None),
            }
        }
    };
    let attempt =
        NewAttempt { status: tried.status, error: tried.error, answer: &tried.answer, took: tried.took };
    delivery_note(&mut tx, delivery.id, &attempt, next, (tries, next_at)).await?;
    let failing_since = endpoint_note(&mut tx, delivery.endpoint, result == Outcome::Delivered).await?;
    if next_at.is_some() {
        delivery_enqueue(&mut tx, delivery.endpoint, delivery.id, next_at).await?;
    }
    let why = match result {
        Outcome::Gone => Some("gone"),
        Outcome::Failed { .. } if failing_since.is_some_and(|since| given_up(since, now)) => Some("failing"),
        _ => None,
    };
    if let Some(why) = why {
        disable(state, &mut tx, delivery, why).await?;
    }
    let label = if result == Outcome::Delivered { "delivered" } else { tried.error.unwrap_or("gone") };
    tx.commit().await?;
    metrics::counter!("qianpu_webhook_tries_total", "outcome" => label).increment(1);
    Ok(Done::Committed)
}

/// Gives an endpoint up, once, and tells its owners.
async fn disable(state: &AppState, tx: &mut TenantTx, delivery: &WebhookDelivery, why: &str) -> Answer<()> {
    let endpoint = match endpoint_get(tx, delivery.endpoint).await {
        Ok(endpoint) if endpoint.state == EndpointState::Active => endpoint,
        Ok(_) | Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    endpoint_move(tx, &endpoint, EndpointState::Disabled, Some(why)).await?;
    delivery_give_up(tx, endpoint.id, "endpoint_disabled").await?;
    let detail = json!({ "url": endpoint.url, "why": why });
    note(tx, AuditAction::WebhookEndpointDisabled, endpoint.id, detail).await?;
    let public = endpoint.id.to_string();
    let event = EventType::WebhookEndpointDisabled;
    outbox_append(tx, event, &public, endpoint.version + 1, json!({})).await?;
    notices::webhook_disabled(state, tx, &endpoint, why).await
}
