//! Drift: a product at a channel that is not as we left it, because somebody changed it there or a change of ours was
//! lost on the way. A state that the platform decides (audit, shelf) is no drift: it is followed.

use crate::ids::SkuId;
use crate::money::Fen;

/// What a channel shows of a product, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The title; `None` where the platform does not say.
    pub title: Option<String>,
    /// Its SKUs that are ours.
    pub skus: Vec<ShownSku>,
}

/// A SKU of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSku {
    /// Our SKU.
    pub sku: SkuId,
    /// The price there; `None` where the platform does not say.
    pub price: Option<Fen>,
    /// The quantity there; `None` where the platform does not say.
    pub stock: Option<i64>,
}

/// What it should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the channel has accepted our newest version. While one is on its way, titles and prices differ rightly.
    pub settled: bool,
    /// The title.
    pub title: String,
    /// Its SKUs.
    pub skus: Vec<WantedSku>,
}

/// A SKU of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedSku {
    /// Our SKU.
    pub sku: SkuId,
    /// The price.
    pub price: Fen,
    /// The quantity; `None` while a change of it is on its way.
    pub stock: Option<i64>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Another title.
    Title {
        /// What it should be.
        ours: String,
        /// What it is.
        theirs: String,
    },
    /// Another price.
    Price {
        /// Of which SKU.
        sku: SkuId,
        /// What it should be.
        ours: Fen,
        /// What it is.
        theirs: Fen,
    },
    /// Another quantity.
    Stock {
        /// Of which SKU.
        sku: SkuId,
        /// What it should be.
        ours: i64,
        /// What it is.
        theirs: i64,
    },
    /// A SKU that is not there any more.
    Missing {
        /// Which.
        sku: SkuId,
    },
}

impl Difference {
    /// Whether publishing again is what makes it good; otherwise setting the quantity does.
    pub const fn needs_publish(&self) -> bool {
        !matches!(self, Self::Stock { .. })
    }
}

/// Everything that differs, in the order of our SKUs.
pub fn differences(wanted: &Wanted, shown: &Shown) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(theirs) = shown.title.as_ref().filter(|theirs| wanted.settled && **theirs != wanted.title) {
        found.push(Difference::Title { ours: wanted.title.clone(), theirs: theirs.clone() });
    }
    for own in &wanted.skus {
        let sku = own.sku;
        let Some(there) = shown.skus.iter().find(|there| there.sku == sku) else {
            if wanted.settled {
                found.push(Difference::Missing { sku });
            }
            continue;
        };
        if let Some(theirs) = there.price.filter(|theirs| wanted.settled && *theirs != own.price) {
            found.push(Difference::Price { sku, ours: own.price, theirs });
        }
        if let (Some(ours), Some(theirs)) = (own.stock, there.stock)
            && ours != theirs
        {
            found.push(Difference::Stock { sku, ours, theirs });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn sku(number: u128) -> SkuId {
        SkuId(Uuid::from_u128(number))
    }

    fn wanted() -> Wanted {
        let one = |number, price, stock| WantedSku { sku: sku(number), price: Fen::new(price), stock };
        Wanted {
            settled: true,
            title: "明前龙井".to_owned(),
            skus: vec![one(1, 9_900, Some(5)), one(2, 19_900, None), one(3, 100, Some(1))],
        }
    }

    #[test]
    fn every_difference_is_found_and_nothing_else() {
        let there = |number, price, stock| ShownSku { sku: sku(number), price, stock };
        let equal = Shown {
            title: Some("明前龙井".to_owned()),
            skus: vec![
                there(1, Some(Fen::new(9_900)), Some(5)),
                there(2, Some(Fen::new(19_900)), Some(77)),
                there(3, None, None),
                there(9, Some(Fen::new(1)), Some(1)),
            ],
        };
        assert_eq!(
            differences(&wanted(), &equal),
            [],
            "a change on its way, and what is not said, are no drift"
        );
        let other = Shown {
            title: Some("龙井".to_owned()),
            skus: vec![there(1, Some(Fen::new(9_800)), Some(4)), there(2, None, None)],
        };
        let all = [
            Difference::Title { ours: "明前龙井".to_owned(), theirs: "龙井".to_owned() },
            Difference::Price { sku: sku(1), ours: Fen::new(9_900), theirs: Fen::new(9_800) },
            Difference::Stock { sku: sku(1), ours: 5, theirs: 4 },
            Difference::Missing { sku: sku(3) },
        ];
        assert_eq!(differences(&wanted(), &other), all);
        assert_eq!(all.iter().filter(|one| one.needs_publish()).count(), 3);
        let on_its_way = Wanted { settled: false, ..wanted() };
        assert_eq!(differences(&on_its_way, &other), [all[2].clone()]);
    }
}
