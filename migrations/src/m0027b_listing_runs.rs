//! Categories of channels that are remembered, and runs that publish many products on many accounts.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0027b_listing_runs");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        // The category is a node of the provider's tree: a key may not leave the tenant.
        Table {
            name: "channel_mappings",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel text NOT NULL,
                category_id uuid NOT NULL,
                category_path text NOT NULL,
                attributes text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT channel_mappings_category_key UNIQUE (tenant_id, channel, category_id)",
            ..tenant.clone()
        },
        Table {
            name: "listing_runs",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                origin text NOT NULL CONSTRAINT listing_runs_origin_check CHECK (origin IN ('merchant', 'rules')),
                state text NOT NULL CONSTRAINT listing_runs_state_check CHECK (state IN ('running', 'done', 'cancelled')),
                products bigint NOT NULL,
                accounts bigint NOT NULL,
                total bigint NOT NULL,
                created_by text NOT NULL,
                version bigint NOT NULL,
                finished_at bigint,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id)",
            indexes: &["CREATE INDEX listing_runs_newest_idx ON listing_runs (tenant_id, created_at, id)"],
            ..tenant.clone()
        },
        Table {
            name: "listing_run_accounts",
            columns: "
                tenant_id uuid NOT NULL,
                run_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                waits_until bigint,
                wait_code text,
                wait_text text,
                PRIMARY KEY (tenant_id, run_id, channel_account_id),
                CONSTRAINT listing_run_accounts_run_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES listing_runs (tenant_id, id),
                CONSTRAINT listing_run_accounts_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        // The key is what keeps a product from being sent twice in one run, however often a step is repeated.
        Table {
            name: "listing_run_targets",
            columns: "
                tenant_id uuid NOT NULL,
                run_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                product_id uuid NOT NULL,
                place bigint NOT NULL,
                state text NOT NULL CONSTRAINT listing_run_targets_state_check CHECK (state IN ('waiting', 'sending', 'published', 'in_audit', 'unchanged', 'refused', 'cancelled')),
                listing_id uuid,
                error_code text,
                error_text text,
                attempts bigint NOT NULL,
                next_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, run_id, channel_account_id, product_id),
                CONSTRAINT listing_run_targets_account_fkey FOREIGN KEY (tenant_id, run_id, channel_account_id) REFERENCES listing_run_accounts (tenant_id, run_id, channel_account_id),
                CONSTRAINT listing_run_targets_product_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)",
            indexes: &[
                "CREATE INDEX listing_run_targets_next_idx ON listing_run_targets (tenant_id, run_id, channel_account_id, next_at, place) WHERE state IN ('waiting', 'sending')",
                "CREATE INDEX listing_run_targets_audit_idx ON listing_run_targets (tenant_id, listing_id) WHERE state = 'in_audit'",
                "CREATE INDEX listing_run_targets_state_idx ON listing_run_targets (tenant_id, run_id, state, place)",
            ],
            ..tenant
        },
    ]
}
