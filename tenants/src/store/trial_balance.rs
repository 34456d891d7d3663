//! Trial balances: what each account of the chart, and each of its accounts, held before a stretch of time and what was
//! booked in it on either side. All from the entries, by the time they were booked; the database adds up.

use super::statement::Between;
use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use qianpu_domain::ids::LedgerAccountId;
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

/// What was booked on one side and on the other, after what there was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Turnover {
    /// Debits less credits before the stretch.
    pub opening: Fen,
    /// Debits within it.
    pub debit: Fen,
    /// Credits within it.
    pub credit: Fen,
}

/// An account of the chart in a trial balance: all accounts of the code together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialRow {
    /// Chart code.
    pub code: AccountCode,
    /// How many accounts there are of it.
    pub accounts: i64,
    /// What they hold and moved.
    pub turnover: Turnover,
}

/// One account in a trial balance.
#[derive(Clone, Debug)]
pub struct AccountTurnover {
    /// Its id.
    pub id: LedgerAccountId,
    /// What it is for.
    pub owner: String,
    /// When it was first used.
    pub opened_at: Timestamp,
    /// What it holds and moved.
    pub turnover: Turnover,
}

#[derive(FromQueryResult)]
struct CodeRow {
    code: i64,
    accounts: i64,
    opening: i64,
    debit: i64,
    credit: i64,
}

#[derive(FromQueryResult)]
struct AccountRow {
    id: Uuid,
    owner_key: String,
    created_at: i64,
    opening: i64,
    debit: i64,
    credit: i64,
}

// sum(bigint) is numeric on PostgreSQL; the casts keep integers on both databases.
const CODES: &str = "SELECT code, COUNT(*) AS accounts, CAST(SUM(opening) AS bigint) AS opening,
        CAST(SUM(debit) AS bigint) AS debit, CAST(SUM(credit) AS bigint) AS credit
    FROM (SELECT a.code, a.id,
            SUM(CASE WHEN e.created_at >= $3 THEN 0 WHEN e.side = 'debit' THEN e.amount_fen ELSE -e.amount_fen END) AS opening,
            SUM(CASE WHEN e.created_at >= $3 AND e.side = 'debit' THEN e.amount_fen ELSE 0 END) AS debit,
            SUM(CASE WHEN e.created_at >= $3 AND e.side = 'credit' THEN e.amount_fen ELSE 0 END) AS credit
        FROM ledger_entries e
        JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.tenant_id = $1
        WHERE e.tenant_id = $1 AND a.currency = $2 AND e.created_at < $4 GROUP BY a.code, a.id) AS each_account
    GROUP BY code ORDER BY code";

const ACCOUNTS: &str = "SELECT a.id, a.owner_key, a.created_at,
        CAST(COALESCE(SUM(CASE WHEN e.created_at >= $4 THEN 0 WHEN e.side = 'debit' THEN e.amount_fen
            ELSE -e.amount_fen END), 0) AS bigint) AS opening,
        CAST(COALESCE(SUM(CASE WHEN e.created_at >= $4 AND e.side = 'debit' THEN e.amount_fen ELSE 0 END), 0)
            AS bigint) AS debit,
        CAST(COALESCE(SUM(CASE WHEN e.created_at >= $4 AND e.side = 'credit' THEN e.amount_fen ELSE 0 END), 0)
            AS bigint) AS credit
    FROM (SELECT id, owner_key, created_at FROM ledger_accounts
        WHERE tenant_id = $1 AND currency = $2 AND code = $3 AND created_at < $5
            AND (created_at < $6 OR (created_at = $6 AND id < $7))
        ORDER BY created_at DESC, id DESC LIMIT $8) AS a
    LEFT JOIN ledger_entries e ON e.tenant_id = $1 AND e.account_id = a.id AND e.created_at < $5
    GROUP BY a.id, a.owner_key, a.created_at ORDER BY a.created_at DESC, a.id DESC";

fn turnover(opening: i64, debit: i64, credit: i64) -> Turnover {
    Turnover { opening: Fen::new(opening), debit: Fen::new(debit), credit: Fen::new(credit) }
}

/// The chart with what the merchant's accounts hold and moved; accounts without any entry up to the end are left out.
pub async fn trial_balance(
    tx: &TenantTx,
    currency: Currency,
    between: Between,
) -> StoreResult<Vec<TrialRow>> {
    let values = [
        tx.tenant().into(),
        currency.code().into(),
        between.from.micros().into(),
        between.to.micros().into(),
    ];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), CODES, values);
    let rows = CodeRow::find_by_statement(query).all(tx.conn()).await?;
    rows.into_iter()
        .map(|row| {
            Ok(TrialRow {
                code: AccountCode::from_number(row.code)
                    .ok_or(StoreError::Corrupt("ledger_accounts.code"))?,
                accounts: row.accounts,
                turnover: turnover(row.opening, row.debit, row.credit),
            })
        })
        .collect()
}

/// The accounts of one code, those first used last first, with what they hold and moved.
pub async fn account_turnovers(
    tx: &TenantTx,
    currency: Currency,
    code: AccountCode,
    between: Between,
    page: PageRequest,
) -> StoreResult<Page<AccountTurnover>> {
    let (at, id) = page.cursor.map_or((i64::MAX, Uuid::nil()), |cursor| (cursor.at.micros(), cursor.id));
    let values: [Value; 8] = [
        tx.tenant().into(),
        currency.code().into(),
        code.number().into(),
        between.from.micros().into(),
        between.to.micros().into(),
        at.into(),
        id.into(),
        i64::try_from(page.limit + 1).unwrap_or(i64::MAX).into(),
    ];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), ACCOUNTS, values);
    let rows = AccountRow::find_by_statement(query).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(|row| AccountTurnover {
        id: LedgerAccountId(row.id),
        owner: row.owner_key,
        opened_at: Timestamp::from_micros(row.created_at),
        turnover: turnover(row.opening, row.debit, row.credit),
    }))
}

#[derive(FromQueryResult)]
struct Sum {
    opening: i64,
}

/// Debits less credits of one account before a moment.
pub async fn account_opening(tx: &TenantTx, id: LedgerAccountId, before: Timestamp) -> StoreResult<Fen> {
    let sql =
        "SELECT CAST(COALESCE(SUM(CASE side WHEN 'debit' THEN amount_fen ELSE -amount_fen END), 0) AS bigint)
            AS opening
        FROM ledger_entries WHERE tenant_id = $1 AND account_id = $2 AND created_at < $3";
    let values = [tx.tenant().into(), id.0.into(), before.micros().into()];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values);
    let row = Sum::find_by_statement(query).one(tx.conn()).await?;
    Ok(row.map_or(Fen::ZERO, |row| Fen::new(row.opening)))
}
