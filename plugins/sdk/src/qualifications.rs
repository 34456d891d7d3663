//! What a shop may sell: categories it was approved for and brands it may use, and applying for them with documents.
//!
//! Platforms know no key against applying twice. Of a brand the platform's own id tells whether an application arrived;
//! of a category the host looks whether it was approved meanwhile, and says that it does not know otherwise.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::Page;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading qualifications, applying for them and withdrawing applications.
pub trait Qualifications: Send + Sync {
    /// Sends documents, by the names by which the host loads them; the channel's ids in the same order. A document that is
    /// sent twice is there twice and does no other harm.
    fn send_documents(&self, cx: &Context<'_>, documents: &[String]) -> Turn<Vec<String>>;
    /// Goes on with [`Qualifications::send_documents`].
    fn resume_send_documents(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<String>>;

    /// Categories the shop was approved for.
    fn approved_categories(&self, cx: &Context<'_>) -> Turn<Vec<ApprovedCategory>>;
    /// Goes on with [`Qualifications::approved_categories`].
    fn resume_approved_categories(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Vec<ApprovedCategory>>;

    /// Categories whose name has these words; some dozens at most.
    fn search_categories(&self, cx: &Context<'_>, words: &str) -> Turn<Vec<CategoryPlace>>;
    /// Goes on with [`Qualifications::search_categories`].
    fn resume_search_categories(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Vec<CategoryPlace>>;

    /// What a category asks for and costs.
    fn category_terms(&self, cx: &Context<'_>, category_id: &str) -> Turn<CategoryTerms>;
    /// Goes on with [`Qualifications::category_terms`].
    fn resume_category_terms(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<CategoryTerms>;

    /// Applies for a category; the channel's id of the application. Never called twice for one application.
    fn apply_for_category(&self, cx: &Context<'_>, wanted: &CategoryWish) -> Turn<String>;
    /// Goes on with [`Qualifications::apply_for_category`].
    fn resume_apply_for_category(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// Where an application for a category stands.
    fn category_application(&self, cx: &Context<'_>, application_id: &str) -> Turn<ApplicationStanding>;
    /// Goes on with [`Qualifications::category_application`].
    fn resume_category_application(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<ApplicationStanding>;

    /// Withdraws an application for a category. One that is withdrawn is left as it is.
    fn withdraw_category(&self, cx: &Context<'_>, application_id: &str) -> Turn<()>;
    /// Goes on with [`Qualifications::withdraw_category`].
    fn resume_withdraw_category(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// One page of the shop's brands, whatever their state.
    fn brands(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Brand>>;
    /// Goes on with [`Qualifications::brands`].
    fn resume_brands(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Brand>>;

    /// One brand of the shop; nothing when the shop never applied for it, or deleted it.
    fn brand(&self, cx: &Context<'_>, brand_id: &str) -> Turn<Option<Brand>>;
    /// Goes on with [`Qualifications::brand`].
    fn resume_brand(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Brand>>;

    /// One page of the brands that the channel knows and shops can apply for.
    fn known_brands(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<BrandName>>;
    /// Goes on with [`Qualifications::known_brands`].
    fn resume_known_brands(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<BrandName>>;

    /// Applies for a brand, or anew for one the shop has; the channel's id of the application. Reads first: a brand whose
    /// application is being checked is refused.
    fn apply_for_brand(&self, cx: &Context<'_>, wanted: &BrandWish) -> Turn<String>;
    /// Goes on with [`Qualifications::apply_for_brand`].
    fn resume_apply_for_brand(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// Withdraws an application for a brand. One that is withdrawn is left as it is.
    fn withdraw_brand(&self, cx: &Context<'_>, wanted: &BrandApplication) -> Turn<()>;
    /// Goes on with [`Qualifications::withdraw_brand`].
    fn resume_withdraw_brand(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Takes a brand away from the shop; one that is not there is done.
    fn delete_brand(&self, cx: &Context<'_>, brand_id: &str) -> Turn<()>;
    /// Goes on with [`Qualifications::delete_brand`].
    fn resume_delete_brand(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// A step on the way to a category, and the category itself at last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CategoryStep {
    /// The channel's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A category the shop was approved for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApprovedCategory {
    /// The channel's id.
    pub category_id: String,
    /// From the root to it; empty when the channel's tree does not have it any more.
    pub path: Vec<CategoryStep>,
}

/// A category that goods can be in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CategoryPlace {
    /// From the root to it.
    pub path: Vec<CategoryStep>,
    /// Whether it has to be applied for.
    pub needs_application: bool,
}

/// What a category asks for and costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CategoryTerms {
    /// Where it is, and whether it has to be applied for.
    pub place: CategoryPlace,
    /// Kinds of documents that an application takes.
    pub documents: Vec<DocumentKind>,
    /// The platforms one may name as where the shop sells already; empty = it is not asked.
    pub elsewhere: Vec<String>,
    /// What the platform says about the qualification.
    pub tips: String,
    /// What the shop has to deposit.
    #[serde(with = "wire::fen_opt", default)]
    pub deposit: Option<Fen>,
    /// The platform's share of a sale in basis points (1 = 0.01 %).
    #[serde(default)]
    pub fee_basis_points: Option<i64>,
    /// The same before a reduction.
    #[serde(default)]
    pub usual_fee_basis_points: Option<i64>,
    /// Only shops the platform invites are let in.
    pub invited_only: bool,
    /// An application has to name an accepted brand of the shop.
    pub needs_brand: bool,
    /// What goods of the category need beside.
    pub of_goods: Vec<GoodsQualification>,
}

/// A kind of document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DocumentKind {
    /// The channel's word for it.
    pub code: String,
    /// Its name in Chinese.
    pub name: String,
    /// Its name in English.
    pub name_en: String,
    /// Whether one has to be there.
    pub mandatory: bool,
    /// How many there may be.
    pub most: usize,
}

/// What goods of a category need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GoodsQualification {
    /// Its name.
    pub name: String,
    /// What the platform says about it.
    pub tips: String,
    /// Whether goods are refused without it.
    pub mandatory: bool,
}

/// Documents of one kind, by the ids that sending them gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SentDocuments {
    /// See [`DocumentKind::code`].
    pub kind: String,
    /// Their ids.
    pub ids: Vec<String>,
}

/// A category that is applied for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CategoryWish {
    /// Ids from the root to the category.
    pub path: Vec<String>,
    /// Documents.
    pub documents: Vec<SentDocuments>,
    /// Where the shop sells already: a platform of [`CategoryTerms::elsewhere`] and the name of the account there.
    #[serde(default)]
    pub elsewhere: Option<(String, String)>,
    /// Accepted brands of the shop.
    pub brand_ids: Vec<String>,
}

/// Where an application stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApplicationStanding {
    /// Where it stands.
    pub state: QualificationState,
    /// The platform's words when it was refused.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Where an application or a brand stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualificationState {
    /// The platform looks at it.
    Checking,
    /// In force.
    Accepted,
    /// Refused.
    Refused,
    /// Withdrawn by the shop.
    Withdrawn,
    /// In force, and soon over.
    Expiring,
    /// Over.
    Expired,
    /// A raw value we do not know.
    Unknown(String),
}

/// A brand's id and names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BrandName {
    /// The channel's id.
    pub brand_id: String,
    /// In Chinese; may be empty.
    pub name_zh: String,
    /// In other letters; may be empty.
    pub name_en: String,
}

/// A brand of the shop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Brand {
    /// Id and names.
    pub name: BrandName,
    /// Where it stands.
    pub standing: ApplicationStanding,
    /// The channel's id of the last application, when it tells it.
    #[serde(default)]
    pub application_id: Option<String>,
    /// The class of goods of the trademark.
    pub class: String,
    /// Whether the brand is the merchant's own; none when it is not told.
    #[serde(default)]
    pub own: Option<bool>,
    /// Until when the shop may use it: the end of the registration or of the grant; none = for ever, or not told.
    #[serde(with = "wire::time_opt", default)]
    pub until: Option<Timestamp>,
}

/// A span of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Validity {
    /// From when.
    #[serde(with = "wire::time")]
    pub from: Timestamp,
    /// Until when.
    #[serde(with = "wire::time")]
    pub until: Timestamp,
}

/// A brand that is applied for. Documents are the ids that sending them gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BrandWish {
    /// Id and names.
    pub name: BrandName,
    /// The class of goods of the trademark: 1 to 45.
    pub class: i64,
    /// The trademark.
    pub mark: Trademark,
    /// By what right the shop uses it.
    pub right: BrandRight,
}

/// A trademark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trademark {
    /// A registered one (R).
    Registered {
        /// Who registered it.
        registrant: String,
        /// Its number.
        number: String,
        /// None = for ever.
        #[serde(default)]
        valid: Option<Validity>,
        /// The certificate.
        certificates: Vec<String>,
        /// Changes and renewals.
        renewals: Vec<String>,
    },
    /// One whose registration was applied for (TM).
    AppliedFor {
        /// When the office accepted the application.
        #[serde(with = "wire::time")]
        accepted_at: Timestamp,
        /// Its number.
        number: String,
        /// The notice of acceptance.
        certificates: Vec<String>,
    },
}

/// By what right a shop uses a brand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BrandRight {
    /// It is the merchant's own.
    Own,
    /// The owner allowed it.
    Granted {
        /// Over how many hands: 1 to 3.
        level: i64,
        /// None = for ever.
        #[serde(default)]
        valid: Option<Validity>,
        /// The letters of authority.
        letters: Vec<String>,
        /// The owner's identity papers.
        owner_papers: Vec<String>,
    },
}

/// An application for a brand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BrandApplication {
    /// The channel's id of the brand.
    pub brand_id: String,
    /// The channel's id of the application.
    pub application_id: String,
}
