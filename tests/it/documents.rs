//! What documents and container files say about the code is checked where a machine can: links lead somewhere, named
//! tests exist, and settings in the compose file are settings.

use std::collections::BTreeSet;

use qianpu_domain::access::Permission;
use qianpu_tests::workspace;

fn file(path: &str) -> String {
    std::fs::read_to_string(workspace::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn links_of_documents_lead_to_files() {
    let mut broken = Vec::new();
    for (path, text) in workspace::text_files() {
        if !path.ends_with(".md") {
            continue;
        }
        let folder = workspace::root().join(&path).parent().unwrap().to_path_buf();
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default().split('#').next().unwrap_or_default();
            let outside = target.contains("://") || target.starts_with("mailto:") || target.is_empty();
            if !outside && !folder.join(target).exists() {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "links to nothing:\n{}", broken.join("\n"));
}

/// `area::test` in CONTRIBUTING and SECURITY names a test of this binary.
#[test]
fn tests_named_in_documents_exist() {
    let mut missing = Vec::new();
    for document in ["CONTRIBUTING.md", "SECURITY.md"] {
        for name in file(document).split('`').skip(1).step_by(2) {
            let Some((area, test)) = name.split_once("::") else { continue };
            let path = workspace::root().join(format!("tests/it/{area}.rs"));
            // `Type::function` is code.
            let plain = |text: &str| text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            if !plain(area) || !plain(test) {
                continue;
            }
            let found =
                std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&format!("fn {test}(")));
            if !found {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "tests that are named and do not exist:\n{}", missing.join("\n"));
}

/// Each `QIANPU__SECTION__KEY` that is set somewhere is a key of the embedded configuration.
#[test]
fn settings_named_outside_of_the_code_exist() {
    let defaults = file("api/src/config/default.toml");
    let mut known = BTreeSet::new();
    let mut section = String::new();
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_uppercase();
        } else if let Some((key, _)) = line.split_once('=')
            && !line.starts_with('#')
        {
            known.insert(format!("QIANPU__{section}__{}", key.trim().to_uppercase()));
        }
    }
    assert!(known.contains("QIANPU__DATABASE__URL"), "the embedded configuration was read: {known:?}");
    let mut unknown = Vec::new();
    for path in [
        "docker/Dockerfile",
        "docker/compose.yaml",
        "docs/operator.md",
        "docs/api.md",
        "README.md",
        ".ci/run",
    ] {
        let text = file(path);
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("QIANPU__") && *word != "QIANPU__SECTION__KEY") {
            let key = word.strip_suffix("_FILE").unwrap_or(word);
            if !known.contains(key) {
                unknown.push(format!("{path}: {word}"));
            }
        }
    }
    // `section.key` in prose.
    let sections: BTreeSet<&str> = known.iter().filter_map(|key| key.split("__").nth(1)).collect();
    // What that page names in this way are a plugin's operations.
    let prose = |path: &str| path.ends_with(".md") && path != "docs/plugins/interface.md";
    for (path, text) in workspace::text_files().into_iter().filter(|(path, _)| prose(path)) {
        for word in text.split('`').skip(1).step_by(2) {
            let word = word.split(' ').next().unwrap_or_default();
            let Some((section, key)) = word.split_once('.') else { continue };
            let plain = key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let name = format!("QIANPU__{}__{}", section.to_uppercase(), key.to_uppercase());
            let file = ["json", "rs", "toml", "md"].contains(&key);
            let permission = Permission::ALL.iter().any(|known| known.as_str() == word);
            if plain
                && !file
                && !permission
                && sections.contains(section.to_uppercase().as_str())
                && !known.contains(&name)
            {
                unknown.push(format!("{path}: {word}"));
            }
        }
    }
    assert!(unknown.is_empty(), "settings that do not exist:\n{}", unknown.join("\n"));
}

#[test]
fn the_compose_file_asks_for_what_its_example_offers() {
    let compose = file("docker/compose.yaml");
    assert!(!compose.contains('\t'), "YAML is not indented with tabs");
    for line in compose.lines() {
        let indent = line.len() - line.trim_start().len();
        assert_eq!(indent % 2, 0, "odd indentation: {line}");
    }
    let asked: BTreeSet<&str> =
        compose.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next()).collect();
    let example = file("docker/env.example");
    let offered: BTreeSet<&str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(k, _)| k)
        .collect();
    assert_eq!(asked, offered, "variables of docker/compose.yaml and of docker/env.example");
}
