//! F2: metered use.

use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// F2: an invoice for metered use is issued; it is earned at once.
pub fn usage_invoice_issued(
    invoice: &str,
    gross: Fen,
    tax: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("invoice.issued", invoice, at)
        .debit(AccountRef::of(A::Receivable), gross)
        .credit(AccountRef::of(A::UsageIncome), gross.sub(tax)?)
        .credit(AccountRef::of(A::TaxPayable), tax)
        .build()
}
