//! What `plugin new` writes holds in every language, and what is broken does not. Building takes cargo, npm and
//! Python; where one of them is missing these tests fail and say so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use clap::Parser;
use qianpu_kit::{Examined, Language, PluginCommand, create, examine, run};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// A new project, removed with the value.
struct Project {
    folder: PathBuf,
    _place: tempfile::TempDir,
}

fn made(language: Language) -> Project {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = place.path().join("demo-market");
    create(&folder, "demo-market", language, None).unwrap();
    Project { folder, _place: place }
}

impl Project {
    #[track_caller]
    fn holds(&self) -> Examined {
        let examined = examine(&self.folder).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(examined.failures(), 0, "{}", examined.text(true));
        assert_eq!(examined.slug, "demo-market");
        assert_eq!(examined.played.len(), 5, "{}", examined.text(true));
        examined
    }
    #[track_caller]
    fn breaks(&self, rule: &str) -> String {
        let examined = examine(&self.folder).unwrap_or_else(|error| panic!("{error:#}"));
        let text = examined.text(false);
        assert!(examined.broken.iter().any(|failure| failure.rule == rule), "{rule}: {text}");
        assert!(text.contains(&format!("✗ {rule}")), "{text}");
        text
    }
    #[track_caller]
    fn change(&self, file: &str, from: &str, to: &str) {
        change(&self.folder.join(file), from, to);
    }
}

#[track_caller]
fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: PluginCommand,
}

/// `plugin test`, whose error is the exit code of the program.
fn told(target: &Path) -> anyhow::Result<()> {
    let cli = Cli::parse_from(["plugin".as_ref(), "test".as_ref(), target.as_os_str()]);
    tokio::runtime::Runtime::new().unwrap().block_on(run(cli.command, CancellationToken::new()))
}

#[test]
fn typescript_holds_and_a_push_that_is_not_checked_does_not() {
    let project = made(Language::TypeScript);
    let examined = project.holds();
    let text = examined.text(true);
    assert!(text.contains("everything holds"), "{text}");
    assert!(text.contains("/cgi-bin/stable_token") && text.contains(r#""secret":"***""#), "{text}");
    assert!(!text.contains("ACCESS_TOKEN") && !text.contains("conformance-secret"), "{text}");

    // A recording that says something else.
    let recording = "exchanges/order-fetch.json";
    project.change(recording, r#""line_total": 25000"#, r#""line_total": 1"#);
    let examined = examine(&project.folder).unwrap();
    assert_eq!(examined.failures(), 1, "{}", examined.text(false));
    let text = examined.text(false);
    assert!(
        text.contains("✗ order-fetch") && text.contains("the outcome.lines[0].line_total is 25000 and not 1"),
        "{text}"
    );
    assert_eq!(told(&project.folder).unwrap_err().to_string(), "1 of the checks failed");
    project.change(recording, r#""line_total": 1"#, r#""line_total": 25000"#);
    told(&project.folder.join("build/plugin.wasm")).unwrap();

    project.change("src/pushes.ts", "!equal(", "false && equal(");
    project.breaks("forged");
    project.change("src/pushes.ts", "false && equal(", "!equal(");
    // A crash is one of the checks.
    project.change("src/pushes.ts", "if (!isObject(message))", "while (!isObject(message))");
    project.change("src/pushes.ts", "throw unexpected(\"the push is not a JSON object\")", "continue");
    let examined = examine(&project.folder).unwrap();
    assert!(examined.faults().iter().any(|fault| fault.contains("out_of_time")), "{}", examined.text(false));

    // What does not compile is told in the compiler's words.
    project.change("src/plugin.ts", "const manifest = {", "const manifest: number = {");
    let error = format!("{:#}", examine(&project.folder).unwrap_err());
    assert!(error.contains("src/plugin.ts"), "{error}");
}

/// A whole channel in TypeScript: everything that the built-in one of that name does, held to the same list.
#[test]
fn the_channels_account_in_typescript_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins/wechat-channels-ts");
    let examined = examine(&folder).unwrap_or_else(|error| panic!("{error:#}"));
    let text = examined.text(true);
    assert_eq!(examined.failures(), 0, "{text}");
    assert_eq!(examined.slug, "wechat-channels");
    let recordings = std::fs::read_dir(folder.join("exchanges")).unwrap().count();
    assert_eq!(examined.played.len(), recordings, "{text}");
    for shown in ["component_appsecret", "authorizer_refresh_token", "access_token"] {
        assert!(text.contains(&format!("\"{shown}\":\"***\"")), "{shown} is not masked: {text}");
    }
}

/// With an interpreter inside it is large, and compiled for a while: once.
#[test]
fn python_holds() {
    made(Language::Python).holds();
}

#[test]
fn rust_holds_with_the_copy_of_the_sdk_and_with_a_checkout() {
    let project = made(Language::Rust);
    project.holds();
    assert!(project.folder.join("vendor/sdk/Cargo.toml").is_file());
    // A secret that is not marked would stand in logs.
    project.change("src/lib.rs", r#".redacted("secret")"#, "");
    project.breaks("requests");

    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = place.path().join("by-path");
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    create(&folder, "by-path", Language::Rust, Some(&checkout)).unwrap();
    assert!(!folder.join("vendor").exists());
    // Resolved and not built again: it is the same source.
    let found = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert!(create(&place.path().join("x"), "x-y", Language::Rust, Some(place.path())).is_err());
}

#[test]
fn names_that_could_not_be_slugs_are_refused() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for name in
        ["", "x", "My-Market", "my_market", "-market", "market-", "1-market", "../market", &"m".repeat(41)]
    {
        let refused = create(&place.path().join("new"), name, Language::Python, None).unwrap_err();
        assert!(refused.to_string().contains("such as my-market"), "{name}: {refused}");
    }
    let there = create(place.path(), "my-market", Language::Python, None).unwrap_err();
    assert!(there.to_string().contains("exists already"), "{there}");
    let empty = examine(place.path()).unwrap_err();
    assert!(empty.to_string().contains("package.json"), "{empty}");
}
