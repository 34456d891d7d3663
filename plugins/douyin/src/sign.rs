//! Signatures: of calls (version 2, HMAC-SHA256) and of pushes (MD5).

use qianpu_sdk::Secret;
use qianpu_sdk::crypto::{CryptoFailure, Hash, Key, KeyForm, Piece, digest, equal, hmac};
use serde_json::Value;
use std::collections::BTreeMap;

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

/// The signature of a call. `param_json` is exactly what is sent; the access token is not part of it. `hidden` is the
/// secret that stands among the parameters, where one does: as a component this plugin sees only a name of it.
///
/// # Errors
/// Who computes refused; built in, nobody does.
pub fn call(
    app_key: &str,
    secret: &Secret<String>,
    method: &str,
    param_json: &str,
    hidden: Option<&Secret<String>>,
    timestamp: &str,
) -> Result<String, CryptoFailure> {
    let before = format!("app_key{app_key}method{method}param_json");
    let after = format!("timestamp{timestamp}v2");
    let mut pieces = vec![Piece::Secret(secret), Piece::Bytes(before.as_bytes())];
    let parts = hidden.and_then(|inside| Some((inside, param_json.split_once(inside.expose().as_str())?)));
    match parts {
        Some((inside, (head, tail))) => pieces.extend([
            Piece::Bytes(head.as_bytes()),
            Piece::Secret(inside),
            Piece::Bytes(tail.as_bytes()),
        ]),
        None => pieces.push(Piece::Bytes(param_json.as_bytes())),
    }
    pieces.extend([Piece::Bytes(after.as_bytes()), Piece::Secret(secret)]);
    hmac(Hash::Sha256, Key { secret, form: KeyForm::Utf8 }, &pieces).map(hex::encode)
}

/// Whether `given` is the signature of a push: MD5 over id, raw body and secret.
pub fn push_matches(app_key: &str, body: &[u8], secret: &Secret<String>, given: &str) -> bool {
    let pieces = [Piece::Bytes(app_key.as_bytes()), Piece::Bytes(body), Piece::Secret(secret)];
    digest(Hash::Md5, &pieces, false)
        .is_ok_and(|wanted| equal(hex::encode(wanted).as_bytes(), given.as_bytes()))
}
