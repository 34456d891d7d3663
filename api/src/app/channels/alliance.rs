//! The alliance of a shop: promoters, products, plans. Asked of the platform each time; shutting a promoter out and letting
//! one back is done there at once. Plans are changed in [`super::alliance_plans`].

use super::call::{AccountCall, CallError, plain_words};
use crate::app::aftersales::guarantees::refused;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_sdk::{
    AFFILIATE_FIELD, AFFILIATE_NOT_OPENED, AllianceQuery, ChannelError, ErrorClass, Page, PlanPromoter,
    PlanPromotersQuery, PlanRef, PlanTerms, PlansQuery, PromotedProduct, PromotedQuery, Promoter,
    PromoterBlock, PromoterName, PromotionPlan,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::listing::listing_by_native;
use qianpu_tenants::store::product::product_get;
use serde_json::json;

/// The longest id, and the longest cursor, that is asked for.
const LONGEST: usize = 64;
/// Pages of a product's plans that are looked through for one of them.
pub(super) const PLAN_PAGES: usize = 5;

/// Whether the account's channel has an alliance.
pub fn possible(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.affiliate().is_some())
}

/// The account by itself, where its channel has an alliance.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if grant.covers_shop(account.shop) && possible(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

fn fields(error: &CallError) -> &[qianpu_sdk::FieldError] {
    match error {
        CallError::Channel(ChannelError { class: ErrorClass::FixRequest { fields }, .. }) => fields,
        _ => &[],
    }
}

/// What a refusal means to the caller: an id that cannot be one is not there, a cursor is named as such, and a shop outside
/// the alliance learns what to do.
pub(super) fn told(error: CallError) -> ApiError {
    let of = |path: &str| fields(&error).iter().any(|field| field.path == path && field.code == "unknown");
    let outside =
        |field: &qianpu_sdk::FieldError| field.path == AFFILIATE_FIELD && field.code == AFFILIATE_NOT_OPENED;
    if fields(&error).iter().any(outside) {
        return ApiError::new(ErrorCode::AllianceNotOpen);
    }
    if of("product_id") || of("plan_id") {
        return ApiError::not_found();
    }
    if fields(&error).iter().any(|field| field.path == "cursor" && field.code == "invalid") {
        return ApiError::new(ErrorCode::InvalidCursor);
    }
    refused(error)
}

fn cursor(text: Option<&str>) -> Answer<Option<String>> {
    match text {
        Some(text) if text.is_empty() || text.len() > LONGEST => Err(ApiError::new(ErrorCode::InvalidCursor)),
        text => Ok(text.map(str::to_owned)),
    }
}

/// What cannot be an id is not there.
pub(super) fn named(id: &str) -> Answer<String> {
    let id = id.trim();
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-@.".contains(&byte));
    if id.is_empty() || id.len() > LONGEST || !plain { Err(ApiError::not_found()) } else { Ok(id.to_owned()) }
}

type Reads = Grant<perm::PromotionRead>;

/// A page of the shop's promoters.
pub async fn promoters(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    after: Option<&str>,
) -> Answer<Page<PromoterName>> {
    account(state, grant, id).await?;
    let query = AllianceQuery { cursor: cursor(after)? };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_promoters(call.account_ref(), &query).await;
    call.settle(answer).await.map_err(told)
}

async fn read<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    promoter: &str,
) -> Answer<Promoter> {
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_promoter(call.account_ref(), promoter).await;
    call.settle(answer).await.map_err(told)?.ok_or_else(ApiError::not_found)
}

/// One promoter.
pub async fn promoter(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    promoter: &str,
) -> Answer<Promoter> {
    account(state, grant, id).await?;
    read(state, grant, id, &named(promoter)?).await
}

/// What a product of the platform is here.
#[derive(Debug, Clone)]
pub struct Here {
    pub listing: ListingId,
    /// Our title of it: lists of the alliance tell none.
    pub title: String,
}

/// Something about a product, with what the product is here.
#[derive(Debug, Clone)]
pub struct Shown<T> {
    pub it: T,
    pub here: Option<Here>,
}

async fn find(tx: &TenantTx, id: ChannelAccountId, product: &str) -> Answer<Option<Here>> {
    let Some(row) = listing_by_native(tx, id, product).await? else { return Ok(None) };
    Ok(Some(Here { listing: row.id, title: product_get(tx, row.product).await?.title }))
}

async fn shown<T>(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    page: Page<T>,
    product: impl Fn(&T) -> String,
) -> Answer<Page<Shown<T>>> {
    let tx = state.db.read(grant.ctx()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for it in page.items {
        let here = find(&tx, id, &product(&it)).await?;
        items.push(Shown { it, here });
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// What a product is here.
pub async fn here<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    product: &str,
) -> Answer<Option<Here>> {
    find(&*state.db.read(grant.ctx()).await?, id, product).await
}

/// A page of the products that a promoter sells.
pub async fn promoted(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    promoter: &str,
    after: Option<&str>,
) -> Answer<Page<Shown<PromotedProduct>>> {
    account(state, grant, id).await?;
    let query = PromotedQuery { promoter_id: named(promoter)?, cursor: cursor(after)? };
    // Whoever is not there has no products either.
    read(state, grant, id, &query.promoter_id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_promoted(call.account_ref(), &query).await;
    let page = call.settle(answer).await.map_err(told)?;
    shown(state, grant, id, page, |one| one.product_id.clone()).await
}

/// A page of the shop's products in the alliance.
pub async fn products(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    after: Option<&str>,
) -> Answer<Page<Shown<String>>> {
    account(state, grant, id).await?;
    let query = AllianceQuery { cursor: cursor(after)? };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_products(call.account_ref(), &query).await;
    let page = call.settle(answer).await.map_err(told)?;
    let items = page.items.into_iter().map(|one| one.product_id).collect();
    shown(state, grant, id, Page { items, next_cursor: page.next_cursor }, String::clone).await
}

/// A page of a product's plans.
pub async fn plans<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    product: &str,
    after: Option<&str>,
) -> Answer<Page<PromotionPlan>> {
    account(state, grant, id).await?;
    let query = PlansQuery { product_id: named(product)?, cursor: cursor(after)? };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_plans(call.account_ref(), &query).await;
    call.settle(answer).await.map_err(told)
}

/// A plan with what it says; the terms are none where the platform does not tell them.
#[derive(Debug, Clone)]
pub struct Plan {
    pub plan: PromotionPlan,
    pub terms: Option<PlanTerms>,
}

/// A plan of a product that was listed, with what it says.
pub(super) async fn of<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    product: &str,
    plan: PromotionPlan,
) -> Answer<Plan> {
    let asked = PlanRef { product_id: product.to_owned(), plan_id: plan.id.clone(), kind: plan.kind.clone() };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_terms(call.account_ref(), &asked).await;
    Ok(Plan { plan, terms: call.settle(answer).await.map_err(told)? })
}

/// One plan of a product. It is looked for among the product's plans, since only there the platform says whom it is for.
pub async fn plan<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    product: &str,
    plan: &str,
) -> Answer<Plan> {
    account(state, grant, id).await?;
    let (product, wanted) = (named(product)?, named(plan)?);
    let mut after = None;
    for _ in 0..PLAN_PAGES {
        let page = plans(state, grant, id, &product, after.as_deref()).await?;
        if let Some(plan) = page.items.into_iter().find(|one| one.id == wanted) {
            return of(state, grant, id, &product, plan).await;
        }
        after = page.next_cursor;
        if after.is_none() {
            break;
        }
    }
    Err(ApiError::not_found())
}

/// A page of those who sell a product by a plan.
pub async fn plan_promoters(
    state: &AppState,
    grant: &Reads,
    id: ChannelAccountId,
    (product, plan): (&str, &str),
    after: Option<&str>,
) -> Answer<Page<PlanPromoter>> {
    account(state, grant, id).await?;
    let query =
        PlanPromotersQuery { product_id: named(product)?, plan_id: named(plan)?, cursor: cursor(after)? };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().alliance_plan_promoters(call.account_ref(), &query).await;
    call.settle(answer).await.map_err(told)
}

/// Shuts a promoter out at the platform, or lets one back, and reads the promoter again. Who wants to is written down first.
/// After a lost answer nobody knows whether it was done, and the caller is told so.
pub async fn block(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: ChannelAccountId,
    promoter: &str,
    blocked: bool,
) -> Answer<Promoter> {
    account(state, grant, id).await?;
    let ctx = grant.ctx();
    let before = read(state, grant, id, &named(promoter)?).await?;
    if before.blocked == Some(blocked) {
        return Ok(before);
    }
    let call = AccountCall::open(state, ctx, id).await?;
    let action = if blocked { AuditAction::PromoterBlocked } else { AuditAction::PromoterLetBack };
    let mut tx = state.db.begin(ctx).await?;
    let detail = json!({ "promoter_id": before.id });
    audit_append(&mut tx, action, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    let wish = PromoterBlock { promoter_id: before.id.clone(), blocked };
    match call.settle(call.host().alliance_block(call.account_ref(), &wish).await).await {
        Ok(()) => {}
        Err(error) if error.certain().is_some() => return Err(told(error)),
        Err(CallError::Channel(error)) => {
            let doubt = ApiError::new(ErrorCode::PromoterInDoubt);
            return Err(doubt.with_detail(plain_words(&error)).with_internal(&error));
        }
        Err(error) => return Err(error.into()),
    }
    match read(state, grant, id, &wish.promoter_id).await {
        Ok(after) => Ok(after),
        // It was done; only the look at it failed.
        Err(error) => {
            tracing::info!(account_id = %id, %error, "a promoter could not be read back");
            Ok(Promoter { blocked: Some(blocked), ..before })
        }
    }
}
