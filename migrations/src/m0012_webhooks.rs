//! Outgoing webhooks: where tenants want to be told, what was sent there and what was answered. Jobs get a part, so
//! that the jobs of one receiver are counted apart from those of another.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0012_webhooks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let kind = if manager.get_database_backend() == DbBackend::Postgres { "uuid" } else { "blob" };
        let add = format!("ALTER TABLE jobs ADD COLUMN part {kind}");
        manager.get_connection().execute_unprepared(&add).await?;
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await?;
        manager.get_connection().execute_unprepared("ALTER TABLE jobs DROP COLUMN part").await?;
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "webhook_endpoints",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                url text NOT NULL,
                description text NOT NULL,
                event_types text NOT NULL,
                reach text NOT NULL CONSTRAINT webhook_endpoints_reach_check CHECK (reach IN ('own', 'merchants')),
                state text NOT NULL CONSTRAINT webhook_endpoints_state_check CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
                disabled_for text,
                secret bytea NOT NULL,
                old_secret bytea,
                old_secret_until bigint,
                failing_since bigint,
                delivered_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT webhook_endpoints_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX webhook_endpoints_active_idx ON webhook_endpoints (tenant_id, created_at, id) WHERE state = 'active'"],
            ..tenant.clone()
        },
        Table {
            name: "webhook_deliveries",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                endpoint_id uuid NOT NULL,
                event_id uuid NOT NULL,
                event_type text NOT NULL,
                subject text NOT NULL,
                payload text NOT NULL,
                state text NOT NULL CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'failed')),
                attempt bigint NOT NULL,
                next_at bigint,
                last_status bigint,
                last_error text,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT webhook_deliveries_event_key UNIQUE (tenant_id, endpoint_id, event_id),
                CONSTRAINT webhook_deliveries_endpoint_fkey FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id)",
            indexes: &[
                "CREATE INDEX webhook_deliveries_newest_idx ON webhook_deliveries (tenant_id, endpoint_id, created_at, id)",
                "CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (tenant_id, endpoint_id, created_at) WHERE state = 'failed'",
            ],
            ..tenant.clone()
        },
        Table {
            name: "webhook_attempts",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                delivery_id uuid NOT NULL,
                status bigint,
                error text,
                answer text NOT NULL,
                took_us bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT webhook_attempts_delivery_fkey FOREIGN KEY (tenant_id, delivery_id) REFERENCES webhook_deliveries (tenant_id, id)",
            indexes: &["CREATE INDEX webhook_attempts_delivery_idx ON webhook_attempts (tenant_id, delivery_id, created_at)"],
            ..tenant
        },
    ]
}
