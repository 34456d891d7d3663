//! A transfer that was confirmed by mistake: what its confirmation booked is taken back by another journal, and what
//! followed from it in the same transaction. The receipt is over with it; a transfer that does arrive is declared anew.

use super::receipts::reason_of;
use super::{deposits, invoice_jobs, notices, take_back};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::InvoiceState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{DepositId, InvoiceId, ReceiptId};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::invoice::{InvoiceChange, invoice_get, invoice_move};
use qianpu_tenants::store::ledger::journal_find;
use qianpu_tenants::store::receipt::{Receipt, ReceiptFor, receipt_get, receipt_reverse};
use serde_json::json;

/// Takes the confirmation of a receipt back. Taken back before, the receipt is answered as it is.
pub async fn reverse_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    id: ReceiptId,
    reason: &str,
) -> Answer<Receipt> {
    receipt_get(tx, id).await?;
    let reason = reason_of(reason)?;
    match receipt_reverse(tx, id, reason).await {
        Ok(()) => {}
        Err(StoreError::VersionConflict) => {
            let receipt = receipt_get(tx, id).await?;
            if receipt.state == "reversed" {
                return Ok(receipt);
            }
            return Err(
                ApiError::new(ErrorCode::Conflict).with_text("money.receipt_not_confirmed", Vec::new())
            );
        }
        Err(other) => return Err(other.into()),
    }
    let (receipt, public) = (receipt_get(tx, id).await?, id.to_string());
    let detail = json!({"amount_fen": receipt.amount.get(), "reason": reason});
    audit_append(tx, AuditAction::ReceiptReversed, "receipt", &public, detail).await?;
    outbox_append(tx, EventType::ReceiptReversed, &public, 3, json!({})).await?;
    notices::receipt(state, tx, seller, &receipt).await?;
    match receipt.pays {
        ReceiptFor::Invoice(invoice) => owed_again(tx, invoice, id).await?,
        ReceiptFor::Deposit(deposit) => off_the_deposit(tx, deposit, id).await?,
    }
    Ok(receipt)
}

/// The invoice is open again, or overdue, as its dates say. What is earned of it does not depend on its payment.
async fn owed_again(tx: &mut TenantTx, id: InvoiceId, receipt: ReceiptId) -> Answer<()> {
    let (was, now, public) = (invoice_get(tx, id).await?, tx.now(), id.to_string());
    let due_passed = was.due_at.is_some_and(|due| due <= now);
    let next = was.state.reopen(due_passed)?;
    let change = InvoiceChange { unpaid: true, ..InvoiceChange::default() };
    invoice_move(tx, id, was.state, next, &change).await?;
    let version = was.version + 1;
    let payload = json!({"state": next.as_str()});
    outbox_append(tx, EventType::InvoiceReopened, &public, version, payload).await?;
    match (next, was.due_at) {
        (InvoiceState::Overdue, _) => {
            audit_append(tx, AuditAction::InvoiceOverdue, "invoice", &public, json!({})).await?;
            outbox_append(tx, EventType::InvoiceOverdue, &public, version, json!({})).await?;
        }
        // The job of its issue may have gone while the invoice was paid.
        (_, Some(due)) => {
            job_enqueue(tx, invoice_jobs::fall_due(id, due)).await?;
        }
        _ => {}
    }
    // The first payment of an invoice is booked under its own reference, a later one under its receipt's.
    let later = format!("{id}/{receipt}");
    let reference = if journal_find(tx, "invoice.paid", &later).await?.is_some() { later } else { public };
    take_back(tx, "invoice.paid", &reference).await
}

/// The deposit is as much less, unless it no longer holds that.
async fn off_the_deposit(tx: &mut TenantTx, id: DepositId, receipt: ReceiptId) -> Answer<()> {
    match take_back(tx, "deposit.topped_up", &receipt.to_string()).await {
        Err(error) if error.code() == ErrorCode::InsufficientBalance => {
            return Err(error.with_text("money.deposit_spent", Vec::new()));
        }
        done => done?,
    }
    deposits::recompute_in(tx, id).await?;
    Ok(())
}
