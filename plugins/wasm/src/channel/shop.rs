//! Operations of a shop's desk.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{AddressAnswer, Answer, Context, NewAddress, OrderDesk, Repricing, Turn};
use serde_json::json;

impl OrderDesk for WasmChannel {
    operations! {
        note, resume_note(order_id: &str, words: &str) -> () =
            op::ORDER_NOTE, json!({ "order_id": order_id, "words": words }), plain;
        reprice, resume_reprice(wanted: &Repricing) -> () = op::ORDER_REPRICE, json!(wanted), plain;
        answer_address, resume_answer_address(order_id: &str, agreed: bool) -> AddressAnswer =
            op::ORDER_ANSWER_ADDRESS, json!({ "order_id": order_id, "agreed": agreed }), plain;
        change_address, resume_change_address(order_id: &str, address: &NewAddress) -> () =
            op::ORDER_CHANGE_ADDRESS, json!({ "order_id": order_id, "address": address }), plain;
    }
}
