//! The rules of Qianpu: pure functions over values.
//!
//! Nothing here does I/O, reads a clock, draws random numbers or knows a database. Time and ids are
//! arguments, money is integer fen. A rule takes the state and a command and answers with a decision
//! or a typed refusal whose [`error::ErrorCode`] is stable and documented.
//!
//! Start with [`money`], [`time`] and [`ids`]; then pick the room of the rule you look for.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![deny(clippy::float_arithmetic)]

#[macro_use]
mod text;

pub mod access;
pub mod account_menu;
pub mod aftersale;
pub mod article;
pub mod audit;
pub mod billing;
pub mod brand;
pub mod buyer;
pub mod catalog;
pub mod category;
pub mod channel;
pub mod coupon;
pub mod custom_role;
pub mod deposit;
pub mod deposit_case;
pub mod drift;
pub mod error;
pub mod follower;
pub mod follower_notice;
pub mod follower_tag;
pub mod freight;
pub mod host;
pub mod ids;
pub mod import;
pub mod ledger;
pub mod listing;
pub mod listing_rule;
pub mod listing_run;
pub mod live_plan;
pub mod masking;
pub mod money;
pub mod oauth;
pub mod onboarding;
pub mod order;
pub mod permission_set;
pub mod policy;
pub mod program;
pub mod promotion;
pub mod qualification;
pub mod score;
pub mod shipping;
pub mod shop;
pub mod sku_facts;
pub mod staff;
pub mod stock;
pub mod subject;
pub mod tenancy;
pub mod time;
pub mod webhook;
pub mod withdrawal;
