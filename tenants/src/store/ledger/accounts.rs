//! Accounts with their balances, of one merchant and summed over a provider's.

use crate::db::{ProviderTx, TenantTx};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{LedgerAccountId, TenantId};
use qianpu_domain::ledger::{AccountCode, AccountRef, Side};
use qianpu_domain::money::{Currency, Fen};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use uuid::Uuid;

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

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    code: i64,
    owner_key: String,
    balance: i64,
}

impl TryFrom<Row> for AccountRow {
    type Error = StoreError;
    fn try_from(row: Row) -> StoreResult<Self> {
        Ok(Self {
            id: LedgerAccountId(row.id),
            code: code_of(row.code)?,
            owner: row.owner_key,
            balance: Fen::new(row.balance),
        })
    }
}

/// Accounts with what was added up and what waits ([`super::pending`]), in one statement, so that a roll-up in between
/// is seen as a whole or not at all. sum(bigint) is numeric on PostgreSQL; the cast keeps integers on both databases.
const ACCOUNTS: &str =
    "SELECT a.id, a.code, a.owner_key, CAST(a.balance_fen + COALESCE((SELECT SUM(p.change_fen)
        FROM ledger_pending p WHERE p.tenant_id = $1 AND p.account_id = a.id), 0) AS bigint) AS balance
    FROM ledger_accounts a WHERE a.tenant_id = $1";

const TOTALS: &str = "SELECT code, CAST(SUM(fen) AS bigint) AS total FROM (
        SELECT code, balance_fen AS fen FROM ledger_accounts
        WHERE provider_id = $1 AND currency = $2 AND tenant_id IS NOT NULL
        UNION ALL
        SELECT code, change_fen AS fen FROM ledger_pending
        WHERE provider_id = $1 AND currency = $2 AND tenant_id IS NOT NULL) AS moved
    GROUP BY code ORDER BY code";

async fn accounts(tx: &TenantTx, rest: &str, values: Vec<Value>) -> StoreResult<Vec<AccountRow>> {
    let values = std::iter::once(tx.tenant().into()).chain(values);
    let backend = tx.conn().get_database_backend();
    let query = Statement::from_sql_and_values(backend, format!("{ACCOUNTS} {rest}"), values);
    Row::find_by_statement(query).all(tx.conn()).await?.into_iter().map(AccountRow::try_from).collect()
}

/// The merchant's accounts by code and owner, at most 500.
pub async fn account_list(tx: &TenantTx, currency: Currency) -> StoreResult<Vec<AccountRow>> {
    let rest = "AND a.currency = $2 ORDER BY a.code, a.owner_key LIMIT 500";
    accounts(tx, rest, vec![currency.code().into()]).await
}

/// The balance of one account; zero when it was never used.
pub async fn account_balance(tx: &TenantTx, currency: Currency, wanted: &AccountRef) -> StoreResult<Fen> {
    let rest = "AND a.currency = $2 AND a.code = $3 AND a.owner_key = $4";
    let values = vec![currency.code().into(), wanted.code.number().into(), wanted.owner.as_str().into()];
    Ok(accounts(tx, rest, values).await?.first().map_or(Fen::ZERO, |row| row.balance))
}

/// One account.
pub async fn account_get(tx: &TenantTx, id: LedgerAccountId) -> StoreResult<AccountRow> {
    accounts(tx, "AND a.id = $2", vec![id.0.into()]).await?.pop().ok_or(StoreError::NotFound)
}

#[derive(FromQueryResult)]
struct Total {
    code: i64,
    total: i64,
}

/// Balances of a provider's merchants by chart code: a roll-up for reports, never an invariant.
pub async fn book_totals(tx: &ProviderTx, currency: Currency) -> StoreResult<Vec<(AccountCode, Fen)>> {
    let values = [tx.provider().into(), currency.code().into()];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), TOTALS, values);
    let rows = Total::find_by_statement(query).all(tx.conn()).await?;
    rows.into_iter().map(|row| Ok((code_of(row.code)?, Fen::new(row.total)))).collect()
}

/// A merchant in the provider's totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantBalance {
    /// The merchant.
    pub merchant: TenantId,
    /// What it is called.
    pub name: String,
    /// Balances of accounts that grow on the debit side.
    pub debit: Fen,
    /// Balances of those that grow on the credit side.
    pub credit: Fen,
}

#[derive(FromQueryResult)]
struct MerchantRow {
    tenant_id: Uuid,
    name: String,
    debit: i64,
    credit: i64,
}

/// What the provider's merchants hold, by id after a merchant, at most `limit`: on accounts of one code, or on all.
pub async fn book_totals_by_merchant(
    tx: &ProviderTx,
    currency: Currency,
    code: Option<AccountCode>,
    after: Option<TenantId>,
    limit: u64,
) -> StoreResult<Vec<MerchantBalance>> {
    let debit_side: Vec<String> = AccountCode::ALL
        .iter()
        .filter(|code| code.side() == Side::Debit)
        .map(|code| code.number().to_string())
        .collect();
    // The numbers come from the chart's own table, so they may stand in the text.
    let sql = format!(
        "SELECT held.tenant_id, t.name, held.debit, held.credit FROM (
            SELECT tenant_id, CAST(SUM(CASE WHEN code IN ({0}) THEN fen ELSE 0 END) AS bigint) AS debit,
                CAST(SUM(CASE WHEN code IN ({0}) THEN 0 ELSE fen END) AS bigint) AS credit
            FROM (SELECT tenant_id, code, balance_fen AS fen FROM ledger_accounts
                    WHERE provider_id = $1 AND currency = $2 AND tenant_id > $3
                UNION ALL
                SELECT tenant_id, code, change_fen AS fen FROM ledger_pending
                    WHERE provider_id = $1 AND currency = $2 AND tenant_id > $3) AS moved
            WHERE $4 = 0 OR code = $4
            GROUP BY tenant_id ORDER BY tenant_id LIMIT $5) AS held
        JOIN tenants t ON t.tenant_id = held.tenant_id AND t.provider_id = $1 ORDER BY held.tenant_id",
        debit_side.join(", ")
    );
    let values = [
        tx.provider().into(),
        currency.code().into(),
        after.map_or(Uuid::nil(), |after| after.0).into(),
        code.map_or(0, AccountCode::number).into(),
        i64::try_from(limit).unwrap_or(i64::MAX).into(),
    ];
    let query = Statement::from_sql_and_values(tx.conn().get_database_backend(), sql, values);
    let rows = MerchantRow::find_by_statement(query).all(tx.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|row| MerchantBalance {
            merchant: TenantId(row.tenant_id),
            name: row.name,
            debit: Fen::new(row.debit),
            credit: Fen::new(row.credit),
        })
        .collect())
}

pub(super) fn code_of(number: i64) -> StoreResult<AccountCode> {
    AccountCode::from_number(number).ok_or(StoreError::Corrupt("ledger_accounts.code"))
}
