//! The shape of the code base: who may import whom, how long a file may be, which words must not be in it.

use std::collections::BTreeSet;

use qianpu_tests::workspace;

/// The allowed edges between our crates. A new edge is a decision: change this table and ARCHITECTURE.md together.
const ALLOWED_EDGES: &[(&str, &[&str])] = &[
    ("qianpu-domain", &[]),
    ("qianpu-sdk", &["qianpu-domain"]),
    ("qianpu-wechat-wire", &["qianpu-sdk", "qianpu-domain"]),
    ("qianpu-wechat-store", &["qianpu-sdk", "qianpu-wechat-wire", "qianpu-domain"]),
    ("qianpu-wechat-official-account", &["qianpu-sdk", "qianpu-wechat-wire", "qianpu-domain"]),
    ("qianpu-wechat-channels", &["qianpu-sdk", "qianpu-wechat-wire", "qianpu-domain"]),
    ("qianpu-douyin", &["qianpu-sdk", "qianpu-domain"]),
    ("qianpu-guest", &["qianpu-sdk", "qianpu-domain"]),
    // Tried with a built-in channel in another box.
    ("qianpu-wasm", &["qianpu-sdk", "qianpu-domain", "qianpu-wechat-store", "qianpu-douyin"]),
    (
        "qianpu-host",
        &[
            "qianpu-sdk",
            "qianpu-domain",
            "qianpu-wechat-store",
            "qianpu-wechat-official-account",
            "qianpu-wechat-channels",
            "qianpu-douyin",
            "qianpu-wasm",
        ],
    ),
    ("qianpu-conformance", &["qianpu-sdk", "qianpu-host", "qianpu-domain"]),
    ("qianpu-sandbox", &[]),
    // Knows of a plugin what the server knows.
    ("qianpu-kit", &["qianpu-sdk", "qianpu-wasm", "qianpu-conformance"]),
    ("qianpu-tenants", &["qianpu-domain"]),
    ("qianpu-migrations", &[]),
    (
        "qianpu-api",
        &[
            "qianpu-domain",
            "qianpu-tenants",
            "qianpu-migrations",
            "qianpu-sdk",
            "qianpu-host",
            "qianpu-sandbox",
            "qianpu-kit",
        ],
    ),
    (
        "qianpu-tests",
        &[
            "qianpu-domain",
            "qianpu-tenants",
            "qianpu-migrations",
            "qianpu-sdk",
            "qianpu-host",
            "qianpu-conformance",
            "qianpu-sandbox",
            "qianpu-api",
            "qianpu-kit",
            "qianpu-wechat-wire",
        ],
    ),
];

/// Third-party crates that only some of ours may name.
const KEPT_APART: &[(&str, &[&str])] = &[
    ("sea-orm", &["qianpu-tenants", "qianpu-tests"]),
    ("sea-orm-migration", &["qianpu-migrations", "qianpu-api", "qianpu-tests"]),
    ("actix-web", &["qianpu-api", "qianpu-sandbox", "qianpu-tests"]),
    ("reqwest", &["qianpu-host", "qianpu-sandbox", "qianpu-kit", "qianpu-api", "qianpu-tests"]),
    (
        "tokio",
        &["qianpu-host", "qianpu-sandbox", "qianpu-kit", "qianpu-tenants", "qianpu-api", "qianpu-tests"],
    ),
];

const LONGEST_FILE: usize = 500;

/// Files that are longer, with the most lines they may have. The list can only shrink.
const LONGER_FILES: &[(&str, usize)] = &[];

fn packages() -> Vec<cargo_metadata::Package> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap();
    metadata.packages
}

#[test]
fn crates_import_only_what_they_may() {
    let mut seen = BTreeSet::new();
    for package in packages() {
        let name = package.name.to_string();
        let allowed = ALLOWED_EDGES.iter().find(|(krate, _)| *krate == name).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("{name} is not in the table of allowed edges"));
        for dependency in &package.dependencies {
            let dev = dependency.kind == cargo_metadata::DependencyKind::Development;
            if dependency.name.starts_with("qianpu-") {
                // A channel is tested by the conformance suite, which knows it only through the sdk.
                let conformance = dev && dependency.name == "qianpu-conformance";
                assert!(
                    allowed.contains(&dependency.name.as_str()) || conformance,
                    "{name} must not import {}",
                    dependency.name
                );
            }
            let kept = KEPT_APART.iter().find(|(krate, _)| *krate == dependency.name);
            if let Some((krate, users)) = kept {
                assert!(dev || users.contains(&name.as_str()), "{name} must not import {krate}");
            }
        }
        seen.insert(name);
    }
    for (krate, _) in ALLOWED_EDGES {
        assert!(seen.contains(*krate), "{krate} is in the table of allowed edges and not in the workspace");
    }
}

/// Crates with generated code, which is `unsafe`: they deny it and allow it there.
const OWN_LINTS: &[&str] = &["qianpu-guest", "qianpu-wasm"];

#[test]
fn every_crate_takes_the_workspace_lints() {
    for package in packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        if OWN_LINTS.contains(&package.name.as_str()) {
            assert!(manifest.contains("unsafe_code = \"deny\""), "{} allows unsafe code", package.name);
            continue;
        }
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not take the lints", package.name);
    }
}

#[test]
fn files_stay_short() {
    let mut wrong = Vec::new();
    for (path, text) in workspace::text_files() {
        if !path.ends_with(".rs") {
            continue;
        }
        let lines = text.lines().count();
        match LONGER_FILES.iter().find(|(file, _)| *file == path) {
            Some((_, most)) if lines > *most => {
                wrong.push(format!("{path} grew to {lines} lines (allowed: {most})"))
            }
            Some(_) if lines <= LONGEST_FILE => {
                wrong.push(format!("{path} is short enough; take it off the list"))
            }
            None if lines > LONGEST_FILE => {
                wrong.push(format!("{path} has {lines} lines (allowed: {LONGEST_FILE}); split it"))
            }
            _ => {}
        }
    }
    for (file, _) in LONGER_FILES {
        if !workspace::root().join(file).is_file() {
            wrong.push(format!("{file} is on the list of longer files and is gone"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unfinished_work_and_foreign_paths_are_not_committed() {
    // Put together here so that this file does not find itself.
    let words: Vec<String> =
        [("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/")]
            .iter()
            .map(|(a, b)| format!("{a}{b}"))
            .collect();
    let mut found = Vec::new();
    for (path, text) in workspace::text_files() {
        if path == "Cargo.lock" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                found.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn modules_say_what_lives_in_them() {
    let silent: Vec<String> = workspace::text_files()
        .into_iter()
        .filter(|(path, text)| {
            path.ends_with(".rs")
                && path.contains("/src/")
                && !path.ends_with("/tests.rs")
                && !text.starts_with("//!")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "do not begin by saying what lives in them: {silent:#?}");
}

/// Where the installation itself acts for a tenant without a person, a push or a job of that tenant behind it. Each is
/// a door past the resolution of requests, so the list is short and a new place is a decision.
const INSTALLATION_ACTS: &[(&str, &str)] = &[
    ("api/src/app/setup.rs", "makes operator, providers and staff"),
    ("api/src/jobs/chains.rs", "sees to it that every merchant's daily jobs are there"),
    ("api/src/app/policies.rs", "reads the platform's policy rows"),
    (
        "api/src/app/channels/mod.rs",
        "carries an event of a provider's app to the merchant it names, and back",
    ),
    ("api/src/app/orders/reconcile.rs", "sees to it that every linked account has its reconciler"),
    (
        "api/src/app/aftersales/reconcile.rs",
        "sees to it that every linked account's after-sale cases are looked through",
    ),
    ("api/src/app/whole/restore.rs", "brings a merchant back into the provider that is named by command"),
    ("api/src/app/whole/erase.rs", "takes a deleted merchant out of its provider's own rows"),
    ("api/src/app/money/roll_up.rs", "adds up what waits for accounts that nobody locks"),
    ("api/src/app/hash_chains.rs", "sees to it that every tenant's entries and journals are chained"),
    ("api/src/cli_audit.rs", "checks the chains of tenants by command"),
    ("api/src/cli_whole.rs", "makes an archive of a merchant by command"),
    ("api/src/app/webhooks/relay.rs", "carries a merchant's events to its provider"),
    ("api/src/channels/vault.rs", "opens credentials for the host, which knows the account and no person"),
    ("api/src/channels/exchange_writer.rs", "notes exchanges after the calls, in the background"),
];

#[test]
fn the_installation_acts_only_where_it_is_listed() {
    let mut acting = BTreeSet::new();
    for (path, text) in workspace::text_files() {
        let ours =
            path.starts_with("api/src/") && !path.ends_with("/test_app.rs") && !path.ends_with("/tests.rs");
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        if ours && (code.contains("SystemCtx::for_task(") || code.contains("TenantCtx::for_system(")) {
            acting.insert(path);
        }
    }
    let listed: BTreeSet<String> = INSTALLATION_ACTS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(acting, listed, "files in which the installation acts for a tenant, and the list");
}

/// A channel that is not in the registry is not tested by the conformance suite, and is dead code.
#[test]
fn every_channel_is_registered() {
    let registry = std::fs::read_to_string(workspace::root().join("plugins/host/src/registry.rs")).unwrap();
    let mut channels = 0;
    for (path, text) in workspace::text_files() {
        let Some(krate) = path.strip_prefix("plugins/").and_then(|rest| rest.strip_suffix("/src/lib.rs"))
        else {
            continue;
        };
        // What `plugin new` starts with is nobody's channel yet.
        if text.contains("impl Channel for ") && !krate.starts_with("kit/templates") {
            channels += 1;
            let name = format!("qianpu_{}::", krate.replace('-', "_"));
            assert!(registry.contains(&name), "the channel of plugins/{krate} is not in the registry");
        }
    }
    let registered = qianpu_host::CHANNELS;
    assert_eq!(registered.len(), channels, "channels in the registry and in plugins/");
    let slugs: BTreeSet<&str> = registered.iter().map(|channel| channel.info().slug).collect();
    assert_eq!(slugs.len(), channels, "slugs are unique");
}
