//! A balanced journal. It can only be made by [`JournalBuilder::build`], which checks that the legs sum to
//! zero, that each amount is within range (R11), and that no account stands on both sides.

use super::chart::{AccountCode, Floor, Side};
use super::names::reversal_code;
use crate::error::ErrorCode;
use crate::ids::JournalId;
use crate::money::{Currency, Fen, MAX_FEN, MoneyOverflow};
use crate::time::Timestamp;

/// An account of one merchant: chart code and owner key (empty where the chart names no owner).
#[derive(Clone, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct AccountRef {
    /// Chart code.
    pub code: AccountCode,
    /// What the account is for, within the merchant: a case, a subscription, a holder of money.
    pub owner: String,
}

impl AccountRef {
    /// An account without an owner key.
    pub fn of(code: AccountCode) -> Self {
        Self { code, owner: String::new() }
    }
    /// An account with an owner key.
    pub fn owned(code: AccountCode, owner: impl Into<String>) -> Self {
        Self { code, owner: owner.into() }
    }
}

/// One leg.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Which account.
    pub account: AccountRef,
    /// Debit or credit.
    pub side: Side,
    /// 1 to [`MAX_FEN`].
    pub amount: Fen,
}

impl Leg {
    /// The change of the account's balance, which grows on the account's own side.
    pub fn change(&self) -> i64 {
        if self.account.code.side() == self.side { self.amount.get() } else { -self.amount.get() }
    }
    /// The balance after this leg, refused when it would fall below the account's floor. The database
    /// holds the same rule; this one gives the refusal its words.
    pub fn apply_to(&self, balance: Fen) -> Result<Fen, BalanceError> {
        let next = balance.add(Fen::new(self.change()))?;
        if next < Fen::ZERO && self.change() < 0 && self.account.code.floor() == Floor::Zero {
            return Err(BalanceError::Floor {
                account: self.account.code.number(),
                balance: balance.get(),
                wanted: self.amount.get(),
            });
        }
        Ok(next)
    }
}

/// Why a balance cannot take a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// It would fall below its floor.
    #[error("account {account} holds {balance} fen, {wanted} are wanted")]
    Floor {
        /// Number of the account.
        account: i64,
        /// What it holds, in fen.
        balance: i64,
        /// What the leg takes, in fen.
        wanted: i64,
    },
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] MoneyOverflow),
}

impl BalanceError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Floor { .. } => ErrorCode::InsufficientBalance,
            Self::Overflow(_) => ErrorCode::AmountOutOfRange,
        }
    }
}

/// A journal that balances.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Journal {
    code: &'static str,
    business_ref: String,
    currency: Currency,
    effective_at: Timestamp,
    reverses: Option<JournalId>,
    legs: Vec<Leg>,
}

impl Journal {
    /// The journal that takes back one that is booked, known by its id, its code and its reference: what that one moved on
    /// an account, this one moves there the other way.
    pub fn reversal(
        of: JournalId,
        code: &str,
        business_ref: &str,
        legs: &[Leg],
        effective_at: Timestamp,
    ) -> Result<Self, JournalError> {
        let code = reversal_code(code).ok_or(JournalError::Irreversible)?;
        let builder = JournalBuilder::new(code, business_ref, effective_at);
        let builder = legs
            .iter()
            .fold(builder, |builder, leg| builder.leg(leg.account.clone(), leg.side.other(), leg.amount));
        Ok(Self { reverses: Some(of), ..builder.build()? })
    }
    /// Which flow: `order.paid`, `invoice.issued`, `deposit.topped_up`, …
    pub fn code(&self) -> &'static str {
        self.code
    }
    /// What it is about; unique for ever with the code within a merchant.
    pub fn business_ref(&self) -> &str {
        &self.business_ref
    }
    /// The book's currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }
    /// When it counts.
    pub fn effective_at(&self) -> Timestamp {
        self.effective_at
    }
    /// The journal that it takes back.
    pub fn reverses(&self) -> Option<JournalId> {
        self.reverses
    }
    /// Debits first, in the order they were given.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }
}

/// Why legs do not make a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Debits and credits differ.
    #[error("debits {debit} and credits {credit} differ")]
    Unbalanced {
        /// Sum of debits, in fen.
        debit: i64,
        /// Sum of credits, in fen.
        credit: i64,
    },
    /// An amount is negative or beyond [`MAX_FEN`].
    #[error("an amount is out of range")]
    Amount,
    /// An account stands on both sides.
    #[error("account {0} stands on both sides")]
    SelfTransfer(i64),
    /// Nothing moves.
    #[error("nothing moves")]
    Empty,
    /// The reference is empty or longer than 200 characters.
    #[error("the business reference must have 1 to 200 characters")]
    Reference,
    /// No flow has its code: what took a journal back is not taken back itself.
    #[error("a journal with this code is not taken back")]
    Irreversible,
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] MoneyOverflow),
}

impl JournalError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Amount | Self::Empty | Self::Overflow(_) => ErrorCode::AmountOutOfRange,
            Self::Irreversible => ErrorCode::Conflict,
            Self::Unbalanced { .. } | Self::SelfTransfer(_) | Self::Reference => ErrorCode::JournalInvalid,
        }
    }
}

/// Collects legs. A leg of zero is left out: a rate of zero moves nothing.
#[derive(Debug)]
pub struct JournalBuilder {
    code: &'static str,
    business_ref: String,
    currency: Currency,
    effective_at: Timestamp,
    legs: Vec<Leg>,
}

impl JournalBuilder {
    /// A journal of a flow about something.
    pub fn new(code: &'static str, business_ref: impl Into<String>, effective_at: Timestamp) -> Self {
        Self {
            code,
            business_ref: business_ref.into(),
            currency: Currency::Cny,
            effective_at,
            legs: Vec::new(),
        }
    }
    /// Adds a debit.
    #[must_use]
    pub fn debit(self, account: AccountRef, amount: Fen) -> Self {
        self.leg(account, Side::Debit, amount)
    }
    /// Adds a credit.
    #[must_use]
    pub fn credit(self, account: AccountRef, amount: Fen) -> Self {
        self.leg(account, Side::Credit, amount)
    }
    fn leg(mut self, account: AccountRef, side: Side, amount: Fen) -> Self {
        if amount != Fen::ZERO {
            self.legs.push(Leg { account, side, amount });
        }
        self
    }

    /// Checks and closes the journal. What was given for one account on one side becomes one leg.
    pub fn build(mut self) -> Result<Journal, JournalError> {
        if self.business_ref.is_empty() || self.business_ref.chars().count() > 200 {
            return Err(JournalError::Reference);
        }
        if self.legs.is_empty() {
            return Err(JournalError::Empty);
        }
        let in_range = |leg: &Leg| (1..=MAX_FEN).contains(&leg.amount.get());
        if !self.legs.iter().all(in_range) {
            return Err(JournalError::Amount);
        }
        self.legs = merged(self.legs)?;
        if !self.legs.iter().all(in_range) {
            return Err(JournalError::Amount);
        }
        let total = |side| Fen::sum(self.legs.iter().filter(|leg| leg.side == side).map(|leg| leg.amount));
        let (debit, credit) = (total(Side::Debit)?, total(Side::Credit)?);
        if debit != credit {
            return Err(JournalError::Unbalanced { debit: debit.get(), credit: credit.get() });
        }
        for leg in &self.legs {
            if self.legs.iter().any(|other| other.side != leg.side && other.account == leg.account) {
                return Err(JournalError::SelfTransfer(leg.account.code.number()));
            }
        }
        self.legs.sort_by_key(|leg| leg.side == Side::Credit);
        Ok(Journal {
            code: self.code,
            business_ref: self.business_ref,
            currency: self.currency,
            effective_at: self.effective_at,
            reverses: None,
            legs: self.legs,
        })
    }
}

/// One leg for each account and side, where the first of them stood.
fn merged(legs: Vec<Leg>) -> Result<Vec<Leg>, MoneyOverflow> {
    let mut kept: Vec<Leg> = Vec::with_capacity(legs.len());
    for leg in legs {
        match kept.iter_mut().find(|known| known.account == leg.account && known.side == leg.side) {
            Some(known) => known.amount = known.amount.add(leg.amount)?,
            None => kept.push(leg),
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(legs: &[(AccountCode, Side, i64)]) -> Result<Journal, JournalError> {
        let start = JournalBuilder::new("test", "ref", Timestamp::from_seconds(0));
        legs.iter()
            .fold(start, |builder, (code, side, fen)| {
                builder.leg(AccountRef::of(*code), *side, Fen::new(*fen))
            })
            .build()
    }

    #[test]
    fn an_account_with_a_floor_never_falls_below_it() {
        for (code, side, balance, amount, expected) in [
            (AccountCode::MerchantWallet, Side::Debit, 5, 5, Ok(0)),
            (AccountCode::MerchantWallet, Side::Debit, 4, 5, Err("insufficient_balance")),
            (AccountCode::MerchantWallet, Side::Credit, 0, 5, Ok(5)),
            (AccountCode::Receivable, Side::Credit, 0, 1, Err("insufficient_balance")),
            (AccountCode::Bank, Side::Credit, 0, 1, Ok(-1)),
            (AccountCode::TaxPayable, Side::Debit, 0, 1, Ok(-1)),
            (AccountCode::MerchantWallet, Side::Credit, i64::MAX, 1, Err("amount_out_of_range")),
        ] {
            let leg = Leg { account: AccountRef::of(code), side, amount: Fen::new(amount) };
            let got = leg.apply_to(Fen::new(balance)).map(Fen::get).map_err(|error| error.code().as_str());
            assert_eq!(got, expected, "{code:?} {side:?} {balance} {amount}");
        }
    }

    #[test]
    fn only_balanced_positive_journals_between_different_accounts_exist() {
        use AccountCode::{Bank, MerchantAvailable, MerchantPending};
        use Side::{Credit, Debit};
        assert!(built(&[(Bank, Debit, 5), (MerchantPending, Credit, 5)]).is_ok());
        assert_eq!(
            built(&[(Bank, Debit, 5), (MerchantPending, Credit, 4)]),
            Err(JournalError::Unbalanced { debit: 5, credit: 4 })
        );
        assert_eq!(built(&[(Bank, Debit, -5), (MerchantPending, Credit, -5)]), Err(JournalError::Amount));
        assert_eq!(
            built(&[(Bank, Debit, MAX_FEN + 1), (MerchantPending, Credit, MAX_FEN + 1)]),
            Err(JournalError::Amount)
        );
        assert_eq!(built(&[(Bank, Debit, 5), (Bank, Credit, 5)]), Err(JournalError::SelfTransfer(1010)));
        assert_eq!(built(&[(Bank, Debit, 0), (MerchantAvailable, Credit, 0)]), Err(JournalError::Empty));
        assert_eq!(
            built(&[(Bank, Debit, MAX_FEN), (Bank, Debit, 1), (MerchantPending, Credit, MAX_FEN)]),
            Err(JournalError::Amount)
        );
        let once = built(&[
            (Bank, Debit, 2),
            (MerchantPending, Credit, 4),
            (Bank, Debit, 3),
            (MerchantPending, Credit, 1),
        ]);
        assert_eq!(once, built(&[(Bank, Debit, 5), (MerchantPending, Credit, 5)]), "an account stands once");
        let journal = built(&[(MerchantPending, Credit, 5), (Bank, Debit, 5)]).unwrap();
        assert_eq!(journal.legs()[0].side, Debit, "debits first");
    }
}
