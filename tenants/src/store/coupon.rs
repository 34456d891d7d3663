//! Coupons of channel accounts: what was asked of the platform, and what it says.

use crate::db::TenantTx;
use crate::entity::coupon as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::coupon::CouponState;
use qianpu_domain::ids::{ChannelAccountId, CouponId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

/// After this long without an answer, whoever asked is taken to be gone.
const PATIENCE: Span = Span::minutes(2);
/// Most coupons of one account that are looked at at once.
const MOST: u64 = 5_000;

/// A coupon as stored.
#[derive(Clone, Debug)]
pub struct CouponRow {
    /// Its id.
    pub id: CouponId,
    /// The account.
    pub account: ChannelAccountId,
    /// The channel's id of it.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it stood when it was told last.
    pub state: CouponState,
    /// The raw state, where it is one we do not know.
    pub native_state: String,
    /// The raw kind.
    pub native_kind: String,
    /// What it says, as JSON of the interface for plugins.
    pub terms: serde_json::Value,
    /// How many were received, when the platform said it.
    pub received: Option<i64>,
    /// How many were used, when the platform said it.
    pub used: Option<i64>,
    /// The platform's words when it did not take it.
    pub refusal: Option<String>,
    /// When it was asked for, or found.
    pub created_at: Timestamp,
    /// When the platform told of it last.
    pub read_at: Option<Timestamp>,
}

/// What the platform says of a coupon.
#[derive(Clone, Debug)]
pub struct CouponFacts {
    /// The channel's id of it.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: CouponState,
    /// The raw state, where it is one we do not know.
    pub native_state: String,
    /// The raw kind.
    pub native_kind: String,
    /// What it says.
    pub terms: serde_json::Value,
    /// How many were received.
    pub received: Option<i64>,
    /// How many were used.
    pub used: Option<i64>,
}

fn from_model(row: row::Model) -> StoreResult<CouponRow> {
    Ok(CouponRow {
        id: CouponId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        external_id: row.external_id,
        name: row.name,
        state: CouponState::from_text(&row.state).ok_or(StoreError::Corrupt("coupons.state"))?,
        native_state: row.native_state,
        native_kind: row.native_kind,
        terms: serde_json::from_str(&row.terms).map_err(|_| StoreError::Corrupt("coupons.terms"))?,
        received: row.received,
        used: row.used,
        refusal: row.refusal,
        created_at: Timestamp::from_micros(row.created_at),
        read_at: row.read_at.map(Timestamp::from_micros),
    })
}

fn model(tx: &TenantTx, account: ChannelAccountId, name: &str, terms: &serde_json::Value) -> row::Model {
    row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        external_id: None,
        name: name.to_owned(),
        state: CouponState::Asked.as_str().to_owned(),
        native_state: String::new(),
        native_kind: String::new(),
        terms: terms.to_string(),
        received: None,
        used: None,
        refusal: None,
        asked_for: None,
        asked_at: None,
        created_at: tx.now().micros(),
        read_at: None,
    }
}

/// A coupon of the merchant.
pub async fn coupon_get(tx: &TenantTx, id: CouponId) -> StoreResult<CouponRow> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Coupons of an account, newest first.
pub async fn coupon_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<CouponRow>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// The channel's ids of coupons that are known here.
pub async fn coupon_known(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<String>> {
    let rows: Vec<Option<String>> = row::Entity::find()
        .select_only()
        .column(row::Column::ExternalId)
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::ExternalId.is_not_null())
        .order_by_desc(row::Column::CreatedAt)
        .limit(MOST)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().flatten().collect())
}

/// A coupon by the channel's id.
pub async fn coupon_by_external(
    tx: &TenantTx,
    account: ChannelAccountId,
    external_id: &str,
) -> StoreResult<Option<CouponRow>> {
    by_external(tx, account, external_id).await?.map(from_model).transpose()
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

/// One that is being asked for, or whose answer was lost, of this name.
async fn waiting(tx: &TenantTx, account: ChannelAccountId, name: &str) -> StoreResult<Option<row::Model>> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::AskedFor.eq(name))
        .one(tx.conn())
        .await?)
}

/// Notes that the platform is asked for a coupon. One of the same name whose answer was lost is asked for again in its
/// place; while somebody is asking, nobody else does.
pub async fn coupon_ask(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    name: &str,
    terms: &serde_json::Value,
) -> StoreResult<CouponId> {
    let busy = StoreError::Conflict("coupon");
    let now = tx.now();
    let Some(known) = waiting(tx, account, name).await? else {
        let mut fresh = model(tx, account, name, terms);
        fresh.asked_for = Some(name.to_owned());
        fresh.asked_at = Some(now.micros());
        let id = CouponId(fresh.id);
        let conflict = OnConflict::new().do_nothing().to_owned();
        let insert = row::Entity::insert(fresh.into_active_model()).on_conflict(conflict);
        let added = insert.exec_without_returning(tx.conn()).await?;
        return if added == 1 { Ok(id) } else { Err(busy) };
    };
    let free = Condition::any()
        .add(row::Column::State.eq(CouponState::Unclear.as_str()))
        .add(row::Column::AskedAt.lt(now.minus(PATIENCE).micros()));
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(CouponState::Asked.as_str()))
        .col_expr(row::Column::Terms, Expr::value(terms.to_string()))
        .col_expr(row::Column::AskedAt, Expr::value(now.micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(known.id))
        .filter(free)
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(CouponId(known.id)) } else { Err(busy) }
}

/// Notes that the answer was lost, or that the platform did not take it.
pub async fn coupon_failed(tx: &mut TenantTx, id: CouponId, refusal: Option<&str>) -> StoreResult<()> {
    let state = if refusal.is_some() { CouponState::Refused } else { CouponState::Unclear };
    let mut update = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.as_str()))
        .col_expr(row::Column::Refusal, Expr::value(refusal));
    if refusal.is_some() {
        update = update.col_expr(row::Column::AskedFor, Expr::value(None::<String>));
    }
    update
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(CouponState::Asked.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Keeps what the platform says of a coupon; its id here. `same`: whether what was asked for in vain is this one.
pub async fn coupon_told(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    facts: &CouponFacts,
    same: impl Fn(&serde_json::Value) -> bool,
) -> StoreResult<CouponId> {
    let known = by_external(tx, account, &facts.external_id).await?;
    let lost = waiting(tx, account, &facts.name).await?;
    let lost = match lost {
        Some(row) => {
            let terms = serde_json::from_str(&row.terms).map_err(|_| StoreError::Corrupt("coupons.terms"))?;
            Some(row).filter(|_| same(&terms))
        }
        None => None,
    };
    let (fresh, base) = match (known, lost) {
        // A reading found it before its answer came, or it is one that was there already.
        (Some(known), _) => (false, known),
        (None, Some(lost)) => (false, lost),
        (None, None) => (true, model(tx, account, &facts.name, &facts.terms)),
    };
    let told = row::Model {
        external_id: Some(facts.external_id.clone()),
        name: facts.name.clone(),
        state: facts.state.as_str().to_owned(),
        native_state: facts.native_state.clone(),
        native_kind: facts.native_kind.clone(),
        terms: facts.terms.to_string(),
        received: facts.received,
        used: facts.used,
        refusal: None,
        asked_for: None,
        asked_at: None,
        read_at: Some(tx.now().micros()),
        ..base
    };
    let id = CouponId(told.id);
    let written = row::ActiveModel::from(told).reset_all();
    if fresh {
        written.insert(tx.conn()).await?;
    } else {
        written.update(tx.conn()).await?;
    }
    Ok(id)
}

/// After everything was read: what the platform did not tell of is gone, and what was asked for never arrived.
pub async fn coupon_sweep(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    told: &[CouponId],
    read_from: Timestamp,
) -> StoreResult<()> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::CreatedAt.lt(read_from.micros()))
        .filter(row::Column::State.is_in([
            "asked",
            "unclear",
            "draft",
            "live",
            "expired",
            "withdrawn",
            "unknown",
        ]))
        .order_by_desc(row::Column::CreatedAt)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    for row in rows {
        let asking = row.state == CouponState::Asked.as_str();
        let fresh = row.asked_at.is_some_and(|at| at > read_from.minus(PATIENCE).micros());
        let later = |at: Option<i64>| at.is_some_and(|at| at >= read_from.micros());
        if told.contains(&CouponId(row.id)) || (asking && fresh) || later(row.read_at) || later(row.asked_at)
        {
            continue;
        }
        let state = if row.external_id.is_some() { CouponState::Gone } else { CouponState::Absent };
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

/// Notes that the platform does not have it any more.
pub async fn coupon_gone(tx: &mut TenantTx, id: CouponId) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(CouponState::Gone.as_str()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a coupon.
pub async fn coupon_remove(tx: &mut TenantTx, id: CouponId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
