//! Credit notes. What a change of plan gives back of an invoice is taken off what is still owed of it, and the rest goes
//! into the prepaid wallet, which pays the next invoices. Where a transfer was declared that nobody has looked at yet, the
//! invoice stays as it was declared, and all of it goes into the wallet.

use super::{book, whole_merchant};
use crate::error::Answer;
use crate::state::AppState;
use jiff::civil::Date;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{BillingError, InvoiceState, LineAmounts, date_in, date_text, unearned};
use qianpu_domain::ids::{CreditNoteId, InvoiceId, PlanChangeId};
use qianpu_domain::ledger::flows::{Credited, invoice_credited};
use qianpu_domain::money::Fen;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::credit_note::{
    CreditNote, CreditNoteLine, NewCreditLine, NewCreditNote, credit_note_get, credit_note_get_by_provider,
    credit_note_insert, credit_note_lines, credit_note_list, credit_note_list_by_provider, credit_note_of,
};
use qianpu_tenants::store::invoice::{Invoice, InvoiceChange, invoice_fees, invoice_move};
use qianpu_tenants::store::receipt::{ReceiptFor, receipt_list_of};
use serde_json::json;

/// A credit note with its lines.
#[derive(Debug, Clone)]
pub struct CreditDetail {
    pub note: CreditNote,
    pub lines: Vec<CreditNoteLine>,
}

async fn detail(tx: &TenantTx, note: CreditNote) -> Answer<CreditDetail> {
    let lines = credit_note_lines(tx, note.id).await?;
    Ok(CreditDetail { note, lines })
}

/// Credit notes, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    page: PageRequest,
) -> Answer<Page<CreditNote>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        return Ok(credit_note_list(&*state.db.read(grant.ctx()).await?, page).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(credit_note_list_by_provider(&tx, page).await?)
}

/// One credit note.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    id: CreditNoteId,
) -> Answer<CreditDetail> {
    whole_merchant(grant)?;
    let ctx = if grant.ctx().kind() == Surface::Merchant {
        grant.ctx().clone()
    } else {
        let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
        let merchant = credit_note_get_by_provider(&tx, id).await?.merchant;
        drop(tx);
        grant.on_merchant(&state.db, merchant).await?.ctx().clone()
    };
    let tx = state.db.read(&ctx).await?;
    detail(&tx, credit_note_get(&tx, id).await?).await
}

/// The credit note of an invoice.
pub(super) async fn of_invoice(tx: &TenantTx, invoice: InvoiceId) -> Answer<Option<CreditDetail>> {
    match credit_note_of(tx, invoice).await? {
        Some(note) => Ok(Some(detail(tx, note).await?)),
        None => Ok(None),
    }
}

/// Credits the days of an invoice's period from `from` on (journal F1 e). None where nothing is left of them.
pub(super) async fn credit_in(
    tx: &mut TenantTx,
    invoice: &Invoice,
    change: PlanChangeId,
    from: Date,
) -> Answer<Option<CreditDetail>> {
    let period = super::invoices::period_of(invoice)?;
    let from = from.max(period.start);
    let last = date_text(period.end.yesterday().map_err(|_| BillingError::Date)?);
    let (mut sum, mut lines) = (LineAmounts::default(), Vec::new());
    for line in invoice_fees(tx, invoice.id).await? {
        let amounts = unearned(line.amounts, period, from)?;
        if let (Some(invoice_line), true) = (line.id, amounts.total != Fen::ZERO) {
            sum = sum.plus(amounts)?;
            lines.push(NewCreditLine {
                invoice_line,
                description_zh: format!("退回 {from} 至 {last}：{}", line.description_zh),
                description_en: format!("Credit from {from} to {last}: {}", line.description_en),
                amounts,
            });
        }
    }
    if sum.total == Fen::ZERO {
        return Ok(None);
    }
    let receipts = receipt_list_of(tx, ReceiptFor::Invoice(invoice.id)).await?;
    let declared = receipts.iter().any(|receipt| receipt.state == "declared");
    let open = match invoice.state {
        InvoiceState::Issued | InvoiceState::Overdue if !declared => invoice.due()?,
        _ => Fen::ZERO,
    };
    let receivable = sum.total.min(open);
    let new = NewCreditNote {
        invoice: invoice.id,
        change,
        year: date_in(tx.now(), &invoice.zone)?.year(),
        credited_from: &date_text(from),
        amounts: sum,
        receivable,
        wallet: sum.total.sub(receivable)?,
        lines: &lines,
    };
    let id = credit_note_insert(tx, &new).await?;
    let note = detail(tx, credit_note_get(tx, id).await?).await?;
    if receivable != Fen::ZERO {
        let credited = invoice.credited.add(receivable)?;
        let mut change = InvoiceChange { credited: Some(credited), ..InvoiceChange::default() };
        let next = if open != receivable {
            invoice.state
        } else if credited == invoice.amounts.total {
            invoice.state.void()?
        } else {
            change.paid_at = Some(tx.now());
            invoice.state.pay(open, receivable)?
        };
        invoice_move(tx, invoice.id, invoice.state, next, &change).await?;
        if next == InvoiceState::Paid {
            outbox_append(
                tx,
                EventType::InvoicePaid,
                &invoice.id.to_string(),
                invoice.version + 1,
                json!({}),
            )
            .await?;
        }
    }
    let public = id.to_string();
    let said =
        json!({"number": note.note.number, "invoice": invoice.id.to_string(), "total_fen": sum.total.get()});
    audit_append(tx, AuditAction::CreditNoteIssued, "credit_note", &public, said).await?;
    let said = json!({"number": note.note.number});
    outbox_append(tx, EventType::CreditNoteIssued, &public, 1, said).await?;
    let what = Credited { unearned: sum.net, tax: sum.tax, unpaid: open, ..Credited::default() };
    let now = tx.now();
    book(tx, invoice_credited(&public, &invoice.subscription.to_string(), what, now)).await?;
    Ok(Some(note))
}
