//! People: links that set a new password, and invitations to join a tenant.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0008_people");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "password_resets",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                user_id uuid NOT NULL,
                token_hash text NOT NULL,
                state text NOT NULL CONSTRAINT password_resets_state_check CHECK (state IN ('open', 'used', 'revoked')),
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT password_resets_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX password_resets_open_key ON password_resets (tenant_id, user_id) WHERE state = 'open'",
            ],
            ..tenant.clone()
        },
        Table {
            name: "staff_invitations",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                email text NOT NULL,
                name text NOT NULL,
                role text NOT NULL,
                shop_id uuid,
                locale text NOT NULL,
                token_hash text NOT NULL,
                state text NOT NULL CONSTRAINT staff_invitations_state_check CHECK (state IN ('open', 'used', 'revoked')),
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT staff_invitations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id),
                CONSTRAINT staff_invitations_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX staff_invitations_open_key ON staff_invitations (tenant_id, email) WHERE state = 'open'",
                "CREATE INDEX staff_invitations_newest_idx ON staff_invitations (tenant_id, created_at, id) WHERE state = 'open'",
            ],
            ..tenant
        },
    ]
}
