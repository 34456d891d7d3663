//! The control calls for trouble and for looking: faults of calls and pushes, the push log, the call log.

use crate::control::{Refusal, missing, refuse, reply};
use crate::core::Core;
use crate::push::{Push, PushState};
use crate::state::{CallFault, PushFault};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/sandbox/api/faults/calls")
                .route(web::get().to(list_faults))
                .route(web::post().to(add_call_fault))
                .route(web::delete().to(clear_call_faults)),
        )
        .service(
            web::resource("/sandbox/api/faults/pushes")
                .route(web::get().to(list_faults))
                .route(web::post().to(add_push_fault))
                .route(web::delete().to(clear_push_faults)),
        )
        .service(
            web::resource("/sandbox/api/pushes")
                .route(web::get().to(list_pushes))
                .route(web::post().to(send_push)),
        )
        .service(web::resource("/sandbox/api/pushes/{id}/resend").route(web::post().to(resend)))
        .service(web::resource("/sandbox/api/calls").route(web::get().to(list_calls)));
}

pub const FAULTS: usize = 200;
pub const PUSH_FAULTS: &[&str] =
    &["drop", "duplicate", "delay", "reorder", "bad_signature", "foreign_app_id", "changed_body"];

async fn add_call_fault(fault: web::Json<CallFault>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        if fault.path != "*" && !fault.path.starts_with('/') {
            return Err(refuse("path must be * or begin with /"));
        }
        if fault.errcode.is_none() && fault.http_status.is_none() && fault.delay_ms == 0 {
            return Err(refuse("one of errcode, http_status, delay_ms is needed"));
        }
        if fault.errcode == Some(0) || fault.count == 0 || state.call_faults.len() >= FAULTS {
            return Err(refuse("errcode 0, count 0, or too many faults"));
        }
        state.call_faults.push(fault.into_inner());
        Ok(json!({"call_faults": state.call_faults}))
    }))
}

async fn add_push_fault(fault: web::Json<PushFault>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        if !PUSH_FAULTS.contains(&fault.kind.as_str()) {
            return Err(refuse(format!("kind must be one of {}", PUSH_FAULTS.join(", "))));
        }
        if fault.count == 0 || state.push_faults.len() >= FAULTS {
            return Err(refuse("count 0, or too many faults"));
        }
        state.push_faults.push(fault.into_inner());
        Ok(json!({"push_faults": state.push_faults}))
    }))
}

async fn list_faults(core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| Ok(json!({"call_faults": state.call_faults, "push_faults": state.push_faults}))))
}

async fn clear_call_faults(core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        state.call_faults.clear();
        Ok(json!({"call_faults": []}))
    }))
}

async fn clear_push_faults(core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        state.push_faults.clear();
        Ok(json!({"push_faults": []}))
    }))
}

pub fn push_view(push: &Push) -> Value {
    json!({
        "id": push.id,
        "event": push.event,
        "appid": push.appid,
        "url": push.url,
        "format": push.format,
        "state": push.state,
        "plain": push.plain,
        "created_ms": push.created_ms,
        "next_at_ms": push.next_at_ms,
        "tamper": push.tamper,
        "attempts": push.attempts,
    })
}

async fn list_pushes(query: web::Query<BTreeMap<String, String>>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let (event, appid) = (query.get("event"), query.get("appid"));
        let limit = query.get("limit").and_then(|l| l.parse().ok()).unwrap_or(200usize).min(2_000);
        let wanted = query.get("state").map(|s| Value::String(s.clone()));
        let pushes: Vec<Value> = state
            .pushes
            .iter()
            .rev()
            .filter(|p| event.is_none_or(|e| *e == p.event) && appid.is_none_or(|a| *a == p.appid))
            .map(push_view)
            .filter(|view| wanted.is_none() || view.get("state") == wanted.as_ref())
            .take(limit)
            .collect();
        Ok(json!({"pushes": pushes}))
    }))
}

#[derive(Deserialize)]
struct Wanted {
    appid: String,
    event: String,
    /// Fields of the event to be said otherwise than in the documents' example.
    #[serde(default)]
    fields: serde_json::Map<String, Value>,
}

async fn send_push(wanted: web::Json<Wanted>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        crate::rare_events::send(state, now, &wanted.appid, &wanted.event, &wanted.fields)?;
        Ok(json!({}))
    }))
}

async fn resend(id: web::Path<u64>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, now| {
        let push = state.pushes.iter_mut().find(|p| p.id == *id).ok_or_else(|| missing("no such push"))?;
        if push.in_flight {
            return Err(Refusal::from("the push is being sent right now".to_owned()));
        }
        push.state = PushState::Waiting;
        push.held = false;
        push.next_at_ms = now.millis();
        Ok(push_view(push))
    }))
}

async fn list_calls(query: web::Query<BTreeMap<String, String>>, core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let path = query.get("path");
        let calls: Vec<Value> = state
            .calls
            .iter()
            .rev()
            .filter(|c| path.is_none_or(|p| *p == c.path))
            .map(|c| {
                json!({"rid": c.rid, "at_ms": c.at.millis(), "cost_ms": c.cost_ms, "appid": c.appid, "path": c.path,
                    "errcode": c.errcode, "request_body": c.request_body, "response_body": c.response_body})
            })
            .collect();
        Ok(json!({"calls": calls}))
    }))
}
