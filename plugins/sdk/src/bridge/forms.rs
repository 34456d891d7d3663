//! JSON forms of what holds secrets.

use crate::auth::{AccountProfile, Authorisation, AuthorisedAccount, TokenSet};
use crate::context::AccessToken;
use crate::reveal::{ClearReceiver, VirtualPhone};
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
    /// What the exchange said of the account.
    #[serde(default)]
    pub profile: Option<AccountProfile>,
}

/// [`ClearReceiver`] in JSON. It crosses to the host and goes no further in this form.
#[derive(Clone, Serialize, Deserialize)]
pub struct ClearReceiverForm {
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Set when `phone` is a virtual number.
    #[serde(default)]
    pub virtual_phone: Option<VirtualPhoneForm>,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Street and number.
    pub detail: String,
}

/// [`VirtualPhone`] in JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct VirtualPhoneForm {
    /// To be dialled after the number.
    #[serde(default)]
    pub extension: Option<String>,
    /// When it stops working.
    #[serde(with = "wire::time_opt", default)]
    pub expires_at: Option<Timestamp>,
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
        let Authorisation { external_id, tokens, scopes, profile } = value;
        Self { external_id, tokens: tokens.into(), scopes, profile }
    }
}
impl From<AuthorisationForm> for Authorisation {
    fn from(form: AuthorisationForm) -> Self {
        let AuthorisationForm { external_id, tokens, scopes, profile } = form;
        Self { external_id, tokens: tokens.into(), scopes, profile }
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
impl From<ClearReceiver> for ClearReceiverForm {
    fn from(value: ClearReceiver) -> Self {
        let phone =
            |it: VirtualPhone| VirtualPhoneForm { extension: it.extension, expires_at: it.expires_at };
        Self {
            name: value.name,
            phone: value.phone,
            virtual_phone: value.virtual_phone.map(phone),
            province: value.province,
            city: value.city,
            district: value.district,
            detail: value.detail,
        }
    }
}
impl From<ClearReceiverForm> for ClearReceiver {
    fn from(form: ClearReceiverForm) -> Self {
        let phone =
            |it: VirtualPhoneForm| VirtualPhone { extension: it.extension, expires_at: it.expires_at };
        Self {
            name: form.name,
            phone: form.phone,
            virtual_phone: form.virtual_phone.map(phone),
            province: form.province,
            city: form.city,
            district: form.district,
            detail: form.detail,
        }
    }
}
