//! The JSON API. One file per resource with its handlers and its bodies; register it below.
//!
//! A handler is thin: it takes one gate, turns the body into a command, calls one use case and wraps the
//! answer in a view. Never a domain type or an entity on the wire.

mod account_codes;
mod account_menus;
mod aftersales;
mod alliance;
mod alliance_plans;
mod analytics;
mod api_keys;
mod applications;
mod articles;
mod audit_entries;
mod auth;
mod brand;
pub(in crate::http) mod buyer_account;
mod buyer_sign_in;
pub(in crate::http) mod buyers;
mod call_quotas;
mod categories;
mod channel_accounts;
mod channel_apps;
mod channel_exchanges;
mod channel_funds;
mod channel_mappings;
mod channel_pushes;
mod charges;
mod coupons;
mod credit_notes;
mod deletions;
mod deposit_cases;
mod deposits;
mod discounts;
mod domains;
mod exports;
mod follower_notices;
mod follower_tags;
mod followers;
mod freight_templates;
mod guarantees;
pub(in crate::http) mod health;
mod impersonations;
pub(in crate::http) mod imports;
mod invitations;
mod invoices;
mod jobs;
mod leads;
mod ledger;
mod ledger_books;
mod ledger_findings;
mod listing_drifts;
pub(in crate::http) mod listing_rules;
pub(in crate::http) mod listing_runs;
mod listings;
mod live;
mod live_plans;
mod me;
mod media;
mod merchants;
mod oauth_apps;
mod order_sources;
mod orders;
mod plan_changes;
mod plans;
mod plugins;
mod policies;
mod products;
mod providers;
mod qualifications;
mod receipts;
mod renewals;
mod requirements;
mod restorations;
mod roles;
mod shop_addresses;
mod shop_brands;
mod shop_scores;
mod shops;
mod showcases;
mod sign_in;
mod skus;
mod sms_sender;
mod staff;
mod stock;
mod subscriptions;
mod usage;
mod webhook_endpoints;

pub(in crate::http) use leads::form_state as lead_form_state;

use super::route::Api;

pub(in crate::http) use applications::read_day;
pub(in crate::http) use audit_entries::AuditEntryView;
pub(in crate::http) use auth::user_agent;
pub(crate) use buyer_account::order_view as own_order_view;
pub(in crate::http) use buyer_sign_in::device as buyer_device;
pub(in crate::http) use channel_funds::direction as flow_direction;
pub(in crate::http) use coupons::held_state;
pub(in crate::http) use guarantees::kind_of as guarantee_kind_of;
pub(in crate::http) use media::{UPLOAD_LIMIT as MEDIA_LIMIT, content as media_content};
pub(in crate::http) use policies::turn_word;
pub(in crate::http) use shop_brands::brand_state;
pub(in crate::http) use shop_scores::UPLOAD_LIMIT as SCORE_FILE_LIMIT;

pub const PREFIX: &str = "/api/v1";

/// Every resource of the API. Add yours here.
pub fn register(api: &mut Api<'_>) {
    auth::routes(api);
    providers::routes(api);
    restorations::routes(api);
    plugins::routes(api);
    brand::routes(api);
    buyer_sign_in::routes(api);
    buyer_account::routes(api);
    buyers::routes(api);
    sms_sender::routes(api);
    impersonations::routes(api);
    domains::routes(api);
    me::routes(api);
    sign_in::routes(api);
    roles::routes(api);
    staff::routes(api);
    api_keys::routes(api);
    oauth_apps::routes(api);
    audit_entries::routes(api);
    categories::routes(api);
    imports::routes(api);
    products::routes(api);
    skus::routes(api);
    stock::routes(api);
    applications::routes(api);
    invitations::routes(api);
    renewals::routes(api);
    requirements::routes(api);
    merchants::routes(api);
    shops::routes(api);
    shop_scores::routes(api);
    orders::routes(api);
    aftersales::routes(api);
    policies::routes(api);
    media::routes(api);
    channel_apps::routes(api);
    channel_accounts::routes(api);
    call_quotas::routes(api);
    analytics::routes(api);
    alliance::routes(api);
    alliance_plans::routes(api);
    channel_exchanges::routes(api);
    channel_pushes::routes(api);
    followers::routes(api);
    follower_tags::routes(api);
    follower_notices::routes(api);
    listing_drifts::routes(api);
    listing_rules::routes(api);
    listing_runs::routes(api);
    channel_mappings::routes(api);
    account_menus::routes(api);
    account_codes::routes(api);
    articles::routes(api);
    showcases::routes(api);
    discounts::routes(api);
    qualifications::routes(api);
    shop_brands::routes(api);
    coupons::routes(api);
    live::routes(api);
    live_plans::routes(api);
    leads::routes(api);
    freight_templates::routes(api);
    guarantees::routes(api);
    shop_addresses::routes(api);
    channel_funds::routes(api);
    order_sources::routes(api);
    listings::routes(api);
    jobs::routes(api);
    health::routes(api);
    plans::routes(api);
    subscriptions::routes(api);
    usage::routes(api);
    invoices::routes(api);
    receipts::routes(api);
    plan_changes::routes(api);
    credit_notes::routes(api);
    deposits::routes(api);
    deposit_cases::routes(api);
    // Before it: a word in a path comes before an id in its place.
    ledger_books::routes(api);
    ledger_findings::routes(api);
    ledger::routes(api);
    exports::routes(api);
    deletions::routes(api);
    webhook_endpoints::routes(api);
}

/// Operations anyone may call. A test compares this list with the handlers that take `Open`.
pub const PUBLIC_OPERATIONS: &[&str] = &[
    "log_in",
    "give_code",
    "refresh_tokens",
    "ask_password_reset",
    "complete_password_reset",
    "confirm_email_change",
    "undo_email_change",
    "join_staff",
    "start_application",
    "ask_sign_in_code",
    "sign_in_buyer",
    "begin_channel_sign_in",
    "finish_channel_sign_in",
];
