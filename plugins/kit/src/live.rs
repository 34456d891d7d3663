//! A demo that runs: whether a version is in force there, and what its accounts say to their platform.

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Exchanges asked for at once.
const PAGE: usize = 50;
/// Exchanges that are remembered as shown.
const MOST: usize = 10_000;

/// `demo.json`, as far as it is needed here.
#[derive(Deserialize)]
struct Manifest {
    base_url: String,
    logins: Vec<Login>,
}

#[derive(Deserialize)]
struct Login {
    surface: String,
    role: String,
    email: String,
    password: String,
}

/// A demo that runs.
pub(crate) struct Demo {
    pub(crate) directory: PathBuf,
    base: String,
    http: reqwest::Client,
    operator: Option<String>,
    merchants: Vec<String>,
    slug: Option<String>,
    shown: BTreeSet<String>,
}

impl Demo {
    /// The demo of a data directory.
    pub(crate) async fn open(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join("demo.json");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{} cannot be read; is it the data directory of a demo?", path.display())
        })?;
        let manifest: Manifest =
            serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let mut demo = Self {
            directory: directory.to_owned(),
            base: manifest.base_url,
            http,
            operator: None,
            merchants: Vec::new(),
            slug: None,
            shown: BTreeSet::new(),
        };
        for Login { surface, role, email, password } in &manifest.logins {
            match surface.as_str() {
                "operator" => demo.operator = demo.log_in(email, password).await?,
                "merchant" if role == "merchant_owner" => {
                    demo.merchants.extend(demo.log_in(email, password).await?);
                }
                _ => {}
            }
        }
        Ok(demo)
    }

    /// A token; none for somebody who has to prove more than a password.
    async fn log_in(&self, email: &str, password: &str) -> anyhow::Result<Option<String>> {
        let address = format!("{}/api/v1/auth/login", self.base);
        let sent = self.http.post(&address).json(&json!({"email": email, "password": password})).send().await;
        let answer: Value = sent.with_context(|| format!("no demo answers at {}", self.base))?.json().await?;
        Ok(answer["access_token"].as_str().map(str::to_owned))
    }

    async fn get(&self, token: &str, path: &str) -> Option<Value> {
        let asked = self.http.get(format!("{}/api/v1/{path}", self.base)).bearer_auth(token).send().await;
        let answer = asked.ok()?;
        if answer.status().is_success() { answer.json().await.ok() } else { None }
    }

    /// The hash of the version that is in force.
    pub(crate) fn in_force(&self, slug: &str) -> Option<String> {
        let text = std::fs::read(self.directory.join("plugins/store/index.json")).ok()?;
        let index: Value = serde_json::from_slice(&text).ok()?;
        index["active"][slug].as_str().map(str::to_owned)
    }

    /// Why the demo does not take a plugin's file.
    pub(crate) async fn refused(&self, slug: &str) -> Option<String> {
        let list = self.get(self.operator.as_ref()?, "plugins").await?;
        let file = format!("{slug}.wasm");
        let refused = list["refused"].as_array()?.iter().find(|one| one["file"] == file.as_str())?;
        Some(refused["reason"].as_str()?.to_owned())
    }

    /// Removes versions that a save of before left behind: the server keeps a bounded number of them.
    pub(crate) async fn tidy(&self, slug: &str) {
        const MOST: usize = 5;
        let Some(token) = &self.operator else { return };
        let list = self.get(token, "plugins").await.unwrap_or_default();
        let plugins = list["items"].as_array().into_iter().flatten();
        let versions = plugins.flat_map(|plugin| plugin["versions"].as_array().into_iter().flatten());
        let mine = versions.filter(|version| version["slug"] == slug && version["state"] != "active");
        for version in mine.skip(MOST) {
            let removal = json!({ "slug": slug, "sha256": version["sha256"] });
            let address = format!("{}/api/v1/plugins/removals", self.base);
            // What stays is in nobody's way yet.
            drop(self.http.post(address).bearer_auth(token).json(&removal).send().await);
        }
    }

    /// Shows exchanges of accounts of this channel from now on.
    pub(crate) async fn follow(&mut self, slug: &str) -> anyhow::Result<()> {
        if self.slug.as_deref() != Some(slug) {
            self.slug = Some(slug.to_owned());
            // What was said before is not news.
            self.exchanges().await;
        }
        Ok(())
    }

    /// Lines of exchanges that were not shown yet, the oldest first. The server keeps neither queries nor bodies of
    /// them, so there is nothing to mask.
    pub(crate) async fn exchanges(&mut self) -> Vec<String> {
        let Some(slug) = self.slug.clone() else { return Vec::new() };
        let mut lines = Vec::new();
        for token in &self.merchants {
            let Some(accounts) = self.get(token, "channel_accounts?limit=100").await else { continue };
            let accounts: Vec<&str> = accounts["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|account| account["channel"] == slug.as_str())
                .filter_map(|account| account["id"].as_str())
                .collect();
            for account in accounts {
                let path = format!("channel_accounts/{account}/exchanges?limit={PAGE}");
                let Some(page) = self.get(token, &path).await else { continue };
                for exchange in page["items"].as_array().into_iter().flatten().rev() {
                    let id = exchange["id"].as_str().unwrap_or_default().to_owned();
                    if self.shown.insert(id) {
                        lines.push(line(exchange));
                    }
                }
            }
        }
        while self.shown.len() > MOST {
            self.shown.pop_first();
        }
        lines
    }
}

/// An exchange on a line.
fn line(exchange: &Value) -> String {
    let word = |field: &str| exchange[field].as_str().unwrap_or_default().to_owned();
    let status = exchange["status"].as_i64().map_or_else(|| "—".to_owned(), |status| status.to_string());
    let good = exchange["outcome"] == "ok";
    let mut text = format!(
        "{} {} {:<16} {} {} → {status} {} ms",
        word("at"),
        if good { '✓' } else { '✗' },
        word("operation"),
        word("method"),
        word("path"),
        exchange["millis"],
    );
    if !good {
        text.push_str(&format!(" {} {} {}", word("outcome"), word("remote_code"), word("remote_message")));
    }
    text
}
