//! Public accounts 公众号: subscription accounts 订阅号 and service accounts 服务号.
//!
//! A public account has no catalogue and no orders; it reaches people by menu, messages and articles. It is
//! linked by the authorisation link of the provider's third-party platform, or directly by id and secret.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod content;
mod fans;
mod menu;
mod messaging;
mod scene_code;
mod sign_in;
mod templates;

use content::Articles;
use fans::FollowerTags;
use menu::CustomMenu;
use messaging::CustomerService;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    AccountAuth, AccountInfo, AccountKind, AccountMenu, AccountProfile, Affiliate, Aftersale, Analytics,
    Answer, AppAuth, CallQuotas, Catalog, Channel, ChannelError, ChannelInfo, Content, Context, Disputes,
    Fans, Fulfilment, Funds, Guarantees, Leads, LinkMode, Live, Messaging, Notice, OrderDesk, Orders,
    PersonSignIn, Promotions, PushCredentials, PushFormat, PushRefusal, PushReply, PushRule, Qualifications,
    RawPush, Reveal, SceneCodes, ShopDesk, Showcase, Step, Stock, Templates, Turn, Verified, Webhook,
};
use qianpu_wechat_wire::call::{BUCKETS, HOSTS, account_get, read_only};
use qianpu_wechat_wire::component::{Component, LinkStyle};
use qianpu_wechat_wire::profile::OFFICIAL_ACCOUNT;
use qianpu_wechat_wire::quota::Quotas;
use qianpu_wechat_wire::token::WechatAccountAuth;
use qianpu_wechat_wire::{events, push};
use scene_code::ParameterCodes;
use sign_in::WebSignIn;
use templates::ServiceNotices;

/// The channel.
#[derive(Debug, Clone, Copy)]
pub struct WechatOfficialAccount;

static INFO: ChannelInfo = ChannelInfo {
    slug: "wechat-official-account",
    name_en: "WeChat public account",
    name_zh: "微信公众号",
    kinds: &[AccountKind { code: OFFICIAL_ACCOUNT, name_en: "Public account", name_zh: "公众号" }],
    link_modes: &[LinkMode::AuthorisationLink, LinkMode::Direct],
    app_family: Some("wechat-open"),
    app_shape: qianpu_wechat_wire::component::SHAPE,
    push_rules: &[
        // A third-party platform is pushed to in XML only; an account of one's own may choose. Secure mode always.
        PushRule { mode: LinkMode::AuthorisationLink, formats: &[PushFormat::Xml] },
        PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Xml, PushFormat::Json] },
    ],
    hosts: HOSTS,
    buckets: BUCKETS,
};

/// `auth_type` 1: public accounts only.
static APP: Component = Component { link: LinkStyle::Link { auth_type: 1 } };

impl Channel for WechatOfficialAccount {
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
        Some(&WebSignIn)
    }
    fn account(&self) -> Option<&dyn AccountInfo> {
        Some(self)
    }
    fn catalog(&self) -> Option<&dyn Catalog> {
        None
    }
    fn stock(&self) -> Option<&dyn Stock> {
        None
    }
    fn orders(&self) -> Option<&dyn Orders> {
        None
    }
    fn order_desk(&self) -> Option<&dyn OrderDesk> {
        None
    }
    fn promotions(&self) -> Option<&dyn Promotions> {
        None
    }
    fn fulfilment(&self) -> Option<&dyn Fulfilment> {
        None
    }
    fn reveal(&self) -> Option<&dyn Reveal> {
        None
    }
    fn messaging(&self) -> Option<&dyn Messaging> {
        Some(&CustomerService)
    }
    fn aftersale(&self) -> Option<&dyn Aftersale> {
        None
    }
    fn disputes(&self) -> Option<&dyn Disputes> {
        None
    }
    fn menu(&self) -> Option<&dyn AccountMenu> {
        Some(&CustomMenu)
    }
    fn codes(&self) -> Option<&dyn SceneCodes> {
        Some(&ParameterCodes)
    }
    fn fans(&self) -> Option<&dyn Fans> {
        Some(&FollowerTags)
    }
    fn templates(&self) -> Option<&dyn Templates> {
        Some(&ServiceNotices)
    }
    fn content(&self) -> Option<&dyn Content> {
        Some(&Articles)
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
        Some(&Quotas)
    }
    fn analytics(&self) -> Option<&dyn Analytics> {
        None
    }
    fn affiliate(&self) -> Option<&dyn Affiliate> {
        None
    }
}

impl Webhook for WechatOfficialAccount {
    fn verify(
        &self,
        raw: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal> {
        push::verify(raw, credentials, now)
    }
    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
        events::decode(verified)
    }
    fn handshake(
        &self,
        raw: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<PushReply, PushRefusal> {
        push::handshake(raw, credentials, now)
    }
    fn acknowledge(&self, _verified: &Verified) -> PushReply {
        push::acknowledge()
    }
    fn refuse(&self, refusal: PushRefusal) -> PushReply {
        push::refuse(refusal)
    }
}

impl AccountInfo for WechatOfficialAccount {
    /// The platform tells a public account its name only through a third-party platform. Reading the menu
    /// proves that the token works and that the account is a public account; the rest stays unknown.
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        Ok(Step::call(account_get(cx, "/cgi-bin/get_current_selfmenu_info")?, Vec::new()))
    }
    fn resume_profile(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<AccountProfile> {
        let body = read_only(cx, answers)?;
        if body.get("is_menu_open").is_none() {
            return Err(ChannelError::unexpected("the answer has no is_menu_open"));
        }
        Ok(Step::Done(AccountProfile {
            external_id: Some(cx.account()?.external_id.clone()),
            kind: Some(OFFICIAL_ACCOUNT.to_owned()),
            active: Some(true),
            ..AccountProfile::default()
        }))
    }
}
