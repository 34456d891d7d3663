//! From names to addresses that may be called. The HTTP client asks here and connects to what it is given, so there
//! is no moment between the judgement and the connection in which a name could come to mean something else.

use super::Refusal;
use super::address::may_be_called;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows names.
pub trait Names: Send + Sync {
    fn lookup(&self, name: String) -> Found;
}

/// The machine's own resolver.
pub struct SystemNames;

impl Names for SystemNames {
    fn lookup(&self, name: String) -> Found {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Gives the client the addresses of a name when all of them may be called, and otherwise none.
pub(super) struct Judged {
    pub(super) names: Arc<dyn Names>,
    pub(super) loopback: bool,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        let found = self.names.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await.unwrap_or_default();
            if found.is_empty() {
                return Err(Refusal::Unknown.into());
            }
            if found.iter().any(|ip| !may_be_called(*ip, loopback)) {
                return Err(Refusal::NotPublic.into());
            }
            // The client puts the port of the address in the place of 0.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
