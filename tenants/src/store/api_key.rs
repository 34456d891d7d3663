//! API keys. Only the hash of a key is kept; the directory leads from it to the tenant.

use crate::db::TenantTx;
use crate::entity::{api_key as row, api_key_shop};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ApiKeyId, ShopId, UserId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most shops a key may be limited to.
pub const MOST_SHOPS: usize = 50;

/// A key, without the secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// Its last characters, to tell keys apart.
    pub hint: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The shops it is limited to; none for the whole tenant.
    pub shops: Option<Vec<ShopId>>,
    /// Who made it.
    pub maker: UserId,
    /// Their name at the time.
    pub maker_name: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// Whether it still opens anything.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

/// A key to be.
#[derive(Clone, Debug)]
pub struct NewApiKey<'a> {
    /// The secret that its holder keeps.
    pub token: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// Its last characters.
    pub hint: &'a str,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The shops it is limited to; none for the whole tenant.
    pub shops: Option<&'a [ShopId]>,
    /// Who makes it, and their name.
    pub maker: (UserId, &'a str),
    /// How long it works.
    pub life: Span,
}

/// The form of a key in the directory. A token of 256 random bits needs no slow hash.
pub fn api_key_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_model(row: row::Model, shops: Vec<ShopId>) -> ApiKey {
    ApiKey {
        id: ApiKeyId(row.id),
        name: row.name,
        hint: row.hint,
        permissions: PermissionSet::of_words(row.permissions.split(' ')),
        // A key that is limited stays so, even if no shop is left.
        shops: (row.scope_kind != "tenant").then_some(shops),
        maker: UserId(row.maker_id),
        maker_name: row.maker_name,
        expires_at: Timestamp::from_micros(row.expires_at),
        last_used_at: row.last_used_at.map(Timestamp::from_micros),
        revoked_at: row.revoked_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    }
}

async fn with_shops(tx: &TenantTx, rows: Vec<row::Model>) -> StoreResult<Vec<ApiKey>> {
    let ids: Vec<Uuid> = rows.iter().filter(|row| row.scope_kind != "tenant").map(|row| row.id).collect();
    let mut shops: BTreeMap<Uuid, Vec<ShopId>> = BTreeMap::new();
    if !ids.is_empty() {
        let most = u64::try_from(ids.len() * MOST_SHOPS).unwrap_or(u64::MAX);
        let found = api_key_shop::Entity::find()
            .filter(api_key_shop::Column::TenantId.eq(tx.tenant()))
            .filter(api_key_shop::Column::ApiKeyId.is_in(ids))
            .order_by_asc(api_key_shop::Column::ShopId)
            .limit(most)
            .all(tx.conn())
            .await?;
        for row in found {
            shops.entry(row.api_key_id).or_default().push(ShopId(row.shop_id));
        }
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let own = shops.remove(&row.id).unwrap_or_default();
            from_model(row, own)
        })
        .collect())
}

/// Adds a key.
pub async fn api_key_insert(tx: &mut TenantTx, new: &NewApiKey<'_>) -> StoreResult<ApiKeyId> {
    let id = tx.new_id();
    let hash = api_key_hash(new.token);
    directory::key_insert(tx, directory::API_KEY, &hash, id).await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        name: Set(new.name.to_owned()),
        token_hash: Set(hash),
        hint: Set(new.hint.to_owned()),
        permissions: Set(new.permissions.words()),
        scope_kind: Set(if new.shops.is_some() { "shops" } else { "tenant" }.to_owned()),
        maker_id: Set(new.maker.0.0),
        maker_name: Set(new.maker.1.to_owned()),
        expires_at: Set(tx.now().plus(new.life).micros()),
        last_used_at: Set(None),
        revoked_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    for shop in new.shops.into_iter().flatten() {
        let limit = api_key_shop::ActiveModel {
            tenant_id: Set(tx.tenant()),
            api_key_id: Set(id),
            shop_id: Set(shop.0),
        };
        limit.insert(tx.conn()).await?;
    }
    Ok(ApiKeyId(id))
}

/// One key.
pub async fn api_key_get(tx: &TenantTx, id: ApiKeyId) -> StoreResult<ApiKey> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let found = with_shops(tx, found.into_iter().collect()).await?;
    found.into_iter().next().ok_or(StoreError::NotFound)
}

/// Keys of the tenant, newest first, the dead among them.
pub async fn api_key_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<ApiKey>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = with_shops(tx, rows).await?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// How many keys work now.
pub async fn api_key_count(tx: &TenantTx) -> StoreResult<u64> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::RevokedAt.is_null())
        .filter(row::Column::ExpiresAt.gt(tx.now().micros()));
    Ok(query.count(tx.conn()).await?)
}

/// Gives a key another name.
pub async fn api_key_rename(tx: &mut TenantTx, id: ApiKeyId, name: &str) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::Name, Expr::value(name))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Ends a key now. `NotFound` when it has ended before.
pub async fn api_key_revoke(tx: &mut TenantTx, id: ApiKeyId) -> StoreResult<()> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let found = found.ok_or(StoreError::NotFound)?;
    let done = row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::RevokedAt.is_null())
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::NotFound);
    }
    directory::key_delete(tx, directory::API_KEY, &found.token_hash).await
}

/// Notes that a key was used, unless a use after `since` is noted already.
pub async fn api_key_touch(tx: &mut TenantTx, id: ApiKeyId, since: Timestamp) -> StoreResult<()> {
    let older = Condition::any()
        .add(row::Column::LastUsedAt.is_null())
        .add(row::Column::LastUsedAt.lte(since.micros()));
    row::Entity::update_many()
        .col_expr(row::Column::LastUsedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(older)
        .exec(tx.conn())
        .await?;
    Ok(())
}
