//! Cases against deposits by their pages, and how they meet the money of orders.

use super::deposit_cases::{CASES, case_of, held};
use super::deposits::{open, send};
use super::{stage, yuan};
use crate::aftersales::{ask, case_in, look, path, shipped};
use crate::orders::Selling;
use qianpu_api::app::money::deposits;
use qianpu_domain::access::Role;
use qianpu_domain::ledger::flows::{Beneficiary, PaidOutOf, deduction_beyond, payout_requested};
use qianpu_domain::money::Fen;
use qianpu_tenants::store::ledger::journal_post;
use qianpu_tests::both;
use qianpu_tests::browser::without_seat;
use qianpu_tests::http::Answer;
use reqwest::Method;
use serde_json::json;

const DESK: &str = "/console/provider/deposits/cases";
const OWN: &str = "/console/merchant/money/deposits/cases";

both! {
    async fn a_case_pays_what_was_advanced_for_a_refund(db: TestDb) {
        let mut selling = Selling::start(db, 10).await;
        let state = &selling.stage.app.state;
        let terms = deposits::terms(state, &selling.stage.merchant, selling.stage.shop).await.unwrap();
        let mut tx = state.db.begin(&selling.stage.merchant).await.unwrap();
        deposits::open_in(&mut tx, selling.stage.shop, &terms).await.unwrap();
        tx.commit().await.unwrap();
        let (external, _) = shipped(&selling, 1).await;
        selling.at_platform(&external, "confirm").await;
        selling.order_in(&external, "completed").await;
        selling.stage.app.advance(8 * 86_400);
        selling.stage.work().await;
        // ¥125.44 are settled; ¥120.00 of them are on their way out when the buyer gets ¥128.00 back.
        let mut tx = selling.stage.app.state.db.begin(&selling.stage.merchant).await.unwrap();
        let out = payout_requested("pay_1", &PaidOutOf::Available, Fen::new(12_000), tx.now()).unwrap();
        journal_post(&mut tx, &out).await.unwrap();
        tx.commit().await.unwrap();
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        selling.stage.staff = selling.stage.app.person(&selling.stage.provider, Role::ProviderOwner).await;
        let asked = ask(&selling, &external, json!({ "type": "REFUND" })).await;
        look(&selling, &asked).await;
        let aftersale = case_in(&selling.stage, &asked, "requested").await;
        let (owner, staff) = (selling.stage.owner.clone(), selling.stage.staff.clone());
        let deposit = owner.get("/api/v1/deposits", 200).await.text("/items/0/id");
        let body = json!({"deposit_id": deposit, "amount": yuan(50_000), "bank_reference": "r1"});
        let receipt = owner.post("/api/v1/receipts", &body, 201).await.text("/id");
        staff.post(&format!("/api/v1/receipts/{receipt}/confirm"), &json!({}), 200).await;
        let mut about = case_of(&deposit, 40_000);
        about["aftersale_id"] = aftersale["id"].clone();
        let case = staff.post(CASES, &about, 201).await;
        assert_eq!(case.json("/order_id"), aftersale["order_id"], "the order follows");
        assert_eq!(staff.post(CASES, &about, 409).await.code(), "conflict", "it is in one case at a time");
        let id = case.text("/id");
        owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "x"}), 200).await;
        let upheld = json!({"version": 2, "verdict": "upheld", "reasons": "属实"});
        staff.post(&format!("{CASES}/{id}/decide"), &upheld, 200).await;
        let deduct = format!("{CASES}/{id}/deduct");
        let buyer = |version: i64, fen: i64| json!({
            "version": version, "deducted_for": "buyer", "amount": yuan(fen), "reason": "退款垫付", "claim_rest": true,
        });
        assert_eq!(staff.post(&deduct, &buyer(3, 1), 409).await.code(), "insufficient_balance", "nothing is refunded yet");

        owner.post(&path(&aftersale, "accept"), &json!({}), 202).await;
        selling.stage.work().await;
        look(&selling, &asked).await;
        case_in(&selling.stage, &asked, "done").await;
        assert_eq!((held(&owner, 1120).await, held(&owner, 2500).await), (12_000, 0));
        staff.post(&deduct, &buyer(3, 12_001), 409).await;
        staff.post(&deduct, &buyer(3, 7_000), 200).await;
        staff.post(&deduct, &buyer(4, 5_001), 409).await;
        staff.post(&deduct, &buyer(4, 5_000), 200).await;
        staff.post(&deduct, &buyer(5, 1), 409).await;
        assert_eq!((held(&owner, 1120).await, held(&owner, 2110).await), (0, 28_000));
        let closed = staff.post(&format!("{CASES}/{id}/close"), &json!({"version": 5}), 200).await;
        assert_eq!(closed.number("/money/released/amount"), 28_000);
        // Another case about the same refund finds it paid.
        let id = staff.post(CASES, &about, 201).await.text("/id");
        owner.post(&format!("{CASES}/{id}/appeal"), &json!({"version": 1, "words": "x"}), 200).await;
        staff.post(&format!("{CASES}/{id}/decide"), &upheld, 200).await;
        staff.post(&format!("{CASES}/{id}/deduct"), &buyer(3, 1), 409).await;
        selling.stage.stop().await;
    }

    async fn a_claim_is_netted_with_the_next_takings(db: TestDb) {
        let mut selling = Selling::start(db, 10).await;
        let mut tx = selling.stage.app.state.db.begin(&selling.stage.merchant).await.unwrap();
        let owed = deduction_beyond("dcs_1/1", &Beneficiary::Provider, Fen::new(15_000), tx.now()).unwrap();
        journal_post(&mut tx, &owed).await.unwrap();
        tx.commit().await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..2 {
            let (external, order) = shipped(&selling, 1).await;
            selling.at_platform(&external, "confirm").await;
            selling.order_in(&external, "completed").await;
            ids.push(order["id"].as_str().unwrap().to_owned());
        }
        selling.stage.app.advance(8 * 86_400);
        selling.stage.work().await;
        selling.stage.owner = selling.stage.app.person(&selling.stage.merchant, Role::MerchantOwner).await;
        // Twice ¥125.44: the first pays a part of the claim, the second the rest of it.
        assert_eq!(selling.money().await, (0, 10_088));
        assert_eq!(held(&selling.stage.owner, 1120).await, 0);
        for id in ids {
            let found = selling.stage.owner.get(&format!("/api/v1/ledger/journals?reference={id}"), 200).await;
            let booked = found.json("/items");
            assert!(booked.as_array().unwrap().iter().any(|row| row["code"] == "claim.netted"), "{booked}");
        }
        selling.stage.stop().await;
    }

    async fn both_sides_work_by_their_pages(db: TestDb) {
        let stage = stage(db).await;
        let (_, deposit) = stage.deposited(200_000).await;
        let finance = stage.app.visitor(&stage.provider, Role::ProviderFinance).await;
        let list = open(&finance, "/console/provider/deposits").await;
        let form = format!("/console/provider/deposits/{deposit}/open_case");
        assert!(plain(&list).contains(&form), "{}", list.body);
        let page = open(&finance, &form).await;
        assert!(page.body.contains("山里茶铺") && page.body.contains("虚假发货") && page.body.contains("¥2,000"), "{}", page.body);
        let fields = |amount: &'static str, facts: &'static str| {
            [("violation", "late_shipment"), ("facts", facts), ("amount", amount), ("order_id", ""), ("aftersale_id", "")]
        };
        for (amount, facts) in [("", "x"), ("1.234", "x"), ("0", "x"), ("5", " ")] {
            let refused = send(&finance, &form, &fields(amount, facts)).await;
            assert!(refused.status == 422 && refused.body.contains("role=\"alert\""), "{amount} {facts}: {}", refused.body);
        }
        let mut wrong = fields("5", "迟发");
        wrong[4].1 = "afs_00000000000000000000000000000000";
        let refused = send(&finance, &form, &wrong).await;
        assert!(refused.status == 422 && refused.body.contains("该店铺没有此编号的记录"), "{}", refused.body);
        let made = send(&finance, &form, &fields("500", "<b>迟发 12 单</b>")).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let at = without_seat(made.headers["location"].to_str().unwrap());
        let id = at.rsplit('/').next().unwrap().to_owned();
        let page = open(&finance, &at).await;
        assert!(page.body.contains("延迟发货") && page.body.contains("&lt;b&gt;迟发 12 单"), "{}", page.body);
        assert!(page.body.contains("商家仍在申诉期内") && !page.body.contains("value=\"upheld\""), "{}", page.body);
        let early = send(&finance, &format!("{at}/decide"), &[("version", "1"), ("verdict", "upheld"), ("reasons", "x")]).await;
        assert!(early.status == 422 && early.body.contains("暂不能裁定违规成立"), "{}", early.body);
        // Evidence of the provider, which the merchant reads.
        let added = upload(&finance, &format!("{at}/evidence"), &[]).await;
        assert_eq!(added.status, 303, "{}", added.body);

        let owner = stage.app.visitor(&stage.merchant, Role::MerchantOwner).await;
        let home = open(&owner, "/console/merchant").await;
        assert!(home.body.contains("可申诉的保证金案件"), "{}", home.body);
        let own = format!("{OWN}/{id}");
        assert!(plain(&open(&owner, OWN).await).contains(&own));
        let page = open(&owner, &own).await;
        assert!(page.body.contains("商家申诉") && page.body.contains("服务商提交") && !page.body.contains("/decide\""), "{}", page.body);
        let files = format!("{own}/files/");
        let shown = plain(&page);
        let file = format!("{files}{}", shown.split(&files).nth(1).unwrap().split('"').next().unwrap());
        let got = open(&owner, &file).await;
        assert_eq!((got.status, got.headers["content-type"].to_str().unwrap()), (200, "image/png"));
        let stranger = stage.app.merchant(&stage.provider, "另一商家").await;
        let stranger = stage.app.visitor(&stranger, Role::MerchantOwner).await;
        assert_eq!(open(&stranger, &file).await.status, 404);
        assert_eq!(open(&stranger, &own).await.status, 404);
        let empty = upload(&owner, &format!("{own}/appeal"), &[("version", "1"), ("words", " ")]).await;
        assert_eq!(empty.status, 422);
        let sent = upload(&owner, &format!("{own}/appeal"), &[("version", "1"), ("words", "大雪封路")]).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        let page = open(&owner, &own).await;
        assert!(page.body.contains("大雪封路") && page.body.contains("商家提交") && !page.body.contains("/appeal\""), "{}", page.body);

        // A window that is older than the appeal decides nothing.
        let stale = [("version", "1"), ("verdict", "dismissed"), ("reasons", "x")];
        assert_eq!(send(&finance, &format!("{at}/decide"), &stale).await.status, 303);
        assert_eq!(stage.finance.get(&format!("{CASES}/{id}"), 200).await.text("/state"), "appealed");
        let decide = [("version", "2"), ("verdict", "upheld"), ("reasons", "未提前告知买家")];
        assert_eq!(send(&finance, &format!("{at}/decide"), &decide).await.status, 303);
        let deduct = |amount: &'static str| [("version", "3"), ("deducted_for", "provider"), ("amount", amount), ("reason", "迟发 12 单")];
        let refused = send(&finance, &format!("{at}/deduct"), &deduct("500.01")).await;
        assert!(refused.status == 422 && refused.body.contains("仍冻结 ¥500.00") && refused.body.contains("value=\"500.01\""), "{}", refused.body);
        for _ in 0..2 {
            assert_eq!(send(&finance, &format!("{at}/deduct"), &deduct("120")).await.status, 303, "a double click");
        }
        assert_eq!(send(&finance, &format!("{at}/close"), &[("version", "4")]).await.status, 303);
        let page = open(&finance, &at).await;
        assert!(page.body.contains("已结案") && page.body.contains("¥380") && !page.body.contains("/close\""), "{}", page.body);
        assert!(plain(&open(&finance, &format!("{DESK}?state=closed")).await).contains(&at));
        // What was booked leads to the case, in both consoles.
        let journals = open(&owner, "/console/merchant/money/journals").await;
        assert!(plain(&journals).contains(&own) && journals.body.contains("保证金违约金"), "{}", journals.body);
        assert_eq!(stage.deposit(&deposit).await, ("short".into(), [188_000, 0, 0, 12_000]));
        stage.stop().await;
    }
}

/// A page with plain addresses.
fn plain(page: &Answer) -> String {
    without_seat(&page.body)
}

async fn upload(visitor: &qianpu_tests::people::Visitor, path: &str, fields: &[(&str, &str)]) -> Answer {
    let part = reqwest::multipart::Part::bytes(qianpu_tests::stage::PNG).file_name("凭证.png");
    let mut form =
        reqwest::multipart::Form::new().text("_csrf", visitor.form_token.clone()).part("file", part);
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    let request = visitor.client.request(Method::POST, path).header("Cookie", &visitor.cookie);
    Answer::of(request.multipart(form).send().await.unwrap()).await
}
