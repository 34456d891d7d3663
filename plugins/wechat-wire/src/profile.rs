//! Reading `api_get_authorizer_info`: which kind of account granted, and how it fares.

use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{AccountProfile, ChannelError};
use serde_json::Value;

/// Code of the kind "WeChat shop".
pub const STORE: &str = "wechat_store";
/// Code of the kind "public account".
pub const OFFICIAL_ACCOUNT: &str = "official_account";
/// Code of the kind "channels account" 视频号.
pub const CHANNELS_ACCOUNT: &str = "channels_account";
/// Code of the kind "mini-program".
pub const MINI_PROGRAM: &str = "mini_program";
/// Code of the kind "creator's assistant" 带货助手.
pub const TALENT: &str = "talent";
/// Code of the kind "supplier".
pub const SUPPLIER: &str = "supplier";

/// Reads the answer.
pub fn read(body: &Value) -> Result<AccountProfile, ChannelError> {
    let info = &body["authorizer_info"];
    if !info.is_object() {
        return Err(ChannelError::unexpected("the answer has no authorizer_info"));
    }
    let state = integer(&info["account_status"]);
    Ok(AccountProfile {
        external_id: id(&body["authorization_info"]["authorizer_appid"]),
        kind: Some(kind(info).to_owned()),
        user_name: text(&info["user_name"]),
        name: text(&info["nick_name"]),
        avatar_url: text(&info["head_img"]),
        subject: text(&info["principal_name"]),
        native_state: state.map(|state| state.to_string()),
        active: match state {
            // 1 normal, 18 warned
            Some(1 | 18) => Some(true),
            // 14 closed, 16 banned, 19 frozen
            Some(14 | 16 | 19) => Some(false),
            _ => None,
        },
        opened_at: None,
        scopes: scopes(&body["authorization_info"]["func_info"]),
    })
}

/// The blocks `store_info`, `channels_info`, … tell the kind; they are absent or empty for other kinds.
fn kind(info: &Value) -> &'static str {
    let blocks = [
        ("store_info", STORE),
        ("channels_info", CHANNELS_ACCOUNT),
        ("talent_info", TALENT),
        ("supplier_info", SUPPLIER),
    ];
    for (block, kind) in blocks {
        if id(&info[block]["id"]).is_some_and(|id| id != "0") {
            return kind;
        }
    }
    if info["MiniProgramInfo"].as_object().is_some_and(|block| !block.is_empty()) {
        MINI_PROGRAM
    } else {
        OFFICIAL_ACCOUNT
    }
}

/// `func_info:[{funcscope_category:{id}}]` → ids.
pub fn scopes(func_info: &Value) -> Vec<String> {
    let rows = func_info.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(|row| id(&row["funcscope_category"]["id"])).collect()
}
