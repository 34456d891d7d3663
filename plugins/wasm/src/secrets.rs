//! Secrets as handles: what a component sees in their place, and how the values get back.
//!
//! A handle is `qps-<nonce>-<name>-`. The nonce is drawn anew for every operation, so that text that a merchant, a buyer
//! or a platform wrote can never be one.

use crate::fault::Fault;
use serde_json::Value;

/// Values shorter than this are not looked for in answers: they could stand there by chance.
const SHORTEST: usize = 8;

/// The secrets of one call.
pub(crate) struct Secrets {
    prefix: String,
    known: Vec<(String, String)>,
    answers: usize,
}

/// How a value is written where it is put in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Plain,
    Json,
    Form,
}

impl Secrets {
    /// With the operation's nonce; without a proper one a new one is drawn.
    pub(crate) fn new(nonce: &str) -> Self {
        let proper = nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        let nonce = if proper { nonce.to_owned() } else { drawn() };
        Self { prefix: format!("qps-{nonce}-"), known: Vec::new(), answers: 0 }
    }

    /// The handle of a secret.
    pub(crate) fn handle(&mut self, name: &str, value: &str) -> String {
        if !self.known.iter().any(|(known, _)| known == name) {
            self.known.push((name.to_owned(), value.to_owned()));
        }
        format!("{}{name}-", self.prefix)
    }

    /// The value behind a handle.
    pub(crate) fn value(&self, handle: &str) -> Result<&str, Fault> {
        let name = handle.strip_prefix(&self.prefix).and_then(|rest| rest.strip_suffix('-'));
        let found = name.and_then(|name| self.known.iter().find(|(known, _)| known == name));
        found
            .map(|(_, value)| value.as_str())
            .ok_or_else(|| Fault::Refused("it named an unknown secret".to_owned()))
    }

    /// Whether a handle stands for a secret that proves pushes. A plugin decides which pushes are genuine anyway, so
    /// computations from which these could be worked out are open to them, and to them only.
    pub(crate) fn proves_pushes(&self, handle: &str) -> bool {
        handle.strip_prefix(&self.prefix).is_some_and(|name| name.starts_with("push."))
    }

    /// Whether there is a handle in a text.
    pub(crate) fn within(&self, text: &str) -> bool {
        text.contains(&self.prefix)
    }

    /// Puts values in the place of handles; `None` when there was no handle.
    pub(crate) fn put_in(&self, text: &[u8], writing: Writing) -> Result<Option<Vec<u8>>, Fault> {
        let prefix = self.prefix.as_bytes();
        let Some(mut at) = find(text, prefix) else { return Ok(None) };
        let mut filled = Vec::with_capacity(text.len() + 64);
        let mut rest = text;
        loop {
            let (before, from) = rest.split_at(at);
            filled.extend_from_slice(before);
            let after = from.get(prefix.len()..).unwrap_or_default();
            let end = after.iter().position(|byte| *byte == b'-').unwrap_or(after.len());
            let handle = from.get(..prefix.len() + end + 1).unwrap_or(from);
            let value = self.value(&String::from_utf8_lossy(handle))?;
            filled.extend_from_slice(written(value, writing).as_bytes());
            rest = from.get(handle.len()..).unwrap_or_default();
            match find(rest, prefix) {
                Some(next) => at = next,
                None => break,
            }
        }
        filled.extend_from_slice(rest);
        Ok(Some(filled))
    }

    /// Puts handles in the place of secrets in an answer: of the values that are known, and of the fields that the
    /// manifest says hold tokens.
    pub(crate) fn veil(&mut self, body: &[u8], fields: &[String]) -> Vec<u8> {
        let mut body = body.to_vec();
        for (name, value) in &self.known {
            let handle = format!("{}{name}-", self.prefix);
            if value.len() >= SHORTEST {
                body = replaced(&body, value.as_bytes(), handle.as_bytes());
            }
        }
        let named = fields.iter().any(|field| find(&body, field.as_bytes()).is_some());
        if named && let Ok(mut json) = serde_json::from_slice::<Value>(&body) {
            let mut changed = false;
            self.veil_fields(&mut json, fields, &mut changed);
            if changed && let Ok(written) = serde_json::to_vec(&json) {
                return written;
            }
        }
        body
    }

    fn veil_fields(&mut self, json: &mut Value, fields: &[String], changed: &mut bool) {
        match json {
            Value::Object(object) => {
                for (name, value) in object.iter_mut() {
                    match value {
                        Value::String(text)
                            if fields.contains(name) && !text.is_empty() && !self.within(text) =>
                        {
                            self.answers += 1;
                            let handle = self.handle(&format!("answer.{}", self.answers), &text.clone());
                            *text = handle;
                            *changed = true;
                        }
                        other => self.veil_fields(other, fields, changed),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.veil_fields(item, fields, changed)),
            _ => {}
        }
    }
}

fn drawn() -> String {
    let mut bytes = [0; 16];
    // Without randomness nothing else in the process works either; an unusable prefix then refuses every handle.
    match getrandom::fill(&mut bytes) {
        Ok(()) => hex::encode(bytes),
        Err(_) => String::new(),
    }
}

fn replaced(text: &[u8], wanted: &[u8], by: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, wanted) {
        let (before, from) = rest.split_at(at);
        result.extend_from_slice(before);
        result.extend_from_slice(by);
        rest = from.get(wanted.len()..).unwrap_or_default();
    }
    result.extend_from_slice(rest);
    result
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

fn written(value: &str, writing: Writing) -> String {
    match writing {
        Writing::Plain => value.to_owned(),
        Writing::Json => {
            let quoted = Value::String(value.to_owned()).to_string();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
        }
        Writing::Form => url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, Writing};

    const NONCE: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn values_go_where_handles_are_and_nowhere_else() {
        let mut secrets = Secrets::new(NONCE);
        let handle = secrets.handle("account.token", "a\"b&c");
        let text = format!("{{\"x\":\"{handle}{handle}\"}}");
        let filled =
            |writing| String::from_utf8(secrets.put_in(text.as_bytes(), writing).unwrap().unwrap()).unwrap();
        assert_eq!(filled(Writing::Json), r#"{"x":"a\"b&ca\"b&c"}"#);
        assert_eq!(filled(Writing::Plain), r#"{"x":"a"b&ca"b&c"}"#);
        assert_eq!(filled(Writing::Form), r#"{"x":"a%22b%26ca%22b%26c"}"#);
        assert_eq!(secrets.put_in(b"nothing here", Writing::Plain).unwrap(), None);
        // A handle of another operation, as a merchant might have typed it, is text.
        assert_eq!(
            secrets.put_in(b"qps-ffffffffffffffffffffffffffffffff-account.token-", Writing::Plain).unwrap(),
            None
        );
        let unknown = format!("qps-{NONCE}-app.secret-");
        assert!(secrets.put_in(unknown.as_bytes(), Writing::Plain).is_err());
        assert!(secrets.put_in(format!("qps-{NONCE}-").as_bytes(), Writing::Plain).is_err());
        assert_eq!(secrets.value(&handle).unwrap(), "a\"b&c");
        assert!(secrets.value("a\"b&c").is_err());
    }

    #[test]
    fn answers_show_handles() {
        let mut secrets = Secrets::new(NONCE);
        secrets.handle("account.secret", "a-secret-value");
        let fields = ["access_token".to_owned()];
        let body = br#"{"access_token":"new","n":{"access_token":"newer"},"echo":"a-secret-value","big":3705115058471208928}"#;
        let seen = String::from_utf8(secrets.veil(body, &fields)).unwrap();
        assert!(!seen.contains("new") && !seen.contains("a-secret-value"), "{seen}");
        assert!(seen.contains("3705115058471208928"));
        let json: serde_json::Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(secrets.value(json["access_token"].as_str().unwrap()).unwrap(), "new");
        assert_eq!(secrets.value(json["n"]["access_token"].as_str().unwrap()).unwrap(), "newer");
        assert_eq!(secrets.veil(b"\xff\x00", &fields), b"\xff\x00");
    }

    #[test]
    fn without_a_proper_nonce_one_is_drawn() {
        let (mut one, mut other) = (Secrets::new(""), Secrets::new(""));
        assert_ne!(one.handle("a", "1"), other.handle("a", "1"));
    }
}
