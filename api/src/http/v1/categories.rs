//! `/categories`: the tree that applies to the caller.

use crate::app::categories::{CategoryInput, category_create, category_tree, category_update};
use crate::error::Answer;
use crate::http::describe::{Created, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Id, Money};
use qianpu_domain::category::Admission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::CategoryId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::category::Category;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/categories", list_categories, "The whole category tree, parents before children");
    api.post("/categories", create_category, "Add a category (provider)");
    api.put("/categories/{category_id}", update_category, "Change a category (provider)");
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryView {
    id: String,
    parent_id: Option<String>,
    /// 1 to 3.
    level: i64,
    code: String,
    name_zh: String,
    name_en: String,
    /// `open`, `targeted`, `invited` or `closed`.
    admission: &'static str,
    /// What a shop that sells here has to keep.
    deposit: Money,
    position: i64,
    version: i64,
}

impl From<Category> for CategoryView {
    fn from(category: Category) -> Self {
        Self {
            id: category.id.to_string(),
            parent_id: category.parent.map(|id| id.to_string()),
            level: category.level,
            code: category.code,
            name_zh: category.name_zh,
            name_en: category.name_en,
            admission: category.admission.as_str(),
            deposit: category.deposit.into(),
            position: category.position,
            version: category.version,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct CategoryTreeView {
    items: Vec<CategoryView>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCategoryBody {
    #[schema(value_type = Option<String>)]
    parent_id: Option<Id<CategoryId>>,
    /// Unique in the tree.
    code: String,
    name_zh: String,
    name_en: String,
    /// `open`, `targeted`, `invited` or `closed`.
    admission: String,
    deposit: Money,
    #[serde(default)]
    position: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CategoryBody {
    name_zh: String,
    name_en: String,
    /// `open`, `targeted`, `invited` or `closed`.
    admission: String,
    deposit: Money,
    #[serde(default)]
    position: i64,
}

impl CategoryBody {
    fn input(self) -> Answer<CategoryInput> {
        let admission = Admission::from_text(&self.admission).ok_or_else(|| {
            FieldError::new(
                "admission",
                "unknown",
                "expected open, targeted, invited or closed",
                "准入方式不正确",
            )
        })?;
        Ok(CategoryInput {
            name_zh: self.name_zh,
            name_en: self.name_en,
            admission,
            deposit: self.deposit.fen("deposit")?,
            position: self.position,
        })
    }
}

async fn list_categories(auth: Authed<perm::PolicyRead>) -> Answer<Json<CategoryTreeView>> {
    let tree = category_tree(&auth.state.db, &auth.grant).await?;
    Ok(Json(CategoryTreeView { items: tree.into_iter().map(CategoryView::from).collect() }))
}

async fn create_category(
    auth: Authed<perm::PolicyManage, Json<NewCategoryBody>>,
) -> Answer<Created<CategoryView>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let parent = body.parent_id.map(|id| id.0);
    let input = CategoryBody {
        name_zh: body.name_zh,
        name_en: body.name_en,
        admission: body.admission,
        deposit: body.deposit,
        position: body.position,
    };
    let made = category_create(&call.state.db, &grant, parent, &body.code, &input.input()?).await?;
    Ok(Created(made.into()))
}

async fn update_category(
    auth: Authed<perm::PolicyManage, (Path<CategoryId>, IfMatch, Json<CategoryBody>)>,
) -> Answer<Versioned<CategoryView>> {
    let Authed { call, grant, input: (Path(id), IfMatch(version), Json(body)), .. } = auth;
    let now = category_update(&call.state.db, &grant, id, version, &body.input()?).await?;
    Ok(Versioned { version: now.version, body: now.into() })
}
