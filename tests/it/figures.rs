//! Figures of tenants and limits of their requests: what a provider sees of its merchants, what `/metrics` says and to
//! whom, and how rules and plans decide how often a merchant may ask.

use qianpu_domain::access::Role;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tests::TestDb;
use qianpu_tests::app::{BEGIN, TestApp};
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::people::Visitor;
use reqwest::Method;
use serde_json::{Value, json};

const ME: &str = "/api/v1/me";
const TOKEN: &str = "a-token-for-prometheus";

async fn start(db: TestDb, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(db, Clock::fixed(Timestamp::from_seconds(BEGIN)), settings).await
}

async fn ask(client: &Client, path: &str) -> Answer {
    client.try_send(Method::GET, path, None, &[]).await
}

async fn enqueue(app: &TestApp, at: &TenantCtx, count: usize) {
    let mut tx = app.state.db.begin(at).await.unwrap();
    for _ in 0..count {
        let job =
            NewJob { kind: "no.such.kind", dedup_key: None, payload: json!({}), run_at: None, priority: 5 };
        assert!(job_enqueue(&mut tx, job).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// The merchants of a provider's list, by name.
fn names(answer: &Answer) -> Vec<String> {
    let items = answer.json("/items");
    items.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn row<'a>(items: &'a Value, name: &str) -> &'a Value {
    items.as_array().unwrap().iter().find(|item| item["name"] == name).expect("the merchant is listed")
}

async fn page(visitor: &Visitor, path: &str, expected: u16) -> String {
    visitor.client.send(Method::GET, path, None, &[("Cookie", &visitor.cookie)], expected).await.body
}

/// Statuses of some requests, one after the other.
async fn statuses(client: &Client, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(ask(client, ME).await.status);
    }
    statuses
}

fn let_through(statuses: &[u16]) -> usize {
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

fn rate(per_second: u32, at_once: u32) -> Value {
    json!({
        "per_second": per_second.to_string(), "at_once": at_once.to_string(),
        "caller_per_second": per_second.to_string(), "caller_at_once": at_once.to_string(),
    })
}

both! {
    async fn a_provider_sees_the_figures_of_its_own_merchants_only(db: TestDb) {
        let app = start(db, &[]).await;
        let (first, second) = (app.provider("甲服务商").await, app.provider("乙服务商").await);
        let (tea, silk) = (app.merchant(&first, "山茶").await, app.merchant(&first, "云锦").await);
        let other = app.merchant(&second, "别家").await;
        let owner = app.person(&first, Role::ProviderOwner).await;
        let (tea_owner, other_owner) =
            (app.person(&tea, Role::MerchantOwner).await, app.person(&other, Role::MerchantOwner).await);
        for _ in 0..3 {
            tea_owner.get(ME, 200).await;
        }
        tea_owner.get("/api/v1/products/prd_00000000000000000000000000000000", 404).await;
        other_owner.get(ME, 200).await;
        enqueue(&app, &silk, 2).await;
        enqueue(&app, &other, 5).await;
        app.advance(90);

        let list = owner.get("/api/v1/health/merchants", 200).await;
        assert_eq!(list.json("/active"), json!(2));
        let items = list.json("/items");
        let (own, quiet) = (row(&items, "山茶"), row(&items, "云锦"));
        assert_eq!((&own["last_hour"]["requests"], &own["last_hour"]["refused"]), (&json!(4), &json!(1)));
        assert_eq!((&own["last_hour"]["errors"], &own["last_hour"]["limited"]), (&json!(0), &json!(0)));
        assert!(own["last_hour"]["p50_ms"].as_i64().unwrap() >= 1);
        assert!(own["last_hour"]["p99_ms"].as_i64() >= own["last_hour"]["p50_ms"].as_i64());
        assert_eq!(quiet["last_hour"]["p99_ms"], Value::Null);
        assert_eq!((&quiet["jobs"]["waiting"], &quiet["jobs"]["oldest_seconds"]), (&json!(2), &json!(90)));
        assert_eq!(names(&owner.get("/api/v1/health/merchants?order=queue&limit=1", 200).await), ["云锦"]);
        assert_eq!(names(&owner.get("/api/v1/health/merchants?order=requests", 200).await), ["山茶", "云锦"]);
        assert_eq!(list.json("/last_hour/requests"), json!(4), "all of its own, and nobody else's");
        for wrong in ["order=id", "limit=0", "limit=101", "sort=x"] {
            let answer = ask(&owner, &format!("/api/v1/health/merchants?{wrong}")).await;
            assert!((400..500).contains(&answer.status), "{wrong}: {}", answer.status);
        }
        // A merchant has its own figures, and no list of merchants.
        let mine = tea_owner.get("/api/v1/health", 200).await;
        assert_eq!(mine.json("/last_hour/requests"), json!(4));
        assert_eq!(mine.json("/jobs/waiting"), json!(0));
        tea_owner.get("/api/v1/health/merchants", 403).await;

        let desk = app.visitor(&first, Role::ProviderOwner).await;
        let page = page(&desk, "/console/provider/health", 200).await;
        assert!(page.contains("山茶") && page.contains("云锦") && !page.contains("别家"), "{page}");
        self::page(&desk, "/console/provider/health?order=nonsense&lang=en", 200).await;
        let shop = app.visitor(&tea, Role::MerchantOwner).await;
        let page = self::page(&shop, "/console/merchant/health", 200).await;
        assert!(!page.contains("云锦") && !page.contains("别家"));
        // An hour later nothing is left of the requests; the jobs still wait.
        app.advance(3_700);
        let later = owner.get("/api/v1/health/merchants", 200).await;
        assert_eq!(names(&later), ["云锦"]);
        app.stop().await;
    }

    async fn metrics_name_tenants_to_whoever_has_the_token(db: TestDb) {
        let app = start(db, &[
            ("QIANPU__FIGURES__METRICS_TOKEN", TOKEN),
            ("QIANPU__FIGURES__METRICS_TENANTS", "2"),
        ]).await;
        let provider = app.provider("甲服务商").await;
        let mut merchants = Vec::new();
        for name in ["一", "二", "三", "四"] {
            let merchant = app.merchant(&provider, name).await;
            app.person(&merchant, Role::MerchantOwner).await.get(ME, 200).await;
            merchants.push(merchant);
        }
        enqueue(&app, &merchants[3], 3).await;
        let visitor = app.anonymous();
        for sent in ["", "Bearer wrong-token-of-some-length", TOKEN, &format!("Basic {TOKEN}")] {
            let answer = visitor.try_send(Method::GET, "/metrics", None, &[("Authorization", sent)]).await;
            assert_eq!((answer.status, answer.body.contains("qianpu_tenant")), (401, false), "{sent}");
        }
        let bearer = format!("Bearer {TOKEN}");
        let text = visitor.try_send(Method::GET, "/metrics", None, &[("Authorization", &bearer)]).await;
        assert_eq!(text.status, 200);
        let counts = text.body.lines().filter(|line| line.starts_with("qianpu_tenant_request_seconds_count"));
        assert_eq!(counts.count(), 3, "two by name, and the others: {}", text.body);
        let own = format!("qianpu_tenant_request_seconds_count{{tenant=\"{}\"}} 1", merchants[0].tenant());
        assert!(text.body.contains(&own), "{own} in {}", text.body);
        assert!(!text.body.contains(&merchants[3].tenant().to_string()));
        assert!(text.body.contains("qianpu_tenant_jobs_waiting{tenant=\"other\"} 3"), "{}", text.body);
        assert!(text.body.contains("qianpu_http_requests_total"));
        app.stop().await;
    }

    async fn a_rule_decides_before_the_plan_before_the_installation(db: TestDb) {
        let app = start(db, &[
            ("QIANPU__LIMITS__TENANT_PER_SECOND", "1"), ("QIANPU__LIMITS__TENANT_BURST", "12"),
            ("QIANPU__LIMITS__MOST_PER_SECOND", "50"), ("QIANPU__LIMITS__MOST_BURST", "60"),
        ]).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "山茶").await;
        let desk = app.person(&provider, Role::ProviderOwner).await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let source = async || owner.get("/api/v1/health", 200).await.text("/limits/source");
        assert_eq!(let_through(&statuses(&owner, 20).await), 12, "the installation's own");
        app.advance(60);
        assert_eq!(source().await, "installation");

        // The provider's rule for all, at once in this process.
        let set = async |params: Value, merchant: Option<String>| {
            app.advance(60);
            let body = json!({"kind": "request_rate", "params": params, "merchant_id": merchant});
            desk.post("/api/v1/policies", &body, 201).await.text("/id")
        };
        set(rate(1, 6), None).await;
        assert_eq!(let_through(&statuses(&owner, 20).await), 6);
        app.advance(60);
        assert_eq!(source().await, "provider_rule");
        // The provider itself is not under its own rule.
        app.advance(60);
        assert_eq!(let_through(&statuses(&desk, 20).await), 12);
        app.advance(60);

        // A plan goes before it, after some seconds.
        let plan = json!({"code": "small", "name_zh": "小", "name_en": "Small", "terms": {
            "fee": {"amount": 0, "currency": "CNY"}, "tax_ppm": 60_000, "take_rate_ppm": 0,
            "limits": [{"name": "requests_per_second", "limit": 1}, {"name": "requests_at_once", "limit": 3}]}});
        let plan = desk.post("/api/v1/plans", &plan, 201).await.text("/id");
        let body = json!({"merchant_id": merchant.tenant().to_string(), "plan_id": plan});
        desk.post("/api/v1/subscriptions", &body, 201).await;
        app.advance(31);
        assert_eq!(source().await, "plan");
        app.advance(60);
        assert_eq!(let_through(&statuses(&owner, 20).await), 3);

        // A rule for this merchant alone goes before both, and ends when it is ended.
        let id = set(rate(1, 5), Some(merchant.tenant().to_string())).await;
        // More at once is there when it has come together.
        owner.get(ME, 200).await;
        app.advance(60);
        assert_eq!(let_through(&statuses(&owner, 20).await), 5);
        app.advance(60);
        desk.post(&format!("/api/v1/policies/{id}/end"), &json!({}), 204).await;
        assert_eq!(let_through(&statuses(&owner, 20).await), 3);
        app.advance(60);

        // What is refused says whose limit it is, when to try again, and whom to ask.
        statuses(&owner, 4).await;
        let refused = owner.try_send(Method::GET, ME, None, &[("Accept-Language", "en")]).await;
        assert_eq!((refused.status, refused.code()), (429, "rate_limited".to_owned()));
        assert_eq!(refused.headers["retry-after"], "1");
        let detail = refused.text("/detail");
        assert!(detail.contains("Try again in 1 s"), "{detail}");
        app.advance(60);
        let refused_since = desk.get("/api/v1/health/merchants?order=limited", 200).await;
        assert!(refused_since.json("/items/0/last_hour/limited").as_i64().unwrap() > 20);

        // Nobody is given more than the installation allows, nor nothing.
        for (params, field) in [
            (rate(51, 60), "params.per_second"), (rate(50, 61), "params.at_once"), (rate(0, 5), "params.per_second"),
        ] {
            let body = json!({"kind": "request_rate", "params": params});
            let answer = desk.post("/api/v1/policies", &body, 422).await;
            assert_eq!(answer.text("/errors/0/field"), field);
        }
        for limits in [
            json!([{"name": "requests_per_second", "limit": 51}]),
            json!([{"name": "requests_per_second", "limit": 0}]),
            json!([{"name": "requests_at_once", "limit": 5}]),
            json!([{"name": "requests_per_second", "limit": 5}, {"name": "requests_at_once", "limit": 4}]),
        ] {
            let body = json!({"fee": {"amount": 0, "currency": "CNY"}, "tax_ppm": 0, "take_rate_ppm": 0, "limits": limits});
            let answer = desk.post(&format!("/api/v1/plans/{plan}/versions"), &body, 422).await;
            assert!(answer.text("/errors/0/field").starts_with("requests_"), "{}", answer.body);
        }
        // The installation's default stands in the calendar, where rules are looked up.
        let rules = desk.get("/api/v1/policies", 200).await.json("/items");
        let default = rules.as_array().unwrap().iter().find(|rule| {
            rule["kind"] == "request_rate" && rule["scope"] == "platform"
        }).expect("the installation's default is shown");
        assert_eq!(default["params"]["at_once"], "12");
        app.stop().await;
    }
}

/// Without a token the path is open, and says nothing of tenants.
#[tokio::test(flavor = "multi_thread")]
async fn open_metrics_say_nothing_of_tenants() {
    let app = start(TestDb::sqlite().await, &[]).await;
    let provider = app.provider("甲服务商").await;
    app.person(&provider, Role::ProviderOwner).await.get(ME, 200).await;
    let text = app.anonymous().try_send(Method::GET, "/metrics", None, &[]).await;
    assert_eq!(
        (text.status, text.body.contains("ten_"), text.body.contains("qianpu_tenant")),
        (200, false, false)
    );
    app.stop().await;
}
