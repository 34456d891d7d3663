//! `/applications`: opening a shop, from both sides.

use crate::app::applications::{self, StartApplication, review, steps};
use crate::app::invitations;
use crate::error::Answer;
use crate::http::describe::{Created, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Open, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::v1::user_agent;
use crate::http::wire::{Id, Page, page_request};
use crate::pages::lang::Lang;
use jiff::civil::Date;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ApplicationId, CategoryId, MediaId};
use qianpu_domain::onboarding::{AgreementVersion, ApplicationState, ReturnReason, SaveSubject, Step};
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

mod views;
pub(super) use views::{ApplicationRowView, row_view};
use views::{ApplicationView, desk_view};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/applications", start_application, "Start an application: makes the merchant and logs in");
    api.get("/applications", list_applications, "Applications, newest first");
    api.get("/applications/{application_id}", get_application, "One application with what is still missing");
    api.put("/applications/{application_id}/subject", save_application_subject, "Step 1: who applies");
    api.put(
        "/applications/{application_id}/documents/{requirement}",
        attach_application_document,
        "Step 2: attach an uploaded file to a required document",
    );
    api.put("/applications/{application_id}/shop", save_application_shop, "Step 3: shop name and category");
    api.put(
        "/applications/{application_id}/agreement",
        sign_application_agreement,
        "Step 4: sign the agreement in force",
    );
    api.post(
        "/applications/{application_id}/submit",
        submit_application,
        "Hand in, for the first time or again",
    );
    api.post(
        "/applications/{application_id}/start_review",
        start_application_review,
        "Take a submitted application",
    );
    api.post(
        "/applications/{application_id}/documents/{requirement}/judge",
        judge_application_document,
        "Accept, return or waive one document",
    );
    api.post("/applications/{application_id}/approve", approve_application, "Approve: the shop is opened");
    api.post("/applications/{application_id}/return", return_application, "Send back with reasons");
    api.post("/applications/{application_id}/reject", reject_application, "Refuse for good");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartBody {
    /// Slug of the provider; not needed with an invitation.
    #[serde(default)]
    provider: Option<String>,
    /// Token of an invitation's link.
    #[serde(default)]
    invitation: Option<String>,
    /// Not needed with an invitation, which knows it.
    #[serde(default)]
    email: Option<String>,
    /// The person's name.
    name: String,
    password: String,
    /// Language of mails, `zh` or `en`.
    #[serde(default)]
    locale: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StartedView {
    application_id: String,
    merchant_id: String,
    access_token: String,
    refresh_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    token_type: &'static str,
}

async fn start_application(open: Open<Json<StartBody>>) -> Answer<Created<StartedView>> {
    let body = &open.input.0;
    let door = match (&body.invitation, &body.provider) {
        (Some(token), _) => invitations::door_by_invitation(&open.state, token, open.request_id()).await?,
        (None, Some(slug)) => invitations::door_by_slug(&open.state, slug, open.request_id()).await?,
        (None, None) => return Err(FieldError::required("provider").into()),
    };
    let command = StartApplication {
        email: body.email.clone().unwrap_or_default(),
        name: body.name.clone(),
        password: body.password.clone(),
        lang: body.locale.as_deref().and_then(Lang::parse).unwrap_or(open.info.lang),
        address: open.info.address.clone(),
    };
    let agent = user_agent(&open);
    let (started, tokens) = applications::start_with_tokens(&open.state, &door, &command, &agent).await?;
    Ok(Created(StartedView {
        application_id: started.application.to_string(),
        merchant_id: started.merchant.to_string(),
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        expires_in: tokens.expires_in,
        token_type: "Bearer",
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListApplicationsQuery {
    /// Only these states, separated by commas.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_applications(
    auth: Authed<perm::ApplicationRead, Query<ListApplicationsQuery>>,
) -> Answer<Json<Page<ApplicationRowView>>> {
    let query = &auth.input.0;
    let mut states = Vec::new();
    for word in query.state.iter().flat_map(|list| list.split(',')).filter(|word| !word.is_empty()) {
        let unknown = || FieldError::new("state", "unknown", "no such state", "没有该状态");
        states.push(ApplicationState::from_text(word).ok_or_else(unknown)?);
    }
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let rows = applications::list(&auth.state, &auth.grant, &states, page).await?;
    Ok(Json(Page::of(rows, row_view)))
}

type DeskAnswer = Answer<Versioned<ApplicationView>>;
type Edit<T> = Authed<perm::ApplicationEdit, T>;
type Review<T> = Authed<perm::ApplicationReview, T>;

async fn get_application(auth: Authed<perm::ApplicationRead, Path<ApplicationId>>) -> DeskAnswer {
    Ok(desk_view(&applications::get(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubjectBody {
    /// `enterprise`, `individual_business` or `personal`.
    kind: String,
    legal_name: String,
    /// 18 characters; not for a personal subject.
    #[serde(default)]
    credit_code: Option<String>,
    /// 18 characters, of the person, operator or legal representative. Stored sealed.
    id_card: String,
    contact_name: String,
    contact_phone: String,
}

async fn save_application_subject(
    auth: Edit<(Path<ApplicationId>, IfMatch, Json<SubjectBody>)>,
) -> DeskAnswer {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let unknown = || FieldError::new("kind", "unknown", "no such subject kind", "没有该主体类型");
    let command = SaveSubject {
        kind: SubjectKind::from_text(&body.kind).ok_or_else(unknown)?,
        legal_name: body.legal_name.clone(),
        credit_code: body.credit_code.clone(),
        id_card: body.id_card.clone(),
        contact_name: body.contact_name.clone(),
        contact_phone: body.contact_phone.clone(),
    };
    Ok(desk_view(&steps::save_subject(&auth.state, &auth.grant, *id, *seen, command).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentBody {
    /// A file uploaded with purpose `document`.
    #[schema(value_type = String)]
    media_id: Id<MediaId>,
    /// Last day on which it is valid, `YYYY-MM-DD`.
    #[serde(default)]
    expires_on: Option<String>,
}

/// Reads a day as people and programs write it.
pub(in crate::http) fn read_day(path: &'static str, text: Option<&str>) -> Answer<Option<Date>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || FieldError::new(path, "invalid", "expected YYYY-MM-DD", "日期格式应为 YYYY-MM-DD");
    Ok(Some(text.parse().map_err(|_| wrong())?))
}

async fn attach_application_document(
    auth: Edit<(Path2<ApplicationId, String>, Json<DocumentBody>)>,
) -> DeskAnswer {
    let (Path2(id, requirement), Json(body)) = &auth.input;
    let day = read_day("expires_on", body.expires_on.as_deref())?;
    let media = body.media_id.0;
    Ok(desk_view(&steps::attach_document(&auth.state, &auth.grant, *id, requirement, media, day).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShopBody {
    name: String,
    /// A category of the provider that is open.
    #[schema(value_type = String)]
    category_id: Id<CategoryId>,
}

async fn save_application_shop(auth: Edit<(Path<ApplicationId>, IfMatch, Json<ShopBody>)>) -> DeskAnswer {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let (name, category) = (body.name.clone(), body.category_id.0);
    Ok(desk_view(&steps::save_shop(&auth.state, &auth.grant, *id, *seen, name, category).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AgreementBody {
    /// The version that was read.
    version: String,
    /// Hash of its text, as shown with it.
    sha256: String,
}

async fn sign_application_agreement(auth: Edit<(Path<ApplicationId>, Json<AgreementBody>)>) -> DeskAnswer {
    let (Path(id), Json(body)) = &auth.input;
    let signed = AgreementVersion { version: body.version.clone(), sha256: body.sha256.clone() };
    Ok(desk_view(&steps::sign_agreement(&auth.state, &auth.grant, *id, signed).await?))
}

async fn submit_application(auth: Edit<Path<ApplicationId>>) -> DeskAnswer {
    Ok(desk_view(&steps::submit(&auth.state, &auth.grant, auth.input.0).await?))
}

async fn start_application_review(auth: Review<Path<ApplicationId>>) -> DeskAnswer {
    Ok(desk_view(&review::start_review(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JudgeBody {
    /// `accept`, `return` or `waive`.
    verdict: String,
    /// Needed for `return`.
    #[serde(default)]
    reason: Option<String>,
}

async fn judge_application_document(
    auth: Review<(Path2<ApplicationId, String>, Json<JudgeBody>)>,
) -> DeskAnswer {
    let (Path2(id, requirement), Json(body)) = &auth.input;
    let verdict = match body.verdict.as_str() {
        "accept" => review::DocumentVerdict::Accept,
        "return" => review::DocumentVerdict::Return(body.reason.clone().unwrap_or_default()),
        "waive" => review::DocumentVerdict::Waive,
        _ => {
            let (en, zh) = ("accept, return or waive", "应为 accept、return 或 waive");
            return Err(FieldError::new("verdict", "unknown", en, zh).into());
        }
    };
    Ok(desk_view(&review::judge_document(&auth.state, &auth.grant, *id, requirement, verdict).await?))
}

async fn approve_application(auth: Review<Path<ApplicationId>>) -> DeskAnswer {
    Ok(desk_view(&review::approve(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnBody {
    #[serde(default)]
    reasons: Vec<ReasonBody>,
    /// Documents to upload anew.
    #[serde(default)]
    documents: Vec<DocumentReasonBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReasonBody {
    /// `subject`, `documents`, `shop` or `agreement`.
    step: String,
    text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentReasonBody {
    requirement: String,
    reason: String,
}

async fn return_application(auth: Review<(Path<ApplicationId>, Json<ReturnBody>)>) -> DeskAnswer {
    let (Path(id), Json(body)) = &auth.input;
    let mut command = review::Return::default();
    for (index, reason) in body.reasons.iter().enumerate() {
        let unknown =
            || FieldError::new(format!("reasons[{index}].step"), "unknown", "no such step", "没有该步骤");
        let step = Step::from_text(&reason.step).ok_or_else(unknown)?;
        command.reasons.push(ReturnReason { step, text: reason.text.clone() });
    }
    for document in &body.documents {
        command.documents.push((document.requirement.clone(), document.reason.clone()));
    }
    Ok(desk_view(&review::send_back(&auth.state, &auth.grant, *id, command).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RejectBody {
    reason: String,
}

async fn reject_application(auth: Review<(Path<ApplicationId>, Json<RejectBody>)>) -> DeskAnswer {
    let (Path(id), Json(body)) = &auth.input;
    Ok(desk_view(&review::reject(&auth.state, &auth.grant, *id, &body.reason).await?))
}
