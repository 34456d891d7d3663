//! Books, plans, invoices, deposits. A journal stays inside one merchant; provider totals are roll-ups.
//!
//! Journals and entries are append-only: the application role may not update or delete them. A balance is
//! kept on its account in the account's normal direction, so that the floor is a CHECK of the database.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0006_money");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "ledger_accounts",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                currency text NOT NULL,
                code bigint NOT NULL,
                owner_key text NOT NULL,
                side text NOT NULL CONSTRAINT ledger_accounts_side_check CHECK (side IN ('debit', 'credit')),
                floor text NOT NULL CONSTRAINT ledger_accounts_floor_kind_check CHECK (floor IN ('none', 'zero')),
                state text NOT NULL CONSTRAINT ledger_accounts_state_check CHECK (state IN ('open', 'closing', 'closed')),
                balance_fen bigint NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT ledger_accounts_owner_key UNIQUE (tenant_id, currency, code, owner_key),
                CONSTRAINT ledger_accounts_balance_check CHECK (floor = 'none' OR balance_fen >= 0),
                CONSTRAINT ledger_accounts_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX ledger_accounts_provider_idx ON ledger_accounts (provider_id, currency, code)"],
            ..tenant.clone()
        },
        Table {
            name: "journals",
            access: Access::ProviderReads,
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                currency text NOT NULL,
                code text NOT NULL,
                business_ref text NOT NULL,
                description text NOT NULL,
                reverses_id uuid,
                actor_kind text NOT NULL,
                actor_id text NOT NULL,
                effective_at bigint NOT NULL,
                recorded_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT journals_ref_key UNIQUE (tenant_id, code, business_ref),
                CONSTRAINT journals_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX journals_recorded_idx ON journals (tenant_id, recorded_at)", "CREATE INDEX journals_provider_idx ON journals (provider_id, recorded_at)"],
            ..tenant.clone()
        },
        entries(),
        Table {
            name: "plans",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                code text NOT NULL,
                name_zh text NOT NULL,
                name_en text NOT NULL,
                state text NOT NULL CONSTRAINT plans_state_check CHECK (state IN ('active', 'archived')),
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT plans_code_key UNIQUE (tenant_id, code),
                CONSTRAINT plans_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "plan_versions",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                plan_id uuid NOT NULL,
                version_no bigint NOT NULL,
                monthly_fee_fen bigint NOT NULL CONSTRAINT plan_versions_monthly_fee_fen_check CHECK (monthly_fee_fen >= 0),
                tax_ppm bigint NOT NULL CONSTRAINT plan_versions_tax_ppm_check CHECK (tax_ppm >= 0),
                take_rate_ppm bigint NOT NULL CONSTRAINT plan_versions_take_rate_ppm_check CHECK (take_rate_ppm >= 0),
                limits text NOT NULL,
                effective_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT plan_versions_no_key UNIQUE (tenant_id, plan_id, version_no),
                CONSTRAINT plan_versions_plan_fkey FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "subscriptions",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                plan_id uuid NOT NULL,
                plan_version_id uuid NOT NULL,
                plan_name_zh text NOT NULL,
                plan_name_en text NOT NULL,
                monthly_fee_fen bigint NOT NULL,
                tax_ppm bigint NOT NULL,
                take_rate_ppm bigint NOT NULL,
                limits text NOT NULL,
                state text NOT NULL CONSTRAINT subscriptions_state_check CHECK (state IN ('active', 'ended')),
                anchor_date text NOT NULL,
                zone text NOT NULL,
                next_period_index bigint NOT NULL,
                started_at bigint NOT NULL,
                ended_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT subscriptions_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE UNIQUE INDEX subscriptions_active_key ON subscriptions (tenant_id) WHERE state = 'active'"],
            ..tenant.clone()
        },
        Table {
            name: "invoice_counters",
            columns: "
                tenant_id uuid NOT NULL,
                year bigint NOT NULL,
                last_no bigint NOT NULL,
                PRIMARY KEY (tenant_id, year),
                CONSTRAINT invoice_counters_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "invoices",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                number text,
                state text NOT NULL CONSTRAINT invoices_state_check CHECK (state IN ('gathering', 'draft', 'issued', 'paid', 'overdue', 'uncollectible', 'void')),
                currency text NOT NULL,
                period_start text NOT NULL,
                period_end text NOT NULL,
                zone text NOT NULL,
                net_fen bigint NOT NULL CONSTRAINT invoices_net_fen_check CHECK (net_fen >= 0),
                tax_fen bigint NOT NULL CONSTRAINT invoices_tax_fen_check CHECK (tax_fen >= 0),
                total_fen bigint NOT NULL CONSTRAINT invoices_total_fen_check CHECK (total_fen >= 0),
                issued_at bigint,
                due_at bigint,
                paid_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT invoices_number_key UNIQUE (tenant_id, number),
                CONSTRAINT invoices_period_key UNIQUE (tenant_id, subscription_id, period_start),
                CONSTRAINT invoices_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)",
            indexes: &["CREATE INDEX invoices_provider_idx ON invoices (provider_id, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "invoice_lines",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                invoice_id uuid NOT NULL,
                subscription_id uuid NOT NULL,
                kind text NOT NULL CONSTRAINT invoice_lines_kind_check CHECK (kind IN ('flat_fee')),
                period_start text NOT NULL,
                description_zh text NOT NULL,
                description_en text NOT NULL,
                quantity bigint NOT NULL,
                net_fen bigint NOT NULL CONSTRAINT invoice_lines_net_fen_check CHECK (net_fen >= 0),
                tax_fen bigint NOT NULL CONSTRAINT invoice_lines_tax_fen_check CHECK (tax_fen >= 0),
                total_fen bigint NOT NULL CONSTRAINT invoice_lines_total_fen_check CHECK (total_fen >= 0),
                tax_ppm bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT invoice_lines_once_key UNIQUE (tenant_id, subscription_id, kind, period_start),
                CONSTRAINT invoice_lines_invoice_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "deposits",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                scheme text NOT NULL,
                state text NOT NULL CONSTRAINT deposits_state_check CHECK (state IN ('trial', 'short', 'satisfied', 'closing', 'waiting', 'refunded')),
                due_fen bigint NOT NULL CONSTRAINT deposits_due_fen_check CHECK (due_fen >= 0),
                rule_id text NOT NULL,
                trial_rule_id text NOT NULL,
                trial_ends_at bigint NOT NULL,
                trial_orders bigint NOT NULL CONSTRAINT deposits_trial_orders_check CHECK (trial_orders >= 0),
                trial_turnover_fen bigint NOT NULL CONSTRAINT deposits_trial_turnover_check CHECK (trial_turnover_fen >= 0),
                trial_ended_by text CONSTRAINT deposits_trial_ended_by_check CHECK (trial_ended_by IN ('days', 'orders', 'turnover')),
                trial_ended_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT deposits_shop_key UNIQUE (tenant_id, shop_id, scheme),
                CONSTRAINT deposits_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &[
                "CREATE INDEX deposits_provider_idx ON deposits (provider_id, created_at)",
                "CREATE INDEX deposits_state_idx ON deposits (provider_id, state, created_at)",
            ],
            ..tenant.clone()
        },
        receipts(),
    ]
}

/// Until m0036, which has them in another form.
pub(crate) fn entries() -> Table {
    Table {
        name: "entries",
        access: Access::ProviderReads,
        append_only: true,
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            provider_id uuid NOT NULL,
            journal_id uuid NOT NULL,
            leg_no bigint NOT NULL,
            account_id uuid NOT NULL,
            side text NOT NULL CONSTRAINT entries_side_check CHECK (side IN ('debit', 'credit')),
            amount_fen bigint NOT NULL CONSTRAINT entries_amount_check CHECK (amount_fen > 0 AND amount_fen <= 100000000000000),
            balance_after_fen bigint NOT NULL,
            created_at bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT entries_leg_key UNIQUE (tenant_id, journal_id, leg_no),
            CONSTRAINT entries_journal_fkey FOREIGN KEY (tenant_id, journal_id) REFERENCES journals (tenant_id, id),
            CONSTRAINT entries_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES ledger_accounts (tenant_id, id)",
        indexes: &["CREATE INDEX entries_account_idx ON entries (tenant_id, account_id, created_at)"],
        ..Table::PLAIN
    }
}

/// Until m0037, which has them with another state.
pub(crate) fn receipts() -> Table {
    Table {
        name: "receipts",
        access: Access::ProviderReads,
        columns: "
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            provider_id uuid NOT NULL,
            purpose text NOT NULL CONSTRAINT receipts_purpose_check CHECK (purpose IN ('deposit', 'invoice')),
            invoice_id uuid,
            deposit_id uuid,
            amount_fen bigint NOT NULL CONSTRAINT receipts_amount_check CHECK (amount_fen > 0 AND amount_fen <= 100000000000000),
            bank_reference text NOT NULL,
            state text NOT NULL CONSTRAINT receipts_state_check CHECK (state IN ('declared', 'confirmed', 'refused')),
            reason text,
            declared_by text NOT NULL,
            decided_by text,
            decided_at bigint,
            version bigint NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT receipts_reference_key UNIQUE (tenant_id, bank_reference),
            CONSTRAINT receipts_invoice_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
            CONSTRAINT receipts_deposit_fkey FOREIGN KEY (tenant_id, deposit_id) REFERENCES deposits (tenant_id, id)",
        indexes: &["CREATE INDEX receipts_provider_idx ON receipts (provider_id, state, created_at)"],
        ..Table::PLAIN
    }
}
