//! The application beside the platform's stand-in: a provider with a channel app, a merchant with a trading shop, and
//! the few moves that many tests begin with. The clock is the machine's, because the
//! stand-in's is; a test may put it forward.

use qianpu_api::app::setup;
use qianpu_api::jobs::runner::run_until_idle;
use qianpu_domain::access::Role;
use qianpu_domain::ids::ShopId;
use qianpu_domain::shop::ShopState;
use qianpu_domain::subject::{ShopName, ShopSlug};
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::shop::{NewShop, ShopChange, shop_get, shop_insert, shop_save};
use qianpu_tenants::store::tenant::tenant_set;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestDb;
use crate::app::TestApp;
use crate::deadline::{PATIENCE, until};
use crate::http::{Answer, Client};
use crate::sandbox::TestSandbox;

/// The third-party platform's id, as in the platform's own examples.
pub const COMPONENT: &str = "wx134c8103faa5a59e";
/// Push token and key on both sides.
pub const PUSH_TOKEN: &str = "AAAAA";
/// 43 letters.
pub const AES_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// A category of the stand-in's tree.
pub const CATEGORY: [&str; 3] = ["1000", "1010", "1011"];

/// A picture of one pixel.
pub const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0,
    1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8,
    0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x89, 0x99, 0x3d, 0x1d, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44,
    0xae, 0x42, 0x60, 0x82,
];

/// Application, stand-in, and the people of one provider and one merchant.
pub struct Stage {
    pub app: TestApp,
    pub sandbox: TestSandbox,
    pub provider: TenantCtx,
    pub merchant: TenantCtx,
    /// Runs the provider.
    pub staff: Client,
    /// Owns the merchant.
    pub owner: Client,
    /// Trades.
    pub shop: ShopId,
}

impl Stage {
    pub async fn start(db: TestDb) -> Stage {
        Self::start_with(db, &[]).await
    }

    /// The same with settings of its own.
    pub async fn start_with(db: TestDb, own: &[(&str, &str)]) -> Stage {
        let sandbox = TestSandbox::start().await;
        sandbox.patch("settings", &json!({ "audit_delay_ms": 50 })).await;
        let settings = [&sandbox.settings()[..], own].concat();
        let app = TestApp::start_with(db, Clock::ahead(), &settings).await;
        setup::ensure_operator(&app.state, "运营方", None).await.expect("the operator");
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "山前茶业").await;
        let staff = app.person(&provider, Role::ProviderOwner).await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let shop = shop(&app, &merchant, "山前茶铺", "enterprise", ShopState::Trading).await;
        Stage { app, sandbox, provider, merchant, staff, owner, shop }
    }

    /// Runs what is due until the condition holds; pushes arrive meanwhile.
    pub async fn work_until<T>(&self, what: &str, mut holds: impl AsyncFnMut() -> Option<T>) -> T {
        let start = std::time::Instant::now();
        loop {
            self.work().await;
            if let Some(value) = holds().await {
                return value;
            }
            assert!(start.elapsed() < PATIENCE, "worked {PATIENCE:?} in vain for: {what}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Runs everything that is due now.
    pub async fn work(&self) {
        run_until_idle(&self.app.state).await.expect("jobs run");
    }

    /// The provider adds its app, tells the platform the addresses, and gets the first ticket.
    pub async fn channel_app(&self) -> Value {
        self.channel_app_of("wechat-store").await
    }

    /// The same with another channel of the family: its plugin speaks for the app, and reads what the app is pushed.
    pub async fn channel_app_of(&self, channel: &str) -> Value {
        let body = json!({ "channel": channel, "component_app_id": COMPONENT, "secret": "app-secret",
            "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY });
        let app = self.staff.post("/api/v1/channel_apps", &body, 201).await;
        let told = json!({ "component_appid": COMPONENT, "component_appsecret": "app-secret", "token": PUSH_TOKEN,
            "encoding_aes_key": AES_KEY, "auth_event_url": app.text("/hook_url"),
            "message_url": app.text("/message_hook_url") });
        self.sandbox.post("apps", &told).await;
        let path = format!("/api/v1/channel_apps/{}", app.text("/id"));
        until("the first ticket", async || {
            let now = self.staff.get(&path, 200).await;
            (!now.json("/ticket_received_at").is_null()).then(|| now.json(""))
        })
        .await
    }

    /// An account at the stand-in; its app id.
    pub async fn platform_account(&self, kind: &str, name: &str) -> String {
        let account = self.sandbox.post("accounts", &json!({ "kind": kind, "nickname": name })).await;
        account["appid"].as_str().expect("an app id").to_owned()
    }

    /// A WeChat shop linked by purchase through the provider's app; the account as the API shows it.
    pub async fn linked_store(&self, name: &str) -> Value {
        let app_id = self.platform_account("store", name).await;
        self.start_link("wechat-store", "wechat_store", None, 201).await;
        self.buy(&app_id).await;
        self.work_until("the link", async || self.account_of(&app_id).await).await
    }

    pub async fn start_link(
        &self,
        channel: &str,
        kind: &str,
        external_id: Option<&str>,
        expected: u16,
    ) -> Answer {
        let body = json!({ "shop_id": self.shop.to_string(), "channel": channel, "kind": kind,
            "external_id": external_id });
        self.owner.post("/api/v1/channel_links", &body, expected).await
    }

    /// The merchant buys the provider's service in the platform's market.
    pub async fn buy(&self, app_id: &str) {
        self.sandbox.post("market/buy", &json!({ "component_appid": COMPONENT, "appid": app_id })).await;
    }

    /// The linked account with this app id.
    pub async fn account_of(&self, app_id: &str) -> Option<Value> {
        let list = self.owner.get("/api/v1/channel_accounts?limit=100", 200).await.json("/items");
        let linked = |account: &&Value| account["external_id"] == app_id && account["state"] == "active";
        list.as_array().expect("a list").iter().find(linked).cloned()
    }

    /// Links a WeChat shop directly, with its own push address; the account as the API shows it.
    pub async fn direct_store(&self, name: &str) -> Value {
        self.direct_store_of(self.shop, name).await
    }

    /// The same for another shop of the merchant.
    pub async fn direct_store_of(&self, shop: ShopId, name: &str) -> Value {
        self.direct_store_by(&self.owner, shop, name).await
    }

    /// The same for another merchant, whose owner this is.
    pub async fn direct_store_by(&self, owner: &Client, shop: ShopId, name: &str) -> Value {
        let account = self.sandbox.post("accounts", &json!({ "kind": "store", "nickname": name })).await;
        let app_id = account["appid"].as_str().expect("an app id");
        let body = json!({ "shop_id": shop.to_string(), "channel": "wechat-store", "kind": "wechat_store",
            "app_id": app_id, "secret": account["secret"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "json" });
        let linked = owner.post("/api/v1/channel_accounts/direct", &body, 201).await.json("");
        // The platform checks the address with an echo before it accepts it.
        let push = json!({ "url": linked["hook_url"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "json", "mode": "secure" });
        self.sandbox.post(&format!("accounts/{app_id}/push"), &push).await;
        linked
    }

    /// Uploads a picture; its id.
    pub async fn picture(&self) -> String {
        let file = reqwest::multipart::Part::bytes(PNG).file_name("茶.png");
        let form = reqwest::multipart::Form::new().text("purpose", "picture").part("file", file);
        let response = self.owner.request(Method::POST, "/api/v1/media").multipart(form).send().await;
        let answer = Answer::of(response.expect("an answer")).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.text("/id")
    }

    /// A product on sale with two SKUs; as the API shows it.
    pub async fn product(&self, title: &str, stock: i64) -> Value {
        let sku = |value: &str| {
            json!({ "values": [value], "price": { "amount": 12800, "currency": "CNY" }, "stock": stock,
                "weight_g": 500 })
        };
        let body = json!({ "title": title, "description": "新茶", "pictures": [self.picture().await],
            "specifications": [{ "name": "包装", "values": ["罐装", "袋装"] }], "skus": [sku("罐装"), sku("袋装")] });
        let path = format!("/api/v1/shops/{}/products", self.shop);
        let id = self.owner.post(&path, &body, 201).await.text("/id");
        self.owner.post(&format!("/api/v1/products/{id}/put_on_sale"), &json!({}), 200).await.json("")
    }

    /// Asks for a product to be published.
    pub async fn publish(&self, product: &Value, account: &Value, expected: u16) -> Answer {
        let body = json!({ "product_id": product["id"], "channel_account_id": account["id"],
            "category_path": CATEGORY });
        self.owner.post("/api/v1/listings", &body, expected).await
    }

    /// Works until the listing is in this state; the listing.
    pub async fn listing_in(&self, id: &str, state: &str) -> Value {
        let path = format!("/api/v1/listings/{id}");
        self.work_until(&format!("the listing {state}"), async || {
            let listing = self.owner.get(&path, 200).await.json("");
            (listing["state"] == state).then_some(listing)
        })
        .await
    }

    pub async fn stop(self) {
        self.app.stop().await;
        self.sandbox.stop().await;
    }
}

/// A merchant's shop in a state.
pub async fn shop(
    app: &TestApp,
    merchant: &TenantCtx,
    name: &str,
    subject: &str,
    state: ShopState,
) -> ShopId {
    let mut tx = app.state.db.begin(merchant).await.expect("a transaction");
    tenant_set(&mut tx, None, Some(subject), None).await.expect("the subject kind");
    let id = ShopId(tx.new_id());
    let slug = format!("s-{}", &id.0.simple().to_string()[20..]);
    let name = ShopName::parse(name).expect("a shop name");
    let slug = ShopSlug::parse(&slug).expect("an address");
    let new = NewShop { id, application: None, name: &name, slug: &slug, category: None };
    shop_insert(&mut tx, &new).await.expect("the shop is stored");
    if state != ShopState::Opened {
        let was = shop_get(&tx, id).await.expect("the shop");
        let change = ShopChange { state: Some(state), ..ShopChange::default() };
        shop_save(&mut tx, &was, &change).await.expect("the shop's state");
    }
    tx.commit().await.expect("commit");
    id
}
