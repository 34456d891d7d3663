//! Whether somebody who claims a host rules over it: a TXT record, or a file that its web server answers with. The file
//! is fetched as `outside` does it: from public addresses only, without following redirects; we never serve it ourselves, so
//! a forgotten domain that still leads here proves nothing.

use super::dns::{DnsError, DnsServer};
use crate::outside::{Bounds, Failure, Outside, Policy};
use crate::state::AppState;
use qianpu_domain::host::{ProofMethod, is_local};
use std::sync::Arc;
use std::time::Duration;

/// The name whose TXT record holds the proof.
pub fn record_name(host: &str) -> String {
    format!("_qianpu-challenge.{host}")
}

/// The address that answers with the proof.
pub fn file_path(token: &str) -> String {
    format!("/.well-known/qianpu-challenge/{token}")
}

/// What the record or the file has to hold.
pub fn value(token: &str) -> String {
    format!("qianpu-challenge={token}")
}

/// A proof is short.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), bytes: 1_024 };

/// Why a host is not proven; stable words, with their texts in the catalogues.
pub const NOT_FOUND: &str = "not_found";
pub const WRONG_VALUE: &str = "wrong_value";
pub const NO_DNS: &str = "no_dns";
pub const NOT_PUBLIC: &str = "not_public";

/// How the host is proven, or why it is not.
pub async fn look(state: &AppState, host: &str, token: &str) -> Result<ProofMethod, &'static str> {
    if state.config.is_development() && is_local(host) {
        return Ok(ProofMethod::Local);
    }
    let Some(server) = DnsServer::of(&state.config.domains.dns_server) else { return Err(NO_DNS) };
    let expected = value(token);
    let texts = match server.texts(&record_name(host)).await {
        Ok(texts) => texts,
        Err(DnsError::NoAnswer) => return Err(NO_DNS),
        Err(DnsError::Name) => return Err(NOT_FOUND),
    };
    if texts.iter().any(|text| text.trim() == expected) {
        return Ok(ProofMethod::Dns);
    }
    match fetch(state, server, host, token).await? {
        Some(body) if body.trim() == expected => Ok(ProofMethod::File),
        Some(_) => Err(WRONG_VALUE),
        None if texts.is_empty() => Err(NOT_FOUND),
        None => Err(WRONG_VALUE),
    }
}

/// What the host's web server says at the address of the proof; none when it says nothing.
async fn fetch(
    state: &AppState,
    server: DnsServer,
    host: &str,
    token: &str,
) -> Result<Option<String>, &'static str> {
    let port = state.config.domains.file_port;
    let policy = Policy { loopback: state.config.is_development(), plain: true, ports: vec![port] };
    let Ok(outside) = Outside::new(policy, Arc::new(server)) else { return Ok(None) };
    let url = outside.parse(&format!("http://{host}:{port}{}", file_path(token)));
    let Ok(url) = url else { return Ok(None) };
    match outside.get(&url, BOUNDS).await {
        Ok(answer) if answer.status == 200 => Ok(Some(String::from_utf8_lossy(&answer.body).into_owned())),
        Err(Failure::Refused) => Err(NOT_PUBLIC),
        _ => Ok(None),
    }
}
