//! Metered use: what plans charge for it, what was reported, what it came to, and the lines that bill it.

use crate::run::{create, drop};
use crate::{Access, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0040_usage"
    }
}

/// Terms are copied from a plan's version to the subscriptions that pin it.
const TERMS: [&str; 2] = ["plan_versions", "subscriptions"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TERMS {
            let column = format!("ALTER TABLE {table} ADD COLUMN charges text NOT NULL DEFAULT '[]'");
            manager.get_connection().execute_unprepared(&column).await?;
        }
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await?;
        for table in TERMS {
            let column = format!("ALTER TABLE {table} DROP COLUMN charges");
            manager.get_connection().execute_unprepared(&column).await?;
        }
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "usage_events",
            access: Access::ProviderReads,
            append_only: true,
            // An event is known by its metric and the id that its reporter gave it, for ever.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                metric text NOT NULL,
                event_id text NOT NULL,
                quantity bigint NOT NULL CONSTRAINT usage_events_quantity_check CHECK (quantity > 0),
                occurred_at bigint NOT NULL,
                period_start text NOT NULL,
                state text NOT NULL CONSTRAINT usage_events_state_check CHECK (state IN ('accepted', 'rejected')),
                reason text,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT usage_events_once_key UNIQUE (tenant_id, metric, event_id),
                CONSTRAINT usage_events_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)",
            indexes: &[
                "CREATE INDEX usage_events_created_idx ON usage_events (tenant_id, created_at, id)",
                "CREATE INDEX usage_events_provider_idx ON usage_events (provider_id, created_at)",
            ],
            ..Table::PLAIN
        },
        Table {
            name: "usage_meters",
            access: Access::ProviderReads,
            // What was billed never runs ahead of what was counted.
            columns: "
                tenant_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                metric text NOT NULL,
                period_start text NOT NULL,
                period_end text NOT NULL,
                provider_id uuid NOT NULL,
                quantity bigint NOT NULL,
                accepted bigint NOT NULL,
                rejected bigint NOT NULL,
                rated bigint NOT NULL,
                rated_quantity bigint NOT NULL,
                rated_net_fen bigint NOT NULL,
                rated_tax_fen bigint NOT NULL,
                parts bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, subscription_id, metric, period_start),
                CONSTRAINT usage_meters_rated_check CHECK (rated_quantity <= quantity AND rated <= accepted),
                CONSTRAINT usage_meters_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)",
            indexes: &["CREATE INDEX usage_meters_provider_idx ON usage_meters (provider_id, period_start)"],
            ..Table::PLAIN
        },
        Table {
            name: "usage_lines",
            append_only: true,
            // `part` counts the lines of one meter: what came late is billed after the first.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                invoice_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                metric text NOT NULL,
                period_start text NOT NULL,
                period_end text NOT NULL,
                part bigint NOT NULL,
                description_zh text NOT NULL,
                description_en text NOT NULL,
                quantity bigint NOT NULL,
                billed_before_fen bigint NOT NULL,
                steps text NOT NULL,
                net_fen bigint NOT NULL,
                tax_fen bigint NOT NULL,
                total_fen bigint NOT NULL CONSTRAINT usage_lines_total_fen_check CHECK (total_fen = net_fen + tax_fen),
                tax_ppm bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT usage_lines_once_key UNIQUE (tenant_id, subscription_id, metric, period_start, part),
                CONSTRAINT usage_lines_invoice_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)",
            indexes: &["CREATE INDEX usage_lines_invoice_idx ON usage_lines (tenant_id, invoice_id)"],
            ..Table::PLAIN
        },
    ]
}
