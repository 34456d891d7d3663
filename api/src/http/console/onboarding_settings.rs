//! What the provider asks of applicants: documents, the agreement, protected brand names.

use super::apply::may_be_mended;
use crate::app::requirements;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::RequirementId;
use qianpu_domain::onboarding::Requirement;
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::{Perm, perm};
use serde::Serialize;

const HOME: &str = "/console/provider/onboarding";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, settings_page);
    pages.post("/console/provider/onboarding/requirements", add_requirement_form);
    pages.get("/console/provider/onboarding/requirements/{requirement_id}", requirement_page);
    pages.post("/console/provider/onboarding/requirements/{requirement_id}", change_requirement_form);
    pages.post("/console/provider/onboarding/requirements/{requirement_id}/remove", remove_requirement_form);
    pages.post("/console/provider/onboarding/agreement", publish_agreement_form);
    pages.post("/console/provider/onboarding/brands", protect_brand_form);
    pages.post("/console/provider/onboarding/brands/remove", release_brand_form);
}

type Manage<T = ()> = Authed<perm::PolicyManage, T>;

#[derive(Serialize)]
struct RequirementItem {
    id: String,
    code: String,
    name: String,
    kinds: Vec<&'static str>,
}

/// A subject kind with its box.
#[derive(Serialize)]
struct KindChoice {
    kind: &'static str,
    ticked: bool,
}

/// The boxes as they were sent, or as they are stored.
fn kind_choices(ticked: impl Fn(&str) -> bool) -> Vec<KindChoice> {
    let choice = |kind: &SubjectKind| KindChoice { kind: kind.as_str(), ticked: ticked(kind.as_str()) };
    SubjectKind::ALL.iter().map(choice).collect()
}

#[derive(Serialize)]
struct SettingsView {
    form: FormView,
    requirements: Vec<RequirementItem>,
    kind_choices: Vec<KindChoice>,
    may_change: bool,
    agreement: String,
    agreement_version: String,
    agreement_open: bool,
    brands: Vec<String>,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    form: FormView,
    typed: &Fields,
    agreement_open: bool,
) -> Answer<SettingsView> {
    // This page belongs to the provider.
    if auth.caller.surface() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let reading = auth.caller.grant::<perm::PolicyRead>()?;
    // A form with something else on it leaves the boxes of a new document ticked.
    let adding = typed.0.iter().any(|(name, _)| name == "code");
    let lang = auth.info.lang;
    let agreement = requirements::agreement(&auth.state, &reading).await?;
    Ok(SettingsView {
        form,
        requirements: requirements::list(&auth.state, &reading)
            .await?
            .into_iter()
            .map(|row| RequirementItem {
                id: row.id.to_string(),
                name: lang.pick(&row.requirement.name_zh, &row.requirement.name_en).to_owned(),
                code: row.requirement.code,
                kinds: row.requirement.kinds.into_iter().map(SubjectKind::as_str).collect(),
            })
            .collect(),
        kind_choices: kind_choices(|kind| !adding || typed.all("kinds").any(|sent| sent == kind)),
        may_change: auth.caller.may(Permission::PolicyManage),
        agreement: lang.pick(&agreement.body_zh, &agreement.body_en).to_owned(),
        agreement_version: agreement.version.version,
        agreement_open,
        brands: requirements::brands(&auth.state, &reading).await?,
    })
}

async fn settings_page(auth: Authed<perm::PolicyRead>) -> PageAnswer {
    let view = view(&auth, FormView::default(), &Fields::default(), false).await?;
    auth.page("onboarding/settings", view)
}

async fn after<T, D>(auth: Manage<T>, fields: &Fields, outcome: Answer<D>, agreement: bool) -> PageAnswer {
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("onboarding.settings_saved"), HOME)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, form, fields, agreement).await?;
            auth.refused_page("onboarding/settings", view)
        }
        Err(error) => Err(error),
    }
}

async fn add_requirement_form(auth: Manage<Fields>) -> PageAnswer {
    let fields = with_kinds(&auth.input);
    let kinds = fields.all("kinds").filter_map(SubjectKind::from_text).collect();
    let new = Requirement {
        code: fields.text("code").to_owned(),
        kinds,
        name_en: fields.text("name_en").to_owned(),
        name_zh: fields.text("name_zh").to_owned(),
    };
    let outcome = requirements::add(&auth.state, &auth.grant, &new).await;
    after(auth, &fields, outcome, false).await
}

/// Boxes without a tick send nothing; the page needs the name to place the error.
fn with_kinds(sent: &Fields) -> Fields {
    let mut fields = sent.clone();
    if !fields.0.iter().any(|(name, _)| name == "kinds") {
        fields.0.push(("kinds".to_owned(), String::new()));
    }
    fields
}

#[derive(Serialize)]
struct RequirementView {
    form: FormView,
    at: String,
    name: String,
    code: String,
    kind_choices: Vec<KindChoice>,
    version: i64,
}

async fn requirement_view<T>(
    auth: &Manage<T>,
    id: RequirementId,
    refused: Option<(FormView, &Fields)>,
) -> Answer<RequirementView> {
    let stored = requirements::get(&auth.state, &auth.grant, id).await?;
    let (version, known) = (stored.version, stored.requirement);
    let kept = known.kinds.clone();
    let (form, kind_choices) = match refused {
        Some((form, typed)) => (form, kind_choices(|kind| typed.all("kinds").any(|sent| sent == kind))),
        None => {
            let values = [("name_zh", known.name_zh.clone()), ("name_en", known.name_en.clone())];
            let ticked = |kind: &str| kept.iter().any(|asked| asked.as_str() == kind);
            (FormView::filled(values), kind_choices(ticked))
        }
    };
    Ok(RequirementView {
        form,
        at: format!("{HOME}/requirements/{id}"),
        name: auth.info.lang.pick(&known.name_zh, &known.name_en).to_owned(),
        code: known.code,
        kind_choices,
        version,
    })
}

async fn requirement_page(auth: Manage<Path<RequirementId>>) -> PageAnswer {
    let view = requirement_view(&auth, auth.input.0, None).await?;
    auth.page("onboarding/requirement", view)
}

async fn change_requirement_form(auth: Manage<(Path<RequirementId>, Fields)>) -> PageAnswer {
    let (Path(id), sent) = &auth.input;
    let fields = with_kinds(sent);
    let next = Requirement {
        // The stored code stays.
        code: String::new(),
        kinds: fields.all("kinds").filter_map(SubjectKind::from_text).collect(),
        name_en: fields.text("name_en").to_owned(),
        name_zh: fields.text("name_zh").to_owned(),
    };
    let seen = fields.text("version").parse().ok();
    match requirements::change(&auth.state, &auth.grant, *id, seen, next).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("onboarding.settings_saved"), HOME)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&fields, &error, auth.info.lang);
            let view = requirement_view(&auth, *id, Some((form, &fields))).await?;
            auth.refused_page("onboarding/requirement", view)
        }
        Err(error) => Err(error),
    }
}

async fn remove_requirement_form(auth: Manage<(Path<RequirementId>, Fields)>) -> PageAnswer {
    let outcome = requirements::remove(&auth.state, &auth.grant, auth.input.0.0).await;
    after(auth, &Fields::default(), outcome, false).await
}

async fn publish_agreement_form(auth: Manage<Fields>) -> PageAnswer {
    let fields = auth.input.clone();
    let (word, zh, en) = (fields.text("version"), fields.text("body_zh"), fields.text("body_en"));
    let outcome = requirements::publish_agreement(&auth.state, &auth.grant, word, zh, en).await;
    after(auth, &fields, outcome, true).await
}

async fn protect_brand_form(auth: Manage<Fields>) -> PageAnswer {
    let fields = auth.input.clone();
    let outcome = requirements::protect_brand(&auth.state, &auth.grant, fields.text("brand"), true).await;
    // The use case calls the field `name`; this page has other names.
    let outcome = outcome.map_err(|error| match error.errors() {
        [wrong] => ApiError::field(FieldError { path: "brand".to_owned(), ..wrong.clone() }),
        _ => error,
    });
    after(auth, &fields, outcome, false).await
}

async fn release_brand_form(auth: Manage<Fields>) -> PageAnswer {
    let outcome = requirements::protect_brand(&auth.state, &auth.grant, auth.input.text("name"), false).await;
    after(auth, &Fields::default(), outcome, false).await
}
