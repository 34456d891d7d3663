//! Codes and tokens of third-party apps, as hashes. The tokens that come of one code, refreshed or not, are a family and
//! end together when somebody uses a code or a refresh token twice.

use crate::db::TenantTx;
use crate::entity::{oauth_code, oauth_token as row};
use crate::error::{StoreError, StoreResult};
use crate::store::api_key::api_key_hash as hash;
use qianpu_domain::ids::{AuthorisationId, OauthAppId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

/// A code to be.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// The secret in the answer's address.
    pub code: &'a str,
    /// What it stands for.
    pub authorisation: AuthorisationId,
    /// Where the answer went.
    pub redirect_uri: &'a str,
    /// SHA-256 of the proof key, in base64url.
    pub challenge: &'a str,
    /// What its tokens may do.
    pub scopes: PermissionSet,
    /// How long it works.
    pub life: Span,
}

/// A code as it is kept.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its id, also that of the family of its tokens.
    pub id: Uuid,
    /// What it stands for.
    pub authorisation: AuthorisationId,
    /// Where the answer went.
    pub redirect_uri: String,
    /// SHA-256 of the proof key, in base64url.
    pub challenge: String,
    /// What its tokens may do.
    pub scopes: PermissionSet,
    /// Whether it was used.
    pub used: bool,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Adds a code; the codes of this authorisation that are a day old are swept away.
pub async fn code_insert(tx: &mut TenantTx, new: &NewCode<'_>) -> StoreResult<()> {
    oauth_code::Entity::delete_many()
        .filter(oauth_code::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_code::Column::AuthorisationId.eq(new.authorisation.0))
        .filter(oauth_code::Column::ExpiresAt.lt(tx.now().minus(Span::days(1)).micros()))
        .exec(tx.conn())
        .await?;
    oauth_code::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        authorisation_id: Set(new.authorisation.0),
        code_hash: Set(hash(new.code)),
        redirect_uri: Set(new.redirect_uri.to_owned()),
        challenge: Set(new.challenge.to_owned()),
        scopes: Set(new.scopes.words()),
        used_at: Set(None),
        expires_at: Set(tx.now().plus(new.life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// A code by its secret.
pub async fn code_find(tx: &TenantTx, code: &str) -> StoreResult<Option<Code>> {
    let found = oauth_code::Entity::find()
        .filter(oauth_code::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_code::Column::CodeHash.eq(hash(code)))
        .one(tx.conn())
        .await?;
    Ok(found.map(|row| Code {
        id: row.id,
        authorisation: AuthorisationId(row.authorisation_id),
        redirect_uri: row.redirect_uri,
        challenge: row.challenge,
        scopes: PermissionSet::of_words(row.scopes.split(' ')),
        used: row.used_at.is_some(),
        expires_at: Timestamp::from_micros(row.expires_at),
    }))
}

/// Spends a code; false when somebody else was faster.
pub async fn code_spend(tx: &mut TenantTx, id: Uuid) -> StoreResult<bool> {
    let done = oauth_code::Entity::update_many()
        .col_expr(oauth_code::Column::UsedAt, Expr::value(tx.now().micros()))
        .filter(oauth_code::Column::TenantId.eq(tx.tenant()))
        .filter(oauth_code::Column::Id.eq(id))
        .filter(oauth_code::Column::UsedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// Opens the API.
    Access,
    /// Gets new tokens, once.
    Refresh,
}

impl TokenKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// A token to be.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// The secret.
    pub token: &'a str,
    /// What it is good for.
    pub kind: TokenKind,
    /// The app it is given to.
    pub app: OauthAppId,
    /// What it stands for; none for an app that acts for itself.
    pub authorisation: Option<AuthorisationId>,
    /// Which it ends with.
    pub family: Uuid,
    /// What it may do.
    pub scopes: PermissionSet,
    /// How long it works.
    pub life: Span,
}

/// A token as it is kept.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// What it is good for.
    pub kind: TokenKind,
    /// The app it was given to.
    pub app: OauthAppId,
    /// What it stands for.
    pub authorisation: Option<AuthorisationId>,
    /// Which it ends with.
    pub family: Uuid,
    /// What it may do.
    pub scopes: PermissionSet,
    /// Whether it was spent.
    pub used: bool,
    /// Whether it was ended.
    pub revoked: bool,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Adds a token; what ended long ago of the same app is swept away.
pub async fn token_insert(tx: &mut TenantTx, new: &NewToken<'_>) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::AppId.eq(new.app.0))
        .filter(row::Column::ExpiresAt.lt(tx.now().minus(Span::days(1)).micros()))
        .exec(tx.conn())
        .await?;
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        kind: Set(new.kind.word().to_owned()),
        token_hash: Set(hash(new.token)),
        app_id: Set(new.app.0),
        authorisation_id: Set(new.authorisation.map(|id| id.0)),
        family_id: Set(new.family),
        scopes: Set(new.scopes.words()),
        used_at: Set(None),
        revoked_at: Set(None),
        expires_at: Set(tx.now().plus(new.life).micros()),
        created_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// A token by its secret.
pub async fn token_find(tx: &TenantTx, token: &str) -> StoreResult<Option<Token>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::TokenHash.eq(hash(token)))
        .one(tx.conn())
        .await?;
    let Some(row) = found else { return Ok(None) };
    let kind = [TokenKind::Access, TokenKind::Refresh].into_iter().find(|kind| kind.word() == row.kind);
    Ok(Some(Token {
        id: row.id,
        kind: kind.ok_or(StoreError::Corrupt("oauth_tokens.kind"))?,
        app: OauthAppId(row.app_id),
        authorisation: row.authorisation_id.map(AuthorisationId),
        family: row.family_id,
        scopes: PermissionSet::of_words(row.scopes.split(' ')),
        used: row.used_at.is_some(),
        revoked: row.revoked_at.is_some(),
        expires_at: Timestamp::from_micros(row.expires_at),
    }))
}

/// Spends a refresh token; false when somebody else was faster.
pub async fn token_spend(tx: &mut TenantTx, id: Uuid) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::UsedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::UsedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends one token.
pub async fn token_revoke(tx: &mut TenantTx, id: Uuid) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::RevokedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends every token of a family.
pub async fn family_revoke(tx: &mut TenantTx, family: Uuid) -> StoreResult<()> {
    row::Entity::update_many()
        .col_expr(row::Column::RevokedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::FamilyId.eq(family))
        .filter(row::Column::RevokedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}
