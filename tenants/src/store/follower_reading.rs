//! Readings of who follows an account: one at a time for each, and how far it is.

use crate::db::TenantTx;
use crate::entity::follower_reading as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::follower_tag::ReadingPhase;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// A reading.
#[derive(Clone, Debug)]
pub struct FollowerReading {
    /// The account.
    pub account: ChannelAccountId,
    /// How far it is.
    pub phase: ReadingPhase,
    /// Behind whom the next step begins.
    pub behind: Option<String>,
    /// How many follow, as the platform says.
    pub total: i64,
    /// Ids read.
    pub listed: i64,
    /// People whose details were read.
    pub detailed: i64,
    /// People who were known to follow and are not on the list.
    pub gone: i64,
    /// Why it waits, or ended.
    pub error: Option<(String, String)>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

fn from_model(row: row::Model) -> StoreResult<FollowerReading> {
    let phase = ReadingPhase::from_text(&row.phase).ok_or(StoreError::Corrupt("follower_readings.phase"))?;
    Ok(FollowerReading {
        account: ChannelAccountId(row.channel_account_id),
        phase,
        behind: row.behind,
        total: row.total,
        listed: row.listed,
        detailed: row.detailed,
        gone: row.gone,
        error: row.error_code.map(|code| (code, row.error_text.unwrap_or_default())),
        started_at: Timestamp::from_micros(row.started_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
    })
}

/// The reading of an account that goes on, or the last one.
pub async fn reading_get(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Option<FollowerReading>> {
    let found = row::Entity::find_by_id((tx.tenant(), account.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()
}

/// Begins a reading in the place of the last one.
pub async fn reading_begin(tx: &mut TenantTx, account: ChannelAccountId) -> StoreResult<()> {
    let now = tx.now().micros();
    let new = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        channel_account_id: Set(account.0),
        phase: Set(ReadingPhase::List.as_str().to_owned()),
        behind: Set(None),
        total: Set(0),
        listed: Set(0),
        detailed: Set(0),
        gone: Set(0),
        error_code: Set(None),
        error_text: Set(None),
        started_at: Set(now),
        updated_at: Set(now),
        finished_at: Set(None),
    };
    use row::Column as C;
    let known = OnConflict::columns([C::TenantId, C::ChannelAccountId])
        .update_columns([
            C::Phase,
            C::Behind,
            C::Total,
            C::Listed,
            C::Detailed,
            C::Gone,
            C::ErrorCode,
            C::ErrorText,
            C::StartedAt,
            C::UpdatedAt,
            C::FinishedAt,
        ])
        .to_owned();
    row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Keeps how far a reading is, if nobody else carried it on since it was read.
pub async fn reading_move(
    tx: &mut TenantTx,
    seen: &FollowerReading,
    to: &FollowerReading,
) -> StoreResult<bool> {
    use row::Column as C;
    let now = tx.now().micros();
    let ended = (!to.phase.goes_on()).then_some(now);
    let mut query = row::Entity::update_many()
        .col_expr(C::Phase, Expr::value(to.phase.as_str()))
        .col_expr(C::Behind, Expr::value(to.behind.clone()))
        .col_expr(C::Total, Expr::value(to.total))
        .col_expr(C::Listed, Expr::value(to.listed))
        .col_expr(C::Detailed, Expr::value(to.detailed))
        .col_expr(C::Gone, Expr::value(to.gone))
        .col_expr(C::ErrorCode, Expr::value(to.error.as_ref().map(|(code, _)| code.clone())))
        .col_expr(C::ErrorText, Expr::value(to.error.as_ref().map(|(_, text)| text.clone())))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .col_expr(C::FinishedAt, Expr::value(ended))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(seen.account.0))
        .filter(C::StartedAt.eq(seen.started_at.micros()))
        .filter(C::Phase.eq(seen.phase.as_str()))
        .filter(C::Listed.eq(seen.listed))
        .filter(C::Detailed.eq(seen.detailed));
    query = match &seen.behind {
        Some(behind) => query.filter(C::Behind.eq(behind.as_str())),
        None => query.filter(C::Behind.is_null()),
    };
    Ok(query.exec(tx.conn()).await?.rows_affected == 1)
}
