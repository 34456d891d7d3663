//! `/providers/{provider_id}/restorations`: merchants that the operator brings back from archives.

use crate::app::whole::restorations::{self, Restoration, UPLOAD_LIMIT};
use crate::error::Answer;
use crate::http::describe::Created;
use crate::http::extract::{Authed, Json, Path, Query, Upload};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/providers/{provider_id}/restorations",
        restore_merchant,
        "Bring a merchant back into a provider from an archive: field `file`, at most 64 MiB",
    );
    api.get(
        "/providers/{provider_id}/restorations",
        list_restorations,
        "Merchants that were brought back into a provider, and refusals, newest first",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct RestoredView {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    name: String,
    rows: u64,
    files: u64,
    /// What there is to know about it, in the caller's language.
    remarks: Vec<String>,
}

async fn restore_merchant(
    auth: Authed<perm::ProviderManage, (Path<TenantId>, Upload<UPLOAD_LIMIT>)>,
) -> Answer<Created<RestoredView>> {
    let (Path(provider), upload) = &auth.input;
    let file = upload.file("file").ok_or_else(|| FieldError::required("file"))?;
    let done = restorations::restore_upload(&auth.state, &auth.grant, *provider, file.bytes.clone()).await?;
    Ok(Created(RestoredView {
        merchant_id: Id(done.merchant),
        name: done.name,
        rows: done.rows,
        files: done.files,
        remarks: done.remarks.iter().map(|why| why.pick(auth.info.lang).to_owned()).collect(),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct RestorationView {
    at: Time,
    actor_name: String,
    /// `restored` or `refused`.
    state: &'static str,
    /// The merchant that came; none when it was refused.
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    merchant_name: String,
    rows: u64,
    files: u64,
    /// How many reasons there were against it.
    reasons: u64,
}

fn view(one: Restoration) -> RestorationView {
    RestorationView {
        at: Time(one.at),
        actor_name: one.actor_name,
        state: if one.merchant.is_some() { "restored" } else { "refused" },
        merchant_id: one.merchant.map(Id),
        merchant_name: one.merchant_name,
        rows: one.rows,
        files: one.files,
        reasons: one.reasons,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListRestorationsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_restorations(
    auth: Authed<perm::ProviderManage, (Path<TenantId>, Query<ListRestorationsQuery>)>,
) -> Answer<Json<Page<RestorationView>>> {
    let (Path(provider), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = restorations::list(&auth.state, &auth.grant, *provider, page).await?;
    Ok(Json(Page::of(found, view)))
}
