//! From tickets and tokens to a shipped order, as a client library would see it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod support;

use serde_json::{Value, json};
use support::{Bench, COMPONENT, xml};

const BIG: u64 = 1 << 53;

async fn buy(bench: &Bench, appid: &str) -> String {
    bench.post("/sandbox/api/market/buy", json!({"component_appid": COMPONENT, "appid": appid})).await;
    let pushed = bench.listener.wait("<InfoType><![CDATA[authorized]]>", 1).await;
    let event = pushed.last().unwrap();
    assert_eq!((event.path.as_str(), event.app_id.as_str(), event.signed), ("/auth", COMPONENT, true));
    assert_eq!(xml(&event.message, "AuthorizerAppid"), appid);
    xml(&event.message, "AuthorizationCode").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn component_tokens_rotate_and_expire() {
    let bench = Bench::start().await;
    bench.register_component().await;
    let (appid, _) = bench.direct_store().await;
    let component = bench.component_token().await;
    let early = bench.listener.wait("component_verify_ticket", 1).await;
    assert!(early[0].body.contains("<AppId>") && early[0].content_type == "text/xml");

    let code = buy(&bench, &appid).await;
    let query = format!("/cgi-bin/component/api_query_auth?component_access_token={component}");
    let body = json!({"component_appid": COMPONENT, "authorization_code": code});
    let first = bench.post(&query, body.clone()).await["authorization_info"].clone();
    assert_eq!(first["authorizer_appid"], appid.as_str());
    assert_eq!(first["func_info"][0]["funcscope_category"]["id"], 129);
    assert_eq!(bench.post(&query, body).await["errcode"], 61009);

    // Rotation: the replaced refresh token still works in its grace time and leads to the same new one.
    let refreshing = format!("/cgi-bin/component/api_authorizer_token?access_token={component}");
    let refresh = |token: Value| {
        let body = json!({"component_appid": COMPONENT, "authorizer_appid": appid, "authorizer_refresh_token": token});
        bench.post(&refreshing, body)
    };
    let second = refresh(first["authorizer_refresh_token"].clone()).await;
    assert_ne!(second["authorizer_refresh_token"], first["authorizer_refresh_token"]);
    let again = refresh(first["authorizer_refresh_token"].clone()).await;
    assert_eq!(again["authorizer_refresh_token"], second["authorizer_refresh_token"]);
    let patch = bench.http.patch(format!("{}/sandbox/api/settings", bench.sandbox.base_url));
    patch.json(&json!({"grace_seconds": 0})).send().await.unwrap();
    let third = refresh(second["authorizer_refresh_token"].clone()).await;
    assert_eq!(refresh(second["authorizer_refresh_token"].clone()).await["errcode"], 61023);
    let list = format!("/cgi-bin/component/api_get_authorizer_list?access_token={component}");
    let listed = bench.post(&list, json!({"component_appid": COMPONENT, "offset": 0, "count": 100})).await;
    assert_eq!(listed["list"][0]["refresh_token"], third["authorizer_refresh_token"]);

    // Tokens speak for their account, expire, and end with the authorization.
    let token = third["authorizer_access_token"].as_str().unwrap().to_owned();
    let info = format!("/channels/ec/basics/info/get?access_token={token}");
    assert_eq!(bench.get(&info).await["info"]["nickname"], "茶铺");
    bench.post("/sandbox/api/tokens/expire", json!({"appid": appid})).await;
    let expired = bench.get(&info).await;
    assert_eq!(expired["errcode"], 42001);
    assert!(expired["errmsg"].as_str().unwrap().contains(" rid: "));
    assert_eq!(bench.get("/channels/ec/basics/info/get?access_token=nonsense").await["errcode"], 40001);
    assert_eq!(bench.get("/channels/ec/basics/info/get").await["errcode"], 41001);
    assert_eq!(bench.post(&info.replace("info/get", "nothing"), json!({})).await["errcode"], 40066);

    let fourth = refresh(third["authorizer_refresh_token"].clone()).await;
    let token = fourth["authorizer_access_token"].as_str().unwrap().to_owned();
    bench.post("/sandbox/api/deauthorize", json!({"component_appid": COMPONENT, "appid": appid})).await;
    bench.listener.wait("<InfoType><![CDATA[unauthorized]]>", 1).await;
    let gone = bench.get(&format!("/channels/ec/basics/info/get?access_token={token}")).await;
    assert_eq!(gone["errcode"], 40001);
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_travels_from_product_to_settlement() {
    let bench = Bench::start().await;
    bench.register_component().await;
    let (appid, token) = bench.direct_store().await;
    bench.component_token().await;
    buy(&bench, &appid).await;

    let product = bench.add_product(&token).await;
    let product_id = product["product_id"].as_str().unwrap().to_owned();
    assert!(product_id.parse::<u64>().unwrap() > BIG);
    let early = bench.call(&token, "/channels/ec/product/listing", json!({"product_id": product_id})).await;
    assert_eq!(early["errcode"], 10020008);
    let got = bench.wait_for_status(&token, &product_id, 5).await;
    assert_eq!((&got["product"]["edit_status"], &got["product"]["min_price"]), (&json!(4), &json!(12800)));
    let sku_id = got["product"]["skus"][0]["sku_id"].as_str().unwrap().to_owned();

    // The store's own address hears JSON in secure mode with ids as numbers, the component XML with its own app id.
    let audits = bench.listener.wait("product_spu_audit", 2).await;
    let direct = audits.iter().find(|r| r.path == "/store").unwrap();
    let relayed = audits.iter().find(|r| r.path == format!("/messages/{appid}")).unwrap();
    assert_eq!((direct.app_id.as_str(), relayed.app_id.as_str()), (appid.as_str(), COMPONENT));
    assert!(direct.signed && relayed.signed && direct.content_type == "application/json");
    let message: Value = serde_json::from_str(&direct.message).unwrap();
    assert_eq!(message["ProductSpuAudit"]["product_id"].as_u64().unwrap().to_string(), product_id);
    assert_eq!(xml(&relayed.message, "product_id"), product_id);
    assert_eq!(direct.query["encrypt_type"], "aes");

    let order = bench
        .post(
            "/sandbox/api/orders",
            json!({"appid": appid, "buyer": "陈先生", "scene": 3, "pay": true,
            "items": [{"product_id": product_id, "sku_id": sku_id, "quantity": 2}]}),
        )
        .await;
    let order_id = order["order_id"].as_str().unwrap_or_else(|| panic!("{order}")).to_owned();
    let paid = bench.listener.wait("channels_ec_order_pay", 2).await;
    let paid = paid.iter().find(|r| r.path == "/store").unwrap();
    let message: Value = serde_json::from_str(&paid.message).unwrap();
    assert_eq!(message["order_info"]["order_id"].as_u64().unwrap().to_string(), order_id);
    assert_eq!(message["FromUserName"], paid.query["openid"].as_str());

    let stock = bench
        .call(&token, "/channels/ec/product/stock/get", json!({"product_id": product_id, "sku_id": sku_id}))
        .await;
    assert_eq!(stock["data"]["normal_stock_num"], 8);
    // Bare numbers are taken as well as text.
    let number: u64 = order_id.parse().unwrap();
    let got =
        bench.call(&token, "/channels/ec/order/get", json!({"order_id": number})).await["order"].clone();
    assert_eq!((&got["status"], &got["order_id"]), (&json!(20), &json!(order_id)));
    let detail = &got["order_detail"];
    assert_eq!(detail["price_info"]["merchant_receieve_price"], 25600);
    assert_eq!(detail["ext_info"]["order_scene"], 3);
    assert_eq!(detail["delivery_info"]["address_info"]["tel_number"], "138****8000");
    let open =
        bench.call(&token, "/channels/ec/order/sensitiveinfo/decode", json!({"order_id": order_id})).await;
    assert_eq!(open["address_info"]["tel_number"], "13800138000");
    let now = got["update_time"].as_u64().unwrap();
    let range = json!({"update_time_range": {"start_time": now - 60, "end_time": now + 60}, "page_size": 10});
    let listed = bench.call(&token, "/channels/ec/order/list/get", range).await;
    assert_eq!((&listed["order_id_list"][0], &listed["has_more"]), (&json!(order_id), &json!(false)));

    let parcel = |sku: &str, count: i64| {
        json!({"order_id": order_id, "delivery_list": [{"delivery_id": "SF", "waybill_id": "SF1", "deliver_type": 1,
            "product_infos": [{"product_id": product_id, "sku_id": sku, "product_cnt": count}]}]})
    };
    let send = "/channels/ec/order/delivery/send";
    assert_eq!(bench.call(&token, send, parcel("77", 1)).await["errcode"], 606031);
    assert_eq!(bench.call(&token, send, parcel(&sku_id, 1)).await["errcode"], 0);
    bench.listener.wait("\"finish_delivery\":0", 1).await;
    assert_eq!(bench.call(&token, send, parcel(&sku_id, 1)).await["errcode"], 0);
    bench.listener.wait("\"finish_delivery\":1", 1).await;
    assert_eq!(bench.call(&token, send, parcel(&sku_id, 1)).await["errcode"], 101100);
    let done = bench.post(&format!("/sandbox/api/orders/{order_id}/confirm"), json!({})).await;
    assert_eq!(done["status"], 100);
    bench.listener.wait("channels_ec_order_confirm", 2).await;
    bench.post(&format!("/sandbox/api/orders/{order_id}/settle"), json!({})).await;
    let balance = bench.get(&format!("/channels/ec/funds/getbalance?access_token={token}")).await;
    assert_eq!(balance["available_amount"], 25600);
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_products_say_why_and_rules_have_numbers() {
    let bench = Bench::start().await;
    let (_, token) = bench.direct_store().await;
    let http = bench.http.patch(format!("{}/sandbox/api/settings", bench.sandbox.base_url));
    http.json(&json!({"audit_automatically": false})).send().await.unwrap();
    let product = bench.add_product(&token).await;
    let id = product["product_id"].as_str().unwrap();
    let stock = json!({"product_id": id, "sku_id": product["skus"][0]["sku_id"], "diff_type": 1, "num": 1});
    let early = bench.call(&token, "/channels/ec/product/stock/update", stock.clone()).await;
    assert_eq!(early["errcode"], 10020217);
    bench.post(&format!("/sandbox/api/products/{id}/refuse"), json!({"reason": "图片含联系方式"})).await;
    let pushed = bench.listener.wait("product_spu_audit", 1).await;
    assert!(pushed[0].message.contains("图片含联系方式") && pushed[0].message.contains("\"status\":2"));
    let update = bench.call(&token, "/channels/ec/product/stock/update", stock).await;
    assert_eq!(update["errcode"], 10020289);

    let changed = |path: &str, value: Value| {
        let mut body = support::product();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let cases = [
        ("/title", json!(""), 10020020),
        ("/title", json!("茶茶"), 10020042),
        ("/title", json!("茶".repeat(61)), 10020021),
        ("/title", json!("only ascii 123"), 10020045),
        ("/head_imgs", json!([]), 10020022),
        ("/head_imgs", json!(vec!["https://mmecimage.cn/p/a/b"; 10]), 10020023),
        ("/head_imgs", json!(["https://example.com/a.jpg"]), 10020035),
        ("/cats", json!([{"cat_id": "2000"}]), 10020011),
        ("/cats", json!([{"cat_id": "1000"}, {"cat_id": "2010"}, {"cat_id": "2011"}]), 10020017),
        ("/skus", json!([]), 10020038),
        ("/skus/0/sale_price", json!(0), 10020039),
        ("/skus/0/sale_price", json!(1_000_000_001), 10020028),
        ("/skus/0/market_price", json!(1), 10020040),
        ("/skus/0/stock_num", json!(-1), 40097),
        ("/express_info/template_id", json!("99"), 10020019),
    ];
    for (path, value, code) in cases {
        let answer = bench.call(&token, "/channels/ec/product/add", changed(path, value.clone())).await;
        assert_eq!(answer["errcode"], code, "{path} {value}: {answer}");
    }
    let url = format!("{}/channels/ec/product/get?access_token={token}", bench.sandbox.base_url);
    for (body, code) in [("", 44002), ("{", 47001), ("[1]", 47001), ("{}", 40097)] {
        let answer: Value = bench.http.post(&url).body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["errcode"], code, "{body}");
    }
    let large =
        bench.http.post(&url).body(vec![b' '; 3 << 20]).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(large["errcode"], 45002);
    assert_eq!(bench.get(&format!("/channels/ec/product/get?access_token={token}")).await["errcode"], 43002);
    bench.sandbox.stop().await;
}
