//! The demo's channels account: a window, a room that is over, one that is on, a reservation, a checklist and leads.

use super::client::{Client, items, text};
use super::platform::{CHANNELS, through_app};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

/// Links the first merchant's channels account, fills its window, and plays the host.
pub async fn go(sandbox: &Client, first: &Merchant) -> anyhow::Result<()> {
    let account = through_app(first, sandbox, CHANNELS, "山前手作说器物").await.context("the link")?;
    let path = format!("/api/v1/channel_accounts?shop_id={}", first.shop);
    let accounts = first.client.get(&path).await?;
    let store = items(&accounts).iter().find(|one| one["channel"] == "wechat-store").context("a shop")?;
    let at = |rest: &str| format!("/sandbox/api/channels/{}/{rest}", account.app_id);
    sandbox.post(&at("stores"), &json!({"appid": text(store, "external_id")?})).await?;
    let listed = format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?);
    let listed = first.client.get(&listed).await?;
    let listings: Vec<&str> = items(&listed).iter().filter_map(|one| one["id"].as_str()).collect();
    let goods: Vec<&Value> = items(&listed).iter().map(|one| &one["external_product_id"]).collect();
    let here = |rest: &str| format!("/api/v1/channel_accounts/{}/{rest}", account.id);
    first
        .client
        .post(&here("showcase/items"), &json!({"listing_ids": listings}))
        .await
        .context("the window")?;
    first.client.post(&here("showcase/read"), &json!({})).await?;

    let room = sandbox.post(&at("rooms"), &json!({"title": "柴烧新窑开箱"})).await?;
    let room = text(&room, "export_id")?.to_owned();
    // The title of a room is told only while it is on.
    first.client.post(&here("live/read"), &json!({})).await?;
    let before = items(&first.client.get("/api/v1/orders?limit=100").await?).len();
    let form = sandbox.post(&at("forms"), &json!({"title": "预约到店体验"})).await?;
    let buyers = [("宋知夏", 2), ("林晚", 2), ("程一诺", 3), ("许安", 5)];
    for (index, (buyer, scene)) in buyers.into_iter().enumerate() {
        let product = goods.get(index % goods.len().max(1)).context("a product")?;
        let body = json!({"buyer": buyer, "product_id": product, "scene": scene, "pay": true});
        sandbox.post(&at("orders"), &body).await?;
    }
    let lead = json!({"leads_component_id": form["leads_component_id"],
        "answers": [["姓名", "宋女士"], ["手机号", "13900000201"], ["想体验", "手拉坯"]]});
    sandbox.post(&at("leads"), &lead).await?;
    let product = goods.first().context("a product")?;
    let of_room = |act: &str| at(&format!("rooms/{}/{act}", room.replace('/', "~")));
    sandbox.post(&of_room("explain"), &json!({"product_id": product})).await?;
    let figures = json!({"new_watch_uv": 2860, "max_online_watch_uv": 312, "impression_uv": 18400,
        "average_watch_seconds_per_audience": 94, "new_follow_uv": 127, "comment_uv": 486, "sharing_uv": 63, "clk_uv": 902});
    sandbox.post(&of_room("end"), &figures).await?;
    sandbox.post(&at("rooms"), &json!({"title": "午后茶席 · 闲聊器物"})).await?;
    sandbox.post(&at("reservations"), &json!({"title": "周末窑口直播", "start_time": 1_893_466_800})).await?;
    first.client.post(&here("live/read"), &json!({})).await?;
    let day = sandbox.get(&format!("/sandbox/api/channels/{}", account.app_id)).await?;
    let began = day["channels"]["rooms"][&room]["began"].as_i64().context("the room began")?;
    let day = crate::app::live::rooms::today(qianpu_domain::time::Timestamp::from_seconds(began));
    first.client.post(&here("live/read"), &json!({"day": day.to_string()})).await?;

    let plan = json!({"title": "周末窑口直播", "planned_at": "2029-12-31T11:00:00Z", "own_steps": ["准备三件现场烧制样品"]});
    let plan = first.client.post(&here("live_plans"), &plan).await?;
    let steps = format!("/api/v1/live_plans/{}/steps", text(&plan, "id")?);
    for (position, note) in [(0, ""), (1, "三件都已加入"), (2, "周五中午发布")] {
        first.client.post(&steps, &json!({"position": position, "done": true, "note": note})).await?;
    }
    let arrived = |list: &Value| items(list).len() >= before + buyers.len();
    first.client.wait("/api/v1/orders?limit=100", 60, arrived).await.context("orders of the account")?;
    Ok(())
}
