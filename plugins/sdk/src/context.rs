//! Facts a plugin may not find out for itself, and the credentials it works with.

use crate::error::{ChannelError, ErrorClass};
use crate::info::PushFormat;
use crate::secret::Secret;
use qianpu_domain::time::{Span, Timestamp};

/// Language for texts a plugin writes for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locale {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// What an operation runs with. No clock and no randomness inside a plugin: recorded exchanges replay exactly.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The moment, UTC.
    pub now: Timestamp,
    /// 32 hex digits, fresh for every operation.
    pub nonce: &'a str,
    /// The provider's channel app, when the account is linked through one or the operation is the app's own. At a
    /// platform of the style [`crate::AppStyle::Signing`] an account that is linked directly brings an app of its own,
    /// which then stands here.
    pub app: Option<&'a AppCredentials>,
    /// The linked account, when there is one yet.
    pub account: Option<&'a AccountCredentials>,
    /// Non-secret settings of the account: a JSON object.
    pub settings: &'a serde_json::Value,
    /// Language for messages.
    pub locale: Locale,
}

impl<'a> Context<'a> {
    /// The account, or an error saying that the operation needs one.
    pub fn account(&self) -> Result<&'a AccountCredentials, ChannelError> {
        self.account
            .ok_or_else(|| ChannelError::new(ErrorClass::Reauthorise, "the operation needs a linked account"))
    }
    /// The channel app, or an error saying that the operation needs one.
    pub fn app(&self) -> Result<&'a AppCredentials, ChannelError> {
        self.app.ok_or_else(|| ChannelError::new(ErrorClass::Fatal, "the operation needs a channel app"))
    }
    /// The account's access token; without one the host refreshes first.
    pub fn account_token(&self) -> Result<&'a Secret<String>, ChannelError> {
        let token = self.account()?.access_token.as_ref();
        token.map(|token| &token.value).ok_or_else(|| {
            ChannelError::new(ErrorClass::RetryAfterRefresh, "the account has no access token yet")
        })
    }
    /// The channel app's access token; without one the host refreshes first.
    pub fn app_token(&self) -> Result<&'a Secret<String>, ChannelError> {
        let token = self.app()?.access_token.as_ref();
        token.map(|token| &token.value).ok_or_else(|| {
            ChannelError::new(ErrorClass::RetryAfterRefresh, "the channel app has no access token yet")
        })
    }
}

/// A token that ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessToken {
    /// The token.
    pub value: Secret<String>,
    /// When the platform stops accepting it.
    pub expires_at: Timestamp,
}

/// Credentials of a provider's app at a channel (WeChat: third-party platform 第三方平台).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppCredentials {
    /// The app's public id (WeChat: `component_appid`).
    pub app_id: String,
    /// The app's secret.
    pub secret: Secret<String>,
    /// The last verify ticket the platform pushed, where it pushes one (WeChat: valid for 12 hours).
    pub ticket: Option<Secret<String>>,
    /// The app's current token (WeChat: `component_access_token`).
    pub access_token: Option<AccessToken>,
}

/// Credentials of a linked account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountCredentials {
    /// The account's id at the platform (WeChat: `appid`).
    pub external_id: String,
    /// The account's own secret: present for a direct link, absent for a link through a channel app.
    pub secret: Option<Secret<String>>,
    /// The current token.
    pub access_token: Option<AccessToken>,
    /// The refresh token of a link through a channel app.
    pub refresh_token: Option<Secret<String>>,
}

/// What a push is checked with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushCredentials {
    /// App ids that may stand inside the encrypted push; any other is a refusal. A push of a channel app
    /// carries the app's id, also for messages relayed for merchants; a direct link carries the account's own, or that
    /// of its own app.
    pub app_ids: Vec<String>,
    /// The token both sides know (signature). Where the platform signs with the app's secret, that secret.
    pub token: Secret<String>,
    /// The current encryption key (WeChat: `EncodingAESKey`, 43 characters).
    pub encoding_aes_key: Secret<String>,
    /// The key before it: platforms go on using it for a while after a change.
    pub previous_encoding_aes_key: Option<Secret<String>>,
    /// The formats accepted on this address; a push in another format is a refusal.
    pub formats: Vec<PushFormat>,
    /// How old a push may be by its own signed time. Ours, not the platform's: it has to cover the platform's
    /// whole retry schedule, and what is replayed within it is dropped by its dedup key.
    pub max_age: Span,
}

impl PushCredentials {
    /// Six hours: WeChat repeats a push for about 3.6 hours.
    pub const DEFAULT_MAX_AGE: Span = Span::hours(6);
    /// How far in the future a push's time may lie (clocks differ).
    pub const MAX_AHEAD: Span = Span::minutes(10);
}
