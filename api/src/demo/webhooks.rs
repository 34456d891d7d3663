//! Webhooks of the demo: the provider and the first merchant tell the demo's own receiver what happens. Their
//! secrets are kept in a file of the data directory, because no answer shows them twice and the receiver forgets
//! when the process ends.

use super::client::{Client, text};
use crate::state::AppState;
use anyhow::Context;
use qianpu_tenants::secrets::Plain;
use serde_json::json;
use std::path::Path;

const FILE: &str = "webhook_secrets.json";

/// Registers both endpoints.
pub async fn register(state: &AppState, provider: &Client, merchant: &Client) -> anyhow::Result<()> {
    let url = format!("{}/demo/webhooks", state.config.app.public_url);
    let all = json!(["*"]);
    let ends = [
        (
            provider,
            json!({"url": url, "description": "演示接收端", "event_types": all, "include_merchants": true}),
        ),
        (merchant, json!({"url": url, "description": "演示接收端", "event_types": all})),
    ];
    let mut secrets = Vec::new();
    for (client, body) in ends {
        let made = client.post("/api/v1/webhook_endpoints", &body).await?;
        secrets.push(text(&made, "secret")?.to_owned());
    }
    let file = state.config.app.data_dir.join(FILE);
    std::fs::write(&file, serde_json::to_vec(&secrets)?).context("keeping the receiver's secrets")?;
    learn(state, &state.config.app.data_dir)
}

/// Tells the receiver the secrets of the data directory, if there are any.
pub fn learn(state: &AppState, data_dir: &Path) -> anyhow::Result<()> {
    let Ok(kept) = std::fs::read(data_dir.join(FILE)) else { return Ok(()) };
    let secrets: Vec<String> = serde_json::from_slice(&kept).context(FILE)?;
    for secret in secrets {
        state.receiver.learn(Plain::from(secret));
    }
    Ok(())
}
