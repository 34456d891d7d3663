//! Operations about claims under a platform's guarantee.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Answer, Context, GuaranteeAnswer, GuaranteeClaim, GuaranteeOutcome, GuaranteeQuery, Guarantees, Page,
    Turn,
};
use serde_json::json;

impl Guarantees for WasmChannel {
    operations! {
        list, resume_list(query: &GuaranteeQuery) -> Page<GuaranteeClaim> =
            op::GUARANTEE_LIST, json!(query), plain;
        fetch, resume_fetch(claim_id: &str) -> Option<GuaranteeClaim> =
            op::GUARANTEE_FETCH, json!({ "claim_id": claim_id }), plain;
        answer, resume_answer(answer: &GuaranteeAnswer) -> GuaranteeOutcome =
            op::GUARANTEE_ANSWER, json!(answer), plain;
    }
}
