//! What a channels account shows and how it goes live: its window, its rooms with their figures, and the checklists of
//! live sessions.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0026_live");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "showcase_items",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                product_id text NOT NULL,
                source_id text NOT NULL,
                state text NOT NULL CONSTRAINT showcase_items_state_check CHECK (state IN ('shown', 'off', 'gone', 'unknown', 'absent')),
                native_state text NOT NULL,
                title text,
                picture_url text,
                price_fen bigint,
                stock bigint,
                hidden boolean NOT NULL,
                barred text,
                listing_id uuid,
                refusal text,
                position bigint NOT NULL,
                read_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_account_id, product_id),
                CONSTRAINT showcase_items_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "live_boards",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                public_id text,
                followers bigint,
                rooms text NOT NULL,
                reservations text NOT NULL,
                showcase_read_at bigint,
                showcase_more boolean NOT NULL,
                read_at bigint,
                PRIMARY KEY (tenant_id, channel_account_id),
                CONSTRAINT live_boards_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &["CREATE INDEX live_boards_public_idx ON live_boards (tenant_id, public_id)"],
            ..tenant.clone()
        },
        Table {
            name: "live_rooms",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                room_id text NOT NULL,
                title text,
                day text,
                started_at bigint NOT NULL,
                seconds bigint,
                on_air boolean,
                figures text NOT NULL,
                products text NOT NULL,
                read_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_account_id, room_id),
                CONSTRAINT live_rooms_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX live_rooms_started_idx ON live_rooms (tenant_id, channel_account_id, started_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "live_plans",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                title text NOT NULL,
                planned_at bigint NOT NULL,
                created_by text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT live_plans_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX live_plans_account_idx ON live_plans (tenant_id, channel_account_id, created_at, id)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "live_plan_steps",
            columns: "
                tenant_id uuid NOT NULL,
                live_plan_id uuid NOT NULL,
                position bigint NOT NULL,
                step text,
                words text,
                done_at bigint,
                done_by text,
                note text NOT NULL,
                PRIMARY KEY (tenant_id, live_plan_id, position),
                CONSTRAINT live_plan_steps_plan_fkey FOREIGN KEY (tenant_id, live_plan_id) REFERENCES live_plans (tenant_id, id)",
            ..tenant
        },
    ]
}
