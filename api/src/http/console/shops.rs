//! A merchant's shops: what stands before the opening, the opening itself, name and notice.

use super::application_view::category_name;
use super::apply::may_be_mended;
use crate::app::categories;
use crate::app::shops::{self, UpdateShop, suspension};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::menu::MENU;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::ids::ShopId;
use qianpu_domain::shop::{ShopState, SuspensionCause};
use qianpu_tenants::authz::{Grant, perm};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/merchant/shops";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, shops_page);
    pages.get("/console/merchant/shops/{shop_id}", shop_page);
    pages.post("/console/merchant/shops/{shop_id}", shop_form);
    pages.post("/console/merchant/shops/{shop_id}/start_trading", start_trading_form);
    pages.post("/console/merchant/shops/{shop_id}/close", close_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ShopRow {
    id: String,
    name: String,
    slug: String,
    state: &'static str,
    opened_at: i64,
    trading_at: Option<i64>,
}

async fn shops_page(auth: Authed<perm::ShopRead, Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct ShopsView {
        rows: Vec<ShopRow>,
        next_page: Option<String>,
    }
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = shops::list(&auth.state, &auth.grant, None, page).await?;
    // Most merchants have one shop; they see it at once.
    if let ([only], None) = (found.items.as_slice(), &auth.input.0.cursor) {
        return Ok(auth.redirect(&format!("{HOME}/{}", only.id)));
    }
    let next_page = found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next)));
    let rows = found
        .items
        .into_iter()
        .map(|shop| ShopRow {
            id: shop.id.to_string(),
            name: shop.name,
            slug: shop.slug,
            state: shop.state.as_str(),
            opened_at: shop.opened_at.micros(),
            trading_at: shop.trading_at.map(|at| at.micros()),
        })
        .collect();
    auth.page("shops/list", ShopsView { rows, next_page })
}

#[derive(Serialize)]
struct Suspended {
    cause: &'static str,
    reason: String,
    at: i64,
    for_documents: bool,
}

#[derive(Serialize)]
struct ShopView {
    form: FormView,
    at: String,
    name: String,
    slug: String,
    state: &'static str,
    category: String,
    opened_at: i64,
    trading_at: Option<i64>,
    visible: bool,
    agreement_signed: bool,
    /// Why it is suspended; none when it is not.
    suspended: Option<Suspended>,
    may_start: bool,
    may_change: bool,
    may_close: bool,
    /// Where accounts are linked, by the menu; empty when there is no such page.
    channels: &'static str,
}

async fn view<T>(
    auth: &Authed<perm::ShopRead, T>,
    grant: &Grant<perm::ShopRead>,
    id: ShopId,
    form: Option<FormView>,
) -> Answer<ShopView> {
    // This page belongs to the merchant console; a provider's staff has its own.
    if auth.caller.surface() != Surface::Merchant {
        return Err(ApiError::not_found());
    }
    let shop = shops::get(&auth.state, grant, id).await?;
    let readiness = shops::readiness(&auth.state, grant, &shop).await?;
    let tree = categories::category_tree(&auth.state.db, grant).await?;
    let may_change = auth.caller.may(Permission::ShopManage);
    let stored = || FormView::filled([("name", shop.name.clone()), ("notice", shop.notice.clone())]);
    Ok(ShopView {
        form: form.unwrap_or_else(stored),
        at: format!("{HOME}/{id}"),
        category: shop.category.map_or_else(String::new, |id| category_name(auth, &tree, id)),
        state: shop.state.as_str(),
        opened_at: shop.opened_at.micros(),
        trading_at: shop.trading_at.map(|at| at.micros()),
        visible: shop.state.visible(),
        agreement_signed: readiness.agreement_signed,
        suspended: suspension::current(&auth.state, grant, &shop).await?.map(|it| Suspended {
            cause: it.cause.as_str(),
            reason: it.reason,
            at: it.at.micros(),
            for_documents: it.cause == SuspensionCause::DocumentExpired,
        }),
        may_start: may_change && readiness.may_start,
        may_change,
        may_close: may_change && shop.state != ShopState::Closed,
        channels: page_of(Permission::AccountRead),
        name: shop.name,
        slug: shop.slug,
    })
}

/// The first page of the merchant's menu that asks for a permission.
fn page_of(permission: Permission) -> &'static str {
    let row = MENU.iter().find(|row| row.surface == Surface::Merchant && row.permission == permission);
    row.map_or("", |row| row.href)
}

async fn shop_page(auth: Authed<perm::ShopRead, Path<ShopId>>) -> PageAnswer {
    let view = view(&auth, &auth.grant, auth.input.0, None).await?;
    auth.page("shops/shop", view)
}

async fn shop_form(auth: Authed<perm::ShopManage, (Path<ShopId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = UpdateShop {
        name: Some(fields.text("name").to_owned()),
        notice: Some(fields.text("notice").to_owned()),
    };
    match shops::update(&auth.state, &auth.grant, *id, None, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("shops.saved"), &format!("{HOME}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let id = *id;
            let grant = auth.caller.grant::<perm::ShopRead>()?;
            let reading = Authed { call: auth.call, caller: auth.caller, grant, input: () };
            let view = view(&reading, &reading.grant, id, Some(form)).await?;
            reading.refused_page("shops/shop", view)
        }
        Err(error) => Err(error),
    }
}

async fn start_trading_form(auth: Authed<perm::ShopManage, (Path<ShopId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    shops::start_trading(&auth.state, &auth.grant, id).await?;
    Ok(auth.redirect_with(&Flash::success("shops.started"), &format!("{HOME}/{id}")))
}

async fn close_form(auth: Authed<perm::ShopManage, (Path<ShopId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let shop = shops::close(&auth.state, &auth.grant, id).await?;
    let told = if shop.state == ShopState::Closed { "shops.closed" } else { "shops.closing" };
    Ok(auth.redirect_with(&Flash::success(told), &format!("{HOME}/{id}")))
}
