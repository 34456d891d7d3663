//! Reading an after-sale order (`getaftersaleorder`) into our words.

use crate::dispute;
use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    AcceptanceStep, CaseKind, CaseLine, CaseParty, CaseRef, CaseState, ChannelCase, ChannelError,
    ReturnParcel,
};
use qianpu_wechat_wire::call::{required_id, required_text};
use serde_json::Value;

/// The platform's states, what they mean, and who has to act. Older generations told them as numbers.
const STATES: &[(&str, &str, CaseState, CaseParty)] = &[
    ("USER_CANCELD", "1", CaseState::Cancelled, CaseParty::Nobody),
    ("MERCHANT_PROCESSING", "2", CaseState::Requested, CaseParty::Merchant),
    ("MERCHANT_REJECT_REFUND", "4", CaseState::Refused, CaseParty::Buyer),
    ("MERCHANT_REJECT_RETURN", "5", CaseState::Refused, CaseParty::Buyer),
    ("USER_WAIT_RETURN", "6", CaseState::Accepted, CaseParty::Buyer),
    ("RETURN_CLOSED", "7", CaseState::Closed, CaseParty::Buyer),
    ("MERCHANT_WAIT_RECEIPT", "8", CaseState::Returning, CaseParty::Merchant),
    ("MERCHANT_OVERDUE_REFUND", "12", CaseState::Refunding, CaseParty::Platform),
    ("MERCHANT_REFUND_SUCCESS", "13", CaseState::Done, CaseParty::Nobody),
    ("MERCHANT_RETURN_SUCCESS", "14", CaseState::Done, CaseParty::Nobody),
    ("PLATFORM_REFUNDING", "15", CaseState::Refunding, CaseParty::Platform),
    ("PLATFORM_REFUND_FAIL", "16", CaseState::Refunding, CaseParty::Platform),
    ("USER_WAIT_CONFIRM", "17", CaseState::Requested, CaseParty::Buyer),
    ("MERCHANT_REFUND_RETRY_FAIL", "18", CaseState::Closed, CaseParty::Platform),
    ("MERCHANT_FAIL", "19", CaseState::Closed, CaseParty::Nobody),
    ("USER_WAIT_CONFIRM_UPDATE", "", CaseState::Requested, CaseParty::Buyer),
    ("USER_WAIT_HANDLE_MERCHANT_AFTER_SALE", "", CaseState::Requested, CaseParty::Buyer),
    ("WAIT_PACKAGE_INTERCEPT", "", CaseState::Returning, CaseParty::Platform),
    ("MERCHANT_REJECT_EXCHANGE", "", CaseState::Refused, CaseParty::Buyer),
    ("MERCHANT_REJECT_RESHIP", "", CaseState::Refused, CaseParty::Buyer),
    ("USER_WAIT_RECEIPT", "", CaseState::ReceivedBack, CaseParty::Buyer),
    ("MERCHANT_EXCHANGE_SUCCESS", "", CaseState::Done, CaseParty::Nobody),
];

fn state(native: &str) -> (CaseState, CaseParty) {
    let known =
        STATES.iter().find(|(name, number, ..)| *name == native || (*number == native && !number.is_empty()));
    known.map_or_else(
        || (CaseState::Unknown(native.to_owned()), CaseParty::Platform),
        |(.., state, party)| (state.clone(), *party),
    )
}

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// Reads the answer of `getaftersaleorder`. The deadline is told as seconds left.
pub(crate) fn read(body: &Value, now: Timestamp) -> Result<ChannelCase, ChannelError> {
    let found = &body["after_sale_order"];
    let native_state = required_text(found, "status").or_else(|_| required_id(found, "status"))?;
    let (state, waits_for) = state(&native_state);
    let created_at = moment(&found["create_time"])
        .ok_or_else(|| ChannelError::unexpected("the case has no create_time"))?;
    let amount = integer(&found["refund_info"]["amount"])
        .filter(|amount| *amount >= 0)
        .ok_or_else(|| ChannelError::unexpected("the case has no refund_info.amount"))?;
    let product = &found["product_info"];
    let quantity = integer(&product["count"])
        .filter(|count| *count > 0)
        .ok_or_else(|| ChannelError::unexpected("the case has no product_info.count"))?;
    let kind = match text(&found["type"]).as_deref() {
        Some("REFUND") => CaseKind::RefundOnly,
        Some("RETURN") => CaseKind::ReturnRefund,
        Some("EXCHANGE") => CaseKind::Exchange,
        Some(other) => CaseKind::Other(other.to_owned()),
        None => return Err(ChannelError::unexpected("the case has no type")),
    };
    let returned = &found["return_info"];
    let carrier = text(&returned["delivery_name"]).or_else(|| text(&returned["delivery_id"]));
    let left = integer(&found["deadline"]).filter(|left| *left > 0);
    Ok(ChannelCase {
        external_id: required_id(found, "after_sale_order_id")?,
        order_id: required_id(found, "order_id")?,
        kind,
        deadline: left.filter(|_| state_is_open(&state)).map(|left| now.plus(Span::seconds(left))),
        state,
        native_state,
        waits_for,
        created_at,
        updated_at: moment(&found["update_time"]).unwrap_or(created_at),
        reason: text(&found["reason_text"]).or_else(|| id(&found["reason"])).unwrap_or_default(),
        buyer_words: text(&found["details"]["desc"]).unwrap_or_default(),
        refusal: text(&found["merchant_upload_info"]["reject_reason"]),
        amount: Fen::new(amount),
        lines: vec![CaseLine {
            product_id: required_id(product, "product_id")?,
            sku_id: required_id(product, "sku_id")?,
            quantity,
        }],
        return_parcel: id(&returned["waybill_id"])
            .map(|waybill| ReturnParcel { carrier: carrier.unwrap_or_default(), waybill }),
        // Its state is read with another call.
        dispute: id(&found["complaint_id"]).filter(|complaint| complaint != "0").map(dispute::named),
    })
}

fn state_is_open(state: &CaseState) -> bool {
    !matches!(state, CaseState::Done | CaseState::Cancelled)
}

/// What became of a case since somebody decided about it.
pub(crate) enum Seen {
    /// It is as it was.
    Unchanged,
    /// It is where the decision leads.
    Done,
    /// It went elsewhere.
    Moved,
}

pub(crate) fn seen(was: &CaseRef, now: &ChannelCase, done: impl Fn(&CaseState) -> bool) -> Seen {
    if now.native_state == was.native_state && now.updated_at <= was.updated_at {
        Seen::Unchanged
    } else if now.native_state != was.native_state && done(&now.state) {
        Seen::Done
    } else {
        // Also when only the amount changed: nobody agreed to another one.
        Seen::Moved
    }
}

/// Whether a state is one that agreeing leads to.
pub(crate) fn follows_acceptance(step: AcceptanceStep, state: &CaseState) -> bool {
    match step {
        AcceptanceStep::Agree => {
            matches!(state, CaseState::Accepted | CaseState::Refunding | CaseState::Done)
        }
        AcceptanceStep::Received => {
            matches!(state, CaseState::ReceivedBack | CaseState::Refunding | CaseState::Done)
        }
    }
}
