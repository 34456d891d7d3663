//! Webhook endpoints: where a tenant is told of events. Secrets are stored sealed; a deleted endpoint keeps its row
//! without them until its deliveries are gone.

use crate::db::TenantTx;
use crate::entity::webhook_endpoint as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::directory;
use crate::store::keyset::newest_first;
use qianpu_domain::ids::WebhookEndpointId;
use qianpu_domain::time::Timestamp;
use qianpu_domain::webhook::EventType;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

/// The most endpoints that a tenant may have.
pub const MOST_ENDPOINTS: u64 = 20;

/// Which events an endpoint gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every type, those of later releases too.
    All,
    /// Those named.
    Types(Vec<EventType>),
}

impl Wanted {
    /// Whether it is among them.
    pub fn has(&self, event: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => types.contains(&event),
        }
    }
    fn stored(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Types(types) => types.iter().map(|own| own.as_str()).collect::<Vec<_>>().join(" "),
        }
    }
    fn read(text: &str) -> Self {
        if text == "*" {
            return Self::All;
        }
        // A type that a newer release wrote is skipped, not an error.
        Self::Types(text.split(' ').filter_map(EventType::parse).collect())
    }
}

/// Whether events go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// They do.
    Active,
    /// Its owner stopped them.
    Paused,
    /// We stopped them, because nobody answers.
    Disabled,
}

impl EndpointState {
    /// Stored and sent form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
    fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Disabled].into_iter().find(|own| own.as_str() == text)
    }
}

/// An endpoint.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which events.
    pub wanted: Wanted,
    /// Whether a provider's endpoint gets events of its merchants too.
    pub merchants: bool,
    /// Whether events go there.
    pub state: EndpointState,
    /// `gone` or `failing`, when we disabled it.
    pub disabled_for: Option<String>,
    /// Sealed.
    pub secret: Vec<u8>,
    /// Sealed; signs too until the time beside it.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
    /// Since when no try went well.
    pub failing_since: Option<Timestamp>,
    /// Last good answer.
    pub delivered_at: Option<Timestamp>,
    /// For `If-Match`.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<WebhookEndpoint> {
    let time = |at: Option<i64>| at.map(Timestamp::from_micros);
    Ok(WebhookEndpoint {
        id: WebhookEndpointId(row.id),
        url: row.url,
        description: row.description,
        wanted: Wanted::read(&row.event_types),
        merchants: row.reach == "merchants",
        state: EndpointState::parse(&row.state).ok_or(StoreError::Corrupt("webhook_endpoints.state"))?,
        disabled_for: row.disabled_for,
        secret: row.secret,
        old_secret: row.old_secret.zip(time(row.old_secret_until)),
        failing_since: time(row.failing_since),
        delivered_at: time(row.delivered_at),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// An endpoint to be, or what an endpoint is to become.
#[derive(Clone, Debug)]
pub struct EndpointFacts<'a> {
    /// Checked before.
    pub url: &'a str,
    /// May be empty.
    pub description: &'a str,
    /// Which events.
    pub wanted: &'a Wanted,
    /// Of merchants too.
    pub merchants: bool,
}

const fn reach(merchants: bool) -> &'static str {
    if merchants { "merchants" } else { "own" }
}

/// Adds an endpoint. The id is given, because the secret is sealed for it.
pub async fn endpoint_insert(
    tx: &mut TenantTx,
    id: WebhookEndpointId,
    facts: &EndpointFacts<'_>,
    secret: Vec<u8>,
) -> StoreResult<()> {
    row::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id.0),
        url: Set(facts.url.to_owned()),
        description: Set(facts.description.to_owned()),
        event_types: Set(facts.wanted.stored()),
        reach: Set(reach(facts.merchants).to_owned()),
        state: Set("active".to_owned()),
        disabled_for: Set(None),
        secret: Set(secret),
        old_secret: Set(None),
        old_secret_until: Set(None),
        failing_since: Set(None),
        delivered_at: Set(None),
        version: Set(1),
        created_at: Set(tx.now().micros()),
        updated_at: Set(tx.now().micros()),
    }
    .insert(tx.conn())
    .await?;
    mark_listening(tx).await
}

/// How many endpoints there are.
pub async fn endpoint_count(tx: &TenantTx) -> StoreResult<u64> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.ne("deleted"))
        .count(tx.conn())
        .await?)
}

/// One endpoint.
pub async fn endpoint_get(tx: &TenantTx, id: WebhookEndpointId) -> StoreResult<WebhookEndpoint> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    from_model(found.filter(|found| found.state != "deleted").ok_or(StoreError::NotFound)?)
}

/// Endpoints, newest first.
pub async fn endpoint_list(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<WebhookEndpoint>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.ne("deleted"));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// Endpoints that events go to.
pub(crate) async fn endpoint_active(tx: &TenantTx) -> StoreResult<Vec<WebhookEndpoint>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("active"))
        .order_by_asc(row::Column::CreatedAt)
        .limit(MOST_ENDPOINTS)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// How many endpoints we disabled.
pub async fn endpoint_disabled_count(tx: &TenantTx) -> StoreResult<u64> {
    Ok(row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("disabled"))
        .count(tx.conn())
        .await?)
}

async fn update(
    tx: &mut TenantTx,
    id: WebhookEndpointId,
    seen: Option<i64>,
    columns: Vec<(row::Column, Expr)>,
) -> StoreResult<()> {
    let mut query = row::Entity::update_many()
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.ne("deleted"));
    for (column, value) in columns {
        query = query.col_expr(column, value);
    }
    if let Some(seen) = seen {
        query = query.filter(row::Column::Version.eq(seen));
    }
    if query.exec(tx.conn()).await?.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Changes what an endpoint is, if it is still as it was seen.
pub async fn endpoint_save(
    tx: &mut TenantTx,
    id: WebhookEndpointId,
    seen: i64,
    facts: &EndpointFacts<'_>,
) -> StoreResult<()> {
    let columns = vec![
        (row::Column::Url, Expr::value(facts.url)),
        (row::Column::Description, Expr::value(facts.description)),
        (row::Column::EventTypes, Expr::value(facts.wanted.stored())),
        (row::Column::Reach, Expr::value(reach(facts.merchants))),
    ];
    update(tx, id, Some(seen), columns).await?;
    mark_listening(tx).await
}

/// Pauses, resumes or disables an endpoint. Whoever resumes it starts with a clean record.
pub async fn endpoint_move(
    tx: &mut TenantTx,
    was: &WebhookEndpoint,
    state: EndpointState,
    disabled_for: Option<&str>,
) -> StoreResult<()> {
    let mut columns = vec![
        (row::Column::State, Expr::value(state.as_str())),
        (row::Column::DisabledFor, Expr::value(disabled_for.map(str::to_owned))),
    ];
    if state == EndpointState::Active {
        columns.push((row::Column::FailingSince, Expr::value(Option::<i64>::None)));
    }
    update(tx, was.id, Some(was.version), columns).await?;
    mark_listening(tx).await
}

/// Puts a new secret in the place of the old one, which signs too until `until`.
pub async fn endpoint_rotate(
    tx: &mut TenantTx,
    was: &WebhookEndpoint,
    secret: Vec<u8>,
    until: Timestamp,
) -> StoreResult<()> {
    let columns = vec![
        (row::Column::Secret, Expr::value(secret)),
        (row::Column::OldSecret, Expr::value(Some(was.secret.clone()))),
        (row::Column::OldSecretUntil, Expr::value(Some(until.micros()))),
    ];
    update(tx, was.id, Some(was.version), columns).await
}

/// Deletes an endpoint: nothing is sent there any more, and its secrets are gone.
pub async fn endpoint_delete(tx: &mut TenantTx, id: WebhookEndpointId) -> StoreResult<()> {
    let columns = vec![
        (row::Column::State, Expr::value("deleted")),
        (row::Column::Secret, Expr::value(Vec::<u8>::new())),
        (row::Column::OldSecret, Expr::value(Option::<Vec<u8>>::None)),
    ];
    update(tx, id, None, columns).await?;
    mark_listening(tx).await
}

/// Notes how a try went; since when nothing goes well, after it.
pub async fn endpoint_note(
    tx: &mut TenantTx,
    id: WebhookEndpointId,
    well: bool,
) -> StoreResult<Option<Timestamp>> {
    let now = tx.now().micros();
    let query = row::Entity::update_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0));
    let query = if well {
        query
            .col_expr(row::Column::FailingSince, Expr::value(Option::<i64>::None))
            .col_expr(row::Column::DeliveredAt, Expr::value(Some(now)))
    } else {
        // The first failure counts, also when two are noted at once.
        query
            .col_expr(row::Column::FailingSince, Expr::value(Some(now)))
            .filter(row::Column::FailingSince.is_null())
    };
    query.exec(tx.conn()).await?;
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(found.and_then(|found| found.failing_since).map(Timestamp::from_micros))
}

/// A provider whose endpoints want events of its merchants has a key in the directory, so that a merchant's
/// transaction sees with one look whether anybody listens.
async fn mark_listening(tx: &mut TenantTx) -> StoreResult<()> {
    let wanted = endpoint_active(tx).await?.iter().any(|endpoint| endpoint.merchants);
    let value = listening_value(tx.tenant());
    let marked = directory::key_value(tx, directory::WEBHOOK_LISTENER).await?.is_some();
    match (wanted, marked) {
        (true, false) => {
            let target = tx.tenant();
            directory::key_insert(tx, directory::WEBHOOK_LISTENER, &value, target).await
        }
        (false, true) => directory::key_delete(tx, directory::WEBHOOK_LISTENER, &value).await,
        _ => Ok(()),
    }
}

fn listening_value(tenant: Uuid) -> String {
    tenant.simple().to_string()
}

/// Whether the provider of this merchant wants to hear of its merchants.
pub(crate) async fn provider_listens(tx: &TenantTx) -> StoreResult<bool> {
    let Ok(provider) = tx.provider() else { return Ok(false) };
    directory::key_taken(tx, directory::WEBHOOK_LISTENER, &listening_value(provider)).await
}

/// Endpoints whose log is to be trimmed, and whether they are deleted.
pub async fn endpoint_to_trim(tx: &TenantTx) -> StoreResult<Vec<(WebhookEndpointId, bool)>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(row::Column::CreatedAt)
        .limit(1_000)
        .all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| (WebhookEndpointId(row.id), row.state == "deleted")).collect())
}

/// Removes rows of deleted endpoints that have no deliveries left.
pub async fn endpoint_purge(tx: &mut TenantTx) -> StoreResult<u64> {
    use crate::entity::webhook_delivery as delivery;
    let gone = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("deleted"))
        .limit(100)
        .all(tx.conn())
        .await?;
    let mut purged = 0;
    for endpoint in gone {
        let left = delivery::Entity::find()
            .filter(delivery::Column::TenantId.eq(tx.tenant()))
            .filter(delivery::Column::EndpointId.eq(endpoint.id))
            .limit(1)
            .one(tx.conn())
            .await?;
        if left.is_none() {
            let done = row::Entity::delete_many()
                .filter(row::Column::TenantId.eq(tx.tenant()))
                .filter(row::Column::Id.eq(endpoint.id))
                .exec(tx.conn())
                .await?;
            purged += done.rows_affected;
        }
    }
    Ok(purged)
}
