//! Stored files: the row here, the bytes in the file store under the row's id.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::media;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{MediaId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::HashMap;

/// A stored file.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Whose it is.
    pub tenant: TenantId,
    /// `document`, `picture` or `import`.
    pub purpose: String,
    /// Name as uploaded, for people.
    pub file_name: String,
    /// Sniffed content type.
    pub content_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Pixels, for pictures.
    pub dimensions: Option<(i64, i64)>,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// A file to be.
#[derive(Clone, Debug)]
pub struct NewMedia<'a> {
    /// Made by the caller, because the bytes are stored under it first.
    pub id: MediaId,
    /// `document`, `picture` or `import`.
    pub purpose: &'a str,
    /// Name as uploaded.
    pub file_name: &'a str,
    /// Sniffed content type.
    pub content_type: &'a str,
    /// Size in bytes.
    pub size_bytes: i64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// Pixels, for pictures.
    pub dimensions: Option<(i64, i64)>,
}

/// Adds a file.
pub async fn media_insert(tx: &mut TenantTx, new: &NewMedia<'_>) -> StoreResult<()> {
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    media::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(new.id.0),
        provider_id: Set(tx.provider()?),
        purpose: Set(new.purpose.to_owned()),
        file_name: Set(new.file_name.chars().take(200).collect()),
        content_type: Set(new.content_type.to_owned()),
        size_bytes: Set(new.size_bytes),
        sha256: Set(new.sha256.to_vec()),
        width: Set(new.dimensions.map(|(width, _)| width)),
        height: Set(new.dimensions.map(|(_, height)| height)),
        created_by: Set(actor),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// A file of the tenant.
pub async fn media_get(tx: &TenantTx, id: MediaId) -> StoreResult<Media> {
    media::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

/// A document of one of the provider's merchants, for review.
pub async fn media_get_by_provider(tx: &ProviderTx, id: MediaId) -> StoreResult<Media> {
    media::Entity::find()
        .filter(media::Column::ProviderId.eq(tx.provider()))
        .filter(media::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .ok_or(StoreError::NotFound)
}

fn from_model(row: media::Model) -> Media {
    Media {
        id: MediaId(row.id),
        tenant: TenantId(row.tenant_id),
        purpose: row.purpose,
        file_name: row.file_name,
        content_type: row.content_type,
        size_bytes: row.size_bytes,
        dimensions: row.width.zip(row.height),
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// Pixels of some pictures of the tenant.
pub async fn media_sizes(tx: &TenantTx, ids: &[MediaId]) -> StoreResult<HashMap<MediaId, (i64, i64)>> {
    let rows = media::Entity::find()
        .filter(media::Column::TenantId.eq(tx.tenant()))
        .filter(media::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .all(tx.conn())
        .await?;
    let size = |row: media::Model| Some((MediaId(row.id), row.width.zip(row.height)?));
    Ok(rows.into_iter().filter_map(size).collect())
}
