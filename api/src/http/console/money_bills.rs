//! A merchant's bills, and the transfers it declares for what it owes.

use super::apply::may_be_mended;
use super::billing_charges::{StepLine, steps};
use super::money::merchants_only;
use crate::app::money::credit_notes::CreditDetail;
use crate::app::money::invoices::{self, InvoiceDetail};
use crate::app::money::receipts::{DeclareReceipt, declare_in};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::billing::InvoiceState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::InvoiceId;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::credit_note::CreditNoteLine;
use qianpu_tenants::store::invoice::Invoice;
use qianpu_tenants::store::receipt::{Receipt, ReceiptFor};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const BILLS: &str = "/console/merchant/money/bills";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(BILLS, bills_page);
    pages.get("/console/merchant/money/bills/{invoice_id}", bill_page);
    pages.post("/console/merchant/money/bills/{invoice_id}/pay", pay_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
pub(super) struct InvoiceLine {
    pub id: String,
    pub number: Option<String>,
    pub state: &'static str,
    pub period_start: String,
    pub period_end: String,
    pub total: i64,
    /// Less than nothing, as what the wallet paid.
    pub credited: i64,
    pub from_wallet: i64,
    pub due: i64,
    pub issued_at: Option<i64>,
    pub due_at: Option<i64>,
    pub paid_at: Option<i64>,
    /// For a provider.
    pub merchant: String,
    pub merchant_name: String,
}

pub(super) fn invoice_line(row: &Invoice, merchant_name: &str) -> InvoiceLine {
    InvoiceLine {
        id: row.id.to_string(),
        number: row.number.clone(),
        state: row.state.as_str(),
        period_start: row.period_start.clone(),
        period_end: last_day(&row.period_end),
        total: row.amounts.total.get(),
        credited: -row.credited.get(),
        from_wallet: -row.from_wallet.get(),
        due: row.due().unwrap_or_default().get(),
        issued_at: row.issued_at.map(|at| at.micros()),
        due_at: row.due_at.map(|at| at.micros()),
        paid_at: row.paid_at.map(|at| at.micros()),
        merchant: row.merchant.to_string(),
        merchant_name: merchant_name.to_owned(),
    }
}

/// The last day of a period whose end is the day after it.
fn last_day(end: &str) -> String {
    let day = qianpu_domain::billing::parse_date(end).ok().and_then(|day| day.yesterday().ok());
    day.map_or_else(|| end.to_owned(), |day| day.to_string())
}

async fn bills_page(auth: Authed<perm::BillingRead, Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct BillsView {
        /// The preview of the next bill.
        next_bill: Option<InvoiceLine>,
        rows: Vec<InvoiceLine>,
        next_page: Option<String>,
    }
    merchants_only(&auth)?;
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = invoices::list(&auth.state, &auth.grant, None, &[], page).await?;
    let next_page = found.next.map(|next| format!("{BILLS}?cursor={}", cursor_text(&next)));
    let (gathering, others): (Vec<_>, Vec<_>) =
        found.items.iter().partition(|row| row.state == InvoiceState::Gathering);
    let view = BillsView {
        next_bill: gathering.first().map(|row| invoice_line(row, "")),
        rows: others.into_iter().map(|row| invoice_line(row, "")).collect(),
        next_page,
    };
    auth.page("money/bills", view)
}

#[derive(Serialize)]
pub(super) struct ReceiptLine {
    pub id: String,
    pub amount: i64,
    /// The same as text, for questions.
    pub yuan: String,
    pub bank_reference: String,
    pub state: String,
    pub reason: Option<String>,
    pub created_at: i64,
    pub decided_at: Option<i64>,
    /// For a provider.
    pub merchant_name: String,
    pub pays_invoice: Option<String>,
}

pub(super) fn receipt_line(row: Receipt, merchant_name: &str) -> ReceiptLine {
    ReceiptLine {
        id: row.id.to_string(),
        amount: row.amount.get(),
        yuan: row.amount.to_string(),
        bank_reference: row.bank_reference,
        state: row.state,
        reason: row.reason,
        created_at: row.created_at.micros(),
        decided_at: row.decided_at.map(|at| at.micros()),
        merchant_name: merchant_name.to_owned(),
        pays_invoice: match row.pays {
            ReceiptFor::Invoice(id) => Some(id.to_string()),
            ReceiptFor::Deposit(_) => None,
        },
    }
}

#[derive(Serialize)]
pub(super) struct BillView {
    form: FormView,
    bill: InvoiceLine,
    seller: String,
    buyer: String,
    lines: Vec<BillItem>,
    net: i64,
    tax: i64,
    receipts: Vec<ReceiptLine>,
    /// What was taken back of it.
    credit: Option<CreditView>,
    /// The caller may declare a transfer for it.
    payable: bool,
    /// The provider's staff may issue it.
    pub issuable: bool,
}

#[derive(Serialize)]
struct CreditView {
    number: String,
    lines: Vec<CreditLine>,
    to_wallet: i64,
}

#[derive(Serialize)]
struct CreditLine {
    description: String,
    net: i64,
    tax: i64,
    total: i64,
}

fn credit_view(lang: Lang, detail: CreditDetail) -> CreditView {
    let line = |row: &CreditNoteLine| CreditLine {
        description: lang.pick(&row.description_zh, &row.description_en).to_owned(),
        net: -row.amounts.net.get(),
        tax: -row.amounts.tax.get(),
        total: -row.amounts.total.get(),
    };
    CreditView {
        number: detail.note.number,
        lines: detail.lines.iter().map(line).collect(),
        to_wallet: detail.note.wallet.get(),
    }
}

#[derive(Serialize)]
struct BillItem {
    description: String,
    quantity: i64,
    net: i64,
    tax: i64,
    total: i64,
    usage: Option<UsedIn>,
}

/// How the total of a line for use came about.
#[derive(Serialize)]
struct UsedIn {
    steps: Vec<StepLine>,
    billed_before: i64,
    total: i64,
}

pub(super) fn bill_view(detail: InvoiceDetail, lang: Lang, form: Option<FormView>) -> BillView {
    let invoice = &detail.invoice;
    let amount = invoice.due().unwrap_or_default().to_string();
    BillView {
        form: form
            .unwrap_or_else(|| FormView::filled([("amount", amount), ("bank_reference", String::new())])),
        bill: invoice_line(invoice, &detail.merchant.name),
        seller: detail.seller,
        buyer: detail.merchant.name.clone(),
        net: invoice.amounts.net.get(),
        tax: invoice.amounts.tax.get(),
        lines: detail
            .lines
            .into_iter()
            .map(|line| BillItem {
                description: lang.pick(&line.description_zh, &line.description_en).to_owned(),
                quantity: line.quantity,
                net: line.amounts.net.get(),
                tax: line.amounts.tax.get(),
                total: line.amounts.total.get(),
                usage: line.usage.map(|usage| UsedIn {
                    steps: steps(&usage.steps),
                    billed_before: usage.billed_before.get(),
                    total: usage.amounts.total.get(),
                }),
            })
            .collect(),
        credit: detail.credit.map(|credit| credit_view(lang, credit)),
        receipts: detail.receipts.into_iter().map(|row| receipt_line(row, "")).collect(),
        payable: false,
        issuable: false,
    }
}

fn owed(state: &'static str) -> bool {
    [InvoiceState::Issued.as_str(), InvoiceState::Overdue.as_str()].contains(&state)
}

async fn bill_page(auth: Authed<perm::BillingRead, Path<InvoiceId>>) -> PageAnswer {
    merchants_only(&auth)?;
    let detail = invoices::get(&auth.state, &auth.grant, auth.input.0).await?;
    let mut view = bill_view(detail, auth.info.lang, None);
    view.payable = owed(view.bill.state) && auth.caller.may(Permission::MoneyMove);
    auth.page("money/bill", view)
}

fn transfer(fields: &Fields, pays: ReceiptFor) -> Answer<DeclareReceipt> {
    let mut errors = Vec::new();
    let amount = fields.yuan("amount", &mut errors);
    if amount.is_none() && errors.is_empty() {
        errors.push(FieldError::required("amount"));
    }
    match amount {
        Some(amount) if errors.is_empty() => {
            Ok(DeclareReceipt { pays, amount, bank_reference: fields.text("bank_reference").to_owned() })
        }
        _ => Err(errors.into()),
    }
}

pub(super) async fn declare(
    state: &crate::state::AppState,
    grant: &Grant<perm::MoneyMove>,
    fields: &Fields,
    pays: ReceiptFor,
) -> Answer<()> {
    let command = transfer(fields, pays)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    declare_in(&mut tx, grant, &command).await?;
    Ok(tx.commit().await?)
}

async fn pay_form(auth: Authed<perm::MoneyMove, (Path<InvoiceId>, Fields)>) -> PageAnswer {
    merchants_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    match declare(&auth.state, &auth.grant, fields, ReceiptFor::Invoice(*id)).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("money.declared"), &format!("{BILLS}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let grant = auth.caller.grant::<perm::BillingRead>()?;
            let detail = invoices::get(&auth.state, &grant, *id).await?;
            let mut view = bill_view(detail, auth.info.lang, Some(form));
            view.payable = owed(view.bill.state);
            auth.refused_page("money/bill", view)
        }
        Err(error) => Err(error),
    }
}
