//! Accounts that granted one of the provider's apps, as the platform told us. Rows of the provider's own
//! tenant: until it is known for which merchant a grant is, it belongs to nobody else.

use crate::db::TenantTx;
use crate::entity::app_authorisation;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::secrets::{Plain, Sealer};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::{AppAuthorisationId, ChannelAccountId, ChannelAppId, TenantId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use sha2::{Digest, Sha256};

const CODE: &str = "app_authorisation.code";
const ACCESS: &str = "app_authorisation.access";
const REFRESH: &str = "app_authorisation.refresh";

/// A grant.
#[derive(Clone, Debug)]
pub struct AppAuthorisation {
    /// Its id.
    pub id: AppAuthorisationId,
    /// The app that was granted.
    pub app: ChannelAppId,
    /// The account's id at the platform.
    pub external_id: String,
    /// Kind of account, once known.
    pub kind: Option<String>,
    /// Profile as JSON: name, picture, subject.
    pub profile: serde_json::Value,
    /// `received`, `unmatched`, `linked`, `refused` or `withdrawn`.
    pub state: String,
    /// Why it is not linked.
    pub outcome: Option<String>,
    /// The merchant it was linked for.
    pub merchant: Option<TenantId>,
    /// The account it became.
    pub account: Option<ChannelAccountId>,
    /// When the grant came.
    pub received_at: Timestamp,
}

/// What the grant carries, opened.
#[derive(Clone, Debug)]
pub struct GrantSecrets {
    /// The authorisation code, while it has not been exchanged.
    pub code: Option<Plain>,
    /// Access token and its end, once exchanged.
    pub access: Option<(Plain, Timestamp)>,
    /// Refresh token, once exchanged.
    pub refresh: Option<Plain>,
}

fn from_model(row: app_authorisation::Model) -> StoreResult<AppAuthorisation> {
    Ok(AppAuthorisation {
        id: AppAuthorisationId(row.id),
        app: ChannelAppId(row.channel_app_id),
        external_id: row.external_id,
        kind: row.kind,
        profile: serde_json::from_str(&row.profile)
            .map_err(|_| StoreError::Corrupt("app_authorisations.profile"))?,
        state: row.state,
        outcome: row.outcome,
        merchant: row.merchant_id.map(TenantId),
        account: row.channel_account_id.map(ChannelAccountId),
        received_at: Timestamp::from_micros(row.received_at),
    })
}

fn code_hash(code: &Plain) -> Vec<u8> {
    Sha256::digest(code.expose().as_bytes()).to_vec()
}

/// Keeps a grant that was pushed; a later one of the same account takes the place of the earlier.
pub async fn authorisation_receive(
    tx: &mut TenantTx,
    sealer: &Sealer,
    app: ChannelAppId,
    external_id: &str,
    code: Option<&Plain>,
) -> StoreResult<AppAuthorisationId> {
    use app_authorisation::Column;
    let ctx = tx.ctx().clone();
    let now = tx.now().micros();
    let sealed = code.map(|code| sealer.seal_text(&ctx, CODE, code)).transpose()?;
    let hash = code.map(code_hash);
    let before = authorisation_by_external(tx, app, external_id).await?;
    if let Some(before) = before {
        app_authorisation::Entity::update_many()
            .col_expr(Column::Code, Expr::value(sealed))
            .col_expr(Column::CodeHash, Expr::value(hash))
            .col_expr(Column::State, Expr::value("received"))
            .col_expr(Column::Outcome, Expr::value(Option::<String>::None))
            .col_expr(Column::ReceivedAt, Expr::value(now))
            .col_expr(Column::UpdatedAt, Expr::value(now))
            .filter(Column::TenantId.eq(tx.tenant()))
            .filter(Column::Id.eq(before.id.0))
            .exec(tx.conn())
            .await?;
        return Ok(before.id);
    }
    let id = tx.new_id();
    app_authorisation::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        channel_app_id: Set(app.0),
        external_id: Set(external_id.to_owned()),
        code_hash: Set(hash),
        code: Set(sealed),
        access_token: Set(None),
        access_expires_at: Set(None),
        refresh_token: Set(None),
        kind: Set(None),
        profile: Set("{}".to_owned()),
        state: Set("received".to_owned()),
        outcome: Set(None),
        merchant_id: Set(None),
        channel_account_id: Set(None),
        received_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await?;
    Ok(AppAuthorisationId(id))
}

/// A grant of the provider's apps.
pub async fn authorisation_get(tx: &TenantTx, id: AppAuthorisationId) -> StoreResult<AppAuthorisation> {
    let row = app_authorisation::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The grant of one account.
pub async fn authorisation_by_external(
    tx: &TenantTx,
    app: ChannelAppId,
    external_id: &str,
) -> StoreResult<Option<AppAuthorisation>> {
    app_authorisation::Entity::find()
        .filter(app_authorisation::Column::TenantId.eq(tx.tenant()))
        .filter(app_authorisation::Column::ChannelAppId.eq(app.0))
        .filter(app_authorisation::Column::ExternalId.eq(external_id))
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// The grant that came with a code: the browser and the push bring the same one.
pub async fn authorisation_by_code(
    tx: &TenantTx,
    app: ChannelAppId,
    code: &Plain,
) -> StoreResult<Option<AppAuthorisation>> {
    app_authorisation::Entity::find()
        .filter(app_authorisation::Column::TenantId.eq(tx.tenant()))
        .filter(app_authorisation::Column::ChannelAppId.eq(app.0))
        .filter(app_authorisation::Column::CodeHash.eq(code_hash(code)))
        .order_by_desc(app_authorisation::Column::ReceivedAt)
        .limit(1)
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// Grants, newest first; of one state when given.
pub async fn authorisation_list(
    tx: &TenantTx,
    state: Option<&str>,
    page: PageRequest,
) -> StoreResult<Page<AppAuthorisation>> {
    let mut query =
        app_authorisation::Entity::find().filter(app_authorisation::Column::TenantId.eq(tx.tenant()));
    if let Some(state) = state {
        query = query.filter(app_authorisation::Column::State.eq(state));
    }
    let (at, id) = (app_authorisation::Column::ReceivedAt, app_authorisation::Column::Id);
    let rows = newest_first(query, at, id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.received_at, id: row.id.0 }))
}

/// Opens what a grant carries.
pub async fn authorisation_secrets(
    tx: &TenantTx,
    sealer: &Sealer,
    id: AppAuthorisationId,
) -> StoreResult<GrantSecrets> {
    let row = app_authorisation::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    let open = |purpose, sealed: &Option<Vec<u8>>| {
        sealed.as_deref().map(|sealed| sealer.open_text(tx.ctx(), purpose, sealed)).transpose()
    };
    Ok(GrantSecrets {
        code: open(CODE, &row.code)?,
        access: open(ACCESS, &row.access_token)?.zip(row.access_expires_at.map(Timestamp::from_micros)),
        refresh: open(REFRESH, &row.refresh_token)?,
    })
}

/// Keeps what the code was exchanged for; the code is used up.
pub async fn authorisation_exchanged(
    tx: &mut TenantTx,
    sealer: &Sealer,
    id: AppAuthorisationId,
    access: Option<(&Plain, Timestamp)>,
    refresh: Option<&Plain>,
) -> StoreResult<()> {
    use app_authorisation::Column;
    let ctx = tx.ctx().clone();
    let access_sealed = access.map(|(token, _)| sealer.seal_text(&ctx, ACCESS, token)).transpose()?;
    let refresh_sealed = refresh.map(|token| sealer.seal_text(&ctx, REFRESH, token)).transpose()?;
    app_authorisation::Entity::update_many()
        .col_expr(Column::Code, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(Column::AccessToken, Expr::value(access_sealed))
        .col_expr(Column::AccessExpiresAt, Expr::value(access.map(|(_, at)| at.micros())))
        .col_expr(Column::RefreshToken, Expr::value(refresh_sealed))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Keeps what is known of the account.
pub async fn authorisation_profile(
    tx: &mut TenantTx,
    id: AppAuthorisationId,
    kind: Option<&str>,
    profile: &serde_json::Value,
) -> StoreResult<()> {
    use app_authorisation::Column;
    app_authorisation::Entity::update_many()
        .col_expr(Column::Kind, Expr::value(kind.map(str::to_owned)))
        .col_expr(Column::Profile, Expr::value(profile.to_string()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// How a grant stands now.
#[derive(Clone, Debug)]
pub enum GrantEnd<'a> {
    /// Nobody can say whose it is; somebody has to.
    Unmatched(&'a str),
    /// It became an account of a merchant; its own tokens are forgotten.
    Linked(TenantId, ChannelAccountId),
    /// A rule refused the link.
    Refused(&'a str),
    /// The account took it back.
    Withdrawn,
}

/// Notes how a grant stands.
pub async fn authorisation_end(
    tx: &mut TenantTx,
    id: AppAuthorisationId,
    end: &GrantEnd<'_>,
) -> StoreResult<()> {
    use app_authorisation::Column;
    let (state, outcome, forget) = match end {
        GrantEnd::Unmatched(why) => ("unmatched", Some((*why).to_owned()), false),
        GrantEnd::Linked(..) => ("linked", None, true),
        GrantEnd::Refused(why) => ("refused", Some((*why).to_owned()), false),
        GrantEnd::Withdrawn => ("withdrawn", None, true),
    };
    let mut update = app_authorisation::Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::Outcome, Expr::value(outcome))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now().micros()));
    if let GrantEnd::Linked(merchant, account) = end {
        update = update
            .col_expr(Column::MerchantId, Expr::value(merchant.0))
            .col_expr(Column::ChannelAccountId, Expr::value(account.0));
    }
    if forget {
        let none = || Expr::value(Option::<Vec<u8>>::None);
        update = update
            .col_expr(Column::Code, none())
            .col_expr(Column::AccessToken, none())
            .col_expr(Column::RefreshToken, none());
    }
    update.filter(Column::TenantId.eq(tx.tenant())).filter(Column::Id.eq(id.0)).exec(tx.conn()).await?;
    Ok(())
}
