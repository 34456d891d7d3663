//! Categories of channels that are remembered. Whoever publishes with a category of the channel chooses it for our
//! category too; the next product of that category is offered the same.

use super::publish::check_attributes;
use crate::app::channels::accounts::check_category_path;
use crate::app::channels::find;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{CategoryId, ChannelMappingId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::category;
use qianpu_tenants::store::channel_mapping::{
    ChannelMapping, mapping_drop, mapping_find, mapping_get, mapping_list, mapping_put,
};
use serde_json::json;
use std::collections::BTreeMap;

/// One that is remembered, with the names of our category and those above it.
#[derive(Debug, Clone)]
pub struct MappingView {
    pub mapping: ChannelMapping,
    /// Chinese and English names from the top; empty when the category is gone.
    pub names: Vec<(String, String)>,
}

async fn view<P: Perm>(state: &AppState, grant: &Grant<P>, mapping: ChannelMapping) -> Answer<MappingView> {
    let parent = state.db.read_parent(grant.ctx()).await?;
    let names = match category::category_path(&parent, mapping.category).await {
        Ok(path) => path.into_iter().map(|node| (node.name_zh, node.name_en)).collect(),
        Err(StoreError::NotFound) => Vec::new(),
        Err(other) => return Err(other.into()),
    };
    Ok(MappingView { mapping, names })
}

/// Everything that is remembered, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    page: PageRequest,
) -> Answer<Page<MappingView>> {
    let tx = state.db.read(grant.ctx()).await?;
    let found = mapping_list(&tx, page).await?;
    drop(tx);
    let mut items = Vec::with_capacity(found.items.len());
    for mapping in found.items {
        items.push(view(state, grant, mapping).await?);
    }
    Ok(Page { items, next: found.next })
}

/// The category on a channel that was chosen for a category of ours; empty when none was.
pub async fn remembered(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    channel: &str,
    category: CategoryId,
) -> Answer<Vec<String>> {
    let tx = state.db.read(grant.ctx()).await?;
    Ok(mapping_find(&tx, channel, category).await?.map(|one| one.category_path).unwrap_or_default())
}

/// One that is remembered.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    id: ChannelMappingId,
) -> Answer<MappingView> {
    let tx = state.db.read(grant.ctx()).await?;
    let mapping = mapping_get(&tx, id).await?;
    drop(tx);
    view(state, grant, mapping).await
}

/// What is to be remembered.
#[derive(Debug, Clone)]
pub struct Remember {
    pub channel: String,
    pub category: CategoryId,
    pub category_path: Vec<String>,
    pub attributes: BTreeMap<String, String>,
}

/// Remembers a choice, in the place of the one before. Listings keep what they have.
pub async fn remember(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    command: &Remember,
) -> Answer<MappingView> {
    if find(&command.channel)?.catalog().is_none() {
        let (en, zh) = ("this channel sells no products", "该渠道不支持发布商品");
        return Err(FieldError::new("channel", "no_catalog", en, zh).into());
    }
    check_category_path(&command.category_path)?;
    if command.category_path.is_empty() {
        let (en, zh) = ("choose the channel's category", "请填写渠道类目");
        return Err(FieldError::new("category_path", "required", en, zh).into());
    }
    check_attributes(&command.attributes)?;
    let parent = state.db.read_parent(grant.ctx()).await?;
    category::category_get(&parent, command.category).await?;
    drop(parent);
    let mut tx = state.db.begin(grant.ctx()).await?;
    keep(&mut tx, command).await?;
    let found =
        mapping_find(&tx, &command.channel, command.category).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    view(state, grant, found).await
}

/// The same in a transaction of the caller's, where everything was checked; nothing where it is remembered already.
pub(super) async fn keep(tx: &mut TenantTx, command: &Remember) -> Answer<()> {
    let known = mapping_find(tx, &command.channel, command.category).await?;
    let same = |known: &ChannelMapping| {
        known.category_path == command.category_path && known.attributes == command.attributes
    };
    if known.as_ref().is_some_and(same) {
        return Ok(());
    }
    mapping_put(tx, &command.channel, command.category, &command.category_path, &command.attributes).await?;
    let detail = json!({ "channel": command.channel, "category_id": command.category.to_string(),
        "category_path": command.category_path, "attributes": command.attributes });
    let id = mapping_find(tx, &command.channel, command.category).await?.map(|found| found.id.to_string());
    let id = id.unwrap_or_default();
    audit_append(tx, AuditAction::ChannelMappingChanged, "channel_mapping", &id, detail).await?;
    Ok(())
}

/// Forgets one.
pub async fn forget(state: &AppState, grant: &Grant<perm::ListingWrite>, id: ChannelMappingId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    mapping_drop(&mut tx, id).await?;
    let detail = json!({ "forgotten": true });
    audit_append(&mut tx, AuditAction::ChannelMappingChanged, "channel_mapping", &id.to_string(), detail)
        .await?;
    Ok(tx.commit().await?)
}
