//! Journals and entries as they are shown.

use super::accounts::{account_get, code_of};
use crate::db::TenantTx;
use crate::entity::{journal, ledger_account as account, ledger_entry as entry};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::statement::Between;
use qianpu_domain::ids::{EntryId, JournalId, LedgerAccountId};
use qianpu_domain::ledger::{AccountCode, Floor, Side};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    /// The journal that it takes back.
    pub reverses: Option<JournalId>,
    /// The journal that takes it back.
    pub reversed_by: Option<JournalId>,
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
    /// The account's balance after it. Not known with the journal of an account without a floor, whose balance is added
    /// up later; the list of the account's entries has it.
    pub balance_after: Option<Fen>,
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
    let reversed = reversed_among(tx, &ids).await?;
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
        reverses: row.reverses_id.map(JournalId),
        reversed_by: reversed.get(&row.id).copied().map(JournalId),
        legs: legs.remove(&row.id).unwrap_or_default(),
    }))
}

/// Which of these journals were taken back, and by which.
async fn reversed_among(tx: &TenantTx, ids: &[Uuid]) -> StoreResult<BTreeMap<Uuid, Uuid>> {
    let found: Vec<(Option<Uuid>, Uuid)> = journal::Entity::find()
        .select_only()
        .column(journal::Column::ReversesId)
        .column(journal::Column::Id)
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::ReversesId.is_in(ids.iter().copied()))
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(found.into_iter().filter_map(|(of, by)| Some((of?, by))).collect())
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
        names.get(&row.account_id).cloned().ok_or(StoreError::Corrupt("ledger_entries.account_id"))?;
    Ok(EntryRow {
        id: EntryId(row.id),
        journal: JournalId(row.journal_id),
        code,
        owner,
        side: Side::parse(&row.side).ok_or(StoreError::Corrupt("ledger_entries.side"))?,
        amount: Fen::new(row.amount_fen),
        balance_after: row.balance_after_fen.map(Fen::new),
        at: Timestamp::from_micros(row.created_at),
    })
}

/// One journal with its legs.
pub async fn journal_get(tx: &TenantTx, id: JournalId) -> StoreResult<JournalRow> {
    let row = journal::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let page = with_legs(tx, Page { items: vec![row], next: None }).await?;
    page.items.into_iter().next().ok_or(StoreError::NotFound)
}

/// Entries of one account, newest first, each with the balance after it. In a transaction that sees one moment.
pub async fn entry_list(
    tx: &TenantTx,
    of: LedgerAccountId,
    page: PageRequest,
) -> StoreResult<Page<EntryRow>> {
    entry_list_in(tx, of, None, page).await
}

/// The same of a stretch of time, by when they were booked.
pub async fn entry_list_in(
    tx: &TenantTx,
    of: LedgerAccountId,
    between: Option<Between>,
    page: PageRequest,
) -> StoreResult<Page<EntryRow>> {
    let mut query = entry::Entity::find()
        .filter(entry::Column::TenantId.eq(tx.tenant()))
        .filter(entry::Column::AccountId.eq(of.0));
    if let Some(Between { from, to }) = between {
        query = query
            .filter(entry::Column::CreatedAt.gte(from.micros()))
            .filter(entry::Column::CreatedAt.lt(to.micros()));
    }
    let rows = newest_first(query, entry::Column::CreatedAt, entry::Column::Id, page).all(tx.conn()).await?;
    let names = account_names(tx, std::iter::once(of.0)).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(|row| entry_from(row, &names)).collect::<StoreResult<Vec<_>>>()?;
    let mut page = Page { items, next: page.next };
    if page.items.first().is_some_and(|entry| entry.code.floor() == Floor::None) {
        count_back(tx, of, &mut page.items).await?;
    }
    Ok(page)
}

/// From the balance of today back to the one after each entry.
async fn count_back(tx: &TenantTx, of: LedgerAccountId, entries: &mut [EntryRow]) -> StoreResult<()> {
    let Some(first) = entries.first() else { return Ok(()) };
    let newer = Condition::any().add(entry::Column::CreatedAt.gt(first.at.micros())).add(
        Condition::all()
            .add(entry::Column::CreatedAt.eq(first.at.micros()))
            .add(entry::Column::Id.gt(first.id.0)),
    );
    let since: Vec<(String, i64)> = entry::Entity::find()
        .select_only()
        .column(entry::Column::Side)
        // sum(bigint) is numeric on PostgreSQL; the cast keeps integers on both databases.
        .expr_as(Expr::col(entry::Column::AmountFen).sum().cast_as("bigint"), "total")
        .filter(entry::Column::TenantId.eq(tx.tenant()))
        .filter(entry::Column::AccountId.eq(of.0))
        .filter(newer)
        .group_by(entry::Column::Side)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let overflow = |_| StoreError::Corrupt("a balance");
    let own = first.code.side().as_str();
    let mut balance = account_get(tx, of).await?.balance;
    for (side, total) in since {
        let change = if side == own { -total } else { total };
        balance = balance.add(Fen::new(change)).map_err(overflow)?;
    }
    for entry in entries {
        entry.balance_after = Some(balance);
        let own = entry.side == entry.code.side();
        let before = if own { balance.sub(entry.amount) } else { balance.add(entry.amount) };
        balance = before.map_err(overflow)?;
    }
    Ok(())
}
