//! The example plugins as components, built once for all tests.

use crate::workspace;
use qianpu_conformance::build_components;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The file of a component of `examples/plugins`.
pub fn bytes(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let examples = || workspace::root().join("examples/plugins");
    let folder = BUILT.get_or_init(|| build_components(&examples()).expect("the examples"));
    std::fs::read(folder.join(format!("{name}_component.wasm"))).expect("the component was built")
}

/// The same component with other bytes: one more section that means nothing.
pub fn another_version(bytes: &[u8], letter: u8) -> Vec<u8> {
    [bytes, &[0, 3, 1, b'n', letter]].concat()
}
