//! Saying loudly which tests were left out, and remembering it for the summary at the end of the run.
//!
//! The test runner captures what `print!` writes in a passing test, so the notice goes straight to the process's
//! standard error. `QIANPU_TEST_REQUIRE_POSTGRES=1` turns a left-out test into a failure; `.ci/run` sets it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

const OLD: Duration = Duration::from_secs(2 * 3600);

/// The directory in which the phases of one `cargo test` leave notes for the next one.
pub fn notes_dir() -> PathBuf {
    let dir = match std::env::var_os("QIANPU_SQL_LOG") {
        Some(dir) => PathBuf::from(dir),
        None => crate::workspace::target_dir().join("qianpu-test-run"),
    };
    std::fs::create_dir_all(&dir).expect("the directory of the test run's notes can be made");
    dir
}

/// Removes notes of runs that nobody finished; a log of other code must not make this run red.
pub fn forget_old_notes() {
    for path in notes_with_prefix("") {
        let age = path.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > OLD) && path.is_file() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes to standard error past the capture of the test runner.
pub fn announce(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Notes that `test` did not run because there is no PostgreSQL; fails instead where PostgreSQL is required.
pub fn no_postgres(test: &str, reason: &str) {
    assert!(
        std::env::var_os("QIANPU_TEST_REQUIRE_POSTGRES").is_none_or(|value| value == "0"),
        "PostgreSQL is required for {test} and there is none: {reason}"
    );
    static BANNER: Once = Once::new();
    BANNER.call_once(|| {
        announce(&format!(
            "\n\
             ======================================================================\n\
             NO POSTGRESQL: every test on PostgreSQL is LEFT OUT of this run.\n\
             {reason}\n\
             Set QIANPU_TEST_DATABASE_URL, start Docker, or install PostgreSQL.\n\
             ======================================================================"
        ));
    });
    announce(&format!("LEFT OUT (no PostgreSQL): {test}"));
    let path = notes_dir().join(format!("left-out-{}.txt", std::process::id()));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{test}");
    }
}

/// Every test noted as left out by an earlier phase of this run.
pub fn noted() -> Vec<String> {
    let mut tests: Vec<String> = notes_with_prefix("left-out-")
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    tests.sort();
    tests.dedup();
    tests
}

/// The notes whose file name starts so, in a stable order.
pub fn notes_with_prefix(prefix: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(notes_dir())
        .expect("the directory of the test run's notes can be read")
        .filter_map(|entry| entry.ok())
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
        })
        .collect();
    paths.sort();
    paths
}
