//! `/listings`: products on channel accounts.

use crate::app::listings::brand::{self, ChosenBrand};
use crate::app::listings::{self, Publish, SkuDrift};
use crate::error::{Answer, ApiError};
use crate::http::describe::{Accepted, NoContent};
use crate::http::extract::{Authed, Call, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ProductId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::listing::{ListingFilter, ListingRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Pairs in one batch.
const MOST_TARGETS: usize = 100;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/listings", publish_listing, "Publish a product on a channel account, in its newest version");
    api.post(
        "/listings/batch",
        publish_listings,
        "Publish a product on several accounts; a result per account",
    );
    api.get("/listings", list_listings, "Listings, newest first");
    api.get("/listings/{listing_id}", get_listing, "A listing, with its stock beside the channel's");
    api.post("/listings/{listing_id}/delist", delist_listing, "Take a product off the channel's shelf");
    api.post("/listings/{listing_id}/refresh", refresh_listing, "Ask the platform for the truth");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishBody {
    #[schema(value_type = String)]
    product_id: Id<ProductId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// The channel's category ids; left out = those of before, else the account's default.
    category_path: Option<Vec<String>>,
    /// Attributes that the category asks for, name → value; left out = those of before.
    attributes: Option<BTreeMap<String, String>>,
    /// The platform's id of a brand it accepted for the account; empty = no brand; left out = that of before.
    brand_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ListingBody {
    id: String,
    shop_id: String,
    product_id: String,
    channel_account_id: String,
    /// `queued`, `publishing`, `in_audit`, `listed`, `refused` or `delisted`.
    state: &'static str,
    /// The platform's words for a refusal or for taking it off.
    reason: Option<String>,
    /// The product's version that is wanted at the channel.
    wanted_version: i64,
    /// The version last sent.
    sent_version: Option<i64>,
    /// The version on sale.
    published_version: Option<i64>,
    external_product_id: Option<String>,
    /// The platform's raw states.
    native_state: Option<String>,
    category_path: Vec<String>,
    attributes: BTreeMap<String, String>,
    /// The platform's id of the brand it is published with.
    brand_id: Option<String>,
    /// Its name when it was chosen.
    brand_name: Option<String>,
    warnings: Vec<String>,
    #[schema(value_type = String)]
    updated_at: Time,
}

impl From<ListingRow> for ListingBody {
    fn from(row: ListingRow) -> Self {
        let (brand_id, brand_name) = row.brand.map(|brand| (brand.id, brand.name)).unzip();
        Self {
            id: row.id.to_string(),
            shop_id: row.shop.to_string(),
            product_id: row.product.to_string(),
            channel_account_id: row.account.to_string(),
            state: row.listing.state.as_str(),
            reason: row.listing.reason,
            wanted_version: row.listing.wanted_version,
            sent_version: row.listing.sent_version,
            published_version: row.listing.listed_version,
            external_product_id: row.native_product_id,
            native_state: row.native_state,
            category_path: row.category_path,
            attributes: row.attributes,
            brand_id,
            brand_name,
            warnings: row.warnings,
            updated_at: Time(row.updated_at),
        }
    }
}

async fn publish_listing(
    auth: Authed<perm::ListingWrite, Json<PublishBody>>,
) -> Answer<Accepted<ListingBody>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let brand = match &body.brand_id {
        Some(typed) => Some(brand::choose(&call.state, &grant, body.channel_account_id.0, typed).await?),
        None => None,
    };
    let command = Publish {
        product: body.product_id.0,
        account: body.channel_account_id.0,
        category_path: body.category_path,
        attributes: body.attributes,
        brand,
    };
    Ok(Accepted(listings::publish(&call.state, &grant, &command).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishBatchBody {
    #[schema(value_type = Vec<String>)]
    product_ids: Vec<Id<ProductId>>,
    #[schema(value_type = Vec<String>)]
    channel_account_ids: Vec<Id<ChannelAccountId>>,
    category_path: Option<Vec<String>>,
    /// Account → the platform's id of a brand it accepted for it; empty = no brand; an account left out keeps those of before.
    #[serde(default)]
    brand_ids: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PublishBatchAnswer {
    results: Vec<PublishResult>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PublishResult {
    product_id: String,
    channel_account_id: String,
    /// What became of it; null when it was refused.
    listing: Option<ListingBody>,
    /// Code of the refusal.
    error: Option<&'static str>,
    /// The refusal in the caller's language.
    message: Option<String>,
}

async fn publish_listings(
    auth: Authed<perm::ListingWrite, Json<PublishBatchBody>>,
) -> Answer<Json<PublishBatchAnswer>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let pairs = body.product_ids.len().saturating_mul(body.channel_account_ids.len());
    if pairs == 0 || pairs > MOST_TARGETS {
        let (en, zh) = (
            format!("1 to {MOST_TARGETS} pairs of product and account"),
            format!("商品与账号的组合应为 1 到 {MOST_TARGETS} 个"),
        );
        return Err(FieldError::new("channel_account_ids", "out_of_range", en, zh).into());
    }
    let brands = brands_of(&call, &grant, &body).await?;
    let mut results = Vec::with_capacity(pairs);
    for product in &body.product_ids {
        for account in &body.channel_account_ids {
            let brand = match brands.get(&account.0) {
                None => None,
                Some(Ok(brand)) => Some(brand.clone()),
                Some(Err((error, message))) => {
                    results.push(PublishResult {
                        product_id: product.0.to_string(),
                        channel_account_id: account.0.to_string(),
                        listing: None,
                        error: Some(*error),
                        message: Some(message.clone()),
                    });
                    continue;
                }
            };
            let command = Publish {
                product: product.0,
                account: account.0,
                category_path: body.category_path.clone(),
                attributes: None,
                brand,
            };
            let outcome = listings::publish(&call.state, &grant, &command).await;
            results.push(result(&call, &command, outcome)?);
        }
    }
    Ok(Json(PublishBatchAnswer { results }))
}

/// A brand that was chosen for an account, or why it cannot be that one: code and words.
type Choice = Result<ChosenBrand, (&'static str, String)>;

/// The brands that are named, each asked for once.
async fn brands_of(
    call: &Call,
    grant: &Grant<perm::ListingWrite>,
    body: &PublishBatchBody,
) -> Answer<BTreeMap<ChannelAccountId, Choice>> {
    let mut brands = BTreeMap::new();
    for (account, typed) in &body.brand_ids {
        let found = body.channel_account_ids.iter().find(|one| one.0.to_string() == *account);
        let Some(Id(account)) = found else {
            let (en, zh) = ("not one of `channel_account_ids`", "不在 channel_account_ids 之中");
            return Err(FieldError::new(format!("brand_ids.{account}"), "unknown", en, zh).into());
        };
        let choice = match brand::choose(&call.state, grant, *account, typed).await {
            Ok(brand) => Ok(brand),
            Err(error) if error.code().status() < 500 => Err((error.code().as_str(), words(call, &error))),
            Err(error) => return Err(error),
        };
        brands.insert(*account, choice);
    }
    Ok(brands)
}

/// A refusal in the caller's language; of a field, what is wrong with it.
fn words(call: &Call, error: &ApiError) -> String {
    let (lang, code) = (call.info.lang, error.code());
    let title = lang.pick(code.title_zh(), code.title_en());
    error.errors().first().map_or(title, |field| lang.pick(&field.message_zh, &field.message_en)).to_owned()
}

/// A refusal is the result of its pair; a failure of ours ends the whole call.
fn result(call: &Call, command: &Publish, outcome: Answer<ListingRow>) -> Answer<PublishResult> {
    let (listing, error) = match outcome {
        Ok(row) => (Some(row.into()), None),
        Err(error) if error.code().status() < 500 => (None, Some(error)),
        Err(error) => return Err(error),
    };
    Ok(PublishResult {
        product_id: command.product.to_string(),
        channel_account_id: command.account.to_string(),
        listing,
        error: error.as_ref().map(|error| error.code().as_str()),
        message: error.as_ref().map(|error| words(call, error)),
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListingQuery {
    #[param(value_type = Option<String>)]
    product_id: Option<Id<ProductId>>,
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    /// One state.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_listings(
    auth: Authed<perm::ListingRead, Query<ListingQuery>>,
) -> Answer<Json<Page<ListingBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let filter = ListingFilter {
        product: query.product_id.map(|id| id.0),
        account: query.channel_account_id.map(|id| id.0),
        shops: None,
        state: state_of(query.state.as_deref())?,
    };
    let found = listings::list(&auth.state, &auth.grant, filter, page).await?;
    Ok(Json(Page::of(found, ListingBody::from)))
}

pub(in crate::http) fn state_of(word: Option<&str>) -> Result<Option<ListingState>, ApiError> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Ok(None) };
    let state = ListingState::from_text(word);
    let unknown =
        || FieldError::new("state", "unknown", "no such state of a listing", "没有这种渠道商品状态");
    Ok(Some(state.ok_or_else(unknown)?))
}

#[derive(Debug, Serialize, ToSchema)]
struct ListingDetailBody {
    #[serde(flatten)]
    listing: ListingBody,
    product_title: String,
    /// The product's version now.
    product_version: i64,
    channel_account_name: String,
    skus: Vec<ListingSkuBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ListingSkuBody {
    sku_id: String,
    values: Vec<String>,
    external_sku_id: Option<String>,
    /// What the channel should offer.
    wanted_stock: i64,
    /// What was last set there.
    pushed_stock: Option<i64>,
    #[schema(value_type = Option<String>)]
    pushed_at: Option<Time>,
    error: Option<String>,
}

impl From<SkuDrift> for ListingSkuBody {
    fn from(drift: SkuDrift) -> Self {
        Self {
            sku_id: drift.sku.sku.to_string(),
            values: drift.values,
            external_sku_id: drift.sku.native_sku_id,
            wanted_stock: drift.wanted_stock,
            pushed_stock: drift.sku.pushed_stock,
            pushed_at: drift.sku.pushed_at.map(Time),
            error: drift.sku.error_text,
        }
    }
}

async fn get_listing(auth: Authed<perm::ListingRead, Path<ListingId>>) -> Answer<Json<ListingDetailBody>> {
    let detail = listings::get(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(ListingDetailBody {
        listing: detail.row.into(),
        product_title: detail.product.title,
        product_version: detail.product.version,
        channel_account_name: detail.account_name,
        skus: detail.skus.into_iter().map(ListingSkuBody::from).collect(),
    }))
}

async fn delist_listing(auth: Authed<perm::ListingWrite, Path<ListingId>>) -> Answer<Accepted<ListingBody>> {
    Ok(Accepted(listings::delist(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn refresh_listing(auth: Authed<perm::ListingWrite, Path<ListingId>>) -> Answer<NoContent> {
    listings::refresh(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
