//! Notices by templates: the templates an account has, what followers are told of their orders, and what was sent.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0032b_notices");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "message_templates",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT message_templates_kind_check CHECK (kind IN ('template', 'subscription')),
                native_id text NOT NULL,
                title text NOT NULL,
                content text NOT NULL,
                example text NOT NULL,
                fields text NOT NULL,
                gone_at bigint,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT message_templates_native_key UNIQUE (tenant_id, channel_account_id, kind, native_id),
                CONSTRAINT message_templates_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "order_notices",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                event text NOT NULL CONSTRAINT order_notices_event_check CHECK (event IN ('paid', 'shipped', 'refunded')),
                template_id uuid NOT NULL,
                fields text NOT NULL,
                active boolean NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_account_id, event),
                CONSTRAINT order_notices_template_fkey FOREIGN KEY (tenant_id, template_id) REFERENCES message_templates (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "follower_notices",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                follower_id uuid NOT NULL,
                template_id uuid NOT NULL,
                title text NOT NULL,
                fields text NOT NULL,
                url text,
                happening text,
                order_id uuid,
                by_name text,
                state text NOT NULL CONSTRAINT follower_notices_state_check CHECK (state IN ('waiting', 'sending', 'sent', 'delivered', 'failed', 'refused', 'unknown')),
                native_message_id text,
                error_code text,
                error_text text,
                plain_text text,
                first_sent_at bigint,
                created_at bigint NOT NULL,
                settled_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT follower_notices_once_key UNIQUE (tenant_id, happening, follower_id),
                CONSTRAINT follower_notices_follower_fkey FOREIGN KEY (tenant_id, follower_id) REFERENCES followers (tenant_id, id),
                CONSTRAINT follower_notices_template_fkey FOREIGN KEY (tenant_id, template_id) REFERENCES message_templates (tenant_id, id)",
            indexes: &[
                "CREATE INDEX follower_notices_account_idx ON follower_notices (tenant_id, channel_account_id, created_at, id)",
                "CREATE INDEX follower_notices_follower_idx ON follower_notices (tenant_id, follower_id, created_at)",
                "CREATE INDEX follower_notices_native_idx ON follower_notices (tenant_id, native_message_id)",
            ],
            ..tenant
        },
    ]
}
