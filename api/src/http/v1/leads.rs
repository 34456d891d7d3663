//! `/channel_accounts/{id}/lead_forms` and `…/leads`: what people left in forms, read at the platform each time.

use crate::app::live::leads;
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::Time;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Lead, LeadForm, LeadFormState, TimeWindow};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let of_account = "/channel_accounts/{channel_account_id}";
    api.get(
        &format!("{of_account}/lead_forms"),
        list_lead_forms,
        "Forms of an account, asked of the platform",
    );
    api.post(
        &format!("{of_account}/leads"),
        read_leads,
        "What people left in a form, asked of the platform; each reading is written down",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct LeadFormView {
    form_id: String,
    title: String,
    /// `draft`, `in_audit`, `refused`, `open`, `deleted`, or the platform's raw value.
    state: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct LeadFormsView {
    items: Vec<LeadFormView>,
    /// The platform's own.
    next_cursor: Option<String>,
}

/// The word of a form's state.
pub(in crate::http) fn form_state(state: &LeadFormState) -> &str {
    match state {
        LeadFormState::Draft => "draft",
        LeadFormState::InAudit => "in_audit",
        LeadFormState::Refused => "refused",
        LeadFormState::Open => "open",
        LeadFormState::Deleted => "deleted",
        LeadFormState::Unknown(raw) => raw,
    }
}

fn form(form: LeadForm) -> LeadFormView {
    LeadFormView { state: form_state(&form.state).to_owned(), form_id: form.form_id, title: form.title }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct LeadFormsQuery {
    cursor: Option<String>,
}

async fn list_lead_forms(
    auth: Authed<perm::LeadRead, (Path<ChannelAccountId>, Query<LeadFormsQuery>)>,
) -> Answer<Json<LeadFormsView>> {
    let (Path(account), Query(query)) = &auth.input;
    let (_, page) = leads::forms(&auth.state, &auth.grant, *account, query.cursor.as_deref()).await?;
    let items = page.items.into_iter().map(form).collect();
    Ok(Json(LeadFormsView { items, next_cursor: page.next_cursor }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadLeadsBody {
    form_id: String,
    #[schema(value_type = String, example = "2026-11-20T11:00:00Z")]
    from: Time,
    /// At most 92 days after `from`.
    #[schema(value_type = String, example = "2026-11-22T11:00:00Z")]
    to: Time,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LeadAnswerView {
    question: String,
    answer: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct LeadView {
    host: Option<String>,
    #[schema(value_type = Option<String>)]
    room_started_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    left_at: Option<Time>,
    answers: Vec<LeadAnswerView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LeadsView {
    items: Vec<LeadView>,
    /// The platform's own.
    next_cursor: Option<String>,
}

fn lead(lead: Lead) -> LeadView {
    LeadView {
        host: lead.host,
        room_started_at: lead.room_started_at.map(Time),
        left_at: lead.left_at.map(Time),
        answers: lead
            .answers
            .into_iter()
            .map(|(question, answer)| LeadAnswerView { question, answer })
            .collect(),
    }
}

async fn read_leads(
    auth: Authed<perm::LeadRead, (Path<ChannelAccountId>, Json<ReadLeadsBody>)>,
) -> Answer<Json<LeadsView>> {
    let (Path(account), Json(body)) = &auth.input;
    let window = TimeWindow { from: body.from.0, to: body.to.0 };
    let cursor = body.cursor.as_deref();
    let page = leads::read(&auth.state, &auth.grant, *account, &body.form_id, window, cursor).await?;
    Ok(Json(LeadsView { items: page.items.into_iter().map(lead).collect(), next_cursor: page.next_cursor }))
}
