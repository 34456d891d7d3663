//! The examples of the official documentation, byte for byte, and what has to be refused around them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{Method, NoticeKind, PushCredentials, PushFormat, PushOrigin, PushRefusal, RawPush, Secret};
use qianpu_wechat_wire::crypto::{CryptoError, MessageKey, signature};
use qianpu_wechat_wire::push::{ReplyParts, acknowledge, handshake, sealed_reply, verify};
use qianpu_wechat_wire::{envelope, events};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("fixtures/wechat_push_vectors.json")).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn seconds(value: &Value) -> Timestamp {
    Timestamp::from_seconds(text(value, "timestamp").parse().unwrap())
}

fn credentials(vectors: &Value, app_id: &str, format: PushFormat) -> PushCredentials {
    PushCredentials {
        app_ids: vec![app_id.to_owned()],
        token: Secret::from(text(vectors, "token")),
        encoding_aes_key: Secret::from(text(vectors, "encoding_aes_key")),
        previous_encoding_aes_key: None,
        formats: vec![format],
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    }
}

fn push_of(vector: &Value, body: String) -> RawPush {
    RawPush {
        origin: PushOrigin::Account,
        method: Method::Post,
        query: [
            ("signature", "0000"),
            ("timestamp", text(vector, "timestamp")),
            ("nonce", text(vector, "nonce")),
            ("encrypt_type", "aes"),
            ("msg_signature", text(vector, "msg_signature")),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        headers: Vec::new(),
        body: body.into_bytes(),
    }
}

fn json_push(vector: &Value) -> RawPush {
    push_of(
        vector,
        serde_json::json!({"ToUserName": vector["to_user_name"], "Encrypt": vector["encrypt"]}).to_string(),
    )
}

fn xml_push(vector: &Value) -> RawPush {
    push_of(
        vector,
        format!(
            "<xml>\n    <ToUserName><![CDATA[{}]]></ToUserName>\n    <Encrypt><![CDATA[{}]]></Encrypt>\n</xml>",
            text(vector, "to_user_name"),
            text(vector, "encrypt")
        ),
    )
}

#[test]
fn the_url_check_is_answered_with_the_echo() {
    let vectors = vectors();
    let check = &vectors["url_check"];
    let names = ["signature", "timestamp", "nonce", "echostr"];
    let mut push = RawPush {
        origin: PushOrigin::Account,
        method: Method::Get,
        query: names.iter().map(|name| (name.to_string(), text(check, name).to_owned())).collect(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let credentials = credentials(&vectors, "any", PushFormat::Json);
    let reply = handshake(&push, &credentials, seconds(check)).unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, text(check, "echostr").as_bytes()));

    push.query[0].1.replace_range(0..1, "0");
    assert_eq!(handshake(&push, &credentials, seconds(check)), Err(PushRefusal::BadSignature));
    push.query.remove(0);
    assert_eq!(handshake(&push, &credentials, seconds(check)), Err(PushRefusal::BadSignature));
}

#[test]
fn the_json_push_opens_and_is_an_unknown_event() {
    let vectors = vectors();
    let vector = &vectors["json_push"];
    let credentials = credentials(&vectors, text(vector, "app_id"), PushFormat::Json);
    let verified = verify(&json_push(vector), &credentials, seconds(vector)).unwrap();
    let message: Value = serde_json::from_slice(&verified.plaintext).unwrap();
    assert_eq!(
        (message["Event"].as_str(), message["debug_str"].as_str()),
        (Some("debug_demo"), Some("hello world"))
    );
    let notices = events::decode(&verified).unwrap();
    assert_eq!(notices[0].kind, NoticeKind::Unknown("debug_demo".into()));
    assert_eq!(notices[0].account_user_name.as_deref(), Some("gh_97417a04a28d"));
}

#[test]
fn the_xml_push_of_a_channel_app_opens() {
    let vectors = vectors();
    let vector = &vectors["xml_component_push"];
    let credentials = credentials(&vectors, text(vector, "app_id"), PushFormat::Xml);
    let verified = verify(&xml_push(vector), &credentials, seconds(vector)).unwrap();
    assert_eq!(verified.plaintext.len(), 292);
    assert_eq!(verified.app_id, text(vector, "app_id"));
    assert_eq!(events::decode(&verified).unwrap().len(), 1);
}

#[test]
fn the_reply_is_the_documented_one() {
    let vectors = vectors();
    let vector = &vectors["json_reply"];
    let key = MessageKey::parse(text(&vectors, "encoding_aes_key")).unwrap();
    let random: [u8; 16] = text(vector, "random").as_bytes().try_into().unwrap();
    let push = &vectors["json_push"];
    let verified = verify(
        &json_push(push),
        &credentials(&vectors, text(push, "app_id"), PushFormat::Json),
        seconds(push),
    )
    .unwrap();
    let parts = ReplyParts {
        random: &random,
        message: text(vector, "message").as_bytes(),
        nonce: text(vector, "nonce"),
        now: seconds(vector),
    };
    let reply = sealed_reply(&verified, &key, text(&vectors, "token"), &parts).unwrap();
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(text(&body, "Encrypt"), text(vector, "encrypt"));
    assert_eq!(text(&body, "MsgSignature"), text(vector, "msg_signature"));
    assert_eq!(body["TimeStamp"].as_i64(), Some(seconds(vector).seconds()));
    assert_eq!(acknowledge().body, b"success");
}

#[test]
fn the_xml_reply_is_the_documented_one() {
    let key = MessageKey::parse(&"A".repeat(43)).unwrap();
    let message = b"<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>";
    let sealed = key.seal(b"999951349e8ee746", message, "wx134c8103faa5a59e");
    let expected = "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t\
                    /o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7";
    assert_eq!(sealed.as_deref(), Ok(expected));
}

#[test]
fn what_is_forged_changed_foreign_old_or_broken_is_refused() {
    let vectors = vectors();
    let vector = &vectors["json_push"];
    let now = seconds(vector);
    let good = credentials(&vectors, text(vector, "app_id"), PushFormat::Json);
    let check = |change: &dyn Fn(&mut RawPush, &mut PushCredentials, &mut Timestamp),
                 expected: PushRefusal| {
        let (mut push, mut credentials, mut at) = (json_push(vector), good.clone(), now);
        change(&mut push, &mut credentials, &mut at);
        assert_eq!(verify(&push, &credentials, at), Err(expected));
    };
    check(&|push, _, _| push.query[4].1.replace_range(0..1, "f"), PushRefusal::BadSignature);
    check(&|push, _, _| push.query.clear(), PushRefusal::BadSignature);
    // A correct plain `signature` proves nothing about the body.
    check(
        &|push, _, _| {
            push.query.truncate(3);
            push.query[0].1 = signature(&["AAAAA", "1714112445", "415670741"]);
        },
        PushRefusal::BadSignature,
    );
    check(&|_, credentials, _| credentials.token = Secret::from("other"), PushRefusal::BadSignature);
    check(&|push, _, _| push.query[1].1 = "1714112446".into(), PushRefusal::BadSignature);
    check(
        &|push, _, _| {
            push.body = String::from_utf8(push.body.clone()).unwrap().replace("qdx1", "qdx2").into_bytes();
        },
        PushRefusal::BadSignature,
    );
    check(&|push, _, _| push.body.truncate(push.body.len() / 2), PushRefusal::Malformed);
    check(&|push, _, _| push.body = vec![0xff, 0xfe, 0x00], PushRefusal::Malformed);
    check(&|push, _, _| push.body.clear(), PushRefusal::Malformed);
    check(&|push, _, _| push.body = b"[]".to_vec(), PushRefusal::Malformed);
    check(&|push, _, _| push.method = Method::Get, PushRefusal::Malformed);
    check(&|_, credentials, _| credentials.app_ids = vec!["wxother".into()], PushRefusal::WrongApp);
    check(&|_, credentials, _| credentials.formats = vec![PushFormat::Xml], PushRefusal::WrongFormat);
    check(
        &|_, credentials, _| credentials.encoding_aes_key = Secret::from("B".repeat(43)),
        PushRefusal::Undecryptable,
    );
    check(&|_, _, at| *at = at.plus(Span::hours(7)), PushRefusal::Stale);
    check(&|_, _, at| *at = at.minus(Span::minutes(11)), PushRefusal::Stale);
}

#[test]
fn the_previous_key_still_opens() {
    let vectors = vectors();
    let vector = &vectors["json_push"];
    let mut credentials = credentials(&vectors, text(vector, "app_id"), PushFormat::Json);
    credentials.previous_encoding_aes_key = Some(credentials.encoding_aes_key.clone());
    credentials.encoding_aes_key = Secret::from("B".repeat(43));
    assert!(verify(&json_push(vector), &credentials, seconds(vector)).is_ok());
}

#[test]
fn keys_with_trailing_bits_and_every_pad_length_work() {
    let key = MessageKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap();
    for length in 0..70 {
        let message = vec![b'x'; length];
        let sealed = key.seal(&[7; 16], &message, "wx0").unwrap();
        let opened = key.open(&sealed).unwrap();
        assert_eq!((opened.message, opened.app_id.as_str()), (message, "wx0"), "{length}");
    }
    for bad in ["", "short", &"A".repeat(42), &"A".repeat(44), &"=".repeat(43)] {
        assert_eq!(MessageKey::parse(bad).err(), Some(CryptoError::BadKey), "{bad}");
    }
    for bad in ["", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAA=="] {
        assert!(key.open(bad).is_err(), "{bad}");
    }
}

#[test]
fn xml_is_read_without_entities_or_document_types() {
    let read = |text: &str| envelope::read_value(text.as_bytes()).map(|(_, value)| value);
    assert_eq!(
        read("<?xml version=\"1.0\"?><xml><a>1 &lt; 2 &#20013;</a><b><c>x</c><c>y</c></b><d/></xml>"),
        Some(serde_json::json!({"a": "1 < 2 中", "b": {"c": ["x", "y"]}, "d": ""}))
    );
    for bad in [
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><xml><a>&b;</a></xml>",
        "<xml><a>&b;</a></xml>",
        "<xml><a></xml>",
        "<xml><a>1</a>",
        "<xml></xml><xml></xml>",
        "<xml>text only</xml>",
        "plain",
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
    assert_eq!(read(&format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))), None, "too deep");
}
