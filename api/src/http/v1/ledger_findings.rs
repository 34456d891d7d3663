//! `/ledger/findings`: what the daily look at the books of a provider's merchants found.

use crate::app::money::findings;
use crate::error::Answer;
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{JournalId, LedgerAccountId, LedgerFindingId, TenantId};
use qianpu_domain::ledger::AccountCode;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::ledger_finding::{Finding, FindingFilter, Subject};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/ledger/findings", list_ledger_findings, "What the daily look at merchants' books found");
    api.post(
        "/ledger/findings/{ledger_finding_id}/take",
        take_ledger_finding,
        "Look after an open finding, with a note",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerFindingView {
    #[schema(value_type = String)]
    id: Id<LedgerFindingId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// `book`, `balance`, `journal`, `old_commission`, `unmatched`, `old_transit` or `negative_mirror`.
    kind: String,
    /// `error`: the books are wrong; `notice`: they are right, and something has to be done about what they say.
    severity: String,
    amount: Money,
    /// The account of the chart, such as 2900.
    account: Option<i64>,
    #[schema(value_type = Option<String>)]
    ledger_account_id: Option<Id<LedgerAccountId>>,
    #[schema(value_type = Option<String>)]
    journal_id: Option<Id<JournalId>>,
    /// Since when it may have been so.
    #[schema(value_type = String)]
    since: Time,
    #[schema(value_type = String)]
    first_seen_at: Time,
    #[schema(value_type = String)]
    last_seen_at: Time,
    /// When the daily look did not see it any more.
    #[schema(value_type = Option<String>)]
    resolved_at: Option<Time>,
    /// Who looks after it.
    taken_by: Option<String>,
    #[schema(value_type = Option<String>)]
    taken_at: Option<Time>,
    note: Option<String>,
}

impl From<Finding> for LedgerFindingView {
    fn from(found: Finding) -> Self {
        let (code, account, journal) = match found.subject {
            Subject::Book(_) => (None, None, None),
            Subject::Account(id, code) => (code.map(AccountCode::number), Some(Id(id)), None),
            Subject::Journal(id) => (None, None, Some(Id(id))),
        };
        let taken = found.taken;
        Self {
            id: Id(found.id),
            merchant_id: Id(found.merchant),
            kind: found.kind.as_str().to_owned(),
            severity: found.kind.severity().as_str().to_owned(),
            amount: found.amount.into(),
            account: code,
            ledger_account_id: account,
            journal_id: journal,
            since: Time(found.since),
            first_seen_at: Time(found.first_seen_at),
            last_seen_at: Time(found.last_seen_at),
            resolved_at: found.resolved_at.map(Time),
            taken_by: taken.as_ref().map(|taken| taken.by.clone()),
            taken_at: taken.as_ref().map(|taken| Time(taken.at)),
            note: taken.map(|taken| taken.note),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FindingListQuery {
    /// `open` or `resolved`; both unless said.
    state: Option<String>,
    /// Only those of one merchant.
    #[param(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_ledger_findings(
    auth: Authed<perm::ProviderLedgerRead, Query<FindingListQuery>>,
) -> Answer<Json<Page<LedgerFindingView>>> {
    let Query(query) = &auth.input;
    let open = match query.state.as_deref() {
        None | Some("") => None,
        Some("open") => Some(true),
        Some("resolved") => Some(false),
        Some(_) => {
            let (en, zh) = ("open or resolved", "应为 open 或 resolved");
            return Err(FieldError::new("state", "invalid", en, zh).into());
        }
    };
    let filter = FindingFilter { open, merchant: query.merchant_id.as_ref().map(|id| id.0) };
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(findings::list(&auth.state, &auth.grant, filter, page).await?, Into::into)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeFindingBody {
    /// What is being done about it; colleagues read it.
    note: String,
}

async fn take_ledger_finding(
    auth: Authed<perm::ProviderMoneyMove, (Path<LedgerFindingId>, IdempotencyKey, Json<TakeFindingBody>)>,
) -> Answer<Once<LedgerFindingView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = findings::on_merchant(&call.state, &grant, id).await?;
    once(&call, &grant, &key, async |tx| {
        Ok(LedgerFindingView::from(findings::take_in(tx, id, caller.name(), &body.note).await?))
    })
    .await
}
