//! One version of a plugin: loaded, looked at, ready.

use crate::bindings::{Channel as World, ChannelPre};
use crate::call::Call;
use crate::clock;
use crate::engine::{Limits, Runtime};
use crate::fault::Fault;
use crate::secrets::Secrets;
use crate::{manifest, stored};
use qianpu_sdk::bridge::{Capability, Manifest};
use qianpu_sdk::{ChannelInfo, PlatformNames};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wasmtime::component::Component;
use wasmtime::{Module, Store};

/// Failures in a row after which a plugin rests.
const STRIKES: u32 = 5;
/// How long it rests.
const REST: Duration = Duration::from_secs(30);

/// Why a file is not a plugin that can be used. The sentences are shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is larger than a plugin may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// It is neither a component nor a module that can be made one.
    #[error("the file is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// It asks for what there is not, or lacks what has to be there.
    #[error("the component does not fit the interface qianpu:channel@0.1.0: {0}")]
    DoesNotFit(String),
    /// It went wrong when it was asked who it is.
    #[error("the component does not say who it is: {0}")]
    Silent(Fault),
    /// Its manifest cannot be used.
    #[error("the manifest cannot be used: {0}")]
    Manifest(String),
}

/// A version of a plugin that is ready to be called.
pub struct Release {
    sha256: [u8; 32],
    size: usize,
    manifest: Manifest,
    info: &'static ChannelInfo,
    names: Option<PlatformNames>,
    runtime: Arc<Runtime>,
    pre: ChannelPre<Call>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    strikes: u32,
    rests_until: Option<Instant>,
}

/// The facts of every content that was ever loaded: a version that comes back has them already.
type Known = BTreeMap<[u8; 32], (&'static ChannelInfo, Option<PlatformNames>)>;
static FACTS: Mutex<Known> = Mutex::new(BTreeMap::new());

impl Release {
    /// Loads a component, or a core module with the interface embedded (what `cargo build` writes). Compiles, so it
    /// takes its time: call it where waiting does no harm.
    pub fn load(runtime: &Arc<Runtime>, bytes: &[u8]) -> Result<Self, LoadError> {
        let Limits { component: largest, .. } = runtime.limits;
        if bytes.len() > largest {
            return Err(LoadError::TooLarge(largest));
        }
        // Whatever the file holds, reading it ends in an answer.
        let compiled = catch_unwind(AssertUnwindSafe(|| compile(runtime, bytes)));
        let broken = |_| LoadError::NotAComponent("it cannot be read".to_owned());
        let component = compiled.map_err(broken)?.map_err(LoadError::NotAComponent)?;
        let fits = |error: wasmtime::Error| LoadError::DoesNotFit(sentence(&error));
        let pre = ChannelPre::new(runtime.linker.instantiate_pre(&component).map_err(fits)?).map_err(fits)?;
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let text = describe(runtime, &pre)?;
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|error| LoadError::Manifest(error.to_string()))?;
        manifest::check(&manifest).map_err(LoadError::Manifest)?;
        let (info, names) = *FACTS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(sha256)
            .or_insert_with(|| (manifest::facts(&manifest), manifest::names(&manifest)));
        let (runtime, health) = (runtime.clone(), Mutex::default());
        Ok(Self { sha256, size: bytes.len(), manifest, info, names, runtime, pre, health })
    }

    /// What it says of itself.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    /// The hash of the file, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(self.sha256)
    }
    /// The size of the file.
    pub const fn size(&self) -> usize {
        self.size
    }
    pub(crate) const fn info(&self) -> &'static ChannelInfo {
        self.info
    }
    pub(crate) const fn names(&self) -> Option<PlatformNames> {
        self.names
    }
    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.manifest.capabilities.contains(&capability)
    }
    /// What stands before the state of an operation, so that it goes on here and nowhere else.
    pub(crate) fn mark(&self) -> [u8; 8] {
        let mut mark = [0; 8];
        mark.iter_mut().zip(self.sha256).for_each(|(to, from)| *to = from);
        mark
    }
    pub(crate) fn limits(&self) -> &Limits {
        &self.runtime.limits
    }

    /// Calls into a fresh instance.
    pub(crate) fn call<T>(
        &self,
        what: &str,
        secrets: Secrets,
        run: impl FnOnce(&mut Store<Call>, &World) -> wasmtime::Result<T>,
    ) -> Result<(T, Secrets), Fault> {
        if let Some(left) = self.rests() {
            return Err(Fault::Resting(left));
        }
        let result = enter(&self.runtime, &self.pre, self.info.slug, secrets, run);
        self.remember(result.as_ref().err());
        result.inspect_err(|fault| self.report(what, fault))
    }

    /// Writes down what went wrong.
    pub(crate) fn report(&self, what: &str, fault: &Fault) {
        let (plugin, kind) = (self.info.slug, fault.as_str());
        metrics::counter!("qianpu_plugin_faults_total", "plugin" => plugin, "fault" => kind).increment(1);
        tracing::warn!(plugin, version = %self.manifest.version, operation = what, fault = kind, detail = %fault,
            "a plugin went wrong");
    }

    fn rests(&self) -> Option<Duration> {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let left = health.rests_until?.checked_duration_since(Instant::now());
        if left.is_none() {
            // One more try: the next failure lets it rest again at once.
            *health = Health { strikes: STRIKES - 1, rests_until: None };
        }
        left
    }

    fn remember(&self, fault: Option<&Fault>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            None => *health = Health::default(),
            Some(Fault::Refused(_)) => {}
            Some(_) => {
                health.strikes += 1;
                if health.strikes >= STRIKES {
                    health.rests_until = Some(Instant::now() + REST);
                }
            }
        }
    }
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Manifest { slug, version, .. } = &self.manifest;
        write!(f, "Release({slug} {version} {})", hex::encode(self.mark()))
    }
}

fn enter<T>(
    runtime: &Runtime,
    pre: &ChannelPre<Call>,
    plugin: &'static str,
    secrets: Secrets,
    run: impl FnOnce(&mut Store<Call>, &World) -> wasmtime::Result<T>,
) -> Result<(T, Secrets), Fault> {
    let mut store = Store::new(&runtime.engine, Call::new(plugin, runtime.limits, secrets));
    store.limiter(|call| call);
    clock::stop_after(&mut store, runtime.limits.time);
    store.set_hostcall_fuel(runtime.limits.answer);
    let result = pre.instantiate(&mut store).and_then(|instance| run(&mut store, &instance));
    let denied = store.data().memory_denied;
    match result {
        Ok(value) => Ok((value, store.into_data().secrets)),
        Err(error) => Err(Fault::of(&error, denied)),
    }
}

fn describe(runtime: &Runtime, pre: &ChannelPre<Call>) -> Result<String, LoadError> {
    let asked = enter(runtime, pre, "new", Secrets::new(""), |store, instance| {
        instance.qianpu_channel_plugin().call_describe(store)
    });
    asked.map(|(text, _)| text).map_err(LoadError::Silent)
}

/// A core module begins with version 1; a component with another layer.
fn is_core(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

fn compile(runtime: &Runtime, bytes: &[u8]) -> Result<Component, String> {
    let encoded;
    let component = if is_core(bytes) {
        Module::validate(&runtime.engine, bytes).map_err(|error| sentence(&error))?;
        encoded = encode(bytes)?;
        encoded.as_slice()
    } else {
        bytes
    };
    stored::compile(&runtime.engine, runtime.compiled.as_deref(), component).map_err(|error| sentence(&error))
}

fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(|error| format!("{error:#}"))?;
    encoder.encode().map_err(|error| format!("{error:#}"))
}

/// The error with its causes on one line.
fn sentence(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}
