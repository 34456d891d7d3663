//! Coupons of channel accounts: what was asked of the platform, and what it says.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0030b_coupons");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "coupons",
        // `asked_for` is the name while the platform is asked or its answer was lost: one at a time.
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            channel_account_id uuid NOT NULL,
            external_id text,
            name text NOT NULL,
            state text NOT NULL CONSTRAINT coupons_state_check CHECK (state IN ('asked', 'unclear', 'refused', 'absent', 'draft', 'live', 'expired', 'withdrawn', 'gone', 'unknown')),
            native_state text NOT NULL,
            native_kind text NOT NULL,
            terms text NOT NULL,
            received bigint,
            used bigint,
            refusal text,
            asked_for text,
            asked_at bigint,
            created_at bigint NOT NULL,
            read_at bigint,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT coupons_external_key UNIQUE (tenant_id, channel_account_id, external_id),
            CONSTRAINT coupons_asked_key UNIQUE (tenant_id, channel_account_id, asked_for),
            CONSTRAINT coupons_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
        indexes: &[
            "CREATE INDEX coupons_account_idx ON coupons (tenant_id, channel_account_id, created_at, id)",
        ],
        ..Table::PLAIN
    }]
}
