//! Changes of plans: ranks and intervals, changes that wait or were made, credit notes with their lines, and what of an
//! invoice is not to be paid by a transfer any more.

use crate::run::{create, drop};
use crate::{Access, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0043_plan_changes"
    }
}

/// Columns that older tables get: what stood there before is charged monthly, from its anchor, and nothing of it is
/// credited.
const COLUMNS: [(&str, &str, &str); 7] = [
    ("plans", "rank", "bigint NOT NULL DEFAULT 0"),
    ("plan_versions", "charged_every", "text NOT NULL DEFAULT 'month'"),
    ("subscriptions", "charged_every", "text NOT NULL DEFAULT 'month'"),
    ("subscriptions", "anchor_months", "bigint NOT NULL DEFAULT 0"),
    ("subscriptions", "predecessor_id", "uuid"),
    ("invoices", "credited_fen", "bigint NOT NULL DEFAULT 0"),
    ("invoices", "wallet_fen", "bigint NOT NULL DEFAULT 0"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, kind) in COLUMNS {
            let statement = format!("ALTER TABLE {table} ADD COLUMN {column} {kind}");
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await?;
        for (table, column, _) in COLUMNS.iter().rev() {
            let statement = format!("ALTER TABLE {table} DROP COLUMN {column}");
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "plan_changes",
            access: Access::ProviderReads,
            // Of changes that wait, a subscription has one at most. The terms are pinned when it is asked for.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                plan_id uuid NOT NULL,
                plan_version_id uuid NOT NULL,
                plan_name_zh text NOT NULL,
                plan_name_en text NOT NULL,
                fee_fen bigint NOT NULL,
                charged_every text NOT NULL,
                tax_ppm bigint NOT NULL,
                take_rate_ppm bigint NOT NULL,
                limits text NOT NULL,
                charges text NOT NULL,
                direction text NOT NULL CONSTRAINT plan_changes_direction_check CHECK (direction IN ('up', 'same', 'down')),
                timing text NOT NULL CONSTRAINT plan_changes_timing_check CHECK (timing IN ('now', 'period_end')),
                rule text NOT NULL,
                effective_on text NOT NULL,
                state text NOT NULL CONSTRAINT plan_changes_state_check CHECK (state IN ('pending', 'done', 'withdrawn')),
                successor_id uuid,
                asked_by text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT plan_changes_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX plan_changes_pending_key ON plan_changes (tenant_id, subscription_id) WHERE state = 'pending'",
                "CREATE INDEX plan_changes_created_idx ON plan_changes (tenant_id, created_at, id)",
                "CREATE INDEX plan_changes_provider_idx ON plan_changes (provider_id, created_at)",
            ],
            ..Table::PLAIN
        },
        Table {
            name: "credit_notes",
            access: Access::ProviderReads,
            append_only: true,
            // Numbers are without gaps: each is one more than the last, and the same one is never taken twice.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                invoice_id uuid NOT NULL,
                plan_change_id uuid NOT NULL,
                year bigint NOT NULL,
                count_no bigint NOT NULL CONSTRAINT credit_notes_count_no_check CHECK (count_no > 0),
                credited_from text NOT NULL,
                net_fen bigint NOT NULL,
                tax_fen bigint NOT NULL,
                total_fen bigint NOT NULL CONSTRAINT credit_notes_total_fen_check CHECK (total_fen > 0 AND total_fen = net_fen + tax_fen),
                receivable_fen bigint NOT NULL,
                wallet_fen bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT credit_notes_no_key UNIQUE (tenant_id, year, count_no),
                CONSTRAINT credit_notes_sum_check CHECK (total_fen = receivable_fen + wallet_fen),
                CONSTRAINT credit_notes_change_fkey FOREIGN KEY (tenant_id, plan_change_id) REFERENCES plan_changes (tenant_id, id),
                CONSTRAINT credit_notes_invoice_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX credit_notes_invoice_key ON credit_notes (tenant_id, invoice_id)",
                "CREATE INDEX credit_notes_created_idx ON credit_notes (tenant_id, created_at, id)",
                "CREATE INDEX credit_notes_provider_idx ON credit_notes (provider_id, created_at)",
            ],
            ..Table::PLAIN
        },
        Table {
            name: "credit_note_lines",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                credit_note_id uuid NOT NULL,
                invoice_line_id uuid NOT NULL,
                description_zh text NOT NULL,
                description_en text NOT NULL,
                net_fen bigint NOT NULL,
                tax_fen bigint NOT NULL,
                total_fen bigint NOT NULL CONSTRAINT credit_note_lines_total_fen_check CHECK (total_fen = net_fen + tax_fen),
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT credit_note_lines_once_key UNIQUE (tenant_id, invoice_line_id),
                CONSTRAINT credit_note_lines_line_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id),
                CONSTRAINT credit_note_lines_note_fkey FOREIGN KEY (tenant_id, credit_note_id) REFERENCES credit_notes (tenant_id, id)",
            indexes: &["CREATE INDEX credit_note_lines_note_idx ON credit_note_lines (tenant_id, credit_note_id)"],
            ..Table::PLAIN
        },
    ]
}
