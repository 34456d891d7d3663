//! The calendar ahead, and the simulator: what applies to a merchant on a day, and why.

use super::form::{Field, shown};
use super::{HOME, MerchantOption, ParameterItem, for_providers, merchants_of};
use crate::app::policies::simulate::{self, Question, Then};
use crate::error::Answer;
use crate::http::console::channels::words::kind as kind_name;
use crate::http::extract::{Authed, Call, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::turn_word;
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::TenantId;
use qianpu_domain::policy::{PolicyRule, PolicyScope};
use qianpu_domain::score::{self, read_mark};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const CALENDAR: &str = "/console/provider/policies/calendar";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(CALENDAR, policy_calendar_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct CalendarQuery {
    merchant: Option<String>,
    day: Option<String>,
    score: Option<String>,
}

#[derive(Serialize)]
struct RuleItem {
    kind: &'static str,
    scope: &'static str,
    merchant: String,
    parameters: Vec<ParameterItem>,
    id: String,
}

#[derive(Serialize)]
struct ChangeItem {
    at: i64,
    begins: bool,
    rule: RuleItem,
}

#[derive(Serialize)]
struct AppliesItem {
    rule: RuleItem,
    instead_of: Option<String>,
    over: usize,
}

#[derive(Serialize)]
struct QuotaItem {
    phase: &'static str,
    kind: String,
    used: u32,
    limit: u32,
    rule: String,
}

#[derive(Serialize)]
struct TurnItem {
    day: String,
    turn: &'static str,
}

#[derive(Serialize)]
struct ShopItem {
    name: String,
    state: &'static str,
    falls_on: Option<String>,
    score: Option<String>,
    good_days: u32,
    trading_days: u32,
    quotas: Vec<QuotaItem>,
    turns: Vec<TurnItem>,
}

#[derive(Serialize)]
struct ThenView {
    day: String,
    rules: Vec<AppliesItem>,
    shops: Vec<ShopItem>,
}

#[derive(Serialize)]
struct CalendarView {
    home: &'static str,
    at: &'static str,
    form: FormView,
    changes: Vec<ChangeItem>,
    merchants: Vec<MerchantOption>,
    then: Option<ThenView>,
}

fn rule_item(call: &Call, rule: &PolicyRule, merchants: &[MerchantOption]) -> RuleItem {
    let kind = rule.params.kind();
    let merchant = match rule.scope {
        PolicyScope::Merchant(id) => {
            let id = id.to_string();
            let known = merchants.iter().find(|merchant| merchant.value == id);
            known.map_or(id, |merchant| merchant.label.clone())
        }
        PolicyScope::Platform | PolicyScope::Provider(_) => String::new(),
    };
    let pairs = rule.params.to_pairs().into_iter();
    RuleItem {
        kind: kind.as_str(),
        scope: rule.scope.as_str(),
        merchant,
        parameters: pairs
            .map(|(key, value)| {
                let field = Field::of(call, kind, &key);
                ParameterItem { value: shown(call, &field, &value), label: field.label }
            })
            .collect(),
        id: rule.id.0.clone(),
    }
}

fn then_view(call: &Call, then: Then, merchants: &[MerchantOption]) -> ThenView {
    let lang = call.info.lang;
    ThenView {
        day: then.day.to_string(),
        rules: then
            .rules
            .into_iter()
            .map(|one| AppliesItem {
                rule: rule_item(call, &one.rule, merchants),
                instead_of: one.instead_of.map(|id| id.0),
                over: one.over.len(),
            })
            .collect(),
        shops: then
            .shops
            .into_iter()
            .map(|shop| ShopItem {
                name: shop.name,
                state: shop.standing.state.as_str(),
                falls_on: shop.standing.falls_on.map(|day| day.to_string()),
                score: shop.progress.score.map(score::shown),
                good_days: shop.progress.good_days,
                trading_days: shop.progress.trading_days,
                quotas: shop
                    .quotas
                    .into_iter()
                    .map(|(kind, quota, phase)| QuotaItem {
                        phase: phase.phase.as_str(),
                        kind: kind_name(kind, lang),
                        used: quota.used,
                        limit: quota.limit,
                        rule: quota.rule.0,
                    })
                    .collect(),
                turns: shop
                    .turns
                    .into_iter()
                    .map(|(day, turn)| TurnItem { day: day.to_string(), turn: turn_word(turn) })
                    .collect(),
            })
            .collect(),
    }
}

/// The question as it was typed.
fn question(typed: &Fields) -> Answer<Question> {
    let mut errors = Vec::new();
    let merchant: Option<TenantId> = typed.parsed("merchant", &mut errors);
    let day = typed.parsed("day", &mut errors);
    for (name, missing) in [("merchant", merchant.is_none()), ("day", day.is_none())] {
        if missing && typed.text(name).is_empty() {
            errors.push(FieldError::required(name));
        }
    }
    let text = typed.text("score");
    let score = read_mark(text);
    if !text.is_empty() && score.is_none() {
        let (en, zh) = ("a mark such as 4.63", "请填写 1.00 到 5.00 之间的分数，例如 4.63");
        errors.push(FieldError::new("score", "range", en, zh));
    }
    match (merchant, day) {
        (Some(merchant), Some(day)) if errors.is_empty() => {
            Ok(Question { merchant: Some(merchant), day, score })
        }
        _ => Err(errors.into()),
    }
}

async fn policy_calendar_page(auth: Authed<perm::PolicyRead, Query<CalendarQuery>>) -> PageAnswer {
    for_providers(&auth)?;
    let Query(query) = &auth.input;
    let merchants = merchants_of(&auth, auth.caller.grant().ok()).await?;
    let field = |name: &str, value: &Option<String>| (name.to_owned(), value.clone().unwrap_or_default());
    let typed = Fields(vec![
        field("merchant", &query.merchant),
        field("day", &query.day),
        field("score", &query.score),
    ]);
    let asked = query.merchant.is_some() || query.day.is_some();
    let mut form = FormView::filled(typed.0.iter().cloned());
    let mut then = None;
    let mut refused = false;
    if asked {
        let answer = match question(&typed) {
            Ok(question) => simulate::simulate(&auth.state, &auth.grant, &question).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(found) => then = Some(then_view(&auth, found, &merchants)),
            Err(error) if error.code().status() == 422 => {
                form = FormView::refused_by(&typed, &error, auth.info.lang);
                refused = true;
            }
            Err(error) => return Err(error),
        }
    }
    let changes = simulate::calendar(&auth.state, &auth.grant).await?;
    let changes = changes
        .iter()
        .map(|change| ChangeItem {
            at: change.at.micros(),
            begins: change.begins,
            rule: rule_item(&auth, &change.rule, &merchants),
        })
        .collect();
    let view = CalendarView { home: HOME, at: CALENDAR, form, changes, merchants, then };
    if refused { auth.refused_page("policies/calendar", view) } else { auth.page("policies/calendar", view) }
}
