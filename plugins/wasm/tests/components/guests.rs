//! The components of `examples/plugins`, built once for all tests.

use qianpu_conformance::build_components;
use qianpu_wasm::{Limits, Release, Runtime, WasmChannel};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/plugins")
}

fn built() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build_components(&workspace()).unwrap())
}

/// The file of a component.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(built().join(format!("{name}_component.wasm"))).unwrap()
}

/// A runtime whose compiled code is kept, so that each component is compiled once.
pub(crate) fn runtime() -> &'static Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let compiled = built().join("compiled");
        Runtime::new(Limits::default(), Some(compiled)).unwrap()
    })
}

/// A component, loaded.
pub(crate) fn release(name: &str) -> Arc<Release> {
    Arc::new(Release::load(runtime(), &bytes(name)).unwrap())
}

/// A component as a channel.
pub(crate) fn channel(name: &str) -> WasmChannel {
    WasmChannel::new(release(name))
}
