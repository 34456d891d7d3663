//! Invoices of a merchant. Figures are written once; after issue only the state moves.
//!
//! Invariants: one line of a kind per subscription and period (unique index); numbers are gap-free per
//! merchant and year, taken in the issuing transaction from one counter row.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{invoice, invoice_counter, invoice_line};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::usage_line::{UsageLine, usage_lines};
use qianpu_domain::billing::{InvoiceState, LineAmounts};
use qianpu_domain::ids::{InvoiceId, InvoiceLineId, SubscriptionId, TenantId};
use qianpu_domain::money::{Fen, MoneyOverflow};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, SqlErr,
};

/// An invoice.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// The merchant.
    pub merchant: TenantId,
    /// The subscription it bills.
    pub subscription: SubscriptionId,
    /// Number, once issued.
    pub number: Option<String>,
    /// State.
    pub state: InvoiceState,
    /// First day of the period.
    pub period_start: String,
    /// The day after the period.
    pub period_end: String,
    /// IANA zone of the period.
    pub zone: String,
    /// Figures.
    pub amounts: LineAmounts,
    /// What credit notes took off it before it was paid.
    pub credited: Fen,
    /// What the wallet paid of it.
    pub from_wallet: Fen,
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// How often it changed.
    pub version: i64,
    /// Made at.
    pub created_at: Timestamp,
}

impl Invoice {
    /// What a transfer has to bring: the total without what was credited and what the wallet paid.
    pub fn due(&self) -> Result<Fen, MoneyOverflow> {
        self.amounts.total.sub(self.credited)?.sub(self.from_wallet)
    }
}

/// A line.
#[derive(Clone, Debug)]
pub struct InvoiceLine {
    /// Its id; none in the preview of the next invoice.
    pub id: Option<InvoiceLineId>,
    /// `flat_fee` or `usage`.
    pub kind: String,
    /// Text in Chinese.
    pub description_zh: String,
    /// Text in English.
    pub description_en: String,
    /// How many.
    pub quantity: i64,
    /// Figures.
    pub amounts: LineAmounts,
    /// What it is for, where use is billed.
    pub usage: Option<Box<UsageLine>>,
}

impl From<UsageLine> for InvoiceLine {
    fn from(line: UsageLine) -> Self {
        Self {
            id: line.id,
            kind: "usage".to_owned(),
            description_zh: line.description_zh.clone(),
            description_en: line.description_en.clone(),
            quantity: line.quantity,
            amounts: line.amounts,
            usage: Some(Box::new(line)),
        }
    }
}

/// An invoice to be, with its one line.
#[derive(Clone, Debug)]
pub struct NewInvoice<'a> {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// First day of the period.
    pub period_start: &'a str,
    /// The day after the period.
    pub period_end: &'a str,
    /// IANA zone of the period.
    pub zone: &'a str,
    /// Text in Chinese.
    pub description_zh: &'a str,
    /// Text in English.
    pub description_en: &'a str,
    /// Tax rate, ppm.
    pub tax_ppm: i64,
    /// Figures.
    pub amounts: LineAmounts,
}

/// Adds a gathering invoice. `Conflict(invoice_period)` when the period has one.
pub async fn invoice_insert(tx: &mut TenantTx, new: &NewInvoice<'_>) -> StoreResult<InvoiceId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let row = invoice::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        subscription_id: Set(new.subscription.0),
        number: Set(None),
        state: Set(InvoiceState::Gathering.as_str().to_owned()),
        currency: Set("CNY".to_owned()),
        period_start: Set(new.period_start.to_owned()),
        period_end: Set(new.period_end.to_owned()),
        zone: Set(new.zone.to_owned()),
        net_fen: Set(new.amounts.net.get()),
        tax_fen: Set(new.amounts.tax.get()),
        total_fen: Set(new.amounts.total.get()),
        credited_fen: Set(0),
        wallet_fen: Set(0),
        issued_at: Set(None),
        due_at: Set(None),
        paid_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("invoice_period"),
        _ => error.into(),
    })?;
    invoice_add_fee(tx, InvoiceId(id), new).await?;
    Ok(InvoiceId(id))
}

/// Adds the fee to an invoice that gathers.
pub async fn invoice_add_fee(tx: &mut TenantTx, id: InvoiceId, new: &NewInvoice<'_>) -> StoreResult<()> {
    invoice_line::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        invoice_id: Set(id.0),
        subscription_id: Set(new.subscription.0),
        kind: Set("flat_fee".to_owned()),
        period_start: Set(new.period_start.to_owned()),
        description_zh: Set(new.description_zh.to_owned()),
        description_en: Set(new.description_en.to_owned()),
        quantity: Set(1),
        net_fen: Set(new.amounts.net.get()),
        tax_fen: Set(new.amounts.tax.get()),
        total_fen: Set(new.amounts.total.get()),
        tax_ppm: Set(new.tax_ppm),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// The next number of the year: gap-free, because it is taken in the transaction that uses it.
pub async fn invoice_take_number(tx: &mut TenantTx, year: i16) -> StoreResult<i64> {
    let year = i64::from(year);
    let zero = invoice_counter::ActiveModel { tenant_id: Set(tx.tenant()), year: Set(year), last_no: Set(0) };
    let conflict = OnConflict::columns([invoice_counter::Column::TenantId, invoice_counter::Column::Year])
        .do_nothing()
        .to_owned();
    invoice_counter::Entity::insert(zero).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    invoice_counter::Entity::update_many()
        .col_expr(invoice_counter::Column::LastNo, Expr::col(invoice_counter::Column::LastNo).add(1))
        .filter(invoice_counter::Column::TenantId.eq(tx.tenant()))
        .filter(invoice_counter::Column::Year.eq(year))
        .exec(tx.conn())
        .await?;
    let row = invoice_counter::Entity::find_by_id((tx.tenant(), year)).one(tx.conn()).await?;
    Ok(row.ok_or(StoreError::Corrupt("invoice_counters"))?.last_no)
}

/// What moves with a state.
#[derive(Clone, Debug, Default)]
pub struct InvoiceChange<'a> {
    /// Number, at issue.
    pub number: Option<&'a str>,
    /// Issue time.
    pub issued_at: Option<Timestamp>,
    /// Due time.
    pub due_at: Option<Timestamp>,
    /// Payment time.
    pub paid_at: Option<Timestamp>,
    /// Figures, where lines came or went before it is issued.
    pub amounts: Option<LineAmounts>,
    /// What credit notes took off it.
    pub credited: Option<Fen>,
    /// What the wallet paid of it.
    pub from_wallet: Option<Fen>,
    /// It is not paid after all.
    pub unpaid: bool,
}

/// Moves an invoice from one state to another. `VersionConflict` when it is not in `from` any more: of two
/// who issue or pay at once, one wins.
pub async fn invoice_move(
    tx: &mut TenantTx,
    id: InvoiceId,
    from: InvoiceState,
    to: InvoiceState,
    change: &InvoiceChange<'_>,
) -> StoreResult<()> {
    let mut update = invoice::Entity::update_many()
        .col_expr(invoice::Column::State, Expr::value(to.as_str()))
        .col_expr(invoice::Column::Version, Expr::col(invoice::Column::Version).add(1))
        .col_expr(invoice::Column::UpdatedAt, Expr::value(tx.now().micros()));
    if let Some(number) = change.number {
        update = update.col_expr(invoice::Column::Number, Expr::value(number));
    }
    for (column, at) in [
        (invoice::Column::IssuedAt, change.issued_at),
        (invoice::Column::DueAt, change.due_at),
        (invoice::Column::PaidAt, change.paid_at),
    ] {
        if let Some(at) = at {
            update = update.col_expr(column, Expr::value(at.micros()));
        }
    }
    if let Some(amounts) = change.amounts {
        for (column, fen) in [
            (invoice::Column::NetFen, amounts.net),
            (invoice::Column::TaxFen, amounts.tax),
            (invoice::Column::TotalFen, amounts.total),
        ] {
            update = update.col_expr(column, Expr::value(fen.get()));
        }
    }
    for (column, fen) in
        [(invoice::Column::CreditedFen, change.credited), (invoice::Column::WalletFen, change.from_wallet)]
    {
        if let Some(fen) = fen {
            update = update.col_expr(column, Expr::value(fen.get()));
        }
    }
    if change.unpaid {
        update = update.col_expr(invoice::Column::PaidAt, Expr::value(None::<i64>));
    }
    let done = update
        .filter(invoice::Column::TenantId.eq(tx.tenant()))
        .filter(invoice::Column::Id.eq(id.0))
        .filter(invoice::Column::State.eq(from.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One invoice.
pub async fn invoice_get(tx: &TenantTx, id: InvoiceId) -> StoreResult<Invoice> {
    let row =
        invoice::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    from_model(row)
}

/// An invoice of one of the provider's merchants.
pub async fn invoice_get_by_provider(tx: &ProviderTx, id: InvoiceId) -> StoreResult<Invoice> {
    let row = invoice::Entity::find()
        .filter(invoice::Column::ProviderId.eq(tx.provider()))
        .filter(invoice::Column::TenantId.is_not_null())
        .filter(invoice::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    from_model(row.ok_or(StoreError::NotFound)?)
}

/// The invoice that collects the next period of a subscription: the preview of the next one.
pub async fn invoice_gathering(tx: &TenantTx, of: SubscriptionId) -> StoreResult<Option<Invoice>> {
    let row = invoice::Entity::find()
        .filter(invoice::Column::TenantId.eq(tx.tenant()))
        .filter(invoice::Column::SubscriptionId.eq(of.0))
        .filter(invoice::Column::State.eq(InvoiceState::Gathering.as_str()))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// Invoices of a subscription that were issued and whose period is not over on a day, the oldest first.
pub async fn invoice_running(tx: &TenantTx, of: SubscriptionId, day: &str) -> StoreResult<Vec<Invoice>> {
    let states = [InvoiceState::Issued, InvoiceState::Overdue, InvoiceState::Paid];
    let rows = invoice::Entity::find()
        .filter(invoice::Column::TenantId.eq(tx.tenant()))
        .filter(invoice::Column::SubscriptionId.eq(of.0))
        // Dates in this form are in order as texts.
        .filter(invoice::Column::PeriodEnd.gt(day))
        .filter(invoice::Column::State.is_in(states.map(InvoiceState::as_str)))
        .order_by_asc(invoice::Column::PeriodStart)
        .limit(200)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The invoice of a period, by the period's first day.
pub async fn invoice_of_period(
    tx: &TenantTx,
    of: SubscriptionId,
    period_start: &str,
) -> StoreResult<Option<Invoice>> {
    let row = invoice::Entity::find()
        .filter(invoice::Column::TenantId.eq(tx.tenant()))
        .filter(invoice::Column::SubscriptionId.eq(of.0))
        .filter(invoice::Column::PeriodStart.eq(period_start))
        .one(tx.conn())
        .await?;
    row.map(from_model).transpose()
}

/// Its lines, those for use after the fee, at most 400.
pub async fn invoice_lines(tx: &TenantTx, id: InvoiceId) -> StoreResult<Vec<InvoiceLine>> {
    let mut lines = invoice_fees(tx, id).await?;
    lines.extend(usage_lines(tx, id).await?.into_iter().map(InvoiceLine::from));
    Ok(lines)
}

/// Its lines for the period that begins, at most 200.
pub async fn invoice_fees(tx: &TenantTx, id: InvoiceId) -> StoreResult<Vec<InvoiceLine>> {
    let rows = invoice_line::Entity::find()
        .filter(invoice_line::Column::TenantId.eq(tx.tenant()))
        .filter(invoice_line::Column::InvoiceId.eq(id.0))
        .order_by_asc(invoice_line::Column::CreatedAt)
        .order_by_asc(invoice_line::Column::Id)
        .limit(200)
        .all(tx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| InvoiceLine {
            id: Some(InvoiceLineId(row.id)),
            kind: row.kind,
            description_zh: row.description_zh,
            description_en: row.description_en,
            quantity: row.quantity,
            amounts: LineAmounts {
                net: Fen::new(row.net_fen),
                tax: Fen::new(row.tax_fen),
                total: Fen::new(row.total_fen),
            },
            usage: None,
        })
        .collect())
}

/// Takes the fee out of an invoice that gathers: the period that it is for does not come.
pub async fn invoice_drop_fee(tx: &mut TenantTx, id: InvoiceId) -> StoreResult<()> {
    invoice_line::Entity::delete_many()
        .filter(invoice_line::Column::TenantId.eq(tx.tenant()))
        .filter(invoice_line::Column::InvoiceId.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// The merchant's invoices, newest first; in one of these states when any is given.
pub async fn invoice_list(
    tx: &TenantTx,
    states: &[InvoiceState],
    page: PageRequest,
) -> StoreResult<Page<Invoice>> {
    let query = invoice::Entity::find().filter(invoice::Column::TenantId.eq(tx.tenant()));
    let query = in_states(query, states);
    paged(
        newest_first(query, invoice::Column::CreatedAt, invoice::Column::Id, page).all(tx.conn()).await?,
        page,
    )
}

/// Invoices of the provider's merchants, newest first; of one merchant, or in these states, when given.
pub async fn invoice_list_by_provider(
    tx: &ProviderTx,
    merchant: Option<TenantId>,
    states: &[InvoiceState],
    page: PageRequest,
) -> StoreResult<Page<Invoice>> {
    let mut query = invoice::Entity::find().filter(invoice::Column::ProviderId.eq(tx.provider()));
    query = match merchant {
        Some(merchant) => query.filter(invoice::Column::TenantId.eq(merchant.0)),
        None => query.filter(invoice::Column::TenantId.is_not_null()),
    };
    let query = in_states(query, states);
    paged(
        newest_first(query, invoice::Column::CreatedAt, invoice::Column::Id, page).all(tx.conn()).await?,
        page,
    )
}

fn in_states(
    query: sea_orm::Select<invoice::Entity>,
    states: &[InvoiceState],
) -> sea_orm::Select<invoice::Entity> {
    if states.is_empty() {
        return query;
    }
    query.filter(invoice::Column::State.is_in(states.iter().map(|state| state.as_str())))
}

fn paged(rows: Vec<invoice::Model>, page: PageRequest) -> StoreResult<Page<Invoice>> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

fn from_model(row: invoice::Model) -> StoreResult<Invoice> {
    Ok(Invoice {
        id: InvoiceId(row.id),
        merchant: TenantId(row.tenant_id),
        subscription: SubscriptionId(row.subscription_id),
        number: row.number,
        state: InvoiceState::parse(&row.state).ok_or(StoreError::Corrupt("invoices.state"))?,
        period_start: row.period_start,
        period_end: row.period_end,
        zone: row.zone,
        amounts: LineAmounts {
            net: Fen::new(row.net_fen),
            tax: Fen::new(row.tax_fen),
            total: Fen::new(row.total_fen),
        },
        credited: Fen::new(row.credited_fen),
        from_wallet: Fen::new(row.wallet_fen),
        issued_at: row.issued_at.map(Timestamp::from_micros),
        due_at: row.due_at.map(Timestamp::from_micros),
        paid_at: row.paid_at.map(Timestamp::from_micros),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}
