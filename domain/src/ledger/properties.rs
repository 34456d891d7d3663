//! What holds of the rules and the flows whatever the figures (specification §3.3, R2–R8 and R10).

use super::books::Books;
use super::clawback::{Settled, refund_after_settlement};
use super::flows::*;
use super::rounding::{largest_remainder, metered, metered_between, refunded_by, tax_inside};
use super::{AccountCode as A, AccountRef, Journal, JournalError};
use crate::ids::JournalId;
use crate::money::{Fen, MAX_FEN};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

const AT: Timestamp = Timestamp::from_seconds(1_760_000_000);
/// The last of them is the provider itself.
const PARTIES: [&str; 5] = ["promoter", "leader", "agency", "helper", "platform"];

fn fen(value: i64) -> Fen {
    Fen::new(value)
}

/// Terms of an order, and whether everybody is paid out as soon as it is settled.
#[derive(Clone, Debug)]
struct Terms {
    commission_ppm: i64,
    weights: Vec<i64>,
    take_rate_ppm: i64,
    tax_ppm: i64,
    paid_out: bool,
}

fn terms() -> impl Strategy<Value = Terms> {
    let rates = (0_i64..=500_000, 0_i64..=300_000, 0_i64..=500_000);
    (rates, prop::collection::vec(0_i64..1_000, 1..=5), any::<bool>()).prop_map(
        |((commission_ppm, take_rate_ppm, tax_ppm), weights, paid_out)| Terms {
            commission_ppm,
            weights,
            take_rate_ppm,
            tax_ppm,
            paid_out,
        },
    )
}

/// An order that is refunded in `parts`, the window ending before refund `settles_before`.
struct Order {
    books: Books,
    parties: Vec<(&'static str, i64)>,
    terms: Terms,
}

impl Order {
    fn refunded(terms: Terms, parts: &[i64], settles_before: usize) -> Books {
        let names = PARTIES.iter().skip(PARTIES.len() - terms.weights.len());
        let parties = names.copied().zip(terms.weights.iter().copied()).collect();
        let mut order = Self { books: Books::default(), parties, terms };
        let mut kept = fen(parts.iter().sum());
        order.post(order_paid("ord", "wechat", kept, AT));
        let accrued = order.rule().parts_on(kept).unwrap();
        order.post_some(commission_accrued("oln", &accrued, AT));
        for (n, part) in parts.iter().enumerate() {
            if n == settles_before {
                order.settle(kept);
            }
            let (refund, part) = (format!("rfd{n}"), fen(*part));
            let left = kept.sub(part).unwrap();
            if n < settles_before {
                order.refund_inside(&refund, kept, left);
            } else {
                order.refund_after(&refund, kept, left);
            }
            order.post(refund_done(&refund, "wechat", part, AT));
            kept = left;
        }
        let (available, claim) =
            (order.of(A::MerchantAvailable, ""), order.of(A::ClawbackReceivable, "merchant"));
        if available.min(claim) > Fen::ZERO {
            order.post(claim_netted("end", &Debtor::Merchant, available.min(claim), AT));
        }
        order.books
    }
    fn rule(&self) -> CommissionRule<'_> {
        CommissionRule { line: "oln", rate_ppm: self.terms.commission_ppm, parties: &self.parties }
    }
    fn of(&self, code: A, owner: &str) -> Fen {
        fen(self.books.of(&AccountRef::owned(code, owner)))
    }
    fn post(&mut self, journal: Result<Journal, JournalError>) {
        let journal = journal.unwrap();
        let before = self.books.not_zero();
        self.books.post(&journal).unwrap_or_else(|floor| panic!("{floor:?} refuses {journal:?}"));
        assert_eq!(self.books.sum(), 0);
        // Taken back at once, it leaves the books as they were.
        let mut back = self.books.clone();
        let (id, legs) = (JournalId(uuid::Uuid::nil()), journal.legs());
        let reversal = Journal::reversal(id, journal.code(), journal.business_ref(), legs, AT).unwrap();
        back.post(&reversal).unwrap_or_else(|floor| panic!("{floor:?} refuses {reversal:?}"));
        assert_eq!(back.not_zero(), before, "{journal:?}");
    }
    fn post_some(&mut self, journal: Result<Option<Journal>, JournalError>) {
        if let Some(journal) = journal.unwrap() {
            self.post(Ok(journal));
        }
    }
    fn settle(&mut self, kept: Fen) {
        let (take_rate, tax) = (self.terms.take_rate_ppm, self.terms.tax_ppm);
        self.post_some(take_rate_charged("ord", kept, take_rate, tax, AT));
        let rest = self.of(A::MerchantPending, "");
        if rest > Fen::ZERO {
            self.post(order_released("ord", rest, AT));
        }
        for part in self.rule().parts_on(kept).unwrap() {
            let party = part.owner.trim_start_matches("oln/").to_owned();
            match party.as_str() {
                _ if part.amount == Fen::ZERO => {}
                "platform" => self.post(commission_kept(&part, tax, AT)),
                _ => {
                    self.post(commission_settled(&part, &party, AT));
                    self.pay_out(&party, &PaidOutOf::Commission(party.clone()), part.amount);
                }
            }
        }
        self.pay_out("merchant", &PaidOutOf::Available, rest);
    }
    fn pay_out(&mut self, payout: &str, of: &PaidOutOf, amount: Fen) {
        if self.terms.paid_out && amount > Fen::ZERO {
            self.post(payout_requested(payout, of, amount, AT));
            self.post(payout_done(payout, &PaidBy::Escrow("wechat".into()), amount, AT));
        }
    }
    fn refund_inside(&mut self, refund: &str, kept: Fen, left: Fen) {
        let less = self.rule().parts_less(kept, left).unwrap();
        self.post_some(commission_reversed(refund, &less, AT));
        self.post(refund_requested(refund, kept.sub(left).unwrap(), AT));
    }
    fn refund_after(&mut self, refund: &str, kept: Fen, left: Fen) {
        let less = self.rule().parts_less(kept, left).unwrap();
        let (_, others) = less.split_last().unwrap();
        let back = |part: &CommissionPart| {
            let party = part.owner.trim_start_matches("oln/").to_owned();
            TakenBack { unpaid: self.of(A::CommissionPayable, &party), amount: part.amount, party }
        };
        let others: Vec<TakenBack> = others.iter().map(back).collect();
        let own = |base| self.rule().parts_on(base).unwrap().last().unwrap().amount;
        let own = OwnPart { before: own(kept), after: own(left), tax_ppm: self.terms.tax_ppm };
        self.post_some(commission_taken_back(refund, &others, own, AT));
        let Terms { take_rate_ppm, tax_ppm, .. } = self.terms;
        let settled = Settled { kept, take_rate_ppm, tax_ppm };
        let available = self.of(A::MerchantAvailable, "");
        self.post(refund_after_settlement(refund, settled, kept.sub(left).unwrap(), available, AT));
    }
}

/// Books of one invoice, or of nothing.
fn booked(journals: impl IntoIterator<Item = Result<Journal, JournalError>>) -> Books {
    let mut books = Books::default();
    for journal in journals {
        books.post(&journal.unwrap()).unwrap();
        assert_eq!(books.sum(), 0);
    }
    books
}

proptest! {
    /// R6, R7, R10: whatever the rates, the parts, their order and the moment the window ends, an order that is
    /// refunded whole leaves nothing: no commission, no fee, no tax. Who was paid by then owes exactly that.
    #[test]
    fn any_order_of_refunds_ends_at_zero(
        terms in terms(),
        parts in prop::collection::vec(1_i64..40_000, 1..7),
        turned in any::<prop::sample::Index>(),
        settles in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let mut other = parts.clone();
        other.rotate_left(turned.index(parts.len()));
        other.reverse();
        for (parts, settles) in [(&parts, settles.0), (&other, settles.1)] {
            let settles_before = settles.index(parts.len() + 1);
            let books = Order::refunded(terms.clone(), parts, settles_before);
            let left = books.not_zero();
            if !terms.paid_out || settles_before == parts.len() {
                prop_assert_eq!(left, BTreeMap::new());
                continue;
            }
            let paid: BTreeMap<&str, i64> =
                left.iter().filter(|(account, _)| account.code == A::ClawbackReceivable)
                    .map(|(account, fen)| (account.owner.as_str(), *fen)).collect();
            let kept = fen(parts.iter().skip(settles_before).sum());
            let rule_parties: Vec<(&str, i64)> =
                PARTIES.iter().skip(PARTIES.len() - terms.weights.len()).copied().zip(terms.weights.iter().copied()).collect();
            let rule = CommissionRule { line: "oln", rate_ppm: terms.commission_ppm, parties: &rule_parties };
            let mut expected = BTreeMap::new();
            let mut rest = kept.sub(kept.ppm(terms.take_rate_ppm).unwrap()).unwrap();
            for (part, (party, _)) in rule.parts_on(kept).unwrap().iter().zip(&rule_parties) {
                rest = rest.sub(part.amount).unwrap();
                if *party != "platform" && part.amount > Fen::ZERO {
                    expected.insert(*party, part.amount.get());
                }
            }
            if rest > Fen::ZERO {
                expected.insert("merchant", rest.get());
            }
            prop_assert_eq!(&paid, &expected);
            let short = left.get(&AccountRef::owned(A::PspEscrow, "wechat")).copied().unwrap_or(0);
            prop_assert_eq!(short, -expected.values().sum::<i64>());
            prop_assert_eq!(left.len(), expected.len() + usize::from(short != 0));
        }
    }

    /// R2: multiplied first, rounded once, half away from zero.
    #[test]
    fn a_ratio_is_the_nearest_fen(amount in -1_000_000_000_000_i64..1_000_000_000_000, numerator in 0_i64..5_000_000, denominator in 1_i64..5_000_000) {
        let got = fen(amount).ratio(numerator, denominator).unwrap().get();
        let (exact, den) = (i128::from(amount) * i128::from(numerator), i128::from(denominator));
        let twice_off = 2 * (i128::from(got) * den - exact);
        prop_assert!(twice_off.abs() <= den);
        prop_assert!(twice_off.abs() < den || got.unsigned_abs() as u128 * den.unsigned_abs() > exact.unsigned_abs());
        prop_assert_eq!(fen(-amount).ratio(numerator, denominator).unwrap().get(), -got);
    }

    /// R3: the pieces of a running meter sum to its whole.
    #[test]
    fn monthly_pieces_of_a_meter_sum_to_the_whole(steps in prop::collection::vec(0_i64..100_000, 1..13), price in 0_i64..10_000_000) {
        let (mut read, mut billed) = (0, Fen::ZERO);
        for step in steps {
            let piece = metered_between(read, read + step, fen(price)).unwrap();
            prop_assert!(piece >= Fen::ZERO);
            (read, billed) = (read + step, billed.add(piece).unwrap());
        }
        prop_assert_eq!(Ok(billed), metered(read, fen(price)));
    }

    /// R5: each part is its exact share, rounded down or up, and equal shares differ by the order alone.
    #[test]
    fn a_discount_over_lines_is_fair(total in 0_i64..100_000_000, weights in prop::collection::vec(1_i64..10_000, 1..9)) {
        let sum: i64 = weights.iter().sum();
        let parts = largest_remainder(fen(total), &weights).unwrap();
        for (n, (part, weight)) in parts.iter().zip(&weights).enumerate() {
            let down = i64::try_from(i128::from(total) * i128::from(*weight) / i128::from(sum)).unwrap();
            prop_assert!((down..=down + 1).contains(&part.get()));
            let later = parts.iter().zip(&weights).skip(n + 1).filter(|(_, other)| *other == weight);
            for (same, _) in later {
                prop_assert!(part >= same);
            }
        }
    }

    /// R7: tax per line, so that crediting the lines one by one makes the invoice zero. An unpaid one owes nothing
    /// then; of a paid one everything is in the wallet.
    #[test]
    fn credited_lines_make_an_invoice_zero(lines in prop::collection::vec(1_i64..10_000_000, 1..8), rate in 0_i64..=500_000, paid in any::<bool>()) {
        let taxes: Vec<Fen> = lines.iter().map(|line| tax_inside(fen(*line), rate).unwrap()).collect();
        let (gross, tax) = (fen(lines.iter().sum()), Fen::sum(taxes.iter().copied()).unwrap());
        let bank = ReceivedAt::Bank("icbc".into());
        let mut journals = vec![invoice_issued("ivc", "sub", gross, tax, AT)];
        if paid {
            journals.push(invoice_paid("ivc", gross, &bank, AT));
        }
        let mut unpaid = if paid { Fen::ZERO } else { gross };
        for (n, (line, tax)) in lines.iter().zip(taxes).enumerate() {
            let what = Credited { unearned: fen(*line).sub(tax).unwrap(), tax, unpaid, ..Credited::default() };
            journals.push(invoice_credited(&format!("note{n}"), "sub", what, AT));
            unpaid = unpaid.sub(unpaid.min(fen(*line))).unwrap();
        }
        let in_wallet = BTreeMap::from([
            (AccountRef::owned(A::Bank, "icbc"), gross.get()),
            (AccountRef::of(A::MerchantWallet), gross.get()),
        ]);
        prop_assert_eq!(booked(journals).not_zero(), if paid { in_wallet } else { BTreeMap::new() });
    }

    /// R4 and D11: whenever a subscription is credited, however much of it was paid, nothing stays unearned, and what
    /// comes back is first no longer owed.
    #[test]
    fn a_subscription_may_be_credited_at_any_time(gross in 1_i64..10_000_000, rate in 0_i64..=500_000, parts in 1_i64..366, earned in 0_i64..366, paid in 0_i64..10_000_000) {
        let (gross, earned) = (fen(gross), earned.min(parts));
        let (paid, tax) = (gross.min(fen(paid)), tax_inside(gross, rate).unwrap());
        let net = gross.sub(tax).unwrap();
        let mut books = booked([invoice_issued("ivc", "sub", gross, tax, AT)]);
        let mut post = |journal: Journal| books.post(&journal).unwrap();
        if paid > Fen::ZERO {
            post(invoice_paid("ivc", paid, &ReceivedAt::Bank("icbc".into()), AT).unwrap());
        }
        for part in 0..earned {
            if let Some(journal) = subscription_days_earned("ivc", "sub", net, (part, part + 1, parts), AT).unwrap() {
                post(journal);
            }
        }
        let left = |whole: Fen| whole.sub(whole.ratio(earned, parts).unwrap()).unwrap();
        let (unearned, unearned_tax, unpaid) = (left(net), left(tax), gross.sub(paid).unwrap());
        let total = unearned.add(unearned_tax).unwrap();
        if total > Fen::ZERO {
            let what = Credited { unearned, tax: unearned_tax, unpaid, ..Credited::default() };
            post(invoice_credited("note", "sub", what, AT).unwrap());
        }
        let of = |code| books.of(&AccountRef::of(code));
        prop_assert_eq!(books.of(&AccountRef::owned(A::UnearnedRevenue, "sub")), 0);
        prop_assert_eq!(of(A::SubscriptionIncome), net.ratio(earned, parts).unwrap().get());
        prop_assert_eq!(of(A::Receivable), unpaid.sub(unpaid.min(total)).unwrap().get());
        prop_assert_eq!(of(A::MerchantWallet), total.sub(unpaid.min(total)).unwrap().get());
        prop_assert_eq!(books.sum(), 0);
    }

    /// R8: pieces that come back one by one give back the line and never more than a fen too much on the way.
    #[test]
    fn pieces_that_come_back_sum_to_their_line(total in 0_i64..10_000_000, steps in prop::collection::vec(1_i64..9, 1..9)) {
        let quantity: i64 = steps.iter().sum();
        let (mut back, mut given) = (0, Fen::ZERO);
        for step in steps {
            let piece = refunded_by(fen(total), back + step, quantity).unwrap().sub(refunded_by(fen(total), back, quantity).unwrap()).unwrap();
            prop_assert!(piece >= Fen::ZERO);
            (back, given) = (back + step, given.add(piece).unwrap());
        }
        prop_assert_eq!(given, fen(total));
    }
}

/// R2: a rate of zero moves nothing, and what comes to nothing is no journal.
#[test]
fn a_rate_of_zero_books_nothing() {
    let rule = CommissionRule { line: "oln", rate_ppm: 0, parties: &[("promoter", 7), ("platform", 3)] };
    let parts = rule.parts_on(fen(9_800)).unwrap();
    assert_eq!(take_rate_charged("ord", fen(9_800), 0, 60_000, AT), Ok(None));
    assert_eq!(commission_accrued("oln", &parts, AT), Ok(None));
    assert_eq!(commission_reversed("rfd", &parts, AT), Ok(None));
    assert_eq!(commission_taken_back("rfd", &[], OwnPart::default(), AT), Ok(None));
    assert_eq!(subscription_days_earned("ivc", "sub", fen(1), (0, 1, 3), AT), Ok(None));
}

/// R1, R11: amounts that are none are refused by every flow, never booked and never a panic.
#[test]
fn amounts_out_of_range_make_no_journal() {
    let bank = ReceivedAt::Bank("icbc".into());
    let rule =
        CommissionRule { line: "oln", rate_ppm: 100_000, parties: &[("promoter", 7), ("platform", 3)] };
    for amount in [0, -1, i64::MIN, MAX_FEN + 1, i64::MAX].map(fen) {
        let settled = Settled { kept: amount, take_rate_ppm: 20_000, tax_ppm: 60_000 };
        let made = [
            invoice_issued("x", "sub", amount, Fen::ZERO, AT).ok(),
            invoice_paid("x", amount, &bank, AT).ok(),
            psp_settled("x", "wx", "icbc", amount, Fen::ZERO, AT).ok(),
            wallet_topped_up("x", amount, &bank, AT).ok(),
            promo_granted("x", amount, AT).ok(),
            receipt_unmatched("x", &bank, amount, AT).ok(),
            order_paid("x", "wechat", amount, AT).ok(),
            refund_requested("x", amount, AT).ok(),
            refund_after_settlement("x", settled, amount, Fen::ZERO, AT).ok(),
            payout_requested("x", &PaidOutOf::Available, amount, AT).ok(),
            claim_given_up("x", &Debtor::Merchant, amount, AT).ok(),
            deposit_topped_up("x", "basic", amount, &bank, AT).ok(),
            deduction_beyond("x", &Beneficiary::Provider, amount, AT).ok(),
            rule.parts_on(amount.times(11).unwrap_or(amount))
                .ok()
                .and_then(|parts| commission_accrued("x", &parts, AT).ok().flatten()),
        ];
        assert_eq!(made.iter().flatten().count(), 0, "{amount:?}: {made:?}");
    }
}
