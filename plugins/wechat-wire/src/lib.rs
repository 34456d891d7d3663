//! What every WeChat channel shares on the wire: message crypto, envelopes, error codes, the channel app
//! (third-party platform 第三方平台) and tokens.
//!
//! Sans-I/O like the plugins that use it. What belongs to one channel (products, orders, menus) is in its plugin.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod call;
pub mod compass;
pub mod component;
pub mod crypto;
pub mod envelope;
pub mod errors;
pub mod events;
mod interaction;
pub mod profile;
pub mod push;
pub mod quota;
pub mod token;
