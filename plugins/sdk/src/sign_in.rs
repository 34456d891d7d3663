//! Signing a person in: who sits at a browser, told by the platform where they are logged in.

use crate::context::Context;
use crate::error::ChannelError;
use crate::http::Answer;
use crate::secret::Secret;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Telling who a person is, by the platform's page and the code it sends back.
pub trait PersonSignIn: Send + Sync {
    /// What people call the platform.
    fn names(&self) -> PlatformNames;

    /// The address the person's browser opens. Hosts stand in it as `{host:name}`; the host program puts the base URL
    /// in force in their place.
    fn address(&self, cx: &Context<'_>, request: &SignInRequest) -> Result<String, ChannelError>;

    /// Exchanges the code that came back for the person. The code is spent by it.
    fn person(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Person>;
    /// Goes on with [`PersonSignIn::person`].
    fn resume_person(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Person>;
}

/// What people call a platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlatformNames {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
    /// What stands in the user agent of the only browser where the platform's page works.
    pub browser: &'static str,
}

/// What a person is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInScope {
    /// The id at the account only; the platform asks nobody.
    Id,
    /// Also the name, and the id across accounts where there is one; the person is asked.
    Profile,
}

/// What a sign-in starts with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignInRequest {
    /// Where the platform sends the browser afterwards. Absolute.
    pub redirect_uri: String,
    /// Comes back unchanged: letters and digits, at most 128 of them.
    pub state: String,
    /// What the person is asked for.
    pub scope: SignInScope,
}

/// A person, as an account knows them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// The id at this account; it means nothing at another.
    pub open_id: String,
    /// The id across the accounts of one subject, when the platform tells.
    pub union_id: Option<String>,
    /// What they call themselves there.
    pub name: Option<String>,
}
