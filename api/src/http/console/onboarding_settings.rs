//! What the provider asks of applicants: documents, the agreement, protected brand names.

use super::apply::may_be_mended;
use crate::app::requirements;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::RequirementId;
use qianpu_domain::onboarding::Requirement;
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::perm;
use serde::Serialize;

const HOME: &str = "/console/provider/onboarding";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, settings_page);
    pages.post("/console/provider/onboarding/requirements", add_requirement_form);
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

#[derive(Serialize)]
struct SettingsView {
    form: FormView,
    requirements: Vec<RequirementItem>,
    kind_choices: Vec<&'static str>,
    agreement: String,
    agreement_version: String,
    agreement_open: bool,
    brands: Vec<String>,
}

async fn view<T>(auth: &Manage<T>, form: FormView, agreement_open: bool) -> Answer<SettingsView> {
    let reading = auth.caller.grant::<perm::PolicyRead>()?;
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
        kind_choices: SubjectKind::ALL.iter().map(|kind| kind.as_str()).collect(),
        agreement: lang.pick(&agreement.body_zh, &agreement.body_en).to_owned(),
        agreement_version: agreement.version.version,
        agreement_open,
        brands: requirements::brands(&auth.state, &auth.grant).await?,
    })
}

async fn settings_page(auth: Manage) -> PageAnswer {
    let view = view(&auth, FormView::default(), false).await?;
    auth.page("onboarding/settings", view)
}

async fn after<T, D>(auth: Manage<T>, fields: &Fields, outcome: Answer<D>, agreement: bool) -> PageAnswer {
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("onboarding.settings_saved"), HOME)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, form, agreement).await?;
            auth.refused_page("onboarding/settings", view)
        }
        Err(error) => Err(error),
    }
}

async fn add_requirement_form(auth: Manage<Fields>) -> PageAnswer {
    let fields = auth.input.clone();
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
