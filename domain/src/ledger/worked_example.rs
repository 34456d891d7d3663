//! The worked example of the specification §3.1 and §3.2 as one table: each step with its journal and with what the
//! accounts it touches hold after it, to the fen.
//!
//! The figures are the specification's, written down by hand and never computed. The table is posted to books in
//! memory here and to real databases by the tests; what a page or a document says about a flow can be held to it.

mod deposit;
mod order;
mod subscription;
mod usage;

use super::chart::AccountCode;
use super::journal::{Journal, JournalError};
use crate::money::Fen;
use crate::time::Timestamp;

/// When everything happens.
const AT: Timestamp = Timestamp::from_seconds(1_760_000_000);
/// 6 %, the tax of the example.
const TAX_PPM: i64 = 60_000;

/// An account by number and owner, and its balance in fen.
pub type Holds = (i64, &'static str, i64);

/// What becomes of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is booked; these are the balances of all accounts it touches.
    Booked(&'static [Holds]),
    /// An account would fall below its floor; nothing is booked.
    Refused(AccountCode),
}

/// A step of a chapter.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its flow and letter in the specification: `F3 c2`.
    pub name: &'static str,
    /// What is posted.
    pub journal: Journal,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Steps of one book, which begins empty.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// What it tells.
    pub name: &'static str,
    /// In their order.
    pub steps: Vec<Step>,
}

/// Every chapter.
pub fn worked_example() -> Result<Vec<Chapter>, JournalError> {
    Ok(vec![
        Chapter { name: "F1 a subscription", steps: subscription::paid_and_upgraded()? },
        Chapter { name: "F1 invoices that are not paid", steps: subscription::not_paid()? },
        Chapter { name: "F2 metered use", steps: usage::from_wallet_and_promo()? },
        Chapter { name: "2900 receipts", steps: usage::receipts()? },
        Chapter { name: "F3 an order with commission", steps: order::whole()? },
        Chapter { name: "F3 fees of others", steps: order::fees()? },
        Chapter { name: "F4 a refund after settlement", steps: order::refunded_later()? },
        Chapter { name: "F4 with nothing left", steps: order::refunded_with_nothing_left()? },
        Chapter { name: "F4 with every source", steps: order::refunded_from_every_source()? },
        Chapter { name: "F5 a deposit", steps: deposit::whole()? },
        Chapter { name: "F5 a deduction beyond it", steps: deposit::beyond()? },
    ])
}

fn fen(value: i64) -> Fen {
    Fen::new(value)
}

fn booked(name: &'static str, journal: Journal, holds: &'static [Holds]) -> Step {
    Step { name, journal, outcome: Outcome::Booked(holds) }
}

fn refused(name: &'static str, journal: Journal, by: AccountCode) -> Step {
    Step { name, journal, outcome: Outcome::Refused(by) }
}

/// A journal of a flow that may come to nothing; in the example none does.
fn some(journal: Option<Journal>) -> Result<Journal, JournalError> {
    journal.ok_or(JournalError::Empty)
}

#[cfg(test)]
mod tests {
    use super::super::books::Books;
    use super::*;
    use crate::ids::JournalId;
    use crate::ledger::AccountRef;
    use std::collections::BTreeSet;

    #[test]
    fn the_worked_example_in_memory() {
        let mut codes = BTreeSet::new();
        for Chapter { name: chapter, steps } in worked_example().unwrap() {
            let mut books = Books::default();
            for Step { name, journal, outcome } in steps {
                let at = format!("{chapter}, {name}");
                let posted = books.post(&journal);
                match outcome {
                    Outcome::Booked(holds) => {
                        assert_eq!(posted, Ok(()), "{at}");
                        let said: BTreeSet<AccountRef> = holds.iter().map(account).collect();
                        let touched: BTreeSet<AccountRef> =
                            journal.legs().iter().map(|leg| leg.account.clone()).collect();
                        assert_eq!(said, touched, "{at}: each account it touches has its figure");
                        for (number, owner, fen) in holds {
                            assert_eq!(
                                books.of(&account(&(*number, owner, 0))),
                                *fen,
                                "{at}: {number} {owner}"
                            );
                        }
                        codes.insert(journal.code());
                        taken_back(&journal);
                    }
                    Outcome::Refused(by) => assert_eq!(posted, Err(by), "{at}"),
                }
                assert_eq!(books.sum(), 0, "{at}");
            }
        }
        let known: BTreeSet<&str> = crate::ledger::names::NAMES.iter().map(|(code, ..)| *code).collect();
        assert_eq!(codes, known, "every flow is in the example");
    }

    /// Every flow can be taken back: whatever it moves, both together move no account.
    fn taken_back(journal: &Journal) {
        let id = JournalId(uuid::Uuid::nil());
        let (code, reference) = (journal.code(), journal.business_ref());
        let back = Journal::reversal(id, code, reference, journal.legs(), AT).unwrap();
        assert_eq!((back.reverses(), back.business_ref()), (Some(id), reference));
        let moved = |journal: &Journal| {
            let mut moved: Vec<(AccountRef, i64)> =
                journal.legs().iter().map(|leg| (leg.account.clone(), leg.change())).collect();
            moved.sort();
            moved
        };
        let other_way: Vec<(AccountRef, i64)> =
            moved(journal).into_iter().map(|(account, change)| (account, -change)).collect();
        assert_eq!(moved(&back), other_way);
        let again = Journal::reversal(id, back.code(), reference, back.legs(), AT);
        assert_eq!(again, Err(JournalError::Irreversible));
    }

    fn account((number, owner, _): &Holds) -> AccountRef {
        let account = AccountRef::owned(AccountCode::from_number(*number).unwrap(), *owner);
        assert_eq!(owner.is_empty(), account.code.owner().is_empty(), "{number} has an owner or none");
        account
    }
}
