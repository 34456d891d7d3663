//! Disputes about after-sale cases: what the channel tells of one beside where it stands, and what the merchant said in
//! it. And what the platform calls a push, for the page that lists them.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0034_disputes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await?;
        for statement in [
            "ALTER TABLE aftersales ADD COLUMN dispute_detail text",
            "CREATE INDEX aftersales_dispute_idx ON aftersales (tenant_id, dispute_state)",
            "ALTER TABLE inbox_messages ADD COLUMN native_type text",
            "CREATE INDEX inbox_messages_owner_idx ON inbox_messages (tenant_id, owner_id, received_at, id)",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [
            "DROP INDEX inbox_messages_owner_idx",
            "ALTER TABLE inbox_messages DROP COLUMN native_type",
            "DROP INDEX aftersales_dispute_idx",
            "ALTER TABLE aftersales DROP COLUMN dispute_detail",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "dispute_evidence",
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            aftersale_id uuid NOT NULL,
            dispute_id text NOT NULL,
            kind text NOT NULL CONSTRAINT dispute_evidence_kind_check CHECK (kind IN ('proof', 'message')),
            words text NOT NULL,
            pictures text NOT NULL,
            known bigint NOT NULL,
            state text NOT NULL CONSTRAINT dispute_evidence_state_check CHECK (state IN ('queued', 'sent', 'refused')),
            error text,
            by_name text NOT NULL,
            created_at bigint NOT NULL,
            settled_at bigint,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT dispute_evidence_case_fkey FOREIGN KEY (tenant_id, aftersale_id) REFERENCES aftersales (tenant_id, id)",
        indexes: &[
            "CREATE INDEX dispute_evidence_case_idx ON dispute_evidence (tenant_id, aftersale_id, created_at)",
        ],
        ..Table::PLAIN
    }]
}
