//! The worked example of the specification §3.1, fen by fen, on books kept in memory.

use super::chart::AccountCode as A;
use super::flows::*;
use super::journal::{AccountRef, Journal, JournalError};
use super::rounding::{cascade, earned_by, metered, tax_inside};
use super::{Floor, Side};
use crate::money::Fen;
use crate::time::Timestamp;
use std::collections::BTreeMap;

const AT: Timestamp = Timestamp::from_seconds(1_760_000_000);

#[derive(Default)]
struct Books(BTreeMap<AccountRef, i64>);

impl Books {
    fn post(&mut self, journal: Result<Journal, JournalError>) {
        for leg in journal.unwrap().legs() {
            let balance = self.0.entry(leg.account.clone()).or_default();
            *balance +=
                if leg.side == leg.account.code.side() { leg.amount.get() } else { -leg.amount.get() };
            assert!(leg.account.code.floor() == Floor::None || *balance >= 0, "floor of {:?}", leg.account);
        }
        let sum: i64 = self
            .0
            .iter()
            .map(|(account, fen)| if account.code.side() == Side::Debit { *fen } else { -fen })
            .sum();
        assert_eq!(sum, 0, "books balance");
    }
    fn of(&self, account: &AccountRef) -> i64 {
        self.0.get(account).copied().unwrap_or(0)
    }
    fn plain(&self, code: A) -> i64 {
        self.of(&AccountRef::of(code))
    }
}

fn fen(value: i64) -> Fen {
    Fen::new(value)
}

#[test]
fn f1_subscription() {
    let mut books = Books::default();
    let gross = fen(199_900);
    let tax = tax_inside(gross, 60_000).unwrap();
    let net = gross.sub(tax).unwrap();
    assert_eq!((net, tax), (fen(188_585), fen(11_315)));
    books.post(invoice_issued("ivc", "sub", gross, tax, AT));
    assert_eq!(books.plain(A::Receivable), 199_900);
    books.post(invoice_paid("ivc", gross, &ReceivedAt::Psp("wx".into()), AT));
    let fee = gross.ratio(6, 1_000).unwrap();
    books.post(psp_settled("s1", "wx", "icbc", gross, fee, AT));
    assert_eq!(books.of(&AccountRef::owned(A::Bank, "icbc")), 198_701);
    for k in 1..=5 {
        books.post(subscription_earned("ivc", "sub", net, k, 12, AT));
    }
    assert_eq!(books.plain(A::SubscriptionIncome), 78_577);
    let unearned = net.sub(earned_by(net, 5, 12).unwrap()).unwrap();
    let unearned_tax = tax.sub(earned_by(tax, 5, 12).unwrap()).unwrap();
    assert_eq!((unearned, unearned_tax), (fen(110_008), fen(6_600)));
    books.post(invoice_credited("cn", "sub", unearned, unearned_tax, AT));
    assert_eq!(books.plain(A::MerchantWallet), 116_608);
    assert_eq!(books.of(&AccountRef::owned(A::UnearnedRevenue, "sub")), 0);
}

#[test]
fn f2_usage() {
    let mut books = Books::default();
    // The wallet is filled by the credit note of F1 e.
    books.post(invoice_issued("ivc", "sub", fen(116_608), fen(6_600), AT));
    books.post(invoice_credited("cn", "sub", fen(110_008), fen(6_600), AT));
    let gross = metered(12_345, fen(4_500_000)).unwrap();
    let tax = tax_inside(gross, 60_000).unwrap();
    books.post(usage_invoice_issued("use", gross, tax, AT));
    assert_eq!((books.plain(A::UsageIncome), books.plain(A::TaxPayable)), (52_408, 3_145));
    books.post(invoice_paid_from_wallet("use", gross, AT));
    assert_eq!(books.plain(A::MerchantWallet), 116_608 - 55_553);
    assert_eq!(books.plain(A::Receivable), 116_608);
}

#[test]
fn f3_order_with_take_rate_and_commission() {
    let mut books = Books::default();
    let parts = |amounts: [i64; 3]| -> Vec<CommissionPart> {
        ["promoter", "leader", "platform"]
            .into_iter()
            .zip(amounts)
            .map(|(owner, amount)| CommissionPart { owner: owner.into(), amount: fen(amount) })
            .collect()
    };
    let split = |base: i64| cascade(fen(base).ppm(100_000).unwrap(), &[63, 27, 10]).unwrap();
    books.post(order_paid("ord", "wechat", fen(12_800), AT));
    assert_eq!(split(12_800), [fen(806), fen(346), fen(128)]);
    books.post(commission_accrued("oln", &parts([806, 346, 128]), AT));
    assert_eq!(split(9_800), [fen(617), fen(265), fen(98)]);
    books.post(commission_reversed("rfd", &parts([189, 81, 30]), AT));
    books.post(refund_requested("rfd", fen(3_000), AT));
    books.post(refund_done("rfd", "wechat", fen(3_000), AT));
    books.post(take_rate_charged("ord", fen(9_800), 20_000, 60_000, AT).transpose().unwrap());
    assert_eq!(books.plain(A::TakeRateIncome), 185);
    assert_eq!(books.plain(A::TaxPayable), 11);
    books.post(order_released("ord", fen(8_624), AT));
    assert_eq!(books.plain(A::MerchantPending), 0);
    assert_eq!(books.plain(A::MerchantAvailable), 8_624);
    let settled = parts([617, 265, 98]);
    books.post(commission_settled(&settled[0], "promoter", AT));
    books.post(commission_settled(&settled[1], "leader", AT));
    books.post(commission_kept(&settled[2], 60_000, AT));
    assert_eq!(books.plain(A::TakeRateIncome), 185 + 92);
    books.post(payout_requested("p1", AccountRef::owned(A::CommissionPayable, "promoter"), fen(617), AT));
    books.post(payout_done("p1", AccountRef::owned(A::PspEscrow, "wechat"), fen(617), AT));
    assert_eq!(books.of(&AccountRef::owned(A::PspEscrow, "wechat")), 9_800 - 617);
    books.post(payout_requested("p2", AccountRef::of(A::MerchantAvailable), fen(8_624), AT));
    books.post(payout_failed("p2", AccountRef::of(A::MerchantAvailable), fen(8_624), AT));
    assert_eq!(books.plain(A::MerchantAvailable), 8_624);
}

#[test]
fn f5_deposit() {
    let mut books = Books::default();
    let available = AccountRef::owned(A::DepositAvailable, "basic");
    books.post(deposit_topped_up("rcp", "basic", fen(200_000), &ReceivedAt::Psp("wx".into()), AT));
    books.post(deposit_frozen("case", "basic", fen(50_000), AT));
    books.post(deposit_compensated("d1", "case", "rfd", fen(30_000), AT));
    books.post(deposit_penalty("d2", "case", fen(5_000), AT));
    books.post(deposit_released("case", "basic", fen(15_000), AT));
    assert_eq!(books.of(&available), 165_000);
    assert_eq!(books.of(&AccountRef::owned(A::DepositFrozen, "case")), 0);
    books.post(deposit_closing("shp", "basic", fen(165_000), AT));
    assert_eq!(books.plain(A::DepositRefunding), 165_000);
}

#[test]
fn a_rate_of_zero_books_nothing() {
    assert_eq!(take_rate_charged("ord", fen(9_800), 0, 60_000, AT), Ok(None));
    assert!(order_paid("ord", "wechat", Fen::ZERO, AT).is_err());
}
