//! A product that somebody changed by hand in the platform's own console.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::json;

/// Changes title and price of one listed product of the first merchant at the platform, and waits until it is noticed.
pub async fn changed_by_hand(sandbox: &Client, shops: &[Merchant]) -> anyhow::Result<()> {
    let merchant = shops.first().context("a merchant")?;
    let accounts =
        merchant.client.get(&format!("/api/v1/channel_accounts?shop_id={}", merchant.shop)).await?;
    let store = items(&accounts)
        .iter()
        .find(|account| account["channel"] == "wechat-store")
        .context("a WeChat shop")?;
    let path = format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?);
    let listings = merchant.client.get(&path).await?;
    let listing = items(&listings).first().context("a listed product")?;
    let detail = merchant.client.get(&format!("/api/v1/listings/{}", text(listing, "id")?)).await?;
    let sku = items_of(&detail["skus"]).first().context("a SKU")?;
    let native = text(listing, "external_product_id")?;
    let change = json!({
        "title": format!("{}（直播间专享）", text(&detail, "product_title")?),
        "skus": [{ "sku_id": text(sku, "external_sku_id")?, "sale_price": 990 }],
    });
    sandbox.patch(&format!("/sandbox/api/products/{native}"), &change).await?;
    let noticed = |list: &serde_json::Value| !items(list).is_empty();
    merchant
        .client
        .wait("/api/v1/listing_drifts", 60, noticed)
        .await
        .context("the change was not noticed")?;
    Ok(())
}

fn items_of(list: &serde_json::Value) -> &[serde_json::Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
