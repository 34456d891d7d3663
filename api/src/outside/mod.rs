//! Calls to addresses that a tenant gave us: webhooks, and the file that proves a domain. Nobody may use
//! them to reach what only this machine can reach. So the address is judged when it is registered and again, on the
//! resolved addresses, at each connection: the client connects to exactly those that were judged, follows no
//! redirect, knows no proxy, and is bounded in time and in what it reads.

mod address;
mod names;
#[cfg(test)]
mod tests;

pub use names::{Found, Names, SystemNames};

use address::may_be_called;
use names::Judged;
use reqwest::header::HeaderMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// The longest address.
pub const LONGEST_URL: usize = 500;
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Also this machine, over plain http and any port; for development and the demo.
    pub loopback: bool,
    /// Also other hosts over plain http; where nothing secret is sent and nothing that comes back is trusted.
    pub plain: bool,
    /// The ports that may be called.
    pub ports: Vec<u16>,
}

/// Ports that webhooks and the like may name.
pub const PORTS: &[u16] = &[443, 8443];

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is not an address")]
    Unreadable,
    #[error("it is longer than 500 characters")]
    TooLong,
    #[error("it has to begin with https://")]
    Scheme,
    #[error("it must not carry a user name or a password")]
    UserInfo,
    #[error("it must not have a fragment")]
    Fragment,
    #[error("only the ports 443 and 8443 can be called")]
    Port,
    #[error("the host is not a public one")]
    NotPublic,
    #[error("the name of the host cannot be resolved")]
    Unknown,
}

/// Why a call came to nothing. The words are stable: they stand in logs that tenants read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The address is not called.
    Refused,
    /// The name has no address.
    Unresolved,
    /// No connection, or it broke.
    Connection,
    /// The certificate is not good.
    Tls,
    /// Not all of the answer came in time.
    Timeout,
}

impl Failure {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "address_refused",
            Self::Unresolved => "name_unresolved",
            Self::Connection => "connection_failed",
            Self::Tls => "tls_failed",
            Self::Timeout => "timeout",
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body up to the limit.
    pub body: Vec<u8>,
    /// Whether there was more of it, which was not read.
    pub cut: bool,
}

/// Bounds of one call.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For everything: names, connection, sending, and the answer's last byte.
    pub time: Duration,
    /// Of the answer's body.
    pub bytes: usize,
}

/// The client for addresses of tenants.
pub struct Outside {
    client: reqwest::Client,
    names: Arc<dyn Names>,
    policy: Policy,
}

impl Outside {
    pub fn new(policy: Policy, names: Arc<dyn Names>) -> Result<Self, String> {
        // Somebody else may have installed it already; either way one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let judged = Arc::new(Judged { names: names.clone(), loopback: policy.loopback });
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                // What is counted is what comes over the wire, not what it unpacks to.
                .no_gzip()
                .http1_only()
                // A connection is judged when it is made: none is kept for a later call.
                .pool_max_idle_per_host(0)
                .connect_timeout(CONNECT_WITHIN)
                .https_only(!policy.loopback && !policy.plain)
                .dns_resolver(judged.clone())
                .user_agent(concat!("Qianpu-Webhooks/", env!("CARGO_PKG_VERSION")))
        };
        let client = match builder().build() {
            Ok(client) => client,
            // A machine without root certificates can still call itself; https will say what is missing.
            Err(_) => builder().tls_certs_only([]).build().map_err(|error| error.to_string())?,
        };
        Ok(Self { client, names, policy })
    }

    /// Reads an address and judges what can be judged without asking for the name.
    pub fn parse(&self, text: &str) -> Result<Url, Refusal> {
        if text.len() > LONGEST_URL {
            return Err(Refusal::TooLong);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(Refusal::Unreadable);
        }
        let url = Url::parse(text).map_err(|_| Refusal::Unreadable)?;
        self.judge(&url)?;
        Ok(url)
    }

    fn judge(&self, url: &Url) -> Result<(), Refusal> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment);
        }
        let here = self.policy.loopback && is_here(url);
        match url.scheme() {
            "https" => {}
            "http" if here || self.policy.plain => {}
            _ => return Err(Refusal::Scheme),
        }
        let port = url.port_or_known_default().ok_or(Refusal::Port)?;
        if !here && !self.policy.ports.contains(&port) {
            return Err(Refusal::Port);
        }
        // The client takes an address in the place of a name without asking the resolver.
        let literal = match url.host().ok_or(Refusal::Unreadable)? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        match literal {
            Some(ip) if !may_be_called(ip, self.policy.loopback) => Err(Refusal::NotPublic),
            _ => Ok(()),
        }
    }

    /// Judges an address as it resolves now, to tell whoever registers it. The judgement that counts is made anew at
    /// each connection.
    pub async fn check(&self, url: &Url, within: Duration) -> Result<(), Refusal> {
        self.judge(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let found = tokio::time::timeout(within, self.names.lookup(name.to_owned())).await;
        let found = found.ok().and_then(Result::ok).filter(|found| !found.is_empty());
        match found {
            None => Err(Refusal::Unknown),
            Some(found) if found.iter().any(|ip| !may_be_called(*ip, self.policy.loopback)) => {
                Err(Refusal::NotPublic)
            }
            Some(_) => Ok(()),
        }
    }

    /// Posts a body. Any status is an answer.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: String,
        bounds: Bounds,
    ) -> Result<Answer, Failure> {
        self.call(url, self.client.post(url.clone()).headers(headers).body(body), bounds).await
    }

    /// Gets what is at an address. Any status is an answer.
    pub async fn get(&self, url: &Url, bounds: Bounds) -> Result<Answer, Failure> {
        self.call(url, self.client.get(url.clone()), bounds).await
    }

    async fn call(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        bounds: Bounds,
    ) -> Result<Answer, Failure> {
        if self.judge(url).is_err() {
            return Err(Failure::Refused);
        }
        let exchange = async {
            let sent = request.send().await;
            let mut answer = sent.map_err(|error| failure_of(&error))?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let (mut body, mut cut) = (Vec::new(), false);
            while let Some(chunk) = answer.chunk().await.map_err(|error| failure_of(&error))? {
                let room = bounds.bytes - body.len();
                body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
                if chunk.len() > room {
                    cut = true;
                    break;
                }
            }
            Ok(Answer { status, headers, body, cut })
        };
        tokio::time::timeout(bounds.time, exchange).await.unwrap_or(Err(Failure::Timeout))
    }
}

/// Whether an address is on the internet.
pub fn is_public(ip: IpAddr) -> bool {
    may_be_called(ip, false)
}

/// Whether the host is this machine by its own name.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return if *refusal == Refusal::Unknown { Failure::Unresolved } else { Failure::Refused };
        }
        // An error inside an `io::Error` is not in the chain of its sources.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) || cause.is::<rustls::Error>() {
            return Failure::Tls;
        }
        source = cause.source();
    }
    Failure::Connection
}
