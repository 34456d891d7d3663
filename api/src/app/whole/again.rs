//! What goes on by itself in a merchant that came back: the jobs that follow from its rows are put into the queue
//! anew, since those of the other installation are not replayed. Each may run twice with the same result.
//! Reconcilers begin with the next authorisation, and the look at documents with the next round of its watch.

use crate::app::buyers::erasure;
use crate::app::money::{daily, invoices};
use crate::app::orders::{settle, terms};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::time::Span;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;

/// What the rules of the provider say about it, read before the transaction.
pub struct Again {
    after_sale_window: Span,
}

/// Reads them.
pub async fn terms(state: &AppState, ctx: &TenantCtx) -> Answer<Again> {
    Ok(Again { after_sale_window: terms::window(state, ctx).await? })
}

/// Puts the jobs into the queue.
pub async fn begin(tx: &mut TenantTx, again: &Again) -> Answer<()> {
    daily::ensure_in(tx).await?;
    invoices::begin_again(tx).await?;
    erasure::begin_again(tx).await?;
    settle::begin_again(tx, again.after_sale_window).await
}
