//! Calling the application over HTTP: every call says which status it expects.

use std::sync::Once;
use std::time::Duration;

use qianpu_api::http::seats::Seat;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A caller of the application. Every call says which status it expects.
#[derive(Clone)]
pub struct Client {
    base_url: String,
    token: Option<String>,
    seat: Option<Seat>,
    http: reqwest::Client,
}

impl Client {
    pub fn new(base_url: &str) -> Client {
        Client { base_url: base_url.to_owned(), token: None, seat: None, http: http_client() }
    }

    /// The same caller with another access token.
    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller whose plain page addresses are meant at a seat, as the links of its pages are.
    pub fn at_seat(&self, seat: &Seat) -> Client {
        Client { seat: Some(seat.clone()), ..self.clone() }
    }

    fn url(&self, path: &str) -> String {
        let path = match &self.seat {
            Some(seat) => seat.address(path),
            None => path.to_owned(),
        };
        format!("{}{path}", self.base_url)
    }

    pub async fn get(&self, path: &str, expected: u16) -> Answer {
        self.send(Method::GET, path, None, &[], expected).await
    }

    pub async fn post(&self, path: &str, body: &Value, expected: u16) -> Answer {
        // A key of its own for each call: calls that want to repeat themselves use `send`.
        let key = qianpu_tenants::random::token();
        self.send(Method::POST, path, Some(body), &[("Idempotency-Key", &key)], expected).await
    }

    pub async fn put(&self, path: &str, body: &Value, expected: u16) -> Answer {
        self.send(Method::PUT, path, Some(body), &[], expected).await
    }

    pub async fn patch(&self, path: &str, body: &Value, expected: u16) -> Answer {
        self.send(Method::PATCH, path, Some(body), &[], expected).await
    }

    pub async fn delete(&self, path: &str, expected: u16) -> Answer {
        self.send(Method::DELETE, path, None, &[], expected).await
    }

    /// A call with headers of its own.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
        expected: u16,
    ) -> Answer {
        let answer = self.try_send(method.clone(), path, body, headers).await;
        assert_eq!(
            answer.status,
            expected,
            "{method} {path} with {}: {}",
            body.map_or_else(|| "no body".to_owned(), Value::to_string),
            answer.body
        );
        if expected >= 400 && path.starts_with("/api/") {
            let kind = answer.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
            assert!(kind.starts_with("application/problem+json"), "{method} {path} answers {kind}");
            assert!(answer.json("/code").is_string(), "{method} {path}: a problem has a code");
        }
        answer
    }

    /// A call whose status the test looks at itself.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method.clone(), self.url(path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer::of(response).await
    }

    /// The HTTP client, the address and the token, for bodies that are not JSON.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The access token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Answer {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.text().await.expect("the body arrives");
        Answer { status, headers, body }
    }

    /// The part of a JSON body at a pointer (`/items/0/id`); null where there is none.
    pub fn json(&self, pointer: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("the answer is not JSON ({error}): {}", self.body));
        body.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// A text of a JSON body.
    pub fn text(&self, pointer: &str) -> String {
        let value = self.json(pointer);
        value.as_str().unwrap_or_else(|| panic!("no text at {pointer} of {}", self.body)).to_owned()
    }

    /// A whole number of a JSON body.
    pub fn number(&self, pointer: &str) -> i64 {
        let value = self.json(pointer);
        value.as_i64().unwrap_or_else(|| panic!("no number at {pointer} of {}", self.body))
    }

    /// The `code` of a problem.
    pub fn code(&self) -> String {
        self.text("/code")
    }
}

/// A client of HTTP that follows no redirects and keeps no cookies.
pub fn http_client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another part of the process may have been first; then this one is not needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_WITHIN)
        // Tests call this machine without TLS; reading its root certificates takes longer than a call.
        .tls_certs_only([])
        .build()
        .expect("an HTTP client")
}
