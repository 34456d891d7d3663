//! `/listing_runs`: many products published on many accounts, with a result for each.

use crate::app::listings::runs::{self, Chosen, Counts, RunAccountView, RunView, StartRun, TargetView};
use crate::error::{Answer, ApiError};
use crate::http::describe::Accepted;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingRunId, ProductId, ShopId};
use qianpu_domain::listing_run::TargetState;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/listing_runs",
        start_listing_run,
        "Publish up to 1 000 products on up to 10 accounts; what a channel has already is not sent again",
    );
    api.get("/listing_runs", list_listing_runs, "Runs, newest first");
    api.get("/listing_runs/{listing_run_id}", get_listing_run, "A run with its progress by account");
    api.get(
        "/listing_runs/{listing_run_id}/results",
        list_listing_run_results,
        "A result per product and account",
    );
    api.post("/listing_runs/{listing_run_id}/cancel", cancel_listing_run, "Stop a run; what was sent stays");
    api.post(
        "/listing_runs/{listing_run_id}/retry",
        retry_listing_run,
        "Try the refused, or the left, once more",
    );
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartRunBody {
    /// These products; or leave it out and say `shop_id`, `search` or neither: then every product on sale that matches.
    #[schema(value_type = Option<Vec<String>>)]
    product_ids: Option<Vec<Id<ProductId>>>,
    /// Only products of this shop.
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    /// Only products whose title or code contains this.
    search: Option<String>,
    #[schema(value_type = Vec<String>)]
    channel_account_ids: Vec<Id<ChannelAccountId>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RunBody {
    id: String,
    /// `merchant`, or `rules` when a change of rules began it.
    origin: &'static str,
    /// `running`, `done` or `cancelled`.
    state: &'static str,
    products: i64,
    accounts: i64,
    /// Pairs of product and account.
    total: i64,
    counts: CountsBody,
    by_account: Vec<RunAccountBody>,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountsBody {
    /// Without a result yet.
    open: i64,
    published: i64,
    in_audit: i64,
    unchanged: i64,
    refused: i64,
    cancelled: i64,
}

impl From<Counts> for CountsBody {
    fn from(counts: Counts) -> Self {
        Self {
            open: counts.open,
            published: counts.published,
            in_audit: counts.in_audit,
            unchanged: counts.unchanged,
            refused: counts.refused,
            cancelled: counts.cancelled,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct RunAccountBody {
    channel_account_id: String,
    name: String,
    counts: CountsBody,
    /// The platform's limits make the account wait until then; it goes on by itself.
    #[schema(value_type = Option<String>)]
    waits_until: Option<Time>,
    /// What it waits for.
    wait_code: Option<String>,
    wait_text: Option<String>,
}

impl From<RunAccountView> for RunAccountBody {
    fn from(view: RunAccountView) -> Self {
        let (wait_code, wait_text) = view.waits.why.unzip();
        Self {
            channel_account_id: view.waits.account.to_string(),
            name: view.name,
            counts: view.counts.into(),
            waits_until: view.waits.until.map(Time),
            wait_code,
            wait_text,
        }
    }
}

impl From<RunView> for RunBody {
    fn from(view: RunView) -> Self {
        Self {
            id: view.run.id.to_string(),
            origin: view.run.origin.as_str(),
            state: view.run.state.as_str(),
            products: view.run.products,
            accounts: view.run.accounts,
            total: view.run.total,
            counts: view.counts.into(),
            by_account: view.accounts.into_iter().map(RunAccountBody::from).collect(),
            created_at: Time(view.run.created_at),
            finished_at: view.run.finished_at.map(Time),
        }
    }
}

async fn start_listing_run(
    auth: Authed<perm::ListingWrite, Json<StartRunBody>>,
) -> Answer<Accepted<RunBody>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let chosen = match body.product_ids {
        Some(ids) if body.shop_id.is_none() && body.search.is_none() => {
            Chosen::Products(ids.into_iter().map(|id| id.0).collect())
        }
        Some(_) => {
            let (en, zh) = ("say product_ids, or shop_id and search", "商品列表与筛选条件只能填一种");
            return Err(FieldError::new("product_ids", "ambiguous", en, zh).into());
        }
        None => Chosen::Matching { shop: body.shop_id.map(|id| id.0), search: body.search },
    };
    let accounts = body.channel_account_ids.into_iter().map(|id| id.0).collect();
    Ok(Accepted(runs::start(&call.state, &grant, &StartRun { chosen, accounts }).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_listing_runs(auth: Authed<perm::ListingRead, Query<ListQuery>>) -> Answer<Json<Page<RunBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(runs::list(&auth.state, &auth.grant, page).await?, RunBody::from)))
}

async fn get_listing_run(auth: Authed<perm::ListingRead, Path<ListingRunId>>) -> Answer<Json<RunBody>> {
    Ok(Json(runs::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ResultsQuery {
    /// One state.
    state: Option<String>,
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ResultBody {
    product_id: String,
    product_title: String,
    channel_account_id: String,
    listing_id: Option<String>,
    /// `waiting`, `sending`, `published`, `in_audit`, `unchanged`, `refused` or `cancelled`.
    state: &'static str,
    /// Code of a refusal, or of what it waits for.
    error: Option<String>,
    /// The words, the platform's where it is the platform's.
    message: Option<String>,
}

impl From<TargetView> for ResultBody {
    fn from(view: TargetView) -> Self {
        let (error, message) = view.target.error.unzip();
        Self {
            product_id: view.target.product.to_string(),
            product_title: view.title,
            channel_account_id: view.target.account.to_string(),
            listing_id: view.target.listing.map(|id| id.to_string()),
            state: view.target.state.as_str(),
            error,
            message,
        }
    }
}

pub(in crate::http) fn states_of(word: Option<&str>) -> Result<Vec<TargetState>, ApiError> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Ok(Vec::new()) };
    let unknown = || FieldError::new("state", "unknown", "no such state of a result", "没有这种发布结果");
    Ok(vec![TargetState::from_text(word).ok_or_else(unknown)?])
}

async fn list_listing_run_results(
    auth: Authed<perm::ListingRead, (Path<ListingRunId>, Query<ResultsQuery>)>,
) -> Answer<Json<Page<ResultBody>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let states = states_of(query.state.as_deref())?;
    let account = query.channel_account_id.map(|id| id.0);
    let found = runs::targets(&auth.state, &auth.grant, *id, &states, account, page).await?;
    Ok(Json(Page::of(found, ResultBody::from)))
}

async fn cancel_listing_run(auth: Authed<perm::ListingWrite, Path<ListingRunId>>) -> Answer<Json<RunBody>> {
    Ok(Json(runs::cancel(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn retry_listing_run(auth: Authed<perm::ListingWrite, Path<ListingRunId>>) -> Answer<Json<RunBody>> {
    Ok(Json(runs::retry(&auth.state, &auth.grant, auth.input.0).await?.into()))
}
