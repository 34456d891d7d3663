//! Who acts, for which tenant. Contexts have private fields and are made by [`crate::resolve`],
//! [`crate::authz`] and [`crate::jobs`] only.

use qianpu_domain::access::Surface;
use qianpu_domain::ids::{
    ApiKeyId, BuyerId, ImpersonationId, JobId, OauthAppId, RequestId, TenantId, UserId,
};

/// Who did it, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person of the console or API.
    User {
        /// The person.
        id: UserId,
        /// Shown name at the time.
        name: String,
    },
    /// A program with an API key of the tenant.
    ApiKey {
        /// The key.
        id: ApiKeyId,
        /// Its name at the time.
        name: String,
    },
    /// A third-party app, for itself or for a person.
    App {
        /// The app.
        id: OauthAppId,
        /// Its name at the time.
        name: String,
        /// The person who allowed it, with their name at the time.
        person: Option<(UserId, String)>,
    },
    /// A person of the provider or the operator who acts in the tenant.
    Impersonator {
        /// The person; of another tenant.
        id: UserId,
        /// Shown name at the time.
        name: String,
        /// Name of where they belong.
        of: String,
        /// For whom: the tenant's name.
        acts_for: String,
        /// Under which impersonation.
        impersonation: ImpersonationId,
    },
    /// A channel that pushed to us; the channel's slug.
    Channel(String),
    /// A background job of a kind.
    Job(String, JobId),
    /// A buyer of one of the tenant's shops. Named by id only: a name would outlive its erasure in the log.
    Buyer(BuyerId),
    /// A public visitor: an applicant before there is a user, a storefront visitor.
    Visitor,
    /// The installation itself (start-up, command line).
    System(&'static str),
}

impl Actor {
    /// Kind, id and name for the audit log. The id is also whose idempotency keys are used: an app that acts for two
    /// people has two.
    pub fn audit_parts(&self) -> (&'static str, String, String) {
        match self {
            Self::User { id, name } => ("user", id.to_string(), name.clone()),
            Self::ApiKey { id, name } => ("api_key", id.to_string(), name.clone()),
            Self::App { id, name, person: None } => ("app", id.to_string(), name.clone()),
            Self::App { id, name, person: Some((person, of)) } => {
                ("app", format!("{id}/{person}"), format!("{name} · {of}"))
            }
            // Both are named: who acts, and for whom.
            Self::Impersonator { id, name, of, acts_for, impersonation } => {
                ("impersonator", format!("{id}/{impersonation}"), format!("{name} · {of} → {acts_for}"))
            }
            Self::Channel(slug) => ("channel", slug.clone(), slug.clone()),
            Self::Job(kind, id) => ("job", id.to_string(), kind.clone()),
            Self::Buyer(id) => ("buyer", id.to_string(), String::new()),
            Self::Visitor => ("visitor", String::new(), String::new()),
            Self::System(task) => ("system", (*task).to_owned(), (*task).to_owned()),
        }
    }

    /// The person behind it: who acts, or for whom an app does.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } | Self::App { person: Some((id, _)), .. } => Some(*id),
            _ => None,
        }
    }
}

/// One tenant, one actor, one request.
#[derive(Clone, Debug)]
pub struct TenantCtx {
    pub(crate) tenant: TenantId,
    pub(crate) kind: Surface,
    /// The provider of a merchant; the tenant itself for a provider; none for the operator.
    pub(crate) provider: Option<TenantId>,
    pub(crate) actor: Actor,
    pub(crate) request: RequestId,
}

impl TenantCtx {
    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
    /// Which tier it is.
    pub fn kind(&self) -> Surface {
        self.kind
    }
    /// The provider it belongs to (itself, for a provider).
    pub fn provider(&self) -> Option<TenantId> {
        self.provider
    }
    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.request
    }
    /// The same tenant and actor for another request.
    #[must_use]
    pub fn of_request(&self, request: RequestId) -> TenantCtx {
        TenantCtx { request, ..self.clone() }
    }
    /// The provider of this tenant as a context, for what the installation notes with the provider while it works for
    /// one of its merchants; only a job has one.
    pub fn provider_of_its_own(&self) -> Option<TenantCtx> {
        let provider = self.provider.filter(|_| matches!(self.actor, Actor::Job(..)))?;
        Some(TenantCtx {
            tenant: provider,
            kind: Surface::Provider,
            provider: Some(provider),
            ..self.clone()
        })
    }
    /// A provider's own view across its merchants, for work that came through its channel app. None for
    /// anyone but a provider.
    pub fn provider_view(&self) -> Option<ProviderCtx> {
        let provider = self.provider.filter(|_| self.kind == Surface::Provider)?;
        Some(ProviderCtx { provider, request: self.request })
    }
}

/// A provider looking across its merchants. Reads only.
#[derive(Clone, Debug)]
pub struct ProviderCtx {
    pub(crate) provider: TenantId,
    pub(crate) request: RequestId,
}

impl ProviderCtx {
    /// The provider.
    pub fn provider(&self) -> TenantId {
        self.provider
    }
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.request
    }
}

/// The installation's own work: directory, registry, queues. It opens no tenant's rows.
#[derive(Clone, Debug)]
pub struct SystemCtx {
    pub(crate) task: &'static str,
    pub(crate) request: RequestId,
}

impl SystemCtx {
    /// For a named task; the name goes to the audit log.
    pub fn for_task(task: &'static str, request: RequestId) -> Self {
        Self { task, request }
    }
}
