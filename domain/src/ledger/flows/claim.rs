//! F4, F5 f: what somebody owes after a refund or a deduction, how it is netted, and how it ends.

use crate::ledger::chart::AccountCode as A;
use crate::ledger::journal::{AccountRef, Journal, JournalBuilder, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// Who owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Debtor {
    /// The merchant whose book it is.
    Merchant,
    /// A party of a commission.
    Party(String),
}

impl Debtor {
    /// The account of the claim.
    pub fn claim(&self) -> AccountRef {
        match self {
            Self::Merchant => AccountRef::owned(A::ClawbackReceivable, "merchant"),
            Self::Party(party) => AccountRef::owned(A::ClawbackReceivable, party.as_str()),
        }
    }
    /// The account of what the debtor earned, which a claim is netted with.
    fn earned(&self) -> AccountRef {
        match self {
            Self::Merchant => AccountRef::of(A::MerchantAvailable),
            Self::Party(party) => AccountRef::owned(A::CommissionPayable, party.as_str()),
        }
    }
}

/// F4, F5 f: a claim is netted with what the debtor earned, before any of it is paid out.
pub fn claim_netted(
    netting: &str,
    debtor: &Debtor,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("claim.netted", netting, at)
        .debit(debtor.earned(), amount)
        .credit(debtor.claim(), amount)
        .build()
}

/// F4, the end of the platform advance 平台垫付: a claim is given up and becomes the provider's cost.
///
/// The specification's "Dr 5040 / Cr 2500 plus a claim 1120" would book the advance twice. The buyer is paid from
/// the claim at once (Dr 1120 / Cr 2500, [`refund_from_sources`](crate::ledger::clawback::refund_from_sources)):
/// an advance is an asset as long as somebody owes it. Only what is given up is a cost: Dr 5040 / Cr 1120.
pub fn claim_given_up(
    decision: &str,
    debtor: &Debtor,
    amount: Fen,
    at: Timestamp,
) -> Result<Journal, JournalError> {
    JournalBuilder::new("claim.given_up", decision, at)
        .debit(AccountRef::of(A::PlatformAdvance), amount)
        .credit(debtor.claim(), amount)
        .build()
}
