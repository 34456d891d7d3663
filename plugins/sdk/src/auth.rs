//! Linking accounts and keeping tokens fresh.

use crate::context::{AccessToken, Context};
use crate::http::Answer;
use crate::orders::Page;
use crate::secret::Secret;
use crate::step::Turn;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the provider's channel app can do: it is how one provider serves many merchants.
///
/// All operations work with [`crate::AppCredentials`] in the context; those but `request_ticket` and
/// `app_token` need its access token. An app of the style [`crate::AppStyle::Signing`] has no ticket, no token and no
/// list: the host calls only `begin_link` and `complete_link` there, and the others refuse.
pub trait AppAuth: Send + Sync {
    /// Asks the platform to (re)start pushing the verify ticket.
    fn request_ticket(&self, cx: &Context<'_>) -> Turn<()>;
    /// Goes on with [`AppAuth::request_ticket`].
    fn resume_request_ticket(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Gets a new token for the app itself, from its secret and ticket.
    fn app_token(&self, cx: &Context<'_>) -> Turn<AccessToken>;
    /// Goes on with [`AppAuth::app_token`].
    fn resume_app_token(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AccessToken>;

    /// Prepares a link: addresses for the merchant to open, or the word that they have to buy in the market.
    fn begin_link(&self, cx: &Context<'_>, request: &LinkRequest) -> Turn<LinkInvitation>;
    /// Goes on with [`AppAuth::begin_link`].
    fn resume_begin_link(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LinkInvitation>;

    /// Exchanges an authorisation code (from the redirect or the push) for the account and its tokens.
    fn complete_link(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Authorisation>;
    /// Goes on with [`AppAuth::complete_link`].
    fn resume_complete_link(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer])
    -> Turn<Authorisation>;

    /// Lists the accounts that granted the app, page by page: repairs lost pushes and lost refresh tokens.
    fn authorised_accounts(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<AuthorisedAccount>>;
    /// Goes on with [`AppAuth::authorised_accounts`].
    fn resume_authorised_accounts(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<AuthorisedAccount>>;

    /// Reads an account's profile with the app's token.
    fn authorised_profile(&self, cx: &Context<'_>, external_id: &str) -> Turn<AccountProfile>;
    /// Goes on with [`AppAuth::authorised_profile`].
    fn resume_authorised_profile(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<AccountProfile>;
}

/// Keeping an account's token fresh.
pub trait AccountAuth: Send + Sync {
    /// Gets a new token set: from the refresh token and the app's token for a link through a channel app,
    /// from the account's own id and secret for a direct link.
    fn refresh(&self, cx: &Context<'_>) -> Turn<TokenSet>;
    /// Goes on with [`AccountAuth::refresh`].
    fn resume_refresh(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<TokenSet>;
}

/// Tokens of an account. Invariant for whoever stores them: a new refresh token is stored before the access
/// token that came with it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenSet {
    /// The access token.
    pub access_token: AccessToken,
    /// The refresh token that replaces the old one; `None` where the platform has none (direct link).
    pub refresh_token: Option<Secret<String>>,
}

/// What a link starts with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinkRequest {
    /// Code of the kind of account ([`crate::AccountKind::code`]).
    pub kind: String,
    /// Where the platform sends the merchant's browser afterwards, with the code. Absolute, with our own
    /// state parameter already in it.
    pub redirect_uri: String,
    /// Our state parameter alone, for platforms where the address is configured once and the state travels beside
    /// it: letters, digits, `-` and `_`.
    pub state: String,
    /// Pins one account by its id, when known.
    pub external_id: Option<String>,
}

/// How the merchant goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkInvitation {
    /// Open one of these addresses.
    Open {
        /// For a browser on a computer.
        desktop_url: String,
        /// For a phone, inside the platform's app.
        mobile_url: String,
        /// When the addresses stop working.
        #[serde(with = "crate::wire::time")]
        expires_at: Timestamp,
    },
    /// Buy the provider's service in the platform's market; the grant then comes as a push.
    BuyInMarket,
}

/// An account that granted the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorisation {
    /// The account's id at the platform.
    pub external_id: String,
    /// Its tokens.
    pub tokens: TokenSet,
    /// The permission sets it granted, as the platform names them.
    pub scopes: Vec<String>,
    /// What the exchange said of the account; `None` where it has to be asked for
    /// ([`AppAuth::authorised_profile`]).
    pub profile: Option<AccountProfile>,
}

/// A row of the list of accounts that granted the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorisedAccount {
    /// The account's id at the platform.
    pub external_id: String,
    /// Its current refresh token.
    pub refresh_token: Option<Secret<String>>,
    /// When it granted.
    pub authorised_at: Option<Timestamp>,
}

/// What is known of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccountProfile {
    /// The account's id at the platform, when the answer names it.
    pub external_id: Option<String>,
    /// Code of the kind of account (`wechat_store`, `official_account`, …); `None` when it is not told.
    pub kind: Option<String>,
    /// The second id pushes name as receiver (WeChat: `gh_…`).
    pub user_name: Option<String>,
    /// Name shown to people.
    pub name: Option<String>,
    /// Address of the picture.
    pub avatar_url: Option<String>,
    /// The legal subject, as the platform words it.
    pub subject: Option<String>,
    /// The raw state word or number.
    pub native_state: Option<String>,
    /// Whether the account can trade or publish now; `None` when the raw state is not known to us.
    pub active: Option<bool>,
    /// Since when the account trades.
    #[serde(with = "crate::wire::time_opt", default)]
    pub opened_at: Option<Timestamp>,
    /// The permission sets granted to the app, when the answer names them.
    pub scopes: Vec<String>,
}
