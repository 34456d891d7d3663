//! The provider's sender of text messages: what is called and signed how, what a refusal leads to, and that numbers and
//! secrets are shown to nobody.

use crate::buyers::PHONE;
use qianpu_domain::access::Role;
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};

const SENDER: &str = "/api/v1/sms_sender";
const SECRET: &str = "whsec_cWlhbnB1LXRlc3QtdmVjdG9yLTMyLWJ5dGVzLWxvbmc=";

/// A shop whose provider may call this machine, which stands in for Alibaba Cloud and for gateways.
async fn start(db: qianpu_tests::TestDb) -> (Goods, Receiver, Client) {
    let receiver = Receiver::start().await;
    let service = format!("http://{}", receiver.address);
    let settings =
        [("QIANPU__WEBHOOKS__ALLOW_LOOPBACK", "true"), ("QIANPU__SMS__ALIYUN_URL", service.as_str())];
    let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &settings).await).await;
    let provider = goods.app.person(&goods.provider, Role::ProviderOwner).await;
    (goods, receiver, provider)
}

async fn ask(goods: &Goods, phone: &str, expected: u16) {
    let path = format!("/api/v1/storefront/{}/sign_in_codes", goods.slug);
    goods.app.anonymous().post(&path, &json!({ "phone": phone }), expected).await;
    goods.app.run_jobs().await;
}

async fn newest(provider: &Client) -> Value {
    provider.get("/api/v1/sms_messages?limit=1", 200).await.json("/items/0")
}

/// Whether the signature of Standard Webhooks is the secret's.
fn is_signed(received: &Received) -> bool {
    use qianpu_api::app::webhooks::sign::holds;
    let at = received.header("webhook-timestamp").parse().expect("seconds");
    let at = qianpu_domain::time::Timestamp::from_seconds(at);
    let (id, given) = (received.header("webhook-id"), received.header("webhook-signature"));
    holds(&SECRET.to_owned().into(), &id, at, &received.body, &given)
}

both! {
    async fn a_gateway_gets_signed_codes_and_a_buyer_signs_in_with_one(db: TestDb) {
        let (goods, gateway, provider) = start(db).await;
        let body = json!({ "kind": "gateway", "active": true, "url": gateway.url(), "secret": SECRET });
        let set = provider.put(SENDER, &body, 200).await;
        assert!(!set.body.contains(SECRET) && set.json("/has_secret") == true, "{}", set.body);
        gateway.answer([Reply::Json(202, json!({ "id": "gw-1" }).to_string())]);
        ask(&goods, PHONE, 202).await;
        let received = gateway.wait_for(1).await.remove(0);
        assert!(is_signed(&received), "{received:?}");
        let message = received.json();
        assert_eq!((&message["type"], &message["phone"]), (&json!("sms.code"), &json!(format!("+86{PHONE}"))));
        let code = message["code"].as_str().unwrap();
        assert!(message["text"].as_str().unwrap().contains(code), "{message}");
        let noted = newest(&provider).await;
        assert_eq!((&noted["state"], &noted["remote_id"]), (&json!("sent"), &json!("gw-1")));
        assert_eq!(noted["phone_masked"], "138****5678");
        assert!(!noted.to_string().contains(code), "{noted}");
        let path = format!("/api/v1/storefront/{}/sessions", goods.slug);
        goods.app.anonymous().post(&path, &json!({ "phone": PHONE, "code": code }), 201).await;
        // Without a secret the stored one stays; the address changes.
        let moved = json!({ "kind": "gateway", "active": true, "url": format!("{}/new", gateway.url()) });
        provider.put(SENDER, &moved, 200).await;
        ask(&goods, "13900000001", 202).await;
        let received = gateway.wait_for(2).await.remove(1);
        assert!(received.path.ends_with("/hook/new") && is_signed(&received), "{received:?}");
        goods.app.stop().await;
    }

    async fn a_refusal_is_final_and_what_may_pass_is_tried_again(db: TestDb) {
        let (goods, gateway, provider) = start(db).await;
        let body = json!({ "kind": "gateway", "active": true, "url": gateway.url(), "secret": SECRET });
        provider.put(SENDER, &body, 200).await;
        // The gateway repeats the number in what it says.
        let said = json!({ "message": format!("{PHONE} is on a list") }).to_string();
        gateway.answer([Reply::Json(400, said)]);
        ask(&goods, PHONE, 202).await;
        let refused = newest(&provider).await;
        assert_eq!((&refused["state"], &refused["error_code"]), (&json!("failed"), &json!("http_400")));
        assert_eq!(refused["error_text"], "138****5678 is on a list");
        goods.app.advance(10);
        goods.app.run_jobs().await;
        assert_eq!(gateway.received().len(), 1, "a refusal is final");
        gateway.answer([Reply::Status(503)]);
        ask(&goods, "13900000001", 202).await;
        assert_eq!(newest(&provider).await["state"], "queued");
        goods.app.advance(10);
        goods.app.run_jobs().await;
        assert_eq!(newest(&provider).await["state"], "sent");
        let received = gateway.received();
        assert_eq!(received.len(), 3);
        assert_eq!(received[1].header("webhook-id"), received[2].header("webhook-id"), "the gateway can tell");
        // A redirect is no way around the judgement of addresses, and a code that waited too long is not sent.
        gateway.answer([Reply::With(302, "Location", "http://169.254.169.254/".to_owned())]);
        ask(&goods, "13900000002", 202).await;
        assert_eq!(newest(&provider).await["error_code"], "http_302");
        gateway.answer_always(Reply::Status(500));
        ask(&goods, "13900000003", 202).await;
        goods.app.advance(301);
        goods.app.run_jobs().await;
        assert_eq!(newest(&provider).await["error_code"], "too_late");
        goods.app.stop().await;
    }

    async fn alibaba_cloud_is_called_by_its_document(db: TestDb) {
        let (goods, service, provider) = start(db).await;
        let body = json!({ "kind": "aliyun", "active": true, "access_key_id": "LTAIkey", "sign_name": "山前茶铺",
            "template_code": "SMS_100", "secret": "the-key-secret" });
        provider.put(SENDER, &body, 200).await;
        let ok = json!({ "Code": "OK", "Message": "OK", "RequestId": "r", "BizId": "9001^0" }).to_string();
        service.answer([Reply::Json(200, ok)]);
        let tested = provider.post(&format!("{SENDER}/test"), &json!({ "phone": PHONE }), 200).await;
        assert_eq!((tested.text("/state"), tested.text("/remote_id")), ("sent".into(), "9001^0".into()));
        let received = service.wait_for(1).await.remove(0);
        assert!(received.path.starts_with(&format!("/?PhoneNumbers={PHONE}&SignName=%E5%B1%B1")), "{received:?}");
        assert!(received.path.contains("TemplateCode=SMS_100&TemplateParam=%7B%22code%22%3A%22000000%22%7D"));
        assert_eq!((received.header("x-acs-action"), received.header("x-acs-version")),
            ("SendSms".to_owned(), "2017-05-25".to_owned()));
        assert_eq!(received.header("host"), service.address.to_string());
        let signed = received.header("authorization");
        assert!(signed.starts_with("ACS3-HMAC-SHA256 Credential=LTAIkey,SignedHeaders=host;x-acs-action;"), "{signed}");
        // The service's own words, and a pause between tests to one phone.
        provider.post(&format!("{SENDER}/test"), &json!({ "phone": PHONE }), 429).await;
        let no = json!({ "Code": "isv.SMS_SIGNATURE_ILLEGAL", "Message": "短信签名不合法" }).to_string();
        service.answer([Reply::Json(200, no)]);
        let refused = provider.post(&format!("{SENDER}/test"), &json!({ "phone": "13900000001" }), 200).await;
        assert_eq!((refused.text("/state"), refused.text("/error_text")), ("failed".into(), "短信签名不合法".into()));
        goods.app.stop().await;
    }

    async fn a_sender_is_the_providers_own_and_calls_only_what_may_be_called(db: TestDb) {
        let (goods, gateway, provider) = start(db).await;
        for (field, body) in [
            ("kind", json!({ "kind": "pigeon", "active": true })),
            ("url", json!({ "kind": "gateway", "active": true, "url": "http://10.0.0.1/", "secret": SECRET })),
            ("url", json!({ "kind": "gateway", "active": true, "url": "https://169.254.169.254/", "secret": SECRET })),
            ("secret", json!({ "kind": "gateway", "active": true, "url": gateway.url(), "secret": "short" })),
            ("secret", json!({ "kind": "gateway", "active": true, "url": gateway.url() })),
            ("sign_name", json!({ "kind": "aliyun", "active": true, "access_key_id": "k", "template_code": "t", "secret": "s" })),
        ] {
            let refused = provider.put(SENDER, &body, 422).await;
            assert!(refused.json("/errors").to_string().contains(&format!("\"{field}\"")), "{}", refused.body);
        }
        let body = json!({ "kind": "gateway", "active": true, "url": gateway.url(), "secret": SECRET });
        let version = provider.put(SENDER, &body, 200).await.number("/version");
        // Two who change it at once: the second is told.
        let stale = format!("\"{}\"", version - 1);
        let again = provider.try_send(reqwest::Method::PUT, SENDER, Some(&body), &[("If-Match", &stale)]).await;
        assert_eq!((again.status, again.code()), (409, "version_conflict".to_owned()), "{}", again.body);
        // Another provider has none of it; a merchant may not see it.
        let other = goods.app.provider("乙服务商").await;
        let other = goods.app.person(&other, Role::ProviderOwner).await;
        assert!(other.get(SENDER, 200).await.json("/kind").is_null());
        goods.owner.get(SENDER, 403).await;
        // Changing the kind forgets the secret of the other.
        let aliyun = json!({ "kind": "aliyun", "active": true, "access_key_id": "k", "sign_name": "s", "template_code": "t" });
        provider.put(SENDER, &aliyun, 422).await;
        // Switched off, development writes into its folder again and nothing is called.
        let off = json!({ "kind": "gateway", "active": false, "url": gateway.url() });
        provider.put(SENDER, &off, 200).await;
        ask(&goods, PHONE, 202).await;
        assert!(gateway.received().is_empty());
        goods.app.stop().await;
    }

    async fn a_refused_form_keeps_what_was_typed_and_what_the_other_form_holds(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.onboarded_provider("yunfan").await.owner;
        provider.put("/api/v1/buyer_settings", &json!({ "erasure_days": 9, "person_links": true }), 200).await;
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", "owner@yunfan.test"), ("password", PASSWORD)], 200).await;
        let (home, url) = ("/console/provider/text_messages", "https://sms.example/send");
        browser.open(&format!("{home}?lang=zh"), 200).await;
        let form = [("kind", "gateway"), ("active", "1"), ("url", url), ("secret", "short")];
        let page = browser.submit(&format!("{home}/sender"), &form, 422).await;
        assert!(page.contains("须为 whsec_") && !page.contains("secret:") && !page.contains("short"), "{page}");
        assert!(page.contains(url) && page.contains("value=\"9\""), "{page}");
        let ticked = |page: &str, name: &str| {
            let at = page.find(&format!("name=\"{name}\"")).expect("the box");
            page[at..].split('>').next().expect("its end").contains("checked")
        };
        assert!(ticked(page, "person_links") && ticked(page, "active"), "{page}");
        let page = browser.submit(&format!("{home}/settings"), &[("erasure_days", "99")], 422).await;
        assert!(page.contains("value=\"99\""), "{page}");
        let settings = provider.get("/api/v1/buyer_settings", 200).await;
        assert_eq!((settings.number("/erasure_days"), settings.json("/person_links")), (9, json!(true)));
        app.stop().await;
    }
}
