//! Nobody slows anybody else: requests are counted per address, tenant and caller, jobs of tenants take turns, and
//! clients that dribble are cut off while others are served.

use std::time::{Duration, Instant};

use qianpu_domain::access::Role;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::{NewJob, job_claim, job_enqueue};
use qianpu_tests::TestDb;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ME: &str = "/api/v1/me";

async fn ask(client: &Client) -> Answer {
    client.try_send(Method::GET, ME, None, &[]).await
}

async fn limited(db: TestDb, what: &str) -> TestApp {
    let (rate, burst) =
        (format!("QIANPU__LIMITS__{what}_PER_SECOND"), format!("QIANPU__LIMITS__{what}_BURST"));
    TestApp::start_with(
        db,
        Clock::fixed(qianpu_domain::time::Timestamp::from_seconds(1_795_230_000)),
        &[(&rate, "1"), (&burst, "10")],
    )
    .await
}

both! {
    async fn a_noisy_tenant_is_slowed_and_another_is_not(db: TestDb) {
        let app = limited(db, "TENANT").await;
        let provider = app.provider("甲服务商").await;
        let (noisy, calm) = (app.merchant(&provider, "吵").await, app.merchant(&provider, "静").await);
        let loud = [app.person(&noisy, Role::MerchantOwner).await, app.person(&noisy, Role::MerchantGoods).await];
        let quiet = app.person(&calm, Role::MerchantOwner).await;
        let mut answered = Vec::new();
        for number in 0..30 {
            answered.push(ask(&loud[number % 2]).await);
        }
        let good = answered.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(good, 10, "the tenant's people share its burst");
        let refused = answered.last().unwrap();
        assert_eq!((refused.status, refused.code()), (429, "rate_limited".to_owned()));
        let header = |answer: &Answer, name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header(refused, "retry-after"), "1");
        assert_eq!((header(refused, "ratelimit-limit"), header(refused, "ratelimit-remaining")), ("10".into(), "0".into()));
        for left in (0..10).rev() {
            let answer = ask(&quiet).await;
            assert_eq!((answer.status, header(&answer, "ratelimit-remaining")), (200, left.to_string()));
        }
        app.advance(5);
        let after = [ask(&loud[0]).await, ask(&loud[1]).await];
        assert!(after.iter().all(|answer| answer.status == 200));
        app.stop().await;
    }

    async fn a_caller_and_an_address_have_limits_of_their_own(db: TestDb) {
        let app = limited(db, "CALLER").await;
        let provider = app.provider("甲服务商").await;
        let (loud, quiet) = (app.person(&provider, Role::ProviderOwner).await, app.person(&provider, Role::ProviderOwner).await);
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(ask(&loud).await.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 2, "{statuses:?}");
        assert_eq!(ask(&quiet).await.status, 200);
        app.stop().await;
    }

    async fn jobs_of_tenants_take_turns(db: TestDb) {
        let app = TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let (noisy, calm) = (app.merchant(&provider, "吵").await, app.merchant(&provider, "静").await);
        fill(&app, &noisy, 40).await;
        let request = RequestId(app.state.new_id());
        // Three are running; what runs counts as turns that were had.
        let running = job_claim(&app.state.db, 3, request).await.unwrap();
        assert!(running.iter().all(|job| job.ctx.tenant() == noisy.tenant()));
        fill(&app, &calm, 2).await;
        let next = job_claim(&app.state.db, 2, request).await.unwrap();
        assert!(next.iter().all(|job| job.ctx.tenant() == calm.tenant()), "{next:?}");
        assert_eq!(next.len(), 2);
        app.stop().await;
    }
}

async fn fill(app: &TestApp, at: &TenantCtx, count: usize) {
    let mut tx = app.state.db.begin(at).await.unwrap();
    for _ in 0..count {
        let job =
            NewJob { kind: "mail.send", dedup_key: None, payload: json!({}), run_at: None, priority: 5 };
        assert!(job_enqueue(&mut tx, job).await.unwrap());
    }
    tx.commit().await.unwrap();
}

/// An address has a limit too; liveness and metrics have none, so that a flood does not look like a dead process.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_limit_and_liveness_has_none() {
    let app = limited(TestDb::sqlite().await, "ADDRESS").await;
    let visitor = app.anonymous();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(visitor.try_send(Method::GET, "/api/openapi.json", None, &[]).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 2, "{statuses:?}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        for _ in 0..5 {
            assert_eq!(visitor.try_send(Method::GET, path, None, &[]).await.status, 200, "{path}");
        }
    }
    app.stop().await;
}

/// 1,000 connections that dribble their heads and 1,000 that dribble bodies: others are served meanwhile, and
/// the dribblers are cut off.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_slow_clients_do_not_stop_others() {
    let settings = [("QIANPU__HTTP__REQUEST_TIMEOUT_SECONDS", "2")];
    let app = TestApp::start_with(TestDb::sqlite().await, Clock::ahead(), &settings).await;
    let address = app.base_url.strip_prefix("http://").unwrap().to_owned();
    let heads = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let body = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{";
    let mut slow = Vec::new();
    for number in 0..2_000 {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(if number % 2 == 0 { heads } else { body }.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    let provider = app.provider("甲服务商").await;
    let person = app.person(&provider, Role::ProviderOwner).await;
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(ask(&person).await.status, 200);
        assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
    }
    // Each still sends a byte now and then, and is cut off all the same.
    let started = Instant::now();
    let mut open = slow;
    while !open.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "{} are still open", open.len());
        let mut left = Vec::new();
        for mut socket in open {
            let mut buffer = [0; 512];
            let gone = socket.write_all(b"x").await.is_err()
                || match socket.try_read(&mut buffer) {
                    Ok(_) => true,
                    Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
                };
            if gone {
                // What was answered is read to its end, so that the socket closes well.
                drop(tokio::time::timeout(Duration::from_millis(1), socket.read(&mut buffer)).await);
            } else {
                left.push(socket);
            }
        }
        open = left;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(ask(&person).await.status, 200);
    app.stop().await;
}
