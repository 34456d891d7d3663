//! `documents.check`: once a day for each merchant with an open shop, how near the end of its documents is. Each
//! stage is told once. When the days of grace are over and no renewed document waits for the provider, the shop
//! is suspended, if the rule in force says so.
//!
//! The job makes its own successor first, so that a failure never ends the chain; [`watch`] begins chains that
//! are missing.

use super::{KeptDocument, kept, open_applications, terms};
use crate::app::shops::suspension::suspend_in;
use crate::app::{notices, requirements};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult, chains};
use crate::state::AppState;
use qianpu_domain::onboarding::{ExpiryStage, Requirement};
use qianpu_domain::policy::ExpiryTerms;
use qianpu_domain::shop::{ShopState, SuspensionCause};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::store::application::StoredApplication;
use qianpu_tenants::store::document_notice::document_notice_once;
use qianpu_tenants::store::shop::shop_of_application;
use serde_json::json;

pub const CHECK_JOB: &str = "documents.check";
const DAY: Span = Span::days(1);

fn job(at: Timestamp) -> NewJob {
    NewJob {
        kind: CHECK_JOB,
        dedup_key: Some("daily".to_owned()),
        payload: json!({}),
        run_at: Some(at),
        priority: 9,
    }
}

/// Makes sure that the merchant's documents are looked at every day from tomorrow on.
pub(in crate::app) async fn ensure_in(tx: &mut TenantTx) -> Answer<()> {
    let at = tx.now().plus(DAY);
    job_enqueue(tx, job(at)).await?;
    Ok(())
}

/// The daily look at every open shop of a merchant.
pub async fn run(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let ctx = &claimed.ctx;
    let mut tx = state.db.begin(ctx).await?;
    ensure_in(&mut tx).await?;
    tx.commit().await?;
    let terms = terms(state, ctx).await?;
    let asked = requirements::rules(&state.db, ctx).await?.requirements;
    let tx = state.db.read(ctx).await?;
    let applications = open_applications(&tx, state).await?;
    drop(tx);
    for stored in &applications {
        check(state, ctx, stored, &asked, &terms).await?;
    }
    Ok(Done::Nothing)
}

async fn check(
    state: &AppState,
    ctx: &TenantCtx,
    stored: &StoredApplication,
    asked: &[Requirement],
    terms: &ExpiryTerms,
) -> Answer<()> {
    let mut tx = state.db.begin(ctx).await?;
    let mut told = Vec::new();
    let mut overdue = Vec::new();
    for document in kept(&tx, stored, asked, terms).await? {
        let (Some(stage), Some(last)) = (document.stage, document.expires_on) else { continue };
        // What waits for the provider is not the merchant's to mend.
        if !document.waits_for_merchant() {
            continue;
        }
        let stage = match stage {
            ExpiryStage::Overdue if terms.suspends => {
                overdue.push(document);
                continue;
            }
            ExpiryStage::Overdue => ExpiryStage::Expired,
            stage => stage,
        };
        if document_notice_once(&mut tx, stored.id, &document.requirement.code, last, stage).await? {
            told.push(document);
        }
    }
    if !told.is_empty() {
        notices::documents_expiring(state, &mut tx, stored, &told, terms).await?;
    }
    if !overdue.is_empty() {
        suspend(state, &mut tx, stored, &overdue).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn suspend(
    state: &AppState,
    tx: &mut TenantTx,
    stored: &StoredApplication,
    overdue: &[KeptDocument],
) -> Answer<()> {
    let Some(shop) = shop_of_application(tx, stored.id).await? else { return Ok(()) };
    // A shop that is stopped already, or not open to buyers, has nothing to be suspended from.
    if shop.state != ShopState::Trading {
        return Ok(());
    }
    let names: Vec<String> = overdue
        .iter()
        .map(|document| format!("{} / {}", document.requirement.name_zh, document.requirement.name_en))
        .collect();
    suspend_in(state, tx, &shop, SuspensionCause::DocumentExpired, &names.join("; ")).await
}

/// Begins the chain of every merchant in business that has none, at start-up and now and then.
pub async fn watch(state: AppState) -> Result<(), ApiError> {
    chains::begin(&state, "documents.watch", Span::seconds(0), job).await
}
