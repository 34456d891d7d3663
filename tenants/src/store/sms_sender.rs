//! The provider's sender of text messages, and its settings about buyers. One row of each per provider.

use crate::db::TenantTx;
use crate::entity::{buyer_settings, sms_sender as row};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

/// A sender as stored; its secret is sealed.
#[derive(Clone, Debug)]
pub struct StoredSender {
    /// `gateway` or `aliyun`.
    pub kind: String,
    /// What is not secret: a JSON object.
    pub settings: serde_json::Value,
    /// Sealed credentials.
    pub secret: Vec<u8>,
    /// Whether messages are sent by it.
    pub active: bool,
    /// For guarded updates.
    pub version: i64,
    /// When it was set last.
    pub updated_at: Timestamp,
}

/// A sender to be.
#[derive(Clone, Debug)]
pub struct NewSender<'a> {
    /// `gateway` or `aliyun`.
    pub kind: &'a str,
    /// A JSON object without secrets.
    pub settings: &'a serde_json::Value,
    /// Sealed credentials.
    pub secret: Vec<u8>,
    /// Whether messages are sent by it.
    pub active: bool,
}

/// The provider's sender.
pub async fn sender_find(tx: &TenantTx) -> StoreResult<Option<StoredSender>> {
    let Some(model) = row::Entity::find_by_id(tx.tenant()).one(tx.conn()).await? else { return Ok(None) };
    Ok(Some(StoredSender {
        kind: model.kind,
        settings: serde_json::from_str(&model.settings)
            .map_err(|_| StoreError::Corrupt("sms_senders.settings"))?,
        secret: model.secret,
        active: model.state == "active",
        version: model.version,
        updated_at: Timestamp::from_micros(model.updated_at),
    }))
}

fn state(active: bool) -> &'static str {
    if active { "active" } else { "disabled" }
}

/// Sets the sender; `was` is the version that was read, none for the first.
pub async fn sender_save(tx: &mut TenantTx, new: &NewSender<'_>, was: Option<i64>) -> StoreResult<()> {
    use row::Column;
    let now = tx.now().micros();
    let Some(was) = was else {
        let model = row::ActiveModel {
            tenant_id: Set(tx.tenant()),
            kind: Set(new.kind.to_owned()),
            settings: Set(new.settings.to_string()),
            secret: Set(new.secret.clone()),
            state: Set(state(new.active).to_owned()),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        return model.insert(tx.conn()).await.map(drop).map_err(|error| match StoreError::from(error) {
            StoreError::Conflict(_) => StoreError::VersionConflict,
            other => other,
        });
    };
    let done = row::Entity::update_many()
        .col_expr(Column::Kind, Expr::value(new.kind))
        .col_expr(Column::Settings, Expr::value(new.settings.to_string()))
        .col_expr(Column::Secret, Expr::value(new.secret.clone()))
        .col_expr(Column::State, Expr::value(state(new.active)))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Version.eq(was))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// A provider's settings about buyers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyerSettings {
    /// Whether the same person's rows in the provider's shops are joined.
    pub person_links: bool,
    /// Days between the request to erase and the erasure.
    pub erasure_days: i64,
}

/// The provider's settings, when it made any.
pub async fn settings_find(tx: &TenantTx) -> StoreResult<Option<BuyerSettings>> {
    let found = buyer_settings::Entity::find_by_id(tx.tenant()).one(tx.conn()).await?;
    Ok(found.map(|model| BuyerSettings {
        person_links: model.person_links == "on",
        erasure_days: model.erasure_days,
    }))
}

/// Sets them.
pub async fn settings_save(tx: &mut TenantTx, new: BuyerSettings) -> StoreResult<()> {
    use buyer_settings::Column;
    let now = tx.now().micros();
    let links = if new.person_links { "on" } else { "off" };
    let done = buyer_settings::Entity::update_many()
        .col_expr(Column::PersonLinks, Expr::value(links))
        .col_expr(Column::ErasureDays, Expr::value(new.erasure_days))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let model = buyer_settings::ActiveModel {
        tenant_id: Set(tx.tenant()),
        person_links: Set(links.to_owned()),
        erasure_days: Set(new.erasure_days),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    model.insert(tx.conn()).await?;
    Ok(())
}
