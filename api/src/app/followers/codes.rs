//! Codes with a parameter: made at the platform, and how many came by each.

use super::account_of;
use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower::answer_line;
use qianpu_domain::ids::{AccountCodeId, ChannelAccountId};
use qianpu_sdk::WantedCode;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::account_code::{
    AccountCode, MOST_CODES, NewCode, code_delete, code_get, code_insert, code_list, code_room,
};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// Longest name.
const LONGEST_NAME: usize = 40;
/// Longest scene.
const LONGEST_SCENE: usize = 64;
/// Longest life of a temporary code.
const MOST_DAYS: u32 = 30;

/// A code to be made.
#[derive(Debug, Clone)]
pub struct TypedCode {
    /// What people call it.
    pub name: String,
    /// What comes back with whoever scans it.
    pub scene: String,
    /// How long it is good for; none for a permanent one.
    pub days: Option<u32>,
}

/// Codes of an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
    page: PageRequest,
) -> Answer<(ChannelAccount, Page<AccountCode>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let codes = code_list(&tx, account.id, page).await?;
    Ok((account, codes))
}

/// Makes a code at the platform.
pub async fn make(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    typed: &TypedCode,
) -> Answer<AccountCode> {
    // Somebody else's account is not there, whatever was typed.
    account_of(&*state.db.read(grant.ctx()).await?, grant, account).await?;
    let mut errors = Vec::new();
    let name = answer_line("name", &typed.name, LONGEST_NAME, true).map_err(|error| errors.push(error)).ok();
    let scene = typed.scene.trim();
    let plain = scene.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if scene.is_empty() || scene.len() > LONGEST_SCENE || !plain {
        let (en, zh) = ("1 to 64 letters, digits, hyphens", "请填写 1 到 64 个字母、数字或连字符");
        errors.push(FieldError::new("scene", "invalid", en, zh));
    }
    if typed.days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        let (en, zh) = (format!("1 to {MOST_DAYS} days"), format!("应为 1 到 {MOST_DAYS} 天"));
        errors.push(FieldError::new("days", "range", en, zh));
    }
    let (Some(name), true) = (name, errors.is_empty()) else { return Err(errors.into()) };
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, account).await?;
    room(code_room(&tx, account, scene).await?)?;
    drop(tx);
    let call = AccountCall::open(state, grant.ctx(), account).await?;
    let wanted = WantedCode { scene: scene.to_owned(), seconds: typed.days.map(|days| days * 86_400) };
    let made = call.host().make_code(call.account_ref(), &wanted).await;
    let made = call.settle(made).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    room(code_room(&tx, account, scene).await?)?;
    let new = NewCode { name: &name, scene, content: &made.content, expires_at: made.expires_at };
    let code = code_insert(&mut tx, account, &new).await?;
    let detail = json!({ "name": name, "scene": scene });
    audit_append(&mut tx, AuditAction::AccountCodeMade, "account_code", &code.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(code)
}

fn room((count, taken): (u64, bool)) -> Answer<()> {
    if taken {
        let (en, zh) = ("another code of the account has this scene", "该账号已有使用这个场景值的二维码");
        return Err(FieldError::new("scene", "taken", en, zh).into());
    }
    if count >= MOST_CODES { Err(ApiError::new(ErrorCode::AccountCodesFull)) } else { Ok(()) }
}

/// Forgets a code and its counts. The platform goes on knowing it, and who scans it is still heard of.
pub async fn forget(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: AccountCodeId,
) -> Answer<ChannelAccountId> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let code = code_get(&tx, id).await?;
    account_of(&tx, grant, code.account).await?;
    code_delete(&mut tx, id).await?;
    let detail = json!({ "name": code.name, "scene": code.scene });
    audit_append(&mut tx, AuditAction::AccountCodeForgotten, "account_code", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(code.account)
}
