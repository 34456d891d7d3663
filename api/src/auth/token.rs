//! Access tokens: JWT, HS256 and nothing else, 15 minutes, one audience per surface. A token only names
//! person, tenant and session; what they may do is read from the database on every request.

use super::keys::Keys;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{SessionId, TenantId, UserId};
use qianpu_domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "qianpu";

/// What stands in a token, of staff or of a buyer.
#[derive(Serialize, Deserialize)]
pub(super) struct Wire {
    iss: String,
    pub aud: String,
    pub sub: String,
    pub ten: String,
    pub sid: String,
    iat: i64,
    exp: i64,
}

impl Wire {
    /// For an audience: a person, their tenant and their session, from `now` for `life`.
    pub fn new(aud: String, [sub, ten, sid]: [String; 3], now: Timestamp, life: Span) -> Self {
        let (iat, exp) = (now.seconds(), now.plus(life).seconds());
        Self { iss: ISSUER.to_owned(), aud, sub, ten, sid, iat, exp }
    }

    /// Signs it.
    pub fn signed(&self, keys: &Keys) -> Result<String, String> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(keys.key_id().to_owned());
        let key = EncodingKey::from_secret(keys.token_key());
        encode(&header, self, &key).map_err(|error| error.to_string())
    }

    /// What a token says, when it is ours, for one of these audiences, unchanged and not expired at `now`.
    pub fn read(keys: &Keys, token: &str, audiences: &[String], now: Timestamp) -> Option<Self> {
        if token.len() > 2048 || decode_header(token).ok()?.kid.as_deref() != Some(keys.key_id()) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Expiry is compared with the application's clock, which tests can move.
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(keys.token_key());
        let wire = decode::<Self>(token, &key, &validation).ok()?.claims;
        if wire.exp <= now.seconds() {
            return None;
        }
        Some(wire)
    }
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
    pub surface: Surface,
}

fn audience(surface: Surface) -> String {
    format!("qianpu:{}", surface.as_str())
}

/// Signs a token that is good for `life`.
pub fn sign(keys: &Keys, claims: &Claims, now: Timestamp, life: Span) -> Result<String, String> {
    let who = [claims.user.to_string(), claims.tenant.to_string(), claims.session.to_string()];
    Wire::new(audience(claims.surface), who, now, life).signed(keys)
}

/// What a token says, when it is ours, unchanged and not expired at `now`.
pub fn read(keys: &Keys, token: &str, now: Timestamp) -> Option<Claims> {
    let audiences = [Surface::Operator, Surface::Provider, Surface::Merchant].map(audience);
    let wire = Wire::read(keys, token, &audiences, now)?;
    Some(Claims {
        user: wire.sub.parse().ok()?,
        tenant: wire.ten.parse().ok()?,
        session: wire.sid.parse().ok()?,
        surface: Surface::parse(wire.aud.strip_prefix("qianpu:")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    #[test]
    fn only_our_own_unexpired_tokens_are_read() {
        let keys = Keys::of(&Config::from_parts(None, []).unwrap()).unwrap();
        let claims = Claims {
            user: UserId(Uuid::from_u128(1)),
            tenant: TenantId(Uuid::from_u128(2)),
            session: SessionId(Uuid::from_u128(3)),
            surface: Surface::Merchant,
        };
        let now = Timestamp::from_seconds(1_800_000_000);
        let token = sign(&keys, &claims, now, Span::minutes(15)).unwrap();
        assert_eq!(read(&keys, &token, now), Some(claims));
        assert_eq!(read(&keys, &token, now.plus(Span::minutes(15))), None);

        let parts: Vec<&str> = token.split('.').collect();
        let changed = parts[1].replace('a', "b");
        assert_eq!(read(&keys, &format!("{}.{changed}.{}", parts[0], parts[2]), now), None);
        let header = format!(r#"{{"alg":"none","kid":"{}"}}"#, keys.key_id());
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), parts[1]);
        assert_eq!(read(&keys, &unsigned, now), None);

        // Right key, wrong everything else.
        let key = EncodingKey::from_secret(keys.token_key());
        let forge = |algorithm, kid: &str, change: &dyn Fn(&mut serde_json::Value)| {
            let mut wire = serde_json::json!({ "iss": ISSUER, "aud": "qianpu:merchant", "sub": claims.user.to_string(),
                "ten": claims.tenant.to_string(), "sid": claims.session.to_string(), "iat": now.seconds(),
                "exp": now.plus(Span::minutes(15)).seconds() });
            change(&mut wire);
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
            encode(&header, &wire, &key).unwrap()
        };
        let own = keys.key_id();
        assert_eq!(read(&keys, &forge(Algorithm::HS256, own, &|_| {}), now), Some(claims));
        for audience in ["qianpu:buyer", "qianpu:app", "qianpu", "merchant", "https://elsewhere.example"] {
            let token = forge(Algorithm::HS256, own, &|wire| wire["aud"] = audience.into());
            assert_eq!(read(&keys, &token, now), None, "{audience}");
        }
        for (field, value) in
            [("iss", "elsewhere"), ("sub", "key_00000000000000000000000000000001"), ("ten", "x"), ("sid", "")]
        {
            let token = forge(Algorithm::HS256, own, &|wire| wire[field] = value.into());
            assert_eq!(read(&keys, &token, now), None, "{field}");
        }
        let endless = forge(Algorithm::HS256, own, &|wire| drop(wire.as_object_mut().unwrap().remove("exp")));
        assert_eq!(read(&keys, &endless, now), None);
        for (algorithm, kid) in [
            (Algorithm::HS384, own),
            (Algorithm::HS512, own),
            (Algorithm::HS256, "other"),
            (Algorithm::HS256, ""),
        ] {
            assert_eq!(read(&keys, &forge(algorithm, kid, &|_| {}), now), None, "{algorithm:?} {kid}");
        }
        // The signature of HS256 under a header that says another family of keys.
        let signed = forge(Algorithm::HS256, own, &|_| {});
        for algorithm in ["RS256", "ES256", "EdDSA", "none", "None", "hs256"] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{own}"}}"#);
            let (_, rest) = signed.split_once('.').unwrap();
            let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(read(&keys, &token, now), None, "{algorithm}");
        }

        let other = [("QIANPU__KEYS__TOKEN_SECRET".to_owned(), "x".repeat(40))];
        let other = Keys::of(&Config::from_parts(None, other).unwrap()).unwrap();
        assert_eq!(read(&other, &token, now), None);
    }

    /// Headers and claims that are not ours, signed with our own key: the signature is right, and they are refused.
    #[test]
    fn a_right_signature_is_not_enough() {
        let keys = Keys::of(&Config::from_parts(None, []).unwrap()).unwrap();
        let now = Timestamp::from_seconds(1_800_000_000);
        let id = |number| Uuid::from_u128(number);
        let wire = |iss: &str, aud: &str| Wire {
            iss: iss.to_owned(),
            aud: aud.to_owned(),
            sub: UserId(id(1)).to_string(),
            ten: TenantId(id(2)).to_string(),
            sid: SessionId(id(3)).to_string(),
            iat: now.seconds(),
            exp: now.seconds() + 60,
        };
        let signed = |header: &Header, wire: &Wire| {
            encode(header, wire, &EncodingKey::from_secret(keys.token_key())).unwrap()
        };
        let own = || Header { kid: Some(keys.key_id().to_owned()), ..Header::new(Algorithm::HS256) };
        let good = wire(ISSUER, "qianpu:merchant");
        assert!(read(&keys, &signed(&own(), &good), now).is_some());
        let foreign = Header { kid: Some("foreign".to_owned()), ..own() };
        let none = Header { kid: None, ..own() };
        let other_algorithm = Header { kid: own().kid, ..Header::new(Algorithm::HS512) };
        for header in [foreign, none, other_algorithm] {
            assert_eq!(read(&keys, &signed(&header, &good), now), None, "{header:?}");
        }
        for bad in [wire("else", "qianpu:merchant"), wire(ISSUER, "qianpu:buyer"), wire(ISSUER, "merchant")] {
            assert_eq!(read(&keys, &signed(&own(), &bad), now), None);
        }
        // An address of keys in the header is not looked at: another key behind it helps nobody.
        let elsewhere = Header { jku: Some("https://evil.example/keys".to_owned()), ..own() };
        let forged = encode(&elsewhere, &good, &EncodingKey::from_secret(&[7; 32])).unwrap();
        assert_eq!(read(&keys, &forged, now), None);
    }
}
