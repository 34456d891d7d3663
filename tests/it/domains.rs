//! Domains of tenants: claimed, proven, in use, looked at again; and what a request's host leads to.

use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::{BEGIN, TestApp};
use qianpu_tests::both;
use qianpu_tests::dns::Dns;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::onboarding::PASSWORD;
use qianpu_tests::stage::shop;
use reqwest::Method;
use serde_json::{Value, json};

const DOMAINS: &str = "/api/v1/domains";

async fn app_with(db: qianpu_tests::TestDb, dns: &Dns, file_port: u16) -> TestApp {
    let port = file_port.to_string();
    let address = dns.address.to_string();
    let settings = [("QIANPU__DOMAINS__DNS_SERVER", address.as_str()), ("QIANPU__DOMAINS__FILE_PORT", &port)];
    let clock = Clock::fixed(qianpu_domain::time::Timestamp::from_seconds(BEGIN));
    TestApp::start_with(db, clock, &settings).await
}

/// Claims a domain and proves it by DNS; the domain.
async fn proven(dns: &Dns, client: &Client, host: &str, shop: Option<&str>) -> Value {
    let claimed = client.post(DOMAINS, &json!({ "host": host, "shop_id": shop }), 201).await;
    dns.text(&claimed.text("/record_name"), &claimed.text("/proof_value"));
    let path = format!("{DOMAINS}/{}/verify", claimed.text("/id"));
    let now = client.post(&path, &json!({}), 200).await;
    assert_eq!(now.text("/state"), "verified", "{}", now.body);
    now.json("")
}

/// What a host answers.
async fn at(app: &TestApp, host: &str, path: &str) -> Answer {
    app.anonymous().try_send(Method::GET, path, None, &[("Host", host)]).await
}

/// A web server that answers each path with what it is told.
async fn web(body: String) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 2048];
            let _ = stream.read(&mut buffer).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

both! {
    async fn a_domain_is_claimed_proven_and_leads_to_one_tenant_only(db: TestDb) {
        let dns = Dns::start().await;
        let app = app_with(db, &dns, 9).await;
        let provider = app.provider("甲服务商").await;
        let (one, two) = (app.merchant(&provider, "甲商家").await, app.merchant(&provider, "乙商家").await);
        let first = shop(&app, &one, "甲的店", "enterprise", ShopState::Trading).await.to_string();
        let second = shop(&app, &two, "乙的店", "enterprise", ShopState::Trading).await.to_string();
        let (ann, bob) = (app.person(&one, Role::MerchantOwner).await, app.person(&two, Role::MerchantOwner).await);
        // What cannot be claimed.
        for host in ["", "tea", "127.0.0.1", "http://tea.com", "tea.com:80", "tea..com", "-tea.com"] {
            let refused = ann.post(DOMAINS, &json!({ "host": host, "shop_id": first }), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "host", "{host}");
        }
        for body in [json!({ "host": "tea.com" }), json!({ "host": "tea.com", "shop_id": second })] {
            assert_eq!(ann.post(DOMAINS, &body, 422).await.text("/errors/0/field"), "shop_id");
        }
        let claimed = ann.post(DOMAINS, &json!({ "host": "Tea.Test.", "shop_id": first }), 201).await;
        assert_eq!((claimed.text("/host"), claimed.text("/state")), ("tea.test".into(), "waiting".into()));
        ann.post(DOMAINS, &json!({ "host": "tea.test", "shop_id": first }), 422).await;
        let script = ann.post(DOMAINS, &json!({ "host": "茶.test", "shop_id": first }), 201).await;
        assert_eq!(script.text("/host"), "xn--cl1a.test");
        // Without proof nothing leads to it.
        let verify = format!("{DOMAINS}/{}/verify", claimed.text("/id"));
        let refused = ann.post(&verify, &json!({}), 200).await;
        assert_eq!((refused.text("/state"), refused.text("/error")), ("waiting".into(), "not_found".into()));
        assert_eq!(at(&app, "tea.test", "/").await.status, 421);
        // Somebody else's proof is none.
        let other = bob.post(DOMAINS, &json!({ "host": "tea.test", "shop_id": second }), 201).await;
        dns.text(&claimed.text("/record_name"), &claimed.text("/proof_value"));
        let others = format!("{DOMAINS}/{}/verify", other.text("/id"));
        assert_eq!(bob.post(&others, &json!({}), 200).await.text("/error"), "wrong_value");
        assert_eq!(ann.post(&verify, &json!({}), 200).await.text("/method"), "dns");
        assert_eq!(at(&app, "tea.test", "/").await.status, 200);
        // Who proves it too comes second.
        dns.text(&other.text("/record_name"), &other.text("/proof_value"));
        assert_eq!(bob.post(&others, &json!({}), 409).await.code(), "domain_taken");
        assert!(at(&app, "tea.test", "/").await.body.contains("甲的店"));
        // Somebody else's domain is not there.
        bob.delete(&format!("{DOMAINS}/{}", claimed.text("/id")), 404).await;
        app.person(&one, Role::MerchantManager).await.get(DOMAINS, 403).await;
        // Given up, it can be had by the other.
        ann.delete(&format!("{DOMAINS}/{}", claimed.text("/id")), 204).await;
        assert_eq!(at(&app, "tea.test", "/").await.status, 421);
        assert_eq!(bob.post(&others, &json!({}), 200).await.text("/state"), "verified");
        app.stop().await;
    }

    async fn a_file_proves_a_domain(db: TestDb) {
        let dns = Dns::start().await;
        let port = web("qianpu-challenge=fixed".into()).await;
        let app = app_with(db, &dns, port).await;
        let provider = app.provider("甲服务商").await;
        let owner = app.person(&provider, Role::ProviderOwner).await;
        let claimed = owner.post(DOMAINS, &json!({ "host": "files.test" }), 201).await;
        let verify = format!("{DOMAINS}/{}/verify", claimed.text("/id"));
        // The name leads nowhere; then to a server with another file.
        assert_eq!(owner.post(&verify, &json!({}), 200).await.text("/error"), "not_found");
        dns.address_of("files.test", [127, 0, 0, 1]);
        assert_eq!(owner.post(&verify, &json!({}), 200).await.text("/error"), "wrong_value");
        app.stop().await;

        let dns = Dns::start().await;
        dns.address_of("files.test", [127, 0, 0, 1]);
        let db = qianpu_tests::TestDb::sqlite().await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let app = app_with(db, &dns, port).await;
        let provider = app.provider("甲服务商").await;
        let owner = app.person(&provider, Role::ProviderOwner).await;
        let claimed = owner.post(DOMAINS, &json!({ "host": "files.test" }), 201).await;
        let value = claimed.text("/proof_value");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 2048];
            let _ = stream.read(&mut buffer).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{value}\n", value.len() + 1);
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let verify = format!("{DOMAINS}/{}/verify", claimed.text("/id"));
        assert_eq!(owner.post(&verify, &json!({}), 200).await.text("/method"), "file");
        app.stop().await;
    }

    async fn a_host_leads_to_its_tenant_and_poison_to_nobody(db: TestDb) {
        let dns = Dns::start().await;
        let app = app_with(db, &dns, 9).await;
        let one = app.onboarded_provider("yunfan").await;
        let two = app.onboarded_provider("haitang").await;
        let merchant = app.onboarded_merchant(&one, "lin@yunfan.test", "enterprise", "山前茶铺", true).await;
        let other = app.onboarded_merchant(&one, "wu@yunfan.test", "enterprise", "山后茶铺", true).await;
        proven(&dns, &merchant.owner, "qian.test", Some(&merchant.shop_id)).await;
        proven(&dns, &other.owner, "hou.test", Some(&other.shop_id)).await;
        proven(&dns, &one.owner, "yunfan.test", None).await;
        // Same path, other hosts, other bodies.
        let (qian, hou) = (at(&app, "qian.test", "/").await, at(&app, "hou.test:8080", "/").await);
        assert!(qian.body.contains("山前茶铺") && !qian.body.contains("山后茶铺"), "{}", qian.body);
        assert!(hou.body.contains("山后茶铺") && !hou.body.contains("山前茶铺"), "{}", hou.body);
        // At a shop's host there is that shop and nothing else.
        let slug = other.owner.get("/api/v1/shops", 200).await.text("/items/0/slug");
        for nothing in ["/console/login", "/api/v1/me", "/apply/yunfan", &format!("/s/{slug}/")] {
            let answer = at(&app, "qian.test", nothing).await;
            assert_eq!(answer.status, 404, "{nothing}: {}", answer.body);
        }
        // Unknown hosts get nothing, whatever they are called.
        for host in ["evil.test", "sub.qian.test", "qian.test.evil.test", "qian.test@evil.test", "169.254.169.254"] {
            assert_eq!(at(&app, host, "/console/login").await.status, 421, "{host}");
        }
        // What a client says in other headers does not matter.
        let poisoned = [("X-Forwarded-Host", "evil.test"), ("Forwarded", "host=evil.test"), ("X-Host", "evil.test"), ("Host", "qian.test")];
        let answer = app.anonymous().try_send(Method::GET, "/", None, &poisoned).await;
        assert!(answer.body.contains("山前茶铺") && !answer.body.contains("evil.test"), "{}", answer.body);
        let own = [("X-Forwarded-Host", "qian.test")];
        let answer = app.anonymous().try_send(Method::GET, "/console/login", None, &own).await;
        assert_eq!(answer.status, 200);
        // The provider's host: its brand, its people, its merchants' people, and nobody else.
        let brand = json!({ "name": "云帆科技", "colour": "#0b7a75", "accent": "#0a5f5b" });
        one.owner.put("/api/v1/brand", &brand, 200).await;
        let page = at(&app, "yunfan.test", "/console/login").await;
        assert!(page.body.contains("云帆科技"), "{}", page.body);
        assert!(!app.anonymous().get("/console/login", 200).await.body.contains("云帆科技"));
        assert_eq!(at(&app, "yunfan.test", "/apply/haitang").await.status, 404);
        assert_eq!(at(&app, "yunfan.test", "/apply/yunfan").await.status, 200);
        assert_eq!(at(&app, "yunfan.test", "/console/operator").await.status, 404);
        for (email, status) in [("owner@yunfan.test", 200), ("lin@yunfan.test", 200), ("owner@haitang.test", 401)] {
            let body = json!({ "email": email, "password": PASSWORD });
            let answer = app.anonymous().try_send(Method::POST, "/api/v1/auth/login", Some(&body), &[("Host", "yunfan.test")]).await;
            assert_eq!(answer.status, status, "{email}: {}", answer.body);
        }
        let me = async |client: &Client| client.try_send(Method::GET, "/api/v1/me", None, &[("Host", "yunfan.test")]).await.status;
        assert_eq!((me(&one.owner).await, me(&merchant.owner).await, me(&two.owner).await), (200, 200, 401));
        // A certificate is made for what leads somewhere.
        for (host, status) in [("qian.test", 200), ("yunfan.test", 200), ("127.0.0.1", 200), ("evil.test", 404)] {
            let answer = app.anonymous().try_send(Method::GET, &format!("/tls/ask?domain={host}"), None, &[]).await;
            assert_eq!(answer.status, status, "{host}");
        }
        app.anonymous().try_send(Method::GET, "/healthz", None, &[("Host", "10.0.0.7")]).await;
        app.stop().await;
    }

    async fn behind_a_proxy_the_proxy_names_the_host(db: TestDb) {
        let dns = Dns::start().await;
        let address = dns.address.to_string();
        let settings = [("QIANPU__DOMAINS__DNS_SERVER", address.as_str()), ("QIANPU__HTTP__BEHIND_PROXY", "true")];
        let app = TestApp::start_with(db, Clock::fixed(qianpu_domain::time::Timestamp::from_seconds(BEGIN)), &settings).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let shop = shop(&app, &merchant, "甲的店", "enterprise", ShopState::Trading).await.to_string();
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        proven(&dns, &owner, "tea.test", Some(&shop)).await;
        let said = async |headers: &[(&str, &str)]| app.anonymous().try_send(Method::GET, "/", None, headers).await;
        assert!(said(&[("X-Forwarded-Host", "tea.test")]).await.body.contains("甲的店"));
        assert_eq!(said(&[("X-Forwarded-Host", "tea.test, evil.test")]).await.status, 421);
        assert_eq!(said(&[("X-Forwarded-Host", "tea.test"), ("X-Forwarded-Host", "evil.test")]).await.status, 421);
        app.stop().await;
    }

    async fn a_domain_whose_proof_stays_away_is_dropped_after_a_notice(db: TestDb) {
        let dns = Dns::start().await;
        let app = app_with(db, &dns, 9).await;
        let provider = app.onboarded_provider("yunfan").await;
        let domain = proven(&dns, &provider.owner, "yunfan.test", None).await;
        let path = format!("{DOMAINS}/{}", domain["id"].as_str().unwrap());
        let state = async || app.api("owner@yunfan.test", PASSWORD).await.get(&path, 200).await.text("/state");
        let day = async || { app.advance(86_400 + 60); app.run_jobs().await; };
        day().await;
        assert_eq!(state().await, "verified");
        dns.forget();
        day().await;
        assert_eq!(state().await, "failing");
        assert_eq!(at(&app, "yunfan.test", "/console/login").await.status, 200, "it leads on for some days");
        app.run_jobs().await;
        let mail = app.smtp.nth_to("owner@yunfan.test", 1).await.readable();
        assert!(mail.contains("yunfan.test"), "{mail}");
        for _ in 0..3 { day().await; }
        assert_eq!(state().await, "dropped");
        assert_eq!(at(&app, "yunfan.test", "/console/login").await.status, 421);
        app.run_jobs().await;
        app.smtp.nth_to("owner@yunfan.test", 2).await;
        app.stop().await;
    }
}
