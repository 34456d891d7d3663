//! Tables: error codes, events, channel app calls.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    AccessToken, AccountAuth, AccountCredentials, Answer, AppAuth, AppCredentials, Body, Context, ErrorClass,
    LinkInvitation, LinkRequest, Locale, NoticeKind, PushFormat, PushOrigin, Request, Response, Secret, Step,
    Verified,
};
use qianpu_wechat_wire::component::{Component, LinkStyle};
use qianpu_wechat_wire::token::WechatAccountAuth;
use qianpu_wechat_wire::{errors, events};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_714_036_504); // 2024-04-25T09:15:04Z

fn token(text: &str) -> Option<AccessToken> {
    Some(AccessToken { value: Secret::from(text), expires_at: NOW.plus(Span::hours(1)) })
}

fn app() -> AppCredentials {
    AppCredentials {
        app_id: "wxapp".into(),
        secret: Secret::from("app-secret"),
        ticket: Some(Secret::from("ticket@@@1")),
        access_token: token("app-token"),
    }
}

fn account(secret: Option<&str>, refresh: Option<&str>) -> AccountCredentials {
    AccountCredentials {
        external_id: "wxshop".into(),
        secret: secret.map(Secret::from),
        access_token: token("account-token"),
        refresh_token: refresh.map(Secret::from),
    }
}

fn cx<'a>(
    app: Option<&'a AppCredentials>,
    account: Option<&'a AccountCredentials>,
    settings: &'a Value,
) -> Context<'a> {
    Context {
        now: NOW,
        nonce: "00112233445566778899aabbccddeeff",
        app,
        account,
        settings,
        locale: Locale::Zh,
    }
}

fn answer(body: Value) -> Vec<Answer> {
    vec![Answer::Response(Response { status: 200, headers: vec![], body: body.to_string().into_bytes() })]
}

fn request<T: std::fmt::Debug>(step: Step<T>) -> (Request, Vec<u8>) {
    match step {
        Step::Call { mut requests, state, .. } => (requests.remove(0), state),
        other => panic!("expected a call, got {other:?}"),
    }
}

fn body(request: &Request) -> Value {
    match &request.body {
        Body::Bytes { bytes, .. } => serde_json::from_slice(bytes).unwrap(),
        other => panic!("expected bytes, got {}", matches!(other, Body::Empty)),
    }
}

#[test]
fn every_code_has_its_class() {
    let class = |code| errors::error(code, "text rid: 6a-b", NOW).class;
    for code in [40001, 40014, 42001] {
        assert_eq!(class(code), ErrorClass::RetryAfterRefresh, "{code}");
    }
    for code in [42007, 48001, 61003, 61007, 61023] {
        assert_eq!(class(code), ErrorClass::Reauthorise, "{code}");
    }
    for code in [10_080_000, 10_080_001, 10_080_002, 48004, 50002] {
        assert_eq!(class(code), ErrorClass::Fatal, "{code}");
    }
    assert_eq!(class(-1), ErrorClass::RetryLater { after: Span::seconds(2) });
    assert_eq!(class(45011), ErrorClass::RetryLater { after: Span::seconds(56) });
    assert_eq!(class(45009), ErrorClass::Quota { until: "2024-04-25T16:00:00Z".parse().unwrap() });
    assert_eq!(class(10_020_067), ErrorClass::RetryLater { after: Span::seconds(30) });
    assert!(matches!(class(47001), ErrorClass::FixRequest { .. }));
    assert_eq!(
        class(9_999_999),
        ErrorClass::BusinessRefusal,
        "unknown codes are refusals in the platform's words"
    );
    let remote = errors::error(101_100, "订单状态不允许 rid: 6a-b", NOW).remote.unwrap();
    assert_eq!(
        (remote.code.as_str(), remote.message.as_str(), remote.rid.as_deref()),
        ("101100", "订单状态不允许", Some("6a-b"))
    );
    let codes: std::collections::BTreeSet<_> = errors::CODES.iter().map(|(code, _)| code).collect();
    assert_eq!(codes.len(), errors::CODES.len(), "a code is listed twice");
    // One second before and after midnight in Beijing.
    for (now, until) in
        [("2024-04-25T15:59:59Z", "2024-04-25T16:00:00Z"), ("2024-04-25T16:00:00Z", "2024-04-26T16:00:00Z")]
    {
        assert_eq!(errors::next_beijing_midnight(now.parse().unwrap()), until.parse().unwrap());
    }
}

fn verified(plaintext: &str, format: PushFormat) -> Verified {
    Verified {
        origin: PushOrigin::App,
        format,
        plaintext: plaintext.as_bytes().to_vec(),
        app_id: "wxapp".into(),
        signed_at: NOW,
    }
}

#[test]
fn ids_above_2_to_53_survive_as_numbers_and_as_text() {
    for order_id in ["3705115058471208928", "\"3705115058471208928\""] {
        let push = format!(
            r#"{{"ToUserName":"gh_1","FromUserName":"OPENID","CreateTime":1662480000,"MsgType":"event",
                "Event":"channels_ec_order_pay","order_info":{{"order_id":{order_id},"pay_time":1658509200}}}}"#
        );
        let notice = events::decode(&verified(&push, PushFormat::Json)).unwrap().remove(0);
        assert_eq!(notice.kind, NoticeKind::OrderPaid);
        assert_eq!(notice.subject_id.as_deref(), Some("3705115058471208928"));
        assert_eq!(notice.occurred_at, Timestamp::from_seconds(1_662_480_000));
        assert_eq!(notice.account_user_name.as_deref(), Some("gh_1"));
    }
    let xml = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>1662480000</CreateTime>\
               <MsgType><![CDATA[event]]></MsgType><Event><![CDATA[channels_ec_order_pay]]></Event>\
               <order_info><order_id>3705115058471208928</order_id></order_info></xml>";
    let notice = events::decode(&verified(xml, PushFormat::Xml)).unwrap().remove(0);
    assert_eq!(
        (notice.kind, notice.subject_id.as_deref()),
        (NoticeKind::OrderPaid, Some("3705115058471208928"))
    );
}

#[test]
fn the_dedup_key_is_the_content() {
    let key = |order: u64, second: u64, space: &str| {
        let push = format!(
            r#"{{"CreateTime":{second},{space}"MsgType":"event","Event":"channels_ec_order_new","order_info":{{"order_id":{order}}}}}"#
        );
        events::decode(&verified(&push, PushFormat::Json)).unwrap().remove(0).dedup_key
    };
    assert_eq!(key(1, 5, ""), key(1, 5, "  \n"));
    assert_ne!(key(1, 5, ""), key(2, 5, ""));
    assert_ne!(key(1, 5, ""), key(1, 6, ""));
    let message =
        r#"{"MsgType":"text","MsgId":6054768590064713728,"Content":"hi","CreateTime":1,"FromUserName":"o1"}"#;
    let notice = events::decode(&verified(message, PushFormat::Json)).unwrap().remove(0);
    assert_eq!((notice.dedup_key.as_str(), notice.kind), ("msg:6054768590064713728", NoticeKind::Message));
}

#[test]
fn an_urge_is_told_apart_from_other_news_of_an_order() {
    for (kind, expected) in
        [(7, NoticeKind::OrderUrged), (2, NoticeKind::OrderChanged), (16, NoticeKind::OrderChanged)]
    {
        let push = json!({"MsgType": "event", "Event": "channels_ec_order_ext_info_update", "CreateTime": 1,
            "order_info": {"order_id": 3_705_115_058_471_208_928_i64, "type": kind}});
        let notice = events::decode(&verified(&push.to_string(), PushFormat::Json)).unwrap().remove(0);
        assert_eq!(
            (notice.kind, notice.subject_id.as_deref()),
            (expected, Some("3705115058471208928")),
            "{kind}"
        );
    }
}

#[test]
fn what_happens_to_a_coupon_names_the_coupon() {
    for (event, body) in [
        ("channels_ec_coupon_receive", "receive_info"),
        ("channels_ec_coupon_create", "coupon_info"),
        ("channels_ec_coupon_delete", "coupon_info"),
        ("channels_ec_coupon_expire", "coupon_info"),
        ("channels_ec_coupon_info_change", "coupon_info"),
        ("channels_ec_coupon_invalid", "coupon_info"),
        ("channels_ec_user_coupon_expire", "user_coupon_info"),
        ("channels_ec_user_coupon_unuse", "use_info"),
        ("channels_ec_user_coupon_use", "use_info"),
    ] {
        let push = json!({"MsgType": "event", "Event": event, "CreateTime": 1, "FromUserName": "oBuyer",
            body: {"coupon_id": "19126", "user_coupon_id": "29730"}});
        let notice = events::decode(&verified(&push.to_string(), PushFormat::Json)).unwrap().remove(0);
        let subject = notice.subject_id.as_deref();
        assert_eq!((notice.kind.clone(), subject), (NoticeKind::CouponChanged, Some("19126")), "{event}");
    }
}

#[test]
fn events_of_the_channel_app_keep_their_secret_apart() {
    let xml = "<xml><AppId>wxapp</AppId><CreateTime>1413192605</CreateTime>\
               <InfoType>component_verify_ticket</InfoType><ComponentVerifyTicket>ticket@@@x</ComponentVerifyTicket></xml>";
    let notice = events::decode(&verified(xml, PushFormat::Xml)).unwrap().remove(0);
    assert_eq!(notice.kind, NoticeKind::AppTicket);
    assert_eq!(notice.secret.as_ref().map(|secret| secret.expose().as_str()), Some("ticket@@@x"));
    let stored = serde_json::to_string(&notice).unwrap();
    assert!(!stored.contains("ticket@@@x"), "{stored}");
    assert!(!format!("{notice:?}").contains("ticket@@@x"));

    let xml = "<xml><AppId>wxapp</AppId><CreateTime>1413192760</CreateTime><InfoType>authorized</InfoType>\
               <AuthorizerAppid>wxshop</AuthorizerAppid><AuthorizationCode>code1</AuthorizationCode>\
               <AuthorizationCodeExpiredTime>1413196360</AuthorizationCodeExpiredTime><PreAuthCode>pre1</PreAuthCode></xml>";
    let notice = events::decode(&verified(xml, PushFormat::Xml)).unwrap().remove(0);
    assert_eq!(notice.kind, NoticeKind::AccountAuthorized);
    assert_eq!(notice.account_external_id.as_deref(), Some("wxshop"));
    assert_eq!(notice.secret.map(Secret::into_inner).as_deref(), Some("code1"));
    assert!(!notice.raw.to_string().contains("pre1"));
}

#[test]
fn every_event_of_the_table_is_read_and_an_incomplete_one_is_an_error() {
    for rule in events::EVENTS {
        let mut push =
            json!({"MsgType": "event", "Event": rule.event, "CreateTime": 1, "FromUserName": "o1"});
        if !rule.body.is_empty() {
            push[rule.body] = json!({ rule.subject: 42 });
        } else if rule.subject == "MsgID" {
            push["MsgID"] = json!(42);
        }
        let notice = events::decode(&verified(&push.to_string(), PushFormat::Json)).unwrap().remove(0);
        assert_eq!(
            (&notice.kind, notice.subject_id.is_some()),
            (&rule.kind, !rule.subject.is_empty()),
            "{}",
            rule.event
        );
        // Without a subject there is nothing that could be missing.
        if !rule.body.is_empty() && !rule.subject.is_empty() {
            push[rule.body] = json!({});
            assert!(
                events::decode(&verified(&push.to_string(), PushFormat::Json)).is_err(),
                "{}",
                rule.event
            );
        }
    }
    for bad in
        ["", "{}", "[1]", "{\"MsgType\":\"event\"}", "<xml><InfoType>authorized</InfoType></xml>", "\u{0}"]
    {
        assert!(events::decode(&verified(bad, PushFormat::Json)).is_err(), "{bad}");
    }
}

#[test]
fn the_channel_app_gets_its_token_and_an_account_by_code() {
    let (app, settings) = (app(), json!({}));
    let cx = cx(Some(&app), None, &settings);
    let component = Component { link: LinkStyle::Link { auth_type: 1 } };

    let (call, state) = request(component.app_token(&cx).unwrap());
    assert_eq!(call.path, "/cgi-bin/component/api_component_token");
    assert_eq!(
        body(&call),
        json!({"component_appid": "wxapp", "component_appsecret": "app-secret", "component_verify_ticket": "ticket@@@1"})
    );
    let got = answer(json!({"component_access_token": "t", "expires_in": 7200}));
    let Step::Done(token) = component.resume_app_token(&cx, &state, &got).unwrap() else { panic!() };
    assert_eq!(token.expires_at, NOW.plus(Span::hours(2)));
    for bad in [json!({}), json!({"component_access_token": "t"}), json!({"errcode": "x"}), json!([])] {
        assert!(component.resume_app_token(&cx, &state, &answer(bad.clone())).is_err(), "{bad}");
    }

    let link = LinkRequest {
        kind: "official_account".into(),
        redirect_uri: "http://127.0.0.1/back?state=a&b=中".into(),
        state: "a".into(),
        external_id: None,
    };
    let (call, state) = request(component.begin_link(&cx, &link).unwrap());
    assert_eq!(call.query, vec![("component_access_token".to_owned(), "app-token".to_owned())]);
    let got = answer(json!({"pre_auth_code": "pre@1", "expires_in": 600}));
    let Step::Done(LinkInvitation::Open { desktop_url, mobile_url, expires_at }) =
        component.resume_begin_link(&cx, &state, &got).unwrap()
    else {
        panic!()
    };
    assert_eq!(
        desktop_url,
        "{host:login}/cgi-bin/componentloginpage?component_appid=wxapp&pre_auth_code=pre%401\
         &redirect_uri=http%3A%2F%2F127.0.0.1%2Fback%3Fstate%3Da%26b%3D%E4%B8%AD&auth_type=1"
    );
    assert!(mobile_url.starts_with("{host:open}/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&"));
    assert!(mobile_url.ends_with("#wechat_redirect"));
    assert_eq!(expires_at, NOW.plus(Span::minutes(10)));

    let (call, state) = request(component.complete_link(&cx, &Secret::from("code1")).unwrap());
    assert_eq!(body(&call)["authorization_code"], "code1");
    let got = answer(json!({"authorization_info": {
        "authorizer_appid": "wxshop", "authorizer_access_token": "a", "expires_in": 7200,
        "authorizer_refresh_token": "r", "func_info": [{"funcscope_category": {"id": 1}}]}}));
    let Step::Done(grant) = component.resume_complete_link(&cx, &state, &got).unwrap() else { panic!() };
    assert_eq!((grant.external_id.as_str(), grant.scopes), ("wxshop", vec!["1".to_owned()]));

    let purchase = Component { link: LinkStyle::Purchase };
    assert!(matches!(purchase.begin_link(&cx, &link).unwrap(), Step::Done(LinkInvitation::BuyInMarket)));
}

#[test]
fn the_list_of_accounts_is_paged() {
    let (app, settings) = (app(), json!({}));
    let cx = cx(Some(&app), None, &settings);
    let component = Component { link: LinkStyle::Purchase };
    let (call, state) = request(component.authorised_accounts(&cx, Some("100")).unwrap());
    assert_eq!(body(&call)["offset"], 100);
    let got = answer(
        json!({"total_count": 102, "list": [{"authorizer_appid": "a", "refresh_token": "r", "auth_time": 5}]}),
    );
    let Step::Done(page) = component.resume_authorised_accounts(&cx, &state, &got).unwrap() else { panic!() };
    assert_eq!((page.items.len(), page.next_cursor.as_deref()), (1, Some("101")));
    let got = answer(json!({"total_count": 102, "list": []}));
    let Step::Done(page) = component.resume_authorised_accounts(&cx, &state, &got).unwrap() else { panic!() };
    assert_eq!(page.next_cursor, None, "an empty page ends the list, whatever the total says");
    assert!(component.authorised_accounts(&cx, Some("-1")).is_err());
}

#[test]
fn a_profile_tells_the_kind() {
    for (block, kind) in [
        (json!({}), "official_account"),
        (json!({"MiniProgramInfo": {"network": {}}}), "mini_program"),
        (json!({"store_info": {"id": 3}}), "wechat_store"),
        (json!({"channels_info": {"id": "7"}}), "channels_account"),
        (json!({"store_info": {}, "channels_info": {"id": 0}}), "official_account"),
    ] {
        let mut info = json!({"nick_name": "n", "user_name": "gh_1", "account_status": 1});
        info.as_object_mut().unwrap().extend(block.as_object().unwrap().clone());
        let profile = qianpu_wechat_wire::profile::read(&json!({"authorizer_info": info})).unwrap();
        assert_eq!((profile.kind.as_deref(), profile.active), (Some(kind), Some(true)));
    }
    let frozen = json!({"authorizer_info": {"account_status": 19}});
    assert_eq!(qianpu_wechat_wire::profile::read(&frozen).unwrap().active, Some(false));
    let strange = json!({"authorizer_info": {"account_status": 77}});
    assert_eq!(qianpu_wechat_wire::profile::read(&strange).unwrap().active, None, "never a guess");
}

#[test]
fn a_token_is_refreshed_by_the_way_the_account_was_linked() {
    let (app, settings) = (app(), json!({}));
    let linked = account(None, Some("refresh-1"));
    let context = cx(Some(&app), Some(&linked), &settings);
    let (call, state) = request(WechatAccountAuth.refresh(&context).unwrap());
    assert_eq!(call.path, "/cgi-bin/component/api_authorizer_token");
    let got = answer(
        json!({"authorizer_access_token": "a2", "expires_in": 7200, "authorizer_refresh_token": "r2"}),
    );
    let Step::Done(tokens) = WechatAccountAuth.resume_refresh(&context, &state, &got).unwrap() else {
        panic!()
    };
    assert_eq!(tokens.refresh_token, Some(Secret::from("r2")));

    let direct = account(Some("s"), None);
    let context = cx(None, Some(&direct), &settings);
    let (call, state) = request(WechatAccountAuth.refresh(&context).unwrap());
    assert_eq!(call.path, "/cgi-bin/stable_token");
    assert_eq!(body(&call)["force_refresh"], false);
    let got = answer(json!({"access_token": "a3", "expires_in": 7200}));
    let Step::Done(tokens) = WechatAccountAuth.resume_refresh(&context, &state, &got).unwrap() else {
        panic!()
    };
    assert_eq!(tokens.refresh_token, None);

    let bare = account(None, None);
    let error = WechatAccountAuth.refresh(&cx(None, Some(&bare), &settings)).unwrap_err();
    assert_eq!(error.class, ErrorClass::Reauthorise);
}
