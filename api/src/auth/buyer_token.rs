//! Access tokens of buyers: JWT like those of staff, with an audience of their own, so that neither is good where the
//! other is. A token lasts as long as its session, which is looked up on every request: ending the session ends it.

use super::keys::Keys;
use super::token::Wire;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::resolve::BuyerClaims;

/// The audience.
pub const AUDIENCE: &str = "qianpu:buyer";

/// Signs a token that is good for `life`.
pub fn sign(keys: &Keys, claims: &BuyerClaims, now: Timestamp, life: Span) -> Result<String, String> {
    let who = [claims.buyer.to_string(), claims.tenant.to_string(), claims.session.to_string()];
    Wire::new(AUDIENCE.to_owned(), who, now, life).signed(keys)
}

/// What a token says, when it is a buyer's, ours, unchanged and not expired at `now`.
pub fn read(keys: &Keys, token: &str, now: Timestamp) -> Option<BuyerClaims> {
    let wire = Wire::read(keys, token, &[AUDIENCE.to_owned()], now)?;
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
