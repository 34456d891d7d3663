//! `/listing_rules` and `/listing_previews`: what makes a product another at each account, and what it would be there.

use crate::app::listings::rules::{self, Preview, RuleView};
use crate::error::{Answer, ApiError};
use crate::http::describe::Versioned;
use crate::http::extract::{Authed, Call, IfMatch, Json, Path};
use crate::http::route::Api;
use crate::http::wire::Id;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ProductId};
use qianpu_domain::listing_rule::{LeftOut, ListingRule};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::listing_rule::RuleOwner;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Pairs of product and account in one preview.
const MOST_PAIRS: usize = 100;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/listing_rules", get_listing_rules, "The merchant's rules of listings, for every account");
    api.put("/listing_rules", change_listing_rules, "Set the merchant's rules of listings");
    api.get(
        "/channel_accounts/{channel_account_id}/listing_rules",
        get_account_listing_rules,
        "An account's rules of listings, and what holds there",
    );
    api.put(
        "/channel_accounts/{channel_account_id}/listing_rules",
        change_account_listing_rules,
        "Set an account's rules of listings; what they change is sent again",
    );
    api.get(
        "/listings/{listing_id}/rules",
        get_listing_exception,
        "What one listing says, and what holds for it",
    );
    api.put("/listings/{listing_id}/rules", change_listing_exception, "Make an exception for one listing");
    api.post(
        "/listing_previews",
        preview_listings,
        "What products would be on accounts, before anything is sent",
    );
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleBody {
    /// Price as parts per million of ours: 1080000 is 108 %.
    price_ppm: Option<i64>,
    /// Fen added after that; may be negative.
    price_add_fen: Option<i64>,
    /// The price is rounded to a multiple of this many fen, and is never less than it.
    price_step_fen: Option<i64>,
    /// Stands before the title; an empty text says: nothing.
    title_prefix: Option<String>,
    title_suffix: Option<String>,
    /// Pieces that are kept back.
    safety_stock: Option<i64>,
    /// Share of the rest that is offered, in parts per million.
    stock_ppm: Option<i64>,
}

impl From<ListingRule> for RuleBody {
    fn from(rule: ListingRule) -> Self {
        Self {
            price_ppm: rule.price_ppm,
            price_add_fen: rule.price_add_fen,
            price_step_fen: rule.price_step_fen,
            title_prefix: rule.title_prefix,
            title_suffix: rule.title_suffix,
            safety_stock: rule.safety_stock,
            stock_ppm: rule.stock_ppm,
        }
    }
}

impl From<RuleBody> for ListingRule {
    fn from(body: RuleBody) -> Self {
        Self {
            price_ppm: body.price_ppm,
            price_add_fen: body.price_add_fen,
            price_step_fen: body.price_step_fen,
            title_prefix: body.title_prefix,
            title_suffix: body.title_suffix,
            safety_stock: body.safety_stock,
            stock_ppm: body.stock_ppm,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct RulesBody {
    /// What is said here; null leaves it to the account, then to the merchant, then to the product.
    own: RuleBody,
    /// What holds in the end.
    holds: RuleBody,
    version: i64,
}

fn told(view: RuleView) -> Versioned<RulesBody> {
    let version = view.own.version;
    Versioned { version, body: RulesBody { own: view.own.rule.into(), holds: view.holds.into(), version } }
}

type Read<I> = Authed<perm::ListingRead, I>;
type Change<I> = Authed<perm::ListingWrite, I>;

async fn get_listing_rules(auth: Read<()>) -> Answer<Versioned<RulesBody>> {
    Ok(told(rules::get(&auth.state, &auth.grant, RuleOwner::Merchant).await?))
}

async fn change_listing_rules(auth: Change<(IfMatch, Json<RuleBody>)>) -> Answer<Versioned<RulesBody>> {
    let Authed { call, grant, input: (IfMatch(seen), Json(body)), .. } = auth;
    Ok(told(rules::put(&call.state, &grant, RuleOwner::Merchant, &body.into(), seen).await?))
}

async fn get_account_listing_rules(auth: Read<Path<ChannelAccountId>>) -> Answer<Versioned<RulesBody>> {
    Ok(told(rules::get(&auth.state, &auth.grant, RuleOwner::Account(auth.input.0)).await?))
}

async fn change_account_listing_rules(
    auth: Change<(Path<ChannelAccountId>, IfMatch, Json<RuleBody>)>,
) -> Answer<Versioned<RulesBody>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), Json(body)), .. } = auth;
    Ok(told(rules::put(&call.state, &grant, RuleOwner::Account(id), &body.into(), seen).await?))
}

async fn get_listing_exception(auth: Read<Path<ListingId>>) -> Answer<Versioned<RulesBody>> {
    Ok(told(rules::get(&auth.state, &auth.grant, RuleOwner::Listing(auth.input.0)).await?))
}

async fn change_listing_exception(
    auth: Change<(Path<ListingId>, IfMatch, Json<RuleBody>)>,
) -> Answer<Versioned<RulesBody>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), Json(body)), .. } = auth;
    Ok(told(rules::put(&call.state, &grant, RuleOwner::Listing(id), &body.into(), seen).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    #[schema(value_type = Vec<String>)]
    product_ids: Vec<Id<ProductId>>,
    #[schema(value_type = Vec<String>)]
    channel_account_ids: Vec<Id<ChannelAccountId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PreviewAnswer {
    results: Vec<PreviewResult>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PreviewResult {
    product_id: String,
    channel_account_id: String,
    /// State of the listing now; null where there is none.
    state: Option<&'static str>,
    /// Whether publishing would send anything.
    sends: bool,
    title: Option<String>,
    /// `prefix` and `suffix` when the channel has no room for them.
    title_left_out: Vec<&'static str>,
    category_path: Vec<String>,
    attributes: BTreeMap<String, String>,
    skus: Vec<PreviewSku>,
    /// Why it cannot be published now.
    error: Option<&'static str>,
    /// The same in the caller's language.
    message: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PreviewSku {
    sku_id: String,
    price_fen: i64,
    market_price_fen: Option<i64>,
    stock: i64,
}

/// What a refusal says to whoever reads it.
pub(in crate::http) fn words(call: &Call, error: &ApiError) -> String {
    let field = error.errors().first();
    let title = call.info.lang.pick(error.code().title_zh(), error.code().title_en());
    field.map_or(title, |field| call.info.lang.pick(&field.message_zh, &field.message_en)).to_owned()
}

fn result(call: &Call, preview: Preview) -> PreviewResult {
    let mut body = PreviewResult {
        product_id: preview.product.id.to_string(),
        channel_account_id: preview.account.id.to_string(),
        state: None,
        sends: false,
        title: None,
        title_left_out: Vec::new(),
        category_path: Vec::new(),
        attributes: BTreeMap::new(),
        skus: Vec::new(),
        error: None,
        message: None,
    };
    match preview.outcome {
        Err(error) => {
            body.error = Some(error.code().as_str());
            body.message = Some(words(call, &error));
        }
        Ok(found) => {
            let part = |part: &LeftOut| match part {
                LeftOut::Prefix => "prefix",
                LeftOut::Suffix => "suffix",
            };
            body.state = found.state.map(|state| state.as_str());
            body.sends = found.sends;
            body.title_left_out = found.drafted.left_out.iter().map(part).collect();
            let draft = found.drafted.draft;
            body.title = Some(draft.title);
            body.category_path = draft.category_path;
            body.attributes = draft.attributes;
            body.skus = draft
                .skus
                .into_iter()
                .map(|sku| PreviewSku {
                    sku_id: sku.out_sku_id,
                    price_fen: sku.price.get(),
                    market_price_fen: sku.market_price.map(|price| price.get()),
                    stock: sku.stock,
                })
                .collect();
        }
    }
    body
}

async fn preview_listings(auth: Change<Json<PreviewBody>>) -> Answer<Json<PreviewAnswer>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let pairs = body.product_ids.len().saturating_mul(body.channel_account_ids.len());
    if pairs == 0 || pairs > MOST_PAIRS {
        let (en, zh) = (
            format!("1 to {MOST_PAIRS} pairs of product and account"),
            format!("商品与账号的组合应为 1 到 {MOST_PAIRS} 个"),
        );
        return Err(FieldError::new("channel_account_ids", "out_of_range", en, zh).into());
    }
    let products: Vec<ProductId> = body.product_ids.iter().map(|id| id.0).collect();
    let accounts: Vec<ChannelAccountId> = body.channel_account_ids.iter().map(|id| id.0).collect();
    let found = rules::preview(&call.state, &grant, &products, &accounts).await?;
    Ok(Json(PreviewAnswer { results: found.into_iter().map(|one| result(&call, one)).collect() }))
}
