//! The migrated schema, read back from the catalogue: tenant first in every key, row-level security forced, and
//! nothing in it that a database distributed by tenant refuses.

use std::collections::{BTreeMap, BTreeSet};

use qianpu_migrations::{Access, Place, Table};
use qianpu_tests::planted::{Victim, plant, planted_row};
use qianpu_tests::{Backend, TestDb, postgres};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};
use uuid::Uuid;

/// Tables of the migration tool itself; they hold no tenant's data.
const NOT_OURS: &[&str] = &["seaql_migrations"];
const LONGEST_NAME: usize = 50;

async fn postgres_db(test: &str) -> Option<(TestDb, DatabaseConnection)> {
    let db = TestDb::postgres(&format!("schema::{test}")).await?;
    let catalogue = postgres::connect(&db.superuser_url()).await.unwrap();
    Some((db, catalogue))
}

async fn rows(connection: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{error} in {sql}"))
}

async fn strings(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    rows(connection, sql).await.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

fn tenant_tables() -> impl Iterator<Item = Table> {
    qianpu_migrations::tables().into_iter().filter(|table| table.place == Place::Tenant)
}

/// The names of the schema's tables that hold our data.
const TABLES: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'seaql_migrations'";

#[tokio::test]
async fn every_table_is_declared() {
    let Some((_db, catalogue)) = postgres_db("every_table_is_declared").await else { return };
    let found: BTreeSet<String> = strings(&catalogue, TABLES).await.into_iter().collect();
    let declared: BTreeSet<String> =
        qianpu_migrations::tables().iter().map(|table| table.name.to_owned()).collect();
    assert_eq!(found, declared, "the tables of the database are those declared with their place and access");
}

#[tokio::test]
async fn row_level_security_is_forced_on_every_table() {
    let Some((_db, catalogue)) = postgres_db("row_level_security_is_forced_on_every_table").await else {
        return;
    };
    let unprotected = strings(
        &catalogue,
        &format!(
            "SELECT c.relname::text FROM pg_class c WHERE c.relname::text IN ({TABLES}) \
             AND c.relnamespace = 'public'::regnamespace AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity \
             OR NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid))"
        ),
    )
    .await;
    assert!(unprotected.is_empty(), "without forced row-level security and a policy: {unprotected:?}");
}

#[tokio::test]
async fn every_key_begins_with_the_tenant() {
    let Some((_db, catalogue)) = postgres_db("every_key_begins_with_the_tenant").await else { return };
    let indexes = rows(
        &catalogue,
        "SELECT t.relname::text AS table_name, i.relname::text AS index_name, \
         coalesce((SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0]), '') \
         AS first_column \
         FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
         WHERE t.relnamespace = 'public'::regnamespace AND x.indisunique",
    )
    .await;
    let tenant: BTreeSet<&str> = tenant_tables().map(|table| table.name).collect();
    let mut with_key = BTreeSet::new();
    for row in &indexes {
        let table: String = row.try_get("", "table_name").unwrap();
        let index: String = row.try_get("", "index_name").unwrap();
        let first: String = row.try_get("", "first_column").unwrap();
        if tenant.contains(table.as_str()) {
            assert_eq!(first, "tenant_id", "the unique index {index} on {table} begins with another column");
        }
        with_key.insert(table);
    }
    for table in qianpu_migrations::tables() {
        assert!(with_key.contains(table.name), "{} has no primary key", table.name);
    }
    let nullable = strings(
        &catalogue,
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' \
         AND column_name = 'tenant_id' AND (is_nullable = 'YES' OR data_type <> 'uuid')",
    )
    .await;
    assert!(nullable.is_empty(), "tenant_id is not `uuid NOT NULL` in {nullable:?}");
}

#[tokio::test]
async fn every_foreign_key_stays_in_its_tenant() {
    let Some((_db, catalogue)) = postgres_db("every_foreign_key_stays_in_its_tenant").await else { return };
    let wrong = strings(
        &catalogue,
        "SELECT c.conname::text || ' on ' || t.relname::text FROM pg_constraint c \
         JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
         JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1] \
         WHERE c.contype = 'f' AND (a.attname <> 'tenant_id' OR b.attname <> 'tenant_id' \
         OR c.confdeltype IN ('n', 'd') OR c.confupdtype IN ('n', 'd') OR c.condeferrable)",
    )
    .await;
    assert!(wrong.is_empty(), "foreign keys that leave the tenant, set null, or are deferrable: {wrong:?}");
}

#[tokio::test]
async fn the_schema_holds_nothing_that_cannot_be_distributed() {
    let Some((_db, catalogue)) = postgres_db("the_schema_holds_nothing_that_cannot_be_distributed").await
    else {
        return;
    };
    let refused = [
        ("triggers", "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal"),
        ("rules", "SELECT rulename::text FROM pg_rules WHERE schemaname = 'public'"),
        (
            "enums",
            "SELECT typname::text FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace",
        ),
        ("sequences", "SELECT sequencename::text FROM pg_sequences WHERE schemaname = 'public'"),
        (
            "identity columns",
            "SELECT table_name || '.' || column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND is_identity = 'YES'",
        ),
        (
            "deferrable constraints",
            "SELECT conname::text FROM pg_constraint WHERE condeferrable AND connamespace = 'public'::regnamespace",
        ),
        ("views", "SELECT viewname::text FROM pg_views WHERE schemaname = 'public'"),
        ("functions", "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"),
        (
            "defaults from the database's clock or chance",
            "SELECT table_name || '.' || column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND column_default ~* '(now|random|current_|clock_|nextval|gen_)'",
        ),
        (
            "columns with floats, database times or database JSON",
            "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name <> 'seaql_migrations' AND data_type NOT IN \
             ('uuid', 'text', 'bigint', 'boolean', 'bytea', 'integer', 'smallint')",
        ),
    ];
    for (what, sql) in refused {
        let found = strings(&catalogue, sql).await;
        assert!(found.is_empty(), "{what}: {found:?}");
    }
    let names = strings(
        &catalogue,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         UNION SELECT conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
         UNION SELECT polname::text FROM pg_policy",
    )
    .await;
    let long: Vec<&String> = names.iter().filter(|name| name.len() > LONGEST_NAME).collect();
    assert!(long.is_empty(), "names longer than {LONGEST_NAME}: {long:?}");
}

#[tokio::test]
async fn the_application_owns_nothing() {
    let Some((_db, catalogue)) = postgres_db("the_application_owns_nothing").await else { return };
    let app = postgres::APP;
    let owned = strings(
        &catalogue,
        &format!(
            "SELECT relname::text FROM pg_class WHERE relowner = '{app}'::regrole \
             UNION SELECT nspname::text FROM pg_namespace WHERE nspowner = '{app}'::regrole \
             UNION SELECT datname::text FROM pg_database WHERE datdba = '{app}'::regrole"
        ),
    )
    .await;
    assert!(owned.is_empty(), "{app} owns {owned:?}");
    let powers = strings(
        &catalogue,
        &format!(
            "SELECT rolname::text FROM pg_roles WHERE rolname = '{app}' AND (rolsuper OR rolbypassrls OR rolcreaterole \
             OR rolcreatedb OR rolreplication) \
             UNION SELECT 'member of ' || roleid::regrole::text FROM pg_auth_members WHERE member = '{app}'::regrole \
             UNION SELECT 'may create in public' WHERE has_schema_privilege('{app}', 'public', 'CREATE') \
             UNION SELECT 'may truncate ' || relname::text FROM pg_class WHERE relkind = 'r' \
             AND relnamespace = 'public'::regnamespace AND has_table_privilege('{app}', oid, 'TRUNCATE, REFERENCES, TRIGGER')"
        ),
    )
    .await;
    assert!(powers.is_empty(), "{app} has more than it needs: {powers:?}");
    for table in qianpu_migrations::tables().iter().filter(|table| table.append_only) {
        let name = table.name;
        // What does not stay when a merchant is deleted may go then, and only then: whole::deleting… looks at it.
        let kept = qianpu_migrations::KEPT_APPEND_ONLY.contains(&name);
        let refused = if kept { "UPDATE, DELETE" } else { "UPDATE" };
        let found = strings(
            &catalogue,
            &format!("SELECT 'x' WHERE has_table_privilege('{app}', 'public.{name}', '{refused}')"),
        )
        .await;
        assert!(found.is_empty(), "{name} is append-only and {app} may change it");
    }
}

/// Row-level security alone, with the application's own conditions left out: whatever the statement says, without a
/// context, in another tenant's and in another provider's there are no rows to see, change or remove, and none can be
/// added for somebody else.
#[tokio::test]
async fn without_a_context_there_are_no_rows() {
    let Some((db, _catalogue)) = postgres_db("without_a_context_there_are_no_rows").await else { return };
    let victim = Victim { tenant: Uuid::from_u128(0xa), provider: Uuid::from_u128(0xb) };
    let everything = plant(&db, victim, &[]).await;
    let app = postgres::connect(&db.url()).await.unwrap();
    let stranger = Uuid::from_u128(0xc);
    let contexts = [
        String::new(),
        format!("SET LOCAL app.tenant_id = '{stranger}'"),
        format!("SET LOCAL app.provider_id = '{stranger}'"),
        // The same, but for what lies in the stranger's own hands.
        format!("SET LOCAL app.tenant_id = '{}'", victim.provider),
    ];
    for (position, table) in qianpu_migrations::tables().iter().enumerate() {
        let name = table.name;
        let stored = rows(&everything, &format!("SELECT 1 FROM {name}")).await.len();
        assert_eq!(stored, 1, "the row of {name} is stored");
        let (columns, values) = planted_row(Backend::Postgres, table, position, victim);
        for context in &contexts {
            let begin = format!("BEGIN; {context}");
            app.execute_unprepared(&begin).await.unwrap();
            let seen = rows(&app, &format!("SELECT 1 FROM {name}")).await.len();
            let expected = usize::from(table.access == Access::Directory);
            assert_eq!(seen, expected, "rows of {name} seen with: {context}");
            if !table.append_only {
                let update = format!("UPDATE {name} SET tenant_id = tenant_id");
                assert_eq!(app.execute_unprepared(&update).await.unwrap().rows_affected(), 0, "{update}");
                let delete = format!("DELETE FROM {name}");
                assert_eq!(app.execute_unprepared(&delete).await.unwrap().rows_affected(), 0, "{delete}");
            }
            let insert = format!("INSERT INTO {name} ({columns}) VALUES ({values})");
            let error = app.execute_unprepared(&insert).await.err().map(|error| error.to_string());
            assert!(
                error.as_deref().is_some_and(|error| error.contains("row-level security")),
                "row-level security must refuse `{insert}` with `{context}`, got {error:?}"
            );
            app.execute_unprepared("ROLLBACK").await.unwrap();
        }
        // The provider's view across its merchants shows what is declared so, and changes nothing.
        app.execute_unprepared(&format!("BEGIN; SET LOCAL app.provider_id = '{}'", victim.provider))
            .await
            .unwrap();
        let shown = rows(&app, &format!("SELECT 1 FROM {name}")).await.len();
        let reads = matches!(table.access, Access::ProviderReads | Access::Registry | Access::Directory);
        assert_eq!(shown, usize::from(reads), "rows of {name} in the provider's view");
        if !table.append_only {
            let delete = format!("DELETE FROM {name}");
            assert_eq!(
                app.execute_unprepared(&delete).await.unwrap().rows_affected(),
                0,
                "{delete} by the provider"
            );
        }
        app.execute_unprepared("ROLLBACK").await.unwrap();
    }
}

/// Both engines have the same tables, columns and nullability.
#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let Some((_db, catalogue)) = postgres_db("both_engines_have_the_same_columns").await else { return };
    let sqlite_db = TestDb::sqlite().await;
    let sqlite = postgres::connect(&sqlite_db.url()).await.unwrap();
    assert_eq!(sqlite.get_database_backend(), DbBackend::Sqlite);

    let on_postgres = columns(
        &catalogue,
        "SELECT table_name::text AS t, column_name::text AS c, \
         CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS required \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .await;
    let on_sqlite = columns(
        &sqlite,
        "SELECT m.name AS t, p.name AS c, CASE WHEN p.\"notnull\" = 1 OR p.pk > 0 THEN 1 ELSE 0 END AS required \
         FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    )
    .await;
    assert_eq!(on_postgres, on_sqlite);
}

async fn columns(connection: &DatabaseConnection, sql: &str) -> BTreeMap<String, bool> {
    rows(connection, sql)
        .await
        .iter()
        .map(|row| {
            let table: String = row.try_get("", "t").unwrap();
            let column: String = row.try_get("", "c").unwrap();
            let required: i32 = row.try_get("", "required").unwrap();
            (table, column, required == 1)
        })
        .filter(|(table, ..)| !NOT_OURS.contains(&table.as_str()))
        .map(|(table, column, required)| (format!("{table}.{column}"), required))
        .collect()
}
