//! Changing plans of the alliance, and putting products into it. A commission is typed first and shown beside the one that
//! holds now; only then it can be said to the platform, with what was seen.

use super::alliance::{Share, base, failure, in_path, product_at, said_on_page, told};
use crate::app::channels::alliance;
use crate::app::channels::alliance_plans::{self, Seen};
use crate::app::promotions::goods;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Path3, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{CommissionShare, PlanState, PlanWay, PlanWish};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let at = "/console/merchant/channel_accounts/{channel_account_id}/alliance";
    let plan = format!("{at}/products/{{external_product}}/plans/{{plan}}");
    pages.get(&format!("{at}/add"), add_product_page);
    pages.post(&format!("{at}/add"), add_product_form);
    pages.get(&format!("{plan}/commission"), commission_page);
    pages.post(&format!("{plan}/commission"), change_commission_form);
    pages.post(&format!("{plan}/take_down"), take_plan_down_form);
    pages.post(&format!("{plan}/put_up"), put_plan_up_form);
}

pub(super) fn plan_at(id: ChannelAccountId, product: &str, plan: &str) -> String {
    format!("{}/plans/{}", product_at(id, product), in_path(plan))
}

/// A commission as it was typed, if anything was.
fn typed(text: Option<&str>) -> Option<Result<i64, FieldError>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    // What is no whole number is out of every range.
    let percent = text.trim_end_matches('%').trim_end().parse().unwrap_or(-1);
    Some(alliance_plans::check(percent).map(|()| percent))
}

/// The form with what was typed, and the commission where it is one.
fn form_of<T>(
    auth: &Authed<perm::PromotionManage, T>,
    product: Option<&str>,
    percent: Option<&str>,
) -> (FormView, Option<i64>) {
    let fields = [("product", product), ("percent", percent)].into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    let fields = Fields(fields);
    match typed(percent) {
        Some(Err(error)) => (FormView::refused(&fields, &[error], auth.info.lang), None),
        found => (FormView::filled(fields.0), found.and_then(Result::ok)),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
struct CommissionQuery {
    percent: Option<String>,
}

/// What would be said to the platform, with what was seen.
#[derive(Serialize)]
struct Confirm {
    percent: i64,
    /// What holds now.
    share: Option<Share>,
    state: &'static str,
    parts: Option<i64>,
    of: Option<i64>,
    /// It holds already.
    same: bool,
    /// The plan was taken down, and this puts it up.
    puts_up: bool,
    /// Times go along.
    timed: bool,
}

#[derive(Serialize)]
struct CommissionView {
    back: String,
    at: String,
    product: String,
    id: String,
    form: FormView,
    trouble: Option<String>,
    asked: bool,
    state: &'static str,
    share: Option<Share>,
    /// Whether enough is known of the plan to change it.
    takes: bool,
    confirm: Option<Confirm>,
}

type PlanPath = Path3<ChannelAccountId, String, String>;

async fn commission_page(
    auth: Authed<perm::PromotionManage, (PlanPath, Query<CommissionQuery>)>,
) -> PageAnswer {
    let (Path3(id, product, plan), Query(query)) = &auth.input;
    alliance::account(&auth.state, &auth.grant, *id).await?;
    let here = alliance::here(&auth.state, &auth.grant, *id, product).await?;
    let at = plan_at(*id, product, plan);
    let (form, percent) = form_of(&auth, None, query.percent.as_deref());
    let mut view = CommissionView {
        back: at.clone(),
        at,
        id: plan.clone(),
        product: here.map_or_else(|| product.clone(), |here| here.title),
        form,
        trouble: None,
        asked: false,
        state: "other",
        share: None,
        takes: false,
        confirm: None,
    };
    let found = alliance::plan(&auth.state, &auth.grant, *id, product, plan).await;
    if let Some(found) = told(&auth, &mut view.trouble, found)? {
        view.asked = true;
        if let Some(terms) = found.terms {
            let wish = PlanWish::Commission { percent: percent.unwrap_or_default() };
            view.state = terms.state.as_str();
            view.share = terms.commission.map(Into::into);
            view.takes = terms.takes(&wish);
            view.confirm = percent.filter(|_| view.takes).map(|percent| Confirm {
                percent,
                share: terms.commission.map(Into::into),
                state: terms.state.as_str(),
                parts: terms.commission.map(|share| share.parts),
                of: terms.commission.map(|share| share.of),
                same: terms.fulfils(&wish),
                puts_up: terms.state == PlanState::Off,
                timed: terms.way != PlanWay::Ordinary,
            });
        }
    }
    auth.page("channels/alliance_commission", view)
}

type Changing = Authed<perm::PromotionManage, (PlanPath, Fields)>;

fn seen(fields: &Fields) -> Seen {
    let number = |name: &str| fields.text(name).parse::<i64>().ok();
    let commission = number("parts").zip(number("of"));
    Seen {
        state: fields.text("state").to_owned(),
        commission: commission.map(|(parts, of)| CommissionShare { parts, of }),
    }
}

/// Back to the plan, which is read again there, with what came of it.
async fn after(auth: &Changing, wish: PlanWish, done: Flash) -> PageAnswer {
    let (Path3(id, product, plan), fields) = &auth.input;
    let (state, grant) = (&auth.state, &auth.grant);
    let outcome =
        alliance_plans::change(state, grant, *id, (product, plan), wish, &seen(fields)).await.map(|_| done);
    let flash = said(auth, outcome)?;
    Ok(auth.redirect_with(&flash, &plan_at(*id, product, plan)))
}

fn said<T>(auth: &Authed<perm::PromotionManage, T>, outcome: Answer<Flash>) -> Result<Flash, ApiError> {
    match outcome {
        Err(error) if said_on_page(&error) => Ok(failure(auth, &error)),
        outcome => outcome,
    }
}

async fn change_commission_form(auth: Changing) -> PageAnswer {
    let percent = typed(Some(auth.input.1.text("percent")));
    // What is no commission is refused after it was looked whose the account is.
    let percent = percent.and_then(Result::ok).unwrap_or(-1);
    let done = Flash::success("alliance.changed_done").with("percent", percent);
    after(&auth, PlanWish::Commission { percent }, done).await
}

async fn take_plan_down_form(auth: Changing) -> PageAnswer {
    after(&auth, PlanWish::TakeDown, Flash::success("alliance.taken_down_done")).await
}

async fn put_plan_up_form(auth: Changing) -> PageAnswer {
    after(&auth, PlanWish::PutUp, Flash::success("alliance.put_up_done")).await
}

#[derive(Debug, Deserialize, IntoParams)]
struct AddProductQuery {
    product: Option<String>,
    percent: Option<String>,
}

#[derive(Serialize)]
struct ProductChoice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct Addition {
    product: String,
    title: String,
    percent: i64,
}

#[derive(Serialize)]
struct AddView {
    back: String,
    at: String,
    form: FormView,
    products: Vec<ProductChoice>,
    confirm: Option<Addition>,
}

async fn add_product_page(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Query<AddProductQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    alliance::account(&auth.state, &auth.grant, *id).await?;
    let product = query.product.as_deref().map(str::trim).filter(|product| !product.is_empty());
    let listed = goods::list(&auth.state, &auth.grant, *id).await?.into_iter();
    let choice = |one: goods::Goods| ProductChoice { value: one.native_product_id, label: one.title };
    let mut products: Vec<ProductChoice> = listed.map(choice).collect();
    if let Some(product) = product.filter(|product| products.iter().all(|one| one.value != **product)) {
        products.push(ProductChoice { value: product.to_owned(), label: product.to_owned() });
    }
    let (form, percent) = form_of(&auth, product, query.percent.as_deref());
    let chosen = products.iter().find(|one| Some(one.value.as_str()) == product);
    let confirm = chosen.zip(percent).map(|(one, percent)| Addition {
        product: one.value.clone(),
        title: one.label.clone(),
        percent,
    });
    let view = AddView {
        back: format!("{}?part=products", base(*id)),
        at: format!("{}/add", base(*id)),
        form,
        products,
        confirm,
    };
    auth.page("channels/alliance_add", view)
}

async fn add_product_form(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let product = fields.text("product");
    let percent = typed(Some(fields.text("percent"))).and_then(Result::ok).unwrap_or(-1);
    let added = alliance_plans::add(&auth.state, &auth.grant, *id, product, percent).await;
    let to = match &added {
        Ok(Some(plan)) => plan_at(*id, product, &plan.plan.id),
        _ => product_at(*id, product),
    };
    let done = Flash::success("alliance.added_done").with("percent", percent);
    Ok(auth.redirect_with(&said(&auth, added.map(|_| done))?, &to))
}
