//! The provider's category tree. Merchants read it through a transaction on their parent.

use crate::db::TenantTx;
use crate::entity::category as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::category::{Admission, LEVELS};
use qianpu_domain::ids::CategoryId;
use qianpu_domain::money::Fen;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// The most nodes one tree may have; the largest tree known has 3 552.
pub const MAX_NODES: u64 = 8_000;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The node above; none at the top.
    pub parent: Option<CategoryId>,
    /// 1 to 3.
    pub level: i64,
    /// The provider's own code, unique in the tree.
    pub code: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// Who may sell here.
    pub admission: Admission,
    /// What a shop that sells here has to keep.
    pub deposit: Fen,
    /// Order among its siblings.
    pub position: i64,
    /// Changes so far.
    pub version: i64,
}

/// What a node says.
#[derive(Clone, Debug)]
pub struct CategoryContent<'a> {
    /// Chinese name.
    pub name_zh: &'a str,
    /// English name.
    pub name_en: &'a str,
    /// Who may sell here.
    pub admission: Admission,
    /// What a shop that sells here has to keep.
    pub deposit: Fen,
    /// Order among its siblings.
    pub position: i64,
}

fn from_model(model: row::Model) -> StoreResult<Category> {
    Ok(Category {
        id: CategoryId(model.id),
        parent: model.parent_id.map(CategoryId),
        level: model.level,
        code: model.code,
        name_zh: model.name_zh,
        name_en: model.name_en,
        admission: Admission::from_text(&model.admission)
            .ok_or(StoreError::Corrupt("categories.admission"))?,
        deposit: Fen::new(model.deposit_fen),
        position: model.position,
        version: model.version,
    })
}

/// Adds a node under `parent`. `Conflict("category_code")` when the tree has the code already.
pub async fn category_insert(
    tx: &mut TenantTx,
    parent: Option<&Category>,
    code: &str,
    content: &CategoryContent<'_>,
) -> StoreResult<Category> {
    let level = parent.map_or(1, |parent| parent.level + 1);
    if level > LEVELS {
        return Err(StoreError::Conflict("category_level"));
    }
    if category_by_code(tx, code).await?.is_some() {
        return Err(StoreError::Conflict("category_code"));
    }
    let now = tx.now().micros();
    let model = row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        parent_id: Set(parent.map(|parent| parent.id.0)),
        level: Set(level),
        code: Set(code.to_owned()),
        name_zh: Set(content.name_zh.to_owned()),
        name_en: Set(content.name_en.to_owned()),
        admission: Set(content.admission.as_str().to_owned()),
        deposit_fen: Set(content.deposit.get()),
        position: Set(content.position),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    from_model(model.insert(tx.conn()).await?)
}

/// Changes a node.
pub async fn category_save(
    tx: &mut TenantTx,
    id: CategoryId,
    version: i64,
    content: &CategoryContent<'_>,
) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::NameZh, Expr::value(content.name_zh))
        .col_expr(row::Column::NameEn, Expr::value(content.name_en))
        .col_expr(row::Column::Admission, Expr::value(content.admission.as_str()))
        .col_expr(row::Column::DepositFen, Expr::value(content.deposit.get()))
        .col_expr(row::Column::Position, Expr::value(content.position))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::Version.eq(version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    category_get(tx, id).await?;
    Err(StoreError::VersionConflict)
}

/// A node.
pub async fn category_get(tx: &TenantTx, id: CategoryId) -> StoreResult<Category> {
    row::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()?
        .ok_or(StoreError::NotFound)
}

/// A node by its code.
pub async fn category_by_code(tx: &TenantTx, code: &str) -> StoreResult<Option<Category>> {
    row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Code.eq(code))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// The whole tree, parents before children, siblings in their order.
pub async fn category_list(tx: &TenantTx) -> StoreResult<Vec<Category>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(row::Column::Level)
        .order_by_asc(row::Column::Position)
        .order_by_asc(row::Column::Id)
        .limit(MAX_NODES)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// The node with the nodes above it, top first.
pub async fn category_path(tx: &TenantTx, id: CategoryId) -> StoreResult<Vec<Category>> {
    let mut path = vec![category_get(tx, id).await?];
    while let Some(parent) = path.first().and_then(|node| node.parent) {
        if path.len() >= usize::try_from(LEVELS).unwrap_or(3) {
            return Err(StoreError::Corrupt("categories.parent_id"));
        }
        path.insert(0, category_get(tx, parent).await?);
    }
    Ok(path)
}
