//! Operations about what is left of an account's calls.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{Answer, CallQuotas, Context, InterfaceQuota, Turn};
use serde_json::json;

impl CallQuotas for WasmChannel {
    operations! {
        ask, resume_ask(interfaces: &[String]) -> Vec<InterfaceQuota> =
            op::QUOTA_ASK, json!({ "interfaces": interfaces }), plain;
        clear, resume_clear() -> () = op::QUOTA_CLEAR, json!({}), plain;
    }
}
