//! The merchants on a provider's plans.

use super::apply::may_be_mended;
use super::billing::{Choice, providers_only};
use crate::app::merchants;
use crate::app::money::invoices::issue_terms;
use crate::app::money::plans;
use crate::app::money::subscriptions::{self, end_in, offer, on_merchant, subscribe_in};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PlanId, SubscriptionId, TenantId};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::subscription::Subscription;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::IntoParams;

const SUBSCRIPTIONS: &str = "/console/provider/subscriptions";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(SUBSCRIPTIONS, subscriptions_page);
    pages.post(SUBSCRIPTIONS, subscribe_form);
    pages.post("/console/provider/subscriptions/{subscription_id}/end", end_subscription_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct SubscriptionLine {
    id: String,
    merchant: String,
    merchant_name: String,
    plan: String,
    fee: i64,
    interval: &'static str,
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
    let line = |row: Subscription| {
        Ok(SubscriptionLine {
            since: row.begins_on()?,
            id: row.id.to_string(),
            merchant: row.merchant.to_string(),
            merchant_name: name_in(&names, row.merchant),
            plan: lang.pick(&row.plan_name_zh, &row.plan_name_en).to_owned(),
            fee: row.terms.fee.get(),
            interval: row.terms.interval.as_str(),
            state: if row.active { "active" } else { "ended" },
        })
    };
    let rows = found.items.into_iter().map(line).collect::<Answer<Vec<_>>>()?;
    let offered = plans::list(&auth.state, &auth.caller.grant()?).await?;
    let choice = |value: String, label: String| Choice { value, label };
    Ok(SubscriptionsView {
        form: form.unwrap_or_default(),
        merchants: names.iter().map(|(id, name)| choice(id.to_string(), name.clone())).collect(),
        plans: offered
            .iter()
            .map(|plan| {
                let name = lang.pick(&plan.name_zh, &plan.name_en);
                choice(plan.id.to_string(), format!("{name} ¥{}", plan.version.terms.fee))
            })
            .collect(),
        rows,
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
