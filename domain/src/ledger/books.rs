//! Books in memory, for tests: what the store does with a journal, without a database.

use super::{AccountCode, AccountRef, Floor, Journal, Side};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default, Clone, Debug)]
pub struct Books {
    balances: BTreeMap<AccountRef, i64>,
    facts: BTreeSet<(&'static str, String)>,
}

impl Books {
    /// Books a journal whole or, when an account would fall below its floor, not at all. A fact comes once.
    pub fn post(&mut self, journal: &Journal) -> Result<(), AccountCode> {
        let mut next = self.balances.clone();
        for leg in journal.legs() {
            let balance = next.entry(leg.account.clone()).or_default();
            *balance += leg.change();
            if leg.account.code.floor() == Floor::Zero && *balance < 0 {
                return Err(leg.account.code);
            }
        }
        let fact = (journal.code(), journal.business_ref().to_owned());
        assert!(self.facts.insert(fact.clone()), "{fact:?} is booked twice");
        self.balances = next;
        Ok(())
    }
    /// The balance of an account.
    pub fn of(&self, account: &AccountRef) -> i64 {
        self.balances.get(account).copied().unwrap_or(0)
    }
    /// Debits less credits; zero in books that balance.
    pub fn sum(&self) -> i64 {
        let signed = |(account, fen): (&AccountRef, &i64)| match account.code.side() {
            Side::Debit => *fen,
            Side::Credit => -*fen,
        };
        self.balances.iter().map(signed).sum()
    }
    /// Every account that holds something.
    pub fn not_zero(&self) -> BTreeMap<AccountRef, i64> {
        self.balances
            .iter()
            .filter(|(_, fen)| **fen != 0)
            .map(|(account, fen)| (account.clone(), *fen))
            .collect()
    }
}
