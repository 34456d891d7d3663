//! The Douyin side as a client of that platform meets it: signatures, tokens and their hours, types of fields.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use qianpu_sandbox::{Sandbox, SandboxConfig, SandboxHandle};
use serde_json::{Value, json};
use sha2::Sha256;

const KEY: &str = "7000000000000000001";
const SECRET: &str = "a-secret";

struct Client {
    sandbox: SandboxHandle,
    http: reqwest::Client,
}

impl Client {
    async fn start() -> Self {
        let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = Self { sandbox, http };
        client
            .post(
                "/sandbox/api/douyin/apps",
                &json!({"app_key": KEY, "app_secret": SECRET, "service_id": "9",
            "callback_url": "http://127.0.0.1:1/back"}),
            )
            .await;
        client.post("/sandbox/api/douyin/shops", &json!({"shop_id": 77, "name": "茶铺"})).await;
        client
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.sandbox.base_url);
        self.http.post(url).json(body).send().await.unwrap().json().await.unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the calls of this client carry the time")]
    fn now() -> u64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
    }

    /// A call as the documents describe it, with one thing changed.
    async fn call_with(&self, path: &str, token: &str, params: &Value, change: impl Fn(&mut Sent)) -> Value {
        let mut sent = Sent {
            method: path.trim_start_matches('/').replace('/', "."),
            timestamp: Self::now().to_string(),
            sign_method: "hmac-sha256",
            secret: SECRET,
            body: params.to_string(),
            signed: params.to_string(),
        };
        change(&mut sent);
        let sign = sent.sign();
        let query = [
            ("app_key", KEY),
            ("method", &sent.method),
            ("access_token", token),
            ("v", "2"),
            ("timestamp", &sent.timestamp),
            ("sign_method", sent.sign_method),
            ("sign", &sign),
        ];
        let query = serde_urlencoded::to_string(query).unwrap();
        let url = format!("{}{path}?{query}", self.sandbox.base_url);
        let request = self.http.post(url).header("x-open-no-old-err-code", "1").body(sent.body);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn call(&self, path: &str, token: &str, params: &Value) -> Value {
        self.call_with(path, token, params, |_| {}).await
    }

    async fn token(&self) -> Value {
        let page = json!({"service_id": "9", "shop_id": 77, "state": "s"});
        let back = self.post("/sandbox/api/douyin/authorize", &page).await;
        let back = url::Url::parse(back["redirect_url"].as_str().unwrap()).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let ask = json!({"code": code, "grant_type": "authorization_code"});
        let first = self.call("/token/create", "", &ask).await;
        assert_eq!(
            self.call("/token/create", "", &ask).await["sub_code"],
            "dop.token-generate-failed:code-expired"
        );
        first["data"].clone()
    }
}

struct Sent {
    method: String,
    timestamp: String,
    sign_method: &'static str,
    secret: &'static str,
    body: String,
    signed: String,
}

impl Sent {
    fn sign(&self) -> String {
        let Self { method, timestamp, secret, signed, .. } = self;
        let text =
            format!("{secret}app_key{KEY}method{method}param_json{signed}timestamp{timestamp}v2{secret}");
        if self.sign_method == "md5" {
            return hex::encode(Md5::digest(text.as_bytes()));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_believed_by_their_signature_time_and_token() {
    let client = Client::start().await;
    let tokens = client.token().await;
    assert_eq!((&tokens["shop_id"], &tokens["shop_name"]), (&json!(77), &json!("茶铺")));
    assert_eq!(tokens["expires_in"], 7 * 86_400);
    let token = tokens["access_token"].as_str().unwrap();
    let path = "/shop/reputation";
    let none = json!({});
    assert_eq!(client.call(path, token, &none).await["data"]["shop_name"], "茶铺");
    let md5 = client.call_with(path, token, &none, |sent| sent.sign_method = "md5").await;
    assert_eq!(md5["code"], 10_000);
    type Change = fn(&mut Sent);
    let wrong: [(Change, &str); 5] = [
        (|sent| sent.secret = "another", "isv.signature-invalid"),
        (|sent| sent.signed = "{\"a\":1}".to_owned(), "isv.signature-invalid"),
        (|sent| sent.sign_method = "sha1", "isv.signature-invalid"),
        (|sent| sent.timestamp = "1500000000".to_owned(), "isv.timestamp-invalid"),
        (|sent| sent.timestamp = "soon".to_owned(), "isv.timestamp-format-error"),
    ];
    for (change, sub_code) in wrong {
        let refused = client.call_with(path, token, &none, change).await;
        assert_eq!((&refused["code"], &refused["sub_code"]), (&json!(40_003), &json!(sub_code)));
        assert!(refused.get("err_no").is_none(), "the older generation was not asked for");
    }
    let unknown = client.call(path, "nobody's", &none).await;
    assert_eq!(unknown["sub_code"], "isv.access-token-no-existed");
    assert_eq!(client.call(path, "", &none).await["sub_code"], "isv.access-token-missing");

    // A refresh before the last hour repeats the tokens; after the end it gives new ones, once.
    let ask = json!({"refresh_token": tokens["refresh_token"], "grant_type": "refresh_token"});
    assert_eq!(client.call("/token/refresh", "", &ask).await["data"]["access_token"], tokens["access_token"]);
    client.post("/sandbox/api/douyin/tokens/expire", &json!({"shop_id": 77})).await;
    assert_eq!(client.call(path, token, &none).await["sub_code"], "isv.access-token-expired");
    let fresh = client.call("/token/refresh", "", &ask).await;
    assert_ne!(fresh["data"]["access_token"], tokens["access_token"]);
    let again = client.call("/token/refresh", "", &ask).await;
    assert_eq!(again["sub_code"], "dop.token-generate-failed:token-invalid");
    client.post("/sandbox/api/douyin/deauthorize", &json!({"app_key": KEY, "shop_id": 77})).await;
    let gone = client.call(path, fresh["data"]["access_token"].as_str().unwrap(), &none).await;
    assert_eq!((&gone["code"], &gone["sub_code"]), (&json!(30_001), &json!("dop.authorization-no-existed")));
    client.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn products_orders_and_parcels_follow_the_documents() {
    let client = Client::start().await;
    client
        .post("/sandbox/api/douyin/shops", &json!({"shop_id": 77, "name": "茶铺", "virtual_tel": true}))
        .await;
    let tokens = client.token().await;
    let token = tokens["access_token"].as_str().unwrap();
    let row = |color: &str| json!({"spec_detail_name1": color, "price": 1000, "stock_num": 5, "outer_sku_id": color});
    let mut draft = json!({"outer_product_id": "p1", "category_leaf_id": 20_002, "name": "龙井", "pic": "https://a/1.png",
        "description": "https://a/1.png", "reduce_type": 1, "freight_id": 0, "specs": "颜色|红,白", "commit": true,
        "spec_prices": json!([row("红")]).to_string()});
    let short = client.call("/product/addV2", token, &draft).await;
    assert_eq!((&short["code"], &short["sub_msg"]), (&json!(40_004), &json!("sku数量和规格组合数必须一致")));
    draft["spec_prices"] = json!(json!([row("红"), row("白")]).to_string());
    let made = client.call("/product/addV2", token, &draft).await["data"].clone();
    assert!(made["product_id"].is_u64() && made["sku"][0]["sku_id"].is_u64(), "numbers: {made}");
    let product = json!({"product_id": made["product_id"].to_string()});
    client.post(&format!("/sandbox/api/douyin/products/{}/approve", made["product_id"]), &json!({})).await;
    let shown = client.call("/product/detail", token, &product).await["data"].clone();
    assert_eq!((&shown["status"], &shown["check_status"]), (&json!(0), &json!(3)));
    assert_eq!(shown["product_id_str"], made["product_id"].to_string());

    let order =
        json!({"shop_id": 77, "pay": true, "items": [{"product_id": made["product_id"], "quantity": 2}]});
    let order = client.post("/sandbox/api/douyin/orders", &order).await;
    let id = order["order_id"].as_str().unwrap();
    let found =
        client.call("/order/searchList", token, &json!({"page": 0, "size": 10})).await["data"].clone();
    assert_eq!((&found["total"], &found["shop_order_list"][0]["order_id"]), (&json!(1), &json!(id)));
    let pack = json!({"order_id_list": [id], "shipped_order_info": [{"shipped_order_id": id, "shipped_num": 1}],
        "company_code": "shunfeng", "logistics_code": "SF1", "request_id": "one"});
    let first = client.call("/order/logisticsAddSinglePack", token, &pack).await;
    let second = client.call("/order/logisticsAddSinglePack", token, &pack).await;
    assert_eq!(first["data"]["pack_id"], second["data"]["pack_id"], "the same request ships once");
    let detail = client.call("/order/orderDetail", token, &json!({"shop_order_id": id})).await;
    let detail = &detail["data"]["shop_order_detail"];
    assert_eq!(
        (&detail["order_status"], detail["logistics_info"].as_array().unwrap().len()),
        (&json!(101), 1)
    );

    let cipher = |text: &Value| json!({"auth_id": id, "cipher_text": text});
    let ask = json!({"cipher_infos": [cipher(&detail["encrypt_post_tel"]), cipher(&json!("nonsense"))]});
    let opened = client.call("/order/batchDecrypt", token, &ask).await["data"]["decrypt_infos"].clone();
    assert_eq!((&opened[0]["is_virtual_tel"], &opened[0]["phone_no_b"]), (&json!(true), &json!("8001")));
    assert_ne!(opened[1]["err_no"], 0);
    client.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_app_has_its_own_way_to_tokens() {
    let client = Client::start().await;
    let ask = |shop: &str| json!({"code": "", "grant_type": "authorization_self", "shop_id": shop});
    let refused = client.call("/token/create", "", &ask("77")).await;
    assert_eq!(
        refused["sub_code"], "dop.token-generate-failed:grant-type-invalid",
        "a tool app needs a code"
    );

    let own = json!({"app_key": KEY, "app_secret": SECRET, "self_use": true});
    client.post("/sandbox/api/douyin/apps", &own).await;
    let refused = client.call("/token/create", "", &ask("77")).await;
    assert_eq!(refused["sub_code"], "dop.token-generate-failed:no-authorization");
    let shop = json!({"shop_id": 78, "name": "自家茶铺", "grants": [KEY]});
    client.post("/sandbox/api/douyin/shops", &shop).await;
    let made = client.call("/token/create", "", &ask("78")).await;
    assert_eq!((&made["data"]["shop_id"], &made["data"]["expires_in"]), (&json!(78), &json!(7 * 86_400)));
    let code = json!({"code": "x", "grant_type": "authorization_code"});
    let refused = client.call("/token/create", "", &code).await;
    assert_eq!(refused["sub_code"], "dop.token-generate-failed:grant-type-invalid", "it has no codes");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_set_by_page_for_each_platform_in_its_own_codes() {
    let client = Client::start().await;
    client
        .post(
            "/sandbox/api/douyin/apps",
            &json!({"app_key": KEY, "app_secret": SECRET, "service_id": "9", "callback_url": "http://127.0.0.1:1/back",
                "push_url": "http://127.0.0.1:1/push"}),
        )
        .await;
    let tokens = client.token().await;
    let token = tokens["access_token"].as_str().unwrap();
    let page = async |path: &str| {
        let url = format!("{}{path}", client.sandbox.base_url);
        client.http.get(url).send().await.unwrap().text().await.unwrap()
    };
    // The page that a form leads to.
    let submit = async |form: &str, fields: &[(&str, &str)]| {
        let url = format!("{}/sandbox/forms/{form}", client.sandbox.base_url);
        let body = serde_urlencoded::to_string(fields).unwrap();
        let request = client.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.unwrap().text().await.unwrap()
    };
    let fault = async |platform: &str, account: &str, trouble: &str| {
        let fields = [
            ("platform", platform),
            ("account", account),
            ("trouble", trouble),
            ("path", "*"),
            ("seconds", "1"),
        ];
        submit("fault", &[&fields[..], &[("count", "1")]].concat()).await
    };
    let orders = async || client.call("/order/searchList", token, &json!({"page": 0, "size": 10})).await;

    // A fault of one platform is none of the other, whatever the path.
    fault("wechat", "", "token_expired").await;
    assert_eq!(orders().await["code"], 10_000);
    let wechat = page("/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=x").await;
    assert_eq!(serde_json::from_str::<Value>(&wechat).unwrap()["errcode"], 42_001, "{wechat}");
    for (trouble, code, detailed) in [
        ("token_expired", 40_003, "isv.access-token-expired"),
        ("token_invalid", 40_003, "isv.access-token-no-existed"),
        ("revoked", 30_001, "dop.authorization-no-existed"),
        ("too_often", 60_000, "isv.call-limited"),
        ("busy", 20_000, "isp.service-error"),
        ("done_but_busy", 20_000, "isp.service-error"),
    ] {
        let shown = fault("douyin", "77", trouble).await;
        assert!(shown.contains(detailed) && shown.contains("清除全部故障"), "{trouble}: {shown}");
        let answer = orders().await;
        assert_eq!((&answer["code"], &answer["sub_code"]), (&json!(code), &json!(detailed)), "{trouble}");
        assert_eq!(orders().await["code"], 10_000, "{trouble}: once");
    }
    fault("douyin", "77", "slow").await;
    let began = std::time::Instant::now();
    assert_eq!(orders().await["code"], 10_000);
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    for (account, trouble, why) in
        [("78", "busy", "no account 78"), ("", "quota_day", "unknown trouble quota_day")]
    {
        assert!(fault("douyin", account, trouble).await.contains(why));
    }

    let draft = json!({"outer_product_id": "p1", "category_leaf_id": 20_002, "name": "龙井", "pic": "https://a/1.png",
        "description": "https://a/1.png", "reduce_type": 1, "freight_id": 0, "specs": "颜色|红", "commit": true,
        "spec_prices": json!([{"spec_detail_name1": "红", "price": 1000, "stock_num": 5}]).to_string()});
    let made = client.call("/product/addV2", token, &draft).await["data"].clone();
    client.post(&format!("/sandbox/api/douyin/products/{}/approve", made["product_id"]), &json!({})).await;
    for platform in ["wechat", "douyin"] {
        let fields =
            [("platform", platform), ("account", ""), ("kind", "drop"), ("event", "101"), ("seconds", "0")];
        submit("push-fault", &[&fields[..], &[("count", "1")]].concat()).await;
    }
    let order = json!({"shop_id": 77, "pay": true, "items": [{"product_id": made["product_id"]}]});
    for _ in 0..2 {
        client.post("/sandbox/api/douyin/orders", &order).await;
    }
    let dropped: Value = serde_json::from_str(&page("/sandbox/api/pushes?state=dropped").await).unwrap();
    let dropped: Vec<&Value> =
        dropped["pushes"].as_array().unwrap().iter().map(|push| &push["event"]).collect();
    assert_eq!(dropped, [&json!("101")], "one of the two, by the fault of its platform");
    let english = page("/faults?lang=en").await;
    for text in [
        "Douyin shops",
        "called too often",
        "daily quota used up",
        "wrong signature",
        "茶铺 · 77",
        "push <code>101</code>",
    ] {
        assert!(english.contains(text), "{text} in {english}");
    }
    let cleared = submit("clear-faults", &[]).await;
    assert!(!cleared.contains("<code>101</code>"), "{cleared}");
    client.sandbox.stop().await;
}
