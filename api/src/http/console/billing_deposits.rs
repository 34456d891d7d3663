//! The deposits of a provider's shops, and the rules they follow.

use super::apply::may_be_mended;
use super::billing::providers_only;
use super::billing_subscriptions::{merchant_names, name_in};
use super::money_deposits::{DepositLine, deposit_line};
use crate::app::categories::{self, CategoryInput};
use crate::app::money::deposits_read;
use crate::app::policies;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::error::FieldError;
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{PolicyKind, PolicyParams, PolicyScope};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::category::Category;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const DEPOSITS: &str = "/console/provider/deposits";
const RULES: &str = "/console/provider/deposits/rules";
/// Categories with a deposit that the page shows.
const MOST_CATEGORIES: usize = 200;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(DEPOSITS, deposits_page);
    pages.get(RULES, rules_page);
    pages.post("/console/provider/deposits/rules/category", category_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct StateQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    count: i64,
}

#[derive(Serialize)]
struct DepositsView {
    tabs: Vec<Tab>,
    state: &'static str,
    rows: Vec<DepositLine>,
    next_page: Option<String>,
    /// A case may be opened.
    may_open: bool,
}

async fn deposits_page(auth: Authed<perm::BillingRead, Query<StateQuery>>) -> PageAnswer {
    providers_only(&auth)?;
    let Query(query) = &auth.input;
    let state = query.state.as_deref().and_then(DepositState::from_text);
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let found = deposits_read::list_by_provider(&auth.state, &auth.grant, state, page).await?;
    let counts = deposits_read::counts(&auth.state, &auth.grant).await?;
    let names = merchant_names(&auth).await?;
    let tree = categories::category_tree(&auth.state.db, &auth.grant).await?;
    let word = state.map_or("", DepositState::as_str);
    let next_page = found.next.map(|next| format!("{DEPOSITS}?state={word}&cursor={}", cursor_text(&next)));
    let line = |standing: deposits_read::DepositStanding| {
        let merchant_name = name_in(&names, standing.deposit.merchant);
        deposit_line(&auth.call, standing, &tree, merchant_name)
    };
    let view = DepositsView {
        tabs: tabs(&counts),
        state: word,
        rows: found.items.into_iter().map(line).collect(),
        next_page,
        may_open: auth.caller.may(Permission::DepositCaseManage),
    };
    auth.page("billing/deposits", view)
}

/// All, the usual states, and the others where there are any.
fn tabs(counts: &[(DepositState, i64)]) -> Vec<Tab> {
    use DepositState::{Satisfied, Short, Trial};
    let count_of = |state| counts.iter().find(|(own, _)| *own == state).map_or(0, |(_, count)| *count);
    let all = Tab { state: "", count: counts.iter().map(|(_, count)| count).sum() };
    let shown = [Short, Trial, Satisfied].into_iter().chain(
        DepositState::ALL
            .iter()
            .copied()
            .filter(|state| !matches!(state, Short | Trial | Satisfied) && count_of(*state) > 0),
    );
    std::iter::once(all)
        .chain(shown.map(|state| Tab { state: state.as_str(), count: count_of(state) }))
        .collect()
}

#[derive(Serialize)]
struct CategoryLine {
    code: String,
    name: String,
    deposit: i64,
}

#[derive(Serialize)]
struct RulesView {
    days: u32,
    orders: u32,
    turnover: i64,
    rule: String,
    /// The provider's own rule, not the platform's default.
    own: bool,
    since: i64,
    may_change: bool,
    form: FormView,
    categories: Vec<CategoryLine>,
}

async fn rules_view<P: qianpu_tenants::authz::Perm, T>(
    auth: &Authed<P, T>,
    refused: Option<FormView>,
) -> Answer<RulesView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::PolicyRead>()?;
    let listed = policies::list(&auth.state, &grant).await?;
    let for_all = listed.into_iter().find(|row| {
        let merchants = matches!(row.rule.scope, PolicyScope::Merchant(_));
        row.in_force && !merchants && row.rule.params.kind() == PolicyKind::DepositTrial
    });
    let rule = for_all.ok_or_else(|| ApiError::internal("no rule for trials"))?.rule;
    let PolicyParams::DepositTrial { days, orders, gmv } = rule.params else {
        return Err(ApiError::internal("a rule of another kind"));
    };
    let lang = auth.info.lang;
    let tree = categories::category_tree(&auth.state.db, &grant).await?;
    let mut asking: Vec<&Category> = tree.iter().filter(|node| node.deposit > Fen::ZERO).collect();
    asking.sort_by(|one, other| other.deposit.cmp(&one.deposit).then_with(|| one.code.cmp(&other.code)));
    asking.truncate(MOST_CATEGORIES);
    Ok(RulesView {
        days,
        orders,
        turnover: gmv.get(),
        own: rule.scope != PolicyScope::Platform,
        rule: rule.id.0,
        since: rule.effective_from.micros(),
        may_change: auth.caller.may(Permission::PolicyManage),
        form: refused.unwrap_or_default(),
        categories: asking
            .into_iter()
            .map(|node| CategoryLine {
                code: node.code.clone(),
                name: lang.pick(&node.name_zh, &node.name_en).to_owned(),
                deposit: node.deposit.get(),
            })
            .collect(),
    })
}

async fn rules_page(auth: Authed<perm::BillingRead>) -> PageAnswer {
    let view = rules_view(&auth, None).await?;
    auth.page("billing/deposit_rules", view)
}

fn yuan(fields: &Fields, name: &str, errors: &mut Vec<FieldError>) -> Fen {
    let known = errors.len();
    let amount = fields.yuan(name, errors);
    if amount.is_none() && errors.len() == known {
        errors.push(FieldError::required(name));
    }
    amount.unwrap_or(Fen::ZERO)
}

async fn set_category(auth: &Authed<perm::PolicyManage, Fields>) -> Answer<()> {
    let fields = &auth.input;
    let mut errors = Vec::new();
    let deposit = yuan(fields, "deposit", &mut errors);
    let tree = categories::category_tree(&auth.state.db, &auth.grant).await?;
    let code = fields.text("code");
    let node = tree.into_iter().find(|node| node.code == code);
    if node.is_none() {
        let (en, zh) = ("no category has this code", "没有该编码的类目");
        errors.push(FieldError::new("code", "unknown", en, zh));
    }
    let (Some(node), true) = (node, errors.is_empty()) else { return Err(errors.into()) };
    let input = CategoryInput {
        name_zh: node.name_zh,
        name_en: node.name_en,
        admission: node.admission,
        deposit,
        position: node.position,
    };
    categories::category_update(&auth.state.db, &auth.grant, node.id, Some(node.version), &input).await?;
    Ok(())
}

async fn category_form(auth: Authed<perm::PolicyManage, Fields>) -> PageAnswer {
    providers_only(&auth)?;
    match set_category(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("billing.category_deposit_set"), RULES)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input, &error, auth.info.lang);
            let view = rules_view(&auth, Some(form)).await?;
            auth.refused_page("billing/deposit_rules", view)
        }
        Err(error) => Err(error),
    }
}
