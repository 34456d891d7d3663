//! Names of channels, kinds and permission sets, for people.

use crate::app::channels::exchanges::needed_scopes;
use crate::pages::lang::Lang;
use qianpu_domain::error::ErrorCode;
use serde::Serialize;

/// The name of a channel.
pub(in crate::http::console) fn channel(slug: &str, lang: Lang) -> String {
    qianpu_host::find(slug).map_or_else(
        || slug.to_owned(),
        |channel| lang.pick(channel.info().name_zh, channel.info().name_en).to_owned(),
    )
}

/// The name of a kind of account.
pub(in crate::http::console) fn kind(code: &str, lang: Lang) -> String {
    let kinds = qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds);
    kinds
        .filter(|kind| kind.code == code)
        .map(|kind| lang.pick(kind.name_zh, kind.name_en).to_owned())
        .next()
        .or_else(|| seller(code).map(|(zh, en)| lang.pick(zh, en).to_owned()))
        .unwrap_or_else(|| code.to_owned())
}

/// Kinds of accounts that orders name as their source and that are not linked themselves.
fn seller(code: &str) -> Option<(&'static str, &'static str)> {
    match code {
        "douyin_creator" => Some(("抖音达人", "Douyin creator")),
        "mini_program" => Some(("小程序", "Mini program")),
        _ => None,
    }
}

/// The title of an error code.
pub(in crate::http::console) fn code(code: &str, lang: Lang) -> String {
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    known.map_or_else(|| code.to_owned(), |code| lang.pick(code.title_zh(), code.title_en()).to_owned())
}

/// The key of the texts about a channel: its slug, or `other` for a plugin that nobody wrote texts for.
pub(super) fn texts(slug: &str) -> &'static str {
    let known = qianpu_host::CHANNELS.iter().map(|channel| channel.info().slug).find(|known| *known == slug);
    known.unwrap_or("other")
}

/// The key of the texts that say how accounts are linked through the provider's app.
pub(super) fn way(info: &qianpu_sdk::ChannelInfo) -> &'static str {
    let mode = info.link_modes.iter().find(|mode| mode.through_app());
    match (info.app_family, mode) {
        (_, None) => "",
        (Some("douyin"), _) => "douyin",
        (Some("wechat-open"), Some(mode)) => mode.as_str(),
        (_, Some(_)) => "other",
    }
}

/// A permission set with what it lets us do. The numbers are the platform's.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Scope {
    id: String,
    text: String,
}

const WECHAT: &[(&str, &str, &str)] = &[
    ("1", "消息管理", "Messages"),
    ("2", "用户管理", "Followers"),
    ("3", "账号服务", "Account services"),
    ("4", "网页服务", "Web pages"),
    ("7", "群发与通知", "Broadcasts and notices"),
    ("11", "素材管理", "Media"),
    ("15", "自定义菜单", "Menu"),
    ("24", "开放平台账号", "Open-platform account"),
    ("33", "小程序关联", "Linked mini-programs"),
    ("34", "商品库", "Product library"),
    ("54", "服务号对话", "Conversations"),
    ("89", "订阅通知", "Subscription notices"),
    ("100", "草稿箱", "Drafts"),
    ("129", "小店商品", "Shop products"),
    ("130", "小店订单", "Shop orders"),
    ("131", "小店售后", "Shop after-sale"),
    ("132", "小店物流", "Shop shipping"),
    ("133", "小店资金", "Shop funds"),
    ("143", "留资组件", "Lead forms"),
    ("160", "留资直播数据", "Live rooms with forms"),
    ("176", "达人数据", "Figures of live rooms"),
    ("177", "橱窗管理", "Window"),
];

/// What we use of a shop at Douyin: the platform grants by groups of interfaces, named here by us.
const DOUYIN: &[(&str, &str, &str)] = &[
    // What the platform itself calls the one scope of a shop's token.
    ("SCOPE", "店铺授权（按应用的接口权限包）", "The shop's grant, within the app's interfaces"),
    ("product", "商品与库存", "Products and stock"),
    ("order", "订单", "Orders"),
    ("logistics", "发货与物流", "Shipping"),
    ("aftersale", "售后与退款", "After-sale and refunds"),
    ("decrypt", "收件信息解密", "Decryption of receivers"),
    ("message", "消息推送", "Pushes"),
];

/// What a set of scopes lets us do; unknown ones are shown by their number.
pub(super) fn scopes(ids: &[String], lang: Lang) -> Vec<Scope> {
    let text = |id: &str| {
        let known = WECHAT.iter().chain(DOUYIN).find(|(number, ..)| *number == id);
        known.map_or_else(|| format!("#{id}"), |(_, zh, en)| lang.pick(zh, en).to_owned())
    };
    ids.iter().map(|id| Scope { id: id.clone(), text: text(id) }).collect()
}

/// What a link asks for, by kind, before it is made.
pub(super) fn asked(kind: &str, lang: Lang) -> Vec<Scope> {
    let ids: &[&str] = match kind {
        // The platform's token names one scope for all of it, so these are for people to read only.
        "douyin_shop" => &["product", "order", "logistics", "aftersale", "decrypt", "message"],
        _ => needed_scopes(kind),
    };
    scopes(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), lang)
}
