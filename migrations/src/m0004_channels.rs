//! Channels: the provider's apps, linked accounts, their tokens, links under way, the exchange log, listings.
//!
//! `channel_apps`, `app_authorisations` and an app's row of `channel_tokens` belong to the provider's own
//! tenant; everything else belongs to the merchant. A merchant's account names its app without a foreign key,
//! because a key may not leave the tenant.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_channels"
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
            name: "channel_apps",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel text NOT NULL,
                family text NOT NULL,
                app_id text NOT NULL,
                secret bytea NOT NULL,
                push_token bytea NOT NULL,
                aes_key bytea NOT NULL,
                previous_aes_key bytea,
                hook_token text NOT NULL,
                ticket bytea,
                ticket_at bigint,
                settings text NOT NULL,
                state text NOT NULL CONSTRAINT channel_apps_state_check CHECK (state IN ('active', 'disabled')),
                error_code text,
                error_text text,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT channel_apps_app_key UNIQUE (tenant_id, family, app_id),
                CONSTRAINT channel_apps_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "app_authorisations",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_app_id uuid NOT NULL,
                external_id text NOT NULL,
                code_hash bytea,
                code bytea,
                access_token bytea,
                access_expires_at bigint,
                refresh_token bytea,
                kind text,
                profile text NOT NULL,
                state text NOT NULL CONSTRAINT app_authorisations_state_check CHECK (state IN ('received', 'unmatched', 'linked', 'refused', 'withdrawn')),
                outcome text,
                merchant_id uuid,
                channel_account_id uuid,
                received_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT app_authorisations_account_key UNIQUE (tenant_id, channel_app_id, external_id),
                CONSTRAINT app_authorisations_app_fkey FOREIGN KEY (tenant_id, channel_app_id) REFERENCES channel_apps (tenant_id, id)",
            indexes: &["CREATE INDEX app_authorisations_state_idx ON app_authorisations (tenant_id, state, received_at)"],
            ..tenant.clone()
        },
        Table {
            name: "channel_accounts",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                channel text NOT NULL,
                kind text NOT NULL,
                external_id text NOT NULL,
                user_name text,
                name text NOT NULL,
                link_mode text NOT NULL CONSTRAINT channel_accounts_mode_check CHECK (link_mode IN ('direct', 'authorisation_link', 'purchase')),
                channel_app_id uuid,
                hook_token text NOT NULL,
                secret bytea,
                push_token bytea,
                aes_key bytea,
                previous_aes_key bytea,
                push_format text NOT NULL CONSTRAINT channel_accounts_format_check CHECK (push_format IN ('json', 'xml')),
                state text NOT NULL CONSTRAINT channel_accounts_state_check CHECK (state IN ('pending', 'active', 'limited', 'expired', 'revoked', 'closed')),
                native_state text,
                scopes text NOT NULL,
                settings text NOT NULL,
                generation bigint NOT NULL,
                error_code text,
                error_text text,
                linked_at bigint NOT NULL,
                last_push_at bigint,
                last_reconcile_at bigint,
                reconcile_cursor text,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT channel_accounts_external_key UNIQUE (tenant_id, channel, external_id),
                CONSTRAINT channel_accounts_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &["CREATE INDEX channel_accounts_shop_idx ON channel_accounts (tenant_id, shop_id, kind, state)"],
            ..tenant.clone()
        },
        Table {
            name: "channel_tokens",
            columns: "
                tenant_id uuid NOT NULL,
                owner_id uuid NOT NULL,
                access_token bytea,
                access_expires_at bigint,
                refresh_token bytea,
                version bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, owner_id),
                CONSTRAINT channel_tokens_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "link_intents",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                channel text NOT NULL,
                kind text NOT NULL,
                link_mode text NOT NULL CONSTRAINT link_intents_mode_check CHECK (link_mode IN ('authorisation_link', 'purchase')),
                channel_app_id uuid NOT NULL,
                external_id text,
                state text NOT NULL CONSTRAINT link_intents_state_check CHECK (state IN ('pending', 'linked', 'refused', 'cancelled')),
                outcome_code text,
                outcome_rule text,
                channel_account_id uuid,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT link_intents_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE INDEX link_intents_app_idx ON link_intents (provider_id, channel_app_id, state, expires_at)",
                "CREATE INDEX link_intents_shop_idx ON link_intents (tenant_id, shop_id, state, created_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "exchange_logs",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                owner_id uuid NOT NULL,
                operation text NOT NULL,
                method text NOT NULL,
                path text NOT NULL,
                status bigint,
                outcome text NOT NULL,
                remote_code text,
                remote_message text,
                remote_request_id text,
                millis bigint NOT NULL,
                response_bytes bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT exchange_logs_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX exchange_logs_owner_idx ON exchange_logs (tenant_id, owner_id, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "listings",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                product_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                state text NOT NULL CONSTRAINT listings_state_check CHECK (state IN ('queued', 'publishing', 'in_audit', 'listed', 'refused', 'delisted')),
                wanted_version bigint NOT NULL,
                sent_version bigint,
                listed_version bigint,
                reason text,
                fact_at bigint,
                native_product_id text,
                native_state text,
                refs text NOT NULL,
                category_path text NOT NULL,
                warnings text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT listings_product_key UNIQUE (tenant_id, product_id, channel_account_id),
                CONSTRAINT listings_product_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id),
                CONSTRAINT listings_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX listings_native_idx ON listings (tenant_id, channel_account_id, native_product_id)",
                "CREATE INDEX listings_created_idx ON listings (tenant_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "listing_skus",
            columns: "
                tenant_id uuid NOT NULL,
                listing_id uuid NOT NULL,
                sku_id uuid NOT NULL,
                native_sku_id text,
                pushed_stock bigint,
                pushed_at bigint,
                error_text text,
                PRIMARY KEY (tenant_id, listing_id, sku_id),
                CONSTRAINT listing_skus_sku_fkey FOREIGN KEY (tenant_id, sku_id) REFERENCES skus (tenant_id, id),
                CONSTRAINT listing_skus_listing_fkey FOREIGN KEY (tenant_id, listing_id) REFERENCES listings (tenant_id, id)",
            indexes: &[
                "CREATE INDEX listing_skus_sku_idx ON listing_skus (tenant_id, sku_id)",
                "CREATE INDEX listing_skus_native_idx ON listing_skus (tenant_id, native_sku_id)",
            ],
            ..tenant
        },
    ]
}
