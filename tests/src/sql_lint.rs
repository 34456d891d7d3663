//! Rules over the SQL that the application sent to PostgreSQL during a test run.
//!
//! The rules are those a PostgreSQL distributed by tenant asks for; on a single server they keep tenants apart and
//! transactions short. A statement is a finding when
//! * it reads, changes or joins a tenant table without a condition on `tenant_id` for each table it names,
//! * it locks rows (`FOR UPDATE` and its kin) without such a condition,
//! * it inserts into a tenant table without naming `tenant_id`, or moves a row to another tenant,
//! * it takes the time or randomness from the database in an update,
//! * it uses `set_config`, which does not reach the other nodes of a distributed database.
//!
//! Two kinds of reads go over many tenants, by the declaration of the table in the migrations: a provider reads its
//! merchants' rows by `provider_id`, and the installation reads its registry and queues. Both are unlocked SELECTs.
//! The check is textual, over tokens; it sees neither views nor functions, and the schema has none.

use std::collections::BTreeMap;

use qianpu_migrations::{Access, Place, Table};

/// A broken rule, with the statement that breaks it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub rule: &'static str,
    pub statement: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short: String = self.statement.chars().take(600).collect();
        write!(f, "{}\n    {short}", self.rule)
    }
}

/// Who sends the application's statements: its role and the name it connects under. Tests that look past the
/// application connect under no name.
pub const SENDER: &str = "qianpu_app:qianpu";
/// What the server must be told to write before each line, so that the sender can be told.
pub const LOG_LINE_PREFIX: &str = "log_line_prefix=%u:%a@%d| ";

/// The distinct statements of the application, with how often, from a server log.
pub fn statements(log: &str) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in log.lines() {
        if let Some(rest) = line.strip_prefix('\t') {
            if let Some(statement) = &mut current {
                statement.push(' ');
                statement.push_str(rest);
            }
            continue;
        }
        if let Some(statement) = current.take() {
            *found.entry(one_line(&statement)).or_default() += 1;
        }
        current = logged_statement(line).map(str::to_owned);
    }
    if let Some(statement) = current {
        *found.entry(one_line(&statement)).or_default() += 1;
    }
    found
}

fn logged_statement(line: &str) -> Option<&str> {
    let (prefix, rest) = line.split_once("| ")?;
    let (sender, _) = prefix.split_once('@')?;
    let rest = rest.strip_prefix("LOG:  ")?;
    if sender != SENDER {
        return None;
    }
    match rest.strip_prefix("statement: ") {
        Some(statement) => Some(statement),
        None => rest.strip_prefix("execute ")?.split_once(": ").map(|(_, statement)| statement),
    }
}

fn one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks one statement against the rules.
pub fn check(statement: &str, schema: &[Table]) -> Vec<Finding> {
    let tokens = tokens(statement);
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut rules: Vec<&'static str> = Vec::new();

    if words.contains(&"set_config") {
        rules.push("set_config is used; format the typed tenant id into SET LOCAL");
    }

    let tables = tables_named(&words, schema);
    let first = words.first().copied().unwrap_or_default();
    let inserts = first == "insert" || has(&words, &["insert", "into"]);
    let updates = first == "update" || has(&words, &["do", "update", "set"]);

    if updates && let Some(set) = position(&words, &["set"]) {
        let volatile = ["now", "current_timestamp", "clock_timestamp", "statement_timestamp", "random"]
            .iter()
            .chain(&["gen_random_uuid", "localtimestamp", "current_date", "transaction_timestamp"]);
        let tail = words.get(set..).unwrap_or_default();
        if volatile.into_iter().any(|name| tail.contains(name)) {
            rules.push("an update takes time or randomness from the database; bind it from the application");
        }
        if tail.windows(2).any(|pair| matches!(pair, ["set" | ",", "tenant_id"]))
            && assigned(tail).contains(&"tenant_id")
        {
            rules.push("an update assigns tenant_id; rows never move between tenants");
        }
    }

    if !tables.is_empty() {
        if inserts {
            if !insert_names_tenant(&words) {
                rules.push("an insert into a tenant table does not name tenant_id");
            }
        } else {
            let conditions = conditions(&words, "tenant_id");
            let locks = has(&words, &["for", "update"])
                || has(&words, &["for", "no", "key", "update"])
                || has(&words, &["for", "share"])
                || has(&words, &["for", "key", "share"]);
            if conditions < tables.len() {
                if locks {
                    rules.push("rows are locked without a condition on tenant_id for every table");
                } else if !reads_across_tenants(&words, &tables, conditions) {
                    rules.push(
                        "a tenant table is used without a condition on tenant_id for every table named",
                    );
                }
            }
        }
    }
    rules.into_iter().map(|rule| Finding { rule, statement: one_line(statement) }).collect()
}

/// Lower-case words, quoted identifiers without their quotes, and single punctuation marks; text literals become `'`.
fn tokens(statement: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = statement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '-' if chars.peek() == Some(&'-') => while chars.next_if(|&c| c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '\'' => {
                while let Some(c) = chars.next() {
                    if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                        break;
                    }
                }
                tokens.push("'".to_owned());
            }
            '"' => {
                let mut word = String::new();
                for c in chars.by_ref() {
                    if c == '"' {
                        break;
                    }
                    word.push(c);
                }
                tokens.push(word);
            }
            c if c.is_alphanumeric() || c == '_' || c == '$' => {
                let mut word: String = c.to_lowercase().collect();
                while let Some(c) = chars.next_if(|&c| c.is_alphanumeric() || c == '_' || c == '$') {
                    word.extend(c.to_lowercase());
                }
                tokens.push(word);
            }
            c => tokens.push(c.to_string()),
        }
    }
    tokens
}

/// Every mention of a tenant table where a table can stand; a table mentioned twice counts twice.
fn tables_named<'a>(words: &[&str], schema: &'a [Table]) -> Vec<&'a Table> {
    let mut found = Vec::new();
    let mut expects_table = false;
    let mut in_from = false;
    for (at, word) in words.iter().enumerate() {
        match *word {
            "from" | "join" | "into" | "using" => {
                expects_table = true;
                in_from = *word == "from";
            }
            // `FOR UPDATE`, `DO UPDATE` and `NO KEY UPDATE` name no table.
            "update" => {
                let before = at.checked_sub(1).and_then(|at| words.get(at)).copied();
                expects_table = !matches!(before, Some("for" | "do" | "key"));
            }
            "," if in_from => expects_table = true,
            "where" | "set" | "order" | "group" | "limit" | "on" | "(" => {
                in_from = false;
                expects_table = false;
            }
            "only" | "public" | "." => {}
            word => {
                let next = words.get(at + 1).copied();
                if expects_table && next != Some(".") {
                    found.extend(schema.iter().find(|t| t.name == word && t.place == Place::Tenant));
                }
                if next != Some(".") {
                    expects_table = false;
                }
            }
        }
    }
    found
}

/// How many conditions the statement puts on a column: `column = …`, `column IN (…)`, a row comparison that holds it,
/// or a join `USING (column, …)`.
fn conditions(words: &[&str], column: &str) -> usize {
    let begins =
        words.iter().position(|word| matches!(*word, "where" | "on" | "using")).unwrap_or(words.len());
    let mut count = 0;
    let mut at = begins;
    while let Some(word) = words.get(at) {
        if *word == column {
            match words.get(at + 1).copied() {
                Some("=" | "in") => {
                    count += 1;
                    // In `a.column = b.column` the right side is no condition of its own.
                    if words.get(at + 3).copied() == Some(".") {
                        at += 4;
                    } else if words.get(at + 2).copied() == Some(column) {
                        at += 2;
                    }
                }
                Some("," | ")") if row_is_compared(words, at) => count += 1,
                _ => {}
            }
        }
        at += 1;
    }
    count
}

fn row_is_compared(words: &[&str], at: usize) -> bool {
    let open = (0..at).rev().find(|&i| words.get(i) == Some(&"("));
    let close = (at..words.len()).find(|&i| words.get(i) == Some(&")"));
    let (Some(open), Some(close)) = (open, close) else { return false };
    let before = open.checked_sub(1).and_then(|i| words.get(i)).copied();
    before == Some("using") || matches!(words.get(close + 1).copied(), Some("in" | "="))
}

fn insert_names_tenant(words: &[&str]) -> bool {
    let Some(into) = position(words, &["into"]) else { return false };
    let columns = words.iter().skip(into).skip_while(|word| **word != "(").take_while(|word| **word != ")");
    columns.into_iter().any(|word| *word == "tenant_id")
}

/// The columns assigned in `SET a = …, b = …`, up to the end of the list.
fn assigned<'a>(tail: &[&'a str]) -> Vec<&'a str> {
    let mut depth = 0;
    let mut columns = Vec::new();
    for triple in tail.windows(3) {
        match triple {
            ["(", ..] => depth += 1,
            [")", ..] => depth -= 1,
            ["where" | "from" | "returning", ..] if depth == 0 => break,
            ["set" | ",", column, "="] if depth == 0 => columns.push(*column),
            _ => {}
        }
    }
    columns
}

fn reads_across_tenants(words: &[&str], tables: &[&Table], tenant_conditions: usize) -> bool {
    if words.first() != Some(&"select") {
        return false;
    }
    let by_provider = tables.iter().all(|t| matches!(t.access, Access::ProviderReads | Access::Registry))
        && tenant_conditions + conditions(words, "provider_id") >= tables.len();
    let by_installation =
        tables.len() == 1 && tables.iter().all(|t| matches!(t.access, Access::System | Access::Registry));
    by_provider || by_installation
}

fn has(words: &[&str], sequence: &[&str]) -> bool {
    position(words, sequence).is_some()
}

fn position(words: &[&str], sequence: &[&str]) -> Option<usize> {
    words.windows(sequence.len()).position(|window| window == sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<Table> {
        let table = |name, place, access| Table {
            name,
            place,
            access,
            append_only: false,
            columns: "",
            indexes: &[],
        };
        vec![
            table("orders", Place::Tenant, Access::ProviderReads),
            table("order_lines", Place::Tenant, Access::Tenant),
            table("jobs", Place::Tenant, Access::System),
            table("global_keys", Place::ByKey("value"), Access::Directory),
        ]
    }

    #[track_caller]
    fn check_is(expected: &[&str], statement: &str) {
        let rules: Vec<&str> = check(statement, &tables()).into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules.len(), expected.len(), "{statement}: {rules:?}");
        for (rule, part) in rules.iter().zip(expected) {
            assert!(rule.contains(part), "{statement}: {rule}");
        }
    }

    #[test]
    fn what_is_right_is_let_through() {
        for statement in [
            r#"SELECT "orders"."tenant_id", "orders"."id" FROM "orders" WHERE "orders"."tenant_id" = $1 AND "id" = $2"#,
            r#"SELECT o.id FROM orders AS o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id WHERE o.tenant_id = $1"#,
            r#"INSERT INTO "orders" ("tenant_id", "id") VALUES ($1, $2) RETURNING "tenant_id", "id""#,
            r#"INSERT INTO orders (tenant_id, id, n) VALUES ($1,$2,$3) ON CONFLICT (tenant_id, id) DO UPDATE SET n = $3"#,
            r#"UPDATE "orders" SET "state" = $1, "version" = "version" + 1 WHERE "tenant_id" = $2 AND "id" = $3"#,
            r#"SELECT id FROM jobs WHERE tenant_id = $1 AND run_at <= $2 ORDER BY run_at LIMIT 5 FOR UPDATE SKIP LOCKED"#,
            r#"SELECT id FROM orders WHERE (tenant_id, id) IN (($1,$2),($1,$3))"#,
            r#"SELECT tenant_id FROM global_keys WHERE kind = $1 AND value = $2"#,
            r#"DELETE FROM order_lines WHERE tenant_id = $1 AND order_id = $2"#,
            "SELECT id FROM orders WHERE provider_id = $1 ORDER BY id LIMIT 20",
            "SELECT tenant_id, id FROM jobs WHERE run_at <= $1 ORDER BY run_at LIMIT 200",
            "SET LOCAL app.tenant_id = '0190'",
            "BEGIN",
            "SELECT 'FROM orders', 1 -- FROM orders",
        ] {
            check_is(&[], statement);
        }
    }

    #[test]
    fn what_is_wrong_is_found() {
        let used = "a tenant table is used without";
        check_is(
            &[used],
            r#"SELECT "orders"."tenant_id", "orders"."id" FROM "orders" WHERE "orders"."id" = $1"#,
        );
        check_is(&[used], "SELECT count(*) FROM public.orders");
        check_is(
            &[used],
            "SELECT 1 FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.tenant_id = $1",
        );
        check_is(
            &[used],
            "SELECT 1 FROM orders o, order_lines l WHERE o.tenant_id = $1 AND l.order_id = o.id",
        );
        check_is(&[used], "UPDATE orders SET state = $1 WHERE id = $2");
        check_is(&[used], "DELETE FROM orders WHERE id = $1");
        check_is(
            &[used],
            "UPDATE orders SET n = 1 WHERE tenant_id = $1 AND id IN (SELECT order_id FROM order_lines WHERE sku = $2)",
        );
        check_is(&[used], "SELECT id FROM order_lines WHERE provider_id = $1");
        check_is(&[used], "UPDATE orders SET n = 1 WHERE provider_id = $1");
        check_is(&[used], "UPDATE jobs SET n = 1 WHERE run_at <= $1");
        check_is(&["locked without"], "SELECT id FROM jobs WHERE run_at < $1 FOR UPDATE SKIP LOCKED");
        check_is(&["does not name tenant_id"], "INSERT INTO orders (id) VALUES ($1)");
        check_is(&["time or randomness"], "UPDATE orders SET at = now() WHERE tenant_id = $1");
        check_is(
            &["time or randomness"],
            "INSERT INTO orders (tenant_id, id) VALUES ($1, $2) ON CONFLICT (tenant_id, id) DO UPDATE SET at = CURRENT_TIMESTAMP",
        );
        check_is(&["rows never move"], "UPDATE orders SET n = 1, tenant_id = $1 WHERE tenant_id = $2");
        check_is(&["set_config"], "SELECT set_config('app.tenant_id', $1, true)");
    }

    #[test]
    fn statements_are_read_from_the_log() {
        let log = "qianpu_app:qianpu@db1| LOG:  execute sqlx_s_1: SELECT *\n\t  FROM orders\n\
                   qianpu_app:@db1| LOG:  statement: SELECT 2\n\
                   qianpu_owner:@db1| LOG:  statement: CREATE TABLE x ()\n\
                   qianpu_app:qianpu@db1| LOG:  statement: BEGIN\n\
                   qianpu_app:qianpu@db1| LOG:  statement: BEGIN\n\
                   qianpu_app:qianpu@db1| ERROR:  duplicate key\n\
                   :@| LOG:  database system is ready to accept connections\n";
        let found = statements(log);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("BEGIN".to_owned(), 2), ("SELECT * FROM orders".to_owned(), 1)]
        );
    }
}
