//! `/channel_accounts/{id}/category_applications`, `/qualifications` and what is beside them: categories that a linked shop
//! may sell in, and what became of its applications. Brands are in [`super::shop_brands`].

use crate::app::qualifications::wish::{self, TypedCategory};
use crate::app::qualifications::{self, apply, follow};
use crate::error::Answer;
use crate::http::describe::Accepted;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, MediaId, QualificationId};
use qianpu_domain::qualification::QualificationKind;
use qianpu_sdk::{CategoryPlace, CategoryStep, CategoryTerms};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::qualification::Qualification;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let account = "/channel_accounts/{channel_account_id}";
    let at = |rest: &str| format!("{account}/{rest}");
    api.get(
        &at("approved_categories"),
        list_approved_categories,
        "Categories the shop was approved for, asked of the platform",
    );
    api.get(
        &at("category_search"),
        search_channel_categories,
        "Categories of the platform by words in their names",
    );
    api.get(&at("category_terms"), get_category_terms, "What a category asks for and costs");
    api.post(
        &at("category_applications"),
        apply_for_category,
        "Apply for a category with uploaded documents",
    );
    api.get(&at("qualifications"), list_qualifications, "Applications of an account, newest first");
    let one = "/qualifications/{qualification_id}";
    api.get(one, get_qualification, "One application");
    api.post(&format!("{one}/read"), read_qualification, "Ask the platform how an application stands");
    api.post(
        &format!("{one}/withdraw"),
        withdraw_qualification,
        "Withdraw an application that was not decided",
    );
    api.post(
        &format!("{one}/give_up"),
        give_up_qualification,
        "Say that an application whose answer was lost did not arrive",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryStepView {
    /// The platform's id.
    id: String,
    name: String,
}

fn path(steps: Vec<CategoryStep>) -> Vec<CategoryStepView> {
    steps.into_iter().map(|step| CategoryStepView { id: step.id, name: step.name }).collect()
}

#[derive(Debug, Serialize, ToSchema)]
struct ApprovedCategoryView {
    /// The platform's id.
    category_id: String,
    /// From the root to it; empty when the platform's tree does not have it any more.
    path: Vec<CategoryStepView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ApprovedCategoriesView {
    items: Vec<ApprovedCategoryView>,
}

async fn list_approved_categories(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Json<ApprovedCategoriesView>> {
    let found = qualifications::approved(&auth.state, &auth.grant, auth.input.0).await?;
    let view = |one: qianpu_sdk::ApprovedCategory| ApprovedCategoryView {
        category_id: one.category_id,
        path: path(one.path),
    };
    Ok(Json(ApprovedCategoriesView { items: found.into_iter().map(view).collect() }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CategorySearchQuery {
    /// Words in the names from the root to the category, or its id; needed.
    words: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryPlaceView {
    path: Vec<CategoryStepView>,
    /// Whether the shop has to apply for it.
    needs_application: bool,
}

fn place(one: CategoryPlace) -> CategoryPlaceView {
    CategoryPlaceView { path: path(one.path), needs_application: one.needs_application }
}

#[derive(Debug, Serialize, ToSchema)]
struct CategorySearchView {
    /// Fifty at most.
    items: Vec<CategoryPlaceView>,
}

async fn search_channel_categories(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<CategorySearchQuery>)>,
) -> Answer<Json<CategorySearchView>> {
    let (Path(id), Query(query)) = &auth.input;
    // What is not the caller's is not there, whatever is asked for.
    let words = query.words.as_deref().unwrap_or_default();
    let found = qualifications::search(&auth.state, &auth.grant, *id, words).await?;
    Ok(Json(CategorySearchView { items: found.into_iter().map(place).collect() }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct CategoryTermsQuery {
    /// The platform's id; needed.
    category_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DocumentKindView {
    /// The platform's word for it: the key in an application's `documents`.
    code: String,
    name_zh: String,
    name_en: String,
    mandatory: bool,
    most: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct GoodsQualificationView {
    name: String,
    tips: String,
    mandatory: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryTermsView {
    place: CategoryPlaceView,
    documents: Vec<DocumentKindView>,
    /// Platforms one may name as where the shop sells already.
    elsewhere: Vec<String>,
    /// The platform's words about the qualification.
    tips: String,
    deposit: Option<Money>,
    /// The platform's share of a sale: 500 is 5 %.
    fee_basis_points: Option<i64>,
    /// The same before a reduction.
    usual_fee_basis_points: Option<i64>,
    /// Only shops the platform invites are let in.
    invited_only: bool,
    /// An application has to name an accepted brand of the shop.
    needs_brand: bool,
    /// What goods of the category need beside.
    of_goods: Vec<GoodsQualificationView>,
}

fn terms(one: CategoryTerms) -> CategoryTermsView {
    let document = |kind: qianpu_sdk::DocumentKind| DocumentKindView {
        code: kind.code,
        name_zh: kind.name,
        name_en: kind.name_en,
        mandatory: kind.mandatory,
        most: kind.most,
    };
    let goods = |one: qianpu_sdk::GoodsQualification| GoodsQualificationView {
        name: one.name,
        tips: one.tips,
        mandatory: one.mandatory,
    };
    CategoryTermsView {
        place: place(one.place),
        documents: one.documents.into_iter().map(document).collect(),
        elsewhere: one.elsewhere,
        tips: one.tips,
        deposit: one.deposit.map(Into::into),
        fee_basis_points: one.fee_basis_points,
        usual_fee_basis_points: one.usual_fee_basis_points,
        invited_only: one.invited_only,
        needs_brand: one.needs_brand,
        of_goods: one.of_goods.into_iter().map(goods).collect(),
    }
}

async fn get_category_terms(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<CategoryTermsQuery>)>,
) -> Answer<Json<CategoryTermsView>> {
    let (Path(id), Query(query)) = &auth.input;
    let category_id = query.category_id.as_deref().unwrap_or_default();
    Ok(Json(terms(qualifications::terms(&auth.state, &auth.grant, *id, category_id).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QualificationView {
    #[schema(value_type = String)]
    id: Id<QualificationId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// `category` or `brand`.
    kind: &'static str,
    /// The platform's id of the category or brand.
    subject_id: String,
    subject_name: String,
    /// `sent`: it is being sent; `in_doubt`: the answer was lost; `checking`: the platform looks at it; `accepted`;
    /// `refused`; `withdrawn`; `not_made`: it did not arrive.
    state: &'static str,
    /// The platform's id of the application.
    external_application_id: Option<String>,
    /// The platform's words when it was refused; `account_unusable:` and the account's state when it could not be
    /// told.
    reason: Option<String>,
    /// How many documents it was made with.
    documents: usize,
    #[schema(value_type = String)]
    created_at: Time,
    /// When the platform told of it last.
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
}

pub(super) fn view(one: Qualification) -> QualificationView {
    QualificationView {
        documents: apply::count(&one),
        id: Id(one.id),
        channel_account_id: Id(one.account),
        kind: one.kind.as_str(),
        subject_id: one.subject_id,
        subject_name: one.subject_name,
        state: one.state.as_str(),
        external_application_id: one.application_id,
        reason: one.reason,
        created_at: Time(one.created_at),
        read_at: one.read_at.map(Time),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CategoryApplicationBody {
    /// The platform's id.
    category_id: String,
    /// Kind of document (see `category_terms`) → ids of files that were uploaded with `purpose` `document`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    documents: BTreeMap<String, Vec<Id<MediaId>>>,
    /// A platform where the shop sells already; with `elsewhere_account`.
    #[serde(default)]
    elsewhere_platform: Option<String>,
    #[serde(default)]
    elsewhere_account: Option<String>,
    /// Accepted brands of the shop, by the platform's ids.
    #[serde(default)]
    brand_ids: Vec<String>,
}

async fn apply_for_category(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<CategoryApplicationBody>)>,
) -> Answer<Accepted<QualificationView>> {
    let (Path(id), Json(body)) = &auth.input;
    let ids = |list: &Vec<Id<MediaId>>| list.iter().map(|id| id.0).collect();
    let elsewhere = match (&body.elsewhere_platform, &body.elsewhere_account) {
        (None, None) => None,
        (platform, account) => {
            Some((platform.clone().unwrap_or_default(), account.clone().unwrap_or_default()))
        }
    };
    let typed = TypedCategory {
        category_id: body.category_id.clone(),
        documents: body.documents.iter().map(|(kind, list)| (kind.clone(), ids(list))).collect(),
        elsewhere,
        brand_ids: body.brand_ids.clone(),
    };
    Ok(Accepted(view(wish::for_category(&auth.state, &auth.grant, *id, &typed).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQualificationsQuery {
    /// `category` or `brand`; both without it.
    kind: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_qualifications(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<ListQualificationsQuery>)>,
) -> Answer<Json<Page<QualificationView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let kind = query.kind.as_deref().map(|text| {
        let wrong = || FieldError::new("kind", "unknown", "category or brand", "应为 category 或 brand");
        QualificationKind::from_text(text).ok_or_else(wrong)
    });
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = qualifications::list(&auth.state, &auth.grant, *id, kind.transpose()?, page).await?;
    Ok(Json(Page::of(found, view)))
}

async fn get_qualification(
    auth: Authed<perm::AccountRead, Path<QualificationId>>,
) -> Answer<Json<QualificationView>> {
    Ok(Json(view(qualifications::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn read_qualification(
    auth: Authed<perm::AccountRead, Path<QualificationId>>,
) -> Answer<Json<QualificationView>> {
    Ok(Json(view(follow::look_now(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn withdraw_qualification(
    auth: Authed<perm::ShopDeskManage, Path<QualificationId>>,
) -> Answer<Json<QualificationView>> {
    Ok(Json(view(follow::withdraw(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn give_up_qualification(
    auth: Authed<perm::ShopDeskManage, Path<QualificationId>>,
) -> Answer<Json<QualificationView>> {
    Ok(Json(view(follow::give_up(&auth.state, &auth.grant, auth.input.0).await?)))
}
