//! The provider's apps at channels (WeChat: third-party platforms). Rows of the provider's own tenant;
//! secrets are sealed and leave this file only through [`app_secrets`].

use crate::db::TenantTx;
use crate::entity::channel_app;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::secrets::{Plain, Sealer};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::ChannelAppId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

/// An app without its secrets.
#[derive(Clone, Debug)]
pub struct ChannelApp {
    /// Its id.
    pub id: ChannelAppId,
    /// The channel it was made for.
    pub channel: String,
    /// Channels of one family share the app.
    pub family: String,
    /// Its id at the platform.
    pub app_id: String,
    /// Secret part of its push address.
    pub hook_token: String,
    /// When the last verify ticket came.
    pub ticket_at: Option<Timestamp>,
    /// JSON object: addresses of a stand-in platform, and the like.
    pub settings: serde_json::Value,
    /// Whether it is used.
    pub active: bool,
    /// Last failure's code.
    pub error_code: Option<String>,
    /// Last failure in plain words.
    pub error_text: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// For guarded updates.
    pub version: i64,
}

/// What only calls and the checks of pushes need.
#[derive(Clone, Debug)]
pub struct AppSecrets {
    /// The app's secret.
    pub secret: Plain,
    /// The token both sides know, for signatures of pushes.
    pub push_token: Plain,
    /// The key pushes are encrypted with.
    pub aes_key: Plain,
    /// The key before it.
    pub previous_aes_key: Option<Plain>,
    /// The last verify ticket.
    pub ticket: Option<Plain>,
}

/// An app to be.
#[derive(Clone, Debug)]
pub struct NewChannelApp<'a> {
    /// The channel it is made for.
    pub channel: &'a str,
    /// Its family.
    pub family: &'a str,
    /// Its id at the platform.
    pub app_id: &'a str,
    /// Its secret.
    pub secret: &'a Plain,
    /// The push token.
    pub push_token: &'a Plain,
    /// The push key.
    pub aes_key: &'a Plain,
    /// Secret part of its push address.
    pub hook_token: &'a str,
    /// JSON object.
    pub settings: &'a serde_json::Value,
}

const SECRET: &str = "channel_app.secret";
const PUSH_TOKEN: &str = "channel_app.push_token";
const AES_KEY: &str = "channel_app.aes_key";
const TICKET: &str = "channel_app.ticket";

fn from_model(row: channel_app::Model) -> StoreResult<ChannelApp> {
    Ok(ChannelApp {
        id: ChannelAppId(row.id),
        channel: row.channel,
        family: row.family,
        app_id: row.app_id,
        hook_token: row.hook_token,
        ticket_at: row.ticket_at.map(Timestamp::from_micros),
        settings: serde_json::from_str(&row.settings)
            .map_err(|_| StoreError::Corrupt("channel_apps.settings"))?,
        active: row.state == "active",
        error_code: row.error_code,
        error_text: row.error_text,
        created_at: Timestamp::from_micros(row.created_at),
        version: row.version,
    })
}

/// Adds an app. `Conflict(channel_app)` when the provider has it already.
pub async fn app_insert(
    tx: &mut TenantTx,
    sealer: &Sealer,
    new: &NewChannelApp<'_>,
) -> StoreResult<ChannelAppId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    let ctx = tx.ctx().clone();
    channel_app::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        channel: Set(new.channel.to_owned()),
        family: Set(new.family.to_owned()),
        app_id: Set(new.app_id.to_owned()),
        secret: Set(sealer.seal_text(&ctx, SECRET, new.secret)?),
        push_token: Set(sealer.seal_text(&ctx, PUSH_TOKEN, new.push_token)?),
        aes_key: Set(sealer.seal_text(&ctx, AES_KEY, new.aes_key)?),
        previous_aes_key: Set(None),
        hook_token: Set(new.hook_token.to_owned()),
        ticket: Set(None),
        ticket_at: Set(None),
        settings: Set(new.settings.to_string()),
        state: Set("active".to_owned()),
        error_code: Set(None),
        error_text: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
    .insert(tx.conn())
    .await
    .map_err(|error| match StoreError::from(error) {
        StoreError::Conflict(_) => StoreError::Conflict("channel_app"),
        other => other,
    })?;
    directory::key_insert(tx, directory::APP_HOOK, new.hook_token, id).await?;
    Ok(ChannelAppId(id))
}

/// An app of the provider.
pub async fn app_get(tx: &TenantTx, id: ChannelAppId) -> StoreResult<ChannelApp> {
    let row = channel_app::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    row.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The provider's app for channels of a family: the one made first.
pub async fn app_of_family(tx: &TenantTx, family: &str) -> StoreResult<Option<ChannelApp>> {
    channel_app::Entity::find()
        .filter(channel_app::Column::TenantId.eq(tx.tenant()))
        .filter(channel_app::Column::Family.eq(family))
        .filter(channel_app::Column::State.eq("active"))
        .order_by_asc(channel_app::Column::CreatedAt)
        .order_by_asc(channel_app::Column::Id)
        .limit(1)
        .one(tx.conn())
        .await?
        .map(from_model)
        .transpose()
}

/// Apps of the provider, newest first.
pub async fn app_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<ChannelApp>> {
    let query = channel_app::Entity::find().filter(channel_app::Column::TenantId.eq(tx.tenant()));
    let rows = newest_first(query, channel_app::Column::CreatedAt, channel_app::Column::Id, page)
        .all(tx.conn())
        .await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |app| Cursor { at: app.created_at, id: app.id.0 }))
}

/// Opens the secrets of an app.
pub async fn app_secrets(tx: &TenantTx, sealer: &Sealer, id: ChannelAppId) -> StoreResult<AppSecrets> {
    let row = channel_app::Entity::find_by_id((tx.tenant(), id.0))
        .one(tx.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    let open = |purpose, sealed: &[u8]| sealer.open_text(tx.ctx(), purpose, sealed);
    Ok(AppSecrets {
        secret: open(SECRET, &row.secret)?,
        push_token: open(PUSH_TOKEN, &row.push_token)?,
        aes_key: open(AES_KEY, &row.aes_key)?,
        previous_aes_key: row.previous_aes_key.as_deref().map(|key| open(AES_KEY, key)).transpose()?,
        ticket: row.ticket.as_deref().map(|ticket| open(TICKET, ticket)).transpose()?,
    })
}

/// Keeps the latest verify ticket. An older one, pushed again late, changes nothing.
pub async fn app_ticket_save(
    tx: &mut TenantTx,
    sealer: &Sealer,
    id: ChannelAppId,
    ticket: &Plain,
    at: Timestamp,
) -> StoreResult<bool> {
    let sealed = sealer.seal_text(&tx.ctx().clone(), TICKET, ticket)?;
    let done = channel_app::Entity::update_many()
        .col_expr(channel_app::Column::Ticket, Expr::value(sealed))
        .col_expr(channel_app::Column::TicketAt, Expr::value(at.micros()))
        .col_expr(channel_app::Column::ErrorCode, Expr::value(Option::<String>::None))
        .col_expr(channel_app::Column::ErrorText, Expr::value(Option::<String>::None))
        .filter(channel_app::Column::TenantId.eq(tx.tenant()))
        .filter(channel_app::Column::Id.eq(id.0))
        .filter(
            sea_orm::Condition::any()
                .add(channel_app::Column::TicketAt.is_null())
                .add(channel_app::Column::TicketAt.lte(at.micros())),
        )
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// What may be changed on an app.
#[derive(Clone, Debug, Default)]
pub struct ChannelAppChange<'a> {
    /// A new secret.
    pub secret: Option<&'a Plain>,
    /// A new push token.
    pub push_token: Option<&'a Plain>,
    /// A new push key; the one before it is kept beside it.
    pub aes_key: Option<&'a Plain>,
    /// New settings.
    pub settings: Option<&'a serde_json::Value>,
    /// Whether it is used.
    pub active: Option<bool>,
}

/// Saves a change if the app is still as it was read.
pub async fn app_save(
    tx: &mut TenantTx,
    sealer: &Sealer,
    was: &ChannelApp,
    change: &ChannelAppChange<'_>,
) -> StoreResult<()> {
    let ctx = tx.ctx().clone();
    let mut update = channel_app::Entity::update_many()
        .col_expr(channel_app::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .col_expr(channel_app::Column::Version, Expr::col(channel_app::Column::Version).add(1));
    if let Some(secret) = change.secret {
        let sealed = sealer.seal_text(&ctx, SECRET, secret)?;
        update = update.col_expr(channel_app::Column::Secret, Expr::value(sealed));
    }
    if let Some(token) = change.push_token {
        let sealed = sealer.seal_text(&ctx, PUSH_TOKEN, token)?;
        update = update.col_expr(channel_app::Column::PushToken, Expr::value(sealed));
    }
    if let Some(key) = change.aes_key {
        let sealed = sealer.seal_text(&ctx, AES_KEY, key)?;
        update = update
            .col_expr(channel_app::Column::PreviousAesKey, Expr::col(channel_app::Column::AesKey))
            .col_expr(channel_app::Column::AesKey, Expr::value(sealed));
    }
    if let Some(settings) = change.settings {
        update = update.col_expr(channel_app::Column::Settings, Expr::value(settings.to_string()));
    }
    if let Some(active) = change.active {
        let state = if active { "active" } else { "disabled" };
        update = update.col_expr(channel_app::Column::State, Expr::value(state));
    }
    let done = update
        .filter(channel_app::Column::TenantId.eq(tx.tenant()))
        .filter(channel_app::Column::Id.eq(was.id.0))
        .filter(channel_app::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Notes the last failure of a call in the app's own name; `None` clears it.
pub async fn app_note_error(
    tx: &mut TenantTx,
    id: ChannelAppId,
    error: Option<(&str, &str)>,
) -> StoreResult<()> {
    channel_app::Entity::update_many()
        .col_expr(channel_app::Column::ErrorCode, Expr::value(error.map(|(code, _)| code.to_owned())))
        .col_expr(channel_app::Column::ErrorText, Expr::value(error.map(|(_, text)| text.to_owned())))
        .filter(channel_app::Column::TenantId.eq(tx.tenant()))
        .filter(channel_app::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
