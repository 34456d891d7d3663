//! Changing a plan, for a provider's staff and for a merchant's owner: choose, see what it brings to the fen, confirm.

use super::billing::{Choice, providers_only};
use super::billing_subscriptions::{merchant_names, name_in};
use super::money::merchants_only;
use crate::app::money::plan_changes::{self, Changed, change_in, offer, preview, withdraw_in, withdrawal};
use crate::app::money::{plans, subscriptions};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PlanChangeId, PlanId, SubscriptionId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::subscription::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const OWN: &str = "/console/merchant/money/plan";
const MONEY: &str = "/console/merchant/money";
const SUBSCRIPTIONS: &str = "/console/provider/subscriptions";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(OWN, own_page);
    pages.post(OWN, own_form);
    pages.post("/console/merchant/money/plan_changes/{plan_change_id}/withdraw", own_withdraw_form);
    pages.get("/console/provider/subscriptions/{subscription_id}/plan", merchants_page);
    pages.post("/console/provider/subscriptions/{subscription_id}/plan", merchants_form);
    pages.post("/console/provider/plan_changes/{plan_change_id}/withdraw", merchants_withdraw_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct ChangeQuery {
    /// The plan to look at before anything is changed.
    plan_id: Option<String>,
}

#[derive(Serialize)]
struct ChangeView {
    form: FormView,
    /// Where the form goes.
    action: String,
    back: &'static str,
    merchant: Option<String>,
    plan: String,
    fee: i64,
    interval: &'static str,
    /// The change that waits.
    pending: Option<PendingLine>,
    /// The caller may change.
    allowed: bool,
    plans: Vec<Choice>,
    /// What the chosen plan brings.
    chosen: Option<ChosenView>,
    /// Why the chosen one cannot be.
    refused: Option<String>,
}

#[derive(Serialize)]
struct PendingLine {
    plan: String,
    day: String,
    withdraw: String,
}

#[derive(Serialize)]
struct SumLine {
    text: String,
    total: i64,
}

#[derive(Serialize)]
struct OverLine {
    what: &'static str,
    used: i64,
    most: i64,
}

#[derive(Serialize)]
struct ChosenView {
    id: String,
    name: String,
    now: bool,
    direction: &'static str,
    day: String,
    last: String,
    /// Less than nothing, as what the wallet pays.
    credits: Vec<SumLine>,
    used: Vec<SumLine>,
    fee: i64,
    from_wallet: i64,
    due: i64,
    wallet: i64,
    over_limit: Vec<OverLine>,
}

fn chosen_view(lang: Lang, changed: Changed) -> ChosenView {
    let last = changed.period.end.yesterday().unwrap_or(changed.period.end);
    let line = |zh: &str, en: &str, total| SumLine { text: lang.pick(zh, en).to_owned(), total };
    ChosenView {
        id: changed.change.target.plan.to_string(),
        name: lang.pick(&changed.change.target.name_zh, &changed.change.target.name_en).to_owned(),
        now: changed.invoice.is_some(),
        direction: changed.change.direction.as_str(),
        day: changed.change.effective_on,
        last: last.to_string(),
        credits: changed
            .credits
            .iter()
            .flat_map(|credit| &credit.lines)
            .map(|row| line(&row.description_zh, &row.description_en, -row.amounts.total.get()))
            .collect(),
        used: changed
            .used
            .iter()
            .map(|row| line(&row.description_zh, &row.description_en, row.amounts.total.get()))
            .collect(),
        fee: changed.fee.total.get(),
        from_wallet: -changed.from_wallet.get(),
        due: changed.due.get(),
        wallet: changed.wallet.get(),
        over_limit: changed
            .over_limit
            .into_iter()
            .map(|(what, used, most)| OverLine { what: what.as_str(), used, most })
            .collect(),
    }
}

fn in_words<T>(auth: &Authed<perm::PlanChange, T>, error: &ApiError) -> String {
    let lang = auth.info.lang;
    match error.detail() {
        Some(text) => auth.state.pages.catalogue().text(lang, text).to_string(),
        None => lang.pick(error.code().title_zh(), error.code().title_en()).to_owned(),
    }
}

async fn view<T>(
    auth: &Authed<perm::PlanChange, T>,
    of: &Subscription,
    plan: Option<PlanId>,
    refused: Option<String>,
) -> Answer<ChangeView> {
    let lang = auth.info.lang;
    let own = auth.caller.surface() == Surface::Merchant;
    let grant = auth.caller.grant()?;
    let pending = plan_changes::pending(&auth.state, &grant, of).await?;
    let allowed = of.active && (!own || plan_changes::self_service(&auth.state, &auth.grant).await?);
    let (mut chosen, mut refused) = (None, refused);
    if let Some(plan) = plan.filter(|_| allowed && refused.is_none()) {
        let offer = offer(&auth.state, &auth.grant, of.id, plan).await?;
        match preview(&auth.state, &offer).await {
            Ok(changed) => chosen = Some(chosen_view(lang, changed)),
            Err(error) if error.code().status() == 409 => refused = Some(in_words(auth, &error)),
            Err(error) => return Err(error),
        }
    }
    let say = |key: &str| auth.state.pages.catalogue().say(lang, key, []);
    let offered = plans::list(&auth.state, &auth.caller.grant()?).await?;
    let offered = offered.into_iter().filter(|plan| plan.version.id != of.plan_version);
    let merchant = match own {
        true => None,
        false => Some(name_in(&merchant_names(auth).await?, of.merchant)),
    };
    let withdraw = |id: PlanChangeId| {
        let base = if own { MONEY } else { "/console/provider" };
        format!("{base}/plan_changes/{id}/withdraw")
    };
    Ok(ChangeView {
        form: FormView::filled([("plan_id", plan.map(|id| id.to_string()).unwrap_or_default())]),
        action: if own { OWN.to_owned() } else { format!("{SUBSCRIPTIONS}/{}/plan", of.id) },
        back: if own { MONEY } else { SUBSCRIPTIONS },
        merchant,
        plan: lang.pick(&of.plan_name_zh, &of.plan_name_en).to_owned(),
        fee: of.terms.fee.get(),
        interval: of.terms.interval.as_str(),
        pending: pending.filter(|_| allowed).map(|change| PendingLine {
            plan: lang.pick(&change.target.name_zh, &change.target.name_en).to_owned(),
            day: change.effective_on,
            withdraw: withdraw(change.id),
        }),
        allowed,
        plans: offered
            .map(|plan| {
                let (name, terms) = (lang.pick(&plan.name_zh, &plan.name_en), &plan.version.terms);
                let interval = say(&["money.interval_", terms.interval.as_str()].concat());
                let label = format!("{name} ¥{} · {interval}", terms.fee);
                Choice { value: plan.id.to_string(), label }
            })
            .collect(),
        chosen,
        refused,
    })
}

/// The chosen plan; none where nothing is chosen yet.
fn chosen_plan(text: Option<&str>) -> Answer<Option<PlanId>> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| ApiError::not_found()),
    }
}

async fn make(auth: &Authed<perm::PlanChange, impl Sized>, of: &Subscription, fields: &Fields) -> Answer<()> {
    let Some(plan) = chosen_plan(Some(fields.text("plan_id")))? else {
        return Err(ApiError::field(FieldError::required("plan_id")));
    };
    let offer = offer(&auth.state, &auth.grant, of.id, plan).await?;
    let mut tx = auth.state.db.begin(offer.grant.ctx()).await?;
    Box::pin(change_in(&auth.state, &mut tx, &offer)).await?;
    Ok(tx.commit().await?)
}

async fn answer<T>(
    auth: &Authed<perm::PlanChange, T>,
    of: &Subscription,
    fields: &Fields,
    done: Answer<()>,
    back: &str,
) -> PageAnswer {
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("money.plan_changed"), back)),
        Err(error) if matches!(error.code().status(), 409 | 422) => {
            let refused = in_words(auth, &error);
            let plan = chosen_plan(Some(fields.text("plan_id")))?;
            let mut view = view(auth, of, plan, Some(refused)).await?;
            view.form = FormView::refused(fields, error.errors(), auth.info.lang);
            auth.refused_page("money/plan_change", view)
        }
        Err(error) => Err(error),
    }
}

async fn withdraw<T>(auth: &Authed<perm::PlanChange, T>, id: PlanChangeId, back: &str) -> PageAnswer {
    let wanted = withdrawal(&auth.state, &auth.grant, id).await?;
    let mut tx = auth.state.db.begin(wanted.grant.ctx()).await?;
    match withdraw_in(&auth.state, &mut tx, &wanted).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(auth.redirect_with(&Flash::success("money.plan_change_gone"), back))
        }
        Err(error) if error.code().status() == 409 => {
            Ok(auth.redirect_with(&Flash::failure("money.plan_change_made"), back))
        }
        Err(error) => Err(error),
    }
}

async fn own<T>(auth: &Authed<perm::PlanChange, T>) -> Answer<Subscription> {
    merchants_only(auth)?;
    subscriptions::active(&auth.state, &auth.caller.grant()?).await?.ok_or_else(ApiError::not_found)
}

async fn own_page(auth: Authed<perm::PlanChange, Query<ChangeQuery>>) -> PageAnswer {
    let of = own(&auth).await?;
    let view = view(&auth, &of, chosen_plan(auth.input.0.plan_id.as_deref())?, None).await?;
    auth.page("money/plan_change", view)
}

async fn own_form(auth: Authed<perm::PlanChange, Fields>) -> PageAnswer {
    let of = own(&auth).await?;
    let done = make(&auth, &of, &auth.input).await;
    answer(&auth, &of, &auth.input, done, MONEY).await
}

async fn own_withdraw_form(auth: Authed<perm::PlanChange, (Path<PlanChangeId>, Fields)>) -> PageAnswer {
    merchants_only(&auth)?;
    let (Path(id), _) = &auth.input;
    withdraw(&auth, *id, MONEY).await
}

async fn merchants<T>(auth: &Authed<perm::PlanChange, T>, id: SubscriptionId) -> Answer<Subscription> {
    providers_only(auth)?;
    subscriptions::get(&auth.state, &auth.caller.grant()?, id).await
}

async fn merchants_page(
    auth: Authed<perm::PlanChange, (Path<SubscriptionId>, Query<ChangeQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let of = merchants(&auth, *id).await?;
    let view = view(&auth, &of, chosen_plan(query.plan_id.as_deref())?, None).await?;
    auth.page("money/plan_change", view)
}

async fn merchants_form(auth: Authed<perm::PlanChange, (Path<SubscriptionId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let of = merchants(&auth, *id).await?;
    let done = make(&auth, &of, fields).await;
    answer(&auth, &of, fields, done, SUBSCRIPTIONS).await
}

async fn merchants_withdraw_form(auth: Authed<perm::PlanChange, (Path<PlanChangeId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), _) = &auth.input;
    withdraw(&auth, *id, SUBSCRIPTIONS).await
}
