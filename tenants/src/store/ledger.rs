//! The books of one merchant. Journals and entries are only ever added; balances are kept on the accounts.
//!
//! Invariants: a journal's legs sum to zero (`domain::ledger::Journal` cannot be built otherwise); a journal's
//! (code, business reference) is unique for ever, so a fact is booked once however often it is reported; an
//! account with a floor never falls below zero (a CHECK of the database holds it too); accounts are locked
//! in the order of their codes, so that two journals cannot wait for each other.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{entry, journal, ledger_account as account};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{EntryId, JournalId, LedgerAccountId};
use qianpu_domain::ledger::{AccountCode, AccountRef, Journal, Side};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
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

fn code_of(number: i64) -> StoreResult<AccountCode> {
    AccountCode::from_number(number).ok_or(StoreError::Corrupt("ledger_accounts.code"))
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

/// An account with its balance in its normal direction.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its id.
    pub id: LedgerAccountId,
    /// Chart code.
    pub code: AccountCode,
    /// Owner key, empty where the chart names none.
    pub owner: String,
    /// Balance in the account's normal direction.
    pub balance: Fen,
}

fn account_from(row: account::Model) -> StoreResult<AccountRow> {
    Ok(AccountRow {
        id: LedgerAccountId(row.id),
        code: code_of(row.code)?,
        owner: row.owner_key,
        balance: Fen::new(row.balance_fen),
    })
}

/// The merchant's accounts by code and owner, at most 500.
pub async fn account_list(tx: &TenantTx, currency: Currency) -> StoreResult<Vec<AccountRow>> {
    let rows = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(currency.code()))
        .order_by_asc(account::Column::Code)
        .order_by_asc(account::Column::OwnerKey)
        .limit(500)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(account_from).collect()
}

/// The balance of one account; zero when it was never used.
pub async fn account_balance(tx: &TenantTx, currency: Currency, wanted: &AccountRef) -> StoreResult<Fen> {
    let row = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Currency.eq(currency.code()))
        .filter(account::Column::Code.eq(wanted.code.number()))
        .filter(account::Column::OwnerKey.eq(wanted.owner.as_str()))
        .one(tx.conn())
        .await?;
    Ok(row.map_or(Fen::ZERO, |row| Fen::new(row.balance_fen)))
}

/// A journal with its legs, as shown.
#[derive(Clone, Debug)]
pub struct JournalRow {
    /// Its id.
    pub id: JournalId,
    /// Which flow.
    pub code: String,
    /// What it is about.
    pub business_ref: String,
    /// When it counts.
    pub effective_at: Timestamp,
    /// When it was booked.
    pub recorded_at: Timestamp,
    /// Legs, debits first.
    pub legs: Vec<EntryRow>,
}

/// A leg as shown.
#[derive(Clone, Debug)]
pub struct EntryRow {
    /// Its id.
    pub id: EntryId,
    /// Its journal.
    pub journal: JournalId,
    /// Chart code.
    pub code: AccountCode,
    /// Owner key.
    pub owner: String,
    /// Debit or credit.
    pub side: Side,
    /// Fen.
    pub amount: Fen,
    /// The account's balance after it.
    pub balance_after: Fen,
    /// When it was booked.
    pub at: Timestamp,
}

/// Journals, newest first, with their legs.
pub async fn journal_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<JournalRow>> {
    let query = journal::Entity::find().filter(journal::Column::TenantId.eq(tx.tenant()));
    let rows =
        newest_first(query, journal::Column::RecordedAt, journal::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.recorded_at),
        id: row.id,
    });
    with_legs(tx, page).await
}

/// The journals of one thing (an order, an invoice, a receipt), oldest first, at most 100.
pub async fn journal_list_of(tx: &TenantTx, business_ref: &str) -> StoreResult<Vec<JournalRow>> {
    let rows = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::BusinessRef.eq(business_ref))
        .order_by_asc(journal::Column::RecordedAt)
        .order_by_asc(journal::Column::Id)
        .limit(100)
        .all(tx.conn())
        .await?;
    Ok(with_legs(tx, Page { items: rows, next: None }).await?.items)
}

async fn with_legs(tx: &TenantTx, page: Page<journal::Model>) -> StoreResult<Page<JournalRow>> {
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
    let entries = entry::Entity::find()
        .filter(entry::Column::TenantId.eq(tx.tenant()))
        .filter(entry::Column::JournalId.is_in(ids))
        .order_by_asc(entry::Column::LegNo)
        .all(tx.conn())
        .await?;
    let names = account_names(tx, entries.iter().map(|row| row.account_id)).await?;
    let mut legs: BTreeMap<Uuid, Vec<EntryRow>> = BTreeMap::new();
    for row in entries {
        let journal_id = row.journal_id;
        legs.entry(journal_id).or_default().push(entry_from(row, &names)?);
    }
    Ok(page.map(|row| JournalRow {
        id: JournalId(row.id),
        code: row.code,
        business_ref: row.business_ref,
        effective_at: Timestamp::from_micros(row.effective_at),
        recorded_at: Timestamp::from_micros(row.recorded_at),
        legs: legs.remove(&row.id).unwrap_or_default(),
    }))
}

async fn account_names(
    tx: &TenantTx,
    ids: impl Iterator<Item = Uuid>,
) -> StoreResult<BTreeMap<Uuid, (AccountCode, String)>> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Id.is_in(ids))
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|row| Ok((row.id, (code_of(row.code)?, row.owner_key)))).collect()
}

fn entry_from(row: entry::Model, names: &BTreeMap<Uuid, (AccountCode, String)>) -> StoreResult<EntryRow> {
    let (code, owner) =
        names.get(&row.account_id).cloned().ok_or(StoreError::Corrupt("entries.account_id"))?;
    Ok(EntryRow {
        id: EntryId(row.id),
        journal: JournalId(row.journal_id),
        code,
        owner,
        side: Side::parse(&row.side).ok_or(StoreError::Corrupt("entries.side"))?,
        amount: Fen::new(row.amount_fen),
        balance_after: Fen::new(row.balance_after_fen),
        at: Timestamp::from_micros(row.created_at),
    })
}

/// One account.
pub async fn account_get(tx: &TenantTx, id: LedgerAccountId) -> StoreResult<AccountRow> {
    let row = account::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    account_from(row.ok_or(StoreError::NotFound)?)
}

/// One journal with its legs.
pub async fn journal_get(tx: &TenantTx, id: JournalId) -> StoreResult<JournalRow> {
    let row = journal::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let page = with_legs(tx, Page { items: vec![row], next: None }).await?;
    page.items.into_iter().next().ok_or(StoreError::NotFound)
}

/// Entries of one account, newest first.
pub async fn entry_list(
    tx: &TenantTx,
    of: LedgerAccountId,
    page: PageRequest,
) -> StoreResult<Page<EntryRow>> {
    let query = entry::Entity::find()
        .filter(entry::Column::TenantId.eq(tx.tenant()))
        .filter(entry::Column::AccountId.eq(of.0));
    let rows = newest_first(query, entry::Column::CreatedAt, entry::Column::Id, page).all(tx.conn()).await?;
    let names = account_names(tx, std::iter::once(of.0)).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(|row| entry_from(row, &names)).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

/// Balances of a provider's merchants by chart code: a roll-up for reports, never an invariant.
pub async fn book_totals(tx: &ProviderTx, currency: Currency) -> StoreResult<Vec<(AccountCode, Fen)>> {
    // sum(bigint) is numeric on PostgreSQL; the cast keeps integers on both databases.
    let rows: Vec<(i64, i64)> = account::Entity::find()
        .select_only()
        .column(account::Column::Code)
        .expr_as(Expr::col(account::Column::BalanceFen).sum().cast_as("bigint"), "total")
        .filter(account::Column::ProviderId.eq(tx.provider()))
        .filter(account::Column::Currency.eq(currency.code()))
        .filter(account::Column::TenantId.is_not_null())
        .group_by(account::Column::Code)
        .order_by_asc(account::Column::Code)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|(code, total)| Ok((code_of(code)?, Fen::new(total)))).collect()
}
