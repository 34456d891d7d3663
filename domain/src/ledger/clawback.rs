//! F4: a refund after an order's money became available.

use super::chart::AccountCode as A;
use super::flows::Debtor;
use super::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use super::rounding::tax_inside;
use crate::money::Fen;
use crate::time::Timestamp;

/// What was settled of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What the buyer had paid, less what went back since.
    pub kept: Fen,
    /// The provider's share that was taken of it and is given back with it; zero where the order's terms let the
    /// provider keep it.
    pub take_rate_ppm: i64,
    /// The tax inside that share.
    pub tax_ppm: i64,
}

/// Where the money of a refund after settlement comes from, in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The merchant's available money.
    pub available: Fen,
    /// The merchant's pending money of other orders; zero where the provider's policy leaves it alone.
    pub pending: Fen,
    /// A case of the deposit (F5) and what is frozen for it.
    pub frozen: Option<(&'a str, Fen)>,
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
    refund_from_sources(refund, settled, amount, Sources { available, ..Sources::default() }, at)
}

/// F4 with every source there is. The specification books the share's return and the refund as two journals through
/// the merchant's available money; this is one with the same balances, so that a refund is one fact. What no source
/// pays, the provider advances: a claim (Dr 1120), which becomes a cost only when it is
/// [given up](super::flows::claim_given_up). Post
/// [`commission_taken_back`](super::flows::commission_taken_back) before it: what comes back is a source.
pub fn refund_from_sources(
    refund: &str,
    settled: Settled,
    amount: Fen,
    sources: Sources<'_>,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    let left = settled.kept.sub(amount)?;
    let (fee_before, fee_after) =
        (settled.kept.ppm(settled.take_rate_ppm)?, left.ppm(settled.take_rate_ppm)?);
    let tax_before = tax_inside(fee_before, settled.tax_ppm)?;
    let fee = fee_before.sub(fee_after)?;
    let tax = tax_before.sub(tax_inside(fee_after, settled.tax_ppm)?)?;
    let mut owed = amount.sub(fee)?;
    let mut builder = JournalBuilder::new("refund.requested", refund, at)
        .debit(AccountRef::of(A::TakeRateIncome), fee.sub(tax)?)
        .debit(AccountRef::of(A::TaxPayable), tax);
    let mut pays = vec![
        (AccountRef::of(A::MerchantAvailable), sources.available),
        (AccountRef::of(A::MerchantPending), sources.pending),
    ];
    pays.extend(sources.frozen.map(|(case, fen)| (AccountRef::owned(A::DepositFrozen, case), fen)));
    for (account, there) in pays {
        let part = owed.min(there);
        builder = builder.debit(account, part);
        owed = owed.sub(part)?;
    }
    builder
        .debit(Debtor::Merchant.claim(), owed)
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

    #[test]
    fn sources_pay_in_their_order_and_the_rest_is_a_claim() {
        let settled = Settled { kept: Fen::new(9_800), take_rate_ppm: 20_000, tax_ppm: 60_000 };
        let legs = |settled, available, pending, frozen| {
            let (available, pending) = (Fen::new(available), Fen::new(pending));
            let sources = Sources { available, pending, frozen: Some(("case", Fen::new(frozen))) };
            let at = Timestamp::from_seconds(1);
            let journal = refund_from_sources("rfd", settled, Fen::new(9_800), sources, at).unwrap();
            let legs = journal.legs().iter().map(|leg| (leg.account.code.number(), leg.amount.get()));
            legs.collect::<Vec<_>>()
        };
        let (rate, to_buyer) = ([(4030, 185), (2300, 11)], (2500, 9_800));
        let expected = |pays: &[(i64, i64)]| [&rate[..], pays, &[to_buyer]].concat();
        assert_eq!(legs(settled, 9_604, 5, 5), expected(&[(2010, 9_604)]));
        assert_eq!(legs(settled, 9_600, 5, 5), expected(&[(2010, 9_600), (2020, 4)]));
        assert_eq!(legs(settled, 9_000, 4, 600), expected(&[(2010, 9_000), (2020, 4), (2110, 600)]));
        assert_eq!(legs(settled, 1, 2, 3), expected(&[(2010, 1), (2020, 2), (2110, 3), (1120, 9_598)]));
        // The order's terms let the provider keep its share.
        assert_eq!(legs(Settled { take_rate_ppm: 0, ..settled }, 9_800, 0, 0), [(2010, 9_800), to_buyer]);
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
