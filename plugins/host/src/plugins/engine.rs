//! Loading a component and putting it into the registry; without the feature, saying that this build cannot.

use super::index::ReleaseRecord;
use qianpu_domain::time::Timestamp;

#[cfg(feature = "wasm")]
pub(super) use with_engine::{Engine, Loaded};
#[cfg(not(feature = "wasm"))]
pub(super) use without_engine::{Engine, Loaded};

#[cfg(feature = "wasm")]
mod with_engine {
    use super::{ReleaseRecord, Timestamp};
    use crate::registry;
    use qianpu_wasm::{Limits, Release, Runtime, WasmChannel};
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    /// The place of each plugin. It lives as long as the process, like a built-in channel; there is one per slug.
    static PLACES: Mutex<BTreeMap<String, &'static WasmChannel>> = Mutex::new(BTreeMap::new());

    /// The engine, started when the first plugin comes.
    pub(crate) struct Engine {
        compiled: PathBuf,
        runtime: OnceLock<Arc<Runtime>>,
    }

    /// A plugin that is ready.
    pub(crate) struct Loaded(Arc<Release>);

    impl Engine {
        pub(crate) fn new(compiled: PathBuf) -> Self {
            Self { compiled, runtime: OnceLock::new() }
        }
        pub(crate) fn load(&self, bytes: &[u8]) -> Result<Loaded, String> {
            let runtime = match self.runtime.get() {
                Some(runtime) => runtime,
                None => {
                    let compiled = Some(self.compiled.clone());
                    let made =
                        Runtime::new(Limits::default(), compiled).map_err(|error| error.to_string())?;
                    self.runtime.get_or_init(|| made)
                }
            };
            let release = Release::load(runtime, bytes).map_err(|error| error.to_string())?;
            Ok(Loaded(Arc::new(release)))
        }
        pub(crate) fn remove(slug: &str) {
            registry::remove(slug);
        }
    }

    impl Loaded {
        pub(crate) fn record(&self, added_at: Timestamp, added_by: &str) -> ReleaseRecord {
            let manifest = self.0.manifest();
            ReleaseRecord {
                sha256: self.0.sha256(),
                slug: manifest.slug.clone(),
                version: manifest.version.clone(),
                name_en: manifest.name_en.clone(),
                name_zh: manifest.name_zh.clone(),
                hosts: manifest.hosts.iter().map(|host| host.base_url.clone()).collect(),
                capabilities: manifest.capabilities.iter().map(|one| one.as_str().to_owned()).collect(),
                kinds: manifest.kinds.iter().map(|kind| kind.code.clone()).collect(),
                size: self.0.size(),
                added_at: added_at.micros(),
                added_by: added_by.to_owned(),
            }
        }
        /// Live from here on, for whoever asks next.
        pub(crate) fn put_in_force(self) {
            let slug = self.0.manifest().slug.clone();
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            let place = match places.get(&slug) {
                Some(place) => {
                    place.exchange(self.0);
                    *place
                }
                None => {
                    let place: &'static WasmChannel = Box::leak(Box::new(WasmChannel::new(self.0)));
                    places.insert(slug.clone(), place);
                    place
                }
            };
            registry::add(&slug, place);
        }
    }
}

#[cfg(not(feature = "wasm"))]
mod without_engine {
    use super::{ReleaseRecord, Timestamp};
    use std::path::PathBuf;

    pub(crate) struct Engine;
    /// There are none.
    pub(crate) enum Loaded {}

    impl Engine {
        pub(crate) fn new(_compiled: PathBuf) -> Self {
            Self
        }
        pub(crate) fn load(&self, _bytes: &[u8]) -> Result<Loaded, String> {
            Err("this program was built without plugins (feature `wasm`)".to_owned())
        }
        pub(crate) fn remove(_slug: &str) {}
    }

    impl Loaded {
        pub(crate) fn record(&self, _added_at: Timestamp, _added_by: &str) -> ReleaseRecord {
            match *self {}
        }
        pub(crate) fn put_in_force(self) {
            match self {}
        }
    }
}
