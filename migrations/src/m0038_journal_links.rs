//! The chain over journals: one link per journal, made after it by a job, so that nobody who books waits for another one.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0038_journal_links");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "journal_links",
        access: Access::ProviderReads,
        append_only: true,
        columns: "
                tenant_id uuid NOT NULL,
                position bigint NOT NULL,
                provider_id uuid NOT NULL,
                journal_id uuid NOT NULL,
                hash text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, position),
                CONSTRAINT journal_links_journal_key UNIQUE (tenant_id, journal_id),
                CONSTRAINT journal_links_journal_fkey FOREIGN KEY (tenant_id, journal_id) REFERENCES journals (tenant_id, id)",
        ..Table::PLAIN
    }]
}
