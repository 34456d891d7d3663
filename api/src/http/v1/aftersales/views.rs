//! After-sale cases as the API shows them.

use super::dispute_views::{AftersaleDisputeView, DisputeEntryView, DisputeEvidenceView};
use crate::app::aftersales::read::{Detail, Listed};
use crate::app::aftersales::report;
use crate::http::wire::{Money, Time};
use qianpu_domain::aftersale::{AcceptStep, Decision};
use qianpu_sdk::CaseChoices;
use qianpu_tenants::store::aftersale::Aftersale;
use qianpu_tenants::store::aftersale_event::AftersaleEventRow;
use qianpu_tenants::store::order_line::OrderLine;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a case stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AftersaleStandingView {
    id: String,
    /// `refund_only`, `return_refund`, `exchange`, `reship` or `other`.
    kind: &'static str,
    /// `requested`, `refused`, `accepted`, `returning`, `received_back`, `refunding`, `closed`, `cancelled`, `done` or
    /// `unknown`.
    state: &'static str,
    /// The channel's raw state.
    native_state: String,
    /// Who has to act: `merchant`, `buyer`, `platform` or `nobody`.
    waits_for: &'static str,
    /// When the platform goes on by itself.
    #[schema(value_type = Option<String>)]
    deadline_at: Option<Time>,
    /// What agreeing would be now: `refund`, `agree` or `received`; null when the case does not wait for the merchant.
    accept_step: Option<&'static str>,
    /// The decision on its way to the platform: `accept` or `refuse`.
    pending_decision: Option<&'static str>,
    /// The platform's words when it would not take the last decision; `account_unusable:` and the account's state when
    /// it could not be told.
    decision_error: Option<String>,
    version: i64,
}

impl From<&Aftersale> for AftersaleStandingView {
    fn from(case: &Aftersale) -> Self {
        let progress = &case.progress;
        Self {
            id: case.id.to_string(),
            kind: case.kind.as_str(),
            state: progress.state.as_str(),
            native_state: progress.native_state.clone(),
            waits_for: progress.waits_for.as_str(),
            deadline_at: progress.deadline.map(Time),
            accept_step: progress.accept_step(case.kind).map(AcceptStep::as_str),
            pending_decision: case.pending.decision.map(Decision::as_str),
            decision_error: case.pending.error.clone(),
            version: case.version,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AftersaleView {
    #[serde(flatten)]
    standing: AftersaleStandingView,
    shop_id: String,
    order_id: String,
    order_number: String,
    channel: String,
    channel_account_id: String,
    channel_account_name: Option<String>,
    /// The channel's id of the case.
    external_id: String,
    /// Why the buyer asks, in the platform's words.
    reason: String,
    /// What the buyer is to get back.
    amount: Money,
    /// What was booked as given back.
    refunded: Money,
    goods: Vec<AftersaleGoodsView>,
    /// The dispute about it.
    dispute: Option<AftersaleDisputeView>,
    #[schema(value_type = String)]
    asked_at: Time,
    #[schema(value_type = Option<String>)]
    ended_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AftersaleGoodsView {
    order_line_id: String,
    title: String,
    spec_text: String,
    quantity: i64,
}

impl From<(OrderLine, i64)> for AftersaleGoodsView {
    fn from((line, quantity): (OrderLine, i64)) -> Self {
        Self { order_line_id: line.id.to_string(), title: line.title, spec_text: line.spec_text, quantity }
    }
}

impl From<Listed> for AftersaleView {
    fn from(Listed { case, order_number, account_name, goods }: Listed) -> Self {
        let dispute = AftersaleDisputeView::of(&case);
        Self {
            standing: AftersaleStandingView::from(&case),
            shop_id: case.shop.to_string(),
            order_id: case.order.to_string(),
            order_number,
            channel: case.channel,
            channel_account_id: case.account.to_string(),
            channel_account_name: account_name,
            external_id: case.external_id,
            reason: case.facts.reason,
            amount: case.facts.amount.into(),
            refunded: case.refunded.into(),
            goods: goods.into_iter().map(AftersaleGoodsView::from).collect(),
            dispute,
            asked_at: Time(case.asked_at),
            ended_at: case.ended_at.map(Time),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AftersaleDetailView {
    #[serde(flatten)]
    case: AftersaleView,
    /// What the buyer wrote.
    buyer_words: String,
    /// Why it was refused, as the platform has it.
    refusal: Option<String>,
    return_carrier: Option<String>,
    return_waybill: Option<String>,
    /// What happened and who did it, oldest first.
    events: Vec<AftersaleEventView>,
    /// What happened in the dispute, as the channel tells, oldest first.
    dispute_history: Vec<DisputeEntryView>,
    /// What was said in the dispute from here, newest first.
    dispute_evidence: Vec<DisputeEvidenceView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AftersaleEventView {
    id: String,
    /// `asked`, `accept_queued`, `refuse_queued`, `decision_taken`, `decision_refused`, `moved`, `dispute`,
    /// `evidence_queued`, `evidence_sent`, `evidence_refused`, `reminded` or `refunded`.
    kind: &'static str,
    detail: serde_json::Value,
    /// `user`, `channel`, `job` or `system`.
    actor_kind: String,
    actor_name: String,
    #[schema(value_type = String)]
    at: Time,
}

impl From<AftersaleEventRow> for AftersaleEventView {
    fn from(event: AftersaleEventRow) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.as_str(),
            detail: event.detail,
            actor_kind: event.actor_kind,
            actor_name: event.actor_name,
            at: Time(event.at),
        }
    }
}

impl From<Detail> for AftersaleDetailView {
    fn from(Detail { listed, events, evidence, .. }: Detail) -> Self {
        let facts = &listed.case.facts;
        let history = report::dispute(&listed.case).map(|dispute| dispute.history).unwrap_or_default();
        Self {
            dispute_history: history.into_iter().map(DisputeEntryView::from).collect(),
            dispute_evidence: evidence.into_iter().map(DisputeEvidenceView::from).collect(),
            buyer_words: facts.buyer_words.clone(),
            refusal: facts.refusal.clone(),
            return_carrier: facts.return_carrier.clone(),
            return_waybill: facts.return_waybill.clone(),
            events: events.into_iter().map(AftersaleEventView::from).collect(),
            case: listed.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AftersaleChoicesView {
    refusal_reasons: Vec<RefusalReasonView>,
    /// Empty when the channel knows where goods come back to.
    return_addresses: Vec<ReturnAddressView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RefusalReasonView {
    code: String,
    title: String,
    /// Words for the buyer that go with it.
    words: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReturnAddressView {
    address_id: String,
    text: String,
    default: bool,
}

impl From<CaseChoices> for AftersaleChoicesView {
    fn from(choices: CaseChoices) -> Self {
        let reasons = choices.refusal_reasons.into_iter();
        let addresses = choices.return_addresses.into_iter();
        Self {
            refusal_reasons: reasons
                .map(|one| RefusalReasonView { code: one.code, title: one.title, words: one.words })
                .collect(),
            return_addresses: addresses
                .map(|one| ReturnAddressView {
                    address_id: one.address_id,
                    text: one.text,
                    default: one.default,
                })
                .collect(),
        }
    }
}
