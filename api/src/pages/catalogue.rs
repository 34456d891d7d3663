//! The texts of the product: `locales/{zh,en}/<area>.toml`, compiled in. A key is `<area>.<name>`; names
//! may be grouped in tables. `{name}` in a text is replaced by the argument of that name.
//!
//! State badges: `locales/tones/<area>.toml` says `[kind]` `state = "tone"`; their texts are the keys
//! `<area>.badge.<kind>.<state>`. Tests refuse a key that stands in one language only, that nothing uses,
//! or that is used and missing.

use super::lang::Lang;
use crate::error::{ApiError, Text};
use include_dir::{Dir, include_dir};
use std::collections::{BTreeMap, HashMap};

static LOCALES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/locales");

/// Looks of a badge.
pub const TONES: [&str; 5] = ["neutral", "info", "success", "warning", "danger"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    pub text: String,
    pub tone: &'static str,
}

pub struct Catalogue {
    zh: HashMap<String, String>,
    en: HashMap<String, String>,
    /// kind → (area, state → tone)
    tones: BTreeMap<String, (String, BTreeMap<String, &'static str>)>,
}

impl Catalogue {
    /// Reads the embedded files; the error names the file.
    pub fn load() -> Result<Self, String> {
        let mut tones = BTreeMap::new();
        for (area, table) in areas("tones")? {
            for (kind, states) in table {
                let states = states.as_table().ok_or_else(|| format!("tones/{area}: [{kind}] expected"))?;
                let mut known = BTreeMap::new();
                for (state, tone) in states {
                    let tone = TONES.into_iter().find(|one| tone.as_str() == Some(one));
                    known.insert(state.clone(), tone.ok_or_else(|| format!("tones/{area}: {kind}.{state}"))?);
                }
                if tones.insert(kind.clone(), (area.clone(), known)).is_some() {
                    return Err(format!("tones/{area}: the kind {kind} stands in two files"));
                }
            }
        }
        Ok(Self { zh: texts(Lang::Zh)?, en: texts(Lang::En)?, tones })
    }

    fn of(&self, lang: Lang) -> &HashMap<String, String> {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    /// The text of a key, if there is one.
    pub fn find(&self, lang: Lang, key: &str) -> Option<&str> {
        self.of(lang).get(key).map(String::as_str)
    }

    /// The text of a key with its arguments put in. A missing key shows itself.
    pub fn say<'a>(
        &self,
        lang: Lang,
        key: &str,
        arguments: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> String {
        let Some(text) = self.find(lang, key) else { return key.to_owned() };
        let mut said = text.to_owned();
        for (name, value) in arguments {
            said = said.replace(&format!("{{{name}}}"), value);
        }
        said
    }

    /// A [`Text`] in a language.
    pub fn text(&self, lang: Lang, text: &Text) -> String {
        match text {
            Text::Plain(text) => text.clone(),
            Text::Key(key, arguments) => {
                debug_assert!(self.find(lang, key).is_some(), "no text {key}");
                self.say(lang, key, arguments.iter().map(|(name, value)| (*name, value.as_str())))
            }
        }
    }

    /// What went wrong, in a line: the title, and the first field's words or the detail where there are any.
    pub fn told(&self, lang: Lang, error: &ApiError) -> String {
        let title = lang.pick(error.code().title_zh(), error.code().title_en());
        let field = error.errors().first().map(|one| lang.pick(&one.message_zh, &one.message_en).to_owned());
        match field.or_else(|| error.detail().map(|text| self.text(lang, text))) {
            Some(detail) => format!("{title} · {detail}"),
            None => title.to_owned(),
        }
    }

    /// The badge of a state. An unknown state (a newer platform's) shows itself, in neutral.
    pub fn badge(&self, lang: Lang, kind: &str, state: &str) -> Badge {
        let Some((area, states)) = self.tones.get(kind) else {
            return Badge { text: state.to_owned(), tone: "neutral" };
        };
        Badge {
            text: self.find(lang, &format!("{area}.badge.{kind}.{state}")).unwrap_or(state).to_owned(),
            tone: states.get(state).copied().unwrap_or("neutral"),
        }
    }
}

fn texts(lang: Lang) -> Result<HashMap<String, String>, String> {
    let mut all = HashMap::new();
    for (area, table) in areas(lang.code())? {
        flatten(&area, table, &mut all)?;
    }
    Ok(all)
}

fn flatten(prefix: &str, table: toml::Table, all: &mut HashMap<String, String>) -> Result<(), String> {
    for (name, value) in table {
        let key = format!("{prefix}.{name}");
        match value {
            toml::Value::String(text) => {
                all.insert(key, text);
            }
            toml::Value::Table(inner) => flatten(&key, inner, all)?,
            _ => return Err(format!("{key}: expected a text")),
        }
    }
    Ok(())
}

fn areas(folder: &str) -> Result<Vec<(String, toml::Table)>, String> {
    let dir = LOCALES.get_dir(folder).ok_or_else(|| format!("locales/{folder} is missing"))?;
    dir.files()
        .map(|file| {
            let name = file.path().display().to_string();
            let area = file.path().file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            let text = file.contents_utf8().ok_or_else(|| format!("{name}: not UTF-8"))?;
            let table = text.parse::<toml::Table>().map_err(|error| format!("{name}: {error}"))?;
            Ok((area, table))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::audit::AuditAction;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources(dir: &Path, into: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "hbs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                    into.push_str(line);
                    into.push('\n');
                }
            }
        }
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_arguments() {
        let catalogue = Catalogue::load().unwrap();
        let zh: BTreeSet<_> = catalogue.zh.keys().collect();
        let en: BTreeSet<_> = catalogue.en.keys().collect();
        let one_sided: Vec<_> = zh.symmetric_difference(&en).collect();
        assert!(one_sided.is_empty(), "keys in one language only: {one_sided:?}");
        for (key, text) in &catalogue.zh {
            assert!(!text.trim().is_empty(), "{key} is empty");
            assert_eq!(placeholders(text), placeholders(&catalogue.en[key]), "arguments of {key}");
        }
    }

    #[test]
    fn every_permission_has_words() {
        let catalogue = Catalogue::load().unwrap();
        for permission in qianpu_domain::access::Permission::ALL {
            let key = format!("permissions.{}", permission.as_str());
            assert!(catalogue.zh.contains_key(&key) && catalogue.en.contains_key(&key), "{key}");
        }
    }

    #[test]
    fn every_key_is_used_and_every_used_key_exists() {
        let catalogue = Catalogue::load().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        sources(&root.join("src"), &mut text);
        sources(&root.join("templates"), &mut text);
        let quoted: BTreeSet<&str> = text.split('"').collect();
        let unused: Vec<_> = catalogue
            .zh
            .keys()
            .filter(|key| !key.contains(".badge."))
            .filter(|key| {
                let mut prefixes = key.match_indices(['.', '_']).filter_map(|(at, _)| key.get(..=at));
                let joined = |prefix: &str| quoted.contains(format!("{prefix}{{}}").as_str());
                !quoted.contains(key.as_str())
                    && !prefixes.any(|prefix| quoted.contains(prefix) || joined(prefix))
            })
            .collect();
        assert!(unused.is_empty(), "texts that nothing uses: {unused:?}");
        let missing: Vec<_> = text
            .split("(t \"")
            .skip(1)
            .chain(text.split("{{t \"").skip(1))
            .chain(text.split("with_text(\"").skip(1))
            .chain(text.split("Flash::success(\"").skip(1))
            .chain(text.split("Flash::failure(\"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|key| !catalogue.zh.contains_key(*key))
            .collect();
        assert!(missing.is_empty(), "texts that are used and missing: {missing:?}");
    }

    #[test]
    fn every_action_of_the_audit_log_has_its_text() {
        let catalogue = Catalogue::load().unwrap();
        let known: BTreeSet<String> =
            AuditAction::ALL.iter().map(|action| format!("audit.{action}")).collect();
        let said: BTreeSet<String> =
            catalogue.zh.keys().filter(|key| key.starts_with("audit.")).cloned().collect();
        assert_eq!(known, said, "words of AuditAction and texts in locales/*/audit.toml");
    }

    #[test]
    fn every_badge_has_its_text() {
        let catalogue = Catalogue::load().unwrap();
        for (kind, (area, states)) in &catalogue.tones {
            for state in states.keys() {
                let key = format!("{area}.badge.{kind}.{state}");
                assert!(catalogue.zh.contains_key(&key), "{key}");
            }
        }
        for key in catalogue.zh.keys().filter(|key| key.contains(".badge.")) {
            let mut parts = key.splitn(4, '.').skip(2);
            let (kind, state) = (parts.next().unwrap(), parts.next().unwrap());
            assert!(catalogue.tones[kind].1.contains_key(state), "{key} has no tone");
        }
    }
}
