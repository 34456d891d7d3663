//! Leads 留资: forms and what was left in them.
//!
//! From <https://developers.weixin.qq.com/doc/channels/API/leads/get_leads_component_id.html> and
//! `…/get_leads_info_by_component_id.html`; the moment a lead was left is as the open client library WxJava reads it.

use crate::answers::{moment, next, only, rows};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, Lead, LeadForm, LeadFormState, Leads, Page, Step, TimeWindow, Turn,
};
use qianpu_wechat_wire::call::account_post;
use serde_json::{Value, json};

/// Forms and leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forms;

fn own(state: &[u8]) -> Result<(), ChannelError> {
    if state.is_empty() { Ok(()) } else { Err(ChannelError::unexpected("a state that is not ours")) }
}

fn form(row: &Value) -> Option<LeadForm> {
    Some(LeadForm {
        form_id: id(&row["leads_component_id"])?,
        title: text(&row["leads_description"]).unwrap_or_default(),
        state: match integer(&row["status"]) {
            Some(1) => LeadFormState::Draft,
            Some(2) => LeadFormState::InAudit,
            Some(3) => LeadFormState::Refused,
            Some(4) => LeadFormState::Open,
            Some(5) => LeadFormState::Deleted,
            other => LeadFormState::Unknown(other.map(|code| code.to_string()).unwrap_or_default()),
        },
    })
}

/// Text, a number, or a list of texts such as province, city and district.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn lead(row: &Value) -> Lead {
    let answer = |row: &Value| (text(&row["title"]).unwrap_or_default(), value(&row["value"]));
    Lead {
        host: text(&row["anchor_nickname"]),
        room_started_at: moment(&row["live_start_time"]),
        left_at: moment(&row["time"]),
        answers: rows(&row["leads_data"]).into_iter().map(answer).collect(),
    }
}

impl Leads for Forms {
    fn forms(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<LeadForm>> {
        let body = cursor.map_or_else(|| json!({}), |cursor| json!({ "last_buffer": cursor }));
        let request = account_post(cx, "/channels/leads/get_leads_component_id", &body)?;
        Ok(Step::call(request.idempotent(), Vec::new()))
    }
    fn resume_forms(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<LeadForm>> {
        own(state)?;
        let body = only(cx, answers)?;
        let items = rows(&body["item"]).into_iter().filter_map(form).collect();
        Ok(Step::Done(Page { items, next_cursor: next(&body) }))
    }

    fn leads(
        &self,
        cx: &Context<'_>,
        form_id: &str,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Turn<Page<Lead>> {
        // Version 1 tells more of each lead.
        let mut body = json!({ "leads_component_id": form_id, "start_time": window.from.seconds(),
            "end_time": window.to.seconds(), "version": 1 });
        if let Some(cursor) = cursor {
            body["last_buffer"] = json!(cursor);
        }
        let request = account_post(cx, "/channels/leads/get_leads_info_by_component_id", &body)?;
        Ok(Step::call(request.idempotent(), Vec::new()))
    }
    fn resume_leads(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Lead>> {
        own(state)?;
        let body = only(cx, answers)?;
        let items = rows(&body["user_data"]).into_iter().map(lead).collect();
        Ok(Step::Done(Page { items, next_cursor: next(&body) }))
    }
}
