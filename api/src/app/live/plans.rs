//! Checklists of live sessions. What the platform has no interface for is done by people at the platform; here they say
//! that they did it. The server ticks nothing; beside some steps it shows what the platform told last.

use super::{account_of, airs};
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower::answer_line;
use qianpu_domain::ids::{ChannelAccountId, LivePlanId};
use qianpu_domain::live_plan::{LiveStep, MOST_OWN_STEPS, NOTE, OWN_STEP, TITLE};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::live_board::board_get;
use qianpu_tenants::store::live_plan::{
    LivePlan, MOST_PLANS, plan_count, plan_delete, plan_get, plan_insert, plan_list, plan_tick,
};
use qianpu_tenants::store::live_room::room_list;
use qianpu_tenants::store::showcase::showcase_list;
use serde_json::json;

/// What the platform told last about a step: how many there are, and when it was asked.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The step.
    pub step: LiveStep,
    /// Products shown, rooms announced, rooms on, rooms with figures.
    pub count: usize,
    /// When it was asked; never, when nothing was read yet.
    pub at: Option<Timestamp>,
}

/// A checklist with what the platform told.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// The account.
    pub account: ChannelAccount,
    /// The checklist.
    pub plan: LivePlan,
    /// What the platform told last.
    pub told: Vec<Told>,
}

/// Checklists of an account, newest first.
pub async fn list<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<LivePlan>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, account, airs).await?;
    Ok(plan_list(&tx, account, page).await?)
}

async fn covered<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: LivePlanId,
) -> Answer<(ChannelAccount, LivePlan)> {
    let plan = plan_get(tx, id).await?;
    Ok((account_of(tx, grant, plan.account, airs).await?, plan))
}

async fn view(tx: &TenantTx, account: ChannelAccount, plan: LivePlan) -> Answer<PlanView> {
    let board = board_get(tx, account.id).await?;
    let shown = showcase_list(tx, account.id).await?.iter().filter(|item| item.state == "shown").count();
    let count = |value: &serde_json::Value| value.as_array().map_or(0, Vec::len);
    let rooms = room_list(tx, account.id, 50).await?;
    let day = super::rooms::today(plan.planned_at).to_string();
    let of_day = |room: &&qianpu_tenants::store::live_room::LiveRoomRow| room.day.as_ref() == Some(&day);
    let figures: Vec<_> = rooms.iter().filter(of_day).collect();
    let told = vec![
        Told { step: LiveStep::Window, count: shown, at: board.showcase_read_at },
        Told { step: LiveStep::Announce, count: count(&board.reservations), at: board.read_at },
        Told { step: LiveStep::Begin, count: count(&board.rooms), at: board.read_at },
        Told {
            step: LiveStep::Figures,
            count: figures.len(),
            at: figures.iter().map(|room| room.read_at).max(),
        },
    ];
    Ok(PlanView { account, plan, told })
}

/// One checklist.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: LivePlanId) -> Answer<PlanView> {
    let tx = state.db.read(grant.ctx()).await?;
    let (account, plan) = covered(&tx, grant, id).await?;
    view(&tx, account, plan).await
}

/// A session to be.
#[derive(Debug, Clone)]
pub struct TypedPlan {
    /// What it is about.
    pub title: String,
    /// When it is to begin.
    pub planned_at: Timestamp,
    /// Steps of the merchant's own.
    pub own_steps: Vec<String>,
}

/// Makes the checklist of a session.
pub async fn make(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    account: ChannelAccountId,
    typed: &TypedPlan,
) -> Answer<PlanView> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_of(&tx, grant, account, airs).await?;
    let mut errors = Vec::new();
    let title = answer_line("title", &typed.title, TITLE, true).map_err(|error| errors.push(error)).ok();
    let mut own = Vec::new();
    if typed.own_steps.len() > MOST_OWN_STEPS {
        let (en, zh) = (format!("at most {MOST_OWN_STEPS}"), format!("最多 {MOST_OWN_STEPS} 步"));
        errors.push(FieldError::new("own_steps", "too_many", en, zh));
    } else {
        for (index, words) in typed.own_steps.iter().enumerate() {
            match answer_line(&format!("own_steps[{index}]"), words, OWN_STEP, true) {
                Ok(words) => own.push(words),
                Err(error) => errors.push(error),
            }
        }
    }
    let (Some(title), true) = (title, errors.is_empty()) else { return Err(errors.into()) };
    if plan_count(&tx, account.id).await? >= MOST_PLANS {
        return Err(ApiError::new(ErrorCode::LivePlansFull));
    }
    let by = name_of(tx.ctx());
    let id = plan_insert(&mut tx, account.id, &title, typed.planned_at, &by, &own).await?;
    let detail = json!({ "title": title, "steps": own.len() + LiveStep::ALL.len() });
    audit_append(&mut tx, AuditAction::LivePlanMade, "live_plan", &id.to_string(), detail).await?;
    let plan = plan_get(&tx, id).await?;
    let made = view(&tx, account, plan).await?;
    tx.commit().await?;
    Ok(made)
}

/// Says that a step is done, or that it is not. That it stood so already changes nothing: who said it first stays.
pub async fn tick(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: LivePlanId,
    position: i64,
    done: bool,
    note: &str,
) -> Answer<PlanView> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, plan) = covered(&tx, grant, id).await?;
    let note = answer_line("note", note, NOTE, false)?;
    let step = plan.steps.iter().find(|step| step.position == position);
    let Some(step) = step else {
        return Err(FieldError::new("position", "unknown", "a step of the list", "清单中没有这一步").into());
    };
    let named = step.step.map_or_else(|| step.words.clone().unwrap_or_default(), |step| step.to_string());
    let by = name_of(tx.ctx());
    if plan_tick(&mut tx, id, position, done.then_some(by.as_str()), &note).await? {
        let action = if done { AuditAction::LiveStepDone } else { AuditAction::LiveStepUndone };
        audit_append(&mut tx, action, "live_plan", &id.to_string(), json!({ "step": named })).await?;
    }
    let plan = plan_get(&tx, id).await?;
    let ticked = view(&tx, account, plan).await?;
    tx.commit().await?;
    Ok(ticked)
}

/// Deletes a checklist.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: LivePlanId,
) -> Answer<ChannelAccountId> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, plan) = covered(&tx, grant, id).await?;
    plan_delete(&mut tx, id).await?;
    let detail = json!({ "title": plan.title });
    audit_append(&mut tx, AuditAction::LivePlanDeleted, "live_plan", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(account.id)
}
