//! The amounts of an order, and that they add up.

use super::OrderError;
use crate::money::Fen;

/// The amounts of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAmounts {
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece.
    pub unit_price: Fen,
    /// What the buyer pays for the line, after discounts and without freight.
    pub total: Fen,
}

/// The amounts of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderAmounts {
    /// Goods before discounts.
    pub goods: Fen,
    /// Freight.
    pub freight: Fen,
    /// Discounts of every kind.
    pub discount: Fen,
    /// What the buyer pays.
    pub total: Fen,
}

/// Whether an order's amounts add up: `Σ unit·quantity = goods`, `Σ line totals + freight = total` and
/// `goods + freight − discount = total`, with no amount negative.
pub fn check_amounts(lines: &[LineAmounts], amounts: OrderAmounts) -> Result<(), OrderError> {
    let fail = |_| OrderError::Amounts;
    let mut goods = Fen::ZERO;
    let mut totals = Fen::ZERO;
    for line in lines {
        if line.quantity < 1 || line.unit_price < Fen::ZERO || line.total < Fen::ZERO {
            return Err(OrderError::Amounts);
        }
        goods = goods.add(line.unit_price.times(line.quantity).map_err(fail)?).map_err(fail)?;
        totals = totals.add(line.total).map_err(fail)?;
    }
    let OrderAmounts { freight, discount, total, .. } = amounts;
    let by_lines = totals.add(freight).map_err(fail)?;
    let by_goods = goods.add(freight).and_then(|sum| sum.sub(discount)).map_err(fail)?;
    let negative = [freight, discount, total].iter().any(|amount| *amount < Fen::ZERO);
    if lines.is_empty() || negative || goods != amounts.goods || by_lines != total || by_goods != total {
        return Err(OrderError::Amounts);
    }
    Ok(())
}
