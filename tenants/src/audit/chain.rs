//! The chain over a tenant's entries ([`crate::chain`]).

use crate::chain::{BrokenAt, Fault, Link, follow, links_after};
use crate::db::{ProviderTx, TenantTx};
use crate::entity::{audit_entry, audit_link};
use crate::error::StoreResult;
use qianpu_domain::ids::{AuditId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub use crate::chain::{Head, Mark, Progress};

/// How many entries are linked or looked at in one transaction.
pub const BATCH: u64 = 500;

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The first link that is wrong.
    pub position: i64,
    /// What is wrong: `link_missing`, `entry_missing`, `entry_changed`, or `head_differs`.
    pub fault: &'static str,
    /// The entry, where one is known.
    pub entry: Option<AuditId>,
}

impl From<BrokenAt> for Broken {
    fn from(broken: BrokenAt) -> Self {
        let fault = match broken.fault {
            Fault::LinkMissing => "link_missing",
            Fault::RowMissing => "entry_missing",
            Fault::RowChanged => "entry_changed",
            Fault::HeadDiffers => "head_differs",
        };
        Self { position: broken.position, fault, entry: broken.row.map(AuditId) }
    }
}

/// The text of an entry that goes into the hash: a JSON array of texts and one number, in this order. Not in it are
/// names of people, which erasure takes out of a log that has to be kept, and the provider, which an archive leaves behind.
fn canonical(row: &audit_entry::Model) -> String {
    json!([
        row.tenant_id.to_string(),
        row.id.to_string(),
        row.actor_kind,
        row.actor_id,
        row.action,
        row.target_kind,
        row.target_id,
        row.detail,
        row.request_id,
        row.created_at,
    ])
    .to_string()
}

/// The newest link; none while nothing is linked.
pub async fn chain_head(tx: &TenantTx) -> StoreResult<Option<Head>> {
    let row = last(tx).await?;
    Ok(row.map(|row| Head { position: row.position, hash: row.hash }))
}

async fn last(tx: &TenantTx) -> StoreResult<Option<audit_link::Model>> {
    Ok(audit_link::Entity::find()
        .filter(audit_link::Column::TenantId.eq(tx.tenant()))
        .order_by_desc(audit_link::Column::Position)
        .one(tx.conn())
        .await?)
}

async fn linked_among(tx: &TenantTx, entries: &[audit_entry::Model]) -> StoreResult<BTreeSet<Uuid>> {
    let rows = audit_link::Entity::find()
        .filter(audit_link::Column::TenantId.eq(tx.tenant()))
        .filter(audit_link::Column::EntryId.is_in(entries.iter().map(|entry| entry.id)))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.entry_id).collect())
}

/// From where entries may have no link: a while before the last one that has, or the oldest of all.
pub async fn chain_from(tx: &TenantTx, whole: bool) -> StoreResult<Mark> {
    let Some(link) = last(tx).await?.filter(|_| !whole) else { return Ok(Mark::beginning()) };
    let entry = audit_entry::Entity::find_by_id((tx.tenant(), link.entry_id)).one(tx.conn()).await?;
    Ok(entry.map_or(Mark::beginning(), |entry| Mark::before(entry.created_at)))
}

/// Links the entries that have none among the next [`BATCH`]; from where to go on, none at the end.
/// `Conflict` when somebody else links at the same time.
pub async fn chain_links(tx: &mut TenantTx, from: Mark) -> StoreResult<Option<Mark>> {
    let entries = audit_entry::Entity::find()
        .filter(audit_entry::Column::TenantId.eq(tx.tenant()))
        .filter(audit_entry::Column::CreatedAt.gte(from.at))
        .filter(
            sea_orm::Condition::any()
                .add(audit_entry::Column::CreatedAt.gt(from.at))
                .add(audit_entry::Column::Id.gt(from.id)),
        )
        .order_by_asc(audit_entry::Column::CreatedAt)
        .order_by_asc(audit_entry::Column::Id)
        .limit(BATCH)
        .all(tx.conn())
        .await?;
    let Some(end) = entries.last().map(|entry| Mark { at: entry.created_at, id: entry.id }) else {
        return Ok(None);
    };
    let more = entries.len() as u64 == BATCH;
    let linked = linked_among(tx, &entries).await?;
    let head = chain_head(tx).await?.unwrap_or_else(Head::begin);
    let new = entries.iter().filter(|entry| !linked.contains(&entry.id));
    let links: Vec<_> = links_after(head, new.map(|entry| (entry.id, canonical(entry))))
        .into_iter()
        .map(|link| audit_link::ActiveModel {
            tenant_id: Set(tx.tenant()),
            position: Set(link.position),
            provider_id: Set(tx.ctx().provider().map(|id| id.0)),
            entry_id: Set(link.row),
            hash: Set(link.hash),
            created_at: Set(tx.now().micros()),
        })
        .collect();
    if !links.is_empty() {
        audit_link::Entity::insert_many(links).exec_without_returning(tx.conn()).await?;
    }
    Ok(more.then_some(end))
}

/// Looks at the next links after `after`; the first that is wrong, or how far they hold. `noted` is a head that was
/// written down elsewhere: its link has to carry that hash.
pub async fn chain_check(
    tx: &TenantTx,
    after: &Head,
    noted: Option<&Head>,
) -> StoreResult<Result<Progress, Broken>> {
    let links = audit_link::Entity::find()
        .filter(audit_link::Column::TenantId.eq(tx.tenant()))
        .filter(audit_link::Column::Position.gt(after.position))
        .order_by_asc(audit_link::Column::Position)
        .limit(BATCH)
        .all(tx.conn())
        .await?;
    let entries = audit_entry::Entity::find()
        .filter(audit_entry::Column::TenantId.eq(tx.tenant()))
        .filter(audit_entry::Column::Id.is_in(links.iter().map(|link| link.entry_id)))
        .all(tx.conn())
        .await?;
    let entries: BTreeMap<Uuid, audit_entry::Model> =
        entries.into_iter().map(|entry| (entry.id, entry)).collect();
    let more = links.len() as u64 == BATCH;
    let links =
        links.into_iter().map(|row| Link { position: row.position, row: row.entry_id, hash: row.hash });
    let text_of = |id| entries.get(&id).map(canonical);
    Ok(follow(after, links.collect(), more, text_of, noted).map_err(Broken::from))
}

/// The provider's tenants, itself among them, that wrote entries since then.
pub async fn tenants_with_entries(
    tx: &ProviderTx,
    since: Timestamp,
    most: u64,
) -> StoreResult<Vec<TenantId>> {
    let rows: Vec<Uuid> = audit_entry::Entity::find()
        .select_only()
        .column(audit_entry::Column::TenantId)
        .distinct()
        .filter(audit_entry::Column::ProviderId.eq(tx.provider()))
        .filter(audit_entry::Column::CreatedAt.gte(since.micros()))
        .limit(most)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}
