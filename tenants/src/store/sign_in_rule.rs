//! What a tenant asks of its people when they sign in.

use crate::db::TenantTx;
use crate::entity::sign_in_rule as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// Since when an authenticator app is asked of everybody; none while it is not.
pub async fn totp_required_since(tx: &TenantTx) -> StoreResult<Option<Timestamp>> {
    let row = row::Entity::find_by_id(tx.tenant()).one(tx.conn()).await?;
    Ok(row.and_then(|row| row.totp_required_at).map(Timestamp::from_micros))
}

/// Asks for it, or not any more. `Conflict(sign_in_rule)` when that is so already.
pub async fn totp_require(tx: &mut TenantTx, required: bool) -> StoreResult<()> {
    let now = tx.now().micros();
    let fresh =
        row::ActiveModel { tenant_id: Set(tx.tenant()), totp_required_at: Set(None), updated_at: Set(now) };
    let known = OnConflict::column(row::Column::TenantId).do_nothing().to_owned();
    row::Entity::insert(fresh).on_conflict(known).exec_without_returning(tx.conn()).await?;
    let changed = row::Entity::update_many()
        .col_expr(row::Column::TotpRequiredAt, Expr::value(required.then_some(now)))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()));
    let column = row::Column::TotpRequiredAt;
    let changed = changed.filter(if required { column.is_null() } else { column.is_not_null() });
    let done = changed.exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict("sign_in_rule")) }
}
