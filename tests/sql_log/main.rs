//! The last phase of `cargo test`: reads the SQL that the tests on PostgreSQL sent, and says which tests were left out.
//!
//! This is a test binary of its own because the log is complete only when the process that wrote it has ended; cargo
//! runs test binaries one after the other, this one after `it`. A run of `it` alone leaves its log for the next run of
//! this binary. Notes older than two hours are not looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use qianpu_tests::left_out::{announce, noted, notes_with_prefix};
use qianpu_tests::sql_lint;

#[test]
fn statements_on_tenant_tables_name_their_tenant() {
    let schema = qianpu_migrations::tables();
    let logs = notes_with_prefix("sql-");
    let mut statements: BTreeMap<String, usize> = BTreeMap::new();
    for path in &logs {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        for (statement, count) in sql_lint::statements(&text) {
            *statements.entry(statement).or_default() += count;
        }
    }
    let total: usize = statements.values().sum();
    if logs.is_empty() {
        announce(
            "SQL LOG: none. No test ran on a PostgreSQL that this suite started; its statements are unchecked.",
        );
    } else {
        announce(&format!(
            "SQL log: {total} statements, {} distinct, over {} tables",
            statements.len(),
            schema.len()
        ));
    }
    let required = std::env::var_os("QIANPU_TEST_REQUIRE_SQL_LOG").is_some_and(|value| value != "0");
    assert!(!required || total > 100, "a complete run sends more than {total} statements");

    let findings: BTreeSet<_> =
        statements.keys().flat_map(|statement| sql_lint::check(statement, &schema)).collect();
    let report: Vec<String> = findings.iter().map(ToString::to_string).collect();
    // Read once: a log of yesterday's code must not make today's run red. Kept where somebody asked for it.
    if std::env::var_os("QIANPU_SQL_LOG").is_none() {
        for path in logs {
            let _ = std::fs::remove_file(path);
        }
    }
    assert!(report.is_empty(), "{} findings in the SQL log:\n\n{}", report.len(), report.join("\n\n"));
}

#[test]
fn summary_of_what_was_left_out() {
    let tests = noted();
    if tests.is_empty() {
        return;
    }
    announce(&format!("\n{} TESTS WERE LEFT OUT because there was no PostgreSQL:", tests.len()));
    for test in tests {
        announce(&format!("    {test}"));
    }
    for path in notes_with_prefix("left-out-") {
        let _ = std::fs::remove_file(path);
    }
}
