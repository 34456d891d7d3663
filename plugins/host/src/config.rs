//! Settings of the host.

use std::time::Duration;
use url::Url;

/// Settings of the host. Start from [`HostConfig::default`].
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Base URLs that replace the platforms' own: a sandbox, or a relay with a fixed address.
    pub base_urls: Vec<BaseUrl>,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for a whole exchange, unless the request says otherwise.
    pub timeout: Duration,
    /// The longest time a request may ask for.
    pub max_timeout: Duration,
    /// The largest answer, in bytes.
    pub max_response_bytes: usize,
    /// The first wait after "busy"; it doubles.
    pub busy_wait: Duration,
    /// How often a busy call is repeated before the error goes to the caller.
    pub busy_retries: u32,
    /// The longest single wait inside an operation. Longer ones go to the caller.
    pub max_wait: Duration,
    /// A token is refreshed when less than this is left of its life.
    pub refresh_margin: Duration,
    /// Failures in a row after which an interface is left alone.
    pub breaker_failures: u32,
    /// How long it is left alone for the first time; it doubles.
    pub breaker_rest: Duration,
    /// The longest it is left alone.
    pub breaker_longest_rest: Duration,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            base_urls: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            max_timeout: Duration::from_secs(60),
            max_response_bytes: 4 * 1024 * 1024,
            busy_wait: Duration::from_secs(1),
            busy_retries: 2,
            max_wait: Duration::from_secs(3),
            refresh_margin: Duration::from_secs(200),
            breaker_failures: 5,
            breaker_rest: Duration::from_secs(15),
            breaker_longest_rest: Duration::from_secs(240),
        }
    }
}

/// A base URL that replaces a platform's own.
#[derive(Debug, Clone)]
pub struct BaseUrl {
    /// Slug of the channel; `None` = every channel.
    pub channel: Option<String>,
    /// Name of the host as plugins use it, such as `api`.
    pub host: String,
    /// The URL, without query. Plain http only on loopback.
    pub url: Url,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConfigError {
    /// Not https and not on loopback.
    #[error("the base URL {0} has to be https, or http on a loopback address")]
    NotSafe(Url),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

/// Whether a URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl HostConfig {
    /// Refuses base URLs that would send tokens in the clear over a network.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for base in &self.base_urls {
            let safe =
                base.url.scheme() == "https" || (base.url.scheme() == "http" && is_loopback(&base.url));
            if !safe {
                return Err(ConfigError::NotSafe(base.url.clone()));
            }
        }
        Ok(())
    }

    /// What replaces a named host of a channel: the most particular override.
    pub(crate) fn stand_in(&self, channel: &str, host: &str) -> Option<Url> {
        let named = |wanted: Option<&str>| {
            self.base_urls.iter().find(|base| base.host == host && base.channel.as_deref() == wanted)
        };
        named(Some(channel)).or_else(|| named(None)).map(|base| base.url.clone())
    }
}
