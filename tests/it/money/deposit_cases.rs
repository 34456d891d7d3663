//! Violation cases against deposits: what is frozen, the appeal, the decision, and each fen of the money once, whoever
//! presses whatever at the same moment.

use super::deposits::open;
use super::{Stage, stage, yuan};
use qianpu_domain::access::Role;
use qianpu_domain::ids::ShopId;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::stage::PNG;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) const CASES: &str = "/api/v1/deposit_cases";

impl Stage {
    /// A shop with so much in its deposit, of ¥2,000.00 that are due; its id and the deposit's.
    pub(super) async fn deposited(&self, fen: i64) -> (ShopId, String) {
        let category = self.category(200_000).await;
        let shop = self.shop_named("山里茶铺", "shanli-tea", category).await;
        let deposit = self.owner.get("/api/v1/deposits", 200).await.text("/items/0/id");
        self.top_up(&deposit, fen, "r1").await;
        (shop, deposit)
    }
    async fn open_case(&self, deposit: &str, fen: i64) -> Answer {
        self.finance.post(CASES, &case_of(deposit, fen), 201).await
    }
    /// A case that was upheld after an appeal.
    async fn decided(&self, deposit: &str, fen: i64) -> String {
        let id = self.open_case(deposit, fen).await.text("/id");
        self.owner
            .post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "已按时发货"}), 200)
            .await;
        let body = json!({"version": 2, "verdict": "upheld", "reasons": "物流无揽收记录"});
        let case = self.finance.post(&format!("{CASES}/{id}/decide"), &body, 200).await;
        assert_eq!((case.text("/state"), case.number("/version")), ("decided".into(), 3));
        id
    }
    async fn deduct(&self, case: &str, version: i64, fen: i64, expected: u16) -> Answer {
        self.finance.post(&format!("{CASES}/{case}/deduct"), &penalty(version, fen), expected).await
    }
    /// Asked, frozen, deducted, released, left, claimed.
    async fn money_of(&self, case: &str) -> [i64; 6] {
        let case = self.finance.get(&format!("{CASES}/{case}"), 200).await;
        ["asked", "frozen", "deducted", "released", "left", "claimed"]
            .map(|name| case.number(&format!("/money/{name}/amount")))
    }
    /// State, balance, frozen, withdrawable, missing.
    pub(super) async fn deposit(&self, id: &str) -> (String, [i64; 4]) {
        let deposit = self.owner.get(&format!("/api/v1/deposits/{id}"), 200).await;
        let money = ["balance", "frozen", "withdrawable", "missing"]
            .map(|name| deposit.number(&format!("/money/{name}/amount")));
        (deposit.text("/state"), money)
    }
    /// The balance of an account by its code, over all owners.
    async fn held(&self, code: i64) -> i64 {
        held(&self.owner, code).await
    }
}

pub(super) async fn held(owner: &Client, code: i64) -> i64 {
    let accounts = owner.get("/api/v1/ledger/accounts", 200).await.json("/items");
    let of = accounts.as_array().unwrap().iter().filter(|row| row["account"]["code"] == code);
    of.map(|row| row["balance"]["amount"].as_i64().unwrap()).sum()
}

pub(super) fn case_of(deposit: &str, fen: i64) -> Value {
    json!({
        "deposit_id": deposit, "violation": "false_shipment", "facts": "3 月 1 日的订单显示发货但无揽收记录",
        "amount": yuan(fen),
    })
}

fn penalty(version: i64, fen: i64) -> Value {
    json!({"version": version, "deducted_for": "provider", "amount": yuan(fen), "reason": "虚假发货违约金"})
}

/// Each with a key of its own: two people, or two windows.
async fn with_key(client: &Client, path: &str, body: &Value, key: &str) -> Answer {
    client.try_send(Method::POST, path, Some(body), &[("Idempotency-Key", key)]).await
}

both! {
    async fn a_case_from_its_opening_to_its_end(db: TestDb) {
        let stage = stage(db).await;
        let (shop, deposit) = stage.deposited(200_000).await;
        assert_eq!(stage.deposit(&deposit).await, ("satisfied".into(), [200_000, 0, 0, 0]));
        let case = stage.open_case(&deposit, 50_000).await;
        let id = case.text("/id");
        assert_eq!((case.text("/state"), case.text("/violation")), ("open".into(), "false_shipment".into()));
        assert_eq!(case.text("/appeal_until"), "2026-03-09T02:00:00Z", "seven days, ours");
        assert_eq!(case.text("/appeal_rule_id"), "policy/deposit_appeal/platform/default");
        assert_eq!(stage.money_of(&id).await, [50_000, 50_000, 0, 0, 50_000, 0]);
        // What is frozen does not count as kept.
        assert_eq!(stage.deposit(&deposit).await, ("short".into(), [150_000, 50_000, 0, 50_000]));
        let key = format!("basic:{shop}/{id}");
        assert_eq!(stage.journals(&key).await, ["deposit.frozen"]);

        // Nobody decides against a merchant that may still appeal, and nothing is deducted before.
        let upheld = |version: i64| json!({"version": version, "verdict": "upheld", "reasons": "物流无揽收记录"});
        let decide = format!("{CASES}/{id}/decide");
        assert_eq!(stage.finance.post(&decide, &upheld(1), 409).await.code(), "conflict");
        stage.deduct(&id, 1, 100, 409).await;
        stage.finance.post(&format!("{CASES}/{id}/release"), &json!({"version": 1}), 409).await;
        stage.finance.post(&format!("{CASES}/{id}/close"), &json!({"version": 1}), 409).await;

        let appeal = format!("{CASES}/{id}/appeal");
        let words = json!({"version": 1, "words": " 快递已补录揽收\n见附件 "});
        for bad in [json!({"version": 1, "words": " "}), json!({"version": 1, "words": "长".repeat(2_001)}), json!({"version": 1, "words": "a\u{200b}b"})] {
            assert_eq!(stage.owner.post(&appeal, &bad, 422).await.text("/errors/0/field"), "words");
        }
        let appealed = stage.owner.post(&appeal, &words, 200).await;
        assert_eq!((appealed.text("/state"), appealed.text("/appeal/words")), ("appealed".into(), "快递已补录揽收\n见附件".into()));
        assert_eq!(stage.owner.post(&appeal, &words, 200).await.number("/version"), 2, "the same again");
        stage.owner.post(&appeal, &json!({"version": 2, "words": "另一份"}), 409).await;

        let old = stage.finance.post(&decide, &upheld(1), 409).await;
        assert_eq!(old.code(), "version_conflict", "the appeal was not read yet");
        assert_eq!(stage.finance.post(&decide, &upheld(2), 200).await.text("/state"), "decided");
        assert_eq!(stage.finance.post(&decide, &upheld(2), 200).await.number("/version"), 3, "the same again");
        let other = json!({"version": 3, "verdict": "dismissed", "reasons": "x"});
        stage.finance.post(&decide, &other, 409).await;

        // In steps, each a journal of its own.
        assert_eq!(stage.deduct(&id, 3, 30_000, 200).await.number("/version"), 4);
        assert_eq!(stage.deduct(&id, 3, 30_000, 200).await.number("/version"), 4, "sent again, nothing happens");
        assert_eq!(stage.deduct(&id, 3, 30_001, 409).await.code(), "version_conflict");
        assert_eq!(stage.deduct(&id, 4, 20_001, 409).await.code(), "insufficient_balance");
        stage.deduct(&id, 4, 5_000, 200).await;
        assert_eq!(stage.money_of(&id).await, [50_000, 50_000, 35_000, 0, 15_000, 0]);
        let detail = stage.finance.get(&format!("{CASES}/{id}"), 200).await;
        let made = detail.json("/deductions");
        assert_eq!(made.as_array().unwrap().len(), 2, "{made}");
        for row in made.as_array().unwrap() {
            let about = format!("{id}/{}", row["id"].as_str().unwrap());
            assert_eq!(stage.journals(&about).await, ["deposit.penalty"]);
        }
        assert_eq!((stage.held(4040).await, stage.held(2110).await), (35_000, 15_000));

        let release = format!("{CASES}/{id}/release");
        assert_eq!(stage.finance.post(&release, &json!({"version": 4}), 409).await.code(), "version_conflict");
        let released = stage.finance.post(&release, &json!({"version": 5}), 200).await;
        assert_eq!((released.text("/state"), released.number("/version")), ("decided".into(), 6));
        assert_eq!(stage.finance.post(&release, &json!({"version": 5}), 200).await.number("/version"), 6);
        assert_eq!(stage.deduct(&id, 6, 1, 409).await.code(), "insufficient_balance", "it is gone");
        let closed = stage.finance.post(&format!("{CASES}/{id}/close"), &json!({"version": 6}), 200).await;
        assert_eq!(closed.text("/state"), "closed");
        stage.finance.post(&format!("{CASES}/{id}/close"), &json!({"version": 6}), 200).await;
        assert_eq!(stage.money_of(&id).await, [50_000, 50_000, 35_000, 15_000, 0, 0]);
        assert_eq!(stage.journals(&key).await, ["deposit.frozen", "deposit.released"]);
        assert_eq!(stage.deposit(&deposit).await, ("short".into(), [165_000, 0, 0, 35_000]));
        assert_eq!((stage.held(4040).await, stage.held(2110).await), (35_000, 0));

        // The merchant is told of each step, and that its deposit fell short; everything stands in its log.
        stage.app.run_jobs().await;
        let mails: Vec<String> = stage.app.smtp.mails().iter().map(|mail| mail.readable()).collect();
        for words in ["被立案，冻结保证金 ¥500.00", "违规成立", "案件扣款 ¥300.00", "解冻 ¥150.00", "已结案", "保证金不足，请补缴 ¥500.00"] {
            assert!(mails.iter().any(|mail| mail.contains(words)), "{words} in {mails:?}");
        }
        let log = stage.owner.get("/api/v1/audit_entries?limit=100", 200).await.body;
        for action in ["opened", "appealed", "decided", "deducted", "released", "closed"] {
            assert!(log.contains(&format!("deposit_case.{action}")), "{action}");
        }
        stage.stop().await;
    }

    async fn the_time_for_an_appeal_ends(db: TestDb) {
        let mut stage = stage(db).await;
        let (_, deposit) = stage.deposited(200_000).await;
        let id = stage.open_case(&deposit, 50_000).await.text("/id");
        stage.days_later(7).await;
        let late = stage.owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "太晚"}), 409).await;
        assert_eq!(late.code(), "conflict");
        let home = open(&stage.app.visitor(&stage.provider, Role::ProviderFinance).await, "/console/provider").await;
        assert!(home.body.contains("待裁定或结案的保证金案件"), "{}", home.body);
        let body = json!({"version": 1, "verdict": "upheld", "reasons": "商家未申诉"});
        assert_eq!(stage.finance.post(&format!("{CASES}/{id}/decide"), &body, 200).await.text("/state"), "decided");
        // A provider's own term, for cases from now on.
        let owner = stage.app.person(&stage.provider, Role::ProviderOwner).await;
        let rule = json!({"kind": "deposit_appeal", "params": {"days": "0"}});
        owner.post("/api/v1/policies", &rule, 201).await;
        let id = stage.open_case(&deposit, 50_000).await.text("/id");
        stage.owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "x"}), 409).await;
        stage.finance.post(&format!("{CASES}/{id}/decide"), &body, 200).await;
        stage.stop().await;
    }

    async fn a_case_that_is_dismissed_gives_all_back(db: TestDb) {
        let stage = stage(db).await;
        let (shop, deposit) = stage.deposited(210_000).await;
        assert_eq!(stage.deposit(&deposit).await, ("satisfied".into(), [210_000, 0, 10_000, 0]));
        let id = stage.open_case(&deposit, 50_000).await.text("/id");
        assert_eq!(stage.deposit(&deposit).await, ("short".into(), [160_000, 50_000, 0, 40_000]));
        let body = json!({"version": 1, "verdict": "dismissed", "reasons": "误判"});
        let case = stage.finance.post(&format!("{CASES}/{id}/decide"), &body, 200).await;
        assert_eq!((case.text("/state"), case.text("/verdict")), ("closed".into(), "dismissed".into()));
        assert_eq!(stage.money_of(&id).await, [50_000, 50_000, 0, 50_000, 0, 0]);
        assert_eq!(stage.deposit(&deposit).await, ("satisfied".into(), [210_000, 0, 10_000, 0]));
        assert_eq!(stage.journals(&format!("basic:{shop}/{id}")).await, ["deposit.frozen", "deposit.released"]);
        stage.deduct(&id, 2, 1, 409).await;
        stage.stop().await;
    }

    async fn what_is_not_there_is_not_frozen_and_may_be_claimed(db: TestDb) {
        let stage = stage(db).await;
        let (shop, deposit) = stage.deposited(30_000).await;
        trading(&stage, shop).await;
        let case = stage.open_case(&deposit, 50_000).await;
        let short = (case.number("/money/frozen/amount"), case.number("/money/short/amount"));
        assert_eq!(short, (30_000, 20_000));
        // Nothing is left for another case.
        let empty = stage.open_case(&deposit, 100).await;
        assert_eq!((empty.number("/money/frozen/amount"), empty.number("/money/short/amount")), (0, 100));
        let body = json!({"version": 1, "verdict": "dismissed", "reasons": "重复"});
        stage.finance.post(&format!("{CASES}/{}/decide", empty.text("/id")), &body, 200).await;

        let id = case.text("/id");
        stage.owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "请从轻"}), 200).await;
        let upheld = json!({"version": 2, "verdict": "upheld", "reasons": "属实"});
        stage.finance.post(&format!("{CASES}/{id}/decide"), &upheld, 200).await;
        assert_eq!(stage.deduct(&id, 3, 40_000, 409).await.code(), "insufficient_balance");
        let claiming = |version: i64, fen: i64| {
            let mut body = penalty(version, fen);
            body["claim_rest"] = json!(true);
            body
        };
        let deduct = format!("{CASES}/{id}/deduct");
        stage.finance.post(&deduct, &claiming(3, 50_001), 409).await;
        stage.finance.post(&deduct, &claiming(3, 40_000), 200).await;
        assert_eq!(stage.money_of(&id).await, [50_000, 30_000, 30_000, 0, 0, 10_000]);
        assert_eq!((stage.held(4040).await, stage.held(1120).await, stage.held(2110).await), (40_000, 10_000, 0));
        // F5 f: the shop stops trading, with the reason its merchant reads.
        let at = format!("/api/v1/shops/{shop}");
        assert_eq!(stage.owner.get(&at, 200).await.text("/state"), "suspended");
        let why = stage.owner.get(&format!("{at}/suspensions"), 200).await;
        assert!(why.body.contains("虚假发货违约金"), "{}", why.body);
        // More of the claim, once only, and never beyond what could not be frozen.
        stage.finance.post(&deduct, &claiming(4, 10_001), 409).await;
        stage.finance.post(&deduct, &claiming(4, 10_000), 200).await;
        stage.finance.post(&deduct, &claiming(5, 1), 409).await;
        assert_eq!((stage.held(4040).await, stage.held(1120).await), (50_000, 20_000));
        stage.stop().await;
    }

    async fn every_fen_goes_one_way_whoever_is_faster(db: TestDb) {
        let stage = stage(db).await;
        let (_, deposit) = stage.deposited(200_000).await;
        let colleague = stage.app.person(&stage.provider, Role::ProviderOwner).await;

        // Two cases at once for more than there is: what is frozen is there.
        let (one, two) = (case_of(&deposit, 150_000), case_of(&deposit, 150_001));
        let (first, second) = tokio::join!(
            with_key(&stage.finance, CASES, &one, "o1"), with_key(&colleague, CASES, &two, "o2"));
        for answer in [&first, &second] {
            assert!(answer.status == 201 || answer.code() == "version_conflict", "{}", answer.body);
        }
        assert!(first.status == 201 || second.status == 201);
        assert!(stage.held(2110).await <= 200_000 && stage.held(2110).await + stage.held(2100).await == 200_000);
        for answer in [first, second].iter().filter(|answer| answer.status == 201) {
            let body = json!({"version": 1, "verdict": "dismissed", "reasons": "重来"});
            stage.finance.post(&format!("{CASES}/{}/decide", answer.text("/id")), &body, 200).await;
        }
        assert_eq!(stage.held(2100).await, 200_000);

        // Two people decide at once, one against the merchant and one for it: one of them does.
        let id = stage.open_case(&deposit, 50_000).await.text("/id");
        stage.owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "申诉"}), 200).await;
        let decide = format!("{CASES}/{id}/decide");
        let verdict = |word: &str| json!({"version": 2, "verdict": word, "reasons": "理由"});
        let (upheld, dismissed) = (verdict("upheld"), verdict("dismissed"));
        let (one, two) = tokio::join!(
            with_key(&stage.finance, &decide, &upheld, "d1"), with_key(&colleague, &decide, &dismissed, "d2"));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", one.body, two.body);

        // A double click in two requests, and a colleague with another amount at the same moment.
        let id = stage.decided(&deposit, 50_000).await;
        let deduct = format!("{CASES}/{id}/deduct");
        let (same, other) = (penalty(3, 30_000), penalty(3, 40_000));
        let (one, two, three) = tokio::join!(
            with_key(&stage.finance, &deduct, &same, "x1"),
            with_key(&stage.finance, &deduct, &same, "x2"),
            with_key(&colleague, &deduct, &other, "x3"));
        let deducted = stage.money_of(&id).await[2];
        match deducted {
            30_000 => assert_eq!((one.status, two.status, three.status), (200, 200, 409)),
            40_000 => assert_eq!((one.status, two.status, three.status), (409, 409, 200)),
            other => panic!("{other}: {} {} {}", one.body, two.body, three.body),
        }
        assert_eq!(stage.finance.get(&format!("{CASES}/{id}"), 200).await.json("/deductions").as_array().unwrap().len(), 1);

        // Released, closed and deducted at once: one wins.
        let (release, close) = (format!("{CASES}/{id}/release"), format!("{CASES}/{id}/close"));
        let (at, more) = (json!({"version": 4}), penalty(4, 5_000));
        let (one, two, three) = tokio::join!(
            with_key(&stage.finance, &release, &at, "e1"),
            with_key(&colleague, &close, &at, "e2"),
            with_key(&colleague, &deduct, &more, "e3"));
        let won = [&one, &two, &three].iter().filter(|answer| answer.status == 200).count();
        // A release after a close finds nothing left, which is no change; it is refused for its state.
        assert_eq!(won, 1, "{} {} {}", one.body, two.body, three.body);
        let [_, frozen, deducted, released, left, _] = stage.money_of(&id).await;
        assert_eq!(deducted + released + left, frozen);
        assert_eq!(stage.held(2110).await, left + stage_left(&stage, &id).await);
        stage.stop().await;
    }

    async fn cases_belong_to_their_provider_and_merchant(db: TestDb) {
        let stage = stage(db).await;
        let (_, deposit) = stage.deposited(200_000).await;
        let id = stage.open_case(&deposit, 50_000).await.text("/id");
        let at = format!("{CASES}/{id}");
        let sibling = stage.app.merchant(&stage.provider, "同服务商的另一商家").await;
        let sibling = stage.app.person(&sibling, Role::MerchantOwner).await;
        let stranger = stage.app.provider("乙服务商").await;
        let stranger = stage.app.person(&stranger, Role::ProviderFinance).await;
        for client in [&sibling, &stranger] {
            client.get(&at, 404).await;
            assert_eq!(client.get(CASES, 200).await.json("/items"), json!([]));
        }
        sibling.post(&format!("{at}/appeal"), &json!({"version": 1, "words": "x"}), 404).await;
        stranger.post(CASES, &case_of(&deposit, 1), 404).await;
        for (step, body) in [
            ("decide", json!({"version": 1, "verdict": "dismissed", "reasons": "x"})),
            ("deduct", penalty(1, 1)),
            ("release", json!({"version": 1})),
            ("close", json!({"version": 1})),
        ] {
            stranger.post(&format!("{at}/{step}"), &body, 404).await;
            stage.owner.post(&format!("{at}/{step}"), &body, 403).await;
        }
        stage.owner.post(CASES, &case_of(&deposit, 1), 403).await;
        stage.finance.post(&format!("{at}/appeal"), &json!({"version": 1, "words": "x"}), 403).await;
        // A manager sees it and does not speak for the merchant.
        let manager = stage.app.person(&stage.merchant, Role::MerchantManager).await;
        manager.get(&at, 200).await;
        manager.post(&format!("{at}/appeal"), &json!({"version": 1, "words": "x"}), 403).await;
        // An order that is not there, and a word that is none.
        let nobodys = |field: &str, id: &str| {
            let mut body = case_of(&deposit, 1);
            body[field] = json!(id);
            body
        };
        for (field, prefix) in [("order_id", "ord"), ("aftersale_id", "afs")] {
            let body = nobodys(field, &format!("{prefix}_{}", "0".repeat(32)));
            stage.finance.post(CASES, &body, 404).await;
        }
        assert_eq!(stage.finance.post(CASES, &nobodys("violation", "rude"), 422).await.text("/errors/0/field"), "violation");
        assert_eq!(stage.finance.post(CASES, &case_of(&deposit, 0), 422).await.text("/errors/0/field"), "amount");
        // Files: of whoever may put them there, into a case that is there.
        let file = async |client: &Client, path: &str, case: &str, bytes: &'static [u8]| {
            let part = reqwest::multipart::Part::bytes(bytes).file_name("凭证.png");
            let form = reqwest::multipart::Form::new().text("deposit_case_id", case.to_owned()).part("file", part);
            Answer::of(client.request(Method::POST, path).multipart(form).send().await.unwrap()).await
        };
        let (of_case, of_appeal) = ("/api/v1/deposit_case_files", "/api/v1/deposit_appeal_files");
        assert_eq!(file(&stage.finance, of_case, &id, PNG).await.status, 201);
        assert_eq!(file(&stage.owner, of_appeal, &id, PNG).await.status, 201);
        assert_eq!(file(&stage.finance, of_case, &id, b"no picture").await.status, 422);
        assert_eq!(file(&stage.finance, of_case, "case", PNG).await.status, 422);
        for (client, path, status) in
            [(&stranger, of_case, 404), (&sibling, of_appeal, 404), (&stage.owner, of_case, 403), (&manager, of_appeal, 403)]
        {
            assert_eq!(file(client, path, &id, PNG).await.status, status, "{path}");
        }
        let files = stage.owner.get(&at, 200).await.json("/files");
        // The clock stands still, so their order says nothing.
        let mut sides: Vec<&Value> = files.as_array().unwrap().iter().map(|file| &file["side"]).collect();
        sides.sort_by_key(|side| side.to_string());
        assert_eq!(sides, [&json!("merchant"), &json!("provider")]);
        let content = format!("{at}/files/{}", files[0]["media_id"].as_str().unwrap());
        for client in [&stage.owner, &stage.finance, &manager] {
            client.get(&content, 200).await;
        }
        for client in [&stranger, &sibling] {
            client.get(&content, 404).await;
        }
        // A buyer's refund that nobody advanced is not paid for.
        let id = stage.decided(&deposit, 1_000).await;
        let buyer = json!({"version": 3, "deducted_for": "buyer", "amount": yuan(1), "reason": "赔付"});
        assert_eq!(stage.finance.post(&format!("{CASES}/{id}/deduct"), &buyer, 409).await.code(), "insufficient_balance");
        assert_eq!(stage.finance.get(&format!("{CASES}?state=decided&deposit_id={deposit}"), 200).await.text("/items/0/id"), id);
        stage.finance.get(&format!("{CASES}?state=rich"), 422).await;
        stage.stop().await;
    }
}

/// What other cases hold still.
async fn stage_left(stage: &Stage, but: &str) -> i64 {
    let cases = stage.finance.get(&format!("{CASES}?limit=100"), 200).await.json("/items");
    let others = cases.as_array().unwrap().iter().filter(|case| case["id"] != but);
    others.map(|case| case["money"]["left"]["amount"].as_i64().unwrap()).sum()
}

/// Opens the doors of a shop that was made through the stores.
async fn trading(stage: &Stage, shop: ShopId) {
    use qianpu_domain::shop::ShopState;
    use qianpu_tenants::store::shop::{ShopChange, shop_get, shop_save};
    let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
    let was = shop_get(&tx, shop).await.unwrap();
    let change = ShopChange { state: Some(ShopState::Trading), ..ShopChange::default() };
    shop_save(&mut tx, &was, &change).await.unwrap();
    tx.commit().await.unwrap();
}
