//! Violation cases against deposits. A case changes only as it was read: whoever read it before somebody else changed it
//! is told so.

use crate::db::{ProviderTx, TenantTx};
use crate::entity::deposit_case as case;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::deposit::Deposit;
use crate::store::keyset::newest_first;
use qianpu_domain::deposit_case::{CaseMoney, CaseState, Verdict, Violation};
use qianpu_domain::ids::{AftersaleId, DepositCaseId, DepositId, OrderId, ShopId, TenantId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select,
    Set, SqlErr,
};

/// A case.
#[derive(Clone, Debug)]
pub struct DepositCase {
    /// Its id.
    pub id: DepositCaseId,
    /// The merchant.
    pub merchant: TenantId,
    /// The deposit it is against.
    pub deposit: DepositId,
    /// Whose deposit that is.
    pub shop: ShopId,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// The after-sale case it is about.
    pub aftersale: Option<AftersaleId>,
    /// What the shop is said to have done.
    pub violation: Violation,
    /// Where it stands.
    pub state: CaseState,
    /// What happened.
    pub facts: String,
    /// Who opened it.
    pub opened_by: String,
    /// The money was taken from a deposit that waits for its refund, and goes back there.
    pub waiting: bool,
    /// Its money.
    pub money: CaseMoney,
    /// Until when the merchant may appeal.
    pub appeal_until: Timestamp,
    /// The rule that says so.
    pub appeal_rule: String,
    /// What the merchant said.
    pub appeal: Option<Said>,
    /// What was decided.
    pub verdict: Option<(Verdict, Said)>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// For guarded changes.
    pub version: i64,
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub words: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A case to be.
#[derive(Clone, Copy, Debug)]
pub struct NewDepositCase<'a> {
    /// The deposit.
    pub deposit: &'a Deposit,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// The after-sale case it is about.
    pub aftersale: Option<AftersaleId>,
    /// What the shop is said to have done.
    pub violation: Violation,
    /// What happened.
    pub facts: &'a str,
    /// Who opens it.
    pub by: &'a str,
    /// The money comes from a deposit that waits for its refund.
    pub waiting: bool,
    /// What is to be frozen.
    pub asked: Fen,
    /// What is there.
    pub frozen: Fen,
    /// Until when the merchant may appeal.
    pub appeal_until: Timestamp,
    /// The rule that says so.
    pub appeal_rule: &'a str,
}

/// Opens a case. `Conflict(aftersale)` when another open one is about the same after-sale.
pub async fn deposit_case_insert(tx: &mut TenantTx, new: &NewDepositCase<'_>) -> StoreResult<DepositCaseId> {
    let (id, now) = (tx.new_id(), tx.now().micros());
    let row = case::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        deposit_id: Set(new.deposit.id.0),
        shop_id: Set(new.deposit.shop.0),
        order_id: Set(new.order.map(|id| id.0)),
        aftersale_id: Set(new.aftersale.map(|id| id.0)),
        violation: Set(new.violation.as_str().to_owned()),
        state: Set(CaseState::Open.as_str().to_owned()),
        facts: Set(new.facts.to_owned()),
        opened_by_name: Set(new.by.to_owned()),
        waiting: Set(new.waiting),
        asked_fen: Set(new.asked.get()),
        frozen_fen: Set(new.frozen.get()),
        deducted_fen: Set(0),
        released_fen: Set(0),
        claimed_fen: Set(0),
        appeal_until: Set(new.appeal_until.micros()),
        appeal_rule_id: Set(new.appeal_rule.to_owned()),
        appeal: Set(None),
        appealed_by_name: Set(None),
        appealed_at: Set(None),
        verdict: Set(None),
        reasons: Set(None),
        decided_by_name: Set(None),
        decided_at: Set(None),
        closed_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    row.insert(tx.conn()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Conflict("aftersale"),
        _ => error.into(),
    })?;
    Ok(DepositCaseId(id))
}

/// What changes of a case.
#[derive(Clone, Copy, Debug, Default)]
pub struct DepositCaseChange<'a> {
    /// Where it stands from now on.
    pub state: Option<CaseState>,
    /// What the merchant says, and who says it.
    pub appeal: Option<(&'a str, &'a str)>,
    /// What was decided, why, and by whom.
    pub verdict: Option<(Verdict, &'a str, &'a str)>,
    /// Its money.
    pub money: Option<CaseMoney>,
}

/// Changes a case that is still as it was read; `VersionConflict` when it is not.
pub async fn deposit_case_change(
    tx: &mut TenantTx,
    was: &DepositCase,
    change: &DepositCaseChange<'_>,
) -> StoreResult<()> {
    use case::Column as C;
    let now = tx.now().micros();
    let mut update = case::Entity::update_many()
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::value(now));
    if let Some(state) = change.state {
        update = update.col_expr(C::State, Expr::value(state.as_str()));
        if state == CaseState::Closed {
            update = update.col_expr(C::ClosedAt, Expr::value(Some(now)));
        }
    }
    if let Some((words, by)) = change.appeal {
        update = update
            .col_expr(C::Appeal, Expr::value(Some(words.to_owned())))
            .col_expr(C::AppealedByName, Expr::value(Some(by.to_owned())))
            .col_expr(C::AppealedAt, Expr::value(Some(now)));
    }
    if let Some((verdict, reasons, by)) = change.verdict {
        update = update
            .col_expr(C::Verdict, Expr::value(Some(verdict.as_str().to_owned())))
            .col_expr(C::Reasons, Expr::value(Some(reasons.to_owned())))
            .col_expr(C::DecidedByName, Expr::value(Some(by.to_owned())))
            .col_expr(C::DecidedAt, Expr::value(Some(now)));
    }
    if let Some(money) = change.money {
        update = update
            .col_expr(C::DeductedFen, Expr::value(money.deducted.get()))
            .col_expr(C::ReleasedFen, Expr::value(money.released.get()))
            .col_expr(C::ClaimedFen, Expr::value(money.claimed.get()));
    }
    let done = update
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(was.id.0))
        .filter(C::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// One case.
pub async fn deposit_case_get(tx: &TenantTx, id: DepositCaseId) -> StoreResult<DepositCase> {
    let row = case::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    case_from(row.ok_or(StoreError::NotFound)?)
}

/// Which cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct DepositCaseFilter {
    /// Those that stand here.
    pub state: Option<CaseState>,
    /// Those against one deposit.
    pub deposit: Option<DepositId>,
}

fn narrowed(query: Select<case::Entity>, filter: DepositCaseFilter) -> Select<case::Entity> {
    let query = match filter.state {
        Some(state) => query.filter(case::Column::State.eq(state.as_str())),
        None => query,
    };
    match filter.deposit {
        Some(deposit) => query.filter(case::Column::DepositId.eq(deposit.0)),
        None => query,
    }
}

fn own(tx: &TenantTx) -> Select<case::Entity> {
    case::Entity::find().filter(case::Column::TenantId.eq(tx.tenant()))
}

fn of_provider(tx: &ProviderTx) -> Select<case::Entity> {
    case::Entity::find()
        .filter(case::Column::ProviderId.eq(tx.provider()))
        .filter(case::Column::TenantId.is_not_null())
}

fn paged(rows: Vec<case::Model>, page: PageRequest) -> StoreResult<Page<DepositCase>> {
    let page = Page::from_rows(rows, page.limit, |row| Cursor {
        at: Timestamp::from_micros(row.created_at),
        id: row.id,
    });
    let items = page.items.into_iter().map(case_from).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page { items, next: page.next })
}

/// The merchant's cases, newest first.
pub async fn deposit_case_list(
    tx: &TenantTx,
    filter: DepositCaseFilter,
    page: PageRequest,
) -> StoreResult<Page<DepositCase>> {
    let query = narrowed(own(tx), filter);
    paged(newest_first(query, case::Column::CreatedAt, case::Column::Id, page).all(tx.conn()).await?, page)
}

/// Cases of the provider's merchants, newest first.
pub async fn deposit_case_list_by_provider(
    tx: &ProviderTx,
    filter: DepositCaseFilter,
    page: PageRequest,
) -> StoreResult<Page<DepositCase>> {
    let query = narrowed(of_provider(tx), filter);
    paged(newest_first(query, case::Column::CreatedAt, case::Column::Id, page).all(tx.conn()).await?, page)
}

/// A case of one of the provider's merchants.
pub async fn deposit_case_get_by_provider(tx: &ProviderTx, id: DepositCaseId) -> StoreResult<DepositCase> {
    let row = of_provider(tx).filter(case::Column::Id.eq(id.0)).one(tx.conn()).await?;
    case_from(row.ok_or(StoreError::NotFound)?)
}

/// How many cases of the provider's merchants stand where; states without any are left out.
pub async fn deposit_case_counts_by_provider(tx: &ProviderTx) -> StoreResult<Vec<(CaseState, i64)>> {
    let rows: Vec<(String, i64)> = of_provider(tx)
        .select_only()
        .column(case::Column::State)
        .column_as(case::Column::Id.count(), "count")
        .group_by(case::Column::State)
        .into_tuple()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|(word, count)| Ok((state_of(&word)?, count))).collect()
}

/// How many cases of the provider's merchants wait for it: those that can be decided, and those that are and not closed.
pub async fn deposit_cases_waiting_by_provider(tx: &ProviderTx) -> StoreResult<u64> {
    let over = Condition::all()
        .add(case::Column::State.eq(CaseState::Open.as_str()))
        .add(case::Column::AppealUntil.lte(tx.now().micros()));
    let states = [CaseState::Appealed, CaseState::Decided].map(CaseState::as_str);
    let waiting = Condition::any().add(case::Column::State.is_in(states)).add(over);
    Ok(of_provider(tx).filter(waiting).count(tx.conn()).await?)
}

/// How many cases the merchant may appeal in now.
pub async fn deposit_cases_to_answer(tx: &TenantTx) -> StoreResult<u64> {
    let open = own(tx)
        .filter(case::Column::State.eq(CaseState::Open.as_str()))
        .filter(case::Column::AppealUntil.gt(tx.now().micros()));
    Ok(open.count(tx.conn()).await?)
}

fn state_of(word: &str) -> StoreResult<CaseState> {
    CaseState::from_text(word).ok_or(StoreError::Corrupt("deposit_cases.state"))
}

fn said(words: Option<String>, by: Option<String>, at: Option<i64>) -> Option<Said> {
    Some(Said { words: words?, by: by.unwrap_or_default(), at: Timestamp::from_micros(at?) })
}

fn case_from(row: case::Model) -> StoreResult<DepositCase> {
    let verdict = match row.verdict.as_deref() {
        None => None,
        Some(word) => Some(Verdict::from_text(word).ok_or(StoreError::Corrupt("deposit_cases.verdict"))?),
    };
    Ok(DepositCase {
        id: DepositCaseId(row.id),
        merchant: TenantId(row.tenant_id),
        deposit: DepositId(row.deposit_id),
        shop: ShopId(row.shop_id),
        order: row.order_id.map(OrderId),
        aftersale: row.aftersale_id.map(AftersaleId),
        violation: Violation::from_text(&row.violation)
            .ok_or(StoreError::Corrupt("deposit_cases.violation"))?,
        state: state_of(&row.state)?,
        facts: row.facts,
        opened_by: row.opened_by_name,
        waiting: row.waiting,
        money: CaseMoney {
            asked: Fen::new(row.asked_fen),
            frozen: Fen::new(row.frozen_fen),
            deducted: Fen::new(row.deducted_fen),
            released: Fen::new(row.released_fen),
            claimed: Fen::new(row.claimed_fen),
        },
        appeal_until: Timestamp::from_micros(row.appeal_until),
        appeal_rule: row.appeal_rule_id,
        appeal: said(row.appeal, row.appealed_by_name, row.appealed_at),
        verdict: verdict.zip(said(row.reasons, row.decided_by_name, row.decided_at)),
        closed_at: row.closed_at.map(Timestamp::from_micros),
        opened_at: Timestamp::from_micros(row.created_at),
        version: row.version,
    })
}
