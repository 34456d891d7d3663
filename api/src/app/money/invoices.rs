//! Invoices. The invoice of the next period always exists and gathers: it is the preview. Issuing it closes
//! it, takes the next number, books it and begins the one after it, all in one transaction; so of two who
//! issue at once, the second finds it issued, and no number is lost.

use super::credit_notes::{self, CreditDetail};
use super::{book, invoice_jobs, notices, plan_switch, usage, whole_merchant};
use crate::app::policies;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{
    BillingError, Interval, InvoiceState, LineAmounts, Period, date_in, date_text, flat_fee, invoice_number,
    parse_date,
};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{InvoiceId, TenantId};
use qianpu_domain::ledger::flows::{Billed, invoice_issued_for, invoice_paid_from_wallet};
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::policy::{self, PolicyKind};
use qianpu_domain::time::Span;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::invoice::{
    Invoice, InvoiceChange, InvoiceLine, NewInvoice, invoice_add_fee, invoice_drop_fee, invoice_get,
    invoice_get_by_provider, invoice_insert, invoice_lines, invoice_list, invoice_list_by_provider,
    invoice_move, invoice_take_number,
};
use qianpu_tenants::store::ledger::account_balance;
use qianpu_tenants::store::plan_change::plan_change_pending;
use qianpu_tenants::store::plan_limit::limit_gate;
use qianpu_tenants::store::receipt::{Receipt, ReceiptFor, receipt_list_of};
use qianpu_tenants::store::subscription::{Subscription, subscription_advance, subscription_get};
use qianpu_tenants::store::tenant::{TenantRow, tenant_get};
use qianpu_tenants::store::usage_line::UsageLine;
use serde_json::json;

/// A period may be invoiced at most so long before it begins (ours).
const MOST_AHEAD: Span = Span::days(31);

/// An invoice with what belongs to it.
#[derive(Debug, Clone)]
pub struct InvoiceDetail {
    pub invoice: Invoice,
    pub lines: Vec<InvoiceLine>,
    pub receipts: Vec<Receipt>,
    pub credit: Option<CreditDetail>,
    pub merchant: TenantRow,
    /// The provider's name.
    pub seller: String,
}

/// Invoices, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    merchant: Option<TenantId>,
    states: &[InvoiceState],
    page: PageRequest,
) -> Answer<Page<Invoice>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        let mut found = invoice_list(&tx, states, page).await?;
        for invoice in &mut found.items {
            so_far(&tx, invoice).await?;
        }
        return Ok(found);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let mut found = invoice_list_by_provider(&tx, merchant, states, page).await?;
    drop(tx);
    for invoice in found.items.iter_mut().filter(|invoice| invoice.state == InvoiceState::Gathering) {
        let merchant = grant.on_merchant(&state.db, invoice.merchant).await?;
        so_far(&*state.db.read(merchant.ctx()).await?, invoice).await?;
    }
    Ok(found)
}

/// The caller's proof on the merchant that the invoice belongs to.
pub async fn on_merchant<P: Perm>(state: &AppState, grant: &Grant<P>, id: InvoiceId) -> Answer<Grant<P>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = invoice_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// One invoice.
pub async fn get(state: &AppState, grant: &Grant<perm::BillingRead>, id: InvoiceId) -> Answer<InvoiceDetail> {
    whole_merchant(grant)?;
    let ctx = match grant.ctx().kind() {
        Surface::Merchant => grant.ctx().clone(),
        _ => on_merchant(state, grant, id).await?.ctx().clone(),
    };
    let tx = state.db.read_parent(&ctx).await?;
    let seller = tenant_get(&tx).await?.name;
    drop(tx);
    let tx = state.db.read(&ctx).await?;
    let mut invoice = invoice_get(&tx, id).await?;
    let mut lines = invoice_lines(&tx, id).await?;
    lines.extend(so_far(&tx, &mut invoice).await?.into_iter().map(InvoiceLine::from));
    Ok(InvoiceDetail {
        invoice,
        lines,
        receipts: receipt_list_of(&tx, ReceiptFor::Invoice(id)).await?,
        credit: credit_notes::of_invoice(&tx, id).await?,
        merchant: tenant_get(&tx).await?,
        seller,
    })
}

/// The use that an invoice would bill if it were issued now: one that gathers has it in its figures before it has the lines.
async fn so_far(tx: &TenantTx, invoice: &mut Invoice) -> Answer<Vec<UsageLine>> {
    if !matches!(invoice.state, InvoiceState::Gathering | InvoiceState::Draft) {
        return Ok(Vec::new());
    }
    let subscription = subscription_get(tx, invoice.subscription).await?;
    let lines = usage::preview(tx, &subscription, invoice.amounts, &invoice.period_start).await?;
    for line in &lines {
        invoice.amounts = invoice.amounts.plus(line.amounts)?;
    }
    Ok(lines)
}

/// The fee of a period as its line says it.
struct FeeLine {
    start: String,
    end: String,
    zh: String,
    en: String,
}

impl FeeLine {
    fn of(of: &Subscription, period: Period) -> Answer<Self> {
        let (start, end) = (date_text(period.start), date_text(period.end));
        let last = date_text(period.end.yesterday().map_err(|_| BillingError::Date)?);
        let (zh, en) = match of.terms.interval {
            Interval::Month => ("月费", "monthly"),
            Interval::Quarter => ("季费", "quarterly"),
            Interval::Year => ("年费", "yearly"),
        };
        Ok(Self {
            zh: format!("{}，{start} 至 {last} {zh}", of.plan_name_zh),
            en: format!("{}, {en} fee from {start} to {last}", of.plan_name_en),
            start,
            end,
        })
    }
    fn invoice<'a>(&'a self, of: &'a Subscription) -> Answer<NewInvoice<'a>> {
        Ok(NewInvoice {
            subscription: of.id,
            period_start: &self.start,
            period_end: &self.end,
            zone: &of.zone,
            description_zh: &self.zh,
            description_en: &self.en,
            tax_ppm: of.terms.tax_ppm,
            amounts: flat_fee(&of.terms)?,
        })
    }
}

/// Makes the invoice that gathers for period `index` of a subscription, and the job that issues it when the
/// period begins.
pub(super) async fn gather_in(tx: &mut TenantTx, of: &Subscription, index: i64) -> Answer<InvoiceId> {
    let period = of.schedule()?.period(index)?;
    let id = invoice_insert(tx, &FeeLine::of(of, period)?.invoice(of)?).await?;
    job_enqueue(tx, invoice_jobs::issue(id, period.begins_at(&of.zone)?)).await?;
    Ok(id)
}

/// Takes the fee out of the invoice that gathers: its period does not come under this plan.
pub(super) async fn without_fee_in(tx: &mut TenantTx, next: &Invoice, state: InvoiceState) -> Answer<()> {
    invoice_drop_fee(tx, next.id).await?;
    let change = InvoiceChange { amounts: Some(LineAmounts::default()), ..InvoiceChange::default() };
    Ok(invoice_move(tx, next.id, state, state, &change).await?)
}

/// Puts the fee back: the period comes after all.
pub(super) async fn with_fee_in(tx: &mut TenantTx, of: &Subscription, next: &Invoice) -> Answer<()> {
    let line = FeeLine::of(of, period_of(next)?)?;
    let new = line.invoice(of)?;
    invoice_add_fee(tx, next.id, &new).await?;
    let change = InvoiceChange { amounts: Some(new.amounts), ..InvoiceChange::default() };
    Ok(invoice_move(tx, next.id, next.state, next.state, &change).await?)
}

/// The period of an invoice.
pub(super) fn period_of(invoice: &Invoice) -> Answer<Period> {
    Ok(Period { start: parse_date(&invoice.period_start)?, end: parse_date(&invoice.period_end)? })
}

/// What issuing needs from the provider, read before the transaction.
#[derive(Debug, Clone)]
pub struct IssueTerms {
    /// How long it may stay unpaid.
    due: Span,
    /// The rule that says so.
    rule: String,
    pub(super) seller: String,
}

/// Reads them for the merchant of a context.
pub async fn issue_terms(state: &AppState, merchant: &TenantCtx) -> Answer<IssueTerms> {
    let rule = policies::rule_in_force(&state.db, merchant, PolicyKind::InvoiceDue).await?;
    let tx = state.db.read_parent(merchant).await?;
    let seller = tenant_get(&tx).await?.name;
    Ok(IssueTerms { due: policy::invoice_due(&rule)?, rule: rule.id.0, seller })
}

/// Issues a gathering invoice: number, journal F1 a, what the wallet pays of it, mail, the next invoice, and the jobs that
/// follow. Issued before, it is answered as it is. Where a change of plan waits for its period, the change is made instead,
/// and the first invoice of the new plan is the answer.
pub async fn issue_in(
    state: &AppState,
    tx: &mut TenantTx,
    terms: &IssueTerms,
    id: InvoiceId,
) -> Answer<Invoice> {
    limit_gate(tx).await?;
    let was = invoice_get(tx, id).await?;
    if was.state == InvoiceState::Gathering
        && let Some(change) = plan_change_pending(tx, was.subscription).await?
    {
        return Box::pin(plan_switch::when_due(state, tx, terms, &was, &change)).await;
    }
    let Some(subscription) = close_in(tx, &was).await? else { return Ok(invoice_get(tx, id).await?) };
    let now = tx.now();
    let period = period_of(&was)?;
    if subscription.active && period.begins_at(&was.zone)?.since(now) > MOST_AHEAD {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.too_early", Vec::new()));
    }
    let year = date_in(now, &was.zone)?.year();
    let number = invoice_number(year, invoice_take_number(tx, year).await?);
    let due_at = now.plus(terms.due);
    let issued = InvoiceState::Draft.issue()?;
    let fee = was.amounts;
    let used = usage::bill_in(tx, &subscription, id, fee, &was.period_start).await?;
    let amounts = fee.plus(used)?;
    let total = amounts.total;
    let wallet = account_balance(tx, Currency::Cny, &AccountRef::of(AccountCode::MerchantWallet)).await?;
    let from_wallet = wallet.min(total).max(Fen::ZERO);
    let change = InvoiceChange {
        number: Some(&number),
        issued_at: Some(now),
        due_at: Some(due_at),
        amounts: Some(amounts),
        from_wallet: Some(from_wallet),
        ..InvoiceChange::default()
    };
    invoice_move(tx, id, InvoiceState::Draft, issued, &change).await?;
    if total == from_wallet {
        // Nothing is owed any more.
        let change = InvoiceChange { paid_at: Some(now), ..InvoiceChange::default() };
        invoice_move(tx, id, issued, issued.pay(total, total)?, &change).await?;
    } else {
        job_enqueue(tx, invoice_jobs::fall_due(id, due_at)).await?;
    }
    if fee.net != Fen::ZERO {
        for job in invoice_jobs::earnings(id, period, &was.zone)? {
            job_enqueue(tx, job).await?;
        }
    }
    if subscription.active {
        subscription_advance(tx, subscription.id, subscription.next_period_index).await?;
        gather_in(tx, &subscription, subscription.next_period_index + 1).await?;
    }
    let public = id.to_string();
    let detail = json!({"number": number, "total_fen": total.get(), "due_rule": terms.rule});
    audit_append(tx, AuditAction::InvoiceIssued, "invoice", &public, detail).await?;
    outbox_append(tx, EventType::InvoiceIssued, &public, 1, json!({"number": number})).await?;
    let invoice = invoice_get(tx, id).await?;
    let lines = invoice_lines(tx, id).await?;
    notices::invoice(state, tx, &terms.seller, "money.mail_invoice_issued.", &invoice, &lines).await?;
    if total != Fen::ZERO {
        let billed = Billed { unearned: fee.net, used: used.net, tax: amounts.tax };
        book(tx, invoice_issued_for(&public, &subscription.id.to_string(), billed, now)).await?;
    }
    if from_wallet != Fen::ZERO {
        if from_wallet == total {
            outbox_append(tx, EventType::InvoicePaid, &public, invoice.version, json!({})).await?;
        }
        book(tx, invoice_paid_from_wallet(&public, from_wallet, now)).await?;
    }
    Ok(invoice)
}

/// Closes a gathering invoice for the one who issues it. None when somebody issued it already.
async fn close_in(tx: &mut TenantTx, was: &Invoice) -> Answer<Option<Subscription>> {
    let closed = match was.state {
        InvoiceState::Gathering => {
            let change = InvoiceChange::default();
            invoice_move(tx, was.id, was.state, was.state.close()?, &change).await
        }
        InvoiceState::Draft => Ok(()),
        InvoiceState::Void => return Err(BillingError::State(was.state.as_str()).into()),
        _ => return Ok(None),
    };
    match closed {
        Ok(()) => Ok(Some(subscription_get(tx, was.subscription).await?)),
        Err(StoreError::VersionConflict) => match invoice_get(tx, was.id).await?.state {
            InvoiceState::Void => Err(BillingError::State(InvoiceState::Void.as_str()).into()),
            _ => Ok(None),
        },
        Err(other) => Err(other.into()),
    }
}

/// Puts what follows from each invoice into the queue, for a merchant that came back from an archive: issued when
/// the period begins, overdue when the due date has passed, earned with the end of each month.
pub(in crate::app) async fn begin_again(tx: &mut TenantTx) -> Answer<()> {
    let mut page = PageRequest::first(MAX_LIMIT);
    loop {
        let found = invoice_list(tx, &[], page).await?;
        for invoice in &found.items {
            let period = period_of(invoice)?;
            match invoice.state {
                InvoiceState::Gathering | InvoiceState::Draft => {
                    let at = period.begins_at(&invoice.zone)?;
                    job_enqueue(tx, invoice_jobs::issue(invoice.id, at)).await?;
                }
                InvoiceState::Issued | InvoiceState::Overdue | InvoiceState::Paid
                    if invoice.amounts.total != Fen::ZERO =>
                {
                    if let (InvoiceState::Issued, Some(due)) = (invoice.state, invoice.due_at) {
                        job_enqueue(tx, invoice_jobs::fall_due(invoice.id, due)).await?;
                    }
                    for job in invoice_jobs::earnings(invoice.id, period, &invoice.zone)? {
                        job_enqueue(tx, job).await?;
                    }
                }
                _ => {}
            }
        }
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => return Ok(()),
        }
    }
}
