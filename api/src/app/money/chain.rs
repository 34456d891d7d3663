//! The chain of hashes over a merchant's journals: linked every few minutes by a job, and looked at by the daily check of
//! the books. Nobody who books waits for it.

use crate::app::hash_chains::{MOST_TENANTS, Watch};
use crate::error::Answer;
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::time::Span;
use qianpu_tenants::chain::{BrokenAt, Head};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::store::ledger::chain::{chain_check, chain_from, chain_links, tenants_with_journals};

/// Links new journals of a merchant.
pub const CHAIN_JOB: &str = "ledger.chain";
/// How often somebody looks for journals to link.
pub const WATCH_EVERY: Span = Span::minutes(5);
/// How far back.
const WATCH_BACK: Span = Span::minutes(15);

/// Begins linking for every merchant that booked lately. What becomes visible later is linked by the daily check.
pub async fn watch(state: AppState) -> Answer<()> {
    let watch = Watch::new(&state, "ledger.chain");
    let since = state.clock().now().minus(WATCH_BACK);
    for view in watch.providers().await? {
        let tx = state.db.read_provider(&view).await?;
        let due = tenants_with_journals(&tx, since, MOST_TENANTS).await?;
        drop(tx);
        watch.begin(due, CHAIN_JOB).await?;
    }
    Ok(())
}

/// `ledger.chain`: links the merchant's new journals.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    link_all(state, &job.ctx, false).await?;
    Ok(Done::Nothing)
}

/// Links all that has no link; somebody else may do it at the same time.
async fn link_all(state: &AppState, ctx: &TenantCtx, whole: bool) -> Answer<()> {
    let mut from = Some(chain_from(&*state.db.read(ctx).await?, whole).await?);
    while let Some(mark) = from {
        let mut tx = state.db.begin(ctx).await?;
        from = match chain_links(&mut tx, mark).await {
            // Another one was quicker. What it leaves is linked by the next one.
            Err(error) if error.code() == ErrorCode::Conflict => return Ok(()),
            linked => linked?,
        };
        tx.commit().await?;
    }
    Ok(())
}

/// Links what has no link yet and looks at the whole chain; the first place where it does not hold.
pub(super) async fn verify(state: &AppState, ctx: &TenantCtx) -> Answer<Option<BrokenAt>> {
    link_all(state, ctx, true).await?;
    let mut head = Head::begin();
    loop {
        // One short transaction per batch: nobody waits for somebody who reads years.
        let tx = state.db.read(ctx).await?;
        match chain_check(&tx, &head).await? {
            Err(broken) => return Ok(Some(broken)),
            Ok(progress) if !progress.more => return Ok(None),
            Ok(progress) => head = progress.head,
        }
    }
}
