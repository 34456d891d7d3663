//! Third-party apps that a provider registered, and the secrets they prove themselves with. Only hashes of secrets are
//! kept; a replaced one works on until its overlap ends.

use crate::db::TenantTx;
use crate::entity::{oauth_app as row, oauth_secret};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::api_key::api_key_hash as secret_hash;
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{OauthAppId, OauthSecretId, TenantId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};

/// What people decide about an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFacts {
    /// What it is called on the consent page.
    pub name: String,
    /// Who makes it.
    pub publisher: String,
    /// Its page; may be empty.
    pub homepage: String,
    /// Where answers may be sent, letter by letter.
    pub redirect_uris: Vec<String>,
    /// What it may ask people for.
    pub scopes: PermissionSet,
    /// What it may do for itself in its provider.
    pub own_scopes: PermissionSet,
}

/// A third-party app.
#[derive(Clone, Debug)]
pub struct OauthApp {
    /// Its id, also the public client id.
    pub id: OauthAppId,
    /// The provider that registered it.
    pub tenant: TenantId,
    /// What people decide about it.
    pub facts: AppFacts,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Whether it may do anything.
    pub active: bool,
    /// Counts changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> OauthApp {
    OauthApp {
        id: OauthAppId(row.id),
        tenant: TenantId(row.tenant_id),
        facts: AppFacts {
            name: row.name,
            publisher: row.publisher,
            homepage: row.homepage,
            redirect_uris: row.redirect_uris.split_whitespace().map(str::to_owned).collect(),
            scopes: PermissionSet::of_words(row.scopes.split(' ')),
            own_scopes: PermissionSet::of_words(row.own_scopes.split(' ')),
        },
        confidential: row.kind == "confidential",
        active: row.state == "active",
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    }
}

/// Registers an app; its id is its client id for ever.
pub async fn oauth_app_insert(
    tx: &mut TenantTx,
    facts: &AppFacts,
    confidential: bool,
) -> StoreResult<OauthAppId> {
    let id = tx.new_id();
    directory::key_insert(tx, directory::OAUTH_APP, &OauthAppId(id).to_string(), id).await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        name: Set(facts.name.clone()),
        publisher: Set(facts.publisher.clone()),
        homepage: Set(facts.homepage.clone()),
        kind: Set(if confidential { "confidential" } else { "public" }.to_owned()),
        redirect_uris: Set(facts.redirect_uris.join(" ")),
        scopes: Set(facts.scopes.words()),
        own_scopes: Set(facts.own_scopes.words()),
        state: Set("active".to_owned()),
        version: Set(1),
        created_at: Set(tx.now().micros()),
        updated_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(OauthAppId(id))
}

/// One app.
pub async fn oauth_app_get(tx: &TenantTx, id: OauthAppId) -> StoreResult<OauthApp> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).ok_or(StoreError::NotFound)
}

/// Apps, newest first.
pub async fn oauth_app_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<OauthApp>> {
    let query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(from_model))
}

/// How many apps there are.
pub async fn oauth_app_count(tx: &TenantTx) -> StoreResult<u64> {
    Ok(row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant())).count(tx.conn()).await?)
}

/// Saves facts and state, if nobody was faster.
pub async fn oauth_app_save(
    tx: &mut TenantTx,
    was: &OauthApp,
    facts: &AppFacts,
    active: bool,
) -> StoreResult<()> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::Name, Expr::value(facts.name.as_str()))
        .col_expr(row::Column::Publisher, Expr::value(facts.publisher.as_str()))
        .col_expr(row::Column::Homepage, Expr::value(facts.homepage.as_str()))
        .col_expr(row::Column::RedirectUris, Expr::value(facts.redirect_uris.join(" ")))
        .col_expr(row::Column::Scopes, Expr::value(facts.scopes.words()))
        .col_expr(row::Column::OwnScopes, Expr::value(facts.own_scopes.words()))
        .col_expr(row::Column::State, Expr::value(if active { "active" } else { "disabled" }))
        .col_expr(row::Column::Version, Expr::value(was.version + 1))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(was.id.0))
        .filter(row::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// A secret, without the secret.
#[derive(Clone, Debug)]
pub struct OauthSecret {
    /// Its id.
    pub id: OauthSecretId,
    /// Its last characters.
    pub hint: String,
    /// When it ends, once it was replaced.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Secrets of an app that work now, newest first.
pub async fn oauth_secret_list(tx: &TenantTx, app: OauthAppId) -> StoreResult<Vec<OauthSecret>> {
    let rows = oauth_secret::Entity::find()
        .filter(oauth_secret::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_secret::Column::AppId.eq(app.0))
        .filter(alive(tx))
        .order_by_desc(oauth_secret::Column::CreatedAt)
        .order_by_desc(oauth_secret::Column::Id)
        .limit(20)
        .all(tx.conn())
        .await?;
    let secret = |row: oauth_secret::Model| OauthSecret {
        id: OauthSecretId(row.id),
        hint: row.hint,
        expires_at: row.expires_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    };
    Ok(rows.into_iter().map(secret).collect())
}

fn alive(tx: &TenantTx) -> Condition {
    Condition::any()
        .add(oauth_secret::Column::ExpiresAt.is_null())
        .add(oauth_secret::Column::ExpiresAt.gt(tx.now().micros()))
}

/// Adds a secret. Those before it end after the overlap; the dead are swept away.
pub async fn oauth_secret_rotate(
    tx: &mut TenantTx,
    app: OauthAppId,
    secret: &str,
    hint: &str,
    overlap: Span,
) -> StoreResult<OauthSecretId> {
    let until = tx.now().plus(overlap).micros();
    oauth_secret::Entity::update_many()
        .col_expr(oauth_secret::Column::ExpiresAt, Expr::value(until))
        .filter(oauth_secret::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_secret::Column::AppId.eq(app.0))
        .filter(
            Condition::any()
                .add(oauth_secret::Column::ExpiresAt.is_null())
                .add(oauth_secret::Column::ExpiresAt.gt(until)),
        )
        .exec(tx.conn())
        .await?;
    oauth_secret::Entity::delete_many()
        .filter(oauth_secret::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_secret::Column::AppId.eq(app.0))
        .filter(oauth_secret::Column::ExpiresAt.lte(tx.now().micros()))
        .exec(tx.conn())
        .await?;
    let id = tx.new_id();
    oauth_secret::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        app_id: Set(app.0),
        secret_hash: Set(secret_hash(secret)),
        hint: Set(hint.to_owned()),
        expires_at: Set(None),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(OauthSecretId(id))
}

/// Ends a secret now.
pub async fn oauth_secret_delete(tx: &mut TenantTx, app: OauthAppId, id: OauthSecretId) -> StoreResult<()> {
    let done = oauth_secret::Entity::delete_many()
        .filter(oauth_secret::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_secret::Column::AppId.eq(app.0))
        .filter(oauth_secret::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Whether a secret is one of the app's that work now. The database compares hashes, so its time tells nothing.
pub async fn oauth_secret_holds(tx: &TenantTx, app: OauthAppId, secret: &str) -> StoreResult<bool> {
    let found = oauth_secret::Entity::find()
        .filter(oauth_secret::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_secret::Column::AppId.eq(app.0))
        .filter(oauth_secret::Column::SecretHash.eq(secret_hash(secret)))
        .filter(alive(tx))
        .one(tx.conn())
        .await?;
    Ok(found.is_some())
}
