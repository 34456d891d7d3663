//! Checklists of live sessions: the list with a form for a new one, and one whose steps people tick.

use super::super::apply::may_be_mended;
use super::{PlanLink, Stage, of_account};
use crate::app::live::plans::{self, PlanView, TypedPlan};
use crate::app::live::rooms;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, LivePlanId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::live_plan::{LivePlan, PlanStep};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const PLANS: &str = "/console/merchant/live_plans";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let plans = "/console/merchant/channel_accounts/{channel_account_id}/live_plans";
    pages.get(plans, live_plans_page);
    pages.post(plans, make_live_plan_form);
    pages.get("/console/merchant/live_plans/{live_plan_id}", live_plan_page);
    pages.post("/console/merchant/live_plans/{live_plan_id}/steps", tick_live_step_form);
    pages.post("/console/merchant/live_plans/{live_plan_id}/delete", delete_live_plan_form);
}

pub(super) fn link(plan: LivePlan) -> PlanLink {
    PlanLink {
        href: format!("{PLANS}/{}", plan.id),
        done: plan.steps.iter().filter(|step| step.done.is_some()).count(),
        steps: plan.steps.len(),
        title: plan.title,
        at: plan.planned_at.micros(),
    }
}

#[derive(Deserialize, IntoParams)]
struct PlansQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct PlansView {
    form: FormView,
    stage: Stage,
    at: String,
    plans: Vec<PlanLink>,
    may_manage: bool,
    next_page: Option<String>,
}

async fn list_view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    page: PageRequest,
    form: FormView,
) -> Answer<PlansView> {
    let grant = auth.caller.grant::<perm::LiveRead>()?;
    let account = rooms::get(&auth.state, &grant, id).await?.account;
    let found = plans::list(&auth.state, &grant, id, page).await?;
    let at = of_account(id, "live_plans");
    Ok(PlansView {
        form,
        stage: Stage::of(&auth.caller, &account, "live_plans"),
        next_page: found.next.map(|next| format!("{at}?cursor={}", cursor_text(&next))),
        at,
        plans: found.items.into_iter().map(link).collect(),
        may_manage: auth.caller.may(Permission::LiveManage),
    })
}

async fn live_plans_page(
    auth: Authed<perm::LiveRead, (Path<ChannelAccountId>, Query<PlansQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let view = list_view(&auth, *id, page, FormView::default()).await?;
    auth.page("live/plans", view)
}

/// A moment as browsers send it, in the installation's zone.
fn moment(text: &str, zone: &str) -> Result<Timestamp, FieldError> {
    let wrong = || FieldError::new("planned_at", "invalid", "a day and a time", "请选择开播的日期和时间");
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| wrong())?;
    let local: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let zoned = local.to_zoned(zone).map_err(|_| wrong())?;
    Ok(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

async fn make_live_plan_form(auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let own_steps = fields.text("own_steps").lines().map(str::trim).filter(|line| !line.is_empty());
    let own_steps: Vec<String> = own_steps.map(str::to_owned).collect();
    let outcome = match moment(fields.text("planned_at"), &auth.state.config.app.time_zone) {
        Ok(planned_at) => {
            let typed = TypedPlan { title: fields.text("title").to_owned(), planned_at, own_steps };
            plans::make(&auth.state, &auth.grant, *id, &typed).await
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(made) => {
            let made = format!("{PLANS}/{}", made.plan.id);
            Ok(auth.redirect_with(&Flash::success("live.plan_made"), &made))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = list_view(&auth, *id, PageRequest::first(20), form).await?;
            auth.refused_page("live/plans", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct StepRow {
    position: i64,
    /// The key of its texts; none for one of one's own.
    step: Option<&'static str>,
    words: Option<String>,
    done_at: Option<i64>,
    done_by: Option<String>,
    note: String,
    told: Option<usize>,
    told_at: Option<i64>,
    /// Where it can be done here, or looked at.
    href: Option<String>,
}

#[derive(Serialize)]
struct PhaseRows {
    phase: &'static str,
    steps: Vec<StepRow>,
}

#[derive(Serialize)]
struct PlanPage {
    stage: Stage,
    at: String,
    back: String,
    title: String,
    planned_at: i64,
    created_by: String,
    done: usize,
    all: usize,
    phases: Vec<PhaseRows>,
    may_manage: bool,
}

fn page<P: Perm, T>(auth: &Authed<P, T>, found: PlanView) -> PlanPage {
    let PlanView { account, plan, told } = found;
    let row = |step: &PlanStep| {
        let told = told.iter().find(|told| Some(told.step) == step.step && told.at.is_some());
        let tab = step.step.and_then(|step| match step.as_str() {
            "window" => Some("showcase"),
            "announce" | "begin" | "figures" => Some("live"),
            _ => None,
        });
        StepRow {
            position: step.position,
            step: step.step.map(qianpu_domain::live_plan::LiveStep::as_str),
            words: step.words.clone(),
            done_at: step.done.as_ref().map(|(at, _)| at.micros()),
            done_by: step.done.as_ref().map(|(_, by)| by.clone()),
            note: step.note.clone(),
            told: told.map(|told| told.count),
            told_at: told.and_then(|told| told.at).map(Timestamp::micros),
            href: tab.map(|tab| of_account(account.id, tab)),
        }
    };
    let of = |phase: &'static str| {
        let own = |step: &&PlanStep| step.step.map_or("own", |step| step.phase().as_str()) == phase;
        PhaseRows { phase, steps: plan.steps.iter().filter(own).map(row).collect() }
    };
    let phases = ["before", "during", "after", "own"].map(of);
    PlanPage {
        stage: Stage::of(&auth.caller, &account, "live_plans"),
        at: format!("{PLANS}/{}", plan.id),
        back: of_account(account.id, "live_plans"),
        planned_at: plan.planned_at.micros(),
        done: plan.steps.iter().filter(|step| step.done.is_some()).count(),
        all: plan.steps.len(),
        phases: phases.into_iter().filter(|one| !one.steps.is_empty()).collect(),
        title: plan.title,
        created_by: plan.created_by,
        may_manage: auth.caller.may(Permission::LiveManage),
    }
}

async fn live_plan_page(auth: Authed<perm::LiveRead, Path<LivePlanId>>) -> PageAnswer {
    let found = plans::get(&auth.state, &auth.grant, auth.input.0).await?;
    let page = page(&auth, found);
    auth.page("live/plan", page)
}

async fn tick_live_step_form(auth: Authed<perm::LiveManage, (Path<LivePlanId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let position = fields.text("position").parse().unwrap_or(-1);
    let (done, note) = (fields.ticked("done"), fields.text("note"));
    match plans::tick(&auth.state, &auth.grant, *id, position, done, note).await {
        Ok(_) => Ok(auth.redirect(&format!("{PLANS}/{id}#step-{position}"))),
        Err(error) => super::showcase::failed(&auth, error, &format!("{PLANS}/{id}")),
    }
}

async fn delete_live_plan_form(auth: Authed<perm::LiveManage, (Path<LivePlanId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let account = plans::delete(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("live.plan_deleted"), &of_account(account, "live_plans")))
}
