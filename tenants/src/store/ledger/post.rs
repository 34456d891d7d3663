//! Booking a journal: once, on accounts that are opened when they are first used, never below a floor.

use super::accounts::code_of;
use super::read::journal_get;
use crate::db::TenantTx;
use crate::entity::{journal, ledger_account as account, ledger_entry as entry, ledger_pending as pending};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::JournalId;
use qianpu_domain::ledger::{AccountCode, AccountRef, Floor, Journal, JournalError, Leg, Side};
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
    /// This fact was booked before with other legs. Its business reference is taken for ever: what changed is a fact of
    /// its own.
    #[error("{code} of {business_ref} was booked before, differently, as {booked}")]
    Differs {
        /// Which flow.
        code: &'static str,
        /// What it is about.
        business_ref: String,
        /// What stands in the books.
        booked: JournalId,
    },
    /// A booked journal cannot be taken back.
    #[error("{booked} is not taken back: {reason}")]
    Irreversible {
        /// What stands in the books.
        booked: JournalId,
        /// Why not.
        reason: JournalError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PostError {
    /// The stable code.
    pub fn code(&self) -> qianpu_domain::error::ErrorCode {
        match self {
            Self::Floor(_) | Self::Closed(_) | Self::Differs { .. } => {
                qianpu_domain::error::ErrorCode::Conflict
            }
            Self::Irreversible { reason, .. } => reason.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// Books a journal. Call it last in a transaction: it takes the account rows' locks.
///
/// A fact that is told again is booked once; told again with other legs it is refused.
pub async fn journal_post(tx: &mut TenantTx, draft: &Journal) -> Result<Posted, PostError> {
    let id = tx.new_id();
    if !insert_journal(tx, id, draft).await? {
        return booked_before(tx, draft).await.map(Posted::Before);
    }
    let accounts = open_accounts(tx, draft).await?;
    let held = change_balances(tx, draft, &accounts).await?;
    let last = draft.legs().len();
    let (mut entries, mut waiting, mut sum) = (Vec::with_capacity(last), Vec::new(), 0);
    for (leg, number) in draft.legs().iter().zip(1..) {
        let amount = leg.amount.get();
        // No overflow: a journal's debits are a sum that was checked.
        let after = if leg.side == Side::Debit { sum + amount } else { sum - amount };
        let (entry_id, account_id) = (tx.new_id(), *accounts.get(&leg.account).ok_or(MISSING)?);
        let balance_after = held.get(&leg.account).copied();
        if balance_after.is_none() {
            waiting.push(pending::ActiveModel {
                tenant_id: Set(tx.tenant()),
                entry_id: Set(entry_id),
                provider_id: Set(tx.provider()?),
                account_id: Set(account_id),
                currency: Set(draft.currency().code().to_owned()),
                code: Set(leg.account.code.number()),
                change_fen: Set(leg.change()),
            });
        }
        entries.push(entry::ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(entry_id),
            provider_id: Set(tx.provider()?),
            journal_id: Set(id),
            leg_no: Set(number),
            next_leg_no: Set(if entries.len() + 1 == last { 1 } else { number + 1 }),
            currency: Set(draft.currency().code().to_owned()),
            account_id: Set(account_id),
            side: Set(leg.side.as_str().to_owned()),
            amount_fen: Set(amount),
            before_fen: Set(sum),
            after_fen: Set(after),
            balance_after_fen: Set(balance_after),
            created_at: Set(tx.now().micros()),
        });
        sum = after;
    }
    entry::Entity::insert_many(entries).exec_without_returning(tx.conn()).await.map_err(StoreError::from)?;
    if !waiting.is_empty() {
        pending::Entity::insert_many(waiting)
            .exec_without_returning(tx.conn())
            .await
            .map_err(StoreError::from)?;
    }
    Ok(Posted::New(JournalId(id)))
}

const MISSING: StoreError = StoreError::Corrupt("an account of a journal");

/// The journal of a fact that was booked before, when it was told as it is told now. When it counts may differ: whoever
/// looks later may know less of it.
async fn booked_before(tx: &TenantTx, draft: &Journal) -> Result<JournalId, PostError> {
    let (code, business_ref) = (draft.code(), draft.business_ref());
    let row = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::Code.eq(code))
        .filter(journal::Column::BusinessRef.eq(business_ref))
        .one(tx.conn())
        .await
        .map_err(StoreError::from)?
        .ok_or(StoreError::NotFound)?;
    let booked = JournalId(row.id);
    let legs = journal_get(tx, booked).await?.legs;
    let same = row.currency == draft.currency().code()
        && legs.len() == draft.legs().len()
        && draft.legs().iter().all(|leg| {
            legs.iter().any(|known| {
                known.code == leg.account.code
                    && known.owner == leg.account.owner
                    && known.side == leg.side
                    && known.amount == leg.amount
            })
        });
    if same {
        return Ok(booked);
    }
    Err(PostError::Differs { code, business_ref: business_ref.to_owned(), booked })
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
        reverses_id: Set(draft.reverses().map(|of| of.0)),
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

/// The accounts of a journal. Those that do not exist yet, which is seldom, are made with a balance of zero.
async fn open_accounts(tx: &TenantTx, draft: &Journal) -> Result<BTreeMap<AccountRef, Uuid>, PostError> {
    let mut found = find_accounts(tx, draft).await?;
    let mut missing: Vec<&AccountRef> =
        draft.legs().iter().map(|leg| &leg.account).filter(|account| !found.contains_key(account)).collect();
    if !missing.is_empty() {
        missing.sort();
        make_accounts(tx, draft, &missing).await?;
        found = find_accounts(tx, draft).await?;
    }
    Ok(found)
}

async fn find_accounts(tx: &TenantTx, draft: &Journal) -> Result<BTreeMap<AccountRef, Uuid>, PostError> {
    let mut any = Condition::any();
    for leg in draft.legs() {
        any = any.add(
            Condition::all()
                .add(account::Column::Code.eq(leg.account.code.number()))
                .add(account::Column::OwnerKey.eq(leg.account.owner.as_str())),
        );
    }
    let found = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(draft.currency().code()))
        .filter(any)
        .all(tx.conn())
        .await
        .map_err(StoreError::from)?;
    found
        .into_iter()
        .map(|row| {
            let code = code_of(row.code)?;
            let account = AccountRef { code, owner: row.owner_key };
            if row.state == "open" { Ok((account, row.id)) } else { Err(PostError::Closed(code)) }
        })
        .collect()
}

async fn make_accounts(tx: &TenantTx, draft: &Journal, missing: &[&AccountRef]) -> StoreResult<()> {
    let now = tx.now().micros();
    let mut rows = Vec::with_capacity(missing.len());
    for wanted in missing {
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
    // Somebody else may make the same one at this moment.
    account::Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Changes the balances of accounts with a floor, in the order of the accounts, so that two journals never wait for each
/// other, and answers with what each of them holds then.
async fn change_balances(
    tx: &TenantTx,
    draft: &Journal,
    ids: &BTreeMap<AccountRef, Uuid>,
) -> Result<BTreeMap<AccountRef, i64>, PostError> {
    let changes: BTreeMap<&AccountRef, i64> =
        floored(draft).map(|leg| (&leg.account, leg.change())).collect();
    let mut held = BTreeMap::new();
    for (account, change) in changes {
        let id = *ids.get(account).ok_or(MISSING)?;
        held.insert(account.clone(), change_balance(tx, id, account.code, change).await?);
    }
    Ok(held)
}

fn floored(draft: &Journal) -> impl Iterator<Item = &Leg> {
    draft.legs().iter().filter(|leg| leg.account.code.floor() == Floor::Zero)
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
        .filter(Expr::col(account::Column::BalanceFen).add(change).gte(0))
        .exec_with_returning(tx.conn())
        .await
        .map_err(StoreError::from)?;
    if let Some(row) = done.first() {
        return Ok(row.balance_fen);
    }
    let row =
        account::Entity::find_by_id((tx.tenant(), id)).one(tx.conn()).await.map_err(StoreError::from)?;
    match row.ok_or(MISSING)?.state.as_str() {
        "open" => Err(PostError::Floor(code)),
        _ => Err(PostError::Closed(code)),
    }
}
