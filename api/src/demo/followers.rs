//! The demo's public account: what it answers, and two people who follow it.

use super::client::{Client, items};
use super::manifest::{AccountEntry, Manifest};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

/// Sets rules at the first merchant's directly linked public account, and lets people write there.
pub async fn talk(sandbox: &Client, first: &Merchant, manifest: &Manifest) -> anyhow::Result<()> {
    let account = account(manifest)?;
    let path = format!("/api/v1/channel_accounts/{}/reply_rules", account.id);
    let product = first.products.first().context("a product is on sale")?;
    let rules = [
        json!({"name": "欢迎语", "trigger": "followed", "answer": {"kind": "text",
            "text": "欢迎来到山前日常。\n回复“新品”看看最近的手作，回复“发货”了解发货时间。"}}),
        json!({"name": "新品", "trigger": "keyword", "matching": "contains", "words": ["新品", "推荐"],
            "answer": {"kind": "product", "product_id": product}}),
        json!({"name": "发货时间", "trigger": "keyword", "matching": "contains", "words": ["发货", "快递", "物流"],
            "answer": {"kind": "text", "text": "现货 48 小时内发出，预售以商品页时间为准。"}}),
        json!({"name": "其他消息", "trigger": "default", "answer": {"kind": "text",
            "text": "已收到，客服会在 9:00–21:00 回复您。"}}),
    ];
    for rule in &rules {
        first.client.post(&path, rule).await?;
    }
    let does = |what: &'static str, buyer: &'static str, more: Value| async move {
        let mut body = json!({"appid": account.app_id, "buyer": buyer});
        if let (Some(to), Value::Object(from)) = (body.as_object_mut(), more) {
            to.extend(from);
        }
        sandbox.post(&format!("/sandbox/api/{what}"), &body).await.map(drop)
    };
    does("follow", "王晓", json!({})).await?;
    does("messages", "王晓", json!({"content": "有什么新品推荐吗？"})).await?;
    does("follow", "陈小明", json!({})).await?;
    does("messages", "陈小明", json!({"content": "我昨天下的单什么时候发货？电话 13900000104"})).await?;
    let followers = format!("/api/v1/channel_accounts/{}/followers", account.id);
    let answered = |list: &Value| {
        items(list).len() == 2 && items(list).iter().all(|one| one["newest"]["state"] == "sent")
    };
    first.client.wait(&followers, 30, answered).await.context("followers were not answered")?;
    Ok(())
}

/// The public account that the first merchant linked directly.
fn account(manifest: &Manifest) -> anyhow::Result<&AccountEntry> {
    let direct = |one: &&AccountEntry| one.kind == "official_account" && !one.hook_url.contains("/apps/");
    manifest.linked_accounts.iter().find(direct).context("a public account was linked directly")
}
