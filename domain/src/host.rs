//! Hosts: which one a tenant may claim, and what becomes of a claim.

use crate::error::FieldError;
use crate::time::{Span, Timestamp};

words! {
    /// Where a claimed domain stands.
    pub enum DomainState {
        /// Claimed and not proven; nothing leads to it.
        Waiting = "waiting",
        /// Proven; it leads to the tenant.
        Verified = "verified",
        /// Its proof is missing; it leads to the tenant until it is dropped.
        Failing = "failing",
        /// Its proof stayed away; nothing leads to it.
        Dropped = "dropped",
    }
}

impl DomainState {
    /// Whether the host leads to the tenant.
    pub const fn is_in_use(self) -> bool {
        matches!(self, Self::Verified | Self::Failing)
    }
}

words! {
    /// How a domain is proven.
    pub enum ProofMethod {
        /// A TXT record of `_qianpu-challenge.<host>`.
        Dns = "dns",
        /// A file below `/.well-known/qianpu-challenge/` of the host.
        File = "file",
        /// A name that leads to this machine by definition; development only.
        Local = "local",
    }
}

/// How long a domain whose proof is missing leads to its tenant on.
pub const GRACE: Span = Span::days(3);

/// Whether a domain whose proof is missing is dropped now.
pub fn is_overdue(failing_at: Option<Timestamp>, now: Timestamp) -> bool {
    failing_at.is_some_and(|since| since.plus(GRACE) <= now)
}

/// Endings that lead to nobody on the internet (RFC 2606, 6761, 6762, 7686, 8375, and what is used inside networks).
const NOWHERE: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "arpa",
    "test",
    "example",
    "invalid",
    "onion",
    "alt",
];

/// Whether a name leads to this machine by definition.
pub fn is_local(host: &str) -> bool {
    host.ends_with(".localhost")
}

/// A host in ASCII that a tenant may claim. `own` is the installation's own; `development` lets names through that
/// lead to nobody on the internet.
pub fn claimable(host: &str, own: &str, development: bool) -> Result<(), FieldError> {
    let labels: Vec<&str> = host.split('.').collect();
    let good_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if host.len() > 253 || labels.len() < 2 || !labels.iter().all(good_label) || numeric {
        let (en, zh) = ("expected a domain such as shop.example.com", "请填写域名，例如 shop.example.com");
        return Err(FieldError::new("host", "invalid", en, zh));
    }
    let below = |inner: &str, outer: &str| inner == outer || inner.ends_with(&format!(".{outer}"));
    if below(host, own) || below(own, host) {
        let (en, zh) = ("this is the installation's own domain", "这是本平台自己的域名");
        return Err(FieldError::new("host", "own", en, zh));
    }
    let reserved = labels.last().is_some_and(|last| NOWHERE.contains(last));
    if reserved && !development {
        let (en, zh) = ("this name leads nowhere on the internet", "该域名在互联网上不可用");
        return Err(FieldError::new("host", "reserved", en, zh));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_names_that_are_not_ours_can_be_claimed() {
        let code = |host: &str| claimable(host, "shops.qianpu.com", false).map_err(|error| error.code);
        for good in ["tea.com", "shop.tea.com", "xn--fiq228c.com", "a-b.co"] {
            assert_eq!(code(good), Ok(()), "{good}");
        }
        for bad in [
            "", "tea", "tea.", ".tea.com", "Tea.com", "te_a.com", "-a.com", "a-.com", "10.0.0.1", "茶.com",
            "a b.com",
        ] {
            assert_eq!(code(bad), Err("invalid"), "{bad}");
        }
        for own in ["shops.qianpu.com", "evil.shops.qianpu.com", "qianpu.com"] {
            assert_eq!(code(own), Err("own"), "{own}");
        }
        for reserved in ["shop.localhost", "a.test", "a.local", "db.internal", "1.0.0.10.in-addr.arpa"] {
            assert_eq!(code(reserved), Err("reserved"), "{reserved}");
        }
        assert_eq!(claimable("shop.localhost", "127.0.0.1", true), Ok(()));
    }

    #[test]
    fn a_missing_proof_has_its_days() {
        let since = Timestamp::from_seconds(1_800_000_000);
        assert!(!is_overdue(None, since));
        assert!(!is_overdue(Some(since), since.plus(GRACE.min(Span::hours(71)))));
        assert!(is_overdue(Some(since), since.plus(GRACE)));
    }
}
