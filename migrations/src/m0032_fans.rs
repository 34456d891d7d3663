//! Followers as their platform lists them: readings of the list, tags, and tags being put on many.

use crate::Table;
use crate::run::{create, drop};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0032_fans"
    }
}

/// Columns that followers get.
const COLUMNS: &[(&str, &str)] =
    &[("union_id", "text"), ("listed_at", "bigint"), ("detailed_at", "bigint"), ("erased_at", "bigint")];

const INDEXES: &[(&str, &str)] = &[
    ("followers_account_idx", "followers (tenant_id, channel_account_id, id)"),
    ("followers_union_idx", "followers (tenant_id, union_id)"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await?;
        let connection = manager.get_connection();
        for (name, kind) in COLUMNS {
            connection.execute_unprepared(&format!("ALTER TABLE followers ADD COLUMN {name} {kind}")).await?;
        }
        for (name, on) in INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON {on}")).await?;
        }
        Ok(())
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, _) in INDEXES {
            connection.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        for (name, _) in COLUMNS {
            connection.execute_unprepared(&format!("ALTER TABLE followers DROP COLUMN {name}")).await?;
        }
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "follower_readings",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                phase text NOT NULL CONSTRAINT follower_readings_phase_check CHECK (phase IN ('list', 'details', 'done', 'failed')),
                behind text,
                total bigint NOT NULL,
                listed bigint NOT NULL,
                detailed bigint NOT NULL,
                gone bigint NOT NULL,
                error_code text,
                error_text text,
                started_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                finished_at bigint,
                PRIMARY KEY (tenant_id, channel_account_id),
                CONSTRAINT follower_readings_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "follower_tags",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                native_id text NOT NULL,
                name text NOT NULL,
                fixed boolean NOT NULL,
                people bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT follower_tags_native_key UNIQUE (tenant_id, channel_account_id, native_id),
                CONSTRAINT follower_tags_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "follower_tag_marks",
            columns: "
                tenant_id uuid NOT NULL,
                tag_id uuid NOT NULL,
                follower_id uuid NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, tag_id, follower_id),
                CONSTRAINT follower_tag_marks_tag_fkey FOREIGN KEY (tenant_id, tag_id) REFERENCES follower_tags (tenant_id, id),
                CONSTRAINT follower_tag_marks_follower_fkey FOREIGN KEY (tenant_id, follower_id) REFERENCES followers (tenant_id, id)",
            indexes: &["CREATE INDEX follower_tag_marks_follower_idx ON follower_tag_marks (tenant_id, follower_id)"],
            ..tenant.clone()
        },
        Table {
            name: "follower_taggings",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                tag_id uuid NOT NULL,
                tag_name text NOT NULL,
                puts_on boolean NOT NULL,
                choice text NOT NULL,
                state text NOT NULL CONSTRAINT follower_taggings_state_check CHECK (state IN ('running', 'done', 'failed')),
                behind uuid,
                total bigint NOT NULL,
                done bigint NOT NULL,
                refused bigint NOT NULL,
                refusals text NOT NULL,
                error_code text,
                error_text text,
                by_name text NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                finished_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT follower_taggings_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &["CREATE INDEX follower_taggings_account_idx ON follower_taggings (tenant_id, channel_account_id, created_at, id)"],
            ..tenant
        },
    ]
}
