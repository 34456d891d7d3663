//! The provider's moves. Each acts on a merchant of the provider; another provider's application is not
//! found, exactly like one that does not exist.

use super::decide::make_move;
use super::{Desk, ctx_of, desk, person};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::ApplicationId;
use qianpu_domain::onboarding::{
    self, Application, ApplicationDecision, OnboardingError, ReturnReason, Step,
};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Grant, perm};

use crate::app::requirements::Rules;

type Review = Grant<perm::ApplicationReview>;

async fn reviewed(
    state: &AppState,
    grant: &Review,
    id: ApplicationId,
    step: impl FnOnce(&Application, &Rules, Timestamp) -> Result<ApplicationDecision, OnboardingError>,
) -> Answer<Desk> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let ctx = ctx_of(state, grant, id).await?;
    make_move(state, &ctx, id, None, step).await?;
    desk(state, &ctx, id).await
}

/// Takes a submitted application.
pub async fn start_review(state: &AppState, grant: &Review, id: ApplicationId) -> Answer<Desk> {
    let by = person(grant.ctx())?;
    reviewed(state, grant, id, |application, _, _| onboarding::start_review(application, by)).await
}

/// What a reviewer says about one document.
#[derive(Debug, Clone)]
pub enum DocumentVerdict {
    Accept,
    Return(String),
    /// Not needed from this applicant; the reviewer is named for it.
    Waive,
}

/// Judges one document; the application stays under review.
pub async fn judge_document(
    state: &AppState,
    grant: &Review,
    id: ApplicationId,
    requirement: &str,
    verdict: DocumentVerdict,
) -> Answer<Desk> {
    let by = person(grant.ctx())?;
    reviewed(state, grant, id, |application, _, _| match &verdict {
        DocumentVerdict::Accept => onboarding::accept_document(application, requirement),
        DocumentVerdict::Return(reason) => onboarding::return_document(application, requirement, reason),
        DocumentVerdict::Waive => onboarding::waive_document(application, requirement, by),
    })
    .await
}

/// Approves: the shop is opened.
pub async fn approve(state: &AppState, grant: &Review, id: ApplicationId) -> Answer<Desk> {
    reviewed(state, grant, id, |application, rules, now| {
        onboarding::approve(application, &rules.requirements, &rules.agreement.version, now)
    })
    .await
}

/// What is to be changed.
#[derive(Debug, Clone, Default)]
pub struct Return {
    pub reasons: Vec<ReturnReason>,
    /// Documents to upload anew: requirement code and why.
    pub documents: Vec<(String, String)>,
}

/// The most reasons of one return.
const MOST_REASONS: usize = 50;

/// Sends it back with reasons.
pub async fn send_back(state: &AppState, grant: &Review, id: ApplicationId, command: Return) -> Answer<Desk> {
    if command.reasons.len() + command.documents.len() > MOST_REASONS {
        return Err(ApiError::bad_request(format!("at most {MOST_REASONS} reasons")));
    }
    reviewed(state, grant, id, |application, rules, now| {
        let mut current = application.clone();
        let mut reasons = command.reasons;
        for (code, why) in &command.documents {
            current = onboarding::return_document(&current, code, why)?.application;
            let known = rules.requirements.iter().find(|requirement| requirement.code == *code);
            let name = known.map_or(code.as_str(), |requirement| requirement.name_zh.as_str());
            reasons.push(ReturnReason { step: Step::Documents, text: format!("{name}：{}", why.trim()) });
        }
        // A document returned before the decision is a reason too.
        for document in &application.documents {
            if let onboarding::DocumentState::Returned { reason } = &document.state
                && !command.documents.iter().any(|(code, _)| *code == document.requirement)
            {
                let known = rules.requirements.iter().find(|known| known.code == document.requirement);
                let name = known.map_or(document.requirement.as_str(), |known| known.name_zh.as_str());
                reasons.push(ReturnReason { step: Step::Documents, text: format!("{name}：{reason}") });
            }
        }
        onboarding::return_with_reasons(&current, reasons, now)
    })
    .await
}

/// Refuses for good.
pub async fn reject(state: &AppState, grant: &Review, id: ApplicationId, reason: &str) -> Answer<Desk> {
    reviewed(state, grant, id, |application, _, now| onboarding::reject(application, reason, now)).await
}
