//! The desk of a provider's finance staff: invoices of all merchants, transfers to confirm, totals.

use super::apply::may_be_mended;
use super::billing::providers_only;
use super::billing_subscriptions::{merchant_names, name_in};
use super::money_bills::{InvoiceLine, ReceiptLine, bill_view, invoice_line, receipt_line};
use crate::app::money::invoices::{self, issue_in, issue_terms};
use crate::app::money::receipt_reversal::reverse_in;
use crate::app::money::{books, receipts};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::billing::InvoiceState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{InvoiceId, ReceiptId};
use qianpu_domain::ledger::Side;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const INVOICES: &str = "/console/provider/invoices";
const RECEIPTS: &str = "/console/provider/receipts";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(INVOICES, invoices_page);
    pages.get("/console/provider/invoices/{invoice_id}", invoice_page);
    pages.post("/console/provider/invoices/{invoice_id}/issue", issue_form);
    pages.get(RECEIPTS, receipts_page);
    pages.post("/console/provider/receipts/{receipt_id}/confirm", confirm_form);
    pages.post("/console/provider/receipts/{receipt_id}/refuse", refuse_form);
    pages.post("/console/provider/receipts/{receipt_id}/reverse", reverse_form);
    pages.get("/console/provider/books", books_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct StateQuery {
    state: Option<String>,
    cursor: Option<String>,
}

async fn invoices_page(auth: Authed<perm::BillingRead, Query<StateQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct InvoicesView {
        tabs: Vec<&'static str>,
        state: String,
        rows: Vec<InvoiceLine>,
        next_page: Option<String>,
    }
    providers_only(&auth)?;
    let Query(query) = &auth.input;
    let state = query.state.as_deref().and_then(InvoiceState::parse);
    let states: Vec<InvoiceState> = state.into_iter().collect();
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let found = invoices::list(&auth.state, &auth.grant, None, &states, page).await?;
    let names = merchant_names(&auth).await?;
    let state = state.map_or("", InvoiceState::as_str).to_owned();
    let next_page = found.next.map(|next| format!("{INVOICES}?state={state}&cursor={}", cursor_text(&next)));
    let rows = found.items.iter().map(|row| invoice_line(row, &name_in(&names, row.merchant))).collect();
    let tabs = vec!["", "issued", "overdue", "paid", "gathering"];
    auth.page("billing/invoices", InvoicesView { tabs, state, rows, next_page })
}

async fn invoice_page(auth: Authed<perm::BillingRead, Path<InvoiceId>>) -> PageAnswer {
    providers_only(&auth)?;
    let detail = invoices::get(&auth.state, &auth.grant, auth.input.0).await?;
    let open = matches!(detail.invoice.state, InvoiceState::Gathering | InvoiceState::Draft);
    let mut view = bill_view(detail, auth.info.lang, None);
    view.issuable = open && auth.caller.may(Permission::ProviderMoneyMove);
    auth.page("money/bill", view)
}

async fn issue_form(auth: Authed<perm::ProviderMoneyMove, (Path<InvoiceId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), _) = &auth.input;
    let grant = invoices::on_merchant(&auth.state, &auth.grant, *id).await?;
    let terms = issue_terms(&auth.state, grant.ctx()).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    let back = format!("{INVOICES}/{id}");
    match issue_in(&auth.state, &mut tx, &terms, *id).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(auth.redirect_with(&Flash::success("billing.issued"), &back))
        }
        Err(error) if error.code().status() == 409 => {
            Ok(auth.redirect_with(&Flash::failure("billing.not_now"), &back))
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    count: i64,
}

#[derive(Serialize)]
struct ReceiptsView {
    form: FormView,
    tabs: Vec<Tab>,
    state: String,
    rows: Vec<ReceiptLine>,
    next_page: Option<String>,
    may_decide: bool,
}

async fn receipts_view<P: qianpu_tenants::authz::Perm, T>(
    auth: &Authed<P, T>,
    query: &StateQuery,
    form: FormView,
) -> Answer<ReceiptsView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::BillingRead>()?;
    let wanted = query.state.as_deref().filter(|state| receipts::STATES.contains(state));
    let state = wanted.unwrap_or("declared").to_owned();
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let found = receipts::list(&auth.state, &grant, Some(&state), page).await?;
    let counts = receipts::counts(&auth.state, &grant).await?;
    let count_of = |state: &str| counts.iter().find(|(own, _)| own == state).map_or(0, |(_, count)| *count);
    let names = merchant_names(auth).await?;
    let next_page = found.next.map(|next| format!("{RECEIPTS}?state={state}&cursor={}", cursor_text(&next)));
    let rows = found.items.into_iter().map(|row| {
        let name = name_in(&names, row.merchant);
        receipt_line(row, &name)
    });
    Ok(ReceiptsView {
        form,
        tabs: receipts::STATES.map(|state| Tab { state, count: count_of(state) }).into(),
        rows: rows.collect(),
        state,
        next_page,
        may_decide: auth.caller.may(Permission::ProviderMoneyMove),
    })
}

async fn receipts_page(auth: Authed<perm::BillingRead, Query<StateQuery>>) -> PageAnswer {
    let view = receipts_view(&auth, &auth.input.0, FormView::default()).await?;
    auth.page("billing/receipts", view)
}

async fn confirm_form(auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), _) = &auth.input;
    let grant = receipts::on_merchant(&auth.state, &auth.grant, *id).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    match receipts::confirm_in(&auth.state, &mut tx, auth.caller.tenant_name(), *id).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(auth.redirect_with(&Flash::success("billing.confirmed"), RECEIPTS))
        }
        Err(error) if error.code().status() == 409 => {
            Ok(auth.redirect_with(&Flash::failure("billing.not_payable"), RECEIPTS))
        }
        Err(error) => Err(error),
    }
}

async fn refuse_form(auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    let grant = receipts::on_merchant(&auth.state, &auth.grant, *id).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    let reason = fields.text("reason");
    match receipts::refuse_in(&auth.state, &mut tx, auth.caller.tenant_name(), *id, reason).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(auth.redirect_with(&Flash::success("billing.refused"), RECEIPTS))
        }
        Err(error) if may_be_mended(&error) => {
            drop(tx);
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let query = StateQuery { state: None, cursor: None };
            let view = receipts_view(&auth, &query, form).await?;
            auth.refused_page("billing/receipts", view)
        }
        Err(error) => Err(error),
    }
}

async fn reverse_form(auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    let grant = receipts::on_merchant(&auth.state, &auth.grant, *id).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    let reason = fields.text("reason");
    match reverse_in(&auth.state, &mut tx, auth.caller.tenant_name(), *id, reason).await {
        Ok(_) => {
            tx.commit().await?;
            let back = format!("{RECEIPTS}?state=reversed");
            Ok(auth.redirect_with(&Flash::success("billing.reversed"), &back))
        }
        Err(error) if error.code().status() == 409 => {
            let spent = error.code() == ErrorCode::InsufficientBalance;
            let why = if spent { "billing.deposit_spent" } else { "billing.not_reversible" };
            Ok(auth.redirect_with(&Flash::failure(why), &format!("{RECEIPTS}?state=confirmed")))
        }
        Err(error) if may_be_mended(&error) => {
            drop(tx);
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let query = StateQuery { state: Some("confirmed".to_owned()), cursor: None };
            let view = receipts_view(&auth, &query, form).await?;
            auth.refused_page("billing/receipts", view)
        }
        Err(error) => Err(error),
    }
}

async fn books_page(auth: Authed<perm::ProviderLedgerRead>) -> PageAnswer {
    #[derive(Serialize)]
    struct TotalLine {
        account: i64,
        name: &'static str,
        debit: Option<i64>,
        credit: Option<i64>,
    }
    #[derive(Serialize)]
    struct BooksView {
        rows: Vec<TotalLine>,
        debit: i64,
        credit: i64,
    }
    let lang = auth.info.lang;
    let (mut debit, mut credit) = (0_i64, 0_i64);
    let mut rows = Vec::new();
    for (code, balance) in books::totals(&auth.state, &auth.grant).await? {
        let fen = balance.get();
        let on_debit = code.side() == Side::Debit;
        let sum = if on_debit { &mut debit } else { &mut credit };
        *sum = sum.saturating_add(fen);
        rows.push(TotalLine {
            account: code.number(),
            name: lang.pick(code.name_zh(), code.name_en()),
            debit: on_debit.then_some(fen),
            credit: (!on_debit).then_some(fen),
        });
    }
    auth.page("billing/books", BooksView { rows, debit, credit })
}
