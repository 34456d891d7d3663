//! Delivers due pushes and lets time pass for everything else that waits for it (tickets, audits, uploads).
//!
//! One loop: find what is due, send it in tasks of its own (a bounded number at once), sleep until the next thing is
//! due or somebody wakes it.

use crate::clock::{Now, random_nonce, random_text};
use crate::core::Core;
use crate::crypto::{EnvelopeKey, signature};
use crate::push::{Attempt, Push, PushState, Signer, cdata};
use crate::state::{Format, Mode, State};
use crate::{aftersale, articles, component, dispute, douyin, funds, product_audit, store_order_desk};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const AT_ONCE: usize = 16;
const ANSWER_LIMIT: usize = 64 << 10;

pub async fn run(core: Arc<Core>) {
    let mut sending = JoinSet::new();
    while !core.is_stopping() {
        let (due, next_ms) = {
            let mut state = core.lock();
            let now = core.now();
            component::push_due_tickets(&mut state, now, core.config.ticket_interval);
            let published = articles::let_time_pass(&mut state, now);
            let agreed =
                store_order_desk::let_time_pass(&mut state, now) | funds::let_time_pass(&mut state, now);
            let audited = product_audit::let_time_pass(&mut state, now) || published || agreed;
            let decided = aftersale::let_time_pass(&mut state, now)
                | dispute::let_time_pass(&mut state, now)
                | douyin::aftersale::let_time_pass(&mut state, now);
            if douyin::product::let_time_pass(&mut state, now) || audited || decided {
                core.mark_changed();
            }
            take_due(&mut state, now, AT_ONCE.saturating_sub(sending.len()))
        };
        for push in due {
            let core = core.clone();
            sending.spawn(async move {
                let attempt = send(&core, &push).await;
                settle(&core, push.id, attempt);
            });
        }
        let pause = Duration::from_millis(next_ms.saturating_sub(core.now().millis()).clamp(5, 60_000));
        tokio::select! {
            () = core.due.notified() => {}
            () = tokio::time::sleep(pause) => {}
            Some(_) = sending.join_next(), if !sending.is_empty() => {}
        }
    }
    sending.shutdown().await;
}

fn take_due(state: &mut State, now: Now, room: usize) -> (Vec<Push>, u64) {
    let mut next = articles::next_due(state).min(funds::next_due(state)).min(now.millis() + 60_000);
    for app in state.apps.values().filter(|app| app.next_ticket_ms > 0) {
        next = next.min(app.next_ticket_ms);
    }
    for product in state.products.values() {
        next = next
            .min(product.audit_due_ms.unwrap_or(u64::MAX))
            .min(product.upload_until_ms.unwrap_or(u64::MAX));
    }
    for sale in state.aftersales.values().filter(|sale| sale.deadline > 0) {
        next = next.min(sale.deadline * 1000);
    }
    for sale in state.aftersales.values().filter(|sale| sale.complaint_deadline > 0) {
        next = next.min(sale.complaint_deadline * 1000);
    }
    for case in state.douyin.cases.values().filter(|case| case.deadline > 0) {
        next = next.min(case.deadline * 1000);
    }
    for product in state.douyin.products.values() {
        next = next.min(product.audit_due_ms.unwrap_or(u64::MAX));
    }
    let mut due = Vec::new();
    for push in state.pushes.iter_mut().filter(|p| p.state == PushState::Waiting && !p.in_flight) {
        if push.next_at_ms > now.millis() {
            next = next.min(push.next_at_ms);
        } else if due.len() < room {
            push.in_flight = true;
            due.push(push.clone());
        }
    }
    (due, next)
}

async fn send(core: &Core, push: &Push) -> Attempt {
    let at = core.now();
    if let Signer::Douyin { app_key } = &push.signer {
        return send_signed(core, push, app_key, at).await;
    }
    let keys = core.peek(|state| signing_keys(state, &push.signer));
    let outcome = match keys {
        None => Err("nobody is registered any more to sign this push".to_owned()),
        Some(keys) => match compose(push, &keys, at) {
            Ok((url, body)) => deliver(core, push, &url, &[], body).await.map(|(status, answer)| {
                let accepted = (200..300).contains(&status) && acknowledged(push, &keys, &answer);
                (status, answer, accepted)
            }),
            Err(why) => Err(why),
        },
    };
    let took_ms = core.now().millis().saturating_sub(at.millis());
    attempt(at, took_ms, outcome)
}

/// A push whose signature stands in headers.
async fn send_signed(core: &Core, push: &Push, app_key: &str, at: Now) -> Attempt {
    let app = core.peek(|state| state.douyin.apps.get(app_key).cloned());
    let outcome = match (app, url::Url::parse(&push.url)) {
        (Some(app), Ok(url)) => {
            let (headers, body) = douyin::push::compose(push, &app);
            deliver(core, push, &url, &headers, body).await.map(|(status, answer)| {
                let accepted = (200..300).contains(&status) && douyin::push::acknowledged(&answer);
                (status, answer, accepted)
            })
        }
        (None, _) => Err("nobody is registered any more to sign this push".to_owned()),
        (_, Err(error)) => Err(format!("address: {error}")),
    };
    attempt(at, core.now().millis().saturating_sub(at.millis()), outcome)
}

fn attempt(at: Now, took_ms: u64, outcome: Result<(u16, String, bool), String>) -> Attempt {
    let (status, answer, accepted) = match outcome {
        Ok((status, answer, accepted)) => (Some(status), answer, accepted),
        Err(why) => (None, why, false),
    };
    Attempt { at_ms: at.millis(), took_ms, status, answer: answer.chars().take(500).collect(), accepted }
}

pub struct SigningKeys {
    pub token: String,
    pub aes_key: String,
    pub app_id: String,
}

pub fn signing_keys(state: &State, signer: &Signer) -> Option<SigningKeys> {
    match signer {
        Signer::Component { component } => state.apps.get(component).map(|app| SigningKeys {
            token: app.token.clone(),
            aes_key: app.encoding_aes_key.clone(),
            app_id: component.clone(),
        }),
        Signer::Douyin { .. } => None,
        Signer::Account { appid } => state.accounts.get(appid).and_then(|a| a.push.as_ref()).map(|p| {
            SigningKeys { token: p.token.clone(), aes_key: p.encoding_aes_key.clone(), app_id: appid.clone() }
        }),
    }
}

fn compose(push: &Push, keys: &SigningKeys, now: Now) -> Result<(url::Url, String), String> {
    let timestamp = now.seconds().to_string();
    let nonce = random_nonce();
    let mut url = url::Url::parse(&push.url).map_err(|error| format!("address: {error}"))?;
    let mut body = push.plain.clone();
    let mut query = vec![
        ("signature", signature(&[&keys.token, &timestamp, &nonce])),
        ("timestamp", timestamp.clone()),
        ("nonce", nonce.clone()),
    ];
    if !push.openid.is_empty() {
        query.push(("openid", push.openid.clone()));
    }
    let tampered = |kind: &str| push.tamper.as_deref() == Some(kind);
    if push.mode != Mode::Plain {
        let key = EnvelopeKey::parse(&keys.aes_key).map_err(|error| format!("EncodingAESKey: {error:?}"))?;
        let random: [u8; 16] = random_text(16).into_bytes().try_into().map_err(|_| "random".to_owned())?;
        let app_id = if tampered("foreign_app_id") { "wx0000000000000000" } else { &keys.app_id };
        let sealed = key.seal(&random, &push.plain, app_id).map_err(|error| format!("seal: {error:?}"))?;
        let mut signed = signature(&[&keys.token, &timestamp, &nonce, &sealed]);
        if tampered("bad_signature") {
            signed = signature(&[&signed]);
        }
        query.push(("encrypt_type", "aes".to_owned()));
        query.push(("msg_signature", signed));
        let sent = if tampered("changed_body") { sealed.chars().rev().collect() } else { sealed };
        body = envelope(push, &sent);
    } else if tampered("bad_signature")
        && let Some(first) = query.first_mut()
    {
        first.1 = signature(&[&first.1]);
    }
    url.query_pairs_mut().extend_pairs(query);
    Ok((url, body))
}

fn envelope(push: &Push, sealed: &str) -> String {
    let (name, receiver) = &push.receiver;
    match push.format {
        Format::Json if push.mode == Mode::Compat => {
            let mut body: Value = serde_json::from_str(&push.plain).unwrap_or_default();
            if let Some(members) = body.as_object_mut() {
                members.insert("Encrypt".into(), json!(sealed));
            }
            body.to_string()
        }
        Format::Json => json!({name.as_str(): receiver, "Encrypt": sealed}).to_string(),
        Format::Xml if push.mode == Mode::Compat => {
            push.plain.replacen("</xml>", &format!("<Encrypt>{}</Encrypt></xml>", cdata(sealed)), 1)
        }
        Format::Xml => {
            format!(
                "<xml>\n<{name}>{}</{name}>\n<Encrypt>{}</Encrypt>\n</xml>",
                cdata(receiver),
                cdata(sealed)
            )
        }
    }
}

async fn deliver(
    core: &Core,
    push: &Push,
    url: &url::Url,
    headers: &[(&str, String)],
    body: String,
) -> Result<(u16, String), String> {
    if !is_loopback(url) {
        return Err("only loopback addresses are called".to_owned());
    }
    let kind = match push.format {
        Format::Json => "application/json",
        Format::Xml => "text/xml",
    };
    let mut request = core.http.post(url.clone()).header("content-type", kind).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let mut response = request.send().await.map_err(|error| reason(&error))?;
    let mut answer = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| reason(&error))? {
        answer.extend_from_slice(&piece);
        if answer.len() > ANSWER_LIMIT {
            return Err("the answer is too long".to_owned());
        }
    }
    Ok((response.status().as_u16(), String::from_utf8_lossy(&answer).into_owned()))
}

fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "could not connect".to_owned()
    } else {
        format!("not answered: {error}")
    }
}

pub fn is_loopback(url: &url::Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

/// `success`, nothing at all, or a reply that is sealed and signed as it should be.
fn acknowledged(push: &Push, keys: &SigningKeys, answer: &str) -> bool {
    let answer = answer.trim();
    if answer.is_empty() || answer == "success" {
        return true;
    }
    if push.mode != Mode::Secure {
        return answer.starts_with("<xml>") || answer.starts_with('{');
    }
    let field = |name: &str| match serde_json::from_str::<Value>(answer) {
        Ok(reply) => match reply.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        },
        Err(_) => between(answer, &format!("<{name}>"), &format!("</{name}>"))
            .map(|text| between(text, "<![CDATA[", "]]>").unwrap_or(text).trim().to_owned()),
    };
    let (Some(sealed), Some(signed), Some(timestamp), Some(nonce)) =
        (field("Encrypt"), field("MsgSignature"), field("TimeStamp"), field("Nonce"))
    else {
        return false;
    };
    let opened = EnvelopeKey::parse(&keys.aes_key).and_then(|key| key.open(&sealed));
    signed == signature(&[&keys.token, &timestamp, &nonce, &sealed])
        && opened.is_ok_and(|(_, app_id)| app_id == keys.app_id)
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.split_once(open)?.1.split_once(close).map(|(inside, _)| inside)
}

fn settle(core: &Core, id: u64, attempt: Attempt) {
    let delivered = attempt.accepted;
    core.with(|state, now| {
        let Some(push) = state.pushes.iter_mut().find(|p| p.id == id) else { return };
        push.in_flight = false;
        push.attempts.push(attempt);
        if delivered {
            push.state = PushState::Delivered;
            return;
        }
        match core.config.push_retry_schedule.get(push.attempts.len() - 1) {
            Some(wait) => {
                push.next_at_ms = now.millis() + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 2);
            }
            None => push.state = PushState::Failed,
        }
    });
}
