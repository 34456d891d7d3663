//! What merchants said in disputes about their cases, from the moment it was written here.
//!
//! Invariant: a case has at most one row that is queued. Who writes changes the case's version in the same transaction,
//! so of two who write at once one is told of a conflict.

use crate::db::TenantTx;
use crate::entity::dispute_evidence as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::aftersale::{EvidenceKind, EvidenceState};
use qianpu_domain::ids::{AftersaleId, EvidenceId, MediaId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// Something that was said.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Its id.
    pub id: EvidenceId,
    /// The case.
    pub aftersale: AftersaleId,
    /// The channel's id of the dispute.
    pub dispute_id: String,
    /// Proof or message.
    pub kind: EvidenceKind,
    /// The words.
    pub words: String,
    /// Pictures that go with them.
    pub pictures: Vec<MediaId>,
    /// How many entries like it the dispute had then.
    pub known: i64,
    /// How far it is.
    pub state: EvidenceState,
    /// The platform's words when it would not take it.
    pub error: Option<String>,
    /// Who wrote it.
    pub by_name: String,
    /// When.
    pub at: Timestamp,
    /// When the platform answered.
    pub settled_at: Option<Timestamp>,
}

/// Something to be said.
#[derive(Clone, Debug)]
pub struct NewEvidence<'a> {
    /// The case.
    pub aftersale: AftersaleId,
    /// The channel's id of the dispute.
    pub dispute_id: &'a str,
    /// Proof or message.
    pub kind: EvidenceKind,
    /// The words.
    pub words: &'a str,
    /// Pictures that go with them.
    pub pictures: &'a [MediaId],
    /// How many entries like it the dispute has now.
    pub known: i64,
}

/// The most that is shown of one case.
const MOST: u64 = 100;

fn from_model(model: row::Model) -> StoreResult<Evidence> {
    let corrupt = StoreError::Corrupt;
    let pictures: Vec<String> =
        serde_json::from_str(&model.pictures).map_err(|_| corrupt("dispute_evidence.pictures"))?;
    let pictures = pictures.iter().map(|id| id.parse().map_err(|_| corrupt("dispute_evidence.pictures")));
    Ok(Evidence {
        id: EvidenceId(model.id),
        aftersale: AftersaleId(model.aftersale_id),
        dispute_id: model.dispute_id,
        kind: EvidenceKind::from_text(&model.kind).ok_or(corrupt("dispute_evidence.kind"))?,
        words: model.words,
        pictures: pictures.collect::<StoreResult<_>>()?,
        known: model.known,
        state: EvidenceState::from_text(&model.state).ok_or(corrupt("dispute_evidence.state"))?,
        error: model.error,
        by_name: model.by_name,
        at: Timestamp::from_micros(model.created_at),
        settled_at: model.settled_at.map(Timestamp::from_micros),
    })
}

/// Keeps something to be said.
pub async fn evidence_insert(tx: &mut TenantTx, new: &NewEvidence<'_>) -> StoreResult<EvidenceId> {
    let id = tx.new_id();
    let pictures: Vec<String> = new.pictures.iter().map(MediaId::to_string).collect();
    let (_, _, by_name) = tx.ctx().actor().audit_parts();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        aftersale_id: Set(new.aftersale.0),
        dispute_id: Set(new.dispute_id.to_owned()),
        kind: Set(new.kind.as_str().to_owned()),
        words: Set(new.words.to_owned()),
        pictures: Set(serde_json::json!(pictures).to_string()),
        known: Set(new.known),
        state: Set(EvidenceState::Queued.as_str().to_owned()),
        error: Set(None),
        by_name: Set(by_name),
        created_at: Set(tx.now().micros()),
        settled_at: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(EvidenceId(id))
}

/// One of the merchant's.
pub async fn evidence_get(tx: &TenantTx, id: EvidenceId) -> StoreResult<Evidence> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    from_model(found.ok_or(StoreError::NotFound)?)
}

/// What was said about a case, the newest first; the last [`MOST`].
pub async fn evidence_list(tx: &TenantTx, case: AftersaleId) -> StoreResult<Vec<Evidence>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::AftersaleId.eq(case.0))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Whether something said about a case is on its way.
pub async fn evidence_waits(tx: &TenantTx, case: AftersaleId) -> StoreResult<bool> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::AftersaleId.eq(case.0))
        .filter(row::Column::State.eq(EvidenceState::Queued.as_str()))
        .limit(1)
        .one(tx.conn())
        .await?;
    Ok(found.is_some())
}

/// Notes the platform's answer: taken, or refused with these words. False when it was noted before.
pub async fn evidence_settle(tx: &mut TenantTx, id: EvidenceId, refused: Option<&str>) -> StoreResult<bool> {
    let state = if refused.is_some() { EvidenceState::Refused } else { EvidenceState::Sent };
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.as_str()))
        .col_expr(row::Column::Error, Expr::value(refused.map(str::to_owned)))
        .col_expr(row::Column::SettledAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq(EvidenceState::Queued.as_str()))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}
