//! What a visitor of a shop sees: the shop, its products on sale, one product, and pictures of them. Read
//! only, without a log-in; whatever is not on sale in a trading shop is not there.

use crate::app::media;
use crate::app::products::{ProductSummary, SkuDetail, summaries, with_levels};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::channel::AccountState;
use qianpu_domain::ids::{MediaId, ProductId, RequestId, ShopId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve;
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::listing::{ListingFilter, listing_list};
use qianpu_tenants::store::media::{Media, media_get, media_sizes};
use qianpu_tenants::store::product::{
    Product, ProductFilter, picture_is_public, picture_list, product_get, product_list,
};
use qianpu_tenants::store::shop::{Shop, shop_get};
use qianpu_tenants::store::sku::sku_list;
use std::collections::HashMap;

/// A shop that a visitor came to.
pub struct Visit {
    ctx: TenantCtx,
    pub shop: Shop,
    /// What its addresses begin with: `/s/{slug}`, or nothing at its own host.
    pub front: String,
}

/// Pixels of a picture.
pub type Sizes = HashMap<MediaId, (i64, i64)>;

/// A product as a visitor sees it.
pub struct ShopProduct {
    pub product: Product,
    pub pictures: Vec<MediaId>,
    pub sizes: Sizes,
    pub skus: Vec<SkuDetail>,
    /// Channel accounts where it can be bought now.
    pub sold_at: Vec<SoldAt>,
}

/// A place where a product can be bought.
pub struct SoldAt {
    /// The kind of account in Chinese, such as 微信小店.
    pub kind_zh: &'static str,
    pub kind_en: &'static str,
    /// The account's own name.
    pub name: String,
}

/// The shop of an address, in whatever state it is.
pub async fn visit(state: &AppState, slug: &str, request: RequestId) -> Answer<Visit> {
    let found = resolve::by_shop_slug(&state.db, slug, request).await?;
    let (ctx, id) = found.ok_or_else(ApiError::not_found)?;
    let tx = state.db.read(&ctx).await?;
    let shop = shop_get(&tx, id).await?;
    drop(tx);
    let front = format!("/s/{}", shop.slug);
    Ok(Visit { ctx, shop, front })
}

/// The address word of a shop.
pub async fn slug_at(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<String> {
    Ok(shop_get(&*state.db.read(ctx).await?, shop).await?.slug)
}

impl Visit {
    /// For whom: the merchant, acted in by a visitor.
    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }
    /// Whether the doors are open.
    pub fn is_open(&self) -> bool {
        self.shop.state == ShopState::Trading
    }

    fn open(&self) -> Answer<ShopId> {
        if self.is_open() { Ok(self.shop.id) } else { Err(ApiError::not_found()) }
    }
}

/// Products on sale, newest first.
pub async fn goods(
    state: &AppState,
    visit: &Visit,
    page: PageRequest,
) -> Answer<(Page<ProductSummary>, Sizes)> {
    let shops = [visit.open()?];
    let filter = ProductFilter { shops: Some(&shops), state: Some(ProductState::OnSale), search: None };
    let tx = state.db.read(&visit.ctx).await?;
    let found = product_list(&tx, &filter, page).await?;
    let items = summaries(&tx, found.items).await?;
    let covers: Vec<MediaId> = items.iter().filter_map(|item| item.cover).collect();
    let sizes = media_sizes(&tx, &covers).await?;
    Ok((Page { items, next: found.next }, sizes))
}

/// One product on sale.
pub async fn product(state: &AppState, visit: &Visit, id: ProductId) -> Answer<ShopProduct> {
    let shop = visit.open()?;
    let tx = state.db.read(&visit.ctx).await?;
    let product = product_get(&tx, id).await?;
    if product.shop != shop || product.state != ProductState::OnSale {
        return Err(ApiError::not_found());
    }
    let pictures = picture_list(&tx, &[id]).await?.remove(&id).unwrap_or_default();
    let sizes = media_sizes(&tx, &pictures).await?;
    let skus = with_levels(&tx, sku_list(&tx, id).await?).await?;
    let listed = ListingFilter {
        product: Some(id),
        account: None,
        shops: Some(vec![shop]),
        state: Some(ListingState::Listed),
    };
    let mut sold_at = Vec::new();
    for listing in listing_list(&tx, &listed, PageRequest::first(20)).await?.items {
        let account = account_get(&tx, listing.account).await?;
        let kind = qianpu_host::find(&account.channel).and_then(|channel| channel.info().kind(&account.kind));
        if let (AccountState::Active, Some(kind)) = (account.state, kind) {
            sold_at.push(SoldAt { kind_zh: kind.name_zh, kind_en: kind.name_en, name: account.name });
        }
    }
    Ok(ShopProduct { product, pictures, sizes, skus, sold_at })
}

/// A picture of a product on sale.
pub async fn picture(state: &AppState, visit: &Visit, id: MediaId) -> Answer<(Media, Vec<u8>)> {
    let shop = visit.open()?;
    let tx = state.db.read(&visit.ctx).await?;
    if !picture_is_public(&tx, shop, id).await? {
        return Err(ApiError::not_found());
    }
    let found = media_get(&tx, id).await?;
    drop(tx);
    let bytes = media::read_bytes(state, &found).await?;
    Ok((found, bytes))
}
