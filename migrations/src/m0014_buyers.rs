//! Buyers of shops: who they are, how they sign in, what they asked to have erased; and the provider's sender of
//! text messages with what it sent.
//!
//! Everything about a buyer belongs to the merchant of the shop. The sender, its messages and counters and the links
//! between a provider's shops belong to the provider's own tenant.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0014_buyers"
    }
}

/// Columns that orders get; for SQLite `uuid` is `blob`.
const ORDER_COLUMNS: &[(&str, &str)] = &[("buyer_id", "uuid"), ("personal_erased_at", "bigint")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await?;
        let connection = manager.get_connection();
        let sqlite = manager.get_database_backend() != DbBackend::Postgres;
        for (name, kind) in ORDER_COLUMNS {
            let kind = if sqlite && *kind == "uuid" { "blob" } else { kind };
            connection.execute_unprepared(&format!("ALTER TABLE orders ADD COLUMN {name} {kind}")).await?;
        }
        for index in [
            "CREATE INDEX orders_buyer_idx ON orders (tenant_id, buyer_id, placed_at)",
            "CREATE INDEX orders_open_id_idx ON orders (tenant_id, shop_id, buyer_open_id)",
            "CREATE INDEX orders_union_id_idx ON orders (tenant_id, shop_id, buyer_union_id)",
        ] {
            connection.execute_unprepared(index).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for index in ["orders_buyer_idx", "orders_open_id_idx", "orders_union_id_idx"] {
            connection.execute_unprepared(&format!("DROP INDEX {index}")).await?;
        }
        for (name, _) in ORDER_COLUMNS {
            connection.execute_unprepared(&format!("ALTER TABLE orders DROP COLUMN {name}")).await?;
        }
        drop(manager, &tables()).await
    }
}

fn tenant() -> Table {
    Table {
        name: "",
        place: Place::Tenant,
        access: Access::Tenant,
        append_only: false,
        columns: "",
        indexes: &[],
    }
}

pub(crate) fn tables() -> Vec<Table> {
    [of_merchants(), of_providers()].concat()
}

fn of_merchants() -> Vec<Table> {
    vec![
        Table {
            name: "buyers",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                shop_id uuid NOT NULL,
                name text NOT NULL,
                locale text NOT NULL,
                state text NOT NULL CONSTRAINT buyers_state_check CHECK (state IN ('active', 'erased')),
                person_link text NOT NULL CONSTRAINT buyers_person_link_check CHECK (person_link IN ('none', 'linked', 'refused')),
                last_seen_at bigint,
                erased_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyers_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE INDEX buyers_created_idx ON buyers (tenant_id, created_at, id)",
                "CREATE INDEX buyers_name_idx ON buyers (tenant_id, name)",
            ],
            ..tenant()
        },
        Table {
            name: "buyer_identities",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                buyer_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT buyer_identities_kind_check CHECK (kind IN ('phone', 'channel')),
                lookup text NOT NULL,
                sealed bytea,
                channel text,
                channel_account_id uuid,
                open_id text,
                union_id text,
                verified_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_identities_lookup_key UNIQUE (tenant_id, shop_id, kind, lookup),
                CONSTRAINT buyer_identities_buyer_fkey FOREIGN KEY (tenant_id, buyer_id) REFERENCES buyers (tenant_id, id)",
            indexes: &[
                "CREATE INDEX buyer_identities_buyer_idx ON buyer_identities (tenant_id, buyer_id)",
                "CREATE INDEX buyer_identities_union_idx ON buyer_identities (tenant_id, shop_id, union_id)",
            ],
            ..tenant()
        },
        Table {
            name: "buyer_sessions",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                buyer_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT buyer_sessions_kind_check CHECK (kind IN ('browser', 'api')),
                method text NOT NULL CONSTRAINT buyer_sessions_method_check CHECK (method IN ('phone', 'channel')),
                token_hash bytea NOT NULL,
                csrf_token text NOT NULL,
                user_agent text NOT NULL,
                expires_at bigint NOT NULL,
                revoked_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_sessions_token_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT buyer_sessions_buyer_fkey FOREIGN KEY (tenant_id, buyer_id) REFERENCES buyers (tenant_id, id)",
            indexes: &["CREATE INDEX buyer_sessions_buyer_idx ON buyer_sessions (tenant_id, buyer_id, created_at)"],
            ..tenant()
        },
        Table {
            name: "buyer_codes",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                shop_id uuid NOT NULL,
                lookup text NOT NULL,
                code_hash bytea NOT NULL,
                tries bigint NOT NULL,
                state text NOT NULL CONSTRAINT buyer_codes_state_check CHECK (state IN ('open', 'used', 'replaced')),
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_codes_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX buyer_codes_open_key ON buyer_codes (tenant_id, shop_id, lookup) WHERE state = 'open'",
                "CREATE INDEX buyer_codes_created_idx ON buyer_codes (tenant_id, created_at)",
            ],
            ..tenant()
        },
        Table {
            name: "buyer_sign_ins",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                shop_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                state_hash text NOT NULL,
                browser_hash text NOT NULL,
                next_path text NOT NULL,
                buyer_id uuid,
                expires_at bigint NOT NULL,
                used_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_sign_ins_state_key UNIQUE (tenant_id, state_hash),
                CONSTRAINT buyer_sign_ins_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &["CREATE INDEX buyer_sign_ins_created_idx ON buyer_sign_ins (tenant_id, created_at)"],
            ..tenant()
        },
        Table {
            name: "buyer_erasures",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                buyer_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                requested_by text NOT NULL CONSTRAINT buyer_erasures_by_check CHECK (requested_by IN ('buyer', 'merchant')),
                reason text NOT NULL,
                state text NOT NULL CONSTRAINT buyer_erasures_state_check CHECK (state IN ('waiting', 'cancelled', 'done')),
                due_at bigint NOT NULL,
                ended_at bigint,
                proof text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_erasures_buyer_fkey FOREIGN KEY (tenant_id, buyer_id) REFERENCES buyers (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX buyer_erasures_waiting_key ON buyer_erasures (tenant_id, buyer_id) WHERE state = 'waiting'",
                "CREATE INDEX buyer_erasures_created_idx ON buyer_erasures (tenant_id, created_at, id)",
            ],
            ..tenant()
        },
    ]
}

fn of_providers() -> Vec<Table> {
    vec![
        Table {
            name: "sms_senders",
            columns: "
                tenant_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT sms_senders_kind_check CHECK (kind IN ('gateway', 'aliyun')),
                settings text NOT NULL,
                secret bytea NOT NULL,
                state text NOT NULL CONSTRAINT sms_senders_state_check CHECK (state IN ('active', 'disabled')),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id),
                CONSTRAINT sms_senders_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant()
        },
        Table {
            name: "sms_messages",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                merchant_id uuid,
                shop_id uuid,
                kind text NOT NULL CONSTRAINT sms_messages_kind_check CHECK (kind IN ('code', 'test')),
                payload bytea,
                phone_masked text NOT NULL,
                state text NOT NULL CONSTRAINT sms_messages_state_check CHECK (state IN ('queued', 'sent', 'failed')),
                error_code text,
                error_text text,
                remote_id text,
                sent_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT sms_messages_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX sms_messages_created_idx ON sms_messages (tenant_id, created_at, id)"],
            ..tenant()
        },
        Table {
            name: "sms_counters",
            columns: "
                tenant_id uuid NOT NULL,
                subject text NOT NULL,
                day bigint NOT NULL,
                used bigint NOT NULL,
                last_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, subject, day),
                CONSTRAINT sms_counters_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant()
        },
        Table {
            name: "buyer_settings",
            columns: "
                tenant_id uuid NOT NULL,
                person_links text NOT NULL CONSTRAINT buyer_settings_links_check CHECK (person_links IN ('off', 'on')),
                erasure_days bigint NOT NULL CONSTRAINT buyer_settings_erasure_check CHECK (erasure_days >= 0 AND erasure_days <= 30),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id),
                CONSTRAINT buyer_settings_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant()
        },
        Table {
            name: "buyer_person_links",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                person_key text NOT NULL,
                merchant_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                buyer_id uuid NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT buyer_person_links_buyer_key UNIQUE (tenant_id, buyer_id, person_key),
                CONSTRAINT buyer_person_links_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX buyer_person_links_key_idx ON buyer_person_links (tenant_id, person_key)"],
            ..tenant()
        },
    ]
}
