//! From a caller to a proof: `Caller` → `Grant<P>`. A use case takes the proof.
//!
//! A caller is a [`Principal`] with [`Right`]s. A person's roles, a key's permissions and an app's scopes are all rights,
//! so there is one way to ask whether something is allowed.

use crate::context::{Actor, ProviderCtx, SystemCtx, TenantCtx};
use crate::db::Db;
use crate::error::{StoreError, StoreResult};
use crate::store::tenant::{self, TenantRow, TenantState};
use qianpu_domain::access::{Permission, Role, Surface};
use qianpu_domain::custom_role::StaffRole;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{RequestId, ShopId, TenantId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Timestamp;
use std::marker::PhantomData;

pub use crate::principal::{Impersonator, Person, Principal};

/// A permission as a type.
pub trait Perm: Send + Sync + 'static {
    /// Which one.
    const PERMISSION: Permission;
}

/// One type per permission.
pub mod perm {
    use super::{Perm, Permission};
    macro_rules! types {
        ($($name:ident)*) => {$(
            #[doc = concat!("Proof of `Permission::", stringify!($name), "`.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl Perm for $name { const PERMISSION: Permission = Permission::$name; }
        )*};
    }
    qianpu_domain::for_each_permission!(types);
}

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole tenant.
    Tenant,
    /// One shop of a merchant.
    Shop(ShopId),
}

/// What a right is called where people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RightName {
    /// A built-in role.
    Role(Role),
    /// What the tenant calls it: a role of its own, a key.
    Own(String),
}

impl RightName {
    /// The role's word, or the tenant's own name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Role(role) => role.as_str(),
            Self::Own(name) => name,
        }
    }
}

/// Permissions that hold in a scope: a role of a person, or what a key or an app was given.
#[derive(Clone, Debug)]
pub struct Right {
    /// What it is called.
    pub name: RightName,
    /// What it allows.
    pub permissions: PermissionSet,
    /// Where.
    pub scope: Scope,
}

impl Right {
    /// A built-in role.
    pub fn role(role: Role, scope: Scope) -> Self {
        Self { name: RightName::Role(role), permissions: role.permission_set(), scope }
    }

    /// A role of a person, built in or the tenant's own.
    pub fn of(role: &StaffRole, scope: Scope) -> Self {
        let name = match role {
            StaffRole::BuiltIn(role) => RightName::Role(*role),
            StaffRole::Custom(role) => RightName::Own(role.name.clone()),
        };
        Self { name, permissions: role.permissions(), scope }
    }

    /// Whether it gives a permission: what is about the whole tenant is not given in a shop.
    fn gives(&self, permission: Permission) -> bool {
        let reaches = self.scope == Scope::Tenant || permission.reaches_single_shops();
        reaches && self.permissions.contains(permission)
    }
}

/// Why a tenant's people may look and change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantStop {
    /// In the words of whoever did it; empty when the provider is stopped and its merchants with it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Somebody or something that has proven who it is, in one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    principal: Principal,
    rights: Vec<Right>,
    tenant_name: String,
    tenant_state: TenantState,
    tenant_stop: Option<TenantStop>,
    ctx: TenantCtx,
}

/// A refusal of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is not among the caller's permissions", .0.as_str())]
pub struct Denied(pub Permission);

impl Denied {
    /// The stable code.
    pub fn code(self) -> ErrorCode {
        ErrorCode::Forbidden
    }
}

impl Caller {
    /// Made by [`crate::resolve`] only, after the principal was proven; `ctx` gets the principal as its actor.
    pub(crate) fn new(principal: Principal, rights: Vec<Right>, tenant: &TenantRow, ctx: TenantCtx) -> Self {
        let ctx = TenantCtx { actor: principal.actor(), ..ctx };
        let tenant_stop = (tenant.state == TenantState::Suspended).then(|| TenantStop {
            reason: tenant.state_reason.clone().unwrap_or_default(),
            since: tenant.state_at.unwrap_or(tenant.created_at),
        });
        let (tenant_name, tenant_state) = (tenant.name.clone(), tenant.state);
        Self { principal, rights, tenant_name, tenant_state, tenant_stop, ctx }
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    /// The person with a session. Refused for programs, also for those that act for a person.
    pub fn person(&self) -> Result<&Person, Denied> {
        match &self.principal {
            Principal::Person(person) => Ok(person),
            _ => Err(Denied(Permission::SelfManage)),
        }
    }
    /// A person of whom the tenant asks for an authenticator app, and who has none yet.
    pub fn lacks_second_factor(&self) -> bool {
        matches!(&self.principal, Principal::Person(person) if person.lacks_second_factor)
    }
    /// Shown name: of the person, the key or the app.
    pub fn name(&self) -> &str {
        match &self.principal {
            Principal::Person(person) => &person.name,
            Principal::Impersonator(one) => &one.name,
            Principal::ApiKey { name, .. } | Principal::App { name, .. } => name,
        }
    }
    /// Who acts in a tenant that is not their own.
    pub fn impersonator(&self) -> Option<&Impersonator> {
        match &self.principal {
            Principal::Impersonator(one) => Some(one),
            _ => None,
        }
    }
    /// The token a form must carry; programs send none.
    pub fn csrf_token(&self) -> Result<&str, Denied> {
        match &self.principal {
            Principal::Person(person) => Ok(&person.csrf_token),
            Principal::Impersonator(one) => Ok(&one.csrf_token),
            _ => Err(Denied(Permission::SelfManage)),
        }
    }
    /// Who it is in the audit log, and whose what it made is.
    pub fn actor_id(&self) -> String {
        self.ctx.actor.audit_parts().1
    }
    /// Rights with their scopes.
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }
    /// The tenant's name.
    pub fn tenant_name(&self) -> &str {
        &self.tenant_name
    }
    /// The tenant's state.
    pub fn tenant_state(&self) -> TenantState {
        self.tenant_state
    }
    /// Which console.
    pub fn surface(&self) -> Surface {
        self.ctx.kind
    }
    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.ctx.tenant
    }
    /// Where the caller is, for what is looked up before anything was granted.
    pub(crate) fn own_ctx(&self) -> &TenantCtx {
        &self.ctx
    }
    /// The merchant's provider, or the provider itself; none for the operator.
    pub fn provider(&self) -> Option<TenantId> {
        self.ctx.provider
    }
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.ctx.request
    }
    /// Why the tenant is suspended; none when it is not.
    pub fn tenant_stop(&self) -> Option<&TenantStop> {
        self.tenant_stop.as_ref()
    }
    /// Whether any right allows it. Pages use it to hide what would be refused.
    pub fn may(&self, permission: Permission) -> bool {
        self.may_as_a_person(permission) || self.giving(permission).next().is_some()
    }
    /// What is about the own log-in needs no role: whoever lost their last one can still look, switch and log out.
    fn may_as_a_person(&self, permission: Permission) -> bool {
        permission.is_everyones() && matches!(self.principal, Principal::Person(_))
    }
    /// What it may do anywhere, in table order.
    pub fn permissions(&self) -> PermissionSet {
        Permission::ALL.iter().copied().filter(|permission| self.may(*permission)).collect()
    }

    /// What it holds in all of these shops, or in the whole tenant where none are named: the most that it can pass on.
    pub fn permissions_in(&self, shops: Option<&[ShopId]>) -> PermissionSet {
        let holds = |permission: Permission, shop: Option<ShopId>| {
            let mut giving = self.giving(permission);
            giving.any(|right| {
                right.scope == Scope::Tenant || shop.is_some_and(|id| right.scope == Scope::Shop(id))
            })
        };
        let everywhere = |permission: &Permission| match shops {
            None => holds(*permission, None),
            Some(shops) => shops.iter().all(|shop| holds(*permission, Some(*shop))),
        };
        Permission::ALL.iter().copied().filter(everywhere).collect()
    }

    /// What it may do in the whole tenant: what it may hand on.
    pub fn holds_everywhere(&self) -> PermissionSet {
        let everywhere = self.rights.iter().filter(|right| right.scope == Scope::Tenant);
        everywhere.fold(PermissionSet::EMPTY, |set, right| set.or(right.permissions))
    }

    /// The rights that give a permission. Some permissions are for people only, whatever a program was given.
    fn giving(&self, permission: Permission) -> impl Iterator<Item = &Right> {
        let for_this_kind = match &self.principal {
            Principal::Person(_) => true,
            Principal::Impersonator(_) => !permission.never_impersonated(),
            Principal::ApiKey { .. } | Principal::App { .. } => permission.reaches_machines(),
        };
        self.rights.iter().filter(move |right| for_this_kind && right.gives(permission))
    }

    /// The proof of `P` in the caller's own tenant.
    pub fn grant<P: Perm>(&self) -> Result<Grant<P>, Denied> {
        let mut scopes: Vec<Scope> = self.giving(P::PERMISSION).map(|right| right.scope).collect();
        if scopes.is_empty() && self.may_as_a_person(P::PERMISSION) {
            scopes.push(Scope::Tenant);
        }
        if scopes.is_empty() {
            return Err(Denied(P::PERMISSION));
        }
        Ok(Grant { ctx: self.ctx.clone(), scopes, _permission: PhantomData })
    }
}

/// Proof that the caller holds `P` in a tenant.
#[derive(Clone, Debug)]
pub struct Grant<P> {
    ctx: TenantCtx,
    scopes: Vec<Scope>,
    _permission: PhantomData<P>,
}

impl<P: Perm> Grant<P> {
    /// For whom and by whom.
    pub fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }

    /// Whether the permission reaches this shop: roles scoped to another shop do not.
    pub fn covers_shop(&self, shop: ShopId) -> bool {
        self.scopes.iter().any(|scope| matches!(scope, Scope::Tenant) || *scope == Scope::Shop(shop))
    }

    /// None when the whole tenant is covered, else the shops that are.
    pub fn shops(&self) -> Option<Vec<ShopId>> {
        let mut shops = Vec::new();
        for scope in &self.scopes {
            match scope {
                Scope::Tenant => return None,
                Scope::Shop(shop) => shops.push(*shop),
            }
        }
        Some(shops)
    }

    /// A view across the provider's merchants. Only provider staff have one.
    pub fn provider_ctx(&self) -> StoreResult<ProviderCtx> {
        match (self.ctx.kind, self.ctx.provider) {
            (Surface::Provider, Some(provider)) => Ok(ProviderCtx { provider, request: self.ctx.request }),
            _ => Err(StoreError::NotFound),
        }
    }

    /// The same proof on one of the provider's merchants. Another provider's merchant is not found.
    pub async fn on_merchant(&self, db: &Db, merchant: TenantId) -> StoreResult<Grant<P>> {
        let provider = self.provider_ctx()?.provider;
        let tx = db.begin_lookup(&SystemCtx::for_task("merchant of a provider", self.ctx.request)).await?;
        let row = tenant::tenant_find(&tx, merchant).await?.ok_or(StoreError::NotFound)?;
        drop(tx);
        if row.kind != Surface::Merchant || row.provider != Some(provider) {
            return Err(StoreError::NotFound);
        }
        let ctx = TenantCtx {
            tenant: merchant,
            kind: Surface::Merchant,
            provider: Some(provider),
            ..self.ctx.clone()
        };
        Ok(Grant { ctx, scopes: vec![Scope::Tenant], _permission: PhantomData })
    }
}

impl<P: Perm> Grant<P> {
    /// The installation's view over its registry. Only the operator's people have one.
    pub fn system_ctx(&self, task: &'static str) -> StoreResult<SystemCtx> {
        match self.ctx.kind {
            Surface::Operator => Ok(SystemCtx::for_task(task, self.ctx.request)),
            _ => Err(StoreError::NotFound),
        }
    }

    /// The same proof on one of the installation's providers. Only the operator's people have one; it opens the
    /// provider's own rows, never its merchants'.
    pub async fn on_provider(&self, db: &Db, provider: TenantId) -> StoreResult<Grant<P>> {
        let tx = db.begin_lookup(&self.system_ctx("a provider of the operator")?).await?;
        let row = tenant::tenant_find(&tx, provider).await?.ok_or(StoreError::NotFound)?;
        drop(tx);
        if row.kind != Surface::Provider {
            return Err(StoreError::NotFound);
        }
        let ctx = TenantCtx {
            tenant: provider,
            kind: Surface::Provider,
            provider: Some(provider),
            ..self.ctx.clone()
        };
        Ok(Grant { ctx, scopes: vec![Scope::Tenant], _permission: PhantomData })
    }
}

impl Grant<perm::SelfManage> {
    /// The same proof where the person's log-in lives: password, codes and what is told about them.
    pub async fn at_home(&self, db: &Db, person: &Person) -> StoreResult<Grant<perm::SelfManage>> {
        if person.id == person.home.user {
            return Ok(self.clone());
        }
        let found = crate::resolve::at_home(db, person.home, self.ctx.request).await?;
        let (ctx, _) = found.ok_or(StoreError::NotFound)?;
        Ok(Grant { ctx, scopes: vec![Scope::Tenant], _permission: PhantomData })
    }
}

impl TenantCtx {
    /// The installation acting in a tenant at start-up or from the command line (seeding, health).
    /// The actor is recorded as `System`.
    pub async fn for_system(db: &Db, ctx: &SystemCtx, tenant: TenantId) -> StoreResult<TenantCtx> {
        let tx = db.begin_lookup(ctx).await?;
        let row = tenant::tenant_find(&tx, tenant).await?.ok_or(StoreError::NotFound)?;
        Ok(TenantCtx {
            tenant,
            kind: row.kind,
            provider: row.provider,
            actor: Actor::System(ctx.task),
            request: ctx.request,
        })
    }
}
