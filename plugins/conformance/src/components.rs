//! Building plugins that are components, for tests that load them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What components are built for: no operating system, so no way out but the interface.
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the components of a cargo workspace; the folder with the files. A toolchain without the standard library for
/// them is given it by rustup.
///
/// # Errors
/// What is to be done.
pub fn build_components(workspace: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // With a target directory of its own: the build that runs the test is not in the way.
    let build = || {
        Command::new(&cargo)
            .args(["build", "--release", "--locked", "--quiet", "--target", TARGET])
            .current_dir(workspace)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .status()
            .is_ok_and(|status| status.success())
    };
    let add = || Command::new("rustup").args(["target", "add", TARGET]).status().is_ok_and(|s| s.success());
    if build() || (add() && build()) {
        Ok(workspace.join("target").join(TARGET).join("release"))
    } else {
        Err(format!("the components cannot be built; `rustup target add {TARGET}` may help"))
    }
}
