//! The category tree of a provider: read by its merchants, kept by the provider.

mod first_tree;

use crate::error::{Answer, ApiError};
use first_tree::FIRST_TREE;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::category::{Admission, node_errors};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::CategoryId;
use qianpu_domain::money::Fen;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::{Db, TenantTx};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::category::{
    Category, CategoryContent, category_by_code, category_get, category_insert, category_list, category_path,
    category_save,
};
use serde_json::json;
use std::collections::HashMap;

/// A node as a provider types it.
#[derive(Debug, Clone)]
pub struct CategoryInput {
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
}

impl CategoryInput {
    fn content(&self) -> CategoryContent<'_> {
        CategoryContent {
            name_zh: &self.name_zh,
            name_en: &self.name_en,
            admission: self.admission,
            deposit: self.deposit,
            position: self.position,
        }
    }
}

/// Gives a new provider its first, small tree. In the transaction that makes the provider; nodes that are
/// there already stay as they are. Returns how many were added.
pub async fn category_seed(tx: &mut TenantTx) -> Answer<usize> {
    let mut known: HashMap<&str, Category> = HashMap::new();
    let mut added = 0;
    for (position, node) in (0_i64..).zip(FIRST_TREE) {
        if let Some(found) = category_by_code(tx, node.code).await? {
            known.insert(node.code, found);
            continue;
        }
        let parent = node.code.rsplit_once('.').map(|(parent, _)| parent);
        let parent = parent.and_then(|parent| known.get(parent));
        let content = CategoryContent {
            name_zh: node.zh,
            name_en: node.en,
            admission: node.admission,
            deposit: Fen::new(node.deposit_yuan * 100),
            position,
        };
        let inserted = category_insert(tx, parent, node.code, &content).await?;
        known.insert(node.code, inserted);
        added += 1;
    }
    Ok(added)
}

/// The tree that applies to the caller: a provider's own, or that of a merchant's provider.
pub async fn category_tree<P: Perm>(db: &Db, grant: &Grant<P>) -> Answer<Vec<Category>> {
    tree_of(db, grant.ctx()).await
}

/// The same for a context.
pub(crate) async fn tree_of(db: &Db, ctx: &TenantCtx) -> Answer<Vec<Category>> {
    let tx = if ctx.kind() == Surface::Provider { db.read(ctx).await? } else { db.read_parent(ctx).await? };
    Ok(category_list(&tx).await?)
}

/// A node with those above it, in the tree that applies to the context. None when it is not in it.
pub(crate) async fn path_of(db: &Db, ctx: &TenantCtx, id: CategoryId) -> Answer<Option<Vec<Category>>> {
    let tx = if ctx.kind() == Surface::Provider { db.read(ctx).await? } else { db.read_parent(ctx).await? };
    match category_path(&tx, id).await {
        Ok(path) => Ok(Some(path)),
        Err(StoreError::NotFound) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Whether the context's merchant may put products into the category.
pub(crate) async fn check_choice(
    db: &Db,
    ctx: &TenantCtx,
    id: CategoryId,
    errors: &mut Vec<FieldError>,
) -> Answer<()> {
    match path_of(db, ctx, id).await? {
        None => errors.push(FieldError::new("category_id", "unknown", "no such category", "类目不存在")),
        // A node is open only when everything above it is.
        Some(path) => {
            if let Some(node) = path.iter().find(|node| !node.admission.may_be_chosen()) {
                errors.push(FieldError::new(
                    "category_id",
                    "not_open",
                    format!("{}: {}", node.name_en, node.admission.title_en().to_lowercase()),
                    format!("类目“{}”{}，请联系服务商", node.name_zh, node.admission.title_zh()),
                ));
            }
        }
    }
    Ok(())
}

/// Adds a node.
pub async fn category_create(
    db: &Db,
    grant: &Grant<perm::PolicyManage>,
    parent: Option<CategoryId>,
    code: &str,
    input: &CategoryInput,
) -> Answer<Category> {
    check(code, input)?;
    let mut tx = db.begin(grant.ctx()).await?;
    let parent = match parent {
        None => None,
        Some(id) => match category_get(&tx, id).await {
            Err(StoreError::NotFound) => {
                return Err(FieldError::new("parent_id", "unknown", "no such category", "类目不存在").into());
            }
            found => Some(found?),
        },
    };
    let made = category_insert(&mut tx, parent.as_ref(), code, &input.content()).await;
    let made = made.map_err(|error| match error {
        StoreError::Conflict("category_code") => {
            ApiError::field(FieldError::new("code", "taken", "the code is in use", "编码已被使用"))
        }
        StoreError::Conflict("category_level") => ApiError::field(FieldError::new(
            "parent_id",
            "too_deep",
            "the tree has three levels",
            "类目最多三级",
        )),
        other => other.into(),
    })?;
    let detail = json!({ "code": code });
    audit_append(&mut tx, AuditAction::CategoryCreated, "category", &made.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(made)
}

/// Changes a node.
pub async fn category_update(
    db: &Db,
    grant: &Grant<perm::PolicyManage>,
    id: CategoryId,
    version: Option<i64>,
    input: &CategoryInput,
) -> Answer<Category> {
    let mut tx = db.begin(grant.ctx()).await?;
    let was = category_get(&tx, id).await?;
    check(&was.code, input)?;
    category_save(&mut tx, id, version.unwrap_or(was.version), &input.content()).await?;
    let detail = json!({
        "admission": [was.admission.as_str(), input.admission.as_str()],
        "deposit_fen": [was.deposit.get(), input.deposit.get()],
    });
    audit_append(&mut tx, AuditAction::CategoryUpdated, "category", &id.to_string(), detail).await?;
    let now = category_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

fn check(code: &str, input: &CategoryInput) -> Answer<()> {
    let errors = node_errors(code, &input.name_zh, &input.name_en, input.deposit);
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Finds a node by what a person typed into a file: its code, its name, or a path of names with `/` or `>`.
/// None when nothing or more than one node fits.
pub(crate) fn category_by_words<'a>(tree: &'a [Category], words: &str) -> Option<&'a Category> {
    let words = words.trim();
    if let Some(found) = tree.iter().find(|node| node.code == words) {
        return Some(found);
    }
    let parts: Vec<&str> =
        words.split(['/', '>', '／']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let by_id: HashMap<CategoryId, &Category> = tree.iter().map(|node| (node.id, node)).collect();
    let fits = |node: &&Category| {
        let mut at = Some(*node);
        parts.iter().rev().all(|part| {
            let Some(node) = at else { return false };
            at = node.parent.and_then(|parent| by_id.get(&parent).copied());
            node.name_zh == *part || node.name_en.eq_ignore_ascii_case(part)
        })
    };
    let mut found = tree.iter().filter(|_| !parts.is_empty()).filter(fits);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
