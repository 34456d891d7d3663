//! Evidence in cases against deposits: files of either side. They lie with the merchant, so that both sides read them and
//! they go where the merchant goes, and are read through their case only by those who may look after its money.

use super::whole_merchant;
use crate::app::media::{self, Purpose};
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::deposit_case::CaseState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{DepositCaseId, MediaId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::deposit_case::{DepositCase, deposit_case_get, deposit_case_get_by_provider};
use qianpu_tenants::store::deposit_case_part::{
    case_file_count, case_file_insert, case_file_list, case_file_list_by_provider,
};
use qianpu_tenants::store::media::{Media, media_get, media_get_by_provider};
use serde_json::json;

/// Files of each side in one case.
pub const MOST_FILES: u64 = 20;

/// Who may put files into a case: the provider's staff who decide it, with their proof on the merchant, and the merchant's
/// who appeal.
pub trait PutsEvidence: Perm {
    const SIDE: Surface;
}
impl PutsEvidence for perm::DepositCaseManage {
    const SIDE: Surface = Surface::Provider;
}
impl PutsEvidence for perm::DepositCaseAppeal {
    const SIDE: Surface = Surface::Merchant;
}

/// Puts a file into a case that is not closed.
pub async fn add<P: PutsEvidence>(
    state: &AppState,
    grant: &Grant<P>,
    id: DepositCaseId,
    file: Option<(&str, actix_web::web::Bytes)>,
) -> Answer<DepositCase> {
    whole_merchant(grant)?;
    let ctx: &TenantCtx = grant.ctx();
    let tx = state.db.read(ctx).await?;
    let case = deposit_case_get(&tx, id).await?;
    let known = case_file_count(&tx, id, P::SIDE).await?;
    drop(tx);
    if case.state == CaseState::Closed {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.case_changed", Vec::new()));
    }
    if known >= MOST_FILES {
        let (en, zh) = (format!("at most {MOST_FILES} files"), format!("最多 {MOST_FILES} 个文件"));
        return Err(FieldError::new("file", "too_many", en, zh).into());
    }
    let (file_name, bytes) = file.ok_or_else(|| FieldError::required("file"))?;
    let stored = media::store_for(state, ctx, Purpose::Document, file_name, bytes).await?;
    let mut tx = state.db.begin(ctx).await?;
    let by = name_of(tx.ctx());
    case_file_insert(&mut tx, id, stored.id, P::SIDE, &by).await?;
    let detail = json!({"media": stored.id.to_string(), "side": P::SIDE.as_str()});
    audit_append(&mut tx, AuditAction::DepositCaseEvidence, "deposit_case", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(case)
}

/// A file of a case.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    id: DepositCaseId,
    file: MediaId,
) -> Answer<Media> {
    whole_merchant(grant)?;
    let (files, media) = match grant.ctx().kind() {
        Surface::Merchant => {
            let tx = state.db.read(grant.ctx()).await?;
            deposit_case_get(&tx, id).await?;
            (case_file_list(&tx, id).await?, media_get(&tx, file).await?)
        }
        _ => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            let case = deposit_case_get_by_provider(&tx, id).await?;
            (case_file_list_by_provider(&tx, &case).await?, media_get_by_provider(&tx, file).await?)
        }
    };
    if files.iter().any(|own| own.media == file) { Ok(media) } else { Err(ApiError::not_found()) }
}
