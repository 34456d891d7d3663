//! Adds what journals moved on accounts without a floor to the balances of those accounts. A balance that is read is
//! right before and after; this keeps few rows waiting.

use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::RequestId;
use qianpu_domain::time::Span;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::store::ledger::{roll_up, tenants_to_roll_up};

/// How often.
pub const EVERY: Span = Span::minutes(1);
/// Merchants that are looked up at once.
const MERCHANTS: u64 = 1_000;
/// Rows that one transaction adds up.
const ROWS: u64 = 1_000;

/// All merchants with rows that wait.
pub async fn watch(state: AppState) -> Answer<()> {
    let system = SystemCtx::for_task("ledger.roll_up", RequestId(state.new_id()));
    let mut after = None;
    loop {
        let lookup = state.db.begin_lookup(&system).await?;
        let merchants = tenants_to_roll_up(&lookup, after, MERCHANTS).await?;
        drop(lookup);
        let Some(last) = merchants.last() else { return Ok(()) };
        after = Some(*last);
        for merchant in merchants {
            let ctx = match TenantCtx::for_system(&state.db, &system, merchant).await {
                // Deleted meanwhile.
                Err(StoreError::NotFound) => continue,
                ctx => ctx?,
            };
            // What goes wrong with one merchant keeps no other one's rows waiting.
            if let Err(error) = of_merchant(&state, &ctx).await {
                tracing::error!(%merchant, %error, "what waits of a merchant could not be added up");
            }
        }
    }
}

async fn of_merchant(state: &AppState, ctx: &TenantCtx) -> Answer<()> {
    loop {
        let mut tx = state.db.begin(ctx).await?;
        let added = roll_up(&mut tx, ROWS).await?;
        tx.commit().await?;
        if added < ROWS {
            return Ok(());
        }
    }
}

/// All that waits of one merchant, in a transaction that the caller commits.
pub async fn whole(tx: &mut TenantTx) -> StoreResult<()> {
    while roll_up(tx, ROWS).await? > 0 {}
    Ok(())
}
