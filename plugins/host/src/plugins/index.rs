//! What stands in `index.json`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Versions a plugin can go back through.
const MOST_EARLIER: usize = 20;

/// A version of a plugin that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// The hash of the file: its name.
    pub sha256: String,
    /// The plugin.
    pub slug: String,
    /// Its version, as it says.
    pub version: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// The hosts it may reach.
    pub hosts: Vec<String>,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Kinds of account.
    pub kinds: Vec<String>,
    /// Size of the file in bytes.
    pub size: usize,
    /// When it was taken in, UTC microseconds.
    pub added_at: i64,
    /// Who brought it; empty for a file in the folder.
    pub added_by: String,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseState {
    /// In force.
    Active,
    /// In force before.
    Earlier,
    /// Never in force.
    New,
}

impl ReleaseState {
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Earlier => "earlier",
            Self::New => "new",
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) releases: Vec<ReleaseRecord>,
    /// The version in force, by plugin.
    pub(super) active: BTreeMap<String, String>,
    /// Versions in force before, the youngest last.
    pub(super) earlier: BTreeMap<String, Vec<String>>,
}

impl Index {
    pub(super) fn release(&self, sha256: &str) -> Option<&ReleaseRecord> {
        self.releases.iter().find(|release| release.sha256 == sha256)
    }
    pub(super) fn state(&self, release: &ReleaseRecord) -> ReleaseState {
        let ReleaseRecord { slug, sha256, .. } = release;
        if self.active.get(slug) == Some(sha256) {
            ReleaseState::Active
        } else if self.earlier.get(slug).is_some_and(|earlier| earlier.contains(sha256)) {
            ReleaseState::Earlier
        } else {
            ReleaseState::New
        }
    }
    /// Another version in force; the one before can be gone back to.
    pub(super) fn activate(&mut self, slug: &str, sha256: &str) {
        let before = self.active.insert(slug.to_owned(), sha256.to_owned());
        let earlier = self.earlier.entry(slug.to_owned()).or_default();
        earlier.retain(|one| one != sha256);
        earlier.extend(before.filter(|before| before != sha256));
        if earlier.len() > MOST_EARLIER {
            earlier.remove(0);
        }
    }
    /// The version before, in force again; the one it takes the place of is forgotten as a step to go back to.
    pub(super) fn roll_back(&mut self, slug: &str) -> Option<String> {
        let before = self.earlier.get_mut(slug)?.pop()?;
        self.active.insert(slug.to_owned(), before.clone());
        Some(before)
    }
    pub(super) fn forget(&mut self, sha256: &str) {
        self.releases.retain(|release| release.sha256 != sha256);
        for earlier in self.earlier.values_mut() {
            earlier.retain(|one| one != sha256);
        }
    }
}
