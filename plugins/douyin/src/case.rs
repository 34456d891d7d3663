//! Reading an after-sale case (`/afterSale/Detail`) into our words.

use crate::call::{number, rows};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    CaseKind, CaseLine, CaseParty, CaseState, ChannelCase, ChannelDispute, ChannelError, DisputeStanding,
    ReturnParcel,
};
use serde_json::Value;

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// `after_sale_type` of the detail: 4 and 5 are cancellations that gave money back without goods.
fn kind(number: i64) -> CaseKind {
    match number {
        0 => CaseKind::ReturnRefund,
        1 | 2 | 4 | 5 => CaseKind::RefundOnly,
        3 => CaseKind::Exchange,
        7 => CaseKind::Reship,
        other => CaseKind::Other(other.to_string()),
    }
}

/// The state and who has to act. Of a success with money the refund's own state says whether the buyer has it.
fn state(status: i64, refund: i64, kind: &CaseKind) -> (CaseState, CaseParty) {
    let refunds = !matches!(kind, CaseKind::Exchange | CaseKind::Reship);
    match (status, refund) {
        (6, _) => (CaseState::Requested, CaseParty::Merchant),
        (7, _) => (CaseState::Accepted, CaseParty::Buyer),
        (11, _) => (CaseState::Returning, CaseParty::Merchant),
        // The goods are back (or were never asked for), the new ones have to leave.
        (8, _) => (CaseState::ReceivedBack, CaseParty::Merchant),
        (3 | 13, _) => (CaseState::ReceivedBack, CaseParty::Buyer),
        (12 | 53, 1 | 2 | 4) if refunds => (CaseState::Refunding, CaseParty::Platform),
        (12 | 14 | 51 | 53, _) => (CaseState::Done, CaseParty::Nobody),
        (27 | 29, _) => (CaseState::Refused, CaseParty::Buyer),
        (28, _) => (CaseState::Closed, CaseParty::Nobody),
        (other, _) => (CaseState::Unknown(other.to_string()), CaseParty::Platform),
    }
}

/// The platform's numbers of an arbitration; 0 = there is none.
fn dispute(info: &Value) -> Option<ChannelDispute> {
    let status = integer(&info["arbitrate_status"]).filter(|status| *status != 0)?;
    let state = match status {
        4 => DisputeStanding::WaitsForMerchant,
        1 | 5 => DisputeStanding::WithPlatform,
        2 | 3 | 6 | 255 => DisputeStanding::Ended,
        other => DisputeStanding::Unknown(other.to_string()),
    };
    let external_id = id(&info["arbitrate_id"]).filter(|id| id != "0").unwrap_or_default();
    Some(ChannelDispute::new(external_id, state, status.to_string()))
}

/// Reads the answer of `/afterSale/Detail`.
pub(crate) fn read(data: &Value) -> Result<ChannelCase, ChannelError> {
    let missing = |field: &str| ChannelError::unexpected(format!("the case has no {field}"));
    let process = &data["process_info"];
    let info = &process["after_sale_info"];
    let status = number(info, "after_sale_status")?;
    let kind = kind(number(info, "after_sale_type")?);
    let refund = integer(&info["refund_status"]).unwrap_or(0);
    let (state, waits_for) = state(status, refund, &kind);
    let created_at = moment(&info["apply_time"]).ok_or_else(|| missing("apply_time"))?;
    let amount = integer(&info["refund_total_amount"])
        .filter(|amount| *amount >= 0)
        .ok_or_else(|| missing("refund_total_amount"))?;
    let mut lines = Vec::new();
    for sku in rows(&data["order_info"]["sku_order_infos"]) {
        let quantity = integer(&sku["after_sale_item_count"]).unwrap_or(0);
        if quantity > 0 {
            lines.push(CaseLine {
                product_id: id(&sku["product_id"]).ok_or_else(|| missing("product_id"))?,
                sku_id: id(&sku["sku_id"]).ok_or_else(|| missing("sku_id"))?,
                quantity,
            });
        }
    }
    let returned = &process["logistics_info"]["return"];
    let carrier = text(&returned["company_name"]).or_else(|| text(&returned["company_code"]));
    Ok(ChannelCase {
        external_id: id(&info["after_sale_id"]).ok_or_else(|| missing("after_sale_id"))?,
        order_id: id(&data["order_info"]["shop_order_id"]).ok_or_else(|| missing("shop_order_id"))?,
        deadline: moment(&info["status_deadline"]),
        kind,
        state,
        native_state: match refund {
            0 => status.to_string(),
            refund => format!("{status}/{refund}"),
        },
        waits_for,
        created_at,
        updated_at: moment(&info["update_time"]).unwrap_or(created_at),
        reason: text(&info["reason"]).unwrap_or_default(),
        buyer_words: text(&info["reason_remark"]).unwrap_or_default(),
        refusal: None,
        amount: Fen::new(amount),
        lines,
        return_parcel: id(&returned["tracking_no"])
            .map(|waybill| ReturnParcel { carrier: carrier.unwrap_or_default(), waybill }),
        dispute: dispute(&process["arbitrate_info"]),
    })
}
