//! The audit log: who did what to which thing, in the same transaction as the change. Append-only: the
//! application role has no UPDATE or DELETE on it.

pub mod chain;
pub mod search;

use crate::db::TenantTx;
use crate::entity::audit_entry;
use crate::error::StoreResult;
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::AuditId;
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Select, Set};
use serde_json::Value;

/// One entry as shown.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// `user`, `channel`, `job`, `visitor` or `system`.
    pub actor_kind: String,
    /// Public id or slug.
    pub actor_id: String,
    /// Name at the time.
    pub actor_name: String,
    /// A word of [`AuditAction`]; text, since an older or newer release may have written others.
    pub action: String,
    /// Kind of the thing.
    pub target_kind: String,
    /// Public id of the thing.
    pub target_id: String,
    /// What changed; never secrets or personal data.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// Appends an entry for the transaction's actor.
pub async fn audit_append(
    tx: &mut TenantTx,
    action: AuditAction,
    target_kind: &str,
    target_id: &str,
    detail: Value,
) -> StoreResult<()> {
    let (actor_kind, actor_id, actor_name) = tx.ctx().actor().audit_parts();
    audit_entry::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        provider_id: Set(tx.ctx().provider().map(|id| id.0)),
        actor_kind: Set(actor_kind.to_owned()),
        actor_id: Set(actor_id),
        actor_name: Set(actor_name),
        action: Set(action.as_str().to_owned()),
        target_kind: Set(target_kind.to_owned()),
        target_id: Set(target_id.to_owned()),
        detail: Set(detail.to_string()),
        request_id: Set(tx.ctx().request_id().to_string()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Entries of the tenant, newest first; only those about one thing when `target` is given.
pub async fn audit_list(
    tx: &TenantTx,
    target: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<AuditEntry>> {
    let mut query = audit_entry::Entity::find().filter(audit_entry::Column::TenantId.eq(tx.tenant()));
    if let Some(target) = target {
        query = query.filter(audit_entry::Column::TargetId.eq(target));
    }
    newest(tx, query, page).await
}

/// Entries of the tenant that say one of `actions`, newest first.
pub async fn audit_list_of(
    tx: &TenantTx,
    actions: &[AuditAction],
    page: PageRequest,
) -> StoreResult<Page<AuditEntry>> {
    let query = audit_entry::Entity::find()
        .filter(audit_entry::Column::TenantId.eq(tx.tenant()))
        .filter(audit_entry::Column::Action.is_in(actions.iter().map(|action| action.as_str())));
    newest(tx, query, page).await
}

async fn newest(
    tx: &TenantTx,
    query: Select<audit_entry::Entity>,
    page: PageRequest,
) -> StoreResult<Page<AuditEntry>> {
    let rows = newest_first(query, audit_entry::Column::CreatedAt, audit_entry::Column::Id, page)
        .all(tx.conn())
        .await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(shown))
}

fn shown(row: audit_entry::Model) -> AuditEntry {
    AuditEntry {
        id: AuditId(row.id),
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        actor_name: row.actor_name,
        action: row.action,
        target_kind: row.target_kind,
        target_id: row.target_id,
        detail: row.detail,
        at: Timestamp::from_micros(row.created_at),
    }
}
