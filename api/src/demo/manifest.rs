//! `demo.json`: what a script needs to drive the demo. Field names are a promise to those scripts.

use serde::{Deserialize, Serialize};

/// Everything a script may want to know.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The product.
    pub base_url: String,
    /// The platform sandbox.
    pub sandbox_url: String,
    /// People who can log in.
    pub logins: Vec<Login>,
    /// Shops that trade.
    pub shops: Vec<ShopEntry>,
    /// Channel accounts with what a platform needs to push to them.
    pub linked_accounts: Vec<AccountEntry>,
    /// The provider's channel apps, likewise.
    pub channel_apps: Vec<AppEntry>,
    /// API keys.
    #[serde(default)]
    pub api_keys: Vec<KeyEntry>,
    /// Third-party apps of the provider.
    #[serde(default)]
    pub oauth_apps: Vec<OauthAppEntry>,
}

/// An API key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyEntry {
    /// `provider` or `merchant`.
    pub surface: String,
    /// What it is called.
    pub name: String,
    /// The key itself.
    pub key: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// A third-party app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OauthAppEntry {
    /// Public id.
    pub client_id: String,
    /// Proves the app.
    pub client_secret: String,
    /// Where answers go.
    pub redirect_uri: String,
    /// Asks a person, with the challenge of `code_verifier`.
    pub authorize_url: String,
    /// For the token request.
    pub code_verifier: String,
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// `provider` or `merchant`.
    pub surface: String,
    /// Role: a built-in one's word, or the name of one that the merchant made.
    pub role: String,
    /// E-mail to log in with.
    pub email: String,
    /// Password.
    pub password: String,
    /// Names of the further merchants the person works for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_works_for: Vec<String>,
    /// Of a person with an authenticator app: the shared secret in base32, for any app or `oathtool --totp -b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp_secret: Option<String>,
}

/// A shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopEntry {
    /// Public id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Storefront.
    pub url: String,
    /// A buyer's phone: the code that signs in stands on the page `/demo/sms`.
    #[serde(default)]
    pub buyer_phone: String,
}

/// A channel account. A push is encrypted with `encoding_aes_key`, signed with `token`, carries `app_id`
/// inside, and is sent to `hook_url` in `format`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountEntry {
    /// Public id.
    pub id: String,
    /// Channel slug.
    pub channel: String,
    /// Kind of account.
    pub kind: String,
    /// The platform's id of the account.
    pub app_id: String,
    /// Where the platform pushes.
    pub hook_url: String,
    /// Signs pushes.
    pub token: String,
    /// Encrypts pushes; 43 characters.
    pub encoding_aes_key: String,
    /// `json` or `xml`.
    pub format: String,
}

/// A channel app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppEntry {
    /// Channel slug.
    pub channel: String,
    /// The platform's id of the app.
    pub component_app_id: String,
    /// Where the platform pushes authorisation events and tickets.
    pub hook_url: String,
    /// Signs pushes.
    pub token: String,
    /// Encrypts pushes; 43 characters.
    pub encoding_aes_key: String,
}

impl Manifest {
    /// The product's port.
    pub fn port(&self) -> Option<u16> {
        self.base_url.rsplit(':').next()?.parse().ok()
    }
}
