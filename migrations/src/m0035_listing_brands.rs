//! The brand that a listing is published with, by the platform's id and the name it told.

use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0035_listing_brands"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [
            "ALTER TABLE listings ADD COLUMN brand_id text",
            "ALTER TABLE listings ADD COLUMN brand_name text",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in
            ["ALTER TABLE listings DROP COLUMN brand_name", "ALTER TABLE listings DROP COLUMN brand_id"]
        {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
