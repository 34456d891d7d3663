//! Applications of linked shops for categories and brands.

use crate::db::TenantTx;
use crate::entity::qualification as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{ChannelAccountId, QualificationId};
use qianpu_domain::qualification::{QualificationKind, QualificationState};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Most open applications that are looked at at once.
const MOST: u64 = 20;

/// An application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Qualification {
    /// Its id.
    pub id: QualificationId,
    /// The account.
    pub account: ChannelAccountId,
    /// What is applied for.
    pub kind: QualificationKind,
    /// The platform's id of the category or brand.
    pub subject_id: String,
    /// Its name when it was applied for.
    pub subject_name: String,
    /// Where it stands.
    pub state: QualificationState,
    /// What was applied with, as JSON of the interface for plugins; documents by their ids here.
    pub content: serde_json::Value,
    /// The platform's id of the application.
    pub application_id: Option<String>,
    /// The application that the platform had for the brand before.
    pub earlier_id: Option<String>,
    /// The platform's words when it was refused.
    pub reason: Option<String>,
    /// Who asked.
    pub asked_by: String,
    /// When the call that asks was begun. It is made once.
    pub sent_at: Option<Timestamp>,
    /// When the platform told of it last.
    pub read_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<Qualification> {
    let kind = QualificationKind::from_text(&row.kind);
    let state = QualificationState::from_text(&row.state);
    let content = serde_json::from_str(&row.content);
    Ok(Qualification {
        id: QualificationId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        kind: kind.ok_or(StoreError::Corrupt("qualifications.kind"))?,
        subject_id: row.subject_id,
        subject_name: row.subject_name,
        state: state.ok_or(StoreError::Corrupt("qualifications.state"))?,
        content: content.map_err(|_| StoreError::Corrupt("qualifications.content"))?,
        application_id: row.application_id,
        earlier_id: row.earlier_id,
        reason: row.reason,
        asked_by: row.asked_by,
        sent_at: row.sent_at.map(Timestamp::from_micros),
        read_at: row.read_at.map(Timestamp::from_micros),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// An application to be kept.
#[derive(Clone, Debug)]
pub struct NewQualification<'a> {
    /// The account.
    pub account: ChannelAccountId,
    /// What is applied for.
    pub kind: QualificationKind,
    /// The platform's id of the category or brand.
    pub subject_id: &'a str,
    /// Its name.
    pub subject_name: &'a str,
    /// What is applied with.
    pub content: &'a serde_json::Value,
    /// Who asks.
    pub asked_by: &'a str,
}

/// Keeps an application. One for the same that is open refuses a second (`Conflict`).
pub async fn qualification_insert(
    tx: &mut TenantTx,
    new: &NewQualification<'_>,
) -> StoreResult<Qualification> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: new.account.0,
        kind: new.kind.as_str().to_owned(),
        subject_id: new.subject_id.to_owned(),
        subject_name: new.subject_name.to_owned(),
        state: QualificationState::Sent.as_str().to_owned(),
        content: new.content.to_string(),
        application_id: None,
        earlier_id: None,
        reason: None,
        asked_by: new.asked_by.to_owned(),
        sent_at: None,
        read_at: None,
        version: 1,
        created_at: tx.now().micros(),
        updated_at: tx.now().micros(),
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// One application.
pub async fn qualification_get(tx: &TenantTx, id: QualificationId) -> StoreResult<Qualification> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Applications of an account, newest first; of one kind or of both.
pub async fn qualification_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    kind: Option<QualificationKind>,
    page: PageRequest,
) -> StoreResult<Page<Qualification>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    if let Some(kind) = kind {
        query = query.filter(row::Column::Kind.eq(kind.as_str()));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// The newest application for a category or brand.
pub async fn qualification_newest(
    tx: &TenantTx,
    account: ChannelAccountId,
    kind: QualificationKind,
    subject_id: &str,
) -> StoreResult<Option<Qualification>> {
    let row = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::Kind.eq(kind.as_str()))
        .filter(row::Column::SubjectId.eq(subject_id))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// Open applications of one kind, oldest first; some dozens at most.
pub async fn qualification_open(
    tx: &TenantTx,
    account: ChannelAccountId,
    kind: QualificationKind,
) -> StoreResult<Vec<Qualification>> {
    use QualificationState as S;
    let open = [S::Sent, S::InDoubt, S::Checking].map(S::as_str);
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::Kind.eq(kind.as_str()))
        .filter(row::Column::State.is_in(open))
        .order_by_asc(row::Column::CreatedAt)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The newest application that has this id of the platform.
pub async fn qualification_by_application(
    tx: &TenantTx,
    account: ChannelAccountId,
    kind: QualificationKind,
    application_id: &str,
) -> StoreResult<Option<Qualification>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::Kind.eq(kind.as_str()))
        .filter(row::Column::ApplicationId.eq(application_id))
        .order_by_desc(row::Column::CreatedAt)
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}

/// Keeps an application as it is now, if it is still as it was seen.
pub async fn qualification_save(tx: &mut TenantTx, one: &Qualification) -> StoreResult<()> {
    use row::Column as C;
    let reason = one.reason.as_ref().map(|text| text.chars().take(500).collect::<String>());
    let done = row::Entity::update_many()
        .col_expr(C::State, Expr::value(one.state.as_str()))
        .col_expr(C::ApplicationId, Expr::value(one.application_id.clone()))
        .col_expr(C::EarlierId, Expr::value(one.earlier_id.clone()))
        .col_expr(C::Reason, Expr::value(reason))
        .col_expr(C::SentAt, Expr::value(one.sent_at.map(Timestamp::micros)))
        .col_expr(C::ReadAt, Expr::value(one.read_at.map(Timestamp::micros)))
        .col_expr(C::Version, Expr::value(one.version + 1))
        .col_expr(C::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(one.id.0))
        .filter(C::Version.eq(one.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}
