//! The flows F1–F5 of the specification §3.1: facts in, a balanced journal out.
//!
//! The code of a journal and its business reference are unique together for ever, so booking the same fact
//! twice is refused by the store, whatever called it. F6, what the provider owes the operator, is F1 and F2 in
//! the operator's book: no flow crosses two books. Each flow stands with its figures in
//! [`worked_example`](super::worked_example).

mod claim;
mod commission;
mod deposit;
mod order;
mod payout;
mod receipt;
mod subscription;
mod usage;
mod wallet;

pub use claim::*;
pub use commission::*;
pub use deposit::*;
pub use order::*;
pub use payout::*;
pub use receipt::*;
pub use subscription::*;
pub use usage::*;
pub use wallet::*;

use super::chart::AccountCode as A;
use super::journal::AccountRef;

/// Where money arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedAt {
    /// A bank account of the provider.
    Bank(String),
    /// A payment provider, before it pays out.
    Psp(String),
}

impl ReceivedAt {
    fn account(&self) -> AccountRef {
        match self {
            Self::Bank(account) => AccountRef::owned(A::Bank, account.as_str()),
            Self::Psp(account) => AccountRef::owned(A::PspClearing, account.as_str()),
        }
    }
}
