//! Categories: what the shop was approved for, a search among all, and the form that applies for one.

use super::{ApplicationRow, Kept, Sent, Shop, Typed, after, applications, nothing_kept, of_account, words};
use crate::app::qualifications;
use crate::app::qualifications::wish::{self, TypedCategory};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::FormView;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::qualification::QualificationKind;
use qianpu_sdk::{CategoryPlace, CategoryStep, CategoryTerms};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let categories = "/console/merchant/channel_accounts/{channel_account_id}/categories";
    pages.get(categories, categories_of_account_page);
    pages.get(&format!("{categories}/apply"), apply_for_category_page);
    pages.post(&format!("{categories}/apply"), apply_for_category_form);
}

#[derive(Deserialize, IntoParams)]
struct CategoriesQuery {
    words: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct CategoryRow {
    id: String,
    name: String,
    needs_application: bool,
}

fn named(path: &[CategoryStep]) -> String {
    path.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" / ")
}

fn found(place: CategoryPlace) -> CategoryRow {
    let id = place.path.last().map(|step| step.id.clone()).unwrap_or_default();
    CategoryRow { id, name: named(&place.path), needs_application: place.needs_application }
}

#[derive(Serialize)]
struct CategoriesView {
    shop: Shop,
    at: String,
    words: String,
    searched: bool,
    found: Vec<CategoryRow>,
    approved: Vec<CategoryRow>,
    applications: Vec<ApplicationRow>,
    next_page: Option<String>,
    /// What went wrong when the platform was asked.
    trouble: Option<String>,
}

async fn categories_of_account_page(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<CategoriesQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let account = qualifications::account(&auth.state, &auth.grant, *id).await?;
    let kind = QualificationKind::Category;
    let (applications, next) = applications(&auth, *id, kind, query.cursor.as_deref()).await?;
    let typed = query.words.clone().unwrap_or_default();
    let mut trouble = None;
    let mut results = Vec::new();
    if !typed.trim().is_empty() {
        match qualifications::search(&auth.state, &auth.grant, *id, &typed).await {
            Ok(places) => results = places.into_iter().map(found).collect(),
            Err(error) => trouble = Some(words(&auth, error)?),
        }
    }
    let mut approved = Vec::new();
    match qualifications::approved(&auth.state, &auth.grant, *id).await {
        Ok(list) => {
            let row = |one: qianpu_sdk::ApprovedCategory| CategoryRow {
                name: named(&one.path),
                id: one.category_id,
                needs_application: true,
            };
            approved = list.into_iter().map(row).collect();
        }
        Err(error) => trouble = Some(words(&auth, error)?),
    }
    let at = of_account(*id, "categories");
    let view = CategoriesView {
        shop: Shop::of(&auth.caller, &account, "categories"),
        searched: !typed.trim().is_empty() && trouble.is_none(),
        words: typed,
        found: results,
        approved,
        applications,
        next_page: next.map(|next| format!("{at}?cursor={next}")),
        trouble,
        at,
    };
    auth.page("qualifications/categories", view)
}

#[derive(Deserialize, IntoParams)]
struct WhichCategory {
    category_id: Option<String>,
}

#[derive(Serialize)]
struct DocumentField {
    field: String,
    name: String,
    mandatory: bool,
    most: usize,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct GoodsRow {
    name: String,
    mandatory: bool,
}

#[derive(Serialize)]
struct BrandBox {
    value: String,
    label: String,
    checked: bool,
}

#[derive(Serialize)]
struct CategoryFormView {
    form: FormView,
    shop: Shop,
    at: String,
    back: String,
    id: String,
    name: String,
    needs_application: bool,
    documents: Vec<DocumentField>,
    kept: Kept,
    /// What it costs: the deposit in fen, the share of a sale in percent.
    deposit: Option<i64>,
    fee: Option<String>,
    usual_fee: Option<String>,
    tips: String,
    invited_only: bool,
    needs_brand: bool,
    of_goods: Vec<GoodsRow>,
    elsewhere: Vec<Choice>,
    brands: Vec<BrandBox>,
    most_kilobytes: usize,
}

/// Basis points as percent: 525 is 5.25.
fn percent(points: i64) -> String {
    let (whole, rest) = (points / 100, points.rem_euclid(100));
    let text = format!("{whole}.{rest:02}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn names(terms: &CategoryTerms) -> Vec<String> {
    terms.documents.iter().map(|kind| format!("documents.{}", kind.code)).collect()
}

/// What the form shows of a category.
struct Known {
    account: ChannelAccount,
    terms: CategoryTerms,
    brands: Vec<qianpu_sdk::BrandName>,
}

async fn known<T>(
    auth: &Authed<perm::ShopDeskManage, T>,
    id: ChannelAccountId,
    category_id: &str,
) -> Answer<Known> {
    let account = qualifications::account(&auth.state, &auth.grant, id).await?;
    let terms = qualifications::terms(&auth.state, &auth.grant, id, category_id).await?;
    let brands = match terms.needs_brand {
        true => wish::accepted_brands(&auth.state, &auth.grant, id).await?,
        false => Vec::new(),
    };
    Ok(Known { account, terms, brands })
}

fn form_view<T>(
    auth: &Authed<perm::ShopDeskManage, T>,
    known: Known,
    form: FormView,
    kept: Kept,
    chosen: &[String],
) -> CategoryFormView {
    let Known { account, terms, brands } = known;
    let lang = auth.info.lang;
    let platform = |code: String| Choice {
        label: auth.state.pages.catalogue().say(lang, &["qualifications.platform_", &code].concat(), []),
        value: code,
    };
    let document = |kind: &qianpu_sdk::DocumentKind| DocumentField {
        field: format!("documents.{}", kind.code),
        name: if lang == Lang::Zh { kind.name.clone() } else { kind.name_en.clone() },
        mandatory: kind.mandatory,
        most: kind.most,
    };
    let boxed = |name: qianpu_sdk::BrandName| BrandBox {
        label: [name.name_zh.as_str(), name.name_en.as_str()].join(" ").trim().to_owned(),
        checked: chosen.contains(&name.brand_id),
        value: name.brand_id,
    };
    let back = of_account(account.id, "categories");
    CategoryFormView {
        form,
        shop: Shop::of(&auth.caller, &account, "categories"),
        at: format!("{back}/apply"),
        back,
        id: terms.place.path.last().map(|step| step.id.clone()).unwrap_or_default(),
        name: named(&terms.place.path),
        needs_application: terms.place.needs_application,
        documents: terms.documents.iter().map(document).collect(),
        kept,
        deposit: terms.deposit.map(|deposit| deposit.get()),
        usual_fee: terms
            .usual_fee_basis_points
            .filter(|usual| Some(*usual) != terms.fee_basis_points)
            .map(percent),
        fee: terms.fee_basis_points.map(percent),
        tips: terms.tips,
        invited_only: terms.invited_only,
        needs_brand: terms.needs_brand,
        of_goods: terms
            .of_goods
            .into_iter()
            .map(|one| GoodsRow { name: one.name, mandatory: one.mandatory })
            .collect(),
        elsewhere: terms.elsewhere.into_iter().map(platform).collect(),
        brands: brands.into_iter().map(boxed).collect(),
        most_kilobytes: auth.state.config.qualifications.document_max_bytes / 1024,
    }
}

async fn apply_for_category_page(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Query<WhichCategory>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let category_id = query.category_id.clone().unwrap_or_default();
    match known(&auth, *id, &category_id).await {
        Ok(known) => {
            let form = FormView::filled([("category_id", category_id)]);
            let kept = nothing_kept(&names(&known.terms));
            let view = form_view(&auth, known, form, kept, &[]);
            auth.page("qualifications/category_form", view)
        }
        // Without the platform there is no form: back to where the reason is shown.
        Err(error) => back_with(&auth, *id, error),
    }
}

fn back_with<T>(auth: &Authed<perm::ShopDeskManage, T>, id: ChannelAccountId, error: ApiError) -> PageAnswer {
    after::<_, _, ()>(auth, &of_account(id, "categories"), Err(error), "")
}

async fn apply_for_category_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Sent)>,
) -> PageAnswer {
    let (Path(id), sent) = &auth.input;
    let category_id = sent.fields.text("category_id").to_owned();
    let known = match known(&auth, *id, &category_id).await {
        Ok(known) => known,
        Err(error) => return back_with(&auth, *id, error),
    };
    let names = names(&known.terms);
    let typed = Typed::read(&auth, sent, &names).await?;
    let (platform, name) = (typed.text("elsewhere_platform"), typed.text("elsewhere_account"));
    let wanted = TypedCategory {
        category_id,
        documents: known
            .terms
            .documents
            .iter()
            .map(|kind| (kind.code.clone(), typed.documents(&format!("documents.{}", kind.code))))
            .filter(|(_, ids)| !ids.is_empty())
            .collect(),
        elsewhere: (!platform.is_empty() || !name.is_empty()).then_some((platform, name)),
        brand_ids: typed.fields.all("brand_ids").map(str::to_owned).collect(),
    };
    let outcome = match typed.errors.is_empty() {
        true => wish::for_category(&auth.state, &auth.grant, *id, &wanted).await,
        false => Err(ApiError::fields(typed.errors.clone())),
    };
    match outcome {
        Ok(_) => after(&auth, &of_account(*id, "categories"), Ok(()), "qualifications.was_sent"),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&typed.shown(&names), &error, auth.info.lang);
            let view = form_view(&auth, known, form, typed.kept(&names), &wanted.brand_ids);
            auth.refused_page("qualifications/category_form", view)
        }
        Err(error) => Err(error),
    }
}
