//! Channels accounts 视频号: the product window, live rooms and reservations with their figures, and leads.
//!
//! From <https://developers.weixin.qq.com/doc/channels/api/channels/>, which lists all a server may do: begin a room,
//! explain a product and publish a video are not among it. A channels account has no catalogue and no orders of its own;
//! what it sells comes from a WeChat shop, whose orders name it. It is linked by the authorisation link of the provider's
//! third-party platform, or directly by the id and secret of its assistant 视频号助手.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod answers;
mod figures;
mod leads;
mod live;
mod showcase;

use answers::{done, switched_off};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::text;
use qianpu_sdk::{
    AccountAuth, AccountInfo, AccountKind, AccountMenu, AccountProfile, Affiliate, Aftersale, Analytics,
    Answer, AppAuth, CallQuotas, Catalog, Channel, ChannelError, ChannelInfo, Content, Context, Disputes,
    Fans, Fulfilment, Funds, Guarantees, Leads, LinkMode, Live, Messaging, Notice, OrderDesk, Orders,
    PersonSignIn, Promotions, PushCredentials, PushFormat, PushRefusal, PushReply, PushRule, Qualifications,
    RawPush, Reveal, SceneCodes, ShopDesk, Showcase, Step, Stock, Templates, Turn, Verified, Webhook,
};
use qianpu_wechat_wire::call::{BUCKETS, HOSTS, account_post};
use qianpu_wechat_wire::component::{Component, LinkStyle};
use qianpu_wechat_wire::profile::CHANNELS_ACCOUNT;
use qianpu_wechat_wire::quota::Quotas;
use qianpu_wechat_wire::token::WechatAccountAuth;
use qianpu_wechat_wire::{events, push};
use serde_json::json;

/// The channel.
#[derive(Debug, Clone, Copy)]
pub struct WechatChannels;

static INFO: ChannelInfo = ChannelInfo {
    slug: "wechat-channels",
    name_en: "WeChat Channels",
    name_zh: "微信视频号",
    kinds: &[AccountKind { code: CHANNELS_ACCOUNT, name_en: "Channels account", name_zh: "视频号" }],
    link_modes: &[LinkMode::AuthorisationLink, LinkMode::Direct],
    app_family: Some("wechat-open"),
    app_shape: qianpu_wechat_wire::component::SHAPE,
    push_rules: &[
        PushRule { mode: LinkMode::AuthorisationLink, formats: &[PushFormat::Xml] },
        // No document names pushes of a channels account itself; an address that is set anyway is held to the
        // rules of shops.
        PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Json] },
    ],
    hosts: HOSTS,
    buckets: BUCKETS,
};

/// `auth_type` 5: channels accounts only.
static APP: Component = Component { link: LinkStyle::Link { auth_type: 5 } };

impl Channel for WechatChannels {
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
        None
    }
    fn aftersale(&self) -> Option<&dyn Aftersale> {
        None
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
        Some(&showcase::Window)
    }
    fn live(&self) -> Option<&dyn Live> {
        Some(&live::Rooms)
    }
    fn leads(&self) -> Option<&dyn Leads> {
        Some(&leads::Forms)
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
        Some(&figures::Compass)
    }
    fn affiliate(&self) -> Option<&dyn Affiliate> {
        None
    }
}

impl Webhook for WechatChannels {
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

impl AccountInfo for WechatChannels {
    /// Rooms and the account's attributes are two switches of the assistant. One that is on proves that the token works
    /// and that it is a channels account.
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        let requests = vec![
            account_post(cx, live::ATTRIBUTES, &json!({}))?.idempotent(),
            account_post(cx, live::ROOMS, &json!({}))?.idempotent(),
        ];
        Ok(Step::Call { requests, parallel: true, state: Vec::new() })
    }
    fn resume_profile(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<AccountProfile> {
        let [attributes, rooms] = answers else {
            return Err(ChannelError::unexpected("two answers were expected"));
        };
        let name = match done(cx, attributes) {
            Ok(body) => match answers::object(&body["finder_attr"]) {
                attributes if attributes.is_object() => text(&attributes["nickname"]),
                _ => return Err(ChannelError::unexpected("the answer has no finder_attr")),
            },
            Err(error) if switched_off(&error) => {
                done(cx, rooms)?;
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Step::Done(AccountProfile {
            external_id: Some(cx.account()?.external_id.clone()),
            kind: Some(CHANNELS_ACCOUNT.to_owned()),
            name,
            active: Some(true),
            ..AccountProfile::default()
        }))
    }
}
