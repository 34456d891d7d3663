//! The data boundary: no row without a tenant.
//!
//! A [`context::TenantCtx`] is made in two places only: by [`resolve`] for a request and by [`jobs`] when a
//! job is claimed. [`authz`] turns a caller into a `Grant<P>`; a store function takes a transaction that was
//! begun for that context ([`db`]). Entities are private to this crate: only [`store`] can name a table.
//!
//! Invariant: nothing here takes a bare tenant id from outside and returns that tenant's rows.
#![forbid(unsafe_code)]

pub mod audit;
pub mod authz;
pub mod chain;
pub mod clock;
pub mod context;
pub mod db;
mod db_error;
pub mod deadline;
mod entity;
pub mod error;
pub mod idempotency;
pub mod inbox;
pub mod job_queues;
pub mod jobs;
pub mod outbox;
pub mod page;
mod principal;
pub mod random;
pub mod resolve;
pub mod secrets;
pub mod store;
pub mod whole;
