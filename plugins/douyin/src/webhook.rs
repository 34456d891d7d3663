//! Pushes: a list of messages, signed with the app's secret in a header. The signature covers no time, so a replay is
//! recognised by the message's id alone.

use crate::{Douyin, sign};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    ChannelError, Method, Notice, NoticeKind, PushCredentials, PushFormat, PushRefusal, PushReply, RawPush,
    Verified, Webhook,
};
use serde_json::Value;

/// Messages of one push; more is nonsense.
const MAX_MESSAGES: usize = 200;

/// Tag → what it means, and the field of the data that names the subject.
pub(crate) const TAGS: &[(&str, NoticeKind, &str)] = &[
    ("100", NoticeKind::OrderCreated, "p_id"),
    ("101", NoticeKind::OrderPaid, "p_id"),
    ("102", NoticeKind::OrderShipped, "p_id"),
    ("103", NoticeKind::OrderConfirmed, "p_id"),
    ("104", NoticeKind::OrderChanged, "p_id"),
    ("105", NoticeKind::OrderChanged, "p_id"),
    ("106", NoticeKind::OrderCancelled, "p_id"),
    ("108", NoticeKind::OrderShipped, "p_id"),
    ("109", NoticeKind::OrderChanged, "p_id"),
    ("110", NoticeKind::OrderPaid, "p_id"),
    ("111", NoticeKind::OrderChanged, "p_id"),
    ("113", NoticeKind::OrderChanged, "p_id"),
    ("126", NoticeKind::OrderChanged, "p_id"),
    ("200", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("201", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("202", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("203", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("204", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("205", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("206", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("207", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("208", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("209", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("211", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("212", NoticeKind::DisputeChanged, "aftersale_id"),
    ("213", NoticeKind::DisputeChanged, "aftersale_id"),
    ("214", NoticeKind::DisputeChanged, "aftersale_id"),
    ("215", NoticeKind::DisputeChanged, "aftersale_id"),
    ("216", NoticeKind::DisputeChanged, "aftersale_id"),
    ("217", NoticeKind::DisputeChanged, "aftersale_id"),
    ("218", NoticeKind::DisputeChanged, "aftersale_id"),
    ("224", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("225", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("226", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("227", NoticeKind::AftersaleChanged, "aftersale_id"),
    ("400", NoticeKind::ProductAudit, "product_id"),
    ("417", NoticeKind::ProductChanged, "product_id"),
];

impl Webhook for Douyin {
    fn verify(
        &self,
        push: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal> {
        if push.method != Method::Post {
            return Err(PushRefusal::Malformed);
        }
        let header =
            |name: &str| push.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let given = header("event-sign").ok_or(PushRefusal::BadSignature)?;
        let app_key = header("app-id").ok_or(PushRefusal::BadSignature)?;
        if !credentials.app_ids.iter().any(|id| id == app_key) {
            return Err(PushRefusal::WrongApp);
        }
        // An empty secret would let anybody sign.
        let secret = &credentials.token;
        if secret.expose().is_empty() || !sign::push_matches(app_key, &push.body, secret, given) {
            return Err(PushRefusal::BadSignature);
        }
        if !credentials.formats.contains(&PushFormat::Json) {
            return Err(PushRefusal::WrongFormat);
        }
        Ok(Verified {
            origin: push.origin,
            format: PushFormat::Json,
            plaintext: push.body.clone(),
            app_id: app_key.to_owned(),
            signed_at: now,
        })
    }

    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
        let body: Value = serde_json::from_slice(&verified.plaintext)
            .map_err(|_| ChannelError::unexpected("the push is not JSON"))?;
        let messages = body.as_array().ok_or_else(|| ChannelError::unexpected("the push is not a list"))?;
        if messages.is_empty() || messages.len() > MAX_MESSAGES {
            return Err(ChannelError::unexpected(format!("a push of {} messages", messages.len())));
        }
        messages.iter().map(|message| notice(message, verified.signed_at)).collect()
    }

    /// The platform checks an address by pushing to it; it asks nothing by GET.
    fn handshake(
        &self,
        _push: &RawPush,
        _credentials: &PushCredentials,
        _now: Timestamp,
    ) -> Result<PushReply, PushRefusal> {
        Err(PushRefusal::Malformed)
    }
    fn acknowledge(&self, _verified: &Verified) -> PushReply {
        reply(200, r#"{"code":0,"msg":"success"}"#)
    }
    fn refuse(&self, _refusal: PushRefusal) -> PushReply {
        reply(400, r#"{"code":1,"msg":"fail"}"#)
    }
}

fn reply(status: u16, body: &str) -> PushReply {
    PushReply { status, content_type: "application/json", body: body.as_bytes().to_vec() }
}

fn notice(message: &Value, received_at: Timestamp) -> Result<Notice, ChannelError> {
    let missing = |field: &str| ChannelError::unexpected(format!("a message without {field}"));
    let tag = id(&message["tag"]).ok_or_else(|| missing("tag"))?;
    let msg_id = id(&message["msg_id"]).ok_or_else(|| missing("msg_id"))?;
    let known = TAGS.iter().find(|(known, ..)| *known == tag);
    let data = match &message["data"] {
        Value::String(inner) => serde_json::from_str(inner).unwrap_or_else(|_| Value::from(inner.as_str())),
        other => other.clone(),
    };
    let subject_id = known.and_then(|(.., field)| id(&data[*field]));
    if known.is_some() && subject_id.is_none() {
        return Err(missing("the id of its subject"));
    }
    let times = ["update_time", "pay_time", "create_time"];
    let seconds = times.iter().find_map(|field| integer(&data[*field]).filter(|at| *at > 0));
    Ok(Notice {
        dedup_key: format!("{tag}:{msg_id}"),
        kind: known.map_or_else(|| NoticeKind::Unknown(tag.clone()), |(_, kind, _)| kind.clone()),
        account_external_id: id(&data["shop_id"]),
        account_user_name: None,
        subject_id,
        occurred_at: seconds.map_or(received_at, Timestamp::from_seconds),
        hint: Value::Object(
            ["event", "order_status", "check_reject_reason"]
                .into_iter()
                .filter(|field| text(&data[*field]).is_some() || integer(&data[*field]).is_some())
                .map(|field| (field.to_owned(), data[field].clone()))
                .collect(),
        ),
        interaction: None,
        raw: serde_json::json!({ "tag": tag.as_str(), "msg_id": msg_id, "data": data }),
        native_type: tag,
        secret: None,
    })
}
