//! `/channel_mappings`: categories of channels that are remembered for categories of ours.

use crate::app::listings::mapping::{self, MappingView, Remember};
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{CategoryId, ChannelMappingId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/channel_mappings", list_channel_mappings, "Remembered categories of channels, newest first");
    api.put("/channel_mappings", remember_channel_mapping, "Remember a channel's category for one of ours");
    api.get("/channel_mappings/{channel_mapping_id}", get_channel_mapping, "A remembered category");
    api.delete(
        "/channel_mappings/{channel_mapping_id}",
        forget_channel_mapping,
        "Forget one; listings keep theirs",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct MappingBody {
    id: String,
    channel: String,
    /// Category in the provider's tree.
    category_id: String,
    /// Its names from the top, in Chinese; empty when it is gone.
    category_names: Vec<String>,
    /// The channel's category ids.
    category_path: Vec<String>,
    /// Attributes that were chosen, name → value.
    attributes: BTreeMap<String, String>,
    #[schema(value_type = String)]
    updated_at: Time,
}

impl From<MappingView> for MappingBody {
    fn from(view: MappingView) -> Self {
        Self {
            id: view.mapping.id.to_string(),
            channel: view.mapping.channel,
            category_id: view.mapping.category.to_string(),
            category_names: view.names.into_iter().map(|(zh, _)| zh).collect(),
            category_path: view.mapping.category_path,
            attributes: view.mapping.attributes,
            updated_at: Time(view.mapping.updated_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_channel_mappings(
    auth: Authed<perm::ListingRead, Query<ListQuery>>,
) -> Answer<Json<Page<MappingBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(mapping::list(&auth.state, &auth.grant, page).await?, MappingBody::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RememberBody {
    channel: String,
    #[schema(value_type = String)]
    category_id: Id<CategoryId>,
    category_path: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

async fn remember_channel_mapping(
    auth: Authed<perm::ListingWrite, Json<RememberBody>>,
) -> Answer<Json<MappingBody>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let command = Remember {
        channel: body.channel,
        category: body.category_id.0,
        category_path: body.category_path,
        attributes: body.attributes,
    };
    Ok(Json(mapping::remember(&call.state, &grant, &command).await?.into()))
}

async fn get_channel_mapping(
    auth: Authed<perm::ListingRead, Path<ChannelMappingId>>,
) -> Answer<Json<MappingBody>> {
    Ok(Json(mapping::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn forget_channel_mapping(
    auth: Authed<perm::ListingWrite, Path<ChannelMappingId>>,
) -> Answer<NoContent> {
    mapping::forget(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
