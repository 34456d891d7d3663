//! Listed products of an account that promotions can be about: what they cost there and how many are offered.

use crate::app::listings::draft::{Subject, read};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, ListingId, SkuId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Grant, Perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow, listing_get, listing_list};
use qianpu_tenants::store::listing_sku::listing_sku_list;

/// A listed product.
#[derive(Debug, Clone)]
pub struct Goods {
    /// Our listing of it.
    pub listing: ListingId,
    /// The channel's id.
    pub native_product_id: String,
    /// As it is called there.
    pub title: String,
    /// Its SKUs that the channel has.
    pub skus: Vec<GoodsSku>,
}

/// A SKU of it.
#[derive(Debug, Clone)]
pub struct GoodsSku {
    /// Our SKU.
    pub sku: SkuId,
    /// The channel's id.
    pub native_sku_id: String,
    /// Its values.
    pub values: Vec<String>,
    /// What it is sold at there, by our rules.
    pub price: Fen,
    /// What we set there last, or would.
    pub stock: i64,
}

fn listed(row: &ListingRow) -> Option<&str> {
    row.native_product_id.as_deref().filter(|_| row.listing.state == ListingState::Listed)
}

async fn goods_of(tx: &TenantTx, state: &AppState, row: &ListingRow, native: &str) -> Answer<Goods> {
    let draft = read(tx, &state.config, &Subject::of(row)).await?.draft;
    let there = listing_sku_list(tx, row.id).await?;
    let sku = |one: qianpu_sdk::SkuDraft| {
        let sku: SkuId = one.out_sku_id.parse().ok()?;
        let place = there.iter().find(|place| place.sku == sku)?;
        Some(GoodsSku {
            sku,
            native_sku_id: place.native_sku_id.clone()?,
            values: one.specs.into_iter().map(|spec| spec.value).collect(),
            price: one.price,
            stock: place.pushed_stock.unwrap_or(one.stock),
        })
    };
    Ok(Goods {
        listing: row.id,
        native_product_id: native.to_owned(),
        title: draft.title,
        skus: draft.skus.into_iter().filter_map(sku).collect(),
    })
}

/// The product of a listing, if it is listed at the account and the caller may see it.
pub(super) async fn get<P: Perm>(
    state: &AppState,
    tx: &TenantTx,
    grant: &Grant<P>,
    account: ChannelAccountId,
    id: ListingId,
) -> Answer<Option<Goods>> {
    let row = match listing_get(tx, id).await {
        Ok(row) if row.account == account && grant.covers_shop(row.shop) => row,
        Ok(_) | Err(StoreError::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match listed(&row) {
        Some(native) => goods_of(tx, state, &row, native).await.map(Some),
        None => Ok(None),
    }
}

/// One of them, for a form.
pub async fn one<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: ChannelAccountId,
    id: ListingId,
) -> Answer<Option<Goods>> {
    get(state, &*state.db.read(grant.ctx()).await?, grant, account, id).await
}

/// What is listed at an account, newest first; at most 100.
pub async fn list<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: ChannelAccountId,
) -> Answer<Vec<Goods>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = ListingFilter {
        account: Some(account),
        shops: grant.shops(),
        state: Some(ListingState::Listed),
        ..ListingFilter::default()
    };
    let mut goods = Vec::new();
    for row in listing_list(&tx, &filter, PageRequest::first(100)).await?.items {
        if let Some(native) = listed(&row) {
            goods.push(goods_of(&tx, state, &row, native).await?);
        }
    }
    Ok(goods)
}
