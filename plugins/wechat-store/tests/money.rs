//! Freight, addresses and money as tables of answers in and steps out.
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

fn call<T: std::fmt::Debug>(turn: Turn<T>) -> (Vec<(String, Value, bool)>, Vec<u8>) {
    match turn.unwrap() {
        Step::Call { requests, state, .. } => {
            let body = |request: &Request| match &request.body {
                Body::Bytes { bytes, .. } => serde_json::from_slice(bytes).unwrap(),
                _ => Value::Null,
            };
            let row = |request: &Request| (request.path.clone(), body(request), request.idempotent);
            (requests.iter().map(row).collect(), state)
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

fn wanted(fen: i64) -> WantedWithdrawal {
    let amount = Fen::new(fen);
    WantedWithdrawal { amount, reference: "QP1".into(), bank_memo: Some("货款".into()), since: NOW }
}

fn detail(remark: &str, status: &str) -> Value {
    json!({"errcode": 0, "amount": 500, "create_time": 1_700_000_000, "update_time": 1_700_000_060, "reason": "",
        "remark": remark, "bank_memo": "", "bank_name": "工商银行", "bank_num": "6222023602001122334", "status": status})
}

const BALANCE: &str = "/channels/ec/funds/getbalance";

#[test]
fn a_withdrawal_is_asked_for_after_reading_and_marked_as_not_repeatable() {
    with_context(|cx| {
        let (requests, state) = call(WechatStore.withdraw(cx, &wanted(500)));
        assert_eq!(
            (requests[0].0.as_str(), requests[1].0.as_str()),
            (BALANCE, "/channels/ec/funds/getwithdrawlist")
        );
        assert_eq!(requests[1].1["start_time"], 1_700_000_000 - 600);
        let balance = |fen: i64| json!({"errcode": 0, "available_amount": fen, "pending_amount": 0});
        let list = |ids: Value| json!({"errcode": 0, "withdraw_ids": ids, "total_num": 1});
        let resume =
            |state: &[u8], bodies: &[Value]| WechatStore.resume_withdraw(cx, state, &answers(bodies));
        // Not covered: nothing is asked for.
        let short = resume(&state, &[balance(499), list(json!([]))]).unwrap_err();
        assert!(matches!(&short.class, ErrorClass::FixRequest { fields } if fields[0].code == "not_covered"));
        // Covered, and nothing there: asked for, once.
        let (requests, told) = call(resume(&state, &[balance(500), list(json!([]))]));
        assert_eq!(requests[0].0, "/channels/ec/funds/submitwithdraw");
        assert_eq!(requests[0].1, json!({"amount": 500, "remark": "QP1", "bank_memo": "货款"}));
        assert!(!requests[0].2, "the host must not send it again by itself");
        let asked = done(resume(&told, &[json!({"errcode": 0, "qrcode_ticket": "t"})]));
        assert_eq!(asked, WithdrawalAsked::Waits { ticket: "t".into() });
        assert!(resume(&told, &[json!({"errcode": 0})]).is_err(), "no ticket is no success");
        // Others are there: each is read, and one with the reference is the answer.
        let (requests, rows) = call(resume(&state, &[balance(500), list(json!(["7", 8]))]));
        assert_eq!(requests[2].1, json!({"withdraw_id": "8"}));
        let (again, _) = call(resume(&rows, &[balance(500), detail("别的", "SUCCESS"), detail("", "INIT")]));
        assert_eq!(again[0].0, "/channels/ec/funds/submitwithdraw");
        let before = resume(&rows, &[balance(0), detail("别的", "SUCCESS"), detail("QP1", "INIT")]);
        let WithdrawalAsked::Before(found) = done(before) else { panic!("it was asked for before") };
        assert_eq!((found.withdrawal_id.as_str(), &found.state), ("8", &WithdrawalState::Waiting));
        assert_eq!(found.tail.as_deref(), Some("2334"));
        assert!(resume(&rows, &[balance(500), detail("QP1", "INIT")]).is_err(), "a row without an answer");
    });
}

#[test]
fn states_of_withdrawals_and_codes() {
    with_context(|cx| {
        let (_, state) = call(WechatStore.withdrawal(cx, "7"));
        for (native, expected) in [
            ("INIT", WithdrawalState::Waiting),
            ("CREATE_SUCCESS", WithdrawalState::Accepted),
            ("SUCCESS", WithdrawalState::Paid),
            ("FAIL", WithdrawalState::Failed),
            ("REFUND", WithdrawalState::Returned),
            ("CLOSE", WithdrawalState::Closed),
            ("NEW_WORD", WithdrawalState::Unknown("NEW_WORD".into())),
        ] {
            let found = done(WechatStore.resume_withdrawal(cx, &state, &answers(&[detail("", native)])));
            assert_eq!((found.state, found.native_state.as_str()), (expected, native));
        }
        let (requests, state) = call(WechatStore.code_standing(cx, "t"));
        assert_eq!(
            (requests[0].0.as_str(), &requests[0].1),
            ("/shop/funds/qrcode/check", &json!({"qrcode_ticket": "t"}))
        );
        for (status, by, expected, scanner) in [
            (0, 0, CodeState::Fresh, None),
            (1, 1, CodeState::Confirmed, Some(CodeScanner::Administrator)),
            (2, 0, CodeState::Cancelled, Some(CodeScanner::Other)),
            (3, 9, CodeState::Expired, None),
            (4, 2, CodeState::Scanned, Some(CodeScanner::SecondAdministrator)),
            (5, 1, CodeState::Unknown("5".into()), Some(CodeScanner::Administrator)),
        ] {
            let body = json!({"errcode": 0, "status": status, "scan_user_type": by,
                "self_check_err_code": 1, "self_check_err_msg": "余额不足"});
            let found = done(WechatStore.resume_code_standing(cx, &state, &answers(&[body])));
            assert_eq!(
                (found.state, found.by, found.problem.as_deref()),
                (expected, scanner, Some("余额不足"))
            );
        }
    });
}

#[test]
fn movements_balance_and_the_masked_bank_account() {
    with_context(|cx| {
        let window = TimeWindow { from: NOW.minus(Span::days(1)), to: NOW };
        let query = FlowQuery { window, income: Some(false), cursor: Some("3:abc".into()) };
        let (requests, state) = call(WechatStore.flows(cx, &query));
        assert_eq!(requests[0].1["page"], 3);
        assert_eq!((&requests[0].1["flow_type"], &requests[0].1["next_key"]), (&json!(2), &json!("abc")));
        let ids = json!({"errcode": 0, "flow_ids": ["1", 2], "has_more": true, "next_key": "k"});
        let (requests, state) = call(WechatStore.resume_flows(cx, &state, &answers(&[ids])));
        assert_eq!(requests[1].1, json!({"flow_id": "2"}));
        let flow = |kind: i64, when: Value| {
            json!({"errcode": 0, "funds_flow": {"flow_id": "1", "funds_type": kind, "flow_type": 2, "amount": 100,
                "balance": 400, "bookkeeping_time": when, "remark": "", "related_info_list": [{"order_id": 9}]}})
        };
        let bodies = [flow(3, json!("2023-11-15 06:13:20")), flow(77, json!("1700000000"))];
        let page = done(WechatStore.resume_flows(cx, &state, &answers(&bodies)));
        assert_eq!(page.next_cursor.as_deref(), Some("4:k"));
        assert_eq!(
            (&page.items[0].kind, page.items[0].booked_at),
            (&FlowKind::Refund, Some(NOW)),
            "Beijing's clock"
        );
        assert_eq!(
            (&page.items[1].kind, page.items[1].booked_at),
            (&FlowKind::Unknown("77".into()), Some(NOW))
        );
        assert_eq!(page.items[0].order_id.as_deref(), Some("9"));
        for wrong in ["0", "x", "1000"] {
            let query = FlowQuery { window, income: None, cursor: Some(wrong.to_owned()) };
            assert!(WechatStore.flows(cx, &query).is_err(), "{wrong}");
        }
        let (_, state) = call(WechatStore.balance(cx));
        let balance =
            json!({"errcode": 0, "available_amount": 5, "pending_amount": "7", "sub_mchid": 1_900_000_109});
        let account = json!({"errcode": 0, "account_info": {"account_bank": "工商银行", "account_name": "景德镇山前手作有限公司",
            "account_number": "6222023602001122334"}});
        let found = done(WechatStore.resume_balance(cx, &state, &answers(&[balance.clone(), account])));
        assert_eq!((found.available, found.pending), (Fen::new(5), Fen::new(7)));
        let bank = found.bank.unwrap();
        assert_eq!((bank.tail.as_str(), bank.holder.as_str()), ("2334", "景德*******公司"));
        // A person's name shows one letter; a number that is too short to hide anything shows nothing.
        let person =
            json!({"errcode": 0, "account_info": {"account_name": "王晓", "account_number": "1234567"}});
        let bank =
            done(WechatStore.resume_balance(cx, &state, &answers(&[balance.clone(), person]))).bank.unwrap();
        assert_eq!((bank.tail.as_str(), bank.holder.as_str()), ("", "王*"));
        let none = json!({"errcode": 10_000_001, "errmsg": "没有结算账户"});
        assert!(done(WechatStore.resume_balance(cx, &state, &answers(&[balance, none]))).bank.is_none());
    });
}

#[test]
fn a_change_of_a_template_keeps_what_it_does_not_know() {
    with_context(|cx| {
        let before = json!({"errcode": 0, "freight_template": {"template_id": "5", "name": "旧", "valuation_type": "WEIGHT",
            "send_time": "SendTime_FIVE_DAY", "delivery_type": "EXPRESS", "shipping_method": "NO_FREE", "is_default": 1,
            "address_info": {"province_name": "江西省"}, "delivery_id": ["SF"],
            "all_freight_calc_method": {"freight_calc_method_list": [{"is_default": true, "delivery_id": "SF",
                "first_val_amount": 1, "first_price": 800, "second_val_amount": 1, "second_price": 200}]},
            "all_condition_free_detail": {"condition_free_detail_list": [{"address_infos": [{"province_name": "江西省"}],
                "min_weight": 3, "valuation_flag": 1, "min_amount": 0, "amount_flag": 0}]},
            "not_send_area": {"address_infos": [{"province_name": "西藏自治区", "city_name": "", "county_name": ""}]}}});
        let (_, state) = call(WechatStore.freight_templates(cx));
        let ids = json!({"errcode": 0, "template_id_list": ["5"]});
        let (_, state) = call(WechatStore.resume_freight_templates(cx, &state, &answers(&[ids])));
        let read =
            done(WechatStore.resume_freight_templates(cx, &state, &answers(std::slice::from_ref(&before))));
        let template = &read[0];
        assert_eq!(
            (&template.unit, template.ships_within_hours, template.default),
            (&FreightUnit::Weight, None, true)
        );
        assert_eq!((template.free_from[0].quantity, template.free_from[0].amount), (Some(3), None));
        let changed = FreightTemplate { name: "新".into(), ..template.clone() };
        let (_, state) = call(WechatStore.save_freight_template(cx, &changed));
        let (requests, state) =
            call(WechatStore.resume_save_freight_template(cx, &state, &answers(&[before])));
        assert_eq!(requests[0].0, "/channels/ec/merchant/updatefreighttemplate");
        let told = &requests[0].1["freight_template"];
        assert_eq!((&told["name"], &told["template_id"]), (&json!("新"), &json!("5")));
        assert_eq!((&told["send_time"], &told["delivery_id"]), (&json!("SendTime_FIVE_DAY"), &json!(["SF"])));
        let rule = &told["all_freight_calc_method"]["freight_calc_method_list"][0];
        assert_eq!((&rule["delivery_id"], &rule["first_price"]), (&json!("SF"), &json!(800)));
        assert_eq!(
            done(WechatStore.resume_save_freight_template(cx, &state, &answers(&[json!({"errcode": 0})]))),
            "5"
        );
    });
}
