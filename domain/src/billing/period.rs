//! Billing periods, months and days in the merchant's zone.

use super::BillingError;
use crate::time::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span as CivilSpan, ToSpan};

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
    /// The index of the monthly period that a day falls into; negative before the anchor.
    pub fn index_of(anchor: Date, day: Date) -> Result<i64, BillingError> {
        let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
        let about = months(day) - months(anchor);
        // Clamping moves a start within its month, so that only this one and the one before can hold the day.
        let starts = month_after(anchor, about)?;
        Ok(if day < starts { about - 1 } else { about })
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

words! {
    /// How often the fee of a plan is charged.
    pub enum Interval {
        /// Each month.
        Month = "month",
        /// Each three months.
        Quarter = "quarter",
        /// Each year.
        Year = "year",
    }
}

impl Interval {
    /// Months of one period.
    pub const fn months(self) -> i64 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

/// When the periods of a subscription begin: all of them are counted in months from one anchor, so that its day returns
/// after months that are too short for it, also where a subscription follows another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// The day that all months are counted from.
    pub anchor: Date,
    /// Months from the anchor to period 0.
    pub first: i64,
    /// How long a period is.
    pub interval: Interval,
}

impl Schedule {
    /// Period `index`, 0 first.
    pub fn period(&self, index: i64) -> Result<Period, BillingError> {
        let starts = self.months_to(index)?;
        let ends = starts.checked_add(self.interval.months()).ok_or(BillingError::Date)?;
        Ok(Period { start: month_after(self.anchor, starts)?, end: month_after(self.anchor, ends)? })
    }
    /// The index of the period that a day falls into; negative before the first.
    pub fn index_of(&self, day: Date) -> Result<i64, BillingError> {
        let months = Period::index_of(self.anchor, day)?.checked_sub(self.first).ok_or(BillingError::Date)?;
        Ok(months.div_euclid(self.interval.months()))
    }
    /// Periods of another length from period `index` on, by the same anchor.
    pub fn from_period(&self, index: i64, interval: Interval) -> Result<Self, BillingError> {
        Ok(Self { anchor: self.anchor, first: self.months_to(index)?, interval })
    }
    fn months_to(&self, index: i64) -> Result<i64, BillingError> {
        let months = index.checked_mul(self.interval.months()).ok_or(BillingError::Date)?;
        months.checked_add(self.first).ok_or(BillingError::Date)
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
    fn each_day_falls_into_one_period() {
        for anchor in [date(2027, 1, 31), date(2027, 1, 1), date(2028, 2, 29), date(2027, 12, 30)] {
            let mut day = anchor.checked_sub(62.days()).unwrap();
            for _ in 0..900 {
                let index = Period::index_of(anchor, day).unwrap();
                let period = Period::monthly(anchor, index).unwrap();
                assert!(period.start <= day && day < period.end, "{anchor} {day} {index}");
                assert_eq!(index < 0, day < anchor);
                day = day.tomorrow().unwrap();
            }
        }
    }

    #[test]
    fn quarters_and_years_clamp_and_return_as_months_do() {
        let leap = Schedule { anchor: date(2028, 2, 29), first: 0, interval: Interval::Year };
        let starts = |schedule: Schedule| {
            (0..5).map(|index| schedule.period(index).unwrap().start.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(starts(leap), ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]);
        let quarters = Schedule { anchor: date(2026, 11, 30), first: 0, interval: Interval::Quarter };
        assert_eq!(starts(quarters), ["2026-11-30", "2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]);
        // From months to a year in a month that is too short: the anchor's day returns all the same.
        let months = Schedule { anchor: date(2027, 1, 31), first: 0, interval: Interval::Month };
        let year = months.from_period(1, Interval::Year).unwrap();
        assert_eq!(starts(year)[..2], ["2027-02-28", "2028-02-29"]);
        let again = year.from_period(1, Interval::Month).unwrap();
        assert_eq!(starts(again)[..3], ["2028-02-29", "2028-03-31", "2028-04-30"]);
        for schedule in [leap, quarters, months, year, again] {
            let mut day = date(2026, 9, 1);
            for _ in 0..2_500 {
                let index = schedule.index_of(day).unwrap();
                let period = schedule.period(index).unwrap();
                assert!(period.start <= day && day < period.end, "{schedule:?} {day} {index}");
                day = day.tomorrow().unwrap();
            }
            let far = schedule.from_period(i64::MAX, Interval::Year).and_then(|later| later.period(0));
            assert!(schedule.period(i64::MAX).is_err() && far.is_err(), "{schedule:?}");
        }
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
}
