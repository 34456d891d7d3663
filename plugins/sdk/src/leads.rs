//! Leads 留资: what people left in the forms of an account. Personal data: the host keeps none of it.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::{Page, TimeWindow};
use crate::step::Turn;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading forms and what was left in them.
pub trait Leads: Send + Sync {
    /// One page of the account's forms.
    fn forms(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<LeadForm>>;
    /// Goes on with [`Leads::forms`].
    fn resume_forms(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<LeadForm>>;

    /// One page of what was left in a form within a window.
    fn leads(
        &self,
        cx: &Context<'_>,
        form_id: &str,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Turn<Page<Lead>>;
    /// Goes on with [`Leads::leads`].
    fn resume_leads(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Lead>>;
}

/// A form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeadForm {
    /// Its id.
    pub form_id: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: LeadFormState,
}

/// Where a form stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadFormState {
    /// Being written.
    Draft,
    /// The platform looks at it.
    InAudit,
    /// The platform refused it.
    Refused,
    /// People can fill it in.
    Open,
    /// It was deleted.
    Deleted,
    /// A raw value we do not know.
    Unknown(String),
}

/// What one person left.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// Who was on air.
    pub host: Option<String>,
    /// When that room began.
    #[serde(with = "crate::wire::time_opt", default)]
    pub room_started_at: Option<Timestamp>,
    /// When it was left, where the platform tells.
    #[serde(with = "crate::wire::time_opt", default)]
    pub left_at: Option<Timestamp>,
    /// Question and answer, in the form's order.
    pub answers: Vec<(String, String)>,
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").field("answers", &self.answers.len()).finish_non_exhaustive()
    }
}
