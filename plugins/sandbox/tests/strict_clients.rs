//! Answers in the types that strictly typed client libraries of others read. Each of these was once answered in
//! another type, which such a library refuses as a whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod support;

use serde_json::{Value, json};
use support::{Bench, product};

#[tokio::test(flavor = "multi_thread")]
async fn products_and_orders_have_the_documented_types() {
    let bench = Bench::start().await;
    let (appid, token) = bench.direct_store().await;
    let added = bench.add_product(&token).await;
    let id = added["product_id"].as_str().unwrap().to_owned();
    let got = bench.wait_for_status(&token, &id, 5).await;
    assert_eq!(got["sale_limit_info"]["is_limited"], 0, "a number, not a truth value");
    assert_eq!(got["product"]["skus"][0]["status"], 5);
    let quota = bench.call(&token, "/channels/ec/product/getauditquota", json!({})).await;
    assert_eq!(quota["audit_quota"]["block_status"], 0);
    assert!(quota["audit_quota"]["avail_quota"].is_u64() && quota["audit_quota"]["total_quota"].is_u64());
    for (path, field) in
        [("h5url", "product_h5url"), ("taglink", "product_taglink"), ("qrcode", "product_qrcode")]
    {
        let link =
            bench.call(&token, &format!("/channels/ec/product/{path}/get"), json!({"product_id": id})).await;
        assert!(link[field].as_str().is_some_and(|text| text.contains(&id)), "{link}");
    }

    let order = json!({"appid": appid, "pay": true, "items": [{"product_id": id, "sku_id": added["skus"][0]["sku_id"]}]});
    let order_id = bench.post("/sandbox/api/orders", order).await["order_id"].clone();
    let got = bench.call(&token, "/channels/ec/order/get", json!({"order_id": order_id})).await;
    let detail = &got["order"]["order_detail"];
    // An address under review is an object; without one there is no such member.
    assert_eq!(detail["delivery_info"].get("address_under_review"), None);
    assert_eq!(detail["product_infos"][0]["sku_deliver_info"], json!({"stock_type": 0}));
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_skus_with_one_name_stay_two() {
    let bench = Bench::start().await;
    let (_, token) = bench.direct_store().await;
    let added = bench.add_product(&token).await;
    bench.wait_for_status(&token, added["product_id"].as_str().unwrap(), 5).await;
    let mut change = product();
    change["product_id"] = added["product_id"].clone();
    change["skus"][1]["out_sku_id"] = json!("s-1");
    let changed = bench.call(&token, "/channels/ec/product/update", change).await["data"]["skus"].clone();
    assert_eq!(changed[0]["sku_id"], added["skus"][0]["sku_id"]);
    assert_ne!(changed[0]["sku_id"], changed[1]["sku_id"]);
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_addresses_templates_and_pictures() {
    let bench = Bench::start().await;
    let (_, token) = bench.direct_store().await;
    let reasons = bench.call(&token, "/channels/ec/aftersale/reason/get", json!({})).await;
    let first = &reasons["reason_list"][0];
    assert!(first["reason"].is_string() && first["reason_text"].is_string(), "{reasons}");
    let refusals = bench.call(&token, "/channels/ec/aftersale/rejectreason/get", json!({})).await;
    assert_eq!(refusals["reason_list"], refusals["reject_reason_list"]);
    let first = &refusals["reason_list"][0];
    assert!(first["reject_reason_type"].is_u64() && first["reject_reason"].is_string(), "{refusals}");

    let merchant = "/channels/ec/merchant";
    let template = json!({"freight_template": {"template_id": "1", "name": "满额包邮"}});
    let saved = bench.call(&token, &format!("{merchant}/updatefreighttemplate"), template).await;
    assert_eq!(saved["template_id"], "1");
    let detail = json!({"template_id": 1});
    let got = bench.call(&token, &format!("{merchant}/getfreighttemplatedetail"), detail).await;
    assert_eq!(got["freight_template"]["name"], "满额包邮");
    let address = json!({"address_detail": {"address_info": {"city_name": "福州市"}}});
    let id = bench.call(&token, &format!("{merchant}/address/add"), address).await["address_id"].clone();
    let address = json!({"address_detail": {"address_id": id, "address_info": {"city_name": "厦门市"}}});
    assert_eq!(bench.call(&token, &format!("{merchant}/address/update"), address).await["errcode"], 0);
    let got = bench.call(&token, &format!("{merchant}/address/get"), json!({"address_id": id})).await;
    assert_eq!(got["address_detail"]["address_info"]["city_name"], "厦门市");
    assert!(got["address_detail"]["create_time"].is_u64());

    // A picture that was uploaded by its id comes back as it was; anything else is JSON.
    let png = b"\x89PNG\r\n\x1a\nfew bytes";
    let base = &bench.sandbox.base_url;
    let upload = format!("{base}/channels/ec/basics/img/upload?access_token={token}&resp_type=0");
    let boundary = "=====";
    let mut body =
        format!("--{boundary}\r\ncontent-disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\r\n")
            .into_bytes();
    body.extend_from_slice(png);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let form = format!("multipart/form-data; boundary=\"{boundary}\"");
    let sent = bench.http.post(upload).header("content-type", form).body(body).send().await.unwrap();
    let sent: Value = sent.json().await.unwrap();
    let media = sent["pic_file"]["media_id"].as_str().unwrap_or_else(|| panic!("{sent}"));
    let path = format!("/channels/ec/basics/media/get?access_token={token}&media_id=");
    let shown = bench.http.get(format!("{base}{path}{media}")).send().await.unwrap();
    assert_eq!(shown.headers()["content-type"], "image/png");
    let name = shown.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("attachment; filename=") && name.ends_with(".png\""), "{name}");
    assert_eq!(shown.bytes().await.unwrap().as_ref(), png);
    assert_eq!(bench.get(&format!("{path}nothing")).await["errcode"], 40007);
    bench.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_in_use_wraps_the_buttons_below_another() {
    let bench = Bench::start().await;
    let account = json!({"kind": "official_account", "nickname": "茶讯", "secret": "shh"});
    let appid = bench.post("/sandbox/api/accounts", account).await["appid"].as_str().unwrap().to_owned();
    let grant = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret=shh");
    let token = bench.get(&grant).await["access_token"].as_str().unwrap().to_owned();
    let below = json!([{"type": "view", "name": "商城", "url": "https://shop.example/"}]);
    let menu = json!({"button": [{"type": "click", "name": "今日", "key": "K"}, {"name": "更多", "sub_button": below}]});
    assert_eq!(bench.call(&token, "/cgi-bin/menu/create", menu.clone()).await["errcode"], 0);
    let used = bench.get(&format!("/cgi-bin/get_current_selfmenu_info?access_token={token}")).await;
    assert_eq!(used["selfmenu_info"]["button"][1]["sub_button"], json!({"list": below}));
    let own = bench.get(&format!("/cgi-bin/menu/get?access_token={token}")).await;
    assert_eq!(own["menu"], menu);
    bench.sandbox.stop().await;
}
