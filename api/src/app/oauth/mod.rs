//! OAuth 2.1 for third-party apps. [`authorize`] is the half that a person sees: an app sends their browser to us, they
//! allow or refuse, and a code goes back. [`tokens`] is the half between the app and us: a code, a refresh token or the
//! app's own secret for tokens. [`allowed`] is where people see and withdraw what they allowed.
//!
//! An app belongs to the provider that registered it. People of that provider and of its merchants can allow it
//! something; nobody else can.

pub mod allowed;
pub mod authorize;
pub mod tokens;

use crate::state::AppState;
use qianpu_domain::oauth::OauthError;
use std::fmt::Display;

/// What every access token begins with.
pub const ACCESS_PREFIX: &str = "qp_app_";
const REFRESH_PREFIX: &str = "qp_refresh_";
const CODE_PREFIX: &str = "qp_code_";

/// A refusal in the words of the standard.
#[derive(Debug, Clone)]
pub struct Refused {
    pub error: OauthError,
    /// For the developer of the app, in English.
    pub description: String,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
}

impl Refused {
    fn new(error: OauthError, description: impl Into<String>) -> Self {
        Self { error, description: description.into(), retry_after: None }
    }
    /// A fault of ours; what it was goes to the log only.
    fn own(error: impl Display) -> Self {
        tracing::error!(%error, "an OAuth request failed");
        Self::new(OauthError::ServerError, "something went wrong on our side; try again")
    }
}

/// The name of this installation as an issuer of tokens.
pub fn issuer(state: &AppState) -> String {
    state.config.app.public_url.trim_end_matches('/').to_owned()
}
