//! Buyers of shops: signing in by a code, sessions, and that a buyer of one shop is nobody in another.

use qianpu_api::sms::stored_messages;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::{Answer, Client};
use reqwest::Method;
use serde_json::json;

pub const PHONE: &str = "13812345678";

/// The newest code sent to a phone.
pub async fn code_of(app: &TestApp, phone: &str) -> String {
    app.run_jobs().await;
    let messages = stored_messages(&app.state.config.sms_dir()).unwrap();
    messages.into_iter().find(|message| message.phone == phone).expect("a message to the phone").code
}

async fn ask(app: &TestApp, slug: &str, phone: &str, expected: u16) -> Answer {
    let path = format!("/api/v1/storefront/{slug}/sign_in_codes");
    app.anonymous().post(&path, &json!({ "phone": phone }), expected).await
}

async fn try_code(app: &TestApp, slug: &str, phone: &str, code: &str, expected: u16) -> Answer {
    let path = format!("/api/v1/storefront/{slug}/sessions");
    app.anonymous().post(&path, &json!({ "phone": phone, "code": code }), expected).await
}

/// A buyer signed in at the API.
pub async fn buyer(app: &TestApp, slug: &str, phone: &str) -> Client {
    ask(app, slug, phone, 202).await;
    let code = code_of(app, phone).await;
    let token = try_code(app, slug, phone, &code, 201).await.text("/access_token");
    app.anonymous().with_token(&token)
}

fn me(slug: &str) -> String {
    format!("/api/v1/storefront/{slug}/me")
}

fn other_than(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn second_shop(goods: &Goods) -> String {
    use qianpu_domain::shop::ShopState;
    let id =
        qianpu_tests::stage::shop(&goods.app, &goods.merchant, "山后茶铺", "enterprise", ShopState::Trading)
            .await;
    let tx = goods.app.state.db.read(&goods.merchant).await.unwrap();
    qianpu_tenants::store::shop::shop_get(&tx, id).await.unwrap().slug
}

both! {
    async fn a_code_works_once_for_its_phone_its_shop_and_five_minutes(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let elsewhere = second_shop(&goods).await;
        ask(app, slug, "12345", 422).await;
        ask(app, "no-such-shop", PHONE, 404).await;
        let asked = ask(app, slug, "138 1234 5678", 202).await;
        assert_eq!((asked.number("/expires_in"), asked.number("/resend_in")), (300, 60));
        let code = code_of(app, PHONE).await;
        // Another phone, another shop (of the same merchant), another code.
        for (slug, phone, code) in [
            (slug, "13812345679", code.clone()),
            (elsewhere.as_str(), PHONE, code.clone()),
            (slug, PHONE, other_than(&code)),
            (slug, PHONE, "abc".to_owned()),
        ] {
            assert_eq!(try_code(app, slug, phone, &code, 422).await.code(), "sign_in_code_wrong");
        }
        let token = try_code(app, slug, PHONE, &code, 201).await.text("/access_token");
        // Used once.
        assert_eq!(try_code(app, slug, PHONE, &code, 422).await.code(), "sign_in_code_wrong");
        let own = app.anonymous().with_token(&token).get(&me(slug), 200).await;
        assert_eq!(own.text("/phone_masked"), "138****5678");
        assert!(!own.body.contains(PHONE), "{}", own.body);
        // Too old.
        app.advance(61);
        ask(app, slug, PHONE, 202).await;
        let late = code_of(app, PHONE).await;
        app.advance(301);
        assert_eq!(try_code(app, slug, PHONE, &late, 422).await.code(), "sign_in_code_wrong");
        // A newer code ends the older one; both sign in as the same buyer.
        ask(app, slug, PHONE, 202).await;
        let older = code_of(app, PHONE).await;
        app.advance(61);
        ask(app, slug, PHONE, 202).await;
        let newer = code_of(app, PHONE).await;
        if older != newer {
            try_code(app, slug, PHONE, &older, 422).await;
        }
        let again = try_code(app, slug, PHONE, &newer, 201).await;
        assert_eq!(again.text("/buyer_id"), own.text("/id"));
        goods.app.stop().await;
    }

    async fn a_code_is_tried_five_times_at_most(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        ask(app, slug, PHONE, 202).await;
        let code = code_of(app, PHONE).await;
        // All at once: the count is held by the statement that takes a try.
        let wrong = other_than(&code);
        let tries = (0..5).map(|_| try_code(app, slug, PHONE, &wrong, 422));
        futures_util::future::join_all(tries).await;
        assert_eq!(try_code(app, slug, PHONE, &code, 422).await.code(), "sign_in_code_wrong");
        goods.app.stop().await;
    }

    async fn codes_are_sent_within_limits_whoever_asks(db: TestDb) {
        let settings = [
            ("QIANPU__BUYERS__CODES_PER_PHONE", "2"),
            ("QIANPU__BUYERS__CODES_PER_ADDRESS", "4"),
            ("QIANPU__BUYERS__CODES_PER_SHOP", "3"),
        ];
        let clock = qianpu_tenants::clock::Clock::fixed(
            qianpu_domain::time::Timestamp::from_seconds(qianpu_tests::app::BEGIN),
        );
        let goods = Goods::start_on(TestApp::start_with(db, clock, &settings).await).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let elsewhere = second_shop(&goods).await;
        let known = buyer(app, slug, PHONE).await;
        known.get(&me(slug), 200).await;
        // The pause holds over all shops of the provider, and is the same for a known phone and an unknown one.
        let first = ask(app, &elsewhere, "13900000001", 202).await;
        for (slug, phone) in [(slug, PHONE), (elsewhere.as_str(), PHONE), (slug, "13900000001")] {
            let refused = ask(app, slug, phone, 429).await;
            assert_eq!(refused.code(), "rate_limited");
            assert_eq!(refused.headers["retry-after"], "60");
        }
        app.advance(60);
        let second = ask(app, slug, PHONE, 202).await;
        assert_eq!(first.body, second.body, "the answer says nothing about who is known");
        app.advance(60);
        // Two for the phone today; the third waits for tomorrow in China.
        let refused = ask(app, slug, PHONE, 429).await;
        let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait > 3600, "{wait}");
        ask(app, slug, "13900000002", 202).await;
        // Four from this address; a fifth is refused, and what is refused is not counted.
        app.advance(60);
        ask(app, &elsewhere, "13900000003", 429).await;
        app.advance(wait);
        ask(app, slug, PHONE, 202).await;
        for phone in ["13900000004", "13900000005"] {
            ask(app, slug, phone, 202).await;
        }
        // Three for the shop.
        ask(app, slug, "13900000006", 429).await;
        ask(app, &elsewhere, "13900000006", 202).await;
        goods.app.stop().await;
    }

    async fn a_buyer_of_one_shop_is_nobody_in_another(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let elsewhere = second_shop(&goods).await;
        let here = buyer(app, slug, PHONE).await;
        app.advance(61);
        let there = buyer(app, &elsewhere, PHONE).await;
        let ids = [here.get(&me(slug), 200).await.text("/id"), there.get(&me(&elsewhere), 200).await.text("/id")];
        assert_ne!(ids[0], ids[1], "one phone, two shops, two buyers");
        // A token is good at its shop only, in the API only.
        here.get(&me(&elsewhere), 401).await;
        there.get(&me(slug), 401).await;
        here.get("/api/v1/me", 401).await;
        goods.owner.get(&me(slug), 401).await;
        app.anonymous().get(&me(slug), 401).await;
        // Sessions are seen and ended by their own buyer only.
        let foreign = there.get(&format!("{}/sessions", me(&elsewhere)), 200).await.text("/items/0/id");
        here.delete(&format!("{}/sessions/{foreign}", me(slug)), 404).await;
        there.get(&me(&elsewhere), 200).await;
        goods.app.stop().await;
    }

    async fn sessions_end_when_their_buyer_says_so(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let one = buyer(app, slug, PHONE).await;
        app.advance(61);
        let two = buyer(app, slug, PHONE).await;
        app.advance(61);
        let three = buyer(app, slug, PHONE).await;
        let sessions = format!("{}/sessions", me(slug));
        let list = one.get(&sessions, 200).await.json("/items");
        assert_eq!(list.as_array().unwrap().len(), 3);
        let other = list.as_array().unwrap().iter().find(|one| one["current"] == false).unwrap()["id"].clone();
        one.delete(&format!("{sessions}/{}", other.as_str().unwrap()), 204).await;
        assert_eq!(one.get(&sessions, 200).await.json("/items").as_array().unwrap().len(), 2);
        one.delete(&format!("{}/session", me(slug)), 204).await;
        one.get(&me(slug), 401).await;
        let alive: Vec<&Client> = [&two, &three].into_iter().collect();
        let mut left = Vec::new();
        for client in alive {
            if client.try_send(Method::GET, &me(slug), None, &[]).await.status == 200 {
                left.push(client);
            }
        }
        assert_eq!(left.len(), 1);
        left[0].patch(&me(slug), &json!({ "name": " 林小满 " }), 200).await;
        assert_eq!(left[0].get(&me(slug), 200).await.text("/name"), "林小满");
        left[0].patch(&me(slug), &json!({ "name": "长".repeat(41) }), 422).await;
        left[0].delete(&sessions, 204).await;
        left[0].get(&me(slug), 401).await;
        // And by themselves.
        app.advance(61);
        let last = buyer(app, slug, PHONE).await;
        app.advance(30 * 86_400);
        last.get(&me(slug), 401).await;
        goods.app.stop().await;
    }

    async fn the_shops_pages_sign_in_and_out(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let home = format!("/s/{slug}/");
        let mut phone = Browser::new(&app.base_url);
        // Whoever is not signed in is sent to the door, and back.
        let door = phone.open(&format!("{home}account?lang=zh"), 200).await;
        assert!(door.contains("获取验证码") && door.contains(&format!("value=\"{home}account\"")), "{door}");
        let bad = phone.submit(&format!("{home}sign-in/code"), &[("phone", "123")], 422).await;
        assert!(bad.contains("手机号码不正确"), "{bad}");
        let next = [("phone", PHONE), ("next", "//evil.example/")];
        let asked = phone.submit(&format!("{home}sign-in/code"), &next, 200).await;
        assert!(asked.contains("验证码已发送") && !asked.contains("evil"), "{asked}");
        let code = code_of(app, PHONE).await;
        let wrong = [("phone", PHONE), ("code", &other_than(&code))];
        assert!(phone.submit(&format!("{home}sign-in"), &wrong, 422).await.contains("验证码不正确"));
        let right = [("phone", PHONE), ("code", code.as_str()), ("next", "https://evil.example/")];
        let own = phone.submit(&format!("{home}sign-in"), &right, 200).await;
        assert!(own.contains("138****5678") && own.contains("还没有订单") && !own.contains(PHONE), "{own}");
        assert_eq!(phone.path, format!("{home}account"));
        let named = phone.submit(&format!("{home}account/name"), &[("name", "林小满")], 200).await;
        assert!(named.contains("称呼已保存") && named.contains("林小满"), "{named}");
        let out = phone.submit(&format!("{home}account/sign-out"), &[], 200).await;
        assert!(out.contains("山前茶铺"));
        assert!(phone.open(&format!("{home}account"), 200).await.contains("获取验证码"));
        goods.app.stop().await;
    }

    async fn the_cookie_is_the_shops_own_and_forms_need_its_token(db: TestDb) {
        let goods = Goods::start(db).await;
        let (app, slug) = (&goods.app, goods.slug.as_str());
        let elsewhere = second_shop(&goods).await;
        let home = format!("/s/{slug}/");
        ask(app, slug, PHONE, 202).await;
        let code = code_of(app, PHONE).await;
        let http = qianpu_tests::http::http_client();
        let at = |path: &str| format!("{}{path}", app.base_url);
        // A visitor's form token, and a cookie that somebody planted before.
        let door = http.get(at(&format!("{home}sign-in"))).send().await.unwrap();
        let visitor = door.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = door.text().await.unwrap();
        let token = page.split("name=\"_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let planted = "qp_buyer=planted-by-somebody-else-0123456789";
        let form = [("phone", PHONE), ("code", code.as_str()), ("_csrf", token.as_str())];
        let without = http.post(at(&format!("{home}sign-in"))).header("Cookie", &visitor).form(&form[..2]);
        assert_eq!(without.send().await.unwrap().status(), 403);
        let signed = http.post(at(&format!("{home}sign-in"))).header("Cookie", format!("{visitor}; {planted}"));
        let signed = signed.form(&form).send().await.unwrap();
        assert_eq!(signed.status(), 303);
        let cookie = signed.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap().to_owned());
        let cookie = cookie.into_iter().find(|one| one.starts_with("qp_buyer=")).unwrap();
        assert!(cookie.contains(&format!("Path={home}")) && cookie.contains("HttpOnly"), "{cookie}");
        assert!(cookie.contains("SameSite=Lax") && !cookie.contains("planted"), "{cookie}");
        let own = cookie.split(';').next().unwrap().to_owned();
        let get = async |path: &str, cookie: &str| {
            http.get(at(path)).header("Cookie", cookie.to_owned()).send().await.unwrap().status().as_u16()
        };
        assert_eq!(get(&format!("{home}account"), &own).await, 200);
        // What was planted is worth nothing, and neither is the cookie at another shop or in the API.
        assert_eq!(get(&format!("{home}account"), planted).await, 303);
        assert_eq!(get(&format!("/s/{elsewhere}/account"), &own).await, 303);
        assert_eq!(get(&me(slug), &own).await, 401);
        // A form without the session's token changes nothing, even with the visitor's.
        for token in [None, Some(token.as_str())] {
            let mut form = vec![("name", "evil")];
            form.extend(token.map(|token| ("_csrf", token)));
            let cookies = format!("{visitor}; {own}");
            let sent = http.post(at(&format!("{home}account/name"))).header("Cookie", cookies).form(&form);
            assert_eq!(sent.send().await.unwrap().status(), 403);
        }
        // Signing in again ends what the browser had.
        app.advance(61);
        ask(app, slug, PHONE, 202).await;
        let code = code_of(app, PHONE).await;
        let form = [("phone", PHONE), ("code", code.as_str()), ("_csrf", token.as_str())];
        let again = http.post(at(&format!("{home}sign-in"))).header("Cookie", format!("{visitor}; {own}"));
        assert_eq!(again.form(&form).send().await.unwrap().status(), 303);
        assert_eq!(get(&format!("{home}account"), &own).await, 303);
        goods.app.stop().await;
    }
}
