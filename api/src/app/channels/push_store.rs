//! Storing pushes. Those of a tenant that come while one of its transactions runs are stored together by the next one: a
//! shop in a flash sale costs a connection and a transaction per group, not per push, and leaves the rest to the others.
//!
//! Nobody's push is acknowledged before the transaction that holds it has ended.

use super::push::{count_of, message};
use super::push_queue::TenantQueues;
use super::push_route::{self, Routed};
use crate::app::followers;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, TenantId};
use qianpu_sdk::{Notice, NoticeKind};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::inbox::{Stored, inbox_insert_all};
use qianpu_tenants::jobs::job_enqueue_all;
use qianpu_tenants::store::channel_account::{
    ChannelAccount, PushProof, account_note_push, push_accounts_now,
};
use std::collections::BTreeMap;
use std::slice;
use tokio::sync::oneshot;

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is stored, or was before.
    Taken,
    /// The account is no longer what the push was checked with; nothing was stored.
    Changed,
}

struct Waiting {
    ctx: TenantCtx,
    proof: PushProof,
    notices: Vec<Notice>,
    told: oneshot::Sender<Answer<Fate>>,
}

/// Pushes that wait to be stored.
#[derive(Default)]
pub struct PushQueues(TenantQueues<Waiting>);

/// Stores what a push says, with the jobs it leads to.
pub(super) async fn store(
    state: &AppState,
    ctx: &TenantCtx,
    proof: PushProof,
    notices: Vec<Notice>,
) -> Answer<Fate> {
    let (told, answer) = oneshot::channel();
    let tenant = ctx.tenant();
    let push = Waiting { ctx: ctx.clone(), proof, notices, told };
    let starts = state.channels.pushes.0.add(tenant, push).ok_or_else(unavailable)?;
    if starts {
        tokio::spawn(store_waiting(state.clone(), tenant));
    }
    answer.await.unwrap_or_else(|_| Err(unavailable()))
}

fn unavailable() -> ApiError {
    ApiError::new(ErrorCode::Unavailable)
}

async fn store_waiting(state: AppState, tenant: TenantId) {
    for group in state.channels.pushes.0.groups(tenant) {
        store_group(&state, group).await;
    }
}

async fn store_group(state: &AppState, group: Vec<Waiting>) {
    let Some(first) = group.first() else { return };
    let tx = match state.db.begin(&first.ctx).await {
        Ok(tx) => tx,
        Err(error) => return refuse(group, error.into()),
    };
    let error = match store_together(tx, &group).await {
        Ok(fates) => {
            for (push, fate) in group.into_iter().zip(fates) {
                // Who waited may have gone; the push is stored all the same.
                let _ = push.told.send(Ok(fate));
            }
            return;
        }
        Err(error) => error,
    };
    if group.len() == 1 {
        return refuse(group, error);
    }
    tracing::warn!(%error, pushes = group.len(), "pushes could not be stored together");
    // One of them may be the cause: each for itself, so that it does not keep the others out.
    let mut rest = group.into_iter();
    while let Some(push) = rest.next() {
        match state.db.begin(&push.ctx).await {
            Ok(tx) => {
                let fates = store_together(tx, slice::from_ref(&push)).await;
                let _ = push.told.send(fates.map(|fates| fates.first().copied().unwrap_or(Fate::Changed)));
            }
            Err(error) => return refuse(std::iter::once(push).chain(rest), error.into()),
        }
    }
}

/// None of them is stored.
fn refuse(group: impl IntoIterator<Item = Waiting>, error: ApiError) {
    let mut error = Some(error);
    for push in group {
        let _ = push.told.send(Err(error.take().unwrap_or_else(unavailable)));
    }
}

/// One transaction for all of them.
async fn store_together(tx: TenantTx, group: &[Waiting]) -> Answer<Vec<Fate>> {
    let proofs: Vec<&PushProof> = group.iter().map(|push| &push.proof).collect();
    let accounts = push_accounts_now(&tx, &proofs).await?;
    let mut told = Vec::new();
    for (push, account) in group.iter().zip(&accounts) {
        if let Some(account) = account {
            told.extend(push.notices.iter().map(|notice| (account, notice)));
        }
    }
    take(tx, &told).await?;
    let fate = |account: &Option<ChannelAccount>| match account {
        Some(_) => Fate::Taken,
        None => Fate::Changed,
    };
    Ok(accounts.iter().map(fate).collect())
}

/// Stores notices about accounts, with the jobs they lead to.
async fn take(mut tx: TenantTx, told: &[(&ChannelAccount, &Notice)]) -> Answer<()> {
    let hints: Vec<String> = told.iter().map(|(_, notice)| notice.hint.to_string()).collect();
    let rows = told.iter().zip(&hints).map(|((account, notice), hint)| message(account.id.0, notice, hint));
    let stored = inbox_insert_all(&mut tx, &rows.collect::<Vec<_>>()).await?;
    let is_new = |(_, stored): &(_, &Stored)| matches!(stored, Stored::New(_));
    let new: Vec<_> = told.iter().zip(&stored).filter(is_new).map(|(told, _)| *told).collect();
    if !new.is_empty() {
        let pushed: BTreeMap<ChannelAccountId, &ChannelAccount> =
            new.iter().map(|(account, _)| (account.id, *account)).collect();
        for account in pushed.into_values() {
            account_note_push(&mut tx, account).await?;
        }
        let routed = new.iter().map(|(account, notice)| push_route::job_for(account, notice));
        let jobs = routed.filter_map(|routed| match routed {
            Routed::Job(job) => Some(job),
            Routed::Kept => None,
        });
        let second = new.iter().filter_map(|(account, notice)| push_route::second_job(account, notice));
        job_enqueue_all(&mut tx, jobs.chain(second).collect()).await?;
        for (account, notice) in &new {
            beside_the_job(&mut tx, account, notice).await?;
        }
        tx.commit().await?;
    }
    for ((account, _), stored) in told.iter().zip(&stored) {
        count_of(account, if *stored == Stored::Duplicate { "duplicate" } else { "stored" });
    }
    Ok(())
}

/// What some notices change by themselves.
async fn beside_the_job(tx: &mut TenantTx, account: &ChannelAccount, notice: &Notice) -> Answer<()> {
    followers::heard::note(tx, account, notice).await?;
    if let (NoticeKind::ContentPublished, Some(publish_id)) = (&notice.kind, &notice.subject_id) {
        followers::publish::pushed(tx, account.id, publish_id).await?;
    }
    if notice.kind == NoticeKind::MessageSettled {
        followers::notice_send::pushed(tx, account.id, notice).await?;
    }
    Ok(())
}
