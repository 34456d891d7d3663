//! An application as both consoles show it: facts, documents, reasons and timeline, ready for templates.

use crate::app::applications::Desk;
use crate::http::extract::Call;
use qianpu_domain::ids::CategoryId;
use qianpu_domain::onboarding::{ApplicationState, DocumentState, Step};
use qianpu_tenants::audit::AuditEntry;
use qianpu_tenants::store::category::Category;
use serde::Serialize;

/// One document, with what may be done about it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DocumentItem {
    pub code: String,
    pub name: String,
    pub state: &'static str,
    pub reason: String,
    /// Address of the file; empty when there is none.
    pub href: String,
    pub expires_on: String,
    pub required: bool,
}

/// A reason with the step it is about.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ReasonItem {
    pub step: &'static str,
    pub step_name: String,
    pub text: String,
}

/// A line of the timeline.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EventItem {
    pub at: i64,
    pub text: String,
    pub who: String,
    pub tone: &'static str,
}

/// The whole, for status and review pages.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ApplicationFacts {
    pub id: String,
    pub merchant_id: String,
    pub state: &'static str,
    pub kind: &'static str,
    pub legal_name: String,
    pub credit_code: String,
    pub id_card: String,
    pub contact_name: String,
    pub contact_phone: String,
    pub email: String,
    pub shop_name: String,
    pub category: String,
    pub agreement_version: String,
    pub agreement_at: Option<i64>,
    pub reviewer: String,
    pub reject_reason: String,
    pub submitted_at: Option<i64>,
    pub documents: Vec<DocumentItem>,
    pub reasons: Vec<ReasonItem>,
    pub events: Vec<EventItem>,
    pub shop_id: String,
    pub shop_state: &'static str,
}

/// Name of a step in the language of the request.
pub(super) fn step_name(call: &Call, step: Step) -> String {
    let key = ["onboarding.step_", step.as_str()].concat();
    call.state.pages.catalogue().say(call.info.lang, &key, [])
}

/// Documents in page order; `media` is the console's path of files.
pub(super) fn document_items(call: &Call, desk: &Desk, media: &str) -> Vec<DocumentItem> {
    let lang = call.info.lang;
    let application = desk.application();
    let kind = application.kind();
    let asked = desk
        .rules
        .requirements
        .iter()
        .filter(|requirement| kind.is_some_and(|kind| requirement.kinds.contains(&kind)));
    asked
        .map(|requirement| {
            let document = application.document(&requirement.code);
            let missing = DocumentState::Missing;
            let state = document.map_or(&missing, |document| &document.state);
            DocumentItem {
                code: requirement.code.clone(),
                name: lang.pick(&requirement.name_zh, &requirement.name_en).to_owned(),
                state: state.as_str(),
                reason: match state {
                    DocumentState::Returned { reason } => reason.clone(),
                    _ => String::new(),
                },
                href: document
                    .and_then(|document| document.media)
                    .map_or_else(String::new, |id| format!("{media}/{id}")),
                expires_on: document
                    .and_then(|document| document.expires_on)
                    .map_or_else(String::new, |day| day.to_string()),
                required: true,
            }
        })
        .collect()
}

/// Reasons of the last return; only those about one step when given.
pub(super) fn reason_items(call: &Call, desk: &Desk, step: Option<Step>) -> Vec<ReasonItem> {
    if desk.application().state != ApplicationState::Returned {
        return Vec::new();
    }
    desk.application()
        .return_reasons
        .iter()
        .filter(|reason| step.is_none_or(|step| step == reason.step))
        .map(|reason| ReasonItem {
            step: reason.step.as_str(),
            step_name: step_name(call, reason.step),
            text: reason.text.clone(),
        })
        .collect()
}

/// The name of a category with those above it.
pub(super) fn category_name(call: &Call, tree: &[Category], id: CategoryId) -> String {
    let mut names = Vec::new();
    let mut at = tree.iter().find(|node| node.id == id);
    while let Some(node) = at {
        names.insert(0, call.info.lang.pick(&node.name_zh, &node.name_en).to_owned());
        at = node.parent.and_then(|parent| tree.iter().find(|node| node.id == parent));
        if names.len() > 5 {
            break;
        }
    }
    names.join(" / ")
}

fn event_items(call: &Call, timeline: &[AuditEntry]) -> Vec<EventItem> {
    let catalogue = call.state.pages.catalogue();
    timeline
        .iter()
        // Every saved step would drown the turns people look for.
        .filter(|entry| entry.action != "application.saved")
        .map(|entry| {
            let key = ["audit.", &entry.action].concat();
            let known = catalogue.find(call.info.lang, &key);
            EventItem {
                at: entry.at.micros(),
                text: known.unwrap_or(&entry.action).to_owned(),
                who: entry.actor_name.clone(),
                tone: match entry.action.as_str() {
                    "application.approved" | "application.agreement_signed" => "success",
                    "application.returned" => "warning",
                    "application.rejected" => "danger",
                    _ => "info",
                },
            }
        })
        .collect()
}

/// Everything at once.
pub(super) fn facts(call: &Call, desk: &Desk, tree: &[Category], media: &str) -> ApplicationFacts {
    let application = desk.application();
    let subject = application.subject.as_ref();
    let text = |value: Option<String>| value.unwrap_or_default();
    ApplicationFacts {
        id: desk.stored.id.to_string(),
        merchant_id: desk.stored.merchant.to_string(),
        state: application.state.as_str(),
        kind: application.kind().map_or("", |kind| kind.as_str()),
        legal_name: text(subject.map(|subject| subject.legal_name.clone())),
        credit_code: text(
            subject.and_then(|subject| Some(subject.credit_code.as_ref()?.as_str().to_owned())),
        ),
        id_card: text(subject.map(|subject| subject.id_card.masked())),
        contact_name: text(subject.map(|subject| subject.contact_name.clone())),
        contact_phone: text(subject.map(|subject| subject.contact_phone.masked())),
        email: desk.stored.applicant_email.clone(),
        shop_name: text(application.shop.as_ref().map(|shop| shop.name.as_str().to_owned())),
        category: text(application.shop.as_ref().map(|shop| category_name(call, tree, shop.category))),
        agreement_version: text(application.agreement.as_ref().map(|it| it.agreement.version.clone())),
        agreement_at: application.agreement.as_ref().map(|signed| signed.at.micros()),
        reviewer: text(desk.stored.reviewer_name.clone()),
        reject_reason: text(application.reject_reason.clone()),
        submitted_at: application.submitted_at.map(|at| at.micros()),
        documents: document_items(call, desk, media),
        reasons: reason_items(call, desk, None),
        events: event_items(call, &desk.timeline),
        shop_id: text(desk.shop.as_ref().map(|shop| shop.id.to_string())),
        shop_state: desk.shop.as_ref().map_or("", |shop| shop.state.as_str()),
    }
}
