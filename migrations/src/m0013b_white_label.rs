//! White label: a provider's brand and its own mail sender.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013b_white_label"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table {
        name: "",
        place: Place::Tenant,
        access: Access::Tenant,
        append_only: false,
        columns: "",
        indexes: &[],
    };
    vec![
        Table {
            name: "provider_brands",
            columns: "
                tenant_id uuid NOT NULL PRIMARY KEY,
                name text NOT NULL,
                colour text NOT NULL,
                accent text NOT NULL,
                support_email text NOT NULL,
                support_phone text NOT NULL,
                logo_id uuid,
                version bigint NOT NULL,
                updated_at bigint NOT NULL,
                CONSTRAINT provider_brands_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
                CONSTRAINT provider_brands_logo_fkey FOREIGN KEY (tenant_id, logo_id) REFERENCES media (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "mail_senders",
            columns: "
                tenant_id uuid NOT NULL PRIMARY KEY,
                host text NOT NULL,
                port bigint NOT NULL,
                security text NOT NULL CONSTRAINT mail_senders_security_check CHECK (security IN ('required', 'starttls', 'none')),
                user_name text NOT NULL,
                sealed_password bytea,
                from_address text NOT NULL,
                state text NOT NULL CONSTRAINT mail_senders_state_check CHECK (state IN ('untested', 'working', 'broken')),
                error text,
                checked_at bigint,
                version bigint NOT NULL,
                updated_at bigint NOT NULL,
                CONSTRAINT mail_senders_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant
        },
    ]
}
