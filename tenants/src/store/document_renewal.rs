//! Renewed documents that merchants hand in before or after an accepted one expires. At most one of a document
//! waits for the provider; a newer one replaces it.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::document_renewal;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ApplicationId, MediaId, TenantId};
use qianpu_domain::onboarding::RenewalState;
use qianpu_domain::time::{Date, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

/// Renewals looked at of one application.
const MOST: u64 = 100;

/// A renewed document.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// Its id.
    pub id: Uuid,
    /// The merchant.
    pub merchant: TenantId,
    /// The application whose document it renews.
    pub application: ApplicationId,
    /// The code of the requirement.
    pub requirement: String,
    /// The stored file.
    pub media: MediaId,
    /// The last day on which it is valid, when it says one.
    pub expires_on: Option<Date>,
    /// Where it stands.
    pub state: RenewalState,
    /// Why it was returned.
    pub reason: Option<String>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// Name of who judged it.
    pub decided_by: Option<String>,
}

fn from_model(row: document_renewal::Model) -> StoreResult<Renewal> {
    let bad = |column| StoreError::Corrupt(column);
    Ok(Renewal {
        id: row.id,
        merchant: TenantId(row.tenant_id),
        application: ApplicationId(row.application_id),
        requirement: row.requirement_code,
        media: MediaId(row.media_id),
        expires_on: row
            .expires_on
            .map(|day| day.parse().map_err(|_| bad("document_renewals.expires_on")))
            .transpose()?,
        state: RenewalState::from_text(&row.state).ok_or(bad("document_renewals.state"))?,
        reason: row.reason,
        created_at: Timestamp::from_micros(row.created_at),
        decided_by: row.decided_by,
    })
}

/// Hands in a renewed document; one that waited is replaced.
pub async fn renewal_insert(
    tx: &mut TenantTx,
    application: ApplicationId,
    requirement: &str,
    media: MediaId,
    expires_on: Option<Date>,
) -> StoreResult<()> {
    use document_renewal::Column;
    let now = tx.now().micros();
    document_renewal::Entity::update_many()
        .col_expr(Column::State, Expr::value(RenewalState::Replaced.as_str()))
        .col_expr(Column::DecidedAt, Expr::value(now))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ApplicationId.eq(application.0))
        .filter(Column::RequirementCode.eq(requirement))
        .filter(Column::State.eq(RenewalState::Pending.as_str()))
        .exec(tx.conn())
        .await?;
    document_renewal::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        application_id: Set(application.0),
        requirement_code: Set(requirement.to_owned()),
        provider_id: Set(tx.provider()?),
        media_id: Set(media.0),
        expires_on: Set(expires_on.map(|day| day.to_string())),
        state: Set(RenewalState::Pending.as_str().to_owned()),
        reason: Set(None),
        created_at: Set(now),
        decided_at: Set(None),
        decided_by: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Judges a renewal that waits. `NotFound` when it does not wait any more.
pub async fn renewal_decide(
    tx: &mut TenantTx,
    id: Uuid,
    state: RenewalState,
    reason: Option<&str>,
    by: &str,
) -> StoreResult<()> {
    use document_renewal::Column;
    let done = document_renewal::Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Reason, Expr::value(reason))
        .col_expr(Column::DecidedAt, Expr::value(tx.now().micros()))
        .col_expr(Column::DecidedBy, Expr::value(by))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(RenewalState::Pending.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// The renewals of an application, newest first; replaced ones are left out.
pub async fn renewal_list(tx: &TenantTx, application: ApplicationId) -> StoreResult<Vec<Renewal>> {
    use document_renewal::Column;
    let rows = document_renewal::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::ApplicationId.eq(application.0))
        .filter(Column::State.ne(RenewalState::Replaced.as_str()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Renewals of the provider's merchants that wait to be judged, newest first.
pub async fn renewal_list_by_provider(tx: &ProviderTx, page: PageRequest) -> StoreResult<Page<Renewal>> {
    use document_renewal::Column;
    let query = document_renewal::Entity::find()
        .filter(Column::ProviderId.eq(tx.provider()))
        .filter(Column::State.eq(RenewalState::Pending.as_str()));
    let rows = newest_first(query, Column::CreatedAt, Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id }))
}

/// How many of them there are.
pub async fn renewal_count_by_provider(tx: &ProviderTx) -> StoreResult<u64> {
    use document_renewal::Column;
    let query = document_renewal::Entity::find()
        .filter(Column::ProviderId.eq(tx.provider()))
        .filter(Column::State.eq(RenewalState::Pending.as_str()));
    Ok(query.count(tx.conn()).await?)
}
