//! Claims under a platform's guarantee 保障单: the goods are fake, or came damaged. They stand beside after-sale cases and
//! disputes and are read at the platform each time.

use crate::catalog::Picture;
use crate::context::Context;
use crate::dispute::{DisputePicture, dispute_words};
use crate::http::Answer;
use crate::orders::Page;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading claims and answering them.
pub trait Guarantees: Send + Sync {
    /// Reads a page of claims.
    fn list(&self, cx: &Context<'_>, query: &GuaranteeQuery) -> Turn<Page<GuaranteeClaim>>;
    /// Goes on with [`Guarantees::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<GuaranteeClaim>>;

    /// Reads one claim; none where there is no such claim.
    fn fetch(&self, cx: &Context<'_>, claim_id: &str) -> Turn<Option<GuaranteeClaim>>;
    /// Goes on with [`Guarantees::fetch`].
    fn resume_fetch(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Option<GuaranteeClaim>>;

    /// Tells the platform what the merchant says. The claim is read first: what is said already is not said again, and
    /// nothing is said in a claim that does not take it.
    fn answer(&self, cx: &Context<'_>, answer: &GuaranteeAnswer) -> Turn<GuaranteeOutcome>;
    /// Goes on with [`Guarantees::answer`].
    fn resume_answer(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<GuaranteeOutcome>;
}

/// Which claims.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GuaranteeQuery {
    /// Of this kind only.
    #[serde(default)]
    pub kind: Option<GuaranteeKind>,
    /// About the order with this id at the channel only.
    #[serde(default)]
    pub order_id: Option<String>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

dispute_words! {
    /// What is guaranteed.
    GuaranteeKind {
        /// The goods are genuine.
        Fake = "fake",
        /// The goods arrive whole.
        Damage = "damage",
    }
}

dispute_words! {
    /// Where a claim stands.
    GuaranteeState {
        /// The merchant has to decide.
        MerchantDecides = "merchant_decides",
        /// The platform decides.
        PlatformDecides = "platform_decides",
        /// The buyer has to say whether the merchant's offer is taken.
        BuyerConfirms = "buyer_confirms",
        /// The merchant has to give proof.
        MerchantProofWanted = "merchant_proof_wanted",
        /// The buyer has to give proof.
        BuyerProofWanted = "buyer_proof_wanted",
        /// Both have to give proof.
        BothProofWanted = "both_proof_wanted",
        /// The platform's people have to confirm.
        PlatformConfirms = "platform_confirms",
        /// It waits for the order to be paid by WeChat's pay score.
        PayScoreAwaited = "pay_score_awaited",
        /// Nothing is owed.
        NothingOwed = "nothing_owed",
        /// The money is on its way.
        Paying = "paying",
        /// The amount is unusual and is checked.
        AmountChecked = "amount_checked",
        /// The buyer was paid.
        Paid = "paid",
        /// Paying failed.
        PayFailed = "pay_failed",
        /// The buyer took it back.
        Withdrawn = "withdrawn",
    }
}

impl GuaranteeState {
    /// Whether the merchant has to act.
    pub const fn waits_for_merchant(&self) -> bool {
        matches!(self, Self::MerchantDecides | Self::MerchantProofWanted | Self::BothProofWanted)
    }
    /// Whether the platform pays the buyer, or did.
    pub const fn pays(&self) -> bool {
        matches!(self, Self::PayScoreAwaited | Self::Paying | Self::AmountChecked | Self::Paid)
    }
    /// Whether it came to its end.
    pub const fn ended(&self) -> bool {
        matches!(self, Self::NothingOwed | Self::Paid | Self::Withdrawn)
    }
}

/// A claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GuaranteeClaim {
    /// The channel's id of it.
    pub external_id: String,
    /// What is guaranteed.
    pub kind: GuaranteeKind,
    /// Where it stands.
    pub state: GuaranteeState,
    /// The raw state.
    pub native_state: String,
    /// What the merchant may say now.
    pub takes: Vec<GuaranteeMove>,
    /// The channel's id of the order it is about.
    pub order_id: String,
    /// The goods it is about.
    pub goods: Vec<GuaranteeGoods>,
    /// Why the buyer claims. Personal.
    pub reason: String,
    /// What the buyer shall get; none where the channel does not say.
    #[serde(with = "wire::fen_opt", default)]
    pub amount: Option<Fen>,
    /// About fake goods: what having them examined cost, what they cost, what is to be paid and what was.
    #[serde(default)]
    pub fake: Option<GuaranteeFake>,
    /// About damaged goods.
    #[serde(default)]
    pub damage: Option<GuaranteeDamage>,
    /// The merchant's words with which it was refused.
    #[serde(default)]
    pub refusal: String,
    /// When the buyer claimed.
    #[serde(with = "wire::time")]
    pub created_at: Timestamp,
    /// When it changed last.
    #[serde(with = "wire::time_opt", default)]
    pub updated_at: Option<Timestamp>,
    /// Until when whoever has to act may.
    #[serde(with = "wire::time_opt", default)]
    pub deadline: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "wire::time_opt", default)]
    pub ended_at: Option<Timestamp>,
}

/// Goods a claim is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GuaranteeGoods {
    /// What they are called.
    pub title: String,
    /// The channel's id of the product.
    #[serde(default)]
    pub product_id: Option<String>,
    /// The channel's id of the SKU.
    #[serde(default)]
    pub sku_id: Option<String>,
    /// What one costs.
    #[serde(with = "wire::fen_opt", default)]
    pub price: Option<Fen>,
    /// How many.
    pub quantity: i64,
}

/// Amounts of a claim about fake goods.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GuaranteeFake {
    /// What having them examined cost.
    #[serde(with = "wire::fen_opt", default)]
    pub examination: Option<Fen>,
    /// What the goods cost.
    #[serde(with = "wire::fen_opt", default)]
    pub goods: Option<Fen>,
    /// What is to be paid.
    #[serde(with = "wire::fen_opt", default)]
    pub expected: Option<Fen>,
    /// What was paid.
    #[serde(with = "wire::fen_opt", default)]
    pub paid: Option<Fen>,
    /// How many pictures the buyer gave as proof.
    #[serde(default)]
    pub pictures: i64,
}

/// What is damaged, and how much of it counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GuaranteeDamage {
    /// How many of a hundred the buyer claims.
    #[serde(default)]
    pub level: Option<i64>,
    /// The buyer's words. Personal.
    #[serde(default)]
    pub words: String,
    /// The buyer's pictures.
    #[serde(default)]
    pub pictures: Vec<DisputePicture>,
    /// How many of a hundred the merchant offered.
    #[serde(default)]
    pub offered: Option<i64>,
    /// The merchant's words with it.
    #[serde(default)]
    pub offer_words: String,
    /// How many of a hundred the platform set.
    #[serde(default)]
    pub set_by_platform: Option<i64>,
    /// What is paid for it, freight included.
    #[serde(with = "wire::fen_opt", default)]
    pub amount: Option<Fen>,
}

/// What a merchant may do about a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuaranteeMove {
    /// Agree: the buyer is paid.
    Accept,
    /// Refuse: the platform decides.
    Refuse,
    /// Offer another part of the price.
    Offer,
    /// Give proof.
    Prove,
}

impl GuaranteeMove {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
            Self::Offer => "offer",
            Self::Prove => "prove",
        }
    }
}

/// What a merchant says about a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GuaranteeAnswer {
    /// The channel's id of the claim.
    pub claim_id: String,
    /// What is done.
    pub step: GuaranteeMove,
    /// The words; empty to accept.
    #[serde(default)]
    pub words: String,
    /// Pictures to go with a refusal or a proof.
    #[serde(default)]
    pub pictures: Vec<Picture>,
    /// Of an offer: how many of a hundred; one of [`GuaranteeAnswer::LEVELS`].
    #[serde(default)]
    pub level: Option<i64>,
}

impl GuaranteeAnswer {
    /// What may be offered, of a hundred.
    pub const LEVELS: [i64; 5] = [10, 30, 50, 80, 100];
}

/// What saying it led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuaranteeOutcome {
    /// The channel took it now.
    Taken,
    /// It was said before: the claim shows it.
    TakenBefore,
}

impl GuaranteeClaim {
    /// Whether the claim shows that this was said. A proof leaves no trace that can be told from what others did.
    pub fn shows(&self, said: &GuaranteeAnswer) -> bool {
        match said.step {
            GuaranteeMove::Accept => self.state.pays(),
            GuaranteeMove::Refuse => {
                self.state != GuaranteeState::MerchantDecides
                    && !self.refusal.is_empty()
                    && self.refusal.trim() == said.words.trim()
            }
            GuaranteeMove::Offer => {
                let offered = self.damage.as_ref().and_then(|damage| damage.offered);
                self.state == GuaranteeState::BuyerConfirms && offered.is_some() && offered == said.level
            }
            GuaranteeMove::Prove => false,
        }
    }
}
