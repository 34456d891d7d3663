//! What a plan charges for use: the quantity of a period and a price model make the total of one line, rounded once (R3).

use super::BillingError;
use crate::ledger::rounding::PPM;
use crate::money::{Fen, MAX_FEN, MoneyOverflow};

/// Tiers of one charge, at most.
pub const MOST_TIERS: usize = 20;
/// The largest quantity of a period: a meter that counts more is wrong.
pub const MOST_UNITS: i64 = 1_000_000_000_000;

/// Charges of one plan, at most.
pub const MOST_CHARGES: usize = 20;

/// A charge for use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// What is counted, a word such as `sms`; each of a plan's charges counts another.
    pub metric: String,
    /// Name in Chinese, as bills print it.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// How it is priced.
    pub pricing: Pricing,
}

/// Whether this can be the name of a metric: 1 to 40 of a–z, 0–9 and _, beginning with a letter.
pub fn is_metric(word: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    word.len() <= 40
        && word.bytes().all(rest)
        && word.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
}

/// The paid orders of a merchant, which are counted here without being reported.
pub const ORDERS: &str = "orders";

/// How a quantity is priced. Prices of a unit are fen for a million units: 4.5 fen a unit are 4,500,000.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pricing {
    /// Each unit after the free ones.
    PerUnit {
        /// Units that cost nothing.
        free: i64,
        /// Fen for a million units.
        price: Fen,
    },
    /// Each unit at the price of the tier it falls into.
    Graduated {
        /// From the first unit on; the last has no end.
        tiers: Vec<Tier>,
    },
    /// All units at the price of the tier that the last one falls into.
    Volume {
        /// From the first unit on; the last has no end.
        tiers: Vec<Tier>,
    },
    /// Whole packages; a part of one is paid as one.
    Package {
        /// Units that cost nothing.
        free: i64,
        /// Units of a package.
        size: i64,
        /// Fen for a package.
        fee: Fen,
    },
}

/// A tier: the units after the tier before it up to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tier {
    /// Its last unit; none for the last tier.
    pub up_to: Option<i64>,
    /// Fen for a million units.
    pub price: Fen,
    /// Fen once, when a unit falls into it.
    pub fee: Fen,
}

/// A part of a line, so that its total can be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Units before it.
    pub from: i64,
    /// Units with it.
    pub to: i64,
    /// What it counts: units, or packages.
    pub count: i64,
    /// Fen for a million of what it counts.
    pub price: Fen,
    /// Fen once.
    pub fee: Fen,
}

/// What a quantity costs, and how that came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Priced {
    /// What is paid, tax inside.
    pub total: Fen,
    /// In order; those that count nothing and cost nothing are left out.
    pub steps: Vec<Step>,
}

impl Pricing {
    /// Wire form of the model.
    pub const fn model(&self) -> &'static str {
        match self {
            Self::PerUnit { .. } => "per_unit",
            Self::Graduated { .. } => "graduated",
            Self::Volume { .. } => "volume",
            Self::Package { .. } => "package",
        }
    }

    /// Checks prices, tiers and sizes. What is wrong comes with the name of the field that says it.
    pub fn check(&self) -> Result<(), (&'static str, BillingError)> {
        let units = |field, count: i64| {
            if (0..=MOST_UNITS).contains(&count) { Ok(()) } else { Err((field, BillingError::Units)) }
        };
        let price = |field, fen: Fen| price(fen).map_err(|error| (field, error));
        match self {
            Self::PerUnit { free, price: each } => {
                units("free", *free).and_then(|()| price("price_per_million", *each))
            }
            Self::Graduated { tiers } | Self::Volume { tiers } => {
                check_tiers(tiers).map_err(|error| ("tiers", error))
            }
            Self::Package { free, size, fee } => {
                units("free", *free)?;
                units("size", size.saturating_sub(1))?;
                price("package_fee", *fee)?;
                // It is priced as a million of its packages.
                fee.times(PPM).map(|_| ()).map_err(|_| ("package_fee", BillingError::Fee))
            }
        }
    }

    /// What so many units of a period cost. Nothing used costs nothing.
    pub fn amount(&self, quantity: i64) -> Result<Priced, BillingError> {
        if !(0..=MOST_UNITS).contains(&quantity) {
            return Err(BillingError::Units);
        }
        let unit = |from: i64, to: i64, price: Fen, fee: Fen| Step { from, to, count: to - from, price, fee };
        let steps = match self {
            Self::PerUnit { free, price } => {
                let free = quantity.min(*free);
                vec![unit(0, free, Fen::ZERO, Fen::ZERO), unit(free, quantity, *price, Fen::ZERO)]
            }
            Self::Graduated { tiers } => {
                let mut from = 0;
                let mut steps = Vec::new();
                for tier in tiers {
                    let to = tier.up_to.unwrap_or(quantity).min(quantity);
                    if to > from {
                        steps.push(unit(from, to, tier.price, tier.fee));
                        from = to;
                    }
                }
                steps
            }
            Self::Volume { tiers } => {
                let last = tiers.iter().find(|tier| tier.up_to.is_none_or(|end| quantity <= end));
                let last = last.filter(|_| quantity > 0);
                last.map(|tier| unit(0, quantity, tier.price, tier.fee)).into_iter().collect()
            }
            Self::Package { free, size, fee } => {
                let free = quantity.min(*free);
                let size = (*size).max(1);
                let count = (quantity - free) / size + i64::from((quantity - free) % size > 0);
                let price = fee.times(PPM)?;
                let packages = Step { from: free, to: quantity, count, price, fee: Fen::ZERO };
                vec![unit(0, free, Fen::ZERO, Fen::ZERO), packages]
            }
        };
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| step.count > 0 || step.fee != Fen::ZERO).collect();
        Ok(Priced { total: total(&steps)?, steps })
    }
}

/// The sum of the steps, rounded once at the end: half up, as nothing here is negative.
fn total(steps: &[Step]) -> Result<Fen, MoneyOverflow> {
    let scale = i128::from(PPM);
    let mut sum: i128 = 0;
    for step in steps {
        let units = i128::from(step.count).checked_mul(i128::from(step.price.get()));
        let once = i128::from(step.fee.get()).checked_mul(scale);
        let both = units.zip(once).and_then(|(units, once)| units.checked_add(once));
        sum = both.and_then(|both| sum.checked_add(both)).ok_or(MoneyOverflow)?;
    }
    let fen = sum.checked_add(scale / 2).ok_or(MoneyOverflow)?.div_euclid(scale);
    let fen = i64::try_from(fen).ok().filter(|fen| (0..=MAX_FEN).contains(fen));
    fen.map(Fen::new).ok_or(MoneyOverflow)
}

/// A price that can be charged.
fn price(fen: Fen) -> Result<(), BillingError> {
    if (0..=MAX_FEN).contains(&fen.get()) { Ok(()) } else { Err(BillingError::Fee) }
}

/// Tiers follow each other without a gap, and the last has no end: no quantity is without a price.
fn check_tiers(tiers: &[Tier]) -> Result<(), BillingError> {
    if tiers.len() > MOST_TIERS {
        return Err(BillingError::Tiers);
    }
    let (Some(last), others) = (tiers.last(), tiers.get(..tiers.len().saturating_sub(1)).unwrap_or_default())
    else {
        return Err(BillingError::Tiers);
    };
    let mut before = 0;
    for tier in others {
        before =
            tier.up_to.filter(|end| (before + 1..=MOST_UNITS).contains(end)).ok_or(BillingError::Tiers)?;
    }
    if last.up_to.is_some() {
        return Err(BillingError::Tiers);
    }
    tiers.iter().try_for_each(|tier| price(tier.price).and_then(|()| price(tier.fee)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tier(up_to: Option<i64>, price: i64, fee: i64) -> Tier {
        Tier { up_to, price: Fen::new(price), fee: Fen::new(fee) }
    }

    fn costs(pricing: &Pricing, quantity: i64) -> i64 {
        pricing.check().unwrap();
        pricing.amount(quantity).unwrap().total.get()
    }

    /// 100 for nothing, to 1,000 at 5 fen, then at 2.5 fen and once ¥1.
    fn tiers() -> Vec<Tier> {
        vec![tier(Some(100), 0, 0), tier(Some(1_000), 5_000_000, 0), tier(None, 2_500_000, 100)]
    }

    #[test]
    fn a_quantity_costs_what_its_model_says() {
        let per_unit = Pricing::PerUnit { free: 0, price: Fen::new(4_500_000) };
        let some_free = Pricing::PerUnit { free: 45, price: Fen::new(4_500_000) };
        let graduated = Pricing::Graduated { tiers: tiers() };
        let volume = Pricing::Volume { tiers: tiers() };
        let package = Pricing::Package { free: 10, size: 1_000, fee: Fen::new(3_000) };
        for (pricing, quantity, expected) in [
            // The specification's F2.
            (&per_unit, 12_345, 55_553),
            (&per_unit, 0, 0),
            (&per_unit, 1, 5),
            (&some_free, 45, 0),
            (&some_free, 46, 5),
            (&graduated, 100, 0),
            (&graduated, 101, 5),
            (&graduated, 1_000, 4_500),
            (&graduated, 1_001, 4_603),
            (&graduated, 1_002, 4_605),
            (&volume, 0, 0),
            (&volume, 100, 0),
            (&volume, 1_000, 5_000),
            // More use can cost less: all units have the lower price.
            (&volume, 1_001, 2_603),
            (&package, 10, 0),
            (&package, 11, 3_000),
            (&package, 1_010, 3_000),
            (&package, 1_011, 6_000),
        ] {
            assert_eq!(costs(pricing, quantity), expected, "{} of {quantity}", pricing.model());
        }
    }

    #[test]
    fn a_total_can_be_followed() {
        let step = |from, to, price, fee| Step {
            from,
            to,
            count: to - from,
            price: Fen::new(price),
            fee: Fen::new(fee),
        };
        let graduated = Pricing::Graduated { tiers: tiers() };
        assert_eq!(
            graduated.amount(1_200).unwrap().steps,
            [step(0, 100, 0, 0), step(100, 1_000, 5_000_000, 0), step(1_000, 1_200, 2_500_000, 100)]
        );
        assert_eq!(graduated.amount(0).unwrap(), Priced { total: Fen::ZERO, steps: vec![] });
        let volume = Pricing::Volume { tiers: tiers() };
        assert_eq!(volume.amount(1_200).unwrap().steps, [step(0, 1_200, 2_500_000, 100)]);
    }

    #[test]
    fn what_cannot_be_charged_is_refused() {
        let one = Fen::new(1);
        for wrong in [
            Pricing::PerUnit { free: 0, price: Fen::new(-1) },
            Pricing::PerUnit { free: 0, price: Fen::new(MAX_FEN + 1) },
            Pricing::PerUnit { free: -1, price: one },
            Pricing::Package { free: 0, size: 0, fee: one },
            Pricing::Package { free: 0, size: i64::MIN, fee: one },
            Pricing::Package { free: 0, size: 1, fee: Fen::new(MAX_FEN) },
            Pricing::Graduated { tiers: vec![] },
            // The last tier has an end.
            Pricing::Volume { tiers: vec![tier(Some(1), 1, 0)] },
            // One before it has none.
            Pricing::Volume { tiers: vec![tier(None, 1, 0), tier(None, 1, 0)] },
            Pricing::Graduated { tiers: vec![tier(Some(5), 1, 0), tier(Some(5), 1, 0), tier(None, 1, 0)] },
            Pricing::Graduated { tiers: vec![tier(Some(0), 1, 0), tier(None, 1, 0)] },
            Pricing::Graduated { tiers: vec![tier(None, 1, -1)] },
            Pricing::Volume { tiers: vec![tier(None, 1, 0); MOST_TIERS + 1] },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        let dear = Pricing::PerUnit { free: 0, price: Fen::new(MAX_FEN) };
        assert_eq!(dear.check(), Ok(()));
        assert!(
            dear.amount(MOST_UNITS).is_err() && dear.amount(-1).is_err() && dear.amount(i64::MAX).is_err()
        );
    }

    /// Tiers in order, whatever their prices.
    fn any_tiers() -> impl Strategy<Value = Vec<Tier>> {
        let one = (1_i64..2_000, 0_i64..10_000_000, 0_i64..1_000);
        prop::collection::vec(one, 1..MOST_TIERS).prop_map(|parts| {
            let (mut end, last) = (0, parts.len());
            let tiers = parts.into_iter().enumerate().map(|(at, (units, price, fee))| {
                end += units;
                tier((at + 1 < last).then_some(end), price, fee)
            });
            tiers.collect()
        })
    }

    proptest! {
        #[test]
        fn steps_hold_every_unit_and_the_total(tiers in any_tiers(), quantity in 0_i64..50_000) {
            for pricing in [Pricing::Graduated { tiers: tiers.clone() }, Pricing::Volume { tiers: tiers.clone() }] {
                prop_assert_eq!(pricing.check(), Ok(()));
                let priced = pricing.amount(quantity).unwrap();
                prop_assert_eq!(priced.steps.iter().map(|step| step.count).sum::<i64>(), quantity);
                prop_assert!(priced.steps.windows(2).all(|two| two[0].to == two[1].from));
                // Within half a fen of the exact sum, which is what rounding once means.
                let exact: i128 = priced.steps.iter().map(|step| {
                    i128::from(step.count) * i128::from(step.price.get()) + i128::from(step.fee.get()) * i128::from(PPM)
                }).sum();
                prop_assert!((i128::from(priced.total.get()) * i128::from(PPM) - exact).abs() * 2 <= i128::from(PPM));
            }
        }

        #[test]
        fn graduated_never_costs_less_for_more(tiers in any_tiers(), quantity in 0_i64..50_000, more in 0_i64..5_000) {
            let pricing = Pricing::Graduated { tiers };
            let (less, more) = (pricing.amount(quantity).unwrap(), pricing.amount(quantity + more).unwrap());
            prop_assert!(less.total <= more.total);
        }

        #[test]
        fn one_tier_is_a_price_a_unit(price in 0_i64..100_000_000, quantity in 0_i64..1_000_000) {
            let tiers = vec![tier(None, price, 0)];
            let each = Pricing::PerUnit { free: 0, price: Fen::new(price) }.amount(quantity).unwrap().total;
            prop_assert_eq!(Pricing::Graduated { tiers: tiers.clone() }.amount(quantity).unwrap().total, each);
            prop_assert_eq!(Pricing::Volume { tiers }.amount(quantity).unwrap().total, each);
            prop_assert_eq!(crate::ledger::rounding::metered(quantity, Fen::new(price)), Ok(each));
        }
    }
}
