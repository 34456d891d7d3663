//! Receipts: a merchant declares a bank transfer for an invoice or a deposit; the provider's finance staff
//! find it on the bank statement and confirm it, or refuse it with a reason. Only the confirmation moves
//! money in the books; one that was a mistake is taken back by `receipt_reversal`.

use super::{BANK, book, deposits, notices, whole_merchant};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::BillingError;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{DepositId, InvoiceId, ReceiptId};
use qianpu_domain::ledger::flows::{ReceivedAt, deposit_topped_up, invoice_paid};
use qianpu_domain::money::{Fen, MAX_FEN};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::deposit::deposit_get;
use qianpu_tenants::store::invoice::{InvoiceChange, invoice_get, invoice_move};
use qianpu_tenants::store::ledger::journal_find;
use qianpu_tenants::store::receipt::{
    Receipt, ReceiptFor, receipt_counts_by_provider, receipt_decide, receipt_get, receipt_get_by_provider,
    receipt_insert, receipt_list, receipt_list_by_provider,
};
use serde_json::json;

const LONGEST_REFERENCE: usize = 64;
const LONGEST_REASON: usize = 200;
/// What a receipt may be.
pub const STATES: [&str; 4] = ["declared", "confirmed", "refused", "reversed"];

/// Receipts, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    of: Option<&str>,
    page: PageRequest,
) -> Answer<Page<Receipt>> {
    whole_merchant(grant)?;
    if of.is_some_and(|of| !STATES.contains(&of)) {
        let (en, zh) =
            (format!("one of: {}", STATES.join(", ")), format!("应为其中之一：{}", STATES.join("、")));
        return Err(FieldError::new("state", "invalid", en, zh).into());
    }
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        return Ok(receipt_list(&tx, of, page).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(receipt_list_by_provider(&tx, of, page).await?)
}

/// One receipt.
pub async fn get(state: &AppState, grant: &Grant<perm::BillingRead>, id: ReceiptId) -> Answer<Receipt> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        return Ok(receipt_get(&*state.db.read(grant.ctx()).await?, id).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(receipt_get_by_provider(&tx, id).await?)
}

/// How many receipts of the provider's merchants are in each state.
pub async fn counts(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Vec<(String, i64)>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(receipt_counts_by_provider(&tx).await?)
}

/// A transfer to be declared.
#[derive(Debug, Clone)]
pub struct DeclareReceipt {
    pub pays: ReceiptFor,
    pub amount: Fen,
    /// The bank's reference, unique per merchant.
    pub bank_reference: String,
}

/// Declares a transfer.
pub async fn declare_in(
    tx: &mut TenantTx,
    grant: &Grant<perm::MoneyMove>,
    command: &DeclareReceipt,
) -> Answer<Receipt> {
    whole_merchant(grant)?;
    let reference = command.bank_reference.trim();
    let mut errors = Vec::new();
    if !(1..=MAX_FEN).contains(&command.amount.get()) {
        errors.push(FieldError::of("amount", ErrorCode::AmountOutOfRange));
    }
    if reference.is_empty() {
        errors.push(FieldError::required("bank_reference"));
    } else if reference.chars().count() > LONGEST_REFERENCE || reference.chars().any(char::is_control) {
        let (en, zh) =
            (format!("at most {LONGEST_REFERENCE} characters"), format!("最多 {LONGEST_REFERENCE} 个字"));
        errors.push(FieldError::new("bank_reference", "too_long", en, zh));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    match command.pays {
        ReceiptFor::Invoice(id) => payable_invoice(tx, id, command.amount).await?,
        ReceiptFor::Deposit(id) => open_deposit(tx, id).await?,
    }
    let made = receipt_insert(tx, command.pays, command.amount, reference).await;
    let id = made.map_err(|error| match error {
        StoreError::Conflict("bank_reference") => ApiError::field(FieldError::new(
            "bank_reference",
            "taken",
            "this reference was declared before",
            "该流水号已登记过",
        )),
        other => other.into(),
    })?;
    let detail = json!({"amount_fen": command.amount.get()});
    audit_append(tx, AuditAction::ReceiptDeclared, "receipt", &id.to_string(), detail).await?;
    outbox_append(tx, EventType::ReceiptDeclared, &id.to_string(), 1, json!({})).await?;
    Ok(receipt_get(tx, id).await?)
}

async fn payable_invoice(tx: &TenantTx, id: InvoiceId, amount: Fen) -> Answer<()> {
    let invoice = invoice_get(tx, id).await?;
    match invoice.state.pay(invoice.due()?, amount) {
        Ok(_) => Ok(()),
        Err(BillingError::Amount) => {
            let due = invoice.due()?;
            let (en, zh) = (format!("all that is due: ¥{due}"), format!("请支付账单全额 ¥{due}"));
            Err(FieldError::new("amount", "not_what_is_due", en, zh).into())
        }
        Err(other) => Err(other.into()),
    }
}

async fn open_deposit(tx: &TenantTx, id: DepositId) -> Answer<()> {
    match deposit_get(tx, id).await?.state {
        DepositState::Trial | DepositState::Short | DepositState::Satisfied => Ok(()),
        _ => Err(ApiError::new(ErrorCode::Conflict).with_text("money.deposit_closed", Vec::new())),
    }
}

/// The provider's proof on the merchant whose receipt it is.
pub async fn on_merchant(
    state: &AppState,
    grant: &Grant<perm::ProviderMoneyMove>,
    id: ReceiptId,
) -> Answer<Grant<perm::ProviderMoneyMove>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = receipt_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// The money arrived: pays the invoice (journal F1 b) or tops the deposit up (F5 a). Confirmed before, the
/// receipt is answered as it is.
pub async fn confirm_in(state: &AppState, tx: &mut TenantTx, seller: &str, id: ReceiptId) -> Answer<Receipt> {
    if !decide(tx, id, None).await? {
        return Ok(receipt_get(tx, id).await?);
    }
    let receipt = receipt_get(tx, id).await?;
    let (now, into, public) = (tx.now(), ReceivedAt::Bank(BANK.to_owned()), id.to_string());
    audit_append(
        tx,
        AuditAction::ReceiptConfirmed,
        "receipt",
        &public,
        json!({"amount_fen": receipt.amount.get()}),
    )
    .await?;
    outbox_append(tx, EventType::ReceiptConfirmed, &public, 2, json!({})).await?;
    notices::receipt(state, tx, seller, &receipt).await?;
    match receipt.pays {
        ReceiptFor::Invoice(invoice_id) => {
            let invoice = invoice_get(tx, invoice_id).await?;
            let paid = invoice.state.pay(invoice.due()?, receipt.amount)?;
            let change = InvoiceChange { paid_at: Some(now), ..InvoiceChange::default() };
            invoice_move(tx, invoice_id, invoice.state, paid, &change).await?;
            let mut reference = invoice_id.to_string();
            outbox_append(tx, EventType::InvoicePaid, &reference, invoice.version + 1, json!({})).await?;
            // A payment that was taken back keeps the invoice's reference for ever; this one is a fact of its own.
            if journal_find(tx, "invoice.paid", &reference).await?.is_some() {
                reference = format!("{reference}/{public}");
            }
            book(tx, invoice_paid(&reference, receipt.amount, &into, now)).await?;
        }
        ReceiptFor::Deposit(deposit_id) => {
            let deposit = deposit_get(tx, deposit_id).await?;
            let scheme = deposit.ledger_owner();
            book(tx, deposit_topped_up(&public, &scheme, receipt.amount, &into, now)).await?;
            deposits::recompute_in(tx, deposit_id).await?;
        }
    }
    Ok(receipt)
}

/// The money did not arrive.
pub async fn refuse_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    id: ReceiptId,
    reason: &str,
) -> Answer<Receipt> {
    receipt_get(tx, id).await?;
    let reason = reason_of(reason)?;
    if !decide(tx, id, Some(reason)).await? {
        return Ok(receipt_get(tx, id).await?);
    }
    let receipt = receipt_get(tx, id).await?;
    audit_append(tx, AuditAction::ReceiptRefused, "receipt", &id.to_string(), json!({"reason": reason}))
        .await?;
    outbox_append(tx, EventType::ReceiptRefused, &id.to_string(), 2, json!({})).await?;
    notices::receipt(state, tx, seller, &receipt).await?;
    Ok(receipt)
}

/// What the merchant is told.
pub(super) fn reason_of(said: &str) -> Answer<&str> {
    let reason = said.trim();
    if reason.is_empty() {
        return Err(FieldError::of("reason", ErrorCode::ReasonMissing).into());
    }
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        let (en, zh) =
            (format!("at most {LONGEST_REASON} characters"), format!("最多 {LONGEST_REASON} 个字"));
        return Err(FieldError::new("reason", "too_long", en, zh).into());
    }
    Ok(reason)
}

/// Decides a declared receipt. False when the same was decided before; a contrary decision is refused.
async fn decide(tx: &mut TenantTx, id: ReceiptId, refused: Option<&str>) -> Answer<bool> {
    match receipt_decide(tx, id, refused).await {
        Ok(()) => Ok(true),
        Err(StoreError::VersionConflict) => {
            let wanted = if refused.is_some() { "refused" } else { "confirmed" };
            if receipt_get(tx, id).await?.state == wanted {
                return Ok(false);
            }
            Err(ApiError::new(ErrorCode::Conflict).with_text("money.receipt_decided", Vec::new()))
        }
        Err(other) => Err(other.into()),
    }
}
