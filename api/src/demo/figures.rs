//! The demo's figures of the last day that is over. Its orders are all of today, of which the compass tells nothing yet, so
//! yesterday's sales are given to the stand-in by the platform's names. Products without sales keep what orders say.

use super::client::{Client, items, text};
use super::seed::Merchant;
use crate::app::channels::analytics::yesterday;
use anyhow::Context;
use qianpu_domain::time::Timestamp;
use serde_json::{Value, json};

/// Yesterday at the first merchant's WeChat shop and channels account.
pub async fn go(sandbox: &Client, first: &Merchant, now: Timestamp) -> anyhow::Result<()> {
    let ds = yesterday(now).to_string().replace('-', "");
    let accounts = first.client.get(&format!("/api/v1/channel_accounts?shop_id={}", first.shop)).await?;
    let of = |channel: &str| {
        let found = items(&accounts).iter().find(|one| one["channel"] == channel);
        found.with_context(|| format!("an account of {channel}"))
    };
    let (store, finder) = (of("wechat-store")?, of("wechat-channels")?);
    let give = async |account: &Value, name: &str, values: Value| {
        let body = json!({"appid": text(account, "external_id")?, "ds": ds, "of": name, "values": values});
        sandbox.post("/sandbox/api/figures", &body).await
    };
    let listed = format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?);
    let listed = first.client.get(&listed).await?;
    let goods: Vec<&str> =
        items(&listed).iter().filter_map(|one| one["external_product_id"].as_str()).take(2).collect();
    let (mut paid, mut orders) = (0_i64, 0_i64);
    for (product, (fen, count)) in goods.into_iter().zip([(153_600, 12), (89_400, 6)]) {
        let each = json!({"pay_gmv": fen, "pure_pay_gmv": fen - 12_800, "pay_gmv_per_uv": fen / count, "pay_cnt": count,
            "pay_uv": count, "pay_product_cnt": count + 2, "pay_refund_gmv": 12_800, "create_gmv": fen + 12_800,
            "create_cnt": count + 1, "product_click_uv": count * 31, "product_click_cnt": count * 47});
        give(store, product, each).await?;
        let sold = json!({"pay_gmv": fen / 3, "pay_cnt": count / 3, "pay_uv": count / 3, "pay_product_cnt": count / 3,
            "actual_commission": 0, "predict_commission": fen / 30});
        give(finder, product, sold).await?;
        (paid, orders) = (paid + fen, orders + count);
    }
    let third = paid / 3;
    let whole = json!({"pay_gmv": paid, "pay_uv": orders, "pay_order_cnt": orders, "pay_refund_gmv": 25_600,
        "live_pay_gmv": third, "feed_pay_gmv": 0, "product_click_uv": orders * 31});
    give(store, "", whole).await?;
    let sellers = json!({"pay_gmv": third, "pay_sales_finder_cnt": 1, "pay_product_id_cnt": 2});
    give(store, "finders", sellers).await?;
    let there = sandbox.get(&format!("/sandbox/api/channels/{}", text(finder, "external_id")?)).await?;
    let seller = json!({"pay_gmv": third, "pay_product_id_cnt": 2, "pay_uv": orders / 3, "refund_gmv": 0});
    give(store, text(&there["channels"], "finder_id")?, seller).await?;
    let traits = json!({"field_list": [
        {"field_name": "年龄", "data_list": [{"dim_key": "25_39", "dim_value": "11"}, {"dim_key": "18_24", "dim_value": "7"}]},
        {"field_name": "省级", "data_list": [{"dim_key": "江西省", "dim_value": "9"}, {"dim_key": "浙江省", "dim_value": "6"}]}]});
    give(store, "type3", traits).await?;
    let account = json!({"pay_gmv": third, "live_pay_gmv": third, "feed_pay_gmv": 0, "window_pay_gmv": 0});
    give(finder, "", account).await?;
    Ok(())
}
