//! What the daily look at merchants' books found, for the provider's finance staff: how old it is, who looks after it,
//! and where it leads.

use super::apply::may_be_mended;
use super::billing::providers_only;
use super::billing_subscriptions::{merchant_names, name_in};
use super::money::account_name;
use crate::app::money::findings::{self, take_in};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{LedgerFindingId, TenantId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::ledger_finding::{Finding, FindingFilter, Subject};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const FINDINGS: &str = "/console/provider/books/findings";
const DAY: i64 = 86_400;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(FINDINGS, findings_page);
    pages.post("/console/provider/books/findings/{ledger_finding_id}/take", take_form);
}

#[derive(Debug, Default, Deserialize, IntoParams)]
struct FindingsQuery {
    /// `open` or `resolved`.
    state: Option<String>,
    merchant: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct FindingsView {
    form: FormView,
    state: &'static str,
    merchants: Vec<Choice>,
    rows: Vec<FindingLine>,
    next_page: Option<String>,
    may_take: bool,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct FindingLine {
    id: String,
    kind: &'static str,
    severity: &'static str,
    merchant: String,
    /// The account or journal, or the merchant's trial balance.
    href: String,
    /// An account of the chart.
    account: Option<String>,
    amount: i64,
    first_seen_at: i64,
    /// How many whole days it has been open, or was.
    days: i64,
    resolved_at: Option<i64>,
    taken_by: Option<String>,
    taken_at: Option<i64>,
    note: Option<String>,
}

fn line(lang: Lang, now: Timestamp, merchant: String, row: Finding) -> FindingLine {
    let home = format!("/console/provider/books/merchants/{}", row.merchant);
    let (href, account) = match &row.subject {
        Subject::Book(_) => (home, None),
        Subject::Journal(id) => (format!("{home}/journals/{id}"), None),
        Subject::Account(id, code) => {
            let name = code.map(|code| format!("{} {}", code.number(), account_name(lang, code)));
            (format!("{home}/accounts/{id}"), name)
        }
    };
    let until = row.resolved_at.unwrap_or(now);
    FindingLine {
        id: row.id.to_string(),
        kind: row.kind.as_str(),
        severity: row.kind.severity().as_str(),
        merchant,
        href,
        account,
        amount: row.amount.get(),
        first_seen_at: row.first_seen_at.micros(),
        days: until.seconds().saturating_sub(row.first_seen_at.seconds()).div_euclid(DAY),
        resolved_at: row.resolved_at.map(|at| at.micros()),
        taken_by: row.taken.as_ref().map(|taken| taken.by.clone()),
        taken_at: row.taken.as_ref().map(|taken| taken.at.micros()),
        note: row.taken.map(|taken| taken.note),
    }
}

async fn findings_view<P: Perm, T>(
    auth: &Authed<P, T>,
    query: &FindingsQuery,
    form: FormView,
) -> Answer<FindingsView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::ProviderLedgerRead>()?;
    let open = query.state.as_deref() != Some("resolved");
    let merchant: Option<TenantId> = query.merchant.as_deref().and_then(|text| text.parse().ok());
    let filter = FindingFilter { open: Some(open), merchant };
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let found = findings::list(&auth.state, &grant, filter, page).await?;
    let names = merchant_names(auth).await?;
    let state = if open { "open" } else { "resolved" };
    let asked = merchant.map(|id| format!("&merchant={id}")).unwrap_or_default();
    let next_page =
        found.next.map(|next| format!("{FINDINGS}?state={state}{asked}&cursor={}", cursor_text(&next)));
    let (lang, now) = (auth.info.lang, auth.state.clock().now());
    let rows = found.items.into_iter().map(|row| line(lang, now, name_in(&names, row.merchant), row));
    let choice = |(id, name): (&TenantId, &String)| Choice {
        value: id.to_string(),
        label: name.clone(),
        chosen: merchant == Some(*id),
    };
    Ok(FindingsView {
        form,
        state,
        rows: rows.collect(),
        merchants: names.iter().map(choice).collect(),
        next_page,
        may_take: auth.caller.may(Permission::ProviderMoneyMove),
    })
}

async fn findings_page(auth: Authed<perm::ProviderLedgerRead, Query<FindingsQuery>>) -> PageAnswer {
    let view = findings_view(&auth, &auth.input.0, FormView::default()).await?;
    auth.page("billing/findings", view)
}

async fn take_form(auth: Authed<perm::ProviderMoneyMove, (Path<LedgerFindingId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    let grant = findings::on_merchant(&auth.state, &auth.grant, *id).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    match take_in(&mut tx, *id, auth.caller.name(), fields.text("note")).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(auth.redirect_with(&Flash::success("billing.finding_taken"), FINDINGS))
        }
        Err(error) if error.code().status() == 409 => {
            Ok(auth.redirect_with(&Flash::failure("money.finding_resolved"), FINDINGS))
        }
        Err(error) if may_be_mended(&error) => {
            drop(tx);
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = findings_view(&auth, &FindingsQuery::default(), form).await?;
            auth.refused_page("billing/findings", view)
        }
        Err(error) => Err(error),
    }
}
