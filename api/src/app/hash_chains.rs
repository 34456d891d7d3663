//! Who wrote rows lately that have no link in their chain of hashes yet (`tenants::chain`), and the job that makes it.

use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_tenants::context::{ProviderCtx, SystemCtx, TenantCtx};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::tenant::tenant_list_of_kind;
use serde_json::json;

/// Most tenants of one provider that are looked up at once.
pub const MOST_TENANTS: u64 = 50_000;
const MOST_PROVIDERS: u64 = 10_000;
const MOST_OPERATORS: u64 = 10;

/// The installation as it looks for what has to be linked.
pub struct Watch<'a> {
    state: &'a AppState,
    system: SystemCtx,
}

impl<'a> Watch<'a> {
    /// For a periodic task.
    pub fn new(state: &'a AppState, task: &'static str) -> Self {
        Self { state, system: SystemCtx::for_task(task, RequestId(state.new_id())) }
    }

    /// The installation's own tenants.
    pub async fn operators(&self) -> Answer<Vec<TenantId>> {
        let lookup = self.state.db.begin_lookup(&self.system).await?;
        let operators = tenant_list_of_kind(&lookup, Surface::Operator, MOST_OPERATORS).await?;
        Ok(operators.into_iter().map(|operator| operator.id).collect())
    }

    /// Every provider's view of its merchants.
    pub async fn providers(&self) -> Answer<Vec<ProviderCtx>> {
        let lookup = self.state.db.begin_lookup(&self.system).await?;
        let providers = tenant_list_of_kind(&lookup, Surface::Provider, MOST_PROVIDERS).await?;
        drop(lookup);
        let mut views = Vec::with_capacity(providers.len());
        for provider in providers {
            let ctx = TenantCtx::for_system(&self.state.db, &self.system, provider.id).await?;
            views.extend(ctx.provider_view());
        }
        Ok(views)
    }

    /// The job that links, once for each of these tenants.
    pub async fn begin(&self, tenants: Vec<TenantId>, kind: &'static str) -> Answer<()> {
        for tenant in tenants {
            let ctx = match TenantCtx::for_system(&self.state.db, &self.system, tenant).await {
                // Deleted meanwhile.
                Err(StoreError::NotFound) => continue,
                found => found?,
            };
            let mut tx = self.state.db.begin(&ctx).await?;
            let job = NewJob {
                kind,
                dedup_key: Some("chain".to_owned()),
                payload: json!({}),
                run_at: None,
                priority: 9,
            };
            job_enqueue(&mut tx, job).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
