//! The registry: the built-in channels, one slice in code order, and the plugins that were added while running.

use arc_swap::ArcSwap;
use qianpu_sdk::Channel;
use std::sync::{Arc, LazyLock};

/// Every built-in channel.
pub static CHANNELS: &[&dyn Channel] = &[
    &qianpu_wechat_store::WechatStore,
    &qianpu_wechat_official_account::WechatOfficialAccount,
    &qianpu_wechat_channels::WechatChannels,
    &qianpu_douyin::Douyin,
];

type Added = Vec<(String, &'static dyn Channel)>;

/// Plugins by slug. One with the slug of a built-in channel stands in its place.
static ADDED: LazyLock<ArcSwap<Added>> = LazyLock::new(|| ArcSwap::from_pointee(Vec::new()));

/// A channel by its slug.
pub fn find(slug: &str) -> Option<&'static dyn Channel> {
    let added = ADDED.load();
    let found = added.iter().find(|(own, _)| own == slug).map(|(_, channel)| *channel);
    found.or_else(|| CHANNELS.iter().copied().find(|channel| channel.info().slug == slug))
}

/// Whether the channel of this slug is a plugin that was added while running.
pub fn is_component(slug: &str) -> bool {
    ADDED.load().iter().any(|(own, _)| own == slug)
}

/// Every channel there is now: built-in ones, then plugins.
pub fn channels() -> Vec<&'static dyn Channel> {
    let added = ADDED.load();
    let replaced = |slug: &str| added.iter().any(|(own, _)| own == slug);
    let mut channels: Vec<&'static dyn Channel> =
        CHANNELS.iter().copied().filter(|channel| !replaced(channel.info().slug)).collect();
    channels.extend(added.iter().map(|(_, channel)| *channel));
    channels
}

/// Puts a plugin into the registry, in the place of what had its slug.
#[cfg_attr(not(feature = "wasm"), expect(dead_code, reason = "only components are added while running"))]
pub(crate) fn add(slug: &str, channel: &'static dyn Channel) {
    ADDED.rcu(|added| {
        let mut added: Added = added.iter().filter(|(own, _)| own != slug).cloned().collect();
        added.push((slug.to_owned(), channel));
        added.sort_by(|(one, _), (other, _)| one.cmp(other));
        Arc::new(added)
    });
}

/// Takes a plugin out; a built-in channel of the same slug is there again.
#[cfg_attr(not(feature = "wasm"), expect(dead_code, reason = "only components are added while running"))]
pub(crate) fn remove(slug: &str) {
    ADDED.rcu(|added| Arc::new(added.iter().filter(|(own, _)| own != slug).cloned().collect::<Added>()));
}
