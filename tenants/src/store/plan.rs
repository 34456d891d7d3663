//! Plans of a provider: a name and immutable versions of its terms.

use crate::db::TenantTx;
use crate::entity::{plan, plan_version};
use crate::error::{StoreError, StoreResult};
use crate::store::charge_text::{charges_from, charges_text};
use qianpu_domain::billing::{Interval, PlanTerms};
use qianpu_domain::ids::{PlanId, PlanVersionId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};

/// A plan with its newest version.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Short code, unique within the provider.
    pub code: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Its place among the provider's plans: a change to a higher one is an upgrade.
    pub rank: i64,
    /// The newest version.
    pub version: PlanVersion,
}

/// An immutable version.
#[derive(Clone, Debug)]
pub struct PlanVersion {
    /// Its id.
    pub id: PlanVersionId,
    /// 1 for the first.
    pub number: i64,
    /// What it costs and allows.
    pub terms: PlanTerms,
    /// When it counts for new subscriptions.
    pub effective_at: Timestamp,
}

/// A plan to be.
#[derive(Clone, Debug)]
pub struct NewPlan<'a> {
    /// Short code.
    pub code: &'a str,
    /// Name in Chinese.
    pub name_zh: &'a str,
    /// Name in English.
    pub name_en: &'a str,
    /// Its place among the provider's plans.
    pub rank: i64,
    /// Terms of version 1.
    pub terms: &'a PlanTerms,
}

/// Adds a plan with its first version. `Conflict(plan_code)` when the code is taken.
pub async fn plan_insert(tx: &mut TenantTx, new: &NewPlan<'_>) -> StoreResult<PlanId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let row = plan::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        code: Set(new.code.to_owned()),
        name_zh: Set(new.name_zh.to_owned()),
        name_en: Set(new.name_en.to_owned()),
        state: Set("active".to_owned()),
        rank: Set(new.rank),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("plan_code"),
        _ => error.into(),
    })?;
    version_insert(tx, PlanId(id), 1, new.terms).await?;
    Ok(PlanId(id))
}

/// Adds the next version of a plan; subscriptions keep the version they pinned.
pub async fn plan_version_add(
    tx: &mut TenantTx,
    id: PlanId,
    terms: &PlanTerms,
) -> StoreResult<PlanVersionId> {
    let newest = plan_get(tx, id).await?.version.number;
    version_insert(tx, id, newest + 1, terms).await
}

async fn version_insert(
    tx: &TenantTx,
    plan: PlanId,
    number: i64,
    terms: &PlanTerms,
) -> StoreResult<PlanVersionId> {
    let id = tx.new_id();
    plan_version::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        plan_id: Set(plan.0),
        version_no: Set(number),
        monthly_fee_fen: Set(terms.fee.get()),
        charged_every: Set(terms.interval.as_str().to_owned()),
        tax_ppm: Set(terms.tax_ppm),
        take_rate_ppm: Set(terms.take_rate_ppm),
        limits: Set(limits_text(&terms.limits)),
        charges: Set(charges_text(&terms.charges)?),
        effective_at: Set(tx.now().micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await
    .map_err(|error| match error.sql_err() {
        // Somebody else added the next version.
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::VersionConflict,
        _ => error.into(),
    })?;
    Ok(PlanVersionId(id))
}

/// Sets the place of a plan among the provider's.
pub async fn plan_set_rank(tx: &mut TenantTx, id: PlanId, rank: i64) -> StoreResult<()> {
    let done = plan::Entity::update_many()
        .col_expr(plan::Column::Rank, Expr::value(rank))
        .col_expr(plan::Column::Version, Expr::col(plan::Column::Version).add(1))
        .col_expr(plan::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(plan::Column::TenantId.eq(tx.tenant()))
        .filter(plan::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// The provider's plans by code, at most 100.
pub async fn plan_list(tx: &TenantTx) -> StoreResult<Vec<Plan>> {
    let rows = plan::Entity::find()
        .filter(plan::Column::TenantId.eq(tx.tenant()))
        .filter(plan::Column::State.eq("active"))
        .order_by_asc(plan::Column::Code)
        .limit(100)
        .all(tx.conn())
        .await?;
    let mut plans = Vec::with_capacity(rows.len());
    for row in rows {
        plans.push(with_version(tx, row).await?);
    }
    Ok(plans)
}

/// A plan by id.
pub async fn plan_get(tx: &TenantTx, id: PlanId) -> StoreResult<Plan> {
    let row =
        plan::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    with_version(tx, row).await
}

/// Every version of a plan, newest first, at most 100. `NotFound` without the plan.
pub async fn plan_version_list(tx: &TenantTx, id: PlanId) -> StoreResult<Vec<PlanVersion>> {
    plan_get(tx, id).await?;
    let rows = plan_version::Entity::find()
        .filter(plan_version::Column::TenantId.eq(tx.tenant()))
        .filter(plan_version::Column::PlanId.eq(id.0))
        .order_by_desc(plan_version::Column::VersionNo)
        .limit(100)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(version_from).collect()
}

async fn with_version(tx: &TenantTx, row: plan::Model) -> StoreResult<Plan> {
    let version = plan_version::Entity::find()
        .filter(plan_version::Column::TenantId.eq(tx.tenant()))
        .filter(plan_version::Column::PlanId.eq(row.id))
        .order_by_desc(plan_version::Column::VersionNo)
        .limit(1)
        .one(tx.conn())
        .await?
        .ok_or(StoreError::Corrupt("a plan without a version"))?;
    Ok(Plan {
        id: PlanId(row.id),
        code: row.code,
        name_zh: row.name_zh,
        name_en: row.name_en,
        rank: row.rank,
        version: version_from(version)?,
    })
}

fn version_from(row: plan_version::Model) -> StoreResult<PlanVersion> {
    Ok(PlanVersion {
        id: PlanVersionId(row.id),
        number: row.version_no,
        terms: PlanTerms {
            fee: Fen::new(row.monthly_fee_fen),
            interval: interval_from(&row.charged_every)?,
            tax_ppm: row.tax_ppm,
            take_rate_ppm: row.take_rate_ppm,
            limits: limits_from(&row.limits)?,
            charges: charges_from(&row.charges)?,
        },
        effective_at: Timestamp::from_micros(row.effective_at),
    })
}

pub(crate) fn interval_from(text: &str) -> StoreResult<Interval> {
    Interval::from_text(text).ok_or(StoreError::Corrupt("charged_every"))
}

pub(crate) fn limits_text(limits: &[(String, i64)]) -> String {
    serde_json::Value::from(
        limits.iter().map(|(name, limit)| serde_json::json!([name, limit])).collect::<Vec<_>>(),
    )
    .to_string()
}

pub(crate) fn limits_from(text: &str) -> StoreResult<Vec<(String, i64)>> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("limits"))
}
