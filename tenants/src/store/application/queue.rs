//! Lists of applications: a merchant's own, and the provider's queue with counts by state. They carry no
//! sealed data.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::application;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ApplicationId, TenantId};
use qianpu_domain::onboarding::{ApplicationState, Step};
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

/// A line of the list.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Its id.
    pub id: ApplicationId,
    /// The merchant.
    pub merchant: TenantId,
    /// Where it stands.
    pub state: ApplicationState,
    /// The step at which the applicant left.
    pub step: Step,
    /// Subject kind, once known.
    pub kind: Option<SubjectKind>,
    /// Registered name; empty until step 1 is saved.
    pub legal_name: String,
    /// Name of the shop to be; empty until step 3 is saved.
    pub shop_name: String,
    /// Who applies.
    pub applicant_email: String,
    /// Name of the reviewer.
    pub reviewer_name: Option<String>,
    /// When it was handed in.
    pub submitted_at: Option<Timestamp>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

fn from_model(row: application::Model) -> StoreResult<ApplicationRow> {
    Ok(ApplicationRow {
        id: ApplicationId(row.id),
        merchant: TenantId(row.tenant_id),
        state: ApplicationState::from_text(&row.state).ok_or(StoreError::Corrupt("applications.state"))?,
        step: Step::from_text(&row.step).ok_or(StoreError::Corrupt("applications.step"))?,
        kind: row.subject_kind.as_deref().and_then(SubjectKind::from_text),
        legal_name: row.legal_name,
        shop_name: row.shop_name,
        applicant_email: row.applicant_email,
        reviewer_name: row.reviewer_name,
        submitted_at: row.submitted_at.map(Timestamp::from_micros),
        decided_at: row.decided_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
    })
}

fn paged(rows: Vec<application::Model>, page: PageRequest) -> StoreResult<Page<ApplicationRow>> {
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// The merchant's applications, newest first, in these states (all when empty).
pub async fn application_list(
    tx: &TenantTx,
    states: &[ApplicationState],
    page: PageRequest,
) -> StoreResult<Page<ApplicationRow>> {
    let mut query = application::Entity::find().filter(application::Column::TenantId.eq(tx.tenant()));
    if !states.is_empty() {
        query = query.filter(application::Column::State.is_in(states.iter().map(|state| state.as_str())));
    }
    let rows = newest_first(query, application::Column::CreatedAt, application::Column::Id, page)
        .all(tx.conn())
        .await?;
    paged(rows, page)
}

/// Applications of the provider's merchants, newest first, in these states (all when empty).
pub async fn application_list_by_provider(
    tx: &ProviderTx,
    states: &[ApplicationState],
    merchant: Option<TenantId>,
    page: PageRequest,
) -> StoreResult<Page<ApplicationRow>> {
    let mut query = application::Entity::find().filter(application::Column::ProviderId.eq(tx.provider()));
    if !states.is_empty() {
        query = query.filter(application::Column::State.is_in(states.iter().map(|state| state.as_str())));
    }
    if let Some(merchant) = merchant {
        query = query.filter(application::Column::TenantId.eq(merchant.0));
    }
    let rows = newest_first(query, application::Column::CreatedAt, application::Column::Id, page)
        .all(tx.conn())
        .await?;
    paged(rows, page)
}

/// An application of one of the provider's merchants: which merchant it belongs to.
pub async fn application_find_by_provider(tx: &ProviderTx, id: ApplicationId) -> StoreResult<ApplicationRow> {
    let row = application::Entity::find()
        .filter(application::Column::ProviderId.eq(tx.provider()))
        .filter(application::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// How many applications stand where, for tabs and badges.
pub async fn application_counts(tx: &ProviderTx) -> StoreResult<Vec<(ApplicationState, i64)>> {
    #[derive(FromQueryResult)]
    struct Count {
        state: String,
        amount: i64,
    }
    let rows = application::Entity::find()
        .select_only()
        .column(application::Column::State)
        .column_as(Expr::col(application::Column::Id).count(), "amount")
        .filter(application::Column::ProviderId.eq(tx.provider()))
        .group_by(application::Column::State)
        .into_model::<Count>()
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|row| {
            let state = ApplicationState::from_text(&row.state);
            Ok((state.ok_or(StoreError::Corrupt("applications.state"))?, row.amount))
        })
        .collect()
}
