//! WeChat shop 微信小店: products, stock, orders, shipping, freight templates, addresses, money, categories, brands.
//!
//! A merchant links the shop by buying the provider's service in the platform's market (the platform pushes
//! `authorized`), or directly by id and secret. Facts and field names: the platform's documents, `channels/ec/…`.
//! Nothing here is idempotent at the platform, so every writing operation reads first.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account;
mod aftersale;
mod alliance;
mod alliance_changes;
mod brand;
mod case;
mod category;
mod compass;
mod coupon;
mod coupon_terms;
mod desk;
mod discount;
mod dispute;
mod freight;
mod funds;
mod furniture;
mod guarantee;
mod listing;
mod order;
mod orders;
mod product;
mod publish;
mod qualifications;
mod reveal;
mod shipping;
mod stock;
mod webhook;

use qianpu_sdk::{
    AccountAuth, AccountInfo, AccountKind, AccountMenu, Affiliate, Aftersale, Analytics, AppAuth, CallQuotas,
    Catalog, Channel, ChannelInfo, Content, Disputes, Fans, Fulfilment, Funds, Guarantees, Leads, LinkMode,
    Live, Messaging, OrderDesk, Orders, PersonSignIn, Promotions, PushFormat, PushRule, Qualifications,
    Reveal, SceneCodes, ShopDesk, Showcase, Stock, Templates, Webhook,
};
use qianpu_wechat_wire::call::{BUCKETS, HOSTS};
use qianpu_wechat_wire::component::{Component, LinkStyle};
use qianpu_wechat_wire::profile::STORE;
use qianpu_wechat_wire::quota::Quotas;
use qianpu_wechat_wire::token::WechatAccountAuth;

/// The channel.
#[derive(Debug, Clone, Copy)]
pub struct WechatStore;

static INFO: ChannelInfo = ChannelInfo {
    slug: "wechat-store",
    name_en: "WeChat shop",
    name_zh: "微信小店",
    kinds: &[AccountKind { code: STORE, name_en: "WeChat shop", name_zh: "微信小店" }],
    link_modes: &[LinkMode::Purchase, LinkMode::Direct],
    app_family: Some("wechat-open"),
    app_shape: qianpu_wechat_wire::component::SHAPE,
    push_rules: &[
        // Third-party platform: XML only. A shop's own developer: JSON only. Both in secure mode only.
        PushRule { mode: LinkMode::Purchase, formats: &[PushFormat::Xml] },
        PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Json] },
    ],
    hosts: HOSTS,
    buckets: BUCKETS,
};

static APP: Component = Component { link: LinkStyle::Purchase };

impl Channel for WechatStore {
    fn info(&self) -> &'static ChannelInfo {
        &INFO
    }
    fn app(&self) -> Option<&dyn AppAuth> {
        Some(&APP)
    }
    fn auth(&self) -> Option<&dyn AccountAuth> {
        Some(&WechatAccountAuth)
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
        Some(self)
    }
    fn promotions(&self) -> Option<&dyn Promotions> {
        Some(self)
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
        Some(self)
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
        Some(self)
    }
    fn funds(&self) -> Option<&dyn Funds> {
        Some(self)
    }
    fn qualifications(&self) -> Option<&dyn Qualifications> {
        Some(self)
    }
    fn guarantees(&self) -> Option<&dyn Guarantees> {
        Some(self)
    }
    fn call_quotas(&self) -> Option<&dyn CallQuotas> {
        Some(&Quotas)
    }
    fn analytics(&self) -> Option<&dyn Analytics> {
        Some(self)
    }
    fn affiliate(&self) -> Option<&dyn Affiliate> {
        Some(self)
    }
}
