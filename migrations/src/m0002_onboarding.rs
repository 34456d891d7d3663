//! Opening a shop: invitations, required documents, agreements, applications, shops; and the policy calendar.
//!
//! Invitations, requirements, agreements and brands belong to the provider; applications and shops to the
//! merchant. Policy rows belong to whoever sets them: the operator's are the platform's defaults, a
//! provider's are for all its merchants or for one.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0002_onboarding");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "invitations",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                email text NOT NULL,
                merchant_name text NOT NULL,
                locale text NOT NULL,
                token_hash text NOT NULL,
                state text NOT NULL CONSTRAINT invitations_state_check CHECK (state IN ('open', 'used', 'revoked')),
                invited_by uuid,
                used_by uuid,
                used_at bigint,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT invitations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX invitations_newest_idx ON invitations (tenant_id, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "requirements",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                code text NOT NULL,
                kinds text NOT NULL,
                name_en text NOT NULL,
                name_zh text NOT NULL,
                position bigint NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT requirements_code_key UNIQUE (tenant_id, code),
                CONSTRAINT requirements_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "agreements",
            append_only: true,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                version_word text NOT NULL,
                body_zh text NOT NULL,
                body_en text NOT NULL,
                sha256 text NOT NULL,
                effective_from bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT agreements_version_key UNIQUE (tenant_id, version_word),
                CONSTRAINT agreements_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "brands",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                name text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT brands_name_key UNIQUE (tenant_id, name),
                CONSTRAINT brands_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "brand_authorisations",
            columns: "
                tenant_id uuid NOT NULL,
                brand_id uuid NOT NULL,
                merchant_id uuid NOT NULL,
                granted_by uuid,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, brand_id, merchant_id),
                CONSTRAINT brand_authorisations_brand_fkey FOREIGN KEY (tenant_id, brand_id) REFERENCES brands (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "applications",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                applicant_id uuid NOT NULL,
                applicant_email text NOT NULL,
                locale text NOT NULL,
                state text NOT NULL CONSTRAINT applications_state_check CHECK (state IN ('draft', 'submitted', 'reviewing', 'approved', 'returned', 'rejected', 'agreement_signed')),
                step text NOT NULL CONSTRAINT applications_step_check CHECK (step IN ('subject', 'documents', 'shop', 'agreement')),
                subject_kind text CONSTRAINT applications_kind_check CHECK (subject_kind IN ('enterprise', 'individual_business', 'personal')),
                legal_name text NOT NULL,
                credit_code text,
                id_card_sealed bytea,
                contact_sealed bytea,
                shop_name text NOT NULL,
                category_id uuid,
                agreement_version text,
                agreement_sha256 text,
                agreement_by uuid,
                agreement_at bigint,
                reviewer_id uuid,
                reviewer_name text,
                return_reasons text NOT NULL,
                reject_reason text,
                submitted_at bigint,
                decided_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT applications_applicant_fkey FOREIGN KEY (tenant_id, applicant_id) REFERENCES users (tenant_id, id)",
            indexes: &["CREATE INDEX applications_queue_idx ON applications (provider_id, state, created_at)"],
            ..tenant.clone()
        },
        Table {
            name: "application_documents",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                application_id uuid NOT NULL,
                requirement_code text NOT NULL,
                provider_id uuid NOT NULL,
                media_id uuid,
                state text NOT NULL CONSTRAINT application_documents_state_check CHECK (state IN ('missing', 'pending', 'accepted', 'returned', 'waived')),
                reason text,
                waived_by uuid,
                expires_on text,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, application_id, requirement_code),
                CONSTRAINT application_documents_application_fkey FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id),
                CONSTRAINT application_documents_media_fkey FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "shops",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                provider_id uuid NOT NULL,
                application_id uuid,
                name text NOT NULL,
                name_key text NOT NULL,
                slug text NOT NULL,
                notice text NOT NULL,
                category_id uuid,
                state text NOT NULL CONSTRAINT shops_state_check CHECK (state IN ('opened', 'trading', 'suspended', 'closing', 'closed')),
                opened_at bigint NOT NULL,
                trading_at bigint,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT shops_slug_key UNIQUE (tenant_id, slug),
                CONSTRAINT shops_application_fkey FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id),
                CONSTRAINT shops_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            indexes: &["CREATE INDEX shops_provider_idx ON shops (provider_id, opened_at)"],
            ..tenant.clone()
        },
        Table {
            name: "policy_rules",
            access: Access::System,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                rule_word text NOT NULL,
                kind text NOT NULL,
                scope text NOT NULL CONSTRAINT policy_rules_scope_check CHECK (scope IN ('platform', 'provider', 'merchant')),
                about_id uuid,
                params text NOT NULL,
                effective_from bigint NOT NULL,
                effective_to bigint,
                created_by text NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT policy_rules_word_key UNIQUE (tenant_id, rule_word),
                CONSTRAINT policy_rules_about_check CHECK (scope <> 'merchant' OR about_id IS NOT NULL),
                CONSTRAINT policy_rules_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant
        },
    ]
}
