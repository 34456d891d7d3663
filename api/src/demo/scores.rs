//! Scores of the first merchant's shop, for the gauge of the raised quota.

use super::client::Client;
use super::seed::Merchant;
use crate::app::channels::raise::day_of;
use crate::state::AppState;
use anyhow::{Context, anyhow};
use serde_json::json;

/// So many days up to yesterday; the last ones are good enough in a row.
const DAYS: u32 = 24;

/// Records them as the provider's people do, and looks at them.
pub async fn record(state: &AppState, owner: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let first = shops.first().context("a merchant was set up")?;
    let today = day_of(state, state.clock().now()).map_err(|error| anyhow!("{error:?}"))?;
    let day = |ago: u32| {
        // One day below, so that the row of good days begins after it.
        let dip = if ago == 18 { 25 } else { 0 };
        json!({
            "day": today.saturating_sub(jiff::Span::new().days(ago)).to_string(),
            "description": 472 + ago % 4 - dip, "service": 468 + ago % 3 - dip, "logistics": 461 + ago % 5 - dip,
        })
    };
    let at = format!("/api/v1/shops/{}/scores", first.shop);
    owner.post(&at, &json!({ "days": (1..=DAYS).map(day).collect::<Vec<_>>() })).await?;
    owner.post(&format!("{at}/evaluate"), &json!({})).await.map(drop)
}
