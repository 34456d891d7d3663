//! Which notices about an expiring document were sent, so that each is sent once.

use crate::db::TenantTx;
use crate::entity::document_notice;
use crate::error::StoreResult;
use qianpu_domain::ids::ApplicationId;
use qianpu_domain::onboarding::ExpiryStage;
use qianpu_domain::time::Date;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};

/// Notes a notice. False when it was noted before: then it is not to be sent again.
pub async fn document_notice_once(
    tx: &mut TenantTx,
    application: ApplicationId,
    requirement: &str,
    expires_on: Date,
    stage: ExpiryStage,
) -> StoreResult<bool> {
    let row = document_notice::ActiveModel {
        tenant_id: Set(tx.tenant()),
        application_id: Set(application.0),
        requirement_code: Set(requirement.to_owned()),
        expires_on: Set(expires_on.to_string()),
        stage: Set(stage.as_str().to_owned()),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let added =
        document_notice::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(added == 1)
}
