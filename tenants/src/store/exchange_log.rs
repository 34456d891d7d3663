//! The log of exchanges with platforms, per account and app. No bodies, no query strings, no
//! secrets come in here; rows are kept for a bounded time and number.

use crate::db::TenantTx;
use crate::entity::exchange_log;
use crate::error::StoreResult;
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::ids::ExchangeId;
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, LikeExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

/// How long exchanges are kept.
pub const KEEP: Span = Span::days(14);
/// How many exchanges of one account or app are kept at most.
pub const KEEP_MOST: u64 = 1000;
const LONGEST: usize = 500;

/// One exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its id.
    pub id: ExchangeId,
    /// The account or app.
    pub owner: Uuid,
    /// What we wanted, such as `catalog.publish`.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// HTTP status; none when there was no answer.
    pub status: Option<i64>,
    /// `ok`, `network_error`, `timed_out`, `not_sent` or the class of the failure.
    pub outcome: String,
    /// The platform's error code.
    pub remote_code: Option<String>,
    /// The platform's words.
    pub remote_message: Option<String>,
    /// The platform's id of the request, for its support.
    pub remote_request_id: Option<String>,
    /// How long it took.
    pub millis: i64,
    /// Size of the answer.
    pub response_bytes: i64,
    /// When.
    pub at: Timestamp,
}

/// An exchange to be noted.
#[derive(Clone, Debug)]
pub struct NewExchange<'a> {
    /// The account or app.
    pub owner: Uuid,
    /// What we wanted.
    pub operation: &'a str,
    /// HTTP method.
    pub method: &'a str,
    /// Path without query.
    pub path: &'a str,
    /// HTTP status.
    pub status: Option<i64>,
    /// `ok` or why not.
    pub outcome: &'a str,
    /// The platform's error code.
    pub remote_code: Option<&'a str>,
    /// The platform's words.
    pub remote_message: Option<&'a str>,
    /// The platform's id of the request.
    pub remote_request_id: Option<&'a str>,
    /// How long it took.
    pub millis: i64,
    /// Size of the answer.
    pub response_bytes: i64,
    /// When it was sent.
    pub at: Timestamp,
}

/// Notes an exchange.
pub async fn exchange_insert(tx: &mut TenantTx, new: &NewExchange<'_>) -> StoreResult<()> {
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    exchange_log::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        owner_id: Set(new.owner),
        operation: Set(short(new.operation)),
        method: Set(new.method.to_owned()),
        path: Set(short(new.path)),
        status: Set(new.status),
        outcome: Set(new.outcome.to_owned()),
        remote_code: Set(new.remote_code.map(short)),
        remote_message: Set(new.remote_message.map(short)),
        remote_request_id: Set(new.remote_request_id.map(short)),
        millis: Set(new.millis),
        response_bytes: Set(new.response_bytes),
        created_at: Set(new.at.micros()),
    }
    .insert(tx.conn())
    .await?;
    Ok(())
}

/// Exchanges of an account or app, newest first.
pub async fn exchange_list(tx: &TenantTx, owner: Uuid, page: PageRequest) -> StoreResult<Page<Exchange>> {
    let query = exchange_log::Entity::find()
        .filter(exchange_log::Column::TenantId.eq(tx.tenant()))
        .filter(exchange_log::Column::OwnerId.eq(owner));
    let rows = newest_first(query, exchange_log::Column::CreatedAt, exchange_log::Column::Id, page)
        .all(tx.conn())
        .await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(from_model))
}

fn from_model(row: exchange_log::Model) -> Exchange {
    Exchange {
        id: ExchangeId(row.id),
        owner: row.owner_id,
        operation: row.operation,
        method: row.method,
        path: row.path,
        status: row.status,
        outcome: row.outcome,
        remote_code: row.remote_code,
        remote_message: row.remote_message,
        remote_request_id: row.remote_request_id,
        millis: row.millis,
        response_bytes: row.response_bytes,
        at: Timestamp::from_micros(row.created_at),
    }
}

/// Which outcomes are looked for.
#[derive(Clone, Debug)]
pub enum OutcomeFilter {
    /// Whatever did not go well.
    Failed,
    /// This word.
    Is(String),
}

/// Which exchanges are looked for.
#[derive(Clone, Debug, Default)]
pub struct ExchangeFilter {
    /// Of these accounts.
    pub owners: Vec<Uuid>,
    /// A part of the operation, of the path, of the platform's code or of its id of the request.
    pub text: Option<String>,
    /// How it went.
    pub outcome: Option<OutcomeFilter>,
    /// From this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// Exchanges that fit, newest first.
pub async fn exchange_search(
    tx: &TenantTx,
    filter: &ExchangeFilter,
    page: PageRequest,
) -> StoreResult<Page<Exchange>> {
    use exchange_log::Column as C;
    let mut query = exchange_log::Entity::find()
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::OwnerId.is_in(filter.owners.iter().copied()));
    if let Some(text) = &filter.text {
        use sea_orm::sea_query::ExprTrait;
        // Both are lower case; PostgreSQL compares letter by letter.
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = |column: C| {
            ExprTrait::like(Expr::col(column), LikeExpr::new(format!("%{escaped}%")).escape('\\'))
        };
        let fits = Condition::any()
            .add(like(C::Operation))
            .add(like(C::Path))
            .add(C::RemoteCode.eq(text.as_str()))
            .add(C::RemoteRequestId.eq(text.as_str()));
        query = query.filter(fits);
    }
    query = match &filter.outcome {
        None => query,
        Some(OutcomeFilter::Failed) => query.filter(C::Outcome.ne("ok")),
        Some(OutcomeFilter::Is(word)) => query.filter(C::Outcome.eq(word.as_str())),
    };
    if let Some(from) = filter.from {
        query = query.filter(C::CreatedAt.gte(from.micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(C::CreatedAt.lt(until.micros()));
    }
    let rows = newest_first(query, C::CreatedAt, C::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(from_model))
}

/// How an operation of an account went, with one outcome.
#[derive(Clone, Debug)]
pub struct Usage {
    /// What was wanted.
    pub operation: String,
    /// How it went.
    pub outcome: String,
    /// How often.
    pub count: i64,
    /// When last.
    pub last_at: Timestamp,
}

/// How the operations of an account went since a time; at most 200 pairs of operation and outcome.
pub async fn exchange_usage(tx: &TenantTx, owner: Uuid, since: Timestamp) -> StoreResult<Vec<Usage>> {
    use exchange_log::Column as C;
    let rows: Vec<(String, String, i64, i64)> = exchange_log::Entity::find()
        .select_only()
        .column(C::Operation)
        .column(C::Outcome)
        .column_as(C::Id.count(), "count")
        .column_as(C::CreatedAt.max(), "last_at")
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::OwnerId.eq(owner))
        .filter(C::CreatedAt.gte(since.micros()))
        .group_by(C::Operation)
        .group_by(C::Outcome)
        .order_by_asc(C::Operation)
        .order_by_asc(C::Outcome)
        .limit(200)
        .into_tuple()
        .all(tx.conn())
        .await?;
    let usage = |(operation, outcome, count, last_at)| Usage {
        operation,
        outcome,
        count,
        last_at: Timestamp::from_micros(last_at),
    };
    Ok(rows.into_iter().map(usage).collect())
}

/// The paths an account's calls went to since a time, those called most first. Questions about quotas are no interface of
/// anything the account does.
pub async fn exchange_paths(
    tx: &TenantTx,
    owner: Uuid,
    since: Timestamp,
    most: u64,
) -> StoreResult<Vec<String>> {
    use exchange_log::Column as C;
    let paths = exchange_log::Entity::find()
        .select_only()
        .column(C::Path)
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::OwnerId.eq(owner))
        .filter(C::CreatedAt.gte(since.micros()))
        .filter(C::Operation.not_like("quota.%"))
        .group_by(C::Path)
        .order_by_desc(C::Id.count())
        .order_by_asc(C::Path)
        .limit(most)
        .into_tuple()
        .all(tx.conn())
        .await?;
    Ok(paths)
}

/// Forgets what is older than [`KEEP`], and what an account or app has beyond [`KEEP_MOST`].
pub async fn exchange_trim(tx: &mut TenantTx, owner: Uuid) -> StoreResult<u64> {
    use exchange_log::Column;
    let mut horizon = tx.now().minus(KEEP).micros();
    let beyond = exchange_log::Entity::find()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OwnerId.eq(owner))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(KEEP_MOST)
        .limit(1)
        .one(tx.conn())
        .await?;
    if let Some(row) = beyond {
        horizon = horizon.max(row.created_at + 1);
    }
    let done = exchange_log::Entity::delete_many()
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OwnerId.eq(owner))
        .filter(Column::CreatedAt.lt(horizon))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}
