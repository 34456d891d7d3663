//! Balances that should not be as they are though the books are right: what stays where money only passes, and mirrors
//! that are negative.

use crate::db::TenantTx;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::LedgerAccountId;
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::ledger::findings::Watched;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

/// An account with a balance that it should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchedBalance {
    /// The account.
    pub account: LedgerAccountId,
    /// Its chart code.
    pub code: AccountCode,
    /// Its balance.
    pub balance: Fen,
    /// When it was first used.
    pub since: Timestamp,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    code: i64,
    created_at: i64,
    balance: i64,
}

/// Such accounts among those of some codes, by id, at most `limit`.
pub async fn watched_balances(
    tx: &TenantTx,
    codes: &[AccountCode],
    watched: Watched,
    limit: usize,
) -> StoreResult<Vec<WatchedBalance>> {
    let (wrong, until) = match watched {
        Watched::Left(grace) => ("balance <> 0", tx.now().micros().saturating_sub(grace.as_micros())),
        Watched::Negative => ("balance < 0", i64::MAX),
    };
    let codes: Vec<String> = codes.iter().map(|code| code.number().to_string()).collect();
    // The numbers come from the chart's own table, so they may stand in the text. What waits to be added up counts.
    let sql = format!(
        "SELECT id, code, created_at, balance FROM (
            SELECT a.id, a.code, a.created_at, CAST(a.balance_fen + COALESCE((SELECT SUM(p.change_fen)
                FROM ledger_pending p WHERE p.tenant_id = $1 AND p.account_id = a.id), 0) AS bigint) AS balance
            FROM ledger_accounts a WHERE a.tenant_id = $1 AND a.code IN ({}) AND a.created_at <= $2) AS held
        WHERE {wrong} ORDER BY id LIMIT $3",
        codes.join(", ")
    );
    let values = [tx.tenant().into(), until.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values);
    let rows = Row::find_by_statement(query).all(tx.conn()).await?;
    rows.into_iter()
        .map(|row| {
            Ok(WatchedBalance {
                account: LedgerAccountId(row.id),
                code: AccountCode::from_number(row.code)
                    .ok_or(StoreError::Corrupt("ledger_accounts.code"))?,
                balance: Fen::new(row.balance),
                since: Timestamp::from_micros(row.created_at),
            })
        })
        .collect()
}
