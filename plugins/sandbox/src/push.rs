//! Pushes waiting to go out and their log. Here a push is composed and put into the queue; `push_sender` delivers it.

use crate::clock::Now;
use crate::state::{Account, Format, Mode, Platform, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub const LOG_LIMIT: usize = 2_000;
pub const QUEUE_LIMIT: usize = 1_000;
/// The fixed sender of events that no buyer caused.
pub const PLATFORM_OPENID: &str = "oPlatformTeam000000000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushState {
    Waiting,
    Delivered,
    Failed,
    Dropped,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub at_ms: u64,
    pub took_ms: u64,
    pub status: Option<u16>,
    pub answer: String,
    pub accepted: bool,
}

/// Whose token and key sign the push.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    Component { component: String },
    Account { appid: String },
    Douyin { app_key: String },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Push {
    pub id: u64,
    pub signer: Signer,
    /// The account it speaks of; empty for a verify ticket.
    pub appid: String,
    pub event: String,
    pub url: String,
    pub openid: String,
    pub format: Format,
    pub mode: Mode,
    /// XML element or JSON member that names the receiver beside `Encrypt`.
    pub receiver: (String, String),
    pub plain: String,
    pub created_ms: u64,
    pub next_at_ms: u64,
    pub held: bool,
    pub tamper: Option<String>,
    pub state: PushState,
    pub attempts: Vec<Attempt>,
    #[serde(skip)]
    pub in_flight: bool,
}

/// An event about one account, before it is known who receives it.
pub struct Event {
    pub name: &'static str,
    pub openid: Option<String>,
    pub body: Value,
}

impl State {
    /// Sends an account's event to its own address and to every component it is granted to.
    pub fn emit(&mut self, now: Now, appid: &str, event: Event) {
        let Some(account) = self.accounts.get(appid) else { return };
        let openid = event.openid.clone().unwrap_or_else(|| PLATFORM_OPENID.to_owned());
        let mut message = Map::new();
        message.insert("ToUserName".into(), json!(account.user_name));
        message.insert("FromUserName".into(), json!(openid));
        message.insert("CreateTime".into(), json!(now.seconds()));
        if let Value::Object(body) = event.body {
            if !body.contains_key("MsgType") {
                message.insert("MsgType".into(), json!("event"));
                message.insert("Event".into(), json!(event.name));
            }
            message.extend(body);
        }
        let message = Value::Object(message);
        for push in self.addressed(account, &openid, event.name, &message) {
            self.enqueue(now, push);
        }
    }

    fn addressed(&self, account: &Account, openid: &str, event: &str, message: &Value) -> Vec<Push> {
        let to_user = ("ToUserName".to_owned(), account.user_name.clone());
        let mut pushes = Vec::new();
        if let Some(direct) = &account.push {
            let signer = Signer::Account { appid: account.appid.clone() };
            let plain = render(message, direct.format);
            pushes.push(Push {
                openid: openid.to_owned(),
                mode: direct.mode,
                ..blank(
                    signer,
                    &account.appid,
                    event,
                    direct.url.clone(),
                    direct.format,
                    to_user.clone(),
                    plain,
                )
            });
        }
        for component in account.grants.keys() {
            let Some(app) = self.apps.get(component).filter(|app| !app.message_url.is_empty()) else {
                continue;
            };
            let url = app.message_url.replace("$APPID$", &account.appid);
            let signer = Signer::Component { component: component.clone() };
            let plain = render(message, Format::Xml);
            pushes.push(Push {
                openid: openid.to_owned(),
                ..blank(signer, &account.appid, event, url, Format::Xml, to_user.clone(), plain)
            });
        }
        pushes
    }

    /// Sends an authorization event or a ticket to a component's event address.
    pub fn emit_component(&mut self, now: Now, component: &str, appid: &str, kind: &str, extra: Value) {
        let Some(app) = self.apps.get(component).filter(|app| !app.auth_event_url.is_empty()) else { return };
        let mut message = Map::new();
        message.insert("AppId".into(), json!(component));
        message.insert("CreateTime".into(), json!(now.seconds()));
        message.insert("InfoType".into(), json!(kind));
        if let Value::Object(extra) = extra {
            message.extend(extra);
        }
        let plain = render(&Value::Object(message), Format::Xml);
        let signer = Signer::Component { component: component.to_owned() };
        let receiver = ("AppId".to_owned(), component.to_owned());
        let url = app.auth_event_url.clone();
        self.enqueue(now, blank(signer, appid, kind, url, Format::Xml, receiver, plain));
    }

    pub fn enqueue(&mut self, now: Now, mut push: Push) {
        push.created_ms = now.millis();
        push.next_at_ms = now.millis();
        let waiting = self.pushes.iter().filter(|p| p.state == PushState::Waiting).count();
        if waiting >= QUEUE_LIMIT {
            push.state = PushState::Dropped;
        }
        // A push held back for reordering leaves right after the one that overtakes it.
        for held in self.pushes.iter_mut().filter(|p| p.held && p.url == push.url) {
            held.held = false;
            held.next_at_ms = now.millis() + 300;
        }
        let mut copies = 1;
        if let Some(fault) = self.take_push_fault(&push) {
            match fault.kind.as_str() {
                "drop" => push.state = PushState::Dropped,
                "duplicate" => copies = 2,
                "delay" => push.next_at_ms += fault.delay_ms,
                "reorder" => {
                    push.held = true;
                    push.next_at_ms += if fault.delay_ms == 0 { 30_000 } else { fault.delay_ms };
                }
                other => push.tamper = Some(other.to_owned()),
            }
        }
        for _ in 0..copies {
            self.sequence += 1;
            push.id = self.sequence;
            self.pushes.push_back(push.clone());
        }
        while self.pushes.len() > LOG_LIMIT {
            let settled = self.pushes.iter().position(|p| p.state != PushState::Waiting).unwrap_or(0);
            self.pushes.remove(settled);
        }
    }

    fn take_push_fault(&mut self, push: &Push) -> Option<crate::state::PushFault> {
        let platform = match push.signer {
            Signer::Douyin { .. } => Platform::Douyin,
            Signer::Component { .. } | Signer::Account { .. } => Platform::Wechat,
        };
        let matches = |f: &crate::state::PushFault| {
            f.count > 0
                && f.platform.is_none_or(|wanted| wanted == platform)
                && f.event.as_ref().is_none_or(|e| *e == push.event)
                && f.appid.as_ref().is_none_or(|a| *a == push.appid)
        };
        let fault = self.push_faults.iter_mut().find(|f| matches(f))?;
        fault.count -= 1;
        let taken = fault.clone();
        self.push_faults.retain(|f| f.count > 0);
        Some(taken)
    }
}

pub fn blank(
    signer: Signer,
    appid: &str,
    event: &str,
    url: String,
    format: Format,
    receiver: (String, String),
    plain: String,
) -> Push {
    Push {
        id: 0,
        signer,
        appid: appid.to_owned(),
        event: event.to_owned(),
        url,
        openid: String::new(),
        format,
        mode: Mode::Secure,
        receiver,
        plain,
        created_ms: 0,
        next_at_ms: 0,
        held: false,
        tamper: None,
        state: PushState::Waiting,
        attempts: Vec::new(),
        in_flight: false,
    }
}

fn render(message: &Value, format: Format) -> String {
    match format {
        Format::Json => message.to_string(),
        Format::Xml => {
            let mut out = String::from("<xml>");
            write_xml(message, &mut out);
            out.push_str("</xml>");
            out
        }
    }
}

fn write_xml(value: &Value, out: &mut String) {
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        let one = std::slice::from_ref(member);
        let items = member.as_array().map_or(one, Vec::as_slice);
        for item in items {
            out.push_str(&format!("<{name}>"));
            match item {
                Value::Object(_) => write_xml(item, out),
                Value::String(text) => out.push_str(&cdata(text)),
                Value::Null => {}
                other => out.push_str(&other.to_string()),
            }
            out.push_str(&format!("</{name}>"));
        }
    }
}

pub fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_keeps_big_numbers_and_closes_cdata() {
        let message = json!({"a": {"id": 3705115058471208928u64, "t": "x]]>y"}, "l": [1, 2]});
        assert_eq!(
            render(&message, Format::Xml),
            "<xml><a><id>3705115058471208928</id><t><![CDATA[x]]]]><![CDATA[>y]]></t></a><l>1</l><l>2</l></xml>"
        );
    }
}
