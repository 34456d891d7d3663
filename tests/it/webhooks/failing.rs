//! Receivers that are away, slow or hostile.

use super::{ENDPOINTS, Told, app, happens, register};
use qianpu_api::jobs::runner;
use qianpu_domain::access::Role;
use qianpu_domain::webhook::EventType;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::receiver::{Receiver, Reply};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// Pauses of the schedule with the most that chance adds.
const PAUSES: [i64; 9] =
    [6, 330, 33 * MINUTE, 132 * MINUTE, 330 * MINUTE, 11 * HOUR, 924 * MINUTE, 22 * HOUR, 95_040];

both! {
    async fn a_failing_receiver_is_tried_ten_times_with_one_id(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer_always(Reply::Status(500));
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        for (index, pause) in PAUSES.iter().enumerate() {
            assert_eq!(told.receiver.received().len(), index + 1);
            let delivery = told.delivery().await;
            assert_eq!((&delivery["state"], &delivery["attempt"]), (&json!("pending"), &json!(index + 1)));
            // Not before its time.
            told.app.advance(pause * 10 / 11 - 2);
            told.app.run_jobs().await;
            assert_eq!(told.receiver.received().len(), index + 1, "before pause {index} was over");
            told.app.advance(pause - pause * 10 / 11 + 3);
            told.app.run_jobs().await;
        }
        let received = told.receiver.received();
        assert_eq!(received.len(), 10);
        assert!(received.iter().all(|message| message.header("webhook-id") == received[0].header("webhook-id")));
        let delivery = told.delivery().await;
        assert_eq!((&delivery["state"], &delivery["last_status"], &delivery["last_error"]),
            (&json!("failed"), &json!(500), &json!("http_status")));
        let path = told.at(&format!("/deliveries/{}", delivery["id"].as_str().unwrap()));
        let whole = told.owner().await.get(&path, 200).await;
        assert_eq!(whole.json("/attempts").as_array().unwrap().len(), 10);
        assert_eq!(whole.text("/attempts/0/answer"), "answered 500");
        // It is no dead letter: the log has its own way to send it again.
        let jobs = told.owner().await.get("/api/v1/jobs?state=dead", 200).await;
        assert!(jobs.json("/items").as_array().unwrap().is_empty());
        told.app.stop().await;
    }

    async fn a_redirect_is_a_failure_and_is_not_followed(db: TestDb) {
        let told = Told::start(db).await;
        let inside = Receiver::start().await;
        let to = |url: String| Reply::With(301, "Location", url);
        told.receiver.answer([to("http://169.254.169.254/latest/meta-data/".to_owned()), to(inside.url())]);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        told.app.advance(6);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 2);
        assert!(inside.received().is_empty(), "a redirect was followed");
        assert_eq!(told.delivery().await["last_status"], 301);
        told.app.stop().await;
    }

    async fn gone_disables_at_once_and_tells_the_owner(db: TestDb) {
        let told = Told::start(db).await;
        let email = told.owner.get("/api/v1/me", 200).await.text("/user/email");
        told.receiver.answer([Reply::Status(410)]);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let endpoint = told.endpoint().await;
        assert_eq!((&endpoint["state"], &endpoint["disabled_for"]), (&json!("disabled"), &json!("gone")));
        let mail = told.app.smtp.nth_to(&email, 1).await.readable();
        assert!(mail.contains("410") && mail.contains(&told.receiver.url()), "{mail}");
        // Nothing goes there until somebody resumes it.
        told.happens(EventType::OrderShipped).await;
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 1);
        told.owner.post(&told.at("/test"), &json!({}), 409).await;
        told.owner.post(&told.at("/resume"), &json!({}), 200).await;
        told.happens(EventType::OrderCompleted).await;
        told.app.run_jobs().await;
        let received = told.receiver.received();
        assert_eq!((received.len(), &received[1].json()["type"]), (2, &json!("order.completed")));
        told.app.stop().await;
    }

    async fn five_days_of_failing_disable_an_endpoint(db: TestDb) {
        let told = Told::start(db).await;
        let email = told.owner.get("/api/v1/me", 200).await.text("/user/email");
        told.receiver.answer_always(Reply::Status(503));
        for day in 0..5 {
            told.happens(EventType::OrderPaid).await;
            told.app.run_jobs().await;
            let endpoint = told.endpoint().await;
            assert_eq!(endpoint["state"], "active", "on day {day}: {endpoint}");
            assert!(endpoint["failing_since"].is_string());
            told.app.advance(24 * HOUR);
        }
        told.happens(EventType::OrderShipped).await;
        told.app.run_jobs().await;
        let endpoint = told.endpoint().await;
        assert_eq!((&endpoint["state"], &endpoint["disabled_for"]), (&json!("disabled"), &json!("failing")));
        let pending = told.owner().await.get(&told.at("/deliveries?state=pending"), 200).await;
        assert!(pending.json("/items").as_array().unwrap().is_empty(), "what was under way is laid aside");
        told.app.smtp.nth_to(&email, 1).await;
        let mails = told.app.smtp.mails().iter().filter(|mail| mail.to.contains(&email)).count();
        assert_eq!(mails, 1, "told once");
        // Mended, resumed, and what failed is sent again.
        told.receiver.answer_always(Reply::Status(204));
        let owner = told.owner().await;
        owner.post(&told.at("/resume"), &json!({}), 200).await;
        let sent = owner.post(&told.at("/replay_failed"), &json!({ "since": "2020-01-01T00:00:00Z" }), 202).await;
        assert_eq!((sent.number("/count"), sent.json("/more")), (6, json!(false)));
        told.app.run_jobs().await;
        let left = owner.get(&told.at("/deliveries?state=failed"), 200).await.json("/items");
        assert!(left.as_array().unwrap().is_empty(), "{left}");
        assert!(told.endpoint().await["failing_since"].is_null());
        told.app.stop().await;
    }

    async fn a_success_between_failures_keeps_an_endpoint(db: TestDb) {
        let told = Told::start(db).await;
        for _ in 0..3 {
            told.receiver.answer([Reply::Status(500)]);
            told.happens(EventType::OrderPaid).await;
            told.app.run_jobs().await;
            told.app.advance(2 * 24 * HOUR);
            // The second try goes well.
            told.app.run_jobs().await;
        }
        assert_eq!(told.endpoint().await["state"], "active");
        told.app.stop().await;
    }

    async fn retry_after_is_honoured_within_a_day(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer([
            Reply::With(429, "Retry-After", "600".to_owned()),
            Reply::With(503, "Retry-After", "99999999".to_owned()),
        ]);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        told.app.advance(595);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 1, "asked for ten minutes");
        told.app.advance(6);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 2);
        told.app.advance(24 * HOUR - 5);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 2, "asked for years, given a day");
        told.app.advance(6);
        told.app.run_jobs().await;
        assert_eq!(told.receiver.received().len(), 3);
        assert_eq!(told.delivery().await["state"], "delivered");
        told.app.stop().await;
    }

    async fn a_body_that_drips_is_cut_by_the_time(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer([Reply::Drip, Reply::Silence]);
        told.happens(EventType::OrderPaid).await;
        for _ in 0..2 {
            let started = std::time::Instant::now();
            told.app.run_jobs().await;
            assert!(started.elapsed().as_secs() < 10, "took {:?}", started.elapsed());
            let delivery = told.delivery().await;
            assert_eq!((&delivery["state"], &delivery["last_error"]), (&json!("pending"), &json!("timeout")));
            told.app.advance(6);
        }
        told.app.stop().await;
    }

    async fn two_gigabytes_are_cut(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer([Reply::Huge]);
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let delivery = told.delivery().await;
        assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("delivered"), &json!(200)));
        let path = told.at(&format!("/deliveries/{}", delivery["id"].as_str().unwrap()));
        assert_eq!(told.owner.get(&path, 200).await.text("/attempts/0/answer").len(), 1024);
        // What the sockets hold may be written besides the 64 kB that are read.
        assert!(told.receiver.written() < 64 * 1024 * 1024, "{} bytes were taken", told.receiver.written());
        told.app.stop().await;
    }

    async fn a_worker_killed_before_it_wrote_down_sends_again_with_the_same_id(db: TestDb) {
        let told = Told::start(db).await;
        told.receiver.answer([Reply::Silence]);
        told.happens(EventType::OrderPaid).await;
        let state = told.app.state.clone();
        let worker = tokio::spawn(async move { runner::run_until_idle(&state).await });
        told.receiver.wait_for(1).await;
        worker.abort();
        let _ = worker.await;
        assert_eq!(told.delivery().await["attempt"], 0, "nothing was written down");
        // Its lease runs out, and another takes over.
        told.app.advance(61);
        told.app.run_jobs().await;
        let received = told.receiver.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
        assert_eq!(received[0].body, received[1].body);
        assert_eq!(told.delivery().await["state"], "delivered");
        told.app.stop().await;
    }

    async fn slow_receivers_of_one_tenant_do_not_hold_up_another(db: TestDb) {
        let app = app(db).await;
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.answer_always(Reply::Silence);
        let provider = app.provider("甲服务商").await;
        let (noisy, calm) = (app.merchant(&provider, "吵").await, app.merchant(&provider, "静").await);
        let owner = app.person(&noisy, Role::MerchantOwner).await;
        for number in 0..10 {
            register(&owner, &format!("{}?{number}", slow.url()), &json!(["*"])).await;
        }
        // Its own quick endpoint is not held up either: each endpoint has a share of its own.
        let own = Receiver::start().await;
        register(&owner, &own.url(), &json!(["order.shipped"])).await;
        register(&app.person(&calm, Role::MerchantOwner).await, &quick.url(), &json!(["*"])).await;
        for version in 0..10 {
            happens(&app, &noisy, EventType::OrderPaid, version).await;
        }
        let stop = CancellationToken::new();
        let jobs = tokio::spawn(runner::run(app.state.clone(), stop.clone()));
        slow.wait_for(2).await;
        happens(&app, &calm, EventType::OrderPaid, 1).await;
        let started = std::time::Instant::now();
        quick.wait_for(1).await;
        assert!(started.elapsed().as_secs() < 5, "waited {:?}", started.elapsed());
        // A hundred deliveries to the slow ones would take 25 s and more.
        assert!(slow.received().len() < 60, "the slow ones were not done before");
        stop.cancel();
        until("the workers end", || async { jobs.is_finished().then_some(()) }).await;
        app.stop().await;
    }

    async fn an_address_inside_is_refused_when_it_is_registered(db: TestDb) {
        // Without the setting for development.
        let app = qianpu_tests::app::TestApp::start(db).await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        for url in [
            "http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0.0.0.0/",
            "https://2130706433/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
            "https://user:word@example.com/", "file:///etc/passwd", "gopher://example.com/", "https://10.0.0.1:22/", "x",
        ] {
            let refused = owner.post(ENDPOINTS, &json!({ "url": url, "event_types": ["*"] }), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "url", "{url}");
        }
        assert!(owner.get(ENDPOINTS, 200).await.json("/items").as_array().unwrap().is_empty());
        app.stop().await;
    }
}
