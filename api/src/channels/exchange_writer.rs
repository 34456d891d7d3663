//! Writes the exchange log beside the operations: the host shows an exchange and goes on, one task stores
//! what has gathered. When more gathers than can be stored, exchanges are dropped and counted; the log is
//! a help for people, never a record that anything depends on.

use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::Span;
use qianpu_host::{Exchange, ExchangeObserver, Target};
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::Db;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::random;
use qianpu_tenants::store::exchange_log::{NewExchange, exchange_insert};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Exchanges that may wait to be stored.
const WAITING: usize = 1000;
/// Exchanges stored at once.
const BATCH: usize = 100;

/// The job that forgets old exchanges of one account or app.
pub const TRIM_JOB: &str = "exchange.trim";

pub(super) struct ExchangeWriter {
    queue: mpsc::Sender<Exchange>,
}

impl ExchangeWriter {
    /// Starts the task; it ends when the observer is dropped.
    pub(super) fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write_all(db, waiting));
        Self { queue }
    }
}

impl ExchangeObserver for ExchangeWriter {
    fn observe(&self, exchange: &Exchange) {
        if self.queue.try_send(exchange.clone()).is_err() {
            metrics::counter!("qianpu_exchange_log_dropped_total").increment(1);
        }
    }
}

fn owner(target: &Target) -> Option<(TenantId, Uuid)> {
    match target {
        Target::App(app) => Some((app.tenant, app.id.0)),
        Target::Account(account) => Some((account.tenant, account.id.0)),
        Target::Candidate => None,
    }
}

async fn write_all(db: Db, mut waiting: mpsc::Receiver<Exchange>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let mut by_tenant: BTreeMap<TenantId, Vec<(Uuid, Exchange)>> = BTreeMap::new();
        for exchange in batch.drain(..) {
            if let Some((tenant, owner)) = owner(&exchange.target) {
                by_tenant.entry(tenant).or_default().push((owner, exchange));
            }
        }
        for (tenant, exchanges) in by_tenant {
            if let Err(error) = write(&db, tenant, &exchanges).await {
                tracing::warn!(tenant_id = %tenant, %error, "exchanges could not be noted");
            }
        }
    }
}

async fn write(db: &Db, tenant: TenantId, exchanges: &[(Uuid, Exchange)]) -> StoreResult<()> {
    let request = RequestId(random::id(db.clock().now()));
    let ctx = TenantCtx::for_system(db, &SystemCtx::for_task("exchange log", request), tenant).await?;
    let mut tx = db.begin(&ctx).await?;
    for (owner, exchange) in exchanges {
        let new = NewExchange {
            owner: *owner,
            operation: exchange.operation,
            method: exchange.method,
            path: &exchange.path,
            status: exchange.status.map(i64::from),
            outcome: exchange.outcome,
            remote_code: exchange.remote_code.as_deref(),
            remote_message: exchange.remote_message.as_deref(),
            remote_request_id: exchange.rid.as_deref(),
            millis: i64::try_from(exchange.duration.as_millis()).unwrap_or(i64::MAX),
            response_bytes: i64::try_from(exchange.response_bytes).unwrap_or(i64::MAX),
            at: exchange.sent_at,
        };
        exchange_insert(&mut tx, &new).await?;
        let trim = NewJob {
            kind: TRIM_JOB,
            dedup_key: Some(owner.simple().to_string()),
            payload: json!({ "owner_id": owner.simple().to_string() }),
            run_at: Some(tx.now().plus(Span::days(1))),
            priority: 9,
        };
        job_enqueue(&mut tx, trim).await?;
    }
    tx.commit().await
}
