//! `/deposits`: what each shop has to keep.

use crate::app::money::deposits::{self, DepositDetail, DepositMoney};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{DepositId, ShopId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::deposit::Deposit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/deposits", list_deposits, "Deposits of shops");
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
    scheme: String,
    /// `trial`, `short`, `satisfied`, `closing`, `waiting` or `refunded`.
    state: &'static str,
    due: Money,
    /// The rule that says what is due.
    rule_id: String,
    #[schema(value_type = Option<String>)]
    trial_ends_at: Option<Time>,
    /// For the merchant itself.
    money: Option<DepositMoneyView>,
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

fn view(deposit: Deposit, money: Option<DepositMoney>) -> DepositView {
    DepositView {
        id: Id(deposit.id),
        merchant_id: Id(deposit.merchant),
        shop_id: Id(deposit.shop),
        scheme: deposit.scheme,
        state: deposit.state.as_str(),
        due: deposit.due.into(),
        rule_id: deposit.rule_id,
        trial_ends_at: deposit.trial_ends_at.map(Time),
        money: money.map(DepositMoneyView::from),
    }
}

fn detail_view(detail: DepositDetail) -> DepositView {
    view(detail.deposit, Some(detail.money))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DepositListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_deposits(
    auth: Authed<perm::BillingRead, Query<DepositListQuery>>,
) -> Answer<Json<Page<DepositView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    if auth.caller.surface() == Surface::Merchant {
        let items = deposits::list(&auth.state, &auth.grant).await?.into_iter().map(detail_view).collect();
        return Ok(Json(Page { items, next_cursor: None }));
    }
    let found = deposits::list_by_provider(&auth.state, &auth.grant, page).await?;
    Ok(Json(Page::of(found, |deposit| view(deposit, None))))
}

async fn get_deposit(auth: Authed<perm::BillingRead, Path<DepositId>>) -> Answer<Json<DepositView>> {
    Ok(Json(detail_view(deposits::get(&auth.state, &auth.grant, auth.input.0).await?)))
}
