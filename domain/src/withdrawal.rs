//! A withdrawal of a shop's money at its platform: asked for once, confirmed by an administrator who scans a code, paid
//! out by the platform. The platform knows no key of ours, so what we asked for is found by a reference in its remark.

use crate::error::FieldError;
use crate::money::Fen;
use crate::time::{Span, Timestamp};
use uuid::Uuid;

words! {
    /// Where a withdrawal stands.
    pub enum WithdrawalState {
        /// It is being asked for, or was and nobody knows what came of it.
        Asking = "asking",
        /// The platform waits for the code to be scanned and confirmed.
        Waiting = "waiting",
        /// It was confirmed and is being paid out.
        Accepted = "accepted",
        /// It was paid out.
        Paid = "paid",
        /// It failed; the money is back.
        Failed = "failed",
        /// The bank sent it back.
        Returned = "returned",
        /// It was not confirmed in time, or cancelled.
        Closed = "closed",
        /// The platform did not take it.
        Refused = "refused",
        /// The platform has none: the call did not arrive.
        NotMade = "not_made",
    }
}

words! {
    /// How far the code is.
    pub enum CodeState {
        /// Nobody scanned it.
        Fresh = "fresh",
        /// Somebody scanned it.
        Scanned = "scanned",
        /// An administrator agreed.
        Confirmed = "confirmed",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// Its time is over.
        Expired = "expired",
        /// The platform says something we do not know.
        Unknown = "unknown",
    }
}

impl WithdrawalState {
    /// Whether another one has to wait for it.
    pub const fn open(self) -> bool {
        matches!(self, Self::Asking | Self::Waiting)
    }
    /// Whether the platform may still change it.
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Asking | Self::Waiting | Self::Accepted)
    }
}

/// How long after asking a withdrawal that the platform does not have counts as never made.
pub const GIVEN_UP: Span = Span::minutes(15);
/// Longest note of our own.
pub const NOTE: usize = 200;
/// Longest words for the bank.
pub const BANK_MEMO: usize = 32;
/// Most that is taken out at once.
pub const MOST: Fen = Fen::new(5_000_000_000);

/// What stands in the platform's remark.
pub fn reference(id: Uuid) -> String {
    format!("QP{}", id.simple())
}

/// An amount to take out.
pub fn amount(path: &str, typed: Fen) -> Result<Fen, FieldError> {
    if (Fen::new(1)..=MOST).contains(&typed) {
        return Ok(typed);
    }
    Err(FieldError::new(path, "range", "0.01 to 50,000,000 yuan", "提现金额应在 0.01–50,000,000 元之间"))
}

/// A text that may be empty, of limited length.
pub fn words(path: &str, typed: &str, most: usize) -> Result<String, FieldError> {
    let typed = typed.trim();
    if typed.chars().count() > most {
        let (en, zh) = (format!("at most {most} characters"), format!("最多 {most} 个字"));
        return Err(FieldError::new(path, "too_long", en, zh));
    }
    Ok(typed.to_owned())
}

/// What a look at the platform found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A withdrawal with our reference, in this state; none = the platform's word is not known.
    Withdrawal(Option<WithdrawalState>),
    /// Everything since it was asked for was looked through, and it is not there.
    Nothing,
}

/// Where a withdrawal stands after a look. A code that is over cannot be confirmed any more, and neither can one that
/// nobody ever saw because the answer was lost.
pub fn after_look(
    now: WithdrawalState,
    found: Found,
    code: Option<CodeState>,
    asked_at: Timestamp,
    at: Timestamp,
) -> WithdrawalState {
    use WithdrawalState as S;
    let old = at.since(asked_at) >= GIVEN_UP;
    match found {
        Found::Withdrawal(Some(S::Waiting)) => match code {
            Some(CodeState::Cancelled | CodeState::Expired) => S::Closed,
            None if old => S::Closed,
            _ => S::Waiting,
        },
        Found::Withdrawal(Some(state)) => state,
        Found::Withdrawal(None) => {
            if now == S::Asking {
                S::Waiting
            } else {
                now
            }
        }
        Found::Nothing => match (now, code) {
            (S::Asking, _) if old => S::NotMade,
            (S::Waiting, Some(CodeState::Cancelled | CodeState::Expired)) => S::Closed,
            _ => now,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WithdrawalState as S;

    #[test]
    fn a_look_decides_by_what_the_platform_has() {
        let asked = Timestamp::from_seconds(1_000);
        let (soon, late) = (asked.plus(Span::minutes(1)), asked.plus(GIVEN_UP));
        let (expired, fresh) = (Some(CodeState::Expired), Some(CodeState::Fresh));
        let there = |state| Found::Withdrawal(Some(state));
        for (now, found, code, at, then) in [
            // A lost answer: not there yet, there, never there.
            (S::Asking, Found::Nothing, None, soon, S::Asking),
            (S::Asking, Found::Nothing, None, late, S::NotMade),
            (S::Asking, there(S::Waiting), None, soon, S::Waiting),
            // Its code was never seen: nobody can confirm it.
            (S::Waiting, there(S::Waiting), None, late, S::Closed),
            (S::Waiting, there(S::Waiting), fresh, late, S::Waiting),
            (S::Waiting, there(S::Waiting), expired, soon, S::Closed),
            (S::Waiting, there(S::Accepted), expired, soon, S::Accepted),
            (S::Waiting, Found::Nothing, expired, soon, S::Closed),
            // What was confirmed is never given up.
            (S::Accepted, Found::Nothing, None, late, S::Accepted),
            (S::Accepted, there(S::Paid), None, late, S::Paid),
            (S::Closed, there(S::Paid), expired, late, S::Paid),
            (S::Asking, Found::Withdrawal(None), None, soon, S::Waiting),
            (S::Accepted, Found::Withdrawal(None), None, late, S::Accepted),
        ] {
            assert_eq!(after_look(now, found, code, asked, at), then, "{now} {found:?} {code:?}");
        }
    }

    #[test]
    fn amounts_and_references() {
        for (fen, fits) in [(0, false), (1, true), (5_000_000_000, true), (5_000_000_001, false), (-1, false)]
        {
            assert_eq!(amount("amount", Fen::new(fen)).is_ok(), fits, "{fen}");
        }
        assert_eq!(reference(Uuid::from_u128(1)).len(), 34);
    }
}
