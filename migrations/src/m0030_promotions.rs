//! Limited-time discounts of channel accounts: what was asked of the platform, and what it says.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0030_promotions");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "discounts",
        // `asked_for` names the product while the platform is asked or its answer was lost: one at a time.
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            channel_account_id uuid NOT NULL,
            listing_id uuid,
            native_product_id text NOT NULL,
            external_id text,
            state text NOT NULL CONSTRAINT discounts_state_check CHECK (state IN ('asked', 'unclear', 'refused', 'absent', 'ahead', 'running', 'ended', 'gone', 'unknown')),
            native_state text NOT NULL,
            starts_at bigint NOT NULL,
            ends_at bigint NOT NULL,
            skus text NOT NULL,
            refusal text,
            asked_for text,
            asked_at bigint,
            created_at bigint NOT NULL,
            read_at bigint,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT discounts_external_key UNIQUE (tenant_id, channel_account_id, external_id),
            CONSTRAINT discounts_asked_key UNIQUE (tenant_id, channel_account_id, asked_for),
            CONSTRAINT discounts_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
        indexes: &[
            "CREATE INDEX discounts_account_idx ON discounts (tenant_id, channel_account_id, created_at, id)",
            "CREATE INDEX discounts_listing_idx ON discounts (tenant_id, listing_id)",
        ],
        ..Table::PLAIN
    }]
}
