//! Credit notes: what is taken back of an invoice, line by line. Written once; numbers are without gaps per merchant and
//! year, because each is one more than the last in the transaction that uses it.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{credit_note, credit_note_line};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::billing::{LineAmounts, credit_note_number};
use qianpu_domain::ids::{CreditNoteId, CreditNoteLineId, InvoiceId, InvoiceLineId, PlanChangeId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};

/// A credit note.
#[derive(Clone, Debug)]
pub struct CreditNote {
    /// Its id.
    pub id: CreditNoteId,
    /// The merchant.
    pub merchant: TenantId,
    /// The invoice that it takes back of.
    pub invoice: InvoiceId,
    /// The change of plan that it is for.
    pub change: PlanChangeId,
    /// Its number.
    pub number: String,
    /// First day that is credited.
    pub credited_from: String,
    /// Figures.
    pub amounts: LineAmounts,
    /// What of it is no longer owed.
    pub receivable: Fen,
    /// What of it went into the wallet.
    pub wallet: Fen,
    /// When it was issued.
    pub created_at: Timestamp,
}

/// A line of it.
#[derive(Clone, Debug)]
pub struct CreditNoteLine {
    /// Its id.
    pub id: CreditNoteLineId,
    /// The line of the invoice that it takes back of.
    pub invoice_line: InvoiceLineId,
    /// Text in Chinese.
    pub description_zh: String,
    /// Text in English.
    pub description_en: String,
    /// Figures.
    pub amounts: LineAmounts,
}

/// A credit note to be.
#[derive(Clone, Debug)]
pub struct NewCreditNote<'a> {
    /// The invoice.
    pub invoice: InvoiceId,
    /// The change of plan.
    pub change: PlanChangeId,
    /// The year of its number.
    pub year: i16,
    /// First day that is credited.
    pub credited_from: &'a str,
    /// The sum of the lines.
    pub amounts: LineAmounts,
    /// What of it is no longer owed.
    pub receivable: Fen,
    /// What of it goes into the wallet.
    pub wallet: Fen,
    /// Lines.
    pub lines: &'a [NewCreditLine],
}

/// A line of a credit note to be.
#[derive(Clone, Debug)]
pub struct NewCreditLine {
    /// The line of the invoice that it takes back of.
    pub invoice_line: InvoiceLineId,
    /// Text in Chinese.
    pub description_zh: String,
    /// Text in English.
    pub description_en: String,
    /// Figures.
    pub amounts: LineAmounts,
}

/// Issues a credit note with its lines under the next number. `VersionConflict` when somebody else took the number or
/// credited the invoice.
pub async fn credit_note_insert(tx: &mut TenantTx, new: &NewCreditNote<'_>) -> StoreResult<CreditNoteId> {
    let (id, now, year) = (tx.new_id(), tx.now().micros(), i64::from(new.year));
    let last = credit_note::Entity::find()
        .filter(credit_note::Column::TenantId.eq(tx.tenant()))
        .filter(credit_note::Column::Year.eq(year))
        .order_by_desc(credit_note::Column::CountNo)
        .limit(1)
        .one(tx.conn())
        .await?;
    let row = credit_note::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        invoice_id: Set(new.invoice.0),
        plan_change_id: Set(new.change.0),
        year: Set(year),
        count_no: Set(last.map_or(0, |row| row.count_no) + 1),
        credited_from: Set(new.credited_from.to_owned()),
        net_fen: Set(new.amounts.net.get()),
        tax_fen: Set(new.amounts.tax.get()),
        total_fen: Set(new.amounts.total.get()),
        receivable_fen: Set(new.receivable.get()),
        wallet_fen: Set(new.wallet.get()),
        created_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::VersionConflict,
        _ => error.into(),
    })?;
    for line in new.lines {
        credit_note_line::ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(tx.new_id()),
            credit_note_id: Set(id),
            invoice_line_id: Set(line.invoice_line.0),
            description_zh: Set(line.description_zh.clone()),
            description_en: Set(line.description_en.clone()),
            net_fen: Set(line.amounts.net.get()),
            tax_fen: Set(line.amounts.tax.get()),
            total_fen: Set(line.amounts.total.get()),
            created_at: Set(now),
        }
        .insert(tx.conn())
        .await?;
    }
    Ok(CreditNoteId(id))
}

/// One credit note.
pub async fn credit_note_get(tx: &TenantTx, id: CreditNoteId) -> StoreResult<CreditNote> {
    let row = credit_note::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// A credit note of one of the provider's merchants.
pub async fn credit_note_get_by_provider(tx: &ProviderTx, id: CreditNoteId) -> StoreResult<CreditNote> {
    let row = credit_note::Entity::find()
        .filter(credit_note::Column::ProviderId.eq(tx.provider()))
        .filter(credit_note::Column::TenantId.is_not_null())
        .filter(credit_note::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    row.map(from_model).ok_or(StoreError::NotFound)
}

/// The credit note of an invoice.
pub async fn credit_note_of(tx: &TenantTx, invoice: InvoiceId) -> StoreResult<Option<CreditNote>> {
    let row = credit_note::Entity::find()
        .filter(credit_note::Column::TenantId.eq(tx.tenant()))
        .filter(credit_note::Column::InvoiceId.eq(invoice.0))
        .one(tx.conn())
        .await?;
    Ok(row.map(from_model))
}

/// Its lines, at most 200.
pub async fn credit_note_lines(tx: &TenantTx, id: CreditNoteId) -> StoreResult<Vec<CreditNoteLine>> {
    let rows = credit_note_line::Entity::find()
        .filter(credit_note_line::Column::TenantId.eq(tx.tenant()))
        .filter(credit_note_line::Column::CreditNoteId.eq(id.0))
        .order_by_asc(credit_note_line::Column::Id)
        .limit(200)
        .all(tx.conn())
        .await?;
    let line = |row: credit_note_line::Model| CreditNoteLine {
        id: CreditNoteLineId(row.id),
        invoice_line: InvoiceLineId(row.invoice_line_id),
        description_zh: row.description_zh,
        description_en: row.description_en,
        amounts: LineAmounts {
            net: Fen::new(row.net_fen),
            tax: Fen::new(row.tax_fen),
            total: Fen::new(row.total_fen),
        },
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The merchant's credit notes, newest first.
pub async fn credit_note_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<CreditNote>> {
    let query = credit_note::Entity::find().filter(credit_note::Column::TenantId.eq(tx.tenant()));
    let query = newest_first(query, credit_note::Column::CreatedAt, credit_note::Column::Id, page);
    Ok(paged(query.all(tx.conn()).await?, page))
}

/// Credit notes of the provider's merchants, newest first.
pub async fn credit_note_list_by_provider(
    tx: &ProviderTx,
    page: PageRequest,
) -> StoreResult<Page<CreditNote>> {
    let query = credit_note::Entity::find()
        .filter(credit_note::Column::ProviderId.eq(tx.provider()))
        .filter(credit_note::Column::TenantId.is_not_null());
    let query = newest_first(query, credit_note::Column::CreatedAt, credit_note::Column::Id, page);
    Ok(paged(query.all(tx.conn()).await?, page))
}

fn paged(rows: Vec<credit_note::Model>, page: PageRequest) -> Page<CreditNote> {
    let key = |row: &credit_note::Model| Cursor { at: Timestamp::from_micros(row.created_at), id: row.id };
    Page::from_rows(rows, page.limit, key).map(from_model)
}

fn from_model(row: credit_note::Model) -> CreditNote {
    CreditNote {
        id: CreditNoteId(row.id),
        merchant: TenantId(row.tenant_id),
        invoice: InvoiceId(row.invoice_id),
        change: PlanChangeId(row.plan_change_id),
        number: credit_note_number(row.year, row.count_no),
        credited_from: row.credited_from,
        amounts: LineAmounts {
            net: Fen::new(row.net_fen),
            tax: Fen::new(row.tax_fen),
            total: Fen::new(row.total_fen),
        },
        receivable: Fen::new(row.receivable_fen),
        wallet: Fen::new(row.wallet_fen),
        created_at: Timestamp::from_micros(row.created_at),
    }
}
