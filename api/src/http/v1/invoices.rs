//! `/invoices`. The invoice in state `gathering` is the preview of the next one.

use super::charges::ChargeStep;
use super::credit_notes::CreditNoteView;
use super::receipts::ReceiptView;
use crate::app::money::invoices::{self, InvoiceDetail, issue_in, issue_terms, on_merchant};
use crate::error::Answer;
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::billing::InvoiceState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{InvoiceId, InvoiceLineId, SubscriptionId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::invoice::{Invoice, InvoiceLine};
use qianpu_tenants::store::usage_line::UsageLine;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/invoices", list_invoices, "Invoices, newest first");
    api.get("/invoices/{invoice_id}", get_invoice, "An invoice with its lines and receipts");
    api.post("/invoices/{invoice_id}/issue", issue_invoice, "Issue an invoice now");
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoiceView {
    #[schema(value_type = String)]
    id: Id<InvoiceId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    subscription_id: Id<SubscriptionId>,
    /// Once issued; gap-free per merchant and year.
    number: Option<String>,
    /// `gathering`, `draft`, `issued`, `paid`, `overdue`, `uncollectible` or `void`.
    state: &'static str,
    /// First day of the period.
    period_start: String,
    /// The day after the period.
    period_end: String,
    /// IANA zone of the period's days.
    zone: String,
    /// Without tax.
    net: Money,
    tax: Money,
    total: Money,
    /// What a credit note took off it before it was paid.
    credited: Money,
    /// What the prepaid wallet paid of it.
    from_wallet: Money,
    /// What a transfer has to bring: the total without both.
    due: Money,
    #[schema(value_type = Option<String>)]
    issued_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    due_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    paid_at: Option<Time>,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<Invoice> for InvoiceView {
    fn from(row: Invoice) -> Self {
        let due = row.due().unwrap_or_default();
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            subscription_id: Id(row.subscription),
            number: row.number,
            state: row.state.as_str(),
            period_start: row.period_start,
            period_end: row.period_end,
            zone: row.zone,
            net: row.amounts.net.into(),
            tax: row.amounts.tax.into(),
            total: row.amounts.total.into(),
            credited: row.credited.into(),
            from_wallet: row.from_wallet.into(),
            due: due.into(),
            issued_at: row.issued_at.map(Time),
            due_at: row.due_at.map(Time),
            paid_at: row.paid_at.map(Time),
            created_at: Time(row.created_at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvoiceLineView {
    /// Null while the invoice gathers: use is counted until it is issued.
    #[schema(value_type = Option<String>)]
    id: Option<Id<InvoiceLineId>>,
    /// `flat_fee` or `usage`.
    kind: String,
    description_zh: String,
    description_en: String,
    quantity: i64,
    net: Money,
    tax: Money,
    total: Money,
    /// What use it bills; null on the fee's line.
    usage: Option<UsageLineView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageLineView {
    metric: String,
    /// First day of the period it was used in.
    period_start: String,
    /// The day after that period.
    period_end: String,
    /// 1 for the period's first line, more for what was reported later.
    part: i64,
    /// What the steps come to, rounded once, less this is the line's total.
    billed_before: Money,
    /// How the period's whole quantity is priced.
    steps: Vec<ChargeStep>,
    tax_ppm: i64,
}

impl From<UsageLine> for UsageLineView {
    fn from(line: UsageLine) -> Self {
        Self {
            metric: line.metric,
            period_start: line.period_start,
            period_end: line.period_end,
            part: line.part,
            billed_before: line.billed_before.into(),
            steps: line.steps.into_iter().map(ChargeStep::from).collect(),
            tax_ppm: line.tax_ppm,
        }
    }
}

impl From<InvoiceLine> for InvoiceLineView {
    fn from(row: InvoiceLine) -> Self {
        Self {
            id: row.id.map(Id),
            usage: row.usage.map(|line| UsageLineView::from(*line)),
            kind: row.kind,
            description_zh: row.description_zh,
            description_en: row.description_en,
            quantity: row.quantity,
            net: row.amounts.net.into(),
            tax: row.amounts.tax.into(),
            total: row.amounts.total.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct InvoiceDetailView {
    #[serde(flatten)]
    invoice: InvoiceView,
    merchant_name: String,
    provider_name: String,
    lines: Vec<InvoiceLineView>,
    /// Newest first.
    receipts: Vec<ReceiptView>,
    /// What was taken back of it.
    credit_note: Option<CreditNoteView>,
}

impl From<InvoiceDetail> for InvoiceDetailView {
    fn from(detail: InvoiceDetail) -> Self {
        Self {
            invoice: detail.invoice.into(),
            merchant_name: detail.merchant.name,
            provider_name: detail.seller,
            lines: detail.lines.into_iter().map(InvoiceLineView::from).collect(),
            receipts: detail.receipts.into_iter().map(ReceiptView::from).collect(),
            credit_note: detail.credit.map(CreditNoteView::from),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct InvoiceListQuery {
    /// One state, such as `issued`.
    state: Option<String>,
    /// Of one merchant; for a provider.
    #[param(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_invoices(
    auth: Authed<perm::BillingRead, Query<InvoiceListQuery>>,
) -> Answer<Json<Page<InvoiceView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let unknown = || FieldError::new("state", "unknown", "no such state of an invoice", "没有这种账单状态");
    let states: Vec<InvoiceState> = match query.state.as_deref() {
        None => Vec::new(),
        Some(word) => vec![InvoiceState::parse(word).ok_or_else(unknown)?],
    };
    let merchant = query.merchant_id.map(|id| id.0);
    let found = invoices::list(&auth.state, &auth.grant, merchant, &states, page).await?;
    Ok(Json(Page::of(found, InvoiceView::from)))
}

async fn get_invoice(auth: Authed<perm::BillingRead, Path<InvoiceId>>) -> Answer<Json<InvoiceDetailView>> {
    Ok(Json(invoices::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn issue_invoice(
    auth: Authed<perm::ProviderMoneyMove, (Path<InvoiceId>, IdempotencyKey)>,
) -> Answer<Once<InvoiceView>> {
    let Authed { call, grant, input: (Path(id), key), .. } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let terms = issue_terms(&call.state, grant.ctx()).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| Ok(InvoiceView::from(issue_in(&state, tx, &terms, id).await?))).await
}
