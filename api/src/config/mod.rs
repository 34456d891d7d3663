//! Configuration: the embedded, commented `default.toml`, then an optional file of the same shape, then
//! the environment. Whatever `default.toml` does not name is refused, and every problem is reported at
//! once, because a deployment that fails five times for five typos is a bad morning.

mod check;
mod sections;

use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};

pub use sections::*;

/// The embedded default; also the documentation of every key.
pub const DEFAULT: &str = include_str!("default.toml");
const PREFIX: &str = "QIANPU__";

/// A value that never appears in logs or debug output.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself, at the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub app: App,
    pub http: Http,
    pub database: Database,
    pub keys: Keys,
    pub login: Login,
    pub buyers: Buyers,
    pub sms: Sms,
    pub mail: Mail,
    pub jobs: Jobs,
    pub media: Media,
    pub channels: Channels,
    pub orders: Orders,
    pub promotions: Promotions,
    pub qualifications: Qualifications,
    pub imports: Imports,
    pub domains: Domains,
    pub exports: Exports,
    pub deletion: Deletion,
    pub webhooks: Webhooks,
    pub limits: Limits,
    pub figures: Figures,
    pub log: Log,
}

/// Everything that is wrong with a configuration, in one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {} problem(s):", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  - {problem}"))
    }
}
impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the configuration of this process.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text =
            match file {
                None => None,
                Some(path) => Some(std::fs::read_to_string(path).map_err(|error| ConfigError {
                    problems: vec![format!("{}: {error}", path.display())],
                })?),
            };
        Self::from_parts(
            text.as_deref(),
            std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Puts default, file and environment together and checks the result.
    pub fn from_parts(
        file: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut table: toml::Table = DEFAULT
            .parse()
            .map_err(|error| ConfigError { problems: vec![format!("default.toml: {error}")] })?;
        if let Some(text) = file {
            match text.parse::<toml::Table>() {
                Ok(own) => overlay(&mut table, own, &mut problems),
                Err(error) => problems.push(format!("configuration file: {error}")),
            }
        }
        let mut variables: Vec<_> =
            environment.into_iter().filter(|(key, _)| key.starts_with(PREFIX)).collect();
        variables.sort();
        for (key, value) in variables {
            if let Err(problem) = apply_variable(&mut table, &key, value) {
                problems.push(format!("{key}: {problem}"));
            }
        }
        match toml::Value::Table(table).try_into::<Self>() {
            Ok(config) => {
                check::check(&config, &mut problems);
                if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
            }
            Err(error) => {
                problems.push(error.message().to_owned());
                Err(ConfigError { problems })
            }
        }
    }

    /// The database address; SQLite in the data directory unless one is given.
    pub fn database_url(&self) -> String {
        match self.database.url.reveal() {
            "" => format!("sqlite://{}?mode=rwc", self.app.data_dir.join("qianpu.sqlite").display()),
            url => url.to_owned(),
        }
    }
    /// Where file mails go.
    pub fn mail_dir(&self) -> PathBuf {
        self.app.data_dir.join("mail")
    }
    /// Where uploaded files go.
    pub fn media_dir(&self) -> PathBuf {
        self.app.data_dir.join("media")
    }
    /// Where text messages go while no provider has a sender. Development only.
    pub fn sms_dir(&self) -> PathBuf {
        self.app.data_dir.join("sms")
    }
    /// The key that seals credentials.
    pub fn master_key(&self) -> Option<[u8; 32]> {
        check::master_key(self)
    }
    /// The host of the public address, in small letters and without a port.
    pub fn own_host(&self) -> String {
        let url = url::Url::parse(&self.app.public_url).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or_default();
        host.trim_matches(['[', ']']).to_owned()
    }
    /// Whether cookies must only travel over TLS.
    pub fn cookies_are_secure(&self) -> bool {
        self.app.public_url.starts_with("https://")
    }
    /// Whether development conveniences are allowed.
    pub fn is_development(&self) -> bool {
        self.app.profile == Profile::Development
    }
}

fn overlay(table: &mut toml::Table, own: toml::Table, problems: &mut Vec<String>) {
    for (section, values) in own {
        let (Some(toml::Value::Table(known)), toml::Value::Table(values)) = (table.get_mut(&section), values)
        else {
            problems.push(format!("unknown section [{section}]"));
            continue;
        };
        for (key, value) in values {
            match known.get_mut(&key) {
                Some(slot) if slot.same_type(&value) => *slot = value,
                Some(slot) => problems.push(format!("{section}.{key}: expected {}", slot.type_str())),
                None => problems.push(format!("unknown key {section}.{key}")),
            }
        }
    }
}

/// Sets one key from `QIANPU__SECTION__KEY`, read as the type of its default; with `_FILE` from a file.
fn apply_variable(table: &mut toml::Table, name: &str, value: String) -> Result<(), String> {
    let path = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    let (section, key) = path.split_once("__").ok_or("expected QIANPU__SECTION__KEY")?;
    let section = table
        .get_mut(section)
        .and_then(toml::Value::as_table_mut)
        .ok_or_else(|| format!("unknown section [{section}]"))?;
    let (key, value) = match key.strip_suffix("_file") {
        Some(key) if section.contains_key(key) => {
            let text = std::fs::read_to_string(&value).map_err(|error| format!("{value}: {error}"))?;
            (key, text.trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => (key, value),
    };
    let slot = section.get_mut(key).ok_or_else(|| format!("unknown key {key}"))?;
    *slot = match slot {
        toml::Value::String(_) => toml::Value::String(value),
        toml::Value::Integer(_) => {
            toml::Value::Integer(value.parse().map_err(|_| "expected a whole number".to_owned())?)
        }
        toml::Value::Boolean(_) => {
            toml::Value::Boolean(value.parse().map_err(|_| "expected true or false".to_owned())?)
        }
        other => return Err(format!("a {} cannot be set by the environment", other.type_str())),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_parts(None, variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_default_is_complete_and_valid() {
        let config = load(&[]).unwrap();
        assert!(config.is_development());
        assert!(config.database_url().starts_with("sqlite://"));
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let problems = load(&[
            ("QIANPU__HTTP__PORT", "80"),
            ("QIANPU__HTTP__WORKERS", "many"),
            ("QIANPU__HTPP__BIND", "x"),
            ("QIANPU__KEYS__MASTER_KEY", "short"),
            ("QIANPU__KEYS__TOKEN_SECRET_FILE", "/nonexistent/secret"),
        ])
        .unwrap_err()
        .problems;
        assert_eq!(problems.len(), 5, "{problems:?}");
    }

    #[test]
    fn production_refuses_development_keys() {
        let error = load(&[("QIANPU__APP__PROFILE", "production")]).unwrap_err().to_string();
        assert!(error.contains("keys.token_secret") && error.contains("keys.master_key"), "{error}");
        let other = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let config = load(&[
            ("QIANPU__APP__PROFILE", "production"),
            ("QIANPU__APP__PUBLIC_URL", "https://shop.example"),
            ("QIANPU__KEYS__TOKEN_SECRET", other),
            ("QIANPU__KEYS__MASTER_KEY", other),
        ])
        .unwrap();
        assert!(!format!("{config:?}").contains(other), "secrets stay out of debug output");
    }

    #[test]
    fn a_secret_comes_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "a-secret-of-at-least-thirty-two-characters\n").unwrap();
        let config = load(&[("QIANPU__KEYS__TOKEN_SECRET_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(config.keys.token_secret.reveal(), "a-secret-of-at-least-thirty-two-characters");
    }

    #[test]
    fn a_file_is_checked_like_the_environment() {
        let error = Config::from_parts(Some("[http]\nbind = 1\nport = 2\n[other]\n"), []).unwrap_err();
        assert_eq!(error.problems.len(), 3, "{error}");
    }
}
