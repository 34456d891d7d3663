//! The demo's own receiver of webhooks, as somebody else's system would be: it knows secrets, verifies what comes
//! in, and shows it. There is no such page outside development.

use crate::app::webhooks::sign;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Fields, Open, Query, RawBody};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use qianpu_domain::error::FieldError;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::secrets::Plain;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use utoipa::IntoParams;

const HOME: &str = "/demo/webhooks";
const MOST_KEPT: usize = 50;
const MOST_SECRETS: usize = 20;
const TOLERANCE_SECONDS: i64 = 300;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, received_page);
    pages.post(HOME, receive_webhook);
    pages.post(&format!("{HOME}/secrets"), add_receiver_secret);
}

/// What the receiver knows. It forgets when the process ends, but for the secrets that the demo gives it.
#[derive(Default)]
pub struct Receiver(Mutex<Known>);

#[derive(Default)]
struct Known {
    secrets: VecDeque<Plain>,
    received: VecDeque<Message>,
}

#[derive(Clone, Serialize)]
struct Message {
    id: String,
    event_type: String,
    body: String,
    good: bool,
    repeated: bool,
    at: i64,
}

impl Receiver {
    /// Lets it verify what is signed with this secret.
    pub fn learn(&self, secret: Plain) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.secrets.contains(&secret) {
            known.secrets.truncate(MOST_SECRETS - 1);
            known.secrets.push_front(secret);
        }
    }

    /// Verifies a message as the standard says, and keeps it. True when it is good.
    fn take(&self, id: &str, stamp: &str, signature: &str, body: &str, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = stamp.parse::<i64>().ok().map(Timestamp::from_seconds);
        let fresh = at.filter(|at| (now.seconds() - at.seconds()).abs() <= TOLERANCE_SECONDS);
        let good = fresh.is_some_and(|at| {
            known.secrets.iter().any(|secret| sign::holds(secret, id, at, body, signature))
        });
        let parsed: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let message = Message {
            id: id.chars().take(80).collect(),
            event_type: parsed["type"].as_str().unwrap_or_default().chars().take(80).collect(),
            body: serde_json::to_string_pretty(&parsed).unwrap_or_default(),
            good,
            repeated: good && known.received.iter().any(|own| own.good && own.id == id),
            at: now.micros(),
        };
        known.received.truncate(MOST_KEPT - 1);
        known.received.push_front(message);
        good
    }
}

fn receiver<T>(open: &Open<T>) -> Answer<&Receiver> {
    if open.state.config.is_development() { Ok(&open.state.receiver) } else { Err(ApiError::not_found()) }
}

#[derive(Serialize)]
struct ReceivedView {
    form: FormView,
    url: String,
    secrets: usize,
    messages: Vec<Message>,
}

fn received<T>(open: &Open<T>, form: FormView) -> Answer<ReceivedView> {
    let known = receiver(open)?.0.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(ReceivedView {
        form,
        url: format!("{}{HOME}", open.state.config.app.public_url.trim_end_matches('/')),
        secrets: known.secrets.len(),
        messages: known.received.iter().cloned().collect(),
    })
}

async fn received_page(open: Open) -> PageAnswer {
    open.page("demo/webhooks", received(&open, FormView::default())?)
}

#[derive(Deserialize, IntoParams)]
struct AnswerQuery {
    /// The status to answer in the place of a good one.
    answer: Option<u16>,
}

async fn receive_webhook(open: Open<(Query<AnswerQuery>, RawBody<65_536>)>) -> PageAnswer {
    let (Query(query), RawBody(body)) = &open.input;
    let header = |name: &str| {
        open.request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let (id, stamp) = (header("webhook-id"), header("webhook-timestamp"));
    let body = std::str::from_utf8(body).unwrap_or_default();
    let now = open.state.clock().now();
    let good = receiver(&open)?.take(id, stamp, header("webhook-signature"), body, now);
    let asked = query.answer.filter(|status| (200..600).contains(status));
    let status = asked.and_then(|status| StatusCode::from_u16(status).ok());
    let usual = if good { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED };
    let status = status.unwrap_or(usual);
    let said = if good { "verified" } else { "not verified" };
    let mut response = HttpResponse::build(status);
    // Its own words, as another system would answer, and not our page of errors.
    response.content_type("text/plain; charset=utf-8");
    Ok(if status == StatusCode::NO_CONTENT { response.finish() } else { response.body(said) })
}

async fn add_receiver_secret(open: Open<Fields>) -> PageAnswer {
    let secret = Plain::from(open.input.text("secret").to_owned());
    if sign::signature(&secret, "", Timestamp::from_seconds(0), "").is_none() {
        let (en, zh) = ("whsec_ and the rest of the secret", "请粘贴以 whsec_ 开头的完整密钥");
        let errors = [FieldError::new("secret", "invalid", en, zh)];
        let form = FormView::refused(&Fields::default(), &errors, open.info.lang);
        return open.refused_page("demo/webhooks", received(&open, form)?);
    }
    receiver(&open)?.learn(secret);
    Ok(open.redirect(HOME))
}
