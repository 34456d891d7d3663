//! A merchant as a whole: archives of it, and its end after a waiting period.

use crate::run::makes_its_tables;
use crate::{Access, Place, Table};

makes_its_tables!("m0015_whole");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table {
        name: "",
        place: Place::Tenant,
        access: Access::ProviderReads,
        append_only: false,
        columns: "",
        indexes: &[],
    };
    vec![
        Table {
            name: "exports",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                state text NOT NULL CONSTRAINT exports_state_check CHECK (state IN ('queued', 'running', 'ready', 'failed', 'removed')),
                asked_by_kind text NOT NULL CONSTRAINT exports_asked_by_check CHECK (asked_by_kind IN ('merchant', 'provider', 'system')),
                asked_by text NOT NULL,
                asked_by_name text NOT NULL,
                done_rows bigint NOT NULL,
                total_rows bigint NOT NULL,
                files bigint NOT NULL,
                missing_files bigint NOT NULL,
                size_bytes bigint NOT NULL,
                sha256 text,
                content_sha256 text,
                error_code text,
                created_at bigint NOT NULL,
                started_at bigint,
                ready_at bigint,
                expires_at bigint,
                removed_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT exports_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &[
                "CREATE UNIQUE INDEX exports_open_key ON exports (tenant_id) WHERE state IN ('queued', 'running')",
                "CREATE INDEX exports_newest_idx ON exports (tenant_id, created_at, id)",
                "CREATE INDEX exports_provider_idx ON exports (provider_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "merchant_deletions",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                state text NOT NULL CONSTRAINT merchant_deletions_state_check CHECK (state IN ('waiting', 'deleting', 'withdrawn', 'deleted')),
                reason text NOT NULL,
                asked_by_kind text NOT NULL CONSTRAINT merchant_deletions_asked_by_check CHECK (asked_by_kind IN ('merchant', 'provider')),
                asked_by text NOT NULL,
                asked_by_name text NOT NULL,
                asked_at bigint NOT NULL,
                due_at bigint NOT NULL,
                blocked text,
                withdrawn_by_name text,
                withdrawn_at bigint,
                outside text,
                proof text,
                proof_sha256 text,
                deleted_at bigint,
                keep_until bigint,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT merchant_deletions_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &[
                "CREATE UNIQUE INDEX merchant_deletions_open_key ON merchant_deletions (tenant_id) WHERE state IN ('waiting', 'deleting')",
                "CREATE INDEX merchant_deletions_newest_idx ON merchant_deletions (tenant_id, created_at, id)",
                "CREATE INDEX merchant_deletions_provider_idx ON merchant_deletions (provider_id, created_at, id)",
            ],
            ..tenant
        },
    ]
}
