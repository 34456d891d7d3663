//! Money of linked shops at their platforms: what was read last, and withdrawals.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0031_shop_desk");

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "account_funds",
            columns: "
                tenant_id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                available_fen bigint NOT NULL,
                pending_fen bigint NOT NULL,
                sub_merchant text,
                bank text,
                bank_holder text,
                bank_tail text,
                read_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_account_id),
                CONSTRAINT account_funds_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            ..Table::PLAIN
        },
        Table {
            name: "funds_withdrawals",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                channel_account_id uuid NOT NULL,
                amount_fen bigint NOT NULL CONSTRAINT funds_withdrawals_amount_check CHECK (amount_fen > 0),
                state text NOT NULL CONSTRAINT funds_withdrawals_state_check CHECK (state IN ('asking', 'waiting', 'accepted', 'paid', 'failed', 'returned', 'closed', 'refused', 'not_made')),
                native_state text NOT NULL,
                code_state text,
                scanned_by text,
                problem text,
                ticket text,
                external_id text,
                note text NOT NULL,
                bank_memo text NOT NULL,
                bank text,
                bank_tail text,
                reason text,
                asked_by text,
                sent_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT funds_withdrawals_account_fkey FOREIGN KEY (tenant_id, channel_account_id) REFERENCES channel_accounts (tenant_id, id)",
            indexes: &[
                "CREATE INDEX funds_withdrawals_account_idx ON funds_withdrawals (tenant_id, channel_account_id, created_at, id)",
                "CREATE UNIQUE INDEX funds_withdrawals_external_key ON funds_withdrawals (tenant_id, channel_account_id, external_id) WHERE external_id IS NOT NULL",
                "CREATE UNIQUE INDEX funds_withdrawals_open_key ON funds_withdrawals (tenant_id, channel_account_id) WHERE asked_by IS NOT NULL AND state IN ('asking', 'waiting')",
            ],
            ..Table::PLAIN
        },
    ]
}
