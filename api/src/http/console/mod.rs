//! Console pages for provider and merchant staff. One file per area with its handlers and view structs,
//! templates in `templates/<area>/`; register it below and add its row to `pages::menu`.
//!
//! Pages of a provider live under `/console/provider/…`, of a merchant under `/console/merchant/…`.
//! Every change is a form that posts, answers with a redirect and a message, or with the form again.

mod account;
mod account_email;
mod api_docs;
mod api_keys;
mod application;
mod application_view;
mod applications;
mod apply;
mod audit;
mod authorised_apps;
mod billing;
mod billing_deposits;
mod billing_desk;
pub(in crate::http) mod brand;
pub(in crate::http) mod buyers;
mod channels;
mod deletion;
mod demo_app;
mod demo_design;
mod demo_mail;
mod demo_sms;
pub mod demo_webhooks;
mod documents;
mod domains;
pub mod errors;
mod exports;
mod goods;
mod health;
mod home;
mod impersonation;
mod jobs;
mod listings;
mod login;
mod merchants;
mod money;
mod money_bills;
mod money_deposits;
mod oauth_apps;
mod oauth_consent;
mod onboarding_settings;
mod orders;
mod policies;
mod providers;
mod renewals;
mod restorations;
mod roles;
mod shop_desk;
mod shop_scores;
mod shops;
mod sign_in;
mod staff;
mod staff_join;
mod text_messages;
mod webhooks;

use super::route::PageRoutes;

/// Every area of pages. Add yours here.
pub fn register(pages: &mut PageRoutes<'_>) {
    home::routes(pages);
    login::routes(pages);
    account::routes(pages);
    sign_in::routes(pages);
    account_email::routes(pages);
    staff::routes(pages);
    roles::routes(pages);
    audit::routes(pages);
    staff_join::routes(pages);
    providers::routes(pages);
    restorations::routes(pages);
    brand::routes(pages);
    api_keys::routes(pages);
    oauth_apps::routes(pages);
    oauth_consent::routes(pages);
    authorised_apps::routes(pages);
    demo_app::routes(pages);
    impersonation::routes(pages);
    domains::routes(pages);
    api_docs::routes(pages);
    apply::routes(pages);
    application::routes(pages);
    applications::routes(pages);
    merchants::routes(pages);
    onboarding_settings::routes(pages);
    shops::routes(pages);
    shop_desk::routes(pages);
    shop_scores::routes(pages);
    policies::routes(pages);
    documents::routes(pages);
    renewals::routes(pages);
    channels::routes(pages);
    listings::routes(pages);
    jobs::routes(pages);
    health::routes(pages);
    webhooks::routes(pages);
    demo_design::routes(pages);
    demo_mail::routes(pages);
    demo_sms::routes(pages);
    demo_webhooks::routes(pages);
    buyers::routes(pages);
    text_messages::routes(pages);
    goods::routes(pages);
    orders::routes(pages);
    money::routes(pages);
    money_bills::routes(pages);
    money_deposits::routes(pages);
    billing_deposits::routes(pages);
    billing::routes(pages);
    billing_desk::routes(pages);
    exports::routes(pages);
    deletion::routes(pages);
}
