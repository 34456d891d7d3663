//! `/requirements`, `/agreements` and `/brands`: what a provider asks of applicants.

use crate::app::requirements;
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{RequirementId, TenantId};
use qianpu_domain::onboarding::Requirement;
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::requirement::StoredRequirement;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/requirements", list_requirements, "Documents that applicants hand in");
    api.post("/requirements", add_requirement, "Ask for one more document");
    api.put("/requirements/{requirement_id}", change_requirement, "Change names and subject kinds");
    api.delete("/requirements/{requirement_id}", remove_requirement, "No longer ask for it");
    api.get("/agreements/current", get_agreement, "The agreement in force");
    api.post("/agreements", publish_agreement, "Publish a new version of the agreement");
    api.get("/brands", list_brands, "Protected brand names");
    api.put("/brands/{name}", protect_brand, "Protect a brand name");
    api.delete("/brands/{name}", release_brand, "No longer protect a brand name");
    api.put("/merchants/{merchant_id}/brands", authorise_brand, "Let a merchant use a protected brand");
}

#[derive(Debug, Serialize, ToSchema)]
struct RequirementView {
    #[schema(value_type = String)]
    id: Id<RequirementId>,
    code: String,
    /// Subject kinds it is asked from.
    kinds: Vec<&'static str>,
    name_zh: String,
    name_en: String,
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct RequirementsView {
    items: Vec<RequirementView>,
}

fn view(row: StoredRequirement) -> RequirementView {
    RequirementView {
        id: Id(row.id),
        code: row.requirement.code,
        kinds: row.requirement.kinds.into_iter().map(SubjectKind::as_str).collect(),
        name_zh: row.requirement.name_zh,
        name_en: row.requirement.name_en,
        version: row.version,
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequirementBody {
    /// A stable word; documents carry it.
    code: String,
    kinds: Vec<String>,
    name_zh: String,
    name_en: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRequirementBody {
    kinds: Vec<String>,
    name_zh: String,
    name_en: String,
}

fn read_kinds(words: &[String]) -> Answer<Vec<SubjectKind>> {
    let unknown = || FieldError::new("kinds", "unknown", "no such subject kind", "没有该主体类型");
    let kinds = words.iter().map(|word| SubjectKind::from_text(word)).collect::<Option<Vec<_>>>();
    Ok(kinds.ok_or_else(unknown)?)
}

async fn list_requirements(auth: Authed<perm::PolicyRead>) -> Answer<Json<RequirementsView>> {
    let rows = requirements::list(&auth.state, &auth.grant).await?;
    Ok(Json(RequirementsView { items: rows.into_iter().map(view).collect() }))
}

async fn add_requirement(
    auth: Authed<perm::PolicyManage, Json<RequirementBody>>,
) -> Answer<Created<RequirementView>> {
    let body = &auth.input.0;
    let new = Requirement {
        code: body.code.clone(),
        kinds: read_kinds(&body.kinds)?,
        name_en: body.name_en.clone(),
        name_zh: body.name_zh.clone(),
    };
    Ok(Created(view(requirements::add(&auth.state, &auth.grant, &new).await?)))
}

async fn change_requirement(
    auth: Authed<perm::PolicyManage, (Path<RequirementId>, IfMatch, Json<ChangeRequirementBody>)>,
) -> Answer<Versioned<RequirementView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let next = Requirement {
        code: String::new(),
        kinds: read_kinds(&body.kinds)?,
        name_en: body.name_en.clone(),
        name_zh: body.name_zh.clone(),
    };
    let row = requirements::change(&auth.state, &auth.grant, *id, *seen, next).await?;
    Ok(Versioned { version: row.version, body: view(row) })
}

async fn remove_requirement(auth: Authed<perm::PolicyManage, Path<RequirementId>>) -> Answer<NoContent> {
    requirements::remove(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct AgreementView {
    version: String,
    /// Hash of both texts; sign with it.
    sha256: String,
    body_zh: String,
    body_en: String,
    effective_from: Time,
}

async fn get_agreement(auth: Authed<perm::PolicyRead>) -> Answer<Json<AgreementView>> {
    let agreement = requirements::agreement(&auth.state, &auth.grant).await?;
    Ok(Json(AgreementView {
        version: agreement.version.version,
        sha256: agreement.version.sha256,
        body_zh: agreement.body_zh,
        body_en: agreement.body_en,
        effective_from: Time(agreement.effective_from),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishAgreementBody {
    /// A new word such as `2027-01`.
    version: String,
    body_zh: String,
    body_en: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct AgreementVersionView {
    version: String,
    sha256: String,
}

async fn publish_agreement(
    auth: Authed<perm::PolicyManage, Json<PublishAgreementBody>>,
) -> Answer<Created<AgreementVersionView>> {
    let body = &auth.input.0;
    let (word, zh, en) = (&body.version, &body.body_zh, &body.body_en);
    let version = requirements::publish_agreement(&auth.state, &auth.grant, word, zh, en).await?;
    Ok(Created(AgreementVersionView { version: version.version, sha256: version.sha256 }))
}

#[derive(Debug, Serialize, ToSchema)]
struct BrandsView {
    items: Vec<String>,
}

async fn list_brands(auth: Authed<perm::PolicyManage>) -> Answer<Json<BrandsView>> {
    Ok(Json(BrandsView { items: requirements::brands(&auth.state, &auth.grant).await? }))
}

async fn protect_brand(auth: Authed<perm::PolicyManage, Path<String>>) -> Answer<NoContent> {
    requirements::protect_brand(&auth.state, &auth.grant, &auth.input.0, true).await?;
    Ok(NoContent)
}

async fn release_brand(auth: Authed<perm::PolicyManage, Path<String>>) -> Answer<NoContent> {
    requirements::protect_brand(&auth.state, &auth.grant, &auth.input.0, false).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AuthoriseBrandBody {
    brand: String,
}

async fn authorise_brand(
    auth: Authed<perm::ApplicationReview, (Path<TenantId>, Json<AuthoriseBrandBody>)>,
) -> Answer<NoContent> {
    let (Path(merchant), Json(body)) = &auth.input;
    requirements::authorise_brand(&auth.state, &auth.grant, &body.brand, *merchant).await?;
    Ok(NoContent)
}
