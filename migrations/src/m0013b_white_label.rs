//! White label: a provider's brand and its own mail sender.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0013b_white_label");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
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
