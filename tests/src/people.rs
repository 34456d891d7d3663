//! Tenants and people for tests, made through the stores; a person's token is real and needs no password.

use qianpu_api::app::setup::ensure_operator;
use qianpu_api::auth::token::{Claims, sign};
use qianpu_api::http::seats::Seat;
use qianpu_domain::access::Surface;
use qianpu_domain::custom_role::StaffRole;
use qianpu_domain::ids::{RequestId, SessionId, ShopId, TenantId, UserId};
use qianpu_domain::time::Span;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::random;
use qianpu_tenants::resolve;
use qianpu_tenants::store::session::{SessionKind, session_insert};
use qianpu_tenants::store::staff::grant_insert;
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tenants::store::user::{NewUser, user_insert};

use crate::app::TestApp;
use crate::http::Client;

const SESSION: Span = Span::days(1);

/// Makes an active tenant; a merchant needs its provider.
pub async fn tenant(db: &Db, kind: Surface, provider: Option<&TenantCtx>, name: &str) -> TenantCtx {
    let now = db.clock().now();
    let system = SystemCtx::for_task("test", RequestId(random::id(now)));
    let id = TenantId(random::id(now));
    let provider = match kind {
        Surface::Operator => None,
        Surface::Provider => Some(id),
        Surface::Merchant => Some(provider.expect("a merchant has a provider").tenant()),
    };
    let mut tx = db.begin_system(&system).await.expect("a transaction of the installation");
    let new = NewTenant { id, kind, provider, name, state: TenantState::Active, locale: "zh" };
    tenant_insert(&mut tx, &new).await.expect("the tenant is stored");
    tx.commit().await.expect("commit");
    TenantCtx::for_system(db, &system, id).await.expect("the tenant is found")
}

impl TestApp {
    /// The operator, with the platform's default policies.
    pub async fn operator(&self) -> TenantCtx {
        let id = ensure_operator(&self.state, "运营方", None).await.expect("the operator is made");
        let now = self.state.clock().now();
        let system = SystemCtx::for_task("test", RequestId(random::id(now)));
        TenantCtx::for_system(&self.state.db, &system, id).await.expect("the operator is found")
    }

    pub async fn provider(&self, name: &str) -> TenantCtx {
        tenant(&self.state.db, Surface::Provider, None, name).await
    }

    pub async fn merchant(&self, provider: &TenantCtx, name: &str) -> TenantCtx {
        tenant(&self.state.db, Surface::Merchant, Some(provider), name).await
    }

    /// A new person with this role in the tenant, logged in at the API. They have no password.
    pub async fn person(&self, at: &TenantCtx, role: impl Into<StaffRole>) -> Client {
        self.person_in(at, role.into(), None).await
    }

    /// The same for somebody who works for one shop only.
    pub async fn person_of_shop(&self, at: &TenantCtx, role: impl Into<StaffRole>, shop: ShopId) -> Client {
        self.person_in(at, role.into(), Some(shop)).await
    }

    async fn person_in(&self, at: &TenantCtx, role: StaffRole, shop: Option<ShopId>) -> Client {
        let (user, session, _) = self.session(at, role, SessionKind::Api, shop).await;
        let claims = Claims { user, tenant: at.tenant(), session, surface: at.kind() };
        let now = self.state.clock().now();
        let token = sign(&self.state.keys, &claims, now, SESSION).expect("a token");
        self.anonymous().with_token(&token)
    }

    /// A new person with this role in the tenant, logged in at the console.
    pub async fn visitor(&self, at: &TenantCtx, role: impl Into<StaffRole>) -> Visitor {
        let (_, session, token) = self.session(at, role.into(), SessionKind::Console, None).await;
        let seat = Seat::of(at.kind(), at.tenant());
        let cookie = format!("{}={}.{token}", seat.cookie(), at.tenant().0.as_simple());
        let request = RequestId(random::id(self.state.clock().now()));
        let caller = resolve::by_token(&self.state.db, at.tenant(), session, request).await;
        let caller = caller.expect("the session can be read").expect("the session is there");
        Visitor {
            client: self.anonymous().at_seat(&seat),
            cookie,
            form_token: caller.person().expect("a person").csrf_token.clone(),
        }
    }

    async fn session(
        &self,
        at: &TenantCtx,
        role: StaffRole,
        kind: SessionKind,
        shop: Option<ShopId>,
    ) -> (UserId, SessionId, String) {
        let email = format!("{}@person.test", random::token().to_lowercase());
        let token = random::token();
        let mut tx = self.state.db.begin(at).await.expect("a transaction of the tenant");
        let new = NewUser { email: &email, display_name: &role.key(), password_hash: "none", locale: "zh" };
        let user = user_insert(&mut tx, &new).await.expect("the person is stored");
        grant_insert(&mut tx, user, role, shop).await.expect("the grant is stored");
        let session = session_insert(&mut tx, user, kind, &token, "test", SESSION).await;
        tx.commit().await.expect("commit");
        (user, session.expect("the session is stored"), token)
    }
}

/// Somebody at the pages of a console.
pub struct Visitor {
    pub client: Client,
    /// The `Cookie` header.
    pub cookie: String,
    /// What each form must carry.
    pub form_token: String,
}
