//! Opening a shop, over HTTP: the whole way, returns and refusals, bad documents and numbers, other providers.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::onboarding::{CREDIT_CODE, ID_CARD, PASSWORD, PNG, subject};
use serde_json::json;

both! {
    async fn from_a_first_form_to_a_trading_shop(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        let at = format!("/api/v1/applications/{id}");
        assert_eq!(lin.get("/api/v1/me", 200).await.text("/tenant/state"), "applying");

        // Each step is saved by itself and the wizard says where to go on.
        assert_eq!(lin.get(&at, 200).await.text("/resume_at"), "subject");
        lin.put(&format!("{at}/subject"), &subject("enterprise"), 200).await;
        let saved = lin.get(&at, 200).await;
        assert_eq!(saved.text("/resume_at"), "documents");
        assert_eq!(saved.text("/subject/id_card_masked"), "110***********002X");
        assert!(!saved.body.contains(ID_CARD) && !saved.body.contains("13800000000"), "{}", saved.body);
        assert_eq!(lin.post(&format!("{at}/submit"), &json!({}), 422).await.code(), "application_incomplete");

        app.fill_in(&lin, &id, "enterprise", "山里茶铺").await;
        let handed_in = lin.post(&format!("{at}/submit"), &json!({}), 200).await;
        assert_eq!(handed_in.text("/state"), "submitted");
        app.run_jobs().await;
        assert!(app.smtp.nth_to("lin@tea.test", 1).await.readable().contains("山里茶铺"));
        let told = app.smtp.nth_to(&provider.reviewer_email, 1).await;
        assert!(told.readable().contains(&format!("/console/provider/applications/{id}")));

        let queue = provider.reviewer.get("/api/v1/applications?state=submitted", 200).await;
        assert_eq!(queue.text("/items/0/id"), id);
        let early = provider.reviewer.post(&format!("{at}/approve"), &json!({}), 409).await;
        assert_eq!(early.code(), "application_wrong_state");
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        let judge = format!("{at}/documents/id_card/judge");
        provider.reviewer.post(&judge, &json!({"verdict": "accept"}), 200).await;
        let approved = provider.reviewer.post(&format!("{at}/approve"), &json!({}), 200).await;
        assert_eq!(approved.text("/state"), "agreement_signed");
        app.run_jobs().await;
        assert!(app.smtp.nth_to("lin@tea.test", 2).await.readable().contains("/console/merchant/application"));
        assert_eq!(lin.get("/api/v1/me", 200).await.text("/tenant/state"), "active");

        // 开通 is not 开张.
        let shop = format!("/api/v1/shops/{}", approved.text("/shop_id"));
        assert_eq!(lin.get(&shop, 200).await.text("/state"), "opened");
        assert_eq!(lin.post(&format!("{shop}/start_trading"), &json!({}), 200).await.text("/state"), "trading");
        assert_eq!(lin.post(&format!("{shop}/start_trading"), &json!({}), 409).await.code(), "shop_wrong_state");
        assert_eq!(provider.owner.get(&shop, 200).await.text("/state"), "trading");
        let merchants = provider.owner.get("/api/v1/merchants", 200).await;
        assert_eq!(merchants.text("/items/0/name"), "福州山里茶业有限公司");
        let merchant = provider.owner.get(&format!("/api/v1/merchants/{}", merchants.text("/items/0/id")), 200).await;
        assert_eq!(merchant.text("/shops/0/name"), "山里茶铺");
        app.stop().await;
    }

    async fn returned_with_reasons_and_handed_in_again(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        let at = format!("/api/v1/applications/{id}");
        app.fill_in(&lin, &id, "personal", "林家小铺").await;
        lin.post(&format!("{at}/submit"), &json!({}), 200).await;
        app.run_jobs().await;
        lin.put(&format!("{at}/subject"), &subject("personal"), 409).await;
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        let nothing = provider.reviewer.post(&format!("{at}/return"), &json!({}), 422).await;
        assert_eq!(nothing.code(), "reason_missing");
        let body = json!({
            "reasons": [{"step": "subject", "text": "联系电话打不通"}],
            "documents": [{"requirement": "id_card", "reason": "照片模糊"}],
        });
        let returned = provider.reviewer.post(&format!("{at}/return"), &body, 200).await;
        assert_eq!(returned.text("/state"), "returned");
        assert_eq!(returned.text("/documents/0/reason"), "照片模糊");
        app.run_jobs().await;
        let mail = app.smtp.nth_to("lin@tea.test", 2).await.readable();
        assert!(mail.contains("联系电话打不通") && mail.contains("照片模糊"), "{mail}");

        // The returned document must be replaced first.
        assert_eq!(lin.post(&format!("{at}/submit"), &json!({}), 422).await.code(), "application_incomplete");
        let media = app.upload(&lin, "document", PNG, 201).await.text("/id");
        lin.put(&format!("{at}/documents/id_card"), &json!({"media_id": media}), 200).await;
        assert_eq!(lin.post(&format!("{at}/submit"), &json!({}), 200).await.text("/state"), "submitted");
        app.run_jobs().await;

        // And refused for good.
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        provider.reviewer.post(&format!("{at}/reject"), &json!({"reason": " "}), 422).await;
        let rejected = provider.reviewer.post(&format!("{at}/reject"), &json!({"reason": "资料不实"}), 200).await;
        assert_eq!((rejected.text("/state"), rejected.text("/reject_reason")), ("rejected".into(), "资料不实".into()));
        app.run_jobs().await;
        assert!(app.smtp.nth_to("lin@tea.test", 4).await.readable().contains("资料不实"));
        lin.post(&format!("{at}/submit"), &json!({}), 409).await;
        app.stop().await;
    }

    async fn bad_numbers_names_and_files_are_refused_at_their_field(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        let at = format!("/api/v1/applications/{id}");
        let mut bad = subject("enterprise");
        bad["credit_code"] = json!("91350100M000100Y44");
        bad["id_card"] = json!("110105194912310021");
        bad["contact_phone"] = json!("12345");
        let answer = lin.put(&format!("{at}/subject"), &bad, 422).await;
        let codes: Vec<String> = (0..3).map(|n| answer.text(&format!("/errors/{n}/code"))).collect();
        assert_eq!(codes, ["credit_code_invalid", "id_card_invalid", "phone_invalid"]);
        // A character that turns the direction would show the number beside it backwards.
        let mut turned = subject("enterprise");
        turned["contact_name"] = json!("林\u{202e}茶");
        let answer = lin.put(&format!("{at}/subject"), &turned, 422).await;
        assert_eq!(answer.text("/errors/0/field"), "contact_name");
        bad["kind"] = json!("company");
        lin.put(&format!("{at}/subject"), &bad, 422).await;
        lin.put(&format!("{at}/subject"), &subject("enterprise"), 200).await;

        // The bytes decide what a file is.
        app.upload(&lin, "document", b"<html><script>alert(1)</script>", 422).await;
        app.upload(&lin, "document", &PNG[..20], 422).await;
        app.upload(&lin, "document", b"", 422).await;
        app.upload(&lin, "picture", b"%PDF-1.7\n%aaaa", 422).await;
        app.upload(&lin, "document", b"%PDF-1.7\n%aaaa", 201).await;
        app.upload(&lin, "passport", PNG, 422).await;
        app.upload(&lin, "document", &vec![0; 11 * 1024 * 1024], 413).await;
        let picture = app.upload(&lin, "picture", PNG, 201).await.text("/id");
        let attach = format!("{at}/documents/id_card");
        lin.put(&attach, &json!({"media_id": picture}), 422).await;
        lin.put(&attach, &json!({"media_id": "med_0000000000007000800000000000ffff"}), 422).await;
        let document = app.upload(&lin, "document", PNG, 201).await.text("/id");
        lin.put(&attach, &json!({"media_id": document, "expires_on": "2020-01-01"}), 422).await;
        lin.put(&attach, &json!({"media_id": document, "expires_on": "soon"}), 422).await;
        let unknown = lin.put(&format!("{at}/documents/passport"), &json!({"media_id": document}), 422).await;
        assert_eq!(unknown.code(), "document_not_required");

        let category = app.open_category(&lin).await;
        let shop = format!("{at}/shop");
        lin.put(&shop, &json!({"name": "\u{200b}茶", "category_id": category}), 422).await;
        lin.put(&shop, &json!({"name": "茶铺", "category_id": "cat_0000000000007000800000000000ffff"}), 422).await;
        provider.owner.put("/api/v1/brands/龙井", &json!({}), 204).await;
        let brand = lin.put(&shop, &json!({"name": "龙井茶铺", "category_id": category}), 422).await;
        assert_eq!(brand.text("/errors/0/code"), "shop_name_needs_brand");
        let merchant = lin.get(&at, 200).await.text("/merchant_id");
        let grant = format!("/api/v1/merchants/{merchant}/brands");
        provider.reviewer.put(&grant, &json!({"brand": "龙井"}), 204).await;
        lin.put(&shop, &json!({"name": "龙井茶铺", "category_id": category}), 200).await;
        let outdated = json!({"version": "2020-01", "sha256": "00"});
        assert_eq!(lin.put(&format!("{at}/agreement"), &outdated, 409).await.code(), "agreement_outdated");

        // A version that was seen before is not overwritten.
        let seen = [("If-Match", "\"1\"")];
        let body = json!({"name": "茶铺", "category_id": category});
        let stale = lin.send("PUT".parse().unwrap(), &shop, Some(&body), &seen, 409).await;
        assert_eq!(stale.code(), "version_conflict");

        // Nobody begins twice with one e-mail, without a provider, or with a weak password.
        let begin = |email: &str, password: &str, slug: &str| json!({"provider": slug, "email": email, "name": "林", "password": password});
        for (body, status) in [
            (begin("lin@tea.test", PASSWORD, "qianshan"), 422),
            (begin("other@tea.test", "short", "qianshan"), 422),
            (begin("not an address", PASSWORD, "qianshan"), 422),
            (begin("other@tea.test", PASSWORD, "nobody"), 404),
        ] {
            app.anonymous().post("/api/v1/applications", &body, status).await;
        }
        app.stop().await;
    }

    async fn a_shop_name_is_given_once_within_a_provider(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let first = app.onboarded_merchant(&provider, "a@a.test", "personal", "小满 铺子", true).await;
        let (lin, id) = app.applicant(&provider, "b@b.test").await;
        lin.put(&format!("/api/v1/applications/{id}/subject"), &subject("personal"), 200).await;
        let category = app.open_category(&lin).await;
        let body = json!({"name": "小满铺子", "category_id": category});
        let taken = lin.put(&format!("/api/v1/applications/{id}/shop"), &body, 422).await;
        assert_eq!(taken.text("/errors/0/code"), "taken");
        // Another provider may have a shop of this name.
        let second = app.onboarded_merchant(&other, "c@c.test", "individual_business", "小满铺子", false).await;
        let at = format!("/api/v1/shops/{}", second.shop_id);
        let renamed = second.owner.patch(&at, &json!({"name": "满满铺子", "notice": "全场包邮"}), 200).await;
        assert_eq!((renamed.text("/name"), renamed.text("/notice")), ("满满铺子".into(), "全场包邮".into()));
        second.owner.patch(&at, &json!({"name": "x"}), 422).await;
        // The old name is free again.
        app.onboarded_merchant(&other, "d@d.test", "personal", "小满铺子", false).await;
        // Shops of others are not found.
        first.owner.get(&at, 404).await;
        first.owner.patch(&at, &json!({"notice": "x"}), 404).await;
        first.owner.post(&format!("{at}/start_trading"), &json!({}), 404).await;
        provider.owner.get(&at, 404).await;
        app.stop().await;
    }

    async fn an_agreement_renewed_during_review_is_signed_again(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        let at = format!("/api/v1/applications/{id}");
        app.fill_in(&lin, &id, "personal", "林家小铺").await;
        lin.post(&format!("{at}/submit"), &json!({}), 200).await;
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        app.advance(60);
        let body = json!({"version": "2026-12", "body_zh": "新版协议", "body_en": "New agreement"});
        provider.owner.post("/api/v1/agreements", &body, 201).await;
        provider.owner.post("/api/v1/agreements", &body, 422).await;
        let approved = provider.reviewer.post(&format!("{at}/approve"), &json!({}), 200).await;
        assert_eq!(approved.text("/state"), "approved");
        let shop = format!("/api/v1/shops/{}", approved.text("/shop_id"));
        let early = lin.post(&format!("{shop}/start_trading"), &json!({}), 409).await;
        assert_eq!(early.code(), "shop_needs_agreement");
        app.sign(&lin, &id).await;
        assert_eq!(lin.get(&at, 200).await.text("/state"), "agreement_signed");
        lin.post(&format!("{shop}/start_trading"), &json!({}), 200).await;
        app.stop().await;
    }

    async fn an_invitation_is_a_mail_whose_link_works_once(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let body = json!({"email": "Guest@tea.test", "merchant_name": "山里茶业", "locale": "en"});
        let sent = provider.reviewer.post("/api/v1/invitations", &body, 201).await;
        assert_eq!(sent.text("/state"), "open");
        app.run_jobs().await;
        let mail = app.smtp.nth_to("guest@tea.test", 1).await.readable();
        let token = mail.split("/apply/invited/").nth(1).unwrap();
        let token: String = token.chars().take(43).collect();
        assert!(mail.contains("invites you"), "{mail}");
        let begin = json!({"invitation": token, "name": "客", "password": PASSWORD});
        let started = app.anonymous().post("/api/v1/applications", &begin, 201).await;
        let guest = app.anonymous().with_token(&started.text("/access_token"));
        assert_eq!(guest.get("/api/v1/me", 200).await.text("/user/email"), "guest@tea.test");
        app.anonymous().post("/api/v1/applications", &begin, 404).await;
        let listed = provider.owner.get("/api/v1/invitations", 200).await;
        assert_eq!(listed.text("/items/0/state"), "used");
        assert_eq!(listed.text("/items/0/merchant_id"), started.text("/merchant_id"));

        // Revoked and expired links are dead.
        for (email, dead) in [("r@tea.test", "revoked"), ("e@tea.test", "expired")] {
            let sent = provider.owner.post("/api/v1/invitations", &json!({ "email": email }), 201).await;
            app.run_jobs().await;
            let mail = app.smtp.nth_to(email, 1).await.readable();
            let token: String = mail.split("/apply/invited/").nth(1).unwrap().chars().take(43).collect();
            match dead {
                "revoked" => provider.owner.delete(&format!("/api/v1/invitations/{}", sent.text("/id")), 204).await,
                _ => {
                    app.advance(15 * 86_400);
                    app.anonymous().get("/healthz", 200).await
                }
            };
            let begin = json!({"invitation": token, "name": "客", "password": PASSWORD});
            app.anonymous().post("/api/v1/applications", &begin, 404).await;
        }
        app.stop().await;
    }

    async fn another_providers_merchants_do_not_exist(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let other = app.onboarded_provider("houshan").await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        app.fill_in(&lin, &id, "enterprise", "山里茶铺").await;
        lin.post(&format!("/api/v1/applications/{id}/submit"), &json!({}), 200).await;
        let (stranger, _) = app.applicant(&other, "stranger@tea.test").await;
        let media = lin.get(&format!("/api/v1/applications/{id}"), 200).await.text("/documents/0/media_id");
        let merchant = lin.get(&format!("/api/v1/applications/{id}"), 200).await.text("/merchant_id");
        let missing = "apl_0000000000007000800000000000ffff";
        for client in [&other.owner, &other.reviewer, &stranger] {
            for path in ["", "/start_review", "/approve", "/submit"] {
                let (real, absent) =
                    (format!("/api/v1/applications/{id}{path}"), format!("/api/v1/applications/{missing}{path}"));
                let method = if path.is_empty() { "GET" } else { "POST" };
                let send = async |at: &str| client.try_send(method.parse().unwrap(), at, None, &[]).await;
                let (one, two) = (send(&real).await, send(&absent).await);
                assert_eq!(one.status, two.status, "{path}");
                assert!(matches!(one.status, 403 | 404), "{path}: {}", one.body);
                let plain = |body: &str, answer: &qianpu_tests::http::Answer| body.replace(&answer.text("/request_id"), "");
                let same = plain(&one.body, &one).replace(&real, "") == plain(&two.body, &two).replace(&absent, "");
                assert!(same, "{} / {}", one.body, two.body);
            }
            client.get(&format!("/api/v1/media/{media}"), 404).await;
            client.get(&format!("/api/v1/media/{media}/content"), 404).await;
        }
        other.owner.get(&format!("/api/v1/merchants/{merchant}"), 404).await;
        assert_eq!(other.owner.get("/api/v1/applications?state=submitted", 200).await.json("/items"), json!([]));

        // Its own reviewer and owner see the document, and the browser is told to run nothing of it.
        for client in [&provider.reviewer, &lin] {
            let file = client.get(&format!("/api/v1/media/{media}/content"), 200).await;
            let policy = file.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("sandbox"), "{policy}");
            assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("inline; filename=\"med_"));
        }
        // At rest the numbers are sealed.
        if let Some(path) = app.db.url().strip_prefix("sqlite://").and_then(|rest| rest.split('?').next()) {
            for file in [path.to_owned(), format!("{path}-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!holds(ID_CARD) && !holds("13800000000"), "{file}");
                assert!(file.ends_with("-wal") || holds(CREDIT_CODE) || !holds("山里茶铺"), "{file}");
            }
        }
        app.stop().await;
    }

    async fn a_provider_sets_requirements_and_rules(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let new = json!({"code": "food_permit", "kinds": ["enterprise"], "name_zh": "食品经营许可证", "name_en": "Food permit"});
        let added = provider.owner.post("/api/v1/requirements", &new, 201).await;
        provider.owner.post("/api/v1/requirements", &new, 422).await;
        provider.reviewer.post("/api/v1/requirements", &new, 403).await;
        let (lin, id) = app.applicant(&provider, "lin@tea.test").await;
        let at = format!("/api/v1/applications/{id}");
        let saved = lin.put(&format!("{at}/subject"), &subject("enterprise"), 200).await;
        assert_eq!(saved.json("/documents").as_array().unwrap().len(), 3);
        let change = json!({"kinds": ["personal"], "name_zh": "许可证", "name_en": "Permit"});
        provider.owner.put(&format!("/api/v1/requirements/{}", added.text("/id")), &change, 200).await;
        assert_eq!(lin.get(&at, 200).await.json("/documents").as_array().unwrap().len(), 2);
        provider.owner.delete(&format!("/api/v1/requirements/{}", added.text("/id")), 204).await;

        // A waiver names who waived.
        app.fill_in(&lin, &id, "enterprise", "山里茶铺").await;
        lin.post(&format!("{at}/submit"), &json!({}), 200).await;
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        let judge = |code: &str| format!("{at}/documents/{code}/judge");
        provider.reviewer.post(&judge("business_license"), &json!({"verdict": "return", "reason": "过期"}), 200).await;
        assert_eq!(provider.reviewer.post(&format!("{at}/approve"), &json!({}), 409).await.code(), "documents_open");
        let waived = provider.reviewer.post(&judge("business_license"), &json!({"verdict": "waive"}), 200).await;
        assert!(waived.body.contains("\"waived\""));
        provider.reviewer.post(&judge("business_license"), &json!({"verdict": "eat"}), 422).await;
        provider.reviewer.post(&format!("{at}/approve"), &json!({}), 200).await;

        // Rules: the platform's, then the provider's, then one for the merchant.
        let in_force = async || {
            let rules = lin.get("/api/v1/policies", 200).await.json("/items");
            let rules = rules.as_array().unwrap().clone();
            rules.into_iter().find(|rule| rule["kind"] == "link_quota" && rule["in_force"] == true).unwrap()
        };
        assert_eq!(in_force().await["id"], "policy/link_quota/platform/2024-08-25");
        let own = json!({"kind": "link_quota", "params": {"enterprise.*": "3"}});
        let rule = provider.owner.post("/api/v1/policies", &own, 201).await;
        assert_eq!(in_force().await["id"], rule.json("/id"));
        let merchant = lin.get(&at, 200).await.text("/merchant_id");
        let one = json!({"kind": "link_quota", "params": {"enterprise.*": "9"}, "merchant_id": merchant});
        let narrow = provider.owner.post("/api/v1/policies", &one, 201).await;
        assert_eq!(in_force().await["id"], narrow.json("/id"));
        provider.owner.post(&format!("/api/v1/policies/{}/end", narrow.text("/id")), &json!({}), 204).await;
        assert_eq!(in_force().await["id"], rule.json("/id"));
        let bad = json!({"kind": "link_quota", "params": {"company.*": "3"}});
        assert_eq!(provider.owner.post("/api/v1/policies", &bad, 422).await.code(), "policy_invalid");
        let other = app.onboarded_provider("houshan").await;
        other.owner.post("/api/v1/policies", &one, 404).await;
        other.owner.post(&format!("/api/v1/policies/{}/end", rule.text("/id")), &json!({}), 404).await;
        app.stop().await;
    }
}
