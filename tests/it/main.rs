//! The integration tests, in one binary: compiled and linked once, one PostgreSQL server for all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops by panicking, with a message that says what was expected"
)]

mod account;
mod aftersales;
mod alliance;
mod alliance_plans;
mod analytics;
mod api_keys;
mod architecture;
mod articles;
mod audit;
mod boundary;
mod brand_pages;
mod buyer_channel;
mod buyer_data;
mod buyers;
mod call_quotas;
mod catalogue;
mod channel_funds;
#[cfg(feature = "wasm")]
mod channel_in_typescript;
mod channels;
mod coupons;
mod crash;
mod deletions;
mod discounts;
mod disputes;
mod documents;
mod domains;
mod douyin;
mod drift;
mod email_change;
mod error_codes;
mod exchanges;
mod fairness;
mod fans;
mod figures;
mod followers;
mod guarantees;
mod hooks;
mod hostile;
mod impersonation;
mod imports;
mod isolation;
mod journey;
mod ledger;
mod linking;
mod listing_brands;
mod listing_rules;
mod listing_runs;
mod listings;
mod live;
mod logs;
mod matrix;
mod members;
mod migrations;
mod money;
mod network;
mod notices;
mod oauth;
mod oauth_tokens;
mod onboarding;
mod onboarding_pages;
mod once;
mod order_desk;
mod order_pages;
mod orders;
mod person_links;
mod phases;
#[cfg(feature = "wasm")]
mod plugin_kit;
#[cfg(feature = "wasm")]
mod plugins;
mod policy_calendar;
mod postgres_available;
mod push_groups;
mod push_zero;
mod pushes;
mod qualifications;
mod quota_raise;
mod reach;
mod restorations;
mod restores;
mod roles;
mod sandbox_command;
mod schema;
mod seats;
mod sessions;
mod setup;
mod shipping;
mod shop_desk;
mod sign_in;
mod sms_senders;
mod staff;
mod stock;
mod storefront;
mod supervision;
mod tables;
mod tenancy;
mod timeouts;
mod two_tenants;
mod webhooks;
mod white_label;
mod whole;
mod worked_example;
mod zero;
