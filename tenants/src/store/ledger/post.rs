//! Booking a journal: once, on accounts that are opened when they are first used, never below a floor.

use super::accounts::code_of;
use crate::db::TenantTx;
use crate::entity::{entry, journal, ledger_account as account};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::JournalId;
use qianpu_domain::ledger::{AccountCode, AccountRef, Journal};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Set};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What posting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Booked now.
    New(JournalId),
    /// This fact was booked before; nothing was written.
    Before(JournalId),
}

/// Why a journal was not booked.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// An account would fall below its floor.
    #[error("account {0:?} has less than the journal takes")]
    Floor(AccountCode),
    /// An account is closed.
    #[error("account {0:?} is closed")]
    Closed(AccountCode),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PostError {
    /// The stable code.
    pub fn code(&self) -> qianpu_domain::error::ErrorCode {
        match self {
            Self::Floor(_) | Self::Closed(_) => qianpu_domain::error::ErrorCode::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}

/// Books a journal. Call it last in a transaction: it takes the account rows' locks.
pub async fn journal_post(tx: &mut TenantTx, draft: &Journal) -> Result<Posted, PostError> {
    let id = tx.new_id();
    if !insert_journal(tx, id, draft).await? {
        return Ok(Posted::Before(
            journal_find(tx, draft.code(), draft.business_ref()).await?.ok_or(StoreError::NotFound)?,
        ));
    }
    let accounts = open_accounts(tx, draft).await?;
    let mut entries = Vec::with_capacity(draft.legs().len());
    let mut order: Vec<usize> = (0..draft.legs().len()).collect();
    order.sort_by_key(|index| draft.legs().get(*index).map(|leg| leg.account.clone()));
    for index in order {
        let Some(leg) = draft.legs().get(index) else { continue };
        let account_id = *accounts.get(&leg.account).ok_or(StoreError::Corrupt("an account of a journal"))?;
        let change = if leg.side == leg.account.code.side() { leg.amount.get() } else { -leg.amount.get() };
        let balance_after = change_balance(tx, account_id, leg.account.code, change).await?;
        entries.push(entry::ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(tx.new_id()),
            provider_id: Set(tx.provider()?),
            journal_id: Set(id),
            leg_no: Set(i64::try_from(index).unwrap_or(i64::MAX)),
            account_id: Set(account_id),
            side: Set(leg.side.as_str().to_owned()),
            amount_fen: Set(leg.amount.get()),
            balance_after_fen: Set(balance_after),
            created_at: Set(tx.now().micros()),
        });
    }
    entry::Entity::insert_many(entries).exec_without_returning(tx.conn()).await.map_err(StoreError::from)?;
    Ok(Posted::New(JournalId(id)))
}

async fn insert_journal(tx: &TenantTx, id: Uuid, draft: &Journal) -> StoreResult<bool> {
    let (actor_kind, actor_id, _) = tx.ctx().actor().audit_parts();
    let row = journal::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        currency: Set(draft.currency().code().to_owned()),
        code: Set(draft.code().to_owned()),
        business_ref: Set(draft.business_ref().to_owned()),
        description: Set(String::new()),
        reverses_id: Set(None),
        actor_kind: Set(actor_kind.to_owned()),
        actor_id: Set(actor_id),
        effective_at: Set(draft.effective_at().micros()),
        recorded_at: Set(tx.now().micros()),
    };
    let conflict =
        OnConflict::columns([journal::Column::TenantId, journal::Column::Code, journal::Column::BusinessRef])
            .do_nothing()
            .to_owned();
    Ok(journal::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await? == 1)
}

/// The journal of a fact, if it was booked.
pub async fn journal_find(tx: &TenantTx, code: &str, business_ref: &str) -> StoreResult<Option<JournalId>> {
    let row = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::Code.eq(code))
        .filter(journal::Column::BusinessRef.eq(business_ref))
        .one(tx.conn())
        .await?;
    Ok(row.map(|row| JournalId(row.id)))
}

/// Makes the accounts that do not exist yet, with a balance of zero, and answers with all ids.
async fn open_accounts(tx: &TenantTx, draft: &Journal) -> StoreResult<BTreeMap<AccountRef, Uuid>> {
    let mut wanted: Vec<&AccountRef> = draft.legs().iter().map(|leg| &leg.account).collect();
    wanted.sort();
    wanted.dedup();
    let now = tx.now().micros();
    let mut rows = Vec::with_capacity(wanted.len());
    for wanted in &wanted {
        rows.push(account::ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(tx.new_id()),
            provider_id: Set(tx.provider()?),
            currency: Set(draft.currency().code().to_owned()),
            code: Set(wanted.code.number()),
            owner_key: Set(wanted.owner.clone()),
            side: Set(wanted.code.side().as_str().to_owned()),
            floor: Set(wanted.code.floor().as_str().to_owned()),
            state: Set("open".to_owned()),
            balance_fen: Set(0),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        });
    }
    let conflict = OnConflict::columns([
        account::Column::TenantId,
        account::Column::Currency,
        account::Column::Code,
        account::Column::OwnerKey,
    ])
    .do_nothing()
    .to_owned();
    account::Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    let mut any = Condition::any();
    for wanted in &wanted {
        any = any.add(
            Condition::all()
                .add(account::Column::Code.eq(wanted.code.number()))
                .add(account::Column::OwnerKey.eq(wanted.owner.as_str())),
        );
    }
    let found = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(draft.currency().code()))
        .filter(any)
        .all(tx.conn())
        .await?;
    found
        .into_iter()
        .map(|row| Ok((AccountRef { code: code_of(row.code)?, owner: row.owner_key }, row.id)))
        .collect()
}

/// Changes one balance with one guarded statement and answers with the new balance.
async fn change_balance(tx: &TenantTx, id: Uuid, code: AccountCode, change: i64) -> Result<i64, PostError> {
    let done = account::Entity::update_many()
        .col_expr(account::Column::BalanceFen, Expr::col(account::Column::BalanceFen).add(change))
        .col_expr(account::Column::Version, Expr::col(account::Column::Version).add(1))
        .col_expr(account::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Id.eq(id))
        .filter(account::Column::State.eq("open"))
        .filter(
            Condition::any()
                .add(account::Column::Floor.eq("none"))
                .add(Expr::col(account::Column::BalanceFen).add(change).gte(0)),
        )
        .exec(tx.conn())
        .await
        .map_err(StoreError::from)?;
    let row =
        account::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await.map_err(StoreError::from)?;
    let row = row.ok_or(StoreError::Corrupt("an account of a journal"))?;
    match done.rows_affected {
        1 => Ok(row.balance_fen),
        _ if row.state != "open" => Err(PostError::Closed(code)),
        _ => Err(PostError::Floor(code)),
    }
}
