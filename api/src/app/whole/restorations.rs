//! Bringing a merchant back by upload, for the operator's people. The merchant, its provider and the operator each
//! have it in their log: the merchant in the transaction that brings it, the other two right after.

use super::restore::{RestoreError, Restored, restore_into};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::web::Bytes;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::TenantId;
use qianpu_domain::tenancy::TenantState;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::{AuditEntry, audit_append, audit_list_of};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::deletion::{Deletion, deletion_list_by_provider};
use qianpu_tenants::store::tenant::{tenant_get, tenant_names};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;

/// The largest archive that comes by upload: it is held in memory. Larger ones come with `qianpu restore-merchant`.
pub const UPLOAD_LIMIT: usize = 64 * 1024 * 1024;
/// Most reasons of a refusal that are told.
const MOST_REASONS: usize = 50;

type Manages = Grant<perm::ProviderManage>;

/// Brings a merchant back into a provider. Goes on when whoever asked has gone: the list tells then.
pub async fn restore_upload(
    state: &AppState,
    grant: &Manages,
    provider: TenantId,
    archive: Bytes,
) -> Answer<Restored> {
    let on = grant.on_provider(&state.db, provider).await?;
    if tenant_get(&*state.db.read(on.ctx()).await?).await?.state != TenantState::Active {
        return Err(ApiError::new(ErrorCode::TenantWrongState));
    }
    let (state, above, at) = (state.clone(), grant.ctx().clone(), on.ctx().clone());
    let work = tokio::spawn(async move {
        let done = from_bytes(&state, archive, &at).await;
        note(&state, &[at, above], &done).await?;
        done.map_err(told)
    });
    work.await.map_err(ApiError::internal)?
}

async fn from_bytes(state: &AppState, archive: Bytes, at: &TenantCtx) -> Result<Restored, RestoreError> {
    let folder = state.config.app.data_dir.clone();
    // It goes when it is dropped, whatever happens.
    let file = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&archive)?;
        file.flush()?;
        Ok::<_, std::io::Error>(file)
    });
    let file = file.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    restore_into(state, file.path(), at).await
}

/// What the archive or this installation does not allow, as errors of the field it came in.
fn told(error: RestoreError) -> ApiError {
    match error {
        RestoreError::Failed(error) => error,
        RestoreError::Refused(whys) => {
            let errors: Vec<FieldError> = whys
                .into_iter()
                .take(MOST_REASONS)
                .map(|why| FieldError::new("file", "refused", why.en, why.zh))
                .collect();
            errors.into()
        }
    }
}

/// Says in the logs of those above, the provider's first, what came of it. Reasons stay out: they may name people's addresses.
pub async fn note(state: &AppState, logs: &[TenantCtx], done: &Result<Restored, RestoreError>) -> Answer<()> {
    for ctx in logs {
        let (action, target, detail) = match done {
            Ok(restored) => (
                AuditAction::MerchantRestored,
                restored.merchant.to_string(),
                json!({"name": restored.name, "rows": restored.rows, "files": restored.files, "by": "operator"}),
            ),
            Err(RestoreError::Refused(whys)) => (
                AuditAction::MerchantRestoreRefused,
                logs.first().unwrap_or(ctx).tenant().to_string(),
                json!({"reasons": whys.len(), "by": "operator"}),
            ),
            Err(RestoreError::Failed(_)) => return Ok(()),
        };
        let mut tx = state.db.begin(ctx).await?;
        audit_append(&mut tx, action, "tenant", &target, detail).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A restoration that was, or that was refused.
#[derive(Debug, Clone)]
pub struct Restoration {
    pub at: Timestamp,
    pub actor_name: String,
    /// The merchant that came; none when it was refused.
    pub merchant: Option<TenantId>,
    pub merchant_name: String,
    pub rows: u64,
    pub files: u64,
    /// How many reasons there were against it.
    pub reasons: u64,
}

fn restoration(entry: AuditEntry) -> Restoration {
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    let number = |name: &str| detail.get(name).and_then(Value::as_u64).unwrap_or(0);
    let came = entry.action == AuditAction::MerchantRestored.as_str();
    Restoration {
        at: entry.at,
        actor_name: entry.actor_name,
        merchant: entry.target_id.parse().ok().filter(|_| came),
        merchant_name: detail.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        rows: number("rows"),
        files: number("files"),
        reasons: number("reasons"),
    }
}

/// What came back into a provider and what was refused, newest first.
pub async fn list(
    state: &AppState,
    grant: &Manages,
    provider: TenantId,
    page: PageRequest,
) -> Answer<Page<Restoration>> {
    let on = grant.on_provider(&state.db, provider).await?;
    let tx = state.db.read(on.ctx()).await?;
    let actions = [AuditAction::MerchantRestored, AuditAction::MerchantRestoreRefused];
    Ok(audit_list_of(&tx, &actions, page).await?.map(restoration))
}

/// Deletions of a provider's merchants with the merchants' names, newest first.
pub async fn deletions(
    state: &AppState,
    grant: &Manages,
    provider: TenantId,
    page: PageRequest,
) -> Answer<(Page<Deletion>, HashMap<TenantId, String>)> {
    let on = grant.on_provider(&state.db, provider).await?;
    let tx = state.db.read_provider(&on.provider_ctx()?).await?;
    let found = deletion_list_by_provider(&tx, page).await?;
    let ids: Vec<TenantId> = found.items.iter().map(|one| one.merchant).collect();
    let names = tenant_names(&tx, &ids).await?;
    Ok((found, names))
}
