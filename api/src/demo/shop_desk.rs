//! The demo's WeChat shop: a freight template, a return address, money, and withdrawals at several stages.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

fn yuan(fen: i64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

/// Furnishes the first merchant's shop, and takes some of its money out.
pub async fn furnish(sandbox: &Client, first: &Merchant) -> anyhow::Result<()> {
    let accounts = first.client.get(&format!("/api/v1/channel_accounts?shop_id={}", first.shop)).await?;
    let store = items(&accounts).iter().find(|one| one["channel"] == "wechat-store").context("a shop")?;
    let id = text(store, "id")?;
    let here = |rest: &str| format!("/api/v1/channel_accounts/{id}/{rest}");
    let template = json!({ "name": "满 199 元包邮", "charge": "free_from", "unit": "piece", "ships_within_hours": 48,
        "rules": [
            { "first": 1, "first_price": yuan(1_000), "more": 1, "more_price": yuan(300) },
            { "areas": [{ "province": "新疆维吾尔自治区" }, { "province": "内蒙古自治区" }],
              "first": 1, "first_price": yuan(2_500), "more": 1, "more_price": yuan(1_000) } ],
        "free_from": [{ "areas": [{ "province": "全国" }], "amount": yuan(19_900) }],
        "not_to": [{ "province": "西藏自治区" }] });
    first.client.post(&here("freight_templates"), &template).await.context("a freight template")?;
    let address = json!({ "name": "售后组", "phone": "0798-8441200", "province": "江西省", "city": "景德镇市",
        "district": "珠山区", "detail": "陶溪川北路 18 号 3 栋", "sends": false, "receives": true });
    let address = first.client.post(&here("shop_addresses"), &address).await.context("an address")?;
    let choice = json!({ "address_id": text(&address, "address_id")? });
    first.client.post(&here("shop_addresses/choose"), &choice).await?;

    let there = |rest: &str| {
        format!("/sandbox/api/stores/{}/{rest}", store["external_id"].as_str().unwrap_or_default())
    };
    for fen in [186_000, 92_500, 240_800] {
        sandbox.post(&there("shares"), &json!({ "amount": fen })).await?;
    }
    first.client.post(&here("funds/read"), &json!({})).await?;
    for (fen, note, acts) in [
        (120_000, "五月货款", &["scan", "confirm", "pay"][..]),
        (50_000, "试提一笔", &["scan", "cancel"]),
        (180_000, "备货", &[]),
    ] {
        let body = json!({ "amount": yuan(fen), "note": note, "bank_memo": "山前手作" });
        let asked = first.client.post(&here("withdrawals"), &body).await.context("a withdrawal")?;
        let path = format!("/api/v1/funds_withdrawals/{}", text(&asked, "id")?);
        first.client.wait(&path, 60, |one| one["state"] == "waiting").await.context("a code")?;
        for act in acts {
            let act = there(&format!("withdrawals/newest/{act}"));
            // The bank may have been faster.
            if let Err(error) = sandbox.post(&act, &json!({})).await
                && !act.ends_with("/pay")
            {
                return Err(error);
            }
        }
        if !acts.is_empty() {
            let over = |one: &Value| one["state"] == "paid" || one["state"] == "closed";
            first.client.wait(&path, 60, over).await.context("the end of a withdrawal")?;
        }
    }
    Ok(())
}
