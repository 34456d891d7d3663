//! People who log in. The e-mail is unique in the whole installation through the directory.

use crate::db::TenantTx;
use crate::entity::user;
use crate::error::{StoreError, StoreResult};
use crate::store::directory;
use qianpu_domain::ids::UserId;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Log-in e-mail, lower case.
    pub email: String,
    /// Shown name.
    pub display_name: String,
    /// PHC string of the password's hash.
    pub password_hash: String,
    /// `zh` or `en`.
    pub locale: String,
    /// May log in.
    pub active: bool,
}

/// A person to be.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// Log-in e-mail.
    pub email: &'a str,
    /// Shown name.
    pub display_name: &'a str,
    /// PHC string.
    pub password_hash: &'a str,
    /// `zh` or `en`.
    pub locale: &'a str,
}

/// Adds a person. `Conflict(login_email)` when the e-mail is taken anywhere.
pub async fn user_insert(tx: &mut TenantTx, new: &NewUser<'_>) -> StoreResult<UserId> {
    let id = tx.new_id();
    let email = new.email.to_lowercase();
    directory::key_insert(tx, directory::LOGIN_EMAIL, &email, id).await?;
    let now = tx.now().micros();
    user::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        email: Set(email),
        display_name: Set(new.display_name.to_owned()),
        password_hash: Set(new.password_hash.to_owned()),
        locale: Set(new.locale.to_owned()),
        state: Set("active".to_owned()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(UserId(id))
}

/// A person by id.
pub async fn user_find(tx: &TenantTx, id: UserId) -> StoreResult<Option<User>> {
    let row = user::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(row.map(|row| User {
        id,
        email: row.email,
        display_name: row.display_name,
        password_hash: row.password_hash,
        locale: row.locale,
        active: row.state == "active",
    }))
}

/// Sets a new password hash. `NotFound` for somebody who may not log in.
pub async fn user_set_password(tx: &mut TenantTx, id: UserId, hash: &str) -> StoreResult<()> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .filter(user::Column::State.eq("active"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Lets a person log in, or not any more. `Conflict(user)` when that is so already.
pub async fn user_set_active(tx: &mut TenantTx, id: UserId, active: bool) -> StoreResult<()> {
    let (from, to) = if active { ("disabled", "active") } else { ("active", "disabled") };
    let done = user::Entity::update_many()
        .col_expr(user::Column::State, Expr::value(to))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .filter(user::Column::State.eq(from))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict("user")) }
}
