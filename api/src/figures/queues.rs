//! What waits in the queues of tenants, read from the database when somebody looks, and kept for a few seconds.

use crate::error::Answer;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::db::Db;
use qianpu_tenants::job_queues::{TenantQueue, job_queues};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How old a look may be.
const FRESH: Span = Span::seconds(5);

/// What was seen, and when.
#[derive(Debug, Clone)]
pub struct Look {
    pub at: Timestamp,
    pub queues: Arc<HashMap<TenantId, TenantQueue>>,
}

/// The last look. Whoever comes while somebody looks waits and sees the same.
#[derive(Debug, Default)]
pub struct Queues {
    last: Mutex<Option<Look>>,
}

impl Queues {
    /// What waits now, or waited some seconds ago: of `most` tenants, those with the longest queues.
    pub async fn look(&self, db: &Db, most: usize, request: RequestId) -> Answer<Look> {
        let mut last = self.last.lock().await;
        let now = db.clock().now();
        if let Some(look) = &*last
            && now.since(look.at) < FRESH
            && now >= look.at
        {
            return Ok(look.clone());
        }
        let found = job_queues(db, now, u64::try_from(most).unwrap_or(u64::MAX), request).await?;
        let queues = found.into_iter().map(|queue| (queue.tenant, queue)).collect();
        let look = Look { at: now, queues: Arc::new(queues) };
        *last = Some(look.clone());
        Ok(look)
    }
}
