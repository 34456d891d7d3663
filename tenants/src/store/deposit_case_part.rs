//! What belongs to a case against a deposit: what was deducted for it, and the files that are its evidence.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{deposit_case_file as file, deposit_deduction as deduction};
use crate::error::{StoreError, StoreResult};
use crate::store::deposit_case::DepositCase;
use qianpu_domain::access::Surface;
use qianpu_domain::deposit_case::{DeductedFor, Taken};
use qianpu_domain::ids::{AftersaleId, DepositCaseId, DepositDeductionId, MediaId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use uuid::Uuid;

/// Deductions and files of one case that are shown.
const MOST: u64 = 200;

/// A deduction.
#[derive(Clone, Debug)]
pub struct Deduction {
    /// Its id; its journals are about the case and it.
    pub id: DepositDeductionId,
    /// The version of the case it was decided on.
    pub case_version: i64,
    /// Who gets it.
    pub to: DeductedFor,
    /// How much, all in all.
    pub amount: Fen,
    /// What of it is a claim against the merchant.
    pub claimed: Fen,
    /// What for.
    pub reason: String,
    /// Who decided it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A deduction to be.
#[derive(Clone, Copy, Debug)]
pub struct NewDeduction<'a> {
    /// Who gets it.
    pub to: DeductedFor,
    /// How much, and where from.
    pub taken: Taken,
    /// The same as one amount.
    pub amount: Fen,
    /// What for.
    pub reason: &'a str,
    /// Who decides it.
    pub by: &'a str,
}

/// Notes a deduction from a case as it was read.
pub async fn deduction_insert(
    tx: &mut TenantTx,
    of: &DepositCase,
    new: &NewDeduction<'_>,
) -> StoreResult<DepositDeductionId> {
    let id = tx.new_id();
    let row = deduction::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        case_id: Set(of.id.0),
        case_version: Set(of.version),
        deducted_for: Set(new.to.as_str().to_owned()),
        aftersale_id: Set(of.aftersale.filter(|_| new.to == DeductedFor::Buyer).map(|id| id.0)),
        amount_fen: Set(new.amount.get()),
        claimed_fen: Set(new.taken.claimed.get()),
        reason: Set(new.reason.to_owned()),
        by_name: Set(new.by.to_owned()),
        created_at: Set(tx.now().micros()),
    };
    row.insert(tx.conn()).await?;
    Ok(DepositDeductionId(id))
}

async fn deductions(
    conn: &DatabaseTransaction,
    merchant: Uuid,
    of: DepositCaseId,
) -> StoreResult<Vec<Deduction>> {
    let rows = deduction::Entity::find()
        .filter(deduction::Column::TenantId.eq(merchant))
        .filter(deduction::Column::CaseId.eq(of.0))
        .order_by_asc(deduction::Column::CaseVersion)
        .limit(MOST)
        .all(conn)
        .await?;
    rows.into_iter().map(deduction_from).collect()
}

/// The deductions of a case, oldest first.
pub async fn deduction_list(tx: &TenantTx, of: DepositCaseId) -> StoreResult<Vec<Deduction>> {
    deductions(tx.conn(), tx.tenant(), of).await
}

/// The same of a case of one of the provider's merchants.
pub async fn deduction_list_by_provider(tx: &ProviderTx, of: &DepositCase) -> StoreResult<Vec<Deduction>> {
    deductions(tx.conn(), of.merchant.0, of.id).await
}

/// What was deducted for the buyer of an after-sale, over all cases.
pub async fn deducted_for_buyer(tx: &TenantTx, of: AftersaleId) -> StoreResult<Fen> {
    let total: Option<Option<i64>> = deduction::Entity::find()
        .select_only()
        // sum(bigint) is numeric on PostgreSQL; the cast keeps integers on both databases.
        .expr_as(Expr::col(deduction::Column::AmountFen).sum().cast_as("bigint"), "total")
        .filter(deduction::Column::TenantId.eq(tx.tenant()))
        .filter(deduction::Column::AftersaleId.eq(of.0))
        .into_tuple()
        .one(tx.conn())
        .await?;
    Ok(Fen::new(total.flatten().unwrap_or(0)))
}

fn deduction_from(row: deduction::Model) -> StoreResult<Deduction> {
    Ok(Deduction {
        id: DepositDeductionId(row.id),
        case_version: row.case_version,
        to: DeductedFor::from_text(&row.deducted_for)
            .ok_or(StoreError::Corrupt("deposit_deductions.deducted_for"))?,
        amount: Fen::new(row.amount_fen),
        claimed: Fen::new(row.claimed_fen),
        reason: row.reason,
        by: row.by_name,
        at: Timestamp::from_micros(row.created_at),
    })
}

/// A file that is evidence in a case. It lies with the merchant, whoever put it there.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The file.
    pub media: MediaId,
    /// Whose evidence it is.
    pub side: Surface,
    /// Who put it there.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Puts a file into a case.
pub async fn case_file_insert(
    tx: &mut TenantTx,
    of: DepositCaseId,
    media: MediaId,
    side: Surface,
    by: &str,
) -> StoreResult<()> {
    let row = file::ActiveModel {
        tenant_id: Set(tx.tenant()),
        case_id: Set(of.0),
        media_id: Set(media.0),
        provider_id: Set(tx.provider()?),
        side: Set(side.as_str().to_owned()),
        by_name: Set(by.to_owned()),
        created_at: Set(tx.now().micros()),
    };
    row.insert(tx.conn()).await?;
    Ok(())
}

/// How many files one side has put into a case.
pub async fn case_file_count(tx: &TenantTx, of: DepositCaseId, side: Surface) -> StoreResult<u64> {
    let found = file::Entity::find()
        .filter(file::Column::TenantId.eq(tx.tenant()))
        .filter(file::Column::CaseId.eq(of.0))
        .filter(file::Column::Side.eq(side.as_str()));
    Ok(found.count(tx.conn()).await?)
}

async fn files(conn: &DatabaseTransaction, merchant: Uuid, of: DepositCaseId) -> StoreResult<Vec<CaseFile>> {
    let rows = file::Entity::find()
        .filter(file::Column::TenantId.eq(merchant))
        .filter(file::Column::CaseId.eq(of.0))
        .order_by_asc(file::Column::CreatedAt)
        .order_by_asc(file::Column::MediaId)
        .limit(MOST)
        .all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CaseFile {
                media: MediaId(row.media_id),
                side: Surface::parse(&row.side).ok_or(StoreError::Corrupt("deposit_case_files.side"))?,
                by: row.by_name,
                at: Timestamp::from_micros(row.created_at),
            })
        })
        .collect()
}

/// The files of a case, oldest first.
pub async fn case_file_list(tx: &TenantTx, of: DepositCaseId) -> StoreResult<Vec<CaseFile>> {
    files(tx.conn(), tx.tenant(), of).await
}

/// The same of a case of one of the provider's merchants.
pub async fn case_file_list_by_provider(tx: &ProviderTx, of: &DepositCase) -> StoreResult<Vec<CaseFile>> {
    files(tx.conn(), of.merchant.0, of.id).await
}
