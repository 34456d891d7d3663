//! Names that a tenant gave us, and the addresses behind them that may be connected to. Whoever connects takes the
//! addresses from here and connects to exactly those, so a name cannot come to mean something else in between.

use crate::outside::is_public;
use std::net::SocketAddr;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_outside_development() {
        for host in ["localhost", "127.0.0.1", "10.0.0.1", "::1"] {
            assert_eq!(public_addresses(host, 25, false).await, Err(Refusal::NotPublic), "{host}");
        }
        assert!(public_addresses("127.0.0.1", 25, true).await.is_ok());
    }
}
