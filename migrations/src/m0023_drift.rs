//! What channels show of our products, as it was read last, with the number of differences from ours.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0023_drift");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "listing_readings",
        access: Access::ProviderReads,
        columns: "
                tenant_id uuid NOT NULL,
                listing_id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                title text,
                skus text NOT NULL,
                differences bigint NOT NULL CONSTRAINT listing_readings_differences_check CHECK (differences >= 0),
                read_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, listing_id),
                CONSTRAINT listing_readings_listing_fkey FOREIGN KEY (tenant_id, listing_id) REFERENCES listings (tenant_id, id)",
        indexes: &["CREATE INDEX listing_readings_drift_idx ON listing_readings (tenant_id, read_at, listing_id) WHERE differences > 0"],
        ..Table::PLAIN
    }]
}
