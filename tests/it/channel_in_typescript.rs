//! The channels account in TypeScript beside the built-in one: same manifest, same suite, same recorded exchanges, same meaning
//! of every documented push. What they do in an installation is tried in `live`.

use qianpu_conformance::{replay, run};
use qianpu_sdk::bridge::Manifest;
use qianpu_sdk::{Channel, NoticeKind, PushFormat, PushOrigin, Verified};
use qianpu_tests::standing::{By, SLUG};
use qianpu_tests::workspace;
use qianpu_wechat_wire::events::EVENTS;
use serde_json::{Value, json};

fn example(path: &str) -> std::path::PathBuf {
    workspace::root().join("examples/plugins/wechat-channels-ts").join(path)
}

fn json_of(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn vectors(slug: &str) -> Value {
    json_of(&workspace::root().join(format!("plugins/conformance/vectors/{slug}.json")))
}

fn built_in() -> &'static dyn Channel {
    qianpu_host::CHANNELS.iter().copied().find(|channel| channel.info().slug == SLUG).unwrap()
}

#[test]
fn its_examples_are_those_of_the_built_in_channel_which_is_held_to_its_recordings() {
    assert_eq!(
        json_of(&example("vectors.json")),
        vectors(SLUG),
        "one list of documented pushes, messages and errors"
    );
    let mut recordings = 0;
    for entry in std::fs::read_dir(example("exchanges")).unwrap() {
        let path = entry.unwrap().path();
        let played = replay(built_in(), &std::fs::read_to_string(&path).unwrap());
        assert_eq!(played.failure, None, "{}", path.display());
        recordings += 1;
    }
    assert!(recordings > 20, "{recordings}");
}

/// What a message means, without what differs by intention: the key is each plugin's own, and a number that is too large for
/// JavaScript is text there.
fn meaning(channel: &dyn Channel, format: PushFormat, text: &str) -> Value {
    let verified = Verified {
        origin: PushOrigin::App,
        format,
        plaintext: text.as_bytes().to_vec(),
        app_id: "wxapp".to_owned(),
        signed_at: qianpu_domain::time::Timestamp::from_seconds(1_700_000_000),
    };
    let notices = channel.webhook().unwrap().decode(&verified).unwrap();
    let shown = |notice: &qianpu_sdk::Notice| {
        let mut value = serde_json::to_value(notice).unwrap();
        value["dedup_key"] = json!(!notice.dedup_key.is_empty());
        value["secret"] = json!(notice.secret.as_ref().map(|secret| secret.expose().clone()));
        texts(&mut value);
        value
    };
    notices.iter().map(shown).collect()
}

fn texts(value: &mut Value) {
    match value {
        Value::Number(number) if number.to_string().len() >= 16 => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(texts),
        Value::Object(fields) => fields.values_mut().for_each(texts),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_the_same_manifest_and_takes_every_documented_message_for_the_same() {
    let _turn = By::Component.turn().await;
    let component = qianpu_host::find(SLUG).unwrap();
    let manifest = |channel| json!(Manifest::of(channel, "0.1.0", &["access_token"]));
    assert_eq!(manifest(component), manifest(built_in()));

    // One app receives what is said to every account of the family.
    let mut compared = 0;
    for slug in [SLUG, "wechat-official-account", "wechat-store"] {
        for message in vectors(slug)["messages"].as_array().unwrap() {
            let text = message["text"].as_str().unwrap();
            let format = if message["format"] == "xml" { PushFormat::Xml } else { PushFormat::Json };
            assert_eq!(meaning(component, format, text), meaning(built_in(), format, text), "{text}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");

    // Whatever is added to the list of the built-in channels is added there.
    for rule in EVENTS {
        for object in [rule.body, "finder_shop_aftersale_status_update"] {
            let mut details =
                json!({ "order_id": "9", "type": 7, "phone_number": "1", "old_nickname": "甲" });
            if !rule.subject.is_empty() {
                details[rule.subject] = json!("123");
            }
            let mut message = json!({ "ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1_700_000_000,
                "MsgType": "event", "Event": rule.event });
            if rule.body.is_empty() {
                message.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
            } else if object == rule.body || rule.kind == NoticeKind::GiftAftersaleChanged {
                message[object] = details;
            } else {
                continue;
            }
            let text = message.to_string();
            let (theirs, ours) =
                (meaning(component, PushFormat::Json, &text), meaning(built_in(), PushFormat::Json, &text));
            assert_eq!(theirs, ours, "{text}");
            assert!(!ours[0]["kind"].as_str().unwrap().starts_with("unknown"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_to_the_suite_as_the_built_in_channel_does() {
    let _turn = By::Component.turn().await;
    let component = qianpu_host::find(SLUG).unwrap();
    for channel in [built_in(), component] {
        let broken = run(&[channel], |slug| Some(vectors(slug).to_string()));
        assert_eq!(broken, [], "{channel:?}", channel = channel.info().slug);
    }
}
