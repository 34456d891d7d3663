//! Operations about products, orders, parcels and what comes after.

use super::{WasmChannel, clear_receiver, op, plain};
use qianpu_sdk::{
    Acceptance, Aftersale, Answer, Carrier, CaseChoices, CaseOutcome, CaseRef, Catalog, ChannelCase,
    ChannelOrder, ClearReceiver, Context, DisputeEvidence, Disputes, EvidenceOutcome, Fulfilment, Orders,
    Page, ProductDraft, Published, PublishedRefs, Refusal, RemoteListing, Reveal, ShipOutcome, Shipment,
    Stock, StockLevel, StockOutcome, TimeWindow, Turn,
};
use serde_json::json;

impl Catalog for WasmChannel {
    operations! {
        publish, resume_publish(draft: &ProductDraft, refs: &PublishedRefs) -> Published =
            op::PRODUCT_PUBLISH, json!({ "draft": draft, "refs": refs }), plain;
        fetch, resume_fetch(product_id: &str) -> RemoteListing =
            op::PRODUCT_FETCH, json!({ "product_id": product_id }), plain;
        list, resume_list(product_id: &str) -> RemoteListing =
            op::PRODUCT_LIST, json!({ "product_id": product_id }), plain;
        delist, resume_delist(product_id: &str) -> RemoteListing =
            op::PRODUCT_DELIST, json!({ "product_id": product_id }), plain;
    }
}

impl Stock for WasmChannel {
    operations! {
        set_stock, resume_set_stock(refs: &PublishedRefs, levels: &[StockLevel]) -> Vec<StockOutcome> =
            op::STOCK_SET, json!({ "refs": refs, "levels": levels }), plain;
    }
}

impl Orders for WasmChannel {
    operations! {
        list_changed, resume_list_changed(window: TimeWindow, cursor: Option<&str>) -> Page<String> =
            op::ORDER_LIST, json!({ "window": window, "cursor": cursor }), plain;
        fetch, resume_fetch(order_id: &str) -> ChannelOrder =
            op::ORDER_FETCH, json!({ "order_id": order_id }), plain;
    }
}

impl Reveal for WasmChannel {
    operations! {
        receiver, resume_receiver(order_id: &str) -> ClearReceiver =
            op::ORDER_REVEAL, json!({ "order_id": order_id }), clear_receiver;
    }
}

impl Fulfilment for WasmChannel {
    operations! {
        carriers, resume_carriers() -> Vec<Carrier> = op::CARRIER_LIST, json!({}), plain;
        ship, resume_ship(shipment: &Shipment) -> ShipOutcome = op::ORDER_SHIP, json!(shipment), plain;
    }
}

impl Aftersale for WasmChannel {
    operations! {
        list, resume_list(window: TimeWindow, cursor: Option<&str>) -> Page<String> =
            op::AFTERSALE_LIST, json!({ "window": window, "cursor": cursor }), plain;
        fetch, resume_fetch(case_id: &str) -> ChannelCase =
            op::AFTERSALE_FETCH, json!({ "case_id": case_id }), plain;
        choices, resume_choices(case: &CaseRef) -> CaseChoices =
            op::AFTERSALE_CHOICES, json!(case), plain;
        accept, resume_accept(acceptance: &Acceptance) -> CaseOutcome =
            op::AFTERSALE_ACCEPT, json!(acceptance), plain;
        refuse, resume_refuse(refusal: &Refusal) -> CaseOutcome =
            op::AFTERSALE_REFUSE, json!(refusal), plain;
    }
}

impl Disputes for WasmChannel {
    operations! {
        answer, resume_answer(evidence: &DisputeEvidence) -> EvidenceOutcome =
            op::DISPUTE_ANSWER, json!(evidence), plain;
    }
}
