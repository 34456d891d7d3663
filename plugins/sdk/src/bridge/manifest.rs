//! The manifest: who a component is, and what it asks for.

use crate::channel::Channel;
use crate::info::{AppStyle, ChannelInfo, LinkMode, PushFormat};
use serde::{Deserialize, Serialize};

/// The schema of [`Manifest`].
pub const MANIFEST_SCHEMA: &str = "qianpu.manifest/1";

/// What a plugin can do; the accessors of [`Channel`] by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// [`Channel::app`]
    App,
    /// [`Channel::auth`]
    Auth,
    /// [`Channel::webhook`]
    Webhook,
    /// [`Channel::sign_in`]
    SignIn,
    /// [`Channel::account`]
    Account,
    /// [`Channel::catalog`]
    Catalog,
    /// [`Channel::stock`]
    Stock,
    /// [`Channel::orders`]
    Orders,
    /// [`Channel::order_desk`]
    OrderDesk,
    /// [`Channel::promotions`]
    Promotions,
    /// [`Channel::fulfilment`]
    Fulfilment,
    /// [`Channel::reveal`]
    Reveal,
    /// [`Channel::messaging`]
    Messaging,
    /// [`Channel::aftersale`]
    Aftersale,
    /// [`Channel::disputes`]
    Disputes,
    /// [`Channel::menu`]
    Menu,
    /// [`Channel::codes`]
    Codes,
    /// [`Channel::fans`]
    Fans,
    /// [`Channel::templates`]
    Templates,
    /// [`Channel::content`]
    Content,
    /// [`Channel::showcase`]
    Showcase,
    /// [`Channel::live`]
    Live,
    /// [`Channel::leads`]
    Leads,
    /// [`Channel::shop_desk`]
    ShopDesk,
    /// [`Channel::funds`]
    Funds,
    /// [`Channel::qualifications`]
    Qualifications,
    /// [`Channel::guarantees`]
    Guarantees,
    /// [`Channel::call_quotas`]
    CallQuotas,
    /// [`Channel::analytics`]
    Analytics,
    /// [`Channel::affiliate`]
    Affiliate,
}

/// Who a component is. Fields may be added; what is not known is ignored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// Stable id, lower case with hyphens; part of the push address.
    pub slug: String,
    /// Version of the plugin: three numbers.
    pub version: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Kinds of account.
    pub kinds: Vec<KindForm>,
    /// Ways to link: `direct`, `authorisation_link`, `purchase`.
    pub link_modes: Vec<String>,
    /// Channels with the same family share one channel app.
    #[serde(default)]
    pub app_family: Option<String>,
    /// How the provider's app works; for a plugin with the capability `app`.
    #[serde(default)]
    pub app_shape: Option<AppShapeForm>,
    /// Push formats by way of linking.
    #[serde(default)]
    pub push_rules: Vec<PushRuleForm>,
    /// Hosts it talks to. It reaches nothing else; the operator agrees to these.
    pub hosts: Vec<HostForm>,
    /// Rate-limit buckets.
    #[serde(default)]
    pub buckets: Vec<BucketForm>,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// What people call the platform, for a plugin that signs people in.
    #[serde(default)]
    pub sign_in: Option<NamesForm>,
    /// Names of JSON fields of the platform's answers that hold tokens. The component sees handles in their place,
    /// and a token in an outcome has to be such a handle.
    #[serde(default)]
    pub secret_fields: Vec<String>,
}

/// How the provider's app works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AppShapeForm {
    /// `ticket_and_token`, `signing`.
    pub style: String,
    /// What the provider types besides: `code` is the name in the settings.
    #[serde(default)]
    pub settings: Vec<KindForm>,
    /// A word in the address browsers come back to.
    pub callback: String,
}

/// A kind of account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KindForm {
    /// Stable code.
    pub code: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Chinese.
    pub name_zh: String,
}

/// Which formats a way of linking uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PushRuleForm {
    /// The way of linking.
    pub mode: String,
    /// `json`, `xml`.
    pub formats: Vec<String>,
}

/// A host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HostForm {
    /// Name used in requests.
    pub name: String,
    /// Base URL, without a slash at the end.
    pub base_url: String,
}

/// A rate limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BucketForm {
    /// Name used in requests.
    pub name: String,
    /// Calls refilled per minute.
    pub per_minute: u32,
    /// Calls that may be made at once.
    pub burst: u32,
}

/// What people call a platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamesForm {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
    /// What stands in the user agent of its browser.
    pub browser: String,
}

impl Capability {
    /// Every capability.
    pub const ALL: &'static [Self] = &[
        Self::App,
        Self::Auth,
        Self::Webhook,
        Self::SignIn,
        Self::Account,
        Self::Catalog,
        Self::Stock,
        Self::Orders,
        Self::OrderDesk,
        Self::Promotions,
        Self::Fulfilment,
        Self::Reveal,
        Self::Messaging,
        Self::Aftersale,
        Self::Disputes,
        Self::Menu,
        Self::Codes,
        Self::Fans,
        Self::Templates,
        Self::Content,
        Self::Showcase,
        Self::Live,
        Self::Leads,
        Self::ShopDesk,
        Self::Funds,
        Self::Qualifications,
        Self::Guarantees,
        Self::CallQuotas,
        Self::Analytics,
        Self::Affiliate,
    ];
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Auth => "auth",
            Self::Webhook => "webhook",
            Self::SignIn => "sign_in",
            Self::Account => "account",
            Self::Catalog => "catalog",
            Self::Stock => "stock",
            Self::Orders => "orders",
            Self::OrderDesk => "order_desk",
            Self::Promotions => "promotions",
            Self::Fulfilment => "fulfilment",
            Self::Reveal => "reveal",
            Self::Messaging => "messaging",
            Self::Aftersale => "aftersale",
            Self::Disputes => "disputes",
            Self::Menu => "menu",
            Self::Codes => "codes",
            Self::Fans => "fans",
            Self::Templates => "templates",
            Self::Content => "content",
            Self::Showcase => "showcase",
            Self::Live => "live",
            Self::Leads => "leads",
            Self::ShopDesk => "shop_desk",
            Self::Funds => "funds",
            Self::Qualifications => "qualifications",
            Self::Guarantees => "guarantees",
            Self::CallQuotas => "call_quotas",
            Self::Analytics => "analytics",
            Self::Affiliate => "affiliate",
        }
    }
    fn of(self, channel: &dyn Channel) -> bool {
        match self {
            Self::App => channel.app().is_some(),
            Self::Auth => channel.auth().is_some(),
            Self::Webhook => channel.webhook().is_some(),
            Self::SignIn => channel.sign_in().is_some(),
            Self::Account => channel.account().is_some(),
            Self::Catalog => channel.catalog().is_some(),
            Self::Stock => channel.stock().is_some(),
            Self::Orders => channel.orders().is_some(),
            Self::OrderDesk => channel.order_desk().is_some(),
            Self::Promotions => channel.promotions().is_some(),
            Self::Fulfilment => channel.fulfilment().is_some(),
            Self::Reveal => channel.reveal().is_some(),
            Self::Messaging => channel.messaging().is_some(),
            Self::Aftersale => channel.aftersale().is_some(),
            Self::Disputes => channel.disputes().is_some(),
            Self::Menu => channel.menu().is_some(),
            Self::Codes => channel.codes().is_some(),
            Self::Fans => channel.fans().is_some(),
            Self::Templates => channel.templates().is_some(),
            Self::Content => channel.content().is_some(),
            Self::Showcase => channel.showcase().is_some(),
            Self::Live => channel.live().is_some(),
            Self::Leads => channel.leads().is_some(),
            Self::ShopDesk => channel.shop_desk().is_some(),
            Self::Funds => channel.funds().is_some(),
            Self::Qualifications => channel.qualifications().is_some(),
            Self::Guarantees => channel.guarantees().is_some(),
            Self::CallQuotas => channel.call_quotas().is_some(),
            Self::Analytics => channel.analytics().is_some(),
            Self::Affiliate => channel.affiliate().is_some(),
        }
    }
}

impl Manifest {
    /// The manifest of a channel written in Rust.
    pub fn of(channel: &dyn Channel, version: &str, secret_fields: &[&str]) -> Self {
        let info: &ChannelInfo = channel.info();
        let kind = |kind: &crate::AccountKind| KindForm {
            code: kind.code.to_owned(),
            name_en: kind.name_en.to_owned(),
            name_zh: kind.name_zh.to_owned(),
        };
        let setting = |setting: &crate::AppSetting| KindForm {
            code: setting.name.to_owned(),
            name_en: setting.name_en.to_owned(),
            name_zh: setting.name_zh.to_owned(),
        };
        let rule = |rule: &crate::PushRule| PushRuleForm {
            mode: rule.mode.as_str().to_owned(),
            formats: rule.formats.iter().copied().map(PushFormat::as_str).map(str::to_owned).collect(),
        };
        let host = |host: &crate::HostName| HostForm {
            name: host.name.to_owned(),
            base_url: host.base_url.to_owned(),
        };
        let bucket = |bucket: &crate::Bucket| BucketForm {
            name: bucket.name.to_owned(),
            per_minute: bucket.per_minute,
            burst: bucket.burst,
        };
        Self {
            schema: MANIFEST_SCHEMA.to_owned(),
            slug: info.slug.to_owned(),
            version: version.to_owned(),
            name_en: info.name_en.to_owned(),
            name_zh: info.name_zh.to_owned(),
            kinds: info.kinds.iter().map(kind).collect(),
            link_modes: info.link_modes.iter().copied().map(LinkMode::as_str).map(str::to_owned).collect(),
            app_family: info.app_family.map(str::to_owned),
            app_shape: channel.app().map(|_| AppShapeForm {
                style: match info.app_shape.style {
                    AppStyle::TicketAndToken => "ticket_and_token".to_owned(),
                    AppStyle::Signing => "signing".to_owned(),
                },
                settings: info.app_shape.settings.iter().map(setting).collect(),
                callback: info.app_shape.callback.to_owned(),
            }),
            push_rules: info.push_rules.iter().map(rule).collect(),
            hosts: info.hosts.iter().map(host).collect(),
            buckets: info.buckets.iter().map(bucket).collect(),
            capabilities: Capability::ALL.iter().copied().filter(|one| one.of(channel)).collect(),
            sign_in: channel.sign_in().map(|sign_in| {
                let names = sign_in.names();
                NamesForm {
                    zh: names.zh.to_owned(),
                    en: names.en.to_owned(),
                    browser: names.browser.to_owned(),
                }
            }),
            secret_fields: secret_fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }
}
