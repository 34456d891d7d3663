//! Money between a provider and its merchants: plans, subscriptions, invoices, receipts of bank transfers,
//! deposits of shops, and the books with their statements. Orders book their own journals
//! (`app::orders`); everything here follows the billing and ledger specification §1.1 and §3.
//!
//! Functions named `…_in` work in a transaction of the merchant that the caller commits, so that a command
//! and its idempotency key are one transaction.

pub mod book_files;
pub mod books;
pub mod chain;
pub mod credit_notes;
pub mod daily;
pub mod deposit_case_files;
pub mod deposit_case_money;
mod deposit_case_notices;
pub mod deposit_cases;
pub mod deposit_cases_read;
pub mod deposits;
pub mod deposits_read;
pub mod findings;
pub mod invoice_jobs;
pub mod invoices;
pub mod limits;
pub mod notices;
pub mod plan_changes;
pub(crate) mod plan_switch;
pub mod plans;
pub mod receipt_reversal;
pub mod receipts;
pub mod roll_up;
pub mod sheet;
pub mod statements;
pub mod subscriptions;
pub mod trial;
pub mod usage;

use crate::error::{Answer, ApiError};
use qianpu_domain::access::Surface;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ledger::{Journal, JournalError};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::ledger::{PostError, Posted, journal_find, journal_post, journal_reverse};

/// The provider's bank account that transfers arrive at; owner key of account 1010.
pub const BANK: &str = "main";

/// Books a journal: the one way into the books, so that every merchant that has any is looked at daily. Call it last
/// in a transaction: it locks the accounts.
pub(crate) async fn post(tx: &mut TenantTx, journal: &Journal) -> Result<Posted, PostError> {
    daily::ensure_in(tx).await?;
    journal_post(tx, journal).await
}

async fn book(tx: &mut TenantTx, journal: Result<Journal, JournalError>) -> Answer<()> {
    post(tx, &journal?).await?;
    Ok(())
}

/// Takes back what was booked of a fact, as of now; taken back before, nothing happens.
async fn take_back(tx: &mut TenantTx, code: &str, business_ref: &str) -> Answer<()> {
    daily::ensure_in(tx).await?;
    let booked = journal_find(tx, code, business_ref)
        .await?
        .ok_or(StoreError::Corrupt("a fact without its journal"))?;
    let now = tx.now();
    journal_reverse(tx, booked, now).await?;
    Ok(())
}

/// Money belongs to the whole merchant: a role that reaches single shops only does not see it.
fn whole_merchant<P: Perm>(grant: &Grant<P>) -> Answer<()> {
    if grant.shops().is_none() { Ok(()) } else { Err(ApiError::new(ErrorCode::Forbidden)) }
}

/// Proofs with which a merchant's books are read: that of its own people, and that of its provider's finance staff, who
/// have it on the merchant (`Grant::on_merchant`).
pub trait ReadsBooks: Perm {}
impl ReadsBooks for perm::LedgerRead {}
impl ReadsBooks for perm::ProviderLedgerRead {}

/// The books are one merchant's, and the whole merchant's.
fn may_read_books<P: ReadsBooks>(grant: &Grant<P>) -> Answer<()> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant { Ok(()) } else { Err(ApiError::not_found()) }
}
