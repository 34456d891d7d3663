//! Pushes that libraries of others sealed: whatever a conforming sender makes opens here, whatever its key, its
//! token and the length of its padding. The fixture names the libraries and their versions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Method, PushCredentials, PushFormat, PushOrigin, PushRefusal, RawPush, Secret};
use qianpu_wechat_wire::events;
use qianpu_wechat_wire::push::verify;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    pushes: Vec<Foreign>,
}

#[derive(Deserialize)]
struct Foreign {
    name: String,
    library: String,
    format: String,
    app_id: String,
    token: String,
    encoding_aes_key: String,
    timestamp: String,
    nonce: String,
    message: String,
    encrypt: String,
    msg_signature: String,
}

impl Foreign {
    fn format(&self) -> PushFormat {
        if self.format == "json" { PushFormat::Json } else { PushFormat::Xml }
    }

    fn credentials(&self) -> PushCredentials {
        PushCredentials {
            app_ids: vec![self.app_id.clone()],
            token: Secret::from(self.token.as_str()),
            encoding_aes_key: Secret::from(self.encoding_aes_key.as_str()),
            previous_encoding_aes_key: None,
            formats: vec![self.format()],
            max_age: PushCredentials::DEFAULT_MAX_AGE,
        }
    }

    fn push(&self) -> RawPush {
        let body = match self.format() {
            PushFormat::Json => serde_json::json!({"ToUserName": "gh", "Encrypt": self.encrypt}).to_string(),
            PushFormat::Xml => {
                format!(
                    "<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[{}]]></Encrypt></xml>",
                    self.encrypt
                )
            }
        };
        RawPush {
            origin: PushOrigin::Account,
            method: Method::Post,
            query: [
                ("timestamp", &self.timestamp),
                ("nonce", &self.nonce),
                ("msg_signature", &self.msg_signature),
            ]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .to_vec(),
            headers: Vec::new(),
            body: body.into_bytes(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.timestamp.parse().unwrap())
    }
}

fn pushes() -> Vec<Foreign> {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/foreign_pushes.json")).unwrap();
    fixture.pushes
}

#[test]
fn every_foreign_push_opens() {
    let mut pads = [false; 32];
    for push in pushes() {
        let which = format!("{} of {}", push.name, push.library);
        let verified = verify(&push.push(), &push.credentials(), push.now());
        let verified = verified.unwrap_or_else(|refusal| panic!("{which}: {refusal:?}"));
        assert_eq!(String::from_utf8(verified.plaintext.clone()).unwrap(), push.message, "{which}");
        assert_eq!(verified.app_id, push.app_id, "{which}");
        // The pushes of all lengths say nothing.
        if !push.name.starts_with("padding") {
            assert_eq!(events::decode(&verified).unwrap().len(), 1, "{which}");
        }
        pads[(20 + push.message.len() + push.app_id.len()) % 32] = true;
    }
    assert_eq!(pads, [true; 32], "every length of padding occurs");
}

#[test]
fn none_opens_changed_or_with_what_belongs_to_another() {
    let all = pushes();
    for (push, other) in all.iter().zip(all.iter().cycle().skip(1)) {
        let now = push.now();
        let mut changed = push.push();
        changed.body =
            String::from_utf8(changed.body).unwrap().replace(&push.encrypt, &other.encrypt).into_bytes();
        assert_eq!(
            verify(&changed, &push.credentials(), now),
            Err(PushRefusal::BadSignature),
            "{}",
            push.name
        );
        let refusal = verify(&push.push(), &other.credentials(), now);
        assert_eq!(refusal, Err(PushRefusal::BadSignature), "{}", push.name);
        let mut elsewhere = push.credentials();
        elsewhere.app_ids = vec!["wx0000000000000000".to_owned()];
        assert_eq!(verify(&push.push(), &elsewhere, now), Err(PushRefusal::WrongApp), "{}", push.name);
        let mut wrong_key = push.credentials();
        wrong_key.encoding_aes_key = Secret::from(other.encoding_aes_key.as_str());
        assert_eq!(verify(&push.push(), &wrong_key, now), Err(PushRefusal::Undecryptable), "{}", push.name);
    }
}
