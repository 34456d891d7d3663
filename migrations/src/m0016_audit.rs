//! The chain over the audit log: one link per entry, made after the entry by a job, so that no business transaction
//! ever waits for another one's entry. Also the indexes of the log's page.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0016_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("DROP INDEX audit_entries_newest_idx").await?;
        connection.execute_unprepared("DROP INDEX audit_entries_provider_idx").await?;
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "audit_links",
        place: Place::Tenant,
        access: Access::ProviderReads,
        append_only: true,
        columns: "
                tenant_id uuid NOT NULL,
                position bigint NOT NULL,
                provider_id uuid,
                entry_id uuid NOT NULL,
                hash text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, position),
                CONSTRAINT audit_links_entry_key UNIQUE (tenant_id, entry_id),
                CONSTRAINT audit_links_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES audit_entries (tenant_id, id)",
        indexes: &[
            "CREATE INDEX audit_entries_newest_idx ON audit_entries (tenant_id, created_at, id)",
            "CREATE INDEX audit_entries_provider_idx ON audit_entries (provider_id, created_at, id)",
        ],
    }]
}
