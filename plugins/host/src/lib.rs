//! The host of channel plugins: it makes every network call, so that plugins make none.
//!
//! * [`CHANNELS`] are the built-in channels; being listed means being tested by the conformance suite. [`channels`]
//!   has also the plugins that were added while running ([`plugins`]), which are the same to everybody else.
//! * [`Host`] runs operations: it loads credentials from the [`TokenVault`], drives the plugin's step machine,
//!   refreshes tokens (one flight per account), spends rate-limit buckets, repeats busy calls a little, leaves
//!   interfaces alone that do not answer, and shows every exchange, masked, to the [`ExchangeObserver`].
//! * It never waits more than a few seconds: longer waits come back as `retry_later`, and the caller's job waits.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account_calls;
mod alliance_calls;
mod analytics_calls;
mod app_calls;
mod breakers;
mod buckets;
mod config;
mod drive;
mod fan_calls;
mod flights;
mod guarantee_calls;
mod http;
mod money_calls;
mod observe;
pub mod plugins;
mod promotion_calls;
mod qualification_calls;
mod quota_calls;
mod refresh;
mod registry;
mod shop_calls;
mod sign_in;
mod spent;
mod surface_calls;
mod template_calls;
mod vault;

pub use breakers::Resting;
pub use config::{BaseUrl, ConfigError, HostConfig};
pub use drive::{Host, HostParts, Now};
pub use observe::{Exchange, ExchangeObserver, NoObserver, Target};
pub use registry::{CHANNELS, channels, find, is_component};
pub use vault::{
    AccountRef, AppRef, AssetError, AssetSource, NoAssets, StoredAccount, StoredApp, TokenVault, VaultError,
};
