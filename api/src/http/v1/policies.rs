//! `/policies`: the policy calendar.

use crate::app::policies::simulate::{self, Applies, Change, Question, ShopThen};
use crate::app::policies::{self, ListedRule, SetPolicy};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PolicyId, ShopId, TenantId};
use qianpu_domain::policy::{PhaseNow, PolicyKind, PolicyRule, PolicyScope, Quota, RaiseTurn};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/policies", list_policies, "Rules that hold or will hold, and which of them decides");
    api.get("/policies/calendar", list_policy_changes, "Rules that begin or end from now on, soonest first");
    api.get(
        "/policies/simulation",
        simulate_policies,
        "What applies to a merchant on a day, with which scores, and why; changes nothing",
    );
    api.post("/policies", set_policy, "Add a rule for all merchants or for one");
    api.post("/policies/{policy_id}/end", end_policy, "End one of the provider's own rules now");
}

#[derive(Debug, Serialize, ToSchema)]
struct PolicyView {
    /// What decisions record.
    id: String,
    kind: &'static str,
    /// `platform`, `provider` or `merchant`.
    scope: &'static str,
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    params: BTreeMap<String, String>,
    effective_from: Time,
    effective_to: Option<Time>,
    /// It decides now.
    in_force: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct PoliciesView {
    items: Vec<PolicyView>,
}

fn view(rule: PolicyRule, in_force: bool) -> PolicyView {
    PolicyView {
        kind: rule.params.kind().as_str(),
        scope: rule.scope.as_str(),
        merchant_id: match rule.scope {
            PolicyScope::Merchant(merchant) => Some(Id(merchant)),
            PolicyScope::Platform | PolicyScope::Provider(_) => None,
        },
        params: rule.params.to_pairs().into_iter().collect(),
        effective_from: Time(rule.effective_from),
        effective_to: rule.effective_to.map(Time),
        id: rule.id.0,
        in_force,
    }
}

async fn list_policies(auth: Authed<perm::PolicyRead>) -> Answer<Json<PoliciesView>> {
    let rows = policies::list(&auth.state, &auth.grant).await?;
    let items = rows.into_iter().map(|ListedRule { rule, in_force }| view(rule, in_force)).collect();
    Ok(Json(PoliciesView { items }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetPolicyBody {
    kind: String,
    params: BTreeMap<String, String>,
    /// For one merchant only.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    /// From now when left out.
    #[serde(default)]
    effective_from: Option<Time>,
    #[serde(default)]
    effective_to: Option<Time>,
}

async fn set_policy(auth: Authed<perm::PolicyManage, Json<SetPolicyBody>>) -> Answer<Created<PolicyView>> {
    let body = &auth.input.0;
    let unknown = || FieldError::new("kind", "unknown", "no such kind of rule", "没有该类规则");
    let command = SetPolicy {
        kind: PolicyKind::from_text(&body.kind).ok_or_else(unknown)?,
        params: body.params.clone().into_iter().collect(),
        merchant: body.merchant_id.map(|id| id.0),
        effective_from: body.effective_from.map(|time| time.0),
        effective_to: body.effective_to.map(|time| time.0),
    };
    let rule = policies::set(&auth.state, &auth.grant, &command).await?;
    let in_force = rule.holds_at(auth.state.clock().now());
    Ok(Created(view(rule, in_force)))
}

async fn end_policy(auth: Authed<perm::PolicyManage, Path<PolicyId>>) -> Answer<NoContent> {
    policies::end(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct PolicyChangeView {
    at: Time,
    /// `begins` or `ends`.
    change: &'static str,
    rule: PolicyView,
}

#[derive(Debug, Serialize, ToSchema)]
struct PolicyCalendarView {
    items: Vec<PolicyChangeView>,
}

async fn list_policy_changes(auth: Authed<perm::PolicyRead>) -> Answer<Json<PolicyCalendarView>> {
    let now = auth.state.clock().now();
    let item = |change: Change| PolicyChangeView {
        at: Time(change.at),
        change: if change.begins { "begins" } else { "ends" },
        rule: view(change.rule.clone(), change.rule.holds_at(now)),
    };
    let found = simulate::calendar(&auth.state, &auth.grant).await?;
    Ok(Json(PolicyCalendarView { items: found.into_iter().map(item).collect() }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SimulationQuery {
    /// Needed by a provider; a merchant asks about itself.
    #[param(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    /// `2026-12-31`, where the installation is; from today to 400 days ahead.
    day: String,
    /// The score of each day from today on, in hundredths; else the last one is carried.
    score: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AppliesView {
    rule: PolicyView,
    /// Id of the rule that decides now, when it is another.
    instead_of: Option<String>,
    /// Rules that hold on that day too, and give way to it: narrower goes before wider, later before earlier.
    over: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct QuotaThen {
    kind: &'static str,
    /// Linked now.
    used: u32,
    limit: u32,
    usual: u32,
    rule: String,
    /// `open`, `closed` to new links, or `off`.
    phase: &'static str,
    /// Id of the rule that closes the kind or switches it off.
    phase_rule: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TurnView {
    day: String,
    /// `reached`, `falling`, `recovered` or `fell`.
    turn: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopThenView {
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    name: String,
    quotas: Vec<QuotaThen>,
    /// `standard`, `raised` or `falling`.
    state: &'static str,
    falls_on: Option<String>,
    good_days: u32,
    trading_days: u32,
    score: Option<u32>,
    /// What happens on the way there.
    turns: Vec<TurnView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SimulationView {
    day: String,
    rules: Vec<AppliesView>,
    shops: Vec<ShopThenView>,
}

pub(in crate::http) const fn turn_word(turn: RaiseTurn) -> &'static str {
    match turn {
        RaiseTurn::Reached => "reached",
        RaiseTurn::Falling(_) => "falling",
        RaiseTurn::Recovered => "recovered",
        RaiseTurn::Fell => "fell",
    }
}

fn shop_then(shop: ShopThen) -> ShopThenView {
    let quota = |(kind, quota, phase): (&'static str, Quota, PhaseNow)| QuotaThen {
        phase: phase.phase.as_str(),
        phase_rule: phase.rule.map(|rule| rule.0),
        kind,
        used: quota.used,
        limit: quota.limit,
        usual: quota.usual,
        rule: quota.rule.0,
    };
    let turns = shop.turns.into_iter();
    ShopThenView {
        shop_id: Id(shop.id),
        name: shop.name,
        quotas: shop.quotas.into_iter().map(quota).collect(),
        state: shop.standing.state.as_str(),
        falls_on: shop.standing.falls_on.map(|day| day.to_string()),
        good_days: shop.progress.good_days,
        trading_days: shop.progress.trading_days,
        score: shop.progress.score,
        turns: turns.map(|(day, turn)| TurnView { day: day.to_string(), turn: turn_word(turn) }).collect(),
    }
}

async fn simulate_policies(
    auth: Authed<perm::PolicyRead, Query<SimulationQuery>>,
) -> Answer<Json<SimulationView>> {
    let query = &auth.input.0;
    let wrong = || FieldError::new("day", "invalid", "expected YYYY-MM-DD", "日期格式应为 YYYY-MM-DD");
    let question = Question {
        merchant: query.merchant_id.map(|id| id.0),
        day: query.day.parse().map_err(|_| wrong())?,
        score: query.score,
    };
    let then = simulate::simulate(&auth.state, &auth.grant, &question).await?;
    let applies = |one: Applies| AppliesView {
        rule: view(one.rule, one.instead_of.is_none()),
        instead_of: one.instead_of.map(|id| id.0),
        over: one.over.into_iter().map(|id| id.0).collect(),
    };
    Ok(Json(SimulationView {
        day: then.day.to_string(),
        rules: then.rules.into_iter().map(applies).collect(),
        shops: then.shops.into_iter().map(shop_then).collect(),
    }))
}
