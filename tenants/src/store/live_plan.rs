//! Checklists of live sessions: steps that people tick, with who and when.

use crate::db::TenantTx;
use crate::entity::{live_plan as row, live_plan_step as step_row};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, LivePlanId};
use qianpu_domain::live_plan::LiveStep;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Sessions an account may have here.
pub const MOST_PLANS: u64 = 1_000;

/// A session.
#[derive(Clone, Debug)]
pub struct LivePlan {
    /// Its id.
    pub id: LivePlanId,
    /// The account.
    pub account: ChannelAccountId,
    /// What it is about.
    pub title: String,
    /// When it is to begin.
    pub planned_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its steps in order.
    pub steps: Vec<PlanStep>,
}

/// A step of a session.
#[derive(Clone, Debug)]
pub struct PlanStep {
    /// Its place, from 0; it stays the same.
    pub position: i64,
    /// One that every session has; none for one of the merchant's own.
    pub step: Option<LiveStep>,
    /// The words of one of the merchant's own.
    pub words: Option<String>,
    /// When somebody said it is done, and who.
    pub done: Option<(Timestamp, String)>,
    /// What they noted.
    pub note: String,
}

fn from_model(row: row::Model, steps: Vec<PlanStep>) -> LivePlan {
    LivePlan {
        id: LivePlanId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        title: row.title,
        planned_at: Timestamp::from_micros(row.planned_at),
        created_by: row.created_by,
        created_at: Timestamp::from_micros(row.created_at),
        steps,
    }
}

fn step_of(row: step_row::Model) -> StoreResult<PlanStep> {
    let known = |word: String| LiveStep::from_text(&word).ok_or(StoreError::Corrupt("live_plan_steps.step"));
    Ok(PlanStep {
        position: row.position,
        step: row.step.map(known).transpose()?,
        words: row.words,
        done: row.done_at.map(Timestamp::from_micros).zip(row.done_by),
        note: row.note,
    })
}

async fn steps_of(tx: &TenantTx, plans: &[Uuid]) -> StoreResult<BTreeMap<Uuid, Vec<PlanStep>>> {
    let rows = step_row::Entity::find()
        .filter(step_row::Column::TenantId.eq(tx.tenant()))
        .filter(step_row::Column::LivePlanId.is_in(plans.iter().copied()))
        .order_by_asc(step_row::Column::Position)
        .all(tx.conn())
        .await?;
    let mut found: BTreeMap<Uuid, Vec<PlanStep>> = BTreeMap::new();
    for row in rows {
        found.entry(row.live_plan_id).or_default().push(step_of(row)?);
    }
    Ok(found)
}

/// Makes a session with the steps every session has, and the merchant's own after them.
pub async fn plan_insert(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    title: &str,
    planned_at: Timestamp,
    by: &str,
    own: &[String],
) -> StoreResult<LivePlanId> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        title: title.to_owned(),
        planned_at: planned_at.micros(),
        created_by: by.to_owned(),
        created_at: tx.now().micros(),
    };
    let id = model.id;
    row::ActiveModel::from(model).insert(tx.conn()).await?;
    let common = LiveStep::ALL.iter().map(|step| (Some(step.as_str().to_owned()), None));
    let own = own.iter().map(|words| (None, Some(words.clone())));
    for (position, (step, words)) in (0_i64..).zip(common.chain(own)) {
        let model = step_row::Model {
            tenant_id: tx.tenant(),
            live_plan_id: id,
            position,
            step,
            words,
            done_at: None,
            done_by: None,
            note: String::new(),
        };
        step_row::ActiveModel::from(model).insert(tx.conn()).await?;
    }
    Ok(LivePlanId(id))
}

/// How many sessions an account has.
pub async fn plan_count(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<u64> {
    let own = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    Ok(own.count(tx.conn()).await?)
}

/// Sessions of an account, newest first.
pub async fn plan_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<LivePlan>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut steps = steps_of(tx, &ids).await?;
    let plans: Vec<LivePlan> = rows
        .into_iter()
        .map(|row| {
            let own = steps.remove(&row.id).unwrap_or_default();
            from_model(row, own)
        })
        .collect();
    Ok(Page::from_rows(plans, page.limit, |plan| Cursor { at: plan.created_at, id: plan.id.0 }))
}

/// One session.
pub async fn plan_get(tx: &TenantTx, id: LivePlanId) -> StoreResult<LivePlan> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = found.ok_or(StoreError::NotFound)?;
    let mut steps = steps_of(tx, &[id.0]).await?;
    let own = steps.remove(&id.0).unwrap_or_default();
    Ok(from_model(row, own))
}

/// Says that a step is done, or that it is not. `false` when it stood so already, or there is no such step.
pub async fn plan_tick(
    tx: &mut TenantTx,
    id: LivePlanId,
    position: i64,
    by: Option<&str>,
    note: &str,
) -> StoreResult<bool> {
    use step_row::Column as C;
    let (at, was) = match by {
        Some(_) => (Some(tx.now().micros()), C::DoneAt.is_null()),
        None => (None, C::DoneAt.is_not_null()),
    };
    let changed = step_row::Entity::update_many()
        .col_expr(C::DoneAt, Expr::value(at))
        .col_expr(C::DoneBy, Expr::value(by.map(str::to_owned)))
        .col_expr(C::Note, Expr::value(note.to_owned()))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::LivePlanId.eq(id.0))
        .filter(C::Position.eq(position))
        .filter(was)
        .exec(tx.conn())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Deletes a session with its steps.
pub async fn plan_delete(tx: &mut TenantTx, id: LivePlanId) -> StoreResult<()> {
    step_row::Entity::delete_many()
        .filter(step_row::Column::TenantId.eq(tx.tenant()))
        .filter(step_row::Column::LivePlanId.eq(id.0))
        .exec(tx.conn())
        .await?;
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
