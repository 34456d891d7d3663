//! Plans, periods and invoices.
//!
//! A subscription pins an immutable plan version. Periods are half-open `[start, end)` dates in the
//! merchant's zone, always computed from the anchor and never from the period before, so that day 31
//! clamps to the month's end and returns (specification §1.1).

use crate::error::ErrorCode;
use crate::ledger::rounding::tax_inside;
use crate::money::{Fen, MoneyOverflow};
use crate::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as CivilSpan, ToSpan};

/// What a plan costs and allows. A version never changes; a new price is a new version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanTerms {
    /// Fee per month, tax inside.
    pub monthly_fee: Fen,
    /// Tax rate inside prices, ppm.
    pub tax_ppm: i64,
    /// The provider's share of what orders keep after the after-sale window, ppm.
    pub take_rate_ppm: i64,
    /// Named limits, such as `shops` or `linked_accounts`.
    pub limits: Vec<(String, i64)>,
}

/// The largest take rate: 30 % (ours; payment providers cap what may be split off an order).
pub const MAX_TAKE_RATE_PPM: i64 = 300_000;
/// The largest tax rate: 50 %.
pub const MAX_TAX_PPM: i64 = 500_000;

/// Why billing refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// The fee is negative or too large.
    #[error("the monthly fee must be between 0 and 10^14 fen")]
    Fee,
    /// A rate is outside its range.
    #[error("a rate is outside its range")]
    Rate,
    /// The time zone is unknown.
    #[error("the time zone is unknown")]
    Zone,
    /// A date left the calendar.
    #[error("the date is outside the calendar")]
    Date,
    /// The invoice is not in a state that allows it.
    #[error("the invoice is {0}")]
    State(&'static str),
    /// The amount differs from what is due.
    #[error("the amount differs from what is due")]
    Amount,
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] MoneyOverflow),
}

impl BillingError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::State(_) => ErrorCode::Conflict,
            _ => ErrorCode::InvalidField,
        }
    }
}

impl PlanTerms {
    /// Checks the ranges.
    pub fn check(&self) -> Result<(), BillingError> {
        if self.monthly_fee < Fen::ZERO || self.monthly_fee.get() > crate::money::MAX_FEN {
            return Err(BillingError::Fee);
        }
        let rates = (0..=MAX_TAKE_RATE_PPM).contains(&self.take_rate_ppm)
            && (0..=MAX_TAX_PPM).contains(&self.tax_ppm);
        if rates { Ok(()) } else { Err(BillingError::Rate) }
    }
}

/// A billing period: `[start, end)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    /// First day.
    pub start: Date,
    /// The day after the last one.
    pub end: Date,
}

impl Period {
    /// Period `index` (0 first) of a monthly subscription anchored at `anchor`.
    pub fn monthly(anchor: Date, index: i64) -> Result<Self, BillingError> {
        let next = index.checked_add(1).ok_or(BillingError::Date)?;
        Ok(Self { start: month_after(anchor, index)?, end: month_after(anchor, next)? })
    }
    /// Days in it.
    pub fn days(&self) -> i64 {
        self.start.until(self.end).map_or(0, |span: CivilSpan| i64::from(span.get_days()))
    }
    /// When it begins, in a zone.
    pub fn begins_at(&self, zone: &str) -> Result<Timestamp, BillingError> {
        start_of_day(self.start, zone)
    }
    /// When it ends, in a zone.
    pub fn ends_at(&self, zone: &str) -> Result<Timestamp, BillingError> {
        start_of_day(self.end, zone)
    }
}

/// A stretch of a period that ends with a calendar month or with the period, in days from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EarningSlice {
    /// Days earned before it.
    pub from: i64,
    /// Days earned with it.
    pub to: i64,
    /// The day on which it is earned: the first one after it.
    pub on: Date,
}

/// When the fee of a period is earned: at each change of the calendar month, so that the provider's books
/// close with the month, and at the period's end.
pub fn earning_slices(period: Period) -> Result<Vec<EarningSlice>, BillingError> {
    let mut slices = Vec::new();
    let (mut from, mut day) = (0, period.start);
    while day < period.end {
        let month_end = day.first_of_month().checked_add(1.month()).map_err(|_| BillingError::Date)?;
        let on = month_end.min(period.end);
        let to = Period { start: period.start, end: on }.days();
        slices.push(EarningSlice { from, to, on });
        (from, day) = (to, on);
    }
    Ok(slices)
}

/// The moment a day begins in a zone.
pub fn day_begins_at(day: Date, zone: &str) -> Result<Timestamp, BillingError> {
    start_of_day(day, zone)
}

/// A calendar month written `2026-11`, as its first day and the first day after it.
pub fn parse_month(text: &str) -> Result<Period, BillingError> {
    let (year, month) = text.split_once('-').ok_or(BillingError::Date)?;
    let digits = |part: &str, len| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return Err(BillingError::Date);
    }
    month_of(parse_date(&format!("{text}-01"))?)
}

/// The calendar month of a day.
pub fn month_of(day: Date) -> Result<Period, BillingError> {
    let start = day.first_of_month();
    Ok(Period { start, end: start.checked_add(1.month()).map_err(|_| BillingError::Date)? })
}

fn month_after(anchor: Date, months: i64) -> Result<Date, BillingError> {
    anchor
        .checked_add(i32::try_from(months).map_err(|_| BillingError::Date)?.months())
        .map_err(|_| BillingError::Date)
}

/// When a day begins in a zone.
pub fn start_of_day(date: Date, zone: &str) -> Result<Timestamp, BillingError> {
    let zone = TimeZone::get(zone).map_err(|_| BillingError::Zone)?;
    let midnight = date.to_zoned(zone).map_err(|_| BillingError::Date)?;
    Ok(Timestamp::from_micros(midnight.timestamp().as_microsecond()))
}

/// The civil date of a moment in a zone.
pub fn date_in(at: Timestamp, zone: &str) -> Result<Date, BillingError> {
    let zone = TimeZone::get(zone).map_err(|_| BillingError::Zone)?;
    let moment = jiff::Timestamp::from_microsecond(at.micros()).map_err(|_| BillingError::Date)?;
    Ok(moment.to_zoned(zone).date())
}

/// A date as `YYYY-MM-DD`.
pub fn date_text(date: Date) -> String {
    date.to_string()
}

/// Reads `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Result<Date, BillingError> {
    text.parse().map_err(|_| BillingError::Date)
}

/// Life of an invoice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvoiceState {
    /// Collects lines; the preview of the next invoice.
    Gathering,
    /// Closed for lines, not yet numbered.
    Draft,
    /// Numbered and booked; its figures never change.
    Issued,
    /// Paid in full.
    Paid,
    /// Past its due date.
    Overdue,
    /// Given up.
    Uncollectible,
    /// Cancelled before anything was paid.
    Void,
}

impl InvoiceState {
    const ALL: [Self; 7] = [
        Self::Gathering,
        Self::Draft,
        Self::Issued,
        Self::Paid,
        Self::Overdue,
        Self::Uncollectible,
        Self::Void,
    ];
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::Paid => "paid",
            Self::Overdue => "overdue",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
    /// From the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
    /// Closing it for lines: the preview becomes a draft.
    pub fn close(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering => Ok(Self::Draft),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Giving up on an overdue invoice; its receivable is written off.
    pub fn give_up(self) -> Result<Self, BillingError> {
        match self {
            Self::Overdue => Ok(Self::Uncollectible),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Cancelling before anything was paid. What was issued is then credited in full, never changed.
    pub fn void(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering | Self::Draft | Self::Issued | Self::Overdue => Ok(Self::Void),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Issuing a closed or gathering invoice.
    pub fn issue(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering | Self::Draft => Ok(Self::Issued),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Paying `amount` of what is due; part payments are not taken.
    pub fn pay(self, due: Fen, amount: Fen) -> Result<Self, BillingError> {
        match self {
            Self::Issued | Self::Overdue if amount == due => Ok(Self::Paid),
            Self::Issued | Self::Overdue => Err(BillingError::Amount),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// The due date passed.
    pub fn fall_due(self) -> Self {
        if self == Self::Issued { Self::Overdue } else { self }
    }
}

/// Figures of an invoice line; tax per line, so that the invoice's tax is the sum (R7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineAmounts {
    /// Without tax.
    pub net: Fen,
    /// Tax.
    pub tax: Fen,
    /// What is paid.
    pub total: Fen,
}

/// The flat fee of one month.
pub fn flat_fee(terms: &PlanTerms) -> Result<LineAmounts, BillingError> {
    let tax = tax_inside(terms.monthly_fee, terms.tax_ppm)?;
    Ok(LineAmounts { net: terms.monthly_fee.sub(tax)?, tax, total: terms.monthly_fee })
}

/// An invoice number: year and a gap-free count per merchant, `2026-000001`.
pub fn invoice_number(year: i16, count: i64) -> String {
    format!("{year}-{count:06}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn periods_clamp_to_the_months_end_and_return() {
        let anchor = date(2027, 1, 31);
        for (index, start, end) in [
            (0, date(2027, 1, 31), date(2027, 2, 28)),
            (1, date(2027, 2, 28), date(2027, 3, 31)),
            (2, date(2027, 3, 31), date(2027, 4, 30)),
            (12, date(2028, 1, 31), date(2028, 2, 29)),
        ] {
            assert_eq!(Period::monthly(anchor, index), Ok(Period { start, end }), "{index}");
        }
        assert_eq!(Period::monthly(date(2027, 2, 1), 0).unwrap().days(), 28);
        assert!(Period::monthly(anchor, i64::MAX).is_err());
    }

    #[test]
    fn a_fee_is_earned_by_days_with_the_months_end() {
        let slices = |start, index| {
            let slices = earning_slices(Period::monthly(start, index).unwrap()).unwrap();
            slices.into_iter().map(|slice| (slice.from, slice.to, slice.on)).collect::<Vec<_>>()
        };
        let (nov, dec) = (date(2026, 11, 21), date(2026, 12, 1));
        assert_eq!(slices(nov, 0), [(0, 10, dec), (10, 30, date(2026, 12, 21))]);
        assert_eq!(slices(dec, 0), [(0, 31, date(2027, 1, 1))]);
        // Anchor 31: the period from the last of January to the last of February touches both.
        assert_eq!(slices(date(2027, 1, 31), 0), [(0, 1, date(2027, 2, 1)), (1, 28, date(2027, 2, 28))]);
        assert_eq!(parse_month("2026-12").unwrap().start, dec);
        for bad in ["2026-13", "2026-1", "26-01", "2026-01-01", "２０２６-01", ""] {
            assert!(parse_month(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_period_begins_at_midnight_in_the_merchants_zone() {
        let period = Period::monthly(date(2026, 11, 21), 0).unwrap();
        assert_eq!(period.begins_at("Asia/Shanghai").unwrap().to_string(), "2026-11-20T16:00:00Z");
        assert_eq!(period.ends_at("UTC").unwrap().to_string(), "2026-12-21T00:00:00Z");
        assert_eq!(period.begins_at("Mars/Base"), Err(BillingError::Zone));
        let late = "2026-11-20T17:00:00Z".parse().unwrap();
        assert_eq!(date_in(late, "Asia/Shanghai"), Ok(date(2026, 11, 21)));
    }

    #[test]
    fn an_invoice_is_paid_once_and_in_full() {
        let issued = InvoiceState::Gathering.issue().unwrap();
        assert_eq!(issued.issue(), Err(BillingError::State("issued")));
        assert_eq!(issued.pay(Fen::new(10), Fen::new(9)), Err(BillingError::Amount));
        assert_eq!(issued.fall_due().pay(Fen::new(10), Fen::new(10)), Ok(InvoiceState::Paid));
        assert_eq!(InvoiceState::Paid.pay(Fen::new(10), Fen::new(10)), Err(BillingError::State("paid")));
        assert_eq!(InvoiceState::Paid.fall_due(), InvoiceState::Paid);
    }

    #[test]
    fn an_invoice_is_closed_given_up_or_void() {
        use InvoiceState::{Draft, Gathering, Issued, Overdue, Paid, Uncollectible, Void};
        type Move = fn(InvoiceState) -> Result<InvoiceState, BillingError>;
        let moves: [(&str, Move); 3] = [
            ("close", InvoiceState::close),
            ("give up", InvoiceState::give_up),
            ("void", InvoiceState::void),
        ];
        for (state, expected) in [
            (Gathering, [Some(Draft), None, Some(Void)]),
            (Draft, [None, None, Some(Void)]),
            (Issued, [None, None, Some(Void)]),
            (Overdue, [None, Some(Uncollectible), Some(Void)]),
            (Paid, [None, None, None]),
            (Uncollectible, [None, None, None]),
            (Void, [None, None, None]),
        ] {
            for ((name, make), expected) in moves.iter().zip(expected) {
                assert_eq!(make(state).ok(), expected, "{name} {state:?}");
            }
        }
    }

    #[test]
    fn tax_lies_inside_the_fee() {
        let terms = PlanTerms {
            monthly_fee: Fen::new(199_900),
            tax_ppm: 60_000,
            take_rate_ppm: 20_000,
            limits: vec![],
        };
        assert_eq!(terms.check(), Ok(()));
        let line = flat_fee(&terms).unwrap();
        assert_eq!(
            (line.net, line.tax, line.total),
            (Fen::new(188_585), Fen::new(11_315), Fen::new(199_900))
        );
        assert_eq!(PlanTerms { take_rate_ppm: 300_001, ..terms }.check(), Err(BillingError::Rate));
        assert_eq!(invoice_number(2026, 7), "2026-000007");
    }
}
