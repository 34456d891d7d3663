//! Use cases, one file per resource: authorize → load → domain decision → save → outbox and audit →
//! commit. No web types here; a use case takes a `Grant`, the database and a command.

pub mod account;
pub mod api_keys;
pub mod applications;
pub mod audit;
pub mod auth;
pub mod branding;
pub mod buyers;
pub mod categories;
pub mod channels;
pub mod documents;
pub mod domains;
pub mod health;
pub mod impersonation;
pub mod imports;
pub mod invitations;
pub mod jobs;
pub mod listings;
pub mod media;
pub mod merchants;
pub mod money;
mod notices;
pub mod oauth;
pub mod oauth_apps;
pub mod orders;
pub mod policies;
pub mod products;
pub mod requirements;
pub mod setup;
pub mod shops;
pub mod staff;
pub mod stock;
pub mod storefront;
pub mod tenancy;
pub mod todos;
pub mod webhooks;
pub mod whole;
