//! The one home of time and randomness in the sandbox. Everything else is given `Now`.

use rand::Rng;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// One reading of the clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(pub u64);

impl Now {
    #[expect(clippy::disallowed_methods, reason = "this is the sandbox's one reading of the clock")]
    fn of_the_wall() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn millis(self) -> u64 {
        self.0
    }

    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// The clock of a sandbox: the wall's, or one that stands still and is moved by hand, for runs that are the same each
/// time.
#[derive(Debug, Default)]
pub struct Clock {
    stopped_at: Mutex<Option<Now>>,
}

impl Clock {
    pub fn now(&self) -> Now {
        self.stopped().unwrap_or_else(Now::of_the_wall)
    }

    /// Where it stands still, if it does.
    pub fn stopped(&self) -> Option<Now> {
        *self.stopped_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it at a moment; none lets it go with the wall again.
    pub fn set(&self, at: Option<Now>) {
        *self.stopped_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

/// `n` random lowercase hex digits.
pub fn random_hex(n: usize) -> String {
    let mut rng = rand::rng();
    (0..n).map(|_| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0')).collect()
}

/// `n` random letters and digits, as the platform's tokens look.
pub fn random_text(n: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    (0..n).filter_map(|_| LETTERS.get(rng.random_range(0..LETTERS.len()))).map(|b| char::from(*b)).collect()
}

/// A decimal nonce as the platform sends it.
pub fn random_nonce() -> String {
    rand::rng().random_range(100_000_000u32..2_000_000_000u32).to_string()
}

/// `YYYY-MM-DD hh:mm:ss` in China's time, as the product family writes dates and the pages show them.
pub fn china_time(seconds: u64) -> String {
    let local = seconds + 8 * 3600;
    let (days, rest) = (local / 86_400, local % 86_400);
    // Civil date from a day count, Howard Hinnant's algorithm.
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest % 3600 / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_civil() {
        assert_eq!(super::china_time(1_582_934_400), "2020-02-29 08:00:00");
        assert_eq!(super::china_time(1_767_196_799), "2025-12-31 23:59:59");
    }
}
