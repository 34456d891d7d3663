//! Several consoles in one browser: each has its seat, pages and forms of each work, and leaving one leaves the others.

use qianpu_domain::access::Role;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use reqwest::Method;
use serde_json::json;

const LIN: &str = "lin@qianshan.test";
const HE: &str = "he@houshan.test";

async fn log_in(browser: &mut Browser, email: &str) -> String {
    browser.open("/console/login?lang=zh", 200).await;
    browser.submit("/console/login", &[("email", email), ("password", PASSWORD)], 200).await;
    browser.address.clone()
}

/// How many sessions somebody has.
async fn sessions(client: &Client) -> usize {
    client.get("/api/v1/me/sessions", 200).await.json("/items").as_array().unwrap().len()
}

both! {
    async fn two_merchants_work_in_one_browser(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, LIN, "enterprise", "山前茶铺", true).await;
        let he = app.onboarded_merchant(&provider, HE, "enterprise", "山后茶铺", true).await;
        let mut browser = Browser::new(&app.base_url);
        let first = log_in(&mut browser, LIN).await;
        let second = log_in(&mut browser, HE).await;
        assert!(first.starts_with("/console/merchant~") && second.starts_with("/console/merchant~"), "{first} {second}");
        assert_ne!(first, second);

        // Two tabs, in turn: each shows its own shop, and every address of a page keeps its seat.
        for _ in 0..2 {
            for (seat, own, other) in [(&first, "山前茶铺", "山后茶铺"), (&second, "山后茶铺", "山前茶铺")] {
                let page = browser.open(&format!("{seat}/shops"), 200).await;
                assert!(page.contains(own) && !page.contains(other), "{page}");
                let shown = &browser.shown;
                assert!(shown.contains(&format!("href=\"{seat}/products\"")), "{shown}");
                assert!(shown.contains(&format!("action=\"{seat}/logout\"")) && shown.contains(&format!("data-seat=\"{seat}\"")));
                for plain in ["=\"/console/merchant/", "=\"/console/merchant\"", "=\"/api/v1/"] {
                    assert!(!shown.contains(plain), "{plain} in {shown}");
                }
            }
        }
        // Forms: the first tab was opened before the second, and is sent after it.
        browser.open(&format!("{first}/staff"), 200).await;
        let page_of_first = browser.html.clone();
        browser.open(&format!("{second}/staff"), 200).await;
        let page_of_second = std::mem::replace(&mut browser.html, page_of_first);
        let invite = |email| [("email", email), ("name", ""), ("role", "merchant_goods"), ("shop_id", ""), ("locale", "zh")];
        let sent = browser.submit(&format!("{first}/staff"), &invite("one@x.test"), 200).await;
        assert!(sent.contains("one@x.test") && browser.address.starts_with(&first), "{}", browser.address);
        browser.html = page_of_second;
        let sent = browser.submit(&format!("{second}/staff"), &invite("two@x.test"), 200).await;
        assert!(sent.contains("two@x.test") && !sent.contains("one@x.test") && browser.address.starts_with(&second));
        // A form of the one is no form of the other.
        browser.submit(&format!("{first}/staff"), &invite("three@x.test"), 403).await;
        let waiting = async |owner: &Client| owner.get("/api/v1/staff_invitations", 200).await.json("/items").as_array().unwrap().len();
        assert_eq!((waiting(&lin.owner).await, waiting(&he.owner).await), (1, 1));

        // What a page's script asks the API is asked as the person of the page.
        for (seat, name) in [(&first, &lin.owner), (&second, &he.owner)] {
            browser.open(&format!("{seat}/api/v1/me"), 200).await;
            let tenant = name.get("/api/v1/me", 200).await.text("/tenant/name");
            assert!(browser.html.contains(&tenant), "{}", browser.html);
        }
        // A plain address leads to the one used last.
        browser.open(&first, 200).await;
        browser.open("/console/merchant/staff?x=1", 200).await;
        assert_eq!(browser.address, format!("{first}/staff?x=1"));
        browser.open("/console", 200).await;
        assert_eq!(browser.address, first);

        // Leaving one leaves the other, and ends the one for good.
        let cookies = browser.cookies.clone();
        browser.submit(&format!("{first}/logout"), &[], 200).await;
        assert!(browser.html.contains("name=\"password\""));
        browser.open(&format!("{second}/shops"), 200).await;
        assert!(browser.html.contains("山后茶铺"));
        browser.open("/console/merchant/staff", 200).await;
        assert_eq!(browser.address, format!("{second}/staff"));
        assert!(browser.open(&format!("{first}/shops"), 200).await.contains("name=\"password\""));
        browser.cookies = cookies;
        assert!(browser.open(&format!("{first}/shops"), 200).await.contains("name=\"password\""));
        app.stop().await;
    }

    async fn a_person_opens_the_other_tenants_from_the_frame(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, LIN, "enterprise", "山前茶铺", true).await;
        let he = app.onboarded_merchant(&provider, HE, "enterprise", "山后茶铺", true).await;
        let mut browser = Browser::new(&app.base_url);
        let home = log_in(&mut browser, LIN).await;
        assert!(!browser.html.contains("tenant-menu"), "one tenant, nothing to choose");
        he.owner.post("/api/v1/staff_invitations", &json!({ "email": LIN, "role": "merchant_manager" }), 201).await;
        app.run_jobs().await;
        let mut mails = app.smtp.mails().into_iter().filter(|mail| mail.to == [LIN]).map(|mail| mail.readable());
        let text = mails.rfind(|text| text.contains("/console/join/")).unwrap();
        let token = text.split("/console/join/").nth(1).unwrap();
        let token = token.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap();
        lin.owner.post("/api/v1/staff_invitations/accept", &json!({ "token": token }), 201).await;

        let page = browser.open(&home, 200).await.to_owned();
        let other = he.owner.get("/api/v1/me", 200).await.text("/tenant/id");
        assert!(page.contains("tenant-menu") && page.contains(&other), "{page}");
        let foreign = provider.owner.get("/api/v1/me", 200).await.text("/tenant/id");
        for wrong in [foreign.as_str(), "ten_00000000000070008000000000ffffff", "", "x"] {
            browser.submit(&format!("{home}/switch"), &[("tenant_id", wrong)], 404).await;
            browser.open(&home, 200).await;
        }
        browser.submit(&format!("{home}/switch"), &[("tenant_id", &other)], 200).await;
        let there = browser.address.clone();
        assert_ne!(there, home);
        assert!(browser.shown.contains(&format!("href=\"{home}\"")), "{}", browser.shown);
        assert!(browser.open(&format!("{there}/shops"), 200).await.contains("山后茶铺"));
        assert!(browser.open(&format!("{home}/shops"), 200).await.contains("山前茶铺"));
        // Disabled there: that tab is out, this one goes on and no longer offers it.
        let id = he.owner.get("/api/v1/staff", 200).await.json("/items");
        let id = id.as_array().unwrap().iter().find(|one| one["email"] == LIN).unwrap()["id"].as_str().unwrap().to_owned();
        he.owner.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await;
        assert!(browser.open(&format!("{there}/shops"), 200).await.contains("name=\"password\""));
        assert!(!browser.open(&home, 200).await.contains("tenant-menu"));
        app.stop().await;
    }

    async fn logging_in_begins_a_new_session(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("qianshan").await;
        let lin = app.onboarded_merchant(&provider, LIN, "enterprise", "山前茶铺", true).await;
        let mut browser = Browser::new(&app.base_url);
        let at = log_in(&mut browser, LIN).await;
        let cookie = format!("qp_{}", at.trim_start_matches("/console/").replace('~', "_"));
        // Somebody planted a value before the log-in: it is not taken up.
        let before = browser.cookies.get(&cookie).unwrap().clone();
        let planted = format!("{}.{}", before.split('.').next().unwrap(), "x".repeat(43));
        let mut other = Browser::new(&app.base_url);
        other.cookies.insert(cookie.clone(), planted.clone());
        assert!(other.open(&at, 200).await.contains("name=\"password\""));
        other.cookies.insert(cookie.clone(), planted.clone());
        log_in(&mut other, LIN).await;
        let fresh = other.cookies.get(&cookie).unwrap().clone();
        assert!(fresh != planted && fresh != before);
        // Logged in once more in the same seat: another session, and the one it replaces has ended.
        let count = sessions(&lin.owner).await;
        log_in(&mut browser, LIN).await;
        let after = browser.cookies.get(&cookie).unwrap().clone();
        assert_ne!(after, before);
        assert_eq!(sessions(&lin.owner).await, count);
        let mut thief = Browser::new(&app.base_url);
        thief.cookies.insert(cookie, before);
        assert!(thief.open(&at, 200).await.contains("name=\"password\""));
        app.stop().await;
    }

    async fn a_seat_is_no_way_round_the_wall(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let (one, two) = (app.merchant(&provider, "甲商家").await, app.merchant(&provider, "乙商家").await);
        let visitor = app.visitor(&one, Role::MerchantOwner).await;
        let stranger = app.visitor(&two, Role::MerchantOwner).await;
        let session = visitor.cookie.split_once('=').unwrap().1;
        let seat_of_two = stranger.cookie.split_once('=').unwrap().0;
        let address = format!("/console/{}", seat_of_two.trim_start_matches("qp_").replace('_', "~"));
        // The session of the one does not open the seat of the other, nor does a bearer's header change the seat.
        let moved = format!("{seat_of_two}={session}");
        let answer = app.anonymous().try_send(Method::GET, &address, None, &[("Cookie", &moved)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let api = format!("{address}/api/v1/me");
        assert_eq!(app.anonymous().try_send(Method::GET, &api, None, &[("Cookie", &moved)]).await.status, 401);
        let own = app.anonymous().try_send(Method::GET, &api, None, &[("Cookie", &visitor.cookie)]).await;
        assert_eq!(own.status, 401, "the other cookie of the browser does not stand in: {}", own.body);
        // Nothing else lies below a seat.
        for path in ["/healthz", "/hooks/x/y", "/metrics", "/api/openapi.json", "/s/x/"] {
            let answer = app.anonymous().try_send(Method::GET, &format!("{address}{path}"), None, &[]).await;
            assert!(answer.status == 404 || answer.status == 303, "{path}: {}", answer.status);
        }
        app.stop().await;
    }
}
