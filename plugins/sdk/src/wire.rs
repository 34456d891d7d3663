//! How domain values are written in JSON between host and plugin, and how platform JSON is read without loss.
//!
//! Times are whole microseconds, money whole fen, ids text. Floats appear nowhere.

use serde_json::Value;

/// An id from platform JSON: text as it is, or a whole number (pushes carry ids above 2^53 as numbers).
/// Floats, negative numbers, blanks, and everything else are not ids.
///
/// ```
/// let push: serde_json::Value = serde_json::from_str(r#"{"order_id": 3705115058471208928}"#).unwrap();
/// assert_eq!(qianpu_sdk::wire::id(&push["order_id"]).as_deref(), Some("3705115058471208928"));
/// ```
pub fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// A whole number from platform JSON: a number, or text of digits (XML has only text).
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Non-empty text.
pub fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

macro_rules! adapter {
    ($(#[$doc:meta])* $module:ident, $module_opt:ident, $type:ty, $from:expr, $to:expr) => {
        $(#[$doc])*
        pub mod $module {
            use serde::{Deserialize, Deserializer, Serializer};
            /// Writes the whole number.
            pub fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64($to(*value))
            }
            /// Reads the whole number.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                i64::deserialize(deserializer).map($from)
            }
        }
        /// The same for an optional value.
        pub mod $module_opt {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};
            /// Writes the whole number or null.
            pub fn serialize<S: Serializer>(value: &Option<$type>, serializer: S) -> Result<S::Ok, S::Error> {
                value.map($to).serialize(serializer)
            }
            /// Reads the whole number or null.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<$type>, D::Error> {
                Option::<i64>::deserialize(deserializer).map(|value| value.map($from))
            }
        }
    };
}

adapter!(
    /// For `#[serde(with = …)]`: money as whole fen.
    fen, fen_opt, qianpu_domain::money::Fen, qianpu_domain::money::Fen::new, qianpu_domain::money::Fen::get
);
adapter!(
    /// For `#[serde(with = …)]`: a moment as UTC microseconds.
    time, time_opt, qianpu_domain::time::Timestamp,
    qianpu_domain::time::Timestamp::from_micros, qianpu_domain::time::Timestamp::micros
);
adapter!(
    /// For `#[serde(with = …)]`: a span as microseconds.
    span, span_opt, qianpu_domain::time::Span,
    qianpu_domain::time::Span::micros, qianpu_domain::time::Span::as_micros
);
