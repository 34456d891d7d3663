//! Verifying, answering and acknowledging pushes; the same for every WeChat channel.

use crate::crypto::{CryptoError, MessageKey, Opened, open_with, signature, signed_with};
use crate::envelope::{Envelope, read_value, write_reply};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Method, PushCredentials, PushRefusal, PushReply, RawPush, Verified};

/// Verifies an encrypted push: `msg_signature` (never `signature`), time, key (current, then previous), app id.
pub fn verify(
    push: &RawPush,
    credentials: &PushCredentials,
    now: Timestamp,
) -> Result<Verified, PushRefusal> {
    if push.method != Method::Post {
        return Err(PushRefusal::Malformed);
    }
    let given = push.query("msg_signature").ok_or(PushRefusal::BadSignature)?;
    let timestamp = push.query("timestamp").ok_or(PushRefusal::BadSignature)?;
    let nonce = push.query("nonce").ok_or(PushRefusal::BadSignature)?;
    let envelope = Envelope::read(&push.body)?;
    if !signed_with(&credentials.token, &[timestamp, nonce, &envelope.encrypted], given) {
        return Err(PushRefusal::BadSignature);
    }
    let signed_at = check_age(timestamp, credentials, now)?;
    if !credentials.formats.contains(&envelope.format) {
        return Err(PushRefusal::WrongFormat);
    }
    let opened = open(&envelope.encrypted, credentials)?;
    if !credentials.app_ids.contains(&opened.app_id) {
        return Err(PushRefusal::WrongApp);
    }
    Ok(Verified {
        origin: push.origin,
        format: envelope.format,
        plaintext: opened.message,
        app_id: opened.app_id,
        signed_at,
    })
}

fn check_age(
    timestamp: &str,
    credentials: &PushCredentials,
    now: Timestamp,
) -> Result<Timestamp, PushRefusal> {
    let seconds: i64 = timestamp.trim().parse().map_err(|_| PushRefusal::Malformed)?;
    let signed_at = Timestamp::from_seconds(seconds);
    let age = now.since(signed_at).as_micros();
    let ahead = PushCredentials::MAX_AHEAD.as_micros();
    if age > credentials.max_age.as_micros() || age < -ahead {
        Err(PushRefusal::Stale)
    } else {
        Ok(signed_at)
    }
}

fn open(encrypted: &str, credentials: &PushCredentials) -> Result<Opened, PushRefusal> {
    let keys = std::iter::once(&credentials.encoding_aes_key).chain(&credentials.previous_encoding_aes_key);
    for key in keys {
        match open_with(key, encrypted) {
            Ok(opened) => return Ok(opened),
            Err(CryptoError::BadCiphertext) => return Err(PushRefusal::Malformed),
            Err(CryptoError::DoesNotOpen | CryptoError::BadKey) => {}
        }
    }
    Err(PushRefusal::Undecryptable)
}

/// Answers the URL check: GET with `signature` over token, timestamp and nonce; the answer is `echostr` as it came.
pub fn handshake(
    push: &RawPush,
    credentials: &PushCredentials,
    now: Timestamp,
) -> Result<PushReply, PushRefusal> {
    if push.method != Method::Get {
        return Err(PushRefusal::Malformed);
    }
    let given = push.query("signature").ok_or(PushRefusal::BadSignature)?;
    let timestamp = push.query("timestamp").ok_or(PushRefusal::BadSignature)?;
    let nonce = push.query("nonce").ok_or(PushRefusal::BadSignature)?;
    if !signed_with(&credentials.token, &[timestamp, nonce], given) {
        return Err(PushRefusal::BadSignature);
    }
    check_age(timestamp, credentials, now)?;
    let echo = push.query("echostr").ok_or(PushRefusal::Malformed)?;
    Ok(plain(200, echo.as_bytes()))
}

/// `success` in plain text: always accepted and never encrypted.
pub fn acknowledge() -> PushReply {
    plain(200, b"success")
}

/// A refusal names no reason: the platform does not read it and a forger should not.
pub fn refuse(refusal: PushRefusal) -> PushReply {
    match refusal {
        PushRefusal::Malformed | PushRefusal::WrongFormat => plain(400, b"bad request"),
        PushRefusal::BadSignature
        | PushRefusal::Stale
        | PushRefusal::Undecryptable
        | PushRefusal::WrongApp => plain(403, b"forbidden"),
    }
}

fn plain(status: u16, body: &[u8]) -> PushReply {
    PushReply { status, content_type: "text/plain; charset=utf-8", body: body.to_vec() }
}

/// A message as JSON, from the verified bytes; `None` if it is neither JSON nor XML.
pub fn message(verified: &Verified) -> Option<serde_json::Value> {
    read_value(&verified.plaintext).map(|(_, value)| value)
}

/// Encrypts a message as the reply to a push, signed with the reply's own time and the push's nonce.
///
/// `random` is 16 bytes that were never used before. The reply goes out under the key that opened the push,
/// so the caller passes that key.
pub fn sealed_reply(
    verified: &Verified,
    key: &MessageKey,
    token: &str,
    reply: &ReplyParts<'_>,
) -> Result<PushReply, CryptoError> {
    let encrypted = key.seal(reply.random, reply.message, &verified.app_id)?;
    let timestamp = reply.now.seconds();
    let signed = signature(&[token, &timestamp.to_string(), reply.nonce, &encrypted]);
    let body = write_reply(verified.format, &encrypted, &signed, timestamp, reply.nonce);
    let content_type = match verified.format {
        qianpu_sdk::PushFormat::Json => "application/json; charset=utf-8",
        qianpu_sdk::PushFormat::Xml => "application/xml; charset=utf-8",
    };
    Ok(PushReply { status: 200, content_type, body })
}

/// What an encrypted reply is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReplyParts<'a> {
    /// 16 fresh random bytes.
    pub random: &'a [u8; 16],
    /// The message, in the format of the push.
    pub message: &'a [u8],
    /// The nonce of the push.
    pub nonce: &'a str,
    /// The reply's time.
    pub now: Timestamp,
}
