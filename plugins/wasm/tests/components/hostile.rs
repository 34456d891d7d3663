//! Guests that do what a plugin must not do. Each ends in a refusal that is logged, and the next call is as good as new.

use crate::guests;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{
    AccessToken, AccountCredentials, AccountProfile, Answer, Channel, Context, Locale, Method,
    PushCredentials, PushFormat, PushOrigin, PushRefusal, RawPush, Response, Secret, Step, Turn, Verified,
};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const TOKEN: &str = "the-token-of-the-account";

pub(crate) struct Sample {
    account: AccountCredentials,
    settings: serde_json::Value,
}

impl Sample {
    pub(crate) fn new(what: &str) -> Self {
        let value = Secret::from(TOKEN);
        let account = AccountCredentials {
            external_id: "wx1".to_owned(),
            secret: Some(Secret::from("the-secret-of-the-account")),
            access_token: Some(AccessToken { value, expires_at: NOW.plus(Span::hours(1)) }),
            refresh_token: None,
        };
        Self { account, settings: serde_json::json!({ "do": what }) }
    }
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            now: NOW,
            nonce: "00112233445566778899aabbccddeeff",
            app: None,
            account: Some(&self.account),
            settings: &self.settings,
            locale: Locale::Zh,
        }
    }
}

pub(crate) fn answer(body: &[u8]) -> Answer {
    Answer::Response(Response { status: 200, headers: Vec::new(), body: body.to_vec() })
}

/// What is logged while something runs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let result = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    (result, text)
}

fn profile(what: &str) -> Turn<AccountProfile> {
    let channel = guests::channel("hostile");
    channel.account().unwrap().profile(&Sample::new(what).context())
}

fn name(turn: Turn<AccountProfile>) -> String {
    match turn.unwrap() {
        Step::Done(profile) => profile.name.unwrap_or_default(),
        other => panic!("not done: {other:?}"),
    }
}

/// Refused with these words, said in the log as this kind of fault.
#[track_caller]
fn refused(what: &str, words: &str, kind: &str) -> Duration {
    let started = Instant::now();
    let (turn, log) = logged(|| profile(what));
    let took = started.elapsed();
    let error = turn.unwrap_err();
    assert!(error.detail.contains(words), "{what}: {error}");
    assert!(log.contains(&format!("fault=\"{kind}\"")) && log.contains("hostile"), "{what}: {log}");
    assert!(!log.contains(TOKEN), "{log}");
    took
}

#[test]
fn an_endless_loop_is_stopped() {
    guests::release("hostile");
    let took = refused("loop", "took too long", "out_of_time");
    assert!(took >= guests::runtime().limits().time && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn ten_gigabytes_are_not_given() {
    refused("allocate", "too much memory", "out_of_memory");
}

#[test]
fn a_million_calls_of_the_host_are_too_many() {
    refused("calls", "called the host too often", "too_many_calls");
}

#[test]
fn a_host_that_is_not_in_the_manifest_is_out_of_reach() {
    refused("elsewhere", "the host \"intranet\", which is not in its manifest", "refused");
}

#[test]
fn what_is_too_large_is_refused() {
    refused("large", "its answer is too large", "too_large");
    refused("state", "its answer is too large", "too_large");
    refused("requests", "its answer is too large", "too_large");
}

#[test]
fn a_crash_is_the_plugins_own() {
    refused("panic", "crashed", "crashed");
    let (_, log) = logged(|| profile("panic"));
    assert!(log.contains("the guest panics on purpose"), "{log}");
    refused("recurse", "crashed", "crashed");
    refused("bucket", "rate-limit bucket", "refused");
}

#[test]
fn secrets_are_named_and_not_read() {
    // What the plugin sees is a handle, and nothing that it can compute tells the value.
    let asked = name(profile("ask"));
    assert!(asked.starts_with("qps-") && !asked.contains(TOKEN), "{asked}");
    assert_eq!(asked.matches("Err(").count(), 2, "{asked}");
    // The value stands in the request, and there it is masked.
    let Step::Call { requests, .. } = profile("send").unwrap() else { panic!("it makes a call") };
    assert_eq!(requests[0].query, [("token".to_owned(), TOKEN.to_owned())]);
    assert!(!format!("{:?}", requests[0]).contains(TOKEN));
    refused("path", "into the path", "refused");
    // A secret that this operation was not given has no name.
    refused("forge", "an unknown secret", "refused");
}

#[test]
fn answers_show_no_tokens() {
    let channel = guests::channel("hostile");
    let sample = Sample::new("send");
    let Step::Call { state, .. } = channel.account().unwrap().profile(&sample.context()).unwrap() else {
        panic!("it makes a call")
    };
    let body = format!(r#"{{"echo":"{TOKEN}","access_token":"a-new-token"}}"#);
    let seen = name(channel.account().unwrap().resume_profile(
        &sample.context(),
        &state,
        &[answer(body.as_bytes())],
    ));
    assert!(seen.contains("echo") && !seen.contains(TOKEN) && !seen.contains("a-new-token"), "{seen}");
    // As an outcome the handle becomes the token again; what the plugin made up does not.
    let auth = channel.auth().unwrap();
    let Step::Done(tokens) =
        auth.resume_refresh(&sample.context(), &state, &[answer(body.as_bytes())]).unwrap()
    else {
        panic!("it is done")
    };
    assert_eq!(tokens.access_token.value.expose(), "a-new-token");
    let invented = auth.refresh(&Sample::new("invent").context()).unwrap_err();
    assert!(invented.detail.contains("no handle"), "{invented}");
}

#[test]
fn nothing_of_another_merchant_is_left_behind() {
    let channel = guests::channel("hostile");
    for merchant in ["wx-first", "wx-second"] {
        let mut sample = Sample::new("remember");
        sample.account.external_id = merchant.to_owned();
        assert_eq!(name(channel.account().unwrap().profile(&sample.context())), "", "for {merchant}");
    }
}

#[test]
fn after_failures_in_a_row_a_plugin_rests_and_others_do_not() {
    let channel = guests::channel("hostile");
    for _ in 0..5 {
        let error = channel.account().unwrap().profile(&Sample::new("panic").context()).unwrap_err();
        assert!(error.detail.contains("crashed"), "{error}");
    }
    let error = channel.account().unwrap().profile(&Sample::new("well").context()).unwrap_err();
    assert_eq!(error.class_name(), "retry_later", "{error}");
    assert!(error.detail.contains("rests"), "{error}");
    assert_eq!(name(profile("well")), "well");
}

fn push(body: &[u8]) -> RawPush {
    let (origin, method) = (PushOrigin::Account, Method::Post);
    RawPush { origin, method, query: Vec::new(), headers: Vec::new(), body: body.to_vec() }
}

fn credentials(app_ids: &[&str], formats: &[PushFormat]) -> PushCredentials {
    PushCredentials {
        app_ids: app_ids.iter().map(|id| (*id).to_owned()).collect(),
        token: Secret::from("push-token"),
        encoding_aes_key: Secret::from("push-key"),
        previous_encoding_aes_key: None,
        formats: formats.to_vec(),
        max_age: PushCredentials::DEFAULT_MAX_AGE,
    }
}

#[test]
fn pushes_are_not_taken_on_a_plugins_word_alone() {
    let channel = guests::channel("hostile");
    let webhook = channel.webhook().unwrap();
    let verify = |body: &[u8], app_ids: &[&str], formats: &[PushFormat]| {
        webhook.verify(&push(body), &credentials(app_ids, formats), NOW).map(|verified| verified.origin)
    };
    // It says that a push is for another merchant's app, and in another format.
    assert_eq!(verify(b"{}", &["mine"], &[PushFormat::Xml]), Err(PushRefusal::WrongApp));
    assert_eq!(
        verify(b"{}", &["another merchant's app"], &[PushFormat::Json]),
        Err(PushRefusal::WrongFormat)
    );
    assert_eq!(verify(b"{}", &["another merchant's app"], &[PushFormat::Xml]), Ok(PushOrigin::Account));
    for (body, kind) in [(&b"loop"[..], "out_of_time"), (b"panic", "crashed")] {
        let (result, log) = logged(|| verify(body, &["mine"], &[PushFormat::Xml]));
        assert_eq!(result, Err(PushRefusal::Malformed));
        assert!(log.contains(kind), "{log}");
    }
    // A page for a browser, a megabyte: neither goes out.
    let handshake = webhook.handshake(&push(b"<script>"), &credentials(&[], &[]), NOW);
    assert_eq!(handshake, Err(PushRefusal::Malformed));
    let verified = Verified {
        origin: PushOrigin::Account,
        format: PushFormat::Json,
        plaintext: Vec::new(),
        app_id: String::new(),
        signed_at: NOW,
    };
    assert_eq!(webhook.acknowledge(&verified).status, 500);
    assert_eq!(webhook.refuse(PushRefusal::Stale).status, 403);
}
