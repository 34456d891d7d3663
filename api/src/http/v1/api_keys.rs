//! `/api_keys`: keys with which programs use the API for the tenant.

use crate::app::api_keys::{self, MakeKey};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{ApiKeyId, ShopId, UserId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::api_key::ApiKey;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/api_keys", list_api_keys, "API keys of the tenant, newest first, ended ones among them");
    api.post("/api_keys", make_api_key, "Make an API key; the key itself is in this answer only");
    api.get("/api_keys/{api_key_id}", get_api_key, "One API key");
    api.patch("/api_keys/{api_key_id}", rename_api_key, "Give an API key another name");
    api.delete("/api_keys/{api_key_id}", revoke_api_key, "Revoke an API key; it acts at once");
}

#[derive(Debug, Serialize, ToSchema)]
struct ApiKeyView {
    #[schema(value_type = String)]
    id: Id<ApiKeyId>,
    name: String,
    /// The last characters of the key.
    hint: String,
    /// Names of its permissions.
    scopes: Vec<&'static str>,
    /// The shops it is limited to; null for the whole tenant.
    #[schema(value_type = Option<Vec<String>>)]
    shop_ids: Option<Vec<Id<ShopId>>>,
    #[schema(value_type = String)]
    maker_id: Id<UserId>,
    maker_name: String,
    expires_at: Time,
    /// To the minute; null when it was never used.
    last_used_at: Option<Time>,
    revoked_at: Option<Time>,
    created_at: Time,
}

fn view(key: ApiKey) -> ApiKeyView {
    ApiKeyView {
        id: Id(key.id),
        name: key.name,
        hint: key.hint,
        scopes: key.permissions.iter().map(Permission::as_str).collect(),
        shop_ids: key.shops.map(|shops| shops.into_iter().map(Id).collect()),
        maker_id: Id(key.maker),
        maker_name: key.maker_name,
        expires_at: Time(key.expires_at),
        last_used_at: key.last_used_at.map(Time),
        revoked_at: key.revoked_at.map(Time),
        created_at: Time(key.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListApiKeysQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_api_keys(
    auth: Authed<perm::ApiKeyManage, Query<ListApiKeysQuery>>,
) -> Answer<Json<Page<ApiKeyView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(api_keys::list(&auth.state, &auth.grant, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeApiKeyBody {
    /// What people call it; at most 60 characters.
    name: String,
    /// Names of permissions, at most those the maker holds.
    scopes: Vec<String>,
    /// Limits the key to shops of the merchant; then each permission has to be one that reaches single shops.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    shop_ids: Option<Vec<Id<ShopId>>>,
    /// 1 to 366, unless the installation says otherwise.
    expires_in_days: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct MadeApiKeyView {
    #[serde(flatten)]
    api_key: ApiKeyView,
    /// The key itself. Keep it now: it is never shown again.
    key: String,
}

async fn make_api_key(
    auth: Authed<perm::ApiKeyManage, Json<MakeApiKeyBody>>,
) -> Answer<Created<MadeApiKeyView>> {
    let body = &auth.input.0;
    let command = MakeKey {
        name: body.name.clone(),
        scopes: body.scopes.clone(),
        shops: body.shop_ids.as_ref().map(|shops| shops.iter().map(|id| id.0).collect()),
        expires_in_days: body.expires_in_days,
    };
    let made = api_keys::make(&auth.state, &auth.caller, &auth.grant, &command).await?;
    Ok(Created(MadeApiKeyView { api_key: view(made.key), key: made.token }))
}

async fn get_api_key(auth: Authed<perm::ApiKeyManage, Path<ApiKeyId>>) -> Answer<Json<ApiKeyView>> {
    Ok(Json(view(api_keys::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameApiKeyBody {
    name: String,
}

async fn rename_api_key(
    auth: Authed<perm::ApiKeyManage, (Path<ApiKeyId>, Json<RenameApiKeyBody>)>,
) -> Answer<Json<ApiKeyView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Json(view(api_keys::rename(&auth.state, &auth.grant, *id, &body.name).await?)))
}

async fn revoke_api_key(auth: Authed<perm::ApiKeyManage, Path<ApiKeyId>>) -> Answer<NoContent> {
    api_keys::revoke(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
