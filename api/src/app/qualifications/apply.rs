//! Sending an application. Documents go first, and may go twice; the call that applies is made **once**: the row notes
//! that it begins, and whatever becomes of the answer, no other run calls again. What came of it is found by looking.

use super::follow;
use crate::app::channels::account_jobs::payload;
use crate::app::channels::call::{AccountCall, CallError};
use crate::jobs::{JobResult, finish};
use crate::state::AppState;
use qianpu_domain::ids::QualificationId;
use qianpu_domain::qualification::{QualificationKind, QualificationState};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{BrandRight, BrandWish, CategoryWish, ChannelError, Trademark};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::qualification::{Qualification, qualification_get, qualification_save};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Job that sends an application; payload `{"qualification_id"}`.
pub const APPLY_JOB: &str = "qualification.apply";
/// Documents that are sent at once.
const AT_ONCE: usize = 10;
/// How often the outcome is put to a row that changes meanwhile.
const TRIES: u32 = 5;

pub(super) fn new_job(id: QualificationId) -> NewJob {
    NewJob {
        kind: APPLY_JOB,
        dedup_key: Some(id.to_string()),
        payload: json!({ "qualification_id": id.to_string() }),
        run_at: None,
        priority: 3,
    }
}

/// What is applied for.
enum Wish {
    Category(CategoryWish),
    Brand(BrandWish),
}

fn read<T: serde::de::DeserializeOwned>(content: &Value) -> Result<T, CallError> {
    serde_json::from_value(content.clone())
        .map_err(|_| CallError::Store(StoreError::Corrupt("qualifications.content")))
}

impl Wish {
    fn of(one: &Qualification) -> Result<Self, CallError> {
        Ok(match one.kind {
            QualificationKind::Category => Self::Category(read(&one.content)?),
            QualificationKind::Brand => Self::Brand(read(&one.content)?),
        })
    }
    /// Every list of documents.
    fn documents(&mut self) -> Vec<&mut Vec<String>> {
        match self {
            Self::Category(wish) => wish.documents.iter_mut().map(|sent| &mut sent.ids).collect(),
            Self::Brand(wish) => papers(wish),
        }
    }
}

/// Every list of documents for a brand.
pub(super) fn papers(wish: &mut BrandWish) -> Vec<&mut Vec<String>> {
    let mut lists = match &mut wish.mark {
        Trademark::Registered { certificates, renewals, .. } => vec![certificates, renewals],
        Trademark::AppliedFor { certificates, .. } => vec![certificates],
    };
    if let BrandRight::Granted { letters, owner_papers, .. } = &mut wish.right {
        lists.extend([letters, owner_papers]);
    }
    lists
}

/// How many documents an application was kept with.
pub fn count(one: &Qualification) -> usize {
    Wish::of(one).map_or(0, |mut wish| wish.documents().iter().map(|list| list.len()).sum())
}

/// Sends the documents, and puts the platform's ids in the place of ours.
async fn send(call: &AccountCall<'_>, wish: &mut Wish) -> Result<(), CallError> {
    let ours: Vec<String> = wish.documents().into_iter().flat_map(|list| list.clone()).collect();
    let mut theirs: BTreeMap<String, String> = BTreeMap::new();
    for some in ours.chunks(AT_ONCE) {
        let answer = call.host().send_documents(call.account_ref(), some).await;
        let sent = call.settle(answer).await?;
        if sent.len() != some.len() {
            let error = ChannelError::unexpected("not every document has an id");
            return Err(CallError::Channel(error));
        }
        theirs.extend(some.iter().cloned().zip(sent));
    }
    for list in wish.documents() {
        for id in list {
            if let Some(sent) = theirs.get(id) {
                id.clone_from(sent);
            }
        }
    }
    Ok(())
}

/// What has to be known before the call: the documents' ids, and what the platform has of the brand.
async fn prepare(call: &AccountCall<'_>, one: &Qualification) -> Result<(Wish, Option<String>), CallError> {
    let mut wish = Wish::of(one)?;
    send(call, &mut wish).await?;
    let earlier = match &wish {
        Wish::Category(_) => None,
        Wish::Brand(wish) => {
            let answer = call.host().brand(call.account_ref(), &wish.name.brand_id).await;
            call.settle(answer).await?.and_then(|brand| brand.application_id)
        }
    };
    Ok((wish, earlier))
}

/// Sends an application, once.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id: QualificationId = payload(job, "qualification_id")?;
    let mut tx = state.db.begin(&job.ctx).await?;
    let mut one = qualification_get(&tx, id).await?;
    if one.state != QualificationState::Sent || one.sent_at.is_some() {
        if one.state == QualificationState::Sent {
            // An earlier run began the call: applying again might apply twice.
            one.state = QualificationState::InDoubt;
            qualification_save(&mut tx, &one).await?;
            job_enqueue(&mut tx, follow::look_job(id, None)).await?;
        }
        return finish(tx, job).await;
    }
    drop(tx);
    let now = state.clock().now();
    let call = match AccountCall::open(state, &job.ctx, one.account).await {
        Ok(call) => call,
        Err(error) => return refused_or_later(state, job, &one, error, now).await,
    };
    let (wish, earlier) = match prepare(&call, &one).await {
        Ok(prepared) => prepared,
        Err(error) => return refused_or_later(state, job, &one, error, now).await,
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    one.sent_at = Some(tx.now());
    one.earlier_id = earlier;
    qualification_save(&mut tx, &one).await?;
    // The look is due even if this process ends now.
    let first = tx.now().plus(follow::FIRST);
    job_enqueue(&mut tx, follow::look_job(id, Some(first))).await?;
    tx.commit().await?;
    let answer = match &wish {
        Wish::Category(wish) => call.host().apply_for_category(call.account_ref(), wish).await,
        Wish::Brand(wish) => call.host().apply_for_brand(call.account_ref(), wish).await,
    };
    let outcome = match call.settle(answer).await {
        Ok(application_id) => Outcome::Made(application_id),
        Err(error) => match error.certain() {
            Some(words) => Outcome::Refused(words),
            None => {
                tracing::info!(qualification_id = %id, %error, "the answer to an application was lost");
                Outcome::Lost
            }
        },
    };
    put(state, job, id, &outcome).await
}

enum Outcome {
    Made(String),
    Refused(String),
    Lost,
}

/// Puts what came of asking to the row as it is now.
async fn put(state: &AppState, job: &ClaimedJob, id: QualificationId, outcome: &Outcome) -> JobResult {
    let mut tries = TRIES;
    loop {
        let mut tx = state.db.begin(&job.ctx).await?;
        let mut fresh = qualification_get(&tx, id).await?;
        if !matches!(fresh.state, QualificationState::Sent | QualificationState::InDoubt) {
            return finish(tx, job).await;
        }
        match outcome {
            Outcome::Made(application_id) => {
                fresh.state = QualificationState::Checking;
                fresh.application_id = Some(application_id.clone());
            }
            Outcome::Refused(words) => {
                fresh.state = QualificationState::Refused;
                fresh.reason = Some(words.clone());
            }
            Outcome::Lost => fresh.state = QualificationState::InDoubt,
        }
        match qualification_save(&mut tx, &fresh).await {
            Ok(()) => return finish(tx, job).await,
            // A look overtook the answer. The id comes once, so it is put to what was kept meanwhile.
            Err(StoreError::VersionConflict) if tries > 0 => tries -= 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Before anything was applied for: a certain "no" ends the application, anything else is tried again.
async fn refused_or_later(
    state: &AppState,
    job: &ClaimedJob,
    one: &Qualification,
    error: CallError,
    now: Timestamp,
) -> JobResult {
    match error.certain() {
        Some(words) => put(state, job, one.id, &Outcome::Refused(words)).await,
        None => Err(error.job_error(now, job.attempt)),
    }
}
