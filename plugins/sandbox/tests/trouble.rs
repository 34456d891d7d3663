//! Faults of calls and pushes, the retry schedule, quotas, and state that outlives a restart.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Bench, config};

#[tokio::test(flavor = "multi_thread")]
async fn call_faults_come_and_go() {
    let bench = Bench::start().await;
    let (appid, token) = bench.direct_store().await;
    let path = "/channels/ec/basics/info/get";
    let info = format!("{path}?access_token={token}");
    let call = || bench.get(&info);
    for code in [40001, 42001, 45009, 45011, -1] {
        bench.post("/sandbox/api/faults/calls", json!({"path": path, "errcode": code, "count": 2})).await;
        assert_eq!(call().await["errcode"], code);
        assert_eq!(call().await["errcode"], code);
        assert_eq!(call().await["errcode"], 0);
    }
    // The answer is lost but the effect is there.
    bench
        .post(
            "/sandbox/api/faults/calls",
            json!({"path": "/channels/ec/product/add", "errcode": -1, "after": true}),
        )
        .await;
    let lost = bench.call(&token, "/channels/ec/product/add", support::product()).await;
    assert_eq!(lost["errcode"], -1);
    let list = bench.call(&token, "/channels/ec/product/list/get", json!({"page_size": 10})).await;
    assert_eq!(list["total_num"], 1);
    bench.post("/sandbox/api/faults/calls", json!({"path": "*", "http_status": 502, "appid": appid})).await;
    let url = format!("{}{path}?access_token={token}", bench.sandbox.base_url);
    assert_eq!(bench.http.get(&url).send().await.unwrap().status(), 502);

    let refused = bench.post("/sandbox/api/faults/calls", json!({"path": "nope", "errcode": 1})).await;
    assert!(refused["error"].is_string());
    let limit = bench.http.patch(format!("{}/sandbox/api/settings", bench.sandbox.base_url));
    limit.json(&json!({"daily_limit": 9})).send().await.unwrap();
    let quota = json!({"cgi_path": path});
    let used = bench.call(&token, "/cgi-bin/openapi/quota/get", quota.clone()).await;
    while call().await["errcode"] == 0 {}
    let spent = call().await;
    assert_eq!(spent["errcode"], 45009);
    assert!(used["quota"]["used"].as_u64().unwrap() < 9);
    let text = spent["errmsg"].as_str().unwrap().to_owned();
    let rid = text.split_once("rid: ").unwrap().1;
    let found = bench.call(&token, "/cgi-bin/openapi/rid/get", json!({"rid": rid})).await;
    assert_eq!(found["request"]["request_url"], path);
    assert_eq!(bench.call(&token, "/cgi-bin/clear_quota", json!({"appid": appid})).await["errcode"], 0);
    assert_eq!(call().await["errcode"], 0);
    bench.sandbox.stop().await;
}

async fn listed(bench: &Bench) -> (String, String, Value) {
    let (appid, token) = bench.direct_store().await;
    let http = bench.http.patch(format!("{}/sandbox/api/settings", bench.sandbox.base_url));
    http.json(&json!({"audit_delay_ms": 0})).send().await.unwrap();
    let product = bench.add_product(&token).await;
    bench.wait_for_status(&token, product["product_id"].as_str().unwrap(), 5).await;
    (appid, token, product)
}

async fn order(bench: &Bench, appid: &str, product: &Value) -> String {
    let new = json!({"appid": appid, "items": [{"product_id": product["product_id"]}], "pay": true});
    let order = bench.post("/sandbox/api/orders", new).await;
    order["order_id"].as_str().unwrap_or_else(|| panic!("{order}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn push_faults_and_retries() {
    let bench = Bench::start().await;
    let (appid, _, product) = listed(&bench).await;
    let fault = |fault: Value| bench.post("/sandbox/api/faults/pushes", fault);
    let pay = "channels_ec_order_pay";

    fault(json!({"kind": "duplicate", "event": pay})).await;
    order(&bench, &appid, &product).await;
    let twice = bench.listener.wait(pay, 2).await;
    assert_eq!(twice[0].message, twice[1].message);

    fault(json!({"kind": "drop", "event": pay})).await;
    let dropped = order(&bench, &appid, &product).await;
    bench.listener.wait("channels_ec_order_wait_shipping", 2).await;
    let log = bench.get(&format!("/sandbox/api/pushes?event={pay}&state=dropped")).await;
    assert!(log["pushes"][0]["plain"].as_str().unwrap().contains(&dropped));

    fault(json!({"kind": "bad_signature", "event": pay})).await;
    order(&bench, &appid, &product).await;
    assert!(!bench.listener.wait(pay, 3).await[2].signed);
    fault(json!({"kind": "foreign_app_id", "event": pay})).await;
    order(&bench, &appid, &product).await;
    assert_ne!(bench.listener.wait(pay, 4).await[3].app_id, appid);

    // The first push overtakes nobody; the second of two overtakes the first.
    fault(json!({"kind": "reorder", "event": "channels_ec_order_new"})).await;
    let late = order(&bench, &appid, &product).await;
    let all = bench.listener.wait(&late, 3).await;
    let names: Vec<String> = all
        .iter()
        .map(|r| serde_json::from_str::<Value>(&r.message).unwrap()["Event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.last().map(String::as_str), Some("channels_ec_order_new"), "{names:?}");
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_pushes_are_tried_again_and_given_up() {
    let bench = Bench::start().await;
    let (appid, _, product) = listed(&bench).await;
    bench.listener.wait("product_spu_listing", 1).await;
    let fail = |times: usize| {
        *bench.listener.answers.lock().unwrap() = vec![(500, "no".to_owned()); times];
    };
    let event = "channels_ec_order_cancel";
    let cancelled = || async {
        let new = json!({"appid": appid, "items": [{"product_id": product["product_id"]}]});
        let order = bench.post("/sandbox/api/orders", new).await;
        let id = order["order_id"].as_str().unwrap().to_owned();
        bench.listener.wait(&id, 1).await;
        id
    };
    let id = cancelled().await;
    fail(2);
    bench.post(&format!("/sandbox/api/orders/{id}/cancel"), json!({})).await;
    bench.listener.wait(event, 3).await;
    wait_for_log(&bench, event, "delivered", 3).await;

    let id = cancelled().await;
    fail(100);
    bench.post(&format!("/sandbox/api/orders/{id}/timeout"), json!({})).await;
    // One attempt and the three of the shortened schedule.
    wait_for_log(&bench, event, "failed", 4).await;
    *bench.listener.answers.lock().unwrap() = vec![(200, "who are you".to_owned())];
    let failed =
        bench.get(&format!("/sandbox/api/pushes?event={event}&state=failed")).await["pushes"][0].clone();
    assert!(failed["attempts"][3]["answer"].as_str().unwrap().contains("no"));
    bench.post(&format!("/sandbox/api/pushes/{}/resend", failed["id"]), json!({})).await;
    wait_for_log(&bench, event, "failed", 5).await;
    bench.sandbox.stop().await;
}

async fn wait_for_log(bench: &Bench, event: &str, state: &str, attempts: usize) {
    for _ in 0..500 {
        let log = bench.get(&format!("/sandbox/api/pushes?event={event}&state={state}")).await;
        if log["pushes"][0]["attempts"].as_array().is_some_and(|a| a.len() == attempts) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{event} never was {state} after {attempts} attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data_file = Some(folder.path().join("sandbox.json"));
    let bench = Bench::start_with(config.clone()).await;
    let (appid, token, product) = listed(&bench).await;
    let id = order(&bench, &appid, &product).await;
    bench.sandbox.stop().await;

    let bench = Bench::start_with(config).await;
    let order = bench.call(&token, "/channels/ec/order/get", json!({"order_id": id})).await;
    assert_eq!(order["order"]["status"], 20, "{order}");
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1);
    bench.sandbox.stop().await;
}
