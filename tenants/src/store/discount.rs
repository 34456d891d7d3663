//! Limited-time discounts of channel accounts: what was asked of the platform, and what it says.

use crate::db::TenantTx;
use crate::entity::discount as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, DiscountId, ListingId};
use qianpu_domain::promotion::DiscountState;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

/// After this long without an answer, whoever asked is taken to be gone.
const PATIENCE: Span = Span::minutes(2);
/// Most discounts of one account that are looked at at once.
pub const MOST: u64 = 2_000;

/// What a discount says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscountTerms {
    /// Our listing of the product.
    pub listing: Option<ListingId>,
    /// The channel's product id.
    pub native_product_id: String,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its SKUs, as JSON of the interface for plugins.
    pub skus: serde_json::Value,
}

/// A discount as stored.
#[derive(Clone, Debug)]
pub struct DiscountRow {
    /// Its id.
    pub id: DiscountId,
    /// The account.
    pub account: ChannelAccountId,
    /// What it says.
    pub terms: DiscountTerms,
    /// The channel's id of it.
    pub external_id: Option<String>,
    /// Where it stood when it was told last.
    pub state: DiscountState,
    /// The raw state, where it is one we do not know.
    pub native_state: String,
    /// The platform's words when it did not take it.
    pub refusal: Option<String>,
    /// Since when the platform is being asked.
    pub asked_at: Option<Timestamp>,
    /// When it was asked for, or found.
    pub created_at: Timestamp,
    /// When the platform told of it last.
    pub read_at: Option<Timestamp>,
}

/// What the platform says of a discount.
#[derive(Clone, Debug)]
pub struct DiscountFacts {
    /// The channel's id of it.
    pub external_id: String,
    /// What it says.
    pub terms: DiscountTerms,
    /// Where it stands.
    pub state: DiscountState,
    /// The raw state, where it is one we do not know.
    pub native_state: String,
}

fn from_model(row: row::Model) -> StoreResult<DiscountRow> {
    Ok(DiscountRow {
        id: DiscountId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        terms: DiscountTerms {
            listing: row.listing_id.map(ListingId),
            native_product_id: row.native_product_id,
            starts_at: Timestamp::from_micros(row.starts_at),
            ends_at: Timestamp::from_micros(row.ends_at),
            skus: serde_json::from_str(&row.skus).map_err(|_| StoreError::Corrupt("discounts.skus"))?,
        },
        external_id: row.external_id,
        state: DiscountState::from_text(&row.state).ok_or(StoreError::Corrupt("discounts.state"))?,
        native_state: row.native_state,
        refusal: row.refusal,
        asked_at: row.asked_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
        read_at: row.read_at.map(Timestamp::from_micros),
    })
}

fn model(tx: &TenantTx, account: ChannelAccountId, terms: &DiscountTerms) -> row::Model {
    row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        listing_id: terms.listing.map(|listing| listing.0),
        native_product_id: terms.native_product_id.clone(),
        external_id: None,
        state: DiscountState::Asked.as_str().to_owned(),
        native_state: String::new(),
        starts_at: terms.starts_at.micros(),
        ends_at: terms.ends_at.micros(),
        skus: terms.skus.to_string(),
        refusal: None,
        asked_for: None,
        asked_at: None,
        created_at: tx.now().micros(),
        read_at: None,
    }
}

/// A discount of the merchant.
pub async fn discount_get(tx: &TenantTx, id: DiscountId) -> StoreResult<DiscountRow> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Discounts of an account, newest first.
pub async fn discount_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<DiscountRow>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// The discount of a product that the platform has and that is not over, as far as it is known.
pub async fn discount_open(
    tx: &TenantTx,
    account: ChannelAccountId,
    native_product_id: &str,
) -> StoreResult<Option<DiscountRow>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::NativeProductId.eq(native_product_id))
        .filter(row::Column::State.is_in([DiscountState::Ahead.as_str(), DiscountState::Running.as_str()]))
        .filter(row::Column::EndsAt.gt(tx.now().micros()))
        .order_by_desc(row::Column::CreatedAt)
        .limit(1)
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}

/// Notes that the platform is asked for a discount. One of the same product whose answer was lost is asked for again
/// in its place; while somebody is asking, nobody else does.
pub async fn discount_ask(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    terms: &DiscountTerms,
) -> StoreResult<DiscountId> {
    let busy = StoreError::Conflict("discount");
    let waiting = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::AskedFor.eq(&terms.native_product_id))
        .one(tx.conn())
        .await?;
    let now = tx.now();
    let Some(known) = waiting else {
        let mut fresh = model(tx, account, terms);
        fresh.asked_for = Some(terms.native_product_id.clone());
        fresh.asked_at = Some(now.micros());
        let id = DiscountId(fresh.id);
        let conflict = OnConflict::new().do_nothing().to_owned();
        let insert = row::Entity::insert(fresh.into_active_model()).on_conflict(conflict);
        let added = insert.exec_without_returning(tx.conn()).await?;
        return if added == 1 { Ok(id) } else { Err(busy) };
    };
    let free = Condition::any()
        .add(row::Column::State.eq(DiscountState::Unclear.as_str()))
        .add(row::Column::AskedAt.lt(now.minus(PATIENCE).micros()));
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(DiscountState::Asked.as_str()))
        .col_expr(row::Column::ListingId, Expr::value(terms.listing.map(|listing| listing.0)))
        .col_expr(row::Column::StartsAt, Expr::value(terms.starts_at.micros()))
        .col_expr(row::Column::EndsAt, Expr::value(terms.ends_at.micros()))
        .col_expr(row::Column::Skus, Expr::value(terms.skus.to_string()))
        .col_expr(row::Column::AskedAt, Expr::value(now.micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(known.id))
        .filter(free)
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(DiscountId(known.id)) } else { Err(busy) }
}

/// Notes that the answer was lost, or that the platform did not take it.
pub async fn discount_failed(tx: &mut TenantTx, id: DiscountId, refusal: Option<&str>) -> StoreResult<()> {
    let (state, keeps) = match refusal {
        Some(_) => (DiscountState::Refused, false),
        None => (DiscountState::Unclear, true),
    };
    let mut update = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.as_str()))
        .col_expr(row::Column::Refusal, Expr::value(refusal));
    if !keeps {
        update = update.col_expr(row::Column::AskedFor, Expr::value(None::<String>));
    }
    update
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(DiscountState::Asked.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

async fn by_external(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_id: &str,
) -> StoreResult<Option<row::Model>> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::ExternalId.eq(external_id))
        .one(tx.conn())
        .await?)
}

/// One that was asked for and whose id was never heard, with the same product and times.
async fn lost(
    tx: &TenantTx,
    account: ChannelAccountId,
    terms: &DiscountTerms,
) -> StoreResult<Option<row::Model>> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::AskedFor.eq(&terms.native_product_id))
        .filter(row::Column::StartsAt.eq(terms.starts_at.micros()))
        .filter(row::Column::EndsAt.eq(terms.ends_at.micros()))
        .one(tx.conn())
        .await?)
}

/// Keeps what the platform says of a discount; its id here.
pub async fn discount_told(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    facts: &DiscountFacts,
) -> StoreResult<DiscountId> {
    let known = by_external(tx, account, &facts.external_id).await?;
    let lost = lost(tx, account, &facts.terms).await?;
    let base = match (known, lost) {
        (Some(known), lost) => {
            if let Some(lost) = lost {
                // Found by a reading before its answer came.
                discount_remove(tx, DiscountId(lost.id)).await?;
            }
            Some(known)
        }
        (None, lost) => lost,
    };
    let (fresh, base) = match base {
        Some(base) => (false, base),
        None => (true, model(tx, account, &facts.terms)),
    };
    let told = row::Model {
        listing_id: facts.terms.listing.map(|listing| listing.0).or(base.listing_id),
        external_id: Some(facts.external_id.clone()),
        state: facts.state.as_str().to_owned(),
        native_state: facts.native_state.clone(),
        starts_at: facts.terms.starts_at.micros(),
        ends_at: facts.terms.ends_at.micros(),
        skus: facts.terms.skus.to_string(),
        refusal: None,
        asked_for: None,
        asked_at: None,
        read_at: Some(tx.now().micros()),
        ..base
    };
    let id = DiscountId(told.id);
    let written = row::ActiveModel::from(told).reset_all();
    if fresh {
        written.insert(tx.conn()).await?;
    } else {
        written.update(tx.conn()).await?;
    }
    Ok(id)
}

/// After everything was read: what the platform did not tell of is gone, and what was asked for never arrived.
pub async fn discount_sweep(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    told: &[DiscountId],
    read_from: Timestamp,
) -> StoreResult<()> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::CreatedAt.lt(read_from.micros()))
        .filter(row::Column::State.is_in(["asked", "unclear", "ahead", "running", "ended", "unknown"]))
        .order_by_desc(row::Column::CreatedAt)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    for row in rows {
        if told.contains(&DiscountId(row.id)) {
            continue;
        }
        let asking = row.state == DiscountState::Asked.as_str();
        let fresh = row.asked_at.is_some_and(|at| at > read_from.minus(PATIENCE).micros());
        let heard_later = row.read_at.is_some_and(|at| at >= read_from.micros());
        let asked_later = row.asked_at.is_some_and(|at| at >= read_from.micros());
        if (asking && fresh) || heard_later || asked_later {
            continue;
        }
        let state = if row.external_id.is_some() { DiscountState::Gone } else { DiscountState::Absent };
        row::Entity::update_many()
            .col_expr(row::Column::State, Expr::value(state.as_str()))
            .col_expr(row::Column::AskedFor, Expr::value(None::<String>))
            .filter(row::Column::TenantId.eq(tx.tenant()))
            .filter(row::Column::Id.eq(row.id))
            .filter(row::Column::State.eq(&row.state))
            .exec(tx.conn())
            .await?;
    }
    Ok(())
}

/// Notes that a discount ended.
pub async fn discount_ended(tx: &mut TenantTx, id: DiscountId) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(DiscountState::Ended.as_str()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a discount.
pub async fn discount_remove(tx: &mut TenantTx, id: DiscountId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// The discount of a listing that runs now or begins later, as far as it is known.
pub async fn discount_of_listing(tx: &TenantTx, listing: ListingId) -> StoreResult<Option<DiscountRow>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ListingId.eq(listing.0))
        .filter(row::Column::State.is_in([DiscountState::Ahead.as_str(), DiscountState::Running.as_str()]))
        .filter(row::Column::EndsAt.gt(tx.now().micros()))
        .order_by_asc(row::Column::StartsAt)
        .limit(1)
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}
