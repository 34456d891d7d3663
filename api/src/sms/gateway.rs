//! A gateway of the provider's own: an https address that takes a JSON body, signed as Standard Webhooks are
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>), so that a library of
//! any language can check it. 2xx is "taken"; `{"id": …}` in the answer is kept as the gateway's own id.

use super::{Reply, Sms, SmsError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use qianpu_domain::time::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

/// The shortest secret that is accepted, in characters.
pub const SHORTEST_SECRET: usize = 24;

/// The key in a secret: `whsec_` and base64, or the text itself.
fn key_of(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key_of(secret)) else { return String::new() };
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Headers and body of the request.
pub fn build(secret: &str, sms: &Sms, id: &str, now: Timestamp) -> (Vec<(&'static str, String)>, String) {
    let body = json!({
        "id": id,
        "type": "sms.code",
        "phone": format!("+86{}", sms.phone),
        "code": sms.code,
        "text": sms.text,
        "language": sms.lang.code(),
    })
    .to_string();
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.seconds().to_string()),
        ("webhook-signature", signature(secret, id, now.seconds(), &body)),
    ];
    (headers, body)
}

/// Reads the answer.
pub fn read(reply: &Reply) -> Result<Option<String>, SmsError> {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = format!("http_{}", reply.status);
    let words = text("message").unwrap_or_else(|| format!("the gateway answered {}", reply.status));
    match reply.status {
        200..=299 => Ok(text("id")),
        408 | 425 | 429 | 500..=599 => Err(SmsError::Later { code, text: words }),
        _ => Err(SmsError::Never { code, text: words }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_specifications_signature() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let read = |status, body: &str| read(&Reply { status, body: body.as_bytes().to_vec() });
        assert_eq!(read(202, r#"{"id":"m-1"}"#), Ok(Some("m-1".to_owned())));
        assert_eq!(read(204, ""), Ok(None));
        for (status, later) in [(400, false), (401, false), (302, false), (429, true), (500, true)] {
            let refused = read(status, r#"{"message":"no"}"#).unwrap_err();
            assert_eq!(matches!(refused, SmsError::Later { .. }), later, "{status}");
        }
    }
}
