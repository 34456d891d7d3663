//! Recorded exchanges: one operation as requests that are expected and answers that are given. Data, so that a built-in
//! plugin and a component in any language run the same file.

use crate::probes::Sample;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Answer, Body, Channel, Context, Request, Response, Step, bridge};
use serde::Deserialize;
use serde_json::{Value, json};

const MAX_TURNS: usize = 64;

/// Endings of fields that hold tokens; shown masked. The `value` of a token stands beside the time it ends.
const TOKENS: &[&str] = &["access_token", "refresh_token"];
/// Longest line that is shown.
const LONGEST_LINE: usize = 2_000;

/// An operation with its exchanges, as it is written in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    operation: String,
    /// Seconds since 1970.
    now: i64,
    /// Whether the account is linked directly; otherwise through an app.
    #[serde(default)]
    direct: bool,
    #[serde(default = "empty")]
    settings: Value,
    #[serde(default = "empty")]
    input: Value,
    turns: Vec<Exchanges>,
    /// What the outcome has to hold: fields that are not named here may be anything. Or the class of the error.
    #[serde(default, deserialize_with = "there")]
    outcome: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchanges {
    requests: Vec<Value>,
    answers: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    status: u16,
    /// JSON, or text for what is not JSON.
    body: Value,
}

fn empty() -> Value {
    json!({})
}

/// `null` is an outcome: of operations that only say "done".
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What came of a recording: lines to read, and what did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Played {
    /// The exchanges, one line each.
    pub lines: Vec<String>,
    /// What did not hold; empty when all is well.
    pub failure: Option<String>,
}

/// Plays a recording. Compared is what the platform and the caller see: method, host, path, query, headers and body of
/// each request, and what the recording says of the outcome. Secrets are those of the suite
/// (`qianpu-conformance-secret-…`); they are masked in what is shown, as in the server's own log.
pub fn replay(channel: &dyn Channel, text: &str) -> Played {
    let mut played = Played::default();
    played.failure = match serde_json::from_str::<Recording>(text) {
        Ok(recording) => run(channel, &recording, &mut played.lines).err(),
        Err(error) => Some(format!("the recording cannot be read: {error}")),
    };
    played
}

fn run(channel: &dyn Channel, recording: &Recording, lines: &mut Vec<String>) -> Result<(), String> {
    let sample = Sample::new(recording.direct, channel.info().app_shape.settings);
    let context = Context {
        now: Timestamp::from_seconds(recording.now),
        settings: &recording.settings,
        ..sample.context()
    };
    let operation = recording.operation.as_str();
    let mut turns = recording.turns.iter();
    let mut turn = bridge::start(channel, &context, operation, &recording.input.to_string());
    for _ in 0..MAX_TURNS {
        turn = match turn {
            Err(error) => {
                lines.push(format!("✗ {error}"));
                return match &recording.error {
                    Some(class) if class == error.class_name() => left_over(turns.next().is_none()),
                    _ => Err(format!("it ends with {error}")),
                };
            }
            Ok(Step::Done(outcome)) => {
                let outcome: Value = serde_json::from_str(&outcome).map_err(|error| error.to_string())?;
                lines.push(cut(format!("= {}", masked(outcome.clone()))));
                return match &recording.outcome {
                    Some(expected) => {
                        holds(expected, &outcome, "the outcome")?;
                        left_over(turns.next().is_none())
                    }
                    None => Err("it succeeds".to_owned()),
                };
            }
            Ok(Step::Wait { ms, state }) => {
                lines.push(format!("… waits {ms} ms"));
                bridge::resume(channel, &context, operation, &state, &[])
            }
            Ok(Step::Call { requests, state, .. }) => {
                let expected = turns.next().ok_or("it makes a call that is not recorded")?;
                let answers = exchange(&requests, expected, lines)?;
                bridge::resume(channel, &context, operation, &state, &answers)
            }
        };
    }
    Err("it does not come to an end".to_owned())
}

fn left_over(none: bool) -> Result<(), String> {
    if none { Ok(()) } else { Err("it ends before the recording does".to_owned()) }
}

fn exchange(
    requests: &[Request],
    expected: &Exchanges,
    lines: &mut Vec<String>,
) -> Result<Vec<Answer>, String> {
    lines.extend(requests.iter().map(|request| cut(arrow(request))));
    let seen: Vec<Value> = requests.iter().map(shown).collect();
    if seen.len() != expected.requests.len() {
        return Err(format!("it makes {} requests and not {}", seen.len(), expected.requests.len()));
    }
    for (at, (seen, wanted)) in seen.iter().zip(&expected.requests).enumerate() {
        if seen != wanted {
            return Err(format!("request {at} is\n  {seen}\nand not\n  {wanted}"));
        }
    }
    let answer = |given: &Given| {
        let body = match &given.body {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        lines.push(cut(format!("← {} {}", given.status, masked(given.body.clone()))));
        Answer::Response(Response { status: given.status, headers: Vec::new(), body: body.into_bytes() })
    };
    Ok(expected.answers.iter().map(answer).collect())
}

/// Whether everything that is expected is there; lists have the same length.
fn holds(expected: &Value, seen: &Value, path: &str) -> Result<(), String> {
    match (expected, seen) {
        (Value::Object(expected), Value::Object(seen)) => expected.iter().try_for_each(|(name, expected)| {
            holds(expected, seen.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"))
        }),
        (Value::Array(expected), Value::Array(seen)) if expected.len() == seen.len() => {
            let mut pairs = expected.iter().zip(seen).enumerate();
            pairs.try_for_each(|(at, (expected, seen))| holds(expected, seen, &format!("{path}[{at}]")))
        }
        (expected, seen) if expected == seen => Ok(()),
        (expected, seen) => Err(format!("{path} is {seen} and not {expected}")),
    }
}

fn cut(line: String) -> String {
    if line.chars().count() > LONGEST_LINE {
        line.chars().take(LONGEST_LINE).chain(['…']).collect()
    } else {
        line
    }
}

/// A value without its tokens.
fn masked(mut value: Value) -> Value {
    hide(&mut value);
    value
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let token = fields.contains_key("expires_at");
            for (name, field) in fields {
                let secret = TOKENS.iter().any(|end| name.ends_with(end)) || (token && name == "value");
                if secret && field.is_string() {
                    *field = Value::from("***");
                }
                hide(field);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}

/// A request on a line, with what it marks as secret masked.
fn arrow(request: &Request) -> String {
    let hidden = |name: &str| request.redact.iter().any(|redacted| redacted.eq_ignore_ascii_case(name));
    let mut value = shown(request);
    for part in ["query", "headers"] {
        for pair in value[part].as_array_mut().into_iter().flatten() {
            if hidden(pair[0].as_str().unwrap_or_default()) {
                pair[1] = Value::from("***");
            }
        }
    }
    for (name, field) in value["body"].as_object_mut().into_iter().flatten() {
        if hidden(name) {
            *field = Value::from("***");
        }
    }
    let mut line = format!("→ {} {}{}", request.method.as_str(), request.host, request.path);
    for part in ["query", "headers", "body"] {
        if !value[part].is_null() {
            line.push_str(&format!(" {}", value[part]));
        }
    }
    line
}

/// A request as a recording has it: what is empty is left out.
fn shown(request: &Request) -> Value {
    let mut value = json!({
        "method": request.method.as_str(), "host": request.host, "path": request.path,
    });
    let body = match &request.body {
        Body::Empty => Value::Null,
        Body::Bytes { bytes, .. } => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        Body::Multipart(parts) => parts.iter().map(|part| Value::from(part.name.as_str())).collect(),
    };
    if let Value::Object(fields) = &mut value {
        for (name, part) in
            [("query", json!(request.query)), ("headers", json!(request.headers)), ("body", body)]
        {
            let nothing = part.is_null() || part.as_array().is_some_and(Vec::is_empty);
            if !nothing {
                fields.insert(name.to_owned(), part);
            }
        }
    }
    value
}
