//! JSON forms of what holds secrets.

use crate::auth::{Authorisation, AuthorisedAccount, TokenSet};
use crate::context::AccessToken;
use crate::secret::Secret;
use crate::wire;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// [`AccessToken`] in JSON. Like the forms below it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessTokenForm {
    /// The token: a handle inside a component.
    pub value: String,
    /// When it ends.
    #[serde(with = "wire::time")]
    pub expires_at: Timestamp,
}

/// [`TokenSet`] in JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenSetForm {
    /// The access token.
    pub access_token: AccessTokenForm,
    /// The refresh token that replaces the old one.
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// [`Authorisation`] in JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthorisationForm {
    /// The account's id.
    pub external_id: String,
    /// Its tokens.
    pub tokens: TokenSetForm,
    /// What it granted.
    pub scopes: Vec<String>,
}

/// [`AuthorisedAccount`] in JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthorisedAccountForm {
    /// The account's id.
    pub external_id: String,
    /// Its refresh token.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// When it granted.
    #[serde(with = "wire::time_opt", default)]
    pub authorised_at: Option<Timestamp>,
}

impl From<AccessToken> for AccessTokenForm {
    fn from(token: AccessToken) -> Self {
        Self { value: token.value.into_inner(), expires_at: token.expires_at }
    }
}
impl From<AccessTokenForm> for AccessToken {
    fn from(form: AccessTokenForm) -> Self {
        Self { value: Secret::new(form.value), expires_at: form.expires_at }
    }
}
impl From<TokenSet> for TokenSetForm {
    fn from(tokens: TokenSet) -> Self {
        let refresh_token = tokens.refresh_token.map(Secret::into_inner);
        Self { access_token: tokens.access_token.into(), refresh_token }
    }
}
impl From<TokenSetForm> for TokenSet {
    fn from(form: TokenSetForm) -> Self {
        Self { access_token: form.access_token.into(), refresh_token: form.refresh_token.map(Secret::new) }
    }
}
impl From<Authorisation> for AuthorisationForm {
    fn from(value: Authorisation) -> Self {
        Self { external_id: value.external_id, tokens: value.tokens.into(), scopes: value.scopes }
    }
}
impl From<AuthorisationForm> for Authorisation {
    fn from(form: AuthorisationForm) -> Self {
        Self { external_id: form.external_id, tokens: form.tokens.into(), scopes: form.scopes }
    }
}
impl From<AuthorisedAccount> for AuthorisedAccountForm {
    fn from(value: AuthorisedAccount) -> Self {
        let refresh_token = value.refresh_token.map(Secret::into_inner);
        Self { external_id: value.external_id, refresh_token, authorised_at: value.authorised_at }
    }
}
impl From<AuthorisedAccountForm> for AuthorisedAccount {
    fn from(form: AuthorisedAccountForm) -> Self {
        let refresh_token = form.refresh_token.map(Secret::new);
        Self { external_id: form.external_id, refresh_token, authorised_at: form.authorised_at }
    }
}
