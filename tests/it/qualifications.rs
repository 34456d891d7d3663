//! Categories and brands that a linked shop may sell, between what was applied for, what the platform decides, and answers
//! that were lost.

use crate::order_pages::{open, submit};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::stage::Stage;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const ADD: &str = "/channels/ec/category/add";
const BRAND_ADD: &str = "/channels/ec/brand/add";
const BRAND_UPDATE: &str = "/channels/ec/brand/update";
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0,
    1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89,
];

pub struct Desk {
    pub stage: Stage,
    pub store: Value,
}

async fn upload(client: &Client, bytes: Vec<u8>) -> String {
    let form = Form::new().text("purpose", "document").part("file", Part::bytes(bytes).file_name("证件.png"));
    let response = client.request(Method::POST, "/api/v1/media").multipart(form).send().await.unwrap();
    let answer = Answer::of(response).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.text("/id")
}

impl Desk {
    pub async fn start(db: qianpu_tests::TestDb) -> Self {
        let stage = Stage::start(db).await;
        let store = stage.direct_store("山前小店").await;
        Self { stage, store }
    }
    pub fn at(&self, rest: &str) -> String {
        format!("/api/v1/channel_accounts/{}/{rest}", self.store["id"].as_str().unwrap())
    }
    pub fn page(&self, rest: &str) -> String {
        format!("/console/merchant/channel_accounts/{}/{rest}", self.store["id"].as_str().unwrap())
    }
    pub async fn document(&self) -> String {
        upload(&self.stage.owner, PNG.to_vec()).await
    }
    async fn category(&self, id: &str) -> Value {
        json!({ "category_id": id, "documents": { "certificate": [self.document().await] } })
    }
    pub async fn brand(&self, id: &str, zh: &str, en: &str) -> Value {
        json!({ "brand_id": id, "name_zh": zh, "name_en": en, "class": 30,
            "mark": { "kind": "registered", "registrant": "山前茶业有限公司", "number": "12345678",
                "valid_from": "2020-01-01", "valid_until": "2030-01-01",
                "certificate_ids": [self.document().await] } })
    }
    pub async fn apply(&self, what: &str, body: &Value, expected: u16) -> Answer {
        self.stage.owner.post(&self.at(what), body, expected).await
    }
    pub async fn in_state(&self, id: &str, state: &str) -> Answer {
        let at = format!("/api/v1/qualifications/{id}");
        let seen = async || {
            let one = self.stage.owner.get(&at, 200).await;
            (one.json("/state") == state).then_some(one)
        };
        self.stage.work_until(state, seen).await
    }
    async fn list(&self) -> Vec<Value> {
        let list = self.stage.owner.get(&self.at("qualifications"), 200).await.json("/items");
        list.as_array().unwrap().clone()
    }
    fn platform(&self, rest: &str) -> String {
        format!("stores/{}/qualifications{rest}", self.store["external_id"].as_str().unwrap())
    }
    pub async fn decide(&self, audit: &str, action: &str, reason: &str) {
        self.stage
            .sandbox
            .post(&self.platform(&format!("/{audit}/{action}")), &json!({ "reason": reason }))
            .await;
    }
    async fn calls(&self, path: &str) -> usize {
        let calls = self.stage.sandbox.get(&format!("calls?path={path}")).await;
        calls["calls"].as_array().unwrap().len()
    }
    async fn fault(&self, fault: Value) {
        self.stage.sandbox.post("faults/calls", &fault).await;
    }
    async fn no_pushes(&self) {
        self.stage.sandbox.post("faults/pushes", &json!({ "kind": "drop", "count": 100 })).await;
    }
    async fn again(&self, id: &str) -> Answer {
        self.stage.owner.post(&format!("/api/v1/qualifications/{id}/read"), &json!({}), 200).await
    }
}

both! {
    async fn a_category_is_applied_for_and_the_platforms_word_arrives_by_push(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let found = owner.get(&desk.at("category_search?words=%E7%99%BD%E9%85%92"), 200).await;
        assert_eq!(found.json("/items/0/needs_application"), json!(true), "{}", found.body);
        assert_eq!(found.json("/items/0/path/2"), json!({ "id": "2031", "name": "白酒" }));
        let open = owner.get(&desk.at("category_search?words=%E7%BB%BF%E8%8C%B6"), 200).await;
        assert_eq!(open.json("/items/0/needs_application"), json!(false));
        let terms = owner.get(&desk.at("category_terms?category_id=2031"), 200).await;
        assert_eq!(terms.json("/deposit/amount"), 2_000_000);
        assert_eq!((terms.json("/fee_basis_points"), terms.json("/invited_only")), (json!(500), json!(false)));
        assert_eq!((terms.json("/documents/0/code"), terms.json("/documents/0/mandatory")), (json!("certificate"), json!(true)));
        assert_eq!(terms.json("/of_goods/0"), json!({ "name": "质检报告", "tips": "质检报告", "mandatory": true }));
        assert_eq!(owner.get(&desk.at("approved_categories"), 200).await.json("/items"), json!([]));
        let made = desk.apply("category_applications", &desk.category("2031").await, 202).await;
        assert_eq!((made.json("/state"), made.json("/documents")), (json!("sent"), json!(1)));
        assert_eq!(made.json("/subject_name"), "食品饮料 / 酒类 / 白酒");
        let id = made.text("/id");
        let checking = desk.in_state(&id, "checking").await;
        // One at a time for a category.
        let second = desk.apply("category_applications", &desk.category("2031").await, 409).await;
        assert_eq!(second.code(), "qualification_open");
        desk.decide(&checking.text("/external_application_id"), "approve", "").await;
        desk.in_state(&id, "accepted").await;
        let approved = owner.get(&desk.at("approved_categories"), 200).await;
        assert_eq!((approved.json("/items/0/category_id"), approved.json("/items/0/path/2/name")), (json!("2031"), json!("白酒")));
        assert_eq!(desk.calls(ADD).await, 1);
        let sent = desk.stage.sandbox.get(&format!("calls?path={ADD}")).await;
        let sent: Value = serde_json::from_str(sent["calls"][0]["request_body"].as_str().unwrap()).unwrap();
        assert_eq!(sent["category_info"]["cats_v2"], json!([{ "cat_id": "2000" }, { "cat_id": "2030" }, { "cat_id": "2031" }]));
        assert_eq!(sent["category_info"]["certificate"].as_array().unwrap().len(), 1);
        let log = owner.get("/api/v1/audit_entries?action=qualification.asked", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 1, "{log}");
        desk.stage.stop().await;
    }

    async fn a_refusal_comes_with_its_reason_and_another_application_can_follow(db: TestDb) {
        let desk = Desk::start(db).await;
        let made = desk.apply("category_applications", &desk.category("7011").await, 202).await;
        let id = made.text("/id");
        let checking = desk.in_state(&id, "checking").await;
        // The same push twice leads to the same state.
        desk.stage.sandbox.post("faults/pushes", &json!({ "kind": "duplicate", "count": 3 })).await;
        desk.decide(&checking.text("/external_application_id"), "refuse", "证件已过期").await;
        let refused = desk.in_state(&id, "refused").await;
        assert_eq!(refused.json("/reason"), "证件已过期");
        desk.stage.work().await;
        assert_eq!((desk.list().await.len(), desk.again(&id).await.json("/reason")), (1, json!("证件已过期")));
        let anew = desk.apply("category_applications", &desk.category("7011").await, 202).await;
        desk.in_state(&anew.text("/id"), "checking").await;
        // What the platform refuses at once is refused with its words, and was no application.
        let invited = desk.apply("category_applications", &desk.category("7012").await, 202).await;
        let refused = desk.in_state(&invited.text("/id"), "refused").await;
        assert!(refused.text("/reason").contains("定向准入"), "{}", refused.body);
        desk.stage.stop().await;
    }

    async fn a_lost_answer_is_in_doubt_and_never_applied_again(db: TestDb) {
        let desk = Desk::start(db).await;
        desk.no_pushes().await;
        let lost = json!({ "path": ADD, "errcode": -1, "count": 1, "after": true });
        desk.fault(lost.clone()).await;
        let made = desk.apply("category_applications", &desk.category("2031").await, 202).await;
        let id = made.text("/id");
        desk.in_state(&id, "in_doubt").await;
        assert_eq!(desk.again(&id).await.json("/state"), "in_doubt", "no list tells it");
        desk.apply("category_applications", &desk.category("2031").await, 409).await;
        assert_eq!(desk.calls(ADD).await, 1);
        // Its approval can be seen.
        let there = desk.stage.sandbox.get(&desk.platform("")).await;
        desk.decide(&there["categories"][0]["audit_id"].to_string(), "approve", "").await;
        assert_eq!(desk.again(&id).await.json("/state"), "accepted");
        // Or somebody says that it did not arrive.
        desk.fault(json!({ "path": ADD, "errcode": -1, "count": 1 })).await;
        let made = desk.apply("category_applications", &desk.category("7011").await, 202).await;
        let id = made.text("/id");
        desk.in_state(&id, "in_doubt").await;
        let at = format!("/api/v1/qualifications/{id}");
        assert_eq!(desk.stage.owner.post(&format!("{at}/withdraw"), &json!({}), 409).await.code(), "qualification_wrong_state");
        assert_eq!(desk.stage.owner.post(&format!("{at}/give_up"), &json!({}), 200).await.json("/state"), "not_made");
        desk.stage.owner.post(&format!("{at}/give_up"), &json!({}), 409).await;
        let anew = desk.apply("category_applications", &desk.category("7011").await, 202).await;
        desk.in_state(&anew.text("/id"), "checking").await;
        desk.stage.stop().await;
    }

    async fn documents_that_could_not_be_sent_are_sent_again_and_the_application_once(db: TestDb) {
        let desk = Desk::start(db).await;
        let upload = "/channels/ec/basics/qualification/upload";
        desk.fault(json!({ "path": upload, "errcode": -1, "count": 1 })).await;
        let made = desk.apply("category_applications", &desk.category("2031").await, 202).await;
        let id = made.text("/id");
        desk.stage.work().await;
        desk.stage.app.advance(300);
        desk.in_state(&id, "checking").await;
        assert_eq!(desk.calls(ADD).await, 1);
        desk.stage.stop().await;
    }

    async fn a_brand_goes_from_refused_to_accepted_and_away(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let known = owner.get(&desk.at("known_brands?words=shanqian"), 200).await;
        assert_eq!(known.json("/items/0"), json!({ "brand_id": "10000000", "name_zh": "山前", "name_en": "Shanqian" }));
        let body = desk.brand("10000000", "山前", "Shanqian").await;
        let made = desk.apply("brand_applications", &body, 202).await;
        let id = made.text("/id");
        let first = desk.in_state(&id, "checking").await.text("/external_application_id");
        desk.decide(&first, "refuse", "商标注册证不清晰").await;
        assert_eq!(desk.in_state(&id, "refused").await.json("/reason"), "商标注册证不清晰");
        let brands = owner.get(&desk.at("shop_brands"), 200).await;
        assert_eq!((brands.json("/items/0/state"), brands.json("/items/0/reason")), (json!("refused"), json!("商标注册证不清晰")));
        // Anew for the same brand: changed there, not added.
        let mut granted = desk.brand("10000000", "山前", "Shanqian").await;
        granted["grant"] = json!({ "level": 2, "letter_ids": [desk.document().await], "owner_paper_ids": [] });
        let anew = desk.apply("brand_applications", &granted, 202).await;
        let second = desk.in_state(&anew.text("/id"), "checking").await.text("/external_application_id");
        assert_ne!(first, second);
        assert_eq!((desk.calls(BRAND_ADD).await, desk.calls(BRAND_UPDATE).await), (1, 1));
        desk.decide(&second, "approve", "").await;
        desk.in_state(&anew.text("/id"), "accepted").await;
        let brands = owner.get(&desk.at("shop_brands"), 200).await;
        assert_eq!((brands.json("/items/0/state"), brands.json("/items/0/own")), (json!("accepted"), json!(false)));
        // A category for which a brand is needed takes this one, and no other.
        let mut wish = json!({ "category_id": "5021", "documents": {}, "brand_ids": ["10000001"] });
        let refused = desk.apply("category_applications", &wish, 422).await;
        assert_eq!(refused.text("/errors/0/field"), "brand_ids");
        wish["brand_ids"] = json!(["10000000"]);
        let made = desk.apply("category_applications", &wish, 202).await;
        desk.in_state(&made.text("/id"), "checking").await;
        owner.post(&desk.at("shop_brands/remove"), &json!({ "brand_id": "10000000" }), 204).await;
        owner.post(&desk.at("shop_brands/remove"), &json!({ "brand_id": "10000000" }), 204).await;
        assert_eq!(owner.get(&desk.at("shop_brands"), 200).await.json("/items"), json!([]));
        desk.stage.stop().await;
    }

    async fn a_brand_whose_answer_was_lost_is_found_or_was_never_made(db: TestDb) {
        let desk = Desk::start(db).await;
        desk.no_pushes().await;
        desk.fault(json!({ "path": BRAND_ADD, "errcode": -1, "count": 1, "after": true })).await;
        let made = desk.apply("brand_applications", &desk.brand("10000001", "云岭茶", "Yunling Tea").await, 202).await;
        let id = made.text("/id");
        desk.in_state(&id, "in_doubt").await;
        let found = desk.again(&id).await;
        assert_eq!(found.json("/state"), "checking");
        assert!(!found.json("/external_application_id").is_null());
        assert_eq!(desk.calls(BRAND_ADD).await, 1);
        // A change that never arrived: the platform still has the application before it.
        desk.decide(&found.text("/external_application_id"), "approve", "").await;
        assert_eq!(desk.again(&id).await.json("/state"), "accepted");
        desk.fault(json!({ "path": BRAND_UPDATE, "errcode": -1, "count": 1 })).await;
        let made = desk.apply("brand_applications", &desk.brand("10000001", "云岭茶", "Yunling Tea").await, 202).await;
        let id = made.text("/id");
        desk.in_state(&id, "in_doubt").await;
        assert_eq!(desk.again(&id).await.json("/state"), "in_doubt", "it may still be on its way");
        desk.stage.app.advance(180);
        desk.in_state(&id, "not_made").await;
        desk.stage.stop().await;
    }

    async fn an_application_is_withdrawn_at_the_platform(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = &desk.stage.owner;
        let made = desk.apply("category_applications", &desk.category("2032").await, 202).await;
        let id = made.text("/id");
        desk.in_state(&id, "checking").await;
        let at = format!("/api/v1/qualifications/{id}/withdraw");
        // The answer is lost: withdrawing again finds it withdrawn.
        desk.no_pushes().await;
        desk.fault(json!({ "path": "/channels/ec/category/audit/cancel", "errcode": -1, "count": 1, "after": true })).await;
        owner.post(&at, &json!({}), 503).await;
        assert_eq!(owner.get(&format!("/api/v1/qualifications/{id}"), 200).await.json("/state"), "withdrawn");
        owner.post(&at, &json!({}), 409).await;
        // Decided meanwhile: the platform's word holds.
        let made = desk.apply("brand_applications", &desk.brand("10000002", "知夏", "Zhixia").await, 202).await;
        let id = made.text("/id");
        let checking = desk.in_state(&id, "checking").await;
        desk.decide(&checking.text("/external_application_id"), "approve", "").await;
        let refused = owner.post(&format!("/api/v1/qualifications/{id}/withdraw"), &json!({}), 422).await;
        assert_eq!(refused.code(), "channel_refused");
        assert_eq!(owner.get(&format!("/api/v1/qualifications/{id}"), 200).await.json("/state"), "accepted");
        let made = desk.apply("brand_applications", &desk.brand("10000003", "陶溪里", "Taoxili").await, 202).await;
        desk.in_state(&made.text("/id"), "checking").await;
        let at = format!("/api/v1/qualifications/{}/withdraw", made.text("/id"));
        assert_eq!(owner.post(&at, &json!({}), 200).await.json("/state"), "withdrawn");
        let log = owner.get("/api/v1/audit_entries?action=qualification.withdrawn", 200).await.json("/items");
        assert_eq!(log.as_array().unwrap().len(), 3, "{log}");
        desk.stage.stop().await;
    }

    async fn a_decision_without_a_push_is_found_by_looking(db: TestDb) {
        let desk = Desk::start(db).await;
        desk.no_pushes().await;
        let made = desk.apply("category_applications", &desk.category("2031").await, 202).await;
        let id = made.text("/id");
        let checking = desk.in_state(&id, "checking").await;
        desk.decide(&checking.text("/external_application_id"), "refuse", "资料不全").await;
        desk.stage.app.advance(120);
        assert_eq!(desk.in_state(&id, "refused").await.json("/reason"), "资料不全");
        desk.stage.stop().await;
    }

    async fn what_cannot_be_applied_with_is_said_at_its_field(db: TestDb) {
        let desk = Desk::start(db).await;
        let picture = desk.stage.picture().await;
        let document = desk.document().await;
        let pdf = upload(&desk.stage.owner, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec()).await;
        let mut large = PNG.to_vec();
        large.resize(2_097_153, 0);
        let large = upload(&desk.stage.owner, large).await;
        let with = |documents: Value| json!({ "category_id": "2031", "documents": documents });
        let other = |field: &str, value: Value| {
            let mut body = with(json!({ "certificate": [document] }));
            body[field] = value;
            body
        };
        for (body, field, code) in [
            (with(json!({})), "documents.certificate", "required"),
            (with(json!({ "certificate": vec![document.clone(); 11] })), "documents.certificate", "count"),
            (with(json!({ "certificate": [picture] })), "documents.certificate", "not_found"),
            (with(json!({ "certificate": [pdf] })), "documents.certificate", "unsupported_type"),
            (with(json!({ "certificate": [large] })), "documents.certificate", "too_large"),
            (with(json!({ "certificate": [document], "passport": [document] })), "documents.passport", "unknown"),
            (other("category_id", json!("2011")), "category_id", "not_needed"),
            (other("category_id", json!("9999")), "category_id", "unknown"),
            (other("category_id", json!("")), "category_id", "invalid"),
            (other("elsewhere_platform", json!("ebay")), "elsewhere_platform", "unknown"),
            (other("elsewhere_platform", json!("jd")), "elsewhere_account", "required"),
        ] {
            let refused = desk.apply("category_applications", &body, 422).await;
            let found = refused.json("/errors/0");
            assert_eq!((&found["field"], &found["code"]), (&json!(field), &json!(code)), "{}", refused.body);
        }
        let brand = desk.brand("10000000", "山前", "Shanqian").await;
        let with = |pointer: &str, value: Value| {
            let mut body = brand.clone();
            let at = body.pointer_mut(pointer);
            match at {
                Some(at) => *at = value,
                None => body[pointer.trim_start_matches('/')] = value,
            }
            body
        };
        let grant = |level: i64, letters: usize| {
            json!({ "level": level, "letter_ids": vec![document.clone(); letters], "valid_from": "2026-01-01", "valid_until": "2025-01-01" })
        };
        let applied = json!({ "kind": "applied_for", "number": "8", "certificate_ids": [document] });
        for (body, field, code) in [
            (with("/brand_id", json!("")), "brand_id", "invalid"),
            (with("/class", json!(46)), "class", "range"),
            (with("/mark/kind", json!("none")), "kind", "unknown"),
            (with("/mark/registrant", json!(" ")), "registrant", "required"),
            (with("/mark/number", json!("")), "number", "required"),
            (with("/mark/valid_until", json!("2019-12-31")), "valid_until", "range"),
            (with("/mark/valid_until", json!("2030-02-30")), "valid_until", "invalid"),
            (with("/mark/valid_from", Value::Null), "valid_from", "required"),
            (with("/mark/certificate_ids", json!([document, document])), "certificates", "count"),
            (with("/mark/certificate_ids", json!([])), "certificates", "required"),
            (with("/mark", applied), "accepted_on", "required"),
            (with("/grant", grant(4, 1)), "level", "range"),
            (with("/grant", grant(1, 10)), "letters", "count"),
            (with("/grant", grant(1, 1)), "granted_until", "range"),
        ] {
            let refused = desk.apply("brand_applications", &body, 422).await;
            let errors = refused.json("/errors");
            let named = errors.as_array().unwrap().iter().any(|one| one["field"] == field && one["code"] == code);
            assert!(named, "{field} {code}: {}", refused.body);
        }
        desk.stage.owner.get(&desk.at("category_search?words=+"), 422).await;
        desk.stage.owner.get(&desk.at("qualifications?kind=shop"), 422).await;
        assert_eq!((desk.list().await.len(), desk.calls(ADD).await, desk.calls(BRAND_ADD).await), (0, 0, 0));
        desk.stage.stop().await;
    }

    async fn another_merchant_sees_no_application_and_uses_no_foreign_document(db: TestDb) {
        let desk = Desk::start(db).await;
        let body = desk.category("2031").await;
        let made = desk.apply("category_applications", &body, 202).await;
        let at = format!("/api/v1/qualifications/{}", made.text("/id"));
        let other = desk.stage.app.merchant(&desk.stage.provider, "别家茶业").await;
        let other = desk.stage.app.person(&other, Role::MerchantOwner).await;
        other.get(&at, 404).await;
        for step in ["read", "withdraw", "give_up"] {
            other.post(&format!("{at}/{step}"), &json!({}), 404).await;
        }
        for list in ["qualifications", "approved_categories", "shop_brands", "known_brands", "category_terms?category_id=2031"] {
            other.get(&desk.at(list), 404).await;
        }
        other.post(&desk.at("category_applications"), &body, 404).await;
        other.post(&desk.at("brand_applications"), &desk.brand("10000000", "山前", "Shanqian").await, 404).await;
        other.post(&desk.at("shop_brands/remove"), &json!({ "brand_id": "10000000" }), 404).await;
        // A file of somebody else is none.
        let foreign = upload(&other, PNG.to_vec()).await;
        let mut with = desk.category("2032").await;
        with["documents"]["certificate"] = json!([foreign]);
        let refused = desk.apply("category_applications", &with, 422).await;
        assert_eq!(refused.json("/errors/0/code"), "not_found");
        // Whoever looks after goods reads, and applies for nothing.
        let goods = desk.stage.app.person(&desk.stage.merchant, Role::MerchantGoods).await;
        goods.get(&at, 200).await;
        goods.post(&format!("{at}/withdraw"), &json!({}), 403).await;
        goods.post(&desk.at("category_applications"), &body, 403).await;
        desk.stage.stop().await;
    }

    async fn pages_lead_from_a_search_to_an_application(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = desk.stage.app.visitor(&desk.stage.merchant, Role::MerchantOwner).await;
        let account = open(&owner, &format!("/console/merchant/channel_accounts/{}", desk.store["id"].as_str().unwrap())).await;
        assert!(account.html.contains("类目资质") && account.html.contains("品牌资质"), "{}", account.html);
        let at = desk.page("categories");
        assert!(open(&owner, &at).await.html.contains("还没有申请通过的类目"));
        let found = open(&owner, &format!("{at}?words=%E9%85%92")).await;
        assert!(found.html.contains("黄酒") && found.html.contains("apply?category_id=2031"), "{}", found.html);
        let form = open(&owner, &format!("{at}/apply?category_id=2031")).await;
        assert!(form.html.contains("20,000") && form.html.contains("质检报告") && form.html.contains("5%"), "{}", form.html);
        let send = async |to: &str, fields: &[(&str, &str)], files: &[&str]| {
            let mut form = Form::new().text("_csrf", owner.form_token.clone());
            for (name, value) in fields {
                form = form.text((*name).to_owned(), (*value).to_owned());
            }
            for name in files {
                form = form.part((*name).to_owned(), Part::bytes(PNG).file_name("证件.png"));
            }
            let request = owner.client.request(Method::POST, to).header("Cookie", &owner.cookie).multipart(form);
            let response = request.header("Accept-Language", "zh-CN").send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        let to = format!("{at}/apply");
        let (status, html) = send(&to, &[("category_id", "2031"), ("elsewhere_platform", "jd"), ("elsewhere_account", "")], &["documents.certificate_file"]).await;
        assert!(status == 422 && html.contains("已上传的图片 1") && html.contains("/media/med_"), "{html}");
        let (status, html) = send(&to, &[("category_id", "2031")], &[]).await;
        assert!(status == 422 && html.contains("请上传资料图片"), "{html}");
        let (status, _) = send(&to, &[("category_id", "2031")], &["documents.certificate_file"]).await;
        assert_eq!(status, 303);
        let id = desk.list().await[0]["id"].as_str().unwrap().to_owned();
        let checking = desk.in_state(&id, "checking").await;
        assert!(open(&owner, &at).await.html.contains("平台审核中"));
        desk.decide(&checking.text("/external_application_id"), "refuse", "证件不清晰").await;
        let one = format!("/console/merchant/qualifications/{id}");
        assert_eq!(submit(&owner, &format!("{one}/read"), &[]).await.status, 303);
        let page = open(&owner, &at).await.html;
        assert!(page.contains("证件不清晰") && page.contains("/categories/apply?") && page.contains("重新申请"), "{page}");
        desk.stage.stop().await;
    }

    async fn pages_lead_from_a_known_brand_to_an_application(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = desk.stage.app.visitor(&desk.stage.merchant, Role::MerchantOwner).await;
        let send = async |to: &str, fields: &[(&str, &str)], files: &[&str]| {
            let mut form = Form::new().text("_csrf", owner.form_token.clone());
            for (name, value) in fields {
                form = form.text((*name).to_owned(), (*value).to_owned());
            }
            for name in files {
                form = form.part((*name).to_owned(), Part::bytes(PNG).file_name("证件.png"));
            }
            let request = owner.client.request(Method::POST, to).header("Cookie", &owner.cookie).multipart(form);
            let response = request.header("Accept-Language", "zh-CN").send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        let brands = desk.page("brands");
        let found = open(&owner, &format!("{brands}?words=%E5%B1%B1%E5%89%8D")).await;
        assert!(found.html.contains("brand_id&#x3D;10000000"), "{}", found.html);
        let form = open(&owner, &format!("{brands}/apply?brand_id=10000000&name_zh=%E5%B1%B1%E5%89%8D&name_en=Shanqian")).await;
        assert!(form.html.contains("商标注册人"), "{}", form.html);
        let fields = [("brand_id", "10000000"), ("name_zh", "山前"), ("name_en", "Shanqian"), ("mark", "registered"), ("right", "own"),
            ("class", "30"), ("registrant", "山前茶业"), ("number", "1")];
        let to = format!("{brands}/apply");
        let (status, html) = send(&to, &fields, &[]).await;
        assert!(status == 422 && html.contains("请上传资料图片"), "{html}");
        let (status, _) = send(&to, &fields, &["certificates_file"]).await;
        assert_eq!(status, 303);
        let id = desk.list().await[0]["id"].as_str().unwrap().to_owned();
        desk.in_state(&id, "checking").await;
        assert_eq!(submit(&owner, &format!("/console/merchant/qualifications/{id}/withdraw"), &[]).await.status, 303);
        assert!(open(&owner, &brands).await.html.contains("已撤回"));
        // Applied for again it begins with what was said before, documents too.
        let again = open(&owner, &format!("{brands}/apply?brand_id=10000000&name_zh=%E5%B1%B1%E5%89%8D&name_en=Shanqian")).await;
        for kept in ["value=\"山前茶业\"", "value=\"30\"", "name=\"certificates\" value=\"med_"] {
            assert!(again.html.contains(kept), "{kept}: {}", again.html);
        }
        // What the form takes is said, not what uploads take in general.
        let form = Form::new().text("_csrf", owner.form_token.clone()).text("brand_id", "10000000").text("name_zh", "山前")
            .part("certificates_file", Part::bytes(b"GIF89a".to_vec()).file_name("证件.gif"));
        let request = owner.client.request(Method::POST, &to).header("Cookie", &owner.cookie).multipart(form);
        let wrong = request.header("Accept-Language", "zh-CN").send().await.unwrap().text().await.unwrap();
        assert!(wrong.contains("平台仅支持 JPEG 或 PNG 图片") && !wrong.contains("WebP"), "{wrong}");
        assert_eq!(submit(&owner, &format!("{brands}/remove"), &[("brand_id", "10000000")]).await.status, 303);
        assert!(open(&owner, &brands).await.html.contains("还没有品牌"));
        desk.stage.stop().await;
    }
}
