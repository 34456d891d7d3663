//! A gateway of the provider's own: an https address that takes a JSON body, signed as Standard Webhooks are
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>), so that a library of
//! any language can check it. 2xx is "taken"; `{"id": …}` in the answer is kept as the gateway's own id.

use super::{Reply, Sms, SmsError};
use crate::app::webhooks::sign;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::secrets::Plain;
use serde_json::{Value, json};

/// The shortest key, in bytes; the standard's own bound.
const SHORTEST_KEY: usize = 24;

/// Whether a text is a secret of the standard: `whsec_` and the base64 of 24 bytes or more.
pub fn is_secret(text: &str) -> bool {
    let plain = Plain::from(text.to_owned());
    let shortest = "whsec_".len() + SHORTEST_KEY.div_ceil(3) * 4;
    text.len() >= shortest && sign::signature(&plain, "", Timestamp::from_seconds(0), "").is_some()
}

/// Headers and body of a request.
pub type Request = (Vec<(&'static str, String)>, String);

/// The request; never one without a signature.
pub fn build(secret: &Plain, sms: &Sms, id: &str, now: Timestamp) -> Result<Request, SmsError> {
    let body = json!({
        "id": id,
        "type": "sms.code",
        "phone": format!("+86{}", sms.phone),
        "code": sms.code,
        "text": sms.text,
        "language": sms.lang.code(),
    })
    .to_string();
    let signature = sign::signature(secret, id, now, &body).ok_or_else(|| SmsError::Never {
        code: "secret_unusable".to_owned(),
        text: "the stored secret cannot sign; set it again".to_owned(),
    })?;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.seconds().to_string()),
        ("webhook-signature", signature),
    ];
    Ok((headers, body))
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

    #[test]
    fn a_secret_is_one_of_the_standard() {
        assert!(is_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        for no in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_not base64 not base64 not base64",
        ] {
            assert!(!is_secret(no), "{no}");
        }
    }

    /// The example of the specification.
    #[test]
    fn the_specifications_signature() {
        let signed = sign::signature(
            &Plain::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_seconds(1_614_265_330),
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
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
