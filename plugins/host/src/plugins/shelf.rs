//! The versions on disk, and the folder whose files are taken in.

use super::LARGEST;
use super::engine::Engine;
use super::index::{Index, ReleaseRecord, ReleaseState};
use crate::registry::CHANNELS;
use qianpu_domain::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Versions that are kept, of all plugins together.
const MOST_RELEASES: usize = 200;
/// Files of the folder that are looked at, and refusals that are remembered.
const MOST_FILES: usize = 100;

/// Why something cannot be done with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The file is not a plugin that can be used; the sentence says why.
    #[error("{0}")]
    Unusable(String),
    /// No such plugin or version.
    #[error("there is no such plugin, or no such version of it")]
    NotFound,
    /// The version is in force.
    #[error("the version is in force; put another one in force or remove the plugin")]
    InForce,
    /// There is no version before.
    #[error("there is no version to go back to")]
    NothingBefore,
    /// The hosts that were agreed to are not those of the version.
    #[error("the hosts that were agreed to are not those the version asks for")]
    OtherHosts,
    /// Too many versions are kept.
    #[error("too many versions are kept; remove some")]
    Full,
    /// The disk does not do what it should.
    #[error("the folder of plugins cannot be used: {0}")]
    Disk(#[from] io::Error),
}

/// A plugin with its versions, the youngest first.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its slug.
    pub slug: String,
    /// Whether it stands in the place of a built-in channel, or would.
    pub replaces_built_in: bool,
    /// Whether there is a version to go back to.
    pub can_roll_back: bool,
    /// Its versions.
    pub releases: Vec<(ReleaseRecord, ReleaseState)>,
}

/// A file of the folder that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file's name.
    pub file: String,
    /// Why.
    pub reason: String,
    /// When it was looked at.
    pub at: Timestamp,
}

/// The plugins of an installation.
pub struct Plugins {
    folder: PathBuf,
    engine: Engine,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    index: Index,
    /// What was looked at in the folder: size and time of change.
    seen: BTreeMap<String, (u64, Option<SystemTime>)>,
    refused: Vec<Refused>,
}

impl Plugins {
    /// The plugins of a folder. Reads nothing yet: see [`Plugins::start`].
    pub fn new(folder: PathBuf) -> Self {
        let engine = Engine::new(folder.join("compiled"));
        Self { folder, engine, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }
    fn file(&self, sha256: &str) -> PathBuf {
        self.store().join(format!("{sha256}.wasm"))
    }

    /// Puts in force what was in force when the program ended. What cannot be loaded any more is logged and left out.
    pub fn start(&self) -> Result<(), PluginError> {
        let text = match std::fs::read(self.store().join("index.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let index: Index = serde_json::from_slice(&text).map_err(io::Error::from)?;
        for (slug, sha256) in &index.active {
            if let Err(error) = self.load_stored(sha256).map(super::engine::Loaded::put_in_force) {
                tracing::error!(plugin = %slug, %sha256, %error, "a plugin cannot be loaded");
            }
        }
        self.inner().index = index;
        Ok(())
    }

    fn load_stored(&self, sha256: &str) -> Result<super::engine::Loaded, PluginError> {
        let bytes = std::fs::read(self.file(sha256))?;
        // A file that was changed on disk is not what somebody agreed to.
        if hex::encode(Sha256::digest(&bytes)) != sha256 {
            return Err(PluginError::Unusable("the file was changed since it was taken in".to_owned()));
        }
        self.engine.load(&bytes).map_err(PluginError::Unusable)
    }

    fn save(&self, index: &Index) -> Result<(), PluginError> {
        let text = serde_json::to_vec_pretty(index).map_err(io::Error::from)?;
        written(&self.store().join("index.json"), &text)?;
        Ok(())
    }

    /// Every plugin, by slug.
    pub fn list(&self) -> Vec<Plugin> {
        let inner = self.inner();
        let mut plugins: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for release in inner.index.releases.iter().rev() {
            let state = inner.index.state(release);
            plugins.entry(&release.slug).or_default().push((release.clone(), state));
        }
        let plugin = |(slug, releases): (&str, Vec<_>)| Plugin {
            slug: slug.to_owned(),
            replaces_built_in: CHANNELS.iter().any(|channel| channel.info().slug == slug),
            can_roll_back: inner.index.earlier.get(slug).is_some_and(|earlier| !earlier.is_empty()),
            releases,
        };
        plugins.into_iter().map(plugin).collect()
    }

    /// Files of the folder that were not taken.
    pub fn refused(&self) -> Vec<Refused> {
        self.inner().refused.clone()
    }

    /// Takes a version in, without putting it in force. Taking the same file in twice changes nothing.
    pub fn add(&self, bytes: &[u8], by: &str, at: Timestamp) -> Result<ReleaseRecord, PluginError> {
        if bytes.len() > LARGEST {
            return Err(PluginError::Unusable(format!("the file is larger than {LARGEST} bytes")));
        }
        let record = self.engine.load(bytes).map_err(PluginError::Unusable)?.record(at, by);
        let mut inner = self.inner();
        if let Some(known) = inner.index.release(&record.sha256) {
            return Ok(known.clone());
        }
        if inner.index.releases.len() >= MOST_RELEASES {
            return Err(PluginError::Full);
        }
        written(&self.file(&record.sha256), bytes)?;
        let mut index = inner.index.clone();
        index.releases.push(record.clone());
        self.save(&index)?;
        inner.index = index;
        Ok(record)
    }

    /// Puts a version in force. `hosts` is what somebody agreed to, and has to be what the version asks for.
    pub fn activate(&self, slug: &str, sha256: &str, hosts: &[String]) -> Result<ReleaseRecord, PluginError> {
        let mut inner = self.inner();
        let record = inner.index.release(sha256).filter(|release| release.slug == slug);
        let record = record.ok_or(PluginError::NotFound)?.clone();
        if sorted(hosts) != sorted(&record.hosts) {
            return Err(PluginError::OtherHosts);
        }
        let loaded = self.load_stored(sha256)?;
        let mut index = inner.index.clone();
        index.activate(slug, sha256);
        self.save(&index)?;
        inner.index = index;
        loaded.put_in_force();
        Ok(record)
    }

    /// Puts the version before in force again.
    pub fn roll_back(&self, slug: &str) -> Result<ReleaseRecord, PluginError> {
        let mut inner = self.inner();
        if !inner.index.active.contains_key(slug) {
            return Err(PluginError::NotFound);
        }
        let mut index = inner.index.clone();
        let sha256 = index.roll_back(slug).ok_or(PluginError::NothingBefore)?;
        let record = index.release(&sha256).ok_or(PluginError::NotFound)?.clone();
        let loaded = self.load_stored(&sha256)?;
        self.save(&index)?;
        inner.index = index;
        loaded.put_in_force();
        Ok(record)
    }

    /// Removes a version that is not in force.
    pub fn remove_release(&self, slug: &str, sha256: &str) -> Result<ReleaseRecord, PluginError> {
        let mut inner = self.inner();
        let record = inner.index.release(sha256).filter(|release| release.slug == slug);
        let record = record.ok_or(PluginError::NotFound)?.clone();
        if inner.index.state(&record) == ReleaseState::Active {
            return Err(PluginError::InForce);
        }
        let mut index = inner.index.clone();
        index.forget(sha256);
        self.save(&index)?;
        inner.index = index;
        gone(&self.file(sha256))?;
        Ok(record)
    }

    /// Takes a plugin out of force. Its versions stay, and can be put in force again.
    pub fn stop(&self, slug: &str) -> Result<(), PluginError> {
        let mut inner = self.inner();
        let mut index = inner.index.clone();
        let before = index.active.remove(slug).ok_or(PluginError::NotFound)?;
        index.earlier.entry(slug.to_owned()).or_default().push(before);
        self.save(&index)?;
        inner.index = index;
        Engine::remove(slug);
        Ok(())
    }

    /// Looks at the folder, and puts what is new there in force. Who may write into it runs the program, and agrees by
    /// putting a file there. A file that was taken before, or that came otherwise, changes nothing: going back holds.
    pub fn scan(&self, now: Timestamp) -> Vec<ReleaseRecord> {
        let mut taken = Vec::new();
        for (name, path, stamp) in dropped(&self.folder) {
            if self.inner().seen.insert(name.clone(), stamp) == Some(stamp) {
                continue;
            }
            self.inner().refused.retain(|refused| refused.file != name);
            match self.take(&path, now) {
                Ok(Some(record)) => taken.push(record),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(file = %name, %error, "a file in the folder of plugins was not taken");
                    let mut inner = self.inner();
                    inner.refused.push(Refused { file: name, reason: error.to_string(), at: now });
                    if inner.refused.len() > MOST_FILES {
                        inner.refused.remove(0);
                    }
                }
            }
        }
        taken
    }

    fn take(&self, path: &Path, now: Timestamp) -> Result<Option<ReleaseRecord>, PluginError> {
        let bytes = std::fs::read(path)?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if self.inner().index.release(&sha256).is_some() {
            return Ok(None);
        }
        let record = self.add(&bytes, "", now)?;
        self.activate(&record.slug, &record.sha256, &record.hosts).map(Some)
    }
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("folder", &self.folder).finish_non_exhaustive()
    }
}

type Dropped = (String, PathBuf, (u64, Option<SystemTime>));

/// The `.wasm` files of the folder, by name.
fn dropped(folder: &Path) -> Vec<Dropped> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Dropped> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let facts = entry.metadata().ok()?;
            (name.ends_with(".wasm") && facts.is_file())
                .then(|| (name, entry.path(), (facts.len(), facts.modified().ok())))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.truncate(MOST_FILES);
    found
}

fn sorted(hosts: &[String]) -> Vec<&String> {
    let mut hosts: Vec<&String> = hosts.iter().collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// Written beside and renamed, so that a crash leaves the old file or the new one.
fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
