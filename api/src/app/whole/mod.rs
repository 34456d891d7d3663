//! A merchant as a whole: an archive of everything it has ([`exports`]), made by [`pack`], and brought back
//! from it by [`restore`], for the operator's people by [`restorations`].
//!
//! Which tables and columns there are is said by the catalogue of the migrations and by the database itself;
//! [`plan`] says the exceptions, each with its reason, and is the one place that knows which columns are secret.
//! [`mod@format`] is how an archive looks; docs/export.md tells it to its reader.

mod again;
mod back;
pub mod deletion;
pub mod erase;
pub mod exports;
pub mod format;
pub mod pack;
pub mod plan;
pub mod restorations;
pub mod restore;
mod row;
pub mod unpack;
