//! The example plugins as components, built once for all tests.

use std::process::Command;
use std::sync::OnceLock;

use crate::workspace;

/// The file of a component of `examples/plugins`.
pub fn bytes(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<()> = OnceLock::new();
    let folder = workspace::root().join("examples/plugins");
    BUILT.get_or_init(|| {
        // A workspace of its own with its own target directory: the build that runs this test is not in the way.
        let done = Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "--quiet", "--target", "wasm32-unknown-unknown"])
            .current_dir(&folder)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .status()
            .expect("cargo can be run");
        assert!(
            done.success(),
            "the components cannot be built; `rustup target add wasm32-unknown-unknown` may help"
        );
    });
    let file = folder.join(format!("target/wasm32-unknown-unknown/release/{name}_component.wasm"));
    std::fs::read(file).expect("the component was built")
}

/// The same component with other bytes: one more section that means nothing.
pub fn another_version(bytes: &[u8], letter: u8) -> Vec<u8> {
    [bytes, &[0, 3, 1, b'n', letter]].concat()
}
