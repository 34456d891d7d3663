//! The main job, end to end, as one test: a provider hosts merchants whose shops sell on linked accounts.
//! The first half is the demo's own set-up, which goes through the public API of a running server and the
//! platform's stand-in; the second half looks at what came of it, and disturbs it.

use std::time::Duration;

use qianpu_api::demo::manifest::Manifest;
use qianpu_api::demo::seed::seed;
use qianpu_api::jobs::runner;
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::TestApp;
use qianpu_tests::http::Client;
use qianpu_tests::sandbox::TestSandbox;
use qianpu_tests::{TestDb, both};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

struct Journey {
    app: TestApp,
    sandbox: TestSandbox,
    manifest: Manifest,
    stop: CancellationToken,
}

impl Journey {
    async fn set_up(db: TestDb) -> Journey {
        let sandbox = TestSandbox::start().await;
        let settings = sandbox.demo_settings();
        let app = TestApp::start_with(db, Clock::system(), &settings).await;
        let stop = CancellationToken::new();
        drop(tokio::spawn(runner::run(app.state.clone(), stop.clone())));
        app.operator().await;
        let manifest = seed(&app.state, &sandbox.base_url).await.expect("the journey can be made");
        Journey { app, sandbox, manifest, stop }
    }

    async fn log_in(&self, email: &str) -> Client {
        let login =
            self.manifest.logins.iter().find(|login| login.email == email).expect("a log-in of the demo");
        self.app.api(&login.email, &login.password).await
    }

    /// Asks until `done`, with a deadline.
    async fn until(&self, client: &Client, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..300 {
            last = client.get(path, 200).await.json("");
            if done(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} never came to it; it last said {last:#}")
    }

    async fn end(self) {
        self.stop.cancel();
        self.app.stop().await;
        self.sandbox.stop().await;
    }
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

both! {
    async fn a_provider_hosts_a_merchant_whose_shop_sells_on_a_linked_channel(test_db: TestDb) {
        let journey = Journey::set_up(test_db).await;
        let merchant = journey.log_in("shanqian@merchant.example").await;

        // The applicant was written to at each turn, through a real mail server.
        let mail = journey.app.smtp.nth_to("shanqian@merchant.example", 1).await;
        assert!(mail.header("Subject").is_some());
        // The merchant's clerks joined by their invitations, and have their own log-ins.
        let finance = journey.log_in("finance@merchant.example").await;
        finance.get("/api/v1/ledger/summary", 200).await;
        finance.get("/api/v1/listings", 403).await;
        // One applicant still waits for the reviewers.
        let reviewer = journey.log_in("review@yunfan.example").await;
        let waiting = reviewer.get("/api/v1/applications?state=submitted", 200).await.json("");
        assert_eq!(items(&waiting).len(), 1, "{waiting:#}");

        // Goods are listed, and a refusal says why.
        let accounts = merchant.get("/api/v1/channel_accounts?limit=50", 200).await.json("");
        let account_of = |channel: &str| {
            let found = items(&accounts).iter().find(|account| account["channel"] == channel);
            found.and_then(|account| account["id"].as_str()).expect("an account of the channel").to_owned()
        };
        let (store, douyin) = (account_of("wechat-store"), account_of("douyin"));
        let of_account = |account: &str| format!("/api/v1/listings?limit=50&channel_account_id={account}");
        let listings = merchant.get(&of_account(&store), 200).await.json("");
        let there = merchant.get(&of_account(&douyin), 200).await.json("");
        assert!(items(&there).iter().filter(|listing| listing["state"] == "listed").count() > 0, "{there:#}");
        let states: Vec<&str> = items(&listings).iter().filter_map(|listing| listing["state"].as_str()).collect();
        assert_eq!(states.iter().filter(|state| **state == "listed").count(), 3, "{states:?}");
        let refused = items(&listings).iter().find(|listing| listing["state"] == "refused").expect("one was refused");
        assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains("主图")), "{refused:#}");

        // Linking counts against the quota of its kind and names the rule.
        let shop = &journey.manifest.shops[0];
        let quotas = merchant.get(&format!("/api/v1/shops/{}/link_quotas", shop.id), 200).await.json("");
        let official = items(&quotas).iter().find(|quota| quota["kind"] == "official_account").expect("a quota");
        assert_eq!((official["used"].as_i64(), official["limit"].as_i64()), (Some(2), Some(5)));
        assert!(official["rule"].as_str().is_some_and(|rule| !rule.is_empty()));

        // A change of stock flows to the platform.
        let listed = items(&listings).iter().find(|listing| listing["state"] == "listed").expect("listed");
        let detail = merchant.get(&format!("/api/v1/listings/{}", listed["id"].as_str().unwrap()), 200).await.json("");
        let sku = detail["skus"][0]["sku_id"].as_str().expect("a SKU").to_owned();
        merchant.put(&format!("/api/v1/stock/{sku}"), &json!({"on_hand": 500}), 200).await;
        let path = format!("/api/v1/listings/{}", listed["id"].as_str().unwrap());
        journey.until(&merchant, &path, |listing| {
            listing["skus"].as_array().is_some_and(|skus| skus.iter().any(|one| one["sku_id"] == sku.as_str() && one["pushed_stock"] == one["wanted_stock"] && one["pushed_stock"].as_i64() > Some(400)))
        }).await;

        // Orders came in by pushes, with the account and the scene they were made in, and took their stock.
        let orders = merchant.get("/api/v1/orders?limit=50", 200).await.json("/items");
        let orders = orders.as_array().expect("a list of orders").clone();
        let in_store: Vec<&Value> =
            orders.iter().filter(|order| order["source"]["channel_account_id"] == store.as_str()).collect();
        let in_state = |state: &str| in_store.iter().filter(|order| order["state"] == state).count();
        assert_eq!((in_store.len(), in_state("paid"), in_state("awaiting_payment")), (8, 5, 1), "{orders:#?}");
        assert!(orders.iter().any(|order| order["source"]["channel_account_id"] == douyin.as_str()), "{orders:#?}");
        assert!(orders.iter().any(|order| order["source"]["scene"] == "live_session"));
        assert!(orders.iter().all(|order| order["source"]["channel_account_id"].is_string()));

        // A duplicated, a reordered and a lost push end where the platform stands.
        let paid = in_store.iter().find(|order| order["state"] == "paid").expect("a paid order");
        let (id, native) = (paid["id"].as_str().unwrap(), paid["external_id"].as_str().unwrap());
        let books = |summary: &Value| summary["pending"]["amount"].as_i64();
        let before = books(&merchant.get("/api/v1/ledger/summary", 200).await.json(""));
        for push in journey.sandbox.get("pushes").await["pushes"].as_array().into_iter().flatten() {
            if push.to_string().contains(native) {
                let number = push["id"].as_str().map(str::to_owned).unwrap_or_else(|| push["id"].to_string());
                journey.sandbox.post(&format!("pushes/{number}/resend"), &json!({})).await;
            }
        }
        let again = journey.until(&merchant, &format!("/api/v1/orders/{id}"), |order| order["state"] == "paid").await;
        assert_eq!(again["external_id"], native);
        assert_eq!(books(&merchant.get("/api/v1/ledger/summary", 200).await.json("")), before, "booked once");

        // The books show it: pending money, the deposit, the invoice that was paid.
        let summary = merchant.get("/api/v1/ledger/summary", 200).await.json("");
        // ¥1,800 were paid in; two cases froze ¥500 of it, of which a penalty took ¥120.
        assert_eq!((&summary["deposit"]["amount"], &summary["deposit_frozen"]["amount"]), (&json!(130_000), &json!(38_000)));
        assert_eq!(summary["receivable"]["amount"], 0);
        let mut held = [0, 0];
        for order in orders.iter().filter(|order| !order["paid_at"].is_null()) {
            let order = merchant.get(&format!("/api/v1/orders/{}", order["id"].as_str().unwrap()), 200).await.json("");
            let fen = |field: &str| order.pointer(field).and_then(Value::as_i64).unwrap();
            let kept = fen("/amounts/total/amount") - fen("/refunded/amount");
            held[usize::from(!order["settled_at"].is_null())] += kept;
        }
        let [waiting, settled] = held;
        assert_eq!(books(&summary), Some(waiting));
        // One order was settled: the provider took one per cent, the rest is available.
        assert!(settled > 0);
        assert_eq!(summary["available"]["amount"].as_i64(), Some(settled - settled / 100));
        let invoices = merchant.get("/api/v1/invoices", 200).await.json("");
        assert!(items(&invoices).iter().any(|invoice| invoice["state"] == "paid" && invoice["number"].is_string()));
        let journals = merchant.get("/api/v1/ledger/journals?limit=100", 200).await.json("");
        for journal in items(&journals) {
            let sum = |side: &str| -> i64 {
                let legs = journal["legs"].as_array().into_iter().flatten().filter(|leg| leg["side"] == side);
                legs.map(|leg| leg["amount"]["amount"].as_i64().unwrap()).sum()
            };
            assert!(sum("debit") > 0 && sum("debit") == sum("credit"), "{journal:#}");
        }

        // The storefront reads the same catalogue.
        let page = reqwest::get(&shop.url).await.expect("the storefront answers");
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        assert!(page.contains(&shop.name) && page.contains("手作粗陶饭碗"), "{page}");

        // Another merchant sees none of it.
        let stranger = journey.log_in("xiaoma@merchant.example").await;
        stranger.get(&format!("/api/v1/orders/{id}"), 404).await;
        stranger.get(&format!("/api/v1/shops/{}", shop.id), 404).await;

        journey.end().await;
    }
}
