//! Money of linked shops at their platform: the balance and what moved it, and withdrawals that are asked for once.

use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_domain::time::Span;
use qianpu_tests::both;
use qianpu_tests::http::Answer;
use qianpu_tests::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};

struct Purse {
    stage: Stage,
    store: Value,
}

fn yuan(fen: i64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

const SUBMIT: &str = "/channels/ec/funds/submitwithdraw";

impl Purse {
    /// A shop with ¥1,000.00 at the platform, read.
    async fn start(db: qianpu_tests::TestDb) -> Self {
        let stage = Stage::start(db).await;
        let store = stage.direct_store("山前小店").await;
        let purse = Self { stage, store };
        purse.play("shares", json!({ "amount": 100_000 })).await;
        purse.stage.owner.post(&purse.at("funds/read"), &json!({}), 200).await;
        purse
    }
    fn id(&self) -> &str {
        self.store["id"].as_str().unwrap()
    }
    fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.id())
    }
    /// Somebody does something at the stand-in.
    async fn play(&self, what: &str, body: Value) -> Value {
        let path = format!("stores/{}/{what}", self.store["external_id"].as_str().unwrap());
        self.stage.sandbox.post(&path, &body).await
    }
    async fn scan(&self, what: &str) {
        self.play(&format!("withdrawals/newest/{what}"), json!({})).await;
    }
    async fn fault(&self, fault: Value) {
        self.stage.sandbox.post("faults/calls", &fault).await;
    }
    /// Pushes do not come; what is known is known by asking.
    async fn no_pushes(&self) {
        self.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 200 })).await;
    }
    async fn ask_as(&self, person: &qianpu_tests::http::Client, fen: i64, key: &str, status: u16) -> Answer {
        let body = json!({ "amount": yuan(fen), "note": "进货", "bank_memo": "货款" });
        person
            .send(Method::POST, &self.at("withdrawals"), Some(&body), &[("Idempotency-Key", key)], status)
            .await
    }
    async fn ask(&self, fen: i64, key: &str, status: u16) -> Answer {
        self.ask_as(&self.stage.owner, fen, key, status).await
    }
    async fn one(&self, id: &str) -> Value {
        self.stage.owner.get(&format!("/api/v1/funds_withdrawals/{id}"), 200).await.json("")
    }
    async fn until(&self, id: &str, state: &str) -> Value {
        self.stage
            .work_until(state, async || {
                let one = self.one(id).await;
                (one["state"] == state).then_some(one)
            })
            .await
    }
    async fn submitted(&self) -> usize {
        let calls = self.stage.sandbox.get(&format!("calls?path={SUBMIT}")).await;
        calls["calls"].as_array().unwrap().len()
    }
    async fn available(&self) -> Value {
        self.stage.owner.get(&self.at("funds"), 200).await.json("/available/amount")
    }
    async fn there(&self) -> Value {
        let path = format!("stores/{}/withdrawals", self.store["external_id"].as_str().unwrap());
        self.stage.sandbox.get(&path).await
    }
}

both! {
    async fn the_balance_and_what_moved_it_are_those_of_the_platform(db: TestDb) {
        let purse = Purse::start(db).await;
        let owner = &purse.stage.owner;
        let funds = owner.get(&purse.at("funds"), 200).await;
        assert_eq!((funds.json("/available/amount"), funds.json("/pending/amount")), (json!(100_000), json!(0)));
        // The account's number goes no further than its last digits.
        assert_eq!((funds.text("/bank/bank"), funds.text("/bank/tail")), ("中国工商银行".to_owned(), "2334".to_owned()));
        assert!(!funds.json("").to_string().contains("6222"), "{}", funds.json(""));
        for amount in 1..=11 {
            purse.play("shares", json!({ "amount": amount })).await;
        }
        let flows = owner.get(&purse.at("funds/flows"), 200).await;
        assert_eq!(flows.json("/items").as_array().unwrap().len(), 10, "a page");
        assert_eq!((flows.text("/items/0/kind"), flows.text("/items/0/direction")), ("sharing".into(), "in".into()));
        assert!(flows.text("/items/0/booked_at").ends_with('Z'));
        let cursor = flows.text("/next_cursor");
        let rest = owner.get(&purse.at(&format!("funds/flows?cursor={cursor}")), 200).await;
        assert_eq!((rest.json("/items").as_array().unwrap().len(), rest.json("/next_cursor")), (2, Value::Null));
        assert!(owner.get(&purse.at("funds/flows?direction=out"), 200).await.json("/items").as_array().unwrap().is_empty());
        for wrong in ["direction=up", "from=2020-01-01T00:00:00Z", "from=gestern", "cursor=x"] {
            owner.get(&purse.at(&format!("funds/flows?{wrong}")), 422).await;
        }
        // Another bank account is set at the platform: the push leads to the truth.
        purse.play("bank", json!({ "account_bank4show": "招商银行", "account_number": "6214830000005678" })).await;
        purse.stage.work_until("the other bank", async || {
            let funds = owner.get(&purse.at("funds"), 200).await;
            (funds.text("/bank/tail") == "5678" && funds.text("/bank/bank") == "招商银行").then_some(())
        }).await;
        purse.stage.stop().await;
    }

    async fn a_withdrawal_is_scanned_confirmed_and_paid(db: TestDb) {
        let purse = Purse::start(db).await;
        let owner = &purse.stage.owner;
        let asked = purse.ask(60_000, "withdraw-000000001", 201).await;
        let id = asked.text("/id");
        assert_eq!(asked.text("/state"), "asking");
        let one = purse.until(&id, "waiting").await;
        assert_eq!((&one["code_state"], &one["scanned_by"]), (&json!("fresh"), &Value::Null));
        let code = owner.get(&format!("/api/v1/funds_withdrawals/{id}/code"), 200).await;
        assert!(code.text("/picture_base64").starts_with("iVBOR"), "a PNG");
        // The same key is the same withdrawal; another one has to wait.
        assert_eq!(purse.ask(60_000, "withdraw-000000001", 201).await.text("/id"), id);
        assert_eq!(purse.ask(1, "withdraw-000000002", 409).await.code(), "withdrawal_open");
        // Somebody who may not agree scans it, then the administrator.
        purse.play("withdrawals/newest/scan", json!({ "scan_user_type": 0 })).await;
        let scanned = |by: &'static str| {
            let (purse, id) = (&purse, id.clone());
            async move {
                purse.stage.work_until(by, async || {
                    let one = purse.one(&id).await;
                    (one["scanned_by"] == by && one["code_state"] == "scanned").then_some(one)
                }).await
            }
        };
        scanned("other").await;
        purse.scan("scan").await;
        scanned("administrator").await;
        purse.scan("confirm").await;
        let paid = purse.until(&id, "paid").await;
        assert_eq!((&paid["code_state"], &paid["native_state"], &paid["bank_tail"]),
            (&json!("confirmed"), &json!("SUCCESS"), &json!("2334")));
        purse.stage.work_until("the balance", async || (purse.available().await == 40_000).then_some(())).await;
        owner.get(&format!("/api/v1/funds_withdrawals/{id}/code"), 404).await;
        let out = owner.get(&purse.at("funds/flows?direction=out"), 200).await;
        assert_eq!((out.text("/items/0/kind"), out.json("/items/0/amount/amount")), ("withdrawal".into(), json!(60_000)));
        assert_eq!(out.json("/items/0/external_withdrawal_id"), paid["external_id"]);
        // The bank sends it back.
        purse.scan("return").await;
        let back = purse.until(&id, "returned").await;
        assert!(back["reason"].as_str().unwrap().contains("退票"), "{back}");
        let log = owner.get("/api/v1/audit_entries?action=funds_withdrawal.asked", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 1, "{log}");
        assert_eq!(purse.submitted().await, 1);
        purse.stage.stop().await;
    }

    async fn a_lost_answer_never_takes_the_money_out_twice(db: TestDb) {
        let purse = Purse::start(db).await;
        purse.no_pushes().await;
        purse.fault(json!({ "path": SUBMIT, "errcode": -1, "count": 1, "after": true })).await;
        let id = purse.ask(60_000, "withdraw-000000001", 201).await.text("/id");
        purse.stage.work().await;
        assert_eq!(purse.one(&id).await["state"], "asking", "nobody knows what came of it");
        assert_eq!(purse.ask(1, "withdraw-000000002", 409).await.code(), "withdrawal_open");
        // The look finds it by the reference in its remark. Its code was lost, so nobody can confirm it.
        purse.stage.app.state.clock().advance(Span::seconds(30));
        let found = purse.until(&id, "waiting").await;
        assert_eq!((&found["code_state"], &found["external_id"].is_string()), (&Value::Null, &true));
        purse.stage.app.state.clock().advance(Span::minutes(16));
        purse.until(&id, "closed").await;
        assert_eq!((purse.submitted().await, purse.there().await["available"].clone()), (1, json!(100_000)));
        // Now another one may be asked for.
        let second = purse.ask(60_000, "withdraw-000000003", 201).await.text("/id");
        purse.until(&second, "waiting").await;
        assert_eq!(purse.submitted().await, 2);
        purse.stage.stop().await;
    }

    async fn a_call_that_never_arrived_is_given_up_after_looking(db: TestDb) {
        let purse = Purse::start(db).await;
        purse.fault(json!({ "path": SUBMIT, "http_status": 502, "count": 1 })).await;
        let id = purse.ask(60_000, "withdraw-000000001", 201).await.text("/id");
        purse.stage.work().await;
        purse.stage.app.state.clock().advance(Span::minutes(5));
        purse.stage.work().await;
        assert_eq!(purse.one(&id).await["state"], "asking", "it may still come");
        purse.stage.app.state.clock().advance(Span::minutes(11));
        purse.until(&id, "not_made").await;
        assert!(purse.there().await["withdrawals"].as_array().unwrap().is_empty());
        let second = purse.ask(60_000, "withdraw-000000002", 201).await.text("/id");
        purse.until(&second, "waiting").await;
        purse.stage.stop().await;
    }

    async fn what_is_refused_is_told_in_the_platforms_words(db: TestDb) {
        let purse = Purse::start(db).await;
        // More than there was, known before any call.
        let refused = purse.ask(100_001, "withdraw-000000001", 422).await;
        assert_eq!(refused.json("/errors/0/code"), "not_covered");
        for (fen, key) in [(0, "withdraw-000000002"), (5_000_000_001, "withdraw-000000003")] {
            purse.ask(fen, key, 422).await;
        }
        let body = json!({ "amount": yuan(1) });
        purse.stage.owner.send(Method::POST, &purse.at("withdrawals"), Some(&body), &[], 400).await;
        assert_eq!(purse.submitted().await, 0);
        // The money went elsewhere meanwhile: the plugin reads before it asks.
        purse.no_pushes().await;
        let elsewhere = purse.ask(90_000, "withdraw-000000004", 201).await.text("/id");
        purse.until(&elsewhere, "waiting").await;
        purse.scan("scan").await;
        purse.scan("confirm").await;
        purse.stage.owner.post(&format!("/api/v1/funds_withdrawals/{elsewhere}/look"), &json!({}), 200).await;
        let funds = json!({});
        purse.play("shares", json!({ "amount": 1 })).await;
        purse.stage.owner.post(&purse.at("funds/read"), &funds, 200).await;
        assert_eq!(purse.available().await, 10_001);
        let refused = purse.ask(10_001, "withdraw-000000005", 201).await.text("/id");
        purse.fault(json!({ "path": SUBMIT, "errcode": 101_100, "count": 1 })).await;
        let refused = purse.until(&refused, "refused").await;
        assert!(refused["reason"].as_str().unwrap().contains("101100"), "{refused}");
        purse.stage.stop().await;
    }

    async fn a_code_that_ends_or_is_cancelled_closes_the_withdrawal(db: TestDb) {
        let purse = Purse::start(db).await;
        let visitor = purse.stage.app.visitor(&purse.stage.merchant, Role::MerchantFinance).await;
        for (key, what, code) in
            [("withdraw-000000001", "cancel", "cancelled"), ("withdraw-000000002", "expire", "expired")]
        {
            let id = purse.ask(60_000, key, 201).await.text("/id");
            purse.until(&id, "waiting").await;
            purse.scan(what).await;
            let closed = purse.until(&id, "closed").await;
            assert_eq!(closed["code_state"], code);
            let page = open(&visitor, &format!("/console/merchant/funds_withdrawals/{id}")).await.html;
            assert!(!page.contains("扫码人不是管理员"), "nobody scanned it: {page}");
        }
        // One that fails at the bank brings its money back, and says why.
        let id = purse.ask(60_000, "withdraw-000000003", 201).await.text("/id");
        purse.until(&id, "waiting").await;
        purse.stage.sandbox.patch("settings", &json!({ "audit_automatically": false })).await;
        purse.scan("scan").await;
        purse.scan("confirm").await;
        purse.until(&id, "accepted").await;
        purse.stage.work_until("the balance", async || (purse.available().await == 40_000).then_some(())).await;
        purse.scan("fail").await;
        let failed = purse.until(&id, "failed").await;
        assert_eq!(failed["reason"], "收款银行账户状态异常");
        purse.stage.work_until("the balance", async || (purse.available().await == 100_000).then_some(())).await;
        purse.stage.stop().await;
    }

    async fn only_owner_and_finance_take_money_out_and_others_see_nothing(db: TestDb) {
        let purse = Purse::start(db).await;
        let app = &purse.stage.app;
        let merchant = &purse.stage.merchant;
        let finance = app.person(merchant, Role::MerchantFinance).await;
        let id = purse.ask_as(&finance, 100, "withdraw-000000001", 201).await.text("/id");
        let manager = app.person(merchant, Role::MerchantManager).await;
        manager.get(&purse.at("funds"), 200).await;
        manager.get(&format!("/api/v1/funds_withdrawals/{id}"), 200).await;
        purse.ask_as(&manager, 100, "withdraw-000000002", 403).await;
        manager.get(&format!("/api/v1/funds_withdrawals/{id}/code"), 403).await;
        for role in [Role::MerchantGoods, Role::MerchantOrders, Role::MerchantServiceDesk] {
            app.person(merchant, role).await.get(&purse.at("funds"), 403).await;
        }
        let other = app.merchant(&purse.stage.provider, "乙商家").await;
        let stranger = app.person(&other, Role::MerchantOwner).await;
        for path in ["funds", "funds/flows", "withdrawals"] {
            stranger.get(&purse.at(path), 404).await;
        }
        stranger.post(&purse.at("funds/read"), &json!({}), 404).await;
        purse.ask_as(&stranger, 100, "withdraw-000000003", 404).await;
        stranger.get(&format!("/api/v1/funds_withdrawals/{id}"), 404).await;
        stranger.post(&format!("/api/v1/funds_withdrawals/{id}/look"), &json!({}), 404).await;
        purse.stage.work().await;
        assert_eq!(purse.submitted().await, 1);
        purse.stage.stop().await;
    }

    async fn one_that_was_asked_for_at_the_platform_is_found_by_its_push(db: TestDb) {
        let purse = Purse::start(db).await;
        // Made here, with everything the platform tells of it forgotten: as if somebody had asked there.
        let id = purse.ask(60_000, "withdraw-000000001", 201).await.text("/id");
        purse.until(&id, "waiting").await;
        let accounts = purse.stage.sandbox.get("accounts").await;
        let own = accounts["accounts"].as_array().unwrap().iter()
            .find(|one| one["appid"] == purse.store["external_id"]).unwrap().clone();
        let http = qianpu_tests::http::http_client();
        let base = &purse.stage.sandbox.base_url;
        let body = json!({ "grant_type": "client_credential", "appid": own["appid"], "secret": own["secret"] });
        let token: Value = http.post(format!("{base}/cgi-bin/stable_token")).json(&body).send().await.unwrap()
            .json().await.unwrap();
        let url = format!("{base}{SUBMIT}?access_token={}", token["access_token"].as_str().unwrap());
        let made: Value = http.post(url).json(&json!({ "amount": 5_000, "remark": "在小店后台" })).send().await.unwrap()
            .json().await.unwrap();
        assert_eq!(made["errcode"], 0, "{made}");
        let list = purse.stage.work_until("the other withdrawal", async || {
            let list = purse.stage.owner.get(&purse.at("withdrawals"), 200).await.json("/items");
            (list.as_array().unwrap().len() == 2).then_some(list)
        }).await;
        let there = list.as_array().unwrap().iter().find(|one| one["id"] != id.as_str()).unwrap();
        assert_eq!((&there["amount"]["amount"], &there["note"], &there["asked_by"], &there["state"]),
            (&json!(5_000), &json!("在小店后台"), &Value::Null, &json!("waiting")));
        purse.stage.stop().await;
    }

    async fn the_pages_show_the_money_and_ask_once(db: TestDb) {
        let purse = Purse::start(db).await;
        let visitor = purse.stage.app.visitor(&purse.stage.merchant, Role::MerchantFinance).await;
        let page = format!("/console/merchant/funds/{}", purse.id());
        assert!(open(&visitor, "/console/merchant/funds").await.html.contains("山前小店"));
        let shown = open(&visitor, &page).await.html;
        assert!(shown.contains("尾号 2334") && shown.contains("1,000"), "{shown}");
        let key = shown.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let withdraw = format!("{page}/withdraw");
        let wrong = submit(&visitor, &withdraw, &[("key", &key), ("amount", "1000.01")]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.html.contains("超过可提现余额"), "{}", wrong.html);
        let fields = [("key", key.as_str()), ("amount", "600"), ("note", "进货")];
        let done = submit(&visitor, &withdraw, &fields).await;
        assert_eq!(done.status, 303, "{}", done.html);
        // A second click is the same withdrawal.
        assert_eq!(submit(&visitor, &withdraw, &fields).await.location, done.location);
        let id = done.location.rsplit('/').next().unwrap().to_owned();
        purse.until(&id, "waiting").await;
        let waits = open(&visitor, &done.location).await.html;
        assert!(waits.contains("data:image/png;base64,") && waits.contains("未扫码"), "{waits}");
        let manager = purse.stage.app.visitor(&purse.stage.merchant, Role::MerchantManager).await;
        let hidden = open(&manager, &done.location).await.html;
        assert!(!hidden.contains("data:image/png") && hidden.contains("只显示给有提现权限"), "{hidden}");
        purse.scan("scan").await;
        purse.scan("confirm").await;
        purse.until(&id, "paid").await;
        assert_eq!(purse.submitted().await, 1);
        assert!(open(&visitor, &format!("{page}/flows?direction=out&days=7")).await.html.contains("提现"));
        assert!(open(&visitor, &page).await.html.contains("提现成功"));
        purse.stage.stop().await;
    }
}
