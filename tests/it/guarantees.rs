//! Guarantee claims at the WeChat shop: asked of the platform, answered once, and what is not certain is told as such.

use crate::order_pages::{open, submit};
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::without_seat;
use qianpu_tests::onboarding::PNG;
use qianpu_tests::people::Visitor;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const ACCEPT: &str = "/channels/ec/aftersale/merchantacceptguarantee";
const PROVE: &str = "/channels/ec/aftersale/merchantproofguarantee";

fn at(selling: &Selling, rest: &str) -> String {
    format!("/api/v1/channel_accounts/{}/guarantees{rest}", selling.account["id"].as_str().unwrap())
}

/// An order that was sent; the platform's id.
async fn sent(selling: &Selling) -> String {
    let external = selling.buy(1, true).await;
    let order = selling.order_in(&external, "paid").await;
    let ship = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
    selling
        .stage
        .owner
        .post(&ship, &json!({ "carrier": "SF", "waybill": format!("SF{}", &external[7..]) }), 201)
        .await;
    selling.order_in(&external, "shipped").await;
    external
}

/// What the buyer claims about an order; the platform's id of the claim.
async fn claimed(selling: &Selling, order: &str, body: Value) -> String {
    let made = selling.stage.sandbox.post(&format!("orders/{order}/guarantee"), &body).await;
    made["guarantee_order_id"].as_str().expect("an id").to_owned()
}

async fn act(selling: &Selling, claim: &str, action: &str) -> Value {
    selling.stage.sandbox.post(&format!("guarantees/{claim}/{action}"), &json!({})).await
}

async fn waiting(selling: &Selling) -> Vec<Value> {
    let path = format!(
        "/api/v1/channel_accounts/{}/pushes?waiting=true&limit=100",
        selling.account["id"].as_str().unwrap()
    );
    selling.stage.owner.get(&path, 200).await.json("/items").as_array().unwrap().clone()
}

/// Works until so many pushes wait for somebody.
async fn until_waiting(selling: &Selling, count: usize) {
    let what = format!("{count} pushes to wait");
    selling.stage.work_until(&what, async || (waiting(selling).await.len() == count).then_some(())).await;
}

async fn calls(selling: &Selling, path: &str) -> usize {
    let calls = selling.stage.sandbox.get(&format!("calls?path={path}")).await;
    calls["calls"].as_array().unwrap().len()
}

/// The next call fails, before the platform did anything or after it did everything.
async fn lose(selling: &Selling, path: &str, after: bool) {
    let fault = json!({ "path": path, "errcode": -1, "after": after, "count": 1 });
    selling.stage.sandbox.post("faults/calls", &fault).await;
}

both! {
    async fn a_claim_about_damage_is_bargained_about_and_paid(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        assert_eq!(owner.get(&at(&selling, ""), 200).await.json("/items"), json!([]));
        let order = sent(&selling).await;
        let claim = claimed(&selling, &order, json!({ "type": 2, "bad_level": 80, "content": "盖子裂了" })).await;
        until_waiting(&selling, 1).await;
        let one = at(&selling, &format!("/{claim}"));
        let found = owner.get(&one, 200).await.json("");
        assert_eq!((&found["kind"], &found["state"]), (&json!("damage"), &json!("merchant_decides")));
        assert_eq!(found["takes"], json!(["accept", "offer", "refuse"]));
        assert_eq!((&found["external_order_id"], &found["amount"]["amount"]), (&json!(order), &json!(10_240)));
        assert_eq!((&found["damage"]["level"], &found["damage"]["words"]), (&json!(80), &json!("盖子裂了")));
        assert_eq!((&found["goods"][0]["title"], &found["fake"]), (&json!("明前龙井 500 克"), &Value::Null));
        let ours = owner.get(&format!("/api/v1/orders/{}", found["order_id"].as_str().unwrap()), 200).await;
        assert_eq!(ours.text("/external_id"), order);
        for (query, count) in [
            ("", 1), ("?kind=damage", 1), ("?kind=fake", 0), (&format!("?external_order_id={order}"), 1),
            ("?external_order_id=1", 0),
        ] {
            let items = owner.get(&at(&selling, query), 200).await.json("/items");
            assert_eq!(items.as_array().unwrap().len(), count, "{query}");
        }
        owner.get(&at(&selling, "?kind=nonsense"), 422).await;
        owner.get(&at(&selling, "?external_order_id=nonsense"), 422).await;
        owner.get(&at(&selling, "?cursor=nonsense"), 400).await;
        for unknown in ["1", "nonsense"] {
            owner.get(&at(&selling, &format!("/{unknown}")), 404).await;
            owner.post(&at(&selling, &format!("/{unknown}/accept")), &json!({}), 404).await;
        }

        // What may not be said is told at its field, or not at all.
        let offer = format!("{one}/offer");
        for level in [0, 20, 101] {
            let refused = owner.post(&offer, &json!({ "level": level }), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "level", "{}", refused.body);
        }
        let long = owner.post(&offer, &json!({ "level": 50, "words": "字".repeat(501) }), 422).await;
        assert_eq!(long.text("/errors/0/field"), "words");
        let proof = json!({ "words": "并无损坏", "pictures": [stage.picture().await] });
        assert_eq!(owner.post(&format!("{one}/prove"), &proof, 409).await.code(), "aftersale_wrong_state");
        let packer = stage.app.person(&stage.merchant, Role::MerchantOrders).await;
        packer.get(&one, 200).await;
        packer.post(&offer, &json!({ "level": 50 }), 403).await;

        let desk = stage.app.person(&stage.merchant, Role::MerchantServiceDesk).await;
        let told = desk.post(&offer, &json!({ "level": 50, "words": " 只有盖子有裂纹 " }), 200).await;
        assert_eq!((told.text("/state"), told.json("/damage/offered")), ("buyer_confirms".to_owned(), json!(50)));
        assert_eq!((told.text("/damage/offer_words"), told.json("/takes")), ("只有盖子有裂纹".to_owned(), json!([])));
        // Nothing is asked of the merchant any more, and the home page says so.
        until_waiting(&selling, 0).await;
        act(&selling, &claim, "take_offer").await;
        act(&selling, &claim, "paid").await;
        // The last push is followed by a look, and waits for nobody.
        let pushes = format!("/api/v1/channel_accounts/{}/pushes", selling.account["id"].as_str().unwrap());
        stage.work_until("the last push to be settled", async || {
            let items = owner.get(&pushes, 200).await.json("/items");
            let last = |push: &&Value| push["told"]["status"] == "STATUS_PAY_SUCC" && push["handled_at"].is_string();
            items.as_array().unwrap().iter().find(last).map(drop)
        }).await;
        let paid = owner.get(&one, 200).await;
        assert_eq!((paid.text("/state"), paid.json("/amount/amount")), ("paid".to_owned(), json!(6_400)));
        assert!(paid.json("/ended_at").is_string(), "{}", paid.body);
        until_waiting(&selling, 0).await;
        owner.post(&offer, &json!({ "level": 50 }), 409).await;
        let log = owner.get("/api/v1/audit_entries?limit=50", 200).await.json("/items").to_string();
        assert_eq!((log.matches("guarantee.offered").count(), log.contains("只有盖子")), (1, false), "{log}");
        selling.stage.stop().await;
    }

    async fn a_lost_answer_is_looked_for_and_otherwise_told_as_in_doubt(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let order = sent(&selling).await;
        let claim = claimed(&selling, &order, json!({ "type": 1, "identify_fee": 10_000 })).await;
        let one = at(&selling, &format!("/{claim}"));
        let found = owner.get(&one, 200).await.json("");
        assert_eq!((&found["kind"], &found["takes"]), (&json!("fake"), &json!(["accept", "refuse"])));
        assert_eq!((&found["fake"]["expected"]["amount"], &found["damage"]), (&json!(48_400), &Value::Null));
        assert_eq!(owner.post(&format!("{one}/offer"), &json!({ "level": 50 }), 409).await.code(), "aftersale_wrong_state");
        // It did not arrive: nobody knows, and nothing was done.
        lose(&selling, ACCEPT, false).await;
        assert_eq!(owner.post(&format!("{one}/accept"), &json!({}), 502).await.code(), "guarantee_in_doubt");
        assert_eq!(owner.get(&one, 200).await.text("/state"), "merchant_decides");
        // It arrived, and only its answer was lost: the claim shows it.
        lose(&selling, ACCEPT, true).await;
        assert_eq!(owner.post(&format!("{one}/accept"), &json!({}), 200).await.text("/state"), "paying");
        // Said again it is what it is, and the platform is not told twice.
        let before = calls(&selling, ACCEPT).await;
        assert_eq!(owner.post(&format!("{one}/accept"), &json!({}), 200).await.text("/state"), "paying");
        assert_eq!(calls(&selling, ACCEPT).await, before);
        for action in ["block", "pay", "paid"] {
            act(&selling, &claim, action).await;
        }
        assert_eq!(owner.get(&one, 200).await.json("/fake/paid/amount"), json!(48_400));

        // A refusal needs words and a picture, and goes to the platform with both.
        let claim = claimed(&selling, &order, json!({ "type": 1 })).await;
        let one = at(&selling, &format!("/{claim}"));
        let picture = stage.picture().await;
        let refuse = format!("{one}/refuse");
        for (body, field) in [
            (json!({ "words": " ", "pictures": [picture] }), "words"),
            (json!({ "words": "情况不属实", "pictures": [] }), "pictures"),
            (json!({ "words": "情况不属实", "pictures": vec![picture.clone(); 21] }), "pictures"),
            (json!({ "words": "情况不属实", "pictures": [format!("med_{}", "0".repeat(32))] }), "pictures[0]"),
        ] {
            let refused = owner.post(&refuse, &body, 422).await;
            assert_eq!(refused.text("/errors/0/field"), field, "{}", refused.body);
        }
        let refusal = json!({ "words": "情况不属实", "pictures": [picture, picture] });
        let told = owner.post(&refuse, &refusal, 200).await;
        assert_eq!((told.text("/state"), told.text("/refusal")), ("platform_decides".to_owned(), "情况不属实".to_owned()));
        // The platform wants proof; its answer to it is lost, and a proof leaves nothing to be told by.
        assert_eq!(act(&selling, &claim, "ask_both").await["pictures"], 2);
        until_waiting(&selling, 1).await;
        let prove = format!("{one}/prove");
        lose(&selling, PROVE, true).await;
        let proof = json!({ "words": "并无损坏", "pictures": [picture] });
        assert_eq!(owner.post(&prove, &proof, 502).await.code(), "guarantee_in_doubt");
        // Whoever looks sees that it was taken; said again it is not sent.
        assert_eq!(owner.get(&one, 200).await.text("/state"), "buyer_proof_wanted");
        assert_eq!(owner.post(&prove, &proof, 409).await.code(), "aftersale_wrong_state");
        assert_eq!((calls(&selling, PROVE).await, act(&selling, &claim, "prove").await["proof"].clone()), (1, json!("并无损坏")));
        until_waiting(&selling, 0).await;
        // What the platform refuses is told in its words.
        act(&selling, &claim, "ask_merchant").await;
        stage.sandbox.post("faults/calls", &json!({ "path": PROVE, "errcode": 10021041, "count": 1 })).await;
        let refused = owner.post(&prove, &proof, 422).await;
        assert!(refused.code() == "channel_refused" && refused.body.contains("10021041"), "{}", refused.body);
        act(&selling, &claim, "owe_nothing").await;
        stage.work().await;
        until_waiting(&selling, 0).await;
        // The platform cannot be asked: that is said, and nothing else.
        stage.sandbox.post("faults/calls", &json!({ "path": "*", "http_status": 502, "count": 50 })).await;
        assert_eq!(owner.get(&at(&selling, ""), 503).await.code(), "channel_busy");
        selling.stage.stop().await;
    }

    async fn a_long_list_goes_on_and_the_desk_answers_by_the_pages(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner) = (&selling.stage, &selling.stage.owner);
        let order = sent(&selling).await;
        for _ in 0..21 {
            claimed(&selling, &order, json!({ "type": 1 })).await;
        }
        let newest = claimed(&selling, &order, json!({ "type": 2, "content": "盖子裂了" })).await;
        let first = owner.get(&at(&selling, ""), 200).await;
        assert_eq!((first.json("/items").as_array().unwrap().len(), first.text("/items/0/external_id")), (20, newest.clone()));
        let second = owner.get(&at(&selling, &format!("?cursor={}", first.text("/next_cursor"))), 200).await;
        assert_eq!((second.json("/items").as_array().unwrap().len(), second.json("/next_cursor")), (2, Value::Null));

        until_waiting(&selling, 22).await;
        let desk = stage.app.visitor(&stage.merchant, Role::MerchantServiceDesk).await;
        let home = open(&desk, "/console/merchant").await;
        assert!(home.html.contains("等待您处理的保障单") && !home.html.contains("平台通知待查看"), "{}", home.html);
        let cases = open(&desk, "/console/merchant/aftersales").await;
        assert!(cases.html.contains("/guarantees\""), "{}", cases.html);
        let account = selling.account["id"].as_str().unwrap();
        let tail = format!("/channel_accounts/{account}/guarantees/{newest}");
        let page = format!("/console/merchant{tail}");
        let list = open(&desk, "/console/merchant/guarantees").await;
        for text in ["坏损包退", "假货赔付", "等待商家处理", "下一页", &tail] {
            assert!(list.html.contains(text), "{text} in {}", list.html);
        }
        let list = open(&desk, &format!("/console/merchant/guarantees?account={account}&kind=damage")).await;
        assert!(list.html.contains(&tail) && !list.html.contains("下一页"), "{}", list.html);
        let pushes = open(&desk, "/console/merchant/channel_accounts/pushes?tab=waiting").await;
        assert!(pushes.html.contains(&tail), "{}", pushes.html);
        let shown = open(&desk, &page).await;
        for text in ["盖子裂了", "同意赔付", "协商坏损比例", "拒绝理由", "¥64<small>.00"] {
            assert!(shown.html.contains(text), "{text} in {}", shown.html);
        }
        // Who only reads sees no form and cannot send one.
        let finance = stage.app.visitor(&stage.merchant, Role::MerchantFinance).await;
        let seen = open(&finance, &page).await;
        assert!(seen.html.contains("盖子裂了") && !seen.html.contains(&format!("{tail}/accept")), "{}", seen.html);
        assert_eq!(submit(&finance, &format!("{page}/accept"), &[]).await.status, 403);
        // What is wrong is said at the field, and what was typed stays.
        let wrong = submit(&desk, &format!("{page}/offer"), &[("level", ""), ("words", "只有盖子")]).await;
        assert!(wrong.status == 422 && wrong.html.contains("请选择 10、30") && wrong.html.contains("只有盖子"), "{}", wrong.html);
        let refuse = format!("{page}/refuse");
        let wrong = send(&desk, &refuse, "情况不属实", &[]).await;
        assert!(wrong.0 == 422 && wrong.2.contains("e-refuse-pictures") && wrong.2.contains("情况不属实"), "{}", wrong.2);
        let wrong = send(&desk, &refuse, "情况不属实", &[b"no picture"]).await;
        assert!(wrong.0 == 422 && wrong.2.contains("仅支持 JPEG"), "{}", wrong.2);
        let told = send(&desk, &refuse, "情况不属实", &[PNG]).await;
        assert_eq!((told.0, told.1.as_str()), (303, page.as_str()), "{}", told.2);
        let shown = open(&desk, &page).await;
        assert!(shown.html.contains("等待平台处理") && !shown.html.contains("同意赔付"), "{}", shown.html);
        act(&selling, &newest, "ask_merchant").await;
        let told = send(&desk, &format!("{page}/prove"), "并无损坏", &[PNG, PNG]).await;
        assert_eq!(told.0, 303, "{}", told.2);
        assert_eq!(act(&selling, &newest, "pay").await["pictures"], 2);
        // A lost answer is told above the claim.
        let other = first.text("/items/1/external_id");
        let page = format!("/console/merchant/channel_accounts/{account}/guarantees/{other}");
        lose(&selling, ACCEPT, false).await;
        assert_eq!(submit(&desk, &format!("{page}/accept"), &[]).await.location, page);
        assert!(open(&desk, &page).await.html.contains("同意赔付"));
        // Another account's claim is not there.
        let second = stage.direct_store("另一家").await["id"].as_str().unwrap().to_owned();
        owner.get(&format!("/api/v1/channel_accounts/{second}/guarantees/{other}"), 404).await;
        selling.stage.stop().await;
    }
}

/// Sends a form with these pictures: status, where it leads, the page.
async fn send(visitor: &Visitor, at: &str, words: &str, pictures: &[&[u8]]) -> (u16, String, String) {
    let mut form = Form::new().text("_csrf", visitor.form_token.clone()).text("words", words.to_owned());
    for bytes in pictures {
        form = form.part("pictures", Part::bytes(bytes.to_vec()).file_name("凭证.png"));
    }
    let request = visitor.client.request(Method::POST, at).multipart(form);
    let request = request.header("Cookie", &visitor.cookie).header("Accept-Language", "zh-CN");
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = without_seat(location.unwrap_or_default());
    (response.status().as_u16(), location, response.text().await.unwrap())
}
