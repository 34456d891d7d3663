//! `/credit_notes`: what is taken back of invoices. A credit note never changes.

use crate::app::money::credit_notes::{self, CreditDetail};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::ids::{CreditNoteId, CreditNoteLineId, InvoiceId, InvoiceLineId, PlanChangeId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::credit_note::{CreditNote, CreditNoteLine};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/credit_notes", list_credit_notes, "Credit notes, newest first");
    api.get("/credit_notes/{credit_note_id}", get_credit_note, "A credit note with its lines");
}

#[derive(Debug, Serialize, ToSchema)]
struct CreditNoteSummary {
    #[schema(value_type = String)]
    id: Id<CreditNoteId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// Gap-free per merchant and year.
    #[schema(example = "2026-C000001")]
    number: String,
    /// The invoice that it takes back of.
    #[schema(value_type = String)]
    invoice_id: Id<InvoiceId>,
    /// The change of plan that it is for.
    #[schema(value_type = String)]
    plan_change_id: Id<PlanChangeId>,
    /// First day that is credited.
    credited_from: String,
    /// Without tax.
    net: Money,
    tax: Money,
    total: Money,
    /// What of it is no longer owed.
    receivable: Money,
    /// What of it went into the prepaid wallet.
    wallet: Money,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<CreditNote> for CreditNoteSummary {
    fn from(row: CreditNote) -> Self {
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            number: row.number,
            invoice_id: Id(row.invoice),
            plan_change_id: Id(row.change),
            credited_from: row.credited_from,
            net: row.amounts.net.into(),
            tax: row.amounts.tax.into(),
            total: row.amounts.total.into(),
            receivable: row.receivable.into(),
            wallet: row.wallet.into(),
            created_at: Time(row.created_at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct CreditNoteLineView {
    #[schema(value_type = String)]
    id: Id<CreditNoteLineId>,
    /// The line that it takes back of.
    #[schema(value_type = String)]
    invoice_line_id: Id<InvoiceLineId>,
    description_zh: String,
    description_en: String,
    net: Money,
    tax: Money,
    total: Money,
}

impl From<CreditNoteLine> for CreditNoteLineView {
    fn from(row: CreditNoteLine) -> Self {
        Self {
            id: Id(row.id),
            invoice_line_id: Id(row.invoice_line),
            description_zh: row.description_zh,
            description_en: row.description_en,
            net: row.amounts.net.into(),
            tax: row.amounts.tax.into(),
            total: row.amounts.total.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreditNoteView {
    #[serde(flatten)]
    note: CreditNoteSummary,
    lines: Vec<CreditNoteLineView>,
}

impl From<CreditDetail> for CreditNoteView {
    fn from(detail: CreditDetail) -> Self {
        Self {
            note: detail.note.into(),
            lines: detail.lines.into_iter().map(CreditNoteLineView::from).collect(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CreditNoteListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_credit_notes(
    auth: Authed<perm::BillingRead, Query<CreditNoteListQuery>>,
) -> Answer<Json<Page<CreditNoteSummary>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = credit_notes::list(&auth.state, &auth.grant, page).await?;
    Ok(Json(Page::of(found, CreditNoteSummary::from)))
}

async fn get_credit_note(
    auth: Authed<perm::BillingRead, Path<CreditNoteId>>,
) -> Answer<Json<CreditNoteView>> {
    Ok(Json(credit_notes::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}
