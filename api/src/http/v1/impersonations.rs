//! `/impersonations`: acting in a merchant or a provider, and who does in the own tenant.

use crate::app::impersonation::{self, StartImpersonation, TOKEN_PREFIX};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{ImpersonationId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::impersonation::Impersonation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/impersonations",
        start_impersonation,
        "Act in one of one's merchants or providers for a while",
    );
    api.get("/impersonations", list_impersonations, "Who acted and acts in the own tenant, newest first");
    api.post(
        "/impersonations/{impersonation_id}/end",
        end_impersonation,
        "End what somebody does in the own tenant; it acts at once",
    );
    api.post("/impersonation/end", end_own_impersonation, "Stop acting in somebody else's tenant");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartImpersonationBody {
    /// The merchant, or for the operator the provider.
    #[schema(value_type = String)]
    tenant_id: Id<TenantId>,
    /// Why; the tenant's owners read it.
    reason: String,
    /// How long; left out, as long as the installation allows (60 at most).
    #[serde(default)]
    #[schema(minimum = 1)]
    minutes: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct VisitStartedView {
    #[schema(value_type = String)]
    id: Id<ImpersonationId>,
    /// Shown once: the bearer token of whoever acts in the tenant.
    access_token: String,
    expires_at: Time,
}

async fn start_impersonation(
    auth: Authed<perm::Impersonate, Json<StartImpersonationBody>>,
) -> Answer<Created<VisitStartedView>> {
    let body = &auth.input.0;
    let command =
        StartImpersonation { tenant: body.tenant_id.0, reason: body.reason.clone(), minutes: body.minutes };
    let started = impersonation::start(&auth.state, &auth.caller, &auth.grant, &command).await?;
    Ok(Created(VisitStartedView {
        id: Id(started.impersonation.id),
        access_token: format!("{TOKEN_PREFIX}{}", started.secret),
        expires_at: Time(started.impersonation.expires_at),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct ImpersonationView {
    #[schema(value_type = String)]
    id: Id<ImpersonationId>,
    /// Name of who acts.
    actor_name: String,
    /// Where they belong: the provider, or the operator.
    actor_tenant_name: String,
    reason: String,
    started_at: Time,
    /// When it ends by itself.
    expires_at: Time,
    /// When it was ended before.
    ended_at: Option<Time>,
    ended_by: Option<String>,
}

fn view(row: Impersonation) -> ImpersonationView {
    ImpersonationView {
        id: Id(row.id),
        actor_name: row.actor_name,
        actor_tenant_name: row.actor_tenant_name,
        reason: row.reason,
        started_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
        ended_at: row.ended_at.map(Time),
        ended_by: row.ended_by,
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListImpersonationsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_impersonations(
    auth: Authed<perm::ImpersonationManage, Query<ListImpersonationsQuery>>,
) -> Answer<Json<Page<ImpersonationView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(impersonation::list(&auth.state, &auth.grant, page).await?, view)))
}

async fn end_impersonation(
    auth: Authed<perm::ImpersonationManage, Path<ImpersonationId>>,
) -> Answer<Json<ImpersonationView>> {
    Ok(Json(view(impersonation::end(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?)))
}

async fn end_own_impersonation(auth: Authed<perm::SelfRead>) -> Answer<NoContent> {
    impersonation::end_own(&auth.state, &auth.caller, &auth.grant).await?;
    Ok(NoContent)
}
