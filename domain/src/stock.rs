//! Stock of a SKU: what is on hand, what unpaid or unsent orders hold of it, and what was sold.
//!
//! Invariant: `0 ≤ held ≤ on_hand` and `sold ≥ 0`, so `available = on_hand − held` is never negative.
//! The database repeats it as CHECK constraints; the store changes levels with one statement whose
//! `WHERE` says the same as the functions here. Every change is also a movement row.

use crate::catalog::MAX_STOCK;
use crate::error::ErrorCode;

words! {
    /// What a movement of stock was.
    pub enum MovementKind {
        /// The merchant set the quantity.
        Set = "set",
        /// The merchant added or took.
        Adjust = "adjust",
        /// An order holds.
        Hold = "hold",
        /// A hold ended without a sale.
        Release = "release",
        /// A held quantity was sold.
        Sell = "sell",
        /// A sale without a hold: the channel had sold it already.
        SellDirect = "sell_direct",
        /// A sold quantity came back.
        Return = "return",
    }
}

/// The levels of one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StockLevel {
    /// Pieces in the merchant's hands.
    pub on_hand: i64,
    /// Of these, promised to orders.
    pub held: i64,
    /// Sold so far.
    pub sold: i64,
}

/// A change of the levels, for the movement row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// What it was.
    pub kind: MovementKind,
    /// Change of `on_hand`.
    pub on_hand: i64,
    /// Change of `held`.
    pub held: i64,
    /// Change of `sold`.
    pub sold: i64,
}

/// Why stock cannot change so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Less available than wanted.
    #[error("{available} available, {wanted} wanted")]
    Short {
        /// What there is.
        available: i64,
        /// What was wanted.
        wanted: i64,
    },
    /// Less held than is to be released or sold.
    #[error("{held} held, {wanted} wanted")]
    NotHeld {
        /// What is held.
        held: i64,
        /// What was wanted.
        wanted: i64,
    },
    /// A quantity below 1, or a level above ten million.
    #[error("the quantity is out of range")]
    Range,
}

impl StockError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Short { .. } | Self::NotHeld { .. } => ErrorCode::StockShort,
            Self::Range => ErrorCode::StockRange,
        }
    }
}

type Moved = Result<(StockLevel, Movement), StockError>;

impl StockLevel {
    /// What may still be promised.
    pub const fn available(self) -> i64 {
        self.on_hand - self.held
    }
    /// What a channel is told, keeping some back as its safety stock.
    pub const fn offered(self, safety: i64) -> i64 {
        let offered = self.available().saturating_sub(safety);
        if offered > 0 { offered } else { 0 }
    }
    /// An order holds.
    pub fn hold(self, quantity: i64) -> Moved {
        positive(quantity)?;
        if quantity > self.available() {
            return Err(StockError::Short { available: self.available(), wanted: quantity });
        }
        self.moved(MovementKind::Hold, 0, quantity, 0)
    }
    /// A hold ends without a sale.
    pub fn release(self, quantity: i64) -> Moved {
        self.check_held(quantity)?;
        self.moved(MovementKind::Release, 0, -quantity, 0)
    }
    /// A held quantity is sold.
    pub fn sell(self, quantity: i64) -> Moved {
        self.check_held(quantity)?;
        self.moved(MovementKind::Sell, -quantity, -quantity, quantity)
    }
    /// A sale without a hold; refused when less is available (the order is then oversold).
    pub fn sell_direct(self, quantity: i64) -> Moved {
        positive(quantity)?;
        if quantity > self.available() {
            return Err(StockError::Short { available: self.available(), wanted: quantity });
        }
        self.moved(MovementKind::SellDirect, -quantity, 0, quantity)
    }
    /// A sold quantity comes back for sale.
    pub fn take_back(self, quantity: i64) -> Moved {
        positive(quantity)?;
        if quantity > self.sold {
            return Err(StockError::Range);
        }
        self.moved(MovementKind::Return, quantity, 0, -quantity)
    }
    /// The merchant counted: so many on hand. Not below what is held.
    pub fn set(self, on_hand: i64) -> Moved {
        if on_hand < self.held {
            return Err(StockError::Short { available: on_hand, wanted: self.held });
        }
        let change = on_hand.checked_sub(self.on_hand).ok_or(StockError::Range)?;
        self.moved(MovementKind::Set, change, 0, 0)
    }
    /// The merchant adds, or takes what is available.
    pub fn adjust(self, delta: i64) -> Moved {
        if delta == 0 {
            return Err(StockError::Range);
        }
        if delta < 0 && delta.checked_neg().is_none_or(|taken| taken > self.available()) {
            return Err(StockError::Short { available: self.available(), wanted: delta.saturating_neg() });
        }
        self.moved(MovementKind::Adjust, delta, 0, 0)
    }

    fn check_held(self, quantity: i64) -> Result<(), StockError> {
        positive(quantity)?;
        if quantity > self.held {
            return Err(StockError::NotHeld { held: self.held, wanted: quantity });
        }
        Ok(())
    }

    fn moved(self, kind: MovementKind, on_hand: i64, held: i64, sold: i64) -> Moved {
        let level = Self {
            on_hand: self.on_hand.checked_add(on_hand).ok_or(StockError::Range)?,
            held: self.held.checked_add(held).ok_or(StockError::Range)?,
            sold: self.sold.checked_add(sold).ok_or(StockError::Range)?,
        };
        if level.on_hand > MAX_STOCK || level.held < 0 || level.held > level.on_hand || level.sold < 0 {
            return Err(StockError::Range);
        }
        Ok((level, Movement { kind, on_hand, held, sold }))
    }
}

fn positive(quantity: i64) -> Result<(), StockError> {
    if (1..=MAX_STOCK).contains(&quantity) { Ok(()) } else { Err(StockError::Range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: StockLevel = StockLevel { on_hand: 10, held: 4, sold: 2 };

    fn check(moved: Moved, expected: Result<(i64, i64, i64), &str>) {
        let got = moved.map(|(level, movement)| {
            assert_eq!(level.on_hand - LEVEL.on_hand, movement.on_hand);
            assert_eq!(level.held - LEVEL.held, movement.held);
            assert_eq!(level.sold - LEVEL.sold, movement.sold);
            (level.on_hand, level.held, level.sold)
        });
        assert_eq!(got.map_err(|error| error.code().as_str()), expected);
    }

    #[test]
    fn movements() {
        check(LEVEL.hold(6), Ok((10, 10, 2)));
        check(LEVEL.hold(7), Err("stock_short"));
        check(LEVEL.hold(0), Err("stock_range"));
        check(LEVEL.hold(-1), Err("stock_range"));
        check(LEVEL.release(4), Ok((10, 0, 2)));
        check(LEVEL.release(5), Err("stock_short"));
        check(LEVEL.sell(4), Ok((6, 0, 6)));
        check(LEVEL.sell(5), Err("stock_short"));
        check(LEVEL.sell_direct(6), Ok((4, 4, 8)));
        check(LEVEL.sell_direct(7), Err("stock_short"));
        check(LEVEL.take_back(2), Ok((12, 4, 0)));
        check(LEVEL.take_back(3), Err("stock_range"));
        check(LEVEL.set(4), Ok((4, 4, 2)));
        check(LEVEL.set(3), Err("stock_short"));
        check(LEVEL.set(10_000_001), Err("stock_range"));
        check(LEVEL.adjust(-6), Ok((4, 4, 2)));
        check(LEVEL.adjust(-7), Err("stock_short"));
        check(LEVEL.adjust(i64::MIN), Err("stock_short"));
        check(LEVEL.adjust(i64::MAX), Err("stock_range"));
        check(LEVEL.adjust(0), Err("stock_range"));
        assert_eq!((LEVEL.available(), LEVEL.offered(2), LEVEL.offered(9)), (6, 4, 0));
    }
}
