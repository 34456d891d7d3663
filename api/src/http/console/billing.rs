//! A provider's plans.

use super::apply::may_be_mended;
use super::money::percent;
use crate::app::money::plans::{self, CreatePlan};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::billing::{Interval, Limited, PlanTerms};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::PlanId;
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{PLAN_AT_ONCE, PLAN_PER_SECOND};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::plan::{Plan, PlanVersion};
use serde::Serialize;

const PLANS: &str = "/console/provider/plans";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(PLANS, plans_page);
    pages.post(PLANS, create_plan_form);
    pages.get("/console/provider/plans/{plan_id}", plan_page);
    pages.post("/console/provider/plans/{plan_id}", plan_version_form);
    pages.post("/console/provider/plans/{plan_id}/rank", plan_rank_form);
}

/// Pages of the provider console are no pages of a merchant, whatever the permission.
pub(super) fn providers_only<P: Perm, T>(auth: &Authed<P, T>) -> Answer<()> {
    if auth.caller.surface() == Surface::Provider { Ok(()) } else { Err(ApiError::not_found()) }
}

#[derive(Serialize)]
pub(super) struct Choice {
    pub value: String,
    pub label: String,
}

#[derive(Serialize)]
struct PlanLine {
    id: String,
    code: String,
    name: String,
    rank: i64,
    terms: TermsLine,
}

#[derive(Serialize)]
struct TermsLine {
    number: i64,
    fee: i64,
    interval: &'static str,
    take_rate: String,
    tax: String,
    /// Requests per second, when the plan says something about them.
    requests: Option<i64>,
    since: i64,
}

fn terms_line(version: &PlanVersion) -> TermsLine {
    TermsLine {
        number: version.number,
        fee: version.terms.fee.get(),
        interval: version.terms.interval.as_str(),
        take_rate: percent(version.terms.take_rate_ppm),
        tax: percent(version.terms.tax_ppm),
        requests: version.terms.limit(PLAN_PER_SECOND),
        since: version.effective_at.micros(),
    }
}

fn plan_line(lang: Lang, plan: &Plan) -> PlanLine {
    PlanLine {
        id: plan.id.to_string(),
        code: plan.code.clone(),
        name: lang.pick(&plan.name_zh, &plan.name_en).to_owned(),
        rank: plan.rank,
        terms: terms_line(&plan.version),
    }
}

#[derive(Serialize)]
struct PlansView {
    form: FormView,
    intervals: Vec<Choice>,
    plans: Vec<PlanLine>,
}

async fn plans_view<T>(auth: &Authed<perm::PlanManage, T>, form: Option<FormView>) -> Answer<PlansView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::PlanRead>()?;
    let found = plans::list(&auth.state, &grant).await?;
    let blank = || {
        FormView::filled(
            [("tax", "6"), ("take_rate", "2"), ("rank", "1"), ("interval", "month")]
                .map(|(name, value)| (name, value.to_owned())),
        )
    };
    Ok(PlansView {
        intervals: intervals(auth),
        form: form.unwrap_or_else(blank),
        plans: found.iter().map(|plan| plan_line(auth.info.lang, plan)).collect(),
    })
}

async fn plans_page(auth: Authed<perm::PlanManage>) -> PageAnswer {
    let view = plans_view(&auth, None).await?;
    auth.page("billing/plans", view)
}

/// A percentage as people type it, `2` or `0.65`, in parts per million.
fn read_percent(fields: &Fields, name: &str, errors: &mut Vec<FieldError>) -> i64 {
    let text = fields.text(name).trim_end_matches('%').trim_end();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let good = !whole.is_empty() && whole.len() <= 3 && part.len() <= 4 && digits(whole) && digits(part);
    let ppm = if good { format!("{whole}{part:0<4}").parse().ok() } else { None };
    if ppm.is_none() {
        let (en, zh) = ("a percentage such as 2 or 0.65", "请填写百分比，例如 2 或 0.65");
        errors.push(FieldError::new(name, "percent", en, zh));
    }
    ppm.unwrap_or(0)
}

/// Limits that the form of a plan has.
const FORM_LIMITS: [&str; 6] = [
    PLAN_PER_SECOND,
    PLAN_AT_ONCE,
    Limited::Shops.as_str(),
    Limited::Staff.as_str(),
    Limited::LinkedAccounts.as_str(),
    Limited::Products.as_str(),
];

/// Limits as they were, with those that the form has.
fn read_limits(
    fields: &Fields,
    before: &[(String, i64)],
    errors: &mut Vec<FieldError>,
) -> Vec<(String, i64)> {
    let mut limits = before.to_vec();
    for name in FORM_LIMITS {
        limits.retain(|(own, _)| own != name);
        match fields.text(name).trim() {
            "" => {}
            text => match text.parse() {
                Ok(number) => limits.push((name.to_owned(), number)),
                Err(_) => errors.push(FieldError::new(name, "number", "a whole number", "请填写整数")),
            },
        }
    }
    limits
}

/// What the form says; limits and charges that it does not have stay as they were.
fn read_terms(fields: &Fields, before: Option<&PlanTerms>, errors: &mut Vec<FieldError>) -> PlanTerms {
    let known = errors.len();
    let fee = fields.yuan("fee", errors);
    if fee.is_none() && errors.len() == known {
        errors.push(FieldError::required("fee"));
    }
    let interval = match fields.text("interval") {
        "" => Some(before.map_or(Interval::Month, |terms| terms.interval)),
        word => Interval::from_text(word),
    };
    if interval.is_none() {
        let (en, zh) = ("month, quarter or year", "应为按月、按季或按年");
        errors.push(FieldError::new("interval", "unknown", en, zh));
    }
    PlanTerms {
        fee: fee.unwrap_or(Fen::ZERO),
        interval: interval.unwrap_or(Interval::Month),
        tax_ppm: read_percent(fields, "tax", errors),
        take_rate_ppm: read_percent(fields, "take_rate", errors),
        limits: read_limits(fields, before.map_or(&[], |terms| &terms.limits), errors),
        charges: before.map(|terms| terms.charges.clone()).unwrap_or_default(),
    }
}

/// The use case names a rate by its field of the API; the form has its own names.
fn in_words_of_the_form(error: ApiError) -> ApiError {
    let mut errors = error.errors().to_vec();
    for field in &mut errors {
        if field.path == "take_rate_ppm" {
            field.path = "take_rate".to_owned();
        }
    }
    error.with_fields(errors)
}

/// A rank as it is typed; nothing is the lowest.
fn read_rank(fields: &Fields, errors: &mut Vec<FieldError>) -> i64 {
    match fields.text("rank").trim() {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| {
            errors.push(FieldError::new("rank", "number", "a whole number", "请填写整数"));
            0
        }),
    }
}

async fn create_plan_form(auth: Authed<perm::PlanManage, Fields>) -> PageAnswer {
    providers_only(&auth)?;
    let fields = &auth.input;
    let mut errors = Vec::new();
    let terms = read_terms(fields, None, &mut errors);
    let text = |name: &str| fields.text(name).to_owned();
    let rank = read_rank(fields, &mut errors);
    let (code, name_zh, name_en) = (text("code"), text("name_zh"), text("name_en"));
    let command = CreatePlan { code, name_zh, name_en, rank, terms };
    let done = if errors.is_empty() {
        plans::create(&auth.state, &auth.grant, &command).await.map_err(in_words_of_the_form)
    } else {
        Err(errors.into())
    };
    match done {
        Ok((plan, _)) => {
            Ok(auth.redirect_with(&Flash::success("billing.plan_made"), &format!("{PLANS}/{}", plan.id)))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = plans_view(&auth, Some(form)).await?;
            auth.refused_page("billing/plans", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct PlanView {
    form: FormView,
    intervals: Vec<Choice>,
    rank_form: FormView,
    plan: PlanLine,
    versions: Vec<TermsLine>,
}

async fn plan_view<T>(
    auth: &Authed<perm::PlanManage, T>,
    id: PlanId,
    form: Option<FormView>,
    rank_form: Option<FormView>,
) -> Answer<PlanView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::PlanRead>()?;
    let (plan, versions) = plans::get(&auth.state, &grant, id).await?;
    let terms = &plan.version.terms;
    let number = |name| (name, terms.limit(name).map(|number| number.to_string()).unwrap_or_default());
    let stored = [
        ("fee", terms.fee.to_string()),
        ("interval", terms.interval.as_str().to_owned()),
        ("tax", percent(terms.tax_ppm)),
        ("take_rate", percent(terms.take_rate_ppm)),
    ];
    let stored = stored.into_iter().chain(FORM_LIMITS.map(number));
    Ok(PlanView {
        intervals: intervals(auth),
        rank_form: rank_form.unwrap_or_else(|| FormView::filled([("rank", plan.rank.to_string())])),
        form: form.unwrap_or_else(|| FormView::filled(stored)),
        plan: plan_line(auth.info.lang, &plan),
        versions: versions.iter().map(terms_line).collect(),
    })
}

/// How often a plan can be charged.
fn intervals<P: Perm, T>(auth: &Authed<P, T>) -> Vec<Choice> {
    let say = |key: &str| auth.state.pages.catalogue().say(auth.info.lang, key, []);
    let choice = |interval: &Interval| Choice {
        value: interval.as_str().to_owned(),
        label: say(&["money.interval_", interval.as_str()].concat()),
    };
    Interval::ALL.iter().map(choice).collect()
}

async fn plan_rank_form(auth: Authed<perm::PlanManage, (Path<PlanId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    let mut errors = Vec::new();
    let rank = read_rank(fields, &mut errors);
    let done = if errors.is_empty() {
        plans::set_rank(&auth.state, &auth.grant, *id, rank).await.map(|_| ())
    } else {
        Err(errors.into())
    };
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("billing.rank_set"), &format!("{PLANS}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = plan_view(&auth, *id, None, Some(form)).await?;
            auth.refused_page("billing/plan", view)
        }
        Err(error) => Err(error),
    }
}

async fn plan_page(auth: Authed<perm::PlanManage, Path<PlanId>>) -> PageAnswer {
    let view = plan_view(&auth, auth.input.0, None, None).await?;
    auth.page("billing/plan", view)
}

async fn plan_version_form(auth: Authed<perm::PlanManage, (Path<PlanId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    let mut errors = Vec::new();
    let (newest, _) = plans::get(&auth.state, &auth.caller.grant()?, *id).await?;
    let terms = read_terms(fields, Some(&newest.version.terms), &mut errors);
    let done = if errors.is_empty() {
        plans::add_version(&auth.state, &auth.grant, *id, &terms).await.map_err(in_words_of_the_form)
    } else {
        Err(errors.into())
    };
    match done {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("billing.version_made"), &format!("{PLANS}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = plan_view(&auth, *id, Some(form), None).await?;
            auth.refused_page("billing/plan", view)
        }
        Err(error) => Err(error),
    }
}
