//! The job queue. A job is enqueued in the business transaction and claimed by lease.
//!
//! Claiming has two steps, the same SQL on SQLite, PostgreSQL and Citus: an unlocked scan for due jobs
//! that takes a few of every tenant in turn, so that one tenant's thousand jobs do not starve the rest;
//! then one guarded `UPDATE` per job inside its tenant, which only one worker can win. No transaction is
//! open while a job runs.

use crate::context::{Actor, SystemCtx, TenantCtx};
use crate::db::{Db, TenantTx};
use crate::entity::job;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use crate::store::tenant;
use qianpu_domain::ids::{JobId, RequestId, TenantId};
use qianpu_domain::time::{Span, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement,
};
use serde_json::Value;
use uuid::Uuid;

/// How long a worker may hold a job before another takes it over.
pub const LEASE: Span = Span::seconds(60);

/// A job to be.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// While a job of this kind and key waits, another one is not added.
    pub dedup_key: Option<String>,
    /// What the handler needs; ids, no secrets.
    pub payload: Value,
    /// Not before this moment; `None` for at once.
    pub run_at: Option<Timestamp>,
    /// Lower runs first: 0 orders, 5 catalogue, 9 housekeeping.
    pub priority: i64,
}

/// Adds a job. False when one with the same key waits already.
pub async fn job_enqueue(tx: &mut TenantTx, new: NewJob) -> StoreResult<bool> {
    enqueue(tx, new, None).await
}

/// Adds a job that belongs to a part of the tenant's work, such as one receiver. Claims can bound how many of a part
/// run at once.
pub async fn job_enqueue_part(tx: &mut TenantTx, new: NewJob, part: Uuid) -> StoreResult<bool> {
    enqueue(tx, new, Some(part)).await
}

/// The most rows of one statement: a database takes some thousands of values.
const MOST_ROWS: usize = 500;

/// Adds several jobs, each unless one with its key waits already.
pub async fn job_enqueue_all(tx: &mut TenantTx, mut new: Vec<NewJob>) -> StoreResult<()> {
    // Two processes that add the same jobs at once wait for each other's keys in one order.
    new.sort_by(|one, other| (one.kind, &one.dedup_key).cmp(&(other.kind, &other.dedup_key)));
    let mut new = new.into_iter().peekable();
    while new.peek().is_some() {
        let rows: Vec<job::ActiveModel> =
            new.by_ref().take(MOST_ROWS).map(|new| row_of(tx, new, None)).collect();
        let conflict = OnConflict::new().do_nothing().to_owned();
        job::Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

async fn enqueue(tx: &mut TenantTx, new: NewJob, part: Option<Uuid>) -> StoreResult<bool> {
    let row = row_of(tx, new, part);
    let conflict = OnConflict::new().do_nothing().to_owned();
    Ok(job::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await? == 1)
}

fn row_of(tx: &TenantTx, new: NewJob, part: Option<Uuid>) -> job::ActiveModel {
    job::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        kind: Set(new.kind.to_owned()),
        dedup_key: Set(new.dedup_key),
        payload: Set(new.payload.to_string()),
        priority: Set(new.priority),
        state: Set("pending".to_owned()),
        run_at: Set(new.run_at.unwrap_or(tx.now()).micros()),
        attempt: Set(0),
        lease_until: Set(None),
        lease_token: Set(None),
        error_code: Set(None),
        error_text: Set(None),
        created_at: Set(tx.now().micros()),
        part: Set(part),
    }
}

/// Whether a job of this kind and key waits to be run.
pub async fn job_waits(tx: &TenantTx, kind: &str, dedup_key: &str) -> StoreResult<bool> {
    let waiting = job::Entity::find()
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Kind.eq(kind))
        .filter(job::Column::DedupKey.eq(dedup_key))
        .filter(job::Column::State.eq("pending"))
        .filter(job::Column::LeaseToken.is_null())
        .one(tx.conn())
        .await?;
    Ok(waiting.is_some())
}

/// Whether a worker holds this job now.
pub async fn job_is_held(tx: &TenantTx, id: JobId) -> StoreResult<bool> {
    let held = job::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    Ok(held.is_some_and(|row| row.lease_until.is_some_and(|until| until >= tx.now().micros())))
}

/// Whether a worker holds another job with the key of this one.
pub async fn job_twin_is_held(tx: &TenantTx, claimed: &ClaimedJob) -> StoreResult<bool> {
    let Some(own) = job::Entity::find_by_id((tx.tenant(), claimed.id.0)).one(tx.conn()).await? else {
        return Ok(false);
    };
    let Some(key) = own.dedup_key else { return Ok(false) };
    let other = job::Entity::find()
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Kind.eq(own.kind))
        .filter(job::Column::DedupKey.eq(key))
        .filter(job::Column::Id.ne(claimed.id.0))
        .filter(job::Column::LeaseUntil.gte(tx.now().micros()))
        .one(tx.conn())
        .await?;
    Ok(other.is_some())
}

/// A job that this worker holds.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// Its tenant; the actor is the job.
    pub ctx: TenantCtx,
    /// Its id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// What the handler needs.
    pub payload: Value,
    /// 1 for the first try.
    pub attempt: i64,
    /// When it was added.
    pub created_at: Timestamp,
    lease: Uuid,
}

#[derive(FromQueryResult)]
struct Due {
    tenant_id: Uuid,
    id: Uuid,
}

/// Which jobs a claim looks at, and how many of them one tenant may have at once.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a> {
    /// Only these kinds, or every kind but these.
    pub kinds: (Among, &'a [&'a str]),
    /// The most jobs of one tenant that run at the same time, in all processes.
    pub per_tenant: u64,
    /// The same for one part of a tenant, such as one receiver.
    pub per_part: u64,
}

/// How a list of kinds is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Only these.
    Only,
    /// All but these.
    AllBut,
}

impl Share<'_> {
    /// Every kind, without a limit for one tenant besides that of the claim.
    pub const ALL: Share<'static> =
        Share { kinds: (Among::AllBut, &[]), per_tenant: 1_000_000, per_part: 1_000_000 };
}

/// Claims up to `limit` due jobs, a few of each tenant in turn.
pub async fn job_claim(db: &Db, limit: u64, request: RequestId) -> StoreResult<Vec<ClaimedJob>> {
    job_claim_share(db, limit, &Share::ALL, request).await
}

/// Claims up to `limit` due jobs of a share. Whoever runs the fewest jobs is next: what a tenant has running counts
/// as its first turns, so a thousand jobs of one tenant do not hold up the first job of another.
pub async fn job_claim_share(
    db: &Db,
    limit: u64,
    share: &Share<'_>,
    request: RequestId,
) -> StoreResult<Vec<ClaimedJob>> {
    let scan = db.begin_lookup(&SystemCtx::for_task("job claim", request)).await?;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut values: Vec<sea_orm::Value> = vec![
        scan.now().micros().into(),
        whole(share.per_tenant).into(),
        whole(share.per_part).into(),
        whole(limit).into(),
    ];
    let (among, kinds) = share.kinds;
    let mut places = Vec::new();
    for kind in kinds {
        values.push((*kind).into());
        places.push(format!("${}", values.len()));
    }
    let of_kinds = match among {
        _ if kinds.is_empty() => String::new(),
        Among::Only => format!("AND kind IN ({})", places.join(", ")),
        Among::AllBut => format!("AND kind NOT IN ({})", places.join(", ")),
    };
    // First what one part may have, so that its backlog does not fill the tenant's turns; then the tenant's turns.
    let sql = format!(
        "SELECT tenant_id, id FROM (
            SELECT tenant_id, id, priority, run_at, idle,
                   row_number() OVER (PARTITION BY tenant_id ORDER BY idle, priority, run_at, id) AS turn
            FROM (
                SELECT tenant_id, id, priority, run_at, idle, part,
                       row_number() OVER (PARTITION BY tenant_id, part ORDER BY idle, priority, run_at, id) AS part_turn
                FROM (
                    SELECT tenant_id, id, priority, run_at, part, CASE WHEN lease_until >= $1 THEN 0 ELSE 1 END AS idle
                    FROM jobs WHERE state = 'pending' AND run_at <= $1 {of_kinds}
                ) AS due
            ) AS parts WHERE idle = 0 OR part IS NULL OR part_turn <= $3
        ) AS turns WHERE idle = 1 AND turn <= $2 ORDER BY turn, priority, run_at, id LIMIT $4"
    );
    let backend = scan.conn().get_database_backend();
    let due =
        Due::find_by_statement(Statement::from_sql_and_values(backend, sql, values)).all(scan.conn()).await?;
    drop(scan);
    let mut claimed = Vec::with_capacity(due.len());
    for Due { tenant_id, id } in due {
        if let Some(job) = claim_one(db, TenantId(tenant_id), id, request).await? {
            claimed.push(job);
        }
    }
    Ok(claimed)
}

async fn claim_one(
    db: &Db,
    tenant_id: TenantId,
    id: Uuid,
    request: RequestId,
) -> StoreResult<Option<ClaimedJob>> {
    let registry = db.begin_lookup(&SystemCtx::for_task("job claim", request)).await?;
    let Some(owner) = tenant::tenant_find(&registry, tenant_id).await? else { return Ok(None) };
    drop(registry);
    let mut ctx = TenantCtx {
        tenant: tenant_id,
        kind: owner.kind,
        provider: owner.provider,
        actor: Actor::Job(String::new(), JobId(id)),
        request,
    };
    let tx = db.begin(&ctx).await?;
    let lease = tx.new_id();
    let now = tx.now().micros();
    let taken = job::Entity::update_many()
        .col_expr(job::Column::LeaseUntil, Expr::value(tx.now().plus(LEASE).micros()))
        .col_expr(job::Column::LeaseToken, Expr::value(lease))
        .col_expr(job::Column::Attempt, Expr::col(job::Column::Attempt).add(1))
        .filter(job::Column::TenantId.eq(tenant_id.0))
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::State.eq("pending"))
        .filter(Condition::any().add(job::Column::LeaseUntil.is_null()).add(job::Column::LeaseUntil.lt(now)))
        .exec(tx.conn())
        .await?;
    if taken.rows_affected != 1 {
        return Ok(None);
    }
    let row = job::Entity::find_by_id((tenant_id.0, id)).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    tx.commit().await?;
    ctx.actor = Actor::Job(row.kind.clone(), JobId(id));
    let payload = serde_json::from_str(&row.payload).map_err(|_| StoreError::Corrupt("a job's payload"))?;
    Ok(Some(ClaimedJob {
        ctx,
        id: JobId(id),
        kind: row.kind,
        payload,
        attempt: row.attempt,
        created_at: Timestamp::from_micros(row.created_at),
        lease,
    }))
}

/// Ends a job in the transaction that applies its result. False when another worker took the job over
/// meanwhile: then the caller must drop the transaction and its result.
pub async fn job_finish(tx: &mut TenantTx, claimed: &ClaimedJob) -> StoreResult<bool> {
    let done = job::Entity::delete_many()
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Id.eq(claimed.id.0))
        .filter(job::Column::LeaseToken.eq(claimed.lease))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Why a job did not succeed.
#[derive(Clone, Debug)]
pub enum JobFailure {
    /// Try again after this long.
    RetryLater {
        /// How long to wait.
        after: Span,
        /// A code for people who look.
        code: String,
        /// One sentence.
        text: String,
    },
    /// Somebody must act; the job stays visible as a dead letter with a retry button.
    Dead {
        /// A stable code.
        code: String,
        /// One sentence in plain words.
        text: String,
    },
}

/// Puts a failed job back or lays it aside as a dead letter.
pub async fn job_fail(tx: &mut TenantTx, claimed: &ClaimedJob, failure: &JobFailure) -> StoreResult<()> {
    let (state, run_at, code, text) = match failure {
        JobFailure::RetryLater { after, code, text } => ("pending", tx.now().plus(*after), code, text),
        JobFailure::Dead { code, text } => ("dead", tx.now(), code, text),
    };
    let mine = Condition::all()
        .add(job::Column::TenantId.eq(tx.tenant()))
        .add(job::Column::Id.eq(claimed.id.0))
        .add(job::Column::LeaseToken.eq(claimed.lease));
    if state == "pending" && twin_waits(tx, claimed).await? {
        // The same work waits already; this one would only repeat it.
        job::Entity::delete_many().filter(mine).exec(tx.conn()).await?;
        return Ok(());
    }
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(state))
        .col_expr(job::Column::RunAt, Expr::value(run_at.micros()))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<i64>::None))
        .col_expr(job::Column::LeaseToken, Expr::value(Option::<Uuid>::None))
        .col_expr(job::Column::ErrorCode, Expr::value(code.as_str()))
        .col_expr(job::Column::ErrorText, Expr::value(text.as_str()))
        .filter(mine)
        .exec(tx.conn())
        .await?;
    Ok(())
}

async fn twin_waits(tx: &TenantTx, claimed: &ClaimedJob) -> StoreResult<bool> {
    let Some(row) = job::Entity::find_by_id((tx.tenant(), claimed.id.0)).one(tx.conn()).await? else {
        return Ok(false);
    };
    match row.dedup_key {
        None => Ok(false),
        Some(key) => job_waits(tx, &row.kind, &key).await,
    }
}

/// Holds a job for another [`LEASE`]. False when it was lost.
pub async fn job_extend(db: &Db, claimed: &ClaimedJob) -> StoreResult<bool> {
    let tx = db.begin(&claimed.ctx).await?;
    let held = job::Entity::update_many()
        .col_expr(job::Column::LeaseUntil, Expr::value(tx.now().plus(LEASE).micros()))
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Id.eq(claimed.id.0))
        .filter(job::Column::LeaseToken.eq(claimed.lease))
        .exec(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(held.rows_affected == 1)
}

/// A job as people see it.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// `pending` or `dead`.
    pub state: String,
    /// Next or last try.
    pub run_at: Timestamp,
    /// Tries so far.
    pub attempt: i64,
    /// Last failure's code.
    pub error_code: Option<String>,
    /// Last failure in plain words.
    pub error_text: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Jobs of the tenant, newest first, optionally of one state.
pub async fn job_list(tx: &TenantTx, state: Option<&str>, page: PageRequest) -> StoreResult<Page<JobRow>> {
    let mut query = job::Entity::find().filter(job::Column::TenantId.eq(tx.tenant()));
    if let Some(state) = state {
        query = query.filter(job::Column::State.eq(state));
    }
    let rows = newest_first(query, job::Column::CreatedAt, job::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    Ok(page.map(|row| JobRow {
        id: JobId(row.id),
        kind: row.kind,
        state: row.state,
        run_at: Timestamp::from_micros(row.run_at),
        attempt: row.attempt,
        error_code: row.error_code,
        error_text: row.error_text,
        created_at: Timestamp::from_micros(row.created_at),
    }))
}

/// Puts a dead letter back into the queue.
pub async fn job_retry(tx: &mut TenantTx, id: JobId) -> StoreResult<()> {
    let done = job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value("pending"))
        .col_expr(job::Column::RunAt, Expr::value(tx.now().micros()))
        .col_expr(job::Column::Attempt, Expr::value(0_i64))
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Id.eq(id.0))
        .filter(job::Column::State.eq("dead"))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Brings forward what waits because of a failure with this code. The answer is how many there were.
pub async fn job_wake(tx: &mut TenantTx, code: &str) -> StoreResult<u64> {
    let now = tx.now().micros();
    let done = job::Entity::update_many()
        .col_expr(job::Column::RunAt, Expr::value(now))
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::State.eq("pending"))
        .filter(job::Column::ErrorCode.eq(code))
        .filter(job::Column::RunAt.gt(now))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// A job of the tenant that has not ended.
#[derive(Clone, Debug)]
pub struct WaitingJob {
    /// What its handler needs.
    pub payload: Value,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Jobs of a kind that have not ended, the oldest first.
pub async fn job_oldest(tx: &TenantTx, kind: &str, most: u64) -> StoreResult<Vec<WaitingJob>> {
    let rows = job::Entity::find()
        .filter(job::Column::TenantId.eq(tx.tenant()))
        .filter(job::Column::Kind.eq(kind))
        .filter(job::Column::State.eq("pending"))
        .order_by_asc(job::Column::CreatedAt)
        .limit(most)
        .all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|row| {
            let payload =
                serde_json::from_str(&row.payload).map_err(|_| StoreError::Corrupt("a job's payload"))?;
            Ok(WaitingJob { payload, created_at: Timestamp::from_micros(row.created_at) })
        })
        .collect()
}

/// Number of due jobs of the whole installation, for metrics and for tests that wait until idle.
pub async fn job_due_count(db: &Db, until: Timestamp, request: RequestId) -> StoreResult<i64> {
    #[derive(FromQueryResult)]
    struct Count {
        due: i64,
    }
    let scan = db.begin_lookup(&SystemCtx::for_task("job count", request)).await?;
    let backend = scan.conn().get_database_backend();
    let sql = "SELECT count(tenant_id) AS due FROM jobs WHERE state = 'pending' AND run_at <= $1";
    let row = Count::find_by_statement(Statement::from_sql_and_values(backend, sql, [until.micros().into()]))
        .one(scan.conn())
        .await?;
    Ok(row.map_or(0, |row| row.due))
}
