//! Which job a notice about an account leads to. The job fetches the truth; the push is only its cause.

use super::account_jobs::{REFRESH_JOB, refresh_payload};
use crate::app::listings::{REFRESH_LISTING_JOB, refresh_listing_payload};
use qianpu_sdk::{Notice, NoticeKind};
use qianpu_tenants::jobs::NewJob;
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// The job that fetches and books an order; its handler lives with the orders.
pub const ORDER_JOB: &str = "order.sync";

pub(super) enum Routed {
    /// To be done.
    Job(NewJob),
    /// Kept in the inbox; nobody acts on it yet.
    Kept,
}

pub(super) fn job_for(account: &ChannelAccount, notice: &Notice) -> Routed {
    use NoticeKind as K;
    let subject = notice.subject_id.as_deref().unwrap_or_default();
    let id = account.id.to_string();
    match &notice.kind {
        K::OrderCreated
        | K::OrderPaid
        | K::OrderCancelled
        | K::OrderShipped
        | K::OrderConfirmed
        | K::OrderSettled
        | K::OrderChanged
            if !subject.is_empty() =>
        {
            Routed::Job(NewJob {
                kind: ORDER_JOB,
                dedup_key: Some(format!("{id}:{subject}")),
                payload: json!({ "channel_account_id": id, "external_order_id": subject }),
                run_at: None,
                priority: 0,
            })
        }
        K::ProductAudit | K::ProductListing | K::ProductChanged if !subject.is_empty() => {
            Routed::Job(NewJob {
                kind: REFRESH_LISTING_JOB,
                dedup_key: Some(format!("{id}:{subject}")),
                payload: refresh_listing_payload(account.id, subject),
                run_at: None,
                priority: 5,
            })
        }
        K::AccountRenamed | K::AccountClosed => Routed::Job(NewJob {
            kind: REFRESH_JOB,
            dedup_key: Some(format!("{id}:{}", notice.kind.as_str())),
            payload: refresh_payload(account.id, notice.kind == K::AccountClosed),
            run_at: None,
            priority: 5,
        }),
        _ => Routed::Kept,
    }
}
