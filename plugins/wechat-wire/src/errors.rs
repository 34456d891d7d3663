//! The platform's error codes, sorted into classes by one table.

use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{ChannelError, ErrorClass, FieldError, RemoteError};

/// What a code means for us, before the clock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A token is not accepted.
    Token,
    /// Again after some seconds.
    Later(i64),
    /// Not before the next minute.
    NextMinute,
    /// Not before the next day in Beijing.
    NextDay,
    /// The merchant links again or grants more.
    Link,
    /// Our request is at fault; the field, where the code names one.
    Fix(Option<&'static str>),
    /// The platform's rules say no.
    Refused,
    /// It will never work for this account.
    Never,
}

/// Code → meaning. A code that is not here is a refusal in the platform's own words: nothing is guessed from it.
pub const CODES: &[(i64, Meaning)] = &[
    // busy
    (-1, Meaning::Later(2)),
    // "the system failed", of the after-sale calls
    (9700223, Meaning::Later(2)),
    (45009, Meaning::NextDay),
    (45011, Meaning::NextMinute),
    // tokens
    (40001, Meaning::Token),
    (40014, Meaning::Token),
    (42001, Meaning::Token),
    // the grant
    (42007, Meaning::Link),
    (48001, Meaning::Link),
    (61003, Meaning::Link),
    (61007, Meaning::Link),
    (61016, Meaning::Link),
    (61023, Meaning::Link),
    // the channel app's ticket comes every ten minutes
    (61005, Meaning::Later(600)),
    (61006, Meaning::Later(600)),
    (61009, Meaning::Refused),
    (61010, Meaning::Refused),
    (61011, Meaning::Never),
    // our address is not on the allow-list: an operator has to add it, then the same call works
    (45035, Meaning::Later(600)),
    (61004, Meaning::Later(600)),
    (40164, Meaning::Later(600)),
    // requests at fault
    (40013, Meaning::Fix(Some("app_id"))),
    (40125, Meaning::Fix(Some("app_secret"))),
    (41001, Meaning::Fix(Some("access_token"))),
    (41002, Meaning::Fix(Some("app_id"))),
    (41004, Meaning::Fix(Some("app_secret"))),
    (41018, Meaning::Fix(None)),
    (40003, Meaning::Fix(None)),
    (40029, Meaning::Fix(None)),
    (40163, Meaning::Fix(None)),
    (42003, Meaning::Fix(None)),
    (40066, Meaning::Fix(None)),
    (40097, Meaning::Fix(None)),
    (40170, Meaning::Fix(None)),
    (43002, Meaning::Fix(None)),
    (43003, Meaning::Fix(None)),
    (44002, Meaning::Fix(None)),
    (45002, Meaning::Fix(None)),
    (47001, Meaning::Fix(None)),
    (61014, Meaning::Fix(None)),
    // followers and tags of public accounts
    (40037, Meaning::Fix(Some("template_id"))),
    (43004, Meaning::Refused),
    (43101, Meaning::Refused),
    (47003, Meaning::Fix(Some("fields"))),
    (40032, Meaning::Fix(Some("open_ids"))),
    (45056, Meaning::Refused),
    (45057, Meaning::Refused),
    (45058, Meaning::Refused),
    (45059, Meaning::Refused),
    (45157, Meaning::Fix(Some("name"))),
    (45158, Meaning::Fix(Some("name"))),
    (45159, Meaning::Fix(Some("tag_id"))),
    (49003, Meaning::Fix(Some("open_ids"))),
    // limits that no waiting of ours helps with
    (45015, Meaning::Refused),
    (45047, Meaning::Refused),
    (48006, Meaning::Refused),
    // the account is barred or closed
    (48004, Meaning::Never),
    (50002, Meaning::Never),
    (10_080_000, Meaning::Never),
    (10_080_001, Meaning::Never),
    (10_080_002, Meaning::Never),
    // shop
    (10_020_067, Meaning::Later(30)),
    (10_021_041, Meaning::Refused),
    // shop: the draft, field by field
    (10_020_011, Meaning::Fix(Some("category_path"))),
    (10_020_013, Meaning::Fix(Some("skus"))),
    (10_020_017, Meaning::Fix(Some("category_path"))),
    (10_020_018, Meaning::Refused),
    (10_020_019, Meaning::Fix(Some("freight_template_id"))),
    (10_020_020, Meaning::Fix(Some("title"))),
    (10_020_021, Meaning::Fix(Some("title"))),
    (10_020_022, Meaning::Fix(Some("pictures"))),
    (10_020_023, Meaning::Fix(Some("pictures"))),
    (10_020_025, Meaning::Fix(Some("description_pictures"))),
    (10_020_028, Meaning::Fix(Some("skus.price"))),
    (10_020_029, Meaning::Fix(Some("skus.code"))),
    (10_020_032, Meaning::Fix(Some("skus.specs"))),
    (10_020_033, Meaning::Fix(Some("skus.specs"))),
    (10_020_035, Meaning::Fix(Some("pictures"))),
    (10_020_036, Meaning::Fix(Some("out_product_id"))),
    (10_020_037, Meaning::Fix(Some("skus.out_sku_id"))),
    (10_020_038, Meaning::Fix(Some("skus"))),
    (10_020_039, Meaning::Fix(Some("skus.price"))),
    (10_020_040, Meaning::Fix(Some("skus.market_price"))),
    (10_020_042, Meaning::Fix(Some("title"))),
    (10_020_045, Meaning::Fix(Some("title"))),
    // stock cannot be set while a version is in audit
    (10_020_217, Meaning::Later(300)),
    (101_100, Meaning::Refused),
    (606_031, Meaning::Refused),
    (660_006, Meaning::Refused),
];

/// The meaning of a code.
pub fn meaning(code: i64) -> Meaning {
    CODES.iter().find(|(listed, _)| *listed == code).map_or(Meaning::Refused, |(_, meaning)| *meaning)
}

/// Makes the error of a code.
pub fn error(code: i64, message: &str, now: Timestamp) -> ChannelError {
    let (message, rid) = split_rid(message);
    let class = match meaning(code) {
        Meaning::Token => ErrorClass::RetryAfterRefresh,
        Meaning::Later(seconds) => ErrorClass::RetryLater { after: Span::seconds(seconds) },
        Meaning::NextMinute => {
            ErrorClass::RetryLater { after: Span::seconds(60 - now.seconds().rem_euclid(60)) }
        }
        Meaning::NextDay => ErrorClass::Quota { until: next_beijing_midnight(now) },
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
    ChannelError::remote(class, RemoteError { code: code.to_string(), message, rid })
}

/// Every error text ends with ` rid: xxxx`.
fn split_rid(message: &str) -> (String, Option<String>) {
    match message.rsplit_once("rid:") {
        Some((text, rid)) if !rid.trim().is_empty() && !rid.trim().contains(char::is_whitespace) => {
            (text.trim_end().to_owned(), Some(rid.trim().to_owned()))
        }
        _ => (message.trim().to_owned(), None),
    }
}

/// Daily quotas fill again at midnight in Beijing, which has kept UTC+8 all year round since 1991.
pub fn next_beijing_midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    const OFFSET: i64 = 8 * 3_600;
    let day = (now.seconds() + OFFSET).div_euclid(DAY) + 1;
    Timestamp::from_seconds(day * DAY - OFFSET)
}
