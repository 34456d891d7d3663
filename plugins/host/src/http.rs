//! The HTTP client: base URLs by name, time limits, no redirects, bounded answers.

use crate::config::{ConfigError, HostConfig, is_loopback};
use crate::registry::CHANNELS;
use crate::vault::{AccountRef, AssetSource};
use qianpu_sdk::{Answer, Body, ChannelInfo, Method, PartContent, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

pub(crate) struct Http {
    /// For the platforms: the machine's proxy settings apply.
    outside: reqwest::Client,
    /// For a stand-in on this machine: never through a proxy.
    loopback: reqwest::Client,
    assets: Arc<dyn AssetSource>,
    max_response_bytes: usize,
    timeout: Duration,
    max_timeout: Duration,
}

/// What came of an exchange.
pub(crate) struct Exchanged {
    pub(crate) answer: Answer,
    /// The platform did not answer, or answered that it cannot.
    pub(crate) failed: bool,
}

/// Why there is no answer.
struct Fault {
    /// The platform has no part in it.
    ours: bool,
    text: String,
}

impl Fault {
    fn ours(text: String) -> Self {
        Self { ours: true, text }
    }
    fn theirs(error: reqwest::Error) -> Self {
        Self { ours: false, text: chain(&error.without_url()) }
    }
}

impl Http {
    pub(crate) fn new(config: &HostConfig, assets: Arc<dyn AssetSource>) -> Result<Self, ConfigError> {
        // Somebody else may have installed it already; either way one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(config.connect_timeout)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("qianpu/", env!("CARGO_PKG_VERSION")))
        };
        let made = |result: reqwest::Result<reqwest::Client>| {
            result.map_err(|error| ConfigError::Client(chain(&error)))
        };
        let outside = match builder().https_only(true).build() {
            Ok(client) => client,
            // A machine without any root certificate can still talk to a stand-in; https will say what is missing.
            Err(error) => {
                tracing::warn!(error = %chain(&error), "no root certificates: platforms cannot be reached over https");
                made(builder().https_only(true).tls_certs_only([]).build())?
            }
        };
        Ok(Self {
            outside,
            loopback: made(builder().no_proxy().tls_certs_only([]).build())?,
            assets,
            max_response_bytes: config.max_response_bytes,
            timeout: config.timeout,
            max_timeout: config.max_timeout,
        })
    }

    /// Makes one exchange. Errors of ours (a path that is not allowed, a missing picture) are network errors to the
    /// plugin.
    pub(crate) async fn exchange(
        &self,
        base: Url,
        request: &Request,
        account: Option<&AccountRef>,
    ) -> Exchanged {
        let timeout = match request.timeout_ms {
            Some(ms) => Duration::from_millis(u64::from(ms)).min(self.max_timeout),
            None => self.timeout,
        };
        match tokio::time::timeout(timeout, self.send(base, request, account)).await {
            Ok(Ok(response)) => {
                Exchanged { failed: response.status >= 500, answer: Answer::Response(response) }
            }
            Ok(Err(Fault { ours, text })) => Exchanged { failed: !ours, answer: Answer::NetworkError(text) },
            Err(_) => Exchanged { failed: true, answer: Answer::TimedOut },
        }
    }

    async fn send(
        &self,
        base: Url,
        request: &Request,
        account: Option<&AccountRef>,
    ) -> Result<Response, Fault> {
        let client =
            if is_loopback(&base) && base.scheme() == "http" { &self.loopback } else { &self.outside };
        let url = address(base, request).map_err(Fault::ours)?;
        let mut builder = client.request(method(request.method), url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        builder = match &request.body {
            Body::Empty => builder,
            Body::Bytes { content_type, bytes } => {
                builder.header("content-type", content_type).body(bytes.clone())
            }
            Body::Multipart(_) => builder.multipart(self.form(request, account).await.map_err(Fault::ours)?),
        };
        let mut answer = builder.send().await.map_err(Fault::theirs)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(Fault::theirs)? {
            if body.len() + chunk.len() > self.max_response_bytes {
                let text = format!("the answer is larger than {} bytes", self.max_response_bytes);
                return Err(Fault::ours(text));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        Ok(Response { status: answer.status().as_u16(), headers, body: without_zero(body) })
    }

    async fn form(
        &self,
        request: &Request,
        account: Option<&AccountRef>,
    ) -> Result<reqwest::multipart::Form, String> {
        let Body::Multipart(parts) = &request.body else { return Ok(reqwest::multipart::Form::new()) };
        let mut form = reqwest::multipart::Form::new();
        for part in parts {
            let bytes = match &part.content {
                PartContent::Bytes(bytes) => bytes.clone(),
                PartContent::Asset(asset) => {
                    let account = account.ok_or("pictures belong to an account, and there is none")?;
                    self.assets.load(account, asset).await.map_err(|error| error.to_string())?
                }
            };
            let mut field = reqwest::multipart::Part::bytes(bytes);
            if let Some(filename) = &part.filename {
                field = field.file_name(filename.clone());
            }
            if let Some(content_type) = &part.content_type {
                field = field.mime_str(content_type).map_err(|error| error.to_string())?;
            }
            form = form.part(part.name.clone(), field);
        }
        Ok(form)
    }
}

/// The base URL of the host a request names; only hosts of the plugin's manifest exist.
pub(crate) fn base_url(config: &HostConfig, info: &ChannelInfo, host: &str) -> Option<Url> {
    let own = info.hosts.iter().find(|named| named.name == host)?;
    // Another plugin that names the address of a built-in one goes where the operator sends that platform's calls: to
    // the sandbox, or through the relay whose address the platform knows.
    let same = || {
        CHANNELS.iter().map(|channel| channel.info()).find_map(|other| {
            let named = other.hosts.iter().find(|named| named.base_url == own.base_url)?;
            config.stand_in(other.slug, named.name)
        })
    };
    config.stand_in(info.slug, host).or_else(same).or_else(|| Url::parse(own.base_url).ok())
}

fn address(mut base: Url, request: &Request) -> Result<Url, String> {
    if !request.path.starts_with('/')
        || request.path.contains(['?', '#', '\\'])
        || request.path.contains("..")
    {
        return Err(format!("the path {} is not allowed", request.path));
    }
    let path = format!("{}{}", base.path().trim_end_matches('/'), request.path);
    base.set_path(&path);
    base.set_query(None);
    if !request.query.is_empty() {
        base.query_pairs_mut().extend_pairs(&request.query);
    }
    Ok(base)
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// The error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// An answer in JSON without the character U+0000 in its texts: PostgreSQL keeps none with it, and what somebody wrote in a
/// note would keep a whole order out. U+FFFD stands in its place. It can only be written as an escape.
fn without_zero(mut body: Vec<u8>) -> Vec<u8> {
    const ZERO: &[u8] = b"\\u0000";
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) || !body.windows(ZERO.len()).any(|six| six == ZERO) {
        return body;
    }
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        // What follows a backslash belongs to it, another backslash too.
        let escape = *byte == b'\\';
        if let Some(own) = body.get_mut(at..at + ZERO.len()).filter(|own| *own == ZERO) {
            own.copy_from_slice(b"\\ufffd");
        }
        at += if escape { 2 } else { 1 };
    }
    body
}

#[cfg(test)]
mod tests {
    use super::without_zero;

    #[test]
    fn a_zero_character_is_taken_out_of_json_only() {
        let after = |text: &str| String::from_utf8(without_zero(text.as_bytes().to_vec())).unwrap();
        assert_eq!(after(r#" {"a":"\u0000b\u0000"}"#), r#" {"a":"\ufffdb\ufffd"}"#);
        assert_eq!(after(r#"["\\u0000","\\\u0000"]"#), r#"["\\u0000","\\\ufffd"]"#);
        assert_eq!(after(r#"GIF \u0000"#), r#"GIF \u0000"#);
        assert_eq!(after(r#"{"a":"\u000"#), r#"{"a":"\u000"#);
        assert_eq!(after(r#"{"a":"中\u0001"}"#), r#"{"a":"中\u0001"}"#);
    }
}
