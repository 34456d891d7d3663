//! Rules of listings. Listings get what was last sent of them, and their SKUs since when a quantity waits to be set.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0027_listing_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = if manager.get_database_backend() == DbBackend::Postgres { "uuid" } else { "blob" };
        let connection = manager.get_connection();
        for statement in [
            "ALTER TABLE listings ADD COLUMN attributes text NOT NULL DEFAULT '{}'",
            "ALTER TABLE listings ADD COLUMN sent_hash text",
            &format!("ALTER TABLE listings ADD COLUMN sender_id {uuid}"),
            "ALTER TABLE listing_skus ADD COLUMN due_at bigint",
            "CREATE INDEX listing_skus_due_idx ON listing_skus (tenant_id, due_at) WHERE due_at IS NOT NULL",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await?;
        for statement in [
            "DROP INDEX listing_skus_due_idx",
            "ALTER TABLE listing_skus DROP COLUMN due_at",
            "ALTER TABLE listings DROP COLUMN sender_id",
            "ALTER TABLE listings DROP COLUMN sent_hash",
            "ALTER TABLE listings DROP COLUMN attributes",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        // The owner is the merchant (a nil id), an account or a listing.
        Table {
            name: "listing_rules",
            columns: "
                tenant_id uuid NOT NULL,
                owner_id uuid NOT NULL,
                owner_kind text NOT NULL CONSTRAINT listing_rules_owner_check CHECK (owner_kind IN ('merchant', 'account', 'listing')),
                price_ppm bigint CONSTRAINT listing_rules_price_check CHECK (price_ppm > 0),
                price_add_fen bigint,
                price_step_fen bigint CONSTRAINT listing_rules_step_check CHECK (price_step_fen > 0),
                title_prefix text,
                title_suffix text,
                safety_stock bigint CONSTRAINT listing_rules_safety_check CHECK (safety_stock >= 0),
                stock_ppm bigint CONSTRAINT listing_rules_stock_check CHECK (stock_ppm BETWEEN 0 AND 1000000),
                version bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, owner_id)",
            ..tenant
        },
    ]
}
