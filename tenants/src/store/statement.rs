//! A merchant's statement: what an account held at the start of a stretch of time, what moved it, grouped by
//! kind of journal, and what it held at the end. Entries count by the time they were booked, so a statement
//! of a month that is over never changes.

use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{JournalId, LedgerAccountId};
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

/// A stretch of time: from its first moment up to and without its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// From this time.
    pub from: Timestamp,
    /// Up to and without this time.
    pub to: Timestamp,
}

/// An account's sum: all entries before a time, or those of one kind of journal in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Chart code.
    pub account: AccountCode,
    /// Code of the journals; empty for an opening balance.
    pub journal_code: String,
    /// How many entries.
    pub count: i64,
    /// What they add to the balance, in the account's normal direction.
    pub change: Fen,
}

#[derive(FromQueryResult)]
struct Row {
    code: i64,
    journal_code: String,
    count: i64,
    change: i64,
}

fn movement(row: Row) -> StoreResult<Movement> {
    Ok(Movement {
        account: AccountCode::from_number(row.code).ok_or(StoreError::Corrupt("ledger_accounts.code"))?,
        journal_code: row.journal_code,
        count: row.count,
        change: Fen::new(row.change),
    })
}

const OPENING: &str = "SELECT a.code, '' AS journal_code, COUNT(*) AS count, CAST(SUM(
        CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END) AS bigint) AS change
    FROM ledger_entries e
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.tenant_id = $1
    WHERE e.tenant_id = $1 AND a.currency = $2 AND e.created_at < $3 GROUP BY a.code ORDER BY a.code";

const MOVEMENTS: &str = "SELECT a.code, j.code AS journal_code, COUNT(*) AS count, CAST(SUM(
        CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END) AS bigint) AS change
    FROM ledger_entries e
    JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.tenant_id = $1
    JOIN journals j ON j.tenant_id = e.tenant_id AND j.id = e.journal_id AND j.tenant_id = $1
    WHERE e.tenant_id = $1 AND a.currency = $2 AND e.created_at >= $3 AND e.created_at < $4
    GROUP BY a.code, j.code ORDER BY a.code, j.code";

/// What each account of the chart held just before `from`; accounts without entries are left out.
pub async fn statement_opening(
    tx: &TenantTx,
    currency: Currency,
    from: Timestamp,
) -> StoreResult<Vec<Movement>> {
    let values = [tx.tenant().into(), currency.code().into(), from.micros().into()];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), OPENING, values);
    Row::find_by_statement(query).all(tx.conn()).await?.into_iter().map(movement).collect()
}

/// What moved each account of the chart in `[from, to)`, one row per kind of journal.
pub async fn statement_movements(
    tx: &TenantTx,
    currency: Currency,
    from: Timestamp,
    to: Timestamp,
) -> StoreResult<Vec<Movement>> {
    let values = [tx.tenant().into(), currency.code().into(), from.micros().into(), to.micros().into()];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), MOVEMENTS, values);
    Row::find_by_statement(query).all(tx.conn()).await?.into_iter().map(movement).collect()
}

/// One entry of a statement.
#[derive(Clone, Debug)]
pub struct StatementLine {
    /// The journal.
    pub journal: JournalId,
    /// Its code.
    pub journal_code: String,
    /// What it is about.
    pub business_ref: String,
    /// The account.
    pub account_id: LedgerAccountId,
    /// Its chart code.
    pub account: AccountCode,
    /// Its owner key.
    pub owner: String,
    /// What it adds to the balance, in the account's normal direction.
    pub change: Fen,
    /// The balance after it; not known of an account without a floor, whose balance is added up later.
    pub balance_after: Option<Fen>,
    /// When it was booked.
    pub at: Timestamp,
}

#[derive(FromQueryResult)]
struct LineRow {
    journal_id: Uuid,
    journal_code: String,
    business_ref: String,
    account_id: Uuid,
    code: i64,
    owner_key: String,
    change: i64,
    balance_after_fen: Option<i64>,
    created_at: i64,
}

/// Which lines of a statement.
#[derive(Clone, Copy, Debug)]
pub struct LineFilter<'a> {
    /// From this time.
    pub from: Timestamp,
    /// Up to and without this time.
    pub to: Timestamp,
    /// Accounts of the chart.
    pub accounts: &'a [AccountCode],
    /// One kind of journal only.
    pub journal_code: Option<&'a str>,
}

/// The lines of a statement, oldest first, at most `limit` after the first `skip`.
pub async fn statement_lines(
    tx: &TenantTx,
    currency: Currency,
    filter: &LineFilter<'_>,
    skip: u64,
    limit: u64,
) -> StoreResult<Vec<StatementLine>> {
    let accounts: Vec<String> = filter.accounts.iter().map(|code| code.number().to_string()).collect();
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    // The numbers come from the chart's own table, so they may stand in the text.
    let sql = format!(
        "SELECT j.id AS journal_id, j.code AS journal_code, j.business_ref, a.id AS account_id, a.code, a.owner_key,
            CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END AS change,
            e.balance_after_fen, e.created_at
        FROM ledger_entries e
        JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.tenant_id = $1
        JOIN journals j ON j.tenant_id = e.tenant_id AND j.id = e.journal_id AND j.tenant_id = $1
        WHERE e.tenant_id = $1 AND a.currency = $2 AND e.created_at >= $3 AND e.created_at < $4
            AND ($5 = '' OR j.code = $5) AND a.code IN ({})
        ORDER BY e.created_at, e.id LIMIT $6 OFFSET $7",
        accounts.join(", ")
    );
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let values = [
        tx.tenant().into(),
        currency.code().into(),
        filter.from.micros().into(),
        filter.to.micros().into(),
        filter.journal_code.unwrap_or_default().into(),
        whole(limit).into(),
        whole(skip).into(),
    ];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values);
    let rows = LineRow::find_by_statement(query).all(tx.conn()).await?;
    rows.into_iter()
        .map(|row| {
            Ok(StatementLine {
                journal: JournalId(row.journal_id),
                journal_code: row.journal_code,
                business_ref: row.business_ref,
                account_id: LedgerAccountId(row.account_id),
                account: AccountCode::from_number(row.code)
                    .ok_or(StoreError::Corrupt("ledger_accounts.code"))?,
                owner: row.owner_key,
                change: Fen::new(row.change),
                balance_after: row.balance_after_fen.map(Fen::new),
                at: Timestamp::from_micros(row.created_at),
            })
        })
        .collect()
}
