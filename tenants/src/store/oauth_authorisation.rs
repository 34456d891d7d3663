//! What people allowed third-party apps, in the tenant of the people. The app itself is its provider's; name and
//! publisher are as they were when it was allowed.

use crate::db::TenantTx;
use crate::entity::oauth_authorisation as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::oauth_app::OauthApp;
use qianpu_domain::ids::{AuthorisationId, OauthAppId, TenantId, UserId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, Set};

/// An app that a person allowed something.
#[derive(Clone, Debug)]
pub struct Authorisation {
    /// Its id.
    pub id: AuthorisationId,
    /// The app.
    pub app: OauthAppId,
    /// The provider that registered the app.
    pub app_tenant: TenantId,
    /// The app's name.
    pub app_name: String,
    /// Who makes the app.
    pub publisher: String,
    /// Who allowed it.
    pub user: UserId,
    /// Their name.
    pub user_name: String,
    /// What was allowed.
    pub scopes: PermissionSet,
    /// Whether it still holds.
    pub active: bool,
    /// When the app last came with it, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> Authorisation {
    Authorisation {
        id: AuthorisationId(row.id),
        app: OauthAppId(row.app_id),
        app_tenant: TenantId(row.app_tenant_id),
        app_name: row.app_name,
        publisher: row.publisher,
        user: UserId(row.user_id),
        user_name: row.user_name,
        scopes: PermissionSet::of_words(row.scopes.split(' ')),
        active: row.state == "active",
        last_used_at: row.last_used_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// Allows an app something. What the same person allowed it before stays allowed.
pub async fn authorisation_allow(
    tx: &mut TenantTx,
    app: &OauthApp,
    user: (UserId, &str),
    scopes: PermissionSet,
) -> StoreResult<AuthorisationId> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::AppId.eq(app.id.0))
        .filter(row::Column::UserId.eq(user.0.0))
        .filter(row::Column::State.eq("active"))
        .one(tx.conn())
        .await?;
    if let Some(found) = found {
        let all = PermissionSet::of_words(found.scopes.split(' ')).or(scopes);
        row::Entity::update_many()
            .col_expr(row::Column::Scopes, Expr::value(all.words()))
            .col_expr(row::Column::AppName, Expr::value(app.facts.name.as_str()))
            .col_expr(row::Column::Publisher, Expr::value(app.facts.publisher.as_str()))
            .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
            .filter(row::Column::TenantId.eq(tx.tenant()))
            .filter(row::Column::Id.eq(found.id))
            .exec(tx.conn())
            .await?;
        return Ok(AuthorisationId(found.id));
    }
    let id = tx.new_id();
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        app_id: Set(app.id.0),
        app_tenant_id: Set(app.tenant.0),
        app_name: Set(app.facts.name.clone()),
        publisher: Set(app.facts.publisher.clone()),
        user_id: Set(user.0.0),
        user_name: Set(user.1.to_owned()),
        scopes: Set(scopes.words()),
        state: Set("active".to_owned()),
        last_used_at: Set(None),
        created_at: Set(tx.now().micros()),
        updated_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(AuthorisationId(id))
}

/// One authorisation, withdrawn ones too.
pub async fn authorisation_get(tx: &TenantTx, id: AuthorisationId) -> StoreResult<Authorisation> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Authorisations that hold, newest first: of one person, or of everybody.
pub async fn authorisation_list(
    tx: &TenantTx,
    user: Option<UserId>,
    page: PageRequest,
) -> StoreResult<Page<Authorisation>> {
    let mut query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("active"));
    if let Some(user) = user {
        query = query.filter(row::Column::UserId.eq(user.0));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(from_model))
}

/// Withdraws an authorisation; its tokens open nothing from now on. `NotFound` when it was withdrawn before.
pub async fn authorisation_withdraw(tx: &mut TenantTx, id: AuthorisationId) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value("withdrawn"))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq("active"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Notes that an app came, unless that is noted after `since`.
pub async fn authorisation_touch(
    tx: &mut TenantTx,
    id: AuthorisationId,
    since: Timestamp,
) -> StoreResult<()> {
    let older = Condition::any()
        .add(row::Column::LastUsedAt.is_null())
        .add(row::Column::LastUsedAt.lte(since.micros()));
    row::Entity::update_many()
        .col_expr(row::Column::LastUsedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(older)
        .exec(tx.conn())
        .await?;
    Ok(())
}
