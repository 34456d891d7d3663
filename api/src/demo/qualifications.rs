//! The demo's WeChat shop: a category that was approved and one that is being checked, a brand in force and one that was
//! refused with its reason.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

/// Applies in the first merchant's name, and decides as the platform.
pub async fn go(sandbox: &Client, first: &Merchant) -> anyhow::Result<()> {
    let path = format!("/api/v1/channel_accounts?shop_id={}", first.shop);
    let accounts = first.client.get(&path).await?;
    let store = items(&accounts).iter().find(|one| one["channel"] == "wechat-store").context("a shop")?;
    let document = async |hue: u32| {
        first.client.upload("document", "certificate.png", super::pictures::document(hue)?).await
    };
    let category =
        |id: &str, document: String| json!({ "category_id": id, "documents": { "certificate": [document] } });
    let approved = category("7011", document(30).await?);
    let approved = apply(first, store, "category_applications", &approved).await?;
    let waits = category("2032", document(210).await?);
    apply(first, store, "category_applications", &waits).await?;
    let brand = |id: &str, zh: &str, en: &str, document: String| {
        json!({ "brand_id": id, "name_zh": zh, "name_en": en, "class": 21,
            "mark": { "kind": "registered", "registrant": "景德镇知夏器物有限公司", "number": "58231907",
                "valid_from": "2022-03-14", "valid_until": "2032-03-13", "certificate_ids": [document] } })
    };
    let force = brand("10000003", "陶溪里", "Taoxili", document(120).await?);
    let force = apply(first, store, "brand_applications", &force).await?;
    let refused = brand("10000004", "月白", "Yuebai", document(300).await?);
    let refused = apply(first, store, "brand_applications", &refused).await?;
    decide(sandbox, first, store, (&approved, "approve", "accepted"), "").await?;
    decide(sandbox, first, store, (&force, "approve", "accepted"), "").await?;
    let reason = "商标注册人与店铺主体不一致，请补充授权书";
    decide(sandbox, first, store, (&refused, "refuse", "refused"), reason).await?;
    branded(first, store).await
}

/// One product gets the brand in force.
async fn branded(first: &Merchant, store: &Value) -> anyhow::Result<()> {
    let listed = format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?);
    let listed = first.client.get(&listed).await?;
    let one = items(&listed).first().context("a listed product")?;
    let wanted =
        json!({ "product_id": one["product_id"], "channel_account_id": store["id"], "brand_id": "10000003" });
    first.client.post("/api/v1/listings", &wanted).await?;
    let at = format!("/api/v1/listings/{}", text(one, "id")?);
    let seen = first.client.wait(&at, 60, |one| one["state"] == "listed").await;
    seen.context("the product with a brand is not listed")?;
    Ok(())
}

/// Applies, and waits until the platform has it.
async fn apply(first: &Merchant, store: &Value, what: &str, body: &Value) -> anyhow::Result<Value> {
    let at = format!("/api/v1/channel_accounts/{}/{what}", text(store, "id")?);
    let made = first.client.post(&at, body).await.with_context(|| what.to_owned())?;
    stands(first, &made, "checking").await
}

async fn stands(first: &Merchant, one: &Value, state: &str) -> anyhow::Result<Value> {
    let at = format!("/api/v1/qualifications/{}", text(one, "id")?);
    let seen = first.client.wait(&at, 60, |one| one["state"] == state).await;
    seen.with_context(|| format!("an application is not {state}"))
}

async fn decide(
    sandbox: &Client,
    first: &Merchant,
    store: &Value,
    (one, action, state): (&Value, &str, &str),
    reason: &str,
) -> anyhow::Result<()> {
    let (shop, audit) = (text(store, "external_id")?, text(one, "external_application_id")?);
    let at = format!("/sandbox/api/stores/{shop}/qualifications/{audit}/{action}");
    sandbox.post(&at, &json!({ "reason": reason })).await?;
    stands(first, one, state).await?;
    Ok(())
}
