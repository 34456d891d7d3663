//! A plugin as its author starts it, in a language that is not Rust: from `plugin new` to an order in a shop.

use qianpu_api::app::plugins;
use qianpu_domain::access::Role;
use qianpu_kit::{Language, build, create};
use qianpu_tests::both;
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage};
use reqwest::Method;
use serde_json::json;
use std::sync::OnceLock;

const SLUG: &str = "demo-market";

/// The component, built once with npm.
fn component() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join(SLUG);
        create(&folder, SLUG, Language::TypeScript, None).unwrap();
        let file = build(&folder).unwrap_or_else(|error| panic!("{error:#}"));
        std::fs::read(file).unwrap()
    })
}

both! {
    async fn an_order_arrives_through_a_plugin_in_typescript(db: TestDb) {
        let stage = Stage::start(db).await;
        let folder = stage.app.state.config.app.data_dir.join("plugins");
        std::fs::create_dir_all(&folder).unwrap();
        let bytes = tokio::task::spawn_blocking(component).await.unwrap();
        std::fs::write(folder.join("demo-market.wasm"), bytes).unwrap();
        plugins::look(&stage.app.state).await;

        // A shop at the platform that sells something of its own.
        let name = "小马茶铺";
        let account = stage.sandbox.post("accounts", &json!({ "kind": "store", "nickname": name })).await;
        let app_id = account["appid"].as_str().unwrap();
        let goods = json!({ "appid": app_id, "title": "明前龙井", "price": 12_800 });
        let product = stage.sandbox.post("products", &goods).await;

        // Linked: the plugin's token and profile, against the address of a platform that the sandbox stands in for.
        let mut link = json!({ "shop_id": stage.shop.to_string(), "channel": SLUG, "kind": "demo_market",
            "app_id": app_id, "secret": "wrong", "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY, "format": "json" });
        let refused = stage.owner.post("/api/v1/channel_accounts/direct", &link, 422).await;
        assert!(refused.body.contains("secret"), "{}", refused.body);
        link["secret"] = account["secret"].clone();
        let linked = stage.owner.post("/api/v1/channel_accounts/direct", &link, 201).await.json("");
        assert_eq!((&linked["name"], &linked["channel"]), (&json!(name), &json!(SLUG)));

        // The plugin answers the check of the address, and then the push that somebody paid.
        let push = json!({ "url": linked["hook_url"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "json", "mode": "secure" });
        stage.sandbox.post(&format!("accounts/{app_id}/push"), &push).await;
        let order = json!({ "appid": app_id, "buyer": "王晓", "scene": 2, "pay": true,
            "items": [{ "product_id": product["product_id"], "quantity": 2 }] });
        let order = stage.sandbox.post("orders", &order).await;
        let external = order["order_id"].as_str().unwrap();
        let list = format!("/api/v1/orders?q={external}");
        let arrived = stage
            .work_until("the order", async || {
                let found = stage.owner.get(&list, 200).await.json("/items/0");
                (found["state"] == "paid").then_some(found)
            })
            .await;
        assert_eq!(arrived["external_id"], external, "{arrived}");
        let whole = stage.owner.get(&format!("/api/v1/orders/{}", arrived["id"].as_str().unwrap()), 200).await;
        let line = whole.json("/lines/0");
        assert_eq!((&line["title"], &line["quantity"]), (&json!("明前龙井"), &json!(2)), "{line}");

        // Pages know a channel that nobody wrote texts for.
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let account_page = format!("/console/merchant/channel_accounts/{}", linked["id"].as_str().unwrap());
        for page in [&format!("/console/merchant/channel_accounts/link?channel={SLUG}"), &account_page] {
            let asked = visitor.client.request(Method::GET, page).header("Cookie", &visitor.cookie).send().await.unwrap();
            let (status, html) = (asked.status().as_u16(), asked.text().await.unwrap());
            assert!(status == 200 && html.contains("Demo Market"), "{page}: {status} {html}");
        }

        let path = format!("/api/v1/channel_accounts/{}/exchanges", linked["id"].as_str().unwrap());
        let said = stage.owner.get(&path, 200).await.body;
        assert!(said.contains("order.fetch") && said.contains("/channels/ec/order/get"), "{said}");
        assert!(!said.contains(account["secret"].as_str().unwrap()), "{said}");
        stage.stop().await;
    }
}
