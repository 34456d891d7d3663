//! The catalogue: categories of a provider; products, SKUs and stock of a merchant; imports of files.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0003_catalogue");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        // The tree belongs to the provider; merchants read it as their parent's.
        Table {
            name: "categories",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                parent_id uuid,
                level bigint NOT NULL CONSTRAINT categories_level_check CHECK (level BETWEEN 1 AND 3),
                code text NOT NULL,
                name_zh text NOT NULL,
                name_en text NOT NULL,
                admission text NOT NULL CONSTRAINT categories_admission_check CHECK (admission IN ('open', 'targeted', 'invited', 'closed')),
                deposit_fen bigint NOT NULL CONSTRAINT categories_deposit_check CHECK (deposit_fen >= 0),
                position bigint NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT categories_code_key UNIQUE (tenant_id, code),
                CONSTRAINT categories_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
                CONSTRAINT categories_parent_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES categories (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "products",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                category_id uuid,
                code text,
                title text NOT NULL,
                title_key text NOT NULL,
                subtitle text NOT NULL,
                description text NOT NULL,
                state text NOT NULL CONSTRAINT products_state_check CHECK (state IN ('draft', 'checking', 'on_sale', 'off_sale', 'withdrawn', 'deleted')),
                withdrawn_reason text,
                specifications text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT products_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX products_code_key ON products (tenant_id, shop_id, code) WHERE code IS NOT NULL AND state <> 'deleted'",
                "CREATE INDEX products_newest_idx ON products (tenant_id, created_at, id)",
                "CREATE INDEX products_shop_idx ON products (tenant_id, shop_id, state, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "product_pictures",
            columns: "
                tenant_id uuid NOT NULL,
                product_id uuid NOT NULL,
                position bigint NOT NULL,
                media_id uuid NOT NULL,
                PRIMARY KEY (tenant_id, product_id, position),
                CONSTRAINT product_pictures_product_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id),
                CONSTRAINT product_pictures_media_fkey FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id)",
            indexes: &["CREATE INDEX product_pictures_media_idx ON product_pictures (tenant_id, media_id)"],
            ..tenant.clone()
        },
        Table {
            name: "skus",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                product_id uuid NOT NULL,
                position bigint NOT NULL,
                state text NOT NULL CONSTRAINT skus_state_check CHECK (state IN ('active', 'removed')),
                spec_values text NOT NULL,
                price_fen bigint NOT NULL CONSTRAINT skus_price_check CHECK (price_fen > 0),
                market_price_fen bigint CONSTRAINT skus_market_price_check CHECK (market_price_fen > 0),
                code text,
                barcode text,
                weight_g bigint CONSTRAINT skus_weight_check CHECK (weight_g >= 0),
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT skus_product_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)",
            indexes: &[
                "CREATE INDEX skus_product_idx ON skus (tenant_id, product_id, position)",
                "CREATE INDEX skus_code_idx ON skus (tenant_id, code) WHERE code IS NOT NULL",
                "CREATE INDEX skus_newest_idx ON skus (tenant_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        // A hot SKU has several buckets, so that its buyers do not wait for one row.
        Table {
            name: "stocks",
            columns: "
                tenant_id uuid NOT NULL,
                sku_id uuid NOT NULL,
                bucket bigint NOT NULL CONSTRAINT stocks_bucket_check CHECK (bucket >= 0),
                on_hand bigint NOT NULL CONSTRAINT stocks_on_hand_check CHECK (on_hand >= 0),
                held bigint NOT NULL CONSTRAINT stocks_held_check CHECK (held >= 0 AND held <= on_hand),
                sold bigint NOT NULL CONSTRAINT stocks_sold_check CHECK (sold >= 0),
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, sku_id, bucket),
                CONSTRAINT stocks_sku_fkey FOREIGN KEY (tenant_id, sku_id) REFERENCES skus (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "stock_movements",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                sku_id uuid NOT NULL,
                bucket bigint NOT NULL,
                kind text NOT NULL CONSTRAINT stock_movements_kind_check CHECK (kind IN ('set', 'adjust', 'hold', 'release', 'sell', 'sell_direct', 'return')),
                on_hand_change bigint NOT NULL,
                held_change bigint NOT NULL,
                sold_change bigint NOT NULL,
                order_id uuid,
                note text NOT NULL,
                actor_kind text NOT NULL,
                actor_name text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT stock_movements_sku_fkey FOREIGN KEY (tenant_id, sku_id) REFERENCES skus (tenant_id, id)",
            indexes: &["CREATE INDEX stock_movements_sku_idx ON stock_movements (tenant_id, sku_id, created_at, id)"],
            ..tenant.clone()
        },
        // One row per (order, SKU) for ever: it makes each step of an order's stock happen once.
        Table {
            name: "stock_holds",
            columns: "
                tenant_id uuid NOT NULL,
                order_id uuid NOT NULL,
                sku_id uuid NOT NULL,
                quantity bigint NOT NULL CONSTRAINT stock_holds_quantity_check CHECK (quantity > 0),
                parts text NOT NULL,
                state text NOT NULL CONSTRAINT stock_holds_state_check CHECK (state IN ('held', 'sold', 'released', 'returned')),
                expires_at bigint,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, order_id, sku_id),
                CONSTRAINT stock_holds_sku_fkey FOREIGN KEY (tenant_id, sku_id) REFERENCES skus (tenant_id, id)",
            indexes: &["CREATE INDEX stock_holds_expiry_idx ON stock_holds (tenant_id, expires_at) WHERE state = 'held'"],
            ..tenant.clone()
        },
        Table {
            name: "imports",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                kind text NOT NULL,
                media_id uuid NOT NULL,
                file_name text NOT NULL,
                encoding text NOT NULL,
                options text NOT NULL,
                state text NOT NULL CONSTRAINT imports_state_check CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'failed')),
                total_rows bigint NOT NULL,
                done_rows bigint NOT NULL,
                failed_rows bigint NOT NULL,
                error_code text,
                error_text text,
                created_by text NOT NULL,
                version bigint NOT NULL,
                started_at bigint,
                finished_at bigint,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT imports_counts_check CHECK (failed_rows >= 0 AND failed_rows <= done_rows AND done_rows <= total_rows),
                CONSTRAINT imports_media_fkey FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id)",
            indexes: &["CREATE INDEX imports_newest_idx ON imports (tenant_id, created_at, id)"],
            ..tenant.clone()
        },
        // The primary key is what lets a row be applied once, however often its job is run.
        Table {
            name: "import_rows",
            columns: "
                tenant_id uuid NOT NULL,
                import_id uuid NOT NULL,
                row_no bigint NOT NULL,
                outcome text NOT NULL CONSTRAINT import_rows_outcome_check CHECK (outcome IN ('ok', 'failed')),
                target_id text,
                faults text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, import_id, row_no),
                CONSTRAINT import_rows_import_fkey FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)",
            indexes: &["CREATE INDEX import_rows_failed_idx ON import_rows (tenant_id, import_id, row_no) WHERE outcome = 'failed'"],
            ..tenant
        },
    ]
}
