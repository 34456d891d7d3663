//! Orders: from a buyer at the platform to our order, stock and books, by pushes that come twice, in any order or
//! not at all.

#[path = "orders/reports.rs"]
mod reports;

use qianpu_api::app::orders::reconcile;
use qianpu_domain::access::Role;
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::Currency;
use qianpu_tenants::store::ledger::account_balance;
use qianpu_tests::both;
use qianpu_tests::stage::Stage;
use serde_json::{Value, json};

/// A shop that sells at the platform: its account, and one product listed there.
pub struct Selling {
    pub stage: Stage,
    pub account: Value,
    /// As the listing shows it.
    pub listing: Value,
}

impl Selling {
    pub async fn start(db: qianpu_tests::TestDb, stock: i64) -> Selling {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let product = stage.product("明前龙井 500 克", stock).await;
        let listing = stage.publish(&product, &account, 202).await.text("/id");
        let listing = stage.listing_in(&listing, "listed").await;
        Selling { stage, account, listing }
    }

    /// The buyer orders so many of the first SKU; the platform's order id.
    pub async fn buy(&self, quantity: i64, pay: bool) -> String {
        let body = json!({
            "appid": self.account["external_id"], "buyer": "王晓", "scene": 2, "pay": pay,
            "items": [{ "product_id": self.listing["external_product_id"],
                "sku_id": self.listing["skus"][0]["external_sku_id"], "quantity": quantity }],
            "source": { "account_type": 1, "account_id": "sphabc", "sale_channel": 0, "account_nickname": "山前直播间" },
            "customer_notes": "请尽快发货",
        });
        let order = self.stage.sandbox.post("orders", &body).await;
        order["order_id"].as_str().expect("an order id").to_owned()
    }

    pub async fn at_platform(&self, order: &str, action: &str) -> Value {
        self.stage.sandbox.post(&format!("orders/{order}/{action}"), &json!({})).await
    }

    /// Works until our order for the platform's is in this state; the order with everything.
    pub async fn order_in(&self, external: &str, state: &str) -> Value {
        let list = format!("/api/v1/orders?q={external}");
        let found = self
            .stage
            .work_until(&format!("order {external} {state}"), async || {
                let page = self.stage.owner.get(&list, 200).await.json("");
                let order = page["items"].get(0).cloned()?;
                (order["state"] == state).then_some(order)
            })
            .await;
        self.stage.owner.get(&format!("/api/v1/orders/{}", found["id"].as_str().unwrap()), 200).await.json("")
    }

    /// (on hand, held, sold) of the first SKU.
    pub async fn stock(&self) -> (i64, i64, i64) {
        let sku = self.listing["skus"][0]["sku_id"].as_str().unwrap();
        let stock = self.stage.owner.get(&format!("/api/v1/stock/{sku}"), 200).await.json("/stock");
        let number = |name: &str| stock[name].as_i64().unwrap_or_else(|| panic!("no {name} in {stock}"));
        (number("on_hand"), number("held"), number("sold"))
    }

    /// What the merchant's accounts (pending, available) hold.
    pub async fn money(&self) -> (i64, i64) {
        money(&self.stage).await
    }

    /// Runs the reconciler of the account now.
    pub async fn reconcile(&self) {
        self.stage.app.advance(301);
        reconcile::watch(self.stage.app.state.clone()).await.unwrap();
        self.stage.work().await;
    }
}

pub fn kinds(order: &Value) -> Vec<&str> {
    order["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

pub fn journals(order: &Value) -> Vec<&str> {
    order["journals"].as_array().unwrap().iter().map(|journal| journal["code"].as_str().unwrap()).collect()
}

/// The merchant's pending and available money.
pub async fn money(stage: &Stage) -> (i64, i64) {
    let tx = stage.app.state.db.read(&stage.merchant).await.unwrap();
    let mut held = Vec::new();
    for code in [AccountCode::MerchantPending, AccountCode::MerchantAvailable] {
        held.push(account_balance(&tx, Currency::Cny, &AccountRef::of(code)).await.unwrap().get());
    }
    (held[0], held[1])
}

both! {
    async fn a_paid_order_arrives_with_stock_sold_and_money_booked(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(2, false).await;
        let order = selling.order_in(&external, "awaiting_payment").await;
        assert_eq!(selling.stock().await, (10, 2, 0));
        assert_eq!(order["lines"][0]["stock_state"], "held");
        assert_eq!(selling.money().await, (0, 0));
        selling.at_platform(&external, "pay").await;
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["source"]["channel"], "wechat-store");
        assert_eq!(order["source"]["channel_account_name"], "山前茶铺");
        assert_eq!(order["source"]["scene"], "live_session");
        assert_eq!(order["source"]["attribution"]["account"]["name"], "山前直播间");
        assert_eq!(order["buyer_notes"], "请尽快发货");
        assert_eq!(order["amounts"]["total"], json!({ "amount": 25_600, "currency": "CNY" }));
        assert_eq!(order["lines"][0]["sku_id"], selling.listing["skus"][0]["sku_id"]);
        assert_eq!(order["lines"][0]["stock_state"], "sold");
        assert!(order["receiver"]["phone"].as_str().unwrap().contains('*'), "{}", order["receiver"]);
        assert_eq!(kinds(&order), ["placed", "paid"]);
        assert_eq!(journals(&order), ["order.paid"]);
        assert_eq!(selling.stock().await, (8, 0, 2));
        assert_eq!(selling.money().await, (25_600, 0));
        // The stock that is left was told to the platform.
        let app_id = selling.account["external_id"].as_str().unwrap();
        let products = selling.stage.sandbox.get(&format!("products?appid={app_id}")).await;
        assert!(products.to_string().contains("\"stock\":8"), "{products}");
        // Found by number, by a part of the phone, and counted.
        let owner = &selling.stage.owner;
        for name in [order["number"].as_str().unwrap(), external.as_str()] {
            let found = owner.get(&format!("/api/v1/orders?q={name}&state=paid&source=wechat-store"), 200).await;
            assert_eq!(found.text("/items/0/id"), order["id"].as_str().unwrap(), "{name}");
        }
        assert!(owner.get("/api/v1/orders?source=storefront", 200).await.json("/items").as_array().unwrap().is_empty());
        let counts = owner.get("/api/v1/orders/counts", 200).await.json("/items");
        assert!(counts.as_array().unwrap().contains(&json!({ "state": "paid", "count": 1 })), "{counts}");
        owner.get("/api/v1/orders?state=lost", 422).await;
        selling.stage.stop().await;
    }

    async fn pushes_twice_reordered_or_lost_lead_to_the_same_order(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let sandbox = &selling.stage.sandbox;
        for kind in ["duplicate", "reorder", "duplicate"] {
            sandbox.post("faults/pushes", &json!({ "kind": kind, "count": 2, "delay_ms": 100 })).await;
        }
        let first = selling.buy(1, true).await;
        selling.order_in(&first, "paid").await;
        assert_eq!(selling.stock().await, (9, 0, 1));
        assert_eq!(selling.money().await, (12_800, 0));
        // From here on nothing is pushed at all.
        sandbox.delete("faults/pushes").await;
        sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        let second = selling.buy(3, true).await;
        let third = selling.buy(1, false).await;
        selling.at_platform(&third, "cancel").await;
        selling.stage.work().await;
        let list = selling.stage.owner.get("/api/v1/orders", 200).await.json("/items");
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        selling.reconcile().await;
        selling.order_in(&second, "paid").await;
        let cancelled = selling.order_in(&third, "cancelled").await;
        assert_eq!(journals(&cancelled), [""; 0]);
        assert_eq!(selling.stock().await, (6, 0, 4));
        assert_eq!(selling.money().await, (51_200, 0));
        // Nothing new: no call for an order, and no change.
        let calls = async || {
            let all = sandbox.get("calls?path=/channels/ec/order/get").await;
            all["calls"].as_array().unwrap().len()
        };
        selling.reconcile().await;
        selling.reconcile().await;
        let before = calls().await;
        selling.reconcile().await;
        assert_eq!(calls().await, before);
        assert_eq!(selling.money().await, (51_200, 0));
        selling.stage.stop().await;
    }

    async fn an_oversold_order_is_kept_and_says_so(db: TestDb) {
        let selling = Selling::start(db, 3).await;
        let sku = selling.listing["skus"][0]["sku_id"].as_str().unwrap().to_owned();
        // The platform still offers three when one is left: it has not heard of the change.
        selling.stage.sandbox.post("faults/calls", &json!({
            "path": "/channels/ec/product/stock/update", "errcode": -1, "count": 1000 })).await;
        selling.stage.owner.send(reqwest::Method::PUT, &format!("/api/v1/stock/{sku}"),
            Some(&json!({ "on_hand": 1 })), &[("Idempotency-Key", "one")], 200).await;
        let external = selling.buy(2, true).await;
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["lines"][0]["stock_state"], "short");
        assert_eq!(kinds(&order), ["placed", "paid", "stock_short"]);
        assert_eq!(selling.stock().await, (1, 0, 0));
        assert_eq!(selling.money().await, (25_600, 0));
        // Goods came in; the next report of the order takes them.
        selling.stage.owner.send(reqwest::Method::PUT, &format!("/api/v1/stock/{sku}"),
            Some(&json!({ "on_hand": 5 })), &[("Idempotency-Key", "two")], 200).await;
        let pushes = selling.stage.sandbox.get("pushes?event=channels_ec_order_pay").await;
        let push = pushes["pushes"][0]["id"].as_i64().unwrap_or_else(|| panic!("{pushes}"));
        selling.stage.app.advance(10);
        selling.stage.sandbox.post(&format!("pushes/{push}/resend"), &json!({})).await;
        selling.reconcile().await;
        let order = selling.order_in(&external, "paid").await;
        assert_eq!(order["lines"][0]["stock_state"], "sold");
        assert_eq!(selling.stock().await, (3, 0, 2));
        selling.stage.stop().await;
    }

    async fn nobody_but_the_merchants_staff_sees_orders(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        selling.stage.staff.get(&path, 403).await;
        selling.stage.staff.get("/api/v1/orders", 403).await;
        let stranger = selling.stage.app.merchant(&selling.stage.provider, "别家").await;
        let stranger = selling.stage.app.person(&stranger, Role::MerchantOwner).await;
        stranger.get(&path, 404).await;
        assert!(stranger.get("/api/v1/orders", 200).await.json("/items").as_array().unwrap().is_empty());
        // Who packs parcels needs no money to do it.
        let packer = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOrders).await;
        assert!(packer.get(&path, 200).await.json("/journals").is_null());
        let desk = selling.stage.app.person(&selling.stage.merchant, Role::MerchantServiceDesk).await;
        desk.post(&format!("{path}/shipments"), &json!({ "carrier": "SF", "waybill": "SF12345" }), 403).await;
        selling.stage.stop().await;
    }

    async fn money_becomes_available_when_the_after_sale_window_ends(db: TestDb) {
        let mut selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        selling.stage.owner.post(&path, &json!({ "carrier": "顺丰", "waybill": "SF1234567890" }), 201).await;
        selling.order_in(&external, "shipped").await;
        selling.at_platform(&external, "confirm").await;
        selling.order_in(&external, "completed").await;
        assert_eq!(selling.money().await, (12_800, 0));
        selling.stage.app.advance(7 * 86_400 - 60);
        selling.stage.work().await;
        assert_eq!(selling.money().await, (12_800, 0));
        selling.stage.app.advance(120);
        selling.stage.work().await;
        // 2 % of 128.00 is 2.56.
        assert_eq!(selling.money().await, (0, 12_544));
        // The token of a week ago has ended.
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        let order = selling.order_in(&external, "completed").await;
        assert_eq!(journals(&order), ["order.paid", "order.take_rate", "order.released"]);
        assert!(kinds(&order).contains(&"settled"));
        selling.stage.stop().await;
    }
}
