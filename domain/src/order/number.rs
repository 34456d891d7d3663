//! The number people read out: `Q`, the day in China, eight digits that cannot be counted up.
//!
//! The letter keeps spreadsheets from rounding it. It is unique within a merchant; the database says so.

use crate::time::{Span, Timestamp};

/// Makes a number for an order placed at `placed`, from random bits.
pub fn order_number(placed: Timestamp, random: u128) -> String {
    // China has had one zone without summer time since 1991.
    let local = placed.plus(Span::hours(8));
    let day = match jiff::Timestamp::from_microsecond(local.micros()) {
        Ok(moment) => moment.strftime("%y%m%d").to_string(),
        Err(_) => "000000".to_owned(),
    };
    format!("Q{day}{:08}", random % 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let late: Timestamp = "2026-11-20T16:30:00Z".parse().unwrap();
        assert_eq!(order_number(late, 7), "Q26112100000007");
        assert_eq!(order_number(late, 12_345_678_901), "Q26112145678901");
        assert_eq!(order_number(Timestamp::from_micros(i64::MAX), 1).len(), 15);
    }
}
