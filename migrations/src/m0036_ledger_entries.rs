//! Entries whose table itself proves that each journal balances, with nothing but keys and checks, on SQLite and on
//! PostgreSQL alike. `entries` goes.
//!
//! The legs of a journal form a ring. A leg says what debits less credits come to before it (`before_fen`) and after it
//! (`after_fen`), and which leg is next: the following number, or 1 after the last. The deferred foreign key wants the
//! next leg to begin with what this one ends with, and leg 1 begins with nothing. A number is next only once, so that
//! there is one last leg, and it ends with nothing too: debits and credits are equal when the transaction commits.

use crate::Table;
use crate::run::{across_tenants, create, drop};
use crate::{Access, m0006_money};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0036_ledger_entries"
    }
}

/// A leg belongs to the book of its journal and of its account: the currency is part of both keys.
const BOOK_KEYS: [(&str, &str); 2] =
    [("journals_book_key", "journals"), ("ledger_accounts_book_key", "ledger_accounts")];

/// Legs were numbered from 0, in the order in which they are shown.
const TAKE_OVER: &str = "
    INSERT INTO ledger_entries (tenant_id, id, provider_id, journal_id, leg_no, next_leg_no, currency, account_id, side,
        amount_fen, before_fen, after_fen, balance_after_fen, created_at)
    SELECT tenant_id, id, provider_id, journal_id, no, CASE WHEN no = last THEN 1 ELSE no + 1 END, currency, account_id,
        side, amount_fen, after_fen - signed_fen, after_fen, balance_after_fen, created_at
    FROM (SELECT s.*, COUNT(*) OVER (PARTITION BY tenant_id, journal_id) AS last,
            ROW_NUMBER() OVER legs AS no, CAST(SUM(signed_fen) OVER legs AS bigint) AS after_fen
        FROM (SELECT e.*, j.currency, CASE e.side WHEN 'debit' THEN e.amount_fen ELSE -e.amount_fen END AS signed_fen
            FROM entries e JOIN journals j ON j.tenant_id = e.tenant_id AND j.id = e.journal_id) s
        WINDOW legs AS (PARTITION BY tenant_id, journal_id ORDER BY leg_no ROWS UNBOUNDED PRECEDING)) t";

const GIVE_BACK: &str = "
    INSERT INTO entries (tenant_id, id, provider_id, journal_id, leg_no, account_id, side, amount_fen, balance_after_fen,
        created_at)
    SELECT e.tenant_id, e.id, e.provider_id, e.journal_id, e.leg_no - 1, e.account_id, e.side, e.amount_fen,
        CAST(COALESCE(e.balance_after_fen, SUM(CASE WHEN e.side = a.side THEN e.amount_fen ELSE -e.amount_fen END)
            OVER (PARTITION BY e.tenant_id, e.account_id ORDER BY e.created_at, e.id)) AS bigint), e.created_at
    FROM ledger_entries e JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id";

const ADD_UP: &str = "
    UPDATE ledger_accounts SET balance_fen = balance_fen + CAST((SELECT SUM(change_fen) FROM ledger_pending p
        WHERE p.tenant_id = ledger_accounts.tenant_id AND p.account_id = ledger_accounts.id) AS bigint)
    WHERE EXISTS (SELECT 1 FROM ledger_pending p
        WHERE p.tenant_id = ledger_accounts.tenant_id AND p.account_id = ledger_accounts.id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (key, table) in BOOK_KEYS {
            let index = format!("CREATE UNIQUE INDEX {key} ON {table} (tenant_id, id, currency)");
            manager.get_connection().execute_unprepared(&index).await?;
        }
        create(manager, &tables()).await?;
        across_tenants(manager, TAKE_OVER, &["journals", "entries", "ledger_entries"]).await?;
        drop(manager, &[m0006_money::entries()]).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &[m0006_money::entries()]).await?;
        across_tenants(manager, GIVE_BACK, &["entries", "ledger_entries", "ledger_accounts"]).await?;
        across_tenants(manager, ADD_UP, &["ledger_accounts", "ledger_pending"]).await?;
        drop(manager, &tables()).await?;
        for (key, _) in BOOK_KEYS {
            manager.get_connection().execute_unprepared(&format!("DROP INDEX {key}")).await?;
        }
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![entries(), pending()]
}

fn entries() -> Table {
    Table {
        name: "ledger_entries",
        access: Access::ProviderReads,
        append_only: true,
        columns: "
                tenant_id uuid NOT NULL,
                journal_id uuid NOT NULL,
                leg_no bigint NOT NULL CONSTRAINT ledger_entries_leg_check CHECK (leg_no >= 1),
                next_leg_no bigint NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                currency text NOT NULL,
                account_id uuid NOT NULL,
                side text NOT NULL CONSTRAINT ledger_entries_side_check CHECK (side IN ('debit', 'credit')),
                amount_fen bigint NOT NULL,
                before_fen bigint NOT NULL,
                after_fen bigint NOT NULL,
                balance_after_fen bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, journal_id, leg_no),
                CONSTRAINT ledger_entries_amount_check CHECK (amount_fen > 0 AND amount_fen <= 100000000000000),
                CONSTRAINT ledger_entries_sum_check
                    CHECK (after_fen = before_fen + CASE side WHEN 'debit' THEN amount_fen ELSE -amount_fen END),
                CONSTRAINT ledger_entries_first_check CHECK (leg_no > 1 OR before_fen = 0),
                CONSTRAINT ledger_entries_next_check CHECK (next_leg_no = leg_no + 1 OR next_leg_no = 1),
                CONSTRAINT ledger_entries_leg_key UNIQUE (tenant_id, journal_id, leg_no, before_fen),
                CONSTRAINT ledger_entries_next_key UNIQUE (tenant_id, journal_id, next_leg_no),
                CONSTRAINT ledger_entries_next_fkey FOREIGN KEY (tenant_id, journal_id, next_leg_no, after_fen)
                    REFERENCES ledger_entries (tenant_id, journal_id, leg_no, before_fen),
                CONSTRAINT ledger_entries_journal_fkey FOREIGN KEY (tenant_id, journal_id, currency)
                    REFERENCES journals (tenant_id, id, currency),
                CONSTRAINT ledger_entries_account_fkey FOREIGN KEY (tenant_id, account_id, currency)
                    REFERENCES ledger_accounts (tenant_id, id, currency)",
        indexes: &["CREATE INDEX ledger_entries_account_idx ON ledger_entries (tenant_id, account_id, created_at)"],
        ..Table::PLAIN
    }
}

fn pending() -> Table {
    Table {
        name: "ledger_pending",
        access: Access::Registry,
        columns: "
                tenant_id uuid NOT NULL,
                account_id uuid NOT NULL,
                entry_id uuid NOT NULL,
                provider_id uuid NOT NULL,
                currency text NOT NULL,
                code bigint NOT NULL,
                change_fen bigint NOT NULL,
                PRIMARY KEY (tenant_id, account_id, entry_id),
                CONSTRAINT ledger_pending_account_fkey FOREIGN KEY (tenant_id, account_id)
                    REFERENCES ledger_accounts (tenant_id, id)",
        indexes: &[
            "CREATE INDEX ledger_pending_provider_idx ON ledger_pending (provider_id, currency, code)",
        ],
        ..Table::PLAIN
    }
}
