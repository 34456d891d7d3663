//! Who calls: a person, somebody from above who acts in the tenant, a program of it, or a third-party app.

use crate::context::Actor;
use crate::store::user::Home;
use qianpu_domain::ids::{ApiKeyId, ImpersonationId, OauthAppId, SessionId, UserId};
use qianpu_domain::time::Timestamp;

/// A person with a session.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// Shown name.
    pub name: String,
    /// Log-in e-mail.
    pub email: String,
    /// Where their log-in lives: here, or in another tenant.
    pub home: Home,
    /// The session they came with.
    pub session: SessionId,
    /// The token a form must carry.
    pub csrf_token: String,
    /// Their language, `zh` or `en`.
    pub locale: String,
    /// The tenant asks for an authenticator app, and this person has none yet.
    pub lacks_second_factor: bool,
}

/// A person of the provider or the operator who acts in a tenant below.
#[derive(Clone, Debug)]
pub struct Impersonator {
    /// The person; of another tenant.
    pub id: UserId,
    /// Shown name.
    pub name: String,
    /// Log-in e-mail.
    pub email: String,
    /// Name of where they belong.
    pub of: String,
    /// Under which impersonation.
    pub impersonation: ImpersonationId,
    /// The token a form must carry.
    pub csrf_token: String,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Name of the tenant they act in.
    pub acts_for: String,
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A person with a session.
    Person(Person),
    /// A person of the provider or the operator who acts in the tenant.
    Impersonator(Impersonator),
    /// A program with an API key of the tenant.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// Its name.
        name: String,
    },
    /// A third-party app with an access token.
    App {
        /// The app.
        id: OauthAppId,
        /// Its name.
        name: String,
        /// The person who allowed it, with their name; none when it acts for itself.
        person: Option<(UserId, String)>,
    },
}

impl Principal {
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::User { id: person.id, name: person.name.clone() },
            Self::Impersonator(one) => Actor::Impersonator {
                id: one.id,
                name: one.name.clone(),
                of: one.of.clone(),
                acts_for: one.acts_for.clone(),
                impersonation: one.impersonation,
            },
            Self::ApiKey { id, name } => Actor::ApiKey { id: *id, name: name.clone() },
            Self::App { id, name, person } => {
                Actor::App { id: *id, name: name.clone(), person: person.clone() }
            }
        }
    }
}
