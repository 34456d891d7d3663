//! `/deposits`: what each shop has to keep.

use crate::app::money::deposits_read::{self, DepositMoney, DepositStanding};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::access::Surface;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{DepositId, ShopId, TenantId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/deposits", list_deposits, "Deposits of shops, with their money");
    api.get("/deposits/{deposit_id}", get_deposit, "One deposit of a shop, with its money");
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositView {
    #[schema(value_type = String)]
    id: Id<DepositId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    shop_name: String,
    scheme: String,
    /// `trial`, `short`, `satisfied`, `closing`, `waiting` or `refunded`.
    state: &'static str,
    due: Money,
    /// The rule that says what is due.
    rule_id: String,
    money: DepositMoneyView,
    trial: TrialView,
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositMoneyView {
    balance: Money,
    /// Held for open cases.
    frozen: Money,
    /// The part above what is due.
    withdrawable: Money,
    missing: Money,
}

/// The zero-deposit trial: what ends it, whichever comes first.
#[derive(Debug, Serialize, ToSchema)]
struct TrialView {
    began_at: Time,
    ends_at: Time,
    most_orders: i64,
    most_turnover: Money,
    /// The rule of kind `deposit_trial` that was in force when it began.
    rule_id: String,
    /// Orders paid since it began, refunded later or not; while it runs.
    orders: Option<i64>,
    /// What was paid for them; while it runs.
    turnover: Option<Money>,
    /// The limit that was reached: `days`, `orders` or `turnover`; none when it runs or the deposit was paid before.
    ended_by: Option<&'static str>,
    ended_at: Option<Time>,
}

impl From<DepositMoney> for DepositMoneyView {
    fn from(money: DepositMoney) -> Self {
        Self {
            balance: money.balance.into(),
            frozen: money.frozen.into(),
            withdrawable: money.withdrawable.into(),
            missing: money.missing.into(),
        }
    }
}

fn view(standing: DepositStanding) -> DepositView {
    let DepositStanding { deposit, money, used, shop_name } = standing;
    DepositView {
        id: Id(deposit.id),
        merchant_id: Id(deposit.merchant),
        shop_id: Id(deposit.shop),
        shop_name,
        scheme: deposit.scheme,
        state: deposit.state.as_str(),
        due: deposit.due.into(),
        rule_id: deposit.rule_id,
        money: money.into(),
        trial: TrialView {
            began_at: Time(deposit.opened_at),
            ends_at: Time(deposit.trial.ends_at),
            most_orders: deposit.trial.orders,
            most_turnover: deposit.trial.turnover.into(),
            rule_id: deposit.trial_rule_id,
            orders: used.map(|used| used.orders),
            turnover: used.map(|used| used.turnover.into()),
            ended_by: deposit.trial_ended.map(|(limit, _)| limit.as_str()),
            ended_at: deposit.trial_ended.map(|(_, at)| Time(at)),
        },
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DepositListQuery {
    /// Only in this state.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_deposits(
    auth: Authed<perm::BillingRead, Query<DepositListQuery>>,
) -> Answer<Json<Page<DepositView>>> {
    let Query(query) = &auth.input;
    let unknown = || FieldError::new("state", "invalid", "a state of a deposit", "应为保证金状态");
    let state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(DepositState::from_text(word).ok_or_else(unknown)?),
    };
    let page = page_request(query.limit, query.cursor.as_deref())?;
    if auth.caller.surface() == Surface::Merchant {
        let found = deposits_read::list(&auth.state, &auth.grant).await?;
        let wanted = |standing: &DepositStanding| state.is_none_or(|state| standing.deposit.state == state);
        let items = found.into_iter().map(|detail| detail.standing).filter(wanted).map(view).collect();
        return Ok(Json(Page { items, next_cursor: None }));
    }
    let found = deposits_read::list_by_provider(&auth.state, &auth.grant, state, page).await?;
    Ok(Json(Page::of(found, view)))
}

async fn get_deposit(auth: Authed<perm::BillingRead, Path<DepositId>>) -> Answer<Json<DepositView>> {
    Ok(Json(view(deposits_read::get(&auth.state, &auth.grant, auth.input.0).await?.standing)))
}
