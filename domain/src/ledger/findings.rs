//! What the daily look at a merchant's books finds (specification §3.3, R12): books that are not in order, and money that
//! stays where it should only pass.

use crate::ledger::chart::AccountCode as A;
use crate::time::Span;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $severity:ident;)*) => {
        /// What was found.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum FindingKind { $($(#[$doc])* $name,)* }
        impl FindingKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Wire form.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text),* } }
            /// How bad it is.
            pub const fn severity(self) -> Severity { match self { $(Self::$name => Severity::$severity),* } }
            /// From the wire form.
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|kind| kind.as_str() == text) }
        }
    };
}

kinds! {
    /// The balances of a book do not sum to zero.
    Book = "book", Error;
    /// A balance is not the sum of its entries.
    Balance = "balance", Error;
    /// A journal's legs do not sum to zero.
    Journal = "journal", Error;
    /// What was booked was changed past the application: the chain over the journals does not hold.
    Chain = "chain", Error;
    /// Commission is still accrued (2200) well after the after-sale window.
    OldCommission = "old_commission", Notice;
    /// Money came that nobody has placed yet (2900).
    Unmatched = "unmatched", Notice;
    /// A payout or a refund (2220, 2500) was asked for long ago and is not confirmed.
    OldTransit = "old_transit", Notice;
    /// The bank, a payment provider or a platform would owe us less than nothing (1010, 1020, 1030).
    NegativeMirror = "negative_mirror", Notice;
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The books are wrong.
    Error,
    /// The books are right, and somebody has to do something about what they say.
    Notice,
}

impl Severity {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Notice => "notice",
        }
    }
}

/// Commission may stay accrued for so long after the after-sale window (R12).
pub const COMMISSION_GRACE: Span = Span::days(3);
/// A payout or a refund may be on its way for so long. Ours: the specification names no time.
pub const TRANSIT_GRACE: Span = Span::days(7);

/// Which balance of an account is a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// Any that is not zero, of an account first used so long ago.
    Left(Span),
    /// One below zero, however young.
    Negative,
}

/// The accounts that are watched: the kind of finding, the accounts of the chart, and what of them is one.
/// `after_sale_window` is that of the merchant.
pub fn watched(after_sale_window: Span) -> [(FindingKind, &'static [A], Watched); 4] {
    let commission = Span::micros(after_sale_window.as_micros().saturating_add(COMMISSION_GRACE.as_micros()));
    [
        (FindingKind::OldCommission, &[A::CommissionAccrued], Watched::Left(commission)),
        (FindingKind::Unmatched, &[A::UnmatchedReceipts], Watched::Left(Span::days(0))),
        (
            FindingKind::OldTransit,
            &[A::PayoutInTransit, A::BuyerRefundInTransit],
            Watched::Left(TRANSIT_GRACE),
        ),
        (FindingKind::NegativeMirror, &[A::Bank, A::PspClearing, A::PspEscrow], Watched::Negative),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::chart::Floor;

    #[test]
    fn what_may_be_negative_is_watched_where_the_chart_wants_an_alarm() {
        for (kind, codes, watched) in watched(Span::days(7)) {
            let negative = watched == Watched::Negative;
            assert!(codes.iter().all(|code| (code.floor() == Floor::None) == negative), "{kind:?}");
            assert_eq!(FindingKind::parse(kind.as_str()), Some(kind));
            assert_eq!(kind.severity(), Severity::Notice);
        }
        assert_eq!(super::watched(Span::days(7))[0].2, Watched::Left(Span::days(10)));
        assert_eq!(FindingKind::parse("Book"), None);
    }
}
