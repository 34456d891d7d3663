//! Leads 留资: forms, and what people left in them.

use super::{buffer, own, place};
use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, error_with, ok_with};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/leads/get_leads_component_id", Auth::Account, forms),
    post("/channels/leads/get_leads_info_by_component_id", Auth::Account, leads),
];

const PAGE: usize = 20;

/// One page, the buffer of the next, and whether there is one.
fn paged(name: &str, rows: &[Value], from: usize) -> Answer {
    let page: Vec<&Value> = rows.iter().skip(from).take(PAGE).collect();
    let end = from + page.len();
    Ok(ok_with(json!({name: page, "last_buffer": buffer(end), "continue_flag": end < rows.len()})))
}

fn forms(call: &mut Call<'_>) -> Answer {
    let from = place(call.text("last_buffer"))?;
    let rows: Vec<Value> = own(call)?
        .finder
        .forms
        .iter()
        .map(|(id, form)| {
            json!({"leads_component_id": id, "leads_description": form.title, "status": form.status})
        })
        .collect();
    paged("item", &rows, from)
}

fn leads(call: &mut Call<'_>) -> Answer {
    let from = place(call.text("last_buffer"))?;
    let id = call.text("leads_component_id").to_owned();
    let moment = |name| call.int(name).and_then(|second| u64::try_from(second).ok());
    let (start, end) = (moment("start_time").unwrap_or(0), moment("end_time").unwrap_or(u64::MAX));
    let account = own(call)?;
    let nickname = account.nickname.clone();
    let form = account.finder.forms.get(&id).ok_or_else(|| error_with(1, "no such leads_component_id"))?;
    let rows: Vec<Value> = form
        .leads
        .iter()
        .filter(|lead| (start..=end).contains(&lead.time))
        .map(|lead| {
            let answers: Vec<Value> =
                lead.answers.iter().map(|(title, value)| json!({"title": title, "value": value})).collect();
            json!({"anchor_nickname": nickname, "live_start_time": lead.live_start_time, "time": lead.time,
                "leads_data": answers})
        })
        .collect();
    paged("user_data", &rows, from)
}
