//! Limited-time discounts of an account: the list, choosing a product, and the form.

use super::{Stage, failed, moment, of_account};
use crate::app::promotions::Reading;
use crate::app::promotions::discounts::{self, Shown, ShownSku, TypedDiscount, TypedSku};
use crate::app::promotions::goods::{self, Goods};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::console::goods::yuan_text;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, DiscountId, ListingId, SkuId};
use qianpu_domain::promotion::DiscountState;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let discounts = "/console/merchant/channel_accounts/{channel_account_id}/discounts";
    pages.get(discounts, discounts_page);
    pages.post(discounts, make_discount_form);
    pages.get(&format!("{discounts}/new"), new_discount_page);
    pages.post(&format!("{discounts}/read"), read_discounts_form);
    pages.post("/console/merchant/discounts/{discount_id}/stop", stop_discount_form);
    pages.post("/console/merchant/discounts/{discount_id}/delete", delete_discount_form);
}

/// How the fields of a SKU begin; the SKU's id follows.
const PRICE: &str = "price_";
const QUANTITY: &str = "quantity_";

#[derive(Deserialize, IntoParams)]
struct DiscountsQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct SkuRow {
    values: String,
    price: i64,
    quantity: i64,
}

#[derive(Serialize)]
struct DiscountRowView {
    href: String,
    listing: Option<String>,
    title: Option<String>,
    external_product_id: String,
    state: &'static str,
    unclear: bool,
    refusal: Option<String>,
    skus: Vec<SkuRow>,
    starts_at: i64,
    ends_at: i64,
    read_at: Option<i64>,
    may_stop: bool,
    may_delete: bool,
}

#[derive(Serialize)]
struct DiscountsView {
    stage: Stage,
    at: String,
    discounts: Vec<DiscountRowView>,
    next_page: Option<String>,
    may_manage: bool,
}

fn row(shown: Shown) -> DiscountRowView {
    let Shown { row, state, title, skus } = shown;
    let sku = |sku: ShownSku| SkuRow {
        values: sku.values.join(" / "),
        price: sku.price.get(),
        quantity: sku.quantity,
    };
    DiscountRowView {
        href: format!("/console/merchant/discounts/{}", row.id),
        listing: row.terms.listing.map(|id| format!("/console/merchant/listings/{id}")),
        title,
        state: state.as_str(),
        unclear: state == DiscountState::Unclear,
        may_stop: state.is_open() && row.external_id.is_some(),
        may_delete: state.is_over(),
        external_product_id: row.terms.native_product_id,
        refusal: row.refusal,
        skus: skus.into_iter().map(sku).collect(),
        starts_at: row.terms.starts_at.micros(),
        ends_at: row.terms.ends_at.micros(),
        read_at: row.read_at.map(|at| at.micros()),
    }
}

async fn discounts_page(
    auth: Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<DiscountsQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let account = crate::app::promotions::account(&auth.state, &auth.grant, *id).await?;
    let found = discounts::list(&auth.state, &auth.grant, *id, page).await?;
    let at = of_account(*id, "discounts");
    let view = DiscountsView {
        stage: Stage::of(&account, "discounts"),
        next_page: found.next.map(|next| format!("{at}?cursor={}", cursor_text(&next))),
        at,
        discounts: found.items.into_iter().map(row).collect(),
        may_manage: auth.caller.may(Permission::PromotionManage),
    };
    auth.page("promotions/discounts", view)
}

#[derive(Deserialize, IntoParams)]
struct NewDiscountQuery {
    listing_id: Option<String>,
}

#[derive(Serialize)]
struct GoodsRow {
    href: String,
    title: String,
    price: Option<i64>,
    stock: i64,
}

#[derive(Serialize)]
struct ChooseView {
    at: String,
    goods: Vec<GoodsRow>,
}

#[derive(Serialize)]
struct SkuField {
    values: String,
    price: i64,
    stock: i64,
    price_field: String,
    quantity_field: String,
}

#[derive(Serialize)]
struct NewView {
    form: FormView,
    at: String,
    listing_id: String,
    title: String,
    skus: Vec<SkuField>,
    longest_hours: Option<i64>,
    limits_price: bool,
    price_above: String,
    least_less: String,
}

async fn new_discount_page(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Query<NewDiscountQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let reading = auth.caller.grant::<perm::PromotionRead>()?;
    crate::app::promotions::account(&auth.state, &reading, *id).await?;
    let chosen = query.listing_id.as_deref().and_then(|text| text.parse::<ListingId>().ok());
    if let Some(listing) = chosen {
        let goods =
            goods::one(&auth.state, &auth.grant, *id, listing).await?.ok_or_else(ApiError::not_found)?;
        let view = new_view(&auth, *id, goods, FormView::default());
        return auth.page("promotions/discount_new", view);
    }
    let at = of_account(*id, "discounts");
    let row = |goods: Goods| GoodsRow {
        href: format!("{at}/new?listing_id={}", goods.listing),
        price: goods.skus.iter().map(|sku| sku.price.get()).min(),
        stock: goods.skus.iter().map(|sku| sku.stock).sum(),
        title: goods.title,
    };
    let goods = goods::list(&auth.state, &auth.grant, *id).await?.into_iter().map(row).collect();
    auth.page("promotions/discount_choose", ChooseView { goods, at: at.clone() })
}

fn new_view<T>(
    auth: &Authed<perm::PromotionManage, T>,
    id: ChannelAccountId,
    goods: Goods,
    form: FormView,
) -> NewView {
    let limits = auth.state.config.promotions.discount_limits();
    NewView {
        form,
        at: of_account(id, "discounts"),
        listing_id: goods.listing.to_string(),
        title: goods.title,
        skus: goods
            .skus
            .into_iter()
            .map(|sku| SkuField {
                values: sku.values.join(" / "),
                price: sku.price.get(),
                stock: sku.stock,
                price_field: format!("{PRICE}{}", sku.sku),
                quantity_field: format!("{QUANTITY}{}", sku.sku),
            })
            .collect(),
        longest_hours: limits.longest.map(|span| span.as_seconds() / 3600),
        limits_price: limits.least_less.get() > 0,
        price_above: yuan_text(limits.price_above),
        least_less: yuan_text(limits.least_less),
    }
}

/// What was typed, with the ids of the SKUs in their order.
fn typed(fields: &Fields, listing: ListingId, zone: &str) -> Result<TypedDiscount, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut time = |field: &str| match moment(field, fields.text(field), zone) {
        Ok(moment) => moment,
        Err(error) => {
            errors.push(error);
            qianpu_domain::time::Timestamp::from_micros(0)
        }
    };
    let (starts_at, ends_at) = (time("starts_at"), time("ends_at"));
    let mut skus = Vec::new();
    for (name, _) in &fields.0 {
        let Some(sku) = name.strip_prefix(PRICE).and_then(|id| id.parse::<SkuId>().ok()) else { continue };
        let quantity_field = format!("{QUANTITY}{sku}");
        let price = fields.yuan(name, &mut errors);
        let quantity = fields.whole(&quantity_field, &mut errors);
        match (price, quantity) {
            (Some(price), Some(quantity)) => skus.push(TypedSku { sku, price, quantity }),
            (Some(_), None) if fields.text(&quantity_field).is_empty() => {
                errors.push(FieldError::required(quantity_field));
            }
            (None, Some(_)) if fields.text(name).is_empty() => {
                errors.push(FieldError::required(name.clone()))
            }
            _ => {}
        }
    }
    if errors.is_empty() { Ok(TypedDiscount { listing, starts_at, ends_at, skus }) } else { Err(errors) }
}

/// `skus[0].price` is the field of that SKU.
fn at_fields(error: ApiError, skus: &[TypedSku]) -> ApiError {
    let moved = |wrong: &FieldError| {
        let named = skus.iter().enumerate().find_map(|(index, sku)| {
            let field = wrong.path.strip_prefix(&format!("skus[{index}]."))?;
            let begin = if field == "quantity" { QUANTITY } else { PRICE };
            Some(format!("{begin}{}", sku.sku))
        });
        FieldError { path: named.unwrap_or_else(|| wrong.path.clone()), ..wrong.clone() }
    };
    let mended: Vec<FieldError> = error.errors().iter().map(moved).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn refused<T>(
    auth: &Authed<perm::PromotionManage, T>,
    id: ChannelAccountId,
    listing: ListingId,
    fields: &Fields,
    error: &ApiError,
) -> Answer<NewView> {
    let goods = goods::one(&auth.state, &auth.grant, id, listing).await?.ok_or_else(ApiError::not_found)?;
    Ok(new_view(auth, id, goods, FormView::refused_by(fields, error, auth.info.lang)))
}

async fn make_discount_form(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let back = of_account(*id, "discounts");
    let listing: ListingId = fields.text("listing_id").parse().map_err(|_| ApiError::not_found())?;
    let outcome = match typed(fields, listing, &auth.state.config.app.time_zone) {
        Ok(typed) => {
            let made = discounts::make(&auth.state, &auth.grant, *id, &typed).await;
            made.map_err(|error| at_fields(error, &typed.skus))
        }
        Err(errors) => Err(ApiError::fields(errors)),
    };
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("promotions.made"), &back)),
        Err(error) if may_be_mended(&error) => {
            let view = refused(&auth, *id, listing, fields, &error).await?;
            auth.refused_page("promotions/discount_new", view)
        }
        Err(error) => failed(&auth, error, &back),
    }
}

async fn read_discounts_form(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(*id, "discounts");
    match discounts::read_back(&auth.state, &auth.grant, *id).await {
        Ok(Reading { told, more }) => {
            let flash = match more {
                true => Flash::success("promotions.reread_more"),
                false => Flash::success("promotions.reread_done"),
            };
            Ok(auth.redirect_with(&flash.with("told", told), &back))
        }
        Err(error) => failed(&auth, error, &back),
    }
}

async fn stop_discount_form(auth: Authed<perm::PromotionManage, (Path<DiscountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(discounts::get(&auth.state, &auth.grant, *id).await?.row.account, "discounts");
    match discounts::stop(&auth.state, &auth.grant, *id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("promotions.stopped"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}

async fn delete_discount_form(auth: Authed<perm::PromotionManage, (Path<DiscountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(discounts::get(&auth.state, &auth.grant, *id).await?.row.account, "discounts");
    match discounts::delete(&auth.state, &auth.grant, *id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("promotions.deleted"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}
