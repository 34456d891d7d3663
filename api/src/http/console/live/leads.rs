//! Leads: the account's forms, and what was left in one. Nothing of it is kept; each reading is written down.

use super::showcase::failed;
use super::{ACCOUNTS, Stage, of_account};
use crate::app::live::leads;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::http::v1::lead_form_state;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::{Lead, LeadForm, TimeWindow};
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let leads = "/console/merchant/channel_accounts/{channel_account_id}/leads";
    pages.get(leads, leads_page);
    pages.post(leads, read_leads_form);
}

#[derive(Serialize)]
struct FormRow {
    id: String,
    title: String,
    state: String,
    chosen: bool,
}

#[derive(Serialize)]
struct AnswerRow {
    question: String,
    answer: String,
}

#[derive(Serialize)]
struct LeadRow {
    at: Option<i64>,
    host: Option<String>,
    answers: Vec<AnswerRow>,
}

#[derive(Serialize)]
struct LeadsView {
    form: FormView,
    stage: Stage,
    at: String,
    forms: Vec<FormRow>,
    /// Nothing before a form was asked for.
    leads: Option<Vec<LeadRow>>,
    next: Option<String>,
    chosen: String,
}

fn lead(lead: Lead) -> LeadRow {
    LeadRow {
        at: lead.left_at.or(lead.room_started_at).map(Timestamp::micros),
        host: lead.host,
        answers: lead.answers.into_iter().map(|(question, answer)| AnswerRow { question, answer }).collect(),
    }
}

async fn view<T>(
    auth: &Authed<perm::LeadRead, T>,
    id: ChannelAccountId,
    chosen: &str,
    found: Option<(Vec<Lead>, Option<String>)>,
) -> Answer<LeadsView> {
    let (account, page) = leads::forms(&auth.state, &auth.grant, id, None).await?;
    let known = ["draft", "in_audit", "refused", "open", "deleted"];
    let row = |form: LeadForm| {
        let state = lead_form_state(&form.state);
        let state = known.into_iter().find(|known| *known == state).unwrap_or("unknown").to_owned();
        FormRow { chosen: form.form_id == chosen, title: form.title, state, id: form.form_id }
    };
    let (leads, next) = found.map_or((None, None), |(leads, next)| (Some(leads), next));
    Ok(LeadsView {
        form: FormView::default(),
        stage: Stage::of(&auth.caller, &account, "leads"),
        at: of_account(id, "leads"),
        forms: page.items.into_iter().map(row).collect(),
        leads: leads.map(|leads| leads.into_iter().map(lead).collect()),
        next,
        chosen: chosen.to_owned(),
    })
}

async fn leads_page(auth: Authed<perm::LeadRead, Path<ChannelAccountId>>) -> PageAnswer {
    let id = auth.input.0;
    match view(&auth, id, "", None).await {
        Ok(view) => auth.page("live/leads", view),
        Err(error) => failed(&auth, error, &format!("{ACCOUNTS}/{id}")),
    }
}

async fn read_leads_form(auth: Authed<perm::LeadRead, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let to = auth.state.clock().now();
    let days = fields.text("days").parse().unwrap_or(30_i64).clamp(1, 92);
    let window = TimeWindow { from: to.minus(Span::days(days)), to };
    let (form, cursor) = (fields.text("form_id"), fields.text("cursor"));
    let cursor = (!cursor.is_empty()).then_some(cursor);
    let back = of_account(*id, "leads");
    match leads::read(&auth.state, &auth.grant, *id, form, window, cursor).await {
        Ok(page) => match view(&auth, *id, form, Some((page.items, page.next_cursor))).await {
            Ok(view) => auth.page("live/leads", view),
            Err(error) => failed(&auth, error, &back),
        },
        Err(error) if !error.errors().is_empty() => {
            Ok(auth.redirect_with(&Flash::failure("live.leads_choose"), &back))
        }
        Err(error) => failed(&auth, error, &back),
    }
}
