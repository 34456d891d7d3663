//! Parameters of a rule as people type and read them.

use crate::error::{Answer, ApiError};
use crate::http::extract::{Call, Fields, parse_yuan};
use qianpu_domain::error::FieldError;
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{PAST_KINDS, PolicyKind};
use qianpu_domain::score;
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::{Date, Timestamp};
use serde::Serialize;

/// How a parameter is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    /// A whole number, in words of the parameter.
    Whole,
    /// Stored in fen, typed in yuan.
    Yuan,
    /// Stored in millionths, typed in percent.
    Percent,
    /// 0 or 1, chosen.
    Switch,
    /// Stored in hundredths, typed with two decimals.
    Score,
    /// `open`, `closed` or `off`, chosen; nothing leaves it to other rules.
    Phase,
}

/// A parameter with its field of the form.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Field {
    /// Not for the template: the partial of a field has a `key` of its own.
    #[serde(skip)]
    pub key: String,
    /// Name of the form's field, the path of errors too.
    pub name: String,
    pub label: String,
    unit: Unit,
    /// Word behind the number.
    suffix: String,
    required: bool,
}

impl Field {
    pub fn of(call: &Call, kind: PolicyKind, key: &str) -> Self {
        let say = |key: &str| call.state.pages.catalogue().say(call.info.lang, key, []);
        let unit = match key {
            _ if kind == PolicyKind::ChannelPhase => Unit::Phase,
            "gmv_fen" => Unit::Yuan,
            "rate_ppm" | "tax_ppm" => Unit::Percent,
            "suspends" | "each_day" | "self_service" => Unit::Switch,
            _ if kind == PolicyKind::PlanChange => Unit::Switch,
            "score" => Unit::Score,
            _ => Unit::Whole,
        };
        let (label, suffix, required) = match (kind, key.split_once('.')) {
            (PolicyKind::LinkQuota, Some((subject, account))) => {
                let subject = say(&["onboarding.badge.subject.", subject].concat());
                let account = match account {
                    "*" => say("policies.any_account"),
                    code => account_name(call, code),
                };
                (format!("{subject} · {account}"), say("policies.unit_accounts"), key.ends_with(".*"))
            }
            (PolicyKind::ChannelPhase, _) => (account_name(call, key), String::new(), false),
            _ => {
                let suffix = match (unit, key) {
                    (Unit::Yuan, _) => "¥".to_owned(),
                    (Unit::Percent, _) => "%".to_owned(),
                    (Unit::Switch | Unit::Score | Unit::Phase, _) => String::new(),
                    (Unit::Whole, "limit") => say("policies.unit_accounts"),
                    (Unit::Whole, "minutes") => say("policies.unit_minutes"),
                    (Unit::Whole, "orders") => say("policies.unit_orders"),
                    (Unit::Whole, "per_second" | "caller_per_second") => say("policies.unit_per_second"),
                    (Unit::Whole, "at_once" | "caller_at_once") => say("policies.unit_requests"),
                    (Unit::Whole, _) => say("policies.unit_days"),
                };
                (say(&["policies.parameter_", kind.as_str(), "_", key].concat()), suffix, true)
            }
        };
        Self { key: key.to_owned(), name: format!("params.{key}"), label, unit, suffix, required }
    }

    /// A stored value as it is typed.
    pub fn typed(&self, stored: &str) -> String {
        let number: Option<i64> = stored.parse().ok();
        match (self.unit, number) {
            (Unit::Yuan, Some(fen)) => Fen::new(fen).to_string(),
            (Unit::Percent, Some(ppm)) => percent(ppm),
            (Unit::Score, Some(mark)) => u32::try_from(mark).map_or_else(|_| stored.to_owned(), score::shown),
            _ => stored.to_owned(),
        }
    }
}

fn account_name(call: &Call, code: &str) -> String {
    let mut kinds = qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds);
    let known = kinds.find(|kind| kind.code == code);
    let past = || PAST_KINDS.iter().find(|(past, _, _)| *past == code).map(|(_, zh, en)| (*zh, *en));
    let name = known.map(|kind| (kind.name_zh, kind.name_en)).or_else(past);
    name.map_or_else(|| code.to_owned(), |(zh, en)| call.info.lang.pick(zh, en).to_owned())
}

/// Millionths as percent, without trailing noughts.
fn percent(ppm: i64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Percent as typed, in millionths: at most four decimals.
fn parse_percent(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('%').trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || part.len() > 4 || !digits(whole) || !digits(part) {
        return None;
    }
    let parts: i64 = format!("{part:0<4}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(10_000)?.checked_add(parts)
}

/// A stored value as people read it, with its unit.
pub(super) fn shown(call: &Call, field: &Field, stored: &str) -> String {
    let value = field.typed(stored);
    match field.unit {
        Unit::Yuan => format!("¥{value}"),
        Unit::Percent => format!("{value}%"),
        Unit::Score => value,
        Unit::Switch => {
            let key = if stored == "1" { "policies.yes" } else { "policies.no" };
            call.state.pages.catalogue().say(call.info.lang, key, [])
        }
        Unit::Phase => {
            call.state.pages.catalogue().say(call.info.lang, &["policies.phase_", stored].concat(), [])
        }
        // A number of accounts says of what it is in its label.
        Unit::Whole if field.key.contains('.') => value,
        Unit::Whole if stored == "0" && field.key.ends_with("per_second") => {
            call.state.pages.catalogue().say(call.info.lang, "health.unlimited", [])
        }
        Unit::Whole => format!("{value} {}", field.suffix),
    }
}

/// The fields of a kind, in the order of the form.
pub(super) fn fields_of(call: &Call, kind: PolicyKind) -> Vec<Field> {
    let keys: Vec<String> = match kind {
        PolicyKind::LinkQuota => {
            let codes =
                || qianpu_host::channels().into_iter().flat_map(|it| it.info().kinds).map(|it| it.code);
            let of = |subject: &SubjectKind| {
                std::iter::once("*")
                    .chain(codes())
                    .map(|code| format!("{subject}.{code}"))
                    .collect::<Vec<_>>()
            };
            SubjectKind::ALL.iter().flat_map(of).collect()
        }
        PolicyKind::ChannelPhase => {
            let kinds = qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds);
            kinds.map(|kind| kind.code.to_owned()).collect()
        }
        PolicyKind::LinkQuotaRaise => words(&["days", "score", "each_day", "limit", "grace_days"]),
        PolicyKind::StockHold => words(&["minutes"]),
        PolicyKind::AfterSaleWindow | PolicyKind::InvoiceDue | PolicyKind::DepositAppeal => words(&["days"]),
        PolicyKind::TakeRate => words(&["rate_ppm", "tax_ppm"]),
        PolicyKind::DepositTrial => words(&["days", "orders", "gmv_fen"]),
        PolicyKind::RequestRate => words(&["per_second", "at_once", "caller_per_second", "caller_at_once"]),
        PolicyKind::PlanChange => words(&["interval_now", "up_now", "same_now", "down_now", "self_service"]),
        PolicyKind::DocumentExpiry => {
            words(&["first_days", "second_days", "last_days", "grace_days", "suspends"])
        }
    };
    keys.iter().map(|key| Field::of(call, kind, key)).collect()
}

fn words(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// The parameters as they are stored, from what was typed. Ranges are the domain's to check.
pub(super) fn params_of(
    call: &Call,
    kind: PolicyKind,
    typed: &Fields,
    errors: &mut Vec<FieldError>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for field in fields_of(call, kind) {
        let text = typed.text(&field.name);
        if text.is_empty() {
            if field.required {
                errors.push(FieldError::required(field.name));
            }
            continue;
        }
        let stored = match field.unit {
            Unit::Yuan => parse_yuan(text).map(|fen| fen.get().to_string()),
            Unit::Percent => parse_percent(text).map(|ppm| ppm.to_string()),
            Unit::Score => score::read_mark(text).map(|mark| mark.to_string()),
            Unit::Whole | Unit::Switch | Unit::Phase => Some(text.to_owned()),
        };
        match (stored, field.unit) {
            (Some(stored), _) => pairs.push((field.key, stored)),
            (None, Unit::Yuan) => {
                let (en, zh) = ("an amount in yuan such as 1234.50", "请填写金额（元），例如 1234.50");
                errors.push(FieldError::new(field.name, "money", en, zh));
            }
            (None, Unit::Score) => {
                let (en, zh) = ("a mark such as 4.60", "请填写 1.00 到 5.00 之间的分数，例如 4.60");
                errors.push(FieldError::new(field.name, "range", en, zh));
            }
            (None, _) => {
                let (en, zh) = ("a percentage such as 2.5", "请填写百分比，例如 2.5");
                errors.push(FieldError::new(field.name, "percent", en, zh));
            }
        }
    }
    pairs
}

/// The beginning of a typed day, or of so many days after it, in the installation's zone.
pub(super) fn day_start(
    call: &Call,
    typed: &Fields,
    name: &str,
    later: i64,
    errors: &mut Vec<FieldError>,
) -> Answer<Option<Timestamp>> {
    let Some(day) = typed.parsed::<Date>(name, errors) else { return Ok(None) };
    let zone = jiff::tz::TimeZone::get(&call.state.config.app.time_zone).map_err(ApiError::internal)?;
    let begins = day.checked_add(jiff::Span::new().days(later)).and_then(|day| day.to_zoned(zone));
    match begins {
        Ok(moment) => Ok(Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))),
        Err(_) => {
            errors.push(FieldError::new(name, "invalid", "this is not valid", "填写不正确"));
            Ok(None)
        }
    }
}

/// Percentages are refused in the words of percent, not of what is stored.
pub(super) fn refused_at_fields(error: ApiError) -> ApiError {
    let mended: Vec<FieldError> = error
        .errors()
        .iter()
        .map(|wrong| match wrong.path.as_str() {
            "params.rate_ppm" | "params.tax_ppm" => FieldError::new(
                wrong.path.clone(),
                "range",
                "expected 0 to 100 percent",
                "应为 0 到 100 之间的百分比",
            ),
            _ => wrong.clone(),
        })
        .collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_trip() {
        for (ppm, text) in [(0, "0"), (20_000, "2"), (25_500, "2.55"), (1, "0.0001"), (1_000_000, "100")] {
            assert_eq!(percent(ppm), text);
            assert_eq!(parse_percent(text), Some(ppm));
        }
        for bad in ["", "-1", "2.00001", "1e3", ".5", "abc"] {
            assert_eq!(parse_percent(bad), None, "{bad}");
        }
    }
}
