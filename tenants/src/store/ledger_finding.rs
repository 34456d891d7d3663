//! Findings of the daily look at a merchant's books. One that is open is found once, however often it is seen; one that
//! is not seen any more is resolved, and seen again it is another one.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::ledger_finding as finding;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{JournalId, LedgerAccountId, LedgerFindingId, TenantId};
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::ledger::findings::FindingKind;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    Set,
};
use std::collections::BTreeMap;

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The book of a currency.
    Book(String),
    /// An account, with its chart code where it is known.
    Account(LedgerAccountId, Option<AccountCode>),
    /// A journal.
    Journal(JournalId),
}

impl Subject {
    /// By what it is known again. Ids sort as their texts do.
    fn text(&self) -> String {
        match self {
            Self::Book(currency) => currency.clone(),
            Self::Account(id, _) => id.to_string(),
            Self::Journal(id) => id.to_string(),
        }
    }
}

/// Something seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is about.
    pub subject: Subject,
    /// How much.
    pub amount: Fen,
    /// How long it may have been so; the moment of the look where nobody knows.
    pub since: Timestamp,
}

/// All that was seen of one kind.
#[derive(Clone, Debug)]
pub struct Look {
    /// Which kind.
    pub kind: FindingKind,
    /// By subject.
    pub seen: Vec<Seen>,
    /// How far the look reached.
    pub reach: Reach,
}

/// How far a look reached: what lies there and was not seen is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All there is.
    Whole,
    /// Up to the last one seen, by subject.
    ToTheLast,
    /// Nobody knows: there may be more, in no order.
    Unknown,
}

/// A finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its id.
    pub id: LedgerFindingId,
    /// The merchant.
    pub merchant: TenantId,
    /// What was found.
    pub kind: FindingKind,
    /// What it is about.
    pub subject: Subject,
    /// How much, when it was seen last.
    pub amount: Fen,
    /// How long it may have been so.
    pub since: Timestamp,
    /// When it was seen first.
    pub first_seen_at: Timestamp,
    /// When it was seen last.
    pub last_seen_at: Timestamp,
    /// When it was not seen any more.
    pub resolved_at: Option<Timestamp>,
    /// Who looks after it.
    pub taken: Option<Taken>,
}

/// Who looks after a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Their name.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// What they say about it.
    pub note: String,
}

/// Open findings of a merchant and kind that are looked at; there are never more than are seen at once.
const MOST_OPEN: u64 = 10_000;

/// Notes what a look saw: new findings are added, those seen again keep their age, those gone are resolved. How many
/// were new and how many were resolved.
pub async fn findings_note(tx: &mut TenantTx, look: &Look) -> StoreResult<(usize, usize)> {
    let now = tx.now().micros();
    let open = finding::Entity::find()
        .filter(finding::Column::TenantId.eq(tx.tenant()))
        .filter(finding::Column::Kind.eq(look.kind.as_str()))
        .filter(finding::Column::ResolvedAt.is_null())
        .order_by_asc(finding::Column::Subject)
        .limit(MOST_OPEN)
        .all(tx.conn())
        .await?;
    let mut open: BTreeMap<String, finding::Model> =
        open.into_iter().map(|row| (row.subject.clone(), row)).collect();
    let (mut added, mut resolved, mut last) = (0, 0, String::new());
    for seen in &look.seen {
        let subject = seen.subject.text();
        if subject > last {
            last.clone_from(&subject);
        }
        match open.remove(&subject) {
            Some(row) => {
                let mut row: finding::ActiveModel = row.into();
                row.amount_fen = Set(seen.amount.get());
                row.last_seen_at = Set(now);
                row.update(tx.conn()).await?;
            }
            None => {
                insert(tx, look.kind, seen, subject).await?;
                added += 1;
            }
        }
    }
    for (subject, row) in open {
        let reached = match look.reach {
            Reach::Whole => true,
            Reach::ToTheLast => subject <= last,
            Reach::Unknown => false,
        };
        if !reached {
            continue;
        }
        let version = row.version + 1;
        let mut row: finding::ActiveModel = row.into();
        row.resolved_at = Set(Some(now));
        row.version = Set(version);
        row.update(tx.conn()).await?;
        resolved += 1;
    }
    Ok((added, resolved))
}

async fn insert(tx: &TenantTx, kind: FindingKind, seen: &Seen, subject: String) -> StoreResult<()> {
    let now = tx.now().micros();
    let (account, journal, code) = match &seen.subject {
        Subject::Book(_) => (None, None, None),
        Subject::Account(id, code) => (Some(id.0), None, code.map(AccountCode::number)),
        Subject::Journal(id) => (None, Some(id.0), None),
    };
    let row = finding::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        provider_id: Set(tx.provider()?),
        kind: Set(kind.as_str().to_owned()),
        subject: Set(subject),
        account_id: Set(account),
        journal_id: Set(journal),
        code: Set(code),
        amount_fen: Set(seen.amount.get()),
        since: Set(seen.since.micros()),
        first_seen_at: Set(now),
        last_seen_at: Set(now),
        resolved_at: Set(None),
        taken_by: Set(None),
        taken_by_name: Set(None),
        taken_at: Set(None),
        note: Set(None),
        version: Set(1),
    };
    row.insert(tx.conn()).await?;
    Ok(())
}

/// Says who looks after an open finding; who did before is replaced. `VersionConflict` when it is resolved.
pub async fn finding_take(tx: &mut TenantTx, id: LedgerFindingId, name: &str, note: &str) -> StoreResult<()> {
    let (_, actor, _) = tx.ctx().actor().audit_parts();
    let done = finding::Entity::update_many()
        .col_expr(finding::Column::TakenBy, Expr::value(Some(actor)))
        .col_expr(finding::Column::TakenByName, Expr::value(Some(name.to_owned())))
        .col_expr(finding::Column::TakenAt, Expr::value(Some(tx.now().micros())))
        .col_expr(finding::Column::Note, Expr::value(Some(note.to_owned())))
        .col_expr(finding::Column::Version, Expr::col(finding::Column::Version).add(1))
        .filter(finding::Column::TenantId.eq(tx.tenant()))
        .filter(finding::Column::Id.eq(id.0))
        .filter(finding::Column::ResolvedAt.is_null())
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One finding.
pub async fn finding_get(tx: &TenantTx, id: LedgerFindingId) -> StoreResult<Finding> {
    let row = finding::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    finding_from(row.ok_or(StoreError::NotFound)?)
}

/// Which findings of a provider's merchants.
#[derive(Clone, Copy, Debug, Default)]
pub struct FindingFilter {
    /// Those that are open, or those that are resolved.
    pub open: Option<bool>,
    /// Those of one merchant.
    pub merchant: Option<TenantId>,
}

fn of_provider(tx: &ProviderTx, filter: FindingFilter) -> Select<finding::Entity> {
    let mut query = finding::Entity::find()
        .filter(finding::Column::ProviderId.eq(tx.provider()))
        .filter(finding::Column::TenantId.is_not_null());
    if let Some(merchant) = filter.merchant {
        query = query.filter(finding::Column::TenantId.eq(merchant.0));
    }
    match filter.open {
        Some(true) => query.filter(finding::Column::ResolvedAt.is_null()),
        Some(false) => query.filter(finding::Column::ResolvedAt.is_not_null()),
        None => query,
    }
}

/// One finding of a provider's merchants.
pub async fn finding_get_by_provider(tx: &ProviderTx, id: LedgerFindingId) -> StoreResult<Finding> {
    let row =
        of_provider(tx, FindingFilter::default()).filter(finding::Column::Id.eq(id.0)).one(tx.conn()).await?;
    finding_from(row.ok_or(StoreError::NotFound)?)
}

/// Findings of a provider's merchants, those first seen last first.
pub async fn finding_list(
    tx: &ProviderTx,
    filter: FindingFilter,
    page: PageRequest,
) -> StoreResult<Page<Finding>> {
    let query = of_provider(tx, filter);
    let rows =
        newest_first(query, finding::Column::FirstSeenAt, finding::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.first_seen_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(finding_from).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

/// How many there are.
pub async fn finding_count(tx: &ProviderTx, filter: FindingFilter) -> StoreResult<u64> {
    Ok(of_provider(tx, filter).count(tx.conn()).await?)
}

fn finding_from(row: finding::Model) -> StoreResult<Finding> {
    let code = row.code.and_then(AccountCode::from_number);
    let subject = match (row.account_id, row.journal_id) {
        (Some(id), _) => Subject::Account(LedgerAccountId(id), code),
        (None, Some(id)) => Subject::Journal(JournalId(id)),
        (None, None) => Subject::Book(row.subject),
    };
    let taken = row.taken_by_name.zip(row.taken_at).map(|(by, at)| Taken {
        by,
        at: Timestamp::from_micros(at),
        note: row.note.unwrap_or_default(),
    });
    Ok(Finding {
        id: LedgerFindingId(row.id),
        merchant: TenantId(row.tenant_id),
        kind: FindingKind::parse(&row.kind).ok_or(StoreError::Corrupt("ledger_findings.kind"))?,
        subject,
        amount: Fen::new(row.amount_fen),
        since: Timestamp::from_micros(row.since),
        first_seen_at: Timestamp::from_micros(row.first_seen_at),
        last_seen_at: Timestamp::from_micros(row.last_seen_at),
        resolved_at: row.resolved_at.map(Timestamp::from_micros),
        taken,
    })
}
