//! `/providers`: the operator's service providers.

use crate::app::tenancy::providers::{self, CreateProvider, Provider};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use crate::pages::lang::Lang;
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

type Manages<T> = Authed<perm::ProviderManage, T>;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/providers", list_providers, "The installation's providers with their figures, newest first");
    api.post(
        "/providers",
        create_provider,
        "Create a provider; its owner gets a link that sets the password",
    );
    api.get("/providers/{provider_id}", get_provider, "One provider with its figures");
    api.post(
        "/providers/{provider_id}/send_link",
        send_provider_link,
        "Send the provider's owners another link that sets the password",
    );
    api.post(
        "/providers/{provider_id}/suspend",
        suspend_provider,
        "Stop a provider: its people may look and change nothing",
    );
    api.post("/providers/{provider_id}/resume", resume_provider, "Let a suspended provider go on");
    api.post(
        "/providers/{provider_id}/close",
        close_provider,
        "Close a provider without merchants for good; its sessions and keys are dead",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct ProviderView {
    #[schema(value_type = String)]
    id: Id<TenantId>,
    name: String,
    /// In the address of its application page, `/apply/{slug}`.
    slug: Option<String>,
    /// `active`, `suspended` or `closed`.
    state: &'static str,
    /// Why it is suspended or closed.
    state_reason: Option<String>,
    /// Since when it is suspended or closed.
    state_at: Option<Time>,
    /// Whether its merchants are stopped with it.
    stops_merchants: bool,
    /// Merchants in business or suspended.
    merchants: i64,
    /// Merchants that still apply.
    applying: i64,
    trading_shops: i64,
    shops: i64,
    created_at: Time,
}

fn view(provider: Provider) -> ProviderView {
    let row = provider.row;
    ProviderView {
        id: Id(row.id),
        name: row.name,
        slug: provider.slug,
        state: row.state.as_str(),
        state_reason: row.state_reason,
        state_at: row.state_at.map(Time),
        stops_merchants: row.stops_merchants,
        merchants: provider.merchants,
        applying: provider.applying,
        trading_shops: provider.trading_shops,
        shops: provider.shops,
        created_at: Time(row.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListProvidersQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_providers(auth: Manages<Query<ListProvidersQuery>>) -> Answer<Json<Page<ProviderView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(providers::list(&auth.state, &auth.grant, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateProviderBody {
    name: String,
    /// Small letters, digits and hyphens; unique in the installation.
    slug: String,
    owner_name: String,
    /// The log-in to be; it must not have one yet.
    owner_email: String,
    /// Language of provider, owner and mail: `zh` or `en`.
    #[serde(default)]
    locale: Option<String>,
}

async fn create_provider(auth: Manages<Json<CreateProviderBody>>) -> Answer<Created<ProviderView>> {
    let body = &auth.input.0;
    let command = CreateProvider {
        name: body.name.clone(),
        slug: body.slug.clone(),
        owner_name: body.owner_name.clone(),
        owner_email: body.owner_email.clone(),
        lang: body.locale.as_deref().and_then(Lang::parse).unwrap_or(auth.info.lang),
    };
    Ok(Created(view(providers::create(&auth.state, &auth.grant, &command).await?)))
}

async fn get_provider(auth: Manages<Path<TenantId>>) -> Answer<Json<ProviderView>> {
    Ok(Json(view(providers::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn send_provider_link(auth: Manages<Path<TenantId>>) -> Answer<NoContent> {
    providers::send_link(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuspendProviderBody {
    /// Why; the provider's people read it.
    reason: String,
    /// True: its merchants may change nothing either, and their storefronts close. Left out: they go on selling.
    #[serde(default)]
    stops_merchants: bool,
}

async fn suspend_provider(
    auth: Manages<(Path<TenantId>, Json<SuspendProviderBody>)>,
) -> Answer<Json<ProviderView>> {
    let (Path(id), Json(body)) = &auth.input;
    let (state, grant) = (&auth.state, &auth.grant);
    Ok(Json(view(providers::suspend(state, grant, *id, &body.reason, body.stops_merchants).await?)))
}

async fn resume_provider(auth: Manages<Path<TenantId>>) -> Answer<Json<ProviderView>> {
    Ok(Json(view(providers::resume(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseProviderBody {
    /// Why; the owners are told.
    reason: String,
}

async fn close_provider(
    auth: Manages<(Path<TenantId>, Json<CloseProviderBody>)>,
) -> Answer<Json<ProviderView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Json(view(providers::close(&auth.state, &auth.grant, *id, &body.reason).await?)))
}
