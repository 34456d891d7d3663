//! Listings: a product on a channel account. The moves are decided by `domain::listing`; this file keeps
//! their result beside the channel's own ids and words.

use crate::db::TenantTx;
use crate::entity::listing;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, JobId, ListingId, ProductId, ShopId};
use qianpu_domain::listing::{Listing, ListingState};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A brand of the channel that goods are published with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListingBrand {
    /// The channel's id.
    pub id: String,
    /// Its name when it was chosen.
    pub name: String,
}

/// A listing as stored.
#[derive(Clone, Debug)]
pub struct ListingRow {
    /// Its id.
    pub id: ListingId,
    /// The shop.
    pub shop: ShopId,
    /// The product.
    pub product: ProductId,
    /// The account.
    pub account: ChannelAccountId,
    /// What the rules work on.
    pub listing: Listing,
    /// The channel's product id.
    pub native_product_id: Option<String>,
    /// The channel's raw states.
    pub native_state: Option<String>,
    /// Ids the channel gave, as the plugin wrote them.
    pub refs: serde_json::Value,
    /// The channel's category ids, top to leaf; empty = the account's default.
    pub category_path: Vec<String>,
    /// Things the merchant should know.
    pub warnings: Vec<String>,
    /// Attributes the channel's category asks for: name → value.
    pub attributes: BTreeMap<String, String>,
    /// The brand; none for goods without one.
    pub brand: Option<ListingBrand>,
    /// Hash of what was last sent; none when it is not known.
    pub sent_hash: Option<String>,
    /// The job that sends it now, or sent it last.
    pub sender: Option<JobId>,
    /// For guarded updates.
    pub version: i64,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// A listing to be.
#[derive(Clone, Debug)]
pub struct NewListing<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The product.
    pub product: ProductId,
    /// The account.
    pub account: ChannelAccountId,
    /// The channel's category ids.
    pub category_path: &'a [String],
    /// Attributes the category asks for.
    pub attributes: &'a BTreeMap<String, String>,
    /// The brand.
    pub brand: Option<&'a ListingBrand>,
    /// The product's version.
    pub product_version: i64,
}

fn strings(text: &str) -> StoreResult<Vec<String>> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("a list of a listing"))
}

fn write(list: &[String]) -> StoreResult<String> {
    serde_json::to_string(list).map_err(|_| StoreError::Corrupt("a list of a listing"))
}

fn pairs(text: &str) -> StoreResult<BTreeMap<String, String>> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("listings.attributes"))
}

fn write_pairs(pairs: &BTreeMap<String, String>) -> StoreResult<String> {
    serde_json::to_string(pairs).map_err(|_| StoreError::Corrupt("listings.attributes"))
}

fn from_model(row: listing::Model) -> StoreResult<ListingRow> {
    Ok(ListingRow {
        id: ListingId(row.id),
        shop: ShopId(row.shop_id),
        product: ProductId(row.product_id),
        account: ChannelAccountId(row.channel_account_id),
        listing: Listing {
            state: ListingState::from_text(&row.state).ok_or(StoreError::Corrupt("listings.state"))?,
            wanted_version: row.wanted_version,
            sent_version: row.sent_version,
            listed_version: row.listed_version,
            reason: row.reason,
            fact_at: row.fact_at.map(Timestamp::from_micros),
        },
        native_product_id: row.native_product_id,
        native_state: row.native_state,
        refs: serde_json::from_str(&row.refs).map_err(|_| StoreError::Corrupt("listings.refs"))?,
        category_path: strings(&row.category_path)?,
        warnings: strings(&row.warnings)?,
        attributes: pairs(&row.attributes)?,
        brand: row.brand_id.map(|id| ListingBrand { id, name: row.brand_name.unwrap_or_default() }),
        sent_hash: row.sent_hash,
        sender: row.sender_id.map(JobId),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

/// Adds a listing that waits to be sent.
pub async fn listing_insert(tx: &mut TenantTx, new: &NewListing<'_>) -> StoreResult<ListingId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let queued = Listing::queue(new.product_version);
    listing::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        shop_id: Set(new.shop.0),
        product_id: Set(new.product.0),
        channel_account_id: Set(new.account.0),
        state: Set(queued.state.as_str().to_owned()),
        wanted_version: Set(queued.wanted_version),
        sent_version: Set(None),
        listed_version: Set(None),
        reason: Set(None),
        fact_at: Set(None),
        native_product_id: Set(None),
        native_state: Set(None),
        refs: Set("{}".to_owned()),
        category_path: Set(write(new.category_path)?),
        warnings: Set("[]".to_owned()),
        attributes: Set(write_pairs(new.attributes)?),
        sent_hash: Set(None),
        sender_id: Set(None),
        brand_id: Set(new.brand.map(|brand| brand.id.clone())),
        brand_name: Set(new.brand.map(|brand| brand.name.clone())),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await
    .map_err(|error| match StoreError::from(error) {
        StoreError::Conflict(_) => StoreError::Conflict("listing"),
        other => other,
    })?;
    Ok(ListingId(id))
}

/// A listing of the merchant.
pub async fn listing_get(tx: &TenantTx, id: ListingId) -> StoreResult<ListingRow> {
    let row = listing::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The listing of a product on an account.
pub async fn listing_find(
    tx: &TenantTx,
    product: ProductId,
    account: ChannelAccountId,
) -> StoreResult<Option<ListingRow>> {
    listing::Entity::find()
        .filter(listing::Column::TenantId.eq(tx.tenant()))
        .filter(listing::Column::ProductId.eq(product.0))
        .filter(listing::Column::ChannelAccountId.eq(account.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// The listing with the channel's product id on an account.
pub async fn listing_by_native(
    tx: &TenantTx,
    account: ChannelAccountId,
    native_product_id: &str,
) -> StoreResult<Option<ListingRow>> {
    listing::Entity::find()
        .filter(listing::Column::TenantId.eq(tx.tenant()))
        .filter(listing::Column::ChannelAccountId.eq(account.0))
        .filter(listing::Column::NativeProductId.eq(native_product_id))
        .order_by_desc(listing::Column::UpdatedAt)
        .limit(1)
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// Which listings a list is about.
#[derive(Clone, Debug, Default)]
pub struct ListingFilter {
    /// Only of this product.
    pub product: Option<ProductId>,
    /// Only on this account.
    pub account: Option<ChannelAccountId>,
    /// Only of these shops.
    pub shops: Option<Vec<ShopId>>,
    /// Only in this state.
    pub state: Option<ListingState>,
}

/// Listings of the merchant, newest first.
pub async fn listing_list(
    tx: &TenantTx,
    filter: &ListingFilter,
    page: PageRequest,
) -> StoreResult<Page<ListingRow>> {
    use listing::Column;
    let mut query = listing::Entity::find().filter(Column::TenantId.eq(tx.tenant()));
    if let Some(product) = filter.product {
        query = query.filter(Column::ProductId.eq(product.0));
    }
    if let Some(account) = filter.account {
        query = query.filter(Column::ChannelAccountId.eq(account.0));
    }
    if let Some(shops) = &filter.shops {
        query = query.filter(Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(state) = filter.state {
        query = query.filter(Column::State.eq(state.as_str()));
    }
    let rows = newest_first(query, Column::CreatedAt, Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// Products with their accounts that are at the channel or on their way there, oldest first: of one account, or of all.
pub async fn listing_pairs(
    tx: &TenantTx,
    account: Option<ChannelAccountId>,
    most: u64,
) -> StoreResult<Vec<(ProductId, ChannelAccountId)>> {
    use listing::Column;
    let there = [ListingState::Publishing, ListingState::InAudit, ListingState::Listed];
    let mut query = listing::Entity::find()
        .select_only()
        .column(Column::ProductId)
        .column(Column::ChannelAccountId)
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::State.is_in(there.map(ListingState::as_str)));
    if let Some(account) = account {
        query = query.filter(Column::ChannelAccountId.eq(account.0));
    }
    let rows: Vec<(Uuid, Uuid)> = query
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(most)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|(product, account)| (ProductId(product), ChannelAccountId(account))).collect())
}

/// What changes beside the rules' own result.
#[derive(Clone, Debug, Default)]
pub struct ListingFacts<'a> {
    /// The channel's product id.
    pub native_product_id: Option<&'a str>,
    /// The channel's raw states.
    pub native_state: Option<&'a str>,
    /// Ids the channel gave.
    pub refs: Option<&'a serde_json::Value>,
    /// The channel's category ids.
    pub category_path: Option<&'a [String]>,
    /// Things the merchant should know.
    pub warnings: Option<&'a [String]>,
    /// Attributes the category asks for.
    pub attributes: Option<&'a BTreeMap<String, String>>,
    /// The brand, or that there is none.
    pub brand: Option<Option<&'a ListingBrand>>,
    /// Hash of what is being sent, and the job that sends it.
    pub sending: Option<(&'a str, JobId)>,
}

/// Saves a listing if it is still as it was read.
pub async fn listing_save(
    tx: &mut TenantTx,
    was: &ListingRow,
    next: &Listing,
    facts: &ListingFacts<'_>,
) -> StoreResult<()> {
    use listing::Column;
    let mut update = listing::Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state.as_str()))
        .col_expr(Column::WantedVersion, Expr::value(next.wanted_version))
        .col_expr(Column::SentVersion, Expr::value(next.sent_version))
        .col_expr(Column::ListedVersion, Expr::value(next.listed_version))
        .col_expr(Column::Reason, Expr::value(next.reason.clone()))
        .col_expr(Column::FactAt, Expr::value(next.fact_at.map(Timestamp::micros)))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1));
    if let Some(id) = facts.native_product_id {
        update = update.col_expr(Column::NativeProductId, Expr::value(id));
    }
    if let Some(state) = facts.native_state {
        update = update.col_expr(Column::NativeState, Expr::value(state));
    }
    if let Some(refs) = facts.refs {
        update = update.col_expr(Column::Refs, Expr::value(refs.to_string()));
    }
    if let Some(path) = facts.category_path {
        update = update.col_expr(Column::CategoryPath, Expr::value(write(path)?));
    }
    if let Some(warnings) = facts.warnings {
        update = update.col_expr(Column::Warnings, Expr::value(write(warnings)?));
    }
    if let Some(attributes) = facts.attributes {
        update = update.col_expr(Column::Attributes, Expr::value(write_pairs(attributes)?));
    }
    if let Some(brand) = facts.brand {
        update = update
            .col_expr(Column::BrandId, Expr::value(brand.map(|brand| brand.id.clone())))
            .col_expr(Column::BrandName, Expr::value(brand.map(|brand| brand.name.clone())));
    }
    if let Some((hash, sender)) = facts.sending {
        update = update
            .col_expr(Column::SentHash, Expr::value(hash))
            .col_expr(Column::SenderId, Expr::value(sender.0));
    }
    let done = update
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(was.id.0))
        .filter(Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// How many listings an account has in each state.
pub async fn listing_counts(
    tx: &TenantTx,
    account: Option<ChannelAccountId>,
) -> StoreResult<Vec<(ListingState, i64)>> {
    use listing::Column;
    let mut query = listing::Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::Id.count(), "count")
        .filter(Column::TenantId.eq(tx.tenant()));
    if let Some(account) = account {
        query = query.filter(Column::ChannelAccountId.eq(account.0));
    }
    let rows: Vec<(String, i64)> = query.group_by(Column::State).into_tuple().all(tx.conn()).await?;
    rows.into_iter()
        .map(|(state, count)| {
            ListingState::from_text(&state)
                .map(|state| (state, count))
                .ok_or(StoreError::Corrupt("listings.state"))
        })
        .collect()
}
