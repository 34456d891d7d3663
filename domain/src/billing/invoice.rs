//! An invoice: its life, the figures of its lines, its number.

use super::{BillingError, PlanTerms};
use crate::ledger::rounding::tax_inside;
use crate::money::Fen;

/// Life of an invoice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvoiceState {
    /// Collects lines; the preview of the next invoice.
    Gathering,
    /// Closed for lines, not yet numbered.
    Draft,
    /// Numbered and booked; its figures never change.
    Issued,
    /// Paid in full.
    Paid,
    /// Past its due date.
    Overdue,
    /// Given up.
    Uncollectible,
    /// Cancelled before anything was paid.
    Void,
}

impl InvoiceState {
    const ALL: [Self; 7] = [
        Self::Gathering,
        Self::Draft,
        Self::Issued,
        Self::Paid,
        Self::Overdue,
        Self::Uncollectible,
        Self::Void,
    ];
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::Paid => "paid",
            Self::Overdue => "overdue",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
    /// From the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
    /// Closing it for lines: the preview becomes a draft.
    pub fn close(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering => Ok(Self::Draft),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Giving up on an overdue invoice; its receivable is written off.
    pub fn give_up(self) -> Result<Self, BillingError> {
        match self {
            Self::Overdue => Ok(Self::Uncollectible),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Cancelling before anything was paid. What was issued is then credited in full, never changed.
    pub fn void(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering | Self::Draft | Self::Issued | Self::Overdue => Ok(Self::Void),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Issuing a closed or gathering invoice.
    pub fn issue(self) -> Result<Self, BillingError> {
        match self {
            Self::Gathering | Self::Draft => Ok(Self::Issued),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Paying `amount` of what is due; part payments are not taken.
    pub fn pay(self, due: Fen, amount: Fen) -> Result<Self, BillingError> {
        match self {
            Self::Issued | Self::Overdue if amount == due => Ok(Self::Paid),
            Self::Issued | Self::Overdue => Err(BillingError::Amount),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// Its payment was taken back: it is owed again, and overdue when the due date has passed.
    pub fn reopen(self, due_passed: bool) -> Result<Self, BillingError> {
        match self {
            Self::Paid if due_passed => Ok(Self::Overdue),
            Self::Paid => Ok(Self::Issued),
            other => Err(BillingError::State(other.as_str())),
        }
    }
    /// The due date passed.
    pub fn fall_due(self) -> Self {
        if self == Self::Issued { Self::Overdue } else { self }
    }
}

/// Figures of an invoice line; tax per line, so that the invoice's tax is the sum (R7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LineAmounts {
    /// Without tax.
    pub net: Fen,
    /// Tax.
    pub tax: Fen,
    /// What is paid.
    pub total: Fen,
}

impl LineAmounts {
    /// A gross amount with the tax inside it.
    pub fn inside(total: Fen, tax_ppm: i64) -> Result<Self, BillingError> {
        let tax = tax_inside(total, tax_ppm)?;
        Ok(Self { net: total.sub(tax)?, tax, total })
    }
    /// Both together.
    pub fn plus(self, other: Self) -> Result<Self, BillingError> {
        let (net, tax) = (self.net.add(other.net)?, self.tax.add(other.tax)?);
        Ok(Self { net, tax, total: self.total.add(other.total)? })
    }
    /// This without the other.
    pub fn less(self, other: Self) -> Result<Self, BillingError> {
        let (net, tax) = (self.net.sub(other.net)?, self.tax.sub(other.tax)?);
        Ok(Self { net, tax, total: self.total.sub(other.total)? })
    }
}

/// The flat fee of one period.
pub fn flat_fee(terms: &PlanTerms) -> Result<LineAmounts, BillingError> {
    LineAmounts::inside(terms.fee, terms.tax_ppm)
}

/// An invoice number: year and a gap-free count per merchant, `2026-000001`.
pub fn invoice_number(year: i16, count: i64) -> String {
    format!("{year}-{count:06}")
}

#[cfg(test)]
mod tests {
    use super::super::Interval;
    use super::*;

    #[test]
    fn an_invoice_is_paid_once_and_in_full() {
        let issued = InvoiceState::Gathering.issue().unwrap();
        assert_eq!(issued.issue(), Err(BillingError::State("issued")));
        assert_eq!(issued.pay(Fen::new(10), Fen::new(9)), Err(BillingError::Amount));
        assert_eq!(issued.fall_due().pay(Fen::new(10), Fen::new(10)), Ok(InvoiceState::Paid));
        assert_eq!(InvoiceState::Paid.pay(Fen::new(10), Fen::new(10)), Err(BillingError::State("paid")));
        assert_eq!(InvoiceState::Paid.fall_due(), InvoiceState::Paid);
    }

    #[test]
    fn an_invoice_is_closed_given_up_or_void() {
        use InvoiceState::{Draft, Gathering, Issued, Overdue, Paid, Uncollectible, Void};
        type Move = fn(InvoiceState) -> Result<InvoiceState, BillingError>;
        let moves: [(&str, Move); 3] = [
            ("close", InvoiceState::close),
            ("give up", InvoiceState::give_up),
            ("void", InvoiceState::void),
        ];
        for (state, expected) in [
            (Gathering, [Some(Draft), None, Some(Void)]),
            (Draft, [None, None, Some(Void)]),
            (Issued, [None, None, Some(Void)]),
            (Overdue, [None, Some(Uncollectible), Some(Void)]),
            (Paid, [None, None, None]),
            (Uncollectible, [None, None, None]),
            (Void, [None, None, None]),
        ] {
            for ((name, make), expected) in moves.iter().zip(expected) {
                assert_eq!(make(state).ok(), expected, "{name} {state:?}");
            }
        }
    }

    #[test]
    fn tax_lies_inside_the_fee() {
        let terms = PlanTerms {
            fee: Fen::new(199_900),
            interval: Interval::Month,
            tax_ppm: 60_000,
            take_rate_ppm: 20_000,
            limits: vec![],
            charges: vec![],
        };
        assert_eq!(terms.check(), Ok(()));
        let line = flat_fee(&terms).unwrap();
        assert_eq!(
            (line.net, line.tax, line.total),
            (Fen::new(188_585), Fen::new(11_315), Fen::new(199_900))
        );
        assert_eq!(PlanTerms { take_rate_ppm: 300_001, ..terms }.check(), Err(BillingError::Rate));
        assert_eq!(invoice_number(2026, 7), "2026-000007");
    }
}
