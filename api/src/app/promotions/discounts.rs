//! Limited-time discounts 限时抢购 of an account. Whoever asks the platform is noted first: while one is being asked for
//! nobody asks for another of the same product, and after a lost answer the same row is asked for again. The plugin looks
//! before it writes, so a repetition finds what was made. Afterwards all of them are read back.

use super::goods::{self, Goods};
use super::{Reading, account_of, busy, refusal, told_off};
use crate::app::channels::call::{AccountCall, CallError};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, DiscountId, ListingId, SkuId};
use qianpu_domain::money::Fen;
use qianpu_domain::promotion::{DiscountState, MOST_SKUS, SkuWish, check_sku, check_times};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Discount, DiscountEnd, DiscountEnding, DiscountSku, DiscountState as Told, NewDiscount};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::discount::{
    DiscountFacts, DiscountRow, DiscountTerms, discount_ask, discount_ended, discount_failed, discount_get,
    discount_list, discount_of_listing, discount_open, discount_remove, discount_sweep, discount_told,
};
use qianpu_tenants::store::listing::{listing_by_native, listing_get};
use qianpu_tenants::store::listing_sku::listing_sku_by_native;
use qianpu_tenants::store::product::product_get;
use qianpu_tenants::store::sku::sku_get;
use serde_json::{Value, json};

/// Pages that are read of one account.
const MOST_PAGES: usize = 20;

/// A SKU of a discount as a person asks for it.
#[derive(Debug, Clone, Copy)]
pub struct TypedSku {
    pub sku: SkuId,
    pub price: Fen,
    pub quantity: i64,
}

/// A discount as a person asks for it.
#[derive(Debug, Clone)]
pub struct TypedDiscount {
    pub listing: ListingId,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub skus: Vec<TypedSku>,
}

/// A discount with our words for what it is about.
#[derive(Debug, Clone)]
pub struct Shown {
    pub row: DiscountRow,
    /// Where it stands now, by its own times.
    pub state: DiscountState,
    /// The product's title here, where it is one of ours.
    pub title: Option<String>,
    pub skus: Vec<ShownSku>,
}

/// A SKU of it.
#[derive(Debug, Clone)]
pub struct ShownSku {
    pub native_sku_id: String,
    /// Ours, where it is one of ours.
    pub sku: Option<SkuId>,
    /// Its values.
    pub values: Vec<String>,
    pub price: Fen,
    pub quantity: i64,
}

async fn shown(tx: &TenantTx, row: DiscountRow) -> Answer<Shown> {
    let native: Vec<DiscountSku> =
        serde_json::from_value(row.terms.skus.clone()).map_err(ApiError::internal)?;
    let mut skus = Vec::with_capacity(native.len());
    for one in native {
        let ours = listing_sku_by_native(tx, row.account, &one.sku_id).await?.map(|place| place.sku);
        let values = match ours {
            Some(id) => sku_get(tx, id).await?.values,
            None => Vec::new(),
        };
        skus.push(ShownSku {
            native_sku_id: one.sku_id,
            sku: ours,
            values,
            price: one.price,
            quantity: one.quantity,
        });
    }
    let state = row.state.at(row.terms.starts_at, row.terms.ends_at, tx.now());
    let title = match row.terms.listing {
        Some(listing) => Some(product_get(tx, listing_get(tx, listing).await?.product).await?.title),
        None => None,
    };
    Ok(Shown { row, state, title, skus })
}

/// Discounts of an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::PromotionRead>,
    id: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<Shown>> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let found = discount_list(&tx, account.id, page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for row in found.items {
        items.push(shown(&tx, row).await?);
    }
    Ok(Page { items, next: found.next })
}

async fn row_of<P: Perm>(tx: &TenantTx, grant: &Grant<P>, id: DiscountId) -> Answer<DiscountRow> {
    let row = discount_get(tx, id).await?;
    account_of(tx, grant, row.account).await?;
    Ok(row)
}

/// One discount.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: DiscountId) -> Answer<Shown> {
    let tx = state.db.read(grant.ctx()).await?;
    let row = row_of(&tx, grant, id).await?;
    shown(&tx, row).await
}

/// The discount of a listing that runs now, or the next one.
pub async fn of_listing(tx: &TenantTx, listing: ListingId) -> Answer<Option<Shown>> {
    match discount_of_listing(tx, listing).await? {
        Some(row) => shown(tx, row).await.map(Some),
        None => Ok(None),
    }
}

/// What will be asked for, or everything that is wrong with it.
async fn checked(
    state: &AppState,
    tx: &TenantTx,
    goods: &Goods,
    account: ChannelAccountId,
    typed: &TypedDiscount,
) -> Answer<NewDiscount> {
    let limits = state.config.promotions.discount_limits();
    let mut errors = check_times(&limits, typed.starts_at, typed.ends_at, tx.now());
    if discount_open(tx, account, &goods.native_product_id).await?.is_some() {
        errors.push(taken());
    }
    if typed.skus.is_empty() || typed.skus.len() > MOST_SKUS {
        let (en, zh) = (format!("1 to {MOST_SKUS} SKUs"), format!("请选择 1 到 {MOST_SKUS} 个规格"));
        errors.push(FieldError::new("skus", "count", en, zh));
    }
    let mut skus: Vec<DiscountSku> = Vec::new();
    for (index, wish) in typed.skus.iter().enumerate().take(MOST_SKUS) {
        let known = goods.skus.iter().find(|one| one.sku == wish.sku);
        let known = known.filter(|one| skus.iter().all(|there| there.sku_id != one.native_sku_id));
        let Some(known) = known else {
            let path = format!("skus[{index}].sku_id");
            let (en, zh) = ("a SKU of this product, named once", "请选择该商品的规格，且不重复");
            errors.push(FieldError::new(path, "unknown", en, zh));
            continue;
        };
        let (price, quantity) = (wish.price, wish.quantity);
        let beside = SkuWish { price, quantity, before: known.price, stock: known.stock };
        errors.extend(check_sku(&limits, index, &beside));
        skus.push(DiscountSku { sku_id: known.native_sku_id.clone(), price, quantity });
    }
    if !errors.is_empty() {
        return Err(ApiError::fields(errors));
    }
    Ok(NewDiscount {
        product_id: goods.native_product_id.clone(),
        starts_at: typed.starts_at,
        ends_at: typed.ends_at,
        skus,
    })
}

const TAKEN_EN: &str = "the product has a discount that is not over; stop that one first";
const TAKEN_ZH: &str = "该商品已有未结束的限时抢购，请先停止它";

fn taken() -> FieldError {
    FieldError::new("listing_id", "taken", TAKEN_EN, TAKEN_ZH)
}

fn terms_of(wanted: &NewDiscount, listing: Option<ListingId>) -> Answer<DiscountTerms> {
    Ok(DiscountTerms {
        listing,
        native_product_id: wanted.product_id.clone(),
        starts_at: wanted.starts_at,
        ends_at: wanted.ends_at,
        skus: serde_json::to_value(&wanted.skus).map_err(ApiError::internal)?,
    })
}

/// Platforms know whole seconds.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds())
}

/// Asks the platform for a discount.
pub async fn make(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: ChannelAccountId,
    typed: &TypedDiscount,
) -> Answer<Shown> {
    let typed =
        TypedDiscount { starts_at: whole(typed.starts_at), ends_at: whole(typed.ends_at), ..typed.clone() };
    let ctx = grant.ctx();
    let tx = state.db.read(ctx).await?;
    account_of(&tx, grant, id).await?;
    let goods = goods::get(state, &tx, grant, id, typed.listing).await?;
    let unknown = || {
        let en = "a product that is listed at this account";
        FieldError::new("listing_id", "unknown", en, "请选择已在该账号上架的商品")
    };
    let goods = goods.ok_or_else(unknown)?;
    let wanted = checked(state, &tx, &goods, id, &typed).await?;
    drop(tx);
    let call = AccountCall::open(state, ctx, id).await?;
    let terms = terms_of(&wanted, Some(typed.listing))?;
    let mut tx = state.db.begin(ctx).await?;
    let row = discount_ask(&mut tx, id, &terms).await.map_err(busy)?;
    let detail = json!({
        "product_id": wanted.product_id, "starts_at": wanted.starts_at.micros(), "ends_at": wanted.ends_at.micros(),
        "prices_fen": wanted.skus.iter().map(|sku| sku.price.get()).collect::<Vec<_>>(),
    });
    audit(&mut tx, AuditAction::DiscountAsked, row, detail).await?;
    tx.commit().await?;
    let answer = call.host().add_discount(call.account_ref(), &wanted).await;
    let external_id = match call.settle(answer).await {
        Ok(external_id) => external_id,
        Err(error) => {
            let words = refusal(&error);
            let mut tx = state.db.begin(ctx).await?;
            discount_failed(&mut tx, row, words.as_deref()).await?;
            tx.commit().await?;
            return Err(told_off(error, "listing_id", TAKEN_EN, TAKEN_ZH));
        }
    };
    let mut tx = state.db.begin(ctx).await?;
    let stands = DiscountState::Ahead.at(terms.starts_at, terms.ends_at, tx.now());
    let facts = DiscountFacts { external_id, terms, state: stands, native_state: String::new() };
    let row = discount_told(&mut tx, id, &facts).await?;
    tx.commit().await?;
    read_softly(state, ctx, id).await;
    get(state, grant, row).await
}

async fn audit(tx: &mut TenantTx, action: AuditAction, id: DiscountId, detail: Value) -> Answer<()> {
    Ok(audit_append(tx, action, "discount", &id.to_string(), detail).await?)
}

/// Stops a discount that is not over.
pub async fn stop(state: &AppState, grant: &Grant<perm::PromotionManage>, id: DiscountId) -> Answer<Shown> {
    let ctx = grant.ctx();
    let found = get(state, grant, id).await?;
    let open = found.row.external_id.filter(|_| found.state.is_open());
    let external_id = open.ok_or_else(|| ApiError::new(ErrorCode::PromotionWrongState))?;
    let account = found.row.account;
    let detail = json!({ "external_id": external_id });
    end(state, ctx, account, id, external_id, DiscountEnd::Stop, detail).await?;
    let mut tx = state.db.begin(ctx).await?;
    discount_ended(&mut tx, id).await?;
    tx.commit().await?;
    read_softly(state, ctx, account).await;
    get(state, grant, id).await
}

/// Takes a discount away that is over: at the platform, where it has it, and here.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: DiscountId,
) -> Answer<ChannelAccountId> {
    let ctx = grant.ctx();
    let found = get(state, grant, id).await?;
    if !found.state.is_over() {
        return Err(ApiError::new(ErrorCode::PromotionWrongState));
    }
    let account = found.row.account;
    let there = found.row.external_id.filter(|_| found.state == DiscountState::Ended);
    let detail = json!({ "external_id": there });
    match there {
        Some(external_id) => end(state, ctx, account, id, external_id, DiscountEnd::Delete, detail).await?,
        None => {
            let mut tx = state.db.begin(ctx).await?;
            audit(&mut tx, AuditAction::DiscountDeleted, id, detail).await?;
            tx.commit().await?;
        }
    }
    let mut tx = state.db.begin(ctx).await?;
    discount_remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(account)
}

async fn end(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
    id: DiscountId,
    external_id: String,
    how: DiscountEnd,
    detail: Value,
) -> Answer<()> {
    let call = AccountCall::open(state, ctx, account).await?;
    let action = match how {
        DiscountEnd::Stop => AuditAction::DiscountStopped,
        DiscountEnd::Delete => AuditAction::DiscountDeleted,
    };
    let mut tx = state.db.begin(ctx).await?;
    audit(&mut tx, action, id, detail).await?;
    tx.commit().await?;
    let answer = call.host().end_discount(call.account_ref(), &DiscountEnding { external_id, how }).await;
    Ok(call.settle(answer).await?)
}

/// Reads all discounts of an account at the platform.
pub async fn read_back(
    state: &AppState,
    grant: &Grant<perm::PromotionManage>,
    id: ChannelAccountId,
) -> Answer<Reading> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    Ok(read(state, grant.ctx(), id).await?)
}

/// After a change that the platform took: what fails here is told by the next reading.
async fn read_softly(state: &AppState, ctx: &TenantCtx, id: ChannelAccountId) {
    if let Err(error) = read(state, ctx, id).await {
        tracing::info!(account_id = %id, %error, "discounts could not be read back");
    }
}

async fn read(state: &AppState, ctx: &TenantCtx, id: ChannelAccountId) -> Result<Reading, CallError> {
    let call = AccountCall::open(state, ctx, id).await?;
    let from = state.clock().now();
    let mut found: Vec<Discount> = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer = call.host().discounts(call.account_ref(), cursor.as_deref()).await;
        let page = call.settle(answer).await?;
        for one in page.items {
            // One that moved between two pages is told twice.
            if !found.iter().any(|there| there.external_id == one.external_id) {
                found.push(one);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut tx = state.db.begin(ctx).await?;
    let mut told = Vec::with_capacity(found.len());
    // The oldest first, so that the newest stand on top here too.
    for one in found.iter().rev() {
        let facts = facts(&tx, id, one).await?;
        told.push(discount_told(&mut tx, id, &facts).await?);
    }
    if cursor.is_none() {
        discount_sweep(&mut tx, id, &told, from).await?;
    }
    tx.commit().await?;
    Ok(Reading { told: told.len(), more: cursor.is_some() })
}

async fn facts(tx: &TenantTx, account: ChannelAccountId, one: &Discount) -> Result<DiscountFacts, CallError> {
    let (state, native) = match &one.state {
        Told::Ahead => (DiscountState::Ahead, ""),
        Told::Running => (DiscountState::Running, ""),
        Told::Ended => (DiscountState::Ended, ""),
        Told::Unknown(raw) => (DiscountState::Unknown, raw.as_str()),
    };
    let listing = listing_by_native(tx, account, &one.terms.product_id).await?;
    let skus = one.terms.skus.iter().map(|sku| json!(sku)).collect();
    let terms = DiscountTerms {
        listing: listing.map(|row| row.id),
        native_product_id: one.terms.product_id.clone(),
        starts_at: one.terms.starts_at,
        ends_at: one.terms.ends_at,
        skus: Value::Array(skus),
    };
    Ok(DiscountFacts { external_id: one.external_id.clone(), terms, state, native_state: native.to_owned() })
}
