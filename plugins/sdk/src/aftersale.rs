//! After-sale cases: reading them, agreeing and refusing. A push only says that a case changed.

use crate::context::Context;
use crate::dispute::ChannelDispute;
use crate::http::Answer;
use crate::orders::{Page, TimeWindow};
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// After-sale cases.
pub trait Aftersale: Send + Sync {
    /// Lists ids of cases that were made — or changed, at platforms that can tell — within a window of at most 24
    /// hours, page by page: finds what was never pushed.
    fn list(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>>;
    /// Goes on with [`Aftersale::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<String>>;

    /// Reads one case, with the dispute about it when there is one.
    fn fetch(&self, cx: &Context<'_>, case_id: &str) -> Turn<ChannelCase>;
    /// Goes on with [`Aftersale::fetch`].
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ChannelCase>;

    /// Lists what can be chosen when a case is decided: reasons to refuse, addresses goods come back to.
    fn choices(&self, cx: &Context<'_>, case: &CaseRef) -> Turn<CaseChoices>;
    /// Goes on with [`Aftersale::choices`].
    fn resume_choices(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseChoices>;

    /// Agrees. The case is read first: a decision whose answer was lost is found done, and one that was made on a
    /// state that has passed is refused.
    fn accept(&self, cx: &Context<'_>, acceptance: &Acceptance) -> Turn<CaseOutcome>;
    /// Goes on with [`Aftersale::accept`].
    fn resume_accept(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseOutcome>;

    /// Refuses, in the same way.
    fn refuse(&self, cx: &Context<'_>, refusal: &Refusal) -> Turn<CaseOutcome>;
    /// Goes on with [`Aftersale::refuse`].
    fn resume_refuse(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseOutcome>;
}

/// A case as the channel tells it, normalised.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelCase {
    /// The channel's id of the case.
    pub external_id: String,
    /// The channel's id of its order.
    pub order_id: String,
    /// What the buyer asks for.
    pub kind: CaseKind,
    /// Where it stands.
    pub state: CaseState,
    /// The raw state.
    pub native_state: String,
    /// Who has to act.
    pub waits_for: CaseParty,
    /// When the platform goes on by itself.
    #[serde(with = "wire::time_opt", default)]
    pub deadline: Option<Timestamp>,
    /// When the buyer asked.
    #[serde(with = "wire::time")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "wire::time")]
    pub updated_at: Timestamp,
    /// Why, in the platform's words.
    pub reason: String,
    /// What the buyer wrote.
    pub buyer_words: String,
    /// Why the merchant refused, as the platform has it.
    pub refusal: Option<String>,
    /// What the buyer is to get back, in fen.
    #[serde(with = "wire::fen")]
    pub amount: Fen,
    /// What is in it.
    pub lines: Vec<CaseLine>,
    /// The parcel the goods come back in.
    pub return_parcel: Option<ReturnParcel>,
    /// The dispute about it.
    pub dispute: Option<ChannelDispute>,
}

/// What a buyer asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Money back, nothing is sent.
    RefundOnly,
    /// Goods back, then money back.
    ReturnRefund,
    /// Other goods for these.
    Exchange,
    /// What was missing is sent.
    Reship,
    /// Something else; the raw value.
    Other(String),
}

/// Where a case stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// The buyer asked.
    Requested,
    /// The merchant refused.
    Refused,
    /// The merchant agreed; the goods have to come back.
    Accepted,
    /// The goods are on their way back.
    Returning,
    /// The merchant has the goods.
    ReceivedBack,
    /// The money is on its way.
    Refunding,
    /// Ended without what was asked for.
    Closed,
    /// Withdrawn by the buyer.
    Cancelled,
    /// Done.
    Done,
    /// A raw value we do not know; never guess.
    Unknown(String),
}

/// Who has to act.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseParty {
    /// The merchant.
    Merchant,
    /// The buyer.
    Buyer,
    /// The platform.
    Platform,
    /// Nobody.
    Nobody,
}

/// A line of a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CaseLine {
    /// The channel's product id.
    pub product_id: String,
    /// The channel's SKU id.
    pub sku_id: String,
    /// Pieces.
    pub quantity: i64,
}

/// The parcel goods come back in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnParcel {
    /// The carrier's name or code.
    pub carrier: String,
    /// Waybill number.
    pub waybill: String,
}

/// A case as it was when somebody decided about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CaseRef {
    /// The channel's id of the case.
    pub case_id: String,
    /// What the buyer asks for.
    pub kind: CaseKind,
    /// The raw state that was seen.
    pub native_state: String,
    /// The platform's time of change that was seen: the optimistic lock of platforms that have one.
    #[serde(with = "wire::time")]
    pub updated_at: Timestamp,
}

/// What can be chosen when a case is decided.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CaseChoices {
    /// Reasons to refuse with; empty = the channel takes words only.
    pub refusal_reasons: Vec<RefusalReason>,
    /// Addresses goods can come back to; empty = the channel knows where.
    pub return_addresses: Vec<ReturnAddress>,
}

/// A reason to refuse.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefusalReason {
    /// The channel's code.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// Words for the buyer that go with it unless others are written.
    pub words: String,
}

/// An address of the merchant that goods come back to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnAddress {
    /// The channel's id.
    pub address_id: String,
    /// The address in one line.
    pub text: String,
    /// Whether it is the usual one.
    pub default: bool,
}

/// Which step agreeing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptanceStep {
    /// To the refund, the return, the exchange, the resend.
    Agree,
    /// The goods are here.
    Received,
}

/// A decision to agree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acceptance {
    /// The case as it was seen.
    pub case: CaseRef,
    /// Which step.
    pub step: AcceptanceStep,
    /// Where the goods come back to.
    pub address_id: Option<String>,
    /// The parcel with the new goods, for an exchange whose goods are here.
    pub parcel: Option<ReturnParcel>,
}

/// A decision to refuse.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The case as it was seen.
    pub case: CaseRef,
    /// The channel's code of the reason.
    pub reason_code: String,
    /// Words for the buyer.
    pub words: String,
}

/// What deciding led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// The channel took it now.
    Taken,
    /// An earlier try went through; the case as it is there.
    TakenBefore(Box<ChannelCase>),
}
