//! Programs: API keys, third-party apps, and what people allowed those apps.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0011_machines");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    [keys(&tenant), apps(&tenant)].concat()
}

fn keys(tenant: &Table) -> Vec<Table> {
    vec![
        Table {
            name: "api_keys",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                name text NOT NULL,
                token_hash text NOT NULL,
                hint text NOT NULL,
                permissions text NOT NULL,
                scope_kind text NOT NULL CONSTRAINT api_keys_scope_check CHECK (scope_kind IN ('tenant', 'shops')),
                maker_id uuid NOT NULL,
                maker_name text NOT NULL,
                expires_at bigint NOT NULL,
                last_used_at bigint,
                revoked_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT api_keys_token_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT api_keys_maker_fkey FOREIGN KEY (tenant_id, maker_id) REFERENCES users (tenant_id, id)",
            indexes: &["CREATE INDEX api_keys_newest_idx ON api_keys (tenant_id, created_at, id)"],
            ..tenant.clone()
        },
        Table {
            name: "api_key_shops",
            columns: "
                tenant_id uuid NOT NULL,
                api_key_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                PRIMARY KEY (tenant_id, api_key_id, shop_id),
                CONSTRAINT api_key_shops_key_fkey FOREIGN KEY (tenant_id, api_key_id) REFERENCES api_keys (tenant_id, id),
                CONSTRAINT api_key_shops_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            ..tenant.clone()
        },
    ]
}

fn apps(tenant: &Table) -> Vec<Table> {
    vec![
        Table {
            name: "oauth_apps",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                name text NOT NULL,
                publisher text NOT NULL,
                homepage text NOT NULL,
                kind text NOT NULL CONSTRAINT oauth_apps_kind_check CHECK (kind IN ('confidential', 'public')),
                redirect_uris text NOT NULL,
                scopes text NOT NULL,
                own_scopes text NOT NULL,
                state text NOT NULL CONSTRAINT oauth_apps_state_check CHECK (state IN ('active', 'disabled')),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT oauth_apps_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX oauth_apps_newest_idx ON oauth_apps (tenant_id, created_at, id)"],
            ..tenant.clone()
        },
        Table {
            name: "oauth_secrets",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                app_id uuid NOT NULL,
                secret_hash text NOT NULL,
                hint text NOT NULL,
                expires_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT oauth_secrets_hash_key UNIQUE (tenant_id, app_id, secret_hash),
                CONSTRAINT oauth_secrets_app_fkey FOREIGN KEY (tenant_id, app_id) REFERENCES oauth_apps (tenant_id, id)",
            ..tenant.clone()
        },
        // The app may be of the merchant's provider: `app_tenant_id` says whose, and no foreign key can.
        Table {
            name: "oauth_authorisations",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                app_id uuid NOT NULL,
                app_tenant_id uuid NOT NULL,
                app_name text NOT NULL,
                publisher text NOT NULL,
                user_id uuid NOT NULL,
                user_name text NOT NULL,
                scopes text NOT NULL,
                state text NOT NULL CONSTRAINT oauth_authorisations_state_check CHECK (state IN ('active', 'withdrawn')),
                last_used_at bigint,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT oauth_authorisations_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX oauth_authorisations_active_key ON oauth_authorisations (tenant_id, app_id, user_id) WHERE state = 'active'",
                "CREATE INDEX oauth_authorisations_newest_idx ON oauth_authorisations (tenant_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "oauth_codes",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                authorisation_id uuid NOT NULL,
                code_hash text NOT NULL,
                redirect_uri text NOT NULL,
                challenge text NOT NULL,
                scopes text NOT NULL,
                used_at bigint,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT oauth_codes_hash_key UNIQUE (tenant_id, code_hash),
                CONSTRAINT oauth_codes_authorisation_fkey FOREIGN KEY (tenant_id, authorisation_id) REFERENCES oauth_authorisations (tenant_id, id)",
            ..tenant.clone()
        },
        // Tokens of one code are a family; an app that acts for itself has no authorisation.
        Table {
            name: "oauth_tokens",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT oauth_tokens_kind_check CHECK (kind IN ('access', 'refresh')),
                token_hash text NOT NULL,
                app_id uuid NOT NULL,
                authorisation_id uuid,
                family_id uuid NOT NULL,
                scopes text NOT NULL,
                used_at bigint,
                revoked_at bigint,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT oauth_tokens_hash_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT oauth_tokens_authorisation_fkey FOREIGN KEY (tenant_id, authorisation_id) REFERENCES oauth_authorisations (tenant_id, id)",
            indexes: &[
                "CREATE INDEX oauth_tokens_family_idx ON oauth_tokens (tenant_id, family_id)",
                "CREATE INDEX oauth_tokens_app_idx ON oauth_tokens (tenant_id, app_id, expires_at)",
            ],
            ..tenant.clone()
        },
    ]
}
