//! Tenancy: why a tenant is stopped.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013_tenancy"
    }
}

/// Columns of `tenants`: why it is suspended or closed, since when, and whether a provider's suspension stops its
/// merchants too.
const COLUMNS: [(&str, &str); 3] =
    [("state_reason", "text"), ("state_at", "bigint"), ("stops_merchants", "boolean")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, kind) in COLUMNS {
            connection.execute_unprepared(&format!("ALTER TABLE tenants ADD COLUMN {name} {kind}")).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, _) in COLUMNS {
            connection.execute_unprepared(&format!("ALTER TABLE tenants DROP COLUMN {name}")).await?;
        }
        Ok(())
    }
}
