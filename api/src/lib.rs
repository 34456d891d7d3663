//! Composition: configuration, use cases, HTTP, pages, jobs and mail, over the data boundary and the
//! plugin host. The binary `qianpu` is this crate's command line.
//!
//! Reading order: [`http::routes`] (what there is), one use case in [`app`], its handler in [`http::v1`],
//! its page in [`http::console`].
#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod channels;
pub mod cli;
pub mod cli_audit;
pub mod cli_provider;
mod cli_sandbox;
pub mod cli_whole;
pub mod config;
pub mod demo;
pub mod error;
pub mod figures;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod net;
pub mod outside;
pub mod pages;
pub mod sms;
pub mod state;
pub mod telemetry;
#[cfg(test)]
mod test_app;
