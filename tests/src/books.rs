//! What must hold in every book whatever happened, checked in every test's database when the test is over: each
//! journal sums to zero, the balances of each book sum to zero, and a balance is the sum of its entries.

use sea_orm::{ConnectionTrait, Statement};

use crate::postgres;

/// A rule, and the count of what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "a journal does not sum to zero",
        "SELECT count(*) AS broken FROM (SELECT tenant_id, journal_id FROM ledger_entries WHERE side IN ('debit', 'credit') \
         GROUP BY tenant_id, journal_id \
         HAVING sum(CASE side WHEN 'debit' THEN amount_fen ELSE -amount_fen END) <> 0 OR count(*) < 2) AS x",
    ),
    (
        "the balances of a book do not sum to zero",
        "SELECT count(*) AS broken FROM (SELECT tenant_id, currency FROM (SELECT tenant_id, currency, \
         CASE side WHEN 'debit' THEN balance_fen ELSE -balance_fen END AS fen FROM ledger_accounts \
         WHERE side IN ('debit', 'credit') UNION ALL SELECT p.tenant_id, p.currency, \
         CASE a.side WHEN 'debit' THEN p.change_fen ELSE -p.change_fen END FROM ledger_pending p \
         JOIN ledger_accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id \
         WHERE a.side IN ('debit', 'credit')) AS y GROUP BY tenant_id, currency HAVING sum(fen) <> 0) AS x",
    ),
    (
        "a balance is not the sum of its entries",
        "SELECT count(*) AS broken FROM ledger_accounts a WHERE a.side IN ('debit', 'credit') AND a.balance_fen + \
         coalesce((SELECT sum(p.change_fen) FROM ledger_pending p WHERE p.tenant_id = a.tenant_id AND \
         p.account_id = a.id), 0) <> \
         coalesce((SELECT sum(CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END) FROM ledger_entries e \
         WHERE e.tenant_id = a.tenant_id AND e.account_id = a.id), 0)",
    ),
    (
        "an entry crosses tenants",
        "SELECT count(*) AS broken FROM ledger_entries e WHERE e.side IN ('debit', 'credit') AND NOT EXISTS \
         (SELECT 1 FROM journals j WHERE j.tenant_id = e.tenant_id AND j.id = e.journal_id)",
    ),
];

/// The rules that are broken in the database at `url`, a connection that sees everything.
pub async fn broken_rules(url: &str) -> Result<Vec<String>, String> {
    let connection = postgres::connect(url).await.map_err(|error| error.to_string())?;
    let mut broken = Vec::new();
    for (rule, sql) in RULES {
        let statement = Statement::from_string(connection.get_database_backend(), *sql);
        let row = connection.query_one_raw(statement).await.map_err(|error| format!("{error} in {sql}"))?;
        let count: i64 = match row {
            Some(row) => row.try_get("", "broken").map_err(|error| error.to_string())?,
            None => 0,
        };
        if count > 0 {
            broken.push(format!("{rule} ({count})"));
        }
    }
    connection.close().await.map_err(|error| error.to_string())?;
    Ok(broken)
}
