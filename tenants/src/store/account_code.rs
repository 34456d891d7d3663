//! Codes with a parameter of public accounts, and how many people came by them.

use crate::db::TenantTx;
use crate::entity::account_code as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{AccountCodeId, ChannelAccountId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

/// Codes an account may have here.
pub const MOST_CODES: u64 = 500;

/// A code.
#[derive(Clone, Debug)]
pub struct AccountCode {
    /// Its id.
    pub id: AccountCodeId,
    /// The account.
    pub account: ChannelAccountId,
    /// What people call it.
    pub name: String,
    /// What comes back with whoever scans it.
    pub scene: String,
    /// What a picture of it says.
    pub content: String,
    /// When it ends; never, for a permanent one.
    pub expires_at: Option<Timestamp>,
    /// Scans by people who follow already.
    pub scans: i64,
    /// People who began to follow by it.
    pub follows: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> AccountCode {
    AccountCode {
        id: AccountCodeId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        name: row.name,
        scene: row.scene,
        content: row.content,
        expires_at: row.expires_at.map(Timestamp::from_micros),
        scans: row.scans,
        follows: row.follows,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// A code that was made at the platform.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What comes back with whoever scans it.
    pub scene: &'a str,
    /// What a picture of it says.
    pub content: &'a str,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Keeps a code.
pub async fn code_insert(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    new: &NewCode<'_>,
) -> StoreResult<AccountCode> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        name: new.name.to_owned(),
        scene: new.scene.to_owned(),
        content: new.content.to_owned(),
        expires_at: new.expires_at.map(Timestamp::micros),
        scans: 0,
        follows: 0,
        created_at: tx.now().micros(),
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    Ok(from_model(model))
}

/// Codes of an account, newest first.
pub async fn code_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<AccountCode>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows: Vec<AccountCode> = rows.into_iter().map(from_model).collect();
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// How many codes an account has, and whether one has this scene.
pub async fn code_room(tx: &TenantTx, account: ChannelAccountId, scene: &str) -> StoreResult<(u64, bool)> {
    let own = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let count = own.clone().count(tx.conn()).await?;
    let taken = own.filter(row::Column::Scene.eq(scene)).count(tx.conn()).await?;
    Ok((count, taken > 0))
}

/// One code.
pub async fn code_get(tx: &TenantTx, id: AccountCodeId) -> StoreResult<AccountCode> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Counts somebody who came by a scene; nothing when no code has it.
pub async fn code_count(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    scene: &str,
    follows: bool,
) -> StoreResult<()> {
    let column = if follows { row::Column::Follows } else { row::Column::Scans };
    row::Entity::update_many()
        .col_expr(column, Expr::col(column).add(1))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::Scene.eq(scene))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a code. The platform goes on knowing it.
pub async fn code_delete(tx: &mut TenantTx, id: AccountCodeId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
