//! Scores of a shop 店铺评分 (DSR): how buyers judge description, service and delivery, on a scale of one to five, kept
//! in hundredths. The score of a day is the mean of the three; it is compared without rounding.

use crate::time::Date;

/// The lowest mark, in hundredths.
pub const LEAST: u32 = 100;
/// The highest mark, in hundredths.
pub const MOST: u32 = 500;

/// The three marks of a day, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopScores {
    /// 描述相符.
    pub description: u32,
    /// 服务态度.
    pub service: u32,
    /// 物流服务.
    pub logistics: u32,
}

impl ShopScores {
    /// How many marks there are.
    pub const MARKS: u32 = 3;

    /// The marks together: to compare a mean without rounding.
    pub const fn sum(&self) -> u32 {
        self.description.saturating_add(self.service).saturating_add(self.logistics)
    }
    /// The mean in hundredths, rounded down: for showing.
    pub const fn mean(&self) -> u32 {
        self.sum() / Self::MARKS
    }
    /// Whether the mean is at least so many hundredths.
    pub const fn at_least(&self, hundredths: u32) -> bool {
        self.sum() >= hundredths.saturating_mul(Self::MARKS)
    }
}

/// The marks of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayScore {
    /// The day.
    pub day: Date,
    /// Its marks.
    pub scores: ShopScores,
}

/// A mark as people write it, `4.63`, `4.6` or `5`, in hundredths.
pub fn read_mark(text: &str) -> Option<u32> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 1 || part.len() > 2 || !digits(whole) || !digits(part) || text.ends_with('.') {
        return None;
    }
    let hundredths: u32 = format!("{whole}{part:0<2}").parse().ok()?;
    (LEAST..=MOST).contains(&hundredths).then_some(hundredths)
}

/// Hundredths as people read them: `4.63`.
pub fn shown(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_digit_by_digit() {
        for (text, expected) in [
            ("4.63", Some(463)),
            ("4.6", Some(460)),
            (" 5 ", Some(500)),
            ("1.00", Some(100)),
            ("0.99", None),
            ("5.01", None),
            ("4.605", None),
            ("4.", None),
            (".5", None),
            ("46", None),
            ("4,6", None),
            ("+4", None),
            ("", None),
        ] {
            assert_eq!(read_mark(text), expected, "{text}");
        }
        assert_eq!(shown(460), "4.60");
        assert_eq!(shown(505), "5.05");
    }

    #[test]
    fn a_mean_is_compared_without_rounding() {
        let day = |description, service, logistics| ShopScores { description, service, logistics };
        assert!(day(460, 460, 460).at_least(460));
        assert!(day(500, 440, 440).at_least(460));
        // 4.5966…, shown as 4.59.
        assert!(!day(460, 460, 459).at_least(460));
        assert_eq!(day(460, 460, 459).mean(), 459);
        assert_eq!(day(461, 460, 460).mean(), 460);
    }
}
