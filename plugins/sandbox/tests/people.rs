//! People at the sandbox: linking an official account, followers and their window, web login, the pages.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Bench, COMPONENT, KEY, TOKEN, xml};

const ACCOUNT: &str = "wx2222222222222222";

async fn official_account(bench: &Bench, push: Value) -> Value {
    let new = json!({"appid": ACCOUNT, "secret": "shh", "kind": "official_account", "nickname": "茶话",
        "push": push});
    bench.post("/sandbox/api/accounts", new).await
}

fn query_of(location: &str) -> BTreeMap<String, String> {
    serde_urlencoded::from_str(location.split_once('?').unwrap().1).unwrap()
}

impl Bench {
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> String {
        let body = serde_urlencoded::to_string(form).unwrap();
        let request = self.http.post(format!("{}{path}", self.sandbox.base_url)).body(body);
        let response =
            request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert_eq!(response.status(), 303, "{path}");
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn page(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.sandbox.base_url)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        response.text().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_official_account_is_linked_by_the_page() {
    let bench = Bench::start().await;
    bench.register_component().await;
    official_account(&bench, Value::Null).await;
    let token = bench.component_token().await;
    let create = format!("/cgi-bin/component/api_create_preauthcode?component_access_token={token}");
    let code = bench.post(&create, json!({"component_appid": COMPONENT})).await["pre_auth_code"].clone();
    let code = code.as_str().unwrap().to_owned();
    let link = serde_urlencoded::to_string([
        ("component_appid", COMPONENT),
        ("pre_auth_code", &code),
        ("redirect_uri", "http://127.0.0.1:1/back?shop=7"),
        ("auth_type", "1"),
    ])
    .unwrap();
    let page = bench.page(&format!("/cgi-bin/componentloginpage?{link}")).await;
    assert!(page.contains("茶话") && page.contains(&code));
    assert!(
        bench
            .page("/wxaopen/safe/bindcomponent?component_appid=x")
            .await
            .contains("pre_auth_code is unknown")
    );
    let form = [
        ("component_appid", COMPONENT),
        ("pre_auth_code", &code),
        ("redirect_uri", "http://127.0.0.1:1/back?shop=7"),
        ("appid", ACCOUNT),
    ];
    let location = bench.submit("/sandbox/authorize", &form).await;
    let query = query_of(&location);
    assert_eq!((query["shop"].as_str(), query["expires_in"].as_str()), ("7", "600"));

    // The redirect's code and the event's code both lead to the same authorization.
    let event = bench.listener.wait("<InfoType><![CDATA[authorized]]>", 1).await.remove(0);
    let redeem = format!("/cgi-bin/component/api_query_auth?component_access_token={token}");
    let mut refresh = Vec::new();
    for code in [query["auth_code"].clone(), xml(&event.message, "AuthorizationCode").to_owned()] {
        let answer =
            bench.post(&redeem, json!({"component_appid": COMPONENT, "authorization_code": code})).await;
        refresh.push(answer["authorization_info"]["authorizer_refresh_token"].clone());
    }
    assert_eq!(refresh[0], refresh[1]);
    assert!(refresh[0].is_string());
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_open_a_window_and_people_log_in() {
    let bench = Bench::start().await;
    let wrong = json!({"url": format!("{}/oa", bench.listener.url), "token": "BBBBB", "encoding_aes_key": KEY,
        "format": "xml"});
    let refused = official_account(&bench, wrong).await;
    assert!(refused["error"].as_str().unwrap().contains("url check failed"), "{refused}");
    let push = json!({"url": format!("{}/oa", bench.listener.url), "token": TOKEN, "encoding_aes_key": KEY,
        "format": "xml"});
    official_account(&bench, push).await;
    let token =
        bench.get(&format!("/cgi-bin/token?grant_type=client_credential&appid={ACCOUNT}&secret=shh")).await;
    let token = token["access_token"].as_str().unwrap().to_owned();
    let wrong =
        bench.get(&format!("/cgi-bin/token?grant_type=client_credential&appid={ACCOUNT}&secret=no")).await;
    assert_eq!(wrong["errcode"], 40125);

    let said = json!({"appid": ACCOUNT, "buyer": "小林", "content": "在吗?"});
    let openid = bench.post("/sandbox/api/messages", said).await["openid"].as_str().unwrap().to_owned();
    let message = bench.listener.wait("在吗", 1).await.remove(0);
    assert_eq!((xml(&message.message, "FromUserName"), message.app_id.as_str()), (openid.as_str(), ACCOUNT));
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "在的"}});
    for _ in 0..5 {
        assert_eq!(bench.call(&token, "/cgi-bin/message/custom/send", text.clone()).await["errcode"], 0);
    }
    assert_eq!(bench.call(&token, "/cgi-bin/message/custom/send", text).await["errcode"], 45047);

    let menu = json!({"button": [{"type": "click", "name": "今日", "key": "K"}]});
    assert_eq!(bench.call(&token, "/cgi-bin/menu/create", menu.clone()).await["errcode"], 0);
    assert_eq!(bench.get(&format!("/cgi-bin/menu/get?access_token={token}")).await["menu"], menu);
    bench.get(&format!("/cgi-bin/menu/delete?access_token={token}")).await;
    assert_eq!(bench.get(&format!("/cgi-bin/menu/get?access_token={token}")).await["errcode"], 46003);

    let back = bench
        .submit(
            "/sandbox/web-login",
            &[
                ("appid", ACCOUNT),
                ("redirect_uri", "http://127.0.0.1:1/"),
                ("scope", "snsapi_userinfo"),
                ("state", "s t"),
                ("buyer", "小林"),
            ],
        )
        .await;
    let query = query_of(&back);
    assert_eq!(query["state"], "s t");
    let redeem = format!(
        "/sns/oauth2/access_token?appid={ACCOUNT}&secret=shh&grant_type=authorization_code&code={}",
        query["code"]
    );
    let login = bench.get(&redeem).await;
    assert_eq!(login["openid"], openid.as_str(), "{login}");
    assert_eq!(bench.get(&redeem).await["errcode"], 40163);
    let info =
        format!("/sns/userinfo?access_token={}&openid={openid}", login["access_token"].as_str().unwrap());
    let person = bench.get(&info).await;
    assert_eq!(person["nickname"], "小林");
    // Without an open platform account nobody has a union id.
    assert!(person.get("unionid").is_none() && login.get("unionid").is_none(), "{person} {login}");
    let no = [
        ("appid", ACCOUNT),
        ("redirect_uri", "http://127.0.0.1:1/"),
        ("scope", "snsapi_userinfo"),
        ("state", "st"),
        ("buyer", "小林"),
        ("decision", "refuse"),
    ];
    let refused = query_of(&bench.submit("/sandbox/web-login", &no).await);
    assert!(refused["state"] == "st" && !refused.contains_key("code"), "{refused:?}");
    let order = format!(
        "/connect/oauth2/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&appid={ACCOUNT}&response_type=code&scope=snsapi_userinfo&state=s"
    );
    assert!(bench.page(&order).await.contains("documented order"));

    // The stable token repeats itself, and a forced one ends it.
    let stable = |force: bool| {
        let body = json!({"grant_type": "client_credential", "appid": ACCOUNT, "secret": "shh",
            "force_refresh": force});
        bench.post("/cgi-bin/stable_token", body)
    };
    let first = stable(false).await["access_token"].clone();
    assert_eq!(stable(false).await["access_token"], first);
    let forced = stable(true).await["access_token"].clone();
    assert_ne!(forced, first);
    let old = format!("/cgi-bin/getcallbackip?access_token={}", first.as_str().unwrap());
    assert_eq!(bench.get(&old).await["errcode"], 42001);
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_play_the_buyer_and_the_auditor() {
    let bench = Bench::start().await;
    bench.register_component().await;
    let (appid, token) = bench.direct_store().await;
    bench.submit("/sandbox/forms/settings", &[]).await;
    let product = bench.add_product(&token).await;
    let product_id = product["product_id"].as_str().unwrap().to_owned();
    assert!(bench.page("/auditor").await.contains("明前龙井"));
    bench.submit("/sandbox/forms/audit", &[("product_id", &product_id), ("decision", "approve")]).await;
    bench.wait_for_status(&token, &product_id, 5).await;
    let form = [
        ("appid", appid.as_str()),
        ("product_id", &product_id),
        ("sku_id", product["skus"][1]["sku_id"].as_str().unwrap()),
        ("quantity", "2"),
        ("scene", "2"),
        ("finder_id", "live-1"),
        ("buyer", "<b>陈</b>"),
        ("customer_notes", "尽快"),
    ];
    bench.submit("/sandbox/forms/order", &form).await;
    let page = bench.page(&format!("/buyer?appid={appid}&lang=en")).await;
    assert!(page.contains("to pay") && page.contains("¥476.00"), "{page}");
    assert!(page.contains("&lt;b&gt;陈") && !page.contains("<b>陈"));
    let order = bench.get("/sandbox/api/orders").await["orders"][0].clone();
    assert_eq!(order["order"]["order_detail"]["ext_info"]["live_id"], "live-1");
    let id = order["order_id"].as_str().unwrap();
    let action = |name| [("order_id", id), ("appid", appid.as_str()), ("action", name)];
    bench.submit("/sandbox/forms/order-action", &action("pay")).await;
    let again = bench.submit("/sandbox/forms/order-action", &action("pay")).await;
    assert!(again.contains("problem="), "{again}");
    for path in ["/", "/market", "/pushes?lang=en", "/auditor?lang=en"] {
        bench.page(path).await;
    }
    let strange = bench.http.post(format!("{}/sandbox/forms/clear-faults", bench.sandbox.base_url));
    let refused = strange.header("origin", "https://example.com").send().await.unwrap();
    assert_eq!(refused.status(), 403);

    // An after-sale case from the buyer's wish to the merchant's refund.
    let refund = bench.post(&format!("/sandbox/api/orders/{id}/aftersale"), json!({"type": "REFUND"})).await;
    let case = refund["after_sale_order_id"].as_str().unwrap_or_else(|| panic!("{refund}"));
    let body = json!({"after_sale_order_id": case});
    let got = bench.call(&token, "/channels/ec/aftersale/getaftersaleorder", body.clone()).await;
    assert_eq!(got["after_sale_order"]["refund_info"]["amount"], 47600);
    assert_eq!(bench.call(&token, "/channels/ec/aftersale/acceptapply", body.clone()).await["errcode"], 0);
    assert_eq!(bench.call(&token, "/channels/ec/aftersale/acceptapply", body).await["errcode"], 10021041);
    bench.listener.wait("\"cancel_type\":3", 1).await;
    bench.sandbox.stop().await;
}
