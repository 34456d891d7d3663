//! Journals that take another one back: once for ever each. And receipts whose confirmation was taken back: a state of
//! their own, and the bank's reference is free again as soon as no receipt that counts has it.

use crate::run::across_tenants;
use crate::{Access, Table};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0037_reversals"
    }
}

const STATES: &str = "CONSTRAINT receipts_state_check CHECK (state IN ('declared', 'confirmed', 'refused'";
const REFERENCE: &str = "CREATE UNIQUE INDEX receipts_reference_key ON receipts (tenant_id, bank_reference) \
                         WHERE state IN ('declared', 'confirmed')";
/// What a receipt had before.
const COLUMNS: &str = "tenant_id, id, provider_id, purpose, invoice_id, deposit_id, amount_fen, bank_reference, state, \
                       reason, declared_by, decided_by, decided_at, version, created_at, updated_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["CREATE UNIQUE INDEX journals_reverses_key ON journals (tenant_id, reverses_id)"])
            .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let states = format!("ALTER TABLE receipts ADD {STATES}, 'reversed'))");
            return run(
                manager,
                &[
                    "ALTER TABLE receipts ADD COLUMN reversed_by text",
                    "ALTER TABLE receipts ADD COLUMN reversed_at bigint",
                    "ALTER TABLE receipts DROP CONSTRAINT receipts_state_check",
                    &states,
                    "ALTER TABLE receipts DROP CONSTRAINT receipts_reference_key",
                    REFERENCE,
                ],
            )
            .await;
        }
        made_anew(manager, &receipts()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let refused = "UPDATE receipts SET state = 'refused' WHERE state = 'reversed'";
        across_tenants(manager, refused, &["receipts"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let states = format!("ALTER TABLE receipts ADD {STATES}))");
            run(
                manager,
                &[
                    "DROP INDEX receipts_reference_key",
                    "ALTER TABLE receipts ADD CONSTRAINT receipts_reference_key UNIQUE (tenant_id, bank_reference)",
                    "ALTER TABLE receipts DROP CONSTRAINT receipts_state_check",
                    &states,
                    "ALTER TABLE receipts DROP COLUMN reversed_at",
                    "ALTER TABLE receipts DROP COLUMN reversed_by",
                ],
            )
            .await?;
        } else {
            made_anew(manager, &crate::m0006_money::receipts()).await?;
        }
        run(manager, &["DROP INDEX journals_reverses_key"]).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

/// SQLite changes no check and no key of a table: it is made again, and its rows go over. Nothing refers to it.
async fn made_anew(manager: &SchemaManager<'_>, table: &Table) -> Result<(), DbErr> {
    run(manager, &["DROP INDEX receipts_provider_idx", "ALTER TABLE receipts RENAME TO receipts_before"])
        .await?;
    // An index of the newer form; it is not there yet, or goes with the older one.
    run(manager, &["DROP INDEX IF EXISTS receipts_reference_key"]).await?;
    crate::run::create(manager, std::slice::from_ref(table)).await?;
    let rows = format!("INSERT INTO receipts ({COLUMNS}) SELECT {COLUMNS} FROM receipts_before");
    run(manager, &[&rows, "DROP TABLE receipts_before"]).await
}

pub(crate) fn tables() -> Vec<Table> {
    vec![receipts()]
}

fn receipts() -> Table {
    Table {
        name: "receipts",
        access: Access::ProviderReads,
        columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                purpose text NOT NULL CONSTRAINT receipts_purpose_check CHECK (purpose IN ('deposit', 'invoice')),
                invoice_id uuid,
                deposit_id uuid,
                amount_fen bigint NOT NULL CONSTRAINT receipts_amount_check CHECK (amount_fen > 0 AND amount_fen <= 100000000000000),
                bank_reference text NOT NULL,
                state text NOT NULL CONSTRAINT receipts_state_check CHECK (state IN ('declared', 'confirmed', 'refused', 'reversed')),
                reason text,
                declared_by text NOT NULL,
                decided_by text,
                decided_at bigint,
                reversed_by text,
                reversed_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT receipts_invoice_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
                CONSTRAINT receipts_deposit_fkey FOREIGN KEY (tenant_id, deposit_id) REFERENCES deposits (tenant_id, id)",
        indexes: &["CREATE INDEX receipts_provider_idx ON receipts (provider_id, state, created_at)", REFERENCE],
        ..Table::PLAIN
    }
}
