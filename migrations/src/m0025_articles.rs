//! Articles of public accounts.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0025_articles");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "articles",
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            channel_account_id uuid NOT NULL,
            title text NOT NULL,
            author text NOT NULL,
            digest text NOT NULL,
            content text NOT NULL,
            source_url text,
            cover_id uuid NOT NULL,
            listing_id uuid,
            state text NOT NULL CONSTRAINT articles_state_check CHECK (state IN ('draft', 'queued', 'submitting', 'publishing', 'published', 'refused', 'unknown')),
            refs text NOT NULL,
            publish_id text,
            external_id text,
            url text,
            error_text text,
            published_at bigint,
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT articles_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
        indexes: &[
            "CREATE INDEX articles_account_idx ON articles (tenant_id, channel_account_id, created_at, id)",
            "CREATE INDEX articles_publish_idx ON articles (tenant_id, channel_account_id, publish_id)",
        ],
        ..Table::PLAIN
    }]
}
