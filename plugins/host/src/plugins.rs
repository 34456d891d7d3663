//! Third-party plugins on disk: which versions there are, which is in force, and what was in force before.
//!
//! ```text
//! <data-dir>/plugins/*.wasm             the drop zone: what is put here is taken in and put in force
//! <data-dir>/plugins/store/<sha256>.wasm every version that was taken in
//! <data-dir>/plugins/store/index.json    which is in force, and the order of those before
//! <data-dir>/plugins/compiled/           compiled code, written by this program only
//! ```
//!
//! A file that cannot be used changes nothing: what was in force stays, and the reason is kept for the operator.
//! Everything here blocks; call it where that does no harm.

mod engine;
mod index;
mod shelf;

pub use index::{ReleaseRecord, ReleaseState};
pub use shelf::{Plugin, PluginError, Plugins, Refused};

/// The largest file that is taken.
pub const LARGEST: usize = 32 * 1024 * 1024;
