//! Disputes about after-sale cases: the buyer called the platform's people. A case brings its dispute along when it is
//! read; what the merchant says in it is an operation of its own.

use crate::catalog::Picture;
use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Speaking in a dispute.
pub trait Disputes: Send + Sync {
    /// Gives proof, or leaves a message. The dispute is read first: what an earlier try left behind is found and not said
    /// twice, and nothing is said in a dispute that does not take it.
    fn answer(&self, cx: &Context<'_>, evidence: &DisputeEvidence) -> Turn<EvidenceOutcome>;
    /// Goes on with [`Disputes::answer`].
    fn resume_answer(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<EvidenceOutcome>;
}

/// A dispute about a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelDispute {
    /// The channel's id of the dispute; empty when it has none of its own.
    pub external_id: String,
    /// Where it stands.
    pub state: DisputeStanding,
    /// The raw state.
    pub native_state: String,
    /// The step it is at, where the channel tells more than [`ChannelDispute::state`].
    #[serde(default)]
    pub step: Option<DisputeStep>,
    /// What the merchant may say in it now.
    #[serde(default)]
    pub takes: Option<EvidenceKind>,
    /// Since when it is at this step.
    #[serde(with = "wire::time_opt", default)]
    pub since: Option<Timestamp>,
    /// Until when whoever has to act may; none where the channel does not tell.
    #[serde(with = "wire::time_opt", default)]
    pub deadline: Option<Timestamp>,
    /// What happened in it, oldest first.
    #[serde(default)]
    pub history: Vec<DisputeEntry>,
}

/// Where a dispute stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStanding {
    /// The merchant has to answer.
    WaitsForMerchant,
    /// The buyer has to answer.
    WaitsForBuyer,
    /// The platform looks at it.
    WithPlatform,
    /// It ended.
    Ended,
    /// A raw value we do not know.
    Unknown(String),
}

macro_rules! dispute_words {
    ($(#[$on:meta])* $type:ident { $($(#[$doc:meta])* $name:ident = $word:literal,)* }) => {
        $(#[$on])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum $type {
            $($(#[$doc])* $name,)*
            /// One we have no word for; the raw value.
            Other(String),
        }
        impl $type {
            /// Every one there is a word for.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];
            /// The word; `other` for the rest.
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $word,)* Self::Other(_) => "other" }
            }
        }
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Other(raw) => serializer.collect_str(&format_args!("other:{raw}")),
                    known => serializer.serialize_str(known.as_str()),
                }
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let known = Self::KNOWN.iter().find(|one| one.as_str() == text).cloned();
                Ok(known.unwrap_or_else(|| Self::Other(text.strip_prefix("other:").unwrap_or(&text).to_owned())))
            }
        }
    };
}

pub(crate) use dispute_words;

dispute_words! {
    /// The steps of a dispute.
    DisputeStep {
        /// The merchant has to deal with it.
        MerchantHandles = "merchant_handles",
        /// It waits for the platform's people.
        PlatformQueue = "platform_queue",
        /// The buyer no longer wants the platform's help.
        Withdrawn = "withdrawn",
        /// The platform's people look at it.
        PlatformHandles = "platform_handles",
        /// The buyer has to give proof.
        BuyerProofWanted = "buyer_proof_wanted",
        /// The buyer gave proof.
        BuyerProofGiven = "buyer_proof_given",
        /// The buyer gave none in time.
        BuyerProofLate = "buyer_proof_late",
        /// The merchant has to give proof.
        MerchantProofWanted = "merchant_proof_wanted",
        /// The merchant gave proof.
        MerchantProofGiven = "merchant_proof_given",
        /// The merchant gave none in time.
        MerchantProofLate = "merchant_proof_late",
        /// Both have to give proof.
        BothProofWanted = "both_proof_wanted",
        /// Both gave none in time.
        BothProofLate = "both_proof_late",
        /// The merchant has to confirm.
        MerchantConfirms = "merchant_confirms",
        /// The merchant objects to the outcome.
        MerchantAppeals = "merchant_appeals",
        /// It was settled.
        Mediated = "mediated",
        /// The platform checks.
        PlatformVerifies = "platform_verifies",
        /// The money is given back again.
        RefundingAgain = "refunding_again",
        /// The refund was checked.
        RefundVerified = "refund_verified",
        /// It was closed.
        Closed = "closed",
    }
}

dispute_words! {
    /// What happened in a dispute.
    DisputeAct {
        /// The buyer called the platform's people.
        Opened = "opened",
        /// The complaint was taken.
        Submitted = "submitted",
        /// The complaint was taken back.
        ComplaintWithdrawn = "complaint_withdrawn",
        /// The buyer left a message.
        BuyerMessage = "buyer_message",
        /// The merchant left a message.
        MerchantMessage = "merchant_message",
        /// The buyer gave proof.
        BuyerProof = "buyer_proof",
        /// The merchant gave proof.
        MerchantProof = "merchant_proof",
        /// The merchant's time passed.
        MerchantLate = "merchant_late",
        /// The merchant has to deal with it.
        MerchantHandles = "merchant_handles",
        /// It waits for the platform's people.
        PlatformQueue = "platform_queue",
        /// The buyer no longer wants the platform's help.
        Withdrawn = "withdrawn",
        /// The platform's people took it up.
        PlatformHandles = "platform_handles",
        /// Proof was asked of the buyer.
        BuyerProofWanted = "buyer_proof_wanted",
        /// Proof was asked of the merchant.
        MerchantProofWanted = "merchant_proof_wanted",
        /// Proof was asked of both.
        BothProofWanted = "both_proof_wanted",
        /// The merchant has to confirm.
        MerchantConfirms = "merchant_confirms",
        /// The merchant objects.
        MerchantAppeals = "merchant_appeals",
        /// It was settled.
        Mediated = "mediated",
        /// The platform checks.
        PlatformVerifies = "platform_verifies",
        /// The money is given back again.
        RefundingAgain = "refunding_again",
        /// It was closed.
        Closed = "closed",
        /// The platform holds the buyer responsible.
        BuyerResponsible = "buyer_responsible",
        /// The platform holds the merchant responsible.
        MerchantResponsible = "merchant_responsible",
        /// The platform holds both responsible.
        BothResponsible = "both_responsible",
        /// The platform holds nobody responsible.
        NobodyResponsible = "nobody_responsible",
        /// The merchant's objection was turned down.
        AppealTurnedDown = "appeal_turned_down",
        /// The merchant's objection was taken.
        AppealTaken = "appeal_taken",
        /// The refund counts.
        RefundCounts = "refund_counts",
        /// The refund does not count.
        RefundCountsNot = "refund_counts_not",
        /// The buyer asked for a refund.
        RefundAsked = "refund_asked",
        /// The merchant refused it.
        RefundRefused = "refund_refused",
        /// The buyer took the wish back.
        WishWithdrawn = "wish_withdrawn",
        /// The goods have to come back.
        ReturnAwaited = "return_awaited",
        /// The return was closed.
        ReturnClosed = "return_closed",
        /// The merchant has to take the goods in.
        ReceiptAwaited = "receipt_awaited",
        /// The merchant did not refund in time.
        RefundLate = "refund_late",
        /// The refund is done.
        Refunded = "refunded",
        /// Goods and money are back.
        ReturnRefunded = "return_refunded",
        /// The platform refunds.
        PlatformRefunds = "platform_refunds",
        /// The platform's refund failed.
        PlatformRefundFailed = "platform_refund_failed",
        /// The buyer has to confirm.
        BuyerConfirms = "buyer_confirms",
    }
}

/// Something that happened in a dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisputeEntry {
    /// What.
    pub act: DisputeAct,
    /// When.
    #[serde(with = "wire::time")]
    pub at: Timestamp,
    /// What was written. Personal when the buyer wrote it.
    #[serde(default)]
    pub words: String,
    /// Pictures and films that came with it.
    #[serde(default)]
    pub pictures: Vec<DisputePicture>,
}

/// A picture or film in a dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisputePicture {
    /// Where it can be seen for a while, when the channel tells.
    pub url: Option<String>,
    /// Whether it is a film.
    #[serde(default)]
    pub film: bool,
}

/// What a merchant may say in a dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Proof that was asked for.
    Proof,
    /// A message to the platform's people.
    Message,
}

/// What a merchant says in a dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisputeEvidence {
    /// The channel's id of the case.
    pub case_id: String,
    /// The channel's id of the dispute.
    pub dispute_id: String,
    /// Proof or message.
    pub kind: EvidenceKind,
    /// The words.
    pub words: String,
    /// Pictures to go with them.
    #[serde(default)]
    pub pictures: Vec<Picture>,
    /// How many entries of the same kind and words the history had when it was written. One more means that an earlier
    /// try went through.
    pub known: i64,
}

/// What saying it led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceOutcome {
    /// The channel took it now.
    Taken,
    /// An earlier try went through.
    TakenBefore,
}

impl ChannelDispute {
    /// A dispute of which no more is told than where it stands.
    pub const fn new(external_id: String, state: DisputeStanding, native_state: String) -> Self {
        Self {
            external_id,
            state,
            native_state,
            step: None,
            takes: None,
            since: None,
            deadline: None,
            history: Vec::new(),
        }
    }
    /// How many entries of the merchant's have this kind and these words.
    pub fn said(&self, kind: EvidenceKind, words: &str) -> i64 {
        let act = match kind {
            EvidenceKind::Proof => DisputeAct::MerchantProof,
            EvidenceKind::Message => DisputeAct::MerchantMessage,
        };
        let same = |entry: &&DisputeEntry| entry.act == act && entry.words.trim() == words.trim();
        i64::try_from(self.history.iter().filter(same).count()).unwrap_or(i64::MAX)
    }
}
