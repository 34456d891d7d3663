//! What platforms said about an account, for people to read: every push that was kept, and which of them wait for somebody.

use super::accounts::covered;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::{ChannelAccountId, InboxId};
use qianpu_sdk::NoticeKind;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::inbox::{InboxMessage, inbox_get, inbox_handled, inbox_list, inbox_waiting_count};
use qianpu_tenants::page::{MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::channel_account::{AccountFilter, account_get, account_list};
use serde_json::Value;

/// Kinds that wait for somebody. A refund of a gift is dealt with at the platform, and somebody says that it was; a
/// guarantee claim is answered here, and waits while the platform says that it waits for the merchant.
pub const FOR_PEOPLE: [NoticeKind; 2] = [NoticeKind::GuaranteeChanged, NoticeKind::GiftAftersaleChanged];

/// What of a push is shown: numbers and words that say nothing about a person.
pub const SHOWN: &[&str] = &[
    "order_id",
    "after_sale_order_id",
    "guarantee_order_id",
    "complaint_id",
    "product_id",
    "coupon_id",
    "withdraw_id",
    "audit_id",
    "brand_id",
    "status",
    "complaint_status",
    "reason",
    "type",
    "event_type",
    "cancel_type",
    "confirm_type",
    "finish_delivery",
    "grade",
    "experience_value",
    "score",
    "delta_score",
    "pay_score",
    "score_item_type",
    "sharer_type",
    "bind_status",
    "old_nickname",
    "new_nickname",
    "remaining_stock_amount",
];

fn for_people() -> Vec<&'static str> {
    FOR_PEOPLE.iter().map(NoticeKind::as_str).collect()
}

/// Whether somebody has to look at a push.
pub fn waits(message: &InboxMessage) -> bool {
    message.handled_at.is_none() && for_people().contains(&message.kind.as_str())
}

/// What a push said, as pairs of a name of [`SHOWN`] and a value.
pub fn told(message: &InboxMessage) -> Vec<(&'static str, String)> {
    let Ok(Value::Object(hint)) = serde_json::from_str::<Value>(&message.payload) else { return Vec::new() };
    let shown = SHOWN.iter().filter_map(|name| {
        let value = match hint.get(*name)? {
            Value::String(text) if !text.is_empty() => text.chars().take(200).collect(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((*name, value))
    });
    shown.collect()
}

/// Pushes about an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    account: ChannelAccountId,
    waiting: bool,
    page: PageRequest,
) -> Answer<Page<InboxMessage>> {
    let tx = state.db.read(grant.ctx()).await?;
    covered(grant, account_get(&tx, account).await?)?;
    let kinds = for_people();
    Ok(inbox_list(&tx, account.0, waiting.then_some(kinds.as_slice()), page).await?)
}

/// Accounts with pushes that wait for somebody, and how many there are.
pub async fn waiting(
    state: &AppState,
    grant: &Grant<perm::AftersaleHandle>,
) -> Answer<Vec<(ChannelAccountId, i64)>> {
    waiting_of(state, grant, &FOR_PEOPLE).await
}

/// The same, of pushes of these kinds.
pub async fn waiting_of(
    state: &AppState,
    grant: &Grant<perm::AftersaleHandle>,
    kinds: &[NoticeKind],
) -> Answer<Vec<(ChannelAccountId, i64)>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: grant.shops(), ..AccountFilter::default() };
    let accounts = account_list(&tx, &filter, PageRequest::first(MAX_LIMIT)).await?.items;
    let mut found = Vec::new();
    let kinds: Vec<&str> = kinds.iter().map(NoticeKind::as_str).collect();
    let ids: Vec<_> = accounts.iter().map(|account| account.id.0).collect();
    if inbox_waiting_count(&tx, &ids, &kinds).await? == 0 {
        return Ok(found);
    }
    for account in accounts {
        let count = inbox_waiting_count(&tx, &[account.id.0], &kinds).await?;
        if count > 0 {
            found.push((account.id, i64::try_from(count).unwrap_or(i64::MAX)));
        }
    }
    Ok(found)
}

/// Notes that somebody dealt with a push.
pub async fn handle(
    state: &AppState,
    grant: &Grant<perm::AftersaleHandle>,
    account: ChannelAccountId,
    id: InboxId,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    covered(grant, account_get(&tx, account).await?)?;
    let message = inbox_get(&tx, id).await?;
    if message.owner != account.0 {
        return Err(ApiError::not_found());
    }
    if waits(&message) {
        inbox_handled(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}
