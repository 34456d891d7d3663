//! A provider's plans and the merchants on them.

use super::apply::may_be_mended;
use super::money::percent;
use crate::app::merchants;
use crate::app::money::invoices::issue_terms;
use crate::app::money::plans::{self, CreatePlan};
use crate::app::money::subscriptions::{self, end_in, offer, on_merchant, subscribe_in};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::billing::{Limited, PlanTerms};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PlanId, SubscriptionId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{PLAN_AT_ONCE, PLAN_PER_SECOND};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::plan::{Plan, PlanVersion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::IntoParams;

const PLANS: &str = "/console/provider/plans";
const SUBSCRIPTIONS: &str = "/console/provider/subscriptions";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(PLANS, plans_page);
    pages.post(PLANS, create_plan_form);
    pages.get("/console/provider/plans/{plan_id}", plan_page);
    pages.post("/console/provider/plans/{plan_id}", plan_version_form);
    pages.get(SUBSCRIPTIONS, subscriptions_page);
    pages.post(SUBSCRIPTIONS, subscribe_form);
    pages.post("/console/provider/subscriptions/{subscription_id}/end", end_subscription_form);
}

/// Pages of the provider console are no pages of a merchant, whatever the permission.
pub(super) fn providers_only<P: Perm, T>(auth: &Authed<P, T>) -> Answer<()> {
    if auth.caller.surface() == Surface::Provider { Ok(()) } else { Err(ApiError::not_found()) }
}

#[derive(Serialize)]
struct PlanLine {
    id: String,
    code: String,
    name: String,
    terms: TermsLine,
}

#[derive(Serialize)]
struct TermsLine {
    number: i64,
    monthly_fee: i64,
    take_rate: String,
    tax: String,
    /// Requests per second, when the plan says something about them.
    requests: Option<i64>,
    since: i64,
}

fn terms_line(version: &PlanVersion) -> TermsLine {
    TermsLine {
        number: version.number,
        monthly_fee: version.terms.monthly_fee.get(),
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
        terms: terms_line(&plan.version),
    }
}

#[derive(Serialize)]
struct PlansView {
    form: FormView,
    plans: Vec<PlanLine>,
}

async fn plans_view<T>(auth: &Authed<perm::PlanManage, T>, form: Option<FormView>) -> Answer<PlansView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::PlanRead>()?;
    let found = plans::list(&auth.state, &grant).await?;
    let blank =
        || FormView::filled([("tax", "6"), ("take_rate", "2")].map(|(name, value)| (name, value.to_owned())));
    Ok(PlansView {
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
    let fee = fields.yuan("monthly_fee", errors);
    if fee.is_none() && errors.len() == known {
        errors.push(FieldError::required("monthly_fee"));
    }
    PlanTerms {
        monthly_fee: fee.unwrap_or(Fen::ZERO),
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

async fn create_plan_form(auth: Authed<perm::PlanManage, Fields>) -> PageAnswer {
    providers_only(&auth)?;
    let fields = &auth.input;
    let mut errors = Vec::new();
    let terms = read_terms(fields, None, &mut errors);
    let text = |name: &str| fields.text(name).to_owned();
    let command =
        CreatePlan { code: text("code"), name_zh: text("name_zh"), name_en: text("name_en"), terms };
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
    plan: PlanLine,
    versions: Vec<TermsLine>,
}

async fn plan_view<T>(
    auth: &Authed<perm::PlanManage, T>,
    id: PlanId,
    form: Option<FormView>,
) -> Answer<PlanView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::PlanRead>()?;
    let (plan, versions) = plans::get(&auth.state, &grant, id).await?;
    let terms = &plan.version.terms;
    let number = |name| (name, terms.limit(name).map(|number| number.to_string()).unwrap_or_default());
    let stored = [
        ("monthly_fee", terms.monthly_fee.to_string()),
        ("tax", percent(terms.tax_ppm)),
        ("take_rate", percent(terms.take_rate_ppm)),
    ];
    let stored = stored.into_iter().chain(FORM_LIMITS.map(number));
    Ok(PlanView {
        form: form.unwrap_or_else(|| FormView::filled(stored)),
        plan: plan_line(auth.info.lang, &plan),
        versions: versions.iter().map(terms_line).collect(),
    })
}

async fn plan_page(auth: Authed<perm::PlanManage, Path<PlanId>>) -> PageAnswer {
    let view = plan_view(&auth, auth.input.0, None).await?;
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
            let view = plan_view(&auth, *id, Some(form)).await?;
            auth.refused_page("billing/plan", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct SubscriptionLine {
    id: String,
    merchant: String,
    merchant_name: String,
    plan: String,
    monthly_fee: i64,
    state: &'static str,
    since: String,
}

#[derive(Serialize)]
struct SubscriptionsView {
    form: FormView,
    merchants: Vec<Choice>,
    plans: Vec<Choice>,
    rows: Vec<SubscriptionLine>,
    next_page: Option<String>,
}

/// Names of the provider's merchants by id, at most 500.
pub(super) async fn merchant_names<P: Perm, T>(auth: &Authed<P, T>) -> Answer<BTreeMap<TenantId, String>> {
    let grant: Grant<perm::MerchantRead> = auth.caller.grant()?;
    let mut names = BTreeMap::new();
    let mut page = PageRequest::first(100);
    for _ in 0..5 {
        let found = merchants::list(&auth.state, &grant, page).await?;
        names.extend(found.items.into_iter().map(|row| (row.id, row.name)));
        match found.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    Ok(names)
}

pub(super) fn name_in(names: &BTreeMap<TenantId, String>, id: TenantId) -> String {
    names.get(&id).cloned().unwrap_or_else(|| id.to_string())
}

async fn subscriptions_view<T>(
    auth: &Authed<perm::PlanManage, T>,
    cursor: Option<&str>,
    form: Option<FormView>,
) -> Answer<SubscriptionsView> {
    providers_only(auth)?;
    let lang = auth.info.lang;
    let names = merchant_names(auth).await?;
    let page = page_request(Some(20), cursor)?;
    let found = subscriptions::list(&auth.state, &auth.caller.grant()?, page).await?;
    let next_page = found.next.map(|next| format!("{SUBSCRIPTIONS}?cursor={}", cursor_text(&next)));
    let offered = plans::list(&auth.state, &auth.caller.grant()?).await?;
    let choice = |value: String, label: String| Choice { value, label };
    Ok(SubscriptionsView {
        form: form.unwrap_or_default(),
        merchants: names.iter().map(|(id, name)| choice(id.to_string(), name.clone())).collect(),
        plans: offered
            .iter()
            .map(|plan| {
                let name = lang.pick(&plan.name_zh, &plan.name_en);
                choice(plan.id.to_string(), format!("{name} ¥{}", plan.version.terms.monthly_fee))
            })
            .collect(),
        rows: found
            .items
            .into_iter()
            .map(|row| SubscriptionLine {
                id: row.id.to_string(),
                merchant: row.merchant.to_string(),
                merchant_name: name_in(&names, row.merchant),
                plan: lang.pick(&row.plan_name_zh, &row.plan_name_en).to_owned(),
                monthly_fee: row.terms.monthly_fee.get(),
                state: if row.active { "active" } else { "ended" },
                since: row.anchor_date,
            })
            .collect(),
        next_page,
    })
}

async fn subscriptions_page(auth: Authed<perm::PlanManage, Query<PageQuery>>) -> PageAnswer {
    let view = subscriptions_view(&auth, auth.input.0.cursor.as_deref(), None).await?;
    auth.page("billing/subscriptions", view)
}

async fn subscribe(auth: &Authed<perm::PlanManage, Fields>) -> Answer<()> {
    let fields = &auth.input;
    let mut errors = Vec::new();
    let merchant = fields.parsed::<TenantId>("merchant_id", &mut errors);
    let plan = fields.parsed::<PlanId>("plan_id", &mut errors);
    for (name, chosen) in [("merchant_id", merchant.is_some()), ("plan_id", plan.is_some())] {
        if !chosen && fields.text(name).is_empty() {
            errors.push(FieldError::required(name));
        }
    }
    let (Some(merchant), Some(plan)) = (merchant, plan) else { return Err(errors.into()) };
    let offer = offer(&auth.state, &auth.grant, merchant, plan).await?;
    let mut tx = auth.state.db.begin(offer.grant.ctx()).await?;
    subscribe_in(&mut tx, &offer).await?;
    Ok(tx.commit().await?)
}

async fn subscribe_form(auth: Authed<perm::PlanManage, Fields>) -> PageAnswer {
    providers_only(&auth)?;
    match subscribe(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("billing.subscribed"), SUBSCRIPTIONS)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input, &error, auth.info.lang);
            let view = subscriptions_view(&auth, None, Some(form)).await?;
            auth.refused_page("billing/subscriptions", view)
        }
        Err(error) => Err(error),
    }
}

async fn end_subscription_form(auth: Authed<perm::PlanManage, (Path<SubscriptionId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), _) = &auth.input;
    let grant = on_merchant(&auth.state, &auth.grant, *id).await?;
    let terms = issue_terms(&auth.state, grant.ctx()).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    end_in(&auth.state, &mut tx, &terms, *id).await?;
    tx.commit().await?;
    Ok(auth.redirect_with(&Flash::success("billing.ended"), SUBSCRIPTIONS))
}
