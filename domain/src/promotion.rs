//! Limited-time discounts at a channel: where one stands, and what is checked before one is asked for.

use crate::error::FieldError;
use crate::money::Fen;
use crate::time::{Span, Timestamp};

words! {
    /// Where a discount stands.
    pub enum DiscountState {
        /// The platform is being asked for it.
        Asked = "asked",
        /// The platform was asked, and its answer was lost.
        Unclear = "unclear",
        /// The platform did not take it.
        Refused = "refused",
        /// The answer was lost, and the platform does not have it.
        Absent = "absent",
        /// Begins later.
        Ahead = "ahead",
        /// In force.
        Running = "running",
        /// Over, or stopped.
        Ended = "ended",
        /// The platform does not have it any more.
        Gone = "gone",
        /// The platform told a state that we do not know.
        Unknown = "unknown",
    }
}

impl DiscountState {
    /// Where it stands now, of what was told and of its own times.
    pub fn at(self, starts_at: Timestamp, ends_at: Timestamp, now: Timestamp) -> Self {
        match self {
            Self::Ahead | Self::Running if ends_at <= now => Self::Ended,
            Self::Ahead if starts_at <= now => Self::Running,
            other => other,
        }
    }
    /// Whether the platform has it and it is not over.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Ahead | Self::Running | Self::Unknown)
    }
    /// Whether it can be taken away: it is over, or never came to be.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Absent | Self::Ended | Self::Gone)
    }
}

/// Limits of discounts. They are the operator's to set: the platform changed its own more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscountLimits {
    /// The longest one; nothing = no limit.
    pub longest: Option<Span>,
    /// How far ahead it may end.
    pub farthest: Span,
    /// The price before has to be above this.
    pub price_above: Fen,
    /// How much less it has to be at least.
    pub least_less: Fen,
    /// The lowest share of the price before, in parts per million.
    pub least_ppm: i64,
    /// The highest.
    pub most_ppm: i64,
}

/// How long ago a discount may begin, so that "now" can be chosen and typed.
pub const LATE: Span = Span::minutes(10);
/// Most SKUs of one discount.
pub const MOST_SKUS: usize = 500;

/// A SKU of a discount as a person asks for it, beside what is sold now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkuWish {
    /// The price while it lasts.
    pub price: Fen,
    /// How many pieces.
    pub quantity: i64,
    /// The price it is sold at there.
    pub before: Fen,
    /// What is offered there.
    pub stock: i64,
}

fn wrong(
    path: impl Into<String>,
    code: &'static str,
    en: impl Into<String>,
    zh: impl Into<String>,
) -> FieldError {
    FieldError::new(path, code, en, zh)
}

fn yuan(fen: Fen) -> String {
    format!("{}.{:02}", fen.get() / 100, fen.get() % 100)
}

/// What is wrong with the times of a discount.
pub fn check_times(
    limits: &DiscountLimits,
    starts_at: Timestamp,
    ends_at: Timestamp,
    now: Timestamp,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if starts_at < now.minus(LATE) {
        errors.push(wrong("starts_at", "past", "it cannot begin in the past", "开始时间不能早于现在"));
    }
    if ends_at <= starts_at || ends_at <= now {
        let (en, zh) = ("it has to end after it begins, and after now", "结束时间要晚于开始时间和现在");
        errors.push(wrong("ends_at", "order", en, zh));
        return errors;
    }
    if let Some(longest) = limits.longest
        && ends_at.since(starts_at) > longest
    {
        let hours = longest.as_seconds() / 3600;
        let (en, zh) = (format!("at most {hours} hours long"), format!("活动时长最多{hours}小时"));
        errors.push(wrong("ends_at", "too_long", en, zh));
    }
    if ends_at > now.plus(limits.farthest) {
        let days = limits.farthest.as_seconds() / 86_400;
        let (en, zh) = (format!("at most {days} days from now"), format!("结束时间最晚为{days}天后"));
        errors.push(wrong("ends_at", "too_far", en, zh));
    }
    errors
}

/// What is wrong with a SKU; `index` is its place in what was asked.
pub fn check_sku(limits: &DiscountLimits, index: usize, wish: &SkuWish) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = |field: &str| format!("skus[{index}].{field}");
    let at_least = wish.before.ppm(limits.least_ppm).unwrap_or(Fen::ZERO).max(Fen::new(1));
    let at_most = wish.before.ppm(limits.most_ppm).unwrap_or(wish.before);
    let less = Fen::new(wish.before.get().saturating_sub(wish.price.get()));
    if wish.price < Fen::new(1) || wish.price >= wish.before {
        let (en, zh) = (
            format!("above 0 and below the price of {} yuan", yuan(wish.before)),
            format!("抢购价要大于0，且低于原价{}元", yuan(wish.before)),
        );
        errors.push(wrong(path("price"), "range", en, zh));
    } else if wish.before <= limits.price_above {
        let (en, zh) = (
            format!("only what costs more than {} yuan can be discounted", yuan(limits.price_above)),
            format!("原价高于{}元的规格才能参加", yuan(limits.price_above)),
        );
        errors.push(wrong(path("price"), "too_cheap", en, zh));
    } else if less < limits.least_less {
        let (en, zh) = (
            format!(
                "at least {} yuan below the price of {} yuan",
                yuan(limits.least_less),
                yuan(wish.before)
            ),
            format!("抢购价要比原价{}元至少低{}元", yuan(wish.before), yuan(limits.least_less)),
        );
        errors.push(wrong(path("price"), "too_little", en, zh));
    } else if wish.price < at_least || wish.price > at_most {
        let (en, zh) = (
            format!("between {} and {} yuan", yuan(at_least), yuan(at_most)),
            format!("抢购价应在{}元至{}元之间", yuan(at_least), yuan(at_most)),
        );
        errors.push(wrong(path("price"), "share", en, zh));
    }
    if wish.quantity < 1 || wish.quantity > wish.stock {
        let (en, zh) = match wish.stock {
            stock if stock < 1 => {
                ("nothing of it is in stock there".to_owned(), "该规格在渠道没有库存".to_owned())
            }
            stock => (
                format!("1 to {stock}: what is in stock there"),
                format!("数量应为1至{stock}（渠道现有库存）"),
            ),
        };
        errors.push(wrong(path("quantity"), "range", en, zh));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LIMITS: DiscountLimits = DiscountLimits {
        longest: Some(Span::hours(24)),
        farthest: Span::days(365),
        price_above: Fen::new(1_000),
        least_less: Fen::new(1_000),
        least_ppm: 100_000,
        most_ppm: 850_000,
    };

    fn codes(errors: &[FieldError]) -> Vec<(&str, &str)> {
        errors.iter().map(|error| (error.path.as_str(), error.code)).collect()
    }

    #[test]
    fn times_are_in_order_and_not_too_long() {
        let at = |hours: i64| NOW.plus(Span::hours(hours));
        for (starts, ends, expected) in [
            (at(1), at(25), vec![]),
            (NOW.minus(Span::minutes(10)), at(1), vec![]),
            (NOW.minus(Span::minutes(11)), at(1), vec![("starts_at", "past")]),
            (at(2), at(2), vec![("ends_at", "order")]),
            (at(2), at(1), vec![("ends_at", "order")]),
            (at(1), at(26), vec![("ends_at", "too_long")]),
            (at(24 * 365), at(24 * 365 + 1), vec![("ends_at", "too_far")]),
        ] {
            assert_eq!(codes(&check_times(&LIMITS, starts, ends, NOW)), expected);
        }
        let endless = DiscountLimits { longest: None, ..LIMITS };
        assert!(check_times(&endless, at(1), at(100), NOW).is_empty());
    }

    #[test]
    fn prices_are_below_the_price_and_quantities_within_the_stock() {
        let wish = |price: i64, quantity: i64| SkuWish {
            price: Fen::new(price),
            quantity,
            before: Fen::new(10_000),
            stock: 5,
        };
        for (price, quantity, expected) in [
            (8_500, 5, vec![]),
            (1_000, 1, vec![]),
            (10_000, 1, vec![("skus[2].price", "range")]),
            (0, 1, vec![("skus[2].price", "range")]),
            (9_500, 1, vec![("skus[2].price", "too_little")]),
            (8_501, 1, vec![("skus[2].price", "share")]),
            (999, 1, vec![("skus[2].price", "share")]),
            (8_000, 6, vec![("skus[2].quantity", "range")]),
            (8_000, 0, vec![("skus[2].quantity", "range")]),
        ] {
            assert_eq!(codes(&check_sku(&LIMITS, 2, &wish(price, quantity))), expected, "{price} {quantity}");
        }
        let cheap = SkuWish { before: Fen::new(1_000), ..wish(500, 1) };
        assert_eq!(codes(&check_sku(&LIMITS, 0, &cheap)), [("skus[0].price", "too_cheap")]);
        let free = DiscountLimits {
            price_above: Fen::ZERO,
            least_less: Fen::ZERO,
            least_ppm: 0,
            most_ppm: 1_000_000,
            ..LIMITS
        };
        assert!(check_sku(&free, 0, &wish(9_999, 1)).is_empty());
    }

    #[test]
    fn a_discount_begins_and_ends_by_its_own_times() {
        use DiscountState as S;
        let at = |seconds: i64| NOW.plus(Span::seconds(seconds));
        for (told, starts, ends, now) in [
            (S::Ahead, at(1), at(2), S::Ahead),
            (S::Ahead, at(0), at(2), S::Running),
            (S::Ahead, at(-2), at(0), S::Ended),
            (S::Running, at(-2), at(0), S::Ended),
            (S::Refused, at(-2), at(2), S::Refused),
            (S::Unclear, at(-2), at(2), S::Unclear),
        ] {
            assert_eq!(told.at(starts, ends, NOW), now);
        }
    }
}
