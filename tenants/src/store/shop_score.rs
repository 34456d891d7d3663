//! Scores of a shop by day, and where the shop stands with the raised quota that follows from them.

use crate::db::TenantTx;
use crate::entity::{shop_link_standing, shop_score};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ShopId;
use qianpu_domain::policy::{RaiseStanding, RaiseState, RuleId};
use qianpu_domain::score::{DayScore, ShopScores};
use qianpu_domain::time::{Date, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// The marks of a day with who said so.
#[derive(Clone, Debug)]
pub struct RecordedScore {
    /// The day and its marks.
    pub score: DayScore,
    /// `page`, `api` or `file`.
    pub source: String,
    /// Name of who recorded it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

fn day(text: &str, what: &'static str) -> StoreResult<Date> {
    text.parse().map_err(|_| StoreError::Corrupt(what))
}

fn from_model(row: shop_score::Model) -> StoreResult<RecordedScore> {
    let mark = |mark: i64| u32::try_from(mark).map_err(|_| StoreError::Corrupt("shop_scores"));
    let scores = ShopScores {
        description: mark(row.description)?,
        service: mark(row.service)?,
        logistics: mark(row.logistics)?,
    };
    Ok(RecordedScore {
        score: DayScore { day: day(&row.day, "shop_scores.day")?, scores },
        source: row.source,
        by: row.recorded_by,
        at: Timestamp::from_micros(row.recorded_at),
    })
}

/// Records the marks of a day, or corrects them.
pub async fn score_put(
    tx: &mut TenantTx,
    shop: ShopId,
    new: &DayScore,
    source: &str,
    by: &str,
) -> StoreResult<()> {
    use shop_score::Column as C;
    let row = shop_score::ActiveModel {
        tenant_id: Set(tx.tenant()),
        shop_id: Set(shop.0),
        day: Set(new.day.to_string()),
        description: Set(new.scores.description.into()),
        service: Set(new.scores.service.into()),
        logistics: Set(new.scores.logistics.into()),
        source: Set(source.to_owned()),
        recorded_by: Set(by.to_owned()),
        recorded_at: Set(tx.now().micros()),
    };
    let again = OnConflict::columns([C::TenantId, C::ShopId, C::Day])
        .update_columns([C::Description, C::Service, C::Logistics, C::Source, C::RecordedBy, C::RecordedAt])
        .to_owned();
    shop_score::Entity::insert(row).on_conflict(again).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The marks of a shop before a day, newest first.
pub async fn score_list(
    tx: &TenantTx,
    shop: ShopId,
    before: Date,
    limit: u64,
) -> StoreResult<Vec<RecordedScore>> {
    // Days are kept as `2026-03-02`, so that their order is that of their texts.
    let rows = shop_score::Entity::find()
        .filter(shop_score::Column::TenantId.eq(tx.tenant()))
        .filter(shop_score::Column::ShopId.eq(shop.0))
        .filter(shop_score::Column::Day.lt(before.to_string()))
        .order_by_desc(shop_score::Column::Day)
        .limit(limit)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Where a shop stands with the raised quota.
#[derive(Clone, Debug)]
pub struct LinkStanding {
    /// State, and the end of the grace.
    pub standing: RaiseStanding,
    /// The row of the calendar that decided last.
    pub rule: RuleId,
    /// The day it was last looked at.
    pub evaluated_on: Date,
    /// Since when the state holds.
    pub changed_at: Timestamp,
}

/// Where a shop stands; none when it was never looked at.
pub async fn link_standing_get(tx: &TenantTx, shop: ShopId) -> StoreResult<Option<LinkStanding>> {
    let Some(row) = shop_link_standing::Entity::find_by_id((tx.tenant(), shop.0)).one(tx.conn()).await?
    else {
        return Ok(None);
    };
    let state = RaiseState::from_text(&row.state).ok_or(StoreError::Corrupt("shop_link_standings.state"))?;
    let falls_on = row.falls_on.map(|text| day(&text, "shop_link_standings.falls_on")).transpose()?;
    Ok(Some(LinkStanding {
        standing: RaiseStanding { state, falls_on },
        rule: RuleId(row.rule_word),
        evaluated_on: day(&row.evaluated_on, "shop_link_standings.evaluated_on")?,
        changed_at: Timestamp::from_micros(row.changed_at),
    }))
}

/// Keeps where a shop stands.
pub async fn link_standing_put(tx: &mut TenantTx, shop: ShopId, new: &LinkStanding) -> StoreResult<()> {
    use shop_link_standing::Column as C;
    let row = shop_link_standing::ActiveModel {
        tenant_id: Set(tx.tenant()),
        shop_id: Set(shop.0),
        provider_id: Set(tx.provider()?),
        state: Set(new.standing.state.as_str().to_owned()),
        falls_on: Set(new.standing.falls_on.map(|day| day.to_string())),
        rule_word: Set(new.rule.0.clone()),
        evaluated_on: Set(new.evaluated_on.to_string()),
        changed_at: Set(new.changed_at.micros()),
    };
    let again = OnConflict::columns([C::TenantId, C::ShopId])
        .update_columns([C::State, C::FallsOn, C::RuleWord, C::EvaluatedOn, C::ChangedAt])
        .to_owned();
    shop_link_standing::Entity::insert(row).on_conflict(again).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Shops whose raise is about to end.
pub async fn link_standing_falling_count(tx: &TenantTx) -> StoreResult<u64> {
    Ok(shop_link_standing::Entity::find()
        .filter(shop_link_standing::Column::TenantId.eq(tx.tenant()))
        .filter(shop_link_standing::Column::State.eq(RaiseState::Falling.as_str()))
        .count(tx.conn())
        .await?)
}
