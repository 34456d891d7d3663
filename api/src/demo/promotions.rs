//! The demo's promotions: a discount that runs and one that begins later in the WeChat shop.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use qianpu_domain::time::{Span, Timestamp};
use serde_json::{Value, json};

/// Discounts of the first merchant's WeChat shop.
pub async fn go(first: &Merchant, now: Timestamp) -> anyhow::Result<()> {
    let path = format!("/api/v1/channel_accounts?shop_id={}", first.shop);
    let accounts = first.client.get(&path).await?;
    let store =
        items(&accounts).iter().find(|one| one["channel"] == "wechat-store").context("a WeChat shop")?;
    let account = text(store, "id")?;
    let listed = format!("/api/v1/listings?state=listed&channel_account_id={account}");
    let listed = first.client.get(&listed).await?;
    let mut asked = 0;
    for listing in items(&listed) {
        let Some(skus) = skus(&first.client, listing).await? else { continue };
        let (starts, ends) = match asked {
            0 => (now, now.plus(Span::hours(20))),
            _ => (now.plus(Span::days(2)), now.plus(Span::days(2)).plus(Span::hours(6))),
        };
        let body = json!({ "listing_id": listing["id"], "starts_at": starts.to_string(),
            "ends_at": ends.to_string(), "skus": skus });
        first.client.post(&format!("/api/v1/channel_accounts/{account}/discounts"), &body).await?;
        asked += 1;
        if asked == 2 {
            break;
        }
    }
    anyhow::ensure!(asked > 0, "no listed product can be discounted");
    Ok(())
}

/// Its SKUs at 80 %, where that can be: not too cheap, and in stock.
async fn skus(client: &Client, listing: &Value) -> anyhow::Result<Option<Value>> {
    let product = client.get(&format!("/api/v1/products/{}", text(listing, "product_id")?)).await?;
    let there = client.get(&format!("/api/v1/listings/{}", text(listing, "id")?)).await?;
    let stock = |sku: &Value| {
        let of = there["skus"].as_array()?.iter().find(|one| one["sku_id"] == sku["id"])?;
        of["pushed_stock"].as_i64().or_else(|| of["wanted_stock"].as_i64())
    };
    let wish = |sku: &Value| {
        let price = sku["price"]["amount"].as_i64().filter(|price| *price >= 5_100)?;
        let quantity = stock(sku).filter(|count| *count > 0)?.min(20);
        let sale = json!({ "amount": price / 1_000 * 800, "currency": "CNY" });
        Some(json!({ "sku_id": sku["id"], "price": sale, "quantity": quantity }))
    };
    let wishes: Vec<Value> = product["skus"].as_array().into_iter().flatten().filter_map(wish).collect();
    Ok((!wishes.is_empty()).then(|| json!(wishes)))
}
