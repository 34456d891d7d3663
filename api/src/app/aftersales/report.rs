//! From a channel's case to our words.

use qianpu_domain::aftersale::{AftersaleKind, AftersaleProgress, AftersaleState, DisputeState, WaitsFor};
use qianpu_domain::money::Fen;
use qianpu_sdk as sdk;
use qianpu_tenants::store::aftersale::{Aftersale, AftersaleFacts, Dispute};

pub(super) fn kind(kind: &sdk::CaseKind) -> AftersaleKind {
    match kind {
        sdk::CaseKind::RefundOnly => AftersaleKind::RefundOnly,
        sdk::CaseKind::ReturnRefund => AftersaleKind::ReturnRefund,
        sdk::CaseKind::Exchange => AftersaleKind::Exchange,
        sdk::CaseKind::Reship => AftersaleKind::Reship,
        sdk::CaseKind::Other(_) => AftersaleKind::Other,
    }
}

fn kind_back(kind: AftersaleKind) -> sdk::CaseKind {
    match kind {
        AftersaleKind::RefundOnly => sdk::CaseKind::RefundOnly,
        AftersaleKind::ReturnRefund => sdk::CaseKind::ReturnRefund,
        AftersaleKind::Exchange => sdk::CaseKind::Exchange,
        AftersaleKind::Reship => sdk::CaseKind::Reship,
        AftersaleKind::Other => sdk::CaseKind::Other(String::new()),
    }
}

fn state(state: &sdk::CaseState) -> AftersaleState {
    match state {
        sdk::CaseState::Requested => AftersaleState::Requested,
        sdk::CaseState::Refused => AftersaleState::Refused,
        sdk::CaseState::Accepted => AftersaleState::Accepted,
        sdk::CaseState::Returning => AftersaleState::Returning,
        sdk::CaseState::ReceivedBack => AftersaleState::ReceivedBack,
        sdk::CaseState::Refunding => AftersaleState::Refunding,
        sdk::CaseState::Closed => AftersaleState::Closed,
        sdk::CaseState::Cancelled => AftersaleState::Cancelled,
        sdk::CaseState::Done => AftersaleState::Done,
        sdk::CaseState::Unknown(_) => AftersaleState::Unknown,
    }
}

pub(super) fn progress(case: &sdk::ChannelCase) -> AftersaleProgress {
    AftersaleProgress {
        state: state(&case.state),
        native_state: case.native_state.chars().take(60).collect(),
        waits_for: match case.waits_for {
            sdk::CaseParty::Merchant => WaitsFor::Merchant,
            sdk::CaseParty::Buyer => WaitsFor::Buyer,
            sdk::CaseParty::Platform => WaitsFor::Platform,
            sdk::CaseParty::Nobody => WaitsFor::Nobody,
        },
        deadline: case.deadline,
        reported_at: case.updated_at,
    }
}

pub(super) fn facts(case: &sdk::ChannelCase) -> AftersaleFacts {
    let short = |text: &str| text.chars().take(500).collect::<String>();
    AftersaleFacts {
        reason: short(&case.reason),
        buyer_words: short(&case.buyer_words),
        refusal: case.refusal.as_deref().map(short),
        amount: case.amount.max(Fen::ZERO),
        return_carrier: case.return_parcel.as_ref().map(|parcel| short(&parcel.carrier)),
        return_waybill: case.return_parcel.as_ref().map(|parcel| short(&parcel.waybill)),
        dispute: case.dispute.as_ref().map(|dispute| Dispute {
            external_id: dispute.external_id.clone(),
            state: match &dispute.state {
                sdk::DisputeStanding::WaitsForMerchant => DisputeState::WaitsForMerchant,
                sdk::DisputeStanding::WaitsForBuyer => DisputeState::WaitsForBuyer,
                sdk::DisputeStanding::WithPlatform => DisputeState::WithPlatform,
                sdk::DisputeStanding::Ended => DisputeState::Ended,
                sdk::DisputeStanding::Unknown(_) => DisputeState::Unknown,
            },
            native_state: dispute.native_state.clone(),
            detail: serde_json::to_value(dispute).unwrap_or_default(),
        }),
    }
}

/// The dispute about a case with all that the channel told of it.
pub fn dispute(case: &Aftersale) -> Option<sdk::ChannelDispute> {
    let kept = case.facts.dispute.as_ref()?;
    let told = serde_json::from_value(kept.detail.clone()).ok();
    // Nothing is kept of it: what the row itself says.
    Some(told.unwrap_or_else(|| {
        let unknown = sdk::DisputeStanding::Unknown(kept.native_state.clone());
        sdk::ChannelDispute::new(kept.external_id.clone(), unknown, kept.native_state.clone())
    }))
}

/// Takes out of a dispute what its buyer wrote and showed.
pub(super) fn without_words(facts: &mut AftersaleFacts) {
    let Some(kept) = facts.dispute.as_mut() else { return };
    let Ok(mut told) = serde_json::from_value::<sdk::ChannelDispute>(kept.detail.clone()) else { return };
    for entry in &mut told.history {
        entry.words = String::new();
        entry.pictures = Vec::new();
    }
    kept.detail = serde_json::to_value(&told).unwrap_or_default();
}

/// A case as it stands here, in the channel's words: what somebody who decides has seen.
pub(super) fn reference(case: &Aftersale) -> sdk::CaseRef {
    sdk::CaseRef {
        case_id: case.external_id.clone(),
        kind: kind_back(case.kind),
        native_state: case.progress.native_state.clone(),
        updated_at: case.progress.reported_at,
    }
}
