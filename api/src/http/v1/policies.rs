//! `/policies`: the policy calendar.

use crate::app::policies::{self, ListedRule, SetPolicy};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PolicyId, TenantId};
use qianpu_domain::policy::{PolicyKind, PolicyRule, PolicyScope};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/policies", list_policies, "Rules that hold or will hold, and which of them decides");
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
