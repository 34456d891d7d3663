//! Notices by templates to followers: by hand, and of orders. A job carries each to the platform; a push tells what became
//! of it.

use super::covered;
use super::notice_send;
use super::reply::{front, page_address};
use super::templates::{noticing_account, only_own, usable};
use crate::app::channels::account_jobs::payload;
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::follower::FollowerState;
use qianpu_domain::follower_notice::{FieldSource, NoticeEvent, NoticeValue, field_text, product_line};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, MessageTemplateId, OrderId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{ClaimedJob, job_enqueue};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::follower_notice::{
    FollowerNotice, NewNotice, notice_insert, notice_list, notice_trim,
};
use qianpu_tenants::store::message_template::template_get;
use qianpu_tenants::store::order::{Order, order_get};
use qianpu_tenants::store::order_line::order_line_list;
use qianpu_tenants::store::order_notice::{followers_of_order, order_notices_of};
use qianpu_tenants::store::shipment::shipment_list_of;
use qianpu_tenants::store::shop::shop_get;
use serde_json::json;
use std::collections::BTreeMap;

/// How long notices are kept.
const KEEP: Span = Span::days(180);

/// Notices of an account, or of one follower, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
    page: PageRequest,
) -> Answer<Page<FollowerNotice>> {
    let tx = state.db.read(grant.ctx()).await?;
    noticing_account(&tx, grant, account).await?;
    Ok(notice_list(&tx, account, None, page).await?)
}

/// Notices to a follower, newest first.
pub async fn of_follower(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    id: FollowerId,
    page: PageRequest,
) -> Answer<(ChannelAccount, Page<FollowerNotice>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let (account, follower) = covered(&tx, grant, id).await?;
    let notices = notice_list(&tx, account.id, Some(follower.id), page).await?;
    Ok((account, notices))
}

/// A notice that somebody sends by hand.
#[derive(Debug, Clone)]
pub struct TypedSend {
    /// By which template.
    pub template: MessageTemplateId,
    /// The fields.
    pub fields: BTreeMap<String, String>,
    /// The page it leads to.
    pub url: Option<String>,
}

/// Sends a notice to a follower by hand.
pub async fn send(
    state: &AppState,
    grant: &Grant<perm::FollowerAnswer>,
    id: FollowerId,
    typed: &TypedSend,
) -> Answer<FollowerNotice> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, follower) = covered(&tx, grant, id).await?;
    noticing_account(&tx, grant, account.id).await?;
    if follower.state != FollowerState::Following || follower.erased_at.is_some() {
        return Err(ApiError::new(ErrorCode::FollowerNotReachable));
    }
    let template = usable(&tx, account.id, typed.template).await?;
    let mut errors = only_own(&template, &typed.fields);
    let mut fields = BTreeMap::new();
    for (name, text) in &typed.fields {
        match field_text(&format!("fields.{name}"), text) {
            Ok(text) => {
                fields.insert(name.clone(), text);
            }
            Err(error) => errors.push(error),
        }
    }
    let url = match typed.url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
        Some(url) => page_address("url", url).map_err(|error| errors.push(error)).ok(),
        None => None,
    };
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let by = name_of(tx.ctx());
    let new = NewNotice {
        template: &template,
        fields: &fields,
        url: url.as_deref(),
        happening: None,
        order: None,
        by: Some(&by),
    };
    let notice = notice_insert(&mut tx, &follower, &new).await?.ok_or_else(ApiError::not_found)?;
    job_enqueue(&mut tx, notice_send::new_job(notice.id)).await?;
    // What stands in the fields is not kept for ever.
    let detail = json!({ "template": template.title });
    audit_append(&mut tx, AuditAction::FollowerNoticeSent, "follower", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(notice)
}

/// A moment as people in China read it: the wall clock there is eight hours ahead all year.
fn beijing_minute(at: Timestamp) -> String {
    at.plus(Span::hours(8)).to_string().replace('T', " ").chars().take(16).collect()
}

/// What is known of an order, for the fields of a notice.
async fn values(tx: &TenantTx, order: &Order, refunded: Fen) -> StoreResult<BTreeMap<NoticeValue, String>> {
    let lines = order_line_list(tx, order.id).await?;
    let titles: Vec<&str> = lines.iter().map(|line| line.title.as_str()).collect();
    let parcel = shipment_list_of(tx, order.id).await?.into_iter().next();
    let (carrier, waybill) = parcel.map(|parcel| (parcel.carrier_name, parcel.waybill)).unwrap_or_default();
    Ok(BTreeMap::from([
        (NoticeValue::OrderNumber, order.number.clone()),
        (NoticeValue::Product, product_line(&titles)),
        (NoticeValue::Amount, format!("¥{}", order.facts.amounts.total)),
        (NoticeValue::RefundAmount, format!("¥{refunded}")),
        (NoticeValue::Carrier, carrier),
        (NoticeValue::TrackingNumber, waybill),
        (NoticeValue::Shop, shop_get(tx, order.shop).await?.name),
        (NoticeValue::PlacedAt, beijing_minute(order.placed_at)),
    ]))
}

fn filled(
    fields: &BTreeMap<String, FieldSource>,
    values: &BTreeMap<NoticeValue, String>,
) -> BTreeMap<String, String> {
    let text = |source: &FieldSource| match source {
        FieldSource::Text(text) => text.clone(),
        FieldSource::Value(value) => {
            let text = values.get(value).cloned().unwrap_or_default();
            // The platform refuses a field without anything.
            if text.is_empty() { "-".to_owned() } else { text }
        }
    };
    fields.iter().map(|(name, source)| (name.clone(), text(source))).collect()
}

/// `order.notices`: makes a notice for each follower who is the buyer of the order, at each account that tells of the
/// event. What happened is told to each once, however often this runs.
pub async fn run_plan(state: &AppState, job: &ClaimedJob) -> JobResult {
    let order: OrderId = payload(job, "order_id")?;
    let wrong = || JobError::dead("corrupt", "the job names no event");
    let event = job.payload["event"].as_str().and_then(NoticeEvent::from_text).ok_or_else(wrong)?;
    let happening = job.payload["event_id"].as_str().ok_or_else(wrong)?;
    let refunded = match job.payload["amount_fen"].as_i64() {
        Some(fen) => Fen::new(fen),
        // Nobody is told of a refund whose amount is not known; the other events have none.
        None if event == NoticeEvent::Refunded => return Err(wrong()),
        None => Fen::new(0),
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    let order = match order_get(&tx, order).await {
        Ok(order) => order,
        Err(StoreError::NotFound) => return Ok(Done::Nothing),
        Err(error) => return Err(error.into()),
    };
    let values = values(&tx, &order, refunded).await?;
    for rule in order_notices_of(&tx, event).await? {
        let account = account_get(&tx, rule.account).await?;
        let template = template_get(&tx, rule.template).await?;
        if account.shop != order.shop || template.gone {
            continue;
        }
        let url = front(state, &tx, order.shop).await?;
        let fields = filled(&rule.fields, &values);
        for follower in followers_of_order(&tx, rule.account, &order).await? {
            let new = NewNotice {
                template: &template,
                fields: &fields,
                url: Some(&url),
                happening: Some(happening),
                order: Some(order.id),
                by: None,
            };
            if let Some(notice) = notice_insert(&mut tx, &follower, &new).await? {
                job_enqueue(&mut tx, notice_send::new_job(notice.id)).await?;
                let before = tx.now().minus(KEEP);
                notice_trim(&mut tx, follower.id, before).await?;
            }
        }
    }
    finish(tx, job).await
}
