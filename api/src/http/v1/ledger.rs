//! `/ledger` and `/statements`: a merchant's books, and a provider's totals.

use crate::app::money::{books, statements, trial};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::ids::{EntryId, JournalId, LedgerAccountId};
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::ledger::names::names_of;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::ledger::{AccountRow, EntryRow, JournalRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/ledger/accounts", list_ledger_accounts, "Accounts of the merchant's books by code");
    api.get(
        "/ledger/accounts/{ledger_account_id}/entries",
        list_ledger_entries,
        "Entries of an account, newest first",
    );
    api.get("/ledger/journals", list_journals, "Journals with their legs, newest first");
    api.get("/ledger/journals/{journal_id}", get_journal, "One journal with its legs");
    api.get("/ledger/summary", get_ledger_summary, "What the merchant has and owes");
    api.get("/ledger/totals", list_ledger_totals, "Balances over all merchants of the provider");
    api.get("/statements", get_statement, "The statement of a month");
}

/// An account of the chart.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChartView {
    /// Number, such as 2010.
    code: i64,
    name_zh: &'static str,
    name_en: &'static str,
    /// `debit` or `credit`: the side on which it grows.
    side: &'static str,
}

impl From<AccountCode> for ChartView {
    fn from(code: AccountCode) -> Self {
        Self {
            code: code.number(),
            name_zh: code.name_zh(),
            name_en: code.name_en(),
            side: code.side().as_str(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerAccountView {
    #[schema(value_type = String)]
    id: Id<LedgerAccountId>,
    account: ChartView,
    /// What it is for, where there are several: a case, a subscription, a holder.
    owner: String,
    /// In the account's own direction.
    balance: Money,
}

impl From<AccountRow> for LedgerAccountView {
    fn from(row: AccountRow) -> Self {
        Self { id: Id(row.id), account: row.code.into(), owner: row.owner, balance: row.balance.into() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryView {
    #[schema(value_type = String)]
    id: Id<EntryId>,
    #[schema(value_type = String)]
    journal_id: Id<JournalId>,
    account: ChartView,
    owner: String,
    /// `debit` or `credit`.
    side: &'static str,
    amount: Money,
    /// Null in a journal for accounts that may be negative: theirs is added up later, and the account's entries have it.
    balance_after: Option<Money>,
    #[schema(value_type = String)]
    at: Time,
}

impl From<EntryRow> for EntryView {
    fn from(row: EntryRow) -> Self {
        Self {
            id: Id(row.id),
            journal_id: Id(row.journal),
            account: row.code.into(),
            owner: row.owner,
            side: row.side.as_str(),
            amount: row.amount.into(),
            balance_after: row.balance_after.map(Into::into),
            at: Time(row.at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JournalView {
    #[schema(value_type = String)]
    id: Id<JournalId>,
    /// Which flow, such as `order.paid`.
    code: String,
    name_zh: String,
    name_en: String,
    /// What it is about: an order, an invoice, a receipt.
    reference: String,
    #[schema(value_type = String)]
    effective_at: Time,
    #[schema(value_type = String)]
    recorded_at: Time,
    /// The journal that it takes back.
    #[schema(value_type = Option<String>)]
    reverses_id: Option<Id<JournalId>>,
    /// The journal that takes it back.
    #[schema(value_type = Option<String>)]
    reversed_by_id: Option<Id<JournalId>>,
    /// Debits and credits sum to the same.
    legs: Vec<EntryView>,
}

impl From<JournalRow> for JournalView {
    fn from(row: JournalRow) -> Self {
        let (en, zh) = names_of(&row.code);
        Self {
            id: Id(row.id),
            name_zh: zh.to_owned(),
            name_en: en.to_owned(),
            code: row.code,
            reference: row.business_ref,
            effective_at: Time(row.effective_at),
            recorded_at: Time(row.recorded_at),
            reverses_id: row.reverses.map(Id),
            reversed_by_id: row.reversed_by.map(Id),
            legs: row.legs.into_iter().map(EntryView::from).collect(),
        }
    }
}

async fn list_ledger_accounts(auth: Authed<perm::LedgerRead>) -> Answer<Json<Page<LedgerAccountView>>> {
    let found = books::accounts(&auth.state, &auth.grant).await?;
    let items = found.into_iter().map(LedgerAccountView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct EntryListQuery {
    /// Only those of a month of the merchant's zone, `2026-11`.
    month: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_ledger_entries(
    auth: Authed<perm::LedgerRead, (Path<LedgerAccountId>, Query<EntryListQuery>)>,
) -> Answer<Json<Page<EntryView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let month = query.month.as_deref();
    let (_, found) = trial::account_lines(&auth.state, &auth.grant, *id, month, page).await?;
    Ok(Json(Page::of(found, |line| EntryView::from(line.entry))))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct JournalListQuery {
    /// Only those about one thing, such as an order's id.
    reference: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_journals(
    auth: Authed<perm::LedgerRead, Query<JournalListQuery>>,
) -> Answer<Json<Page<JournalView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = books::journals(&auth.state, &auth.grant, query.reference.as_deref(), page).await?;
    Ok(Json(Page::of(found, JournalView::from)))
}

async fn get_journal(auth: Authed<perm::LedgerRead, Path<JournalId>>) -> Answer<Json<JournalView>> {
    Ok(Json(books::journal(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerSummaryView {
    available: Money,
    /// Inside the after-sale window.
    pending: Money,
    wallet: Money,
    deposit: Money,
    deposit_frozen: Money,
    /// Bills to pay.
    receivable: Money,
    /// Claims after refunds.
    clawback: Money,
}

async fn get_ledger_summary(auth: Authed<perm::LedgerRead>) -> Answer<Json<LedgerSummaryView>> {
    let found = books::summary(&auth.state, &auth.grant).await?;
    Ok(Json(LedgerSummaryView {
        available: found.available.into(),
        pending: found.pending.into(),
        wallet: found.wallet.into(),
        deposit: found.deposit.into(),
        deposit_frozen: found.deposit_frozen.into(),
        receivable: found.receivable.into(),
        clawback: found.clawback.into(),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct LedgerTotalView {
    account: ChartView,
    balance: Money,
}

async fn list_ledger_totals(auth: Authed<perm::ProviderLedgerRead>) -> Answer<Json<Page<LedgerTotalView>>> {
    let found = books::totals(&auth.state, &auth.grant).await?;
    let items = found
        .into_iter()
        .map(|(code, balance)| LedgerTotalView { account: code.into(), balance: balance.into() })
        .collect();
    Ok(Json(Page { items, next_cursor: None }))
}

#[derive(Debug, Serialize, ToSchema)]
struct MovementSumView {
    /// Which flow, such as `order.paid`.
    code: String,
    name_zh: String,
    name_en: String,
    count: i64,
    /// What it adds to the balance.
    change: Money,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatementSectionView {
    account: ChartView,
    opening: Money,
    movements: Vec<MovementSumView>,
    closing: Money,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatementView {
    /// `2026-11`.
    month: String,
    merchant_name: String,
    zone: String,
    /// Whether the month is over.
    is_final: bool,
    sections: Vec<StatementSectionView>,
}

impl From<statements::Statement> for StatementView {
    fn from(statement: statements::Statement) -> Self {
        let section = |section: statements::Section| StatementSectionView {
            account: section.account.into(),
            opening: section.opening.into(),
            closing: section.closing.into(),
            movements: section
                .movements
                .into_iter()
                .map(|row| {
                    let (en, zh) = names_of(&row.journal_code);
                    MovementSumView {
                        name_zh: zh.to_owned(),
                        name_en: en.to_owned(),
                        count: row.count,
                        change: row.change.into(),
                        code: row.journal_code,
                    }
                })
                .collect(),
        };
        Self {
            month: statement.month,
            merchant_name: statement.merchant,
            zone: statement.zone,
            is_final: statement.is_final,
            sections: statement.sections.into_iter().map(section).collect(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StatementQuery {
    /// `2026-11`; the present month when not given.
    month: Option<String>,
}

async fn get_statement(auth: Authed<perm::LedgerRead, Query<StatementQuery>>) -> Answer<Json<StatementView>> {
    let month = auth.input.0.month.as_deref();
    Ok(Json(statements::statement(&auth.state, &auth.grant, month).await?.into()))
}
