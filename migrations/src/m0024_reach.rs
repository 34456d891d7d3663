//! What a public account shows: its menu, and its codes with a parameter.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0024_reach");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "account_menus",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                draft text NOT NULL,
                published text,
                published_at bigint,
                remote text,
                read_at bigint,
                version bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_account_id),
                CONSTRAINT account_menus_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "account_codes",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                name text NOT NULL,
                scene text NOT NULL,
                content text NOT NULL,
                expires_at bigint,
                scans bigint NOT NULL,
                follows bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT account_codes_scene_key UNIQUE (tenant_id, channel_account_id, scene),
                CONSTRAINT account_codes_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant
        },
    ]
}
