//! F4: a refund after an order's money became available.

use super::chart::AccountCode as A;
use super::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use super::rounding::tax_inside;
use crate::money::Fen;
use crate::time::Timestamp;

/// What was settled of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What the buyer had paid and now gets back.
    pub total: Fen,
    /// The provider's share that was taken of it.
    pub take_rate_ppm: i64,
    /// The tax inside that share.
    pub tax_ppm: i64,
}

/// F4: the whole of a settled order is refunded. The provider gives its share back; the merchant's available
/// money pays the rest, and what is missing there becomes a claim against the merchant. `available` is the
/// merchant's balance now.
pub fn refund_after_settlement(
    refund: &str,
    settled: Settled,
    available: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let fee = settled.total.ppm(settled.take_rate_ppm)?;
    let tax = tax_inside(fee, settled.tax_ppm)?;
    let owed = settled.total.sub(fee)?;
    let from_available = if available > owed { owed } else { available };
    JournalBuilder::new("refund.requested", refund, at)
        .debit(AccountRef::of(A::TakeRateIncome), fee.sub(tax)?)
        .debit(AccountRef::of(A::TaxPayable), tax)
        .debit(AccountRef::of(A::MerchantAvailable), from_available)
        .debit(AccountRef::owned(A::ClawbackReceivable, "merchant"), owed.sub(from_available)?)
        .credit(AccountRef::owned(A::BuyerRefundInTransit, refund), settled.total)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(available: i64, expected: &[(i64, i64)]) {
        let settled = Settled { total: Fen::new(9_800), take_rate_ppm: 20_000, tax_ppm: 60_000 };
        let journal =
            refund_after_settlement("ord_1", settled, Fen::new(available), Timestamp::from_seconds(1))
                .unwrap();
        let legs: Vec<_> =
            journal.legs().iter().map(|leg| (leg.account.code.number(), leg.amount.get())).collect();
        assert_eq!(legs, expected, "{available} available");
    }

    #[test]
    fn the_share_comes_back_and_the_merchant_pays_what_it_can() {
        check(20_000, &[(4030, 185), (2300, 11), (2010, 9_604), (2500, 9_800)]);
        check(9_000, &[(4030, 185), (2300, 11), (2010, 9_000), (1120, 604), (2500, 9_800)]);
        check(0, &[(4030, 185), (2300, 11), (1120, 9_604), (2500, 9_800)]);
    }
}
