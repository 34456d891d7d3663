//! Which job a notice about an account leads to. The job fetches the truth; the push is only its cause.

use super::account_jobs::{REFRESH_JOB, refresh_payload};
use crate::app::aftersales::{guarantees, sync};
use crate::app::channel_funds::follow;
use crate::app::listings::{REFRESH_LISTING_JOB, refresh_listing_payload};
use crate::app::promotions::coupons;
use crate::app::qualifications::follow as qualifications;
use qianpu_domain::qualification::QualificationKind;
use qianpu_sdk::{Notice, NoticeKind, wire};
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

/// The after-sale case that a dispute is about: named beside the dispute, or the subject itself.
fn disputed_case(notice: &Notice) -> Option<String> {
    match &notice.hint["after_sale_order_id"] {
        serde_json::Value::Null => notice.subject_id.clone(),
        named => wire::id(named),
    }
}

/// Another job beside [`job_for`]: a guarantee claim is read as its order is.
pub(super) fn second_job(account: &ChannelAccount, notice: &Notice) -> Option<NewJob> {
    let claim = notice.subject_id.as_deref().filter(|claim| !claim.is_empty())?;
    let asked = notice.kind == NoticeKind::GuaranteeChanged && guarantees::possible(account);
    asked.then(|| guarantees::new_job(account.id, claim))
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
        K::OrderUrged if !subject.is_empty() => Routed::Job(NewJob {
            kind: ORDER_JOB,
            // Beside the job of another push about the order: that one knows of no urge.
            dedup_key: Some(format!("{id}:{subject}:urged")),
            payload: json!({
                "channel_account_id": id, "external_order_id": subject, "urged_at": notice.occurred_at.micros(),
            }),
            run_at: None,
            priority: 0,
        }),
        K::AftersaleChanged if !subject.is_empty() => Routed::Job(sync::new_job(account.id, subject, 0)),
        K::DisputeChanged => match disputed_case(notice) {
            Some(case) => Routed::Job(sync::new_job(account.id, &case, 0)),
            None => Routed::Kept,
        },
        // What is asked back is decided at the platform; what became of the order is read.
        K::GuaranteeChanged | K::GiftAftersaleChanged => match wire::id(&notice.hint["order_id"]) {
            Some(order) => Routed::Job(NewJob {
                kind: ORDER_JOB,
                dedup_key: Some(format!("{id}:{order}")),
                payload: json!({ "channel_account_id": id, "external_order_id": order }),
                run_at: None,
                priority: 0,
            }),
            None => Routed::Kept,
        },
        K::ProductAudit | K::ProductListing | K::ProductChanged if !subject.is_empty() => {
            Routed::Job(NewJob {
                kind: REFRESH_LISTING_JOB,
                dedup_key: Some(format!("{id}:{subject}")),
                payload: refresh_listing_payload(account.id, subject),
                run_at: None,
                priority: 5,
            })
        }
        K::FundsWithdrawal if !subject.is_empty() => {
            Routed::Job(follow::sync_job(account.id, Some(subject), None))
        }
        K::FundsCode if !subject.is_empty() => Routed::Job(follow::sync_job(account.id, None, Some(subject))),
        K::FundsAccount => Routed::Job(follow::sync_job(account.id, None, None)),
        K::CouponChanged if !subject.is_empty() => Routed::Job(coupons::new_job(account.id, subject)),
        K::CategoryAudit if !subject.is_empty() => {
            Routed::Job(qualifications::sync_job(account.id, QualificationKind::Category, subject))
        }
        K::BrandChanged if !subject.is_empty() => {
            Routed::Job(qualifications::sync_job(account.id, QualificationKind::Brand, subject))
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
