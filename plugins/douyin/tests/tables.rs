//! Requests and answers of operations, as tables: bytes in, values out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_douyin::{Douyin, sign};
use qianpu_sdk::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

struct Fixture {
    app: AppCredentials,
    account: AccountCredentials,
    settings: Value,
}

fn fixture() -> Fixture {
    let token = AccessToken { value: Secret::from("token-1"), expires_at: NOW.plus(Span::days(1)) };
    Fixture {
        app: AppCredentials {
            app_id: "7000000000000000001".into(),
            secret: Secret::from("secret"),
            ticket: None,
            access_token: None,
        },
        account: AccountCredentials {
            external_id: "77".into(),
            secret: None,
            access_token: Some(token),
            refresh_token: Some(Secret::from("refresh-1")),
        },
        settings: json!({"service_id": "30001"}),
    }
}

impl Fixture {
    fn cx(&self) -> Context<'_> {
        Context {
            now: NOW,
            nonce: "00",
            app: Some(&self.app),
            account: Some(&self.account),
            settings: &self.settings,
            locale: Locale::Zh,
        }
    }
}

fn called<T: std::fmt::Debug>(turn: Turn<T>) -> (Vec<Request>, Vec<u8>) {
    match turn.unwrap() {
        Step::Call { requests, state, .. } => (requests, state),
        other => panic!("no call: {other:?}"),
    }
}

fn done<T: std::fmt::Debug>(turn: Turn<T>) -> T {
    match turn.unwrap() {
        Step::Done(value) => value,
        other => panic!("not done: {other:?}"),
    }
}

fn ok(data: &Value) -> Answer {
    let body = json!({"code": 10_000, "msg": "success", "data": data}).to_string().into_bytes();
    Answer::Response(Response { status: 200, headers: vec![], body })
}

fn params(request: &Request) -> Value {
    let Body::Bytes { bytes, .. } = &request.body else { panic!("no body") };
    serde_json::from_slice(bytes).unwrap()
}

fn query<'a>(request: &'a Request, name: &str) -> &'a str {
    &request.query.iter().find(|(key, _)| key == name).unwrap().1
}

#[test]
fn parameters_are_signed_as_they_are_sent() {
    let odd = json!({"b": [{"z": 1, "a": "中<&>"}], "a": 12_345_678_901_234_567_890_u64, "c": null});
    assert_eq!(sign::canonical(&odd), r#"{"a":12345678901234567890,"b":[{"a":"中<&>","z":1}],"c":null}"#);
    let call = |method: &str, params: &str, hidden: Option<&str>| {
        let hidden = hidden.map(Secret::from);
        let secret = Secret::from("secret");
        sign::call("7000000000000000001", &secret, method, params, hidden.as_ref(), "1700000000").unwrap()
    };
    // Python: hmac.new(b"secret", text, hashlib.sha256).hexdigest()
    assert_eq!(
        call("order.searchList", r#"{"page":0,"size":10}"#, None),
        "1b7be65e0d3317b8eef3fd8d83019c6bacef976b2695f11ccd35dd972de6f3b0"
    );
    // A secret among the parameters changes nothing of what is signed, whether its name is found there or not.
    let params = r#"{"code":"c-1","grant_type":"authorization_code"}"#;
    let plain = call("token.create", params, None);
    assert_eq!(call("token.create", params, Some("c-1")), plain);
    assert_eq!(call("token.create", params, Some("not among them")), plain);
    let fixture = fixture();
    let (requests, _) = called(Orders::fetch(&Douyin, &fixture.cx(), "485"));
    let request = &requests[0];
    assert_eq!(
        (request.path.as_str(), query(request, "method")),
        ("/order/orderDetail", "order.orderDetail")
    );
    assert_eq!((query(request, "timestamp"), query(request, "access_token")), ("1700000000", "token-1"));
    let signed = call("order.orderDetail", r#"{"shop_order_id":"485"}"#, None);
    assert_eq!(query(request, "sign"), signed);
    assert!(!format!("{request:?}").contains("token-1") && !format!("{request:?}").contains(&signed));
}

#[test]
fn a_link_opens_the_markets_page_and_the_code_names_the_shop() {
    let fixture = fixture();
    let request = LinkRequest {
        kind: "douyin_shop".into(),
        redirect_uri: "https://us/back?state=a b".into(),
        state: "a b".into(),
        external_id: None,
    };
    let LinkInvitation::Open { desktop_url, .. } = done(Douyin.begin_link(&fixture.cx(), &request)) else {
        panic!()
    };
    assert_eq!(desktop_url, "{host:login}/authorize?service_id=30001&state=a+b");
    let bare = json!({});
    let error = Douyin.begin_link(&Context { settings: &bare, ..fixture.cx() }, &request).unwrap_err();
    assert_eq!(error.class_name(), "fix_request");

    for (expires_in, expected) in
        [(604_800, NOW.plus(Span::days(7))), (1_700_604_800, NOW.plus(Span::days(7)))]
    {
        let data = json!({"access_token": "t", "refresh_token": "r", "expires_in": expires_in, "shop_id": 77,
            "shop_name": "茶铺", "scope": "SCOPE", "authority_id": "77"});
        let grant = done(Douyin.resume_complete_link(&fixture.cx(), &[], &[ok(&data)]));
        assert_eq!((grant.external_id.as_str(), grant.tokens.access_token.expires_at), ("77", expected));
        assert_eq!(grant.profile.unwrap().name.as_deref(), Some("茶铺"));
    }
}

fn draft() -> ProductDraft {
    let picture = |at: usize| Picture { url: format!("https://us/{at}.png"), asset: Some("x".into()) };
    let sku = |color: &str, size: &str| SkuDraft {
        out_sku_id: format!("{color}{size}"),
        specs: vec![
            Spec { name: "颜色".into(), value: color.into() },
            Spec { name: "尺码".into(), value: size.into() },
        ],
        price: Fen::new(1_000),
        market_price: None,
        stock: 3,
        code: None,
        barcode: None,
        picture: None,
    };
    ProductDraft {
        out_product_id: "prd_1".into(),
        title: "龙井".into(),
        short_title: None,
        pictures: (0..7).map(picture).collect(),
        description: "说明".into(),
        description_pictures: vec![],
        category_path: vec!["1".into(), "20002".into()],
        attributes: BTreeMap::from([("1687".into(), "杭州".into()), ("产地".into(), "杭州".into())]),
        brand_id: None,
        freight_template_id: None,
        weight_grams: Some(500),
        // White in S is not sold.
        skus: vec![sku("红", "S"), sku("红", "M"), sku("白", "M")],
    }
}

#[test]
fn a_draft_becomes_every_combination() {
    let fixture = fixture();
    let (uploads, state) = called(Douyin.publish(&fixture.cx(), &draft(), &PublishedRefs::default()));
    assert_eq!(uploads.len(), 5, "five pictures and no more");
    let answers: Vec<Answer> =
        (0..5).map(|at| ok(&json!({"byte_url": format!("https://p3/{at}")}))).collect();
    let (requests, _) = called(Douyin.resume_publish(&fixture.cx(), &state, &answers));
    let sent = params(&requests[0]);
    assert_eq!((requests[0].path.as_str(), requests[0].idempotent), ("/product/addV2", false));
    assert_eq!(sent["specs"], "颜色|红,白^尺码|S,M");
    let prices: Value = serde_json::from_str(sent["spec_prices"].as_str().unwrap()).unwrap();
    let rows: Vec<(&str, i64)> = prices
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["outer_sku_id"].as_str().unwrap(), row["stock_num"].as_i64().unwrap()))
        .collect();
    assert_eq!(rows, [("红S", 3), ("红M", 3), ("", 0), ("白M", 3)]);
    assert_eq!((&sent["category_leaf_id"], &sent["commit"]), (&json!(20_002), &json!(true)));
    let format: Value = serde_json::from_str(sent["product_format_new"].as_str().unwrap()).unwrap();
    assert_eq!(format, json!({"1687": [{"value": 0, "name": "杭州", "diy_type": 1}]}));
    assert_eq!(sent["pic"], sent["description"]);
}

#[test]
fn what_the_platform_would_refuse_is_said_beside_the_field() {
    let fixture = fixture();
    type Change = fn(&mut ProductDraft);
    let cases: [(Change, &str); 6] = [
        (|draft| draft.title = "字".repeat(31), "title"),
        (|draft| draft.pictures.clear(), "pictures"),
        (|draft| draft.category_path = vec!["茶".into()], "category_path"),
        (|draft| draft.skus[0].price = Fen::ZERO, "skus[0].price"),
        (|draft| draft.skus[1].specs[0].value = "红,白".into(), "skus[1].specs"),
        (|draft| draft.skus[2].specs.truncate(1), "skus[2].specs"),
    ];
    for (change, path) in cases {
        let mut draft = draft();
        change(&mut draft);
        let error = Douyin.publish(&fixture.cx(), &draft, &PublishedRefs::default()).unwrap_err();
        let ErrorClass::FixRequest { fields } = &error.class else { panic!("{error}") };
        assert!(fields.iter().any(|field| field.path == path), "{path}: {error}");
    }
}

#[test]
fn an_add_whose_answer_is_lost_is_looked_for_before_it_is_made_again() {
    let fixture = fixture();
    let pictures = (0..7).map(|at| (format!("https://us/{at}.png"), format!("https://p3/{at}"))).collect();
    let refs = PublishedRefs { pictures, ..PublishedRefs::default() };
    let (_, state) = called(Douyin.publish(&fixture.cx(), &draft(), &refs));
    let lost = done(Douyin.resume_publish(&fixture.cx(), &state, &[Answer::TimedOut]));
    assert!(lost.refs.in_doubt && lost.unfinished.is_some());
    let (requests, state) = called(Douyin.publish(&fixture.cx(), &draft(), &lost.refs));
    assert_eq!(
        (requests[0].path.as_str(), &params(&requests[0])["name"]),
        ("/product/listV2", &json!("龙井"))
    );
    let found = json!({"data": [{"product_id": 5, "outer_product_id": "other"}, {"product_id": 6, "outer_product_id": "prd_1"}]});
    let (requests, _) = called(Douyin.resume_publish(&fixture.cx(), &state, &[ok(&found)]));
    assert_eq!(
        (requests[0].path.as_str(), &params(&requests[0])["product_id"]),
        ("/product/detail", &json!("6"))
    );
}

#[test]
fn pages_of_orders_go_by_time() {
    let fixture = fixture();
    let window = TimeWindow { from: NOW.minus(Span::hours(1)), to: NOW };
    let (requests, state) = called(Douyin.list_changed(&fixture.cx(), window, None));
    assert_eq!(
        (&params(&requests[0])["page"], &params(&requests[0])["order_asc"]),
        (&json!(0), &json!(true))
    );
    let page = |at: &dyn Fn(i64) -> i64, count: i64| {
        let rows: Vec<Value> =
            (0..count).map(|n| json!({"order_id": n.to_string(), "update_time": at(n)})).collect();
        ok(&json!({"shop_order_list": rows}))
    };
    let start = window.from.seconds();
    let full = done(Douyin.resume_list_changed(&fixture.cx(), &state, &[page(&|n| start + n, 100)]));
    assert_eq!(full.next_cursor.as_deref(), Some(format!("{}:0", start + 99).as_str()));
    // A hundred orders of one second: only there pages are counted.
    let same = done(Douyin.resume_list_changed(&fixture.cx(), &state, &[page(&|_| start, 100)]));
    assert_eq!(same.next_cursor.as_deref(), Some(format!("{start}:1").as_str()));
    let (requests, _) = called(Douyin.list_changed(&fixture.cx(), window, same.next_cursor.as_deref()));
    assert_eq!(params(&requests[0])["page"], 1);
    let last = done(Douyin.resume_list_changed(&fixture.cx(), &state, &[page(&|n| start + n, 99)]));
    assert_eq!(last.next_cursor, None);
    assert!(Douyin.list_changed(&fixture.cx(), window, Some("x")).is_err());
}

fn order(packs: &Value) -> Value {
    let line = |id: &str, count: i64, after_sale: i64| {
        json!({"order_id": id, "product_id": 9, "product_id_str": "9", "sku_id": 8, "item_num": count,
            "origin_amount": 500, "after_sale_info": {"after_sale_status": after_sale}})
    };
    json!({"shop_order_detail": {"order_id": "1", "order_status": 2, "main_status": 2, "create_time": 1,
        "pay_time": 2, "pay_amount": 2500, "order_amount": 2500, "post_amount": 0, "logistics_info": packs,
        "sku_order_list": [line("1", 2, 0), line("2", 2, 0), line("3", 1, 12)]}})
}

#[test]
fn a_parcel_names_the_lines_it_takes() {
    let fixture = fixture();
    let parcel = |lines| Parcel { carrier_id: "shunfeng".into(), waybill: " SF1 ".into(), lines };
    let ship = |parcel: Parcel, packs: &Value| {
        let shipment = Shipment { order_id: "1".into(), parcels: vec![parcel] };
        let (_, state) = called(Douyin.ship(&fixture.cx(), &shipment));
        Douyin.resume_ship(&fixture.cx(), &state, &[ok(&order(packs))])
    };
    // Everything that was not refunded; the key is the same whenever it is tried.
    let (requests, state) = called(ship(parcel(vec![]), &json!([])));
    let sent = params(&requests[0]);
    assert_eq!(
        sent["shipped_order_info"],
        json!([{"shipped_num": 2, "shipped_order_id": "1"}, {"shipped_num": 2, "shipped_order_id": "2"}])
    );
    assert_eq!((&sent["request_id"], &sent["logistics_code"]), (&json!("1-SF1"), &json!("SF1")));
    assert_eq!(
        done(Douyin.resume_ship(&fixture.cx(), &state, &[ok(&json!({"pack_id": "p"}))])),
        ShipOutcome::Sent
    );
    // Three of a SKU that stands in two lines, one of which left already.
    let sku = ParcelLine { product_id: "9".into(), sku_id: "8".into(), quantity: 3 };
    let packs = json!([{"tracking_no": "SF0", "company": "shunfeng", "product_info": [
        {"sku_order_id": "1", "product_count": 1, "product_id": 9, "sku_id": 8}]}]);
    let (requests, _) = called(ship(parcel(vec![sku]), &packs));
    assert_eq!(
        params(&requests[0])["shipped_order_info"],
        json!([{"shipped_num": 1, "shipped_order_id": "1"}, {"shipped_num": 2, "shipped_order_id": "2"}])
    );
    // The platform knows the waybill.
    let known = json!([{"tracking_no": "SF1", "company": "shunfeng", "product_info": []}]);
    assert!(matches!(done(ship(parcel(vec![]), &known)), ShipOutcome::AlreadySent(_)));
}
