//! Rules of a listing: how our price, title and stock become those of one channel account.
//!
//! A rule stands with the merchant (for every account), with an account, or with one listing; what a nearer one says
//! wins field by field, and what nobody says leaves ours as it is. Integers only: rates are parts per million.

use crate::error::FieldError;
use crate::money::Fen;

/// One as parts per million.
pub const WHOLE: i64 = 1_000_000;
/// Letters of a title: what every channel with products allows at most.
pub const TITLE_MOST: usize = 60;
/// Letters that may stand before, and after, the title.
const AFFIX_MOST: usize = 15;
const RATE: std::ops::RangeInclusive<i64> = 10_000..=10 * WHOLE;
const ADD_MOST: i64 = 100_000_000;
const STEP_MOST: i64 = 100_000;
const SAFETY_MOST: i64 = 1_000_000;

/// What one place says; `None` leaves it to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingRule {
    /// Price as parts per million of ours.
    pub price_ppm: Option<i64>,
    /// Fen added after that; may be negative.
    pub price_add_fen: Option<i64>,
    /// The price is a multiple of this many fen, rounded to the nearest, halves upwards.
    pub price_step_fen: Option<i64>,
    /// Stands before the title; an empty text says: nothing.
    pub title_prefix: Option<String>,
    /// Stands after the title.
    pub title_suffix: Option<String>,
    /// Pieces that are kept back.
    pub safety_stock: Option<i64>,
    /// Share of the rest that is offered, in parts per million.
    pub stock_ppm: Option<i64>,
}

/// A part of the title that was left out, because the whole would be too long for the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// The part before it.
    Prefix,
    /// The part after it.
    Suffix,
}

impl ListingRule {
    /// This rule, and what it does not say from `farther`.
    #[must_use]
    pub fn or(&self, farther: &Self) -> Self {
        Self {
            price_ppm: self.price_ppm.or(farther.price_ppm),
            price_add_fen: self.price_add_fen.or(farther.price_add_fen),
            price_step_fen: self.price_step_fen.or(farther.price_step_fen),
            title_prefix: self.title_prefix.clone().or_else(|| farther.title_prefix.clone()),
            title_suffix: self.title_suffix.clone().or_else(|| farther.title_suffix.clone()),
            safety_stock: self.safety_stock.or(farther.safety_stock),
            stock_ppm: self.stock_ppm.or(farther.stock_ppm),
        }
    }
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut number = |field: &'static str, value: Option<i64>, least: i64, most: i64| {
            if value.is_some_and(|value| !(least..=most).contains(&value)) {
                let en = format!("from {least} to {most}");
                faults.push(FieldError::new(
                    field,
                    "out_of_range",
                    en,
                    format!("应在 {least} 到 {most} 之间"),
                ));
            }
        };
        number("price_ppm", self.price_ppm, *RATE.start(), *RATE.end());
        number("price_add_fen", self.price_add_fen, -ADD_MOST, ADD_MOST);
        number("price_step_fen", self.price_step_fen, 1, STEP_MOST);
        number("safety_stock", self.safety_stock, 0, SAFETY_MOST);
        number("stock_ppm", self.stock_ppm, 0, WHOLE);
        for (field, text) in [("title_prefix", &self.title_prefix), ("title_suffix", &self.title_suffix)] {
            let Some(text) = text else { continue };
            if text.chars().count() > AFFIX_MOST || text.chars().any(char::is_control) {
                let en = format!("at most {AFFIX_MOST} letters");
                faults.push(FieldError::new(field, "too_long", en, format!("最多 {AFFIX_MOST} 个字")));
            }
        }
        faults
    }
    fn step(&self) -> i128 {
        i128::from(self.price_step_fen.unwrap_or(1).max(1))
    }
    /// The price there: rate, then the fixed part, then rounding; never less than one step.
    pub fn price(&self, own: Fen) -> Fen {
        if self.price_ppm.is_none() && self.price_add_fen.is_none() && self.price_step_fen.is_none() {
            return own;
        }
        let whole = i128::from(WHOLE);
        let step = self.step();
        // In millionths of a fen until the one rounding at the end.
        let exact = i128::from(own.get()) * i128::from(self.price_ppm.unwrap_or(WHOLE))
            + i128::from(self.price_add_fen.unwrap_or(0)) * whole;
        let steps = (exact + step * whole / 2).div_euclid(step * whole);
        Fen::new(i64::try_from((steps * step).max(step)).unwrap_or(i64::MAX))
    }
    /// The crossed-out price there, by the same rule; it stays above the price.
    pub fn market_price(&self, own: Option<Fen>, price: Fen) -> Option<Fen> {
        let step = i64::try_from(self.step()).unwrap_or(1);
        own.map(|own| {
            let ruled = self.price(own);
            if ruled > price { ruled } else { Fen::new(price.get().saturating_add(step)) }
        })
    }
    /// The title there. What would make it too long is left out, the part behind first; nothing is cut in two.
    pub fn title(&self, own: &str, most: usize) -> (String, Vec<LeftOut>) {
        let prefix = self.title_prefix.as_deref().unwrap_or("");
        let suffix = self.title_suffix.as_deref().unwrap_or("");
        let fits = |text: &str| text.chars().count() <= most;
        let mut left_out = Vec::new();
        let whole = format!("{prefix}{own}{suffix}");
        if fits(&whole) {
            return (whole.trim().to_owned(), left_out);
        }
        if !suffix.is_empty() {
            left_out.push(LeftOut::Suffix);
        }
        let shorter = format!("{prefix}{own}");
        if fits(&shorter) {
            return (shorter.trim().to_owned(), left_out);
        }
        if !prefix.is_empty() {
            left_out.push(LeftOut::Prefix);
        }
        (own.to_owned(), left_out)
    }
    /// The quantity there: first what is kept back is taken away, then the share is taken, rounded down.
    pub fn stock(&self, available: i64) -> i64 {
        let rest = available.saturating_sub(self.safety_stock.unwrap_or(0)).max(0);
        let share = i128::from(rest) * i128::from(self.stock_ppm.unwrap_or(WHOLE)) / i128::from(WHOLE);
        i64::try_from(share).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priced(ppm: Option<i64>, add: Option<i64>, step: Option<i64>) -> ListingRule {
        ListingRule { price_ppm: ppm, price_add_fen: add, price_step_fen: step, ..ListingRule::default() }
    }

    #[test]
    fn prices_follow_the_rule_and_stay_whole() {
        for (ppm, add, step, own, there) in [
            (None, None, None, 12_800, 12_800),
            (Some(1_080_000), None, None, 12_800, 13_824),
            (Some(1_080_000), None, Some(100), 12_800, 13_800),
            (Some(1_080_000), None, Some(100), 12_870, 13_900),
            (Some(1_000_000), Some(500), None, 12_800, 13_300),
            (Some(950_000), Some(-200), Some(10), 12_800, 11_960),
            (Some(333_333), None, None, 10, 3),
            (None, None, Some(100), 150, 200),
            (None, None, Some(100), 149, 100),
            (Some(10_000), None, None, 1, 1),
            (None, Some(-100_000_000), None, 12_800, 1),
            (None, Some(-100_000_000), Some(100), 12_800, 100),
            (Some(10_000_000), Some(100_000_000), Some(1), i64::MAX, i64::MAX),
        ] {
            assert_eq!(
                priced(ppm, add, step).price(Fen::new(own)).get(),
                there,
                "{ppm:?} {add:?} {step:?} {own}"
            );
        }
    }

    #[test]
    fn the_crossed_out_price_stays_above() {
        let rule = priced(Some(900_000), None, Some(1_000));
        let price = rule.price(Fen::new(10_000));
        assert_eq!(price.get(), 9_000);
        assert_eq!(rule.market_price(Some(Fen::new(10_200)), price).map(Fen::get), Some(10_000));
        assert_eq!(rule.market_price(Some(Fen::new(20_000)), price).map(Fen::get), Some(18_000));
        assert_eq!(rule.market_price(None, price), None);
    }

    #[test]
    fn titles_never_grow_too_long() {
        let rule = ListingRule {
            title_prefix: Some("【旗舰】".to_owned()),
            title_suffix: Some(" 包邮".to_owned()),
            ..ListingRule::default()
        };
        assert_eq!(rule.title("龙井", 60), ("【旗舰】龙井 包邮".to_owned(), vec![]));
        assert_eq!(rule.title("龙井", 8), ("【旗舰】龙井".to_owned(), vec![LeftOut::Suffix]));
        assert_eq!(rule.title("龙井", 5), ("龙井".to_owned(), vec![LeftOut::Suffix, LeftOut::Prefix]));
        assert_eq!(ListingRule::default().title("龙井", 1), ("龙井".to_owned(), vec![]));
    }

    #[test]
    fn stock_is_kept_back_and_shared() {
        let rule =
            |safety, ppm| ListingRule { safety_stock: safety, stock_ppm: ppm, ..ListingRule::default() };
        for (safety, ppm, available, there) in [
            (None, None, 10, 10),
            (Some(3), None, 10, 7),
            (Some(3), None, 2, 0),
            (None, Some(300_000), 10, 3),
            (Some(1), Some(500_000), 10, 4),
            (None, Some(0), 10, 0),
            (None, None, -1, 0),
        ] {
            assert_eq!(rule(safety, ppm).stock(available), there, "{safety:?} {ppm:?} {available}");
        }
    }

    #[test]
    fn the_nearer_rule_wins_field_by_field() {
        let merchant =
            ListingRule { safety_stock: Some(2), title_prefix: Some("甲".into()), ..Default::default() };
        let account = ListingRule { safety_stock: Some(0), price_ppm: Some(1_100_000), ..Default::default() };
        let listing = ListingRule { title_prefix: Some(String::new()), ..Default::default() };
        let all = listing.or(&account).or(&merchant);
        assert_eq!((all.safety_stock, all.price_ppm), (Some(0), Some(1_100_000)));
        assert_eq!(all.title("龙井", 60).0, "龙井");
        let wrong = ListingRule { price_ppm: Some(0), stock_ppm: Some(WHOLE + 1), ..Default::default() };
        let fields: Vec<String> = wrong.faults().iter().map(|fault| fault.path.clone()).collect();
        assert_eq!(fields, ["price_ppm", "stock_ppm"]);
        assert!(all.faults().is_empty());
    }
}
