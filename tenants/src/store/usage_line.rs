//! Lines of invoices for metered use. Each names the period it was used in, which is one before the invoice's, and
//! how its total came about.

use crate::db::TenantTx;
use crate::entity::usage_line as line;
use crate::error::StoreResult;
use crate::store::charge_text::{steps_from, steps_text};
use qianpu_domain::billing::{LineAmounts, Step};
use qianpu_domain::ids::{InvoiceId, InvoiceLineId, SubscriptionId};
use qianpu_domain::money::Fen;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// What a line bills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// Its id; none in the preview of the next invoice.
    pub id: Option<InvoiceLineId>,
    /// What is counted.
    pub metric: String,
    /// First day of the period it was used in.
    pub period_start: String,
    /// The day after that period.
    pub period_end: String,
    /// 1 for the first line of the period, more for what came later.
    pub part: i64,
    /// Text in Chinese.
    pub description_zh: String,
    /// Text in English.
    pub description_en: String,
    /// How much was used in the period.
    pub quantity: i64,
    /// Fen that lines before this one billed of the period.
    pub billed_before: Fen,
    /// How the quantity is priced; less `billed_before` it is the total.
    pub steps: Vec<Step>,
    /// Figures; negative where the price fell with what came later.
    pub amounts: LineAmounts,
    /// Tax rate, ppm.
    pub tax_ppm: i64,
}

/// Adds a line to an invoice. The database holds that each part is billed once.
pub async fn usage_line_insert(
    tx: &mut TenantTx,
    invoice: InvoiceId,
    of: SubscriptionId,
    new: &UsageLine,
) -> StoreResult<()> {
    let row = line::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        invoice_id: Set(invoice.0),
        subscription_id: Set(of.0),
        metric: Set(new.metric.clone()),
        period_start: Set(new.period_start.clone()),
        period_end: Set(new.period_end.clone()),
        part: Set(new.part),
        description_zh: Set(new.description_zh.clone()),
        description_en: Set(new.description_en.clone()),
        quantity: Set(new.quantity),
        billed_before_fen: Set(new.billed_before.get()),
        steps: Set(steps_text(&new.steps)?),
        net_fen: Set(new.amounts.net.get()),
        tax_fen: Set(new.amounts.tax.get()),
        total_fen: Set(new.amounts.total.get()),
        tax_ppm: Set(new.tax_ppm),
        created_at: Set(tx.now().micros()),
    };
    row.insert(tx.conn()).await?;
    Ok(())
}

/// Lines of an invoice, the oldest periods first, at most 200.
pub async fn usage_lines(tx: &TenantTx, invoice: InvoiceId) -> StoreResult<Vec<UsageLine>> {
    let rows = line::Entity::find()
        .filter(line::Column::TenantId.eq(tx.tenant()))
        .filter(line::Column::InvoiceId.eq(invoice.0))
        .order_by_asc(line::Column::PeriodStart)
        .order_by_asc(line::Column::Metric)
        .order_by_asc(line::Column::Part)
        .limit(200)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

fn from_model(row: line::Model) -> StoreResult<UsageLine> {
    Ok(UsageLine {
        id: Some(InvoiceLineId(row.id)),
        metric: row.metric,
        period_start: row.period_start,
        period_end: row.period_end,
        part: row.part,
        description_zh: row.description_zh,
        description_en: row.description_en,
        quantity: row.quantity,
        billed_before: Fen::new(row.billed_before_fen),
        steps: steps_from(&row.steps)?,
        amounts: LineAmounts {
            net: Fen::new(row.net_fen),
            tax: Fen::new(row.tax_fen),
            total: Fen::new(row.total_fen),
        },
        tax_ppm: row.tax_ppm,
    })
}
