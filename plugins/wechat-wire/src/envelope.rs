//! The two envelopes of pushes, XML and JSON, and reading either into one JSON value.
//!
//! XML is read without document types or custom entities, with limits on depth and size; elements that occur
//! several times become arrays, everything else is text.

use qianpu_sdk::{PushFormat, PushRefusal};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 20_000;

/// The outer, still encrypted part of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// How it was written.
    pub format: PushFormat,
    /// The base64 text of `Encrypt`.
    pub encrypted: String,
    /// `ToUserName`, when it is there (component system events carry `AppId` instead).
    pub to_user_name: Option<String>,
}

impl Envelope {
    /// Reads the body of a push.
    pub fn read(body: &[u8]) -> Result<Self, PushRefusal> {
        let (format, value) = read_value(body).ok_or(PushRefusal::Malformed)?;
        let encrypted = value.get("Encrypt").and_then(Value::as_str).ok_or(PushRefusal::Malformed)?;
        Ok(Self {
            format,
            encrypted: encrypted.to_owned(),
            to_user_name: value.get("ToUserName").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// Reads a message of either format into an object.
pub fn read_value(body: &[u8]) -> Option<(PushFormat, Value)> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    let (format, value) = match text.as_bytes().first()? {
        b'<' => (PushFormat::Xml, read_xml(text)?),
        b'{' => (PushFormat::Json, serde_json::from_str(text).ok()?),
        _ => return None,
    };
    value.is_object().then_some((format, value))
}

/// One open element.
struct Open {
    name: String,
    text: String,
    children: Map<String, Value>,
}

impl Open {
    fn close(self) -> (String, Value) {
        let value = if self.children.is_empty() {
            Value::String(self.text.trim().to_owned())
        } else {
            Value::Object(self.children)
        };
        (self.name, value)
    }
}

fn read_xml(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if root.is_some() || open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS {
                    return None;
                }
                let name = element_name(start.local_name().as_ref())?;
                open.push(Open { name, text: String::new(), children: Map::new() });
            }
            Event::End(_) => {
                let (name, value) = open.pop()?.close();
                match open.last_mut() {
                    Some(parent) => insert(&mut parent.children, name, value),
                    None => root = Some(value),
                }
            }
            Event::Text(part) => push_text(&mut open, &part.into_inner())?,
            Event::CData(part) => push_text(&mut open, &part.into_inner())?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().ok()? {
                    Some(character) => character,
                    None => predefined(&reference.into_inner())?,
                };
                push_text(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) | Event::Empty(_) => return None,
            Event::Eof => break,
        }
    }
    // An element without children at the root is text, not a message.
    root.filter(|value| open.is_empty() && value.is_object())
}

fn element_name(name: impl AsRef<[u8]>) -> Option<String> {
    std::str::from_utf8(name.as_ref()).ok().map(str::to_owned)
}

fn push_text(open: &mut [Open], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

fn insert(children: &mut Map<String, Value>, name: String, value: Value) {
    match children.get_mut(&name) {
        None => {
            children.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => {
            let earlier = first.take();
            *first = Value::Array(vec![earlier, value]);
        }
    }
}

/// Writes an encrypted reply in the format of the push.
pub fn write_reply(
    format: PushFormat,
    encrypted: &str,
    signature: &str,
    timestamp: i64,
    nonce: &str,
) -> Vec<u8> {
    match format {
        PushFormat::Json => serde_json::json!({
            "Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce,
        })
        .to_string()
        .into_bytes(),
        // The nonce came from the platform's query and was part of its signature; CDATA keeps it inert.
        PushFormat::Xml => format!(
            "<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
             <TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{}]]></Nonce></xml>",
            nonce.replace("]]>", "")
        )
        .into_bytes(),
    }
}
