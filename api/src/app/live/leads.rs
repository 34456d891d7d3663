//! Leads 留资: read at the platform each time somebody asks, and written down who asked. Nothing of them is kept here.

use super::{account_of, asks};
use crate::app::channels::call::AccountCall;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::Span;
use qianpu_sdk::{Lead, LeadForm, Page, TimeWindow};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// The longest time that is asked for at once.
pub const LONGEST: Span = Span::days(92);
/// Longest id and cursor that are passed on.
const LONGEST_ID: usize = 200;

fn passed_on(path: &str, text: &str) -> Result<(), FieldError> {
    if text.is_empty() || text.len() > LONGEST_ID || text.chars().any(char::is_control) {
        return Err(FieldError::new(path, "invalid", "as it was answered", "请使用返回的值"));
    }
    Ok(())
}

/// Forms of the account, as the platform tells them now.
pub async fn forms(
    state: &AppState,
    grant: &Grant<perm::LeadRead>,
    id: ChannelAccountId,
    cursor: Option<&str>,
) -> Answer<(ChannelAccount, Page<LeadForm>)> {
    let account = account_of(&*state.db.read(grant.ctx()).await?, grant, id, asks).await?;
    if let Some(cursor) = cursor {
        passed_on("cursor", cursor)?;
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().lead_forms(call.account_ref(), cursor).await;
    Ok((account, call.settle(answer).await?))
}

/// What was left in a form.
pub async fn read(
    state: &AppState,
    grant: &Grant<perm::LeadRead>,
    id: ChannelAccountId,
    form_id: &str,
    window: TimeWindow,
    cursor: Option<&str>,
) -> Answer<Page<Lead>> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id, asks).await?;
    passed_on("form_id", form_id)?;
    if let Some(cursor) = cursor {
        passed_on("cursor", cursor)?;
    }
    if window.from >= window.to || window.to.since(window.from) > LONGEST {
        let (en, zh) = ("at most 92 days, the end after the beginning", "时间段最长 92 天，且结束晚于开始");
        return Err(FieldError::new("to", "range", en, zh).into());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().leads(call.account_ref(), form_id, window, cursor).await;
    let page = call.settle(answer).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let detail = json!({ "form": form_id, "leads": page.items.len() });
    audit_append(&mut tx, AuditAction::LeadsRead, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(page)
}
