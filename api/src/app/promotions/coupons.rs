//! Coupons 优惠券 of an account. As with discounts whoever asks the platform is noted first, and everything is read back;
//! a push only says which coupon to ask for. How many were received and used is what the platform says.

use super::goods;
use super::{Reading, account_of, busy, refusal};
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::coupon::{CouponState, CouponWish, Gift, Validity, check};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, CouponId, ListingId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    Coupon, CouponChange, CouponGift, CouponMove, CouponState as Told, CouponStep, CouponTerms,
    CouponValidity, NewCoupon,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::coupon::{
    CouponFacts, CouponRow, coupon_ask, coupon_by_external, coupon_failed, coupon_get, coupon_gone,
    coupon_known, coupon_list, coupon_remove, coupon_sweep, coupon_told,
};
use serde_json::{Value, json};

/// The job that asks for one coupon after a push.
pub const COUPON_JOB: &str = "promotion.coupon";

/// Pages that are read of one account.
const MOST_PAGES: usize = 60;

/// A coupon as a person asks for it.
#[derive(Debug, Clone)]
pub struct TypedCoupon {
    pub name: String,
    pub gift: Gift,
    /// Products it is for; empty = the whole shop.
    pub listings: Vec<ListingId>,
    pub receive_from: Timestamp,
    pub receive_until: Timestamp,
    pub total: i64,
    pub per_person: i64,
    pub valid: Validity,
}

/// A coupon with what it says.
#[derive(Debug, Clone)]
pub struct Shown {
    pub row: CouponRow,
    pub terms: CouponTerms,
}

fn terms_of(value: &Value) -> Option<CouponTerms> {
    serde_json::from_value(value.clone()).ok()
}

fn shown(row: CouponRow) -> Answer<Shown> {
    let terms = serde_json::from_value(row.terms.clone()).map_err(ApiError::internal)?;
    Ok(Shown { row, terms })
}

/// Coupons of an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::PromotionRead>,
    id: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<Shown>> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let found = coupon_list(&tx, account.id, page).await?;
    let items = found.items.into_iter().map(shown).collect::<Answer<Vec<_>>>()?;
    Ok(Page { items, next: found.next })
}

/// One coupon.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: CouponId) -> Answer<Shown> {
    let tx = state.db.read(grant.ctx()).await?;
    let row = coupon_get(&tx, id).await?;
    account_of(&tx, grant, row.account).await?;
    shown(row)
}

/// Platforms know whole seconds.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds())
}

/// What will be asked for, or everything that is wrong with it.
async fn checked<P: Perm>(
    state: &AppState,
    tx: &TenantTx,
    grant: &Grant<P>,
    account: ChannelAccountId,
    typed: &TypedCoupon,
) -> Answer<CouponTerms> {
    let limits = state.config.promotions.coupon_limits();
    let wish = CouponWish {
        name: typed.name.trim().to_owned(),
        gift: typed.gift,
        products: typed.listings.len(),
        receive_from: whole(typed.receive_from),
        receive_until: whole(typed.receive_until),
        total: typed.total,
        per_person: typed.per_person,
        valid: match typed.valid {
            Validity::Between(from, until) => Validity::Between(whole(from), whole(until)),
            days @ Validity::Days(_) => days,
        },
    };
    let mut errors = check(&limits, &wish, tx.now());
    let mut product_ids: Vec<String> = Vec::new();
    for (index, listing) in typed.listings.iter().take(limits.most_products).enumerate() {
        match goods::get(state, tx, grant, account, *listing).await? {
            Some(one) if !product_ids.contains(&one.native_product_id) => {
                product_ids.push(one.native_product_id);
            }
            _ => {
                let en = "a product that is listed at this account, named once";
                let zh = "请选择已在该账号上架的商品，且不重复";
                errors.push(FieldError::new(format!("listing_ids[{index}]"), "unknown", en, zh));
            }
        }
    }
    if !errors.is_empty() {
        return Err(ApiError::fields(errors));
    }
    let gives = match wish.gift {
        Gift::Rate { ppm, pieces: Some(pieces) } => CouponGift::RateFromPieces { rate_ppm: ppm, pieces },
        Gift::Rate { ppm, pieces: None } => CouponGift::Rate { rate_ppm: ppm },
        Gift::Less { less, from: Some(from) } => CouponGift::LessFromAmount { less, from },
        Gift::Less { less, from: None } => CouponGift::Less { less },
    };
    let valid = match wish.valid {
        Validity::Between(from, until) => CouponValidity::Between { from, until },
        Validity::Days(days) => CouponValidity::Days { days },
    };
    let (receive_from, receive_until) = (wish.receive_from, wish.receive_until);
    let (total, per_person, name) = (wish.total, wish.per_person, wish.name);
    Ok(CouponTerms { name, gives, product_ids, receive_from, receive_until, total, per_person, valid })
}

async fn audit(tx: &mut TenantTx, action: AuditAction, id: CouponId, detail: Value) -> Answer<()> {
    Ok(audit_append(tx, action, "coupon", &id.to_string(), detail).await?)
}

fn said(terms: &CouponTerms) -> Value {
    json!({ "name": terms.name, "gives": terms.gives, "total": terms.total, "per_person": terms.per_person,
        "products": terms.product_ids.len() })
}

/// Asks the platform for a coupon that nobody can receive yet.
pub async fn make(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: ChannelAccountId,
    typed: &TypedCoupon,
) -> Answer<Shown> {
    let ctx = grant.ctx();
    let tx = state.db.read(ctx).await?;
    account_of(&tx, grant, id).await?;
    let terms = checked(state, &tx, grant, id, typed).await?;
    let known = coupon_known(&tx, id).await?;
    drop(tx);
    let call = AccountCall::open(state, ctx, id).await?;
    let written = serde_json::to_value(&terms).map_err(ApiError::internal)?;
    let mut tx = state.db.begin(ctx).await?;
    let row = coupon_ask(&mut tx, id, &terms.name, &written).await.map_err(busy)?;
    audit(&mut tx, AuditAction::CouponAsked, row, said(&terms)).await?;
    tx.commit().await?;
    let wanted = NewCoupon { terms, known };
    let answer = call.host().add_coupon(call.account_ref(), &wanted).await;
    let external_id = match call.settle(answer).await {
        Ok(external_id) => external_id,
        Err(error) => {
            let words = refusal(&error);
            let mut tx = state.db.begin(ctx).await?;
            coupon_failed(&mut tx, row, words.as_deref()).await?;
            tx.commit().await?;
            return Err(error.into());
        }
    };
    let mut tx = state.db.begin(ctx).await?;
    let facts = CouponFacts {
        external_id: external_id.clone(),
        name: wanted.terms.name.clone(),
        state: CouponState::Draft,
        native_state: String::new(),
        native_kind: String::new(),
        terms: written.clone(),
        received: None,
        used: None,
    };
    let kept = coupon_told(&mut tx, id, &facts, |asked| *asked == written).await?;
    if kept != row {
        // A reading was faster.
        coupon_remove(&mut tx, row).await?;
    }
    tx.commit().await?;
    read_one_softly(state, ctx, id, &external_id).await;
    get(state, grant, kept).await
}

fn external(row: &CouponRow, may: bool) -> Answer<String> {
    let there = row.external_id.clone().filter(|_| may);
    there.ok_or_else(|| ApiError::new(ErrorCode::PromotionWrongState))
}

/// Changes a coupon that nobody can receive yet.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: CouponId,
    typed: &TypedCoupon,
) -> Answer<Shown> {
    let ctx = grant.ctx();
    let row = get(state, grant, id).await?.row;
    let external_id = external(&row, row.state == CouponState::Draft)?;
    let tx = state.db.read(ctx).await?;
    let terms = checked(state, &tx, grant, row.account, typed).await?;
    drop(tx);
    let call = AccountCall::open(state, ctx, row.account).await?;
    let mut tx = state.db.begin(ctx).await?;
    audit(&mut tx, AuditAction::CouponChanged, id, said(&terms)).await?;
    tx.commit().await?;
    let wanted = CouponChange { external_id: external_id.clone(), terms };
    let answer = call.host().change_coupon(call.account_ref(), &wanted).await;
    call.settle(answer).await?;
    read_one(state, ctx, row.account, &external_id).await?;
    get(state, grant, id).await
}

/// Takes a coupon one step on: publish, withdraw.
pub async fn step(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: CouponId,
    step: CouponStep,
) -> Answer<Shown> {
    let ctx = grant.ctx();
    let row = get(state, grant, id).await?.row;
    let (may, action) = match step {
        CouponStep::Publish => (row.state == CouponState::Draft, AuditAction::CouponPublished),
        CouponStep::Withdraw => (row.state == CouponState::Live, AuditAction::CouponWithdrawn),
        CouponStep::Delete => (row.state.is_over() && row.state.is_there(), AuditAction::CouponDeleted),
    };
    let external_id = external(&row, may)?;
    let call = AccountCall::open(state, ctx, row.account).await?;
    let mut tx = state.db.begin(ctx).await?;
    audit(&mut tx, action, id, json!({ "external_id": external_id })).await?;
    tx.commit().await?;
    let wanted = CouponMove { external_id: external_id.clone(), step };
    let answer = call.host().move_coupon(call.account_ref(), &wanted).await;
    call.settle(answer).await?;
    read_one(state, ctx, row.account, &external_id).await?;
    get(state, grant, id).await
}

/// Takes a coupon away that is not in force: at the platform, where it has it, and here.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: CouponId,
) -> Answer<ChannelAccountId> {
    let row = get(state, grant, id).await?.row;
    if !row.state.is_over() {
        return Err(ApiError::new(ErrorCode::PromotionWrongState));
    }
    if row.state.is_there() && row.external_id.is_some() {
        step(state, grant, id, CouponStep::Delete).await?;
    } else {
        let mut tx = state.db.begin(grant.ctx()).await?;
        audit(&mut tx, AuditAction::CouponDeleted, id, json!({})).await?;
        tx.commit().await?;
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    coupon_remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row.account)
}

fn facts(coupon: &Coupon) -> CouponFacts {
    let (state, native) = match &coupon.state {
        Told::Draft => (CouponState::Draft, ""),
        Told::Live => (CouponState::Live, ""),
        Told::Expired => (CouponState::Expired, ""),
        Told::Withdrawn => (CouponState::Withdrawn, ""),
        Told::Deleted => (CouponState::Gone, ""),
        Told::Unknown(raw) => (CouponState::Unknown, raw.as_str()),
    };
    CouponFacts {
        external_id: coupon.external_id.clone(),
        name: coupon.terms.name.clone(),
        state,
        native_state: native.to_owned(),
        native_kind: coupon.native_kind.clone(),
        terms: json!(coupon.terms),
        received: coupon.received,
        used: coupon.used,
    }
}

async fn keep(tx: &mut TenantTx, account: ChannelAccountId, coupon: &Coupon) -> Result<CouponId, CallError> {
    let same = |asked: &Value| terms_of(asked).is_some_and(|asked| asked.same(&coupon.terms));
    Ok(coupon_told(tx, account, &facts(coupon), same).await?)
}

/// Asks for one coupon, and keeps what the platform says of it.
async fn read_one(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
    external_id: &str,
) -> Result<(), CallError> {
    let call = AccountCall::open(state, ctx, account).await?;
    let answer = call.host().coupon(call.account_ref(), external_id).await;
    let told = call.settle(answer).await?;
    let mut tx = state.db.begin(ctx).await?;
    keep_told(&mut tx, account, external_id, told.as_ref()).await?;
    Ok(tx.commit().await?)
}

async fn keep_told(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    external_id: &str,
    told: Option<&Coupon>,
) -> Result<(), CallError> {
    match told {
        Some(coupon) => {
            keep(tx, account, coupon).await?;
        }
        None => {
            if let Some(known) = coupon_by_external(tx, account, external_id).await? {
                coupon_gone(tx, known.id).await?;
            }
        }
    }
    Ok(())
}

async fn read_one_softly(state: &AppState, ctx: &TenantCtx, account: ChannelAccountId, external_id: &str) {
    if let Err(error) = read_one(state, ctx, account, external_id).await {
        tracing::info!(account_id = %account, %error, "a coupon could not be read back");
    }
}

/// Reads all coupons of an account at the platform.
pub async fn read_back(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: ChannelAccountId,
) -> Answer<Reading> {
    let ctx = grant.ctx();
    account_of(&*state.db.read(ctx).await?, grant, id).await?;
    let call = AccountCall::open(state, ctx, id).await?;
    let from = state.clock().now();
    let mut found: Vec<Coupon> = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer = call.host().coupons(call.account_ref(), cursor.as_deref()).await;
        let page = call.settle(answer).await?;
        for one in page.items {
            // One that changed its state between two pages is told twice; what was told last holds.
            found.retain(|there| there.external_id != one.external_id);
            found.push(one);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut tx = state.db.begin(ctx).await?;
    let mut told = Vec::with_capacity(found.len());
    for one in found.iter().rev() {
        told.push(keep(&mut tx, id, one).await?);
    }
    if cursor.is_none() {
        coupon_sweep(&mut tx, id, &told, from).await?;
    }
    tx.commit().await?;
    Ok(Reading { told: told.len(), more: cursor.is_some() })
}

/// The job for a coupon that a push named.
pub fn new_job(account: ChannelAccountId, external_id: &str) -> NewJob {
    NewJob {
        kind: COUPON_JOB,
        dedup_key: Some(format!("{account}:{external_id}")),
        payload: json!({ "channel_account_id": account.to_string(), "external_coupon_id": external_id }),
        run_at: None,
        priority: 6,
    }
}

/// Asks for the coupon.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let account: ChannelAccountId = payload(job, "channel_account_id")?;
    let external_id: String = payload(job, "external_coupon_id")?;
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, account).await {
        Ok(call) => call,
        Err(CallError::NotUsable(_)) => return Ok(Done::Nothing),
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let answer = call.host().coupon(call.account_ref(), &external_id).await;
    let told = match call.settle(answer).await {
        Ok(told) => told,
        Err(error) => return Err(error.job_error(now, job.attempt)),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    match keep_told(&mut tx, account, &external_id, told.as_ref()).await {
        Ok(()) => finish(tx, job).await,
        Err(error) => Err(error.job_error(now, job.attempt)),
    }
}
