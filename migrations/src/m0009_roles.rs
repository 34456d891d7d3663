//! People who work for several tenants, and the roles a tenant makes itself.
//!
//! A person's log-in stays with the home tenant. In each further tenant the person has a member's row that
//! names the home and holds no password. `credentials_epoch` counts the passwords: a member's session that
//! was begun with an older one is dead.

use crate::run::{create, drop};
use crate::{Access, Place, Table};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_roles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = match manager.get_database_backend() {
            DbBackend::Postgres => "uuid",
            _ => "blob",
        };
        for statement in [
            format!("ALTER TABLE users ADD COLUMN home_tenant_id {uuid}"),
            format!("ALTER TABLE users ADD COLUMN home_user_id {uuid}"),
            "ALTER TABLE users ADD COLUMN credentials_epoch bigint NOT NULL DEFAULT 0".to_owned(),
            "ALTER TABLE sessions ADD COLUMN credentials_epoch bigint NOT NULL DEFAULT 0".to_owned(),
            "CREATE UNIQUE INDEX users_home_key ON users (tenant_id, home_user_id) WHERE home_user_id IS NOT NULL"
                .to_owned(),
        ] {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        create(manager, &tables()).await
    }
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &tables()).await?;
        for statement in [
            "DROP INDEX users_home_key",
            "ALTER TABLE sessions DROP COLUMN credentials_epoch",
            "ALTER TABLE users DROP COLUMN credentials_epoch",
            "ALTER TABLE users DROP COLUMN home_user_id",
            "ALTER TABLE users DROP COLUMN home_tenant_id",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

pub(crate) fn tables() -> Vec<Table> {
    vec![Table {
        name: "custom_roles",
        place: Place::Tenant,
        access: Access::Tenant,
        append_only: false,
        columns: "
                tenant_id uuid NOT NULL,
                id uuid NOT NULL,
                name text NOT NULL,
                permissions text NOT NULL,
                version bigint NOT NULL,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, id),
                CONSTRAINT custom_roles_name_key UNIQUE (tenant_id, name),
                CONSTRAINT custom_roles_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)",
        indexes: &[],
    }]
}
