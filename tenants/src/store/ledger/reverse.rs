//! Taking a journal back: by another one that moves everything the other way and names it, never by changing it.

use super::post::{PostError, Posted, journal_post};
use super::read::journal_get;
use crate::db::TenantTx;
use crate::entity::journal;
use crate::error::StoreResult;
use qianpu_domain::ids::JournalId;
use qianpu_domain::ledger::{AccountRef, Journal, Leg};
use qianpu_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// The journal of a fact, when it was booked.
pub async fn journal_find(tx: &TenantTx, code: &str, business_ref: &str) -> StoreResult<Option<JournalId>> {
    let found: Option<Uuid> = journal::Entity::find()
        .select_only()
        .column(journal::Column::Id)
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::Code.eq(code))
        .filter(journal::Column::BusinessRef.eq(business_ref))
        .into_tuple()
        .one(tx.conn())
        .await?;
    Ok(found.map(JournalId))
}

/// Takes a booked journal back, once for ever: of one that was taken back before, the journal that did it is answered.
/// Refused like any other journal when an account would fall below its floor. What takes another one back is not taken
/// back itself: the fact is told anew, by another reference. Call it last in a transaction, as [`journal_post`].
pub async fn journal_reverse(
    tx: &mut TenantTx,
    id: JournalId,
    effective_at: Timestamp,
) -> Result<Posted, PostError> {
    let booked = journal_get(tx, id).await?;
    let legs: Vec<Leg> = booked
        .legs
        .into_iter()
        .map(|leg| Leg {
            account: AccountRef::owned(leg.code, leg.owner),
            side: leg.side,
            amount: leg.amount,
        })
        .collect();
    let back = Journal::reversal(id, &booked.code, &booked.business_ref, &legs, effective_at)
        .map_err(|reason| PostError::Irreversible { booked: id, reason })?;
    journal_post(tx, &back).await
}
