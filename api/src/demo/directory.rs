//! The demo's data directory: made, recognised, emptied when asked, and locked while in use.

use super::manifest::Manifest;
use anyhow::{Context, bail};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

const LOCK: &str = ".qianpu-demo";
const MANIFEST: &str = "demo.json";

/// An open data directory; the lock is held while this lives.
pub struct DataDirectory {
    root: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Opens or makes the directory. It is emptied when `fresh`, or when an earlier set-up did not end. Only
    /// a directory that a demo made is ever emptied.
    pub fn open(root: &Path, fresh: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("making {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("finding {}", root.display()))?;
        let ours = root.join(LOCK).exists();
        let empty = fs::read_dir(&root)?.next().is_none();
        if !ours && !empty {
            bail!(
                "{} is not empty and not a demo's directory; choose another with --data-dir",
                root.display()
            );
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("a demo is running in {} already", root.display()),
            Err(TryLockError::Error(error)) => return Err(error).context("locking the data directory"),
        }
        let directory = Self { root, _lock: lock };
        if fresh || !directory.path(MANIFEST).exists() {
            directory.empty()?;
        }
        Ok(directory)
    }

    fn empty(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed.with_context(|| format!("removing {}", entry.path().display()))?;
        }
        Ok(())
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What an earlier set-up wrote.
    pub fn manifest(&self) -> anyhow::Result<Option<Manifest>> {
        let path = self.path(MANIFEST);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is not readable; start over with --fresh", path.display()))
    }

    /// Writes `demo.json` for the owner alone: it holds passwords and keys.
    pub fn write_manifest(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let waiting = self.path("demo.json.new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&waiting)?;
        file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&waiting, self.path(MANIFEST)).context("writing demo.json")
    }
}
