//! The MUST list over the registry, and the proof that the harness can fail.

use qianpu_conformance::run;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::*;

fn vectors(slug: &str) -> Option<String> {
    std::fs::read_to_string(format!("{}/vectors/{slug}.json", env!("CARGO_MANIFEST_DIR"))).ok()
}

#[test]
fn every_listed_channel_conforms() {
    let failures = run(qianpu_host::CHANNELS, vectors);
    let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} rules do not hold:\n{}", failures.len(), text.join("\n"));
    assert!(qianpu_host::CHANNELS.len() >= 2);
}

/// A plugin that believes everything it is told.
struct Credulous;

static INFO: ChannelInfo = ChannelInfo { slug: "credulous", ..BASE };
const BASE: ChannelInfo = ChannelInfo {
    slug: "",
    name_en: "Credulous",
    name_zh: "轻信",
    kinds: &[AccountKind { code: "shop", name_en: "Shop", name_zh: "店铺" }],
    link_modes: &[LinkMode::Direct],
    app_family: None,
    app_shape: AppShape { style: AppStyle::TicketAndToken, settings: &[], callback: "credulous" },
    push_rules: &[PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Json] }],
    hosts: &[HostName { name: "api", base_url: "http://plain.example/" }],
    buckets: &[],
};

impl Channel for Credulous {
    fn info(&self) -> &'static ChannelInfo {
        &INFO
    }
    fn app(&self) -> Option<&dyn AppAuth> {
        None
    }
    fn auth(&self) -> Option<&dyn AccountAuth> {
        None
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

impl Webhook for Credulous {
    fn verify(&self, push: &RawPush, _: &PushCredentials, now: Timestamp) -> Result<Verified, PushRefusal> {
        let (origin, plaintext) = (push.origin, push.body.clone());
        Ok(Verified { origin, format: PushFormat::Json, plaintext, app_id: String::new(), signed_at: now })
    }
    fn decode(&self, _: &Verified) -> Result<Vec<Notice>, ChannelError> {
        Ok(Vec::new())
    }
    fn handshake(&self, push: &RawPush, _: &PushCredentials, _: Timestamp) -> Result<PushReply, PushRefusal> {
        let body = push.query("echostr").unwrap_or_default().as_bytes().to_vec();
        Ok(PushReply { status: 200, content_type: "text/plain", body })
    }
    fn acknowledge(&self, _: &Verified) -> PushReply {
        PushReply { status: 200, content_type: "text/plain", body: b"success".to_vec() }
    }
    fn refuse(&self, refusal: PushRefusal) -> PushReply {
        PushReply { status: 500, content_type: "text/plain", body: refusal.as_str().as_bytes().to_vec() }
    }
}

impl AccountInfo for Credulous {
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        let token = cx
            .account
            .and_then(|account| account.access_token.as_ref())
            .map(|token| token.value.expose().clone());
        let token = token.unwrap_or_default();
        Ok(Step::call(Request::get("elsewhere", "/me").query("token", &token), token.into_bytes()))
    }
    fn resume_profile(&self, _: &Context<'_>, _: &[u8], _: &[Answer]) -> Turn<AccountProfile> {
        Ok(Step::Done(AccountProfile::default()))
    }
}

#[test]
fn the_harness_finds_what_a_credulous_plugin_gets_wrong() {
    let failures = run(&[&Credulous], |_| vectors("wechat-store"));
    for rule in [
        "info",
        "forged",
        "refusal",
        "handshake",
        "golden",
        "unreadable",
        "garbage",
        "bad state",
        "errors",
        "requests",
        "missing credentials",
    ] {
        assert!(failures.iter().any(|failure| failure.rule == rule), "the rule {rule} cannot fail");
    }
    let unlisted = run(&[&Credulous], |_| None);
    assert!(unlisted.iter().any(|failure| failure.detail.contains("no vectors")));
}
