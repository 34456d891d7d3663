//! The brand that a product is published with: chosen of those the platform accepted, kept, and sent.

use crate::order_pages::{open, submit};
use crate::qualifications::Desk;
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use qianpu_tests::stage::{CATEGORY, shop};
use serde_json::{Value, json};

const ADD: &str = "/channels/ec/product/add";
const UPDATE: &str = "/channels/ec/product/update";
const NONE: &str = "2100000000";

/// A brand that was applied for: its application at the platform.
async fn applied(desk: &Desk) -> (String, String) {
    let body = desk.brand("10000000", "山前", "Shanqian").await;
    let id = desk.apply("brand_applications", &body, 202).await.text("/id");
    let audit = desk.in_state(&id, "checking").await.text("/external_application_id");
    (id, audit)
}

async fn accepted(desk: &Desk) {
    let (id, audit) = applied(desk).await;
    desk.decide(&audit, "approve", "").await;
    desk.in_state(&id, "accepted").await;
}

async fn publish(desk: &Desk, product: &Value, brand: Option<&str>, expected: u16) -> Answer {
    let mut body = json!({ "product_id": product["id"], "channel_account_id": desk.store["id"],
        "category_path": CATEGORY });
    if let Some(brand) = brand {
        body["brand_id"] = json!(brand);
    }
    desk.stage.owner.post("/api/v1/listings", &body, expected).await
}

/// Brands that were sent by these calls, oldest first.
async fn sent(desk: &Desk, path: &str) -> Vec<String> {
    let calls = desk.stage.sandbox.get(&format!("calls?path={path}")).await;
    let mut brands: Vec<String> = calls["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| {
            let body: Value = serde_json::from_str(call["request_body"].as_str().unwrap()).unwrap();
            body["brand_id"].as_str().unwrap().to_owned()
        })
        .collect();
    brands.reverse();
    brands
}

both! {
    async fn a_product_is_published_with_an_accepted_brand_and_keeps_it(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let product = desk.stage.product("明前龙井 500 克", 10).await;
        let (application, audit) = applied(&desk).await;
        // Applied for is not accepted, and one that the shop never applied for is not either.
        for brand in ["10000000", "10000001", "9"] {
            let refused = publish(&desk, &product, Some(brand), 422).await;
            let told = (refused.text("/errors/0/field"), refused.text("/errors/0/code"));
            assert_eq!(told, ("brand_id".to_owned(), "not_accepted".to_owned()), "{brand}: {}", refused.body);
        }
        desk.decide(&audit, "approve", "").await;
        desk.in_state(&application, "accepted").await;
        let made = publish(&desk, &product, Some("10000000"), 202).await;
        assert_eq!((made.json("/brand_id"), made.json("/brand_name")), (json!("10000000"), json!("山前 Shanqian")));
        let id = made.text("/id");
        desk.stage.listing_in(&id, "listed").await;
        assert_eq!(sent(&desk, ADD).await, ["10000000"]);

        // Left out, it stays; the platform is not called for what it has.
        assert_eq!(publish(&desk, &product, None, 202).await.json("/brand_id"), "10000000");
        desk.stage.work().await;
        assert!(sent(&desk, UPDATE).await.is_empty());
        // A batch says it for each account, and is told which cannot be.
        let batch = |brand: &str, account: &Value| json!({ "product_ids": [product["id"]], "channel_account_ids": [desk.store["id"]],
            "brand_ids": { account.as_str().unwrap(): brand } });
        let to = "/api/v1/listings/batch";
        let refused = owner.post(to, &batch("10000001", &desk.store["id"]), 200).await;
        assert_eq!((refused.json("/results/0/listing"), refused.json("/results/0/error")), (Value::Null, json!("invalid_field")));
        assert!(refused.text("/results/0/message").contains("请选择已通过的品牌"), "{}", refused.body);
        owner.post(to, &batch("10000000", &json!("acc_00000000000070008000000000000001")), 422).await;
        // No brand is a choice too, and another content for the platform.
        let without = owner.post(to, &batch("", &desk.store["id"]), 200).await;
        assert_eq!((without.json("/results/0/error"), without.json("/results/0/listing/brand_id")), (Value::Null, Value::Null));
        desk.stage.work_until("sent again", async || (sent(&desk, UPDATE).await == [NONE]).then_some(())).await;
        desk.stage.stop().await;
    }

    async fn what_the_platform_refuses_for_its_brand_is_shown_in_words(db: TestDb) {
        let desk = Desk::start(db).await;
        let (stage, owner) = (&desk.stage, &desk.stage.owner);
        let visitor = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        accepted(&desk).await;
        let category = json!({ "category_id": "5021", "documents": {}, "brand_ids": ["10000000"] });
        let category = desk.apply("category_applications", &category, 202).await.text("/id");
        let audit = desk.in_state(&category, "checking").await.text("/external_application_id");
        desk.decide(&audit, "approve", "").await;
        desk.in_state(&category, "accepted").await;
        // The category takes no goods without a brand.
        let product = stage.product("朱砂红口红", 10).await;
        let mut body = json!({ "product_id": product["id"], "channel_account_id": desk.store["id"],
            "category_path": ["5000", "5020", "5021"] });
        let id = owner.post("/api/v1/listings", &body, 202).await.text("/id");
        let missing = stage.listing_in(&id, "refused").await;
        assert!(missing["reason"].as_str().unwrap().contains("the category takes no goods without a brand"), "{missing}");
        let at = format!("/console/merchant/listings/{id}");
        let publish = format!("products/{}/publish", product["id"].as_str().unwrap());
        for (lang, words) in [("zh", "平台没有接受这个商品的品牌设置"), ("en", "The platform did not take the brand of this product")] {
            let page = open(&visitor, &format!("{at}?lang={lang}")).await.html;
            assert!(page.contains(words) && page.contains(&publish), "{lang}: {page}");
        }
        body["brand_id"] = json!("10000000");
        owner.post("/api/v1/listings", &body, 202).await;
        stage.listing_in(&id, "listed").await;
        assert!(!open(&visitor, &format!("{at}?lang=zh")).await.html.contains("平台没有接受"), "nothing is wrong any more");
        // The shop loses the brand: what is sent with it is refused from then on.
        owner.post(&desk.at("shop_brands/remove"), &json!({ "brand_id": "10000000" }), 204).await;
        body.as_object_mut().unwrap().remove("brand_id");
        body["attributes"] = json!({ "产地": "杭州" });
        owner.post("/api/v1/listings", &body, 202).await;
        let lost = stage.listing_in(&id, "refused").await;
        assert!(lost["reason"].as_str().unwrap().contains("the store may not use this brand"), "{lost}");
        let publish = format!("/console/merchant/{publish}");
        let form = open(&visitor, &format!("{publish}?lang=zh")).await.html;
        assert!(form.contains("山前 Shanqian（当前不可用）"), "{form}");
        assert!(open(&visitor, &format!("{publish}?lang=en")).await.html.contains("山前 Shanqian (not available now)"));
        stage.sandbox.post("faults/calls", &json!({ "path": "/channels/ec/product/update", "errcode": 10_020_017, "count": 1 })).await;
        owner.post("/api/v1/listings", &body, 202).await;
        let other = stage.listing_in(&id, "refused").await;
        assert!(other["reason"].as_str().unwrap().contains("10020017"), "{other}");
        let page = open(&visitor, &format!("{at}?lang=zh")).await.html;
        assert!(!page.contains("平台没有接受"), "what is not of the brand is not told so: {page}");
        desk.stage.stop().await;
    }

    async fn brands_belong_to_one_account(db: TestDb) {
        let desk = Desk::start(db).await;
        accepted(&desk).await;
        let product = desk.stage.product("明前龙井 500 克", 10).await;
        let second = desk.stage.direct_store("山后小店").await;
        let mut body = json!({ "product_id": product["id"], "channel_account_id": second["id"],
            "category_path": CATEGORY, "brand_id": "10000000" });
        let refused = desk.stage.owner.post("/api/v1/listings", &body, 422).await;
        assert_eq!(refused.text("/errors/0/code"), "not_accepted");
        // Others' accounts are not there.
        body["channel_account_id"] = desk.store["id"].clone();
        let other = desk.stage.app.merchant(&desk.stage.provider, "乙商家").await;
        let stranger = desk.stage.app.person(&other, Role::MerchantOwner).await;
        stranger.post("/api/v1/listings", &body, 404).await;
        desk.stage.stop().await;
    }

    async fn the_form_offers_the_brands_of_each_account(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = desk.stage.app.visitor(&desk.stage.merchant, Role::MerchantOwner).await;
        let product = desk.stage.product("明前龙井 500 克", 10).await;
        let page = format!("/console/merchant/products/{}/publish", product["id"].as_str().unwrap());
        // Without an accepted brand nothing is asked.
        let plain = open(&owner, &page).await;
        assert!(plain.status == 200 && !plain.html.contains("品牌（"), "{}", plain.html);
        accepted(&desk).await;
        let form = open(&owner, &page).await;
        for text in ["品牌（山前小店）", "无品牌", "山前 Shanqian"] {
            assert!(form.html.contains(text), "{text} in {}", form.html);
        }
        let account = desk.store["id"].as_str().unwrap();
        let field = format!("brand_{account}");
        let category = CATEGORY.join("/");
        let send = async |brand: &str| {
            submit(&owner, &page, &[("account", account), ("category_wechat-store", &category), (&field, brand)]).await
        };
        let refused = send("10000001").await;
        assert!(refused.status == 422 && refused.html.contains("请选择已通过的品牌"), "{}", refused.html);
        assert_eq!(desk.stage.owner.get("/api/v1/listings", 200).await.json("/items/0"), Value::Null);
        assert_eq!(send("10000000").await.status, 200);
        let listing = desk.stage.owner.get("/api/v1/listings", 200).await.json("/items/0");
        assert_eq!(listing["brand_id"], "10000000");
        let shown = open(&owner, &format!("/console/merchant/listings/{}", listing["id"].as_str().unwrap())).await;
        assert!(shown.html.contains("山前 Shanqian"), "{}", shown.html);
        let again = open(&owner, &page).await;
        assert!(again.html.contains(r#"value="10000000" selected"#), "{}", again.html);
        // What was chosen stays chosen, here an account that has the product already.
        let ticked = format!(r#"value="{account}" checked"#);
        assert!(!again.html.contains(&ticked) && send("10000001").await.html.contains(&ticked));
        // Brands that cannot be read are told of, and the one of before stays.
        let fault = json!({ "path": "/channels/ec/brand/list/get", "errcode": 48001, "count": 9 });
        desk.stage.sandbox.post("faults/calls", &fault).await;
        let unread = open(&owner, &page).await;
        assert!(unread.status == 200 && unread.html.contains("暂时读不到 山前小店 的品牌"), "{}", unread.html);
        desk.stage.stop().await;
    }

    async fn the_form_asks_every_account_and_says_of_each_whose_brands_it_does_not_know(db: TestDb) {
        let desk = Desk::start(db).await;
        let stage = &desk.stage;
        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let product = stage.product("明前龙井 500 克", 10).await;
        // Five to a shop: more than are asked side by side.
        for of in 1..=5 {
            let own = shop(&stage.app, &stage.merchant, &format!("第{of}分店"), "enterprise", ShopState::Trading).await;
            for n in 1..=5 {
                stage.direct_store_of(own, &format!("{of}店{n}号")).await;
            }
        }
        let fault = json!({ "path": "/channels/ec/brand/list/get", "errcode": 48001, "count": 26 });
        stage.sandbox.post("faults/calls", &fault).await;
        let page = format!("/console/merchant/products/{}/publish", product["id"].as_str().unwrap());
        let form = open(&owner, &page).await;
        assert_eq!((form.status, form.html.matches("暂时读不到").count()), (200, 26), "{}", form.html);
        desk.stage.stop().await;
    }
}
