//! What a shop owes as deposit 保证金, with the money that is kept for it.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::{deposit, ledger_account};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::deposit::{DepositState, TrialLimit, TrialTerms, TrialUse};
use qianpu_domain::ids::{DepositId, ShopId, TenantId};
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult,
    QueryFilter, QueryOrder, QuerySelect, Set, SqlErr, Statement,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The deposit obligation of a shop under one scheme.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// Its id.
    pub id: DepositId,
    /// The merchant.
    pub merchant: TenantId,
    /// The shop.
    pub shop: ShopId,
    /// Scheme; the owner key of its ledger account is `scheme:shop`.
    pub scheme: String,
    /// State.
    pub state: DepositState,
    /// What is due.
    pub due: Fen,
    /// The rule that won.
    pub rule_id: String,
    /// What ends the zero-deposit trial, fixed when the shop began to trade.
    pub trial: TrialTerms,
    /// The row of the policy calendar the trial follows.
    pub trial_rule_id: String,
    /// The limit that ended the trial, and when that was noticed.
    pub trial_ended: Option<(TrialLimit, Timestamp)>,
    /// Since when the shop trades; the trial counts from here.
    pub opened_at: Timestamp,
    /// For guarded updates.
    pub version: i64,
}

impl Deposit {
    /// Owner key of its ledger account; those of frozen money begin with it and a slash.
    pub fn ledger_owner(&self) -> String {
        format!("{}:{}", self.scheme, self.shop)
    }
}

/// An obligation to be.
#[derive(Clone, Copy, Debug)]
pub struct NewDeposit<'a> {
    /// The shop.
    pub shop: ShopId,
    /// The scheme.
    pub scheme: &'a str,
    /// Where it begins.
    pub state: DepositState,
    /// What is due.
    pub due: Fen,
    /// The rule that says so.
    pub rule_id: &'a str,
    /// What ends the trial.
    pub trial: TrialTerms,
    /// The rule that says so.
    pub trial_rule_id: &'a str,
    /// When the rule gives no trial at all.
    pub trial_ended: Option<TrialLimit>,
}

/// Makes the obligation of a shop. `Conflict(deposit)` when it has one.
pub async fn deposit_insert(tx: &mut TenantTx, new: &NewDeposit<'_>) -> StoreResult<()> {
    let now = tx.now().micros();
    let row = deposit::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        provider_id: Set(tx.provider()?),
        shop_id: Set(new.shop.0),
        scheme: Set(new.scheme.to_owned()),
        state: Set(new.state.as_str().to_owned()),
        due_fen: Set(new.due.get()),
        rule_id: Set(new.rule_id.to_owned()),
        trial_rule_id: Set(new.trial_rule_id.to_owned()),
        trial_ends_at: Set(new.trial.ends_at.micros()),
        trial_orders: Set(new.trial.orders),
        trial_turnover_fen: Set(new.trial.turnover.get()),
        trial_ended_by: Set(new.trial_ended.map(|limit| limit.as_str().to_owned())),
        trial_ended_at: Set(new.trial_ended.map(|_| now)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("deposit"),
        _ => error.into(),
    })?;
    Ok(())
}

/// Changes an obligation that is still as it was read; `VersionConflict` when it is not.
pub async fn deposit_change(
    tx: &mut TenantTx,
    was: &Deposit,
    state: DepositState,
    due: Fen,
    rule_id: &str,
    trial_ended: Option<TrialLimit>,
) -> StoreResult<()> {
    let now = tx.now().micros();
    let mut update = deposit::Entity::update_many()
        .col_expr(deposit::Column::State, Expr::value(state.as_str()))
        .col_expr(deposit::Column::DueFen, Expr::value(due.get()))
        .col_expr(deposit::Column::RuleId, Expr::value(rule_id))
        .col_expr(deposit::Column::Version, Expr::col(deposit::Column::Version).add(1))
        .col_expr(deposit::Column::UpdatedAt, Expr::value(now));
    if let Some(limit) = trial_ended {
        update = update
            .col_expr(deposit::Column::TrialEndedBy, Expr::value(limit.as_str()))
            .col_expr(deposit::Column::TrialEndedAt, Expr::value(now));
    }
    let done = update
        .filter(deposit::Column::TenantId.eq(tx.tenant()))
        .filter(deposit::Column::Id.eq(was.id.0))
        .filter(deposit::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// A deposit by id.
pub async fn deposit_get(tx: &TenantTx, id: DepositId) -> StoreResult<Deposit> {
    let row =
        deposit::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?.ok_or(StoreError::NotFound)?;
    deposit_from(row)
}

/// A deposit of one of the provider's merchants.
pub async fn deposit_get_by_provider(tx: &ProviderTx, id: DepositId) -> StoreResult<Deposit> {
    let row = deposit::Entity::find()
        .filter(deposit::Column::ProviderId.eq(tx.provider()))
        .filter(deposit::Column::TenantId.is_not_null())
        .filter(deposit::Column::Id.eq(id.0))
        .one(tx.conn())
        .await?;
    deposit_from(row.ok_or(StoreError::NotFound)?)
}

/// A shop's deposit under a scheme.
pub async fn deposit_of_shop(tx: &TenantTx, shop: ShopId, scheme: &str) -> StoreResult<Option<Deposit>> {
    let row = deposit::Entity::find()
        .filter(deposit::Column::TenantId.eq(tx.tenant()))
        .filter(deposit::Column::ShopId.eq(shop.0))
        .filter(deposit::Column::Scheme.eq(scheme))
        .one(tx.conn())
        .await?;
    row.map(deposit_from).transpose()
}

/// Deposits of the provider's merchants, newest first, optionally in one state.
pub async fn deposit_list_by_provider(
    tx: &ProviderTx,
    state: Option<DepositState>,
    page: PageRequest,
) -> StoreResult<Page<Deposit>> {
    let mut query = deposit::Entity::find()
        .filter(deposit::Column::ProviderId.eq(tx.provider()))
        .filter(deposit::Column::TenantId.is_not_null());
    if let Some(state) = state {
        query = query.filter(deposit::Column::State.eq(state.as_str()));
    }
    let rows =
        newest_first(query, deposit::Column::CreatedAt, deposit::Column::Id, page).all(tx.conn()).await?;
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(deposit_from).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

/// How many deposits of the provider's merchants are in each state; states without any are left out.
pub async fn deposit_counts_by_provider(tx: &ProviderTx) -> StoreResult<Vec<(DepositState, i64)>> {
    let rows: Vec<(String, i64)> = deposit::Entity::find()
        .select_only()
        .column(deposit::Column::State)
        .column_as(deposit::Column::Id.count(), "count")
        .filter(deposit::Column::ProviderId.eq(tx.provider()))
        .filter(deposit::Column::TenantId.is_not_null())
        .group_by(deposit::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|(word, count)| Ok((state_of(&word)?, count))).collect()
}

/// The merchant's deposits, at most 100.
pub async fn deposit_list(tx: &TenantTx) -> StoreResult<Vec<Deposit>> {
    let rows = deposit::Entity::find()
        .filter(deposit::Column::TenantId.eq(tx.tenant()))
        .order_by_asc(deposit::Column::CreatedAt)
        .order_by_asc(deposit::Column::Id)
        .limit(100)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(deposit_from).collect()
}

fn state_of(word: &str) -> StoreResult<DepositState> {
    DepositState::from_text(word).ok_or(StoreError::Corrupt("deposits.state"))
}

fn deposit_from(row: deposit::Model) -> StoreResult<Deposit> {
    let ended_by = match row.trial_ended_by.as_deref() {
        None => None,
        Some(word) => {
            Some(TrialLimit::from_text(word).ok_or(StoreError::Corrupt("deposits.trial_ended_by"))?)
        }
    };
    Ok(Deposit {
        id: DepositId(row.id),
        merchant: TenantId(row.tenant_id),
        shop: ShopId(row.shop_id),
        scheme: row.scheme,
        state: state_of(&row.state)?,
        due: Fen::new(row.due_fen),
        rule_id: row.rule_id,
        trial: TrialTerms {
            ends_at: Timestamp::from_micros(row.trial_ends_at),
            orders: row.trial_orders,
            turnover: Fen::new(row.trial_turnover_fen),
        },
        trial_rule_id: row.trial_rule_id,
        trial_ended: ended_by.zip(row.trial_ended_at.map(Timestamp::from_micros)),
        opened_at: Timestamp::from_micros(row.created_at),
        version: row.version,
    })
}

/// What is kept for a deposit, in the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DepositBalance {
    /// 2100: free to use.
    pub available: Fen,
    /// 2110: frozen, over all cases.
    pub frozen: Fen,
}

/// What is kept for each of these deposits of the merchant; one that is left out keeps nothing.
pub async fn deposit_balances(
    tx: &TenantTx,
    of: &[Deposit],
) -> StoreResult<BTreeMap<DepositId, DepositBalance>> {
    balances(tx.conn(), of).await
}

/// The same for deposits of the provider's merchants.
pub async fn deposit_balances_by_provider(
    tx: &ProviderTx,
    of: &[Deposit],
) -> StoreResult<BTreeMap<DepositId, DepositBalance>> {
    balances(tx.conn(), of).await
}

/// One query whatever the number of frozen cases: an account belongs to the deposit its owner key begins with.
async fn balances(
    conn: &DatabaseTransaction,
    of: &[Deposit],
) -> StoreResult<BTreeMap<DepositId, DepositBalance>> {
    use ledger_account::Column;
    let codes = [AccountCode::DepositAvailable, AccountCode::DepositFrozen];
    let mut found: BTreeMap<DepositId, DepositBalance> = BTreeMap::new();
    // The keys of one scheme are of one length.
    let mut by_length: BTreeMap<usize, Vec<&Deposit>> = BTreeMap::new();
    for deposit in of {
        by_length.entry(deposit.ledger_owner().len()).or_default().push(deposit);
    }
    for (length, deposits) in by_length {
        // A number in the text, so that the database sees one expression in all three places.
        let owner = || Expr::cust(format!("substr(owner_key, 1, {length})"));
        let rows: Vec<(Uuid, i64, String, i64)> = ledger_account::Entity::find()
            .select_only()
            .column(Column::TenantId)
            .column(Column::Code)
            .expr_as(owner(), "owner")
            .expr_as(Expr::col(Column::BalanceFen).sum().cast_as("bigint"), "total")
            .filter(Column::TenantId.is_in(deposits.iter().map(|deposit| deposit.merchant.0)))
            .filter(Column::Currency.eq(Currency::Cny.code()))
            .filter(Column::Code.is_in(codes.map(AccountCode::number)))
            .filter(owner().is_in(deposits.iter().map(|deposit| deposit.ledger_owner())))
            .group_by(Column::TenantId)
            .group_by(Column::Code)
            .group_by(owner())
            .into_tuple()
            .all(conn)
            .await?;
        for (tenant, code, owner, total) in rows {
            let same = |deposit: &&&Deposit| deposit.merchant.0 == tenant && deposit.ledger_owner() == owner;
            let Some(deposit) = deposits.iter().find(same) else { continue };
            let balance = found.entry(deposit.id).or_default();
            let part = if code == AccountCode::DepositAvailable.number() {
                &mut balance.available
            } else {
                &mut balance.frozen
            };
            *part = Fen::new(total);
        }
    }
    Ok(found)
}

/// What a shop of the merchant sold since its trial began. At most as many orders are looked at as end it.
pub async fn trial_use(tx: &TenantTx, of: &Deposit) -> StoreResult<TrialUse> {
    count_paid(tx.conn(), of).await
}

/// The same for a shop of one of the provider's merchants.
pub async fn trial_use_by_provider(tx: &ProviderTx, of: &Deposit) -> StoreResult<TrialUse> {
    count_paid(tx.conn(), of).await
}

#[derive(FromQueryResult)]
struct Paid {
    orders: i64,
    turnover: i64,
}

async fn count_paid(conn: &DatabaseTransaction, of: &Deposit) -> StoreResult<TrialUse> {
    let sql = "SELECT count(*) AS orders, CAST(COALESCE(SUM(total_fen), 0) AS bigint) AS turnover FROM (
            SELECT total_fen FROM orders WHERE tenant_id = $1 AND shop_id = $2 AND paid_at >= $3
            ORDER BY paid_at LIMIT $4
        ) AS paid";
    // Platforms tell seconds: an order of the second in which the shop opened belongs to its trial.
    let since = Timestamp::from_seconds(of.opened_at.seconds()).micros();
    let values = [of.merchant.0.into(), of.shop.0.into(), since.into(), of.trial.orders.into()];
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let row = Paid::find_by_statement(statement).one(conn).await?;
    Ok(row.map_or_else(TrialUse::default, |row| TrialUse {
        orders: row.orders,
        turnover: Fen::new(row.turnover),
    }))
}
