//! The demo's Douyin shop: the provider's app, a shop that one merchant links, goods and orders there.

use super::client::{Client, items, text};
use super::seed::Merchant;
use anyhow::Context;
use serde_json::{Value, json};

const APP_KEY: &str = "7420000000000000001";
/// The self-use app of a shop that nobody linked yet.
const OWN_APP_KEY: &str = "7420000000000000002";
const SERVICE: &str = "30001";
/// Where every product goes in the sandbox's own category tree.
const CATEGORY: [&str; 3] = ["21000", "21001", "21002"];
/// Goods that are published there.
const GOODS: usize = 4;

/// A linked shop: our account and the platform's number.
pub struct Shop {
    account: String,
    shop_id: u64,
}

/// Adds the provider's app on both sides, links a shop of the merchant by the platform's page, and publishes goods.
pub async fn channel(owner: &Client, sandbox: &Client, merchant: &Merchant) -> anyhow::Result<Shop> {
    let secret = qianpu_tenants::random::token();
    let app = json!({"channel": "douyin", "component_app_id": APP_KEY, "secret": secret,
        "settings": {"service_id": SERVICE}});
    let app = owner.post("/api/v1/channel_apps", &app).await?;
    let told = json!({"app_key": APP_KEY, "app_secret": secret, "service_id": SERVICE,
        "callback_url": text(&app, "callback_url")?, "push_url": text(&app, "hook_url")?});
    sandbox.post("/sandbox/api/douyin/apps", &told).await?;

    // For whoever tries the demo: a shop with an app of its own, not linked yet. The sandbox's page shows its keys.
    let own =
        json!({"app_key": OWN_APP_KEY, "app_secret": qianpu_tenants::random::token(), "self_use": true});
    sandbox.post("/sandbox/api/douyin/apps", &own).await?;
    let waiting = json!({"name": "山前茶事抖音店", "grants": [OWN_APP_KEY]});
    sandbox.post("/sandbox/api/douyin/shops", &waiting).await?;

    let shop = sandbox.post("/sandbox/api/douyin/shops", &json!({"name": "山前手作抖音店"})).await?;
    let shop_id = shop["shop_id"].as_u64().context("no shop_id")?;
    let link = json!({"shop_id": merchant.shop, "channel": "douyin", "kind": "douyin_shop",
        "external_id": shop_id.to_string()});
    let link = merchant.client.post("/api/v1/channel_links", &link).await?;
    let page = url::Url::parse(text(&link, "desktop_url")?).context("the address of the page")?;
    let state = page.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
    let decision = json!({"service_id": SERVICE, "shop_id": shop_id, "state": state.context("no state")?});
    let decided = sandbox.post("/sandbox/api/douyin/authorize", &decision).await?;
    Client::visit(text(&decided, "redirect_url")?).await?;
    let path = format!("/api/v1/channel_links/{}", text(&link, "id")?);
    let done = merchant.client.wait(&path, 30, |link| link["state"] != "pending").await?;
    let account =
        text(&done, "channel_account_id").with_context(|| format!("the link ended as {done}"))?.to_owned();
    publish(merchant, &account).await.context("publishing")?;
    Ok(Shop { account, shop_id })
}

async fn publish(merchant: &Merchant, account: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/channel_accounts/{account}");
    merchant.client.patch(&path, &json!({"category_path": CATEGORY})).await?;
    let rules = json!({"title_suffix": " 官方直发", "safety_stock": 2, "stock_ppm": 800_000});
    merchant.client.put(&format!("{path}/listing_rules"), &rules).await?;
    let goods: Vec<&String> = merchant.products.iter().take(GOODS).collect();
    let body = json!({"product_ids": goods, "channel_account_ids": [account]});
    merchant.client.post("/api/v1/listing_runs", &body).await?;
    let path = format!("/api/v1/listings?channel_account_id={account}");
    let all_listed = |list: &Value| {
        items(list).len() == goods.len() && items(list).iter().all(|listing| listing["state"] == "listed")
    };
    merchant.client.wait(&path, 60, all_listed).await.context("goods were not listed")?;
    Ok(())
}

/// Buyers order from a live room, a creator's video and the shop itself; one parcel leaves, one order stays unpaid.
pub async fn orders(sandbox: &Client, merchant: &Merchant, shop: &Shop) -> anyhow::Result<()> {
    let path = format!("/api/v1/listings?state=listed&channel_account_id={}", shop.account);
    let listings = merchant.client.get(&path).await?;
    let goods: Vec<&str> =
        items(&listings).iter().filter_map(|listing| listing["external_product_id"].as_str()).collect();
    let own = json!({"c_biz": 8});
    let live = json!({"room_id": 7_300_001, "author_id": 99_001, "author_name": "山前主播", "c_biz": 8});
    let video = json!({"video_id": "7300002", "author_id": 99_002, "author_name": "好物推荐官", "c_biz": 2});
    let plan =
        [("许晴川", &live, true), ("何以宁", &video, true), ("苏木", &own, true), ("叶子", &live, false)];
    for (index, (buyer, source, paid)) in plan.into_iter().enumerate() {
        let product = goods.get(index % goods.len().max(1)).context("nothing is on sale")?;
        let body = json!({"shop_id": shop.shop_id, "buyer": buyer, "source": source, "pay": paid,
            "items": [{"product_id": product, "quantity": 1 + index % 2}]});
        sandbox.post("/sandbox/api/douyin/orders", &body).await?;
    }
    let arrived = |list: &Value| items(list).len() >= plan.len();
    merchant
        .client
        .wait("/api/v1/orders?source=douyin", 60, arrived)
        .await
        .context("orders did not arrive")?;
    let enough = |list: &Value| items(list).len() >= 3;
    let paid = "/api/v1/orders?source=douyin&state=paid";
    let paid = merchant.client.wait(paid, 60, enough).await.context("no paid orders")?;
    let order = items(&paid).last().context("no paid order")?;
    let path = format!("/api/v1/orders/{}", text(order, "id")?);
    let body = json!({"carrier": "SF", "waybill": "SF1042000001"});
    merchant.client.post(&format!("{path}/shipments"), &body).await?;
    let left = |order: &Value| order["state"] == "shipped";
    merchant.client.wait(&path, 60, left).await.context("the parcel did not leave")?;
    Ok(())
}
