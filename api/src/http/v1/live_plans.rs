//! `/channel_accounts/{id}/live_plans` and `/live_plans`: checklists of live sessions.

use crate::app::live::plans::{self, PlanView, TypedPlan};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{ChannelAccountId, LivePlanId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::live_plan::{LivePlan, PlanStep};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let plans = "/channel_accounts/{channel_account_id}/live_plans";
    api.get(plans, list_live_plans, "Checklists of live sessions, newest first");
    api.post(plans, make_live_plan, "Make the checklist of a live session");
    let one = "/live_plans/{live_plan_id}";
    api.get(one, get_live_plan, "One checklist, with what the platform told last about some steps");
    api.delete(one, delete_live_plan, "Delete a checklist");
    api.post(
        &format!("{one}/steps"),
        tick_live_step,
        "Say that a step was done by a person at the platform, or that it was not",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveStepView {
    position: i64,
    /// `switches`, `window`, `announce`, `room`, `bag`, `begin`, `explain`, `end`, `figures`; null for one of one's own.
    step: Option<&'static str>,
    /// `before`, `during`, `after`; null for one of one's own.
    phase: Option<&'static str>,
    /// The words of one of one's own.
    words: Option<String>,
    #[schema(value_type = Option<String>)]
    done_at: Option<Time>,
    /// Who said so.
    done_by: Option<String>,
    note: String,
    /// What the platform told last: products shown, rooms announced, rooms on, rooms of that day with figures. It ticks
    /// nothing.
    told: Option<usize>,
    /// When it told that.
    #[schema(value_type = Option<String>)]
    told_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LivePlanView {
    #[schema(value_type = String)]
    id: Id<LivePlanId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    title: String,
    #[schema(value_type = String)]
    planned_at: Time,
    steps: Vec<LiveStepView>,
    /// Steps that somebody said are done.
    done: usize,
    created_by: String,
    #[schema(value_type = String)]
    created_at: Time,
}

fn step(step: PlanStep) -> LiveStepView {
    LiveStepView {
        position: step.position,
        step: step.step.map(qianpu_domain::live_plan::LiveStep::as_str),
        phase: step.step.map(|step| step.phase().as_str()),
        words: step.words,
        done_at: step.done.as_ref().map(|(at, _)| Time(*at)),
        done_by: step.done.map(|(_, by)| by),
        note: step.note,
        told: None,
        told_at: None,
    }
}

fn plan(plan: LivePlan) -> LivePlanView {
    LivePlanView {
        id: Id(plan.id),
        channel_account_id: Id(plan.account),
        title: plan.title,
        planned_at: Time(plan.planned_at),
        done: plan.steps.iter().filter(|step| step.done.is_some()).count(),
        steps: plan.steps.into_iter().map(step).collect(),
        created_by: plan.created_by,
        created_at: Time(plan.created_at),
    }
}

fn view(found: PlanView) -> LivePlanView {
    let mut shown = plan(found.plan);
    for told in found.told {
        for step in shown.steps.iter_mut().filter(|step| step.step == Some(told.step.as_str())) {
            (step.told, step.told_at) = (told.at.map(|_| told.count), told.at.map(Time));
        }
    }
    shown
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListLivePlansQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_live_plans(
    auth: Authed<perm::LiveRead, (Path<ChannelAccountId>, Query<ListLivePlansQuery>)>,
) -> Answer<Json<Page<LivePlanView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(plans::list(&auth.state, &auth.grant, *account, page).await?, plan)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeLivePlanBody {
    /// Up to 60 characters.
    title: String,
    /// When the session is to begin.
    #[schema(value_type = String, example = "2026-11-22T11:00:00Z")]
    planned_at: Time,
    /// Steps of one's own, after those every session has; up to 20 of up to 80 characters.
    #[serde(default)]
    own_steps: Vec<String>,
}

async fn make_live_plan(
    auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Json<MakeLivePlanBody>)>,
) -> Answer<Created<LivePlanView>> {
    let (Path(account), Json(body)) = &auth.input;
    let typed = TypedPlan {
        title: body.title.clone(),
        planned_at: body.planned_at.0,
        own_steps: body.own_steps.clone(),
    };
    Ok(Created(view(plans::make(&auth.state, &auth.grant, *account, &typed).await?)))
}

async fn get_live_plan(auth: Authed<perm::LiveRead, Path<LivePlanId>>) -> Answer<Json<LivePlanView>> {
    Ok(Json(view(plans::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn delete_live_plan(auth: Authed<perm::LiveManage, Path<LivePlanId>>) -> Answer<NoContent> {
    plans::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TickLiveStepBody {
    position: i64,
    done: bool,
    /// Up to 200 characters.
    #[serde(default)]
    note: String,
}

async fn tick_live_step(
    auth: Authed<perm::LiveManage, (Path<LivePlanId>, Json<TickLiveStepBody>)>,
) -> Answer<Json<LivePlanView>> {
    let (Path(id), Json(body)) = &auth.input;
    let ticked = plans::tick(&auth.state, &auth.grant, *id, body.position, body.done, &body.note).await?;
    Ok(Json(view(ticked)))
}
