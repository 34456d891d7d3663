//! The schema. Migrations expand now and contract in a later release; they import nothing of ours.
//!
//! A migration declares [`Table`]s: one `CREATE TABLE` text for SQLite, PostgreSQL and Citus, and beside it
//! where the table lives ([`Place`]) and who may read it. Row-level security, grants and Citus placement
//! follow from the declaration, so that none of them can be forgotten.
#![forbid(unsafe_code)]

mod m0001_core;
mod m0002_onboarding;
mod m0003_catalogue;
mod m0004_channels;
mod m0005_orders;
mod m0006_money;
mod m0007_supervision;
mod m0008_people;
mod m0009_roles;
mod m0010_sign_in;
mod m0011_machines;
mod m0012_webhooks;
mod m0013_tenancy;
mod m0013b_white_label;
mod m0014_buyers;
mod m0015_whole;
mod m0016_audit;
mod m0017_hosts;
mod m0020_scores;
mod m0021_aftersale;
mod m0022_followers;
mod m0023_drift;
mod m0024_reach;
mod m0025_articles;
mod m0026_live;
mod m0027_listing_rules;
mod m0027b_listing_runs;
mod m0028_order_desk;
mod m0029_phases;
mod m0030_promotions;
mod m0030b_coupons;
mod m0031_shop_desk;
mod m0032_fans;
mod m0032b_notices;
mod m0033_qualifications;
mod m0034_disputes;
mod m0035_listing_brands;
mod m0036_ledger_entries;
mod m0037_reversals;
mod m0038_journal_links;
mod m0039_ledger_findings;
mod m0040_usage;
mod m0041_deposit_cases;
mod m0043_plan_changes;
mod purge;
mod run;
mod table;

pub use purge::{KEPT_APPEND_ONLY, purge};
pub use run::{MigrateError, Migrator, migrate};
pub use sea_orm_migration::MigratorTrait;
pub use table::{Access, Place, Table};

/// Tables that an older migration makes and a newer one drops.
const GONE: &[&str] = &["entries"];

/// Every table of the newest schema, in foreign-key order. One that a newer migration makes anew has its form, in the
/// place of the older one.
pub fn tables() -> Vec<Table> {
    let made = [
        m0001_core::tables(),
        m0002_onboarding::tables(),
        m0003_catalogue::tables(),
        m0004_channels::tables(),
        m0005_orders::tables(),
        m0006_money::tables(),
        m0007_supervision::tables(),
        m0008_people::tables(),
        m0009_roles::tables(),
        m0010_sign_in::tables(),
        m0011_machines::tables(),
        m0012_webhooks::tables(),
        m0013b_white_label::tables(),
        m0014_buyers::tables(),
        m0015_whole::tables(),
        m0016_audit::tables(),
        m0017_hosts::tables(),
        m0020_scores::tables(),
        m0021_aftersale::tables(),
        m0022_followers::tables(),
        m0023_drift::tables(),
        m0024_reach::tables(),
        m0025_articles::tables(),
        m0026_live::tables(),
        m0027_listing_rules::tables(),
        m0027b_listing_runs::tables(),
        m0028_order_desk::tables(),
        m0029_phases::tables(),
        m0030_promotions::tables(),
        m0030b_coupons::tables(),
        m0031_shop_desk::tables(),
        m0032_fans::tables(),
        m0032b_notices::tables(),
        m0033_qualifications::tables(),
        m0034_disputes::tables(),
        m0036_ledger_entries::tables(),
        m0037_reversals::tables(),
        m0038_journal_links::tables(),
        m0039_ledger_findings::tables(),
        m0040_usage::tables(),
        m0041_deposit_cases::tables(),
        m0043_plan_changes::tables(),
    ]
    .concat();
    let mut newest: Vec<Table> = Vec::with_capacity(made.len());
    for table in made.into_iter().filter(|table| !GONE.contains(&table.name)) {
        match newest.iter_mut().find(|known| known.name == table.name) {
            Some(known) => *known = table,
            None => newest.push(table),
        }
    }
    newest
}

/// The names of the migrations that this release knows, oldest first: what a database made by it looks like.
pub fn names() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}
