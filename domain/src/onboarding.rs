//! A merchant's application to open a shop: what is collected in the four wizard steps, which documents
//! are asked for, and what is still missing.
//!
//! The moves between states are functions such as [`submit`] and [`approve`]; each takes the application as it is and
//! answers with the next one and what happened. The shop that comes out of it is [`crate::shop`].

use crate::audit::AuditAction;
use crate::error::{ErrorCode, FieldError};
use crate::ids::{CategoryId, UserId};
use crate::subject::{CreditCode, IdCardNumber, Phone, ShopName, SubjectKind};
use crate::time::Timestamp;
use crate::webhook::EventType;

mod decide;
mod document;
mod expiry;
pub use decide::{
    SaveShop, SaveSubject, accept_document, approve, attach_document, reject, resubmit, return_document,
    return_with_reasons, save_shop, save_subject, settle_agreement, sign_agreement, start_review, submit,
    waive_document,
};
pub use document::{Document, DocumentState};
pub use expiry::{
    ExpiryStage, RenewalState, accept_renewal, check_renewal, days_left, expiry_stage, suspended_from,
};

words! {
    /// Where an application stands.
    pub enum ApplicationState {
        /// Being filled in.
        Draft = "draft",
        /// Handed in, nobody looks at it yet.
        Submitted = "submitted",
        /// A reviewer looks at it.
        Reviewing = "reviewing",
        /// Accepted; the agreement must be signed again because it has a newer version.
        Approved = "approved",
        /// Sent back with reasons; the applicant may change and hand in again.
        Returned = "returned",
        /// Refused for good.
        Rejected = "rejected",
        /// Accepted, and the current agreement is signed: the shop may trade.
        AgreementSigned = "agreement_signed",
    }
}

impl ApplicationState {
    /// Whether the applicant may change the application.
    pub const fn editable(self) -> bool {
        matches!(self, Self::Draft | Self::Returned)
    }
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Draft => "填写中",
            Self::Submitted => "已提交",
            Self::Reviewing => "审核中",
            Self::Approved => "已通过，待签署协议",
            Self::Returned => "已退回",
            Self::Rejected => "已拒绝",
            Self::AgreementSigned => "已签约",
        }
    }
}

words! {
    /// The four steps of the wizard, in order.
    pub enum Step {
        /// Who applies.
        Subject = "subject",
        /// Which documents prove it.
        Documents = "documents",
        /// What the shop is called and sells.
        Shop = "shop",
        /// The agreement with the provider.
        Agreement = "agreement",
    }
}

impl Step {
    /// 1 to 4.
    pub const fn number(self) -> u8 {
        match self {
            Self::Subject => 1,
            Self::Documents => 2,
            Self::Shop => 3,
            Self::Agreement => 4,
        }
    }
    /// The step after this one; the last stays.
    pub const fn next(self) -> Self {
        match self {
            Self::Subject => Self::Documents,
            Self::Documents => Self::Shop,
            Self::Shop | Self::Agreement => Self::Agreement,
        }
    }
}

/// A document that a provider asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Its stable word, such as `id_card`.
    pub code: String,
    /// The subject kinds it is asked from.
    pub kinds: Vec<SubjectKind>,
    /// Name in English.
    pub name_en: String,
    /// Name in Chinese.
    pub name_zh: String,
}

impl Requirement {
    /// What is asked for when a provider has set nothing: ID card for all, licence for businesses.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self {
                code: "id_card".into(),
                kinds: SubjectKind::ALL.to_vec(),
                name_en: "ID card".into(),
                name_zh: "身份证".into(),
            },
            Self {
                code: "business_license".into(),
                kinds: vec![SubjectKind::Enterprise, SubjectKind::IndividualBusiness],
                name_en: "Business licence".into(),
                name_zh: "营业执照".into(),
            },
        ]
    }
    /// The requirements that hold for a kind.
    pub fn of_kind(all: &[Self], kind: SubjectKind) -> impl Iterator<Item = &Self> {
        all.iter().filter(move |requirement| requirement.kinds.contains(&kind))
    }
}

/// Step 1: who applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectDetails {
    /// The kind.
    pub kind: SubjectKind,
    /// The registered name; for a personal subject the person's name.
    pub legal_name: String,
    /// The licence's code; none for a personal subject.
    pub credit_code: Option<CreditCode>,
    /// The ID card of the person, operator or legal representative.
    pub id_card: IdCardNumber,
    /// Who to ask.
    pub contact_name: String,
    /// Where to ask.
    pub contact_phone: Phone,
}

/// Step 3: the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopDetails {
    /// The name.
    pub name: ShopName,
    /// The main category.
    pub category: CategoryId,
}

/// Which text of the agreement: its version word and the hash of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementVersion {
    /// Such as `2026-11`.
    pub version: String,
    /// SHA-256 of the text, in hex, so that nobody can change the text under a version.
    pub sha256: String,
}

/// Step 4: who accepted which text when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAgreement {
    /// The text.
    pub agreement: AgreementVersion,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A reason given with a return, with the step it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnReason {
    /// The step to change.
    pub step: Step,
    /// What to change, in the reviewer's words.
    pub text: String,
}

/// An application as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Where it stands.
    pub state: ApplicationState,
    /// The step at which the applicant left; see [`Application::resume_at`].
    pub step: Step,
    /// Step 1.
    pub subject: Option<SubjectDetails>,
    /// Step 2. Documents of requirements that no longer apply stay but do not count.
    pub documents: Vec<Document>,
    /// Step 3.
    pub shop: Option<ShopDetails>,
    /// Step 4.
    pub agreement: Option<SignedAgreement>,
    /// Who reviews, from the start of a review on.
    pub reviewer: Option<UserId>,
    /// Why it came back the last time.
    pub return_reasons: Vec<ReturnReason>,
    /// Why it was refused.
    pub reject_reason: Option<String>,
    /// When it was handed in the last time.
    pub submitted_at: Option<Timestamp>,
    /// When it was approved, returned or rejected the last time.
    pub decided_at: Option<Timestamp>,
}

/// Something that a step still needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingItem {
    /// The step.
    pub step: Step,
    /// What, for the page to show beside the field.
    pub error: FieldError,
}

impl Application {
    /// An empty application at step 1.
    pub const fn start() -> Self {
        Self {
            state: ApplicationState::Draft,
            step: Step::Subject,
            subject: None,
            documents: Vec::new(),
            shop: None,
            agreement: None,
            reviewer: None,
            return_reasons: Vec::new(),
            reject_reason: None,
            submitted_at: None,
            decided_at: None,
        }
    }
    /// The kind of the subject, once step 1 is saved.
    pub fn kind(&self) -> Option<SubjectKind> {
        self.subject.as_ref().map(|subject| subject.kind)
    }
    /// The document that answers a requirement.
    pub fn document(&self, requirement: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.requirement == requirement)
    }
    /// Everything that is still missing before the application can be handed in; empty = complete.
    pub fn missing(&self, requirements: &[Requirement]) -> Vec<MissingItem> {
        let mut items = Vec::new();
        let mut need = |step, error| items.push(MissingItem { step, error });
        match self.kind() {
            None => need(Step::Subject, FieldError::required("subject")),
            Some(kind) => {
                for requirement in Requirement::of_kind(requirements, kind) {
                    let path = format!("documents.{}", requirement.code);
                    match self.document(&requirement.code).map(|document| &document.state) {
                        Some(DocumentState::Returned { reason }) => need(
                            Step::Documents,
                            FieldError::new(
                                path,
                                "returned",
                                format!("upload a new one: {reason}"),
                                format!("请重新上传：{reason}"),
                            ),
                        ),
                        Some(state) if state.provided() => {}
                        _ => need(
                            Step::Documents,
                            FieldError::new(
                                path,
                                "required",
                                format!("upload: {}", requirement.name_en),
                                format!("请上传{}", requirement.name_zh),
                            ),
                        ),
                    }
                }
            }
        }
        if self.shop.is_none() {
            need(Step::Shop, FieldError::required("shop"));
        }
        if self.agreement.is_none() {
            need(Step::Agreement, FieldError::required("agreement"));
        }
        items
    }
    /// Where the wizard opens: the first step with something missing, else where the applicant left.
    pub fn resume_at(&self, requirements: &[Requirement]) -> Step {
        self.missing(requirements).into_iter().map(|item| item.step).min().unwrap_or(self.step)
    }
}

/// What happened, for mail, audit and the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationEvent {
    /// A step was saved.
    Saved(Step),
    /// Handed in for the first time.
    Submitted,
    /// Handed in again after a return.
    Resubmitted,
    /// A reviewer took it.
    ReviewStarted,
    /// A document was accepted, returned or waived.
    DocumentReviewed,
    /// Accepted.
    Approved,
    /// Sent back.
    Returned,
    /// Refused.
    Rejected,
    /// The agreement in force is signed and the application is accepted.
    AgreementSigned,
}

impl ApplicationEvent {
    /// Its type for receivers of webhooks.
    pub const fn told(self) -> EventType {
        match self {
            Self::Saved(_) => EventType::ApplicationSaved,
            Self::Submitted => EventType::ApplicationSubmitted,
            Self::Resubmitted => EventType::ApplicationResubmitted,
            Self::ReviewStarted => EventType::ApplicationReviewStarted,
            Self::DocumentReviewed => EventType::ApplicationDocumentReviewed,
            Self::Approved => EventType::ApplicationApproved,
            Self::Returned => EventType::ApplicationReturned,
            Self::Rejected => EventType::ApplicationRejected,
            Self::AgreementSigned => EventType::ApplicationAgreementSigned,
        }
    }

    /// Its word in the audit log.
    pub const fn audited(self) -> AuditAction {
        match self {
            Self::Saved(_) => AuditAction::ApplicationSaved,
            Self::Submitted => AuditAction::ApplicationSubmitted,
            Self::Resubmitted => AuditAction::ApplicationResubmitted,
            Self::ReviewStarted => AuditAction::ApplicationReviewStarted,
            Self::DocumentReviewed => AuditAction::ApplicationDocumentReviewed,
            Self::Approved => AuditAction::ApplicationApproved,
            Self::Returned => AuditAction::ApplicationReturned,
            Self::Rejected => AuditAction::ApplicationRejected,
            Self::AgreementSigned => AuditAction::ApplicationAgreementSigned,
        }
    }
}

/// The next application and what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationDecision {
    /// To be saved.
    pub application: Application,
    /// To be told.
    pub events: Vec<ApplicationEvent>,
}

/// Why a move is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnboardingError {
    /// The move does not exist in this state.
    #[error("the application is {state}, expected {expected}")]
    WrongState {
        /// The state it is in.
        state: ApplicationState,
        /// The state or states it would have to be in.
        expected: &'static str,
    },
    /// Fields of a step are wrong.
    #[error("{} fields are not valid", .0.len())]
    Fields(Vec<FieldError>),
    /// Steps are not complete.
    #[error("{} things are missing", .0.len())]
    Incomplete(Vec<MissingItem>),
    /// A return or rejection without a reason.
    #[error("expected at least one reason")]
    ReasonMissing,
    /// Not the version in force.
    #[error("the agreement in force is {current}")]
    AgreementOutdated {
        /// The version to sign.
        current: String,
    },
    /// The requirement does not hold for this subject kind.
    #[error("no document {0} is asked for")]
    DocumentNotRequired(String),
    /// Required documents are missing, returned or expired.
    #[error("documents not accepted: {}", .0.join(", "))]
    DocumentsOpen(Vec<String>),
}

impl OnboardingError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::WrongState { .. } => ErrorCode::ApplicationWrongState,
            Self::Fields(_) => ErrorCode::InvalidField,
            Self::Incomplete(_) => ErrorCode::ApplicationIncomplete,
            Self::ReasonMissing => ErrorCode::ReasonMissing,
            Self::AgreementOutdated { .. } => ErrorCode::AgreementOutdated,
            Self::DocumentNotRequired(_) => ErrorCode::DocumentNotRequired,
            Self::DocumentsOpen(_) => ErrorCode::DocumentsOpen,
        }
    }
    /// The fields it is about, for `errors[]` of the problem.
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Fields(errors) => errors.clone(),
            Self::Incomplete(items) => items.iter().map(|item| item.error.clone()).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
