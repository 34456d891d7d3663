//! Names that a tenant gave us, and the addresses behind them that may be connected to. Whoever connects takes the
//! addresses from here and connects to exactly those, so a name cannot come to mean something else in between.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const RESOLVE_WITHIN: Duration = Duration::from_secs(5);

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the name of the host cannot be resolved")]
    Unknown,
    #[error("the host is not a public one")]
    NotPublic,
}

/// The addresses of a host, all of them public; `inside` lets private ones through (development).
pub async fn public_addresses(host: &str, port: u16, inside: bool) -> Result<Vec<SocketAddr>, Refusal> {
    let found = tokio::time::timeout(RESOLVE_WITHIN, tokio::net::lookup_host((host, port))).await;
    let found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        _ => return Err(Refusal::Unknown),
    };
    if found.is_empty() {
        return Err(Refusal::Unknown);
    }
    // One address inside is enough: which of them is taken is not ours to say.
    if !inside && found.iter().any(|address| !is_public(address.ip())) {
        return Err(Refusal::NotPublic);
    }
    Ok(found)
}

/// Whether an address is on the internet. What is not known to be is not.
pub fn is_public(ip: IpAddr) -> bool {
    crate::outside::is_public(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.170",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in
            ["1.1.1.1", "9.255.255.255", "100.128.0.1", "172.32.0.1", "2400:3200::1", "2606:4700::1111"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_outside_development() {
        for host in ["localhost", "127.0.0.1", "10.0.0.1", "::1"] {
            assert_eq!(public_addresses(host, 25, false).await, Err(Refusal::NotPublic), "{host}");
        }
        assert!(public_addresses("127.0.0.1", 25, true).await.is_ok());
    }
}
