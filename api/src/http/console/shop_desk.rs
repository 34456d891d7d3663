//! The provider's view of its merchants' shops: the list, one shop, and stopping it or letting it go on.

use super::apply::may_be_mended;
use crate::app::shops::{self, suspension};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::ids::ShopId;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::shop::Shop;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/provider/shops";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, provider_shops_page);
    pages.get("/console/provider/shops/{shop_id}", provider_shop_page);
    pages.post("/console/provider/shops/{shop_id}/suspend", suspend_form);
    pages.post("/console/provider/shops/{shop_id}/resume", resume_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ShopRow {
    href: String,
    name: String,
    slug: String,
    state: &'static str,
    opened_at: i64,
    trading_at: Option<i64>,
}

async fn provider_shops_page(auth: Authed<perm::ShopRead, Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct ShopsView {
        rows: Vec<ShopRow>,
        may_record: bool,
        next_page: Option<String>,
    }
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = shops::list(&auth.state, &auth.grant, None, page).await?;
    let next_page = found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next)));
    let row = |shop: Shop| ShopRow {
        href: format!("{HOME}/{}", shop.id),
        name: shop.name,
        slug: shop.slug,
        state: shop.state.as_str(),
        opened_at: shop.opened_at.micros(),
        trading_at: shop.trading_at.map(|at| at.micros()),
    };
    let rows = found.items.into_iter().map(row).collect();
    let may_record = auth.caller.may(Permission::ShopScoreWrite);
    auth.page("shops/desk_list", ShopsView { rows, may_record, next_page })
}

#[derive(Serialize)]
struct SuspensionItem {
    cause: &'static str,
    reason: String,
    by: String,
    at: i64,
    lifted_by: String,
    lifted_at: Option<i64>,
}

#[derive(Serialize)]
struct DeskView {
    form: FormView,
    at: String,
    scores: String,
    name: String,
    slug: String,
    state: &'static str,
    merchant: String,
    opened_at: i64,
    trading_at: Option<i64>,
    visible: bool,
    may_suspend: bool,
    may_resume: bool,
    suspensions: Vec<SuspensionItem>,
}

async fn view<T>(auth: &Authed<perm::ShopRead, T>, id: ShopId, form: FormView) -> Answer<DeskView> {
    if auth.caller.surface() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let shop = shops::get(&auth.state, &auth.grant, id).await?;
    let suspensions = suspension::history(&auth.state, &auth.grant, &shop).await?;
    let may = auth.caller.may(Permission::ShopSuspend);
    Ok(DeskView {
        form,
        at: format!("{HOME}/{id}"),
        scores: format!("{HOME}/{id}/scores"),
        name: shop.name,
        slug: shop.slug,
        state: shop.state.as_str(),
        merchant: format!("/console/provider/merchants/{}", shop.tenant),
        opened_at: shop.opened_at.micros(),
        trading_at: shop.trading_at.map(|at| at.micros()),
        visible: shop.state.visible(),
        may_suspend: may && shop.state == ShopState::Trading,
        may_resume: may && shop.state == ShopState::Suspended,
        suspensions: suspensions
            .into_iter()
            .map(|row| SuspensionItem {
                cause: row.cause.as_str(),
                reason: row.reason,
                by: row.by,
                at: row.at.micros(),
                lifted_by: row.lifted_by.unwrap_or_default(),
                lifted_at: row.lifted_at.map(|at| at.micros()),
            })
            .collect(),
    })
}

async fn provider_shop_page(auth: Authed<perm::ShopRead, Path<ShopId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("shops/desk", view)
}

type Suspend = Authed<perm::ShopSuspend, (Path<ShopId>, Fields)>;

async fn after(auth: Suspend, outcome: Answer<Shop>, done: &'static str) -> PageAnswer {
    let (Path(id), fields) = auth.input.clone();
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success(done), &format!("{HOME}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&fields, &error, auth.info.lang);
            let grant = auth.caller.grant::<perm::ShopRead>()?;
            let reading = Authed { call: auth.call, caller: auth.caller, grant, input: () };
            let view = view(&reading, id, form).await?;
            reading.refused_page("shops/desk", view)
        }
        Err(error) => Err(error),
    }
}

async fn suspend_form(auth: Suspend) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let outcome = suspension::suspend(&auth.state, &auth.grant, *id, fields.text("reason")).await;
    after(auth, outcome, "shops.suspended").await
}

async fn resume_form(auth: Suspend) -> PageAnswer {
    let outcome = suspension::resume(&auth.state, &auth.grant, auth.input.0.0).await;
    after(auth, outcome, "shops.resumed").await
}
