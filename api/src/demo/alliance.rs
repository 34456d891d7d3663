//! The demo's alliance: promoters of the first merchant's WeChat shop, one of them shut out, and plans of three products, one of
//! them taken down; its other products can be added.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use qianpu_domain::time::{Span, Timestamp};
use serde_json::{Value, json};

/// Promoters: the platform's id, the name, the level, what was sold in fen, orders, and whether the shop shut it out.
const PROMOTERS: [(&str, &str, i64, i64, i64, bool); 4] = [
    ("wx5f1c20a7d3e84b61", "阿青说茶", 4, 486_400, 38, false),
    ("wx83b7e6d01c5a49f2", "小满的厨房", 3, 179_200, 14, false),
    ("wx2d94a1f7b60c8e35", "老周逛器物", 2, 64_000, 5, false),
    ("wxc70e58b3926d1fa4", "捡漏达人大刘", 1, 12_800, 1, true),
];

/// Promoters and plans at the stand-in.
pub async fn go(sandbox: &Client, first: &Merchant, now: Timestamp) -> anyhow::Result<()> {
    let accounts = first.client.get(&format!("/api/v1/channel_accounts?shop_id={}", first.shop)).await?;
    let store =
        items(&accounts).iter().find(|one| one["channel"] == "wechat-store").context("a WeChat shop")?;
    let at = format!("/sandbox/api/league/{}", text(store, "external_id")?);
    sandbox.post(&at, &json!({ "opened": true })).await?;
    let listed = format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?);
    let listed = first.client.get(&listed).await?;
    let goods: Vec<u64> = items(&listed)
        .iter()
        .filter_map(|one| one["external_product_id"].as_str()?.parse().ok())
        .take(3)
        .collect();
    for (id, nickname, level, fen, orders, out) in PROMOTERS {
        let sold = |product: &u64| {
            json!({ "spu_id": product, "talent_commission_info": { "commission_type": 0, "ratio": 12_000 },
                "product_data": { "total_sale_gmv": fen / 2, "sale_gmv_30d": fen / 8, "total_order_num": orders / 2,
                    "order_num_30d": orders / 8 } })
        };
        let products: Vec<Value> = goods.iter().take(2).map(sold).collect();
        let data = json!({ "total_sale_gmv": fen, "sale_gmv_30d": fen / 4, "total_order_num": orders,
            "order_num_30d": orders / 4, "sale_product_num_30d": 2, "window_product_num": 36 });
        let body = json!({ "talent_appid": id, "nickname": nickname, "level": level, "is_blacklisted": out, "data": data,
            "products": products });
        sandbox.post(&format!("{at}/talents"), &body).await?;
    }
    let times = json!({ "begin_time": now.minus(Span::days(7)).seconds(), "end_time": now.plus(Span::days(30)).seconds(),
        "is_forerver": false });
    let whole = json!({ "is_sale_forbidden": false, "is_banned": false });
    for (index, product) in goods.iter().enumerate() {
        // The third one was taken down, and can be put up again.
        let status = if index == 2 { 2 } else { 1 };
        let item = json!({ "type": 1, "status": status, "ratio": 10, "ext_info": whole });
        let seller =
            |id: &str, ratio: i64| json!({ "talent_appid": id, "ratio": ratio, "talent_relation_status": 1 });
        let open = json!({ "product_id": product, "promotion_plan_type": 100, "item": item,
            "talents": [seller(PROMOTERS[0].0, 1_000), seller(PROMOTERS[1].0, 1_000)] });
        sandbox.post(&format!("{at}/plans"), &open).await?;
        if index == 0 {
            let item =
                json!({ "type": 2, "status": 1, "ratio": 18, "exclusive_info": times, "ext_info": whole });
            let named = json!({ "product_id": product, "promotion_plan_type": 300, "item": item,
                "talents": [seller(PROMOTERS[0].0, 1_800), seller(PROMOTERS[2].0, 1_550)] });
            sandbox.post(&format!("{at}/plans"), &named).await?;
        }
    }
    Ok(())
}
