//! Third-party apps by OAuth 2.1: consent, codes, tokens, and every way in which they end.

use qianpu_api::http::extract::Access;
use qianpu_domain::access::{Permission, Role};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::program::can_be_given;
use qianpu_tenants::context::TenantCtx;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::people::Visitor;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api_keys::gets_in;

pub(crate) const APPS: &str = "/api/v1/oauth_apps";
pub(crate) const BACK: &str = "https://app.example/callback";
/// The pair of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct House {
    pub(crate) app: TestApp,
    pub(crate) provider: TenantCtx,
    pub(crate) merchant: TenantCtx,
    pub(crate) developer: Client,
}

impl House {
    pub(crate) async fn build(db: qianpu_tests::TestDb) -> House {
        let app = TestApp::start(db).await;
        app.operator().await;
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "甲商家").await;
        let developer = app.person(&provider, Role::ProviderDeveloper).await;
        House { app, provider, merchant, developer }
    }

    pub(crate) async fn register(&self, body: Value) -> Registered {
        let made = self.developer.post(APPS, &body, 201).await;
        Registered {
            id: made.text("/id"),
            secret: made.json("/client_secret").as_str().unwrap_or_default().to_owned(),
        }
    }

    /// A confidential app that may ask for these.
    pub(crate) async fn server_app(&self, scopes: &[&str]) -> Registered {
        self.register(registration(scopes, &[], true)).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Answer {
        let mut request = self.app.anonymous().request(Method::POST, path).form(fields);
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        answer
    }

    /// A token request that is refused with this error of the standard.
    pub(crate) async fn refused(
        &self,
        fields: &[(&str, &str)],
        basic: Option<(&str, &str)>,
        status: u16,
        error: &str,
    ) {
        let answer = self.post("/oauth/token", fields, basic).await;
        assert_eq!(
            (answer.status, answer.text("/error").as_str()),
            (status, error),
            "{fields:?}: {}",
            answer.body
        );
        assert!(answer.json("/access_token").is_null());
    }

    pub(crate) async fn exchange(&self, app: &Registered, code: &str) -> Tokens {
        let answer = self.post("/oauth/token", &for_code(code), app.basic()).await;
        assert_eq!((answer.status, answer.text("/token_type").as_str()), (200, "Bearer"), "{}", answer.body);
        Tokens::of(&answer)
    }

    pub(crate) async fn refresh(&self, app: &Registered, token: &str) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/oauth/token", &fields, app.basic()).await
    }

    pub(crate) fn bearer(&self, token: &str) -> Client {
        self.app.anonymous().with_token(token)
    }

    /// Consents as this visitor; the code.
    pub(crate) async fn consent(&self, visitor: &Visitor, query: &str) -> String {
        let to = answer_form(visitor, "merchant", query, "allow").await;
        let to = url::Url::parse(&to).unwrap();
        let code = to.query_pairs().find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("no code in {to}")).1.into_owned()
    }

    /// Tokens of an app for a person of the merchant.
    pub(crate) async fn allowed(&self, app: &Registered, visitor: &Visitor, scope: &str) -> Tokens {
        let code = self.consent(visitor, &asking(&app.id, scope)).await;
        self.exchange(app, &code).await
    }
}

pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Registered {
    pub(crate) fn basic(&self) -> Option<(&str, &str)> {
        Some((&self.id, &self.secret))
    }
}

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Tokens {
        Tokens {
            access: answer.text("/access_token"),
            refresh: answer.json("/refresh_token").as_str().unwrap_or_default().to_owned(),
            scope: answer.text("/scope"),
        }
    }
}

pub(crate) fn registration(scopes: &[&str], own_scopes: &[&str], confidential: bool) -> Value {
    json!({ "name": "订单管家", "publisher": "远帆软件", "homepage": "https://app.example", "confidential": confidential,
        "redirect_uris": [BACK], "scopes": scopes, "own_scopes": own_scopes })
}

pub(crate) fn for_code(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn asking(client_id: &str, scope: &str) -> String {
    let mut pairs = vec![
        ("client_id", client_id),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("state", "s 1&x"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    if !scope.is_empty() {
        pairs.push(("scope", scope));
    }
    query(&pairs)
}

pub(crate) async fn open_page(visitor: &Visitor, path: &str) -> Answer {
    visitor.client.try_send(Method::GET, path, None, &[("Cookie", &visitor.cookie)]).await
}

/// Answers the consent form; where the browser is sent.
pub(crate) async fn answer_form(visitor: &Visitor, surface: &str, query: &str, answer: &str) -> String {
    let mut fields: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    fields.push(("_csrf".into(), visitor.form_token.clone()));
    fields.push(("answer".into(), answer.into()));
    let path = format!("/console/{surface}/oauth/authorize");
    let request = visitor.client.request(Method::POST, &path).header("Cookie", &visitor.cookie).form(&fields);
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.headers["location"].to_str().unwrap().to_owned()
}

both! {
    async fn a_person_allows_an_app_and_it_acts_for_them(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read", "shops.read", "ledger.read"]).await;
        let owner = house.app.visitor(&house.merchant, Role::MerchantOwner).await;
        let asked = asking(&app.id, "orders.read ledger.read");
        // The entry finds the console that the browser is logged in to.
        let entry = open_page(&owner, &format!("/console/oauth/authorize?{asked}")).await;
        let to = entry.headers["location"].to_str().unwrap();
        assert!(to.starts_with("/console/merchant~") && to.ends_with(&format!("/oauth/authorize?{asked}")), "{to}");
        let page = open_page(&owner, &format!("/console/merchant/oauth/authorize?{asked}")).await;
        for shown in ["订单管家", "远帆软件", "甲商家", "查看订单及买家收货信息", "查看账目与对账单", "<strong>app.example</strong>", BACK] {
            assert!(page.body.contains(shown), "{shown} is not in {}", page.body);
        }
        assert!(!page.body.contains("查看店铺"));
        let to = answer_form(&owner, "merchant", &asked, "allow").await;
        let url = url::Url::parse(&to).unwrap();
        let given = |name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
        assert!(to.starts_with(BACK) && given("state").as_deref() == Some("s 1&x"), "{to}");
        assert_eq!(given("iss").as_deref(), Some(house.app.base_url.as_str()));
        let tokens = house.exchange(&app, &given("code").unwrap()).await;
        assert_eq!(tokens.scope, "orders.read ledger.read");
        let client = house.bearer(&tokens.access);
        let me = client.get("/api/v1/me", 200).await;
        assert_eq!((me.text("/principal/kind"), me.text("/principal/id")), ("app".into(), app.id.clone()));
        assert!(me.json("/principal/for_user_id").is_string() && me.json("/user").is_null());
        assert_eq!(me.json("/permissions"), json!(["self.read", "orders.read", "ledger.read"]));
        client.get("/api/v1/orders", 200).await;
        assert_eq!(client.get("/api/v1/shops", 403).await.headers["www-authenticate"], "Bearer realm=\"qianpu\", error=\"insufficient_scope\"");
        for path in ["/api/v1/me/sessions", "/api/v1/authorised_apps", "/api/v1/staff"] {
            client.get(path, 403).await;
        }
        // Tokens are short-lived, and refreshing spends the old one.
        house.app.advance(15 * 60);
        client.get("/api/v1/me", 401).await;
        let next = Tokens::of(&house.refresh(&app, &tokens.refresh).await);
        house.bearer(&next.access).get("/api/v1/orders", 200).await;
        // Used a second time, somebody has a copy: everything of this consent's code ends.
        let again = house.refresh(&app, &tokens.refresh).await;
        assert_eq!((again.status, again.text("/error").as_str()), (400, "invalid_grant"));
        house.bearer(&next.access).get("/api/v1/me", 401).await;
        assert_eq!(house.refresh(&app, &next.refresh).await.text("/error"), "invalid_grant");
        house.app.stop().await;
    }

    async fn an_app_never_has_more_than_the_person_has_now(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read", "ledger.read", "products.write"]).await;
        let clerk = house.app.visitor(&house.merchant, Role::MerchantOrders).await;
        let asked = asking(&app.id, "");
        let page = open_page(&clerk, &format!("/console/merchant/oauth/authorize?{asked}")).await;
        assert!(page.body.contains("您没有，应用不会得到"), "{}", page.body);
        let tokens = house.allowed(&app, &clerk, "").await;
        assert_eq!(tokens.scope, "orders.read");
        let client = house.bearer(&tokens.access);
        client.get("/api/v1/orders", 200).await;
        client.get("/api/v1/ledger/accounts", 403).await;
        // A role taken away, and a person who may not log in any more.
        let owner = house.app.person(&house.merchant, Role::MerchantOwner).await;
        let id = client.get("/api/v1/me", 200).await.text("/principal/for_user_id");
        let person = owner.get(&format!("/api/v1/staff/{id}"), 200).await;
        owner.delete(&format!("/api/v1/staff/{id}/grants/{}", person.text("/grants/0/id")), 204).await;
        client.get("/api/v1/orders", 403).await;
        let give = json!({ "role": "merchant_orders" });
        owner.post(&format!("/api/v1/staff/{id}/grants"), &give, 201).await;
        client.get("/api/v1/orders", 200).await;
        owner.post(&format!("/api/v1/staff/{id}/disable"), &json!({}), 200).await;
        client.get("/api/v1/orders", 401).await;
        // Nobody can allow what they have nothing of.
        let finance = house.app.visitor(&house.merchant, Role::MerchantLiveHost).await;
        let page = open_page(&finance, &format!("/console/merchant/oauth/authorize?{asked}")).await;
        assert!(page.body.contains("无法授权") && !page.body.contains("value=\"allow\""), "{}", page.body);
        house.app.stop().await;
    }

    async fn a_code_is_good_once_for_its_app_and_address_and_key(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read"]).await;
        let other = house.server_app(&["orders.read"]).await;
        let owner = house.app.visitor(&house.merchant, Role::MerchantOwner).await;
        let asked = asking(&app.id, "orders.read");
        let code = house.consent(&owner, &asked).await;
        let with = |name: &str, value: &str| {
            let mut fields = for_code(&code).map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            fields.iter_mut().find(|(own, _)| own == name).unwrap().1 = value.to_owned();
            fields
        };
        for (name, value) in [("code_verifier", "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), ("code_verifier", CHALLENGE),
            ("redirect_uri", "https://app.example/callback/"), ("redirect_uri", "https://evil.example/"), ("code", "qp_code_x.y")]
        {
            let fields = with(name, value);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            house.refused(&fields, app.basic(), 400, "invalid_grant").await;
        }
        house.refused(&for_code(&code), other.basic(), 400, "invalid_grant").await;
        house.refused(&for_code(&code)[..3], app.basic(), 400, "invalid_request").await;
        // None of it spent the code. The second use ends the tokens of the first.
        let tokens = house.exchange(&app, &code).await;
        house.bearer(&tokens.access).get("/api/v1/orders", 200).await;
        house.refused(&for_code(&code), app.basic(), 400, "invalid_grant").await;
        house.bearer(&tokens.access).get("/api/v1/orders", 401).await;
        assert_eq!(house.refresh(&app, &tokens.refresh).await.text("/error"), "invalid_grant");
        // Of two at once one is good at most.
        let code = house.consent(&owner, &asked).await;
        let fields = for_code(&code);
        let (one, two) = tokio::join!(house.post("/oauth/token", &fields, app.basic()), house.post("/oauth/token", &fields, app.basic()));
        assert!([one.status, two.status].iter().filter(|status| **status == 200).count() <= 1, "{} {}", one.body, two.body);
        // Too old.
        let code = house.consent(&owner, &asked).await;
        house.app.advance(60);
        house.refused(&for_code(&code), app.basic(), 400, "invalid_grant").await;
        house.app.stop().await;
    }

    async fn what_cannot_be_trusted_is_told_to_the_person_and_the_rest_to_the_app(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read"]).await;
        let owner = house.app.visitor(&house.merchant, Role::MerchantOwner).await;
        let good = [("client_id", app.id.as_str()), ("redirect_uri", BACK), ("response_type", "code"), ("scope", "orders.read"),
            ("state", "abc"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let with = |name: &str, value: Option<&str>| {
            let pairs: Vec<_> = good.iter().filter_map(|(own, kept)| if *own == name { value.map(|value| (*own, value)) } else { Some((*own, *kept)) }).collect();
            query(&pairs)
        };
        for place in ["/console/oauth/authorize", "/console/merchant/oauth/authorize"] {
            for (name, value) in [("client_id", Some("app_00000000000000000000000000000001")), ("client_id", None), ("redirect_uri", None),
                ("redirect_uri", Some("https://app.example/callback/")), ("redirect_uri", Some("https://app.example/Callback")),
                ("redirect_uri", Some("https://app.example/callback?x=1")), ("redirect_uri", Some("https://app.example.evil.example/callback")),
                ("redirect_uri", Some("javascript:alert(1)"))]
            {
                let page = open_page(&owner, &format!("{place}?{}", with(name, value))).await;
                assert_eq!(page.status, 400, "{name} {value:?}");
                assert!(!page.headers.contains_key("location") && page.body.contains("无法授权"), "{}", page.body);
            }
            let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", query(&good));
            assert_eq!(open_page(&owner, &format!("{place}?{twice}")).await.status, 400);
            for (name, value, error) in [("response_type", Some("token"), "unsupported_response_type"), ("response_type", None, "invalid_request"),
                ("code_challenge", None, "invalid_request"), ("code_challenge", Some("short"), "invalid_request"),
                ("code_challenge_method", Some("plain"), "invalid_request"), ("code_challenge_method", None, "invalid_request"),
                ("scope", Some("orders.read ledger.read"), "invalid_scope"), ("scope", Some("staff.manage"), "invalid_scope")]
            {
                let page = open_page(&owner, &format!("{place}?{}", with(name, value))).await;
                let to = page.headers["location"].to_str().unwrap();
                assert!(page.status == 303 && to.starts_with(&format!("{BACK}?error={error}&")) && to.contains("&state=abc&iss="), "{name} {value:?}: {to}");
            }
        }
        assert!(answer_form(&owner, "merchant", &query(&good), "refuse").await.contains("error=access_denied"));
        assert!(answer_form(&owner, "merchant", &query(&good), "").await.contains("error=access_denied"));
        // Without the form's token nothing is allowed, and nobody is allowed anything for somebody else's merchants.
        let fields = [("answer", "allow"), ("client_id", app.id.as_str())];
        let forged = owner.client.request(Method::POST, "/console/merchant/oauth/authorize").header("Cookie", &owner.cookie).form(&fields);
        assert_eq!(forged.send().await.unwrap().status(), 403);
        let away = house.app.provider("乙服务商").await;
        let stranger = house.app.merchant(&away, "乙商家").await;
        let stranger = house.app.visitor(&stranger, Role::MerchantOwner).await;
        let page = open_page(&stranger, &format!("/console/merchant/oauth/authorize?{}", query(&good))).await;
        assert!(page.status == 400 && page.body.contains("不属于您的服务商"), "{}", page.body);
        let foreign = house.app.person(&away, Role::ProviderOwner).await;
        foreign.get(&format!("{APPS}/{}", app.id), 404).await;
        // Nobody is logged in: first the log-in, then back here.
        let page = house.app.anonymous().try_send(Method::GET, &format!("/console/oauth/authorize?{}", query(&good)), None, &[]).await;
        assert!(page.headers["location"].to_str().unwrap().starts_with("/console/login?next=%2Fconsole%2Foauth%2Fauthorize%3Fclient_id"));
        house.app.stop().await;
    }

    async fn withdrawing_acts_at_once_and_is_for_the_own_or_the_owner(db: TestDb) {
        let house = House::build(db).await;
        let app = house.server_app(&["orders.read"]).await;
        let clerk = house.app.visitor(&house.merchant, Role::MerchantOrders).await;
        let tokens = house.allowed(&app, &clerk, "orders.read").await;
        let client = house.bearer(&tokens.access);
        client.get("/api/v1/orders", 200).await;
        let owner = house.app.person(&house.merchant, Role::MerchantOwner).await;
        let colleague = house.app.person(&house.merchant, Role::MerchantOrders).await;
        assert!(colleague.get("/api/v1/authorised_apps", 200).await.json("/items").as_array().unwrap().is_empty());
        let listed = owner.get("/api/v1/authorised_apps", 200).await;
        let path = format!("/api/v1/authorised_apps/{}", listed.text("/items/0/id"));
        assert_eq!((listed.text("/items/0/app_name"), listed.json("/items/0/scopes")), ("订单管家".into(), json!(["orders.read"])));
        colleague.delete(&path, 404).await;
        house.app.person(&house.provider, Role::ProviderOwner).await.delete(&path, 404).await;
        let page = open_page(&clerk, "/console/merchant/authorised_apps").await;
        assert!(page.body.contains("订单管家") && page.body.contains("撤销授权"), "{}", page.body);
        owner.delete(&path, 204).await;
        client.get("/api/v1/orders", 401).await;
        assert_eq!(house.refresh(&app, &tokens.refresh).await.text("/error"), "invalid_grant");
        owner.delete(&path, 404).await;
        // A new consent begins anew; the old tokens stay dead.
        house.allowed(&app, &clerk, "orders.read").await;
        client.get("/api/v1/orders", 401).await;
        house.app.stop().await;
    }

    async fn each_operation_lets_an_app_in_exactly_when_it_may(db: TestDb) {
        let house = House::build(db).await;
        let routes = qianpu_api::http::routes();
        let owner = house.app.person(&house.provider, Role::ProviderOwner).await;
        let words = |set: PermissionSet| set.iter().map(Permission::as_str).collect::<Vec<_>>();
        let (provider, merchant) = (can_be_given(Role::ProviderOwner.permission_set()), can_be_given(Role::MerchantOwner.permission_set()));
        let made = owner.post(APPS, &registration(&words(merchant), &words(provider), true), 201).await;
        let app = Registered { id: made.text("/id"), secret: made.text("/client_secret") };
        let visitor = house.app.visitor(&house.merchant, Role::MerchantOwner).await;
        let mut wrong = Vec::new();
        for (all, in_merchant) in [(provider, false), (merchant, true)] {
            for (turn, permission) in all.iter().enumerate() {
                let token = if in_merchant {
                    house.allowed(&app, &visitor, permission.as_str()).await.access
                } else {
                    let fields = [("grant_type", "client_credentials"), ("scope", permission.as_str())];
                    house.post("/oauth/token", &fields, app.basic()).await.text("/access_token")
                };
                let client = house.bearer(&token);
                let operations = routes.entries().iter().filter(|entry| entry.summary.is_some());
                for (place, entry) in operations.enumerate() {
                    let Access::Needs(needed) = entry.access else { continue };
                    let may = needed == permission || needed == Permission::SelfRead;
                    // Where an app stays out is tried by an eighth of the permissions for each operation, in turn.
                    if needed != permission && place % 8 != turn % 8 {
                        continue;
                    }
                    if gets_in(&client, entry).await != may {
                        let verb = if may { "is refused" } else { "gets in" };
                        wrong.push(format!("an app with {} {verb} at {} {}", permission.as_str(), entry.method, entry.path));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "not as the scopes say:\n{}", wrong.join("\n"));
        house.app.stop().await;
    }
}
