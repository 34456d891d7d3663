//! Orders of every source, their lines, what happened to them, and the parcels sent.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_orders"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table {
        name: "",
        place: Place::Tenant,
        access: Access::Tenant,
        append_only: false,
        columns: "",
        indexes: &[],
    };
    vec![
        Table {
            name: "orders",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                number text NOT NULL,
                state text NOT NULL CONSTRAINT orders_state_check CHECK (state IN ('awaiting_payment', 'paid', 'part_shipped', 'shipped', 'received', 'completed', 'cancelled')),
                cancelled_by text,
                channel_account_id uuid,
                channel text,
                scene text NOT NULL,
                external_id text,
                native_state text,
                attribution text NOT NULL,
                buyer_open_id text,
                buyer_union_id text,
                receiver_name text NOT NULL,
                receiver_phone text NOT NULL,
                phone_tail text NOT NULL,
                receiver_region text NOT NULL,
                receiver_detail text NOT NULL,
                buyer_notes text NOT NULL,
                merchant_notes text NOT NULL,
                goods_fen bigint NOT NULL CONSTRAINT orders_goods_check CHECK (goods_fen >= 0),
                freight_fen bigint NOT NULL CONSTRAINT orders_freight_check CHECK (freight_fen >= 0),
                discount_fen bigint NOT NULL CONSTRAINT orders_discount_check CHECK (discount_fen >= 0),
                total_fen bigint NOT NULL CONSTRAINT orders_total_check CHECK (total_fen >= 0),
                take_rate_ppm bigint NOT NULL CONSTRAINT orders_take_rate_check CHECK (take_rate_ppm >= 0 AND take_rate_ppm <= 1000000),
                tax_ppm bigint NOT NULL CONSTRAINT orders_tax_check CHECK (tax_ppm >= 0 AND tax_ppm <= 1000000),
                transaction_id text,
                remote_updated_at bigint,
                synced_at bigint,
                placed_at bigint NOT NULL,
                paid_at bigint,
                shipped_at bigint,
                received_at bigint,
                completed_at bigint,
                cancelled_at bigint,
                settled_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT orders_number_key UNIQUE (tenant_id, number),
                CONSTRAINT orders_external_key UNIQUE (tenant_id, channel_account_id, external_id),
                CONSTRAINT orders_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &[
                "CREATE INDEX orders_state_idx ON orders (tenant_id, state, placed_at)",
                "CREATE INDEX orders_placed_idx ON orders (tenant_id, placed_at)",
                "CREATE INDEX orders_external_idx ON orders (tenant_id, external_id)",
                "CREATE INDEX orders_phone_idx ON orders (tenant_id, phone_tail, placed_at)",
                "CREATE INDEX orders_shop_paid_idx ON orders (tenant_id, shop_id, paid_at)",
                "CREATE INDEX orders_provider_idx ON orders (provider_id, placed_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "order_lines",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                order_id uuid NOT NULL,
                line_no bigint NOT NULL,
                product_id uuid,
                sku_id uuid,
                external_product_id text,
                external_sku_id text,
                title text NOT NULL,
                spec_text text NOT NULL,
                picture_url text,
                unit_price_fen bigint NOT NULL CONSTRAINT order_lines_price_check CHECK (unit_price_fen >= 0),
                quantity bigint NOT NULL CONSTRAINT order_lines_quantity_check CHECK (quantity > 0),
                line_total_fen bigint NOT NULL CONSTRAINT order_lines_total_check CHECK (line_total_fen >= 0),
                shipped_quantity bigint NOT NULL CONSTRAINT order_lines_shipped_check CHECK (shipped_quantity >= 0 AND shipped_quantity <= quantity),
                after_sale_quantity bigint NOT NULL CONSTRAINT order_lines_after_sale_check CHECK (after_sale_quantity >= 0),
                refunded_quantity bigint NOT NULL CONSTRAINT order_lines_refunded_check CHECK (refunded_quantity >= 0),
                stock_state text NOT NULL CONSTRAINT order_lines_stock_check CHECK (stock_state IN ('none', 'held', 'sold', 'short', 'released', 'returned')),
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT order_lines_no_key UNIQUE (tenant_id, order_id, line_no),
                CONSTRAINT order_lines_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "order_events",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                order_id uuid NOT NULL,
                kind text NOT NULL,
                detail text NOT NULL,
                actor_kind text NOT NULL,
                actor_name text NOT NULL,
                happened_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT order_events_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)",
            indexes: &["CREATE INDEX order_events_order_idx ON order_events (tenant_id, order_id, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "shipments",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                order_id uuid NOT NULL,
                carrier_code text NOT NULL,
                carrier_name text NOT NULL,
                waybill text NOT NULL,
                state text NOT NULL CONSTRAINT shipments_state_check CHECK (state IN ('queued', 'sent', 'refused')),
                reason text,
                created_by text NOT NULL,
                sent_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT shipments_waybill_key UNIQUE (tenant_id, order_id, carrier_code, waybill),
                CONSTRAINT shipments_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)",
            indexes: &[
                "CREATE INDEX shipments_waybill_idx ON shipments (tenant_id, waybill)",
                "CREATE INDEX shipments_created_idx ON shipments (tenant_id, created_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "shipment_lines",
            columns: "
                tenant_id uuid NOT NULL,
                shipment_id uuid NOT NULL,
                order_line_id uuid NOT NULL,
                quantity bigint NOT NULL CONSTRAINT shipment_lines_quantity_check CHECK (quantity > 0),
                PRIMARY KEY (tenant_id, shipment_id, order_line_id),
                CONSTRAINT shipment_lines_shipment_fkey FOREIGN KEY (tenant_id, shipment_id) REFERENCES shipments (tenant_id, id),
                CONSTRAINT shipment_lines_line_fkey FOREIGN KEY (tenant_id, order_line_id) REFERENCES order_lines (tenant_id, id)",
            ..tenant
        },
    ]
}
