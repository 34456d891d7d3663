//! A merchant's bills and deposits, and the transfers it declares for them.

use super::apply::may_be_mended;
use super::money::merchants_only;
use crate::app::money::deposits::{self, DepositDetail};
use crate::app::money::invoices::{self, InvoiceDetail};
use crate::app::money::receipts::{DeclareReceipt, declare_in};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::billing::InvoiceState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{DepositId, InvoiceId};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::deposit::{Receipt, ReceiptFor};
use qianpu_tenants::store::invoice::Invoice;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const BILLS: &str = "/console/merchant/money/bills";
const DEPOSITS: &str = "/console/merchant/money/deposits";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(BILLS, bills_page);
    pages.get("/console/merchant/money/bills/{invoice_id}", bill_page);
    pages.post("/console/merchant/money/bills/{invoice_id}/pay", pay_form);
    pages.get(DEPOSITS, deposits_page);
    pages.post("/console/merchant/money/deposits/{deposit_id}/top_up", top_up_form);
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
    /// The caller may declare a transfer for it.
    payable: bool,
    /// The provider's staff may issue it.
    pub issuable: bool,
}

#[derive(Serialize)]
struct BillItem {
    description: String,
    quantity: i64,
    net: i64,
    tax: i64,
    total: i64,
}

pub(super) fn bill_view(detail: InvoiceDetail, lang: Lang, form: Option<FormView>) -> BillView {
    let invoice = &detail.invoice;
    let amount = invoice.amounts.total.to_string();
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
            })
            .collect(),
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

async fn declare(
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

#[derive(Serialize)]
struct DepositsView {
    /// Of the shop whose form was refused.
    form: FormView,
    refused: String,
    deposits: Vec<DepositLine>,
    may_pay: bool,
}

#[derive(Serialize)]
struct DepositLine {
    id: String,
    shop: String,
    shop_name: String,
    state: &'static str,
    due: i64,
    rule: String,
    /// The category that asks for it.
    category: Option<String>,
    balance: i64,
    frozen: i64,
    withdrawable: i64,
    missing: i64,
    trial_ends_at: Option<i64>,
    receipts: Vec<ReceiptLine>,
}

fn deposit_line(detail: DepositDetail, categories: &[(String, String)]) -> DepositLine {
    let code = detail.deposit.rule_id.strip_prefix("deposit/category/").map(str::to_owned);
    let category =
        code.and_then(|code| categories.iter().find(|(own, _)| *own == code).map(|(_, name)| name.clone()));
    DepositLine {
        id: detail.deposit.id.to_string(),
        shop: detail.shop.id.to_string(),
        shop_name: detail.shop.name,
        state: detail.deposit.state.as_str(),
        due: detail.deposit.due.get(),
        rule: detail.deposit.rule_id,
        category,
        balance: detail.money.balance.get(),
        frozen: detail.money.frozen.get(),
        withdrawable: detail.money.withdrawable.get(),
        missing: detail.money.missing.get(),
        trial_ends_at: detail.deposit.trial_ends_at.map(|at| at.micros()),
        receipts: detail.receipts.into_iter().map(|row| receipt_line(row, "")).collect(),
    }
}

async fn deposits_view<P: qianpu_tenants::authz::Perm, T>(
    auth: &Authed<P, T>,
    refused: Option<(DepositId, FormView)>,
) -> Answer<DepositsView> {
    let grant = auth.caller.grant::<perm::BillingRead>()?;
    let details = deposits::list(&auth.state, &grant).await?;
    let lang = auth.info.lang;
    let tree = crate::app::categories::category_tree(&auth.state.db, &grant).await?;
    let names: Vec<(String, String)> = tree
        .into_iter()
        .map(|node| (node.code, lang.pick(&node.name_zh, &node.name_en).to_owned()))
        .collect();
    if let Some((id, _)) = &refused
        && !details.iter().any(|detail| detail.deposit.id == *id)
    {
        return Err(ApiError::not_found());
    }
    let missing = Fen::sum(details.iter().map(|detail| detail.money.missing))?;
    let suggested = if missing == Fen::ZERO { String::new() } else { missing.to_string() };
    let blank = || FormView::filled([("amount", suggested), ("bank_reference", String::new())]);
    let (refused, form) = match refused {
        Some((id, form)) => (id.to_string(), form),
        None => (String::new(), blank()),
    };
    Ok(DepositsView {
        form,
        refused,
        deposits: details.into_iter().map(|detail| deposit_line(detail, &names)).collect(),
        may_pay: auth.caller.may(Permission::MoneyMove),
    })
}

async fn deposits_page(auth: Authed<perm::BillingRead>) -> PageAnswer {
    merchants_only(&auth)?;
    let view = deposits_view(&auth, None).await?;
    auth.page("money/deposits", view)
}

async fn top_up_form(auth: Authed<perm::MoneyMove, (Path<DepositId>, Fields)>) -> PageAnswer {
    merchants_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    match declare(&auth.state, &auth.grant, fields, ReceiptFor::Deposit(*id)).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("money.declared"), DEPOSITS)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = deposits_view(&auth, Some((*id, form))).await?;
            auth.refused_page("money/deposits", view)
        }
        Err(error) => Err(error),
    }
}
