//! Signatures as the documents define them.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

/// The signature of a call by one of the two documented methods; nothing for another.
pub fn call(
    secret: &str,
    sign_method: &str,
    [app_key, method, param_json, timestamp, v]: [&str; 5],
) -> Option<String> {
    let text = format!(
        "{secret}app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v{v}{secret}"
    );
    match sign_method {
        "hmac-sha256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
            mac.update(text.as_bytes());
            Some(hex::encode(mac.finalize().into_bytes()))
        }
        // The method when none is named.
        "md5" | "" => Some(hex::encode(Md5::digest(text.as_bytes()))),
        _ => None,
    }
}

/// `event-sign` of a push.
pub fn push(app_key: &str, body: &str, secret: &str) -> String {
    hex::encode(Md5::digest(format!("{app_key}{body}{secret}").as_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn signatures_are_those_of_another_implementation() {
        let parts = ["7000000000000000001", "order.searchList", r#"{"page":0,"size":10}"#, "1700000000", "2"];
        let sign = |method| super::call("secret", method, parts);
        // Python: hmac.new(b"secret", text, hashlib.sha256).hexdigest(), hashlib.md5(text).hexdigest()
        assert_eq!(
            sign("hmac-sha256").as_deref(),
            Some("1b7be65e0d3317b8eef3fd8d83019c6bacef976b2695f11ccd35dd972de6f3b0")
        );
        assert_eq!(sign("md5").as_deref(), Some("fb4599a937ca64eb86cc951c5c1194ab"));
        assert_eq!(sign("sha1"), None);
    }
}
