//! The platform's stand-in in a test: started on a free port, and driven through its control calls.

use std::time::Duration;

use qianpu_sandbox::{Sandbox, SandboxConfig, SandboxHandle};
use serde_json::Value;

use crate::http::http_client;

/// A running sandbox; it ends with the test's runtime.
pub struct TestSandbox {
    pub base_url: String,
    http: reqwest::Client,
    handle: SandboxHandle,
}

impl TestSandbox {
    /// Starts with pushes that are retried at once, so that no test waits for a schedule made for days.
    pub async fn start() -> TestSandbox {
        Self::start_with(SandboxConfig {
            push_retry_schedule: [0, 50, 100, 200, 400].map(Duration::from_millis).to_vec(),
            ..SandboxConfig::default()
        })
        .await
    }

    /// The settings that lead an installation to it instead of the platforms.
    pub fn settings(&self) -> [(&'static str, &str); 4] {
        let all = [
            "QIANPU__CHANNELS__WECHAT_API_URL",
            "QIANPU__CHANNELS__WECHAT_PAGES_URL",
            "QIANPU__CHANNELS__DOUYIN_API_URL",
            "QIANPU__CHANNELS__DOUYIN_PAGES_URL",
        ];
        all.map(|name| (name, self.base_url.as_str()))
    }

    /// The settings of the demo, beside it.
    pub fn demo_settings(&self) -> Vec<(&'static str, &str)> {
        let demo = [
            ("QIANPU__JOBS__POLL_MILLISECONDS", "50"),
            ("QIANPU__WEBHOOKS__ALLOW_LOOPBACK", "true"),
            ("QIANPU__BUYERS__RESEND_SECONDS", "1"),
        ];
        [&self.settings()[..], &demo].concat()
    }

    pub async fn start_with(config: SandboxConfig) -> TestSandbox {
        let http = http_client();
        let handle = Sandbox::start(config).await.expect("the sandbox starts");
        TestSandbox { base_url: handle.base_url.clone(), http, handle }
    }

    /// A control call below `/sandbox/api`, which must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox/api/{path}", self.base_url);
        self.answer(self.http.post(&url).json(body), &url).await
    }

    /// What a control call below `/sandbox/api` shows.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/sandbox/api/{path}", self.base_url);
        self.answer(self.http.get(&url), &url).await
    }

    /// Changes a setting below `/sandbox/api`.
    pub async fn patch(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox/api/{path}", self.base_url);
        self.answer(self.http.patch(&url).json(body), &url).await
    }

    /// Takes everything below `/sandbox/api` away again, such as faults.
    pub async fn delete(&self, path: &str) -> Value {
        let url = format!("{}/sandbox/api/{path}", self.base_url);
        self.answer(self.http.delete(&url), &url).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder, url: &str) -> Value {
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = response.status();
        let text = response.text().await.expect("the sandbox answers");
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error} in {text}"))
    }

    pub async fn stop(self) {
        self.handle.stop().await;
    }
}
