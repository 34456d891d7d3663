//! A host with credentials in memory, a stand-in of the platform, and an address that takes its pushes.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_host::{
    AccountRef, AppRef, BaseUrl, Exchange, ExchangeObserver, Host, HostConfig, HostParts, NoAssets,
    StoredAccount, StoredApp, TokenVault, VaultError,
};
use qianpu_sdk::*;
use qianpu_tests::deadline::until;
use qianpu_tests::sandbox::TestSandbox;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const COMPONENT: &str = "wx134c8103faa5a59e";
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000000000000000";

pub(super) fn now() -> Timestamp {
    qianpu_tenants::clock::Clock::system().now()
}

#[derive(Default)]
pub(super) struct Memory {
    pub(super) apps: Mutex<HashMap<AppRef, AppCredentials>>,
    pub(super) accounts: Mutex<HashMap<AccountRef, StoredAccount>>,
    pub(super) stores: Mutex<u32>,
}

#[async_trait]
impl TokenVault for Memory {
    async fn load_app(&self, app: &AppRef) -> Result<StoredApp, VaultError> {
        let credentials = self.apps.lock().unwrap().get(app).cloned().ok_or(VaultError::NotFound)?;
        Ok(StoredApp { credentials, settings: json!({}) })
    }
    async fn load_account(&self, account: &AccountRef) -> Result<StoredAccount, VaultError> {
        self.accounts.lock().unwrap().get(account).cloned().ok_or(VaultError::NotFound)
    }
    async fn store_app_token(&self, app: &AppRef, token: &AccessToken) -> Result<(), VaultError> {
        self.apps.lock().unwrap().get_mut(app).ok_or(VaultError::NotFound)?.access_token =
            Some(token.clone());
        Ok(())
    }
    async fn store_account_tokens(&self, account: &AccountRef, tokens: &TokenSet) -> Result<(), VaultError> {
        *self.stores.lock().unwrap() += 1;
        let mut accounts = self.accounts.lock().unwrap();
        let stored = &mut accounts.get_mut(account).ok_or(VaultError::NotFound)?.credentials;
        stored.access_token = Some(tokens.access_token.clone());
        if let Some(refresh) = &tokens.refresh_token {
            stored.refresh_token = Some(refresh.clone());
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Seen(pub(super) Mutex<Vec<Exchange>>);

impl ExchangeObserver for Seen {
    fn observe(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

/// Pushes as they come in, answered with `success`; and a picture.
#[derive(Clone)]
pub(super) struct Hooks {
    pub(super) url: String,
    pub(super) pushes: Arc<Mutex<Vec<RawPush>>>,
}

pub(super) async fn take(request: HttpRequest, body: web::Bytes, hooks: web::Data<Hooks>) -> HttpResponse {
    if request.path() == "/picture.png" {
        return HttpResponse::Ok().content_type("image/png").body(PNG);
    }
    let url = reqwest::Url::parse(&format!("http://x/?{}", request.query_string())).unwrap();
    let push = RawPush {
        origin: if request.path().starts_with("/app") { PushOrigin::App } else { PushOrigin::Account },
        method: if request.method() == actix_web::http::Method::GET { Method::Get } else { Method::Post },
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    let channel = qianpu_host::find("wechat-store").unwrap().webhook().unwrap();
    if push.method == Method::Get {
        let reply = match channel.handshake(&push, &push_credentials("", PushFormat::Json), now()) {
            Ok(reply) => reply,
            Err(refusal) => channel.refuse(refusal),
        };
        return HttpResponse::build(actix_web::http::StatusCode::from_u16(reply.status).unwrap())
            .body(reply.body);
    }
    hooks.pushes.lock().unwrap().push(push);
    HttpResponse::Ok().body("success")
}

pub(super) fn push_credentials(app_id: &str, format: PushFormat) -> PushCredentials {
    PushCredentials {
        app_ids: vec![app_id.to_owned()],
        token: Secret::from("AAAAA"),
        encoding_aes_key: Secret::new("A".repeat(43)),
        previous_encoding_aes_key: None,
        formats: vec![format],
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    }
}

impl Hooks {
    pub(super) async fn start() -> Self {
        let mut hooks = Self { url: String::new(), pushes: Arc::default() };
        let data = web::Data::new(hooks.clone());
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(take)))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
        hooks.url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        hooks
    }

    /// Waits for a notice of this kind that passes the plugin's verification.
    pub(super) async fn notice(&self, app_id: &str, format: PushFormat, kind: NoticeKind) -> Notice {
        let webhook = qianpu_host::find("wechat-store").unwrap().webhook().unwrap();
        until(kind.as_str(), async || {
            let pushes = self.pushes.lock().unwrap().clone();
            pushes.iter().find_map(|push| {
                let verified = webhook.verify(push, &push_credentials(app_id, format), now()).ok()?;
                webhook.decode(&verified).unwrap().into_iter().find(|notice| notice.kind == kind)
            })
        })
        .await
    }
}

pub(super) struct Bench {
    pub(super) sandbox: TestSandbox,
    pub(super) hooks: Hooks,
    pub(super) memory: Arc<Memory>,
    pub(super) seen: Arc<Seen>,
    pub(super) host: Host,
}

pub(super) fn tenant() -> TenantId {
    TenantId(uuid::Uuid::from_u128(1))
}

pub(super) fn account_ref(number: u128, channel: &'static str) -> AccountRef {
    AccountRef { channel, tenant: tenant(), id: ChannelAccountId(uuid::Uuid::from_u128(number)) }
}

impl Bench {
    pub(super) async fn start() -> Self {
        let (sandbox, hooks) = (TestSandbox::start().await, Hooks::start().await);
        let (memory, seen) = (Arc::new(Memory::default()), Arc::new(Seen::default()));
        let url = |host: &str| BaseUrl {
            channel: None,
            host: host.to_owned(),
            url: reqwest::Url::parse(&sandbox.base_url).unwrap(),
        };
        let config = HostConfig {
            base_urls: vec![url("api"), url("login"), url("open")],
            busy_wait: Duration::from_millis(5),
            ..HostConfig::default()
        };
        let host = Host::new(HostParts {
            vault: memory.clone(),
            assets: Arc::new(NoAssets),
            observer: seen.clone(),
            now: Arc::new(now),
            config,
        })
        .unwrap();
        Self { sandbox, hooks, memory, seen, host }
    }

    /// A shop with its own developer, linked by id and secret.
    pub(super) async fn direct_store(&self) -> (AccountRef, String) {
        let push = json!({"url": format!("{}/own", self.hooks.url), "token": "AAAAA", "encoding_aes_key": "A".repeat(43),
            "format": "json", "mode": "secure"});
        let account =
            self.sandbox.post("accounts", &json!({"kind": "store", "nickname": "茶铺", "push": push})).await;
        let app_id = account["appid"].as_str().unwrap().to_owned();
        let secret = Secret::from(account["secret"].as_str().unwrap());
        let (tokens, profile) =
            self.host.try_direct_link("wechat-store", &app_id, None, &secret).await.unwrap();
        assert_eq!((profile.name.as_deref(), profile.active), (Some("茶铺"), Some(true)));
        let reference = account_ref(7, "wechat-store");
        let stored = StoredAccount {
            credentials: AccountCredentials {
                external_id: app_id.clone(),
                secret: Some(secret),
                access_token: Some(tokens.access_token),
                refresh_token: None,
            },
            app: None,
            own_app_id: None,
            settings: json!({}),
        };
        self.memory.accounts.lock().unwrap().insert(reference, stored);
        (reference, app_id)
    }

    pub(super) async fn app(&self, channel: &'static str) -> AppRef {
        let app = json!({"component_appid": COMPONENT, "component_appsecret": "app-secret", "token": "AAAAA",
            "encoding_aes_key": "A".repeat(43), "auth_event_url": format!("{}/app", self.hooks.url),
            "message_url": format!("{}/app/$APPID$", self.hooks.url)});
        self.sandbox.post("apps", &app).await;
        let ticket =
            self.hooks.notice(COMPONENT, PushFormat::Xml, NoticeKind::AppTicket).await.secret.unwrap();
        let reference = AppRef { channel, tenant: tenant(), id: ChannelAppId(uuid::Uuid::from_u128(3)) };
        let credentials = AppCredentials {
            app_id: COMPONENT.to_owned(),
            secret: Secret::from("app-secret"),
            ticket: Some(ticket),
            access_token: None,
        };
        self.memory.apps.lock().unwrap().insert(reference, credentials);
        reference
    }

    pub(super) fn keep(&self, reference: AccountRef, app: AppRef, grant: &Authorisation) {
        let stored = StoredAccount {
            credentials: AccountCredentials {
                external_id: grant.external_id.clone(),
                secret: None,
                access_token: Some(grant.tokens.access_token.clone()),
                refresh_token: grant.tokens.refresh_token.clone(),
            },
            app: Some(app),
            own_app_id: None,
            settings: json!({}),
        };
        self.memory.accounts.lock().unwrap().insert(reference, stored);
    }

    pub(super) fn draft(&self, stock: i64) -> ProductDraft {
        let picture = Picture { url: format!("{}/picture.png", self.hooks.url), asset: None };
        ProductDraft {
            out_product_id: "prd_0001".into(),
            title: "明前龙井 500 克".into(),
            short_title: None,
            pictures: vec![picture.clone()],
            description: "新茶".into(),
            description_pictures: vec![picture],
            category_path: vec!["1000".into(), "1010".into(), "1011".into()],
            attributes: Default::default(),
            brand_id: None,
            freight_template_id: None,
            weight_grams: Some(500),
            skus: ["罐装", "袋装"]
                .iter()
                .enumerate()
                .map(|(index, value)| SkuDraft {
                    out_sku_id: format!("sku_{index}"),
                    specs: vec![Spec { name: "包装".into(), value: (*value).into() }],
                    price: Fen::new(12_800),
                    market_price: Some(Fen::new(16_800)),
                    stock,
                    code: None,
                    barcode: None,
                    picture: None,
                })
                .collect(),
        }
    }

    pub(super) async fn fault(&self, path: &str, fault: Value) {
        let mut body = json!({ "path": path });
        body.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        self.sandbox.post("faults/calls", &body).await;
    }

    pub(super) async fn listed(&self, account: &AccountRef, product_id: &str) -> RemoteListing {
        until("listed", async || {
            let listing = self.host.listing(account, product_id).await.unwrap();
            (listing.state == ListingState::Listed).then_some(listing)
        })
        .await
    }

    pub(super) fn calls(&self, operation: &str) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap();
        seen.iter()
            .filter(|e| e.operation == operation)
            .map(|e| format!("{} {}", e.path, e.outcome))
            .collect()
    }
}
