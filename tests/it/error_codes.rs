//! Every error code that the platform documents, met by a call of a merchant, and what becomes of the call, of the account
//! and of the next call.
//!
//! Codes and handling: the platform's error table (docs/channels.md names it).

use qianpu_domain::time::{Span, Timestamp};
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};

/// What has to become of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Handling {
    /// Made again, a few times with more and more time between, then left to the next job.
    Again,
    /// The token is fetched anew, and the call made once more.
    FreshToken,
    /// Not made again now; the caller is told when.
    Wait(Wait),
    /// The merchant has to link again; the account says so.
    Link,
    /// What was sent is wrong: never made again by itself.
    Fix,
    /// The key that the merchant typed is not right or not there: never made again by itself, and the account says so.
    Key,
    /// The platform's rules say no: never made again by itself.
    Refused,
    /// The account is barred or closed, and says so.
    Barred,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    Minute,
    /// Midnight in Beijing.
    Day,
    Seconds(i64),
}

use Handling::{Again, Barred, Fix, FreshToken, Key, Link, Refused};

/// Code → handling, of calls for an account.
const ACCOUNT: &[(i64, Handling)] = &[
    (-1, Again),
    (40001, FreshToken),
    (40014, FreshToken),
    (42001, FreshToken),
    (42007, Link),
    (48001, Link),
    (61003, Link),
    (61007, Link),
    (61016, Link),
    (61023, Link),
    (40013, Fix),
    (40125, Key),
    (41001, Fix),
    (41002, Fix),
    (41004, Key),
    (41018, Fix),
    (40003, Fix),
    (40029, Fix),
    (40163, Fix),
    (42003, Fix),
    (40066, Fix),
    (40097, Fix),
    (40170, Fix),
    (44002, Fix),
    (45002, Fix),
    (47001, Fix),
    (43002, Fix),
    (43003, Fix),
    (61014, Fix),
    (45009, Handling::Wait(Wait::Day)),
    (45011, Handling::Wait(Wait::Minute)),
    (45035, Handling::Wait(Wait::Seconds(600))),
    (40164, Handling::Wait(Wait::Seconds(600))),
    (61004, Handling::Wait(Wait::Seconds(600))),
    // The ticket comes every ten minutes.
    (61005, Handling::Wait(Wait::Seconds(600))),
    (61006, Handling::Wait(Wait::Seconds(600))),
    (10_020_067, Handling::Wait(Wait::Seconds(30))),
    (45015, Refused),
    (45047, Refused),
    (48006, Refused),
    (61009, Refused),
    (61010, Refused),
    (10_021_041, Refused),
    (101_100, Refused),
    (606_031, Refused),
    (660_006, Refused),
    (48004, Barred),
    (50002, Barred),
    (61011, Barred),
    (10_080_000, Barred),
    (10_080_001, Barred),
    (10_080_002, Barred),
];

const CALL: &str = "/channels/ec/basics/info/get";
const TOKEN: &str = "/cgi-bin/stable_token";

async fn calls(stage: &Stage, path: &str) -> usize {
    stage.sandbox.get(&format!("calls?path={path}")).await["calls"].as_array().map_or(0, Vec::len)
}

async fn clear(stage: &Stage) {
    let url = format!("{}/sandbox/api/faults/calls", stage.sandbox.base_url);
    qianpu_tests::http::http_client().delete(&url).send().await.unwrap();
}

/// Seconds until it makes sense to call again.
fn due(wait: Wait, now: Timestamp) -> i64 {
    match wait {
        Wait::Seconds(seconds) => seconds,
        Wait::Minute => 60 - now.seconds().rem_euclid(60),
        Wait::Day => 86_400 - now.plus(Span::hours(8)).seconds().rem_euclid(86_400),
    }
}

both! {
    async fn every_code_of_a_call_leads_to_its_handling(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("茶铺").await;
        let path = format!("/api/v1/channel_accounts/{}", account["id"].as_str().unwrap());
        let check = format!("{path}/check");
        stage.owner.post(&check, &json!({}), 200).await;
        for (code, handling) in ACCOUNT.iter().copied() {
            stage.app.advance_to_next_minute();
            let (calls_before, tokens_before) = (calls(&stage, CALL).await, calls(&stage, TOKEN).await);
            let fault = json!({ "path": CALL, "appid": account["external_id"], "errcode": code, "count": 9 });
            stage.sandbox.post("faults/calls", &fault).await;
            let now = stage.app.state.clock().now();
            let (status, problem, tries, tokens, state) = match handling {
                Again => (503, "channel_busy", 3, 0, "active"),
                FreshToken => (503, "channel_busy", 2, 1, "active"),
                Handling::Wait(Wait::Day) => (503, "channel_quota_exhausted", 1, 0, "active"),
                Handling::Wait(_) => (503, "channel_busy", 1, 0, "active"),
                Link => (409, "channel_reauthorise", 1, 0, "expired"),
                Fix => (422, "channel_request_invalid", 1, 0, "active"),
                Key => (422, "channel_request_invalid", 1, 0, "expired"),
                Refused => (422, "channel_refused", 1, 0, "active"),
                Barred => (409, "channel_account_closed", 1, 0, "limited"),
            };
            let answer = stage.owner.try_send(Method::POST, &check, Some(&json!({})), &[]).await;
            assert_eq!((answer.status, answer.text("/code").as_str()), (status, problem), "{code}: {}", answer.body);
            assert_eq!(calls(&stage, CALL).await - calls_before, tries, "calls made after {code}");
            assert_eq!(calls(&stage, TOKEN).await - tokens_before, tokens, "tokens fetched after {code}");
            if let Handling::Wait(wait) = handling {
                let told: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((told - due(wait, now)).abs() <= 2, "{code}: told {told}, due {}", due(wait, now));
            }
            let shown = stage.owner.get(&path, 200).await;
            assert_eq!(shown.text("/state"), state, "{code}");
            // The merchant finds the call with the platform's own code.
            until(&format!("the exchange that ended with {code}"), async || {
                let found = format!("/api/v1/channel_exchanges?limit=10&outcome=failed&text={code}");
                let found = stage.owner.get(&found, 200).await.json("/items");
                (!found.as_array().unwrap().is_empty()).then_some(())
            })
            .await;
            // The call that works again ends it, whatever it was.
            clear(&stage).await;
            stage.owner.post(&check, &json!({}), 200).await;
            let shown = stage.owner.get(&path, 200).await;
            assert_eq!((shown.text("/state").as_str(), shown.json("/health/error_code")), ("active", Value::Null), "{code}");
        }
        stage.stop().await;
    }
}
