//! A product: what it is, its SKUs with their stock, what may be done with it.

use super::picture_address;
use super::product_list::act_and_tell;
use crate::app::products::{ProductDetail, product_read};
use crate::http::console::listings::panel::{self, Panel};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::catalog::{ProductCheck, ProductCommand, ProductState, decide};
use qianpu_domain::ids::ProductId;
use qianpu_tenants::audit::audit_list;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::shop::shop_get;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/products/{product_id}", product_page);
    pages.post("/console/merchant/products/{product_id}/act", product_page_act);
}

#[derive(Serialize)]
struct SkuRow {
    href: String,
    label: String,
    price: i64,
    market_price: Option<i64>,
    code: Option<String>,
    barcode: Option<String>,
    weight_g: Option<i64>,
    on_hand: i64,
    held: i64,
    available: i64,
    sold: i64,
}

#[derive(Serialize)]
struct Event {
    at: i64,
    who: String,
    action: String,
}

#[derive(Serialize)]
struct ProductPage {
    id: String,
    title: String,
    subtitle: String,
    /// Paragraphs of the description.
    paragraphs: Vec<String>,
    state: &'static str,
    withdrawn_reason: Option<&'static str>,
    code: Option<String>,
    category: String,
    shop_name: String,
    /// Where buyers see it; none while they cannot.
    storefront: Option<String>,
    pictures: Vec<String>,
    skus: Vec<SkuRow>,
    version: i64,
    created_at: i64,
    updated_at: i64,
    may_write: bool,
    can_put_on_sale: bool,
    can_take_off_sale: bool,
    can_delete: bool,
    events: Vec<Event>,
    /// Where it is published besides the shop.
    channels: Panel,
}

async fn product_page(auth: Authed<perm::ProductRead, Path<ProductId>>) -> PageAnswer {
    let detail = product_read(&auth.state.db, &auth.grant, auth.input.0).await?;
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let shop = shop_get(&tx, detail.product.shop).await?;
    let mut events = Vec::new();
    if auth.caller.may(Permission::AuditRead) {
        let target = detail.product.id.to_string();
        let page = audit_list(&tx, Some(&target), PageRequest::first(10)).await?;
        events.extend(page.items.into_iter().map(|entry| Event {
            at: entry.at.micros(),
            who: entry.actor_name,
            action: entry.action,
        }));
    }
    drop(tx);
    let channels = panel::of(&auth, detail.product.id).await?;
    let ProductDetail { product, pictures, skus, category_path } = detail;
    let lang = auth.info.lang;
    let category: Vec<&str> =
        category_path.iter().map(|node| lang.pick(&node.name_zh, &node.name_en)).collect();
    let may_write = auth.caller.may(Permission::ProductWrite);
    let can = |command| may_write && decide(product.state, command).is_ok();
    let on_sale = product.state == ProductState::OnSale;
    let visible = on_sale && shop.state == qianpu_domain::shop::ShopState::Trading;
    let view = ProductPage {
        storefront: visible.then(|| format!("/s/{}/p/{}", shop.slug, product.id)),
        can_put_on_sale: can(ProductCommand::PutOnSale(ProductCheck::None)),
        can_take_off_sale: can(ProductCommand::TakeOffSale),
        can_delete: can(ProductCommand::Delete),
        id: product.id.to_string(),
        category: category.join(" / "),
        shop_name: shop.name,
        pictures: pictures.into_iter().map(picture_address).collect(),
        skus: skus
            .into_iter()
            .map(|detail| SkuRow {
                href: format!("/console/merchant/stock/{}", detail.sku.id),
                label: detail.sku.values.join(" / "),
                price: detail.sku.price.get(),
                market_price: detail.sku.market_price.map(|price| price.get()),
                code: detail.sku.code,
                barcode: detail.sku.barcode,
                weight_g: detail.sku.weight_g,
                on_hand: detail.level.on_hand,
                held: detail.level.held,
                available: detail.level.available(),
                sold: detail.level.sold,
            })
            .collect(),
        paragraphs: product.description.lines().map(str::to_owned).collect(),
        title: product.title,
        subtitle: product.subtitle,
        state: product.state.as_str(),
        withdrawn_reason: product.withdrawn_reason.map(|reason| reason.as_str()),
        code: product.code,
        version: product.version,
        created_at: product.created_at.micros(),
        updated_at: product.updated_at.micros(),
        may_write,
        events,
        channels,
    };
    auth.page("goods/product", view)
}

async fn product_page_act(auth: Authed<perm::ProductWrite, (Path<ProductId>, Fields)>) -> PageAnswer {
    let (flash, to) = act_and_tell(&auth).await?;
    Ok(auth.redirect_with(&flash, &to))
}
