//! Outgoing webhooks: who is told what, how it is signed, and what happens when the receiver is away, slow or hostile.

#[path = "webhooks/failing.rs"]
mod failing;
#[path = "webhooks/looking_after.rs"]
mod looking_after;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use qianpu_domain::access::Role;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::Client;
use qianpu_tests::receiver::{Received, Receiver};
use serde_json::{Value, json};

const ENDPOINTS: &str = "/api/v1/webhook_endpoints";
const SUBJECT: &str = "ord_01981b2c000070008000000000000001";

/// The application, where webhooks may go to this machine and wait a second for an answer.
async fn app(db: qianpu_tests::TestDb) -> TestApp {
    let settings = [("QIANPU__WEBHOOKS__ALLOW_LOOPBACK", "true"), ("QIANPU__WEBHOOKS__TIMEOUT_SECONDS", "1")];
    TestApp::start_with(db, Clock::ahead(), &settings).await
}

/// A merchant with one endpoint.
struct Told {
    app: TestApp,
    receiver: Receiver,
    provider: TenantCtx,
    merchant: TenantCtx,
    owner: Client,
    id: String,
    secret: String,
}

impl Told {
    async fn start(db: qianpu_tests::TestDb) -> Told {
        let app = app(db).await;
        let receiver = Receiver::start().await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let owner = app.person(&merchant, Role::MerchantOwner).await;
        let (id, secret) = register(&owner, &receiver.url(), &json!(["*"])).await;
        Told { app, receiver, provider, merchant, owner, id, secret }
    }

    fn at(&self, rest: &str) -> String {
        format!("{ENDPOINTS}/{}{rest}", self.id)
    }

    async fn happens(&self, event: EventType) {
        happens(&self.app, &self.merchant, event, 3).await;
    }

    /// The newest delivery as the API shows it.
    async fn delivery(&self) -> Value {
        self.owner().await.get(&self.at("/deliveries"), 200).await.json("/items/0")
    }

    async fn endpoint(&self) -> Value {
        self.owner().await.get(&self.at(""), 200).await.json("")
    }

    /// The owner with a fresh token: clocks move by days here.
    async fn owner(&self) -> Client {
        self.app.person(&self.merchant, Role::MerchantOwner).await
    }
}

async fn register(owner: &Client, url: &str, types: &Value) -> (String, String) {
    let body = json!({ "url": url, "description": "ERP", "event_types": types });
    let made = owner.post(ENDPOINTS, &body, 201).await;
    (made.text("/endpoint/id"), made.text("/secret"))
}

async fn happens(app: &TestApp, at: &TenantCtx, event: EventType, version: i64) {
    let mut tx = app.state.db.begin(at).await.unwrap();
    let payload = json!({ "order_id": SUBJECT, "number": "A-1", "buyer": "张三" });
    outbox_append(&mut tx, event, SUBJECT, version, payload).await.unwrap();
    tx.commit().await.unwrap();
}

/// The signature as the standard says it, without our code.
fn signed(secret: &str, received: &Received) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("the form of a secret")).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let (id, stamp) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    mac.update(format!("{id}.{stamp}.{}", received.body).as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

both! {
    async fn an_event_arrives_signed_and_says_no_more_than_ids(db: TestDb) {
        let told = Told::start(db).await;
        told.happens(EventType::OrderPaid).await;
        told.app.run_jobs().await;
        let received = told.receiver.received();
        let [message] = received.as_slice() else { panic!("{received:?}") };
        assert_eq!(message.header("webhook-signature"), signed(&told.secret, message));
        assert_eq!(message.header("content-type"), "application/json");
        let stamp: i64 = message.header("webhook-timestamp").parse().unwrap();
        assert!((told.app.state.clock().now().seconds() - stamp).abs() < 60);
        let body = message.json();
        assert_eq!(body["type"], "order.paid");
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
        let tenant = told.merchant.tenant().to_string();
        let data = json!({ "id": SUBJECT, "object_version": 3, "tenant_id": tenant, "order_id": SUBJECT });
        assert_eq!(body["data"], data, "nothing but ids and the version");
        let delivery = told.delivery().await;
        assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("delivered"), &json!(204)));
        assert_eq!(delivery["event_id"].as_str().unwrap(), message.header("webhook-id"));
        assert!(told.endpoint().await["delivered_at"].is_string());
        told.app.stop().await;
    }

    async fn an_endpoint_gets_the_types_it_asks_for_and_only_its_tenants(db: TestDb) {
        let told = Told::start(db).await;
        let (shipped, _) = register(&told.owner, &format!("{}?shipped", told.receiver.url()), &json!(["order.shipped"])).await;
        let sibling = told.app.merchant(&told.provider, "另一商家").await;
        let other = told.app.person(&sibling, Role::MerchantOwner).await;
        register(&other, &format!("{}?sibling", told.receiver.url()), &json!(["*"])).await;
        told.happens(EventType::OrderPaid).await;
        told.happens(EventType::OrderShipped).await;
        told.app.run_jobs().await;
        let mut seen: Vec<String> = told.receiver.received().iter()
            .map(|message| format!("{} {}", message.path, message.json()["type"].as_str().unwrap())).collect();
        seen.sort();
        assert_eq!(seen, ["/hook order.paid", "/hook order.shipped", "/hook?shipped order.shipped"]);
        // Somebody else's endpoint is not there.
        for path in ["", "/deliveries"] {
            other.get(&format!("{ENDPOINTS}/{shipped}{path}"), 404).await;
        }
        for path in ["/test", "/pause", "/resume"] {
            other.post(&format!("{ENDPOINTS}/{shipped}{path}"), &json!({}), 404).await;
        }
        other.delete(&format!("{ENDPOINTS}/{shipped}"), 404).await;
        assert_eq!(other.get(ENDPOINTS, 200).await.json("/items").as_array().unwrap().len(), 1);
        told.app.stop().await;
    }

    async fn a_provider_hears_of_its_merchants_if_it_asks_to(db: TestDb) {
        let app = app(db).await;
        let receiver = Receiver::start().await;
        let provider = app.onboarded_provider("qianshan").await;
        let url = |word: &str| format!("{}?{word}", receiver.url());
        let wide = json!({ "url": url("wide"), "event_types": ["*"], "include_merchants": true });
        provider.owner.post(ENDPOINTS, &wide, 201).await;
        provider.owner.post(ENDPOINTS, &json!({ "url": url("own"), "event_types": ["*"] }), 201).await;
        let stranger = app.provider("别的服务商").await;
        let stranger = app.person(&stranger, Role::ProviderOwner).await;
        let far = json!({ "url": url("stranger"), "event_types": ["*"], "include_merchants": true });
        stranger.post(ENDPOINTS, &far, 201).await;
        let merchant = app.onboarded_merchant(&provider, "owner@shop.test", "enterprise", "山前小铺", true).await;
        app.run_jobs().await;
        let received = receiver.received();
        let told: Vec<(String, String)> = received.iter()
            .map(|message| (message.path.clone(), message.json()["type"].as_str().unwrap().to_owned())).collect();
        for event in ["application.submitted", "application.approved", "shop.opened"] {
            let count = told.iter().filter(|(path, own)| path == "/hook?wide" && own == event).count();
            assert_eq!(count, 1, "{event} in {told:?}");
        }
        assert!(told.iter().all(|(path, _)| path == "/hook?wide"), "{told:?}");
        assert!(received.iter().all(|message| message.json()["data"]["tenant_id"] == merchant.merchant_id.as_str()));
        // A second run of the relay carries nothing twice, and what is a merchant's own stays there.
        let ctx = TenantCtx::for_system(&app.state.db, &system(&app), merchant.merchant_id.parse().unwrap()).await.unwrap();
        let before = receiver.received().len();
        happens(&app, &ctx, EventType::OrderPaid, 1).await;
        app.run_jobs().await;
        assert_eq!(receiver.received().len(), before, "an order is no concern of the provider");
        app.stop().await;
    }

    async fn what_a_provider_does_itself_is_told_to_its_own_endpoints(db: TestDb) {
        let app = app(db).await;
        let receiver = Receiver::start().await;
        let provider = app.onboarded_provider("qianshan").await;
        register(&provider.owner, &receiver.url(), &json!(["invitation.sent"])).await;
        let invited = json!({ "email": "new@shop.test", "merchant_name": "新店" });
        provider.owner.post("/api/v1/invitations", &invited, 201).await;
        app.run_jobs().await;
        let received = receiver.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].json()["type"], "invitation.sent");
        app.stop().await;
    }
}

fn system(app: &TestApp) -> qianpu_tenants::context::SystemCtx {
    let request = qianpu_domain::ids::RequestId(app.state.new_id());
    qianpu_tenants::context::SystemCtx::for_task("test", request)
}
