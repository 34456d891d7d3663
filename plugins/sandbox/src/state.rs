//! What the sandbox remembers: apps, accounts, tokens, products, orders, pushes, faults. Plain data, one JSON file.
//!
//! Every collection is bounded here or where it grows; `LIMIT` is the general ceiling.

use crate::clock::{Now, random_text};
use crate::push::Push;
pub use crate::trade::{AfterSale, Line, Order, PostAddress, Product};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

pub const LIMIT: usize = 10_000;
pub const TOKEN_LIMIT: usize = 20_000;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub sequence: u64,
    pub settings: Settings,
    pub apps: BTreeMap<String, ComponentApp>,
    pub accounts: BTreeMap<String, Account>,
    pub tokens: BTreeMap<String, AccessToken>,
    pub codes: BTreeMap<String, Code>,
    pub products: BTreeMap<u64, Product>,
    pub orders: BTreeMap<u64, Order>,
    pub aftersales: BTreeMap<u64, AfterSale>,
    pub guarantees: BTreeMap<u64, crate::guarantee::Claim>,
    pub compass: crate::compass::Given,
    /// By shop.
    pub leagues: BTreeMap<String, crate::league::League>,
    pub pushes: VecDeque<Push>,
    pub push_faults: Vec<PushFault>,
    pub call_faults: Vec<CallFault>,
    pub usage: BTreeMap<String, Usage>,
    pub images: BTreeMap<String, String>,
    pub douyin: crate::douyin::Douyin,
    #[serde(skip)]
    pub calls: VecDeque<CallRecord>,
}

/// Switches a tester may turn while the sandbox runs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub token_life_seconds: u64,
    /// Seconds a replaced token or refresh token still works.
    pub grace_seconds: u64,
    /// Whether each `api_authorizer_token` hands out a new refresh token.
    pub rotate_refresh_token: bool,
    pub audit_automatically: bool,
    pub audit_delay_ms: u64,
    /// How long a product stays in `edit_status` 7 after being added or updated.
    pub upload_delay_ms: u64,
    /// Refuse product pictures which were not uploaded to the platform first.
    pub check_images: bool,
    pub product_ids_as_numbers: bool,
    /// Calls per path, account and minute; 0 = no limit.
    pub minute_limit: u64,
    /// Calls per path, account and day; 0 = the documented number.
    pub daily_limit: u64,
    /// How long a side of an after-sale case has for its step.
    pub aftersale_seconds: u64,
    /// How long a side of a dispute has for its proof. The documents tell no number.
    #[serde(default = "two_days")]
    pub complaint_seconds: u64,
}

fn two_days() -> u64 {
    2 * 86_400
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_life_seconds: 7200,
            grace_seconds: 300,
            rotate_refresh_token: true,
            audit_automatically: true,
            audit_delay_ms: 1500,
            upload_delay_ms: 0,
            check_images: true,
            product_ids_as_numbers: true,
            minute_limit: 0,
            daily_limit: 0,
            aftersale_seconds: two_days(),
            complaint_seconds: two_days(),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub struct ComponentApp {
    pub component_appid: String,
    pub component_appsecret: String,
    pub token: String,
    pub encoding_aes_key: String,
    pub auth_event_url: String,
    pub message_url: String,
    /// Verify tickets with the second they expire.
    #[serde(default)]
    pub tickets: VecDeque<(String, u64)>,
    #[serde(default)]
    pub next_ticket_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    Store,
    OfficialAccount,
    ChannelsAccount,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Account {
    pub appid: String,
    pub secret: String,
    pub kind: AccountKind,
    pub nickname: String,
    pub user_name: String,
    pub subject: String,
    pub principal_name: String,
    /// opening | open_finished | closing | close_finished
    pub status: String,
    pub open_timestamp: u64,
    pub push: Option<DirectPush>,
    /// The open platform account it is bound to; bound accounts know a person by one union id.
    #[serde(default)]
    pub open_platform: String,
    #[serde(default)]
    pub grants: BTreeMap<String, Grant>,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    #[serde(default)]
    pub addresses: BTreeMap<String, Value>,
    #[serde(default)]
    pub freight_templates: BTreeMap<String, Value>,
    #[serde(default)]
    pub discounts: Vec<crate::store_discount::Discount>,
    #[serde(default)]
    pub coupons: Vec<crate::store_coupon::Coupon>,
    #[serde(default)]
    pub menu: Option<Value>,
    #[serde(default)]
    pub fans: BTreeMap<String, Fan>,
    /// Names of tags by id.
    #[serde(default)]
    pub tags: BTreeMap<u64, String>,
    /// Keys of messages that were sent lately, with the message and the second.
    #[serde(default)]
    pub message_keys: BTreeMap<String, (u64, u64)>,
    /// Drafts of articles, by media id.
    #[serde(default)]
    pub drafts: BTreeMap<String, Value>,
    #[serde(default)]
    pub publishings: Vec<crate::articles::Publishing>,
    /// Codes with a parameter, by ticket.
    #[serde(default)]
    pub codes: BTreeMap<String, SceneCode>,
    /// Of a channels account.
    #[serde(default)]
    pub finder: crate::finder::Finder,
    /// Of a store.
    #[serde(default)]
    pub funds: crate::funds::Funds,
    #[serde(default)]
    pub qualifications: crate::store_qualification::Qualifications,
    #[serde(default)]
    pub stable: StableToken,
    #[serde(default)]
    pub basic_token: String,
    #[serde(default)]
    pub clears: BTreeMap<String, u32>,
}

/// A push address the account's owner set at the platform, without any component.
#[derive(Clone, Serialize, Deserialize)]
pub struct DirectPush {
    pub url: String,
    pub token: String,
    pub encoding_aes_key: String,
    pub format: Format,
    #[serde(default)]
    pub mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Xml,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Plain,
    Compat,
    #[default]
    Secure,
}

/// What an account granted to one component.
#[derive(Clone, Serialize, Deserialize)]
pub struct Grant {
    pub refresh_token: String,
    /// The replaced refresh token and the second until which it still works.
    pub previous: Option<(String, u64)>,
    pub func_ids: Vec<i64>,
    pub auth_time: u64,
    #[serde(default)]
    pub access_token: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct StableToken {
    pub token: String,
    pub forced_at: u64,
    pub forced_day: u64,
    pub forced_count: u32,
}

/// A code with a parameter.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct SceneCode {
    pub scene: String,
    pub url: String,
    /// Second of its end; 0 for a permanent one.
    pub expires: u64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Fan {
    pub nickname: String,
    pub subscribed: bool,
    pub subscribe_time: u64,
    /// Until when customer-service messages may be sent after a message of theirs, and how many are left.
    pub window_until: u64,
    pub window_left: u32,
    pub received: Vec<Value>,
    /// The same after following, a click or a scan.
    #[serde(default)]
    pub moment_until: u64,
    #[serde(default)]
    pub moment_left: u32,
    /// The scene of the code they followed by.
    #[serde(default)]
    pub qr_scene: String,
    #[serde(default)]
    pub tags: std::collections::BTreeSet<u64>,
    /// How many notices by a template they agreed to.
    #[serde(default)]
    pub agreed: BTreeMap<String, u32>,
    /// Does not want messages of the account.
    #[serde(default)]
    pub blocked: bool,
    /// What they did themselves.
    #[serde(default)]
    pub did: Vec<Value>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    Component { component: String },
    Account { appid: String },
    Authorizer { appid: String, component: String },
    Web { appid: String, openid: String, scope: String },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct AccessToken {
    pub owner: TokenOwner,
    pub expires: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    PreAuth {
        component: String,
    },
    Authorization {
        component: String,
        appid: String,
    },
    Web {
        appid: String,
        openid: String,
        scope: String,
        component: Option<String>,
    },
    WebRefresh {
        appid: String,
        openid: String,
        scope: String,
    },
    /// The code of "go and use" in the service market: says who came and nothing else.
    Service {
        component: String,
        appid: String,
    },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Code {
    pub kind: CodeKind,
    pub expires: u64,
    pub used: bool,
}

/// Whose accounts a fault is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// WeChat: stores, official accounts, channels accounts, and component apps.
    Wechat,
    /// Douyin shops.
    Douyin,
}

/// Something that shall go wrong with pushes.
#[derive(Clone, Serialize, Deserialize)]
pub struct PushFault {
    /// drop | duplicate | delay | reorder | bad_signature | foreign_app_id | changed_body
    pub kind: String,
    /// None: of both.
    #[serde(default)]
    pub platform: Option<Platform>,
    #[serde(default)]
    pub event: Option<String>,
    #[serde(default)]
    pub appid: Option<String>,
    #[serde(default)]
    pub delay_ms: u64,
    #[serde(default = "one")]
    pub count: u32,
}

/// Something that shall go wrong with calls.
#[derive(Clone, Serialize, Deserialize)]
pub struct CallFault {
    /// Exact path or `*`.
    pub path: String,
    /// None: of both.
    #[serde(default)]
    pub platform: Option<Platform>,
    #[serde(default)]
    pub appid: Option<String>,
    #[serde(default)]
    pub errcode: Option<i64>,
    /// The detailed code, at platforms that have one.
    #[serde(default)]
    pub sub_code: Option<String>,
    #[serde(default)]
    pub http_status: Option<u16>,
    #[serde(default)]
    pub delay_ms: u64,
    /// Do the work first, then wait or answer with the error: the answer was lost, the effect was not.
    #[serde(default)]
    pub after: bool,
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Usage {
    pub day: u64,
    pub used: u64,
    pub minute: u64,
    pub in_minute: u64,
}

/// One answered call, kept for `openapi/rid/get` and the overview page.
#[derive(Clone)]
pub struct CallRecord {
    pub rid: String,
    pub at: Now,
    pub cost_ms: u64,
    pub appid: String,
    pub path: String,
    pub request_body: String,
    pub response_body: String,
    pub errcode: i64,
}

impl State {
    /// Ids above 2^53 that differ by one, so that a reader which goes through a double loses them.
    pub fn new_id(&mut self, base: u64) -> u64 {
        self.sequence += 1;
        base + self.sequence
    }

    pub fn issue_token(&mut self, owner: TokenOwner, now: Now, prefix: &str) -> (String, u64) {
        let life = self.settings.token_life_seconds;
        if self.tokens.len() >= TOKEN_LIMIT {
            // Old tokens stay a day so that they answer "expired" rather than "unknown".
            self.tokens.retain(|_, t| t.expires + 86_400 > now.seconds());
        }
        if self.tokens.len() >= TOKEN_LIMIT {
            let oldest = self.tokens.iter().min_by_key(|(_, t)| t.expires).map(|(k, _)| k.clone());
            if let Some(oldest) = oldest {
                self.tokens.remove(&oldest);
            }
        }
        let text = format!("{prefix}_{}", random_text(120));
        self.tokens.insert(text.clone(), AccessToken { owner, expires: now.seconds() + life });
        (text, life)
    }

    /// A replaced token works a little longer, as the platform promises.
    pub fn retire_token(&mut self, token: &str, now: Now, grace: u64) {
        if let Some(old) = self.tokens.get_mut(token) {
            old.expires = old.expires.min(now.seconds() + grace);
        }
    }

    pub fn issue_code(&mut self, kind: CodeKind, now: Now, life: u64, prefix: &str) -> String {
        self.codes.retain(|_, c| c.expires + 3_600 > now.seconds());
        if self.codes.len() >= LIMIT {
            self.codes.pop_first();
        }
        let text = format!("{prefix}{}", random_text(48));
        self.codes.insert(text.clone(), Code { kind, expires: now.seconds() + life, used: false });
        text
    }
}

/// The platform's per-account name of a person.
/// The union id of a person at an account; empty for an account that is not bound to an open platform account.
pub fn unionid_of(account: Option<&Account>, buyer: &str) -> String {
    match account.map(|account| account.open_platform.as_str()) {
        None | Some("") => String::new(),
        Some(platform) => openid_of(platform, buyer),
    }
}

pub fn openid_of(appid: &str, buyer: &str) -> String {
    use base64::Engine;
    use sha1::Digest;
    let digest = sha1::Sha1::digest(format!("{appid}/{buyer}").as_bytes());
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    format!("o{}", text.chars().chain("0".chars().cycle()).take(27).collect::<String>())
}

/// A platform id written as a number or as decimal text: both are accepted everywhere.
pub fn id_of(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(n) => n.as_u64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// An integer written as a number or as decimal text.
pub fn int_of(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

pub fn text_of(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
