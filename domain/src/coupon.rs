//! Coupons at a channel: where one stands, and what is checked before one is asked for.

use crate::error::FieldError;
use crate::money::Fen;
use crate::time::{Span, Timestamp};

words! {
    /// Where a coupon stands.
    pub enum CouponState {
        /// The platform is being asked for it.
        Asked = "asked",
        /// The platform was asked, and its answer was lost.
        Unclear = "unclear",
        /// The platform did not take it.
        Refused = "refused",
        /// The answer was lost, and the platform does not have it.
        Absent = "absent",
        /// Made; nobody can receive it.
        Draft = "draft",
        /// Can be received within its time.
        Live = "live",
        /// Its time is over.
        Expired = "expired",
        /// Taken back; received ones are the platform's matter.
        Withdrawn = "withdrawn",
        /// The platform does not have it any more.
        Gone = "gone",
        /// The platform told a state that we do not know.
        Unknown = "unknown",
    }
}

impl CouponState {
    /// Whether it can be taken away.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Absent | Self::Draft | Self::Expired | Self::Withdrawn | Self::Gone
        )
    }
    /// Whether the platform has it as far as it was told.
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Draft | Self::Live | Self::Expired | Self::Withdrawn | Self::Unknown)
    }
}

/// Limits of coupons. They are the operator's to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CouponLimits {
    /// The lowest rate that is paid, in parts per million.
    pub least_ppm: i64,
    /// The most that a coupon takes off.
    pub most_less: Fen,
    /// The most products of one coupon.
    pub most_products: usize,
    /// For how long it can be received at most.
    pub longest: Span,
}

/// Longest name.
pub const MOST_NAME: usize = 10;
/// Rates are told in tenths of a 折: one percent.
const RATE_STEP: i64 = 10_000;
/// Most days from the receipt on, and most pieces of a condition: ours.
const MOST_DAYS: i64 = 365;
const MOST_PIECES: i64 = 1_000;
/// Most coupons of one kind: ours.
const MOST_TOTAL: i64 = 100_000_000;

/// What a coupon gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    /// The buyer pays this rate, from so many pieces on.
    Rate {
        /// Parts per million that are paid.
        ppm: i64,
        /// Pieces; none = any number.
        pieces: Option<i64>,
    },
    /// So much less, from an amount on.
    Less {
        /// How much.
        less: Fen,
        /// From which amount on; none = any.
        from: Option<Fen>,
    },
}

/// When a received coupon counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Between two moments.
    Between(Timestamp, Timestamp),
    /// So many days from the receipt on.
    Days(i64),
}

/// A coupon as a person asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponWish {
    /// Its name.
    pub name: String,
    /// What it gives.
    pub gift: Gift,
    /// How many products it is for; 0 = the whole shop.
    pub products: usize,
    /// From when it can be received.
    pub receive_from: Timestamp,
    /// Until when.
    pub receive_until: Timestamp,
    /// How many there are.
    pub total: i64,
    /// How many one person may have.
    pub per_person: i64,
    /// When a received one counts.
    pub valid: Validity,
}

/// What is wrong with a coupon.
pub fn check(limits: &CouponLimits, wish: &CouponWish, now: Timestamp) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |path: &str, code: &'static str, en: String, zh: String| {
        errors.push(FieldError::new(path, code, en, zh));
    };
    if !(1..=MOST_NAME).contains(&wish.name.chars().count()) {
        wrong(
            "name",
            "length",
            format!("1 to {MOST_NAME} characters"),
            format!("名称需要1至{MOST_NAME}个字"),
        );
    }
    match wish.gift {
        Gift::Rate { ppm, pieces } => {
            if !(limits.least_ppm..1_000_000).contains(&ppm) || ppm % RATE_STEP != 0 {
                let least = limits.least_ppm / RATE_STEP;
                let (en, zh) = (
                    format!("what is paid: {least} to 99 percent, without decimals"),
                    format!("折扣应为{least}%至99%的整数，例如85表示8.5折"),
                );
                wrong("percent", "range", en, zh);
            }
            if pieces.is_some_and(|pieces| !(1..=MOST_PIECES).contains(&pieces)) {
                wrong("pieces", "range", format!("1 to {MOST_PIECES}"), format!("件数应为1至{MOST_PIECES}"));
            }
        }
        Gift::Less { less, from } => {
            let most = limits.most_less.get();
            if !(1..=most).contains(&less.get()) {
                let (en, zh) = (
                    format!("above 0, at most {} yuan", most / 100),
                    format!("减免金额要大于0，最多{}元", most / 100),
                );
                wrong("less", "range", en, zh);
            }
            if from.is_some_and(|from| from <= less) {
                let (en, zh) = ("above what is taken off", "使用门槛要高于减免金额");
                wrong("from", "range", en.to_owned(), zh.to_owned());
            }
        }
    }
    if wish.products > limits.most_products {
        let most = limits.most_products;
        wrong("listing_ids", "count", format!("at most {most} products"), format!("最多选择{most}个商品"));
    }
    if wish.receive_until <= wish.receive_from || wish.receive_until <= now {
        let (en, zh) = ("after the beginning and after now", "领取结束时间要晚于开始时间和现在");
        wrong("receive_until", "order", en.to_owned(), zh.to_owned());
    } else if wish.receive_until.since(wish.receive_from) > limits.longest {
        let days = limits.longest.as_seconds() / 86_400;
        wrong("receive_until", "too_long", format!("at most {days} days"), format!("领取时间最长{days}天"));
    }
    if !(1..=MOST_TOTAL).contains(&wish.total) {
        wrong("total", "range", format!("1 to {MOST_TOTAL}"), format!("发放量应为1至{MOST_TOTAL}"));
    }
    if wish.per_person < 1 || wish.per_person > wish.total.max(1) {
        let (en, zh) = ("1 to the number of coupons", "每人限领应至少为1，且不超过发放量");
        wrong("per_person", "range", en.to_owned(), zh.to_owned());
    }
    match wish.valid {
        Validity::Between(from, until) if until <= from || until <= now => {
            let (en, zh) = ("after the beginning and after now", "有效期结束时间要晚于开始时间和现在");
            wrong("valid_until", "order", en.to_owned(), zh.to_owned());
        }
        Validity::Days(days) if !(1..=MOST_DAYS).contains(&days) => {
            wrong("valid_days", "range", format!("1 to {MOST_DAYS}"), format!("有效天数应为1至{MOST_DAYS}"));
        }
        Validity::Between(..) | Validity::Days(_) => {}
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LIMITS: CouponLimits = CouponLimits {
        least_ppm: 200_000,
        most_less: Fen::new(20_000),
        most_products: 3,
        longest: Span::days(365),
    };

    fn wish() -> CouponWish {
        CouponWish {
            name: "新客券".to_owned(),
            gift: Gift::Less { less: Fen::new(1_000), from: Some(Fen::new(9_900)) },
            products: 0,
            receive_from: NOW,
            receive_until: NOW.plus(Span::days(7)),
            total: 100,
            per_person: 1,
            valid: Validity::Days(30),
        }
    }

    #[test]
    fn each_rule_names_its_field() {
        let rate = |ppm: i64, pieces: Option<i64>| Gift::Rate { ppm, pieces };
        let less =
            |less: i64, from: Option<i64>| Gift::Less { less: Fen::new(less), from: from.map(Fen::new) };
        let cases: Vec<(CouponWish, &[&str])> = vec![
            (wish(), &[]),
            (CouponWish { name: String::new(), ..wish() }, &["name"]),
            (CouponWish { name: "十一个字的名字太长了吧".to_owned(), ..wish() }, &["name"]),
            (CouponWish { gift: rate(850_000, None), ..wish() }, &[]),
            (CouponWish { gift: rate(850_000, Some(2)), ..wish() }, &[]),
            (CouponWish { gift: rate(190_000, None), ..wish() }, &["percent"]),
            (CouponWish { gift: rate(1_000_000, None), ..wish() }, &["percent"]),
            (CouponWish { gift: rate(855_000, None), ..wish() }, &["percent"]),
            (CouponWish { gift: rate(850_000, Some(0)), ..wish() }, &["pieces"]),
            (CouponWish { gift: less(20_001, None), ..wish() }, &["less"]),
            (CouponWish { gift: less(0, None), ..wish() }, &["less"]),
            (CouponWish { gift: less(1_000, Some(1_000)), ..wish() }, &["from"]),
            (CouponWish { products: 4, ..wish() }, &["listing_ids"]),
            (CouponWish { receive_until: NOW, ..wish() }, &["receive_until"]),
            (CouponWish { receive_until: NOW.plus(Span::days(366)), ..wish() }, &["receive_until"]),
            (CouponWish { total: 0, ..wish() }, &["total"]),
            (CouponWish { per_person: 0, ..wish() }, &["per_person"]),
            (CouponWish { per_person: 101, ..wish() }, &["per_person"]),
            (CouponWish { valid: Validity::Days(0), ..wish() }, &["valid_days"]),
            (
                CouponWish {
                    valid: Validity::Between(NOW.plus(Span::days(2)), NOW.plus(Span::days(1))),
                    ..wish()
                },
                &["valid_until"],
            ),
        ];
        for (wish, expected) in cases {
            let found = check(&LIMITS, &wish, NOW);
            let paths: Vec<&str> = found.iter().map(|error| error.path.as_str()).collect();
            assert_eq!(paths, expected, "{wish:?}");
        }
    }
}
