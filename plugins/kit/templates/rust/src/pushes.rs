//! Pushes: proving that they are genuine, and what they mean. A push only says "go and fetch".

use crate::Plugin;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::crypto::{Hash, Key, KeyForm, Piece, Vector, aes_cbc_open, digest, equal};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    ChannelError, Method, Notice, NoticeKind, PushCredentials, PushFormat, PushRefusal, PushReply,
    RawPush, Secret, Verified, Webhook,
};
use serde_json::{Value, json};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Events with a meaning; the details of all of them stand in `order_info`.
fn kind(event: &str) -> Option<NoticeKind> {
    Some(match event {
        "channels_ec_order_new" => NoticeKind::OrderCreated,
        "channels_ec_order_pay" | "channels_ec_order_wait_shipping" => NoticeKind::OrderPaid,
        "channels_ec_order_cancel" => NoticeKind::OrderCancelled,
        "channels_ec_order_deliver" => NoticeKind::OrderShipped,
        "channels_ec_order_confirm" => NoticeKind::OrderConfirmed,
        "channels_ec_order_settle" => NoticeKind::OrderSettled,
        "channels_ec_order_ext_info_update" => NoticeKind::OrderChanged,
        _ => return None,
    })
}

impl Webhook for Plugin {
    fn verify(
        &self,
        push: &RawPush,
        given: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal> {
        if push.method != Method::Post {
            return Err(PushRefusal::Malformed);
        }
        let [signature, timestamp, nonce] =
            ["msg_signature", "timestamp", "nonce"].map(|name| push.query(name));
        let refused = PushRefusal::BadSignature;
        let (signature, timestamp, nonce) = (
            signature.ok_or(refused)?,
            timestamp.ok_or(refused)?,
            nonce.ok_or(refused)?,
        );
        let body: Value = serde_json::from_slice(&push.body).map_err(|_| PushRefusal::Malformed)?;
        let encrypted = text(&body["Encrypt"]).ok_or(PushRefusal::Malformed)?;
        signed(&given.token, &[timestamp, nonce, &encrypted], signature)?;
        let signed_at = in_time(timestamp, given, now)?;
        if !given.formats.contains(&PushFormat::Json) {
            return Err(PushRefusal::WrongFormat);
        }
        let (plaintext, app_id) = opened(&encrypted, given)?;
        if !given.app_ids.contains(&app_id) {
            return Err(PushRefusal::WrongApp);
        }
        Ok(Verified {
            origin: push.origin,
            format: PushFormat::Json,
            plaintext,
            app_id,
            signed_at,
        })
    }

    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
        let senseless = |what: &str| ChannelError::unexpected(format!("the push {what}"));
        let message: Value =
            serde_json::from_slice(&verified.plaintext).map_err(|_| senseless("is no JSON"))?;
        if message["MsgType"] != "event" {
            return Err(senseless("is no event"));
        }
        let event = text(&message["Event"]).ok_or_else(|| senseless("has no name"))?;
        let known = kind(&event);
        let subject_id = id(&message["order_info"]["order_id"]).filter(|_| known.is_some());
        if known.is_some() && subject_id.is_none() {
            return Err(senseless("names no order"));
        }
        // The same for every delivery of one push.
        let bytes = canonical(&message);
        let key = digest(Hash::Sha1, &[Piece::Bytes(bytes.as_bytes())], false);
        let key = hex::encode(key.map_err(|error| ChannelError::unexpected(error.to_string()))?);
        // Never an error and never a guess: what is not in the table is kept by its name.
        let kind = known.unwrap_or_else(|| NoticeKind::Unknown(event.clone()));
        let at =
            integer(&message["CreateTime"]).map_or(verified.signed_at, Timestamp::from_seconds);
        let name: String = event.chars().take(60).collect();
        Ok(vec![Notice {
            account_user_name: text(&message["ToUserName"]),
            subject_id,
            raw: message,
            ..Notice::new(format!("{name}:{key}"), event, kind, at)
        }])
    }

    fn handshake(
        &self,
        push: &RawPush,
        given: &PushCredentials,
        now: Timestamp,
    ) -> Result<PushReply, PushRefusal> {
        if push.method != Method::Get {
            return Err(PushRefusal::Malformed);
        }
        let query = |name: &str| push.query(name).ok_or(PushRefusal::BadSignature);
        signed(
            &given.token,
            &[query("timestamp")?, query("nonce")?],
            query("signature")?,
        )?;
        in_time(query("timestamp")?, given, now)?;
        Ok(plain(200, query("echostr")?))
    }

    fn acknowledge(&self, _verified: &Verified) -> PushReply {
        plain(200, "success")
    }

    /// Names no reason: the platform does not read it and a forger should not.
    fn refuse(&self, refusal: PushRefusal) -> PushReply {
        match refusal {
            PushRefusal::Malformed | PushRefusal::WrongFormat => plain(400, "bad request"),
            _ => plain(403, "forbidden"),
        }
    }
}

fn plain(status: u16, body: &str) -> PushReply {
    PushReply {
        status,
        content_type: "text/plain; charset=utf-8",
        body: body.as_bytes().to_vec(),
    }
}

/// SHA-1 over the sorted parts and the token, which stays in the server.
fn signed(token: &Secret<String>, parts: &[&str], given: &str) -> Result<(), PushRefusal> {
    let mut pieces = vec![Piece::Secret(token)];
    pieces.extend(parts.iter().map(|part| Piece::Bytes(part.as_bytes())));
    let hash = digest(Hash::Sha1, &pieces, true).map_err(|_| PushRefusal::BadSignature)?;
    if equal(hex::encode(hash).as_bytes(), given.as_bytes()) {
        Ok(())
    } else {
        Err(PushRefusal::BadSignature)
    }
}

fn in_time(
    timestamp: &str,
    given: &PushCredentials,
    now: Timestamp,
) -> Result<Timestamp, PushRefusal> {
    let seconds: i64 = timestamp
        .trim()
        .parse()
        .map_err(|_| PushRefusal::Malformed)?;
    let signed_at = Timestamp::from_seconds(seconds);
    let age = now.since(signed_at).as_micros();
    let in_time =
        age <= given.max_age.as_micros() && age >= -PushCredentials::MAX_AHEAD.as_micros();
    if in_time {
        Ok(signed_at)
    } else {
        Err(PushRefusal::Stale)
    }
}

/// The message, and the app id behind it.
fn opened(encrypted: &str, given: &PushCredentials) -> Result<(Vec<u8>, String), PushRefusal> {
    let data = BASE64
        .decode(encrypted.trim())
        .map_err(|_| PushRefusal::Malformed)?;
    let keys = std::iter::once(&given.encoding_aes_key).chain(&given.previous_encoding_aes_key);
    let mut opened = keys.filter_map(|secret| {
        let key = Key {
            secret,
            form: KeyForm::Base64,
        };
        parts(&aes_cbc_open(key, Vector::KeyPrefix, &data).ok()?)
    });
    opened.next().ok_or(PushRefusal::Undecryptable)
}

/// 16 random bytes, the length, the message, the app id; padded to blocks of 32.
fn parts(plain: &[u8]) -> Option<(Vec<u8>, String)> {
    let pad = usize::from(*plain.last()?);
    let (body, padding) = plain.split_at_checked(plain.len().checked_sub(pad)?)?;
    if !(1..=32).contains(&pad) || padding.iter().any(|byte| usize::from(*byte) != pad) {
        return None;
    }
    let (length, rest) = body.get(16..)?.split_first_chunk::<4>()?;
    let (message, app_id) =
        rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((message.to_vec(), String::from_utf8(app_id.to_vec()).ok()?))
}

/// JSON with its keys in order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut entries: Vec<_> = fields.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", json!(key), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(values) => {
            format!(
                "[{}]",
                values.iter().map(canonical).collect::<Vec<_>>().join(",")
            )
        }
        other => other.to_string(),
    }
}
