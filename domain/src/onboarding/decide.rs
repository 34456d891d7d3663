//! The moves of an application. Each is a pure function: application and command in, decision or typed
//! refusal out.

use super::{
    AgreementVersion, Application, ApplicationDecision, ApplicationEvent, ApplicationState, Document,
    DocumentState, OnboardingError, Requirement, ReturnReason, ShopDetails, SignedAgreement, Step,
    SubjectDetails,
};
use crate::error::FieldError;
use crate::ids::{CategoryId, MediaId, UserId};
use crate::subject::{CreditCode, IdCardNumber, Phone, ShopName, SubjectKind, china_date, is_invisible};
use crate::time::Timestamp;
use jiff::civil::Date;

type Decided = Result<ApplicationDecision, OnboardingError>;

/// What step 1 sends.
#[derive(Debug, Clone)]
pub struct SaveSubject {
    /// The kind.
    pub kind: SubjectKind,
    /// The registered name, or the person's.
    pub legal_name: String,
    /// Needed unless personal; ignored when personal.
    pub credit_code: Option<String>,
    /// 18 characters.
    pub id_card: String,
    /// Who to ask.
    pub contact_name: String,
    /// 11 digits.
    pub contact_phone: String,
}

/// What step 3 sends.
#[derive(Debug, Clone)]
pub struct SaveShop {
    /// The name.
    pub name: String,
    /// The main category.
    pub category: CategoryId,
    /// Brands registered with the provider that need an authorisation.
    pub registered_brands: Vec<String>,
    /// Brands whose authorisation this applicant has and was accepted.
    pub authorised_brands: Vec<String>,
}

/// Saves step 1 and lays out the documents that the kind needs.
pub fn save_subject(
    application: &Application,
    requirements: &[Requirement],
    command: SaveSubject,
    now: Timestamp,
) -> Decided {
    editable(application)?;
    let mut errors = Vec::new();
    let legal_name = person_or_company(&command.legal_name, "legal_name", &mut errors);
    let contact_name = person_or_company(&command.contact_name, "contact_name", &mut errors);
    let credit_code = match (command.kind.has_licence(), command.credit_code.as_deref().map(str::trim)) {
        (false, _) => None,
        (true, None | Some("")) => {
            errors.push(FieldError::required("credit_code"));
            None
        }
        (true, Some(text)) => CreditCode::parse(text)
            .map_err(|error| errors.push(FieldError::of("credit_code", error.code())))
            .ok(),
    };
    let id_card = IdCardNumber::parse(command.id_card.trim(), now)
        .map_err(|error| errors.push(FieldError::of("id_card", error.code())))
        .ok();
    let contact_phone = Phone::parse(command.contact_phone.trim())
        .map_err(|error| errors.push(FieldError::of("contact_phone", error.code())))
        .ok();
    let (Some(id_card), Some(contact_phone), true) = (id_card, contact_phone, errors.is_empty()) else {
        return Err(OnboardingError::Fields(errors));
    };
    let mut next = application.clone();
    for requirement in Requirement::of_kind(requirements, command.kind) {
        if next.document(&requirement.code).is_none() {
            next.documents.push(Document {
                requirement: requirement.code.clone(),
                media: None,
                state: DocumentState::Missing,
                expires_on: None,
            });
        }
    }
    next.subject = Some(SubjectDetails {
        kind: command.kind,
        legal_name,
        credit_code,
        id_card,
        contact_name,
        contact_phone,
    });
    saved(next, Step::Subject, requirements)
}

/// Attaches an uploaded picture to a requirement; an earlier one is replaced and looked at anew.
pub fn attach_document(
    application: &Application,
    requirements: &[Requirement],
    requirement: &str,
    media: MediaId,
    expires_on: Option<Date>,
    now: Timestamp,
) -> Decided {
    editable(application)?;
    let Some(kind) = application.kind() else {
        return Err(OnboardingError::Incomplete(application.missing(requirements)));
    };
    if !Requirement::of_kind(requirements, kind).any(|known| known.code == requirement) {
        return Err(OnboardingError::DocumentNotRequired(requirement.to_owned()));
    }
    if expired(expires_on, now) {
        return Err(OnboardingError::Fields(vec![FieldError::new(
            format!("documents.{requirement}.expires_on"),
            "expired",
            "the document has expired",
            "资料已过期",
        )]));
    }
    let mut next = application.clone();
    let document = Document {
        requirement: requirement.to_owned(),
        media: Some(media),
        state: DocumentState::Pending,
        expires_on,
    };
    match next.documents.iter_mut().find(|known| known.requirement == requirement) {
        Some(known) => *known = document,
        None => next.documents.push(document),
    }
    saved(next, Step::Documents, requirements)
}

/// Saves step 3. That the name is free within the provider is the store's unique key.
pub fn save_shop(application: &Application, requirements: &[Requirement], command: &SaveShop) -> Decided {
    editable(application)?;
    let registered: Vec<&str> = command.registered_brands.iter().map(String::as_str).collect();
    let authorised: Vec<&str> = command.authorised_brands.iter().map(String::as_str).collect();
    let name = ShopName::parse(command.name.trim())
        .and_then(|name| name.check_brands(&registered, &authorised).map(|()| name))
        .map_err(|error| OnboardingError::Fields(vec![FieldError::of("name", error.code())]))?;
    let mut next = application.clone();
    next.shop = Some(ShopDetails { name, category: command.category });
    saved(next, Step::Shop, requirements)
}

/// Step 4, and again after approval when the agreement got a newer version meanwhile.
pub fn sign_agreement(
    application: &Application,
    signed: AgreementVersion,
    current: &AgreementVersion,
    by: UserId,
    now: Timestamp,
) -> Decided {
    if !application.state.editable() && application.state != ApplicationState::Approved {
        return Err(wrong(application, "draft, returned or approved"));
    }
    if signed != *current {
        return Err(OnboardingError::AgreementOutdated { current: current.version.clone() });
    }
    let mut next = application.clone();
    next.agreement = Some(SignedAgreement { agreement: signed, by, at: now });
    let mut events = vec![ApplicationEvent::Saved(Step::Agreement)];
    if next.state == ApplicationState::Approved {
        next.state = ApplicationState::AgreementSigned;
        events.push(ApplicationEvent::AgreementSigned);
    } else {
        next.step = Step::Agreement;
    }
    Ok(ApplicationDecision { application: next, events })
}

/// Hands a draft in.
pub fn submit(application: &Application, requirements: &[Requirement], now: Timestamp) -> Decided {
    hand_in(application, ApplicationState::Draft, ApplicationEvent::Submitted, requirements, now)
}

/// Hands a returned application in again; returned documents must have been replaced.
pub fn resubmit(application: &Application, requirements: &[Requirement], now: Timestamp) -> Decided {
    hand_in(application, ApplicationState::Returned, ApplicationEvent::Resubmitted, requirements, now)
}

/// A reviewer takes the application.
pub fn start_review(application: &Application, reviewer: UserId) -> Decided {
    expect(application, ApplicationState::Submitted)?;
    let mut next = application.clone();
    next.state = ApplicationState::Reviewing;
    next.reviewer = Some(reviewer);
    Ok(ApplicationDecision { application: next, events: vec![ApplicationEvent::ReviewStarted] })
}

/// The reviewer accepts one document.
pub fn accept_document(application: &Application, requirement: &str) -> Decided {
    review_document(application, requirement, DocumentState::Accepted)
}

/// The reviewer wants one document anew; the application itself goes back by [`return_with_reasons`].
pub fn return_document(application: &Application, requirement: &str, reason: &str) -> Decided {
    let reason = reason_text(reason)?;
    review_document(application, requirement, DocumentState::Returned { reason })
}

/// The reviewer does without one document, and is named for it.
pub fn waive_document(application: &Application, requirement: &str, by: UserId) -> Decided {
    review_document(application, requirement, DocumentState::Waived { by })
}

/// Accepts the application. Documents that were uploaded and not returned count as accepted; if the
/// signed agreement is still in force the application is through at once.
pub fn approve(
    application: &Application,
    requirements: &[Requirement],
    current: &AgreementVersion,
    now: Timestamp,
) -> Decided {
    expect(application, ApplicationState::Reviewing)?;
    let Some(kind) = application.kind() else {
        return Err(OnboardingError::Incomplete(application.missing(requirements)));
    };
    let open: Vec<String> = Requirement::of_kind(requirements, kind)
        .filter(|requirement| match application.document(&requirement.code) {
            Some(document) => !document.state.provided() || expired(document.expires_on, now),
            None => true,
        })
        .map(|requirement| requirement.code.clone())
        .collect();
    if !open.is_empty() {
        return Err(OnboardingError::DocumentsOpen(open));
    }
    let mut next = application.clone();
    for document in &mut next.documents {
        if document.state == DocumentState::Pending {
            document.state = DocumentState::Accepted;
        }
    }
    next.state = ApplicationState::Approved;
    next.return_reasons = Vec::new();
    next.decided_at = Some(now);
    let mut decision = settle_agreement(&next, current)?;
    decision.events.insert(0, ApplicationEvent::Approved);
    Ok(decision)
}

/// Moves an approved application on when its signature is for the agreement in force; else leaves it,
/// and the applicant is asked to sign again.
pub fn settle_agreement(application: &Application, current: &AgreementVersion) -> Decided {
    expect(application, ApplicationState::Approved)?;
    let mut next = application.clone();
    let mut events = Vec::new();
    if next.agreement.as_ref().is_some_and(|signed| signed.agreement == *current) {
        next.state = ApplicationState::AgreementSigned;
        events.push(ApplicationEvent::AgreementSigned);
    }
    Ok(ApplicationDecision { application: next, events })
}

/// Sends the application back; at least one reason, each about one step.
pub fn return_with_reasons(application: &Application, reasons: Vec<ReturnReason>, now: Timestamp) -> Decided {
    expect(application, ApplicationState::Reviewing)?;
    let mut kept = Vec::with_capacity(reasons.len());
    for reason in reasons {
        kept.push(ReturnReason { step: reason.step, text: reason_text(&reason.text)? });
    }
    let Some(first) = kept.iter().map(|reason| reason.step).min() else {
        return Err(OnboardingError::ReasonMissing);
    };
    let mut next = application.clone();
    next.state = ApplicationState::Returned;
    next.step = first;
    next.return_reasons = kept;
    next.decided_at = Some(now);
    Ok(ApplicationDecision { application: next, events: vec![ApplicationEvent::Returned] })
}

/// Refuses the application for good.
pub fn reject(application: &Application, reason: &str, now: Timestamp) -> Decided {
    expect(application, ApplicationState::Reviewing)?;
    let mut next = application.clone();
    next.reject_reason = Some(reason_text(reason)?);
    next.state = ApplicationState::Rejected;
    next.decided_at = Some(now);
    Ok(ApplicationDecision { application: next, events: vec![ApplicationEvent::Rejected] })
}

fn hand_in(
    application: &Application,
    from: ApplicationState,
    event: ApplicationEvent,
    requirements: &[Requirement],
    now: Timestamp,
) -> Decided {
    expect(application, from)?;
    let mut missing = application.missing(requirements);
    missing.extend(application.ended(requirements, now));
    if !missing.is_empty() {
        return Err(OnboardingError::Incomplete(missing));
    }
    let mut next = application.clone();
    next.state = ApplicationState::Submitted;
    next.reviewer = None;
    next.submitted_at = Some(now);
    Ok(ApplicationDecision { application: next, events: vec![event] })
}

fn review_document(application: &Application, requirement: &str, state: DocumentState) -> Decided {
    expect(application, ApplicationState::Reviewing)?;
    let mut next = application.clone();
    let Some(document) = next.documents.iter_mut().find(|known| known.requirement == requirement) else {
        return Err(OnboardingError::DocumentNotRequired(requirement.to_owned()));
    };
    if document.state == DocumentState::Missing && !matches!(state, DocumentState::Waived { .. }) {
        return Err(OnboardingError::DocumentsOpen(vec![requirement.to_owned()]));
    }
    document.state = state;
    Ok(ApplicationDecision { application: next, events: vec![ApplicationEvent::DocumentReviewed] })
}

fn saved(mut next: Application, step: Step, requirements: &[Requirement]) -> Decided {
    // The pointer moves on only when the step has nothing missing: five documents are five uploads.
    let open = next.missing(requirements).iter().any(|item| item.step == step);
    next.step = if open { step } else { step.next() };
    Ok(ApplicationDecision { application: next, events: vec![ApplicationEvent::Saved(step)] })
}

fn person_or_company(text: &str, path: &str, errors: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    if text.is_empty() {
        errors.push(FieldError::required(path));
    } else if text.chars().count() > 100 || text.chars().any(|c| c.is_control() || is_invisible(c)) {
        errors.push(FieldError::new(
            path,
            "too_long",
            "expected at most 100 plain characters, none of them invisible",
            "最多100个字符，不能包含控制字符或不可见字符",
        ));
    }
    text.to_owned()
}

fn reason_text(text: &str) -> Result<String, OnboardingError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(OnboardingError::ReasonMissing);
    }
    if text.chars().count() > 500 {
        return Err(OnboardingError::Fields(vec![FieldError::new(
            "reason",
            "too_long",
            "expected at most 500 characters",
            "最多500个字符",
        )]));
    }
    Ok(text.to_owned())
}

pub(super) fn expired(expires_on: Option<Date>, now: Timestamp) -> bool {
    match (expires_on, china_date(now)) {
        (Some(last), Some(today)) => last < today,
        _ => false,
    }
}

fn editable(application: &Application) -> Result<(), OnboardingError> {
    if application.state.editable() { Ok(()) } else { Err(wrong(application, "draft or returned")) }
}

fn expect(application: &Application, state: ApplicationState) -> Result<(), OnboardingError> {
    if application.state == state { Ok(()) } else { Err(wrong(application, state.as_str())) }
}

fn wrong(application: &Application, expected: &'static str) -> OnboardingError {
    OnboardingError::WrongState { state: application.state, expected }
}
