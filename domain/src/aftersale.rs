//! After-sale cases: what a buyer asks for after paying, how a channel's reports are merged into ours, what may be
//! decided, and how much may be refunded.
//!
//! Invariant: the platform's latest report is the truth. Reports are ordered by the platform's time of change; of one
//! second the one read last wins, so that whoever reads again ends where the platform is; and a case whose refund is
//! done stays done, because its money was booked.

use crate::error::ErrorCode;
use crate::money::{Fen, MoneyOverflow};
use crate::time::{Span, Timestamp};

words! {
    /// What the buyer asks for.
    pub enum AftersaleKind {
        /// Money back, the goods stay or were never sent 仅退款.
        RefundOnly = "refund_only",
        /// The goods go back, then the money 退货退款.
        ReturnRefund = "return_refund",
        /// Other goods for these 换货.
        Exchange = "exchange",
        /// What was missing is sent 补寄.
        Reship = "reship",
        /// Something else of the platform, such as a repair or a price guarantee.
        Other = "other",
    }
}

words! {
    /// Where a case stands; the order of the words is that of the steps.
    pub enum AftersaleState {
        /// The platform's state is one we do not know; the raw value is kept.
        Unknown = "unknown",
        /// The buyer asked.
        Requested = "requested",
        /// The merchant said no.
        Refused = "refused",
        /// The merchant agreed; the goods have to come back.
        Accepted = "accepted",
        /// The goods are on their way back.
        Returning = "returning",
        /// The merchant has the goods.
        ReceivedBack = "received_back",
        /// The money is on its way.
        Refunding = "refunding",
        /// Ended without what was asked for.
        Closed = "closed",
        /// Withdrawn by the buyer.
        Cancelled = "cancelled",
        /// Done.
        Done = "done",
    }
}

words! {
    /// Who has to act.
    pub enum WaitsFor {
        /// The merchant, until the deadline.
        Merchant = "merchant",
        /// The buyer.
        Buyer = "buyer",
        /// The platform.
        Platform = "platform",
        /// Nobody.
        Nobody = "nobody",
    }
}

words! {
    /// Where a dispute about a case stands.
    pub enum DisputeState {
        /// The merchant has to answer.
        WaitsForMerchant = "waits_for_merchant",
        /// The buyer has to answer.
        WaitsForBuyer = "waits_for_buyer",
        /// The platform looks at it.
        WithPlatform = "with_platform",
        /// It ended.
        Ended = "ended",
        /// A raw value we do not know.
        Unknown = "unknown",
    }
}

words! {
    /// What a merchant says in a dispute.
    pub enum EvidenceKind {
        /// Proof that was asked for 举证.
        Proof = "proof",
        /// A message to the platform's people 留言.
        Message = "message",
    }
}

words! {
    /// How far that is.
    pub enum EvidenceState {
        /// The platform is being told.
        Queued = "queued",
        /// The platform took it.
        Sent = "sent",
        /// The platform would not take it.
        Refused = "refused",
    }
}

/// The most letters of what is said in a dispute.
pub const MOST_EVIDENCE_WORDS: usize = 500;
/// The most pictures that go with it.
pub const MOST_EVIDENCE_PICTURES: usize = 20;

words! {
    /// What can happen to a case. The order of the words is how things of one moment follow each other.
    pub enum AftersaleHappening {
        /// The buyer asked.
        Asked = "asked",
        /// Somebody decided to agree; the platform is being told.
        AcceptQueued = "accept_queued",
        /// Somebody decided to refuse; the platform is being told.
        RefuseQueued = "refuse_queued",
        /// The platform would not take the decision.
        DecisionRefused = "decision_refused",
        /// The platform took the decision.
        DecisionTaken = "decision_taken",
        /// The state changed.
        Moved = "moved",
        /// A dispute began or moved on.
        Dispute = "dispute",
        /// Somebody wrote in the dispute; the platform is being told.
        EvidenceQueued = "evidence_queued",
        /// The platform took it.
        EvidenceSent = "evidence_sent",
        /// The platform would not take it.
        EvidenceRefused = "evidence_refused",
        /// People were reminded before the deadline.
        Reminded = "reminded",
        /// The refund was booked.
        Refunded = "refunded",
    }
}

words! {
    /// A decision that waits for the platform.
    pub enum Decision {
        /// To agree.
        Accept = "accept",
        /// To refuse.
        Refuse = "refuse",
    }
}

words! {
    /// What agreeing means at this moment.
    pub enum AcceptStep {
        /// To the refund: the money goes back.
        Refund = "refund",
        /// To the return, exchange or resend: the buyer is told where to send the goods.
        Agree = "agree",
        /// The goods are here: the money goes back, or the new goods leave.
        Received = "received",
    }
}

impl AftersaleState {
    /// Whether more may happen to it of itself. A refused case may be asked for again, and a closed one may still go
    /// to the platform's people; both are looked at when a push says so.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Unknown
                | Self::Requested
                | Self::Accepted
                | Self::Returning
                | Self::ReceivedBack
                | Self::Refunding
        )
    }
}

impl AftersaleKind {
    /// Whether money goes back when it is done.
    pub const fn refunds(self) -> bool {
        !matches!(self, Self::Exchange | Self::Reship)
    }
}

/// How far a case is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AftersaleProgress {
    /// Where it stands.
    pub state: AftersaleState,
    /// The platform's raw state.
    pub native_state: String,
    /// Who has to act.
    pub waits_for: WaitsFor,
    /// Until when; then the platform goes on by itself.
    pub deadline: Option<Timestamp>,
    /// The platform's time of the latest report.
    pub reported_at: Timestamp,
}

/// Deadlines that some platforms tell as seconds left move by the time the call took.
const JITTER: Span = Span::minutes(2);

impl AftersaleProgress {
    /// Whether a report replaces what is known.
    fn gives_way_to(&self, report: &Self) -> bool {
        self.state != AftersaleState::Done && report.reported_at >= self.reported_at
    }

    /// Merges a report; `None` when it brings nothing new. A raw state we do not know keeps the state we know.
    pub fn merge(&self, report: &Self) -> Option<Self> {
        if !self.gives_way_to(report) {
            return None;
        }
        let mut next = report.clone();
        if report.state == AftersaleState::Unknown {
            next.state = self.state;
        }
        if let (Some(known), Some(told)) = (self.deadline, report.deadline)
            && known.since(told) <= JITTER
            && told.since(known) <= JITTER
        {
            next.deadline = Some(known);
        }
        (next != *self).then_some(next)
    }

    /// What agreeing would mean now; `None` when the case does not wait for the merchant.
    pub fn accept_step(&self, kind: AftersaleKind) -> Option<AcceptStep> {
        if self.waits_for != WaitsFor::Merchant {
            return None;
        }
        match (self.state, kind) {
            (AftersaleState::Requested, AftersaleKind::RefundOnly) => Some(AcceptStep::Refund),
            (
                AftersaleState::Requested,
                AftersaleKind::ReturnRefund | AftersaleKind::Exchange | AftersaleKind::Reship,
            ) => Some(AcceptStep::Agree),
            (AftersaleState::Returning, AftersaleKind::ReturnRefund | AftersaleKind::Exchange) => {
                Some(AcceptStep::Received)
            }
            _ => None,
        }
    }

    /// Whether refusing is possible now.
    pub fn may_refuse(&self, kind: AftersaleKind) -> bool {
        self.accept_step(kind).is_some()
    }
}

/// Why a case cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AftersaleError {
    /// It does not wait for this.
    #[error("the case does not wait for this")]
    WrongState,
    /// An earlier decision is on its way to the platform.
    #[error("an earlier decision is on its way to the platform")]
    Busy,
    /// The dispute does not take this now.
    #[error("the dispute does not take this now")]
    DisputeWrongState,
}

impl AftersaleError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::WrongState | Self::DisputeWrongState => ErrorCode::AftersaleWrongState,
            Self::Busy => ErrorCode::AftersaleBusy,
        }
    }
}

/// Checks a decision. Agreeing answers with its step.
pub fn decide(
    kind: AftersaleKind,
    progress: &AftersaleProgress,
    waiting: Option<Decision>,
    decision: Decision,
) -> Result<Option<AcceptStep>, AftersaleError> {
    if waiting.is_some() {
        return Err(AftersaleError::Busy);
    }
    let step = progress.accept_step(kind).ok_or(AftersaleError::WrongState)?;
    Ok((decision == Decision::Accept).then_some(step))
}

/// Checks whether something may be said in a dispute: `takes` is what it takes now, `waiting` whether something said
/// before is on its way.
pub fn may_answer(
    takes: Option<EvidenceKind>,
    waiting: bool,
    kind: EvidenceKind,
) -> Result<(), AftersaleError> {
    match (takes == Some(kind), waiting) {
        (false, _) => Err(AftersaleError::DisputeWrongState),
        (true, true) => Err(AftersaleError::Busy),
        (true, false) => Ok(()),
    }
}

/// What is booked for a refund: never more than is left of what the buyer paid, whatever the platform says.
pub fn refund_within(captured: Fen, refunded: Fen, asked: Fen) -> Result<Fen, MoneyOverflow> {
    let left = captured.sub(refunded)?.max(Fen::ZERO);
    Ok(asked.max(Fen::ZERO).min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: AftersaleState, second: i64) -> AftersaleProgress {
        AftersaleProgress {
            state,
            native_state: state.as_str().to_owned(),
            waits_for: WaitsFor::Merchant,
            deadline: None,
            reported_at: Timestamp::from_seconds(second),
        }
    }

    #[test]
    fn the_latest_report_wins_whatever_came_when() {
        use AftersaleState as S;
        for (known, report, expected) in [
            (at(S::Requested, 1), at(S::Accepted, 2), Some(S::Accepted)),
            (at(S::Accepted, 2), at(S::Requested, 1), None),
            // Of one second what was read last: a refusal may follow a return at once.
            (at(S::Requested, 1), at(S::Done, 1), Some(S::Done)),
            (at(S::Returning, 1), at(S::Refused, 1), Some(S::Refused)),
            (at(S::Requested, 1), at(S::Requested, 1), None),
            // Asked for again.
            (at(S::Refused, 1), at(S::Requested, 2), Some(S::Requested)),
            (at(S::Closed, 1), at(S::Refunding, 2), Some(S::Refunding)),
            // Money that was booked stays booked.
            (at(S::Done, 1), at(S::Requested, 9), None),
            // Never guessed.
            (at(S::Returning, 1), at(S::Unknown, 2), Some(S::Returning)),
        ] {
            assert_eq!(known.merge(&report).map(|next| next.state), expected, "{known:?} {report:?}");
        }
        let kept = at(S::Returning, 1).merge(&at(S::Unknown, 2)).unwrap();
        assert_eq!(kept.native_state, "unknown", "the raw value is kept");
    }

    #[test]
    fn a_deadline_told_as_seconds_left_does_not_jitter() {
        let until = |seconds: i64| AftersaleProgress {
            deadline: Some(Timestamp::from_seconds(seconds)),
            ..at(AftersaleState::Requested, 1)
        };
        assert_eq!(until(1_000).merge(&until(1_003)), None);
        let moved = until(1_000).merge(&until(5_000)).unwrap();
        assert_eq!(moved.deadline, Some(Timestamp::from_seconds(5_000)));
    }

    #[test]
    fn decisions() {
        use AftersaleKind as K;
        use AftersaleState as S;
        for kind in K::ALL {
            for state in S::ALL {
                let expected = match (state, kind) {
                    (S::Requested, K::RefundOnly) => Some(AcceptStep::Refund),
                    (S::Requested, K::ReturnRefund | K::Exchange | K::Reship) => Some(AcceptStep::Agree),
                    (S::Returning, K::ReturnRefund | K::Exchange) => Some(AcceptStep::Received),
                    _ => None,
                };
                let progress = at(*state, 1);
                assert_eq!(progress.accept_step(*kind), expected, "{kind} {state}");
                assert_eq!(progress.may_refuse(*kind), expected.is_some(), "{kind} {state}");
                let buyers = AftersaleProgress { waits_for: WaitsFor::Buyer, ..progress };
                assert_eq!(buyers.accept_step(*kind), None, "{kind} {state}");
            }
        }
        let waiting = at(S::Requested, 1);
        let decided = |known, decision| decide(K::RefundOnly, &waiting, known, decision);
        assert_eq!(decided(None, Decision::Accept), Ok(Some(AcceptStep::Refund)));
        assert_eq!(decided(None, Decision::Refuse), Ok(None));
        assert_eq!(decided(Some(Decision::Refuse), Decision::Accept), Err(AftersaleError::Busy));
        let done = at(S::Done, 1);
        assert_eq!(decide(K::RefundOnly, &done, None, Decision::Accept), Err(AftersaleError::WrongState));
    }

    #[test]
    fn a_dispute_is_answered_once_at_a_time_and_as_it_asks() {
        use EvidenceKind::{Message, Proof};
        for (takes, waiting, kind, expected) in [
            (Some(Proof), false, Proof, Ok(())),
            (Some(Message), false, Message, Ok(())),
            (Some(Message), false, Proof, Err(AftersaleError::DisputeWrongState)),
            (None, false, Proof, Err(AftersaleError::DisputeWrongState)),
            (None, true, Message, Err(AftersaleError::DisputeWrongState)),
            (Some(Proof), true, Proof, Err(AftersaleError::Busy)),
        ] {
            assert_eq!(may_answer(takes, waiting, kind), expected, "{takes:?} {waiting} {kind}");
        }
    }

    #[test]
    fn refunds_never_exceed_what_was_paid() {
        for (captured, refunded, asked, expected) in [
            (100, 0, 30, 30),
            (100, 30, 70, 70),
            (100, 30, 71, 70),
            (100, 100, 1, 0),
            (100, 120, 1, 0),
            (100, 0, -5, 0),
            (0, 0, 5, 0),
        ] {
            let within = refund_within(Fen::new(captured), Fen::new(refunded), Fen::new(asked));
            assert_eq!(within, Ok(Fen::new(expected)), "{captured} {refunded} {asked}");
        }
    }
}
