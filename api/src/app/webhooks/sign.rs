//! Secrets and signatures of Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA-256 over
//! `id.timestamp.body`, keyed with the bytes behind `whsec_`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::random;
use qianpu_tenants::secrets::Plain;
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A new secret of 256 bits.
pub fn new_secret() -> Plain {
    Plain::from(format!("{PREFIX}{}", STANDARD.encode(random::bytes::<32>())))
}

/// The signature of a message with one secret; none when the text is not a secret.
pub fn signature(secret: &Plain, id: &str, at: Timestamp, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{}.{body}", at.seconds()).as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Whether one of the signatures of a header is that of the message.
pub fn holds(secret: &Plain, id: &str, at: Timestamp, body: &str, header: &str) -> bool {
    use subtle::ConstantTimeEq;
    let Some(expected) = signature(secret, id, at, body) else { return false };
    header.split(' ').any(|given| given.as_bytes().ct_eq(expected.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_of_the_form_of_the_standard() {
        let secret = new_secret();
        let key = STANDARD.decode(secret.expose().strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(key.len(), 32);
        assert_ne!(new_secret(), secret);
    }

    /// Signed by the Python library `standardwebhooks` 1.1.0 of the standard's authors.
    #[test]
    fn another_implementation_of_the_standard_signs_the_same() {
        let secret = Plain::from("whsec_cWlhbnB1LXRlc3QtdmVjdG9yLTMyLWJ5dGVzLWxvbmc=".to_owned());
        let body = concat!(
            r#"{"type":"order.paid","timestamp":"2026-11-21T03:00:00Z","data":{"id":"ord_01981b2c000070008000000000000001","#,
            r#""object_version":3,"tenant_id":"ten_01981b2c000070008000000000000002"}}"#,
        );
        let at = Timestamp::from_seconds(1_795_230_000);
        let signed = signature(&secret, "evt_01981b2c000070008000000000000003", at, body);
        assert_eq!(signed.as_deref(), Some("v1,2oImpS6VvNkpFIBV+7QehRm3UxjpkJmKz0CA2hnhvWs="));
    }

    #[test]
    fn a_signature_holds_for_its_message_only() {
        let (secret, at) = (new_secret(), Timestamp::from_seconds(1_700_000_000));
        let header = signature(&secret, "evt_1", at, "{}").unwrap();
        assert!(holds(&secret, "evt_1", at, "{}", &format!("v1,other {header}")));
        assert!(!holds(&secret, "evt_2", at, "{}", &header));
        assert!(!holds(&secret, "evt_1", at.plus(qianpu_domain::time::Span::seconds(1)), "{}", &header));
        assert!(!holds(&secret, "evt_1", at, "{ }", &header));
        assert!(!holds(&new_secret(), "evt_1", at, "{}", &header));
    }
}
