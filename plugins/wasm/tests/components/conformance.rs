//! Built-in channels as components: the WeChat shop, and Douyin, whose calls are signed too.

use crate::guests;
use qianpu_douyin::Douyin;
use qianpu_sdk::{Channel, PushCredentials, PushFormat, PushOrigin, RawPush, Secret};
use qianpu_wechat_store::WechatStore;
use std::time::Instant;

fn vectors(slug: &str) -> Option<String> {
    let path = format!("{}/../conformance/vectors/{slug}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).ok()
}

#[test]
fn the_same_plugin_conforms_as_a_component() {
    for name in ["wechat_store", "douyin"] {
        let channel = guests::channel(name);
        let failures = qianpu_conformance::run(&[&channel], vectors);
        let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{name}: {} rules do not hold:\n{}", failures.len(), text.join("\n"));
    }
}

#[test]
fn it_says_of_itself_what_the_built_in_one_says() {
    assert_eq!(guests::channel("douyin").info(), Douyin.info());
    let channel = guests::channel("wechat_store");
    assert_eq!(channel.info(), WechatStore.info());
    assert!(channel.sign_in().is_none());
    assert!(channel.app().is_some() && channel.catalog().is_some() && channel.fulfilment().is_some());
}

/// Not a limit, a figure to read: what a push costs more than built in, with a fresh instance for each call.
#[test]
fn what_a_push_costs() {
    let text = vectors("wechat-store").unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let push = &vectors["pushes"][0];
    let query = push["query"].as_array().unwrap().iter();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let raw = RawPush {
        origin: if push["origin"] == "app" { PushOrigin::App } else { PushOrigin::Account },
        method: qianpu_sdk::Method::Post,
        query: query.map(|pair| (word(&pair[0]), word(&pair[1]))).collect(),
        headers: Vec::new(),
        body: word(&push["body"]).into_bytes(),
    };
    let credentials = PushCredentials {
        app_ids: vec![word(&push["app_id"])],
        token: Secret::new(word(&vectors["credentials"]["token"])),
        encoding_aes_key: Secret::new(word(&vectors["credentials"]["encoding_aes_key"])),
        previous_encoding_aes_key: None,
        formats: vec![if push["format"] == "xml" { PushFormat::Xml } else { PushFormat::Json }],
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    };
    let now = qianpu_domain::time::Timestamp::from_seconds(push["now"].as_i64().unwrap());
    let component = guests::channel("wechat_store");
    let channels: [(&str, &dyn Channel); 2] = [("built in", &WechatStore), ("component", &component)];
    for (name, channel) in channels {
        let webhook = channel.webhook().unwrap();
        let started = Instant::now();
        for _ in 0..200 {
            let verified = webhook.verify(&raw, &credentials, now).unwrap();
            assert_eq!(webhook.decode(&verified).unwrap().len(), 1);
        }
        println!("verify and decode, {name}: {} µs", started.elapsed().as_micros() / 200);
    }
}
