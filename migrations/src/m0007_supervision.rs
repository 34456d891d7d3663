//! What a provider watches after a shop is open: suspensions of shops, renewals of documents that expire, and
//! which of their notices were sent.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0007_supervision");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "shop_suspensions",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                shop_id uuid NOT NULL,
                cause text NOT NULL CONSTRAINT shop_suspensions_cause_check CHECK (cause IN ('provider', 'document_expired')),
                reason text NOT NULL,
                suspended_by text NOT NULL,
                suspended_at bigint NOT NULL,
                lifted_by text,
                lifted_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT shop_suspensions_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX shop_suspensions_open_key ON shop_suspensions (tenant_id, shop_id) WHERE lifted_at IS NULL",
            ],
            ..tenant.clone()
        },
        Table {
            name: "document_renewals",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                application_id uuid NOT NULL,
                requirement_code text NOT NULL,
                provider_id uuid NOT NULL,
                media_id uuid NOT NULL,
                expires_on text,
                state text NOT NULL CONSTRAINT document_renewals_state_check CHECK (state IN ('pending', 'accepted', 'returned', 'replaced')),
                reason text,
                created_at bigint NOT NULL,
                decided_at bigint,
                decided_by text,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT document_renewals_document_fkey FOREIGN KEY (tenant_id, application_id, requirement_code) REFERENCES application_documents (tenant_id, application_id, requirement_code),
                CONSTRAINT document_renewals_media_fkey FOREIGN KEY (tenant_id, media_id) REFERENCES media (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX document_renewals_open_key ON document_renewals (tenant_id, application_id, requirement_code) WHERE state = 'pending'",
                "CREATE INDEX document_renewals_queue_idx ON document_renewals (provider_id, state, created_at)",
            ],
            ..tenant.clone()
        },
        Table {
            name: "document_notices",
            columns: "
                tenant_id uuid NOT NULL,
                application_id uuid NOT NULL,
                requirement_code text NOT NULL,
                expires_on text NOT NULL,
                stage text NOT NULL CONSTRAINT document_notices_stage_check CHECK (stage IN ('first', 'second', 'last', 'expired', 'overdue')),
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, application_id, requirement_code, expires_on, stage),
                CONSTRAINT document_notices_document_fkey FOREIGN KEY (tenant_id, application_id, requirement_code) REFERENCES application_documents (tenant_id, application_id, requirement_code)",
            ..tenant
        },
    ]
}
