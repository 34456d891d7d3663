//! `/deletions`: the end of a merchant, with a waiting period and a listing.

use crate::app::whole::deletion;
use crate::error::Answer;
use crate::http::describe::{Answered, Created, Draft};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use qianpu_domain::ids::{DeletionId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::deletion::Deletion;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/deletions",
        ask_deletion,
        "Have a merchant and everything it has deleted after the waiting period",
    );
    api.get("/deletions", list_deletions, "Deletions, newest first");
    api.get("/deletions/conditions", get_deletion_conditions, "What has to be settled before");
    api.get("/deletions/{deletion_id}", get_deletion, "A deletion");
    api.post("/deletions/{deletion_id}/withdraw", withdraw_deletion, "Let everything stay");
    api.get(
        "/deletions/{deletion_id}/proof",
        get_deletion_proof,
        "The listing of what went and what stays, and why",
    );
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskDeletionBody {
    /// A provider names one of its merchants; a merchant leaves it out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    /// Why, for the other side.
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct DeletionView {
    #[schema(value_type = String)]
    id: Id<DeletionId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    /// `waiting`, `deleting`, `withdrawn` or `deleted`.
    state: String,
    reason: String,
    /// `merchant` or `provider`.
    asked_by: String,
    asked_by_name: String,
    asked_at: Time,
    /// When everything goes.
    due_at: Time,
    /// Conditions that stood in its way when it was due; it is tried again each day.
    blocked: Vec<String>,
    #[schema(value_type = Option<String>)]
    withdrawn_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    deleted_at: Option<Time>,
    /// Until when the rest is kept by law.
    #[schema(value_type = Option<String>)]
    keep_until: Option<Time>,
    /// SHA-256 of the listing, in hexadecimal.
    proof_sha256: Option<String>,
}

fn view(deletion: Deletion) -> DeletionView {
    DeletionView {
        id: Id(deletion.id),
        merchant_id: Id(deletion.merchant),
        state: deletion.state,
        reason: deletion.reason,
        asked_by: deletion.asked_by_kind,
        asked_by_name: deletion.asked_by_name,
        asked_at: Time(deletion.asked_at),
        due_at: Time(deletion.due_at),
        blocked: deletion.blocked,
        withdrawn_at: deletion.withdrawn_at.map(Time),
        deleted_at: deletion.deleted_at.map(Time),
        keep_until: deletion.keep_until.map(Time),
        proof_sha256: deletion.proof_sha256,
    }
}

async fn ask_deletion(
    auth: Authed<perm::MerchantDelete, Json<AskDeletionBody>>,
) -> Answer<Created<DeletionView>> {
    let body = &auth.input.0;
    let merchant = body.merchant_id.as_ref().map(|id| id.0);
    Ok(Created(view(deletion::ask(&auth.state, &auth.grant, merchant, &body.reason).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListDeletionsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_deletions(
    auth: Authed<perm::MerchantDelete, Query<ListDeletionsQuery>>,
) -> Answer<Json<Page<DeletionView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(deletion::list(&auth.state, &auth.grant, page).await?, view)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ConditionsQuery {
    /// A provider names one of its merchants; a merchant leaves it out.
    merchant_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ConditionsView {
    /// Empty when the merchant can go.
    open: Vec<ConditionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ConditionView {
    /// `open_orders`, `open_shops`, `unpaid_invoices`, `deposit`, `money`, `subscription` or `linked_accounts`.
    code: &'static str,
    /// How many, or how much in fen.
    found: i64,
}

async fn get_deletion_conditions(
    auth: Authed<perm::MerchantDelete, Query<ConditionsQuery>>,
) -> Answer<Json<ConditionsView>> {
    let named = auth.input.0.merchant_id.as_deref().filter(|text| !text.is_empty());
    let merchant = named.map(str::parse).transpose().map_err(|_| crate::error::ApiError::not_found())?;
    let (open, _) = deletion::conditions(&auth.state, &auth.grant, merchant).await?;
    let open = open.into_iter().map(|(blocker, found)| ConditionView { code: blocker.as_str(), found });
    Ok(Json(ConditionsView { open: open.collect() }))
}

async fn get_deletion(auth: Authed<perm::MerchantDelete, Path<DeletionId>>) -> Answer<Json<DeletionView>> {
    Ok(Json(view(deletion::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn withdraw_deletion(
    auth: Authed<perm::MerchantDelete, Path<DeletionId>>,
) -> Answer<Json<DeletionView>> {
    Ok(Json(view(deletion::withdraw(&auth.state, &auth.grant, auth.input.0).await?)))
}

/// The listing, byte by byte as it was hashed.
struct Listing(HttpResponse);

impl Answered for Listing {
    fn describe(draft: &mut Draft) {
        draft.bare_response("200", "application/json, as docs/export.md describes it");
    }
}
impl Responder for Listing {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

async fn get_deletion_proof(auth: Authed<perm::MerchantDelete, Path<DeletionId>>) -> Answer<Listing> {
    let id = auth.input.0;
    let (text, sha256) = deletion::proof(&auth.state, &auth.grant, id).await?;
    Ok(Listing(
        HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.json\"")))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header(("X-Content-SHA256", sha256))
            .body(text),
    ))
}
