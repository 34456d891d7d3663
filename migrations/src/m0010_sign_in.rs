//! Signing in with a second factor, and moving a log-in to another e-mail: shared secrets of authenticator apps,
//! recovery codes, log-ins that wait for their code, what a tenant asks of its people, and e-mail changes.

use crate::Table;
use crate::run::makes_its_tables;

makes_its_tables!("m0010_sign_in");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "totp_secrets",
            columns: "
                tenant_id uuid NOT NULL,
                user_id uuid NOT NULL,
                sealed bytea NOT NULL,
                state text NOT NULL CONSTRAINT totp_secrets_state_check CHECK (state IN ('pending', 'on')),
                last_step bigint NOT NULL,
                created_at bigint NOT NULL,
                on_at bigint,
                PRIMARY KEY (tenant_id, user_id),
                CONSTRAINT totp_secrets_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "recovery_codes",
            columns: "
                tenant_id uuid NOT NULL,
                user_id uuid NOT NULL,
                code_hash text NOT NULL,
                used_at bigint,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, user_id, code_hash),
                CONSTRAINT recovery_codes_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "login_challenges",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                user_id uuid NOT NULL,
                token_hash text NOT NULL,
                attempts bigint NOT NULL,
                expires_at bigint NOT NULL,
                created_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT login_challenges_token_key UNIQUE (tenant_id, token_hash),
                CONSTRAINT login_challenges_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "sign_in_rules",
            columns: "
                tenant_id uuid NOT NULL PRIMARY KEY,
                totp_required_at bigint,
                updated_at bigint NOT NULL,
                CONSTRAINT sign_in_rules_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
            ..tenant.clone()
        },
        Table {
            name: "email_changes",
            columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                user_id uuid NOT NULL,
                session_id uuid NOT NULL,
                old_email text NOT NULL,
                new_email text NOT NULL,
                token_hash text NOT NULL,
                undo_hash text NOT NULL,
                state text NOT NULL CONSTRAINT email_changes_state_check CHECK (state IN ('open', 'done', 'revoked', 'undone')),
                expires_at bigint NOT NULL,
                undo_until bigint NOT NULL,
                created_at bigint NOT NULL,
                done_at bigint,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT email_changes_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)",
            indexes: &[
                "CREATE UNIQUE INDEX email_changes_open_key ON email_changes (tenant_id, user_id) WHERE state = 'open'",
            ],
            ..tenant
        },
    ]
}
