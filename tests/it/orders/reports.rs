//! Reports of one order, in every order, doubled and with losses: the end is the same.

use super::{Selling, journals, kinds};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use qianpu_api::app::orders::sync::{Ends, store};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    Attribution, CancelReason, ChannelOrder, ChannelOrderLine, ChannelParcel, OrderAmounts, OrderState, Scene,
};
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tests::both;
use serde_json::Value;

const PLACED: i64 = 1_772_000_000;

/// One report of the order `id` at a step of its life; later steps tell what earlier ones did.
fn report(id: &str, sku: &str, step: &str) -> ChannelOrder {
    let at = |second: i64| Timestamp::from_seconds(PLACED + second);
    let (state, native, second, paid, parcels) = match step {
        "unpaid" => (OrderState::AwaitingPayment, "10", 1, false, 0),
        "paid" => (OrderState::Paid, "20", 2, true, 0),
        "part" => (OrderState::PartShipped, "21", 3, true, 1),
        "shipped" => (OrderState::Shipped, "30", 4, true, 2),
        "done" => (OrderState::Completed, "100", 5, true, 2),
        "cancelled" => (OrderState::Cancelled(CancelReason::Unpaid), "250", 6, false, 0),
        "oversold" => (OrderState::Cancelled(CancelReason::Oversold), "190", 6, true, 0),
        "unknown" => (OrderState::Unknown("777".into()), "777", 3, true, 0),
        other => panic!("{other}"),
    };
    let parcel = |number: i64| ChannelParcel {
        carrier_id: "SF".into(),
        carrier_name: Some("顺丰速运".into()),
        waybill: format!("SF{number}000000"),
        shipped_at: Some(at(2 + number)),
        lines: vec![qianpu_sdk::ParcelLine { product_id: "p1".into(), sku_id: "s1".into(), quantity: 1 }],
    };
    ChannelOrder {
        external_id: id.into(),
        native_state: native.into(),
        state,
        created_at: at(0),
        updated_at: at(second),
        paid_at: paid.then(|| at(2)),
        shipped_at: (parcels == 2).then(|| at(4)),
        confirmed_at: (step == "done").then(|| at(5)),
        settled_at: None,
        transaction_id: paid.then(|| "420000".into()),
        lines: vec![ChannelOrderLine {
            product_id: "p1".into(),
            sku_id: "s1".into(),
            out_product_id: None,
            out_sku_id: Some(sku.into()),
            sku_code: None,
            title: "明前龙井".into(),
            spec_text: "罐装".into(),
            picture_url: None,
            quantity: 2,
            unit_price: Fen::new(12_800),
            line_total: Fen::new(25_000),
            after_sale_quantity: 0,
            after_sale_done_quantity: 0,
        }],
        amounts: OrderAmounts {
            goods: Fen::new(25_600),
            freight: Fen::new(800),
            discount: Fen::new(600),
            total: Fen::new(25_800),
            merchant_receivable: None,
        },
        buyer_open_id: Some("o1".into()),
        buyer_union_id: None,
        address: None,
        attribution: Attribution {
            scene: Scene::ShortVideo,
            native_scene: "3".into(),
            account: None,
            live_id: None,
        },
        buyer_notes: None,
        merchant_notes: None,
        parcels: (1..=parcels).map(parcel).collect(),
        after_sale_ids: vec![],
        address_wish: None,
    }
}

impl Selling {
    async fn linked(&self) -> ChannelAccount {
        let id: ChannelAccountId = self.account["id"].as_str().unwrap().parse().unwrap();
        account_get(&self.stage.app.state.db.read(&self.stage.merchant).await.unwrap(), id).await.unwrap()
    }

    fn sku(&self) -> String {
        self.listing["skus"][0]["sku_id"].as_str().unwrap().to_owned()
    }

    async fn told(&self, account: &ChannelAccount, order: &ChannelOrder) {
        store(&self.stage.app.state, &self.stage.merchant, account, order, Ends::Nothing).await.unwrap();
    }

    async fn found(&self, external: &str) -> Value {
        let id = self.stage.owner.get(&format!("/api/v1/orders?q={external}"), 200).await.text("/items/0/id");
        self.stage.owner.get(&format!("/api/v1/orders/{id}"), 200).await.json("")
    }
}

/// What must not depend on how the reports came.
fn essence(order: &Value) -> Value {
    let mut journals: Vec<String> = journals(order).into_iter().map(str::to_owned).collect();
    journals.sort_unstable();
    let mut parcels: Vec<Value> = order["shipments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| serde_json::json!([one["waybill"], one["state"], one["sent_at"]]))
        .collect();
    parcels.sort_by_key(Value::to_string);
    serde_json::json!({
        "state": order["state"], "native": order["native_state"], "by": order["cancelled_by"],
        "times": [order["paid_at"], order["shipped_at"], order["received_at"], order["completed_at"], order["cancelled_at"]],
        "amounts": order["amounts"], "journals": journals, "parcels": parcels,
        "shipped": order["lines"][0]["shipped_quantity"],
    })
}

both! {
    async fn reports_in_any_order_doubled_or_lost_end_alike(db: TestDb) {
        let selling = Selling::start(db, 100_000).await;
        let account = selling.linked().await;
        let (sku, mut number) = (selling.sku(), 0);
        let mut runner = TestRunner::deterministic();
        let lives: [&[&str]; 4] = [
            &["unpaid", "paid", "part", "shipped", "done"],
            &["unpaid", "paid", "unknown", "shipped"],
            &["unpaid", "cancelled"],
            &["unpaid", "paid", "oversold"],
        ];
        for life in lives {
            let (mut stock, mut money) = (selling.stock().await, selling.money().await);
            let mut expected: Option<Value> = None;
            for turn in 0..6 {
                number += 1;
                let id = format!("37040000000000{number:05}");
                // The last report always comes: the reconciler sees to it. Any other may be lost, doubled or late.
                let mut told: Vec<&str> = Vec::new();
                for step in life {
                    let times = (0..3_usize).new_tree(&mut runner).unwrap().current();
                    let last = life.last() == Some(step);
                    let times = if turn == 0 { 1 } else if last { times.max(1) } else { times };
                    told.extend(std::iter::repeat_n(*step, times));
                }
                let mut told = if turn == 0 { told } else {
                    Just(told).prop_shuffle().new_tree(&mut runner).unwrap().current()
                };
                if turn == 1 {
                    told.reverse();
                }
                for step in &told {
                    selling.told(&account, &report(&id, &sku, step)).await;
                }
                let found = selling.found(&id).await;
                let got = essence(&found);
                assert_eq!(&got, expected.get_or_insert_with(|| got.clone()), "{told:?}");
                for kind in ["placed", "paid", "shipped", "received", "completed", "cancelled", "refunded"] {
                    let times = kinds(&found).iter().filter(|one| **one == kind).count();
                    assert!(times <= 1, "{kind} {times} times after {told:?}");
                }
                // Every order moves stock and money by the same.
                let (now_stock, now_money) = (selling.stock().await, selling.money().await);
                let moved = (now_stock.0 - stock.0, now_stock.1 - stock.1, now_stock.2 - stock.2);
                let paid = now_money.0 - money.0;
                let sold = matches!(life.last(), Some(&"done" | &"shipped"));
                assert_eq!(moved, if sold { (-2, 0, 2) } else { (0, 0, 0) }, "{told:?}");
                assert_eq!(paid, if sold { 25_800 } else { 0 }, "{told:?}");
                (stock, money) = (now_stock, now_money);
            }
        }
        selling.stage.stop().await;
    }

    async fn workers_with_the_same_order_book_it_once(db: TestDb) {
        let selling = std::sync::Arc::new(Selling::start(db, 100).await);
        let account = selling.linked().await;
        let sku = selling.sku();
        let tasks: Vec<_> = (0..12)
            .map(|turn| {
                let (selling, account, sku) = (selling.clone(), account.clone(), sku.clone());
                let step = ["unpaid", "paid", "part", "shipped"][turn % 4];
                tokio::spawn(async move {
                    for _ in 0..5 {
                        let order = report("3704111", &sku, step);
                        let state = &selling.stage.app.state;
                        match store(state, &selling.stage.merchant, &account, &order, Ends::Nothing).await {
                            Ok(_) => return,
                            Err(error) if error.code().retryable() => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    panic!("never got its turn");
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let order = selling.found("3704111").await;
        assert_eq!(order["state"], "shipped");
        assert_eq!(journals(&order), ["order.paid"]);
        assert_eq!(kinds(&order).iter().filter(|kind| **kind == "paid").count(), 1);
        assert_eq!(order["shipments"].as_array().unwrap().len(), 2);
        assert_eq!(selling.stock().await, (98, 0, 2));
        assert_eq!(selling.money().await, (25_800, 0));
        std::sync::Arc::into_inner(selling).unwrap().stage.stop().await;
    }

    async fn lines_we_do_not_know_are_kept_and_shown(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let account = selling.linked().await;
        let mut order = report("3704222", "no id of ours", "paid");
        order.amounts.goods = Fen::new(1);
        selling.told(&account, &order).await;
        let found = selling.found("3704222").await;
        assert!(found["lines"][0]["sku_id"].is_null());
        assert_eq!(found["lines"][0]["title"], "明前龙井");
        assert_eq!(kinds(&found), ["placed", "amounts_differ", "lines_unknown", "paid"]);
        assert_eq!(journals(&found), ["order.paid"]);
        assert_eq!(selling.stock().await, (10, 0, 0));
        // An id of another merchant's SKU is none of ours.
        let stranger = report("3704223", "sku_01981b2c000070008000000000000001", "paid");
        selling.told(&account, &stranger).await;
        assert!(selling.found("3704223").await["lines"][0]["sku_id"].is_null());
        // Known by the channel's own id once it is listed.
        order.lines[0].sku_id = selling.listing["skus"][0]["external_sku_id"].as_str().unwrap().to_owned();
        order.external_id = "3704224".into();
        selling.told(&account, &order).await;
        let found = selling.found("3704224").await;
        assert_eq!(found["lines"][0]["sku_id"].as_str(), Some(selling.sku().as_str()));
        assert_eq!(selling.stock().await, (8, 0, 2));
        selling.stage.stop().await;
    }
}
