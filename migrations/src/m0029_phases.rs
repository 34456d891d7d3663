//! Kinds of accounts that the policy calendar closes or switches off: since when an account is retired, and which
//! notices were given.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0029_phases"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await?;
        let column = "ALTER TABLE channel_accounts ADD COLUMN retired_at bigint";
        manager.get_connection().execute_unprepared(column).await?;
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = "ALTER TABLE channel_accounts DROP COLUMN retired_at";
        manager.get_connection().execute_unprepared(column).await?;
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "phase_notices",
        columns: "
                tenant_id uuid NOT NULL,
                account_kind text NOT NULL,
                phase text NOT NULL CONSTRAINT phase_notices_phase_check CHECK (phase IN ('closed', 'off')),
                begins_at bigint NOT NULL,
                days bigint NOT NULL CONSTRAINT phase_notices_days_check CHECK (days >= 0),
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, account_kind, phase, begins_at, days)",
        ..Table::PLAIN
    }]
}
