//! Shipping: the parcel reaches the platform once, whatever happens on the way; a refusal says why; a file of
//! parcels has a result per row.

use crate::orders::{Selling, kinds};
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::{Value, json};

/// Asks for a parcel; the answer.
async fn ship(selling: &Selling, order: &Value, body: Value, expected: u16) -> Answer {
    let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
    selling.stage.owner.post(&path, &body, expected).await
}

/// The order with everything, as it is now.
async fn again(selling: &Selling, order: &Value) -> Value {
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    selling.stage.owner.get(&path, 200).await.json("")
}

/// Waybills the platform knows of an order.
async fn waybills(selling: &Selling, external: &str) -> Vec<String> {
    let order = selling.stage.sandbox.get(&format!("orders/{external}")).await;
    let parcels = &order["order"]["order_detail"]["delivery_info"]["delivery_product_info"];
    let parcels = parcels.as_array().cloned().unwrap_or_default();
    parcels.iter().map(|parcel| parcel["waybill_id"].as_str().unwrap().to_owned()).collect()
}

async fn paid(selling: &Selling, quantity: i64) -> (String, Value) {
    let external = selling.buy(quantity, true).await;
    let order = selling.order_in(&external, "paid").await;
    (external, order)
}

both! {
    async fn a_parcel_is_sent_once_and_completes_the_order(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (external, order) = paid(&selling, 1).await;
        let path = format!("/api/v1/orders/{}/carriers", order["id"].as_str().unwrap());
        let carriers = selling.stage.owner.get(&path, 200).await.json("/items");
        assert!(carriers.as_array().unwrap().contains(&json!({ "code": "SF", "name": "顺丰速运" })), "{carriers}");

        // Nonsense is refused at the field.
        let refused = ship(&selling, &order, json!({ "carrier": "某某快递", "waybill": "7.3E+14" }), 422).await;
        let fields: Vec<Value> = refused.json("/errors").as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, ["carrier", "waybill"]);
        let line = order["lines"][0]["id"].clone();
        let too_many = json!({ "carrier": "SF", "waybill": "SF10001", "lines": [{ "order_line_id": line, "quantity": 2 }] });
        assert_eq!(ship(&selling, &order, too_many, 422).await.code(), "shipment_quantity");

        // The same key is the same parcel.
        let body = json!({ "carrier": "顺丰", "waybill": " SF1234567890 " });
        let url = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        let owner = &selling.stage.owner;
        owner.send(Method::POST, &url, Some(&body), &[], 400).await;
        let key = [("Idempotency-Key", "parcel-1")];
        let first = owner.send(Method::POST, &url, Some(&body), &key, 201).await;
        assert_eq!((first.text("/state"), first.text("/waybill")), ("queued".into(), "SF1234567890".into()));
        let replayed = owner.send(Method::POST, &url, Some(&body), &key, 201).await;
        assert_eq!(replayed.text("/id"), first.text("/id"));
        // The same waybill under another key is a repeated command, and nothing is left for another one.
        assert_eq!(ship(&selling, &order, body, 409).await.code(), "waybill_duplicate");
        let other = json!({ "carrier": "SF", "waybill": "SF99999" });
        assert_eq!(ship(&selling, &order, other, 422).await.code(), "shipment_quantity");

        let order = selling.order_in(&external, "shipped").await;
        assert_eq!(order["shipments"][0]["state"], "sent");
        assert_eq!(order["shipments"][0]["carrier_name"], "顺丰速运");
        assert_eq!(order["lines"][0]["shipped_quantity"], 1);
        assert_eq!(kinds(&order), ["placed", "paid", "shipment_queued", "shipment_sent", "shipped"]);
        assert_eq!(waybills(&selling, &external).await, ["SF1234567890"]);
        let found = owner.get("/api/v1/orders?q=SF1234567890", 200).await;
        assert_eq!(found.text("/items/0/id"), order["id"].as_str().unwrap());
        assert_eq!(owner.get("/api/v1/shipments?state=sent", 200).await.text("/items/0/waybill"), "SF1234567890");

        selling.at_platform(&external, "confirm").await;
        let order = selling.order_in(&external, "completed").await;
        assert!(order["received_at"].is_string());
        assert_eq!(ship(&selling, &order, json!({ "carrier": "SF", "waybill": "SF77777" }), 409).await.code(), "order_wrong_state");
        let calls = selling.stage.sandbox.get("calls?path=/channels/ec/order/deliverycompanylist/get").await;
        assert_eq!(calls["calls"].as_array().unwrap().len(), 1, "the carriers are asked for once");
        selling.stage.stop().await;
    }

    async fn a_send_whose_answer_was_lost_is_not_repeated(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (external, order) = paid(&selling, 1).await;
        selling.stage.sandbox.post("faults/calls", &json!({
            "path": "/channels/ec/order/delivery/send", "http_status": 502, "after": true, "count": 1 })).await;
        ship(&selling, &order, json!({ "carrier": "ZTO", "waybill": "731000000000001" }), 201).await;
        selling.stage.work().await;
        selling.stage.app.advance(120);
        let order = selling.order_in(&external, "shipped").await;
        assert_eq!(order["shipments"].as_array().unwrap().len(), 1);
        assert_eq!(order["shipments"][0]["state"], "sent");
        assert_eq!(waybills(&selling, &external).await, ["731000000000001"]);
        selling.stage.stop().await;
    }

    async fn a_refusal_says_why_and_the_goods_can_be_sent_again(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (external, order) = paid(&selling, 1).await;
        selling.stage.sandbox.post("faults/calls", &json!({
            "path": "/channels/ec/order/delivery/send", "errcode": 101_100, "count": 1 })).await;
        let body = json!({ "carrier": "SF", "waybill": "SF1234567890" });
        let id = ship(&selling, &order, body.clone(), 201).await.text("/id");
        selling.stage.work().await;
        let refused = again(&selling, &order).await;
        assert_eq!(refused["state"], "paid");
        assert_eq!(refused["shipments"][0]["state"], "refused");
        assert!(refused["shipments"][0]["reason"].as_str().unwrap().contains("101100"), "{refused}");
        assert!(kinds(&refused).contains(&"shipment_refused"));
        // The same waybill again, after the cause is mended: the same parcel.
        assert_eq!(ship(&selling, &order, body, 201).await.text("/id"), id);
        let order = selling.order_in(&external, "shipped").await;
        assert_eq!(order["shipments"].as_array().unwrap().len(), 1);
        assert_eq!(waybills(&selling, &external).await, ["SF1234567890"]);
        selling.stage.stop().await;
    }

    async fn parts_go_in_parcels_of_their_own(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (external, order) = paid(&selling, 3).await;
        let line = order["lines"][0]["id"].clone();
        let part = |waybill: &str, quantity: i64| {
            json!({ "carrier": "SF", "waybill": waybill, "lines": [{ "order_line_id": line, "quantity": quantity }] })
        };
        ship(&selling, &order, part("SF10001", 1), 201).await;
        let order = selling.order_in(&external, "part_shipped").await;
        assert_eq!(order["lines"][0]["shipped_quantity"], 1);
        assert!(order["shipped_at"].is_null());
        // Two people send the rest at once: one of them does.
        let url = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        let (one, two) = (part("SF10002", 2), part("SF10003", 2));
        let owner = &selling.stage.owner;
        let (one, two) = tokio::join!(
            owner.try_send(Method::POST, &url, Some(&one), &[("Idempotency-Key", "one")]),
            owner.try_send(Method::POST, &url, Some(&two), &[("Idempotency-Key", "two")]),
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert!(matches!(statuses, [201, 409 | 422]), "{statuses:?} {} {}", one.body, two.body);
        let order = selling.order_in(&external, "shipped").await;
        assert_eq!(order["lines"][0]["shipped_quantity"], 3);
        assert_eq!(waybills(&selling, &external).await.len(), 2);
        selling.stage.stop().await;
    }

    async fn a_file_of_parcels_has_a_result_per_row(db: TestDb) {
        let selling = Selling::start(db, 100).await;
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(paid(&selling, 2).await);
        }
        let number = |index: usize| orders[index].1["number"].as_str().unwrap().to_owned();
        let file = format!(
            "\u{feff}订单号,快递公司,运单号,SKU编码,数量\r\n\
             {},顺丰,SF2000000001,,\r\n\
             '{},中通快递,'731000000000002,,\r\n\
             Q00000000000000,SF,SF2000000003,,\r\n\
             {},SF,7.31E+14,,\r\n\
             {},某某快递,SF2000000005,,\r\n\
             {},SF,SF2000000006,,\r\n\
             {},SF,SF2000000007,NO-SUCH-SKU,1\r\n",
            number(0), orders[1].0, number(2), number(2), number(0), number(2),
        );
        let part = reqwest::multipart::Part::bytes(file.into_bytes()).file_name("发货.csv");
        let form = reqwest::multipart::Form::new().text("kind", "shipments").part("file", part);
        let request = selling.stage.owner.request(Method::POST, "/api/v1/imports").multipart(form);
        let import = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(import.status, 202, "{}", import.body);
        let path = format!("/api/v1/imports/{}", import.text("/id"));
        let done = selling.stage.work_until("the import", async || {
            let import = selling.stage.owner.get(&path, 200).await.json("");
            (import["state"] == "done").then_some(import)
        }).await;
        assert_eq!((done["ok_rows"].as_i64(), done["failed_rows"].as_i64()), (Some(2), Some(5)), "{done}");
        let rows = selling.stage.owner.get(&format!("{path}/rows"), 200).await.json("/items");
        let text = rows.to_string();
        for code in ["unknown", "waybill_invalid", "carrier_invalid"] {
            assert!(text.contains(code), "{code} in {rows:#}");
        }
        for index in [0, 1] {
            let order = selling.order_in(&orders[index].0, "shipped").await;
            assert_eq!(order["shipments"][0]["state"], "sent");
            // The person who uploaded the file did it, not the job.
            let queued = order["events"].as_array().unwrap().iter().find(|event| event["kind"] == "shipment_queued");
            assert_eq!(queued.unwrap()["actor_kind"], "user");
        }
        assert_eq!(waybills(&selling, &orders[1].0).await, ["731000000000002"]);
        assert_eq!(again(&selling, &orders[2].1).await["state"], "paid");
        // Who may not ship, may not by file either.
        let template = selling.stage.owner.get("/api/v1/imports/template.csv?kind=shipments", 200).await;
        assert!(template.body.contains("订单号"), "{}", template.body);
        selling.stage.stop().await;
    }
}
