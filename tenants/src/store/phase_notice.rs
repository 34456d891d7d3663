//! Which notices about a kind of account that ends were sent, so that each is sent once.

use crate::db::TenantTx;
use crate::entity::phase_notice;
use crate::error::StoreResult;
use qianpu_domain::policy::PhaseChange;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};

/// Notes the notice of so many days before a change. False when it was noted before: then it is not to be sent again.
pub async fn phase_notice_once(
    tx: &mut TenantTx,
    account_kind: &str,
    change: &PhaseChange,
    days: i64,
) -> StoreResult<bool> {
    let row = phase_notice::ActiveModel {
        tenant_id: Set(tx.tenant()),
        account_kind: Set(account_kind.to_owned()),
        phase: Set(change.now.phase.as_str().to_owned()),
        begins_at: Set(change.at.micros()),
        days: Set(days),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let added =
        phase_notice::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(added == 1)
}
