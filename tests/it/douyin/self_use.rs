//! A shop that is linked by an app its merchant made for it 自用型应用: by API and by page, orders by pushes that its own
//! secret signs, tokens that need nobody, and keys that are refused.

use super::Shop;
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::both;
use qianpu_tests::stage::{Stage, shop};
use reqwest::Method;
use serde_json::{Value, json};

const KEY: &str = "7400000000000000001";
const SECRET: &str = "self-use-secret";
const DIRECT: &str = "/api/v1/channel_accounts/direct";

/// The merchant's app at the platform, pushing to `push_url`.
async fn app(stage: &Stage, secret: &str, push_url: &Value) {
    let push_url = push_url.as_str().unwrap_or_default();
    let app = json!({ "app_key": KEY, "app_secret": secret, "push_url": push_url, "self_use": true });
    stage.sandbox.post("douyin/apps", &app).await;
}

/// A merchant, and a shop at the platform that granted the merchant's app.
async fn granted(db: qianpu_tests::TestDb) -> (Stage, u64) {
    let stage = Stage::start(db).await;
    stage.sandbox.patch("douyin/settings", &json!({ "max_age_seconds": 10_000_000 })).await;
    app(&stage, SECRET, &Value::Null).await;
    let shop = stage.sandbox.post("douyin/shops", &json!({ "name": "山后抖店", "grants": [KEY] })).await;
    let shop_id = shop["shop_id"].as_u64().expect("a shop id");
    (stage, shop_id)
}

fn keys(stage: &Stage, shop_id: u64, secret: &str) -> Value {
    json!({ "shop_id": stage.shop.to_string(), "channel": "douyin", "kind": "douyin_shop", "app_id": KEY,
        "external_id": shop_id.to_string(), "secret": secret })
}

async fn linked(db: qianpu_tests::TestDb) -> Shop {
    let (stage, shop_id) = granted(db).await;
    let account = stage.owner.post(DIRECT, &keys(&stage, shop_id, SECRET), 201).await.json("");
    app(&stage, SECRET, &account["hook_url"]).await;
    Shop { stage, shop_id, account }
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

both! {
    async fn keys_are_tried_before_a_shop_is_linked_by_its_own_app(db: TestDb) {
        let (stage, shop_id) = granted(db).await;
        let body = keys(&stage, shop_id, SECRET);
        let refused = async |body: &Value, status| stage.owner.post(DIRECT, body, status).await;
        let fields = |answer: &qianpu_tests::http::Answer| -> Vec<String> {
            let errors = answer.json("/errors").as_array().cloned().unwrap_or_default();
            errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
        };
        // What is missing, and what this platform does not have.
        let answer = refused(&with(body.clone(), "external_id", Value::Null), 422).await;
        assert_eq!(fields(&answer), ["external_id"], "{}", answer.body);
        let answer = refused(&with(body.clone(), "token", json!("AAAAA")), 422).await;
        assert_eq!(fields(&answer), ["token"], "{}", answer.body);
        let answer = refused(&with(body.clone(), "format", json!("xml")), 422).await;
        assert_eq!(fields(&answer), ["format"], "{}", answer.body);
        // Keys that the platform does not take; which of them is said, and the secret is not.
        let answer = refused(&with(body.clone(), "secret", json!("wrong-secret")), 422).await;
        assert_eq!((answer.code().as_str(), fields(&answer)), ("channel_request_invalid", vec!["secret".to_owned()]));
        assert!(answer.body.contains("isv.signature-invalid") && !answer.body.contains("wrong-secret"), "{}", answer.body);
        let answer = refused(&with(body.clone(), "app_id", json!("7999")), 422).await;
        assert_eq!(fields(&answer), ["app_id"], "{}", answer.body);
        let answer = refused(&with(body.clone(), "external_id", json!("7654321")), 409).await;
        assert_eq!((answer.code().as_str(), fields(&answer)), ("channel_reauthorise", vec!["external_id".to_owned()]));
        assert!(stage.account_of(&shop_id.to_string()).await.is_none(), "nothing was kept");

        let answer = stage.owner.post(DIRECT, &body, 201).await;
        assert!(!answer.body.contains(SECRET), "secrets stay inside");
        let account = answer.json("");
        assert_eq!((&account["link_mode"], &account["own_app_id"]), (&json!("direct"), &json!(KEY)));
        assert_eq!((&account["external_id"], &account["name"]), (&json!(shop_id.to_string()), &json!("山后抖店")));
        assert!(!account["hook_url"].as_str().unwrap().contains("/apps/"), "{account}");

        // Another merchant gets neither the shop nor a word about whose it is.
        let merchant = stage.app.merchant(&stage.provider, "别家").await;
        let other = shop(&stage.app, &merchant, "别家小铺", "personal", ShopState::Trading).await;
        let owner = stage.app.person(&merchant, Role::MerchantOwner).await;
        let taken = owner.post(DIRECT, &with(body.clone(), "shop_id", json!(other.to_string())), 409).await;
        assert_eq!(taken.code(), "channel_account_linked");
        assert_eq!(stage.account_of(&shop_id.to_string()).await.expect("still linked")["state"], "active");
        stage.stop().await;
    }

    async fn a_shop_with_its_own_app_sells_and_its_pushes_are_proven_by_it(db: TestDb) {
        let shop = linked(db).await;
        let listing = shop.listed(10).await;
        let external = shop.buy(&listing, 2, true).await;
        let order = shop.order_in(&external, "paid").await;
        assert_eq!(shop.remote_stock(&listing["external_product_id"]).await, [8, 10]);
        let account = shop.stage.account_of(&shop.shop_id.to_string()).await.expect("linked");
        assert!(account["health"]["last_push_at"].is_string(), "{account}");

        // The receiver in the clear, and a parcel: calls that are signed with the app's secret.
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let told = shop.stage.owner.post(&format!("{path}/receiver"), &json!({}), 200).await;
        assert_eq!(told.text("/phone"), "13900139000");
        let parcel = json!({ "carrier": "SF", "waybill": "SF1234567891" });
        shop.stage.owner.post(&format!("{path}/shipments"), &parcel, 201).await;
        shop.stage.work().await;
        shop.order_in(&external, "shipped").await;

        // Pushes of anybody else are refused: another secret, another app, nothing at all.
        let hook = account["hook_url"].as_str().unwrap();
        let data = json!({ "p_id": 4_850_000_000_000_000_009_u64, "shop_id": shop.shop_id }).to_string();
        let body = json!([{ "tag": "101", "msg_id": "1", "data": data }]).to_string();
        let sign = |key: &str, secret: &str| {
            use md5::{Digest, Md5};
            hex::encode(Md5::digest(format!("{key}{body}{secret}")))
        };
        let push = async |key: &str, sign: String| {
            let client = qianpu_tests::http::http_client();
            let sent = client.post(hook).header("app-id", key).header("event-sign", sign).body(body.clone());
            sent.send().await.expect("an answer").status().as_u16()
        };
        assert_eq!(push(KEY, sign(KEY, "another")).await, 400);
        assert_eq!(push("7999", sign("7999", SECRET)).await, 400);
        assert_eq!(push(KEY, String::new()).await, 400);
        assert_eq!(push(KEY, sign(KEY, SECRET)).await, 200);

        // With new keys in place the old ones prove nothing any more, although they were known a moment ago.
        app(&shop.stage, "second-secret", &account["hook_url"]).await;
        let again = keys(&shop.stage, shop.shop_id, "second-secret");
        let again = shop.stage.owner.post(DIRECT, &again, 201).await.json("");
        assert_eq!((&again["id"], &again["hook_url"]), (&account["id"], &account["hook_url"]));
        assert_eq!(push(KEY, sign(KEY, SECRET)).await, 400);
        assert_eq!(push(KEY, sign(KEY, "second-secret")).await, 200);
        shop.stage.stop().await;
    }

    async fn tokens_are_made_anew_without_a_person_until_the_keys_are_lost(db: TestDb) {
        let shop = linked(db).await;
        let (stage, empty) = (&shop.stage, json!({}));
        let check = format!("/api/v1/channel_accounts/{}/check", shop.account["id"].as_str().unwrap());
        // Before its refresh token ends, an access token is refreshed.
        stage.sandbox.post("douyin/tokens/expire", &json!({ "shop_id": shop.shop_id })).await;
        stage.owner.post(&check, &empty, 200).await;
        assert_eq!((shop.calls("/token/create").await, shop.calls("/token/refresh").await), (1, 1));
        // Fifteen days in which nobody asked: both are over.
        stage.app.advance(15 * 86_400);
        stage.sandbox.post("clock", &json!({ "advance_seconds": 15 * 86_400 })).await;
        let owner = stage.app.person(&stage.merchant, Role::MerchantOwner).await;
        assert_eq!(owner.post(&check, &empty, 200).await.text("/state"), "active");
        assert_eq!((shop.calls("/token/create").await, shop.calls("/token/refresh").await), (2, 2));

        // The secret was reset at the platform: told in its words, and the account waits for the new one.
        app(stage, "reset-secret", &shop.account["hook_url"]).await;
        assert_eq!(owner.post(&check, &empty, 422).await.code(), "channel_request_invalid");
        let path = format!("/api/v1/channel_accounts/{}", shop.account["id"].as_str().unwrap());
        let account = owner.get(&path, 200).await.json("");
        assert_eq!((&account["state"], &account["health"]["error_code"]), (&json!("expired"), &json!("channel_reauthorise")));
        assert!(account["health"]["error"].as_str().unwrap().contains("isv.signature-invalid"), "{account}");
        // Its page leads to the form of the keys.
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = format!("/console/merchant/channel_accounts/{}", shop.account["id"].as_str().unwrap());
        let asked = visitor.client.request(Method::GET, &page).header("Cookie", &visitor.cookie).send().await.unwrap();
        let (status, html) = (asked.status().as_u16(), asked.text().await.unwrap());
        assert!(status == 200 && html.contains("重新授权") && html.contains("direct=true"), "{status} {html}");
        let again = owner.post(DIRECT, &keys(stage, shop.shop_id, "reset-secret"), 201).await.json("");
        assert_eq!((&again["id"], &again["state"]), (&shop.account["id"], &json!("active")));

        // The app lost the shop.
        stage.sandbox.post("douyin/deauthorize", &json!({ "app_key": KEY, "shop_id": shop.shop_id })).await;
        assert_eq!(owner.post(&check, &empty, 409).await.code(), "channel_reauthorise");
        assert_eq!(owner.get(&path, 200).await.text("/state"), "expired");
        shop.stage.stop().await;
    }

    async fn a_shop_is_linked_by_its_own_app_on_the_page(db: TestDb) {
        let (stage, shop_id) = granted(db).await;
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let page = async |path: &str| {
            let asked = visitor.client.request(Method::GET, path).header("Cookie", &visitor.cookie).send().await.unwrap();
            assert_eq!(asked.status().as_u16(), 200, "{path}");
            asked.text().await.unwrap()
        };
        let wizard = "/console/merchant/channel_accounts/link?channel=douyin";
        let shown = page(wizard).await;
        assert!(shown.contains("使用店铺自己的自用型应用") && shown.contains("name=\"app_id\""), "{shown}");
        assert!(!shown.contains("name=\"encoding_aes_key\""), "Douyin has no such key");
        let (shop, native) = (stage.shop.to_string(), shop_id.to_string());
        let send = async |secret: &str| {
            let fields = [("_csrf", visitor.form_token.as_str()), ("shop_id", &shop), ("channel", "douyin"),
                ("kind", "douyin_shop"), ("external_id", &native), ("app_id", KEY), ("secret", secret)];
            let path = "/console/merchant/channel_accounts/link/direct";
            let sent = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie).form(&fields);
            let answer = sent.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (status, html) = send("wrong-secret").await;
        assert!(status == 422 && html.contains("平台不接受此密钥") && html.contains("isv.signature-invalid"), "{status} {html}");
        assert!(!html.contains("wrong-secret") && html.contains(&format!("value=\"{native}\"")), "{html}");
        let (status, html) = send(SECRET).await;
        assert_eq!(status, 303, "{html}");

        // The account's page has the address to paste and the way to new keys, and never the secret.
        let account = stage.account_of(&native).await.expect("linked");
        let html = page(&format!("/console/merchant/channel_accounts/{}", account["id"].as_str().unwrap())).await;
        assert!(html.contains(account["hook_url"].as_str().unwrap()) && html.contains(KEY), "{html}");
        assert!(html.contains("更换密钥") && html.contains("direct=true") && !html.contains(SECRET), "{html}");
        let html = page(&format!("{wizard}&external_id={native}&direct=true")).await;
        assert!(html.contains(&format!("value=\"{native}\"")), "{html}");
        stage.stop().await;
    }
}
