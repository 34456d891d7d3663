//! The registry: one slice, in code order.

use qianpu_sdk::Channel;

/// Every built-in channel.
pub static CHANNELS: &[&dyn Channel] = &[
    &qianpu_wechat_store::WechatStore,
    &qianpu_wechat_official_account::WechatOfficialAccount,
    &qianpu_douyin::Douyin,
];

/// A channel by its slug.
pub fn find(slug: &str) -> Option<&'static dyn Channel> {
    CHANNELS.iter().copied().find(|channel| channel.info().slug == slug)
}
