//! `/channel_accounts/{id}/shop_brands`, `…/brand_applications`: brands that a linked shop may use, and applying for them.

use super::qualifications::{QualificationView, view};
use crate::app::qualifications;
use crate::app::qualifications::wish::{self, TypedBrand, TypedGrant, TypedMark};
use crate::error::Answer;
use crate::http::describe::{Accepted, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, MediaId};
use qianpu_sdk::{Brand, BrandName, QualificationState};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let at = |rest: &str| format!("/channel_accounts/{{channel_account_id}}/{rest}");
    api.get(&at("shop_brands"), list_shop_brands, "Brands of the shop, asked of the platform");
    api.post(
        &at("shop_brands/remove"),
        remove_shop_brand,
        "Take a brand away from the shop, at the platform",
    );
    api.get(
        &at("known_brands"),
        list_known_brands,
        "Brands of the platform's library by words in their names",
    );
    api.post(&at("brand_applications"), apply_for_brand, "Apply for a brand with uploaded documents");
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopBrandView {
    /// The platform's id.
    brand_id: String,
    name_zh: String,
    name_en: String,
    /// `checking`, `accepted`, `refused`, `withdrawn`, `expiring` (in force, and soon over), `expired`, `unknown`.
    state: &'static str,
    /// The platform's words when it was refused.
    reason: Option<String>,
    /// The class of goods of the trademark.
    class: String,
    /// Whether it is the merchant's own.
    own: Option<bool>,
    #[schema(value_type = Option<String>)]
    until: Option<Time>,
}

pub(in crate::http) const fn brand_state(state: &QualificationState) -> &'static str {
    match state {
        QualificationState::Checking => "checking",
        QualificationState::Accepted => "accepted",
        QualificationState::Refused => "refused",
        QualificationState::Withdrawn => "withdrawn",
        QualificationState::Expiring => "expiring",
        QualificationState::Expired => "expired",
        QualificationState::Unknown(_) => "unknown",
    }
}

fn shop_brand(one: Brand) -> ShopBrandView {
    ShopBrandView {
        brand_id: one.name.brand_id,
        name_zh: one.name.name_zh,
        name_en: one.name.name_en,
        state: brand_state(&one.standing.state),
        reason: one.standing.reason,
        class: one.class,
        own: one.own,
        until: one.until.map(Time),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopBrandsView {
    items: Vec<ShopBrandView>,
    /// Whether the platform has further ones: two hundred are read.
    more: bool,
}

async fn list_shop_brands(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Json<ShopBrandsView>> {
    let told = qualifications::brands(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(ShopBrandsView { items: told.items.into_iter().map(shop_brand).collect(), more: told.more }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveShopBrandBody {
    /// The platform's id.
    brand_id: String,
}

async fn remove_shop_brand(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<RemoveShopBrandBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    qualifications::remove_brand(&auth.state, &auth.grant, *id, &body.brand_id).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct KnownBrandsQuery {
    /// Words in a name, or an id; without it the library from its beginning.
    words: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct KnownBrandView {
    /// The platform's id.
    brand_id: String,
    name_zh: String,
    name_en: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct KnownBrandsView {
    items: Vec<KnownBrandView>,
    /// Where the search goes on: a part of the library is looked through at a time, so `items` may be empty before its end.
    next_cursor: Option<String>,
}

async fn list_known_brands(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<KnownBrandsQuery>)>,
) -> Answer<Json<KnownBrandsView>> {
    let (Path(id), Query(query)) = &auth.input;
    let words = query.words.as_deref().unwrap_or_default();
    let cursor = query.cursor.as_deref();
    let found = qualifications::known_brands(&auth.state, &auth.grant, *id, words, cursor).await?;
    let row = |name: BrandName| KnownBrandView {
        brand_id: name.brand_id,
        name_zh: name.name_zh,
        name_en: name.name_en,
    };
    Ok(Json(KnownBrandsView { items: found.items.into_iter().map(row).collect(), next_cursor: found.next }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrademarkBody {
    /// `registered` (R) or `applied_for` (TM).
    kind: String,
    /// Of `registered`.
    #[serde(default)]
    registrant: Option<String>,
    /// The number of the registration, or of the application.
    number: String,
    /// Of `registered`; without both it is for ever.
    #[serde(default)]
    #[schema(example = "2020-01-01")]
    valid_from: Option<String>,
    #[serde(default)]
    #[schema(example = "2030-01-01")]
    valid_until: Option<String>,
    /// Of `applied_for`: when the office accepted the application.
    #[serde(default)]
    #[schema(example = "2026-01-01")]
    accepted_on: Option<String>,
    /// The certificate, or the notice of acceptance: one.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    certificate_ids: Vec<Id<MediaId>>,
    /// Of `registered`: changes and renewals, up to five.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    renewal_ids: Vec<Id<MediaId>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BrandGrantBody {
    /// Over how many hands the owner allowed it: 1 to 3.
    level: i64,
    /// Without both it is for ever.
    #[serde(default)]
    #[schema(example = "2026-01-01")]
    valid_from: Option<String>,
    #[serde(default)]
    #[schema(example = "2028-01-01")]
    valid_until: Option<String>,
    /// Letters of authority: one to nine.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    letter_ids: Vec<Id<MediaId>>,
    /// The owner's identity papers: up to two.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    owner_paper_ids: Vec<Id<MediaId>>,
}

/// Files are those that were uploaded with `purpose` `document`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BrandApplicationBody {
    /// The platform's id, see `known_brands`.
    brand_id: String,
    /// As the platform's library has it.
    #[serde(default)]
    name_zh: String,
    /// As the platform's library has it.
    #[serde(default)]
    name_en: String,
    /// The class of goods of the trademark: 1 to 45.
    class: i64,
    mark: TrademarkBody,
    /// Null: the brand is the merchant's own.
    #[serde(default)]
    grant: Option<BrandGrantBody>,
}

fn media(list: &[Id<MediaId>]) -> Vec<MediaId> {
    list.iter().map(|id| id.0).collect()
}

fn typed_brand(body: &BrandApplicationBody) -> Result<TypedBrand, FieldError> {
    let mark = &body.mark;
    let registered = match mark.kind.as_str() {
        "registered" => true,
        "applied_for" => false,
        _ => {
            let (en, zh) = ("registered or applied_for", "应为 registered 或 applied_for");
            return Err(FieldError::new("kind", "unknown", en, zh));
        }
    };
    let valid =
        wish::days(("valid_from", mark.valid_from.as_deref()), ("valid_until", mark.valid_until.as_deref()))?;
    let grant = |grant: &BrandGrantBody| {
        let from = ("granted_from", grant.valid_from.as_deref());
        let until = ("granted_until", grant.valid_until.as_deref());
        Ok::<_, FieldError>(TypedGrant {
            level: grant.level,
            valid: wish::days(from, until)?,
            letters: media(&grant.letter_ids),
            owner_papers: media(&grant.owner_paper_ids),
        })
    };
    Ok(TypedBrand {
        brand_id: body.brand_id.clone(),
        name_zh: body.name_zh.clone(),
        name_en: body.name_en.clone(),
        class: body.class,
        mark: TypedMark {
            registrant: registered.then(|| mark.registrant.clone().unwrap_or_default()),
            number: mark.number.clone(),
            valid,
            accepted_at: wish::day("accepted_on", mark.accepted_on.as_deref())?,
            certificates: media(&mark.certificate_ids),
            renewals: media(&mark.renewal_ids),
        },
        granted: body.grant.as_ref().map(grant).transpose()?,
    })
}

async fn apply_for_brand(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<BrandApplicationBody>)>,
) -> Answer<Accepted<QualificationView>> {
    let (Path(id), Json(body)) = &auth.input;
    // What is not the caller's is not there, whatever the body says.
    qualifications::account(&auth.state, &auth.grant, *id).await?;
    Ok(Accepted(view(wish::for_brand(&auth.state, &auth.grant, *id, &typed_brand(body)?).await?)))
}
