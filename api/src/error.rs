//! The one error of use cases and handlers. It holds what the caller may read and, apart from it, what
//! only the log may read; the two are never mixed. How it looks on the wire is `http::problem`.

use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ledger::JournalError;
use qianpu_domain::money::MoneyOverflow;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::Denied;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::ledger::PostError;
use qianpu_tenants::store::stock::StockRefusal;
use std::fmt;

/// What a use case or handler answers.
pub type Answer<T> = Result<T, ApiError>;

/// A text for people: a translated one, or a technical one that is the same in every language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Said as it is (English, technical).
    Plain(String),
    /// A key of the catalogues with its arguments.
    Key(&'static str, Vec<(&'static str, String)>),
}

/// A refused or failed request. Boxed, so that `Result` stays small.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: ErrorCode,
    detail: Option<Text>,
    errors: Vec<FieldError>,
    internal: Option<String>,
    retry_after_seconds: Option<u32>,
    retry_at: Option<Timestamp>,
    rule: Option<String>,
    challenge: Option<Challenge>,
}

/// What a log-in that waits for its code goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    pub token: String,
    pub expires_in: i64,
}

impl ApiError {
    /// An error that says no more than its code.
    pub fn new(code: ErrorCode) -> Self {
        Self(Box::new(Inner {
            code,
            detail: None,
            rule: None,
            challenge: None,
            errors: Vec::new(),
            internal: None,
            retry_at: None,
            retry_after_seconds: code.retryable().then_some(1).filter(|_| matches!(code.status(), 429 | 503)),
        }))
    }
    /// A fault of ours. The text goes to the log only.
    pub fn internal(text: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Internal).with_internal(text)
    }
    /// A request that cannot be read, with the technical reason.
    pub fn bad_request(detail: impl fmt::Display) -> Self {
        Self::new(ErrorCode::BadRequest).with_detail(detail)
    }
    /// Not there, or not this tenant's: the two look alike on purpose.
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound)
    }
    /// A refusal by a rule of the domain, in the rule's own words.
    pub fn refused(code: ErrorCode, reason: impl fmt::Display) -> Self {
        Self::new(code).with_detail(reason)
    }
    /// Fields that need correction (422).
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut error = Self::new(ErrorCode::InvalidField);
        error.0.errors = errors;
        error
    }
    /// One field that needs correction (422).
    pub fn field(error: FieldError) -> Self {
        Self::fields(vec![error])
    }
    /// Adds a text for the caller.
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(Text::Plain(detail.to_string()));
        self
    }
    /// Adds the fields that a refusal is about.
    pub fn with_fields(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }
    /// Adds a translated text for the caller.
    pub fn with_text(mut self, key: &'static str, arguments: Vec<(&'static str, String)>) -> Self {
        self.0.detail = Some(Text::Key(key, arguments));
        self
    }
    /// Names the rule that refused: an id of the policy calendar or of a fixed rule.
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.0.rule = Some(rule.into());
        self
    }
    /// Names the log-in that waits for its code.
    pub fn with_challenge(mut self, challenge: Challenge) -> Self {
        self.0.challenge = Some(challenge);
        self
    }
    /// Adds a text for the log.
    pub fn with_internal(mut self, text: impl fmt::Display) -> Self {
        self.0.internal = Some(text.to_string());
        self
    }
    /// Says when to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }
    /// Says from when on it makes sense to try again.
    pub fn retry_at(mut self, at: Timestamp) -> Self {
        self.0.retry_at = Some(at);
        self
    }

    pub fn code(&self) -> ErrorCode {
        self.0.code
    }
    pub fn challenge(&self) -> Option<&Challenge> {
        self.0.challenge.as_ref()
    }
    pub fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }
    pub fn detail(&self) -> Option<&Text> {
        self.0.detail.as_ref()
    }
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
    pub fn internal_text(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.0.retry_after_seconds
    }
    /// The same, where a moment was given instead: seconds from `now`, at least one.
    pub fn retry_after_from(&self, now: Timestamp) -> Option<u32> {
        match self.0.retry_at {
            Some(at) => Some(u32::try_from(at.since(now).as_seconds().max(1)).unwrap_or(u32::MAX)),
            None => self.0.retry_after_seconds,
        }
    }
}

/// For logs: the code and the internal text.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.as_str())?;
        self.0.internal.as_deref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}
impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict(what) => Self::new(error.code()).with_detail(format!("conflict: {what}")),
            StoreError::NotFound | StoreError::VersionConflict => Self::new(error.code()),
            other => Self::new(other.code()).with_internal(other),
        }
    }
}
impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::refused(denied.code(), denied)
    }
}
impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::field(error)
    }
}
impl From<Vec<FieldError>> for ApiError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::fields(errors)
    }
}

impl From<StockRefusal> for ApiError {
    fn from(refusal: StockRefusal) -> Self {
        match refusal {
            StockRefusal::Rule(rule) => Self::refused(rule.code(), rule),
            StockRefusal::Store(error) => error.into(),
        }
    }
}

/// A journal that cannot be built is a fault of ours, unless an amount left its range.
impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        Self::new(error.code()).with_internal(error)
    }
}
impl From<MoneyOverflow> for ApiError {
    fn from(error: MoneyOverflow) -> Self {
        Self::refused(ErrorCode::AmountOutOfRange, error)
    }
}
impl From<PostError> for ApiError {
    fn from(refusal: PostError) -> Self {
        match refusal {
            PostError::Store(error) => error.into(),
            PostError::Floor(_) => Self::new(ErrorCode::InsufficientBalance).with_internal(refusal),
            PostError::Closed(_) | PostError::Differs { .. } => {
                Self::new(ErrorCode::Conflict).with_internal(refusal)
            }
            PostError::Irreversible { ref reason, .. } => Self::new(reason.code()).with_internal(refusal),
        }
    }
}

/// Makes refusals of the domain (types with `code()` and `Display`) usable with `?`. One line per type.
macro_rules! refusals {
    ($($refusal:ty),* $(,)?) => {$(
        impl From<$refusal> for ApiError {
            fn from(refusal: $refusal) -> Self {
                Self::refused(refusal.code(), refusal)
            }
        }
    )*};
}
refusals! {
    qianpu_domain::catalog::ProductError,
    qianpu_domain::shop::ShopError,
    qianpu_domain::billing::BillingError,
    qianpu_domain::policy::PolicyError,
}
