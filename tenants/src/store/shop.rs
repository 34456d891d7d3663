//! Shops. The address is unique in the installation and the name within the provider, both through the
//! directory, in the same transaction as the row.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::shop;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ApplicationId, CategoryId, ShopId, TenantId};
use qianpu_domain::shop::ShopState;
use qianpu_domain::subject::{ShopName, ShopSlug};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// Its id.
    pub id: ShopId,
    /// The merchant.
    pub tenant: TenantId,
    /// The application it came from.
    pub application: Option<ApplicationId>,
    /// Shown name.
    pub name: String,
    /// Address in `/s/{slug}`.
    pub slug: String,
    /// A line for buyers on the shop's home; empty for none.
    pub notice: String,
    /// Main category.
    pub category: Option<CategoryId>,
    /// Where it stands.
    pub state: ShopState,
    /// When it was opened 开通.
    pub opened_at: Timestamp,
    /// When it began to trade 开张.
    pub trading_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
}

fn from_model(row: shop::Model) -> StoreResult<Shop> {
    Ok(Shop {
        id: ShopId(row.id),
        tenant: TenantId(row.tenant_id),
        application: row.application_id.map(ApplicationId),
        name: row.name,
        slug: row.slug,
        notice: row.notice,
        category: row.category_id.map(CategoryId),
        state: ShopState::from_text(&row.state).ok_or(StoreError::Corrupt("shops.state"))?,
        opened_at: Timestamp::from_micros(row.opened_at),
        trading_at: row.trading_at.map(Timestamp::from_micros),
        version: row.version,
    })
}

/// A shop to be; it is `opened`.
#[derive(Clone, Debug)]
pub struct NewShop<'a> {
    /// Made by the caller, because the address may be derived from it.
    pub id: ShopId,
    /// The application it comes from.
    pub application: Option<ApplicationId>,
    /// Its name.
    pub name: &'a ShopName,
    /// Its address.
    pub slug: &'a ShopSlug,
    /// Main category.
    pub category: Option<CategoryId>,
}

fn name_value(tx: &TenantTx, key: &str) -> StoreResult<String> {
    Ok(directory::shop_name_value(TenantId(tx.provider()?), key))
}

/// Adds a shop. `Conflict(shop_slug)` or `Conflict(shop_name)` when taken.
pub async fn shop_insert(tx: &mut TenantTx, new: &NewShop<'_>) -> StoreResult<()> {
    let key = new.name.uniqueness_key();
    let value = name_value(tx, &key)?;
    directory::key_insert(tx, directory::SHOP_NAME, &value, new.id.0).await?;
    directory::key_insert(tx, directory::SHOP_SLUG, new.slug.as_str(), new.id.0).await?;
    let now = tx.now().micros();
    shop::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(new.id.0),
        provider_id: Set(tx.provider()?),
        application_id: Set(new.application.map(|id| id.0)),
        name: Set(new.name.as_str().to_owned()),
        name_key: Set(key),
        slug: Set(new.slug.as_str().to_owned()),
        notice: Set(String::new()),
        category_id: Set(new.category.map(|id| id.0)),
        state: Set(ShopState::Opened.as_str().to_owned()),
        opened_at: Set(now),
        trading_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// A shop of the merchant.
pub async fn shop_get(tx: &TenantTx, id: ShopId) -> StoreResult<Shop> {
    let row = shop::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The shop that came out of an application.
pub async fn shop_of_application(tx: &TenantTx, application: ApplicationId) -> StoreResult<Option<Shop>> {
    shop::Entity::find()
        .filter(shop::Column::TenantId.eq(tx.tenant()))
        .filter(shop::Column::ApplicationId.eq(application.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// The merchant's shops, newest first; only these when `within` is given.
pub async fn shop_list(
    tx: &TenantTx,
    within: Option<&[ShopId]>,
    page: PageRequest,
) -> StoreResult<Page<Shop>> {
    let mut query = shop::Entity::find().filter(shop::Column::TenantId.eq(tx.tenant()));
    if let Some(ids) = within {
        query = query.filter(shop::Column::Id.is_in(ids.iter().map(|id| id.0)));
    }
    let rows = newest_first(query, shop::Column::OpenedAt, shop::Column::Id, page).all(tx.conn()).await?;
    paged(rows, page)
}

/// The shops of the provider's merchants, newest first; only one merchant's when given.
pub async fn shop_list_by_provider(
    tx: &ProviderTx,
    merchant: Option<TenantId>,
    page: PageRequest,
) -> StoreResult<Page<Shop>> {
    let mut query = shop::Entity::find().filter(shop::Column::ProviderId.eq(tx.provider()));
    if let Some(merchant) = merchant {
        query = query.filter(shop::Column::TenantId.eq(merchant.0));
    }
    let rows = newest_first(query, shop::Column::OpenedAt, shop::Column::Id, page).all(tx.conn()).await?;
    paged(rows, page)
}

/// A shop of one of the provider's merchants.
pub async fn shop_get_by_provider(tx: &ProviderTx, id: ShopId) -> StoreResult<Shop> {
    let row = shop::Entity::find()
        .filter(shop::Column::ProviderId.eq(tx.provider()))
        .filter(shop::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The shop of one of the provider's merchants with this address.
pub async fn shop_find_by_provider(tx: &ProviderTx, slug: &str) -> StoreResult<Option<Shop>> {
    let row = shop::Entity::find()
        .filter(shop::Column::ProviderId.eq(tx.provider()))
        .filter(shop::Column::Slug.eq(slug))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// Names of these shops of the provider's merchants.
pub async fn shop_names_by_provider(tx: &ProviderTx, of: &[ShopId]) -> StoreResult<BTreeMap<ShopId, String>> {
    let rows: Vec<(Uuid, String)> = shop::Entity::find()
        .select_only()
        .column(shop::Column::Id)
        .column(shop::Column::Name)
        .filter(shop::Column::ProviderId.eq(tx.provider()))
        .filter(shop::Column::TenantId.is_not_null())
        .filter(shop::Column::Id.is_in(of.iter().map(|id| id.0)))
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|(id, name)| (ShopId(id), name)).collect())
}

/// How many shops the provider's merchants have in each state; states without any are left out.
pub async fn shop_counts_by_provider(tx: &ProviderTx) -> StoreResult<Vec<(ShopState, i64)>> {
    let rows: Vec<(String, i64)> = shop::Entity::find()
        .select_only()
        .column(shop::Column::State)
        .column_as(shop::Column::Id.count(), "count")
        .filter(shop::Column::ProviderId.eq(tx.provider()))
        .group_by(shop::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|(word, count)| {
            let state = ShopState::from_text(&word).ok_or(StoreError::Corrupt("shops.state"))?;
            Ok((state, count))
        })
        .collect()
}

fn paged(rows: Vec<shop::Model>, page: PageRequest) -> StoreResult<Page<Shop>> {
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |shop| Cursor { at: shop.opened_at, id: shop.id.0 }))
}

/// What may be changed on a shop.
#[derive(Clone, Debug, Default)]
pub struct ShopChange<'a> {
    /// A new name, with its key in the directory.
    pub name: Option<&'a ShopName>,
    /// A new notice.
    pub notice: Option<&'a str>,
    /// A new state.
    pub state: Option<ShopState>,
}

/// Saves a change if the shop is still as it was read.
pub async fn shop_save(tx: &mut TenantTx, was: &Shop, change: &ShopChange<'_>) -> StoreResult<()> {
    let now = tx.now().micros();
    let mut update = shop::Entity::update_many()
        .col_expr(shop::Column::UpdatedAt, Expr::value(now))
        .col_expr(shop::Column::Version, Expr::col(shop::Column::Version).add(1));
    if let Some(name) = change.name {
        let key = name.uniqueness_key();
        let old = shop::Entity::find_by_id((tx.tenant(), was.id.0))
            .one(tx.conn())
            .await?
            .ok_or(StoreError::NotFound)?;
        if old.name_key != key {
            let (before, after) = (name_value(tx, &old.name_key)?, name_value(tx, &key)?);
            directory::key_insert(tx, directory::SHOP_NAME, &after, was.id.0).await?;
            directory::key_delete(tx, directory::SHOP_NAME, &before).await?;
        }
        update = update
            .col_expr(shop::Column::Name, Expr::value(name.as_str()))
            .col_expr(shop::Column::NameKey, Expr::value(key));
    }
    if let Some(notice) = change.notice {
        update = update.col_expr(shop::Column::Notice, Expr::value(notice));
    }
    if let Some(state) = change.state {
        update = update.col_expr(shop::Column::State, Expr::value(state.as_str()));
        if state == ShopState::Trading && was.trading_at.is_none() {
            update = update.col_expr(shop::Column::TradingAt, Expr::value(now));
        }
    }
    let done = update
        .filter(shop::Column::TenantId.eq(tx.tenant()))
        .filter(shop::Column::Id.eq(was.id.0))
        .filter(shop::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}
