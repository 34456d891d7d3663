//! The ports of the host: where credentials and pictures come from. Implemented by the application over its
//! database; the only inversion in the system.

use async_trait::async_trait;
use qianpu_domain::ids::{ChannelAccountId, ChannelAppId, TenantId};
use qianpu_domain::time::Span;
use qianpu_sdk::{
    AccessToken, AccountCredentials, AppCredentials, ChannelError, ErrorClass, Secret, TokenSet,
};

/// Names a provider's channel app.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AppRef {
    /// Slug of the channel whose plugin speaks for it.
    pub channel: &'static str,
    /// The provider.
    pub tenant: TenantId,
    /// The app.
    pub id: ChannelAppId,
}

/// Names a linked account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AccountRef {
    /// Slug of the channel.
    pub channel: &'static str,
    /// The merchant.
    pub tenant: TenantId,
    /// The account.
    pub id: ChannelAccountId,
}

/// A channel app as stored.
#[derive(Clone, Debug)]
pub struct StoredApp {
    /// Its credentials, opened.
    pub credentials: AppCredentials,
    /// What the provider typed besides: a JSON object without secrets.
    pub settings: serde_json::Value,
}

/// A linked account as stored.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// Its credentials, opened.
    pub credentials: AccountCredentials,
    /// The channel app it is linked through; `None` for a direct link.
    pub app: Option<AppRef>,
    /// Id of the account's own app: for a direct link at a platform where an app signs every call. Its secret is the
    /// account's ([`AccountCredentials::secret`]).
    pub own_app_id: Option<String>,
    /// Non-secret settings of the account: a JSON object.
    pub settings: serde_json::Value,
}

impl StoredAccount {
    /// The account's own app, where it has one.
    pub(crate) fn own_app(&self) -> Option<AppCredentials> {
        Some(own_app(self.own_app_id.as_deref()?, self.credentials.secret.as_ref()?))
    }
}

/// An app that has an id and a secret and no more.
pub(crate) fn own_app(app_id: &str, secret: &Secret<String>) -> AppCredentials {
    AppCredentials { app_id: app_id.to_owned(), secret: secret.clone(), ticket: None, access_token: None }
}

/// Where credentials live.
#[async_trait]
pub trait TokenVault: Send + Sync {
    /// Loads a channel app.
    async fn load_app(&self, app: &AppRef) -> Result<StoredApp, VaultError>;
    /// Loads an account.
    async fn load_account(&self, account: &AccountRef) -> Result<StoredAccount, VaultError>;
    /// Stores the app's new token.
    async fn store_app_token(&self, app: &AppRef, token: &AccessToken) -> Result<(), VaultError>;
    /// Stores the account's new tokens. Invariant: it returns after the refresh token (when there is one; `None`
    /// keeps the old) is committed; only then does the host use the access token.
    async fn store_account_tokens(&self, account: &AccountRef, tokens: &TokenSet) -> Result<(), VaultError>;
}

/// Why the vault could not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// No such app or account, or it was unlinked.
    #[error("no such channel app or account")]
    NotFound,
    /// The store cannot be reached now.
    #[error("credentials cannot be read now: {0}")]
    Unavailable(String),
}

impl From<VaultError> for ChannelError {
    fn from(error: VaultError) -> Self {
        let class = match error {
            VaultError::NotFound => ErrorClass::Reauthorise,
            VaultError::Unavailable(_) => ErrorClass::RetryLater { after: Span::seconds(10) },
        };
        Self::new(class, error.to_string())
    }
}

/// Where the bytes of pictures come from ([`qianpu_sdk::PartContent::Asset`]).
#[async_trait]
pub trait AssetSource: Send + Sync {
    /// Loads a picture of this account's merchant.
    async fn load(&self, account: &AccountRef, asset: &str) -> Result<Vec<u8>, AssetError>;
}

/// Why a picture could not be loaded.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the file {asset} cannot be loaded: {reason}")]
pub struct AssetError {
    /// The name.
    pub asset: String,
    /// Why.
    pub reason: String,
}

/// For installations whose plugins upload no pictures.
#[derive(Debug, Clone, Copy)]
pub struct NoAssets;

#[async_trait]
impl AssetSource for NoAssets {
    async fn load(&self, _account: &AccountRef, asset: &str) -> Result<Vec<u8>, AssetError> {
        Err(AssetError { asset: asset.to_owned(), reason: "no asset source is configured".to_owned() })
    }
}
