//! Tokens of a shop with an app of its own 自用型应用, as turns of the machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on shall stop")]

use qianpu_domain::time::{Span, Timestamp};
use qianpu_douyin::Douyin;
use qianpu_sdk::*;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

struct Own {
    app: AppCredentials,
    account: AccountCredentials,
    settings: Value,
}

fn own(refresh: Option<&str>) -> Own {
    let secret = Secret::from("secret");
    Own {
        app: AppCredentials {
            app_id: "7400000000000000001".into(),
            secret: secret.clone(),
            ticket: None,
            access_token: None,
        },
        account: AccountCredentials {
            external_id: "77".into(),
            secret: Some(secret),
            access_token: None,
            refresh_token: refresh.map(Secret::from),
        },
        settings: json!({}),
    }
}

impl Own {
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

fn answer(body: &Value) -> Answer {
    Answer::Response(Response { status: 200, headers: vec![], body: body.to_string().into_bytes() })
}

fn tokens_of(shop: u64) -> Answer {
    answer(&json!({"code": 10_000, "msg": "success", "data": {"access_token": "a", "refresh_token": "r",
        "expires_in": 604_800, "shop_id": shop, "shop_name": "茶铺", "scope": "SCOPE"}}))
}

fn failed(why: &str) -> Answer {
    answer(
        &json!({"code": 50_001, "msg": "x", "sub_code": format!("dop.token-generate-failed:{why}"), "sub_msg": "x"}),
    )
}

/// The one request of a turn: its path, its parameters, and the state to go on with.
fn called(turn: Turn<TokenSet>) -> (String, Value, Vec<u8>) {
    let Ok(Step::Call { requests, state, .. }) = turn else { panic!("no call: {turn:?}") };
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    let Body::Bytes { bytes, .. } = &request.body else { panic!("no body") };
    (request.path.clone(), serde_json::from_slice(bytes).unwrap(), state)
}

#[test]
fn the_first_tokens_are_made_by_the_secret_for_the_shop_that_is_named() {
    let own = own(None);
    let (path, params, state) = called(Douyin.refresh(&own.cx()));
    assert_eq!(path, "/token/create");
    assert_eq!(params, json!({"code": "", "grant_type": "authorization_self", "shop_id": "77"}));
    let Ok(Step::Done(tokens)) = Douyin.resume_refresh(&own.cx(), &state, &[tokens_of(77)]) else { panic!() };
    assert_eq!(tokens.access_token.expires_at, NOW.plus(Span::days(7)));
    assert!(tokens.refresh_token.is_some());
    // One app may serve several shops.
    assert!(Douyin.resume_refresh(&own.cx(), &state, &[tokens_of(78)]).is_err());
}

#[test]
fn a_refresh_token_that_is_too_old_leads_to_new_ones_and_a_lost_grant_to_an_error() {
    let own = own(Some("old"));
    let (path, params, state) = called(Douyin.refresh(&own.cx()));
    assert_eq!((path.as_str(), &params["refresh_token"]), ("/token/refresh", &json!("old")));
    for why in ["token-expired", "token-invalid", "no-authorization"] {
        let (path, _, made) = called(Douyin.resume_refresh(&own.cx(), &state, &[failed(why)]));
        assert_eq!(path, "/token/create", "{why}");
        let error = Douyin.resume_refresh(&own.cx(), &made, &[failed("no-authorization")]).unwrap_err();
        assert_eq!(error.class_name(), "reauthorise");
    }
    // Not the refresh token's fault: nothing is made anew.
    let wrong =
        answer(&json!({"code": 40_003, "msg": "x", "sub_code": "isv.signature-invalid", "sub_msg": "x"}));
    assert_eq!(Douyin.resume_refresh(&own.cx(), &state, &[wrong]).unwrap_err().class_name(), "fix_request");
    // A shop linked by the provider's app has nothing to make them from.
    let mut linked = own;
    linked.account.secret = None;
    let error = Douyin.resume_refresh(&linked.cx(), &state, &[failed("token-expired")]).unwrap_err();
    assert_eq!(error.class_name(), "reauthorise");
}
