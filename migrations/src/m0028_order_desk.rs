//! What waits at an order for the merchant: the buyer urges, or wishes another address.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0028_order_desk");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "order_desks",
        columns: "
            tenant_id uuid NOT NULL,
            order_id uuid NOT NULL,
            urged_at bigint,
            urges bigint NOT NULL,
            wish_asked_at bigint,
            wish_until bigint,
            wish_name text NOT NULL,
            wish_phone text NOT NULL,
            wish_region text NOT NULL,
            wish_detail text NOT NULL,
            proposed_at bigint,
            updated_at bigint NOT NULL,
            PRIMARY KEY (tenant_id, order_id),
            CONSTRAINT order_desks_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)",
        indexes: &[
            "CREATE INDEX order_desks_wish_idx ON order_desks (tenant_id, wish_asked_at)",
            "CREATE INDEX order_desks_urged_idx ON order_desks (tenant_id, urged_at)",
        ],
        ..Table::PLAIN
    }]
}
