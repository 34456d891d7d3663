//! F4: a refund after an order's money became available.

use super::chart::AccountCode as A;
use super::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use super::rounding::tax_inside;
use crate::money::Fen;
use crate::time::Timestamp;

/// What was settled of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What the buyer had paid, less what went back since.
    pub kept: Fen,
    /// The provider's share that was taken of it.
    pub take_rate_ppm: i64,
    /// The tax inside that share.
    pub tax_ppm: i64,
}

/// F4: `amount` of a settled order goes back. The provider gives back the part of its share that is no longer due on
/// what is left (R6: targets on the base before and after, so that refunds in any number of steps give it back whole);
/// the merchant's available money pays the rest, and what is missing there becomes a claim against the merchant.
/// `available` is the merchant's balance now.
pub fn refund_after_settlement(
    refund: &str,
    settled: Settled,
    amount: Fen,
    available: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let left = settled.kept.sub(amount)?;
    let (fee_before, fee_after) =
        (settled.kept.ppm(settled.take_rate_ppm)?, left.ppm(settled.take_rate_ppm)?);
    let tax_before = tax_inside(fee_before, settled.tax_ppm)?;
    let fee = fee_before.sub(fee_after)?;
    let tax = tax_before.sub(tax_inside(fee_after, settled.tax_ppm)?)?;
    let owed = amount.sub(fee)?;
    let from_available = if available > owed { owed } else { available };
    JournalBuilder::new("refund.requested", refund, at)
        .debit(AccountRef::of(A::TakeRateIncome), fee.sub(tax)?)
        .debit(AccountRef::of(A::TaxPayable), tax)
        .debit(AccountRef::of(A::MerchantAvailable), from_available)
        .debit(AccountRef::owned(A::ClawbackReceivable, "merchant"), owed.sub(from_available)?)
        .credit(AccountRef::owned(A::BuyerRefundInTransit, refund), amount)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(available: i64, amount: i64, expected: &[(i64, i64)]) {
        let settled = Settled { kept: Fen::new(9_800), take_rate_ppm: 20_000, tax_ppm: 60_000 };
        let (amount, available) = (Fen::new(amount), Fen::new(available));
        let journal =
            refund_after_settlement("ord_1", settled, amount, available, Timestamp::from_seconds(1)).unwrap();
        let legs: Vec<_> =
            journal.legs().iter().map(|leg| (leg.account.code.number(), leg.amount.get())).collect();
        assert_eq!(legs, expected, "{available:?} available");
    }

    #[test]
    fn the_share_comes_back_and_the_merchant_pays_what_it_can() {
        check(20_000, 9_800, &[(4030, 185), (2300, 11), (2010, 9_604), (2500, 9_800)]);
        check(9_000, 9_800, &[(4030, 185), (2300, 11), (2010, 9_000), (1120, 604), (2500, 9_800)]);
        check(0, 9_800, &[(4030, 185), (2300, 11), (1120, 9_604), (2500, 9_800)]);
        // A part: the share of 98.00 is 1.96 with 0.11 tax, of 68.00 it is 1.36 with 0.08.
        check(20_000, 3_000, &[(4030, 57), (2300, 3), (2010, 2_940), (2500, 3_000)]);
    }

    proptest! {
        #[test]
        fn refunds_in_parts_give_the_share_back_whole(kept in 1_i64..100_000, parts in prop::collection::vec(1_i64..40_000, 1..6), rate in 0_i64..200_000) {
            let sum_of = |amounts: &[i64]| {
                let (mut left, mut sums) = (kept, std::collections::BTreeMap::<i64, i64>::new());
                for amount in amounts {
                    let settled = Settled { kept: Fen::new(left), take_rate_ppm: rate, tax_ppm: 60_000 };
                    let at = Timestamp::from_seconds(1);
                    let journal = refund_after_settlement("r", settled, Fen::new(*amount), Fen::ZERO, at).unwrap();
                    for leg in journal.legs() {
                        *sums.entry(leg.account.code.number()).or_default() += leg.amount.get();
                    }
                    left -= amount;
                }
                sums
            };
            let mut left = kept;
            let mut steps: Vec<i64> = Vec::new();
            for part in parts {
                let part = part.min(left);
                if part > 0 {
                    steps.push(part);
                    left -= part;
                }
            }
            if left > 0 {
                steps.push(left);
            }
            prop_assert_eq!(sum_of(&steps), sum_of(&[kept]));
        }
    }
}
