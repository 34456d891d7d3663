//! An application over a fresh SQLite database, for this crate's own tests. The journeys on both databases
//! are in the workspace's `tests` crate.

use crate::config::Config;
use crate::state::AppState;
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::random;
use qianpu_tenants::store::staff::grant_insert;
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert};
use qianpu_tenants::store::user::{NewUser, user_insert};
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse battery";

pub struct TestApp {
    pub state: AppState,
    pub clock: Clock,
    _dir: tempfile::TempDir,
}

impl TestApp {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let variables = [
            ("QIANPU__APP__DATA_DIR".to_owned(), dir.path().display().to_string()),
            ("QIANPU__DATABASE__MAX_CONNECTIONS".to_owned(), "3".to_owned()),
            ("QIANPU__LOGIN__MAX_FAILURES".to_owned(), "3".to_owned()),
            // A fault of ours says why in the output of the test.
            ("QIANPU__LOG__FILTER".to_owned(), "qianpu_api=error".to_owned()),
        ];
        let config = Config::from_parts(None, variables).unwrap();
        crate::telemetry::start_logging(&config.log);
        crate::cli::migrate(&config, None).await.unwrap();
        let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
        let state = AppState::start(config, clock.clone()).await.unwrap();
        Self { state, clock, _dir: dir }
    }

    /// A tenant with one person; returns its system context.
    pub async fn person(&self, surface: Surface, email: &str, role: Role) -> TenantCtx {
        let db = &self.state.db;
        let system = SystemCtx::for_task("test", RequestId(Uuid::nil()));
        let id = TenantId(random::id(self.clock.now()));
        let provider = match surface {
            Surface::Operator => None,
            Surface::Provider => Some(id),
            Surface::Merchant => Some(
                Box::pin(self.person(Surface::Provider, &format!("p-{email}"), Role::ProviderOwner))
                    .await
                    .tenant(),
            ),
        };
        let mut tx = db.begin_system(&system).await.unwrap();
        let state = TenantState::Active;
        let name = "山前小铺";
        tenant_insert(&mut tx, &NewTenant { id, kind: surface, provider, name, state, locale: "zh" })
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let ctx = TenantCtx::for_system(db, &system, id).await.unwrap();
        let password_hash = crate::auth::password::hash(PASSWORD.to_owned()).await.unwrap();
        let mut tx = db.begin(&ctx).await.unwrap();
        let new = NewUser { email, display_name: "陈小满", password_hash: &password_hash, locale: "zh" };
        let user = user_insert(&mut tx, &new).await.unwrap();
        grant_insert(&mut tx, user, role, None).await.unwrap();
        tx.commit().await.unwrap();
        ctx
    }
}
