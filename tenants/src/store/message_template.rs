//! Templates of notices that public accounts chose at their platform.

use crate::db::TenantTx;
use crate::entity::message_template as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::follower_notice::TemplateKind;
use qianpu_domain::ids::{ChannelAccountId, MessageTemplateId};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

/// Templates that are listed.
const MOST: u64 = 200;

/// A field of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredField {
    /// Its name, such as `thing1`.
    pub name: String,
    /// What stands before it.
    pub label: String,
}

/// A template.
#[derive(Clone, Debug)]
pub struct StoredTemplate {
    /// Its id.
    pub id: MessageTemplateId,
    /// The account.
    pub account: ChannelAccountId,
    /// What allows a notice by it.
    pub kind: TemplateKind,
    /// The platform's id of it.
    pub native_id: String,
    /// Its title.
    pub title: String,
    /// Its text with the places of the fields.
    pub content: String,
    /// The text with the platform's example.
    pub example: String,
    /// The fields, in their order.
    pub fields: Vec<StoredField>,
    /// Whether the account has it no more.
    pub gone: bool,
}

fn from_model(row: row::Model) -> StoreResult<StoredTemplate> {
    Ok(StoredTemplate {
        id: MessageTemplateId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        kind: TemplateKind::from_text(&row.kind).ok_or(StoreError::Corrupt("message_templates.kind"))?,
        native_id: row.native_id,
        title: row.title,
        content: row.content,
        example: row.example,
        fields: serde_json::from_str(&row.fields)
            .map_err(|_| StoreError::Corrupt("message_templates.fields"))?,
        gone: row.gone_at.is_some(),
    })
}

/// A template as the platform tells it.
#[derive(Clone, Debug)]
pub struct ToldTemplate {
    /// The platform's id of it.
    pub native_id: String,
    /// Its title.
    pub title: String,
    /// Its text with the places of the fields.
    pub content: String,
    /// The text with the platform's example.
    pub example: String,
    /// The fields, in their order.
    pub fields: Vec<StoredField>,
}

/// Templates that an account has.
pub async fn template_list(tx: &TenantTx, account: ChannelAccountId) -> StoreResult<Vec<StoredTemplate>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::GoneAt.is_null())
        .order_by_desc(row::Column::Kind)
        .order_by_asc(row::Column::Id)
        .limit(MOST)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// One template, also one that the account has no more.
pub async fn template_get(tx: &TenantTx, id: MessageTemplateId) -> StoreResult<StoredTemplate> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Makes the templates of a kind of an account those that the platform tells.
pub async fn templates_take(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    kind: TemplateKind,
    told: &[ToldTemplate],
) -> StoreResult<()> {
    use row::Column as C;
    let now = tx.now().micros();
    row::Entity::update_many()
        .col_expr(C::GoneAt, Expr::value(now))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::ChannelAccountId.eq(account.0))
        .filter(C::Kind.eq(kind.as_str()))
        .filter(C::NativeId.is_not_in(told.iter().map(|one| one.native_id.as_str())))
        .exec(tx.conn())
        .await?;
    for one in told {
        let fields = serde_json::to_string(&one.fields).unwrap_or_else(|_| "[]".to_owned());
        let new = row::ActiveModel {
            tenant_id: Set(tx.tenant()),
            id: Set(tx.new_id()),
            channel_account_id: Set(account.0),
            kind: Set(kind.as_str().to_owned()),
            native_id: Set(one.native_id.clone()),
            title: Set(one.title.clone()),
            content: Set(one.content.clone()),
            example: Set(one.example.clone()),
            fields: Set(fields),
            gone_at: Set(None),
            updated_at: Set(now),
        };
        let known = OnConflict::columns([C::TenantId, C::ChannelAccountId, C::Kind, C::NativeId])
            .update_columns([C::Title, C::Content, C::Example, C::Fields, C::GoneAt, C::UpdatedAt])
            .to_owned();
        row::Entity::insert(new).on_conflict(known).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}
