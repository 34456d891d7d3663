//! F2: the prepaid wallet and promotional credit. An invoice takes promotional credit first, then the wallet (§1.1);
//! each is a journal of its own beside the payment of the rest.

use super::ReceivedAt;
use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// The wallet is filled.
pub fn wallet_topped_up(
    receipt: &str,
    amount: Fen,
    into: &ReceivedAt,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("wallet.topped_up", receipt, at)
        .debit(into.account(), amount)
        .credit(AccountRef::of(A::MerchantWallet), amount)
        .build()
}

/// F2: an invoice, or a part of it, is paid from the prepaid wallet; once per invoice.
pub fn invoice_paid_from_wallet(invoice: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("wallet.used", invoice, at)
        .debit(AccountRef::of(A::MerchantWallet), amount)
        .credit(AccountRef::of(A::Receivable), amount)
        .build()
}

/// F2: promotional credit is granted; it costs the provider when it is given, not when it is used.
pub fn promo_granted(grant: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("promo.granted", grant, at)
        .debit(AccountRef::of(A::PromoCost), amount)
        .credit(AccountRef::owned(A::PromoCredit, grant), amount)
        .build()
}

/// F2: an invoice takes from a grant; once per invoice and grant.
pub fn promo_used(invoice: &str, grant: &str, amount: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("promo.used", format!("{invoice}/{grant}"), at)
        .debit(AccountRef::owned(A::PromoCredit, grant), amount)
        .credit(AccountRef::of(A::Receivable), amount)
        .build()
}

/// F2: what was not used of a grant expires, and costs nothing after all.
pub fn promo_expired(grant: &str, left: Fen, at: Timestamp) -> Result<Journal, JournalError> {
    JournalBuilder::new("promo.expired", grant, at)
        .debit(AccountRef::owned(A::PromoCredit, grant), left)
        .credit(AccountRef::of(A::PromoCost), left)
        .build()
}
