//! A table's declaration, and the statements that follow from it.

/// Where a table lives once the database is distributed (Citus).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Distributed by `tenant_id`, beside `tenants`.
    Tenant,
    /// Distributed by another column, alone.
    ByKey(&'static str),
}

/// Who may touch rows besides their own tenant. Row-level security follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Only the tenant.
    Tenant,
    /// Also read by the provider named in the row's `provider_id`.
    ProviderReads,
    /// Also read and changed by the installation's own work (queues, registry).
    System,
    /// Like `System`, and read by the provider named in `provider_id`.
    Registry,
    /// Read by anyone who has the exact key; written by the tenant it points to.
    Directory,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name.
    pub name: &'static str,
    /// Where it lives.
    pub place: Place,
    /// Who may touch it.
    pub access: Access,
    /// Rows are never updated or deleted by the application.
    pub append_only: bool,
    /// Column and constraint list. `uuid` and `bytea` are translated for SQLite.
    pub columns: &'static str,
    /// `CREATE INDEX` statements (the same for every database).
    pub indexes: &'static [&'static str],
}

const TENANT: &str = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid";
const PROVIDER: &str = "provider_id = nullif(current_setting('app.provider_id', true), '')::uuid";
const SYSTEM: &str = "current_setting('app.system', true) = 'on'";

impl Table {
    /// What most tables share: beside their tenant and only for it, to be given a name and columns.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        place: Place::Tenant,
        access: Access::Tenant,
        append_only: false,
        columns: "",
        indexes: &[],
    };

    /// Statements that create the table on SQLite.
    pub fn sqlite(&self) -> Vec<String> {
        let columns = self
            .columns
            .lines()
            .map(|line| line.replace(" uuid", " blob").replace(" bytea", " blob"))
            .collect::<Vec<_>>()
            .join("\n");
        self.with_indexes(format!("CREATE TABLE {} ({columns})", self.name))
    }

    /// Statements that create the table on PostgreSQL, with row-level security.
    pub fn postgres(&self) -> Vec<String> {
        let name = self.name;
        let mut statements = self.with_indexes(format!("CREATE TABLE {name} ({})", self.columns));
        statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        statements.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        match self.access {
            Access::Tenant => statements.push(all(name, "own", TENANT)),
            Access::ProviderReads => {
                statements.push(all(name, "own", TENANT));
                statements.push(select(name, "provider_reads", PROVIDER));
            }
            Access::System => {
                statements.push(all(name, "own", TENANT));
                statements.push(all(name, "system", SYSTEM));
            }
            Access::Registry => {
                statements.push(all(name, "own", TENANT));
                statements.push(all(name, "system", SYSTEM));
                statements.push(select(name, "provider_reads", PROVIDER));
            }
            Access::Directory => {
                statements.push(all(name, "own", TENANT));
                statements.push(select(name, "lookup", "true"));
            }
        }
        statements
    }

    /// Statements that let the application role use the table.
    pub fn grants(&self, role: &str) -> Vec<String> {
        let rights = if self.append_only { "SELECT, INSERT" } else { "SELECT, INSERT, UPDATE, DELETE" };
        vec![format!("GRANT {rights} ON {} TO {role}", self.name)]
    }

    fn with_indexes(&self, create: String) -> Vec<String> {
        std::iter::once(create).chain(self.indexes.iter().map(|index| (*index).to_owned())).collect()
    }
}

fn all(table: &str, policy: &str, condition: &str) -> String {
    format!("CREATE POLICY {policy} ON {table} USING ({condition}) WITH CHECK ({condition})")
}

fn select(table: &str, policy: &str, condition: &str) -> String {
    format!("CREATE POLICY {policy} ON {table} FOR SELECT USING ({condition})")
}
