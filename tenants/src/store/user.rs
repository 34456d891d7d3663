//! People who log in. The e-mail is unique in the whole installation through the directory.
//!
//! Whoever works for further tenants has a member's row in each: it names the home, where the password is,
//! and has a key in the directory while it is active.

use crate::db::TenantTx;
use crate::entity::user;
use crate::error::{StoreError, StoreResult};
use crate::store::directory;
use qianpu_domain::ids::{TenantId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, Set};

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
    /// Where the person's password is, for a member's row.
    pub home: Option<Home>,
    /// How often the password has been set anew; of a home's row.
    pub credentials_epoch: i64,
}

/// Where a person's log-in lives; the same for all rows of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The home tenant.
    pub tenant: TenantId,
    /// The row there.
    pub user: UserId,
}

impl Home {
    /// Of nobody.
    pub const NONE: Self = Self { tenant: TenantId(uuid::Uuid::nil()), user: UserId(uuid::Uuid::nil()) };
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
        home_tenant_id: Set(None),
        home_user_id: Set(None),
        credentials_epoch: Set(0),
    }
    .insert(tx.conn())
    .await?;
    Ok(UserId(id))
}

/// Adds somebody who has a log-in elsewhere. `Conflict(user)` when the tenant knows the person already.
pub async fn member_insert(tx: &mut TenantTx, person: &User, home: Home) -> StoreResult<UserId> {
    if member_find(tx, home, &person.email).await?.is_some() {
        return Err(StoreError::Conflict("user"));
    }
    let id = tx.new_id();
    let value = directory::membership_value(home.user.0, tx.tenant());
    directory::key_insert(tx, directory::MEMBERSHIP, &value, id).await?;
    let now = tx.now().micros();
    user::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        email: Set(person.email.clone()),
        display_name: Set(person.display_name.clone()),
        // Nothing fits it: the password is at home.
        password_hash: Set(String::new()),
        locale: Set(person.locale.clone()),
        state: Set("active".to_owned()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        home_tenant_id: Set(Some(home.tenant.0)),
        home_user_id: Set(Some(home.user.0)),
        credentials_epoch: Set(0),
    }
    .insert(tx.conn())
    .await?;
    Ok(UserId(id))
}

/// The row that a person with a log-in has in this tenant, at home here, as a member, or under this e-mail.
pub async fn member_find(tx: &TenantTx, home: Home, email: &str) -> StoreResult<Option<User>> {
    let this = Condition::any()
        .add(user::Column::HomeUserId.eq(home.user.0))
        .add(user::Column::Id.eq(home.user.0))
        .add(user::Column::Email.eq(email));
    let row = user::Entity::find()
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(this)
        .one(tx.conn())
        .await?;
    Ok(row.map(from_model))
}

/// Shows a member under the e-mail of the log-in. Nothing happens while another row has it still.
pub async fn member_set_email(tx: &mut TenantTx, id: UserId, email: &str) -> StoreResult<()> {
    let taken = user::Entity::find()
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Email.eq(email))
        .one(tx.conn())
        .await?;
    if taken.is_some() {
        return Ok(());
    }
    user::Entity::update_many()
        .col_expr(user::Column::Email, Expr::value(email))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .filter(user::Column::HomeUserId.is_not_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

fn from_model(row: user::Model) -> User {
    let home = row.home_tenant_id.zip(row.home_user_id);
    User {
        id: UserId(row.id),
        email: row.email,
        display_name: row.display_name,
        password_hash: row.password_hash,
        locale: row.locale,
        active: row.state == "active",
        home: home.map(|(tenant, user)| Home { tenant: TenantId(tenant), user: UserId(user) }),
        credentials_epoch: row.credentials_epoch,
    }
}

/// A person by id.
pub async fn user_find(tx: &TenantTx, id: UserId) -> StoreResult<Option<User>> {
    let row = user::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(row.map(from_model))
}

/// Sets a new password hash; sessions that members began with the old one are dead from now on. `NotFound`
/// for a member, whose password is at home.
pub async fn user_set_password(tx: &mut TenantTx, id: UserId, hash: &str) -> StoreResult<()> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::CredentialsEpoch, Expr::col(user::Column::CredentialsEpoch).add(1))
        .col_expr(user::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .filter(user::Column::HomeUserId.is_null())
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Ends the sessions that a person has as a member elsewhere: whoever began them may not be that person.
pub async fn user_end_memberships_sessions(tx: &mut TenantTx, id: UserId) -> StoreResult<()> {
    user::Entity::update_many()
        .col_expr(user::Column::CredentialsEpoch, Expr::col(user::Column::CredentialsEpoch).add(1))
        .filter(user::Column::TenantId.eq(tx.tenant()))
        .filter(user::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Lets a person log in here, or not any more; what they may do elsewhere stays. `Conflict(user)` when that is
/// so already.
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
    if done.rows_affected != 1 {
        return Err(StoreError::Conflict("user"));
    }
    let Some(home) = user_find(tx, id).await?.and_then(|person| person.home) else { return Ok(()) };
    let value = directory::membership_value(home.user.0, tx.tenant());
    if active {
        directory::key_insert(tx, directory::MEMBERSHIP, &value, id.0).await
    } else {
        directory::key_delete(tx, directory::MEMBERSHIP, &value).await
    }
}
