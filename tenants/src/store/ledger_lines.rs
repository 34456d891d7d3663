//! Lines of a merchant's books for files and pages of an account: one per leg with its journal, oldest first, in pieces
//! that begin after the last line of the piece before.

use super::statement::Between;
use crate::db::TenantTx;
use crate::entity::journal;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{EntryId, JournalId, LedgerAccountId};
use qianpu_domain::ledger::{AccountCode, Side};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A leg with its journal.
#[derive(Clone, Debug)]
pub struct LedgerLine {
    /// The entry.
    pub entry: EntryId,
    /// The journal.
    pub journal: JournalId,
    /// Which leg of it.
    pub leg_no: i64,
    /// Its code.
    pub journal_code: String,
    /// What it is about.
    pub business_ref: String,
    /// When it counts.
    pub effective_at: Timestamp,
    /// When it was booked.
    pub at: Timestamp,
    /// Chart code of the account.
    pub code: AccountCode,
    /// Owner key of the account.
    pub owner: String,
    /// Debit or credit.
    pub side: Side,
    /// Fen.
    pub amount: Fen,
    /// The account's balance after it, where it was kept.
    pub balance_after: Option<Fen>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    journal_id: Uuid,
    leg_no: i64,
    journal_code: String,
    business_ref: String,
    effective_at: i64,
    created_at: i64,
    code: i64,
    owner_key: String,
    side: String,
    amount_fen: i64,
    balance_after_fen: Option<i64>,
}

impl TryFrom<Row> for LedgerLine {
    type Error = StoreError;
    fn try_from(row: Row) -> StoreResult<Self> {
        Ok(Self {
            entry: EntryId(row.id),
            journal: JournalId(row.journal_id),
            leg_no: row.leg_no,
            journal_code: row.journal_code,
            business_ref: row.business_ref,
            effective_at: Timestamp::from_micros(row.effective_at),
            at: Timestamp::from_micros(row.created_at),
            code: AccountCode::from_number(row.code).ok_or(StoreError::Corrupt("ledger_accounts.code"))?,
            owner: row.owner_key,
            side: Side::parse(&row.side).ok_or(StoreError::Corrupt("ledger_entries.side"))?,
            amount: Fen::new(row.amount_fen),
            balance_after: row.balance_after_fen.map(Fen::new),
        })
    }
}

const LINE: &str = "SELECT e.id, e.journal_id, e.leg_no, j.code AS journal_code, j.business_ref, j.effective_at, e.created_at,
        a.code, a.owner_key, e.side, e.amount_fen, e.balance_after_fen
    FROM journals j
    JOIN ledger_entries e ON e.tenant_id = j.tenant_id AND e.journal_id = j.id AND e.tenant_id = $1
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.tenant_id = $1
    WHERE j.tenant_id = $1";

async fn lines(tx: &TenantTx, rest: &str, values: Vec<Value>) -> StoreResult<Vec<LedgerLine>> {
    let values = std::iter::once(tx.tenant().into()).chain(values);
    let backend = tx.conn().get_database_backend();
    let query = Statement::from_sql_and_values(backend, format!("{LINE} {rest}"), values);
    Row::find_by_statement(query).all(tx.conn()).await?.into_iter().map(LedgerLine::try_from).collect()
}

fn whole(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

/// The entries of an account after a line, by the time they were booked.
pub async fn lines_of_account(
    tx: &TenantTx,
    account: LedgerAccountId,
    between: Between,
    after: Option<&LedgerLine>,
    limit: u64,
) -> StoreResult<Vec<LedgerLine>> {
    let (at, id) = after.map_or((i64::MIN, Uuid::nil()), |line| (line.at.micros(), line.entry.0));
    let rest = "AND e.account_id = $2 AND e.created_at >= $3 AND e.created_at < $4
        AND (e.created_at, e.id) > ($5, $6) ORDER BY e.created_at, e.id LIMIT $7";
    let values = vec![
        account.0.into(),
        between.from.micros().into(),
        between.to.micros().into(),
        at.into(),
        id.into(),
        whole(limit),
    ];
    lines(tx, rest, values).await
}

/// The legs of all journals after a line, journal by journal.
pub async fn lines_of_journals(
    tx: &TenantTx,
    between: Between,
    after: Option<&LedgerLine>,
    limit: u64,
) -> StoreResult<Vec<LedgerLine>> {
    let (at, id, leg) =
        after.map_or((i64::MIN, Uuid::nil(), 0), |line| (line.at.micros(), line.journal.0, line.leg_no));
    let rest = "AND j.recorded_at >= $2 AND j.recorded_at < $3
        AND (j.recorded_at, j.id, e.leg_no) > ($4, $5, $6) ORDER BY j.recorded_at, j.id, e.leg_no LIMIT $7";
    let values = vec![
        between.from.micros().into(),
        between.to.micros().into(),
        at.into(),
        id.into(),
        leg.into(),
        whole(limit),
    ];
    lines(tx, rest, values).await
}

/// Codes and business references of journals.
pub async fn journal_names(
    tx: &TenantTx,
    ids: impl IntoIterator<Item = JournalId>,
) -> StoreResult<BTreeMap<JournalId, (String, String)>> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let rows = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::Id.is_in(ids))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (JournalId(row.id), (row.code, row.business_ref))).collect())
}
