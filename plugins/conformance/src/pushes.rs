//! Pushes: golden examples, forgeries, meaning.

use crate::Report;
use crate::vectors::{Format, Push, Vectors, opened};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    Channel, Method, Notice, NoticeKind, PushCredentials, PushFormat, PushOrigin, PushRefusal, RawPush,
    Secret, Webhook,
};

pub(crate) fn check(channel: &dyn Channel, vectors: &Vectors, report: &mut Report<'_>) {
    let Some(webhook) = channel.webhook() else { return };
    report.must("golden", !vectors.pushes.is_empty(), || "there is no documented push".to_owned());
    for push in &vectors.pushes {
        golden(webhook, vectors, push, report);
        forged(webhook, vectors, push, report);
    }
    handshakes(webhook, vectors, report);
    for refusal in PushRefusal::ALL {
        let reply = webhook.refuse(*refusal);
        let quiet = (400..500).contains(&reply.status) && reply.body.len() < 100;
        report.must("refusal", quiet, || format!("{} is answered with {}", refusal.as_str(), reply.status));
        let told = String::from_utf8_lossy(&reply.body).contains(refusal.as_str());
        report.must("refusal", !told, || format!("the answer names the reason {}", refusal.as_str()));
    }
    meaning(webhook, vectors, report);
}

fn golden(webhook: &dyn Webhook, vectors: &Vectors, push: &Push, report: &mut Report<'_>) {
    let verified = match webhook.verify(&push.raw(), &push.credentials(&vectors.credentials), push.now()) {
        Ok(verified) => verified,
        Err(refusal) => {
            return report.fail("golden", format!("{} is refused: {}", push.name, refusal.as_str()));
        }
    };
    let reply = webhook.acknowledge(&verified);
    let expected = reply.status == 200 && reply.body == vectors.acknowledgement.as_bytes();
    report.must("acknowledge", expected, || format!("{} is acknowledged otherwise", push.name));
    match webhook.decode(&verified) {
        Ok(notices) => {
            let kinds: Vec<_> = notices.iter().map(|notice| name(&notice.kind)).collect();
            report.must("golden", kinds == [push.kind.as_str()], || format!("{} means {kinds:?}", push.name));
        }
        Err(error) => report.fail("golden", format!("{} cannot be decoded: {error}", push.name)),
    }
}

fn name(kind: &NoticeKind) -> String {
    match kind {
        NoticeKind::Unknown(raw) => format!("unknown:{raw}"),
        known => known.as_str().to_owned(),
    }
}

type Change<'a> = (&'a str, &'a dyn Fn(&mut RawPush, &mut PushCredentials, &mut Timestamp));

fn forged(webhook: &dyn Webhook, vectors: &Vectors, push: &Push, report: &mut Report<'_>) {
    let other_key = vectors.credentials.other_key.clone();
    let other_format: PushFormat = push.format.other();
    let changes: &[Change<'_>] = &[
        ("another token", &|_, credentials, _| credentials.token = Secret::from("another")),
        ("an empty token", &|_, credentials, _| credentials.token = Secret::from("")),
        ("another app id", &|_, credentials, _| credentials.app_ids = vec!["another".to_owned()]),
        ("no app id", &|_, credentials, _| credentials.app_ids.clear()),
        ("another format", &|_, credentials, _| credentials.formats = vec![other_format]),
        ("another method", &|push, _, _| push.method = Method::Get),
        ("an empty body", &|push, _, _| push.body.clear()),
        ("half a body", &|push, _, _| push.body.truncate(push.body.len() / 2)),
        ("a body without its end", &|push, _, _| push.body.truncate(push.body.len() - 1)),
        ("bytes that are no text", &|push, _, _| push.body = vec![0xff, 0xfe, 0x00, 0x80]),
        ("null", &|push, _, _| push.body = b"null".to_vec()),
        ("a list", &|push, _, _| push.body = b"[1,2]".to_vec()),
        ("an empty object", &|push, _, _| push.body = b"{}".to_vec()),
        ("an empty element", &|push, _, _| push.body = b"<xml/>".to_vec()),
        ("a deep object", &|push, _, _| push.body = "{\"a\":".repeat(100_000).into_bytes()),
        ("a deep element", &|push, _, _| push.body = "<a>".repeat(100_000).into_bytes()),
        ("a document type", &|push, _, _| {
            push.body =
                b"<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hosts\">]><xml><Encrypt>&e;</Encrypt></xml>"
                    .to_vec();
        }),
    ];
    let by_proof: &[(bool, Change<'_>)] = &[
        (vectors.proof.query, ("no query", &|push, _, _| push.query.clear())),
        (!vectors.proof.query, ("no headers", &|push, _, _| push.headers.clear())),
        (
            vectors.proof.key,
            ("another key", &|_, credentials, _| {
                credentials.encoding_aes_key = Secret::new(other_key.clone())
            }),
        ),
        (vectors.proof.key, ("no key", &|_, credentials, _| credentials.encoding_aes_key = Secret::from(""))),
        (vectors.proof.time, ("too old", &|_, _, now| *now = now.plus(Span::days(2)))),
        (vectors.proof.time, ("from the future", &|_, _, now| *now = now.minus(Span::days(2)))),
    ];
    let applying = by_proof.iter().filter(|(applies, _)| *applies).map(|(_, change)| change);
    for (what, change) in changes.iter().chain(applying) {
        refused(webhook, vectors, push, what, change, report);
    }
    if !vectors.proof.query {
        for (index, (header, _)) in push.headers.iter().enumerate() {
            refused(
                webhook,
                vectors,
                push,
                &format!("no {header}"),
                &|raw, _, _| {
                    raw.headers.remove(index);
                },
                report,
            );
            refused(
                webhook,
                vectors,
                push,
                &format!("another {header}"),
                &|raw, _, _| {
                    if let Some((_, value)) = raw.headers.get_mut(index) {
                        *value = flip(value);
                    }
                },
                report,
            );
        }
    }
    for (index, (parameter, _)) in push.query.iter().enumerate() {
        let matters = refuses(webhook, vectors, push, &|raw, _, _| {
            raw.query.remove(index);
        });
        let changed = refuses(webhook, vectors, push, &|raw, _, _| {
            if let Some((_, value)) = raw.query.get_mut(index) {
                *value = flip(value);
            }
        });
        // A parameter the proof rests on has to be missed and its change noticed; others may be ignored.
        let signing = parameter.contains("signature") || matters;
        if signing && parameter != "signature" {
            report
                .must("forged", matters && changed, || format!("{}: {parameter} does not matter", push.name));
        }
    }
    // Any changed character of the encrypted text has to be noticed.
    for position in (push.body.len() / 4..push.body.len() * 3 / 4).step_by(97) {
        let change = |raw: &mut RawPush, _: &mut PushCredentials, _: &mut Timestamp| {
            if let Some(byte) = raw.body.get_mut(position) {
                *byte = if *byte == b'x' { b'y' } else { b'x' };
            }
        };
        refused(webhook, vectors, push, "a changed character", &change, report);
    }
}

fn refused(
    webhook: &dyn Webhook,
    vectors: &Vectors,
    push: &Push,
    what: &str,
    change: &dyn Fn(&mut RawPush, &mut PushCredentials, &mut Timestamp),
    report: &mut Report<'_>,
) {
    let holds = refuses(webhook, vectors, push, change);
    report.must("forged", holds, || format!("{} passes with {what}", push.name));
}

fn refuses(
    webhook: &dyn Webhook,
    vectors: &Vectors,
    push: &Push,
    change: &dyn Fn(&mut RawPush, &mut PushCredentials, &mut Timestamp),
) -> bool {
    let (mut raw, mut credentials, mut now) =
        (push.raw(), push.credentials(&vectors.credentials), push.now());
    change(&mut raw, &mut credentials, &mut now);
    webhook.verify(&raw, &credentials, now).is_err()
}

fn flip(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    match letters.first_mut() {
        Some(first) => *first = if *first == '1' { '2' } else { '1' },
        None => letters.push('1'),
    }
    letters.into_iter().collect()
}

fn handshakes(webhook: &dyn Webhook, vectors: &Vectors, report: &mut Report<'_>) {
    for check in &vectors.handshakes {
        let credentials = PushCredentials {
            app_ids: vec!["any".to_owned()],
            token: Secret::new(vectors.credentials.token.clone()),
            encoding_aes_key: Secret::new(vectors.credentials.encoding_aes_key.clone()),
            previous_encoding_aes_key: None,
            formats: vec![PushFormat::Json],
            max_age: PushCredentials::DEFAULT_MAX_AGE,
        };
        let now = Timestamp::from_seconds(check.now);
        let ask = |query: Vec<(String, String)>, credentials: &PushCredentials| {
            let push = RawPush {
                origin: PushOrigin::Account,
                method: Method::Get,
                query,
                headers: Vec::new(),
                body: Vec::new(),
            };
            webhook.handshake(&push, credentials, now)
        };
        let answered = ask(check.query.clone(), &credentials);
        let exact = answered.is_ok_and(|reply| reply.status == 200 && reply.body == check.answer.as_bytes());
        report.must("handshake", exact, || "the documented check is not answered".to_owned());
        for index in 0..check.query.len() {
            let mut query = check.query.clone();
            let (name, _) = query.remove(index);
            report.must("handshake", ask(query, &credentials).is_err(), || format!("passes without {name}"));
            if name != "echostr" {
                let mut query = check.query.clone();
                if let Some((_, value)) = query.get_mut(index) {
                    *value = flip(value);
                }
                report.must("handshake", ask(query, &credentials).is_err(), || {
                    format!("passes with another {name}")
                });
            }
        }
        let foreign = PushCredentials { token: Secret::from("another"), ..credentials };
        report.must("handshake", ask(check.query.clone(), &foreign).is_err(), || {
            "passes with another token".to_owned()
        });
    }
}

fn meaning(webhook: &dyn Webhook, vectors: &Vectors, report: &mut Report<'_>) {
    let mut keys = Vec::new();
    for message in &vectors.messages {
        let (first, second) =
            (decode(webhook, message.format, &message.text), decode(webhook, message.format, &message.text));
        let (Some(notice), Some(again)) = (first, second) else {
            report.fail("golden", format!("cannot be decoded into one notice: {}", message.text));
            continue;
        };
        let kind = name(&notice.kind);
        let rule = if message.kind.starts_with("unknown") { "unknown event" } else { "golden" };
        report.must(rule, kind == message.kind, || format!("{} means {kind}", message.text));
        let subject = notice.subject_id == message.subject_id;
        report.must("golden", subject, || format!("{} is about {:?}", message.text, notice.subject_id));
        let key = notice.dedup_key.clone();
        let good = !key.is_empty() && key.len() <= 200 && key == again.dedup_key && !keys.contains(&key);
        report.must("dedup", good, || format!("the key {key} of {}", message.text));
        keys.push(key);
        if let Some(secret) = &message.secret {
            let kept = notice.secret.as_ref().is_some_and(|kept| kept.expose() == secret);
            report.must("secrets", kept, || format!("the secret of {} is lost", message.kind));
            let shown = format!("{notice:?}{}", serde_json::to_string(&notice).unwrap_or_default());
            report.must("secrets", !shown.contains(secret.as_str()), || {
                format!("the secret of {} shows", message.kind)
            });
        }
    }
    for text in &vectors.unreadable {
        for format in [Format::Json, Format::Xml] {
            let error = webhook.decode(&opened(format, text)).is_err();
            report.must("unreadable", error, || format!("{text} is decoded"));
        }
    }
    let bytes = qianpu_sdk::Verified { plaintext: vec![0xff, 0x00, 0xc3], ..opened(Format::Json, "") };
    report.must("unreadable", webhook.decode(&bytes).is_err(), || {
        "bytes that are no text are decoded".to_owned()
    });
}

fn decode(webhook: &dyn Webhook, format: Format, text: &str) -> Option<Notice> {
    let mut notices = webhook.decode(&opened(format, text)).ok()?;
    let notice = notices.pop()?;
    notices.is_empty().then_some(notice)
}
