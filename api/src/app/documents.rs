//! Documents after the shop is open: what each merchant's say about their end, renewed ones handed in and
//! judged. The daily look at them is [`daily`]; the rules are in `domain::onboarding`.

use super::applications::ctx_of;
use super::shops::suspension::{name_of, resume_in};
use super::{media, notices, policies, requirements};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ApplicationId, MediaId};
use qianpu_domain::onboarding::{
    self, Application, ApplicationState, DocumentState, ExpiryStage, RenewalState, Requirement, expiry_stage,
};
use qianpu_domain::policy::{ExpiryTerms, PolicyKind, expiry_terms};
use qianpu_domain::shop::{ShopState, SuspensionCause};
use qianpu_domain::time::{Date, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::application::{
    StoredApplication, application_get, application_list, application_save,
};
use qianpu_tenants::store::document_renewal::{
    Renewal, renewal_count_by_provider, renewal_decide, renewal_insert, renewal_list,
    renewal_list_by_provider,
};
use qianpu_tenants::store::shop::{Shop, shop_get, shop_of_application};
use qianpu_tenants::store::shop_suspension::suspension_open;
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

pub mod daily;

/// Applications looked at of one merchant; one has an application per shop.
const MOST_APPLICATIONS: u64 = 100;
/// Applications whose shop is open.
const THROUGH: &[ApplicationState] = &[ApplicationState::Approved, ApplicationState::AgreementSigned];

/// The terms in force for a merchant.
pub(super) async fn terms(state: &AppState, ctx: &TenantCtx) -> Answer<ExpiryTerms> {
    let rule = policies::rule_in_force(&state.db, ctx, PolicyKind::DocumentExpiry).await?;
    expiry_terms(&rule).map_err(|error| ApiError::refused(error.code(), error))
}

/// A document of an open shop.
#[derive(Debug, Clone)]
pub struct KeptDocument {
    pub application: ApplicationId,
    pub requirement: Requirement,
    pub state: DocumentState,
    pub media: Option<MediaId>,
    pub expires_on: Option<Date>,
    /// How near its end is.
    pub stage: Option<ExpiryStage>,
    /// The newest renewed one, unless it was accepted.
    pub renewal: Option<Renewal>,
}

impl KeptDocument {
    /// Whether the merchant has to do something.
    pub fn waits_for_merchant(&self) -> bool {
        self.stage.is_some() && self.renewal.as_ref().is_none_or(|it| it.state != RenewalState::Pending)
    }
}

/// The documents of one open shop.
#[derive(Debug, Clone)]
pub struct KeptDocuments {
    pub application: ApplicationId,
    pub shop: String,
    pub documents: Vec<KeptDocument>,
}

/// The documents of every open shop of the merchant, with the terms that hold.
pub async fn own(
    state: &AppState,
    grant: &Grant<perm::ApplicationEdit>,
) -> Answer<(Vec<KeptDocuments>, ExpiryTerms)> {
    let terms = terms(state, grant.ctx()).await?;
    let asked = requirements::rules(&state.db, grant.ctx()).await?.requirements;
    let tx = state.db.read(grant.ctx()).await?;
    let mut shops = Vec::new();
    for stored in open_applications(&tx, state).await? {
        let documents = kept(&tx, &stored, &asked, &terms).await?;
        let shop = stored.application.shop.map_or_else(String::new, |shop| shop.name.as_str().to_owned());
        shops.push(KeptDocuments { application: stored.id, shop, documents });
    }
    Ok((shops, terms))
}

/// How many documents the merchant has to renew.
pub async fn to_renew(state: &AppState, grant: &Grant<perm::ApplicationEdit>) -> Answer<usize> {
    let tx = state.db.read(grant.ctx()).await?;
    let open = application_list(&tx, THROUGH, PageRequest::first(1)).await?.items;
    drop(tx);
    if open.is_empty() {
        return Ok(0);
    }
    let (shops, _) = own(state, grant).await?;
    Ok(shops.iter().flat_map(|shop| &shop.documents).filter(|it| it.waits_for_merchant()).count())
}

async fn open_applications(tx: &TenantTx, state: &AppState) -> Answer<Vec<StoredApplication>> {
    let rows = application_list(tx, THROUGH, PageRequest::first(MOST_APPLICATIONS)).await?.items;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(application_get(tx, &state.keys.sealer, row.id).await?);
    }
    Ok(found)
}

async fn kept(
    tx: &TenantTx,
    stored: &StoredApplication,
    asked: &[Requirement],
    terms: &ExpiryTerms,
) -> Answer<Vec<KeptDocument>> {
    let now = tx.now();
    let renewals = renewal_list(tx, stored.id).await?;
    let Some(kind) = stored.application.kind() else { return Ok(Vec::new()) };
    Ok(Requirement::of_kind(asked, kind)
        .filter_map(|requirement| {
            let document = stored.application.document(&requirement.code)?;
            let accepted = document.state == DocumentState::Accepted;
            let newest = renewals.iter().find(|renewal| renewal.requirement == requirement.code);
            Some(KeptDocument {
                application: stored.id,
                requirement: requirement.clone(),
                state: document.state.clone(),
                media: document.media,
                expires_on: document.expires_on,
                stage: document
                    .expires_on
                    .filter(|_| accepted)
                    .and_then(|last| expiry_stage(last, now, terms)),
                renewal: newest.filter(|renewal| renewal.state != RenewalState::Accepted).cloned(),
            })
        })
        .collect())
}

/// The documents of an application that are over their days of grace, for whoever wants its shop to trade.
pub(super) async fn overdue_of(state: &AppState, ctx: &TenantCtx, shop: &Shop) -> Answer<Vec<String>> {
    let Some(id) = shop.application else { return Ok(Vec::new()) };
    let terms = terms(state, ctx).await?;
    if !terms.suspends {
        return Ok(Vec::new());
    }
    let asked = requirements::rules(&state.db, ctx).await?.requirements;
    let tx = state.db.read(ctx).await?;
    let stored = application_get(&tx, &state.keys.sealer, id).await?;
    Ok(overdue(&stored.application, &asked, &terms, tx.now()))
}

fn overdue(
    application: &Application,
    asked: &[Requirement],
    terms: &ExpiryTerms,
    now: Timestamp,
) -> Vec<String> {
    application.overdue(asked, terms, now)
}

/// Hands in a renewed document. The file must be an uploaded document of this merchant.
pub async fn renew(
    state: &AppState,
    grant: &Grant<perm::ApplicationEdit>,
    id: ApplicationId,
    requirement: &str,
    media: MediaId,
    expires_on: Option<Date>,
) -> Answer<Renewal> {
    let asked = requirements::rules(&state.db, grant.ctx()).await?.requirements;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let stored = application_get(&tx, &state.keys.sealer, id).await?;
    media::is_document(&tx, media).await?;
    onboarding::check_renewal(&stored.application, &asked, requirement, expires_on, tx.now())?;
    renewal_insert(&mut tx, id, requirement, media, expires_on).await?;
    let detail = json!({"requirement": requirement});
    audit_append(&mut tx, AuditAction::DocumentRenewed, "application", &id.to_string(), detail).await?;
    notices::document_to_review(state, &mut tx, &stored, &name_in(&asked, requirement)).await?;
    let renewal = newest(&tx, id, requirement).await?;
    tx.commit().await?;
    Ok(renewal)
}

async fn newest(tx: &TenantTx, id: ApplicationId, requirement: &str) -> Answer<Renewal> {
    let found = renewal_list(tx, id).await?.into_iter().find(|renewal| renewal.requirement == requirement);
    found.ok_or_else(ApiError::not_found)
}

/// Name of a requirement in Chinese and English; its code when it is not asked for any more.
fn name_in(asked: &[Requirement], code: &str) -> (String, String) {
    let known = asked.iter().find(|requirement| requirement.code == code);
    let or_code = |name: Option<&String>| name.map_or_else(|| code.to_owned(), Clone::clone);
    (or_code(known.map(|it| &it.name_zh)), or_code(known.map(|it| &it.name_en)))
}

/// The renewals of one application, newest first.
pub async fn renewals(
    state: &AppState,
    grant: &Grant<perm::ApplicationRead>,
    id: ApplicationId,
) -> Answer<Vec<Renewal>> {
    let ctx = ctx_of(state, grant, id).await?;
    let tx = state.db.read(&ctx).await?;
    application_get(&tx, &state.keys.sealer, id).await?;
    Ok(renewal_list(&tx, id).await?)
}

/// What waits for the provider, with the names people know.
#[derive(Debug, Clone)]
pub struct WaitingRenewal {
    pub renewal: Renewal,
    pub merchant_name: String,
    pub shop: String,
    pub name_zh: String,
    pub name_en: String,
    /// The last day of the document it renews.
    pub was_until: Option<Date>,
}

/// Renewals that wait to be judged, newest first.
pub async fn waiting(
    state: &AppState,
    grant: &Grant<perm::ApplicationReview>,
    page: PageRequest,
) -> Answer<Page<WaitingRenewal>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let found = renewal_list_by_provider(&tx, page).await?;
    drop(tx);
    let asked: Vec<Requirement> = {
        let tx = state.db.read_parent(grant.ctx()).await?;
        let rows = qianpu_tenants::store::requirement::requirement_list(&tx).await?;
        rows.into_iter().map(|row| row.requirement).collect()
    };
    let mut items = Vec::with_capacity(found.items.len());
    for renewal in found.items {
        let on = grant.on_merchant(&state.db, renewal.merchant).await?;
        let tx = state.db.read(on.ctx()).await?;
        let merchant_name = tenant_get(&tx).await?.name;
        let stored = application_get(&tx, &state.keys.sealer, renewal.application).await?;
        let (name_zh, name_en) = name_in(&asked, &renewal.requirement);
        let document = stored.application.document(&renewal.requirement);
        items.push(WaitingRenewal {
            was_until: document.and_then(|document| document.expires_on),
            shop: stored.application.shop.map_or_else(String::new, |shop| shop.name.as_str().to_owned()),
            merchant_name,
            name_zh,
            name_en,
            renewal,
        });
    }
    Ok(Page { items, next: found.next })
}

/// How many renewals wait.
pub async fn waiting_count(state: &AppState, grant: &Grant<perm::ApplicationReview>) -> Answer<u64> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(renewal_count_by_provider(&tx).await?)
}

/// What the provider says about a renewed document.
#[derive(Debug, Clone)]
pub enum RenewalVerdict {
    Accept,
    Return(String),
}

/// Judges the renewal of a document that waits. An accepted one takes the place of the old document, and a shop
/// that was suspended for it trades again.
pub async fn judge(
    state: &AppState,
    grant: &Grant<perm::ApplicationReview>,
    id: ApplicationId,
    requirement: &str,
    verdict: &RenewalVerdict,
) -> Answer<Renewal> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let ctx = ctx_of(state, grant, id).await?;
    let terms = terms(state, &ctx).await?;
    let asked = requirements::rules(&state.db, &ctx).await?.requirements;
    let mut tx = state.db.begin(&ctx).await?;
    let stored = application_get(&tx, &state.keys.sealer, id).await?;
    let waiting = renewal_list(&tx, id).await?.into_iter();
    let renewal = waiting
        .filter(|renewal| renewal.state == RenewalState::Pending)
        .find(|renewal| renewal.requirement == requirement)
        .ok_or_else(|| ApiError::new(ErrorCode::ApplicationWrongState).with_detail("no renewal waits"))?;
    let by = name_of(tx.ctx());
    let name = name_in(&asked, requirement);
    let action = match verdict {
        RenewalVerdict::Accept => {
            let next = onboarding::accept_renewal(
                &stored.application,
                requirement,
                renewal.media,
                renewal.expires_on,
                tx.now(),
            )?;
            renewal_decide(&mut tx, renewal.id, RenewalState::Accepted, None, &by).await?;
            let sealer = &state.keys.sealer;
            application_save(&mut tx, sealer, &stored, &next, stored.reviewer_name.as_deref()).await?;
            if overdue(&next, &asked, &terms, tx.now()).is_empty() {
                resume_if_expired(state, &mut tx, id).await?;
            }
            notices::document_accepted(state, &mut tx, &name, renewal.expires_on).await?;
            AuditAction::DocumentRenewalAccepted
        }
        RenewalVerdict::Return(reason) => {
            let reason = reason.trim();
            if reason.is_empty() || reason.chars().count() > 500 {
                let (en, zh) = ("say what to change, in at most 500 characters", "请填写原因，最多 500 个字");
                return Err(FieldError::new("reason", "required", en, zh).into());
            }
            renewal_decide(&mut tx, renewal.id, RenewalState::Returned, Some(reason), &by).await?;
            notices::document_returned(state, &mut tx, &name, reason).await?;
            AuditAction::DocumentRenewalReturned
        }
    };
    let detail = json!({"requirement": requirement});
    audit_append(&mut tx, action, "application", &id.to_string(), detail).await?;
    let renewal = newest(&tx, id, requirement).await?;
    tx.commit().await?;
    Ok(renewal)
}

/// Lets the shop of an application trade again if nothing but its documents stopped it.
async fn resume_if_expired(state: &AppState, tx: &mut TenantTx, id: ApplicationId) -> Answer<()> {
    let Some(shop) = shop_of_application(tx, id).await? else { return Ok(()) };
    if shop.state != ShopState::Suspended {
        return Ok(());
    }
    let cause = suspension_open(tx, shop.id).await?.map(|open| open.cause);
    if cause == Some(SuspensionCause::DocumentExpired) {
        let shop = shop_get(tx, shop.id).await?;
        resume_in(state, tx, &shop).await?;
    }
    Ok(())
}
