//! Documented answers in, values out.

use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::*;
use qianpu_wechat_channels::WechatChannels;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn with<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
    let account = AccountCredentials {
        external_id: "wxfinder".into(),
        secret: None,
        access_token: Some(AccessToken {
            value: Secret::new("t".into()),
            expires_at: NOW.plus(Span::hours(1)),
        }),
        refresh_token: None,
    };
    let settings = json!({});
    run(&Context {
        now: NOW,
        nonce: "0",
        app: None,
        account: Some(&account),
        settings: &settings,
        locale: Locale::Zh,
    })
}

fn answer(body: Value) -> Answer {
    Answer::Response(Response { status: 200, headers: vec![], body: body.to_string().into_bytes() })
}

/// Goes on until it is done, with the answers that the platform gives to each step.
fn finish<T>(
    cx: &Context<'_>,
    first: Turn<T>,
    resume: impl Fn(&Context<'_>, &[u8], &[Answer]) -> Turn<T>,
    steps: Vec<Vec<Value>>,
) -> (Result<T, ChannelError>, Vec<Request>) {
    let (mut turn, mut sent) = (first, Vec::new());
    for bodies in steps {
        let Ok(Step::Call { requests, state, .. }) = turn else { panic!("no further call") };
        assert_eq!(requests.len(), bodies.len());
        sent.extend(requests);
        let answers: Vec<Answer> = bodies.into_iter().map(answer).collect();
        turn = resume(cx, &state, &answers);
    }
    let end = turn.map(|step| match step {
        Step::Done(value) => value,
        _ => panic!("it goes on"),
    });
    (end, sent)
}

fn item(product_id: &str) -> ShowcaseRef {
    ShowcaseRef { product_id: product_id.into(), source_id: "wxee9f94a3360ad25f".into() }
}

fn product(status: i64) -> Value {
    json!({"errcode": 0, "errmsg": "ok", "product": {"product_id": "100234056", "title": "饭碗", "status": status,
        "selling_price": 12800, "stock": 7, "is_hide_for_window": false, "banned": true, "banned_details": {"reason": 1}}})
}

#[test]
fn the_window_is_listed_with_what_is_told_of_each_product() {
    with(|cx| {
        let window = WechatChannels.showcase().unwrap();
        let list = json!({"errcode": 0, "products": [{"product_id": "100234056", "appid": "wxee9f94a3360ad25f"},
            {"product_id": 100234057, "appid": "wxee9f94a3360ad25f"}, {"product_id": "9"}], "last_buffer": "B3"});
        let gone = json!({"errcode": 10022003, "errmsg": "橱窗商品未找到 rid: 1-2-3"});
        let (page, sent) = finish(
            cx,
            window.list(cx, None),
            |c, s, a| window.resume_list(c, s, a),
            vec![vec![list], vec![product(1), gone]],
        );
        let page = page.unwrap();
        assert_eq!(sent[0].path, "/channels/ec/window/product/list/get");
        assert_eq!(page.next_cursor, None, "a page that is not full is the last one");
        let [first, second, foreign] = page.items.as_slice() else { panic!("three products") };
        assert_eq!(
            (first.state.clone(), first.price, first.stock),
            (ShowcaseState::Shown, Some(Fen::new(12_800)), Some(7))
        );
        assert_eq!(first.barred, Some(Barred::NotApplied));
        assert_eq!(
            (second.state.clone(), second.title.clone()),
            (ShowcaseState::Unknown(String::new()), None)
        );
        assert_eq!(foreign.item.source_id, "", "sold for commission");
    });
}

#[test]
fn taking_off_is_read_back() {
    with(|cx| {
        let window = WechatChannels.showcase().unwrap();
        let ok = json!({"errcode": 0, "errmsg": "ok"});
        for (status, state) in [(1, ShowcaseState::Shown), (2, ShowcaseState::Off), (3, ShowcaseState::Gone)]
        {
            let (end, sent) = finish(
                cx,
                window.remove(cx, &item("100234056")),
                |c, s, a| window.resume_remove(c, s, a),
                vec![vec![ok.clone()], vec![product(status)]],
            );
            assert_eq!(end.unwrap().state, state);
            assert_eq!(sent[0].path, "/channels/ec/window/product/off");
        }
    });
}

#[test]
fn a_switch_that_is_off_is_no_lost_authorisation() {
    with(|cx| {
        let live = WechatChannels.live().unwrap();
        let off = json!({"errcode": 48001, "errmsg": "api unauthorized rid: 1-2-3"});
        let day = LiveDay { year: 2024, month: 6, day: 12 };
        let (end, sent) =
            finish(cx, live.day(cx, &day), |c, s, a| live.resume_day(c, s, a), vec![vec![off.clone()]]);
        let error = end.unwrap_err();
        assert_eq!(error.class, ErrorClass::BusinessRefusal);
        assert!(error.remote.unwrap().message.contains("开放能力"));
        let Body::Bytes { bytes, .. } = &sent[0].body else { panic!("a body") };
        assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap(), json!({"ds": 20_240_612}));
        // Attributes are switched by themselves: rooms are told without them.
        let rooms = json!({"errcode": "0", "live_list": [{"export_id": "e1", "description": "上新", "nickname": "山前"}]});
        let notices = json!({"errcode": 0, "live_notice_list": [{"notice_id": "n1", "status": 0,
            "status_wording": "状态描述", "start_time": "1668676968", "description": "描述"}]});
        let (now, _) =
            finish(cx, live.now(cx), |c, s, a| live.resume_now(c, s, a), vec![vec![rooms, notices, off]]);
        let now = now.unwrap();
        assert_eq!((now.rooms[0].room_id.as_str(), now.account), ("e1", None));
        assert_eq!(now.reservations[0].starts_at, Some(Timestamp::from_seconds(1_668_676_968)));
    });
}

#[test]
fn figures_are_read_from_text_of_json_and_what_is_not_told_is_none() {
    with(|cx| {
        let live = WechatChannels.live().unwrap();
        let list = json!({"errcode": 0, "live_items": [{"export_id": "e1", "create_time": 1_718_150_400}], "has_more": true});
        let data = json!({"errcode": 0, "trace_id": "x",
            "live_dashboard_data": "{\"live_dashboard_data\":{\"summary\":{\"new_watch_uv\":1200}},\"start_time\":1718150401,\"live_duration\":3600}",
            "live_ec_data_summary": "{\"total_gmv\":25600,\"total_pay_pv\":2}",
            "live_comparison_index": "{\"is_living\":false}",
            "single_live_ec_spu_data_page_v2": "{\"spu_data_list\":[{\"base_data\":{\"src_spu_id\":\"77\",\"spu_name\":\"饭碗\"},\"gmv\":25600}]}"});
        let day = LiveDay { year: 2024, month: 6, day: 12 };
        let (told, _) =
            finish(cx, live.day(cx, &day), |c, s, a| live.resume_day(c, s, a), vec![vec![list], vec![data]]);
        let told = told.unwrap();
        assert!(told.more);
        let session = &told.sessions[0];
        assert_eq!((session.seconds, session.on_air), (Some(3_600), Some(false)));
        assert_eq!(session.started_at, Some(Timestamp::from_seconds(1_718_150_401)));
        let figures = &session.figures;
        assert_eq!(
            (figures.viewers, figures.sales, figures.most_online),
            (Some(1_200), Some(Fen::new(25_600)), None)
        );
        assert_eq!(
            (session.products[0].product_id.as_str(), session.products[0].sales),
            ("77", Some(Fen::new(25_600)))
        );
        // Figures that cannot be read are an error, not a room without sales.
        let list = json!({"errcode": 0, "live_items": [{"export_id": "e1"}]});
        let broken = json!({"errcode": 0, "live_ec_data_summary": "{\"total_gmv\":"});
        let (told, _) = finish(
            cx,
            live.day(cx, &day),
            |c, s, a| live.resume_day(c, s, a),
            vec![vec![list], vec![broken]],
        );
        assert_eq!(told.unwrap_err().class, ErrorClass::Unexpected);
    });
}

#[test]
fn leads_are_read_as_documented_and_stay_out_of_logs() {
    with(|cx| {
        let leads = WechatChannels.leads().unwrap();
        let forms = json!({"errcode": 0, "item": [{"leads_component_id": "18881222222", "leads_description": "xxx的直播",
            "status": 4}], "last_buffer": "EB4YAg=", "continue_flag": true});
        let (page, _) =
            finish(cx, leads.forms(cx, None), |c, s, a| leads.resume_forms(c, s, a), vec![vec![forms]]);
        let page = page.unwrap();
        assert_eq!(
            (page.items[0].state.clone(), page.next_cursor.as_deref()),
            (LeadFormState::Open, Some("EB4YAg="))
        );
        let left = json!({"errcode": 0, "user_data": [{"anchor_nickname": "xxx", "live_start_time": 1_684_218_352,
            "leads_data": [{"title": "手机号", "value": "11111111111"}, {"title": "城市", "value": ["北京市", "东城区"]}]}],
            "last_buffer": "E", "continue_flag": false});
        let window = TimeWindow { from: NOW.minus(Span::days(1)), to: NOW };
        let (page, _) = finish(
            cx,
            leads.leads(cx, "18881222222", window, None),
            |c, s, a| leads.resume_leads(c, s, a),
            vec![vec![left]],
        );
        let page = page.unwrap();
        assert_eq!(page.next_cursor, None);
        assert_eq!(page.items[0].answers[1], ("城市".to_owned(), "北京市 东城区".to_owned()));
        assert!(!format!("{:?}", page.items[0]).contains("11111111111"));
    });
}
