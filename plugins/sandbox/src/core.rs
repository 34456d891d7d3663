//! The shared heart: state under one lock, the wake-up signals, and the file it is saved to.
//!
//! Invariant: the lock is never held across an await, and no call leaves the process while it is held.

use crate::SandboxConfig;
use crate::clock::{Clock, Now, random_hex};
use crate::state::State;
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

const SAVE_PAUSE: Duration = Duration::from_millis(400);

pub struct Core {
    pub config: SandboxConfig,
    pub http: reqwest::Client,
    /// Wakes the push sender: something became due earlier than it thinks.
    pub due: Notify,
    pub clock: Clock,
    state: Mutex<State>,
    pictures: Mutex<BTreeMap<String, Vec<u8>>>,
    changed: Notify,
    stopping: AtomicBool,
}

impl Core {
    pub fn open(config: SandboxConfig) -> anyhow::Result<Self> {
        // The client is built for TLS although only plain loopback addresses are called; a provider must exist.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("Mozilla/4.0")
            .timeout(config.push_timeout)
            .build()?;
        let mut state = match &config.data_file {
            Some(path) if path.exists() => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
                serde_json::from_str(&text).with_context(|| format!("sandbox state in {}", path.display()))?
            }
            _ => State::default(),
        };
        state.settings.token_life_seconds = config.token_life_seconds;
        let core = Self {
            config,
            http,
            due: Notify::new(),
            clock: Clock::default(),
            state: Mutex::new(state),
            pictures: Mutex::new(BTreeMap::new()),
            changed: Notify::new(),
            stopping: AtomicBool::new(false),
        };
        Ok(core)
    }

    /// Works on the state; whatever changed is saved and sent soon after.
    pub fn with<T>(&self, work: impl FnOnce(&mut State, Now) -> T) -> T {
        let result = work(&mut self.lock(), self.now());
        self.due.notify_one();
        self.changed.notify_one();
        result
    }

    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Reads the state without waking anyone.
    pub fn peek<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn mark_changed(&self) {
        self.changed.notify_one();
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.due.notify_one();
        self.changed.notify_one();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub fn keep_picture(&self, key: &str, bytes: Vec<u8>) {
        if let Some(folder) = self.picture_folder() {
            let written =
                std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(key), &bytes));
            match written {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "could not keep a picture on disk"),
            }
        }
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        while pictures.len() >= 200 {
            pictures.pop_first();
        }
        pictures.insert(key.to_owned(), bytes);
    }

    pub fn picture(&self, key: &str) -> Option<Vec<u8>> {
        let kept = self.pictures.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        kept.or_else(|| self.picture_folder().and_then(|folder| std::fs::read(folder.join(key)).ok()))
    }

    pub fn forget_pictures(&self) {
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(folder) = self.picture_folder().filter(|f| f.exists())
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::warn!(%error, "could not remove the pictures");
        }
    }

    fn picture_folder(&self) -> Option<std::path::PathBuf> {
        self.config.data_file.as_ref().map(|file| file.with_extension("pictures"))
    }

    fn save(&self) {
        let Some(path) = &self.config.data_file else { return };
        let text = serde_json::to_vec(&*self.lock());
        let written = text.map_err(anyhow::Error::from).and_then(|text| write_whole(path, &text));
        if let Err(error) = written {
            tracing::error!(error = format!("{error:#}"), "sandbox state was not saved");
        }
    }
}

/// Writes beside the file and renames, so that a crash leaves the old or the new state and never half of one.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let beside = path.with_extension(format!("{}.tmp", random_hex(8)));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)?;
    Ok(())
}

pub async fn save_when_changed(core: Arc<Core>) {
    while !core.is_stopping() {
        core.changed.notified().await;
        if !core.is_stopping() {
            tokio::time::sleep(SAVE_PAUSE).await;
        }
        let saving = core.clone();
        if tokio::task::spawn_blocking(move || saving.save()).await.is_err() {
            tracing::error!("saving the sandbox state panicked");
        }
    }
}
