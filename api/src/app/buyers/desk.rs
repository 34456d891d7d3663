//! Buyers as the merchant sees them: names and masked phones, found by exact phone or name.

use super::codes::phone_of;
use super::own::{OwnOrder, Profile, with_lines};
use super::person::{Told, told};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::{BuyerId, ShopId};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::buyer::{
    Buyer, BuyerFilter, buyer_get, buyer_list, identity_list, phone_lookup, phones_of,
};
use qianpu_tenants::store::buyer_erasure::{Erasure, erasure_list};
use qianpu_tenants::store::order::{order_count_by_buyer, order_list_of_buyer};
use qianpu_tenants::store::shop::shop_list;
use std::collections::HashMap;

/// A buyer in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    pub buyer: Buyer,
    /// `138****0000`.
    pub phone_masked: Option<String>,
    /// How many orders.
    pub orders: i64,
}

/// What is looked for. Both are exact: nobody leafs through numbers.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub shop: Option<ShopId>,
    pub phone: String,
    pub name: String,
}

/// The shops that a search is about, within what the caller may see. Not found when it names another.
async fn shops(tx: &TenantTx, grant: &Grant<perm::BuyerRead>, asked: Option<ShopId>) -> Answer<Vec<ShopId>> {
    let within = grant.shops();
    let known = shop_list(tx, within.as_deref(), PageRequest::first(100)).await?.items;
    let seen = known.into_iter().map(|shop| shop.id).filter(|shop| grant.covers_shop(*shop));
    let found: Vec<ShopId> = seen.filter(|shop| asked.is_none_or(|asked| asked == *shop)).collect();
    if found.is_empty() && asked.is_some() { Err(ApiError::not_found()) } else { Ok(found) }
}

/// Buyers the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BuyerRead>,
    search: &Search,
    page: PageRequest,
) -> Answer<Page<Listed>> {
    let tx = state.db.read(grant.ctx()).await?;
    let shops = shops(&tx, grant, search.shop).await?;
    let sealer = &state.keys.sealer;
    let lookups = if search.phone.trim().is_empty() {
        None
    } else {
        let phone = phone_of(&search.phone)?;
        let found: Result<Vec<String>, _> =
            shops.iter().map(|shop| phone_lookup(sealer, &tx, *shop, &phone)).collect();
        Some(found?)
    };
    let name = search.name.trim();
    let filter = BuyerFilter { shops: Some(shops), name: (!name.is_empty()).then_some(name), lookups };
    let found = buyer_list(&tx, &filter, page).await?;
    let ids: Vec<BuyerId> = found.items.iter().map(|buyer| buyer.id).collect();
    let mut phones: HashMap<BuyerId, String> =
        phones_of(&tx, sealer, &ids).await?.into_iter().map(|(id, phone)| (id, phone.masked())).collect();
    let orders: HashMap<BuyerId, i64> = order_count_by_buyer(&tx, &ids).await?.into_iter().collect();
    Ok(found.map(|buyer| Listed {
        phone_masked: phones.remove(&buyer.id),
        orders: orders.get(&buyer.id).copied().unwrap_or_default(),
        buyer,
    }))
}

/// A buyer with what they are known by, and what was asked to be erased.
#[derive(Debug, Clone)]
pub struct Detail {
    pub profile: Profile,
    pub orders: i64,
    pub link: Told,
    pub erasures: Vec<Erasure>,
}

/// One buyer of a shop the caller may see.
pub async fn get(state: &AppState, grant: &Grant<perm::BuyerRead>, id: BuyerId) -> Answer<Detail> {
    let tx = state.db.read(grant.ctx()).await?;
    let buyer = seen(&tx, grant, id).await?;
    let identities = identity_list(&tx, &state.keys.sealer, id).await?;
    let orders = order_count_by_buyer(&tx, &[id]).await?.first().map_or(0, |(_, orders)| *orders);
    let erasures = erasure_list(&tx, id).await?;
    drop(tx);
    let link = told(state, grant.ctx(), &buyer).await?;
    Ok(Detail { profile: Profile { buyer, identities }, orders, link, erasures })
}

async fn seen(tx: &TenantTx, grant: &Grant<perm::BuyerRead>, id: BuyerId) -> Answer<Buyer> {
    let buyer = buyer_get(tx, id).await?;
    if grant.covers_shop(buyer.shop) { Ok(buyer) } else { Err(ApiError::not_found()) }
}

/// A buyer's orders, newest first.
pub async fn orders(
    state: &AppState,
    grant: &Grant<perm::BuyerRead>,
    id: BuyerId,
    page: PageRequest,
) -> Answer<Page<OwnOrder>> {
    let tx = state.db.read(grant.ctx()).await?;
    seen(&tx, grant, id).await?;
    with_lines(&tx, order_list_of_buyer(&tx, id, page).await?).await
}
