//! A merchant with one trading shop and nothing linked, for tests of products, stock, imports and the storefront.

use qianpu_api::app::categories::category_seed;
use qianpu_domain::access::Role;
use qianpu_domain::ids::ShopId;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::shop::shop_get;
use reqwest::Method;
use serde_json::{Value, json};

use crate::TestDb;
use crate::app::TestApp;
use crate::http::{Answer, Client};
use crate::people::Visitor;
use crate::stage::{PNG, shop};

pub struct Goods {
    pub app: TestApp,
    pub provider: TenantCtx,
    pub merchant: TenantCtx,
    /// Owns the merchant, at the API.
    pub owner: Client,
    /// Owns the merchant, at the console.
    pub console: Visitor,
    pub shop: ShopId,
    pub slug: String,
}

impl Goods {
    pub async fn start(db: TestDb) -> Goods {
        Self::start_on(TestApp::start(db).await).await
    }

    pub async fn start_on(app: TestApp) -> Goods {
        let provider = app.provider("甲服务商").await;
        let mut tx = app.state.db.begin(&provider).await.expect("a transaction");
        category_seed(&mut tx).await.expect("the first categories");
        tx.commit().await.expect("commit");
        let merchant = app.merchant(&provider, "山前茶业").await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let console = app.visitor(&merchant, Role::MerchantOwner).await;
        let shop = shop(&app, &merchant, "山前茶铺", "enterprise", ShopState::Trading).await;
        let tx = app.state.db.read(&merchant).await.expect("a transaction");
        let slug = shop_get(&tx, shop).await.expect("the shop").slug;
        drop(tx);
        Goods { app, provider, merchant, owner, console, shop, slug }
    }

    /// Where products of the shop are made.
    pub fn products(&self) -> String {
        format!("/api/v1/shops/{}/products", self.shop)
    }

    /// A product with one SKU as a body.
    pub fn simple(title: &str, fen: i64, stock: i64) -> Value {
        json!({ "title": title, "skus": [{ "price": { "amount": fen, "currency": "CNY" }, "stock": stock }] })
    }

    /// A product on sale; as the API shows it.
    pub async fn on_sale(&self, body: &Value) -> Value {
        let id = self.owner.post(&self.products(), body, 201).await.text("/id");
        self.owner.post(&format!("/api/v1/products/{id}/put_on_sale"), &json!({}), 200).await.json("")
    }

    /// Uploads a picture; its id.
    pub async fn picture(&self) -> String {
        let file = reqwest::multipart::Part::bytes(PNG).file_name("茶.png");
        let form = reqwest::multipart::Form::new().text("purpose", "picture").part("file", file);
        let answer = self.multipart(&self.owner, "/api/v1/media", form).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.text("/id")
    }

    pub async fn multipart(&self, client: &Client, path: &str, form: reqwest::multipart::Form) -> Answer {
        let response = client.request(Method::POST, path).multipart(form).send().await;
        Answer::of(response.expect("an answer")).await
    }

    /// Uploads a file of products.
    pub async fn import(&self, client: &Client, bytes: impl Into<Vec<u8>>) -> Answer {
        let file = reqwest::multipart::Part::bytes(bytes.into()).file_name("商品.csv");
        let form = reqwest::multipart::Form::new()
            .text("kind", "products")
            .text("shop_id", self.shop.to_string())
            .part("file", file);
        self.multipart(client, "/api/v1/imports", form).await
    }
}
