//! What a provider asks of applicants: documents, the agreement in force, and protected brand names with
//! the merchants that may use them.

use crate::db::TenantTx;
use crate::entity::{agreement, brand, brand_authorisation, requirement};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{RequirementId, TenantId, UserId};
use qianpu_domain::onboarding::{AgreementVersion, Requirement};
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The most documents a provider may ask for.
pub const MAX_REQUIREMENTS: u64 = 50;
/// The most brand names a provider may protect.
pub const MAX_BRANDS: u64 = 2_000;

/// A requirement with what settings pages need.
#[derive(Clone, Debug)]
pub struct StoredRequirement {
    /// Its id.
    pub id: RequirementId,
    /// What is asked for.
    pub requirement: Requirement,
    /// Order on the page.
    pub position: i64,
    /// For guarded updates.
    pub version: i64,
}

fn from_model(row: requirement::Model) -> StoreResult<StoredRequirement> {
    let words: Vec<String> =
        serde_json::from_str(&row.kinds).map_err(|_| StoreError::Corrupt("requirements.kinds"))?;
    Ok(StoredRequirement {
        id: RequirementId(row.id),
        requirement: Requirement {
            code: row.code,
            kinds: words.iter().filter_map(|word| SubjectKind::from_text(word)).collect(),
            name_en: row.name_en,
            name_zh: row.name_zh,
        },
        position: row.position,
        version: row.version,
    })
}

fn kinds_text(kinds: &[SubjectKind]) -> String {
    serde_json::Value::from(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()).to_string()
}

/// Adds a requirement. `Conflict(requirement)` when the code exists.
pub async fn requirement_insert(
    tx: &mut TenantTx,
    new: &Requirement,
    position: i64,
) -> StoreResult<RequirementId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let row = requirement::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        code: Set(new.code.clone()),
        kinds: Set(kinds_text(&new.kinds)),
        name_en: Set(new.name_en.clone()),
        name_zh: Set(new.name_zh.clone()),
        position: Set(position),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let rows =
        requirement::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    if rows == 1 { Ok(RequirementId(id)) } else { Err(StoreError::Conflict("requirement")) }
}

/// A requirement by id.
pub async fn requirement_get(tx: &TenantTx, id: RequirementId) -> StoreResult<StoredRequirement> {
    let row = requirement::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Everything the provider asks for, in page order.
pub async fn requirement_list(tx: &TenantTx) -> StoreResult<Vec<StoredRequirement>> {
    let rows = requirement::Entity::find()
        .filter(requirement::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(requirement::Column::Position)
        .order_by_asc(requirement::Column::Id)
        .limit(MAX_REQUIREMENTS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Changes names and kinds; the code stays, since documents carry it.
pub async fn requirement_save(
    tx: &mut TenantTx,
    id: RequirementId,
    version: i64,
    next: &Requirement,
) -> StoreResult<()> {
    let done = requirement::Entity::update_many()
        .col_expr(requirement::Column::Kinds, Expr::value(kinds_text(&next.kinds)))
        .col_expr(requirement::Column::NameEn, Expr::value(next.name_en.as_str()))
        .col_expr(requirement::Column::NameZh, Expr::value(next.name_zh.as_str()))
        .col_expr(requirement::Column::Version, Expr::col(requirement::Column::Version).add(1))
        .col_expr(requirement::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(requirement::Column::TenantId.eq(tx.tenant()))
        .filter(requirement::Column::Id.eq(id.0))
        .filter(requirement::Column::Version.eq(version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// No longer asks for it; documents that answered it stay.
pub async fn requirement_delete(tx: &mut TenantTx, id: RequirementId) -> StoreResult<()> {
    let done = requirement::Entity::delete_by_id((tx.tenant(), id.0)).exec(tx.conn()).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// A text that merchants sign.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Version word and hash.
    pub version: AgreementVersion,
    /// In Chinese.
    pub body_zh: String,
    /// In English.
    pub body_en: String,
    /// From when it holds.
    pub effective_from: Timestamp,
}

/// Adds a version of the agreement. `Conflict(agreement)` when the word exists.
pub async fn agreement_insert(
    tx: &mut TenantTx,
    word: &str,
    body_zh: &str,
    body_en: &str,
    effective_from: Timestamp,
) -> StoreResult<AgreementVersion> {
    let hash = Sha256::new().chain_update(body_zh).chain_update([0]).chain_update(body_en).finalize();
    let sha256: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let row = agreement::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        version_word: Set(word.to_owned()),
        body_zh: Set(body_zh.to_owned()),
        body_en: Set(body_en.to_owned()),
        sha256: Set(sha256.clone()),
        effective_from: Set(effective_from.micros()),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    let rows = agreement::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    if rows != 1 {
        return Err(StoreError::Conflict("agreement"));
    }
    Ok(AgreementVersion { version: word.to_owned(), sha256 })
}

/// The agreement in force at a moment: the one that began last.
pub async fn agreement_current(tx: &TenantTx, at: Timestamp) -> StoreResult<Agreement> {
    let row = agreement::Entity::find()
        .filter(agreement::Column::TenantId.eq(tx.tenant()))
        .filter(agreement::Column::EffectiveFrom.lte(at.micros()))
        .order_by_desc(agreement::Column::EffectiveFrom)
        .order_by_desc(agreement::Column::Id)
        .limit(1)
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    Ok(Agreement {
        version: AgreementVersion { version: row.version_word, sha256: row.sha256 },
        body_zh: row.body_zh,
        body_en: row.body_en,
        effective_from: Timestamp::from_micros(row.effective_from),
    })
}

/// Protects a brand name; nothing happens when it is protected already.
pub async fn brand_insert(tx: &mut TenantTx, name: &str) -> StoreResult<()> {
    let row = brand::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        name: Set(name.to_owned()),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    brand::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// No longer protects a brand name; its authorisations go with it.
pub async fn brand_delete(tx: &mut TenantTx, name: &str) -> StoreResult<()> {
    let Some(id) = brand_find(tx, name).await? else { return Err(StoreError::NotFound) };
    brand_authorisation::Entity::delete_many()
        .filter(brand_authorisation::Column::TenantId.eq(tx.tenant()))
        .filter(brand_authorisation::Column::BrandId.eq(id))
        .exec(tx.conn())
        .await?;
    brand::Entity::delete_by_id((tx.tenant(), id)).exec(tx.conn()).await?;
    Ok(())
}

async fn brand_find(tx: &TenantTx, name: &str) -> StoreResult<Option<Uuid>> {
    let row = brand::Entity::find()
        .filter(brand::Column::TenantId.eq(tx.tenant()))
        .filter(brand::Column::Name.eq(name))
        .one(tx.conn())
        .await?;
    Ok(row.map(|row| row.id))
}

/// The protected brand names, in alphabetical order.
pub async fn brand_list(tx: &TenantTx) -> StoreResult<Vec<String>> {
    let rows = brand::Entity::find()
        .filter(brand::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(brand::Column::Name)
        .limit(MAX_BRANDS)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Lets a merchant use a protected brand in its shop name. `NotFound` when the brand is not protected.
pub async fn brand_authorise(
    tx: &mut TenantTx,
    name: &str,
    merchant: TenantId,
    by: Option<UserId>,
) -> StoreResult<()> {
    let brand = brand_find(tx, name).await?.ok_or(StoreError::NotFound)?;
    let row = brand_authorisation::ActiveModel {
        tenant_id: Set(tx.tenant()),
        brand_id: Set(brand),
        merchant_id: Set(merchant.0),
        granted_by: Set(by.map(|id| id.0)),
        created_at: Set(tx.now().micros()),
    };
    let conflict = OnConflict::new().do_nothing().to_owned();
    brand_authorisation::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// The protected brand names that a merchant may use.
pub async fn brand_list_authorised(tx: &TenantTx, merchant: TenantId) -> StoreResult<Vec<String>> {
    let granted = brand_authorisation::Entity::find()
        .filter(brand_authorisation::Column::TenantId.eq(tx.tenant()))
        .filter(brand_authorisation::Column::MerchantId.eq(merchant.0))
        .limit(MAX_BRANDS)
        .all(tx.conn())
        .await?;
    let rows = brand::Entity::find()
        .filter(brand::Column::TenantId.eq(tx.tenant()))
        .filter(brand::Column::Id.is_in(granted.into_iter().map(|row| row.brand_id)))
        .limit(MAX_BRANDS)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
