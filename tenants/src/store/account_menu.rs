//! Menus of public accounts: the one being written, the one we set, and the one that was read.

use crate::db::TenantTx;
use crate::entity::account_menu as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::Value;

/// The menu of an account, as JSON of the interface for plugins.
#[derive(Clone, Debug, Default)]
pub struct AccountMenuRow {
    /// What is being written.
    pub draft: Value,
    /// What we set last.
    pub published: Option<Value>,
    /// When.
    pub published_at: Option<Timestamp>,
    /// What people saw when it was read last; null when there was none.
    pub remote: Option<Value>,
    /// When.
    pub read_at: Option<Timestamp>,
    /// For guarded updates; 0 when nothing was written yet.
    pub version: i64,
}

fn json(text: &str, what: &'static str) -> StoreResult<Value> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(what))
}

/// The menu of an account; an empty one when nothing was written yet.
pub async fn menu_get(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<AccountMenuRow> {
    let Some(row) = row::Entity::find_by_id((tx.tenant(), account.0)).one(tx.conn()).await? else {
        return Ok(AccountMenuRow {
            draft: serde_json::json!({ "buttons": [] }),
            ..AccountMenuRow::default()
        });
    };
    let optional = |text: Option<String>, what| text.map(|text| json(&text, what)).transpose();
    Ok(AccountMenuRow {
        draft: json(&row.draft, "account_menus.draft")?,
        published: optional(row.published, "account_menus.published")?,
        published_at: row.published_at.map(Timestamp::from_micros),
        remote: optional(row.remote, "account_menus.remote")?,
        read_at: row.read_at.map(Timestamp::from_micros),
        version: row.version,
    })
}

/// Keeps what is being written, if it is still as it was seen.
pub async fn menu_save_draft(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    seen: i64,
    draft: &Value,
) -> StoreResult<()> {
    use row::Column as C;
    let now = tx.now().micros();
    if seen == 0 {
        let new = row::ActiveModel {
            tenant_id: Set(tx.tenant()),
            channel_account_id: Set(account.0),
            draft: Set(draft.to_string()),
            published: Set(None),
            published_at: Set(None),
            remote: Set(None),
            read_at: Set(None),
            version: Set(1),
            updated_at: Set(now),
        };
        let known = OnConflict::columns([C::TenantId, C::ChannelAccountId]).do_nothing().to_owned();
        let rows = row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
        return if rows == 1 { Ok(()) } else { Err(StoreError::VersionConflict) };
    }
    let done = row::Entity::update_many()
        .col_expr(C::Draft, Expr::value(draft.to_string()))
        .col_expr(C::Version, Expr::value(seen + 1))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(account.0))
        .filter(C::Version.eq(seen))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Notes that a menu was set at the platform. What people see was not read since.
pub async fn menu_published(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    published: &Value,
) -> StoreResult<()> {
    use row::Column as C;
    let set = vec![
        (C::Published, Expr::value(published.to_string())),
        (C::PublishedAt, Expr::value(tx.now().micros())),
        (C::Remote, Expr::value(None::<String>)),
        (C::ReadAt, Expr::value(None::<i64>)),
    ];
    update(tx, account, set).await
}

/// Notes what people see; null where there is no menu.
pub async fn menu_seen(tx: &mut TenantTx, account: ChannelAccountId, remote: &Value) -> StoreResult<()> {
    use row::Column as C;
    let set = vec![(C::Remote, Expr::value(remote.to_string())), (C::ReadAt, Expr::value(tx.now().micros()))];
    update(tx, account, set).await
}

async fn update(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    set: Vec<(row::Column, SimpleExpr)>,
) -> StoreResult<()> {
    use row::Column as C;
    let mut update = row::Entity::update_many().col_expr(C::Version, Expr::col(C::Version).add(1));
    for (column, value) in set {
        update = update.col_expr(column, value);
    }
    update
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(account.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
