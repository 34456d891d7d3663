//! The shop's own profile (`basics/info/get`).

use crate::WechatStore;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{AccountInfo, AccountProfile, Answer, ChannelError, Context, Step, Turn};
use qianpu_wechat_wire::call::{account_get, read_only};
use qianpu_wechat_wire::profile::STORE;

impl AccountInfo for WechatStore {
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        Ok(Step::call(account_get(cx, "/channels/ec/basics/info/get")?, Vec::new()))
    }

    fn resume_profile(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<AccountProfile> {
        let body = read_only(cx, answers)?;
        let info = &body["info"];
        if !info.is_object() {
            return Err(ChannelError::unexpected("the answer has no info"));
        }
        let state = text(&info["status"]);
        Ok(Step::Done(AccountProfile {
            external_id: Some(cx.account()?.external_id.clone()),
            kind: Some(STORE.to_owned()),
            user_name: text(&info["username"]),
            name: text(&info["nickname"]),
            avatar_url: text(&info["headimg_url"]),
            subject: text(&info["subject_type"]),
            active: match state.as_deref() {
                Some("open_finished") => Some(true),
                Some("opening" | "closing" | "close_finished") => Some(false),
                _ => None,
            },
            native_state: state,
            opened_at: integer(&info["open_timestamp"]).filter(|at| *at > 0).map(Timestamp::from_seconds),
            scopes: Vec::new(),
        }))
    }
}
