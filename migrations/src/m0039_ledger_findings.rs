//! What the daily look at a merchant's books found, and who looks after it.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0039_ledger_findings");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "ledger_findings",
        access: Access::ProviderReads,
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            provider_id uuid NOT NULL,
            kind text NOT NULL,
            subject text NOT NULL,
            account_id uuid,
            journal_id uuid,
            code bigint,
            amount_fen bigint NOT NULL,
            since bigint NOT NULL,
            first_seen_at bigint NOT NULL,
            last_seen_at bigint NOT NULL,
            resolved_at bigint,
            taken_by text,
            taken_by_name text,
            taken_at bigint,
            note text,
            version bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT ledger_findings_account_fkey FOREIGN KEY (tenant_id, account_id)
                REFERENCES ledger_accounts (tenant_id, id),
            CONSTRAINT ledger_findings_journal_fkey FOREIGN KEY (tenant_id, journal_id) REFERENCES journals (tenant_id, id),
            CONSTRAINT ledger_findings_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
        indexes: &[
            "CREATE UNIQUE INDEX ledger_findings_open_key ON ledger_findings (tenant_id, kind, subject) WHERE resolved_at IS NULL",
            "CREATE INDEX ledger_findings_provider_idx ON ledger_findings (provider_id, first_seen_at, id)",
        ],
        ..Table::PLAIN
    }]
}
