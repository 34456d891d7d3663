//! Applications of linked shops for categories and brands.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0033_qualifications");

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "qualifications",
        // `subject_id` is the platform's id of the category or brand, `earlier_id` the application that the platform had
        // for the brand before.
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            channel_account_id uuid NOT NULL,
            kind text NOT NULL CONSTRAINT qualifications_kind_check CHECK (kind IN ('category', 'brand')),
            subject_id text NOT NULL,
            subject_name text NOT NULL,
            state text NOT NULL CONSTRAINT qualifications_state_check CHECK (state IN ('sent', 'in_doubt', 'checking', 'accepted', 'refused', 'withdrawn', 'not_made')),
            content text NOT NULL,
            application_id text,
            earlier_id text,
            reason text,
            asked_by text NOT NULL,
            sent_at bigint,
            read_at bigint,
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT qualifications_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
        indexes: &[
            "CREATE INDEX qualifications_account_idx ON qualifications (tenant_id, channel_account_id, kind, created_at, id)",
            "CREATE UNIQUE INDEX qualifications_open_key ON qualifications (tenant_id, channel_account_id, kind, subject_id) WHERE state IN ('sent', 'in_doubt', 'checking')",
        ],
        ..Table::PLAIN
    }]
}
