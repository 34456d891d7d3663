//! The menu of a public account: written here, set at the platform, and compared with what people see there.

use super::account_of;
use super::reply::page_address;
use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::account_menu::{MOST_BELOW, MOST_TOP, button_name, click_key, mini_program};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Menu, MenuAction, MenuButton};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::error::{StoreResult, stored};
use qianpu_tenants::store::account_menu::{
    AccountMenuRow, menu_get, menu_published, menu_save_draft, menu_seen,
};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::{Value, json};

/// A menu with where it stands.
#[derive(Debug, Clone)]
pub struct MenuState {
    /// The account.
    pub account: ChannelAccount,
    /// What is being written.
    pub draft: Menu,
    /// What people saw when it was read last.
    pub remote: Option<Menu>,
    /// When it was read.
    pub read_at: Option<qianpu_domain::time::Timestamp>,
    /// When it was set last.
    pub published_at: Option<qianpu_domain::time::Timestamp>,
    /// Whether what is being written differs from what was set last.
    pub unpublished: bool,
    /// Whether people see another menu than the one we set.
    pub drifted: bool,
    /// For `If-Match`; 0 when nothing was written yet.
    pub version: i64,
}

fn read(value: &Value) -> StoreResult<Menu> {
    stored(value, "account_menus")
}

fn state_of(account: ChannelAccount, row: AccountMenuRow) -> Answer<MenuState> {
    let draft = read(&row.draft)?;
    let published = row.published.as_ref().map(read).transpose()?;
    let remote = row.remote.as_ref().filter(|remote| !remote.is_null()).map(read).transpose()?;
    let shown = remote.clone().unwrap_or_default();
    Ok(MenuState {
        account,
        unpublished: published.as_ref().is_none_or(|published| *published != draft),
        drifted: row.read_at.is_some() && published.is_some_and(|published| published != shown),
        draft,
        remote,
        read_at: row.read_at,
        published_at: row.published_at,
        version: row.version,
    })
}

/// The menu of an account.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: ChannelAccountId) -> Answer<MenuState> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let row = menu_get(&tx, id).await?;
    state_of(account, row)
}

/// A button as somebody typed it.
#[derive(Debug, Clone, Default)]
pub struct TypedButton {
    /// What stands on it.
    pub name: String,
    /// `view`, `click` or `mini_program`; of a button with others below it, nothing.
    pub kind: String,
    /// Of `view` and `mini_program`.
    pub url: String,
    /// Of `click`.
    pub key: String,
    /// Of `mini_program`.
    pub app_id: String,
    /// Of `mini_program`.
    pub path: String,
    /// Those below it.
    pub below: Vec<TypedButton>,
}

fn button(typed: &TypedButton, path: &str, top: bool, errors: &mut Vec<FieldError>) -> Option<MenuButton> {
    let field = |name: &str| format!("{path}.{name}");
    let before = errors.len();
    let mut keep = |outcome: Result<String, FieldError>| match outcome {
        Ok(text) => text,
        Err(error) => {
            errors.push(error);
            String::new()
        }
    };
    let name = keep(button_name(&field("name"), &typed.name, top));
    let action = match typed.kind.as_str() {
        _ if !typed.below.is_empty() => None,
        "view" => Some(MenuAction::View { url: keep(page_address(&field("url"), &typed.url)) }),
        "click" => Some(MenuAction::Click { key: keep(click_key(&field("key"), &typed.key)) }),
        "mini_program" => Some(MenuAction::MiniProgram {
            app_id: keep(mini_program(&field("app_id"), &typed.app_id)),
            path: keep(mini_program(&field("path"), &typed.path)),
            url: keep(page_address(&field("url"), &typed.url)),
        }),
        _ => {
            let (en, zh) = ("view, click or mini_program", "请选择按钮的作用");
            keep(Err(FieldError::new(field("kind"), "unknown", en, zh)));
            None
        }
    };
    let mut below = Vec::new();
    if typed.below.len() > if top { MOST_BELOW } else { 0 } {
        let (en, zh) =
            (format!("at most {MOST_BELOW} below a button"), format!("最多 {MOST_BELOW} 个子按钮"));
        errors.push(FieldError::new(field("below"), "too_many", en, zh));
    } else {
        for (index, one) in typed.below.iter().enumerate() {
            below.extend(button(one, &format!("{path}.below[{index}]"), false, errors));
        }
    }
    (errors.len() == before).then_some(MenuButton { name, action, below })
}

/// Keeps what is being written; people see it only after it was set.
pub async fn save(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ChannelAccountId,
    seen: Option<i64>,
    typed: &[TypedButton],
) -> Answer<MenuState> {
    // Somebody else's account is not there, whatever was typed.
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let mut errors = Vec::new();
    let mut buttons = Vec::new();
    if typed.len() > MOST_TOP {
        let (en, zh) = (format!("at most {MOST_TOP} buttons"), format!("最多 {MOST_TOP} 个按钮"));
        errors.push(FieldError::new("buttons", "too_many", en, zh));
    } else {
        for (index, one) in typed.iter().enumerate() {
            buttons.extend(button(one, &format!("buttons[{index}]"), true, &mut errors));
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_of(&tx, grant, id).await?;
    let row = menu_get(&tx, id).await?;
    if seen.is_some_and(|seen| seen != row.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    let draft = json!(Menu { buttons });
    menu_save_draft(&mut tx, id, row.version, &draft).await?;
    let row = menu_get(&tx, id).await?;
    tx.commit().await?;
    state_of(account, row)
}

/// Sets the menu at the platform, and reads it back.
pub async fn publish(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ChannelAccountId,
) -> Answer<MenuState> {
    let before = get(state, grant, id).await?;
    if before.version == 0 {
        let (en, zh) = ("write a menu first", "请先保存菜单");
        return Err(FieldError::new("buttons", "required", en, zh).into());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().set_menu(call.account_ref(), &before.draft).await;
    call.settle(answer).await?;
    // Noted before it is read back: that the reading fails changes nothing of it, and what people see is then unread.
    let published = json!(before.draft);
    let mut tx = state.db.begin(grant.ctx()).await?;
    menu_published(&mut tx, id, &published).await?;
    let detail = json!({ "buttons": before.draft.buttons.len() });
    audit_append(&mut tx, AuditAction::AccountMenuPublished, "channel_account", &id.to_string(), detail)
        .await?;
    tx.commit().await?;
    let answer = call.host().menu(call.account_ref()).await;
    let remote = call.settle(answer).await;
    let mut tx = state.db.begin(grant.ctx()).await?;
    if let Ok(remote) = remote {
        menu_seen(&mut tx, id, &json!(remote)).await?;
    }
    let row = menu_get(&tx, id).await?;
    tx.commit().await?;
    state_of(before.account, row)
}

/// Reads the menu that people see now. Where nothing was written here yet, it becomes the draft.
pub async fn read_back(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ChannelAccountId,
) -> Answer<MenuState> {
    let before = get(state, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().menu(call.account_ref()).await;
    let remote = call.settle(answer).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    if before.version == 0 {
        let draft = json!(remote.clone().unwrap_or_default());
        menu_save_draft(&mut tx, id, 0, &draft).await?;
    }
    menu_seen(&mut tx, id, &json!(remote)).await?;
    let row = menu_get(&tx, id).await?;
    tx.commit().await?;
    state_of(before.account, row)
}
