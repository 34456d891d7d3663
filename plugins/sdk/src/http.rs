//! Requests a plugin describes and answers it reads. Values only; the host owns the HTTP client.

use crate::error::ChannelError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// An HTTP method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request carries.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Literal bytes with their media type.
    Bytes {
        /// The `Content-Type`.
        content_type: String,
        /// The bytes as they go on the wire.
        bytes: Vec<u8>,
    },
    /// `multipart/form-data`.
    Multipart(Vec<Part>),
}

/// One part of a multipart body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Field name.
    pub name: String,
    /// File name, for file fields.
    pub filename: Option<String>,
    /// Media type, for file fields.
    pub content_type: Option<String>,
    /// What is in it.
    pub content: PartContent,
}

/// The content of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PartContent {
    /// Literal bytes.
    Bytes(Vec<u8>),
    /// A picture or document of ours, by the name the caller gave it; the host loads it.
    Asset(String),
}

/// A request a plugin wants made.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Name of a host in [`crate::ChannelInfo::hosts`], such as `api`. The host program maps it to a base URL,
    /// so that a sandbox can stand in and a plugin can reach nothing else.
    pub host: &'static str,
    /// Absolute path on that host, starting with `/`, without query.
    pub path: String,
    /// Query parameters, unescaped.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Names of query parameters, headers and top-level body fields that may not be logged.
    pub redact: Vec<String>,
    /// The rate-limit bucket ([`crate::ChannelInfo::buckets`]) the call spends from.
    pub bucket: Option<&'static str>,
    /// Whether sending it twice does no harm: the host may then resend after a network error or a 5xx.
    pub idempotent: bool,
    /// Milliseconds to wait for the whole answer; the host has a default and a ceiling.
    pub timeout_ms: Option<u32>,
}

impl Request {
    /// A GET without body. GETs are idempotent.
    pub fn get(host: &'static str, path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            host,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            redact: Vec::new(),
            bucket: None,
            idempotent: true,
            timeout_ms: None,
        }
    }
    /// A POST with a JSON body. Not idempotent unless [`Request::idempotent`] says so.
    pub fn post_json(
        host: &'static str,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<Self, ChannelError> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            ChannelError::unexpected(format!("a request body could not be written: {error}"))
        })?;
        Ok(Self {
            method: Method::Post,
            body: Body::Bytes { content_type: "application/json".to_owned(), bytes },
            idempotent: false,
            ..Self::get(host, path)
        })
    }
    /// A POST with a multipart body.
    pub fn post_multipart(host: &'static str, path: impl Into<String>, parts: Vec<Part>) -> Self {
        Self {
            method: Method::Post,
            body: Body::Multipart(parts),
            idempotent: false,
            ..Self::get(host, path)
        }
    }
    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }
    /// Adds a query parameter that may not be logged.
    pub fn secret_query(self, name: &str, value: impl Into<String>) -> Self {
        self.redacted(name).query(name, value)
    }
    /// Marks a query parameter, header or top-level body field as not to be logged.
    pub fn redacted(mut self, name: &str) -> Self {
        self.redact.push(name.to_owned());
        self
    }
    /// Names the rate-limit bucket.
    pub fn bucket(mut self, bucket: &'static str) -> Self {
        self.bucket = Some(bucket);
        self
    }
    /// Says that sending it twice does no harm.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
    /// Sets the time limit in milliseconds.
    pub fn timeout_ms(mut self, ms: u32) -> Self {
        self.timeout_ms = Some(ms);
        self
    }
}

impl fmt::Debug for Request {
    /// Without bodies, and with redacted values masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .map(|(name, value)| {
                    let hidden = self.redact.iter().any(|redacted| redacted.eq_ignore_ascii_case(name));
                    (name.clone(), if hidden { "***".to_owned() } else { value.clone() })
                })
                .collect::<Vec<_>>()
        };
        f.debug_struct("Request")
            .field("method", &self.method.as_str())
            .field("host", &self.host)
            .field("path", &self.path)
            .field("query", &masked(&self.query))
            .field("headers", &masked(&self.headers))
            .field(
                "body",
                &match &self.body {
                    Body::Empty => "empty".to_owned(),
                    Body::Bytes { content_type, bytes } => format!("{} bytes of {content_type}", bytes.len()),
                    Body::Multipart(parts) => format!("{} parts", parts.len()),
                },
            )
            .field("bucket", &self.bucket)
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}

/// An HTTP answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, within the host's size limit.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads the body as JSON. Statuses outside 2xx are errors already: 429 and 5xx → later, the rest unexpected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ChannelError> {
        match self.status {
            200..=299 => serde_json::from_slice(&self.body).map_err(|error| {
                ChannelError::unexpected(format!("the answer was not the expected JSON: {error}"))
            }),
            429 | 500..=599 => {
                Err(ChannelError::retry_later_seconds(10, format!("HTTP status {}", self.status)))
            }
            status => Err(ChannelError::unexpected(format!("HTTP status {status}"))),
        }
    }
}

impl fmt::Debug for Response {
    /// Without the body: answers carry tokens and personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What came of one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The platform answered.
    Response(Response),
    /// It could not be reached, or the connection broke; whether it acted is unknown.
    NetworkError(String),
    /// It did not answer in time; whether it acted is unknown.
    TimedOut,
}

impl Answer {
    /// The answer to the one request of a `Call`.
    pub fn only(answers: &[Self]) -> Result<&Response, ChannelError> {
        match answers {
            [answer] => answer.response(),
            other => Err(ChannelError::unexpected(format!("expected one answer, got {}", other.len()))),
        }
    }
    /// The response; a network error or time-out becomes `retry_later`.
    pub fn response(&self) -> Result<&Response, ChannelError> {
        match self {
            Self::Response(response) => Ok(response),
            Self::NetworkError(text) => {
                Err(ChannelError::retry_later_seconds(10, format!("network error: {text}")))
            }
            Self::TimedOut => {
                Err(ChannelError::retry_later_seconds(10, "the platform did not answer in time"))
            }
        }
    }
}
