//! The demo's public account: what it answers and shows, and two people who follow it.

use super::client::{Client, items, text};
use super::manifest::{AccountEntry, Manifest};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

/// Sets rules, menu and codes at the first merchant's directly linked public account, and lets people write there.
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
        json!({"name": "菜单 · 发货时间", "trigger": "menu", "words": ["SHIPPING"],
            "answer": {"kind": "text", "text": "现货 48 小时内发出，预售以商品页时间为准。"}}),
        json!({"name": "菜单 · 联系客服", "trigger": "menu", "words": ["SERVICE"],
            "answer": {"kind": "text", "text": "请直接留言，客服会在 9:00–21:00 回复您。"}}),
        json!({"name": "其他消息", "trigger": "default", "answer": {"kind": "text",
            "text": "已收到，客服会在 9:00–21:00 回复您。"}}),
    ];
    for rule in &rules {
        first.client.post(&path, rule).await?;
    }
    let home = &manifest.shops.first().context("a shop")?.url;
    let menu = json!({"buttons": [
        {"name": "逛店铺", "kind": "view", "url": home},
        {"name": "找客服", "below": [
            {"name": "发货时间", "kind": "click", "key": "SHIPPING"},
            {"name": "联系客服", "kind": "click", "key": "SERVICE"}]},
    ]});
    let at = format!("/api/v1/channel_accounts/{}", account.id);
    first.client.put(&format!("{at}/menu"), &menu).await?;
    first.client.post(&format!("{at}/menu/publish"), &json!({})).await?;
    for (name, scene) in [("门店台卡", "shop-counter"), ("包裹卡片", "parcel-card")] {
        first.client.post(&format!("{at}/codes"), &json!({"name": name, "scene": scene})).await?;
    }
    let cover = first.client.upload("picture", "cover.png", super::pictures::product(94, 122, 7)?).await?;
    let article = json!({"title": "明前新茶上架", "author": "山前手作", "digest": "第一批明前龙井到店，前一百件包邮。",
        "content": "# 今年的第一批\n\n三月下旬采的芽头，当天炒制。\n\n每人限购两罐，现货 48 小时内发出。", "cover_id": cover});
    let written = first.client.post(&format!("{at}/articles"), &article).await?;
    let one = format!("/api/v1/articles/{}", text(&written, "id")?);
    first.client.post(&format!("{one}/publish"), &json!({})).await?;
    first.client.wait(&one, 30, |one| one["state"] == "published").await.context("the article")?;
    let draft = json!({"title": "春天的手作市集", "author": "山前手作", "content": "周末在店里等你。", "cover_id": cover});
    first.client.post(&format!("{at}/articles"), &draft).await?;
    let does = |what: &'static str, buyer: &'static str, more: Value| async move {
        let mut body = json!({"appid": account.app_id, "buyer": buyer});
        if let (Some(to), Value::Object(from)) = (body.as_object_mut(), more) {
            to.extend(from);
        }
        sandbox.post(&format!("/sandbox/api/{what}"), &body).await.map(drop)
    };
    does("follow", "王晓", json!({})).await?;
    does("messages", "王晓", json!({"content": "有什么新品推荐吗？"})).await?;
    does("scan", "陈小明", json!({"scene": "parcel-card"})).await?;
    does("messages", "陈小明", json!({"content": "我昨天下的单什么时候发货？电话 13900000104"})).await?;
    let followers = format!("/api/v1/channel_accounts/{}/followers", account.id);
    let answered = |list: &Value| {
        items(list).len() == 2 && items(list).iter().all(|one| one["newest"]["state"] == "sent")
    };
    first.client.wait(&followers, 30, answered).await.context("followers were not answered")?;
    tags(sandbox, first, account).await?;
    notices(first, account).await
}

/// More people who followed before anybody was told, read from the platform, and tags on some of them.
async fn tags(sandbox: &Client, first: &Merchant, account: &AccountEntry) -> anyhow::Result<()> {
    let crowd = json!({"appid": account.app_id, "prefix": "老粉", "count": 46});
    sandbox.post("/sandbox/api/fans", &crowd).await?;
    let at = format!("/api/v1/channel_accounts/{}", account.id);
    let reading = format!("{at}/follower_reading");
    first.client.post(&reading, &json!({})).await?;
    first.client.wait(&reading, 30, |now| now["phase"] == "done").await.context("the list of followers")?;
    let mut made = Vec::new();
    for name in ["老客户", "礼盒意向", "门店到访"] {
        let tag = first.client.post(&format!("{at}/follower_tags"), &json!({"name": name})).await?;
        made.push(text(&tag, "id")?.to_owned());
    }
    let people = first.client.get(&format!("{at}/followers?limit=100")).await?;
    let ids: Vec<&Value> = items(&people).iter().map(|one| &one["id"]).collect();
    for (tag, some) in made.iter().zip([&ids[..ids.len() / 2], &ids[ids.len() / 3..ids.len() / 2]]) {
        let body = json!({"follower_tag_id": tag, "puts_on": true, "follower_ids": some});
        let begun = first.client.post(&format!("{at}/follower_taggings"), &body).await?;
        let one = format!("/api/v1/follower_taggings/{}", text(&begun, "id")?);
        first.client.wait(&one, 30, |now| now["state"] == "done").await.context("tagging")?;
    }
    Ok(())
}

/// What buyers who follow are told of their orders, and one notice by hand.
async fn notices(first: &Merchant, account: &AccountEntry) -> anyhow::Result<()> {
    let at = format!("/api/v1/channel_accounts/{}", account.id);
    let read = first.client.post(&format!("{at}/message_templates/read"), &json!({})).await?;
    let by_title = |title: &str| {
        let found = items(&read).iter().find(|one| one["title"] == title);
        found.and_then(|one| one["id"].as_str()).map(str::to_owned).context("a template")
    };
    let value = |name: &str| json!({"value": name});
    let paid = json!({"event": "paid", "message_template_id": by_title("订单支付成功通知")?, "fields": {
        "character_string1": value("order_number"), "thing2": value("product"), "amount3": value("amount")}});
    let shipped = json!({"event": "shipped", "message_template_id": by_title("订单发货通知")?, "fields": {
        "character_string1": value("order_number"), "thing4": value("carrier"),
        "character_string5": value("tracking_number")}});
    for rule in [paid, shipped] {
        first.client.put(&format!("{at}/order_notices"), &rule).await?;
    }
    let people = first.client.get(&format!("{at}/followers?state=following&limit=1")).await?;
    let person = items(&people).first().context("a follower")?;
    let body = json!({"message_template_id": by_title("订单发货通知")?, "fields": {
        "character_string1": "2026112200018", "thing4": "顺丰速运", "character_string5": "SF1098765432100"}});
    let path = format!("/api/v1/followers/{}/notices", text(person, "id")?);
    first.client.post(&path, &body).await?;
    let told = |list: &Value| items(list).iter().any(|one| one["state"] == "delivered");
    first.client.wait(&path, 30, told).await.context("a notice")?;
    Ok(())
}

/// The public account that the first merchant linked directly.
fn account(manifest: &Manifest) -> anyhow::Result<&AccountEntry> {
    let direct = |one: &&AccountEntry| one.kind == "official_account" && !one.hook_url.contains("/apps/");
    manifest.linked_accounts.iter().find(direct).context("a public account was linked directly")
}
