//! Domains of tenants — of a provider's console and application page, and of a merchant's shop — and impersonations: who
//! of the provider or the operator acts in a tenant, why, and until when.

use crate::{Access, Place, Table};

crate::run::makes_its_tables!("m0017_hosts");

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "domains",
            place: Place::Tenant,
            access: Access::Tenant,
            append_only: false,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                host text NOT NULL,
                shop_id uuid,
                token text NOT NULL,
                state text NOT NULL CONSTRAINT domains_state_check CHECK (state IN ('waiting', 'verified', 'failing', 'dropped')),
                method text CONSTRAINT domains_method_check CHECK (method IN ('dns', 'file', 'local')),
                error text,
                verified_at bigint,
                checked_at bigint,
                failing_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT domains_host_key UNIQUE (tenant_id, host),
                CONSTRAINT domains_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
                CONSTRAINT domains_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &["CREATE INDEX domains_newest_idx ON domains (tenant_id, created_at, id)"],
        },
        Table {
            name: "impersonations",
            place: Place::Tenant,
            access: Access::Tenant,
            append_only: false,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                actor_tenant_id uuid NOT NULL,
                actor_user_id uuid NOT NULL,
                actor_name text NOT NULL,
                actor_tenant_name text NOT NULL,
                reason text NOT NULL,
                token_hash bytea NOT NULL,
                csrf_token text NOT NULL,
                expires_at bigint NOT NULL,
                ended_at bigint,
                ended_by text,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT impersonations_token_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT impersonations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX impersonations_newest_idx ON impersonations (tenant_id, created_at, id)"],
        },
    ]
}
