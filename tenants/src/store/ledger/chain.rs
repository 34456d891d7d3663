//! The chain over a merchant's journals ([`crate::chain`]): a link for each, over the journal and all its legs.

use crate::chain::{BrokenAt, Head, Link, Mark, Progress, follow, links_after};
use crate::db::{ProviderTx, TenantTx};
use crate::entity::{journal, journal_link, ledger_account as account, ledger_entry as entry};
use crate::error::StoreResult;
use qianpu_domain::ids::TenantId;
use qianpu_domain::time::Timestamp;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many journals are linked or looked at in one transaction.
pub const BATCH: u64 = 200;

/// The text of a journal that goes into the hash: a JSON array of what stands in its row and, at the end, of its legs in
/// their order, each with its account's code and owner. The provider, which an archive leaves behind, is not in it.
fn canonical(row: &journal::Model, legs: &[Value]) -> String {
    json!([
        row.tenant_id.to_string(),
        row.id.to_string(),
        row.currency,
        row.code,
        row.business_ref,
        row.description,
        row.reverses_id.map(|id| id.to_string()),
        row.actor_kind,
        row.actor_id,
        row.effective_at,
        row.recorded_at,
        legs,
    ])
    .to_string()
}

fn leg(row: &entry::Model, account: Option<&account::Model>) -> Value {
    json!([
        row.leg_no,
        row.next_leg_no,
        row.id.to_string(),
        row.currency,
        row.account_id.to_string(),
        account.map(|account| account.code),
        account.map(|account| account.owner_key.as_str()),
        row.side,
        row.amount_fen,
        row.before_fen,
        row.after_fen,
        row.balance_after_fen,
        row.created_at,
    ])
}

/// The texts of journals, by id.
async fn texts(tx: &TenantTx, journals: &[journal::Model]) -> StoreResult<BTreeMap<Uuid, String>> {
    let entries = entry::Entity::find()
        .filter(entry::Column::TenantId.eq(tx.tenant()))
        .filter(entry::Column::JournalId.is_in(journals.iter().map(|row| row.id)))
        .order_by_asc(entry::Column::LegNo)
        .all(tx.conn())
        .await?;
    let named: BTreeSet<Uuid> = entries.iter().map(|row| row.account_id).collect();
    let accounts = account::Entity::find()
        .filter(account::Column::TenantId.eq(tx.tenant()))
        .filter(account::Column::Id.is_in(named))
        .all(tx.conn())
        .await?;
    let accounts: BTreeMap<Uuid, account::Model> = accounts.into_iter().map(|row| (row.id, row)).collect();
    let mut legs: BTreeMap<Uuid, Vec<Value>> = BTreeMap::new();
    for row in &entries {
        legs.entry(row.journal_id).or_default().push(leg(row, accounts.get(&row.account_id)));
    }
    let text = |row: &journal::Model| canonical(row, &legs.remove(&row.id).unwrap_or_default());
    Ok(journals.iter().map(|row| row.id).zip(journals.iter().map(text)).collect())
}

async fn last(tx: &TenantTx) -> StoreResult<Option<journal_link::Model>> {
    Ok(journal_link::Entity::find()
        .filter(journal_link::Column::TenantId.eq(tx.tenant()))
        .order_by_desc(journal_link::Column::Position)
        .one(tx.conn())
        .await?)
}

async fn linked_among(tx: &TenantTx, journals: &[journal::Model]) -> StoreResult<BTreeSet<Uuid>> {
    let rows = journal_link::Entity::find()
        .filter(journal_link::Column::TenantId.eq(tx.tenant()))
        .filter(journal_link::Column::JournalId.is_in(journals.iter().map(|row| row.id)))
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.journal_id).collect())
}

/// From where journals may have no link: a while before the last one that has, or the oldest of all.
pub async fn chain_from(tx: &TenantTx, whole: bool) -> StoreResult<Mark> {
    let Some(link) = last(tx).await?.filter(|_| !whole) else { return Ok(Mark::beginning()) };
    let row = journal::Entity::find_by_id((tx.tenant(), link.journal_id)).one(tx.conn()).await?;
    Ok(row.map_or(Mark::beginning(), |row| Mark::before(row.recorded_at)))
}

/// Links the journals that have no link among the next [`BATCH`]; from where to go on, none at the end.
/// `Conflict` when somebody else links at the same time.
pub async fn chain_links(tx: &mut TenantTx, from: Mark) -> StoreResult<Option<Mark>> {
    let journals = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::RecordedAt.gte(from.at))
        .filter(
            Condition::any()
                .add(journal::Column::RecordedAt.gt(from.at))
                .add(journal::Column::Id.gt(from.id)),
        )
        .order_by_asc(journal::Column::RecordedAt)
        .order_by_asc(journal::Column::Id)
        .limit(BATCH)
        .all(tx.conn())
        .await?;
    let Some(end) = journals.last().map(|row| Mark { at: row.recorded_at, id: row.id }) else {
        return Ok(None);
    };
    let more = journals.len() as u64 == BATCH;
    let linked = linked_among(tx, &journals).await?;
    let new: Vec<journal::Model> = journals.into_iter().filter(|row| !linked.contains(&row.id)).collect();
    if new.is_empty() {
        return Ok(more.then_some(end));
    }
    let mut texts = texts(tx, &new).await?;
    let head =
        last(tx).await?.map_or_else(Head::begin, |row| Head { position: row.position, hash: row.hash });
    let rows = new.iter().map(|row| (row.id, texts.remove(&row.id).unwrap_or_default()));
    let (provider, now) = (tx.provider()?, tx.now().micros());
    let links = links_after(head, rows).into_iter().map(|link| journal_link::ActiveModel {
        tenant_id: Set(tx.tenant()),
        position: Set(link.position),
        provider_id: Set(provider),
        journal_id: Set(link.row),
        hash: Set(link.hash),
        created_at: Set(now),
    });
    journal_link::Entity::insert_many(links).exec_without_returning(tx.conn()).await?;
    Ok(more.then_some(end))
}

/// Looks at the next links after `after`; the first that is wrong, or how far they hold.
pub async fn chain_check(tx: &TenantTx, after: &Head) -> StoreResult<Result<Progress, BrokenAt>> {
    let links = journal_link::Entity::find()
        .filter(journal_link::Column::TenantId.eq(tx.tenant()))
        .filter(journal_link::Column::Position.gt(after.position))
        .order_by_asc(journal_link::Column::Position)
        .limit(BATCH)
        .all(tx.conn())
        .await?;
    let journals = journal::Entity::find()
        .filter(journal::Column::TenantId.eq(tx.tenant()))
        .filter(journal::Column::Id.is_in(links.iter().map(|link| link.journal_id)))
        .all(tx.conn())
        .await?;
    let texts = texts(tx, &journals).await?;
    let more = links.len() as u64 == BATCH;
    let links =
        links.into_iter().map(|row| Link { position: row.position, row: row.journal_id, hash: row.hash });
    Ok(follow(after, links.collect(), more, |id| texts.get(&id).cloned(), None))
}

/// The provider's merchants that booked journals since then.
pub async fn tenants_with_journals(
    tx: &ProviderTx,
    since: Timestamp,
    most: u64,
) -> StoreResult<Vec<TenantId>> {
    let rows: Vec<Uuid> = journal::Entity::find()
        .select_only()
        .column(journal::Column::TenantId)
        .distinct()
        .filter(journal::Column::ProviderId.eq(tx.provider()))
        .filter(journal::Column::TenantId.is_not_null())
        .filter(journal::Column::RecordedAt.gte(since.micros()))
        .limit(most)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}
