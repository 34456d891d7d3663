//! A merchant's subscription: the terms it pinned, copied from the provider's plan version so that every
//! later figure is explained by rows of the merchant alone.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::subscription;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::charge_text::{charges_from, charges_text};
use crate::store::keyset::newest_first;
use crate::store::plan::{interval_from, limits_from, limits_text};
use qianpu_domain::billing::{BillingError, PlanTerms, Schedule, date_text, parse_date};
use qianpu_domain::ids::{PlanId, PlanVersionId, SubscriptionId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set, SqlErr};

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The merchant.
    pub merchant: TenantId,
    /// The plan.
    pub plan: PlanId,
    /// The pinned version.
    pub plan_version: PlanVersionId,
    /// The plan's name in Chinese.
    pub plan_name_zh: String,
    /// The plan's name in English.
    pub plan_name_en: String,
    /// The pinned terms.
    pub terms: PlanTerms,
    /// The day that its periods are counted from, `YYYY-MM-DD` in `zone`: the first one of period 0, or of a period of a
    /// subscription before this one.
    pub anchor_date: String,
    /// Months from the anchor to period 0.
    pub anchor_months: i64,
    /// The subscription that it follows.
    pub predecessor: Option<SubscriptionId>,
    /// IANA zone.
    pub zone: String,
    /// Index of the first period not yet invoiced.
    pub next_period_index: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether it runs.
    pub active: bool,
}

impl Subscription {
    /// When its periods begin.
    pub fn schedule(&self) -> Result<Schedule, BillingError> {
        let anchor = parse_date(&self.anchor_date)?;
        Ok(Schedule { anchor, first: self.anchor_months, interval: self.terms.interval })
    }
    /// First day of its first period.
    pub fn begins_on(&self) -> Result<String, BillingError> {
        Ok(date_text(self.schedule()?.period(0)?.start))
    }
}

/// A subscription to be.
#[derive(Clone, Debug)]
pub struct NewSubscription<'a> {
    /// The plan.
    pub plan: PlanId,
    /// The pinned version.
    pub plan_version: PlanVersionId,
    /// The plan's name in Chinese.
    pub plan_name_zh: &'a str,
    /// The plan's name in English.
    pub plan_name_en: &'a str,
    /// The pinned terms.
    pub terms: &'a PlanTerms,
    /// The day that its periods are counted from.
    pub anchor_date: &'a str,
    /// Months from the anchor to period 0.
    pub anchor_months: i64,
    /// The subscription that it follows.
    pub predecessor: Option<SubscriptionId>,
    /// IANA zone.
    pub zone: &'a str,
}

/// Starts a subscription. `Conflict(subscription)` when the merchant has an active one.
pub async fn subscription_insert(
    tx: &mut TenantTx,
    new: &NewSubscription<'_>,
) -> StoreResult<SubscriptionId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let row = subscription::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        plan_id: Set(new.plan.0),
        plan_version_id: Set(new.plan_version.0),
        plan_name_zh: Set(new.plan_name_zh.to_owned()),
        plan_name_en: Set(new.plan_name_en.to_owned()),
        monthly_fee_fen: Set(new.terms.fee.get()),
        charged_every: Set(new.terms.interval.as_str().to_owned()),
        tax_ppm: Set(new.terms.tax_ppm),
        take_rate_ppm: Set(new.terms.take_rate_ppm),
        limits: Set(limits_text(&new.terms.limits)),
        charges: Set(charges_text(&new.terms.charges)?),
        state: Set("active".to_owned()),
        anchor_date: Set(new.anchor_date.to_owned()),
        anchor_months: Set(new.anchor_months),
        predecessor_id: Set(new.predecessor.map(|id| id.0)),
        zone: Set(new.zone.to_owned()),
        next_period_index: Set(0),
        started_at: Set(now),
        ended_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("subscription"),
        _ => error.into(),
    })?;
    Ok(SubscriptionId(id))
}

/// The merchant's active subscription.
pub async fn subscription_active(tx: &TenantTx) -> StoreResult<Option<Subscription>> {
    let row = subscription::Entity::find()
        .filter(subscription::Column::TenantId.eq(tx.tenant()))
        .filter(subscription::Column::State.eq("active"))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// One subscription.
pub async fn subscription_get(tx: &TenantTx, id: SubscriptionId) -> StoreResult<Subscription> {
    let row = subscription::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    from_model(row.ok_or(StoreError::NotFound)?)
}

/// A subscription of one of the provider's merchants.
pub async fn subscription_get_by_provider(tx: &ProviderTx, id: SubscriptionId) -> StoreResult<Subscription> {
    let row = subscription::Entity::find()
        .filter(subscription::Column::ProviderId.eq(tx.provider()))
        .filter(subscription::Column::TenantId.is_not_null())
        .filter(subscription::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    from_model(row.ok_or(StoreError::NotFound)?)
}

/// The merchant's subscriptions, newest first.
pub async fn subscription_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Subscription>> {
    let query = subscription::Entity::find().filter(subscription::Column::TenantId.eq(tx.tenant()));
    paged(
        newest_first(query, subscription::Column::CreatedAt, subscription::Column::Id, page)
            .all(tx.conn())
            .await?,
        page,
    )
}

/// Moves on to the next period. `VersionConflict` when somebody else did.
pub async fn subscription_advance(tx: &mut TenantTx, id: SubscriptionId, from_index: i64) -> StoreResult<()> {
    let done = subscription::Entity::update_many()
        .col_expr(subscription::Column::NextPeriodIndex, Expr::value(from_index + 1))
        .col_expr(subscription::Column::Version, Expr::col(subscription::Column::Version).add(1))
        .col_expr(subscription::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(subscription::Column::TenantId.eq(tx.tenant()))
        .filter(subscription::Column::Id.eq(id.0))
        .filter(subscription::Column::NextPeriodIndex.eq(from_index))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Ends a subscription; invoices already issued stay.
pub async fn subscription_end(tx: &mut TenantTx, id: SubscriptionId) -> StoreResult<()> {
    let done = subscription::Entity::update_many()
        .col_expr(subscription::Column::State, Expr::value("ended"))
        .col_expr(subscription::Column::EndedAt, Expr::value(tx.now().micros()))
        .col_expr(subscription::Column::Version, Expr::col(subscription::Column::Version).add(1))
        .col_expr(subscription::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(subscription::Column::TenantId.eq(tx.tenant()))
        .filter(subscription::Column::Id.eq(id.0))
        .filter(subscription::Column::State.eq("active"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Subscriptions of the provider's merchants, newest first.
pub async fn subscription_list_by_provider(
    tx: &ProviderTx,
    page: PageRequest,
) -> StoreResult<Page<Subscription>> {
    let query = subscription::Entity::find().filter(subscription::Column::ProviderId.eq(tx.provider()));
    let rows = newest_first(query, subscription::Column::CreatedAt, subscription::Column::Id, page)
        .all(tx.conn())
        .await?;
    paged(rows, page)
}

fn paged(rows: Vec<subscription::Model>, page: PageRequest) -> StoreResult<Page<Subscription>> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

fn from_model(row: subscription::Model) -> StoreResult<Subscription> {
    Ok(Subscription {
        id: SubscriptionId(row.id),
        merchant: TenantId(row.tenant_id),
        plan: PlanId(row.plan_id),
        plan_version: PlanVersionId(row.plan_version_id),
        plan_name_zh: row.plan_name_zh,
        plan_name_en: row.plan_name_en,
        terms: PlanTerms {
            fee: Fen::new(row.monthly_fee_fen),
            interval: interval_from(&row.charged_every)?,
            tax_ppm: row.tax_ppm,
            take_rate_ppm: row.take_rate_ppm,
            limits: limits_from(&row.limits)?,
            charges: charges_from(&row.charges)?,
        },
        anchor_date: row.anchor_date,
        anchor_months: row.anchor_months,
        predecessor: row.predecessor_id.map(SubscriptionId),
        zone: row.zone,
        next_period_index: row.next_period_index,
        started_at: Timestamp::from_micros(row.started_at),
        ended_at: row.ended_at.map(Timestamp::from_micros),
        active: row.state == "active",
    })
}
