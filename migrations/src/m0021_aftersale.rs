//! After-sale cases of orders, what is in them and what happened to them; and how much of an order was refunded.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0021_aftersale"
    }
}

const COLUMN: &str = "ALTER TABLE orders ADD COLUMN refunded_fen bigint NOT NULL DEFAULT 0";
const CHECK: &str =
    "CONSTRAINT orders_refunded_check CHECK (refunded_fen >= 0 AND refunded_fen <= total_fen)";
/// Orders that were cancelled after payment were refunded whole.
const KNOWN: &str =
    "UPDATE orders SET refunded_fen = total_fen WHERE state = 'cancelled' AND paid_at IS NOT NULL";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await?;
        let connection = manager.get_connection();
        let statements = if manager.get_database_backend() == DbBackend::Postgres {
            // The owner is bound by the policies too, and here it works for every tenant.
            vec![
                COLUMN.to_owned(),
                format!("ALTER TABLE orders ADD {CHECK}"),
                "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY".to_owned(),
                KNOWN.to_owned(),
                "ALTER TABLE orders FORCE ROW LEVEL SECURITY".to_owned(),
            ]
        } else {
            vec![format!("{COLUMN} {CHECK}"), KNOWN.to_owned()]
        };
        for statement in statements {
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE orders DROP COLUMN refunded_fen").await?;
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "aftersales",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                shop_id uuid NOT NULL,
                order_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                channel text NOT NULL,
                external_id text NOT NULL,
                kind text NOT NULL CONSTRAINT aftersales_kind_check CHECK (kind IN ('refund_only', 'return_refund', 'exchange', 'reship', 'other')),
                state text NOT NULL CONSTRAINT aftersales_state_check CHECK (state IN ('unknown', 'requested', 'refused', 'accepted', 'returning', 'received_back', 'refunding', 'closed', 'cancelled', 'done')),
                native_state text NOT NULL,
                waits_for text NOT NULL CONSTRAINT aftersales_waits_check CHECK (waits_for IN ('merchant', 'buyer', 'platform', 'nobody')),
                reason text NOT NULL,
                buyer_words text NOT NULL,
                refusal text,
                amount_fen bigint NOT NULL CONSTRAINT aftersales_amount_check CHECK (amount_fen >= 0),
                refunded_fen bigint NOT NULL CONSTRAINT aftersales_refunded_check CHECK (refunded_fen >= 0 AND refunded_fen <= amount_fen),
                deadline_at bigint,
                return_carrier text,
                return_waybill text,
                dispute_id text,
                dispute_state text,
                dispute_native_state text,
                decision text CONSTRAINT aftersales_decision_check CHECK (decision IN ('accept', 'refuse')),
                decision_detail text NOT NULL,
                decision_error text,
                remote_updated_at bigint NOT NULL,
                synced_at bigint NOT NULL,
                reminded_at bigint,
                asked_at bigint NOT NULL,
                ended_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT aftersales_external_key UNIQUE (tenant_id, channel_account_id, external_id),
                CONSTRAINT aftersales_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)",
            indexes: &[
                "CREATE INDEX aftersales_asked_idx ON aftersales (tenant_id, asked_at, id)",
                "CREATE INDEX aftersales_state_idx ON aftersales (tenant_id, state, asked_at)",
                "CREATE INDEX aftersales_waits_idx ON aftersales (tenant_id, waits_for, deadline_at)",
                "CREATE INDEX aftersales_order_idx ON aftersales (tenant_id, order_id)",
                "CREATE INDEX aftersales_synced_idx ON aftersales (tenant_id, channel_account_id, synced_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "aftersale_lines",
            columns: "
                tenant_id uuid NOT NULL,
                aftersale_id uuid NOT NULL,
                line_no bigint NOT NULL,
                order_line_id uuid,
                external_product_id text NOT NULL,
                external_sku_id text NOT NULL,
                quantity bigint NOT NULL CONSTRAINT aftersale_lines_quantity_check CHECK (quantity > 0),
                PRIMARY KEY (tenant_id, aftersale_id, line_no),
                CONSTRAINT aftersale_lines_case_fkey FOREIGN KEY (tenant_id, aftersale_id) REFERENCES aftersales (tenant_id, id),
                CONSTRAINT aftersale_lines_line_fkey FOREIGN KEY (tenant_id, order_line_id) REFERENCES order_lines (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "aftersale_events",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                aftersale_id uuid NOT NULL,
                kind text NOT NULL,
                detail text NOT NULL,
                actor_kind text NOT NULL,
                actor_name text NOT NULL,
                happened_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT aftersale_events_case_fkey FOREIGN KEY (tenant_id, aftersale_id) REFERENCES aftersales (tenant_id, id)",
            indexes: &["CREATE INDEX aftersale_events_case_idx ON aftersale_events (tenant_id, aftersale_id, created_at)"],
            ..tenant
        },
    ]
}
