//! Operations: garbage, errors, unknown states, secrets.

use crate::Report;
use crate::probes::{Finished, MARK, Probe, Sample, probes, requests};
use crate::vectors::{StateRow, Vectors};
use qianpu_sdk::{
    Answer, Body, Channel, ChannelError, ChannelInfo, Context, Locale, Request, Response, Step,
};
use serde_json::Value;

const MAX_TURNS: usize = 64;

pub(crate) fn check(channel: &dyn Channel, vectors: &Vectors, report: &mut Report<'_>) {
    let info = channel.info();
    for direct in [false, true] {
        if !info.link_modes.iter().any(|mode| mode.through_app() != direct) {
            continue;
        }
        let sample = Sample::new(direct, info.app_shape.settings);
        for probe in probes(channel) {
            first_requests(channel.info(), &probe, &sample, report);
            garbage(&probe, &sample, vectors, report);
            errors(&probe, &sample, vectors, report);
        }
    }
    without_credentials(channel, report);
    let own = |value: &Value| value["state"].clone();
    states(channel, "order.fetch", &vectors.orders, own, report);
    states(channel, "product.fetch", &vectors.listings, own, report);
    states(channel, "aftersale.fetch", &vectors.aftersales, own, report);
    let disputed = |value: &Value| value["dispute"]["state"].clone();
    states(channel, "aftersale.fetch", &vectors.disputes, disputed, report);
    states(channel, "guarantee.fetch", &vectors.guarantees, own, report);
    let guarantees = channel.guarantees().is_some();
    report.must("unknown state", !guarantees || !vectors.guarantees.is_empty(), || {
        "there are no states of claims under a guarantee".to_owned()
    });
    let disputes = channel.disputes().is_some();
    report.must("unknown state", !disputes || !vectors.disputes.is_empty(), || {
        "there are no states of disputes".to_owned()
    });
    let (orders, catalog) = (channel.orders().is_some(), channel.catalog().is_some());
    report.must("unknown state", !orders || !vectors.orders.is_empty(), || {
        "there are no order states".to_owned()
    });
    let cases = channel.aftersale().is_some();
    report.must("unknown state", !cases || !vectors.aftersales.is_empty(), || {
        "there are no states of after-sale cases".to_owned()
    });
    report.must("unknown state", !catalog || !vectors.listings.is_empty(), || {
        "there are no listing states".to_owned()
    });
}

fn answered(status: u16, body: &[u8]) -> Answer {
    Answer::Response(Response { status, headers: Vec::new(), body: body.to_vec() })
}

fn garbage(probe: &Probe<'_>, sample: &Sample, vectors: &Vectors, report: &mut Report<'_>) {
    let success = vectors.success.to_string();
    let strange = vectors.strange.to_string();
    let answers: &[(&str, Answer)] = &[
        ("nothing", answered(200, b"")),
        ("{}", answered(200, b"{}")),
        ("[]", answered(200, b"[]")),
        ("null", answered(200, b"null")),
        ("a number", answered(200, b"0")),
        ("half a JSON", answered(200, b"{\"errcode\":0,")),
        ("HTML", answered(200, b"<html><body>502 Bad Gateway</body></html>")),
        ("no text", answered(200, &[0xff, 0xfe])),
        ("success without content", answered(200, success.as_bytes())),
        ("a strange code", answered(200, strange.as_bytes())),
        ("a redirect", answered(302, b"")),
        ("404", answered(404, success.as_bytes())),
        ("500", answered(500, success.as_bytes())),
        ("a network error", Answer::NetworkError("reset".to_owned())),
        ("no answer", Answer::TimedOut),
    ];
    for (what, answer) in answers {
        // For calls that only say "done" or list nothing this is a complete success.
        let complete = *what == "success without content"
            && [
                "app.request_ticket",
                "stock.set",
                "order.list",
                "message.send",
                "aftersale.list",
                "menu.publish",
                "fan.rename_tag",
                "fan.delete_tag",
                "fan.mark",
                "order.note",
                "discount.list",
                "discount.end",
                "coupon.list",
                "coupon.held",
                "showcase.list",
                "live.now",
                "live.day",
                "lead.forms",
                "lead.list",
                "funds.flows",
                "withdrawal.list",
                "brand.list",
                "brand.fetch",
                "brand.delete",
                "brand.withdraw",
                "quota.clear",
                // What a platform answers for a day without figures is not documented.
                "analytics.overview",
                "analytics.products",
                "analytics.product",
                "analytics.people",
                // Nor what it answers about a promoter and a plan that nobody knows.
                "affiliate.promoter",
                "affiliate.terms",
                "affiliate.block",
                "affiliate.change_plan",
            ]
            .contains(&probe.name);
        let end = drive(probe, sample, |requests| vec![answer.clone(); requests.len()]);
        let succeeded = matches!(&end, Some(Ok(finished)) if !finished.unfinished);
        report.must("garbage", !succeeded || complete, || format!("{} succeeds on {what}", probe.name));
        report.must("garbage", end.is_some(), || format!("{} never ends on {what}", probe.name));
    }
    if !starts_with_a_call(probe, sample) {
        return;
    }
    let none = drive(probe, sample, |_| Vec::new());
    report
        .must("garbage", !matches!(none, Some(Ok(_))), || format!("{} succeeds without answers", probe.name));
    for state in [&b"garbage"[..], b"", b"{}", b"[]"] {
        let answer = answered(200, b"{}");
        let resumed = (probe.resume)(&sample.context(), state, &[answer]);
        let done = matches!(resumed, Ok(Step::Done(_)));
        report.must("bad state", !done, || format!("{} finishes from a state that is not ours", probe.name));
    }
}

fn starts_with_a_call(probe: &Probe<'_>, sample: &Sample) -> bool {
    matches!((probe.start)(&sample.context()), Ok(Step::Call { .. }))
}

/// Runs an operation that starts with a call; `None` = it does not come to an end.
fn drive(
    probe: &Probe<'_>,
    sample: &Sample,
    answer: impl Fn(&[Request]) -> Vec<Answer>,
) -> Option<Result<Finished, ChannelError>> {
    let mut turn = (probe.start)(&sample.context());
    if !matches!(turn, Ok(Step::Call { .. })) {
        // Finished without the platform: nothing to test with answers.
        let unsure = ChannelError::unexpected("it made no call");
        return Some(Err(turn.err().unwrap_or(unsure)));
    }
    for _ in 0..MAX_TURNS {
        turn = match turn {
            Err(error) => return Some(Err(error)),
            Ok(Step::Done(finished)) => return Some(Ok(finished)),
            Ok(Step::Wait { state, .. }) => (probe.resume)(&sample.context(), &state, &[]),
            Ok(Step::Call { requests, state, .. }) => {
                (probe.resume)(&sample.context(), &state, &answer(&requests))
            }
        };
    }
    None
}

fn errors(probe: &Probe<'_>, sample: &Sample, vectors: &Vectors, report: &mut Report<'_>) {
    if !starts_with_a_call(probe, sample) {
        return;
    }
    for row in &vectors.errors {
        let body = row.answer.to_string();
        let class =
            match drive(probe, sample, |requests| vec![answered(200, body.as_bytes()); requests.len()]) {
                Some(Err(error)) => error.class_name(),
                // Setting stock and sending notices tell of a refusal in their result.
                Some(Ok(finished)) if finished.unfinished => class_inside(finished.value.as_ref()),
                Some(Ok(_)) => "success",
                None => "no end",
            };
        report.must("errors", class == row.class, || {
            format!("{}: {body} is {class}, not {}", probe.name, row.class)
        });
    }
}

/// The class of a refusal that is told inside a result: of a SKU, or of a notice.
fn class_inside(value: Option<&Value>) -> &'static str {
    let Some(value) = value else { return "unfinished" };
    // Whether the notice was sent is not known: it is sent again with the same key.
    if value["outcome"] == "unknown" {
        return "retry_later";
    }
    let class = value[0]["error"]["class"]["class"].as_str().or_else(|| value["why"].as_str());
    match class.unwrap_or_default() {
        "business_refusal" | "not_following" | "not_agreed" => "business_refusal",
        "fix_request" | "no_template" | "bad_field" => "fix_request",
        _ => "unfinished",
    }
}

fn first_requests(info: &ChannelInfo, probe: &Probe<'_>, sample: &Sample, report: &mut Report<'_>) {
    const RULE: &str = "requests";
    let step = match (probe.start)(&sample.context()) {
        Ok(step) => step,
        Err(error) => return report.fail(RULE, format!("{} does not start: {error}", probe.name)),
    };
    if let Step::Call { state, .. } = &step {
        let hidden = !String::from_utf8_lossy(state).contains(MARK);
        report.must(RULE, hidden, || format!("{} keeps a secret in its state", probe.name));
    }
    for request in requests(&step) {
        let name = probe.name;
        let declared = info.hosts.iter().any(|host| host.name == request.host);
        report.must(RULE, declared, || format!("{name}: the host {} is not declared", request.host));
        let bucket = request.bucket.is_none_or(|name| info.buckets.iter().any(|bucket| bucket.name == name));
        report.must(RULE, bucket, || format!("{name}: the bucket {:?} is not declared", request.bucket));
        let path = request.path.starts_with('/')
            && !request.path.contains(['?', '#', ' '])
            && !request.path.contains("..");
        report.must(RULE, path, || format!("{name}: the path {} is not plain", request.path));
        report.must(RULE, !request.path.contains(MARK), || format!("{name}: a secret in the path"));
        report.must(RULE, !format!("{request:?}").contains(MARK), || {
            format!("{name}: a secret in the printed form")
        });
        let hidden = |field: &str| request.redact.iter().any(|redacted| redacted.eq_ignore_ascii_case(field));
        for (field, value) in request.query.iter().chain(&request.headers) {
            report.must(RULE, !value.contains(MARK) || hidden(field), || {
                format!("{name}: {field} is not redacted")
            });
        }
        if let Body::Bytes { bytes, .. } = &request.body
            && let Ok(Value::Object(fields)) = serde_json::from_slice(bytes)
        {
            for (field, value) in fields {
                let open = value.to_string().contains(MARK) && !hidden(&field);
                report.must(RULE, !open, || format!("{name}: the body field {field} is not redacted"));
            }
        }
    }
}

fn without_credentials(channel: &dyn Channel, report: &mut Report<'_>) {
    let settings = serde_json::json!({});
    let empty = Context {
        now: crate::probes::NOW,
        nonce: "0",
        app: None,
        account: None,
        settings: &settings,
        locale: Locale::En,
    };
    for probe in probes(channel) {
        let called = matches!((probe.start)(&empty), Ok(Step::Call { .. }));
        report.must("missing credentials", !called, || format!("{} calls without credentials", probe.name));
    }
}

fn states(
    channel: &dyn Channel,
    operation: &str,
    rows: &[StateRow],
    state_of: impl Fn(&Value) -> Value,
    report: &mut Report<'_>,
) {
    let sample = Sample::new(false, channel.info().app_shape.settings);
    for probe in probes(channel).into_iter().filter(|probe| probe.name == operation) {
        for row in rows {
            let body = row.answer.to_string();
            let state =
                match drive(&probe, &sample, |requests| vec![answered(200, body.as_bytes()); requests.len()])
                {
                    Some(Ok(finished)) => finished.value.as_ref().map(&state_of).unwrap_or_default(),
                    Some(Err(error)) => Value::String(error.to_string()),
                    None => Value::String("no end".to_owned()),
                };
            report.must("unknown state", state == row.state, || {
                format!("{operation}: {state}, not {}", row.state)
            });
        }
    }
}
