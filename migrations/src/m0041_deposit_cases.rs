//! Violation cases against deposits of shops: what is frozen for each, what is deducted of it, and the evidence.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0041_deposit_cases");

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "deposit_cases",
            access: Access::ProviderReads,
            // What is deducted and released never comes to more than was frozen, nor what is claimed to more than could
            // not be. An after-sale is in one case at a time, so that its refund is not paid for twice.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                deposit_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                order_id uuid,
                aftersale_id uuid,
                violation text NOT NULL,
                state text NOT NULL CONSTRAINT deposit_cases_state_check CHECK (state IN ('open', 'appealed', 'decided', 'closed')),
                facts text NOT NULL,
                opened_by_name text NOT NULL,
                waiting boolean NOT NULL,
                asked_fen bigint NOT NULL CONSTRAINT deposit_cases_asked_check CHECK (asked_fen > 0),
                frozen_fen bigint NOT NULL CONSTRAINT deposit_cases_frozen_check CHECK (frozen_fen >= 0),
                deducted_fen bigint NOT NULL CONSTRAINT deposit_cases_deducted_check CHECK (deducted_fen >= 0),
                released_fen bigint NOT NULL CONSTRAINT deposit_cases_released_check CHECK (released_fen >= 0),
                claimed_fen bigint NOT NULL CONSTRAINT deposit_cases_claimed_check CHECK (claimed_fen >= 0),
                appeal_until bigint NOT NULL,
                appeal_rule_id text NOT NULL,
                appeal text,
                appealed_by_name text,
                appealed_at bigint,
                verdict text CONSTRAINT deposit_cases_verdict_check CHECK (verdict IN ('upheld', 'dismissed')),
                reasons text,
                decided_by_name text,
                decided_at bigint,
                closed_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT deposit_cases_left_check CHECK (deducted_fen + released_fen <= frozen_fen),
                CONSTRAINT deposit_cases_short_check CHECK (frozen_fen + claimed_fen <= asked_fen),
                CONSTRAINT deposit_cases_deposit_fkey FOREIGN KEY (tenant_id, deposit_id) REFERENCES deposits (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX deposit_cases_aftersale_key ON deposit_cases (tenant_id, aftersale_id) WHERE state <> 'closed'",
                "CREATE INDEX deposit_cases_own_idx ON deposit_cases (tenant_id, created_at, id)",
                "CREATE INDEX deposit_cases_deposit_idx ON deposit_cases (tenant_id, deposit_id)",
                "CREATE INDEX deposit_cases_provider_idx ON deposit_cases (provider_id, created_at, id)",
            ],
            ..Table::PLAIN
        },
        Table {
            name: "deposit_deductions",
            access: Access::ProviderReads,
            // The case's version tells a decision that is sent again from another one.
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                case_id uuid NOT NULL,
                case_version bigint NOT NULL,
                deducted_for text NOT NULL CONSTRAINT deposit_deductions_for_check CHECK (deducted_for IN ('provider', 'buyer')),
                aftersale_id uuid,
                amount_fen bigint NOT NULL CONSTRAINT deposit_deductions_amount_check CHECK (amount_fen > 0),
                claimed_fen bigint NOT NULL CONSTRAINT deposit_deductions_claimed_check CHECK (claimed_fen >= 0 AND claimed_fen <= amount_fen),
                reason text NOT NULL,
                by_name text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT deposit_deductions_once_key UNIQUE (tenant_id, case_id, case_version),
                CONSTRAINT deposit_deductions_case_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES deposit_cases (tenant_id, id)",
            indexes: &["CREATE INDEX deposit_deductions_aftersale_idx ON deposit_deductions (tenant_id, aftersale_id)"],
            ..Table::PLAIN
        },
        Table {
            name: "deposit_case_files",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                case_id uuid NOT NULL,
                media_id uuid NOT NULL,
                provider_id uuid NOT NULL,
                side text NOT NULL CONSTRAINT deposit_case_files_side_check CHECK (side IN ('provider', 'merchant')),
                by_name text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, case_id, media_id),
                CONSTRAINT deposit_case_files_case_fkey FOREIGN KEY (tenant_id, case_id) REFERENCES deposit_cases (tenant_id, id),
                CONSTRAINT deposit_case_files_media_fkey FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id)",
            indexes: &[],
            ..Table::PLAIN
        },
    ]
}
