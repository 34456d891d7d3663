//! Third-party channel plugins as WebAssembly components.
//!
//! A component is the same thing as a built-in plugin to everybody else: [`WasmChannel`] implements
//! [`qianpu_sdk::Channel`] over it. What it may do is little: it is called with values and answers with values.
//!
//! * [`Runtime`] holds the engine, the clock that ends long calls, and the compiled code on disk.
//! * [`Release`] is one version of a plugin, compiled, looked at and ready. Each call gets a fresh instance, a deadline
//!   and limits for memory, tables, calls back and the size of what it answers. What goes wrong is an error of that
//!   plugin only, and it is logged; a plugin that goes wrong again and again rests for a while.
//! * [`WasmChannel`] is a plugin's place: its version can be exchanged while operations run; each of them ends on the
//!   version that began it.
//! * Secrets stay on this side: the component sees handles, and the value is put in their place in the requests it
//!   describes.
//!
//! The interface is `plugins/sdk/wit/v0.1`; the shapes of JSON are `qianpu_sdk::bridge`.
#![warn(missing_docs)]

mod bindings;
mod call;
mod channel;
mod clock;
mod convert;
mod engine;
mod fault;
mod manifest;
mod release;
mod secrets;
mod stored;
mod webhook;

pub use channel::WasmChannel;
pub use engine::{Limits, Runtime};
pub use fault::Fault;
pub use release::{LoadError, Release};
