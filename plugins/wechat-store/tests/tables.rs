//! Orders, shipping, publishing and stock as tables of answers in and steps out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::*;
use qianpu_wechat_store::WechatStore;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn with_context<T>(settings: Value, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let account = AccountCredentials {
        external_id: "wxshop".into(),
        secret: None,
        access_token: Some(AccessToken { value: Secret::from("t"), expires_at: NOW.plus(Span::hours(1)) }),
        refresh_token: None,
    };
    run(&Context {
        now: NOW,
        nonce: "00112233445566778899aabbccddeeff",
        app: None,
        account: Some(&account),
        settings: &settings,
        locale: Locale::Zh,
    })
}

fn answer(body: &Value) -> Answer {
    Answer::Response(Response { status: 200, headers: vec![], body: body.to_string().into_bytes() })
}

fn call<T: std::fmt::Debug>(turn: Turn<T>) -> (Vec<(String, Value)>, Vec<u8>) {
    match turn.unwrap() {
        Step::Call { requests, state, .. } => {
            let body = |request: &Request| match &request.body {
                Body::Bytes { bytes, .. } => serde_json::from_slice(bytes).unwrap(),
                Body::Multipart(parts) => json!(format!("{:?}", parts[0].content)),
                Body::Empty => Value::Null,
            };
            (requests.iter().map(|request| (request.path.clone(), body(request))).collect(), state)
        }
        other => panic!("expected a call, got {other:?}"),
    }
}

fn done<T: std::fmt::Debug>(turn: Turn<T>) -> T {
    match turn.unwrap() {
        Step::Done(value) => value,
        other => panic!("expected the end, got {other:?}"),
    }
}

fn order(status: i64, parcels: &Value) -> Value {
    json!({"errcode": 0, "errmsg": "ok", "order": {
        "order_id": "3705115058471208928", "status": status, "openid": "o1", "unionid": "",
        "create_time": 1_658_505_600, "update_time": 1_658_509_200,
        "order_detail": {
            "product_infos": [
                {"product_id": 10, "sku_id": "11", "title": "茶", "sku_cnt": 2, "sale_price": 100, "real_price": 150,
                 "sku_attrs": [{"attr_key": "色", "attr_value": "红"}, {"attr_key": "码", "attr_value": "L"}],
                 "out_product_id": "prd_1", "out_sku_id": "sku_1", "finish_aftersale_sku_cnt": 0},
                {"product_id": "10", "sku_id": "12", "title": "杯", "sku_cnt": 1, "sale_price": 60,
                 "finish_aftersale_sku_cnt": 1}],
            "pay_info": {"pay_time": 1_658_506_000, "transaction_id": "4200001"},
            "price_info": {"product_price": 260, "order_price": 220, "freight": 10, "merchant_receieve_price": 215},
            "delivery_info": {
                "address_info": {"user_name": "陈**", "tel_number": "138****8000", "province_name": "广东省",
                    "city_name": "广州市", "county_name": "海珠区", "detail_info": "新***", "house_number": ""},
                "delivery_product_info": parcels, "ship_done_time": 0},
            "ext_info": {"order_scene": 3, "live_id": "", "customer_notes": "快", "confirm_receipt_time": 0},
            "settle_info": {"settle_time": 0},
            "source_info": {"account_type": 2, "account_id": "wxoa", "sale_channel": 0, "account_nickname": "茶话"}},
        "aftersale_detail": {"aftersale_order_list": [{"aftersale_order_id": 2_000_000_000_000_000_001_i64}]}}})
}

#[test]
fn an_order_is_read_in_full() {
    with_context(json!({}), |cx| {
        let (requests, state) = call(Orders::fetch(&WechatStore, cx, "1"));
        assert_eq!(requests, vec![("/channels/ec/order/get".into(), json!({"order_id": "1"}))]);
        let order = done(Orders::resume_fetch(&WechatStore, cx, &state, &[answer(&order(20, &json!([])))]));
        assert_eq!((order.state, order.native_state.as_str()), (OrderState::Paid, "20"));
        assert_eq!(order.external_id, "3705115058471208928");
        assert_eq!(order.amounts.discount, Fen::new(50));
        assert_eq!(
            (order.amounts.total, order.amounts.merchant_receivable),
            (Fen::new(220), Some(Fen::new(215)))
        );
        assert_eq!((order.lines[0].spec_text.as_str(), order.lines[0].line_total), ("红 / L", Fen::new(150)));
        assert_eq!((order.lines[1].line_total, order.lines[0].product_id.as_str()), (Fen::new(60), "10"));
        assert_eq!(
            (&order.attribution.scene, order.attribution.native_scene.as_str()),
            (&Scene::ShortVideo, "3")
        );
        let source = order.attribution.account.unwrap();
        assert_eq!((source.kind.as_str(), source.relation), ("official_account", Relation::Linked));
        assert_eq!(
            (order.shipped_at, order.confirmed_at, order.settled_at),
            (None, None, None),
            "0 = not yet"
        );
        assert_eq!(order.after_sale_ids, vec!["2000000000000000001"]);
        assert_eq!(order.address.unwrap().phone, "138****8000");
    });
}

#[test]
fn an_order_that_makes_no_sense_is_an_error() {
    with_context(json!({}), |cx| {
        let (_, state) = call(Orders::fetch(&WechatStore, cx, "1"));
        for (pointer, value) in [
            ("/order/order_id", json!(1.5)),
            ("/order/status", json!("paid")),
            ("/order/create_time", json!(0)),
            ("/order/order_detail/product_infos", json!([])),
            ("/order/order_detail/product_infos/0/sku_cnt", json!(0)),
            ("/order/order_detail/product_infos/0/sale_price", json!(-1)),
            ("/order/order_detail/product_infos/0/sale_price", json!(1.5)),
            ("/order/order_detail/price_info/order_price", json!(null)),
        ] {
            let mut body = order(20, &json!([]));
            *body.pointer_mut(pointer).unwrap() = value;
            let turn = Orders::resume_fetch(&WechatStore, cx, &state, &[answer(&body)]);
            assert_eq!(turn.unwrap_err().class, ErrorClass::Unexpected, "{pointer}");
        }
    });
}

fn shipment(waybills: &[&str], lines: &[(&str, &str, i64)]) -> Shipment {
    let line = |(product_id, sku_id, quantity): &(&str, &str, i64)| ParcelLine {
        product_id: (*product_id).into(),
        sku_id: (*sku_id).into(),
        quantity: *quantity,
    };
    let lines: Vec<ParcelLine> = lines.iter().map(line).collect();
    let parcel =
        |waybill: &&str| Parcel { carrier_id: "SF".into(), waybill: (*waybill).into(), lines: lines.clone() };
    Shipment { order_id: "1".into(), parcels: waybills.iter().map(parcel).collect() }
}

#[test]
fn shipping_reads_first_and_sends_only_what_is_open() {
    let sent = |waybill: &str, count: i64| {
        json!({"waybill_id": waybill, "delivery_id": "SF", "delivery_time": 1_658_509_000,
            "product_infos": [{"product_id": 10, "sku_id": 11, "product_cnt": count}]})
    };
    with_context(json!({}), |cx| {
        let read = |shipment: &Shipment, body: &Value| {
            let (_, state) = call(WechatStore.ship(cx, shipment));
            WechatStore.resume_ship(cx, &state, &[answer(body)])
        };
        // Everything that is open: one of two was sent, the cup was refunded.
        let (requests, state) = call(read(&shipment(&["SF2"], &[]), &order(21, &json!([sent("SF1", 1)]))));
        assert_eq!(requests[0].0, "/channels/ec/order/delivery/send");
        assert_eq!(
            requests[0].1["delivery_list"],
            json!([{"delivery_id": "SF", "waybill_id": "SF2", "deliver_type": 1,
                "product_infos": [{"product_id": "10", "sku_id": "11", "product_cnt": 1}]}])
        );
        let outcome = done(WechatStore.resume_ship(cx, &state, &[answer(&json!({"errcode": 0}))]));
        assert_eq!(outcome, ShipOutcome::Sent);
        // One of two waybills is there: only the other goes.
        let two = shipment(&["SF1", "SF2"], &[("10", "11", 1)]);
        let (requests, _) = call(read(&two, &order(21, &json!([sent("SF1", 1)]))));
        assert_eq!(requests[0].1["delivery_list"].as_array().unwrap().len(), 1);
        // All are there, in whatever state the order is by now.
        for status in [21, 30, 100] {
            let outcome = done(read(&shipment(&["SF1"], &[]), &order(status, &json!([sent("SF1", 2)]))));
            assert!(matches!(outcome, ShipOutcome::AlreadySent(_)), "{status}");
        }
        for status in [10, 30, 100, 190, 200, 250, 777] {
            let error = read(&shipment(&["SF9"], &[]), &order(status, &json!([]))).unwrap_err();
            assert_eq!(error.class, ErrorClass::BusinessRefusal, "{status}");
        }
        let error = read(&shipment(&["SF2"], &[]), &order(21, &json!([sent("SF1", 2)]))).unwrap_err();
        assert_eq!(error.class, ErrorClass::BusinessRefusal, "nothing is left to send");
        let long = "1".repeat(65);
        for bad in [&[][..], &[""], &["a", "b"], &[&long]] {
            let error = WechatStore.ship(cx, &shipment(bad, &[])).unwrap_err();
            assert!(matches!(error.class, ErrorClass::FixRequest { .. }), "{bad:?}");
        }
    });
}

fn draft() -> ProductDraft {
    let picture = |name: &str, asset: Option<&str>| Picture {
        url: format!("https://shop.example/{name}"),
        asset: asset.map(str::to_owned),
    };
    ProductDraft {
        out_product_id: "prd_1".into(),
        title: "明前龙井".into(),
        short_title: None,
        pictures: vec![
            picture("a", Some("med_1")),
            Picture { url: "https://mmecimage.cn/p/wx/old".into(), asset: None },
        ],
        description: String::new(),
        description_pictures: vec![picture("a", Some("med_1")), picture("b", None)],
        category_path: vec!["1".into(), "2".into(), "3".into()],
        attributes: BTreeMap::new(),
        brand_id: None,
        freight_template_id: None,
        weight_grams: None,
        skus: vec![SkuDraft {
            out_sku_id: "sku_1".into(),
            specs: vec![],
            price: Fen::new(100),
            market_price: None,
            stock: 1,
            code: None,
            barcode: None,
            picture: None,
        }],
    }
}

fn resume(cx: &Context<'_>, state: &[u8], answers: &[Value]) -> Turn<Published> {
    WechatStore.resume_publish(cx, state, &answers.iter().map(answer).collect::<Vec<_>>())
}

#[test]
fn publishing_goes_by_template_pictures_add_listing_and_reading() {
    with_context(json!({}), |cx| {
        let (requests, state) = call(WechatStore.publish(cx, &draft(), &PublishedRefs::default()));
        assert_eq!(requests[0].0, "/channels/ec/merchant/getfreighttemplatelist");
        let none = resume(cx, &state, &[json!({"errcode": 0, "template_id_list": []})]).unwrap_err();
        assert!(matches!(none.class, ErrorClass::FixRequest { .. }));
        // Several templates: the default one.
        let (requests, state) =
            call(resume(cx, &state, &[json!({"errcode": 0, "template_id_list": ["7", 8]})]));
        assert_eq!(requests[1].1, json!({"template_id": "8"}));
        let template =
            |is_default: bool| json!({"errcode": 0, "freight_template": {"is_default": is_default}});
        let (requests, state) = call(resume(cx, &state, &[template(false), template(true)]));
        // Each picture once: bytes where we have them, an address where not, nothing for one that is there.
        assert_eq!(requests.len(), 2);
        assert!(requests[0].1.to_string().contains("med_1"));
        assert_eq!(requests[1].1, json!({"img_url": "https://shop.example/b"}));
        let uploaded = |name: &str| json!({"errcode": 0, "pic_file": {"img_url": format!("https://mmecimage.cn/p/{name}")}});
        let (requests, state) = call(resume(cx, &state, &[uploaded("a"), uploaded("b")]));
        let (path, body) = &requests[0];
        assert_eq!(path, "/channels/ec/product/add");
        assert_eq!(body["head_imgs"], json!(["https://mmecimage.cn/p/a", "https://mmecimage.cn/p/wx/old"]));
        assert_eq!(
            (body["express_info"]["template_id"].as_str(), body["brand_id"].as_str()),
            (Some("8"), Some("2100000000"))
        );
        assert_eq!(body["skus"][0]["sale_price"], 100);

        // Busy, or an answer that makes no sense: it may exist, and the outcome says so.
        for unclear in [json!({"errcode": -1, "errmsg": "system error"}), json!({"errcode": 0})] {
            let outcome = done(resume(cx, &state, &[unclear]));
            assert!(
                outcome.refs.in_doubt && outcome.unfinished.is_some() && outcome.refs.pictures.len() == 2
            );
        }
        let short = json!({"errcode": 10_020_042, "errmsg": "商品标题过短 rid: 1-2"});
        let refused = resume(cx, &state, &[short]).unwrap_err();
        assert!(matches!(&refused.class, ErrorClass::FixRequest { fields } if fields[0].path == "title"));

        let added = json!({"errcode": 0, "data": {"product_id": "10000000000001",
            "skus": [{"out_sku_id": "sku_1", "sku_id": 9}]}});
        let (requests, state) = call(resume(cx, &state, &[added]));
        assert_eq!(
            requests[0],
            ("/channels/ec/product/listing".into(), json!({"product_id": "10000000000001"}))
        );
        // The listing is refused: the ids are kept.
        let uploading = json!({"errcode": 10_020_067, "errmsg": "商品正在异步上传中"});
        let outcome = done(resume(cx, &state, &[uploading]));
        assert_eq!(outcome.refs.product_id.as_deref(), Some("10000000000001"));
        assert_eq!(outcome.refs.skus["sku_1"], "9");
        assert_eq!(outcome.unfinished.unwrap().class_name(), "retry_later");
        let (_, state) = call(resume(cx, &state, &[json!({"errcode": 0})]));
        let got = json!({"errcode": 0, "edit_product": {"status": 0, "edit_status": 2, "skus": []}, "product": null});
        let outcome = done(resume(cx, &state, &[got]));
        assert_eq!((outcome.listing.state, outcome.unfinished), (ListingState::InAudit, None));
    });
}

#[test]
fn publishing_again_updates_and_a_deleted_product_is_made_anew() {
    let pictures = ["a", "b"]
        .map(|name| (format!("https://shop.example/{name}"), format!("https://mmecimage.cn/p/{name}")));
    let refs = PublishedRefs {
        product_id: Some("1".into()),
        skus: BTreeMap::from([("sku_1".to_owned(), "9".to_owned())]),
        pictures: pictures.into(),
        in_doubt: false,
    };
    with_context(json!({"freight_template_id": "5"}), |cx| {
        let (requests, state) = call(WechatStore.publish(cx, &draft(), &refs));
        assert_eq!(
            requests,
            vec![("/channels/ec/product/get".into(), json!({"product_id": "1", "data_type": 3}))]
        );
        let product = |status: i64, edit: i64| json!({"errcode": 0, "product": {"status": status, "edit_status": edit, "skus": []}, "edit_product": null});
        let (requests, _) = call(resume(cx, &state, &[product(5, 4)]));
        assert_eq!(requests[0].0, "/channels/ec/product/update");
        assert_eq!(
            (&requests[0].1["product_id"], &requests[0].1["skus"][0]["sku_id"]),
            (&json!("1"), &json!("9"))
        );
        assert_eq!(requests[0].1["brand_id"], "2100000000", "no brand is a brand of its own there");
        let branded = ProductDraft { brand_id: Some("10000003".into()), ..draft() };
        let (_, branded) = call(WechatStore.publish(cx, &branded, &refs));
        let (requests, _) = call(resume(cx, &branded, &[product(5, 4)]));
        assert_eq!(requests[0].1["brand_id"], "10000003");
        for gone in [product(6, 4), json!({"errcode": 10_020_052, "errmsg": "商品不存在 rid: 1"})] {
            let (requests, _) = call(resume(cx, &state, &[gone]));
            assert_eq!(requests[0].0, "/channels/ec/product/add");
            assert!(requests[0].1["skus"][0].get("sku_id").is_none());
        }
        let waiting = done(resume(cx, &state, &[product(5, 2)]));
        assert_eq!((waiting.listing.state, waiting.unfinished.is_some()), (ListingState::Listed, true));
    });
}

#[test]
fn a_doubtful_product_is_looked_for_before_it_is_made() {
    let refs = PublishedRefs { in_doubt: true, ..PublishedRefs::default() };
    let mut draft = draft();
    draft.pictures = vec![Picture { url: "https://mmecimage.cn/p/x".into(), asset: None }];
    draft.description_pictures.clear();
    with_context(json!({"freight_template_id": "5"}), |cx| {
        let (requests, state) = call(WechatStore.publish(cx, &draft, &refs));
        assert_eq!(requests[0].0, "/channels/ec/product/list/get");
        let (requests, _) = call(resume(cx, &state, &[json!({"errcode": 0, "product_ids": []})]));
        assert_eq!(requests[0].0, "/channels/ec/product/add");
        let page = json!({"errcode": 0, "product_ids": ["1", 2], "next_key": "k"});
        let (requests, state) = call(resume(cx, &state, &[page]));
        assert_eq!(requests.len(), 2);
        let product = |out: &str| json!({"errcode": 0, "edit_product": {"status": 0, "edit_status": 1, "out_product_id": out}});
        let (requests, _) = call(resume(cx, &state, &[product("other"), product("prd_1")]));
        assert_eq!(
            requests[0],
            ("/channels/ec/product/get".into(), json!({"product_id": "2", "data_type": 3}))
        );
        let (requests, _) = call(resume(cx, &state, &[product("other"), product("another")]));
        assert_eq!(requests[0].1["next_key"], "k");
    });
}

#[test]
fn a_draft_against_the_rules_is_refused_beside_the_field() {
    let check = |change: &dyn Fn(&mut ProductDraft), path: &str| {
        let mut draft = draft();
        change(&mut draft);
        let publish =
            |cx: &Context<'_>| WechatStore.publish(cx, &draft, &PublishedRefs::default()).unwrap_err();
        let ErrorClass::FixRequest { fields } = with_context(json!({}), publish).class else {
            panic!("{path}")
        };
        assert_eq!(fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>(), [path]);
    };
    check(&|draft| draft.title = "茶茶".into(), "title");
    check(&|draft| draft.title = "茶".repeat(61), "title");
    check(&|draft| draft.title = "tea 500g!".into(), "title");
    check(&|draft| draft.out_product_id.clear(), "out_product_id");
    check(&|draft| draft.pictures.clear(), "pictures");
    check(&|draft| draft.category_path.clear(), "category_path");
    check(&|draft| draft.skus.clear(), "skus");
    check(&|draft| draft.skus[0].price = Fen::ZERO, "skus[0].price");
    check(&|draft| draft.skus[0].price = Fen::new(1_000_000_001), "skus[0].price");
    check(&|draft| draft.skus[0].market_price = Some(Fen::new(99)), "skus[0].market_price");
    check(&|draft| draft.skus[0].stock = -1, "skus[0].stock");
}

#[test]
fn stock_is_set_and_one_refused_sku_does_not_hold_up_the_others() {
    let refs = PublishedRefs {
        product_id: Some("1".into()),
        skus: ["a", "b"].map(|sku| (sku.to_owned(), format!("1{sku}"))).into(),
        ..PublishedRefs::default()
    };
    let level = |sku: &str, quantity: i64| StockLevel { out_sku_id: sku.into(), quantity };
    with_context(json!({}), |cx| {
        let levels = [level("a", 3), level("x", 1), level("b", 0)];
        let (requests, state) = call(WechatStore.set_stock(cx, &refs, &levels));
        assert_eq!(requests[0].1, json!({"product_id": "1", "sku_id": "1a", "diff_type": 3, "num": 3}));
        let set = |answers: &[Value]| {
            WechatStore.resume_set_stock(cx, &state, &answers.iter().map(answer).collect::<Vec<_>>())
        };
        let refused = json!({"errcode": 10_020_289, "errmsg": "从未上架"});
        let outcomes = done(set(&[json!({"errcode": 0}), refused]));
        let failed: Vec<_> =
            outcomes.iter().map(|outcome| (outcome.out_sku_id.as_str(), outcome.error.is_some())).collect();
        assert_eq!(failed, [("x", true), ("a", false), ("b", true)]);
        let error = set(&[json!({"errcode": 0}), json!({"errcode": 42001})]).unwrap_err();
        assert_eq!(error.class, ErrorClass::RetryAfterRefresh, "setting again does no harm");
        assert!(WechatStore.set_stock(cx, &PublishedRefs::default(), &[]).is_err());
    });
}

#[test]
fn a_price_is_told_only_when_it_changes_and_with_what_was_changed_before() {
    with_context(json!({}), |cx| {
        let wanted = |total: i64, freight: Option<i64>| Repricing {
            order_id: "1".into(),
            freight: freight.map(Fen::new),
            lines: vec![LinePrice { product_id: "10".into(), sku_id: "12".into(), total: Fen::new(total) }],
        };
        let mut unpaid = order(10, &json!([]));
        let answered = |unpaid: &Value, wanted: &Repricing| {
            let (requests, state) = call(OrderDesk::reprice(&WechatStore, cx, wanted));
            assert_eq!(requests[0].0, "/channels/ec/order/get");
            OrderDesk::resume_reprice(&WechatStore, cx, &state, &[answer(unpaid)])
        };
        // As it is already: nothing is told.
        done(answered(&unpaid, &wanted(60, Some(10))));
        let (requests, state) = call(answered(&unpaid, &wanted(50, None)));
        assert_eq!(
            requests,
            vec![(
                "/channels/ec/order/price/update".into(),
                json!({"order_id": "1", "change_express": false,
                "change_order_infos": [{"product_id": "10", "sku_id": "12", "change_price": 50}]})
            )]
        );
        done(OrderDesk::resume_reprice(&WechatStore, cx, &state, &[answer(&json!({"errcode": 0}))]));
        assert!(OrderDesk::resume_reprice(&WechatStore, cx, &state, &[answer(&json!({}))]).is_err());
        // What was changed before is undone by the next change, so it is named again.
        let line = &mut unpaid["order"]["order_detail"]["product_infos"][0];
        line["is_change_price"] = json!(true);
        line["change_price"] = json!(150);
        let price = &mut unpaid["order"]["order_detail"]["price_info"];
        price["is_change_freight"] = json!(true);
        price["change_freight"] = json!(10);
        let (requests, _) = call(answered(&unpaid, &wanted(50, None)));
        assert_eq!(
            requests[0].1,
            json!({"order_id": "1", "change_express": true, "express_fee": 10, "change_order_infos": [
                {"product_id": "10", "sku_id": "11", "change_price": 150},
                {"product_id": "10", "sku_id": "12", "change_price": 50}]})
        );
        // Up, to nothing, after payment.
        assert!(answered(&unpaid, &wanted(61, None)).is_err());
        assert!(answered(&unpaid, &wanted(0, None)).is_err());
        assert!(answered(&order(20, &json!([])), &wanted(50, None)).is_err());
    });
}

#[test]
fn a_wish_for_another_address_is_read_and_answered_once() {
    with_context(json!({}), |cx| {
        let mut wished = order(20, &json!([]));
        let delivery = &mut wished["order"]["order_detail"]["delivery_info"];
        delivery["address_under_review"] = json!({"user_name": "陈**", "province_name": "浙江省"});
        delivery["address_apply_time"] = json!(1_658_509_000);
        let (_, state) = call(Orders::fetch(&WechatStore, cx, "1"));
        let read = done(Orders::resume_fetch(&WechatStore, cx, &state, &[answer(&wished)]));
        let wish = read.address_wish.unwrap();
        assert_eq!(wish.address.province, "浙江省");
        assert_eq!(wish.until, Some(Timestamp::from_seconds(1_658_509_000 + 12 * 3_600)));
        for (agreed, path) in [(true, "accept"), (false, "reject")] {
            let (_, state) = call(OrderDesk::answer_address(&WechatStore, cx, "1", agreed));
            let turn = OrderDesk::resume_answer_address(&WechatStore, cx, &state, &[answer(&wished)]);
            let (requests, state) = call(turn);
            assert_eq!(
                requests,
                vec![(format!("/channels/ec/order/addressmodify/{path}"), json!({"order_id": "1"}))]
            );
            let told = [answer(&json!({"errcode": 0}))];
            let outcome = done(OrderDesk::resume_answer_address(&WechatStore, cx, &state, &told));
            assert_eq!(outcome, AddressAnswer::Taken);
        }
        let (_, state) = call(OrderDesk::answer_address(&WechatStore, cx, "1", true));
        let gone = [answer(&order(20, &json!([])))];
        let outcome = done(OrderDesk::resume_answer_address(&WechatStore, cx, &state, &gone));
        assert_eq!(outcome, AddressAnswer::NothingWaits);
    });
}
