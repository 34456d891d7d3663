//! Accounts without a floor: nobody waits for their rows. What a journal moves there waits as a row of its own in
//! `ledger_pending` until a roll-up adds it to the balance; a balance that is read is what was rolled up and what waits.
//!
//! A row waits from the commit of its journal on and goes in the transaction that adds it up, so that a balance is the
//! sum of the entries at any moment, however late a transaction ends. Both are read in one statement.

use crate::db::{SystemTx, TenantTx};
use crate::entity::{ledger_account as account, ledger_pending as pending};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::TenantId;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Adds at most `most` waiting rows of the merchant to the balances of their accounts; how many there were. Two at once
/// share the rows between them.
pub async fn roll_up(tx: &mut TenantTx, most: u64) -> StoreResult<u64> {
    let waiting = pending::Entity::find()
        .select_only()
        .column(pending::Column::EntryId)
        .filter(pending::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(pending::Column::AccountId)
        .order_by_asc(pending::Column::EntryId)
        .limit(most)
        .into_tuple::<Uuid>()
        .all(tx.conn())
        .await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let taken = pending::Entity::delete_many()
        .filter(pending::Column::TenantId.eq(tx.tenant()))
        .filter(pending::Column::EntryId.is_in(waiting))
        .exec_with_returning(tx.conn())
        .await?;
    let mut changes: BTreeMap<Uuid, i64> = BTreeMap::new();
    for row in &taken {
        let sum = changes.entry(row.account_id).or_default();
        *sum = sum.checked_add(row.change_fen).ok_or(StoreError::Corrupt("a sum of entries"))?;
    }
    for (id, change) in changes {
        account::Entity::update_many()
            .col_expr(account::Column::BalanceFen, Expr::col(account::Column::BalanceFen).add(change))
            .col_expr(account::Column::Version, Expr::col(account::Column::Version).add(1))
            .col_expr(account::Column::UpdatedAt, Expr::value(tx.now().micros()))
            .filter(account::Column::TenantId.eq(tx.tenant()))
            .filter(account::Column::Id.eq(id))
            .exec(tx.conn())
            .await?;
    }
    Ok(u64::try_from(taken.len()).unwrap_or(u64::MAX))
}

/// Merchants with rows that wait, by id after `after`, at most `most`.
pub async fn tenants_to_roll_up(
    tx: &SystemTx,
    after: Option<TenantId>,
    most: u64,
) -> StoreResult<Vec<TenantId>> {
    let rows: Vec<Uuid> = pending::Entity::find()
        .select_only()
        .column(pending::Column::TenantId)
        .distinct()
        .filter(pending::Column::TenantId.gt(after.map_or(Uuid::nil(), |after| after.0)))
        .order_by_asc(pending::Column::TenantId)
        .limit(most)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}
