//! The demo's dealings with the platform: the provider's channel app, linked accounts, listings, buyers.

use super::client::{Client, items, text};
use super::manifest::{AccountEntry, AppEntry, Manifest};
use super::seed::Merchant;
use anyhow::{Context, bail};
use serde_json::{Value, json};

const COMPONENT: &str = "wx7a1c0ffee0000001";
const STORE: (&str, &str) = ("wechat-store", "wechat_store");
const OFFICIAL: (&str, &str) = ("wechat-official-account", "official_account");
pub(super) const CHANNELS: (&str, &str) = ("wechat-channels", "channels_account");
/// Where every product goes in the sandbox's own category tree.
const CATEGORY: [&str; 3] = ["2000", "2010", "2011"];

/// A key as platforms make them: 43 letters and digits.
fn aes_key() -> String {
    let mut key = String::with_capacity(43);
    while key.len() < 43 {
        key.extend(qianpu_tenants::random::token().chars().filter(char::is_ascii_alphanumeric));
    }
    key.truncate(43);
    key
}

fn push_token() -> String {
    aes_key().chars().take(24).collect()
}

/// Keys that both sides of a push know.
struct PushKeys {
    token: String,
    encoding_aes_key: String,
}

impl PushKeys {
    fn new() -> Self {
        Self { token: push_token(), encoding_aes_key: aes_key() }
    }
}

/// Adds the provider's app on both sides, links accounts in every way there is, and publishes goods.
pub async fn channels(
    owner: &Client,
    sandbox: &Client,
    shops: &[Merchant],
    manifest: &mut Manifest,
) -> anyhow::Result<()> {
    let keys = PushKeys::new();
    let message_url = channel_app(owner, sandbox, &keys, manifest).await.context("the channel app")?;
    let [enterprise, individual, _] = shops else { bail!("three merchants are expected") };

    let store = through_app(enterprise, sandbox, STORE, "山前手作旗舰店")
        .await
        .context("the shop linked by purchase")?;
    let official = through_app(enterprise, sandbox, OFFICIAL, "山前手作")
        .await
        .context("the public account linked by authorisation")?;
    for account in [&store, &official] {
        manifest.linked_accounts.push(AccountEntry {
            id: account.id.clone(),
            channel: account.channel.to_owned(),
            kind: account.kind.to_owned(),
            app_id: account.app_id.clone(),
            hook_url: message_url.replace("$APPID$", &account.app_id),
            token: keys.token.clone(),
            encoding_aes_key: keys.encoding_aes_key.clone(),
            format: "xml".to_owned(),
        });
    }
    let direct_store = directly(individual, sandbox, STORE, "小马茶铺", "json", manifest)
        .await
        .context("the shop linked directly")?;
    for (merchant, name) in [(enterprise, "山前日常"), (individual, "小马说茶")] {
        directly(merchant, sandbox, OFFICIAL, name, "xml", manifest)
            .await
            .context("the public account linked directly")?;
    }

    for (merchant, account) in [(enterprise, &store), (individual, &direct_store)] {
        let path = format!("/api/v1/channel_accounts/{}", account.id);
        merchant.client.patch(&path, &json!({"category_path": CATEGORY})).await?;
        publish(merchant, account, sandbox).await.context("publishing")?;
    }
    for (merchant, kind, name) in
        [(enterprise, "store", "山前手作二店"), (enterprise, "official_account", "山前生活志")]
    {
        account_at(sandbox, merchant, kind, name).await.context("an account to be linked by hand")?;
    }
    Ok(())
}

/// The accounts of a merchant know a person by one union id.
fn open_platform(merchant: &Merchant) -> String {
    format!("wxopen-{}", merchant.plan.email)
}

/// An account at the platform; its app id.
async fn account_at(sandbox: &Client, merchant: &Merchant, kind: &str, name: &str) -> anyhow::Result<String> {
    let body = json!({"kind": kind, "nickname": name, "principal_name": merchant.plan.legal_name,
        "open_platform": open_platform(merchant)});
    Ok(text(&sandbox.post("/sandbox/api/accounts", &body).await?, "appid")?.to_owned())
}

/// Adds the app; answers with its message address.
async fn channel_app(
    owner: &Client,
    sandbox: &Client,
    keys: &PushKeys,
    manifest: &mut Manifest,
) -> anyhow::Result<String> {
    let secret = push_token();
    let body = json!({"channel": STORE.0, "component_app_id": COMPONENT, "secret": secret, "token": keys.token, "encoding_aes_key": keys.encoding_aes_key});
    let app = owner.post("/api/v1/channel_apps", &body).await?;
    let (hook_url, message_url) = (text(&app, "hook_url")?, text(&app, "message_hook_url")?);
    let registration = json!({
        "component_appid": COMPONENT, "component_appsecret": secret, "token": keys.token,
        "encoding_aes_key": keys.encoding_aes_key, "auth_event_url": hook_url, "message_url": message_url,
    });
    sandbox.post("/sandbox/api/apps", &registration).await?;
    let path = format!("/api/v1/channel_apps/{}", text(&app, "id")?);
    owner.wait(&path, 30, |app| !app["ticket_received_at"].is_null()).await.context("no ticket came")?;
    manifest.channel_apps.push(AppEntry {
        channel: STORE.0.to_owned(),
        component_app_id: COMPONENT.to_owned(),
        hook_url: hook_url.to_owned(),
        token: keys.token.clone(),
        encoding_aes_key: keys.encoding_aes_key.clone(),
    });
    Ok(message_url.to_owned())
}

/// What the sandbox calls accounts of a channel.
fn sandbox_kind(channel: &str) -> &'static str {
    match channel {
        slug if slug == STORE.0 => "store",
        slug if slug == CHANNELS.0 => "channels_account",
        _ => "official_account",
    }
}

/// An account that was linked.
pub(super) struct Linked {
    pub(super) id: String,
    channel: &'static str,
    kind: &'static str,
    pub(super) app_id: String,
}

/// Links an account through the provider's app: by purchase, or by the platform's authorisation page.
pub(super) async fn through_app(
    merchant: &Merchant,
    sandbox: &Client,
    (channel, kind): (&'static str, &'static str),
    name: &str,
) -> anyhow::Result<Linked> {
    let app_id = account_at(sandbox, merchant, sandbox_kind(channel), name).await?;
    let link = merchant
        .client
        .post(
            "/api/v1/channel_links",
            &json!({"shop_id": merchant.shop, "channel": channel, "kind": kind, "external_id": app_id}),
        )
        .await?;
    if text(&link, "next")? == "open" {
        authorise(sandbox, &app_id, text(&link, "desktop_url")?).await?;
    } else {
        sandbox
            .post("/sandbox/api/market/buy", &json!({"component_appid": COMPONENT, "appid": app_id}))
            .await?;
    }
    let path = format!("/api/v1/channel_links/{}", text(&link, "id")?);
    let done = merchant.client.wait(&path, 30, |link| link["state"] != "pending").await?;
    let id =
        text(&done, "channel_account_id").with_context(|| format!("the link ended as {done}"))?.to_owned();
    Ok(Linked { id, channel, kind, app_id })
}

/// Presses "authorise" on the platform's page, and comes back as the browser would.
async fn authorise(sandbox: &Client, app_id: &str, page: &str) -> anyhow::Result<()> {
    let page = url::Url::parse(page).context("the address of the authorisation page")?;
    let parameter =
        |name: &str| page.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let body = json!({
        "component_appid": COMPONENT, "appid": app_id,
        "pre_auth_code": parameter("pre_auth_code").context("no pre_auth_code")?,
        "redirect_uri": parameter("redirect_uri").context("no redirect_uri")?,
    });
    let answer = sandbox.post("/sandbox/api/authorize", &body).await?;
    let back = text(&answer, "redirect_url")?;
    Client::visit(back).await
}

/// Links an account by its own id and secret, and tells the platform where to push.
async fn directly(
    merchant: &Merchant,
    sandbox: &Client,
    (channel, kind): (&'static str, &'static str),
    name: &str,
    format: &str,
    manifest: &mut Manifest,
) -> anyhow::Result<Linked> {
    let sandbox_kind = sandbox_kind(channel);
    let secret = push_token();
    let account = sandbox
        .post("/sandbox/api/accounts", &json!({"kind": sandbox_kind, "nickname": name, "secret": secret, "principal_name": merchant.plan.legal_name, "open_platform": open_platform(merchant)}))
        .await?;
    let app_id = text(&account, "appid")?.to_owned();
    let keys = PushKeys::new();
    let body = json!({
        "shop_id": merchant.shop, "channel": channel, "kind": kind, "app_id": app_id, "secret": secret,
        "token": keys.token, "encoding_aes_key": keys.encoding_aes_key, "format": format, "name": name,
    });
    let linked = merchant.client.post("/api/v1/channel_accounts/direct", &body).await?;
    let (id, hook_url) = (text(&linked, "id")?.to_owned(), text(&linked, "hook_url")?.to_owned());
    let push = json!({"url": hook_url, "token": keys.token, "encoding_aes_key": keys.encoding_aes_key, "format": format});
    sandbox.post(&format!("/sandbox/api/accounts/{app_id}/push"), &push).await?;
    manifest.linked_accounts.push(AccountEntry {
        id: id.clone(),
        channel: channel.to_owned(),
        kind: kind.to_owned(),
        app_id: app_id.clone(),
        hook_url,
        token: keys.token,
        encoding_aes_key: keys.encoding_aes_key,
        format: format.to_owned(),
    });
    Ok(Linked { id, channel, kind, app_id })
}

/// Publishes the merchant's goods. The last one of a merchant with several is refused by the auditor, so
/// that a refusal can be seen.
async fn publish(merchant: &Merchant, account: &Linked, sandbox: &Client) -> anyhow::Result<()> {
    let (last, goods) = match merchant.products.split_last() {
        Some((last, goods)) if goods.len() > 2 => (Some(last), goods),
        _ => (None, merchant.products.as_slice()),
    };
    let path = format!("/api/v1/listings?channel_account_id={}", account.id);
    let body = json!({"product_ids": goods, "channel_account_ids": [account.id]});
    merchant.client.post("/api/v1/listings/batch", &body).await?;
    let all_listed = |list: &Value| {
        items(list).len() == goods.len() && items(list).iter().all(|listing| listing["state"] == "listed")
    };
    merchant.client.wait(&path, 60, all_listed).await.context("goods were not listed")?;
    let Some(last) = last else { return Ok(()) };
    sandbox.patch("/sandbox/api/settings", &json!({"audit_automatically": false})).await?;
    merchant
        .client
        .post("/api/v1/listings", &json!({"product_id": last, "channel_account_id": account.id}))
        .await?;
    let in_audit = |list: &Value| items(list).iter().any(|listing| listing["state"] == "in_audit");
    let list = merchant.client.wait(&path, 60, in_audit).await.context("no audit began")?;
    let listing =
        items(&list).iter().find(|listing| listing["state"] == "in_audit").context("no audit began")?;
    let native = text(listing, "external_product_id")?;
    let reason = json!({"reason": "主图与商品描述不符，请更换主图后重新提交"});
    sandbox.post(&format!("/sandbox/api/products/{native}/refuse"), &reason).await?;
    merchant
        .client
        .wait(&path, 60, |list| items(list).iter().any(|listing| listing["state"] == "refused"))
        .await?;
    sandbox.patch("/sandbox/api/settings", &json!({"audit_automatically": true})).await?;
    Ok(())
}

/// Buyers order: from a live room, a short video and an article; one order is left unpaid.
pub async fn orders(sandbox: &Client, shops: &[Merchant], manifest: &Manifest) -> anyhow::Result<()> {
    for (at, (merchant, scenes)) in shops.iter().zip([[2, 3, 6, 5], [2, 4, 1, 3]]).enumerate() {
        let accounts =
            merchant.client.get(&format!("/api/v1/channel_accounts?shop_id={}", merchant.shop)).await?;
        let Some(store) = items(&accounts).iter().find(|account| account["channel"] == STORE.0) else {
            continue;
        };
        let app_id = text(store, "external_id")?;
        let listings = merchant
            .client
            .get(&format!("/api/v1/listings?state=listed&channel_account_id={}", text(store, "id")?))
            .await?;
        let goods: Vec<&str> =
            items(&listings).iter().filter_map(|listing| listing["external_product_id"].as_str()).collect();
        if goods.is_empty() || !manifest.linked_accounts.iter().any(|account| account.app_id == app_id) {
            bail!("nothing is on sale at {app_id}");
        }
        let buyers = ["王晓", "李木子", "周舟", "欧阳晴"];
        for (index, (scene, buyer)) in scenes.iter().zip(buyers).enumerate() {
            let product = goods.get(index % goods.len()).context("a product")?;
            let paid = index != 3;
            let body = json!({
                "appid": app_id, "buyer": buyer, "scene": scene, "pay": paid,
                "items": [{"product_id": product, "quantity": 1 + index % 2}],
            });
            sandbox.post("/sandbox/api/orders", &body).await?;
        }
        let arrived = |list: &Value| items(list).len() >= scenes.len();
        merchant.client.wait("/api/v1/orders", 60, arrived).await.context("orders did not arrive")?;
        ship_and_confirm(merchant, sandbox, at == 0).await?;
        desk(merchant, sandbox, at == 0).await.context("the order desk")?;
    }
    Ok(())
}

/// Something waits at the desk: an urged order with a remark, at the second merchant's a wish for another address; the
/// first merchant makes an unpaid order cheaper.
async fn desk(merchant: &Merchant, sandbox: &Client, first: bool) -> anyhow::Result<()> {
    let client = &merchant.client;
    let paid = client.get("/api/v1/orders?state=paid&limit=1").await?;
    if let Some(order) = items(&paid).first() {
        let (id, native) = (text(order, "id")?, text(order, "external_id")?);
        let remark = json!({"merchant_notes": "送礼订单，附手写贺卡"});
        client.put(&format!("/api/v1/orders/{id}/merchant_notes"), &remark).await?;
        let (action, body) = match first {
            true => ("urge", json!({})),
            false => (
                "address",
                json!({"address": {"user_name": "李木子", "tel_number": "13900139000",
                "province_name": "浙江省", "city_name": "杭州市", "county_name": "西湖区", "detail_info": "文三路90号"}}),
            ),
        };
        sandbox.post(&format!("/sandbox/api/orders/{native}/{action}"), &body).await?;
        let told =
            |order: &Value| !(order["desk"]["urged_at"].is_null() && order["desk"]["address_wish"].is_null());
        client.wait(&format!("/api/v1/orders/{id}"), 60, told).await.context("the desk was not told")?;
    }
    let unpaid = client.get("/api/v1/orders?state=awaiting_payment&limit=1").await?;
    if let Some(order) = items(&unpaid).first().filter(|_| first) {
        let line = &order["lines"][0];
        let total = line["total"]["amount"].as_i64().context("a total")?;
        let lines = json!([{"order_line_id": line["id"], "total": {"amount": total - total / 10, "currency": "CNY"}}]);
        let path = format!("/api/v1/orders/{}/price", text(order, "id")?);
        client.put(&path, &json!({"lines": lines})).await?;
    }
    Ok(())
}

/// Ships one paid order; its buyer confirms receipt. Ships another, which stays on the way.
async fn ship_and_confirm(
    merchant: &Merchant,
    sandbox: &Client,
    settles_at_once: bool,
) -> anyhow::Result<()> {
    let enough = |list: &Value| items(list).len() >= 2;
    let paid =
        merchant.client.wait("/api/v1/orders?state=paid", 60, enough).await.context("no paid orders")?;
    for (index, order) in items(&paid).iter().take(2).enumerate() {
        let (id, native) = (text(order, "id")?, text(order, "external_id")?);
        let body = json!({"carrier": "SF", "waybill": format!("SF10{index}4400{:04}", merchant.plan.hue)});
        merchant.client.post(&format!("/api/v1/orders/{id}/shipments"), &body).await?;
        let path = format!("/api/v1/orders/{id}");
        merchant
            .client
            .wait(&path, 60, |order| order["state"] == "shipped")
            .await
            .context("the parcel did not leave")?;
        if index == 0 {
            sandbox.post(&format!("/sandbox/api/orders/{native}/confirm"), &json!({})).await?;
            let done = |order: &Value| matches!(order["state"].as_str(), Some("received" | "completed"));
            merchant.client.wait(&path, 60, done).await.context("the receipt was not confirmed")?;
            if settles_at_once {
                let settled = |order: &Value| !order["settled_at"].is_null();
                merchant.client.wait(&path, 60, settled).await.context("the order was not settled")?;
            }
        }
    }
    Ok(())
}
