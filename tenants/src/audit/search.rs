//! Looking entries up: who, what, which thing, when. A tenant sees its own; a provider sees its own and what its people
//! did in its merchants.

use super::{AuditEntry, shown};
use crate::db::{ProviderTx, TenantTx};
use crate::entity::{audit_entry, audit_link, user};
use crate::error::StoreResult;
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{TenantId, UserId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most people of a provider whose deeds are looked for.
const MOST_PEOPLE: u64 = 2_000;

/// What is looked for; everything that is given has to fit.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// A public id, or a part of a name.
    pub actor: Option<String>,
    /// An action.
    pub action: Option<String>,
    /// The public id of a thing.
    pub target: Option<String>,
    /// One tenant only.
    pub tenant: Option<TenantId>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// An entry that was found, with its link.
#[derive(Clone, Debug)]
pub struct FoundEntry {
    /// Whose log it stands in.
    pub tenant: TenantId,
    /// The entry.
    pub entry: AuditEntry,
    /// The request it was part of.
    pub request_id: String,
    /// Its place in the chain and the hash there; none while it is not linked.
    pub link: Option<(i64, String)>,
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn narrowed(mut query: Select<audit_entry::Entity>, filter: &AuditFilter) -> Select<audit_entry::Entity> {
    use audit_entry::Column;
    if let Some(actor) = &filter.actor {
        let pattern = LikeExpr::new(format!("%{}%", escaped(&actor.to_lowercase()))).escape('\\');
        let name = Expr::expr(Func::lower(Expr::col((audit_entry::Entity, Column::ActorName)))).like(pattern);
        // Who acts as support, or through an app, is named with it: `usr_…/imp_…`.
        let with = LikeExpr::new(format!("{}/%", escaped(actor))).escape('\\');
        let with = Expr::col((audit_entry::Entity, Column::ActorId)).like(with);
        query = query.filter(Condition::any().add(Column::ActorId.eq(actor.as_str())).add(with).add(name));
    }
    if let Some(action) = &filter.action {
        query = query.filter(Column::Action.eq(action.as_str()));
    }
    if let Some(target) = &filter.target {
        query = query.filter(Column::TargetId.eq(target.as_str()));
    }
    if let Some(tenant) = filter.tenant {
        query = query.filter(Column::TenantId.eq(tenant.0));
    }
    if let Some(from) = filter.from {
        query = query.filter(Column::CreatedAt.gte(from.micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(Column::CreatedAt.lt(until.micros()));
    }
    query
}

fn of_tenant(tx: &TenantTx, filter: &AuditFilter) -> Select<audit_entry::Entity> {
    narrowed(audit_entry::Entity::find().filter(audit_entry::Column::TenantId.eq(tx.tenant())), filter)
}

fn of_provider(tx: &ProviderTx, people: &[String], filter: &AuditFilter) -> Select<audit_entry::Entity> {
    let own = Condition::any()
        .add(audit_entry::Column::TenantId.eq(tx.provider()))
        .add(audit_entry::Column::ActorId.is_in(people.iter().map(String::as_str)))
        // In a merchant nobody but its provider's people acts as support.
        .add(audit_entry::Column::ActorKind.eq("impersonator"));
    let query =
        audit_entry::Entity::find().filter(audit_entry::Column::ProviderId.eq(tx.provider())).filter(own);
    narrowed(query, filter)
}

fn page_of(
    rows: Vec<audit_entry::Model>,
    links: &BTreeMap<(Uuid, Uuid), (i64, String)>,
    page: PageRequest,
) -> Page<FoundEntry> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    page.map(|row| FoundEntry {
        tenant: TenantId(row.tenant_id),
        request_id: row.request_id.clone(),
        link: links.get(&(row.tenant_id, row.id)).cloned(),
        entry: shown(row),
    })
}

fn by_entry(links: Vec<audit_link::Model>) -> BTreeMap<(Uuid, Uuid), (i64, String)> {
    links.into_iter().map(|link| ((link.tenant_id, link.entry_id), (link.position, link.hash))).collect()
}

/// Entries of the tenant, newest first.
pub async fn audit_search(
    tx: &TenantTx,
    filter: &AuditFilter,
    page: PageRequest,
) -> StoreResult<Page<FoundEntry>> {
    let query =
        newest_first(of_tenant(tx, filter), audit_entry::Column::CreatedAt, audit_entry::Column::Id, page);
    let rows = query.all(tx.conn()).await?;
    let links = audit_link::Entity::find()
        .filter(audit_link::Column::TenantId.eq(tx.tenant()))
        .filter(audit_link::Column::EntryId.is_in(rows.iter().map(|row| row.id)))
        .all(tx.conn())
        .await?;
    Ok(page_of(rows, &by_entry(links), page))
}

/// The people of the tenant as entries name them.
pub async fn audit_people(tx: &TenantTx) -> StoreResult<Vec<String>> {
    let ids: Vec<Uuid> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(user::Column::Id)
        .limit(MOST_PEOPLE)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(ids.into_iter().map(|id| UserId(id).to_string()).collect())
}

/// The provider's entries and those of `people`, who are its own, in its merchants; newest first.
pub async fn audit_search_provider(
    tx: &ProviderTx,
    people: &[String],
    filter: &AuditFilter,
    page: PageRequest,
) -> StoreResult<Page<FoundEntry>> {
    let query = newest_first(
        of_provider(tx, people, filter),
        audit_entry::Column::CreatedAt,
        audit_entry::Column::Id,
        page,
    );
    let rows = query.all(tx.conn()).await?;
    let links = audit_link::Entity::find()
        .filter(audit_link::Column::ProviderId.eq(tx.provider()))
        .filter(audit_link::Column::EntryId.is_in(rows.iter().map(|row| row.id)))
        .all(tx.conn())
        .await?;
    Ok(page_of(rows, &by_entry(links), page))
}

/// Whether more than `most` of the tenant's entries fit.
pub async fn audit_exceeds(tx: &TenantTx, filter: &AuditFilter, most: u64) -> StoreResult<bool> {
    let query = of_tenant(tx, filter).select_only().column(audit_entry::Column::Id);
    Ok(query.offset(most).limit(1).into_tuple::<Uuid>().one(tx.conn()).await?.is_some())
}

/// The same of what a provider sees.
pub async fn audit_exceeds_provider(
    tx: &ProviderTx,
    people: &[String],
    filter: &AuditFilter,
    most: u64,
) -> StoreResult<bool> {
    let query = of_provider(tx, people, filter).select_only().column(audit_entry::Column::Id);
    Ok(query.offset(most).limit(1).into_tuple::<Uuid>().one(tx.conn()).await?.is_some())
}
