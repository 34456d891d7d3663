//! A small client of the running server's own API and of the sandbox's control API.

use anyhow::{Context, bail};
use serde_json::Value;
use std::time::Duration;

/// A caller of one server, with or without a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Nobody in particular.
    pub fn anonymous(base: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("making an HTTP client")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same with a bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token, when there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Logs in.
    pub async fn log_in(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        let answer = self
            .post("/api/v1/auth/login", &serde_json::json!({"email": email, "password": password}))
            .await?;
        Ok(self.with_token(text(&answer, "access_token")?))
    }

    /// Opens a page as a browser would, following redirects.
    pub async fn visit(address: &str) -> anyhow::Result<()> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .context("making an HTTP client")?;
        let status = http.get(address).send().await.context("opening a page")?.status();
        // The page itself may want a log-in; what counts is that the server took the visit.
        if status.is_server_error() {
            bail!("the page answered {status}")
        }
        Ok(())
    }

    /// GET.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.http.get(self.url(path)), path).await
    }
    /// POST with an idempotency key of its own.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(
            self.http
                .post(self.url(path))
                .header("Idempotency-Key", qianpu_tenants::random::token())
                .json(body),
            path,
        )
        .await
    }
    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.http.put(self.url(path)).json(body), path).await
    }
    /// PATCH.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.http.patch(self.url(path)).json(body), path).await
    }
    /// Sends a form; where the answer leads.
    pub async fn submit(&self, path: &str, fields: &[(String, String)]) -> anyhow::Result<String> {
        let sent = self.http.post(self.url(path)).form(fields).send().await;
        let response = sent.with_context(|| format!("calling {path}"))?;
        let to = response.headers().get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(to.with_context(|| format!("{path} leads nowhere"))?.to_owned())
    }
    /// Uploads a file; the answer's `id`.
    pub async fn upload(&self, purpose: &str, name: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().text("purpose", purpose.to_owned()).part("file", part);
        let answer =
            self.send(self.http.post(self.url("/api/v1/media")).multipart(form), "/api/v1/media").await?;
        Ok(text(&answer, "id")?.to_owned())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: reqwest::RequestBuilder, path: &str) -> anyhow::Result<Value> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.with_context(|| format!("calling {path}"))?;
        let status = response.status();
        let body = response.text().await.with_context(|| format!("reading the answer of {path}"))?;
        if !status.is_success() {
            bail!("{path} answered {status}: {body}");
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).with_context(|| format!("{path} answered no JSON"))
    }

    /// Asks again until `done` says so, at most for `seconds`.
    pub async fn wait(
        &self,
        path: &str,
        seconds: u64,
        done: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        for _ in 0..seconds * 5 {
            last = self.get(path).await?;
            if done(&last) {
                return Ok(last);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("waited {seconds} s for {path}; it last said {last}")
    }
}

/// A text field of an answer.
pub fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value.get(field).and_then(Value::as_str).with_context(|| format!("no text field {field} in {value}"))
}

/// The `items` of a list.
pub fn items(value: &Value) -> &[Value] {
    value.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
