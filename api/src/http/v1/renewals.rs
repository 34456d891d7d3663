//! `/renewals`: documents that are renewed while the shop is open.

use crate::app::documents::{self, RenewalVerdict};
use crate::error::Answer;
use crate::http::describe::Created;
use crate::http::extract::{Authed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::v1::read_day;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ApplicationId, MediaId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::document_renewal::Renewal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/renewals", list_renewals, "Renewed documents that wait for the provider, newest first");
    api.get(
        "/applications/{application_id}/renewals",
        list_application_renewals,
        "Renewed documents of one shop's application, newest first",
    );
    api.post(
        "/applications/{application_id}/documents/{requirement}/renew",
        renew_document,
        "Hand in a renewed document; one that still waits is replaced",
    );
    api.post(
        "/applications/{application_id}/documents/{requirement}/judge_renewal",
        judge_renewal,
        "Accept or return a renewed document",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct RenewalView {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    application_id: Id<ApplicationId>,
    requirement: String,
    #[schema(value_type = String)]
    media_id: Id<MediaId>,
    /// Last day on which it is valid, `YYYY-MM-DD`; none when it has no end.
    expires_on: Option<String>,
    /// `pending`, `accepted` or `returned`.
    state: &'static str,
    reason: Option<String>,
    decided_by: Option<String>,
    created_at: Time,
}

fn view(renewal: Renewal) -> RenewalView {
    RenewalView {
        merchant_id: Id(renewal.merchant),
        application_id: Id(renewal.application),
        requirement: renewal.requirement,
        media_id: Id(renewal.media),
        expires_on: renewal.expires_on.map(|day| day.to_string()),
        state: renewal.state.as_str(),
        reason: renewal.reason,
        decided_by: renewal.decided_by,
        created_at: Time(renewal.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListRenewalsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_renewals(
    auth: Authed<perm::ApplicationReview, Query<ListRenewalsQuery>>,
) -> Answer<Json<Page<RenewalView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = documents::waiting(&auth.state, &auth.grant, page).await?;
    Ok(Json(Page::of(found, |row| view(row.renewal))))
}

#[derive(Debug, Serialize, ToSchema)]
struct RenewalsView {
    items: Vec<RenewalView>,
}

async fn list_application_renewals(
    auth: Authed<perm::ApplicationRead, Path<ApplicationId>>,
) -> Answer<Json<RenewalsView>> {
    let found = documents::renewals(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(RenewalsView { items: found.into_iter().map(view).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenewBody {
    /// A file uploaded with purpose `document`.
    #[schema(value_type = String)]
    media_id: Id<MediaId>,
    /// Last day on which it is valid, `YYYY-MM-DD`; left out when it has no end.
    #[serde(default)]
    expires_on: Option<String>,
}

async fn renew_document(
    auth: Authed<perm::ApplicationEdit, (Path2<ApplicationId, String>, Json<RenewBody>)>,
) -> Answer<Created<RenewalView>> {
    let (Path2(id, requirement), Json(body)) = &auth.input;
    let day = read_day("expires_on", body.expires_on.as_deref())?;
    let media = body.media_id.0;
    Ok(Created(view(documents::renew(&auth.state, &auth.grant, *id, requirement, media, day).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JudgeRenewalBody {
    /// `accept` or `return`.
    verdict: String,
    /// Needed for `return`.
    #[serde(default)]
    reason: Option<String>,
}

async fn judge_renewal(
    auth: Authed<perm::ApplicationReview, (Path2<ApplicationId, String>, Json<JudgeRenewalBody>)>,
) -> Answer<Json<RenewalView>> {
    let (Path2(id, requirement), Json(body)) = &auth.input;
    let verdict = match body.verdict.as_str() {
        "accept" => RenewalVerdict::Accept,
        "return" => RenewalVerdict::Return(body.reason.clone().unwrap_or_default()),
        _ => {
            let (en, zh) = ("accept or return", "应为 accept 或 return");
            return Err(FieldError::new("verdict", "unknown", en, zh).into());
        }
    };
    Ok(Json(view(documents::judge(&auth.state, &auth.grant, *id, requirement, &verdict).await?)))
}
