//! `/merchants`: the provider's merchants.

use super::applications::{ApplicationRowView, row_view};
use super::shops::{ShopView, shop_view};
use crate::app::merchants;
use crate::app::tenancy::merchants as life;
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::tenant::TenantRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/merchants", list_merchants, "The provider's merchants, newest first");
    api.get("/merchants/{merchant_id}", get_merchant, "One merchant with its shops and applications");
    api.post(
        "/merchants/{merchant_id}/suspend",
        suspend_merchant,
        "Stop a merchant: its people may look and change nothing, its storefronts close",
    );
    api.post("/merchants/{merchant_id}/resume", resume_merchant, "Let a suspended merchant go on");
    api.post(
        "/merchants/{merchant_id}/close",
        close_merchant,
        "Close a merchant without open orders and deposits for good",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListMerchantsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantRowView {
    #[schema(value_type = String)]
    id: Id<TenantId>,
    name: String,
    /// `applying`, `active`, `suspended` or `closed`.
    state: &'static str,
    subject_kind: Option<String>,
    created_at: Time,
    /// Why it is suspended or closed.
    state_reason: Option<String>,
    /// Since when it is suspended or closed.
    state_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MerchantView {
    #[serde(flatten)]
    merchant: MerchantRowView,
    shops: Vec<ShopView>,
    applications: Vec<ApplicationRowView>,
}

fn view(row: TenantRow) -> MerchantRowView {
    MerchantRowView {
        id: Id(row.id),
        name: row.name,
        state: row.state.as_str(),
        subject_kind: row.subject_kind,
        created_at: Time(row.created_at),
        state_reason: row.state_reason,
        state_at: row.state_at.map(Time),
    }
}

async fn list_merchants(
    auth: Authed<perm::MerchantRead, Query<ListMerchantsQuery>>,
) -> Answer<Json<Page<MerchantRowView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(merchants::list(&auth.state, &auth.grant, page).await?, view)))
}

async fn get_merchant(auth: Authed<perm::MerchantRead, Path<TenantId>>) -> Answer<Json<MerchantView>> {
    let merchant = merchants::get(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(MerchantView {
        merchant: view(merchant.row),
        shops: merchant.shops.into_iter().map(shop_view).collect(),
        applications: merchant.applications.into_iter().map(row_view).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StopMerchantBody {
    /// Why; the merchant's people read it.
    reason: String,
}

type Stops = Authed<perm::MerchantManage, (Path<TenantId>, Json<StopMerchantBody>)>;

async fn suspend_merchant(auth: Stops) -> Answer<Json<MerchantRowView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Json(view(life::suspend(&auth.state, &auth.grant, *id, &body.reason).await?)))
}

async fn resume_merchant(
    auth: Authed<perm::MerchantManage, Path<TenantId>>,
) -> Answer<Json<MerchantRowView>> {
    Ok(Json(view(life::resume(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn close_merchant(auth: Stops) -> Answer<Json<MerchantRowView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Json(view(life::close(&auth.state, &auth.grant, *id, &body.reason).await?)))
}
