//! Parameters that cannot be read, said at their field.

use super::PolicyError;
use crate::error::FieldError;

impl PolicyError {
    /// The parameter it is about, `params.{key}`; none when it is about no parameter.
    pub fn field(&self) -> Option<FieldError> {
        let (key, code, en, zh) = match self {
            Self::UnknownKey(key) => {
                (key.as_str(), "unknown", "no such parameter".to_owned(), "没有该参数".to_owned())
            }
            Self::DuplicateKey(key) => {
                (key.as_str(), "duplicate", "given twice".to_owned(), "重复填写".to_owned())
            }
            Self::MissingKey(key) => (*key, "required", "is needed".to_owned(), "请填写".to_owned()),
            Self::Value { key, expected } => {
                (key.as_str(), "range", format!("expected {expected}"), in_chinese(expected))
            }
            Self::NoRule(_) | Self::WrongKind(_) => return None,
        };
        Some(FieldError::new(format!("params.{key}"), code, en, zh))
    }
}

fn in_chinese(expected: &str) -> String {
    match expected {
        "fen, not negative" => "应为不小于 0 的整数（分）".to_owned(),
        "0 or 1" => "应为 0 或 1".to_owned(),
        "less than the notice before it" => "应少于前一次提醒的天数".to_owned(),
        range => format!("应为 {} 的整数", range.replace(" to ", " 到 ")),
    }
}
