//! The directory: platform-wide look-ups and uniqueness, `global_keys(kind, value) → (tenant, target)`.
//! Written in the same transaction as the row it points to.

use crate::db::{SystemTx, TenantTx};
use crate::entity::global_key;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::TenantId;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use uuid::Uuid;

/// Log-in e-mail, lower case → user.
pub const LOGIN_EMAIL: &str = "login_email";
/// Shop slug → shop.
pub const SHOP_SLUG: &str = "shop_slug";
/// A proven host → shop, or the provider itself.
pub const HOST: &str = "host";
/// Provider slug → provider.
pub const PROVIDER_SLUG: &str = "provider_slug";
/// Push token of a channel account → account.
pub const ACCOUNT_HOOK: &str = "account_hook";
/// Push token of a channel app → app.
pub const APP_HOOK: &str = "app_hook";
/// `channel:external account id` → channel account.
pub const EXTERNAL_ACCOUNT: &str = "external_account";
/// Invitation token hash → invitation.
pub const INVITATION: &str = "invitation";
/// Password link token hash → link.
pub const PASSWORD_RESET: &str = "password_reset";
/// Token hash of the link that completes another log-in e-mail → the change.
pub const EMAIL_CHANGE: &str = "email_change";
/// Token hash of the link that stops or undoes it → the change.
pub const EMAIL_UNDO: &str = "email_undo";
/// Token hash of an invitation to join → invitation.
pub const STAFF_INVITATION: &str = "staff_invitation";
/// Hash of an API key → key.
pub const API_KEY: &str = "api_key";
/// Public id of a third-party app → app.
pub const OAUTH_APP: &str = "oauth_app";
/// State of a running account link → link intent.
pub const LINK_STATE: &str = "link_state";
/// Shop name within a provider (`provider:name`) → shop.
pub const SHOP_NAME: &str = "shop_name";

/// A person in a further tenant (`home user:tenant`) → member's user there.
pub const MEMBERSHIP: &str = "membership";

/// Most further tenants of one person.
pub const MOST_MEMBERSHIPS: usize = 50;

/// The value of a [`MEMBERSHIP`] key.
pub(crate) fn membership_value(home_user: Uuid, tenant: Uuid) -> String {
    format!("{}:{}", home_user.simple(), tenant.simple())
}

/// The member's keys of a person, in no particular order. A range of texts of one shape, so that it is read
/// from the primary key whatever the collation.
pub(crate) async fn memberships(tx: &SystemTx, home_user: Uuid) -> StoreResult<Vec<GlobalKey>> {
    let (first, last) = (membership_value(home_user, Uuid::nil()), membership_value(home_user, Uuid::max()));
    let rows = global_key::Entity::find()
        .filter(global_key::Column::Value.between(first, last))
        .filter(global_key::Column::Kind.eq(MEMBERSHIP))
        .limit(MOST_MEMBERSHIPS as u64)
        .all(tx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| GlobalKey { tenant: TenantId(row.tenant_id), target: row.target_id })
        .collect())
}

/// The value of a [`SHOP_NAME`] key.
pub(crate) fn shop_name_value(provider: TenantId, name_key: &str) -> String {
    format!("{}:{name_key}", provider.0.simple())
}

/// Provider's id → provider, while one of its webhook endpoints wants events of its merchants.
pub const WEBHOOK_LISTENER: &str = "webhook_listener";

/// What a key points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The row in it.
    pub target: Uuid,
}

pub(crate) async fn key_find(tx: &SystemTx, kind: &str, value: &str) -> StoreResult<Option<GlobalKey>> {
    let row = global_key::Entity::find_by_id((value.to_owned(), kind.to_owned())).one(tx.conn()).await?;
    Ok(row.map(|row| GlobalKey { tenant: TenantId(row.tenant_id), target: row.target_id }))
}

/// Whether anyone has a key, whichever tenant.
pub async fn key_taken(tx: &TenantTx, kind: &str, value: &str) -> StoreResult<bool> {
    let row = global_key::Entity::find_by_id((value.to_owned(), kind.to_owned())).one(tx.conn()).await?;
    Ok(row.is_some())
}

/// Takes a key. `Conflict(kind)` when anyone has it, whichever tenant.
pub async fn key_insert(tx: &mut TenantTx, kind: &'static str, value: &str, target: Uuid) -> StoreResult<()> {
    let row = global_key::ActiveModel {
        value: Set(value.to_owned()),
        kind: Set(kind.to_owned()),
        tenant_id: Set(tx.tenant()),
        target_id: Set(target),
        created_at: Set(tx.now().micros()),
    };
    let conflict =
        OnConflict::columns([global_key::Column::Value, global_key::Column::Kind]).do_nothing().to_owned();
    let rows =
        global_key::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict(kind)) }
}

/// The tenant's own key of a kind that it has at most one of, such as a provider's slug.
pub async fn key_value(tx: &TenantTx, kind: &str) -> StoreResult<Option<String>> {
    let row = global_key::Entity::find()
        .filter(global_key::Column::TenantId.eq(tx.tenant()))
        .filter(global_key::Column::Kind.eq(kind))
        .one(tx.conn())
        .await?;
    Ok(row.map(|row| row.value))
}

/// How many accounts are linked through a channel, by how many merchants. Read through once, because no index knows a
/// channel; only the operator asks, and seldom.
pub(crate) async fn linked_accounts(tx: &SystemTx, channel: &str) -> StoreResult<(i64, i64)> {
    use global_key::Column;
    use sea_orm::sea_query::{Expr, ExprTrait};
    let counts = global_key::Entity::find()
        .select_only()
        .column_as(Column::Value.count(), "accounts")
        .column_as(Expr::col(Column::TenantId).count_distinct(), "merchants")
        .filter(Column::Kind.eq(EXTERNAL_ACCOUNT))
        .filter(Column::Value.starts_with(format!("{channel}:")))
        .into_tuple()
        .one(tx.conn())
        .await?;
    Ok(counts.unwrap_or_default())
}

/// How many keys of each kind the tenant has.
pub async fn key_counts(tx: &TenantTx) -> StoreResult<Vec<(String, i64)>> {
    use sea_orm::{QueryOrder, QuerySelect};
    let rows = global_key::Entity::find()
        .select_only()
        .column(global_key::Column::Kind)
        .column_as(global_key::Column::Value.count(), "count")
        .filter(global_key::Column::TenantId.eq(tx.tenant()))
        .group_by(global_key::Column::Kind)
        .order_by_asc(global_key::Column::Kind)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(rows)
}

/// What the tenant's own key points to; none when nobody or somebody else has it.
pub async fn key_target(tx: &TenantTx, kind: &str, value: &str) -> StoreResult<Option<Uuid>> {
    let row = global_key::Entity::find()
        .filter(global_key::Column::TenantId.eq(tx.tenant()))
        .filter(global_key::Column::Kind.eq(kind))
        .filter(global_key::Column::Value.eq(value))
        .one(tx.conn())
        .await?;
    Ok(row.map(|row| row.target_id))
}

/// Gives a key back. Only the tenant's own.
pub async fn key_delete(tx: &mut TenantTx, kind: &str, value: &str) -> StoreResult<()> {
    global_key::Entity::delete_many()
        .filter(global_key::Column::TenantId.eq(tx.tenant()))
        .filter(global_key::Column::Kind.eq(kind))
        .filter(global_key::Column::Value.eq(value))
        .exec(tx.conn())
        .await?;
    Ok(())
}
