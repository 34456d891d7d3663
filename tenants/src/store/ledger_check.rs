//! Whether a merchant's books are in order (specification §3.3, R12): the book sums to zero, each balance is
//! the sum of its entries, and the legs of each journal sum to zero.

use crate::chain::Fault;
use crate::db::TenantTx;
use crate::error::StoreResult;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

/// Something that is not in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// The balances of a currency, debits less credits, do not sum to zero.
    Book {
        /// ISO 4217 code.
        currency: String,
        /// What is too much on the debit side, in fen.
        sum: i64,
    },
    /// An account's balance is not the sum of its entries.
    Balance {
        /// The account.
        account: Uuid,
        /// The balance that is kept, with what waits to be added up.
        balance: i64,
        /// What its entries come to.
        entries: i64,
    },
    /// A journal's legs do not sum to zero.
    Journal {
        /// The journal.
        journal: Uuid,
        /// What is too much on the debit side, in fen.
        sum: i64,
    },
    /// Somebody changed what was booked: the chain over the journals breaks here.
    Chain {
        /// The first link that is wrong.
        position: i64,
        /// What is wrong with it.
        fault: Fault,
        /// The journal, where it is known.
        journal: Option<Uuid>,
    },
}

/// At most so many of a kind are reported; one is enough to look.
const MOST: i64 = 20;

#[derive(FromQueryResult)]
struct BookSum {
    currency: String,
    total: i64,
}
#[derive(FromQueryResult)]
struct AccountSum {
    id: Uuid,
    balance_fen: i64,
    total: i64,
}
#[derive(FromQueryResult)]
struct JournalSum {
    journal_id: Uuid,
    total: i64,
}

const BOOKS: &str = "SELECT currency, CAST(SUM(fen) AS bigint) AS total FROM (
        SELECT currency, CASE side WHEN 'debit' THEN balance_fen ELSE -balance_fen END AS fen
        FROM ledger_accounts WHERE tenant_id = $1
        UNION ALL
        SELECT p.currency, CASE a.side WHEN 'debit' THEN p.change_fen ELSE -p.change_fen END AS fen
        FROM ledger_pending p JOIN ledger_accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
            AND a.tenant_id = $1
        WHERE p.tenant_id = $1) AS held
    GROUP BY currency HAVING SUM(fen) <> 0 LIMIT $2";

const BALANCES: &str = "SELECT id, balance_fen, total FROM (
        SELECT a.id, CAST(a.balance_fen + COALESCE((SELECT SUM(p.change_fen) FROM ledger_pending p
                WHERE p.tenant_id = $1 AND p.account_id = a.id), 0) AS bigint) AS balance_fen,
            CAST(COALESCE((SELECT SUM(CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END)
                FROM ledger_entries e WHERE e.tenant_id = $1 AND e.account_id = a.id), 0) AS bigint) AS total
        FROM ledger_accounts a WHERE a.tenant_id = $1) AS held
    WHERE balance_fen <> total LIMIT $2";

const JOURNALS: &str = "SELECT journal_id,
        CAST(SUM(CASE side WHEN 'debit' THEN amount_fen ELSE -amount_fen END) AS bigint) AS total
    FROM ledger_entries WHERE tenant_id = $1 GROUP BY journal_id
    HAVING SUM(CASE side WHEN 'debit' THEN amount_fen ELSE -amount_fen END) <> 0 LIMIT $2";

/// Everything that is not in order in the merchant's books; empty when they are.
pub async fn ledger_check(tx: &TenantTx) -> StoreResult<Vec<Disorder>> {
    let backend = tx.conn().get_database_backend();
    let ask = |sql: &str| {
        Statement::from_sql_and_values(backend, sql.to_owned(), [tx.tenant().into(), MOST.into()])
    };
    let mut found = Vec::new();
    for row in BookSum::find_by_statement(ask(BOOKS)).all(tx.conn()).await? {
        found.push(Disorder::Book { currency: row.currency, sum: row.total });
    }
    for row in AccountSum::find_by_statement(ask(BALANCES)).all(tx.conn()).await? {
        found.push(Disorder::Balance { account: row.id, balance: row.balance_fen, entries: row.total });
    }
    for row in JournalSum::find_by_statement(ask(JOURNALS)).all(tx.conn()).await? {
        found.push(Disorder::Journal { journal: row.journal_id, sum: row.total });
    }
    Ok(found)
}
