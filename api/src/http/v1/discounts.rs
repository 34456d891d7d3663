//! `/channel_accounts/{id}/discounts` and `/discounts`: limited-time discounts of listed products.

use crate::app::promotions::Reading;
use crate::app::promotions::discounts::{self, Shown, TypedDiscount, TypedSku};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::ids::{ChannelAccountId, DiscountId, ListingId, SkuId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let discounts = "/channel_accounts/{channel_account_id}/discounts";
    api.get(discounts, list_discounts, "Limited-time discounts of an account, newest first");
    api.post(discounts, make_discount, "Ask the platform for a limited-time discount of a listed product");
    api.post(
        &format!("{discounts}/read"),
        read_discounts,
        "Read all discounts of the account at the platform",
    );
    let one = "/discounts/{discount_id}";
    api.get(one, get_discount, "One limited-time discount");
    api.post(
        &format!("{one}/stop"),
        stop_discount,
        "Stop a discount that is not over; it cannot begin again",
    );
    api.delete(one, delete_discount, "Take a discount away that is over, at the platform too");
}

#[derive(Debug, Serialize, ToSchema)]
struct DiscountSkuView {
    /// The SKU's id at the platform.
    external_sku_id: String,
    /// Ours; null where it is not one of ours.
    #[schema(value_type = Option<String>)]
    sku_id: Option<Id<SkuId>>,
    /// The price while it lasts.
    price: Money,
    quantity: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct DiscountView {
    #[schema(value_type = String)]
    id: Id<DiscountId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// Our listing of the product; null where it is not one of ours.
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
    /// The product's id at the platform.
    external_product_id: String,
    /// Its title here, where it is one of ours.
    title: Option<String>,
    /// The platform's id of the discount; null before it told one.
    external_id: Option<String>,
    /// `asked`: the platform is being asked; `unclear`: its answer was lost, read the discounts or ask again; `refused`;
    /// `absent`: the answer was lost and the platform does not have it; `ahead`, `running`, `ended`; `gone`: it does not
    /// have it any more; `unknown`.
    state: &'static str,
    /// The platform's raw state, where it is one we do not know.
    native_state: String,
    #[schema(value_type = String)]
    starts_at: Time,
    #[schema(value_type = String)]
    ends_at: Time,
    skus: Vec<DiscountSkuView>,
    /// The platform's words when it did not take it.
    refusal: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    /// When the platform told of it last.
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
}

fn view(shown: Shown) -> DiscountView {
    let Shown { row, state, title, skus } = shown;
    DiscountView {
        id: Id(row.id),
        channel_account_id: Id(row.account),
        listing_id: row.terms.listing.map(Id),
        external_product_id: row.terms.native_product_id,
        title,
        external_id: row.external_id,
        state: state.as_str(),
        native_state: row.native_state,
        starts_at: Time(row.terms.starts_at),
        ends_at: Time(row.terms.ends_at),
        skus: skus
            .into_iter()
            .map(|sku| DiscountSkuView {
                external_sku_id: sku.native_sku_id,
                sku_id: sku.sku.map(Id),
                price: sku.price.into(),
                quantity: sku.quantity,
            })
            .collect(),
        refusal: row.refusal,
        created_at: Time(row.created_at),
        read_at: row.read_at.map(Time),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListDiscountsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_discounts(
    auth: Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<ListDiscountsQuery>)>,
) -> Answer<Json<Page<DiscountView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(discounts::list(&auth.state, &auth.grant, *account, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiscountSkuBody {
    #[schema(value_type = String)]
    sku_id: Id<SkuId>,
    /// Below the price it is sold at there.
    price: Money,
    /// At most what is in stock there.
    quantity: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeDiscountBody {
    /// A product that is listed at this account and has no discount that is not over.
    #[schema(value_type = String)]
    listing_id: Id<ListingId>,
    /// Whole seconds; up to ten minutes ago.
    #[schema(value_type = String, example = "2026-11-22T11:00:00Z")]
    starts_at: Time,
    #[schema(value_type = String, example = "2026-11-22T13:00:00Z")]
    ends_at: Time,
    skus: Vec<DiscountSkuBody>,
}

async fn make_discount(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Json<MakeDiscountBody>)>,
) -> Answer<Created<DiscountView>> {
    let (Path(account), Json(body)) = &auth.input;
    let mut skus = Vec::with_capacity(body.skus.len());
    for (index, sku) in body.skus.iter().enumerate() {
        let price = sku.price.fen(&format!("skus[{index}].price"))?;
        skus.push(TypedSku { sku: sku.sku_id.0, price, quantity: sku.quantity });
    }
    let (listing, starts_at, ends_at) = (body.listing_id.0, body.starts_at.0, body.ends_at.0);
    let typed = TypedDiscount { listing, starts_at, ends_at, skus };
    Ok(Created(view(discounts::make(&auth.state, &auth.grant, *account, &typed).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
struct DiscountReadingView {
    /// How many discounts the platform told of.
    told: usize,
    /// Whether it has further ones: the newest thousand are read.
    more: bool,
}

async fn read_discounts(
    auth: Authed<perm::PromotionManage, Path<ChannelAccountId>>,
) -> Answer<Json<DiscountReadingView>> {
    let Reading { told, more } = discounts::read_back(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(DiscountReadingView { told, more }))
}

async fn get_discount(auth: Authed<perm::PromotionRead, Path<DiscountId>>) -> Answer<Json<DiscountView>> {
    Ok(Json(view(discounts::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn stop_discount(auth: Authed<perm::PromotionManage, Path<DiscountId>>) -> Answer<Json<DiscountView>> {
    Ok(Json(view(discounts::stop(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn delete_discount(auth: Authed<perm::PromotionManage, Path<DiscountId>>) -> Answer<NoContent> {
    discounts::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
