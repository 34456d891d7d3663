//! The demo's promotions in the WeChat shop: a discount that runs and one that begins later, a coupon that people received,
//! and a draft.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use qianpu_domain::time::{Span, Timestamp};
use serde_json::{Value, json};

/// Discounts and coupons of the first merchant's WeChat shop.
pub async fn go(sandbox: &Client, first: &Merchant, now: Timestamp) -> anyhow::Result<()> {
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
    coupons(sandbox, first, store, items(&listed), now).await.context("coupons")
}

async fn coupons(
    sandbox: &Client,
    first: &Merchant,
    store: &Value,
    listed: &[Value],
    now: Timestamp,
) -> anyhow::Result<()> {
    let at = format!("/api/v1/channel_accounts/{}/coupons", text(store, "id")?);
    let yuan = |fen: i64| json!({ "amount": fen, "currency": "CNY" });
    let times = |days: i64| (now.to_string(), now.plus(Span::days(days)).to_string());
    let (from, until) = times(14);
    let live = json!({ "name": "器物新客券", "gives": { "kind": "less", "less": yuan(2_000), "from": yuan(19_900) },
        "receive_from": from, "receive_until": until, "total": 500, "per_person": 1, "valid_days": 30 });
    let live = first.client.post(&at, &live).await?;
    first.client.post(&format!("/api/v1/coupons/{}/publish", text(&live, "id")?), &json!({})).await?;
    let (shop, coupon) = (text(store, "external_id")?, text(&live, "external_id")?);
    let act = |id: &str, action: &str| format!("/sandbox/api/stores/{shop}/coupons/{id}/{action}");
    let orders = first.client.get("/api/v1/orders?limit=100").await?;
    let order = items(&orders).iter().find(|one| one["channel_account_id"] == store["id"]);
    for (index, buyer) in ["宋知夏", "林晚", "程一诺"].into_iter().enumerate() {
        let held = sandbox.post(&act(coupon, "receive"), &json!({ "buyer": buyer })).await?;
        if let (0, Some(order)) = (index, order) {
            let body = json!({ "order_id": order["external_id"] });
            sandbox.post(&act(text(&held, "user_coupon_id")?, "use"), &body).await?;
        }
    }
    let of: Vec<&Value> = listed.iter().take(2).map(|one| &one["id"]).collect();
    let draft = json!({ "name": "两件八五折", "gives": { "kind": "rate", "percent": 85, "pieces": 2 },
        "listing_ids": of, "receive_from": from, "receive_until": until, "total": 200, "per_person": 2,
        "valid_from": from, "valid_until": times(30).1 });
    first.client.post(&at, &draft).await?;
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
        // Half of it: some may be sold there since it was set.
        let quantity = stock(sku).filter(|count| *count > 1)?.min(40) / 2;
        let sale = json!({ "amount": price / 1_000 * 800, "currency": "CNY" });
        Some(json!({ "sku_id": sku["id"], "price": sale, "quantity": quantity }))
    };
    let wishes: Vec<Value> = product["skus"].as_array().into_iter().flatten().filter_map(wish).collect();
    Ok((!wishes.is_empty()).then(|| json!(wishes)))
}
