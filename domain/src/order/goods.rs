//! What an order does to the stock of its lines.
//!
//! Invariant: the next move follows from where the line's stock stands and how far the order is, and from
//! nothing else. A step that is run again, or whose news came twice, therefore finds nothing left to do.

use super::{OrderProgress, OrderState};

words! {
    /// What an order line has of its SKU.
    pub enum LineStock {
        /// Nothing yet.
        None = "none",
        /// Held until it is paid.
        Held = "held",
        /// Sold.
        Sold = "sold",
        /// Ordered, and too little was there: somebody has to act.
        Short = "short",
        /// Held once and given back.
        Released = "released",
        /// Sold once and taken back.
        Returned = "returned",
    }
}

/// A move of stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockMove {
    /// Hold for an order that waits for payment.
    Hold,
    /// Sell, with or without an earlier hold.
    Sell,
    /// Give a hold back.
    Release,
    /// Take a sale back.
    Return,
}

impl StockMove {
    /// Where the line stands after the move.
    pub const fn leads_to(self) -> LineStock {
        match self {
            Self::Hold => LineStock::Held,
            Self::Sell => LineStock::Sold,
            Self::Release => LineStock::Released,
            Self::Return => LineStock::Returned,
        }
    }
}

impl LineStock {
    /// The move that is due. `sent` pieces have left the house: they come back by an after-sale case, with
    /// somebody looking at them, and not because the order ended.
    pub fn due(self, progress: &OrderProgress, sent: i64) -> Option<StockMove> {
        match (self, progress.state) {
            (Self::Held, OrderState::Cancelled) => Some(StockMove::Release),
            (Self::Sold, OrderState::Cancelled) if sent == 0 => Some(StockMove::Return),
            (_, OrderState::Cancelled) => None,
            (Self::None, OrderState::AwaitingPayment) if progress.paid_at.is_none() => Some(StockMove::Hold),
            (Self::None | Self::Held | Self::Short, _) if progress.paid_at.is_some() => Some(StockMove::Sell),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn check(stock: LineStock, state: OrderState, paid: bool, sent: i64, expected: Option<StockMove>) {
        let progress = OrderProgress {
            state,
            paid_at: paid.then_some(Timestamp::from_seconds(1)),
            ..OrderProgress::start()
        };
        assert_eq!(stock.due(&progress, sent), expected, "{stock} {state} paid {paid} sent {sent}");
    }

    #[test]
    fn moves() {
        use LineStock as L;
        use OrderState as S;
        use StockMove as M;
        check(L::None, S::AwaitingPayment, false, 0, Some(M::Hold));
        check(L::Held, S::AwaitingPayment, false, 0, None);
        check(L::Short, S::AwaitingPayment, false, 0, None);
        check(L::Held, S::Paid, true, 0, Some(M::Sell));
        check(L::None, S::Completed, true, 0, Some(M::Sell));
        check(L::Short, S::Paid, true, 0, Some(M::Sell));
        check(L::Sold, S::Paid, true, 0, None);
        check(L::Held, S::Cancelled, false, 0, Some(M::Release));
        check(L::Held, S::Cancelled, true, 0, Some(M::Release));
        check(L::Sold, S::Cancelled, true, 0, Some(M::Return));
        check(L::Sold, S::Cancelled, true, 1, None);
        check(L::None, S::Cancelled, true, 0, None);
        check(L::Short, S::Cancelled, true, 0, None);
        for done in [L::Released, L::Returned] {
            for state in S::ALL {
                check(done, *state, true, 0, None);
            }
        }
    }
}
