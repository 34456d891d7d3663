//! Opening a shop as people do it: every page and form of the wizard and the review, without script.

use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::onboarding::{CREDIT_CODE, ID_CARD, PASSWORD, PNG};

const HOME: &str = "/console/merchant/application";

both! {
    async fn the_wizard_and_the_review_by_their_forms(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let mut lin = Browser::new(&app.base_url);
        lin.open("/apply/nobody", 404).await;
        lin.open("/apply/qianshan", 200).await;
        let mut begin = vec![("email", "lin@tea.test"), ("name", "林茶"), ("password", "short")];
        let refused = lin.submit("/apply/qianshan", &begin, 422).await;
        assert!(refused.contains("至少 10 个字符") && refused.contains("lin@tea.test"), "{refused}");
        begin[2].1 = PASSWORD;
        lin.submit("/apply/qianshan", &begin, 200).await;
        assert_eq!(lin.path, format!("{HOME}/subject"));

        // Wrong numbers stay on the page with the error at the field.
        let mut subject = vec![
            ("kind", "enterprise"),
            ("legal_name", "福州山里茶业有限公司"),
            ("credit_code", "91350100M000100Y44"),
            ("id_card", ID_CARD),
            ("contact_name", "林茶"),
            ("contact_phone", "13800000000"),
            ("then", "next"),
        ];
        let refused = lin.submit(&format!("{HOME}/subject"), &subject, 422).await;
        assert!(refused.contains("统一社会信用代码不正确"), "{refused}");
        subject[2].1 = CREDIT_CODE;
        lin.submit(&format!("{HOME}/subject"), &subject, 200).await;
        assert_eq!(lin.path, format!("{HOME}/documents"));
        // Sealed values are not sent back to the browser, and an empty field keeps them.
        let page = lin.open(&format!("{HOME}/subject"), 200).await;
        assert!(!page.contains(ID_CARD) && page.contains("110***********002X"), "{page}");
        subject[3].1 = "";
        subject[5].1 = "";
        subject[6].1 = "leave";
        lin.submit(&format!("{HOME}/subject"), &subject, 200).await;
        assert_eq!(lin.path, "/console/merchant");
        lin.open(HOME, 200).await;
        assert_eq!(lin.path, format!("{HOME}/documents"), "resumed where something is missing");

        let refused = lin.upload(&format!("{HOME}/documents/id_card"), &[], b"<html>", 422).await;
        assert!(refused.contains("仅支持 JPEG、PNG、WebP 或 PDF"), "{refused}");
        lin.upload(&format!("{HOME}/documents/id_card"), &[("expires_on", "2030-01-01")], PNG, 200).await;
        let page = lin.upload(&format!("{HOME}/documents/business_license"), &[], PNG, 200).await;
        let file = page.split("/console/merchant/media/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        lin.open(&format!("{HOME}/shop"), 200).await;
        let option = lin.html.split("<option value=\"cat_").skip(1).find(|rest| !rest.contains("disabled") || rest.find("disabled") > rest.find('>'));
        let category = format!("cat_{}", option.unwrap().split('"').next().unwrap());
        lin.submit(&format!("{HOME}/shop"), &[("name", "山"), ("category_id", &category)], 422).await;
        lin.submit(&format!("{HOME}/shop"), &[("name", "山里茶铺"), ("category_id", "")], 422).await;
        lin.submit(&format!("{HOME}/shop"), &[("name", "山里茶铺"), ("category_id", &category)], 200).await;
        assert_eq!(lin.path, format!("{HOME}/agreement"));
        let hidden = |html: &str, name: &str| {
            let rest = html.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let (version, sha256) = (hidden(&lin.html, "version"), hidden(&lin.html, "sha256"));
        let unsigned = [("version", version.as_str()), ("sha256", sha256.as_str())];
        assert!(lin.submit(&format!("{HOME}/agreement"), &unsigned, 422).await.contains("请阅读并勾选同意协议"));
        let signed = [unsigned[0], unsigned[1], ("agree", "1")];
        lin.submit(&format!("{HOME}/agreement"), &signed, 200).await;
        assert_eq!(lin.path, HOME);
        lin.open(&format!("{HOME}/subject"), 200).await;
        assert_eq!(lin.path, HOME, "what is handed in is not edited");

        // The reviewer.
        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        let queue = li.open("/console/provider/applications", 200).await;
        let id = queue.split("/console/provider/applications/apl_").nth(1).unwrap().split('"').next().unwrap();
        let at = format!("/console/provider/applications/apl_{id}");
        assert!(li.open(&at, 200).await.contains("福州山里茶业有限公司"));
        li.open(&format!("/console/provider/media/{file}"), 200).await;
        li.open(&at, 200).await;
        li.submit(&format!("{at}/start_review"), &[], 200).await;
        assert!(li.submit(&format!("{at}/return"), &[], 422).await.contains("请至少填写一条原因"));
        li.submit(&format!("{at}/documents/id_card"), &[("verdict", "return"), ("reason", "照片模糊")], 200).await;
        li.submit(&format!("{at}/return"), &[("subject", "电话打不通")], 200).await;
        let status = lin.open(HOME, 200).await;
        assert!(status.contains("照片模糊") && status.contains("电话打不通"), "{status}");
        lin.open(&format!("{HOME}/documents"), 200).await;
        lin.upload(&format!("{HOME}/documents/id_card"), &[], PNG, 200).await;
        lin.open(&format!("{HOME}/agreement"), 200).await;
        lin.submit(&format!("{HOME}/agreement"), &signed, 200).await;
        li.open(&at, 200).await;
        li.submit(&format!("{at}/start_review"), &[], 200).await;
        li.submit(&format!("{at}/approve"), &[], 200).await;
        assert!(li.open("/console/provider/merchants", 200).await.contains("福州山里茶业有限公司"));

        // Opening the doors.
        let shop = lin.open("/console/merchant/shops", 200).await;
        assert!(shop.contains("/start_trading"), "{shop}");
        let at = lin.path.clone();
        lin.submit(&at, &[("name", "山里茶铺"), ("notice", "全场包邮")], 200).await;
        let open = lin.submit(&format!("{at}/start_trading"), &[], 200).await;
        assert!(open.contains("营业中") && open.contains("全场包邮"), "{open}");

        // The provider's settings and invitations.
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "owner@qianshan.test"), ("password", PASSWORD)], 200).await;
        owner.open("/console/provider/onboarding", 200).await;
        let add = "/console/provider/onboarding/requirements";
        owner.submit(add, &[("code", "Food"), ("name_zh", "许可证"), ("name_en", "Permit")], 422).await;
        let new = [("code", "food"), ("name_zh", "许可证"), ("name_en", "Permit"), ("kinds", "personal")];
        assert!(owner.submit(add, &new, 200).await.contains("许可证"));
        owner.submit("/console/provider/onboarding/brands", &[("brand", "龙井")], 200).await;
        owner.submit("/console/provider/onboarding/brands/remove", &[("name", "龙井")], 200).await;
        let agreement = [("version", "2027-01"), ("body_zh", "新"), ("body_en", "new")];
        owner.submit("/console/provider/onboarding/agreement", &agreement, 200).await;
        owner.open("/console/provider/invitations", 200).await;
        owner.submit("/console/provider/invitations", &[("email", "nobody"), ("locale", "zh")], 422).await;
        let sent = owner.submit("/console/provider/invitations", &[("email", "g@tea.test"), ("locale", "en")], 200).await;
        let id = sent.split("/console/provider/invitations/").nth(1).unwrap().split('/').next().unwrap().to_owned();
        owner.submit(&format!("/console/provider/invitations/{id}/revoke"), &[], 200).await;
        assert!(owner.html.contains("已撤回"));
        app.stop().await;
    }

    async fn rules_and_requirements_by_their_forms(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, "lin@tea.test", "personal", "林家小铺", false).await;
        let mut owner = Browser::new(&app.base_url);
        owner.open("/console/login", 200).await;
        owner.submit("/console/login", &[("email", "owner@qianshan.test"), ("password", PASSWORD)], 200).await;
        let rules = "/console/provider/policies";
        let page = owner.open(rules, 200).await;
        assert!(page.contains("平台默认") && page.contains("15 分钟") && page.contains("¥10,000.00") || page.contains("¥10000.00"), "{page}");
        owner.open(&format!("{rules}/nothing"), 404).await;
        let hold = format!("{rules}/stock_hold");
        assert!(owner.open(&hold, 200).await.contains("value=\"15\""));
        for (typed, says) in [("", "id=\"e-params.minutes\""), ("0", "应为 1 到 1440 的整数"), ("abc", "应为 1 到 1440 的整数")] {
            let refused = owner.submit(&hold, &[("params.minutes", typed)], 422).await;
            assert!(refused.contains(says), "{typed}: {refused}");
        }
        let past = [("params.minutes", "20"), ("effective_from", "2026-03-01"), ("effective_to", "")];
        assert!(owner.submit(&hold, &past, 422).await.contains("id=\"e-effective_from\""));
        let order = [("params.minutes", "20"), ("effective_from", "2026-03-09"), ("effective_to", "2026-03-04")];
        assert!(owner.submit(&hold, &order, 422).await.contains("id=\"e-effective_to\""));
        // Today means from now on, and the last day is a whole day.
        let today = [("params.minutes", "20"), ("effective_from", "2026-03-02"), ("effective_to", "2026-03-02"), ("merchant", "")];
        let page = owner.submit(&hold, &today, 200).await;
        assert!(page.contains("20 分钟") && page.contains("全部商家"), "{page}");
        let for_one = [("params.minutes", "30"), ("merchant", lin.merchant_id.as_str())];
        owner.submit(&hold, &for_one, 200).await;
        let listed = lin.owner.get("/api/v1/policies", 200).await.json("/items");
        let held = listed.as_array().unwrap().iter().find(|it| it["kind"] == "stock_hold" && it["in_force"] == true);
        assert_eq!(held.unwrap()["params"]["minutes"], "30");
        let id = held.unwrap()["id"].as_str().unwrap().to_owned();
        owner.open(rules, 200).await;
        owner.submit(&format!("{rules}/{id}/end"), &[], 200).await;
        assert!(!owner.html.contains("30 分钟"));

        // Money is typed in yuan, rates in percent, the quota by kind of account.
        let rate = format!("{rules}/take_rate");
        let refused = owner.submit(&rate, &[("params.rate_ppm", "101"), ("params.tax_ppm", "6")], 422).await;
        assert!(refused.contains("id=\"e-params.rate_ppm\""), "{refused}");
        assert!(owner.submit(&rate, &[("params.rate_ppm", "2.5"), ("params.tax_ppm", "6")], 200).await.contains("2.5%"));
        let trial = format!("{rules}/deposit_trial");
        let fields = [("params.days", "15"), ("params.orders", "50"), ("params.gmv_fen", "5,000")];
        assert!(owner.submit(&trial, &fields, 200).await.contains("¥5000.00") || owner.html.contains("¥5,000.00"));
        let quota = format!("{rules}/link_quota");
        let mut fields = vec![("params.enterprise.*", "8"), ("params.individual_business.*", "2"), ("params.personal.*", "")];
        assert!(owner.submit(&quota, &fields, 422).await.contains("e-params.personal.*"));
        fields.pop();
        fields.extend([("params.personal.*", "1"), ("params.enterprise.wechat_store", "9")]);
        let page = owner.submit(&quota, &fields, 200).await;
        assert!(page.contains("微信小店: <strong>9</strong>"), "{page}");

        // What is asked for is changed without asking anew.
        let settings = owner.open("/console/provider/onboarding", 200).await;
        let at = settings.split("/console/provider/onboarding/requirements/").nth(1).unwrap().split('"').next().unwrap();
        let at = format!("/console/provider/onboarding/requirements/{at}");
        let page = owner.open(&at, 200).await;
        let version = page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let refused = owner.submit(&at, &[("name_zh", ""), ("name_en", "ID"), ("version", &version)], 422).await;
        assert!(refused.contains("id=\"e-name_zh\"") && refused.contains("id=\"e-kinds\""), "{refused}");
        let next = [("name_zh", "居民身份证"), ("name_en", "ID"), ("kinds", "personal"), ("version", version.as_str())];
        assert!(owner.submit(&at, &next, 200).await.contains("居民身份证"));
        owner.open(&at, 200).await;
        assert!(owner.submit(&at, &next, 422).await.contains("内容已被修改"));

        // A reviewer reads both and changes neither.
        let mut li = Browser::new(&app.base_url);
        li.open("/console/login", 200).await;
        li.submit("/console/login", &[("email", &provider.reviewer_email), ("password", PASSWORD)], 200).await;
        assert!(!li.open(rules, 200).await.contains(&hold));
        li.open(&hold, 403).await;
        let page = li.open("/console/provider/onboarding", 200).await;
        assert!(page.contains("居民身份证") && !page.contains("/remove\""), "{page}");
        li.open(&at, 403).await;
        app.stop().await;
    }
}
