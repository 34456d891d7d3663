//! Signatures: of calls (version 2, HMAC-SHA256) and of pushes (MD5).

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::Value;
use sha2::Sha256;
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// The parameters of a call as they are signed and sent: keys sorted at every level, compact, raw UTF-8.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let parts: Vec<String> = sorted
                .into_iter()
                .map(|(name, member)| format!("{}:{}", Value::from(name.as_str()), canonical(member)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// The signature of a call. `param_json` is exactly what is sent; the access token is not part of it.
pub fn call(app_key: &str, secret: &str, method: &str, param_json: &str, timestamp: &str) -> String {
    let text =
        format!("{secret}app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2{secret}");
    // HMAC takes keys of any length.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        },
    )
}

/// Whether `given` is the signature of a push: MD5 over id, raw body and secret.
pub fn push_matches(app_key: &str, body: &[u8], secret: &str, given: &str) -> bool {
    let mut digest = Md5::new();
    digest.update(app_key.as_bytes());
    digest.update(body);
    digest.update(secret.as_bytes());
    let wanted = hex::encode(digest.finalize());
    bool::from(wanted.as_bytes().ct_eq(given.as_bytes()))
}
