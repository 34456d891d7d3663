//! Categories and brands as tables of answers in and steps out. Answers are the examples of the client libraries WxJava and
//! SKIT.FlurlHttpClient.Wechat.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::*;
use qianpu_wechat_store::WechatStore;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn with_context<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
    let account = AccountCredentials {
        external_id: "wxshop".into(),
        secret: None,
        access_token: Some(AccessToken { value: Secret::from("t"), expires_at: NOW.plus(Span::hours(1)) }),
        refresh_token: None,
    };
    let settings = json!({});
    run(&Context {
        now: NOW,
        nonce: "00112233445566778899aabbccddeeff",
        app: None,
        account: Some(&account),
        settings: &settings,
        locale: Locale::Zh,
    })
}

fn answers(bodies: &[Value]) -> Vec<Answer> {
    let one = |body: &Value| {
        Answer::Response(Response { status: 200, headers: vec![], body: body.to_string().into_bytes() })
    };
    bodies.iter().map(one).collect()
}

fn call<T: std::fmt::Debug>(turn: Turn<T>) -> (Vec<Request>, Vec<u8>) {
    match turn.unwrap() {
        Step::Call { requests, state, .. } => (requests, state),
        other => panic!("expected a call, got {other:?}"),
    }
}

fn done<T: std::fmt::Debug>(turn: Turn<T>) -> T {
    match turn.unwrap() {
        Step::Done(value) => value,
        other => panic!("expected the end, got {other:?}"),
    }
}

fn sent(request: &Request) -> Value {
    match &request.body {
        Body::Bytes { bytes, .. } => serde_json::from_slice(bytes).unwrap(),
        _ => Value::Null,
    }
}

/// From the leaf up, as SKIT's example has it.
fn tree() -> Value {
    let step = |id: &str, parent: &str, name: &str, level: i64| json!({"cat": {"cat_id": id, "f_cat_id": parent, "name": name, "level": level}});
    let mut leaf = step("1003", "1002", "假牙清洁", 3);
    leaf["qua"] = json!({"qua_id": "7", "need_to_apply": true, "tips": "请提供备案", "mandatory": true, "name": "医疗器械"});
    leaf["product_qua_list"] = json!([{"qua_id": "1111488", "need_to_apply": true, "tips": "鉴定", "mandatory": false, "name": "鉴定证书"}]);
    json!({"errcode": 0, "cats": [], "cats_v2": [
        {"cat_and_qua": [leaf, step("1002", "1001", "口腔护理", 2), step("1001", "0", "个人护理", 1)]},
        {"cat_and_qua": [step("2003", "2002", "绿茶", 3), step("2002", "2001", "茶", 2), step("2001", "0", "食品", 1)]},
    ]})
}

#[test]
fn documents_are_sent_as_files_and_keep_their_order() {
    with_context(|cx| {
        let names = ["med_1".to_owned(), "med_2".to_owned()];
        let (requests, state) = call(WechatStore.send_documents(cx, &names));
        assert!(
            requests
                .iter()
                .all(|one| one.path == "/channels/ec/basics/qualification/upload" && one.idempotent)
        );
        let Body::Multipart(parts) = &requests[1].body else { panic!("no files are sent") };
        assert!(matches!(&parts[0].content, PartContent::Asset(name) if name == "med_2"));
        let told = |id: &str| json!({"errcode": 0, "data": {"file_id": id}});
        let ids = done(WechatStore.resume_send_documents(cx, &state, &answers(&[told("a"), told("b")])));
        assert_eq!(ids, ["a", "b"]);
        assert!(
            WechatStore.resume_send_documents(cx, &state, &answers(&[told("a")])).is_err(),
            "one is missing"
        );
        assert!(done(WechatStore.send_documents(cx, &[])).is_empty());
    });
}

#[test]
fn the_tree_is_read_from_either_end() {
    with_context(|cx| {
        let (_, state) = call(WechatStore.search_categories(cx, "护理"));
        let found = done(WechatStore.resume_search_categories(cx, &state, &answers(&[tree()])));
        let path: Vec<&str> = found[0].path.iter().map(|step| step.id.as_str()).collect();
        assert_eq!((found.len(), path, found[0].needs_application), (1, vec!["1001", "1002", "1003"], true));
        let (requests, state) = call(WechatStore.category_terms(cx, "1003"));
        assert_eq!(sent(&requests[1]), json!({"cat_id": "1003"}));
        let detail = json!({"errcode": 0, "info": {"cat_id": "1003"}, "attr": {"access_permit_required": true, "deposit": "500000",
            "is_limit_brand": false, "transactionfee_info": {"basis_point": 100, "original_basis_point": 500, "incentive_type": 1}}});
        let terms = done(WechatStore.resume_category_terms(cx, &state, &answers(&[tree(), detail])));
        assert_eq!(
            (terms.deposit, terms.fee_basis_points, terms.usual_fee_basis_points),
            (Some(Fen::new(500_000)), Some(100), Some(500))
        );
        assert!(terms.invited_only && !terms.needs_brand && terms.tips.contains("请提供备案"));
        let must: Vec<&str> =
            terms.documents.iter().filter(|kind| kind.mandatory).map(|kind| kind.code.as_str()).collect();
        assert_eq!((must, terms.of_goods[0].name.as_str()), (vec!["certificate"], "鉴定证书"));
        let (_, state) = call(WechatStore.category_terms(cx, "9"));
        let body = json!({"errcode": 0, "attr": {}});
        assert!(WechatStore.resume_category_terms(cx, &state, &answers(&[tree(), body])).is_err());
        let (_, state) = call(WechatStore.approved_categories(cx));
        let list = json!({"errcode": 0, "list": [{"cat_id": "2003", "qua_id": "0"}, {"cat_id": 404, "qua_id": "0"}]});
        let approved = done(WechatStore.resume_approved_categories(cx, &state, &answers(&[list, tree()])));
        assert_eq!((approved[0].path[2].name.as_str(), approved[1].path.len()), ("绿茶", 0));
    });
}

#[test]
fn an_application_for_a_category_says_what_the_platform_wants_and_is_not_repeatable() {
    with_context(|cx| {
        let documents =
            |kind: &str, count: usize| SentDocuments { kind: kind.into(), ids: vec!["f".into(); count] };
        let wanted = CategoryWish {
            path: vec!["1001".into(), "1002".into(), "1003".into()],
            documents: vec![documents("certificate", 2), documents("buchongcailiao", 1)],
            elsewhere: Some(("jd".into(), "山前".into())),
            brand_ids: vec!["10000531".into()],
        };
        let (requests, state) = call(WechatStore.apply_for_category(cx, &wanted));
        assert_eq!((requests[0].path.as_str(), requests[0].idempotent), ("/channels/ec/category/add", false));
        assert_eq!(
            sent(&requests[0]),
            json!({"category_info": {
                "cats_v2": [{"cat_id": "1001"}, {"cat_id": "1002"}, {"cat_id": "1003"}],
                "certificate": ["f", "f"], "buchongcailiao": ["f"], "jingyingpingtai": "jd", "zhanghaomingcheng": "山前",
                "brand_list": [{"brand_id": "10000531"}],
            }})
        );
        let told = json!({"errcode": 0, "errmsg": "ok", "audit_id": "123456"});
        assert_eq!(done(WechatStore.resume_apply_for_category(cx, &state, &answers(&[told]))), "123456");
        for bad in [documents("certificate", 11), documents("passport", 1)] {
            let wanted = CategoryWish { documents: vec![bad], ..wanted.clone() };
            assert!(WechatStore.apply_for_category(cx, &wanted).is_err());
        }
        for (code, state) in [
            (json!(0), QualificationState::Checking),
            (json!(1), QualificationState::Accepted),
            (json!("9"), QualificationState::Refused),
            (json!(2), QualificationState::Refused),
            (json!(3), QualificationState::Accepted),
            (json!(12), QualificationState::Withdrawn),
            (json!(7), QualificationState::Unknown("7".into())),
        ] {
            let (_, step) = call(WechatStore.category_application(cx, "1"));
            let body = json!({"errcode": 0, "data": {"status": code, "reject_reason": "不清晰"}});
            let found = done(WechatStore.resume_category_application(cx, &step, &answers(&[body])));
            assert_eq!(found.reason.is_some(), state == QualificationState::Refused, "{code}");
            assert_eq!(found.state, state, "{code}");
        }
        let (_, reading) = call(WechatStore.withdraw_category(cx, "1"));
        let at = |status: i64| answers(&[json!({"errcode": 0, "data": {"status": status}})]);
        let (requests, telling) = call(WechatStore.resume_withdraw_category(cx, &reading, &at(0)));
        assert_eq!(requests[0].path, "/channels/ec/category/audit/cancel");
        done(WechatStore.resume_withdraw_category(cx, &telling, &answers(&[json!({"errcode": 0})])));
        done(WechatStore.resume_withdraw_category(cx, &reading, &at(12)));
        assert!(WechatStore.resume_withdraw_category(cx, &reading, &at(1)).is_err());
    });
}

fn brand(status: i64) -> Value {
    json!({"errcode": 0, "brand": {"brand_id": "10000531", "ch_name": "尼康", "en_name": "Nikon", "classification_no": "2",
        "trade_mark_symbol": 1, "register_details": {"start_time": 1_665_417_600, "end_time": 1_666_281_600, "is_permanent": false},
        "grant_type": 2, "grant_details": {"grant_level": 3, "start_time": 1_664_985_600, "end_time": 1_678_896_000, "is_permanent": false},
        "status": status, "audit_result": {"audit_id": "1234567890", "reject_reason": "过期"}}})
}

fn list(ids: &[&str], next: &str) -> Value {
    let rows: Vec<Value> =
        ids.iter().map(|id| json!({"brand_id": id, "ch_name": "", "en_name": "x"})).collect();
    json!({"errcode": 0, "brands": rows, "next_key": next, "total_num": rows.len()})
}

fn wish() -> BrandWish {
    let name = BrandName { brand_id: "10000531".into(), name_zh: "尼康".into(), name_en: "Nikon".into() };
    let valid = Some(Validity {
        from: Timestamp::from_seconds(1_665_417_600),
        until: Timestamp::from_seconds(1_666_281_600),
    });
    let mark = Trademark::Registered {
        registrant: "注册人".into(),
        number: "注册号".into(),
        valid,
        certificates: vec!["f1".into()],
        renewals: vec!["f2".into()],
    };
    let right = BrandRight::Granted {
        level: 3,
        valid: None,
        letters: vec!["f3".into()],
        owner_papers: vec!["f4".into()],
    };
    BrandWish { name, class: 2, mark, right }
}

#[test]
fn a_brand_is_read_with_its_standing() {
    with_context(|cx| {
        for (status, state) in [
            (1, QualificationState::Checking),
            (2, QualificationState::Refused),
            (3, QualificationState::Accepted),
            (4, QualificationState::Withdrawn),
            (5, QualificationState::Expiring),
            (6, QualificationState::Expired),
            (8, QualificationState::Unknown("8".into())),
        ] {
            let (_, looking) = call(WechatStore.brand(cx, "10000531"));
            let (requests, reading) =
                call(WechatStore.resume_brand(cx, &looking, &answers(&[list(&["1", "10000531"], "")])));
            assert_eq!(requests[0].path, "/channels/ec/brand/get");
            let found = done(WechatStore.resume_brand(cx, &reading, &answers(&[brand(status)]))).unwrap();
            assert_eq!((found.standing.state, found.own), (state, Some(false)));
            assert_eq!(
                found.until,
                Some(Timestamp::from_seconds(1_678_896_000)),
                "the grant ends, whatever the mark"
            );
            assert_eq!(found.standing.reason.is_some(), status == 2);
        }
        // Looked for page by page.
        let full: Vec<String> = (0..50).map(|id| id.to_string()).collect();
        let full: Vec<&str> = full.iter().map(String::as_str).collect();
        let (_, looking) = call(WechatStore.brand(cx, "10000531"));
        let (requests, looking) = call(WechatStore.resume_brand(cx, &looking, &answers(&[list(&full, "k")])));
        assert_eq!(sent(&requests[0])["next_key"], "k");
        assert_eq!(done(WechatStore.resume_brand(cx, &looking, &answers(&[list(&["7"], "k2")]))), None);
        let (_, ids) = call(WechatStore.brands(cx, None));
        let (requests, rows) =
            call(WechatStore.resume_brands(cx, &ids, &answers(&[list(&["10000531"], "")])));
        assert_eq!(requests.len(), 1);
        let page = done(WechatStore.resume_brands(cx, &rows, &answers(&[brand(2)])));
        assert_eq!((page.items[0].standing.reason.as_deref(), page.next_cursor), (Some("过期"), None));
        let (_, state) = call(WechatStore.known_brands(cx, None));
        let library = json!({"errcode": 0, "brands": [{"brand_id": "10000004", "ch_name": "", "en_name": "zuczug"}], "next_key": "10000005",
            "continue_flag": true});
        let page = done(WechatStore.resume_known_brands(cx, &state, &answers(&[library])));
        assert_eq!(
            (page.items[0].name_en.as_str(), page.next_cursor.as_deref()),
            ("zuczug", Some("10000005"))
        );
    });
}

#[test]
fn a_brand_is_added_once_and_changed_when_it_is_there() {
    with_context(|cx| {
        let (_, looking) = call(WechatStore.apply_for_brand(cx, &wish()));
        let (requests, telling) =
            call(WechatStore.resume_apply_for_brand(cx, &looking, &answers(&[list(&[], "")])));
        assert_eq!((requests[0].path.as_str(), requests[0].idempotent), ("/channels/ec/brand/add", false));
        assert_eq!(
            sent(&requests[0]),
            json!({"brand": {
                "brand_id": "10000531", "ch_name": "尼康", "en_name": "Nikon", "classification_no": "2", "trade_mark_symbol": 1,
                "register_details": {"registrant": "注册人", "register_no": "注册号", "start_time": 1_665_417_600, "end_time": 1_666_281_600,
                    "is_permanent": false, "register_certifications": ["f1"], "renew_certifications": ["f2"]},
                "application_details": {}, "grant_type": 2,
                "grant_details": {"grant_certifications": ["f3"], "grant_level": 3, "is_permanent": true, "brand_owner_id_photos": ["f4"]},
            }})
        );
        let told = json!({"errcode": 0, "audit_id": "12345678"});
        assert_eq!(done(WechatStore.resume_apply_for_brand(cx, &telling, &answers(&[told]))), "12345678");
        let there = |status: i64| {
            let (_, reading) =
                call(WechatStore.resume_apply_for_brand(cx, &looking, &answers(&[list(&["10000531"], "")])));
            WechatStore.resume_apply_for_brand(cx, &reading, &answers(&[brand(status)]))
        };
        assert_eq!(call(there(2)).0[0].path, "/channels/ec/brand/update");
        assert!(there(1).is_err(), "one that is checked is left alone");
        for (certificates, letters) in [(0, 1), (2, 1), (1, 0), (1, 10)] {
            let mut wanted = wish();
            if let Trademark::Registered { certificates: list, .. } = &mut wanted.mark {
                *list = vec!["f".into(); certificates];
            }
            if let BrandRight::Granted { letters: list, .. } = &mut wanted.right {
                *list = vec!["f".into(); letters];
            }
            assert!(WechatStore.apply_for_brand(cx, &wanted).is_err(), "{certificates} {letters}");
        }
        let wanted = BrandApplication { brand_id: "10000531".into(), application_id: "12345678".into() };
        let (_, looking) = call(WechatStore.withdraw_brand(cx, &wanted));
        let (_, reading) =
            call(WechatStore.resume_withdraw_brand(cx, &looking, &answers(&[list(&["10000531"], "")])));
        let (requests, _) = call(WechatStore.resume_withdraw_brand(cx, &reading, &answers(&[brand(1)])));
        assert_eq!(sent(&requests[0]), json!({"brand_id": "10000531", "audit_id": "12345678"}));
        done(WechatStore.resume_withdraw_brand(cx, &reading, &answers(&[brand(4)])));
        assert!(WechatStore.resume_withdraw_brand(cx, &reading, &answers(&[brand(3)])).is_err());
        let (_, looking) = call(WechatStore.delete_brand(cx, "10000531"));
        done(WechatStore.resume_delete_brand(cx, &looking, &answers(&[list(&[], "")])));
        let (_, reading) =
            call(WechatStore.resume_delete_brand(cx, &looking, &answers(&[list(&["10000531"], "")])));
        let (requests, _) = call(WechatStore.resume_delete_brand(cx, &reading, &answers(&[brand(3)])));
        assert_eq!(requests[0].path, "/channels/ec/brand/delete");
    });
}
