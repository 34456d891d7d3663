//! The provider's side of applications: the queue by state, and one application with its documents, a
//! checklist and the decision.

use super::application_view::{ApplicationFacts, facts, step_name};
use super::apply::may_be_mended;
use crate::app::applications::{self, Desk, review};
use crate::app::{categories, media};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::media_content;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ApplicationId, MediaId};
use qianpu_domain::onboarding::{ApplicationState, DocumentState, ReturnReason, Step};
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/provider/applications";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, queue_page);
    pages.get("/console/provider/applications/{application_id}", review_page);
    pages.post("/console/provider/applications/{application_id}/start_review", start_review_form);
    pages.post("/console/provider/applications/{application_id}/approve", approve_form);
    pages.post("/console/provider/applications/{application_id}/return", return_form);
    pages.post("/console/provider/applications/{application_id}/reject", reject_form);
    pages.post("/console/provider/applications/{application_id}/documents/{requirement}", judge_form);
    pages.get("/console/provider/media/{media_id}", provider_media);
}

/// The tabs of the queue: word in the address and the states it shows.
const TABS: &[(&str, &[ApplicationState])] = &[
    ("open", &[ApplicationState::Submitted, ApplicationState::Reviewing]),
    ("returned", &[ApplicationState::Returned]),
    ("approved", &[ApplicationState::Approved, ApplicationState::AgreementSigned]),
    ("rejected", &[ApplicationState::Rejected]),
    ("draft", &[ApplicationState::Draft]),
    ("all", &[]),
];

#[derive(Debug, Deserialize, IntoParams)]
struct QueueQuery {
    tab: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    href: String,
    label: String,
    count: i64,
    current: bool,
}

#[derive(Serialize)]
struct QueueRow {
    id: String,
    name: String,
    email: String,
    shop: String,
    kind: &'static str,
    state: &'static str,
    submitted_at: Option<i64>,
    reviewer: String,
}

async fn queue_page(auth: Authed<perm::ApplicationRead, Query<QueueQuery>>) -> PageAnswer {
    let asked = auth.input.0.tab.as_deref().unwrap_or("open");
    let (word, states) = *TABS.iter().find(|(word, _)| *word == asked).ok_or_else(ApiError::not_found)?;
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let counts = applications::counts(&auth.state, &auth.grant).await?;
    let rows = applications::list(&auth.state, &auth.grant, states, page).await?;
    let catalogue = auth.state.pages.catalogue();
    let tabs = TABS
        .iter()
        .map(|(tab, states)| Tab {
            href: format!("{HOME}?tab={tab}"),
            label: catalogue.say(auth.info.lang, &["onboarding.tab_", tab].concat(), []),
            count: counts.iter().filter(|(state, _)| states.contains(state)).map(|(_, count)| count).sum(),
            current: *tab == word,
        })
        .collect();
    #[derive(Serialize)]
    struct QueueView {
        tabs: Vec<Tab>,
        rows: Vec<QueueRow>,
        next_page: Option<String>,
        may_invite: bool,
    }
    let next_page = rows.next.map(|next| format!("{HOME}?tab={word}&cursor={}", cursor_text(&next)));
    let rows = rows
        .items
        .into_iter()
        .map(|row| QueueRow {
            id: row.id.to_string(),
            name: if row.legal_name.is_empty() { row.applicant_email.clone() } else { row.legal_name },
            email: row.applicant_email,
            shop: row.shop_name,
            kind: row.kind.map_or("", SubjectKind::as_str),
            state: row.state.as_str(),
            submitted_at: row.submitted_at.map(|at| at.micros()),
            reviewer: row.reviewer_name.unwrap_or_default(),
        })
        .collect();
    let may_invite = auth.caller.may(Permission::MerchantInvite);
    auth.page("onboarding/queue", QueueView { tabs, rows, next_page, may_invite })
}

#[derive(Serialize)]
struct CheckItem {
    text: String,
    state: &'static str,
}

#[derive(Serialize)]
struct ReturnStep {
    step: &'static str,
    name: String,
    typed: String,
    templates: Vec<String>,
}

#[derive(Serialize)]
struct ReviewView {
    form: FormView,
    heading: String,
    at: String,
    facts: ApplicationFacts,
    may_start: bool,
    may_decide: bool,
    return_steps: Vec<ReturnStep>,
    reject_open: bool,
    checklist: Vec<CheckItem>,
}

async fn view<T>(
    auth: &Authed<perm::ApplicationRead, T>,
    id: ApplicationId,
    form: FormView,
    typed: &Fields,
) -> Answer<ReviewView> {
    let desk = applications::get(&auth.state, &auth.grant, id).await?;
    let tree = categories::category_tree(&auth.state.db, &auth.grant).await?;
    let facts = facts(auth, &desk, &tree, "/console/provider/media");
    let reviews = auth.caller.may(Permission::ApplicationReview);
    let state = desk.application().state;
    let name = [&facts.shop_name, &facts.legal_name, &facts.email].into_iter().find(|name| !name.is_empty());
    Ok(ReviewView {
        form,
        heading: name.cloned().unwrap_or_default(),
        at: format!("{HOME}/{id}"),
        may_start: reviews && state == ApplicationState::Submitted,
        may_decide: reviews && state == ApplicationState::Reviewing,
        return_steps: return_steps(auth, typed),
        reject_open: typed.0.iter().any(|(name, _)| name == "reject_reason"),
        checklist: checklist(auth, &desk),
        facts,
    })
}

fn return_steps(call: &Call, typed: &Fields) -> Vec<ReturnStep> {
    let catalogue = call.state.pages.catalogue();
    Step::ALL
        .iter()
        .map(|step| {
            let key = ["onboarding.reasons_", step.as_str()].concat();
            let templates = catalogue.say(call.info.lang, &key, []);
            ReturnStep {
                step: step.as_str(),
                name: step_name(call, *step),
                typed: typed.text(step.as_str()).to_owned(),
                templates: templates.split('|').map(|text| text.trim().to_owned()).collect(),
            }
        })
        .collect()
}

/// What was checked by rule, and what is left to the reviewer's eyes.
fn checklist(call: &Call, desk: &Desk) -> Vec<CheckItem> {
    let say = |key: &str| call.state.pages.catalogue().say(call.info.lang, key, []);
    let application = desk.application();
    let done = |yes: bool| if yes { "done" } else { "open" };
    let mut items = Vec::new();
    if let Some(subject) = &application.subject {
        if subject.kind.has_licence() {
            let state = done(subject.credit_code.is_some());
            items.push(CheckItem { text: say("onboarding.check_credit_code"), state });
        }
        items.push(CheckItem { text: say("onboarding.check_id_card"), state: "done" });
    }
    let kind = application.kind();
    for requirement in &desk.rules.requirements {
        if !kind.is_some_and(|kind| requirement.kinds.contains(&kind)) {
            continue;
        }
        let state = application.document(&requirement.code).map(|document| &document.state);
        let state = match state {
            Some(DocumentState::Accepted | DocumentState::Waived { .. }) => "done",
            Some(DocumentState::Pending) => "look",
            Some(DocumentState::Returned { .. }) => "wrong",
            Some(DocumentState::Missing) | None => "open",
        };
        let text = call.info.lang.pick(&requirement.name_zh, &requirement.name_en).to_owned();
        items.push(CheckItem { text, state });
    }
    items.push(CheckItem { text: say("onboarding.check_name"), state: done(application.shop.is_some()) });
    let current = &desk.rules.agreement.version;
    let signed = application.agreement.as_ref().is_some_and(|signed| signed.agreement == *current);
    items.push(CheckItem { text: say("onboarding.check_agreement"), state: done(signed) });
    items
}

async fn review_page(auth: Authed<perm::ApplicationRead, Path<ApplicationId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default(), &Fields::default()).await?;
    auth.page("onboarding/review", view)
}

/// After a decision: the page again with a message, or with what is wrong.
async fn after<T>(
    auth: Authed<perm::ApplicationReview, T>,
    id: ApplicationId,
    outcome: Answer<Desk>,
    done: &'static str,
    typed: &Fields,
) -> PageAnswer {
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success(done), &format!("{HOME}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let mut form = FormView::refused_by(typed, &error, auth.info.lang);
            if error.code() == ErrorCode::DocumentsOpen {
                form = FormView::refused_by(&Fields::default(), &error, auth.info.lang);
            }
            let grant = auth.caller.grant::<perm::ApplicationRead>()?;
            let reading = Authed { call: auth.call, caller: auth.caller, grant, input: () };
            let view = view(&reading, id, form, typed).await?;
            reading.refused_page("onboarding/review", view)
        }
        Err(error) => Err(error),
    }
}

type Review<T> = Authed<perm::ApplicationReview, T>;

async fn start_review_form(auth: Review<(Path<ApplicationId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let outcome = review::start_review(&auth.state, &auth.grant, id).await;
    after(auth, id, outcome, "onboarding.review_started", &Fields::default()).await
}

async fn approve_form(auth: Review<(Path<ApplicationId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let outcome = review::approve(&auth.state, &auth.grant, id).await;
    after(auth, id, outcome, "onboarding.approved", &Fields::default()).await
}

async fn return_form(auth: Review<(Path<ApplicationId>, Fields)>) -> PageAnswer {
    let (Path(id), typed) = (auth.input.0, auth.input.1.clone());
    let mut command = review::Return::default();
    for step in Step::ALL {
        let text = typed.text(step.as_str());
        if !text.is_empty() {
            command.reasons.push(ReturnReason { step: *step, text: text.to_owned() });
        }
    }
    let outcome = review::send_back(&auth.state, &auth.grant, id, command).await;
    after(auth, id, outcome, "onboarding.sent_back", &typed).await
}

async fn reject_form(auth: Review<(Path<ApplicationId>, Fields)>) -> PageAnswer {
    let (Path(id), typed) = (auth.input.0, auth.input.1.clone());
    let outcome = review::reject(&auth.state, &auth.grant, id, typed.text("reject_reason")).await;
    after(auth, id, outcome, "onboarding.rejected", &typed).await
}

async fn judge_form(auth: Review<(Path2<ApplicationId, String>, Fields)>) -> PageAnswer {
    let (Path2(id, requirement), typed) = (auth.input.0.clone(), auth.input.1.clone());
    let verdict = match typed.text("verdict") {
        "accept" => review::DocumentVerdict::Accept,
        "return" => review::DocumentVerdict::Return(typed.text("reason").to_owned()),
        "waive" => review::DocumentVerdict::Waive,
        other => return Err(ApiError::bad_request(format!("no verdict {other}"))),
    };
    let outcome = review::judge_document(&auth.state, &auth.grant, id, &requirement, verdict).await;
    after(auth, id, outcome, "onboarding.judged", &Fields::default()).await
}

async fn provider_media(auth: Authed<perm::MediaRead, Path<MediaId>>) -> PageAnswer {
    let found = media::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(media_content(&found, bytes))
}
