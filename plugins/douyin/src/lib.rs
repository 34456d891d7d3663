//! Douyin shop 抖店: products, stock, orders, shipping, the receiver in the clear.
//!
//! A merchant links the shop by the authorisation page of the platform's service market, with the provider's tool app
//! 工具型应用, or with a self-use app 自用型应用 made for the shop alone. An app has an id and a secret that sign every call
//! and every push, and no token of its own. Field names follow the platform's
//! documents as its public client libraries carry them; what is our assumption says so where it stands.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account;
mod aftersale;
mod app;
mod call;
mod case;
pub mod errors;
mod listing;
mod order;
mod orders;
mod product;
mod publish;
mod reveal;
mod shipping;
pub mod sign;
mod stock;
mod webhook;

use qianpu_sdk::{
    AccountAuth, AccountInfo, AccountKind, AccountMenu, Affiliate, Aftersale, Analytics, AppAuth, AppSetting,
    AppShape, AppStyle, Bucket, CallQuotas, Catalog, Channel, ChannelInfo, Content, Disputes, Fans,
    Fulfilment, Funds, Guarantees, HostName, Leads, LinkMode, Live, Messaging, OrderDesk, Orders,
    PersonSignIn, Promotions, PushFormat, PushRule, Qualifications, Reveal, SceneCodes, ShopDesk, Showcase,
    Stock, Templates, Webhook,
};

/// The channel.
#[derive(Debug, Clone, Copy)]
pub struct Douyin;

/// Code of the kind "Douyin shop".
pub const SHOP: &str = "douyin_shop";

pub(crate) const API: &str = "api";
pub(crate) const LOGIN: &str = "login";
pub(crate) const CALLS: &str = "calls";
pub(crate) const TOKENS: &str = "tokens";
pub(crate) const DECRYPTS: &str = "decrypts";

/// The setting that names the provider's service in the market.
pub(crate) const SERVICE_ID: &str = "service_id";

static INFO: ChannelInfo = ChannelInfo {
    slug: "douyin",
    name_en: "Douyin shop",
    name_zh: "抖店",
    kinds: &[AccountKind { code: SHOP, name_en: "Douyin shop", name_zh: "抖店" }],
    link_modes: &[LinkMode::AuthorisationLink, LinkMode::Direct],
    app_family: Some("douyin"),
    app_shape: AppShape {
        style: AppStyle::Signing,
        settings: &[AppSetting {
            name: SERVICE_ID,
            name_en: "Service id (service_id)",
            name_zh: "服务 ID（service_id）",
        }],
        callback: "douyin",
    },
    push_rules: &[
        PushRule { mode: LinkMode::AuthorisationLink, formats: &[PushFormat::Json] },
        PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Json] },
    ],
    hosts: &[
        HostName { name: API, base_url: "https://openapi-fxg.jinritemai.com" },
        HostName { name: LOGIN, base_url: "https://fuwu.jinritemai.com" },
    ],
    // Limits that are ours: the platform's are per app and interface, and its documents give no numbers.
    buckets: &[
        Bucket { name: CALLS, per_minute: 1_200, burst: 60 },
        Bucket { name: TOKENS, per_minute: 60, burst: 20 },
        Bucket { name: DECRYPTS, per_minute: 60, burst: 20 },
    ],
};

impl Channel for Douyin {
    fn info(&self) -> &'static ChannelInfo {
        &INFO
    }
    fn app(&self) -> Option<&dyn AppAuth> {
        Some(self)
    }
    fn auth(&self) -> Option<&dyn AccountAuth> {
        Some(self)
    }
    fn webhook(&self) -> Option<&dyn Webhook> {
        Some(self)
    }
    fn sign_in(&self) -> Option<&dyn PersonSignIn> {
        None
    }
    fn account(&self) -> Option<&dyn AccountInfo> {
        Some(self)
    }
    fn catalog(&self) -> Option<&dyn Catalog> {
        Some(self)
    }
    fn stock(&self) -> Option<&dyn Stock> {
        Some(self)
    }
    fn orders(&self) -> Option<&dyn Orders> {
        Some(self)
    }
    fn order_desk(&self) -> Option<&dyn OrderDesk> {
        None
    }
    fn promotions(&self) -> Option<&dyn Promotions> {
        None
    }
    fn fulfilment(&self) -> Option<&dyn Fulfilment> {
        Some(self)
    }
    fn reveal(&self) -> Option<&dyn Reveal> {
        Some(self)
    }
    fn messaging(&self) -> Option<&dyn Messaging> {
        None
    }
    fn aftersale(&self) -> Option<&dyn Aftersale> {
        Some(self)
    }
    fn disputes(&self) -> Option<&dyn Disputes> {
        None
    }
    fn menu(&self) -> Option<&dyn AccountMenu> {
        None
    }
    fn codes(&self) -> Option<&dyn SceneCodes> {
        None
    }
    fn fans(&self) -> Option<&dyn Fans> {
        None
    }
    fn templates(&self) -> Option<&dyn Templates> {
        None
    }
    fn content(&self) -> Option<&dyn Content> {
        None
    }
    fn showcase(&self) -> Option<&dyn Showcase> {
        None
    }
    fn live(&self) -> Option<&dyn Live> {
        None
    }
    fn leads(&self) -> Option<&dyn Leads> {
        None
    }
    fn shop_desk(&self) -> Option<&dyn ShopDesk> {
        None
    }
    fn funds(&self) -> Option<&dyn Funds> {
        None
    }
    fn qualifications(&self) -> Option<&dyn Qualifications> {
        None
    }
    fn guarantees(&self) -> Option<&dyn Guarantees> {
        None
    }
    fn call_quotas(&self) -> Option<&dyn CallQuotas> {
        None
    }
    fn analytics(&self) -> Option<&dyn Analytics> {
        None
    }
    fn affiliate(&self) -> Option<&dyn Affiliate> {
        None
    }
}
