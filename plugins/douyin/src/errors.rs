//! The platform's error codes, sorted into classes by one table: the detailed code decides where it is listed, else
//! the code. The codes are those of the platform's table of basic errors.

use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{ChannelError, ErrorClass, FieldError, RemoteError};
use serde_json::Value;

/// The code of success.
pub const DONE: i64 = 10_000;

/// What a code means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The account's token is not accepted.
    Token,
    /// Again after some seconds.
    Later(i64),
    /// Not before the next minute.
    NextMinute,
    /// The merchant links again, or grants more.
    Link,
    /// Our request is at fault; the field, where the code names one.
    Fix(Option<&'static str>),
    /// The platform's rules say no.
    Refused,
    /// It will never work for this app or account.
    Never,
}

/// Code → meaning. A code that is not here is a refusal in the platform's own words.
pub const CODES: &[(i64, Meaning)] = &[
    (10_001, Meaning::Refused),
    (20_000, Meaning::Later(2)),
    (20_001, Meaning::Later(2)),
    (30_000, Meaning::Fix(None)),
    (30_001, Meaning::Link),
    // our address is not on the allow-list: an operator has to add it, then the same call works
    (30_002, Meaning::Later(600)),
    (40_001, Meaning::Fix(None)),
    (40_002, Meaning::Fix(None)),
    (40_003, Meaning::Fix(None)),
    (40_004, Meaning::Fix(None)),
    (50_000, Meaning::Later(10)),
    (50_001, Meaning::Later(10)),
    (50_002, Meaning::Refused),
    (60_000, Meaning::NextMinute),
    (70_000, Meaning::Refused),
    (80_000, Meaning::Refused),
    (90_000, Meaning::Later(30)),
];

/// Detailed code → meaning. A detailed code may go on after a colon with the code of a service behind it.
pub const SUB_CODES: &[(&str, Meaning)] = &[
    ("isv.access-token-expired", Meaning::Token),
    ("isv.access-token-no-existed", Meaning::Token),
    ("isv.access-token-missing", Meaning::Token),
    // token and app do not belong together: a refresh with the same app would not help
    ("isv.access-token-invalid", Meaning::Link),
    ("isv.authorization-type-invalid", Meaning::Link),
    ("isv.app-permissions-insufficient", Meaning::Link),
    ("dop.authorization-no-existed", Meaning::Link),
    ("dop.authorization-closed", Meaning::Link),
    ("dop.app-forbidden", Meaning::Never),
    ("isv.signature-missing", Meaning::Fix(Some("app_secret"))),
    ("isv.signature-invalid", Meaning::Fix(Some("app_secret"))),
    ("isv.app-id-missing", Meaning::Fix(Some("app_key"))),
    ("isv.app-id-invalid", Meaning::Fix(Some("app_key"))),
    ("isv.app-id-expired", Meaning::Never),
    ("isv.parameter-format-invalid", Meaning::Fix(None)),
    ("isv.parameter-invalid", Meaning::Fix(None)),
    ("isv.idempotent-id-existed", Meaning::Refused),
    // our clock and theirs disagree
    ("isv.timestamp-invalid", Meaning::Later(5)),
    ("isv.timestamp-format-error", Meaning::Fix(None)),
    ("dop.token-generate-failed:app-secret-invalid", Meaning::Fix(Some("app_secret"))),
    ("dop.token-generate-failed:grant-type-invalid", Meaning::Fix(None)),
    ("dop.token-generate-failed:app-forbidden", Meaning::Never),
    ("dop.token-generate-failed:code-invalid", Meaning::Link),
    ("dop.token-generate-failed:code-expired", Meaning::Link),
    ("dop.token-generate-failed:no-authorization", Meaning::Link),
    ("dop.token-generate-failed:token-expired", Meaning::Link),
    ("dop.token-generate-failed:token-invalid", Meaning::Link),
    // "the refresh token does not exist", in the words of the service behind
    ("isv.business-failed:31009", Meaning::Link),
    ("dop.service-error", Meaning::Later(2)),
    ("isp.service-error", Meaning::Later(2)),
    ("isp.api-service-off", Meaning::Refused),
    // "the grant of the code does not exist"
    ("isp.unknown-error", Meaning::Link),
    ("dop.unknown-error", Meaning::Later(30)),
];

/// The meaning of a code and its detailed code.
pub fn meaning(code: i64, sub_code: &str) -> Meaning {
    // The platform's table writes one of them with a blank after the colon.
    let sub_code = sub_code.replace(' ', "");
    let listed = |name: &str| SUB_CODES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning);
    let before_colon = sub_code.split_once(':').map(|(before, _)| before);
    listed(&sub_code)
        .or_else(|| before_colon.and_then(listed))
        .or_else(|| CODES.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning))
        .unwrap_or(Meaning::Refused)
}

/// Makes the error of an answer.
pub fn error(body: &Value, now: Timestamp) -> ChannelError {
    let code = integer(&body["code"]).unwrap_or_default();
    let sub_code = text(&body["sub_code"]).unwrap_or_default();
    let message = text(&body["sub_msg"]).or_else(|| text(&body["msg"])).unwrap_or_default();
    let class = match meaning(code, &sub_code) {
        Meaning::Token => ErrorClass::RetryAfterRefresh,
        Meaning::Later(seconds) => ErrorClass::RetryLater { after: Span::seconds(seconds) },
        Meaning::NextMinute => {
            ErrorClass::RetryLater { after: Span::seconds(60 - now.seconds().rem_euclid(60)) }
        }
        Meaning::Link => ErrorClass::Reauthorise,
        Meaning::Fix(field) => ErrorClass::FixRequest {
            fields: field
                .map(|path| FieldError {
                    path: path.to_owned(),
                    code: "refused_by_platform".to_owned(),
                    message: message.clone(),
                })
                .into_iter()
                .collect(),
        },
        Meaning::Refused => ErrorClass::BusinessRefusal,
        Meaning::Never => ErrorClass::Fatal,
    };
    let code = if sub_code.is_empty() { code.to_string() } else { format!("{code} {sub_code}") };
    ChannelError::remote(class, RemoteError { code, message, rid: text(&body["log_id"]) })
}
