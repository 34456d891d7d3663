//! `/domains`: domains of the own shops, or of a provider's console and application page.

use crate::app::domains::{self, proof};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::host::ProofMethod;
use qianpu_domain::ids::{DomainId, ShopId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::domain::Domain;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Manages<T> = Authed<perm::DomainManage, T>;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/domains", list_domains, "The own domains, newest first");
    api.post("/domains", claim_domain, "Claim a domain; it has to be proven before it leads anywhere");
    api.get("/domains/{domain_id}", get_domain, "One domain, with what proves it");
    api.post("/domains/{domain_id}/verify", verify_domain, "Look for the proof of a domain now");
    api.delete("/domains/{domain_id}", remove_domain, "Give a domain up; nothing leads to it any more");
}

#[derive(Debug, Serialize, ToSchema)]
struct DomainView {
    #[schema(value_type = String)]
    id: Id<DomainId>,
    /// In ASCII.
    host: String,
    /// The shop it leads to; null for a provider's console.
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    /// `waiting`, `verified`, `failing` or `dropped`; only verified and failing ones lead to the tenant.
    state: &'static str,
    /// Name of the TXT record that proves it.
    record_name: String,
    /// What the record, or the file, has to hold.
    proof_value: String,
    /// Path of the file that proves it instead.
    file_path: String,
    /// `dns`, `file` or `local`; how it was proven last.
    method: Option<&'static str>,
    /// Why it was not, in a stable word.
    error: Option<String>,
    verified_at: Option<Time>,
    checked_at: Option<Time>,
    /// Since when its proof is missing.
    failing_at: Option<Time>,
    created_at: Time,
}

fn view(domain: Domain) -> DomainView {
    DomainView {
        id: Id(domain.id),
        record_name: proof::record_name(&domain.host),
        proof_value: proof::value(&domain.token),
        file_path: proof::file_path(&domain.token),
        host: domain.host,
        shop_id: domain.shop.map(Id),
        state: domain.state.as_str(),
        method: domain.method.map(ProofMethod::as_str),
        error: domain.error,
        verified_at: domain.verified_at.map(Time),
        checked_at: domain.checked_at.map(Time),
        failing_at: domain.failing_at.map(Time),
        created_at: Time(domain.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListDomainsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_domains(auth: Manages<Query<ListDomainsQuery>>) -> Answer<Json<Page<DomainView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(domains::list(&auth.state, &auth.grant, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClaimDomainBody {
    /// Such as `shop.example.com`; other scripts are turned into ASCII.
    host: String,
    /// The shop it is to lead to; a merchant has to name one, a provider names none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
}

async fn claim_domain(auth: Manages<Json<ClaimDomainBody>>) -> Answer<Created<DomainView>> {
    let body = &auth.input.0;
    let shop = body.shop_id.as_ref().map(|id| id.0);
    Ok(Created(view(domains::claim(&auth.state, &auth.grant, &body.host, shop).await?)))
}

async fn get_domain(auth: Manages<Path<DomainId>>) -> Answer<Json<DomainView>> {
    Ok(Json(view(domains::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn verify_domain(auth: Manages<Path<DomainId>>) -> Answer<Json<DomainView>> {
    Ok(Json(view(domains::verify(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn remove_domain(auth: Manages<Path<DomainId>>) -> Answer<NoContent> {
    domains::remove(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
