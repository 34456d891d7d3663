//! Operations about templates and notices.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{
    Answer, Context, MessageTemplate, NoticeOutcome, TemplateKind, TemplateNotice, Templates, Turn,
};
use serde_json::json;

impl Templates for WasmChannel {
    operations! {
        list, resume_list(kind: TemplateKind) -> Vec<MessageTemplate> =
            op::TEMPLATE_LIST, json!({ "kind": kind }), plain;
        send, resume_send(to: &str, notice: &TemplateNotice) -> NoticeOutcome =
            op::TEMPLATE_SEND, json!({ "to": to, "notice": notice }), plain;
    }
}
