//! Starting a project from the templates that are part of the program.

use crate::project::Language;
use anyhow::{Context, ensure};
use include_dir::{Dir, DirEntry, include_dir};
use std::path::Path;

static SHARED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/shared");
static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/rust");
static TYPESCRIPT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/typescript");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/python");
const WIT: &str = include_str!("../../sdk/wit/v0.1/channel.wit");

/// What the sdk for Rust is made of goes along, so that a plugin is built without a checkout of the product.
static VENDORED: &[(&str, &Dir<'_>)] = &[("sdk", &SDK), ("guest", &GUEST), ("domain", &DOMAIN)];
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk");
static GUEST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../guest");
static DOMAIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../domain");
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

/// Longest slug the server takes.
const LONGEST: usize = 40;

/// Writes a new project into a folder that is not there yet.
///
/// # Errors
/// What is wrong with the name or the place.
pub fn create(folder: &Path, name: &str, language: Language, sdk_path: Option<&Path>) -> anyhow::Result<()> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let plain = name.bytes().all(|b| letter(b) || b == b'-') && (2..=LONGEST).contains(&name.len());
    let ends = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().last().is_some_and(letter);
    ensure!(plain && ends, "the name has to be lower case letters, digits and hyphens, such as my-market");
    ensure!(!folder.exists(), "{} exists already", folder.display());
    ensure!(
        sdk_path.is_none() || language == Language::Rust,
        "--sdk-path is for Rust; the others have no sdk crate"
    );
    let title = title(name);
    let kind = name.replace('-', "_");
    let accessors = accessors()?;
    let words = [
        ("{{accessors}}", accessors.as_str()),
        ("{{slug}}", name),
        ("{{kind}}", kind.as_str()),
        ("{{title}}", title.as_str()),
    ];
    let template = match language {
        Language::Rust => &RUST,
        Language::TypeScript => &TYPESCRIPT,
        Language::Python => &PYTHON,
    };
    unpack(&SHARED, folder, &words)?;
    unpack(template, folder, &words)?;
    match language {
        Language::Rust => crates(folder, sdk_path),
        Language::TypeScript | Language::Python => write(&folder.join("wit/channel.wit"), WIT.as_bytes()),
    }
}

/// `my-market` as people write it: `My Market`.
fn title(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    let words: Vec<_> = name.split('-').filter(|word| !word.is_empty()).map(capital).collect();
    words.join(" ")
}

/// What the template in Rust implements.
const HAS: &[&str] = &["auth", "webhook", "account", "orders"];

/// The accessors of `Channel` as this version of the sdk has them, with `None` for what the template has not.
fn accessors() -> anyhow::Result<String> {
    let file = SDK.get_file("src/channel.rs").and_then(|file| file.contents_utf8()).context("the sdk")?;
    let accessor = |line: &str| {
        let (name, rest) = line.trim().strip_prefix("fn ")?.split_once("(&self) -> Option<&dyn ")?;
        let own = if HAS.contains(&name) { "Some(self)" } else { "None" };
        let of = if HAS.contains(&name) { "" } else { "qianpu_sdk::" };
        Some(format!(
            "    fn {name}(&self) -> Option<&dyn {of}{}> {{\n        {own}\n    }}",
            rest.strip_suffix(">;")?
        ))
    };
    let found: Vec<_> = file.lines().filter_map(accessor).collect();
    ensure!(found.len() > HAS.len(), "the sdk has changed");
    Ok(found.join("\n"))
}

fn unpack(dir: &Dir<'_>, to: &Path, words: &[(&str, &str)]) -> anyhow::Result<()> {
    for entry in dir.entries() {
        let name = entry.path().file_name().and_then(|name| name.to_str()).context("a name that is text")?;
        match entry {
            // Made by an editor or a test, not part of the template.
            DirEntry::Dir(_) if Language::MADE.contains(&name) => {}
            DirEntry::Dir(inner) => unpack(inner, &to.join(name), words)?,
            DirEntry::File(file) => {
                // Names that would mean something where the templates lie.
                let name = match name {
                    "Cargo.toml.txt" => "Cargo.toml",
                    "gitignore.txt" => ".gitignore",
                    other => other,
                };
                let text = file.contents_utf8().context("a file that is text")?;
                let text = words.iter().fold(text.to_owned(), |text, (mark, word)| text.replace(mark, word));
                write(&to.join(name), text.as_bytes())?;
            }
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let place = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(place)?;
    }
    std::fs::write(path, bytes).with_context(place)
}

/// The crates a plugin in Rust needs: those of a checkout by path, or copies in `vendor/`.
fn crates(folder: &Path, sdk_path: Option<&Path>) -> anyhow::Result<()> {
    let mut manifest = std::fs::read_to_string(folder.join("Cargo.toml"))?;
    if let Some(checkout) = sdk_path {
        let checkout = std::fs::canonicalize(checkout)
            .with_context(|| format!("--sdk-path {} is not there", checkout.display()))?;
        for (name, place) in [("sdk", "plugins/sdk"), ("guest", "plugins/guest"), ("domain", "domain")] {
            let path = checkout.join(place);
            ensure!(path.join("Cargo.toml").is_file(), "{} is no checkout of Qianpu", checkout.display());
            let path = path.to_str().context("a path that is text")?.replace('\\', "/");
            manifest = manifest.replace(&format!("\"vendor/{name}\""), &format!("\"{path}\""));
        }
        manifest.push_str("\n# A workspace of its own.\n[workspace]\nresolver = \"3\"\n");
        return write(&folder.join("Cargo.toml"), manifest.as_bytes());
    }
    for (name, dir) in VENDORED {
        unpack(dir, &folder.join("vendor").join(name), &[])?;
    }
    manifest.push_str(&workspace()?);
    write(&folder.join("Cargo.toml"), manifest.as_bytes())
}

/// What the copies take from the workspace they come from: its package facts, and versions of crates.
fn workspace() -> anyhow::Result<String> {
    let mut text =
        "\n# What the copies in vendor/ take from here.\n[workspace]\nresolver = \"3\"\nmembers = [\"vendor/*\"]\n"
            .to_owned();
    for section in ["[workspace.package]", "[workspace.dependencies]"] {
        let (_, rest) = WORKSPACE.split_once(&format!("\n{section}\n")).context(section)?;
        let lines = rest.lines().take_while(|line| !line.starts_with('['));
        text.push_str(&format!("\n{section}\n"));
        for (key, line) in lines.filter_map(|line| line.split_once(" = ").map(|(key, _)| (key, line))) {
            let copy = VENDORED.iter().find(|(name, _)| key.strip_prefix("qianpu-") == Some(name));
            if let Some((name, _)) = copy {
                text.push_str(&format!("{key} = {{ path = \"vendor/{name}\" }}\n"));
            } else if section == "[workspace.package]" || needed(key) {
                text.push_str(&format!("{line}\n"));
            }
        }
    }
    text.push_str("\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n");
    Ok(text)
}

/// Whether one of the copies names a crate.
fn needed(name: &str) -> bool {
    VENDORED.iter().any(|(_, dir)| {
        let manifest = dir.get_file("Cargo.toml").and_then(|file| file.contents_utf8()).unwrap_or_default();
        let named = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ']));
        manifest.lines().any(named)
    })
}

#[cfg(test)]
mod tests {
    use super::{accessors, needed, title, workspace};

    #[test]
    fn a_name_is_read_as_words() {
        assert_eq!(title("my-market"), "My Market");
    }

    #[test]
    fn the_list_of_what_a_plugin_must_do_names_every_check() {
        for text in [include_str!("../../../docs/plugins/must.md"), include_str!("../../conformance/spec.md")]
        {
            for (rule, _) in qianpu_conformance::RULES {
                let named =
                    text.contains(&format!("| `{rule}` |")) || text.contains(&format!("- **{rule}**"));
                assert!(named, "{rule} is not in the list");
            }
        }
    }

    #[test]
    fn accessors_are_those_of_the_sdk() {
        let text = accessors().unwrap();
        assert!(text.contains("fn orders(&self) -> Option<&dyn Orders> {\n        Some(self)\n"), "{text}");
        assert!(
            text.contains("fn catalog(&self) -> Option<&dyn qianpu_sdk::Catalog> {\n        None\n"),
            "{text}"
        );
    }

    #[test]
    fn the_workspace_of_copies_is_whole_and_small() {
        let text = workspace().unwrap();
        let table: toml::Table = text.parse().unwrap();
        let dependencies = table["workspace"]["dependencies"].as_table().unwrap();
        assert_eq!(dependencies["qianpu-sdk"]["path"].as_str(), Some("vendor/sdk"));
        assert!(
            dependencies.contains_key("serde_json") && dependencies.contains_key("wit-bindgen"),
            "{text}"
        );
        assert!(!needed("actix-web") && !dependencies.contains_key("actix-web"), "{text}");
        assert_eq!(table["workspace"]["package"]["edition"].as_str(), Some("2024"));
    }
}
