//! Followers of public accounts, the last messages from and to them, and the rules that answer them.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0022_followers");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "followers",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                open_id text NOT NULL,
                state text NOT NULL CONSTRAINT followers_state_check CHECK (state IN ('following', 'left')),
                scene text,
                followed_at bigint,
                left_at bigint,
                last_seen_at bigint NOT NULL,
                message_opened_at bigint,
                message_sent bigint NOT NULL CONSTRAINT followers_message_sent_check CHECK (message_sent >= 0),
                moment_opened_at bigint,
                moment_sent bigint NOT NULL CONSTRAINT followers_moment_sent_check CHECK (moment_sent >= 0),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT followers_open_id_key UNIQUE (tenant_id, channel_account_id, open_id),
                CONSTRAINT followers_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX followers_seen_idx ON followers (tenant_id, channel_account_id, last_seen_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "follower_messages",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                follower_id uuid NOT NULL,
                direction text NOT NULL CONSTRAINT follower_messages_direction_check CHECK (direction IN ('in', 'out')),
                kind text NOT NULL,
                body text NOT NULL,
                rule_id uuid,
                by_name text,
                state text NOT NULL CONSTRAINT follower_messages_state_check CHECK (state IN ('received', 'waiting', 'sending', 'sent', 'refused', 'unknown')),
                error_code text,
                error_text text,
                created_at bigint NOT NULL,
                settled_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT follower_messages_follower_fkey FOREIGN KEY (tenant_id, follower_id) REFERENCES followers (tenant_id, id)",
            indexes: &[
                "CREATE INDEX follower_messages_follower_idx ON follower_messages (tenant_id, follower_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "reply_rules",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                place bigint NOT NULL,
                name text NOT NULL,
                trigger_kind text NOT NULL CONSTRAINT reply_rules_trigger_check CHECK (trigger_kind IN ('followed', 'keyword', 'menu', 'scene', 'default')),
                matching text NOT NULL CONSTRAINT reply_rules_matching_check CHECK (matching IN ('exact', 'contains')),
                words text NOT NULL,
                answer text NOT NULL,
                active boolean NOT NULL,
                answered bigint NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT reply_rules_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX reply_rules_account_idx ON reply_rules (tenant_id, channel_account_id, place)",
            ],
            ..tenant
        },
    ]
}
