//! Access tokens of buyers: JWT like those of staff, with an audience of their own, so that neither is good where the
//! other is. A token lasts as long as its session, which is looked up on every request: ending the session ends it.

use super::keys::Keys;
use super::token::ISSUER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::resolve::BuyerClaims;
use serde::{Deserialize, Serialize};

/// The audience.
pub const AUDIENCE: &str = "qianpu:buyer";

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: String,
    ten: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// Signs a token that is good for `life`.
pub fn sign(keys: &Keys, claims: &BuyerClaims, now: Timestamp, life: Span) -> Result<String, String> {
    let wire = Wire {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: claims.buyer.to_string(),
        ten: claims.tenant.to_string(),
        sid: claims.session.to_string(),
        iat: now.seconds(),
        exp: now.plus(life).seconds(),
    };
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(keys.key_id().to_owned());
    encode(&header, &wire, &EncodingKey::from_secret(keys.token_key())).map_err(|error| error.to_string())
}

/// What a token says, when it is a buyer's, ours, unchanged and not expired at `now`.
pub fn read(keys: &Keys, token: &str, now: Timestamp) -> Option<BuyerClaims> {
    if token.len() > 2048 || decode_header(token).ok()?.kid.as_deref() != Some(keys.key_id()) {
        return None;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Expiry is compared with the application's clock, which tests can move.
    validation.validate_exp = false;
    let wire = decode::<Wire>(token, &DecodingKey::from_secret(keys.token_key()), &validation).ok()?.claims;
    (wire.exp > now.seconds()).then_some(())?;
    Some(BuyerClaims {
        buyer: wire.sub.parse().ok()?,
        tenant: wire.ten.parse().ok()?,
        session: wire.sid.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token;
    use crate::config::Config;
    use qianpu_domain::access::Surface;
    use qianpu_domain::ids::{BuyerId, BuyerSessionId, SessionId, TenantId, UserId};
    use uuid::Uuid;

    #[test]
    fn buyers_tokens_and_staff_tokens_are_not_each_other() {
        let keys = Keys::of(&Config::from_parts(None, []).unwrap()).unwrap();
        let now = Timestamp::from_seconds(1_800_000_000);
        let claims = BuyerClaims {
            tenant: TenantId(Uuid::from_u128(2)),
            buyer: BuyerId(Uuid::from_u128(1)),
            session: BuyerSessionId(Uuid::from_u128(3)),
        };
        let own = sign(&keys, &claims, now, Span::days(30)).unwrap();
        assert_eq!(read(&keys, &own, now), Some(claims));
        assert_eq!(read(&keys, &own, now.plus(Span::days(30))), None);
        assert_eq!(token::read(&keys, &own, now), None);
        let staff = token::Claims {
            user: UserId(Uuid::from_u128(1)),
            tenant: claims.tenant,
            session: SessionId(Uuid::from_u128(3)),
            surface: Surface::Merchant,
        };
        let staff = token::sign(&keys, &staff, now, Span::minutes(15)).unwrap();
        assert_eq!(read(&keys, &staff, now), None);
    }
}
