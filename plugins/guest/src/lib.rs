//! The glue between a [`qianpu_sdk::Channel`] and the component interface: what turns a plugin written for the sdk into
//! a WebAssembly component.
//!
//! A plugin's crate is a `cdylib` with one line, built for `wasm32-unknown-unknown`:
//!
//! ```ignore
//! qianpu_guest::export_channel!(MyChannel, version = "0.1.0", secret_fields = ["access_token"]);
//! ```
//!
//! On any other target the line does nothing, so that the same crate can be tested as usual.
#![warn(missing_docs)]

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod glue;
#[cfg(any(target_arch = "wasm32", test))]
mod memory;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: memory::FromTheRoom = memory::FromTheRoom::new();

/// Makes a channel (a constant expression that implements [`qianpu_sdk::Channel`]) the plugin of this component.
/// `secret_fields` names the JSON fields of the platform's answers that hold tokens: the component sees handles there.
#[macro_export]
macro_rules! export_channel {
    ($channel:expr, version = $version:expr, secret_fields = [$($field:literal),* $(,)?]) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::glue::Plugin for Component {
                fn channel() -> &'static dyn $crate::glue::Channel {
                    &$channel
                }
                fn version() -> &'static str {
                    $version
                }
                fn secret_fields() -> &'static [&'static str] {
                    &[$($field),*]
                }
            }
            $crate::glue::export_component!(Component with_types_in $crate::glue::bindings);
        };
    };
}
