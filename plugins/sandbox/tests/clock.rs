//! A clock that stands still and is moved by hand: what hangs on time happens when it is told to, and not before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod support;

use serde_json::{Value, json};
use support::Bench;

const AT: u64 = 1_760_000_000;
const CLOCK: &str = "/sandbox/api/clock";

async fn status(bench: &Bench, token: &str, product: &Value) -> Value {
    let asked = json!({"product_id": product, "data_type": 3});
    bench.call(token, "/channels/ec/product/get", asked).await["product"]["edit_status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn time_passes_when_it_is_told_to() {
    let bench = Bench::start().await;
    assert_eq!(bench.get(CLOCK).await["stopped"], false);
    assert_eq!(bench.post(CLOCK, json!({"at": AT})).await, json!({"at": AT, "stopped": true}));
    let patch = bench.http.patch(format!("{}/sandbox/api/settings", bench.sandbox.base_url));
    let settings = json!({"audit_delay_ms": 60_000, "check_images": false});
    assert!(patch.json(&settings).send().await.unwrap().status().is_success());
    let (_, token) = bench.direct_store().await;
    let made = bench.add_product(&token).await;
    let product = made["product_id"].clone();
    assert_eq!(made["create_time"], "2025-10-09 16:53:20", "in China: {made}");
    assert_eq!(status(&bench, &token, &product).await, 2, "in audit");
    // A second before it is due, and when it is due.
    bench.post(CLOCK, json!({"advance_seconds": 59})).await;
    assert_eq!(status(&bench, &token, &product).await, 2);
    bench.post(CLOCK, json!({"advance_seconds": 1})).await;
    let pushed = bench.listener.wait("product_spu_audit", 1).await;
    assert!(pushed[0].message.contains(&format!("\"CreateTime\":{}", AT + 60)), "{}", pushed[0].message);
    assert_eq!(status(&bench, &token, &product).await, 4, "passed");
    // A token is good for two hours, to the second.
    let info = format!("/channels/ec/basics/info/get?access_token={token}");
    bench.post(CLOCK, json!({"at": AT + 7_199})).await;
    assert_eq!(bench.get(&info).await["errcode"], 0);
    bench.post(CLOCK, json!({"advance_seconds": 1})).await;
    assert_eq!(bench.get(&info).await["errcode"], 42001);
    // What is no moment changes nothing.
    for wrong in [json!({}), json!({"at": -1}), json!({"at": 1_u64 << 60}), json!({"later": 1})] {
        let answer = bench.post(CLOCK, wrong.clone()).await;
        assert!(answer["error"].is_string(), "{wrong}: {answer}");
    }
    assert_eq!(bench.get(CLOCK).await["at"], AT + 7_200);
    let going = bench.post(CLOCK, json!({"running": true})).await;
    assert_eq!(going["stopped"], false);
    assert!(going["at"].as_u64().unwrap() > AT + 7_200);
}
