//! `/deposit_cases`: violation cases against deposits of shops. The provider opens and decides them, the merchant appeals.

mod views;

use super::MEDIA_LIMIT;
use super::media::content;
use crate::app::media;
use crate::app::money::deposit_case_files::{self, PutsEvidence};
use crate::app::money::deposit_case_money::{Deduct, close_in, deduct_in, release_in};
use crate::app::money::deposit_cases::{
    OpenCase, appeal_in, appeal_terms, decide_in, on_depositor, on_merchant, open_in,
};
use crate::app::money::deposit_cases_read;
use crate::error::Answer;
use crate::http::describe::Created;
use crate::http::extract::{Authed, Call, IdempotencyKey, Json, Path, Path2, Query, Upload};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, page_request};
use actix_web::HttpResponse;
use qianpu_domain::deposit_case::{CaseState, DeductedFor, Verdict, Violation};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{AftersaleId, DepositCaseId, DepositId, MediaId, OrderId};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::deposit_case::DepositCaseFilter;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use views::{DepositCaseDetailView, DepositCaseView};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/deposit_cases", list_deposit_cases, "Cases against deposits of shops, newest first");
    api.post("/deposit_cases", open_deposit_case, "Open a case and freeze what is there of its amount");
    api.get(
        "/deposit_cases/{deposit_case_id}",
        get_deposit_case,
        "One case with its deductions and evidence",
    );
    api.post("/deposit_cases/{deposit_case_id}/appeal", appeal_deposit_case, "Appeal, as long as one may");
    api.post(
        "/deposit_cases/{deposit_case_id}/decide",
        decide_deposit_case,
        "Decide a case; one that is dismissed is closed, and what was frozen for it released",
    );
    api.post("/deposit_cases/{deposit_case_id}/deduct", deduct_deposit_case, "Deduct from a decided case");
    api.post(
        "/deposit_cases/{deposit_case_id}/release",
        release_deposit_case,
        "Release what is left of a decided case",
    );
    api.post(
        "/deposit_cases/{deposit_case_id}/close",
        close_deposit_case,
        "Close a decided case; what is left of it is released",
    );
    api.post(
        "/deposit_case_files",
        add_deposit_case_file,
        "Put a file into a case: fields `deposit_case_id` and `file` (JPEG, PNG, WebP or PDF)",
    );
    api.post(
        "/deposit_appeal_files",
        add_deposit_appeal_file,
        "Put a file into a case for the merchant: fields `deposit_case_id` and `file` (JPEG, PNG, WebP or PDF)",
    );
    api.get(
        "/deposit_cases/{deposit_case_id}/files/{media_id}",
        get_deposit_case_file,
        "A file of a case itself",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DepositCaseListQuery {
    /// `open`, `appealed`, `decided` or `closed`.
    state: Option<String>,
    /// Only those against this deposit.
    #[param(value_type = Option<String>)]
    deposit_id: Option<Id<DepositId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_deposit_cases(
    auth: Authed<perm::BillingRead, Query<DepositCaseListQuery>>,
) -> Answer<Json<Page<DepositCaseView>>> {
    let Query(query) = &auth.input;
    let unknown = || FieldError::new("state", "invalid", "a state of a case", "应为案件状态");
    let state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(CaseState::from_text(word).ok_or_else(unknown)?),
    };
    let filter = DepositCaseFilter { state, deposit: query.deposit_id.as_ref().map(|id| id.0) };
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = deposit_cases_read::list(&auth.state, &auth.grant, filter, page).await?;
    Ok(Json(Page::of(found, |row| DepositCaseView::of(row.case, Some(row.shop_name)))))
}

async fn get_deposit_case(
    auth: Authed<perm::BillingRead, Path<DepositCaseId>>,
) -> Answer<Json<DepositCaseDetailView>> {
    Ok(Json(deposit_cases_read::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenDepositCaseBody {
    #[schema(value_type = String)]
    deposit_id: Id<DepositId>,
    /// `counterfeit`, `prohibited_goods`, `not_as_described`, `false_shipment`, `late_shipment`, `false_trade` or
    /// `other`.
    violation: String,
    /// What happened; the merchant reads it.
    facts: String,
    /// What is to be frozen.
    amount: Money,
    /// The order it is about.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    order_id: Option<Id<OrderId>>,
    /// The after-sale case it is about; its order need not be named.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    aftersale_id: Option<Id<AftersaleId>>,
}

async fn open_deposit_case(
    auth: Authed<perm::DepositCaseManage, (IdempotencyKey, Json<OpenDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView, 201>> {
    let Authed { call, caller, grant, input: (key, Json(body)) } = auth;
    let grant = on_depositor(&call.state, &grant, body.deposit_id.0).await?;
    let unknown = || FieldError::new("violation", "unknown", "a kind of violation", "应为违规类型");
    let command = OpenCase {
        deposit: body.deposit_id.0,
        violation: Violation::from_text(&body.violation).ok_or_else(unknown)?,
        facts: body.facts,
        amount: body.amount.fen("amount")?,
        order: body.order_id.map(|id| id.0),
        aftersale: body.aftersale_id.map(|id| id.0),
    };
    let terms = appeal_terms(&call.state, grant.ctx()).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        let case = open_in(&state, tx, caller.tenant_name(), &terms, &command).await?;
        Ok(DepositCaseView::of(case, None))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppealDepositCaseBody {
    /// The version of the case as it was read.
    version: i64,
    /// What the merchant has to say.
    words: String,
}

async fn appeal_deposit_case(
    auth: Authed<perm::DepositCaseAppeal, (Path<DepositCaseId>, IdempotencyKey, Json<AppealDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView>> {
    let Authed { call, grant, input: (Path(id), key, Json(body)), .. } = auth;
    once(&call, &grant, &key, async |tx| {
        Ok(DepositCaseView::of(appeal_in(tx, &grant, id, body.version, &body.words).await?, None))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecideDepositCaseBody {
    /// The version of the case as it was read.
    version: i64,
    /// `upheld` or `dismissed`.
    verdict: String,
    /// Why; the merchant reads it.
    reasons: String,
}

async fn decide_deposit_case(
    auth: Authed<perm::DepositCaseManage, (Path<DepositCaseId>, IdempotencyKey, Json<DecideDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let unknown = || FieldError::new("verdict", "unknown", "upheld or dismissed", "应为 upheld 或 dismissed");
    let verdict = Verdict::from_text(&body.verdict).ok_or_else(unknown)?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        let at = (id, body.version);
        let case = decide_in(&state, tx, caller.tenant_name(), at, verdict, &body.reasons).await?;
        Ok(DepositCaseView::of(case, None))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeductDepositCaseBody {
    /// The version of the case as it was read. The same deduction sent again on it is answered as it is.
    version: i64,
    /// `provider`: a penalty; `buyer`: what the provider advanced for the refund of the case's after-sale.
    deducted_for: String,
    amount: Money,
    /// What for; the merchant reads it.
    reason: String,
    /// What is more than the case holds becomes a claim against the merchant, and the shop is suspended; with `provider`
    /// only, and at most what could not be frozen.
    #[serde(default)]
    claim_rest: bool,
}

async fn deduct_deposit_case(
    auth: Authed<perm::DepositCaseManage, (Path<DepositCaseId>, IdempotencyKey, Json<DeductDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let unknown =
        || FieldError::new("deducted_for", "unknown", "provider or buyer", "应为 provider 或 buyer");
    let command = Deduct {
        to: DeductedFor::from_text(&body.deducted_for).ok_or_else(unknown)?,
        amount: body.amount.fen("amount")?,
        reason: body.reason,
        claim_rest: body.claim_rest,
    };
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        let case = deduct_in(&state, tx, caller.tenant_name(), (id, body.version), &command).await?;
        Ok(DepositCaseView::of(case, None))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndDepositCaseBody {
    /// The version of the case as it was read.
    version: i64,
}

async fn release_deposit_case(
    auth: Authed<perm::DepositCaseManage, (Path<DepositCaseId>, IdempotencyKey, Json<EndDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        let case = release_in(&state, tx, caller.tenant_name(), (id, body.version)).await?;
        Ok(DepositCaseView::of(case, None))
    })
    .await
}

async fn close_deposit_case(
    auth: Authed<perm::DepositCaseManage, (Path<DepositCaseId>, IdempotencyKey, Json<EndDepositCaseBody>)>,
) -> Answer<Once<DepositCaseView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        let case = close_in(&state, tx, caller.tenant_name(), (id, body.version)).await?;
        Ok(DepositCaseView::of(case, None))
    })
    .await
}

/// Which case a file is for. One that is not there and one that is nobody's are the same.
fn case_named(upload: &Upload<MEDIA_LIMIT>) -> Answer<DepositCaseId> {
    let mut errors = Vec::new();
    let id = upload.fields.parsed("deposit_case_id", &mut errors);
    match id {
        Some(id) => Ok(id),
        None if errors.is_empty() => Err(FieldError::required("deposit_case_id").into()),
        None => Err(errors.into()),
    }
}

async fn add_file<P: PutsEvidence>(
    call: &Call,
    grant: &Grant<P>,
    id: DepositCaseId,
    upload: &Upload<MEDIA_LIMIT>,
) -> Answer<Created<DepositCaseView>> {
    let file = upload.file("file").map(|file| (file.file_name.as_str(), file.bytes.clone()));
    Ok(Created(DepositCaseView::of(deposit_case_files::add(&call.state, grant, id, file).await?, None)))
}

async fn add_deposit_case_file(
    auth: Authed<perm::DepositCaseManage, Upload<MEDIA_LIMIT>>,
) -> Answer<Created<DepositCaseView>> {
    let Authed { call, grant, input: upload, .. } = auth;
    let id = case_named(&upload)?;
    let grant = on_merchant(&call.state, &grant, id).await?;
    add_file(&call, &grant, id, &upload).await
}

async fn add_deposit_appeal_file(
    auth: Authed<perm::DepositCaseAppeal, Upload<MEDIA_LIMIT>>,
) -> Answer<Created<DepositCaseView>> {
    let Authed { call, grant, input: upload, .. } = auth;
    let id = case_named(&upload)?;
    add_file(&call, &grant, id, &upload).await
}

async fn get_deposit_case_file(
    auth: Authed<perm::BillingRead, Path2<DepositCaseId, MediaId>>,
) -> Answer<HttpResponse> {
    let Path2(id, file) = auth.input;
    let found = deposit_case_files::get(&auth.state, &auth.grant, id, file).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(content(&found, bytes))
}
