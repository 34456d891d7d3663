//! The chain over a tenant's entries. Link n carries SHA-256 over the hash of link n−1 and the canonical text of one
//! entry, so whoever changes, removes or inserts an entry later breaks every hash after it.
//!
//! Links are made after the entries, by a job: a business transaction never waits for another one's entry. An entry
//! may become visible after a younger one was linked, because transactions end in another order than they began; so
//! the job asks which entries have no link, and never "which are younger than the last".

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{audit_entry, audit_link};
use crate::error::StoreResult;
use qianpu_domain::ids::{AuditId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many entries are linked or looked at in one transaction.
pub const BATCH: u64 = 500;
/// What the first link follows.
pub const BEGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How much older than the last linked entry one may be that appears late. No transaction lives for so long.
const LATE: Span = Span::days(2);

/// The newest link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries are linked.
    pub position: i64,
    /// The last hash, 64 hexadecimal digits.
    pub hash: String,
}

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

/// Where looking at a chain stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The last link that holds.
    pub head: Head,
    /// There are more to look at.
    pub more: bool,
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

fn hash(previous: &str, entry: &audit_entry::Model) -> String {
    let digest =
        Sha256::new().chain_update(previous).chain_update("\n").chain_update(canonical(entry)).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// Where linking goes on.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: i64,
    id: Uuid,
}

/// From where entries may have no link: a while before the last one that has, or the oldest of all.
pub async fn chain_from(tx: &TenantTx, whole: bool) -> StoreResult<Mark> {
    let beginning = Mark { at: i64::MIN, id: Uuid::nil() };
    let Some(link) = last(tx).await?.filter(|_| !whole) else { return Ok(beginning) };
    let entry = audit_entry::Entity::find_by_id((tx.tenant(), link.entry_id)).one(tx.conn()).await?;
    Ok(entry.map_or(beginning, |entry| Mark {
        at: Timestamp::from_micros(entry.created_at).minus(LATE).micros(),
        id: Uuid::nil(),
    }))
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
    let mut head = chain_head(tx).await?.unwrap_or(Head { position: 0, hash: BEGIN.to_owned() });
    let mut links = Vec::new();
    for entry in entries.iter().filter(|entry| !linked.contains(&entry.id)) {
        head = Head { position: head.position + 1, hash: hash(&head.hash, entry) };
        links.push(audit_link::ActiveModel {
            tenant_id: Set(tx.tenant()),
            position: Set(head.position),
            provider_id: Set(tx.ctx().provider().map(|id| id.0)),
            entry_id: Set(entry.id),
            hash: Set(head.hash.clone()),
            created_at: Set(tx.now().micros()),
        });
    }
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
    let mut head = after.clone();
    for link in links {
        let position = head.position + 1;
        let broken = |fault, entry| Ok(Err(Broken { position, fault, entry }));
        if link.position != position {
            return broken("link_missing", None);
        }
        let id = Some(AuditId(link.entry_id));
        let Some(entry) = entries.get(&link.entry_id) else { return broken("entry_missing", id) };
        if hash(&head.hash, entry) != link.hash {
            return broken("entry_changed", id);
        }
        if noted.is_some_and(|noted| noted.position == position && noted.hash != link.hash) {
            return broken("head_differs", id);
        }
        head = Head { position, hash: link.hash };
    }
    if !more && let Some(noted) = noted.filter(|noted| noted.position > head.position) {
        let position = head.position + 1;
        return Ok(Err(Broken {
            position: position.min(noted.position),
            fault: "link_missing",
            entry: None,
        }));
    }
    Ok(Ok(Progress { head, more }))
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
