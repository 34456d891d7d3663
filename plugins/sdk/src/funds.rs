//! The money of a shop at the platform: what there is, what moved it, and taking it out.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::{Page, TimeWindow};
use crate::step::Turn;
use crate::wire;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading the balance and taking money out. A withdrawal waits until somebody who may do so for the shop scans a code
/// and agrees; none of it is repeatable at the platform.
pub trait Funds: Send + Sync {
    /// Reads the balance, and the bank account that withdrawals go to.
    fn balance(&self, cx: &Context<'_>) -> Turn<Balance>;
    /// Goes on with [`Funds::balance`].
    fn resume_balance(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Balance>;

    /// One page of movements.
    fn flows(&self, cx: &Context<'_>, wanted: &FlowQuery) -> Turn<Page<FundsFlow>>;
    /// Goes on with [`Funds::flows`].
    fn resume_flows(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<FundsFlow>>;

    /// Withdrawals that were made within a window, one page.
    fn withdrawals(
        &self,
        cx: &Context<'_>,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Turn<Page<Withdrawal>>;
    /// Goes on with [`Funds::withdrawals`].
    fn resume_withdrawals(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<Withdrawal>>;

    /// Reads one withdrawal.
    fn withdrawal(&self, cx: &Context<'_>, withdrawal_id: &str) -> Turn<Withdrawal>;
    /// Goes on with [`Funds::withdrawal`].
    fn resume_withdrawal(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Withdrawal>;

    /// Asks for a withdrawal. Reads first: one that carries the same reference is answered with, and what the balance
    /// does not cover is refused.
    fn withdraw(&self, cx: &Context<'_>, wanted: &WantedWithdrawal) -> Turn<WithdrawalAsked>;
    /// Goes on with [`Funds::withdraw`].
    fn resume_withdraw(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<WithdrawalAsked>;

    /// The picture of the code of a withdrawal.
    fn code(&self, cx: &Context<'_>, ticket: &str) -> Turn<CodePicture>;
    /// Goes on with [`Funds::code`].
    fn resume_code(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CodePicture>;

    /// How far the scanning is.
    fn code_standing(&self, cx: &Context<'_>, ticket: &str) -> Turn<CodeStanding>;
    /// Goes on with [`Funds::code_standing`].
    fn resume_code_standing(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CodeStanding>;
}

/// What a shop has at the platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// To be taken out.
    #[serde(with = "wire::fen")]
    pub available: Fen,
    /// Of orders that are not settled yet.
    #[serde(with = "wire::fen")]
    pub pending: Fen,
    /// The shop's number at the payment service.
    #[serde(default)]
    pub sub_merchant: Option<String>,
    /// Where withdrawals go.
    #[serde(default)]
    pub bank: Option<BankAccount>,
}

/// A bank account, masked: a plugin hands out no more of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BankAccount {
    /// The bank.
    pub bank: String,
    /// The holder's name, masked.
    pub holder: String,
    /// The last digits of the number.
    pub tail: String,
}

/// Which movements.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlowQuery {
    /// When they were booked.
    pub window: TimeWindow,
    /// Only money that came in (`true`) or went out (`false`).
    #[serde(default)]
    pub income: Option<bool>,
    /// Where to go on.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A movement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FundsFlow {
    /// The channel's id.
    pub flow_id: String,
    /// What it is.
    pub kind: FlowKind,
    /// Whether money came in.
    pub income: bool,
    /// How much; never below zero.
    #[serde(with = "wire::fen")]
    pub amount: Fen,
    /// What there was afterwards.
    #[serde(with = "wire::fen_opt", default)]
    pub balance: Option<Fen>,
    /// When it was booked, where the platform's words for it can be read.
    #[serde(with = "wire::time_opt", default)]
    pub booked_at: Option<Timestamp>,
    /// The channel's ids of the order, the case and the withdrawal it belongs to.
    #[serde(default)]
    pub order_id: Option<String>,
    /// Of the after-sale case.
    #[serde(default)]
    pub case_id: Option<String>,
    /// Of the withdrawal.
    #[serde(default)]
    pub withdrawal_id: Option<String>,
    /// The platform's words.
    pub remark: String,
}

macro_rules! flow_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// What a movement is.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FlowKind {
            $($(#[$doc])* $name,)*
            /// The platform's number that we do not know.
            Unknown(String),
        }
        impl FlowKind {
            /// Stable name; `unknown` for the rest.
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $code,)* Self::Unknown(_) => "unknown" }
            }
        }
    };
}

flow_kinds! {
    /// An order was settled.
    OrderIncome = "order_income";
    /// The fee of an order.
    OrderFee = "order_fee";
    /// Money that went back to a buyer.
    Refund = "refund";
    /// Money that was taken out.
    Withdrawal = "withdrawal";
    /// Money that could not be paid out and came back.
    WithdrawalReturned = "withdrawal_returned";
    /// The share of a shopping guide.
    GuideShare = "guide_share";
    /// The share of a creator.
    AllianceShare = "alliance_share";
    /// Insurance of sending goods back.
    FreightInsurance = "freight_insurance";
    /// What the platform takes of a creator's share.
    AlliancePlatformFee = "alliance_platform_fee";
    /// Commission of the alliance.
    AllianceCommission = "alliance_commission";
    /// What the platform takes.
    PlatformCommission = "platform_commission";
    /// Commission of a group leader.
    LeaderCommission = "leader_commission";
    /// A card that brings visitors.
    PopularityCard = "popularity_card";
    /// A refund that the platform paid ahead.
    FastRefundAdvance = "fast_refund_advance";
    /// Paid back to the platform for it.
    FastRefundRepaid = "fast_refund_repaid";
    /// Any other sharing.
    Sharing = "sharing";
}

/// A withdrawal to be asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WantedWithdrawal {
    /// How much.
    #[serde(with = "wire::fen")]
    pub amount: Fen,
    /// Ours, and no other's: it stands in the platform's remark, and a withdrawal is found by it.
    pub reference: String,
    /// What stands on the statement of the bank.
    #[serde(default)]
    pub bank_memo: Option<String>,
    /// None was asked for with this reference before then.
    #[serde(with = "wire::time")]
    pub since: Timestamp,
}

/// What came of asking.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalAsked {
    /// It waits for its code to be scanned.
    Waits {
        /// By which the code's picture and standing are asked for.
        ticket: String,
    },
    /// It was asked for before. Its ticket cannot be had again.
    Before(Box<Withdrawal>),
}

/// A withdrawal as the platform tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The channel's id.
    pub withdrawal_id: String,
    /// How much.
    #[serde(with = "wire::fen")]
    pub amount: Fen,
    /// Where it stands.
    pub state: WithdrawalState,
    /// The raw state.
    pub native_state: String,
    /// The remark it was asked for with.
    pub remark: String,
    /// Why it failed, in the platform's words.
    #[serde(default)]
    pub reason: Option<String>,
    /// The bank.
    #[serde(default)]
    pub bank: Option<String>,
    /// The last digits of the account's number.
    #[serde(default)]
    pub tail: Option<String>,
    /// When it was asked for.
    #[serde(with = "wire::time_opt", default)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(with = "wire::time_opt", default)]
    pub updated_at: Option<Timestamp>,
}

/// Where a withdrawal stands at the platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalState {
    /// It waits to be confirmed.
    Waiting,
    /// It was confirmed and is being paid out.
    Accepted,
    /// It was paid out.
    Paid,
    /// It failed.
    Failed,
    /// It was paid out and came back from the bank.
    Returned,
    /// It was closed without being paid out.
    Closed,
    /// A raw state that we do not know.
    Unknown(String),
}

/// The picture of a code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodePicture {
    /// The bytes of the picture, in base64.
    pub base64: String,
}

/// How far the scanning of a code is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CodeStanding {
    /// How far.
    pub state: CodeState,
    /// Who scanned it.
    #[serde(default)]
    pub by: Option<CodeScanner>,
    /// What the platform says against it.
    #[serde(default)]
    pub problem: Option<String>,
}

/// How far a code is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// Nobody scanned it.
    Fresh,
    /// Somebody scanned it.
    Scanned,
    /// Somebody who may agreed.
    Confirmed,
    /// It was cancelled.
    Cancelled,
    /// Its time is over.
    Expired,
    /// A raw state that we do not know.
    Unknown(String),
}

/// Who scanned a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeScanner {
    /// Somebody who may not agree.
    Other,
    /// The shop's administrator.
    Administrator,
    /// A second administrator.
    SecondAdministrator,
}
