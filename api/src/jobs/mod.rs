//! Background jobs. A job is enqueued in the business transaction (`tenants::jobs::job_enqueue`), claimed
//! by the [`runner`] and run by the handler of its kind, with no transaction open.
//!
//! To add one: a file here with `pub async fn run(state: AppState, job: ClaimedJob) -> JobResult`, and a
//! line in [`KINDS`]. A handler ends the job in the transaction that applies its result ([`finish`]), or
//! returns [`Done::Nothing`] when there is nothing to apply.

pub mod chains;
pub mod mail_send;
pub mod runner;
pub mod sms_send;

use crate::app::money::{chain, daily, deposits, invoice_jobs, roll_up};
use crate::app::whole::{deletion, exports};
use crate::app::{
    account, aftersales, audit, buyers, channel_funds, channels, documents, domains, followers, imports,
    listings, orders, promotions, qualifications, webhooks,
};
use crate::error::ApiError;
use crate::state::AppState;
use qianpu_domain::time::Span;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, job_finish};
use qianpu_tenants::outbox;
use qianpu_tenants::store::webhook_delivery;
use std::future::Future;
use std::pin::Pin;

/// A kind of job and what runs it.
pub struct JobKind {
    pub name: &'static str,
    /// After so many tries a failing job is laid aside for people to look at.
    pub most_attempts: i64,
    pub run: fn(AppState, ClaimedJob) -> Running,
}

/// Work that must happen now and then without anybody asking: reconcilers, clean-up, expiry. It looks for
/// what is due and enqueues jobs with a key, so that two processes doing it at once do no harm.
pub struct Periodic {
    pub name: &'static str,
    pub every: Span,
    pub run: fn(AppState) -> Looking,
}

pub type Looking = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send>>;
pub type Running = Pin<Box<dyn Future<Output = JobResult> + Send>>;

/// A kind whose handler borrows.
macro_rules! kind {
    ($name:expr, $most_attempts:expr, $run:path) => {
        JobKind {
            name: $name,
            most_attempts: $most_attempts,
            run: |state, job| Box::pin(async move { $run(&state, &job).await }),
        }
    };
}

/// Every kind of job. Add yours here.
pub const KINDS: &[JobKind] = &[
    JobKind {
        name: mail_send::KIND,
        most_attempts: 10,
        run: |state, job| Box::pin(mail_send::run(state, job)),
    },
    kind!(audit::CHAIN_JOB, 20, audit::run_chain),
    kind!(account::email::RELEASE_JOB, 20, account::email::run_release),
    kind!(sms_send::KIND, 3, sms_send::run),
    kind!(buyers::person::LINK, 20, buyers::person::run),
    kind!(buyers::erasure::ERASE, i64::MAX, buyers::erasure::run),
    kind!(channels::raise::RAISE_JOB, 20, channels::raise::run),
    kind!(channels::phases::PHASE_JOB, 20, channels::phases::run),
    kind!(channels::phases::SPREAD_JOB, 20, channels::phases::run_spread),
    kind!(channels::grants::GRANT_JOB, 20, channels::grants::run_grant),
    kind!(channels::push_app::WITHDRAWN_JOB, 20, channels::account_jobs::run_withdrawn),
    kind!(channels::account_jobs::REFRESH_JOB, 20, channels::account_jobs::run_refresh),
    kind!(crate::channels::TRIM_JOB, 5, channels::account_jobs::run_trim),
    kind!(promotions::coupons::COUPON_JOB, 20, promotions::coupons::run),
    kind!(listings::PUBLISH_JOB, 20, listings::publish_job::run),
    kind!(listings::DELIST_JOB, 20, listings::publish_job::run_delist),
    kind!(listings::REFRESH_LISTING_JOB, 20, listings::refresh_job::run),
    kind!(listings::STOCK_JOB, 20, listings::stock_job::run),
    kind!(listings::STOCK_PUSH_JOB, 20, listings::stock_push::run),
    kind!(listings::RUN_JOB, i64::MAX, listings::run_step::run),
    kind!(listings::RULES_JOB, 20, listings::rules_job::run),
    kind!(listings::CATCH_UP_JOB, 20, listings::catch_up_job::run),
    kind!(listings::drift::LOOK_JOB, 20, listings::drift::run),
    kind!(invoice_jobs::ISSUE_JOB, 20, invoice_jobs::run_issue),
    kind!(invoice_jobs::DUE_JOB, 20, invoice_jobs::run_fall_due),
    kind!(invoice_jobs::EARN_JOB, 20, invoice_jobs::run_earn),
    kind!(daily::DAILY_JOB, 20, daily::run),
    kind!(chain::CHAIN_JOB, 20, chain::run),
    kind!(documents::daily::CHECK_JOB, 20, documents::daily::run),
    kind!(domains::CHECK_JOB, 20, domains::run_check),
    kind!(deposits::TRIAL_JOB, 20, deposits::run_trial),
    kind!(imports::RUN, 20, imports::runner::run),
    kind!(channels::push_route::ORDER_JOB, 20, orders::sync::run),
    kind!(channels::attach::RECONCILE_JOB, i64::MAX, orders::reconcile::run),
    kind!(orders::send::SEND, 20, orders::send::run),
    kind!(followers::send::SEND_JOB, 20, followers::send::run),
    kind!(outbox::NOTICES_JOB, 20, followers::notices::run_plan),
    kind!(followers::notice_send::SEND_JOB, 20, followers::notice_send::run),
    kind!(followers::notice_send::SETTLED_JOB, 20, followers::notice_send::run_settled),
    kind!(followers::reading::READ_JOB, i64::MAX, followers::reading::run),
    kind!(followers::tagging::TAG_JOB, i64::MAX, followers::tagging::run),
    kind!(followers::publish::PUBLISH_JOB, 20, followers::publish::run_publish),
    kind!(followers::publish::CHECK_JOB, 20, followers::publish::run_check),
    kind!(channel_funds::withdraw::ASK_JOB, 20, channel_funds::withdraw::run_ask),
    kind!(channel_funds::follow::LOOK_JOB, i64::MAX, channel_funds::follow::run_look),
    kind!(channel_funds::follow::SYNC_JOB, 20, channel_funds::follow::run_sync),
    kind!(qualifications::apply::APPLY_JOB, 20, qualifications::apply::run),
    kind!(qualifications::follow::LOOK_JOB, i64::MAX, qualifications::follow::run_look),
    kind!(qualifications::follow::SYNC_JOB, 20, qualifications::follow::run_sync),
    kind!(orders::apply::SETTLE, 20, orders::settle::run),
    kind!(aftersales::sync::SYNC, 20, aftersales::sync::run),
    kind!(aftersales::act::ACT, 20, aftersales::act::run),
    kind!(aftersales::dispute::TELL, 20, aftersales::dispute::run),
    kind!(aftersales::guarantees::FOLLOW, 20, aftersales::guarantees::run),
    kind!(aftersales::remind::REMIND, 20, aftersales::remind::run),
    kind!(aftersales::remind::PROOF, 20, aftersales::remind::run_proof),
    kind!(aftersales::reconcile::RECONCILE, i64::MAX, aftersales::reconcile::run),
    kind!(exports::MAKE, exports::TRIES, exports::run),
    kind!(exports::REMOVE, 20, exports::run_remove),
    kind!(deletion::DELETE, 20, deletion::run),
    kind!(webhook_delivery::DELIVER_JOB, i64::MAX, webhooks::send::run),
    kind!(outbox::RELAY_JOB, i64::MAX, webhooks::relay::run),
    kind!(webhooks::TRIM_JOB, 20, webhooks::trim::run),
];

/// Every periodic task. Add yours here.
pub const PERIODIC: &[Periodic] = &[
    Periodic { name: "audit.watch", every: audit::WATCH_EVERY, run: |state| Box::pin(audit::watch(state)) },
    Periodic { name: "audit.sweep", every: audit::SWEEP_EVERY, run: |state| Box::pin(audit::sweep(state)) },
    Periodic { name: "ledger.chain", every: chain::WATCH_EVERY, run: |state| Box::pin(chain::watch(state)) },
    Periodic { name: "ledger.roll_up", every: roll_up::EVERY, run: |state| Box::pin(roll_up::watch(state)) },
    Periodic {
        name: "orders.watch",
        every: Span::hours(1),
        run: |state| Box::pin(orders::reconcile::watch(state)),
    },
    Periodic {
        name: "aftersales.watch",
        every: Span::hours(1),
        run: |state| Box::pin(aftersales::reconcile::watch(state)),
    },
    Periodic {
        name: "quota.watch",
        every: Span::hours(6),
        run: |state| Box::pin(channels::raise::watch(state)),
    },
    Periodic {
        name: "phase.watch",
        every: Span::hours(6),
        run: |state| Box::pin(channels::phases::watch(state)),
    },
    Periodic {
        name: "listings.watch",
        every: Span::hours(6),
        run: |state| Box::pin(listings::drift::watch(state)),
    },
    Periodic {
        name: "documents.watch",
        every: Span::hours(6),
        run: |state| Box::pin(documents::daily::watch(state)),
    },
];

/// How a job ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Its result and its end are committed.
    Committed,
    /// There was nothing to commit; the runner ends it.
    Nothing,
    /// Another worker has it; its result was dropped.
    Lost,
}

/// How a job failed.
#[derive(Debug, Clone)]
pub enum JobError {
    /// Try again, after the given time or the usual back-off.
    Retry { after: Option<Span>, code: String, text: String },
    /// Somebody must act. The text is for that person.
    Dead { code: String, text: String },
}

pub type JobResult = Result<Done, JobError>;

impl JobError {
    pub fn retry(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Retry { after: None, code: code.into(), text: text.into() }
    }
    pub fn dead(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Dead { code: code.into(), text: text.into() }
    }
}

/// The database's refusals may pass; a row that is gone will not come back.
impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        let code = error.code().as_str();
        match error {
            StoreError::NotFound | StoreError::Corrupt(_) => Self::dead(code, error.to_string()),
            _ => Self::retry(code, error.to_string()),
        }
    }
}
/// A use case's refusal stays one, unless its code says that it may pass.
impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        let code = error.code().as_str();
        if error.code().retryable() {
            Self::retry(code, error.to_string())
        } else {
            Self::dead(code, error.to_string())
        }
    }
}

/// Ends the job and commits its result with it.
pub async fn finish(mut tx: TenantTx, job: &ClaimedJob) -> JobResult {
    if !job_finish(&mut tx, job).await? {
        return Ok(Done::Lost);
    }
    tx.commit().await?;
    Ok(Done::Committed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_unique_names() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS.iter().skip(index + 1).all(|other| other.name != kind.name), "{}", kind.name);
        }
    }
}
