//! Changes of subscriptions to other plans: one that waits at most, and those that were made or withdrawn. The terms are
//! pinned when the change is asked for, as a subscription pins its own.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::plan_change;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::charge_text::{charges_from, charges_text};
use crate::store::keyset::newest_first;
use crate::store::plan::{interval_from, limits_from, limits_text};
use qianpu_domain::billing::{ChangeTiming, Direction, PlanTerms};
use qianpu_domain::ids::{PlanChangeId, PlanId, PlanVersionId, SubscriptionId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set, SqlErr};

/// A change.
#[derive(Clone, Debug)]
pub struct PlanChange {
    /// Its id.
    pub id: PlanChangeId,
    /// The merchant.
    pub merchant: TenantId,
    /// The subscription that it ends.
    pub subscription: SubscriptionId,
    /// Where it leads.
    pub target: ChangeTarget,
    /// Up, down or within a rank.
    pub direction: Direction,
    /// At once, or with the next period.
    pub timing: ChangeTiming,
    /// The rule that said when.
    pub rule: String,
    /// First day of the new plan.
    pub effective_on: String,
    /// `pending`, `done` or `withdrawn`.
    pub state: String,
    /// The subscription that it began.
    pub successor: Option<SubscriptionId>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// The plan that a change leads to, as it was when the change was asked for.
#[derive(Clone, Debug)]
pub struct ChangeTarget {
    /// The plan.
    pub plan: PlanId,
    /// The pinned version.
    pub version: PlanVersionId,
    /// The plan's name in Chinese.
    pub name_zh: String,
    /// The plan's name in English.
    pub name_en: String,
    /// The pinned terms.
    pub terms: PlanTerms,
}

/// A change to be.
#[derive(Clone, Debug)]
pub struct NewPlanChange<'a> {
    /// The subscription that it ends.
    pub subscription: SubscriptionId,
    /// Where it leads.
    pub target: &'a ChangeTarget,
    /// Up, down or within a rank.
    pub direction: Direction,
    /// At once, or with the next period.
    pub timing: ChangeTiming,
    /// The rule that said when.
    pub rule: &'a str,
    /// First day of the new plan.
    pub effective_on: &'a str,
}

/// Adds a change that waits. `Conflict(plan_change)` when another one of the subscription does.
pub async fn plan_change_insert(tx: &mut TenantTx, new: &NewPlanChange<'_>) -> StoreResult<PlanChangeId> {
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    let (id, now, terms) = (tx.new_id(), tx.now().micros(), &new.target.terms);
    let row = plan_change::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        subscription_id: Set(new.subscription.0),
        plan_id: Set(new.target.plan.0),
        plan_version_id: Set(new.target.version.0),
        plan_name_zh: Set(new.target.name_zh.clone()),
        plan_name_en: Set(new.target.name_en.clone()),
        fee_fen: Set(terms.fee.get()),
        charged_every: Set(terms.interval.as_str().to_owned()),
        tax_ppm: Set(terms.tax_ppm),
        take_rate_ppm: Set(terms.take_rate_ppm),
        limits: Set(limits_text(&terms.limits)),
        charges: Set(charges_text(&terms.charges)?),
        direction: Set(new.direction.as_str().to_owned()),
        timing: Set(new.timing.as_str().to_owned()),
        rule: Set(new.rule.to_owned()),
        effective_on: Set(new.effective_on.to_owned()),
        state: Set("pending".to_owned()),
        successor_id: Set(None),
        asked_by: Set(actor),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("plan_change"),
        _ => error.into(),
    })?;
    Ok(PlanChangeId(id))
}

/// The change of a subscription that waits.
pub async fn plan_change_pending(tx: &TenantTx, of: SubscriptionId) -> StoreResult<Option<PlanChange>> {
    let row = plan_change::Entity::find()
        .filter(plan_change::Column::TenantId.eq(tx.tenant()))
        .filter(plan_change::Column::SubscriptionId.eq(of.0))
        .filter(plan_change::Column::State.eq("pending"))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// Decides a change that waits: made, with the subscription that it began, or withdrawn. `VersionConflict` when somebody
/// else decided it.
pub async fn plan_change_decide(
    tx: &mut TenantTx,
    id: PlanChangeId,
    successor: Option<SubscriptionId>,
) -> StoreResult<()> {
    let state = if successor.is_some() { "done" } else { "withdrawn" };
    let done = plan_change::Entity::update_many()
        .col_expr(plan_change::Column::State, Expr::value(state))
        .col_expr(plan_change::Column::SuccessorId, Expr::value(successor.map(|id| id.0)))
        .col_expr(plan_change::Column::Version, Expr::col(plan_change::Column::Version).add(1))
        .col_expr(plan_change::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(plan_change::Column::TenantId.eq(tx.tenant()))
        .filter(plan_change::Column::Id.eq(id.0))
        .filter(plan_change::Column::State.eq("pending"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One change.
pub async fn plan_change_get(tx: &TenantTx, id: PlanChangeId) -> StoreResult<PlanChange> {
    let row = plan_change::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    from_model(row.ok_or(StoreError::NotFound)?)
}

/// A change of one of the provider's merchants.
pub async fn plan_change_get_by_provider(tx: &ProviderTx, id: PlanChangeId) -> StoreResult<PlanChange> {
    let row = plan_change::Entity::find()
        .filter(plan_change::Column::ProviderId.eq(tx.provider()))
        .filter(plan_change::Column::TenantId.is_not_null())
        .filter(plan_change::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    from_model(row.ok_or(StoreError::NotFound)?)
}

/// The merchant's changes, newest first.
pub async fn plan_change_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<PlanChange>> {
    let query = plan_change::Entity::find().filter(plan_change::Column::TenantId.eq(tx.tenant()));
    let query = newest_first(query, plan_change::Column::CreatedAt, plan_change::Column::Id, page);
    paged(query.all(tx.conn()).await?, page)
}

/// Changes of the provider's merchants, newest first.
pub async fn plan_change_list_by_provider(
    tx: &ProviderTx,
    page: PageRequest,
) -> StoreResult<Page<PlanChange>> {
    let query = plan_change::Entity::find()
        .filter(plan_change::Column::ProviderId.eq(tx.provider()))
        .filter(plan_change::Column::TenantId.is_not_null());
    let query = newest_first(query, plan_change::Column::CreatedAt, plan_change::Column::Id, page);
    paged(query.all(tx.conn()).await?, page)
}

fn paged(rows: Vec<plan_change::Model>, page: PageRequest) -> StoreResult<Page<PlanChange>> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

fn from_model(row: plan_change::Model) -> StoreResult<PlanChange> {
    Ok(PlanChange {
        id: PlanChangeId(row.id),
        merchant: TenantId(row.tenant_id),
        subscription: SubscriptionId(row.subscription_id),
        target: ChangeTarget {
            plan: PlanId(row.plan_id),
            version: PlanVersionId(row.plan_version_id),
            name_zh: row.plan_name_zh,
            name_en: row.plan_name_en,
            terms: PlanTerms {
                fee: Fen::new(row.fee_fen),
                interval: interval_from(&row.charged_every)?,
                tax_ppm: row.tax_ppm,
                take_rate_ppm: row.take_rate_ppm,
                limits: limits_from(&row.limits)?,
                charges: charges_from(&row.charges)?,
            },
        },
        direction: Direction::from_text(&row.direction)
            .ok_or(StoreError::Corrupt("plan_changes.direction"))?,
        timing: ChangeTiming::from_text(&row.timing).ok_or(StoreError::Corrupt("plan_changes.timing"))?,
        rule: row.rule,
        effective_on: row.effective_on,
        state: row.state,
        successor: row.successor_id.map(SubscriptionId),
        created_at: Timestamp::from_micros(row.created_at),
    })
}
