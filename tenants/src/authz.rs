//! From a caller to a proof: `Caller` → `Grant<P>`. A use case takes the proof.

use crate::context::{Actor, ProviderCtx, SystemCtx, TenantCtx};
use crate::db::Db;
use crate::error::{StoreError, StoreResult};
use crate::store::tenant::{self, TenantState};
use qianpu_domain::access::{Permission, Role, Surface, allows};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{RequestId, SessionId, ShopId, TenantId, UserId};
use std::marker::PhantomData;

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

/// A person who has proven who they are, in one tenant.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) session: SessionId,
    pub(crate) csrf_token: String,
    pub(crate) roles: Vec<(Role, Scope)>,
    pub(crate) tenant_name: String,
    pub(crate) tenant_state: TenantState,
    pub(crate) locale: String,
    pub(crate) ctx: TenantCtx,
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
    /// The person.
    pub fn user(&self) -> UserId {
        self.user
    }
    /// Shown name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Log-in e-mail.
    pub fn email(&self) -> &str {
        &self.email
    }
    /// The session.
    pub fn session(&self) -> SessionId {
        self.session
    }
    /// The token a form must carry.
    pub fn csrf_token(&self) -> &str {
        &self.csrf_token
    }
    /// Roles with their scopes.
    pub fn roles(&self) -> &[(Role, Scope)] {
        &self.roles
    }
    /// The tenant's name.
    pub fn tenant_name(&self) -> &str {
        &self.tenant_name
    }
    /// The tenant's state.
    pub fn tenant_state(&self) -> TenantState {
        self.tenant_state
    }
    /// The person's language, `zh` or `en`.
    pub fn locale(&self) -> &str {
        &self.locale
    }
    /// Which console.
    pub fn surface(&self) -> Surface {
        self.ctx.kind
    }
    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.ctx.tenant
    }
    /// The request.
    pub fn request_id(&self) -> RequestId {
        self.ctx.request
    }
    /// Whether any role allows it. Pages use it to hide what would be refused.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|(role, scope)| gives(*role, *scope, permission))
    }

    /// The proof of `P` in the caller's own tenant.
    pub fn grant<P: Perm>(&self) -> Result<Grant<P>, Denied> {
        let scopes: Vec<Scope> = self
            .roles
            .iter()
            .filter(|(role, scope)| gives(*role, *scope, P::PERMISSION))
            .map(|(_, scope)| *scope)
            .collect();
        if scopes.is_empty() {
            return Err(Denied(P::PERMISSION));
        }
        Ok(Grant { ctx: self.ctx.clone(), scopes, _permission: PhantomData })
    }
}

/// Whether a role gives a permission in this scope: what is about the whole tenant is not given in a shop.
fn gives(role: Role, scope: Scope, permission: Permission) -> bool {
    allows(role, permission) && (scope == Scope::Tenant || permission.reaches_single_shops())
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
