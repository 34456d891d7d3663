//! The log: an endpoint with what was sent there, and one delivery with its tries.

use super::view::{EndpointLine, line};
use super::{Manages, at, home_of};
use crate::app::webhooks::{self, deliveries};
use crate::error::Answer;
use crate::http::extract::{Fields, Path2};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use crate::state::AppState;
use qianpu_domain::ids::{WebhookDeliveryId, WebhookEndpointId};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::store::webhook_delivery::WebhookDelivery;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>, one: &str) {
    let delivery = format!("{one}/deliveries/{{webhook_delivery_id}}");
    pages.get(&delivery, delivery_page);
    pages.post(&format!("{delivery}/replay"), replay_delivery_form);
}

#[derive(Debug, Default, Deserialize, IntoParams)]
pub(super) struct LogQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct DeliveryLine {
    id: String,
    event_id: String,
    event_type: String,
    what: String,
    subject: String,
    state: String,
    attempt: i64,
    status: Option<i64>,
    why: Option<String>,
    next_at: Option<i64>,
    created_at: i64,
}

#[derive(Serialize)]
pub(super) struct EndpointView {
    form: FormView,
    home: String,
    at: String,
    endpoint: EndpointLine,
    state: &'static str,
    deliveries: Vec<DeliveryLine>,
    next_page: Option<String>,
}

/// What a word of the log means; an unknown one of another release is shown as it is.
fn why(state: &AppState, lang: Lang, word: &str) -> String {
    let key = format!("{}{word}", "webhooks.why.");
    state.pages.catalogue().find(lang, &key).unwrap_or(word).to_owned()
}

fn delivery_line(state: &AppState, lang: Lang, row: WebhookDelivery) -> DeliveryLine {
    let event = EventType::parse(&row.event_type);
    DeliveryLine {
        id: row.id.to_string(),
        event_id: row.event.to_string(),
        what: event.map_or("", |own| lang.pick(own.text_zh(), own.text_en())).to_owned(),
        event_type: row.event_type,
        subject: row.subject,
        state: row.state,
        attempt: row.attempt,
        status: row.last_status,
        why: row.last_error.map(|word| why(state, lang, &word)),
        next_at: row.next_at.map(|at| at.micros()),
        created_at: row.created_at.micros(),
    }
}

pub(super) async fn endpoint_view<T>(
    auth: &Manages<T>,
    id: WebhookEndpointId,
    query: &LogQuery,
    form: FormView,
) -> Answer<EndpointView> {
    let endpoint = webhooks::get(&auth.state, &auth.grant, id).await?;
    let of = ["pending", "delivered", "failed"].into_iter().find(|of| query.state.as_deref() == Some(*of));
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let found = deliveries::list(&auth.state, &auth.grant, id, of, page).await?;
    let here = at(auth, id);
    let state = of.unwrap_or("");
    let next = |cursor: String| format!("{here}?state={state}&cursor={cursor}");
    Ok(EndpointView {
        form,
        home: home_of(auth.caller.surface()),
        next_page: found.next.map(|position| next(cursor_text(&position))),
        at: here,
        endpoint: line(endpoint),
        state,
        deliveries: found
            .items
            .into_iter()
            .map(|row| delivery_line(&auth.state, auth.info.lang, row))
            .collect(),
    })
}

#[derive(Serialize)]
struct AttemptLine {
    status: Option<i64>,
    why: Option<String>,
    answer: String,
    took_ms: i64,
    at: i64,
}

#[derive(Serialize)]
struct DeliveryView {
    form: FormView,
    back: String,
    at: String,
    delivery: DeliveryLine,
    payload: String,
    attempts: Vec<AttemptLine>,
    may_replay: bool,
}

async fn delivery_view<T>(
    auth: &Manages<T>,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
    form: FormView,
) -> Answer<DeliveryView> {
    let lang = auth.info.lang;
    let (delivery, attempts) = deliveries::get(&auth.state, &auth.grant, endpoint, id).await?;
    // Shown with line breaks; what is sent has none.
    let payload = serde_json::from_str::<serde_json::Value>(&delivery.payload)
        .and_then(|body| serde_json::to_string_pretty(&body))
        .unwrap_or_else(|_| delivery.payload.clone());
    let back = at(auth, endpoint);
    Ok(DeliveryView {
        form,
        at: format!("{back}/deliveries/{id}"),
        back,
        payload,
        may_replay: delivery.state != "pending",
        delivery: delivery_line(&auth.state, lang, delivery),
        attempts: attempts
            .into_iter()
            .map(|row| AttemptLine {
                status: row.status,
                why: row.error.map(|word| why(&auth.state, lang, &word)),
                answer: row.answer,
                took_ms: row.took.as_micros() / 1000,
                at: row.at.micros(),
            })
            .collect(),
    })
}

async fn delivery_page(auth: Manages<Path2<WebhookEndpointId, WebhookDeliveryId>>) -> PageAnswer {
    let Path2(endpoint, id) = auth.input;
    let view = delivery_view(&auth, endpoint, id, FormView::default()).await?;
    auth.page("webhooks/delivery", view)
}

async fn replay_delivery_form(
    auth: Manages<(Path2<WebhookEndpointId, WebhookDeliveryId>, Fields)>,
) -> PageAnswer {
    let (Path2(endpoint, id), fields) = &auth.input;
    match deliveries::replay(&auth.state, &auth.grant, *endpoint, *id).await {
        Ok(_) => {
            let to = format!("{}/deliveries/{id}", at(&auth, *endpoint));
            Ok(auth.redirect_with(&Flash::success("webhooks.replayed"), &to))
        }
        Err(error) if super::may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = delivery_view(&auth, *endpoint, *id, form).await?;
            auth.refused_page("webhooks/delivery", view)
        }
        Err(error) => Err(error),
    }
}
