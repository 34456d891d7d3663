//! Disputes at the WeChat shop: the buyer calls the platform's people, the merchant gives proof and leaves messages, and
//! nothing is said twice.

use crate::aftersales::{ask, case_in, look, move_on, path};
use crate::order_pages::open;
use crate::orders::Selling;
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::without_seat;
use qianpu_tests::onboarding::PNG;
use qianpu_tests::people::Visitor;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// A case that was refused and is disputed; the platform's id.
async fn disputed(selling: &Selling) -> String {
    let external = selling.buy(1, true).await;
    let asked = ask(selling, &external, json!({ "type": "REFUND" })).await;
    let case = case_in(&selling.stage, &asked, "requested").await;
    let refusal = json!({ "reason_code": "4", "words": "已经发出，请先收货" });
    selling.stage.owner.post(&path(&case, "refuse"), &refusal, 202).await;
    case_in(&selling.stage, &asked, "refused").await;
    move_on(selling, &asked, "complain").await;
    at_step(selling, &asked, "merchant_handles").await;
    asked
}

/// Works until the dispute is at this step; the case with everything.
async fn at_step(selling: &Selling, asked: &str, step: &str) -> Value {
    until(selling, asked, step, |case| case["dispute"]["step"] == step).await
}

async fn until(selling: &Selling, asked: &str, what: &str, looks: impl Fn(&Value) -> bool) -> Value {
    let owner = &selling.stage.owner;
    let list = format!("/api/v1/aftersales?q={asked}");
    selling
        .stage
        .work_until(what, async || {
            let found = owner.get(&list, 200).await.json("/items").get(0).cloned()?;
            let at = format!("/api/v1/aftersales/{}", found["id"].as_str().unwrap());
            let case = owner.get(&at, 200).await.json("");
            looks(&case).then_some(case)
        })
        .await
}

fn acts(case: &Value, act: &str) -> usize {
    case["dispute_history"].as_array().unwrap().iter().filter(|entry| entry["act"] == act).count()
}

fn events(case: &Value, kind: &str) -> usize {
    case["events"].as_array().unwrap().iter().filter(|event| event["kind"] == kind).count()
}

const SAY: &str = "dispute/evidence";

both! {
    async fn proof_is_given_once_and_stands_in_the_history(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let (stage, owner, sandbox) = (&selling.stage, &selling.stage.owner, &selling.stage.sandbox);
        let asked = disputed(&selling).await;
        let case = at_step(&selling, &asked, "merchant_handles").await;
        assert_eq!((&case["dispute"]["state"], &case["dispute"]["takes"]), (&json!("waits_for_merchant"), &Value::Null));
        assert!(case["dispute"]["since_at"].is_string() && case["dispute"]["deadline_at"].is_null(), "{case}");
        assert_eq!(case["dispute_history"][0]["act"], "opened");
        assert_eq!(case["dispute_history"][0]["words"], "商家不同意，请平台介入");
        assert_eq!(owner.get("/api/v1/aftersales/counts", 200).await.number("/disputes_waiting"), 1);
        let waiting = owner.get("/api/v1/aftersales?dispute=waits_for_merchant", 200).await.json("/items");
        assert_eq!(waiting[0]["external_id"], asked.as_str());
        owner.get("/api/v1/aftersales?dispute=nonsense", 422).await;
        // This step has no call: nothing is taken.
        let proof = json!({ "kind": "proof", "words": "已按约定发货，见快递面单" });
        assert_eq!(owner.post(&path(&case, SAY), &proof, 409).await.code(), "aftersale_wrong_state");

        // With the platform's people: messages, and no proof.
        move_on(&selling, &asked, "take_up").await;
        let case = at_step(&selling, &asked, "platform_handles").await;
        assert_eq!((&case["dispute"]["state"], &case["dispute"]["takes"]), (&json!("with_platform"), &json!("message")));
        owner.post(&path(&case, SAY), &proof, 409).await;
        let said = owner.post(&path(&case, SAY), &json!({ "kind": "message", "words": " 已联系买家 " }), 202).await;
        assert_eq!((said.text("/state"), said.text("/words")), ("queued".to_owned(), "已联系买家".to_owned()));
        let case = until(&selling, &asked, "the message", |case| acts(case, "merchant_message") == 1).await;
        assert_eq!((&case["dispute_evidence"][0]["state"], events(&case, "evidence_sent")), (&json!("sent"), 1));
        assert_eq!(owner.get("/api/v1/aftersales/counts", 200).await.number("/disputes_waiting"), 0);
        // The same words once more are another message.
        owner.post(&path(&case, SAY), &json!({ "kind": "message", "words": "已联系买家" }), 202).await;
        until(&selling, &asked, "the second message", |case| acts(case, "merchant_message") == 2).await;

        // The push that asks for proof comes twice.
        sandbox.post("faults/pushes", &json!({ "kind": "duplicate", "count": 1, "delay_ms": 50,
            "event": "channels_ec_complaint_update" })).await;
        let before = events(&case, "dispute");
        move_on(&selling, &asked, "ask_merchant").await;
        let case = at_step(&selling, &asked, "merchant_proof_wanted").await;
        stage.work().await;
        assert_eq!((&case["dispute"]["native_state"], &case["dispute"]["takes"]), (&json!("106"), &json!("proof")));
        assert_eq!(events(&case, "dispute"), before + 1);
        // The people who may answer are told, once.
        until(&selling, &asked, "the mail", |case| events(case, "reminded") == 1).await;
        let told = || stage.app.smtp.mails().iter().filter(|mail| mail.readable().contains("平台等待您举证")).count();
        stage.work_until("the mail to be sent", async || (told() > 0).then_some(())).await;
        stage.work().await;
        assert_eq!(told(), 1, "one desk, one mail");

        let picture = stage.picture().await;
        let bad = |change: Value| {
            let mut body = proof.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            body
        };
        for (change, field) in [
            (json!({ "kind": "shout" }), "kind"),
            (json!({ "words": "  " }), "words"),
            (json!({ "words": "字".repeat(501) }), "words"),
            (json!({ "pictures": vec![picture.clone(); 21] }), "pictures"),
            (json!({ "pictures": [picture.clone(), format!("med_{}", "0".repeat(32))] }), "pictures[1]"),
        ] {
            let refused = owner.post(&path(&case, SAY), &bad(change), 422).await;
            assert_eq!(refused.text("/errors/0/field"), field, "{}", refused.body);
        }
        let stale = [("Idempotency-Key", "stale"), ("If-Match", "\"99\"")];
        owner.send(Method::POST, &path(&case, SAY), Some(&proof), &stale, 409).await;
        let packer = stage.app.person(&stage.merchant, Role::MerchantOrders).await;
        packer.post(&path(&case, SAY), &proof, 403).await;

        // The answer is lost: the proof stands at the platform, and is not given again.
        sandbox.post("faults/calls", &json!({ "path": "/channels/ec/aftersale/addcomplaintproof",
            "http_status": 502, "after": true, "count": 1 })).await;
        let desk = stage.app.person(&stage.merchant, Role::MerchantServiceDesk).await;
        let with_picture = bad(json!({ "pictures": [picture] }));
        let key = [("Idempotency-Key", "once")];
        let first = desk.send(Method::POST, &path(&case, SAY), Some(&with_picture), &key, 202).await;
        let again = desk.send(Method::POST, &path(&case, SAY), Some(&with_picture), &key, 202).await;
        assert_eq!(first.body, again.body);
        let busy = desk.post(&path(&case, SAY), &with_picture, 409).await;
        assert!(["aftersale_busy", "version_conflict"].contains(&busy.code().as_str()), "{}", busy.body);
        stage.work().await;
        stage.app.advance(120);
        until(&selling, &asked, "the proof", |case| case["dispute_evidence"][0]["state"] == "sent").await;
        let case = at_step(&selling, &asked, "merchant_proof_given").await;
        assert_eq!((acts(&case, "merchant_proof"), &case["dispute"]["native_state"]), (1, &json!("107")), "{case}");
        let calls = sandbox.get("calls?path=/channels/ec/aftersale/addcomplaintproof").await;
        assert_eq!(calls["calls"].as_array().unwrap().len(), 1, "{calls}");
        let entry = case["dispute_history"].as_array().unwrap().iter().find(|one| one["act"] == "merchant_proof").unwrap();
        assert_eq!((&entry["words"], entry["pictures"].as_array().unwrap().len()), (&proof["words"], 1));
        let audited = owner.get("/api/v1/audit_entries?limit=50", 200).await.json("/items").to_string();
        assert_eq!(audited.matches("aftersale.dispute_answered").count(), 3, "{audited}");

        // The platform decides for the merchant.
        move_on(&selling, &asked, "side_with_merchant").await;
        let case = at_step(&selling, &asked, "closed").await;
        assert_eq!((&case["dispute"]["state"], &case["dispute"]["takes"]), (&json!("ended"), &Value::Null));
        assert_eq!((acts(&case, "buyer_responsible"), selling.money().await), (1, (12_800, 0)));
        selling.stage.stop().await;
    }

    async fn what_the_platform_refuses_is_told_and_late_proof_is_seen(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let owner = &selling.stage.owner;
        let asked = disputed(&selling).await;
        for (ask, wanted, late, native) in [
            ("ask_buyer", "buyer_proof_wanted", "buyer_proof_late", "305"),
            ("ask_both", "both_proof_wanted", "both_proof_late", "109"),
            ("ask_merchant", "merchant_proof_wanted", "merchant_proof_late", "307"),
        ] {
            move_on(&selling, &asked, ask).await;
            let case = at_step(&selling, &asked, wanted).await;
            let ours = wanted != "buyer_proof_wanted";
            let state = if ours { "waits_for_merchant" } else { "waits_for_buyer" };
            assert_eq!(case["dispute"]["state"], state);
            assert_eq!(case["dispute"]["takes"], if ours { json!("proof") } else { Value::Null });
            move_on(&selling, &asked, "expire_proof").await;
            let case = at_step(&selling, &asked, late).await;
            assert_eq!((&case["dispute"]["native_state"], &case["dispute"]["state"]), (&json!(native), &json!("with_platform")));
        }
        // What came to its end without a push is found when something is said, and nothing is said.
        move_on(&selling, &asked, "ask_merchant").await;
        // Asked twice within a second: the platform's two pushes are the same to the letter.
        look(&selling, &asked).await;
        let case = at_step(&selling, &asked, "merchant_proof_wanted").await;
        selling.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        move_on(&selling, &asked, "withdraw_complaint").await;
        owner.post(&path(&case, SAY), &json!({ "kind": "proof", "words": "快递面单" }), 202).await;
        let case = at_step(&selling, &asked, "withdrawn").await;
        let said = &case["dispute_evidence"][0];
        assert_eq!((&said["state"], &case["dispute"]["state"]), (&json!("refused"), &json!("ended")));
        assert!(said["error"].as_str().unwrap().contains("102"), "{said}");
        assert_eq!((events(&case, "evidence_refused"), acts(&case, "merchant_proof")), (1, 0));
        // A dispute that goes on while the case stays refused is read again though nobody pushes, however long it takes.
        let other = {
            selling.stage.sandbox.delete("faults/pushes").await;
            disputed(&selling).await
        };
        selling.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 1000 })).await;
        move_on(&selling, &other, "ask_merchant").await;
        look(&selling, &other).await;
        at_step(&selling, &other, "merchant_proof_wanted").await;
        selling.stage.stop().await;
    }

    async fn the_desk_answers_a_dispute_by_its_page(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let asked = disputed(&selling).await;
        move_on(&selling, &asked, "ask_merchant").await;
        let case = at_step(&selling, &asked, "merchant_proof_wanted").await;
        let desk = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantServiceDesk).await;
        let home = open(&desk, "/console/merchant").await;
        assert!(home.html.contains("等待您举证或处理的纠纷"), "{}", home.html);
        let list = open(&desk, "/console/merchant/aftersales?tab=disputes").await;
        let at = format!("/console/merchant/aftersales/{}", case["id"].as_str().unwrap());
        let id = case["id"].as_str().unwrap();
        assert!(list.html.contains(&format!("/aftersales/{id}\"")) && list.html.contains("纠纷待处理"), "{}", list.html);
        let page = open(&desk, &at).await;
        for text in ["平台介入", "待商家补充凭证", "买家申请平台介入", "商家不同意，请平台介入", "提交凭证", "平台未告知"] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        let version = case["version"].to_string();
        let fields = [("version", version.as_str()), ("kind", "proof")];
        // What is wrong is said at the field, and what was typed stays.
        let wrong = answer(&desk, &at, &[fields[0], fields[1], ("words", "面单在图里")], &[b"no picture"]).await;
        assert!(wrong.0 == 422 && wrong.2.contains("仅支持 JPEG") && wrong.2.contains("面单在图里"), "{}", wrong.2);
        assert!(wrong.2.contains("id=\"e-dispute-pictures\"") && !wrong.2.contains("pictures: "), "{}", wrong.2);
        let many: Vec<&[u8]> = vec![PNG; 21];
        let wrong = answer(&desk, &at, &[fields[0], fields[1], ("words", "面单在图里")], &many).await;
        assert!(wrong.0 == 422 && wrong.2.contains("最多20张图片"), "{}", wrong.2);
        let wrong = answer(&desk, &at, &[fields[0], fields[1], ("words", " ")], &[PNG]).await;
        assert_eq!(wrong.0, 422, "{}", wrong.2);
        let sent = answer(&desk, &at, &[fields[0], fields[1], ("words", "面单在图里")], &[PNG, PNG]).await;
        assert_eq!((sent.0, sent.1.as_str()), (303, at.as_str()), "{}", sent.2);
        let case = at_step(&selling, &asked, "merchant_proof_given").await;
        assert_eq!(case["dispute_evidence"][0]["pictures"].as_array().unwrap().len(), 2);
        let page = open(&desk, &at).await;
        for text in ["商家已补充凭证", "面单在图里", "平台已收到", "图片 2", "/media/"] {
            assert!(page.html.contains(text), "{text} in {}", page.html);
        }
        assert!(!page.html.contains("name=\"words\""), "the form is gone: {}", page.html);
        assert!(!page.html.contains("平台未告知"), "nothing is asked of the merchant now: {}", page.html);
        let picture = case["dispute_evidence"][0]["pictures"][0].as_str().unwrap();
        assert_eq!(open(&desk, &format!("/console/merchant/media/{picture}")).await.status, 200);
        // Who only reads sees the dispute and no form, and cannot send one.
        move_on(&selling, &asked, "ask_merchant").await;
        // Asked twice within a second: the platform's two pushes are the same to the letter.
        look(&selling, &asked).await;
        at_step(&selling, &asked, "merchant_proof_wanted").await;
        let finance = selling.stage.app.visitor(&selling.stage.merchant, Role::MerchantFinance).await;
        let page = open(&finance, &at).await;
        assert!(page.html.contains("待商家补充凭证") && !page.html.contains("name=\"words\""), "{}", page.html);
        assert_eq!(answer(&finance, &at, &[fields[1], ("words", "不该成功")], &[]).await.0, 403);
        selling.stage.stop().await;
    }
}

/// Sends the form of the dispute with these pictures: status, where it leads, the page.
async fn answer(
    visitor: &Visitor,
    at: &str,
    fields: &[(&str, &str)],
    pictures: &[&[u8]],
) -> (u16, String, String) {
    let mut form = Form::new().text("_csrf", visitor.form_token.clone());
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    for bytes in pictures {
        form = form.part("pictures", Part::bytes(bytes.to_vec()).file_name("凭证.png"));
    }
    let request = visitor.client.request(Method::POST, &format!("{at}/dispute")).multipart(form);
    let request = request.header("Cookie", &visitor.cookie).header("Accept-Language", "zh-CN");
    let response = request.send().await.unwrap();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = without_seat(location.unwrap_or_default());
    (response.status().as_u16(), location, response.text().await.unwrap())
}
