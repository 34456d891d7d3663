//! The boundary itself: tenants, people, sessions, directory, queues, idempotency, audit, files.

use crate::run::makes_its_tables;
use crate::{Access, Place, Table};

makes_its_tables!("m0001_core");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "tenants",
            access: Access::Registry,
            columns: "
                tenant_id uuid NOT NULL PRIMARY KEY,
                kind text NOT NULL CONSTRAINT tenants_kind_check CHECK (kind IN ('operator', 'provider', 'merchant')),
                parent_id uuid,
                provider_id uuid,
                name text NOT NULL,
                state text NOT NULL CONSTRAINT tenants_state_check CHECK (state IN ('applying', 'active', 'suspended', 'closed')),
                subject_kind text,
                locale text NOT NULL,
                zone text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL",
            indexes: &["CREATE INDEX tenants_provider_idx ON tenants (provider_id, kind, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "global_keys",
            place: Place::ByKey("value"),
            access: Access::Directory,
            columns: "
                value text NOT NULL,
                kind text NOT NULL,
                tenant_id uuid NOT NULL,
                target_id uuid NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (value, kind)",
            ..tenant.clone()
        },
        Table {
            name: "users",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                email text NOT NULL,
                display_name text NOT NULL,
                password_hash text NOT NULL,
                locale text NOT NULL,
                state text NOT NULL CONSTRAINT users_state_check CHECK (state IN ('active', 'disabled')),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT users_email_key UNIQUE (tenant_id, email),
                CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "staff_grants",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                user_id uuid NOT NULL,
                role text NOT NULL,
                scope_kind text NOT NULL CONSTRAINT staff_grants_scope_check CHECK (scope_kind IN ('operator', 'provider', 'merchant', 'shop')),
                scope_id uuid NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT staff_grants_triple_key UNIQUE (tenant_id, user_id, role, scope_id),
                CONSTRAINT staff_grants_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "sessions",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                user_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT sessions_kind_check CHECK (kind IN ('api', 'console')),
                token_hash bytea NOT NULL,
                csrf_token text NOT NULL,
                user_agent text NOT NULL,
                expires_at bigint NOT NULL,
                revoked_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT sessions_token_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT sessions_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "refresh_tokens",
            columns: "
                tenant_id uuid NOT NULL,
                token_hash bytea NOT NULL,
                session_id uuid NOT NULL,
                used_at bigint,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, token_hash),
                CONSTRAINT refresh_tokens_session_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "media",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                purpose text NOT NULL CONSTRAINT media_purpose_check CHECK (purpose IN ('document', 'picture', 'import')),
                file_name text NOT NULL,
                content_type text NOT NULL,
                size_bytes bigint NOT NULL,
                sha256 bytea NOT NULL,
                width bigint,
                height bigint,
                created_by text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT media_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "jobs",
            access: Access::System,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                kind text NOT NULL,
                dedup_key text,
                payload text NOT NULL,
                priority bigint NOT NULL,
                state text NOT NULL CONSTRAINT jobs_state_check CHECK (state IN ('pending', 'dead')),
                run_at bigint NOT NULL,
                attempt bigint NOT NULL,
                lease_until bigint,
                lease_token uuid,
                error_code text,
                error_text text,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT jobs_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &[
                "CREATE INDEX jobs_due_idx ON jobs (run_at) WHERE state = 'pending'",
                // Only a job that nobody runs yet takes up later calls; a running one may have read old data.
                "CREATE UNIQUE INDEX jobs_dedup_key ON jobs (tenant_id, kind, dedup_key) WHERE state = 'pending' AND lease_token IS NULL AND dedup_key IS NOT NULL",
            ],
            ..tenant.clone()
        },
        Table {
            name: "outbox_events",
            access: Access::System,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                event_type text NOT NULL,
                subject text NOT NULL,
                subject_version bigint NOT NULL,
                payload text NOT NULL,
                published_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT outbox_events_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX outbox_events_open_idx ON outbox_events (tenant_id, created_at) WHERE published_at IS NULL"],
            ..tenant.clone()
        },
        Table {
            name: "inbox_messages",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                owner_id uuid NOT NULL,
                dedup_key text NOT NULL,
                kind text NOT NULL,
                subject text NOT NULL,
                payload text NOT NULL,
                received_at bigint NOT NULL,
                handled_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT inbox_messages_dedup_key UNIQUE (tenant_id, owner_id, dedup_key),
                CONSTRAINT inbox_messages_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "idempotency_keys",
            columns: "
                tenant_id uuid NOT NULL,
                principal text NOT NULL,
                method text NOT NULL,
                route text NOT NULL,
                idem_key text NOT NULL,
                body_sha256 bytea NOT NULL,
                status bigint,
                response text,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, principal, method, route, idem_key),
                CONSTRAINT idempotency_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "audit_entries",
            access: Access::ProviderReads,
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid,
                actor_kind text NOT NULL,
                actor_id text NOT NULL,
                actor_name text NOT NULL,
                action text NOT NULL,
                target_kind text NOT NULL,
                target_id text NOT NULL,
                detail text NOT NULL,
                request_id text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT audit_entries_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX audit_entries_target_idx ON audit_entries (tenant_id, target_id, created_at)"],
            ..tenant
        },
    ]
}
