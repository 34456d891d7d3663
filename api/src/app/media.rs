//! Uploaded files. The bytes decide what a file is, never its name or what the client says; the stored
//! name is random. Bytes lie in `media/<tenant>/<id>` of the data directory.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{MediaId, TenantId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::media::{Media, NewMedia, media_get, media_get_by_provider, media_insert};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What a file is for; it decides which types are accepted and who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A document of an application: owner and reviewers only.
    Document,
    /// A picture of the shop or its goods.
    Picture,
}

impl Purpose {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Picture => "picture",
        }
    }
    /// From the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Document, Self::Picture].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The most pixels of one side and of the whole picture, so that no picture explodes in a viewer.
const MOST_SIDE: usize = 12_000;
const MOST_PIXELS: usize = 60_000_000;

/// Stores a file.
pub async fn store(
    state: &AppState,
    grant: &Grant<perm::MediaWrite>,
    purpose: Purpose,
    file_name: &str,
    bytes: actix_web::web::Bytes,
) -> Answer<Media> {
    store_for(state, grant.ctx(), purpose, file_name, bytes).await
}

/// Stores a file where somebody may put one for another reason: evidence lies with the merchant whose case it is.
pub(super) async fn store_for(
    state: &AppState,
    ctx: &TenantCtx,
    purpose: Purpose,
    file_name: &str,
    bytes: actix_web::web::Bytes,
) -> Answer<Media> {
    let limit = state.config.media.max_bytes;
    if bytes.is_empty() {
        return Err(FieldError::required("file").into());
    }
    if bytes.len() > limit {
        let error = ApiError::new(ErrorCode::PayloadTooLarge);
        return Err(error.with_detail(format!("at most {limit} bytes")));
    }
    let content_type = sniff(purpose, &bytes)?;
    let dimensions = dimensions(content_type, &bytes)?;
    let id = MediaId(state.new_id());
    let new = NewMedia {
        id,
        purpose: purpose.as_str(),
        file_name,
        content_type,
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256: Sha256::digest(&bytes).into(),
        dimensions,
    };
    write(state, ctx.tenant(), id, &bytes).await?;
    let mut tx = state.db.begin(ctx).await?;
    media_insert(&mut tx, &new).await?;
    let detail = json!({"purpose": purpose.as_str(), "content_type": content_type});
    audit_append(&mut tx, AuditAction::MediaStored, "media", &id.to_string(), detail).await?;
    let stored = media_get(&tx, id).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Refuses an id that is no uploaded document of the tenant.
pub(super) async fn is_document(tx: &TenantTx, id: MediaId) -> Answer<()> {
    let file = match media_get(tx, id).await {
        Err(StoreError::NotFound) => None,
        found => Some(found?),
    };
    if file.is_some_and(|file| file.purpose == Purpose::Document.as_str()) {
        return Ok(());
    }
    let (en, zh) = ("upload the file as a document first", "请先上传资料文件");
    Err(FieldError::new("media_id", "not_found", en, zh).into())
}

fn sniff(purpose: Purpose, bytes: &[u8]) -> Answer<&'static str> {
    let found = infer::get(bytes).map(|kind| kind.mime_type());
    match (found, purpose) {
        (Some(mime @ ("image/jpeg" | "image/png" | "image/webp")), _) => Ok(mime),
        (Some(mime @ "application/pdf"), Purpose::Document) => Ok(mime),
        (_, Purpose::Document) => Err(unsupported("JPEG, PNG, WebP or PDF", "仅支持 JPEG、PNG、WebP 或 PDF")),
        (_, Purpose::Picture) => Err(unsupported("JPEG, PNG or WebP", "仅支持 JPEG、PNG 或 WebP")),
    }
}

fn unsupported(en: &str, zh: &str) -> ApiError {
    FieldError::new("file", "unsupported_type", en, zh).into()
}

fn dimensions(content_type: &str, bytes: &[u8]) -> Answer<Option<(i64, i64)>> {
    if !content_type.starts_with("image/") {
        return Ok(None);
    }
    let broken = || {
        let (en, zh) = ("the picture cannot be read", "图片已损坏，无法读取");
        ApiError::from(FieldError::new("file", "broken", en, zh))
    };
    let size = imagesize::blob_size(bytes).map_err(|_| broken())?;
    if size.width == 0 || size.height == 0 {
        return Err(broken());
    }
    if size.width > MOST_SIDE || size.height > MOST_SIDE || size.width * size.height > MOST_PIXELS {
        let (en, zh) = ("the picture has too many pixels", "图片尺寸过大");
        return Err(FieldError::new("file", "too_many_pixels", en, zh).into());
    }
    let side = |side: usize| i64::try_from(side).unwrap_or(i64::MAX);
    Ok(Some((side(size.width), side(size.height))))
}

pub(super) fn place(state: &AppState, tenant: TenantId, id: MediaId) -> PathBuf {
    place_in(&state.config.media_dir(), tenant, id)
}

/// Where a tenant's file lies in the folder of all files.
pub fn place_in(folder: &Path, tenant: TenantId, id: MediaId) -> PathBuf {
    folder.join(tenant.0.simple().to_string()).join(id.0.simple().to_string())
}

pub(super) async fn write(state: &AppState, tenant: TenantId, id: MediaId, bytes: &[u8]) -> Answer<()> {
    let path = place(state, tenant, id);
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(ApiError::internal)?;
    }
    // The row comes after the bytes: a crash leaves a stray file, never a row without its bytes.
    let part = path.with_extension("part");
    tokio::fs::write(&part, bytes).await.map_err(ApiError::internal)?;
    tokio::fs::rename(&part, &path).await.map_err(ApiError::internal)
}

/// Bytes of a stored file.
pub async fn read_bytes(state: &AppState, media: &Media) -> Answer<Vec<u8>> {
    let path = place(state, media.tenant, media.id);
    tokio::fs::read(&path).await.map_err(|error| ApiError::internal(format!("{}: {error}", media.id)))
}

/// A file the caller may see. Documents are for the merchant's owner and the provider's reviewers only;
/// for everybody else they do not exist.
pub async fn get(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::MediaRead>,
    id: MediaId,
) -> Answer<Media> {
    let (media, reads_documents) = match grant.ctx().kind() {
        Surface::Merchant => {
            let tx = state.db.read(grant.ctx()).await?;
            (media_get(&tx, id).await?, caller.may(Permission::ApplicationEdit))
        }
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            (media_get_by_provider(&tx, id).await?, caller.may(Permission::ApplicationReview))
        }
        Surface::Operator => return Err(ApiError::not_found()),
    };
    if media.purpose == Purpose::Document.as_str() && !reads_documents {
        return Err(ApiError::not_found());
    }
    Ok(media)
}
