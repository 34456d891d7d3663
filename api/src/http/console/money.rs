//! A merchant's money: what it has, the statement of a month, and the journals behind every figure.

use crate::app::health;
use crate::app::money::{
    BANK, books, deposits_read, limits as money_limits, plan_changes, statements, subscriptions,
};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::health::RequestLimits;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::billing::Limited;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::ids::{AftersaleId, DepositCaseId, JournalId, OrderId};
use qianpu_domain::ledger::names::names_of;
use qianpu_domain::ledger::{AccountCode, Side};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::ledger::{EntryRow, JournalRow};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/merchant/money";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, money_page);
    pages.get("/console/merchant/money/statements", statement_page);
    pages.get("/console/merchant/money/statements/lines", statement_lines_page);
    pages.get("/console/merchant/money/journals", journals_page);
    pages.get("/console/merchant/money/journals/{journal_id}", journal_page);
}

pub(super) fn account_name(lang: Lang, code: AccountCode) -> &'static str {
    lang.pick(code.name_zh(), code.name_en())
}

pub(super) fn journal_name(lang: Lang, code: &str) -> String {
    let (en, zh) = names_of(code);
    lang.pick(zh, en).to_owned()
}

/// Where the thing is shown that a journal is about, by its public id.
pub(super) fn page_of(reference: &str) -> Option<String> {
    // What is frozen for a case belongs to `scheme:shop/case`, what is deducted to `case/deduction`.
    let case = reference.split('/').find(|part| part.parse::<DepositCaseId>().is_ok());
    if let Some(case) = case {
        return Some(format!("{HOME}/deposits/cases/{case}"));
    }
    let id = reference.split('/').next().unwrap_or_default();
    match id.split_once('_')?.0 {
        "ord" if id.parse::<OrderId>().is_ok() => Some(format!("/console/merchant/orders/{id}")),
        "afs" if id.parse::<AftersaleId>().is_ok() => Some(format!("/console/merchant/aftersales/{id}")),
        "ivc" => Some(format!("{HOME}/bills/{id}")),
        "rcp" => Some(format!("{HOME}/deposits#{id}")),
        _ => None,
    }
}

/// What a reference or the owner of an account is: the kind of thing, the end of its id, and what follows a slash.
#[derive(Serialize)]
pub(super) struct About {
    kind: &'static str,
    tail: String,
    rest: Option<String>,
}

/// None for what is no id of ours; that is shown as it is.
pub(super) fn about(reference: &str) -> Option<About> {
    const KINDS: [&str; 7] = ["ord", "afs", "ivc", "rcp", "sub", "shp", "dcs"];
    if reference == BANK {
        return Some(About { kind: "bank", tail: String::new(), rest: None });
    }
    let (id, rest) = reference.split_once('/').map_or((reference, None), |(id, rest)| (id, Some(rest)));
    // A deposit's account belongs to `scheme:shop`.
    let id = id.split_once(':').map_or(id, |(_, id)| id);
    let (prefix, body) = id.split_once('_')?;
    let kind = KINDS.into_iter().find(|kind| *kind == prefix)?;
    let tail = body.get(body.len().checked_sub(6)?..)?.to_owned();
    Some(About { kind, tail, rest: rest.map(shortened) })
}

/// The end of an id; what is none as it is.
fn shortened(part: &str) -> String {
    let body = part.split_once('_').map(|(_, body)| body).filter(|body| body.len() > 6);
    let tail = body.and_then(|body| body.get(body.len() - 6..));
    tail.map_or_else(|| part.to_owned(), |tail| format!("…{tail}"))
}

#[derive(Serialize)]
pub(super) struct JournalLine {
    id: String,
    name: String,
    reference: String,
    about: Option<About>,
    pub link: Option<String>,
    at: i64,
    effective_at: i64,
    /// The journal that it takes back, and the one that takes it back.
    reverses: Option<String>,
    reversed_by: Option<String>,
    /// What moves, once.
    amount: i64,
    legs: Vec<LegLine>,
}

#[derive(Serialize)]
struct LegLine {
    account: i64,
    name: &'static str,
    owner: String,
    about: Option<About>,
    debit: Option<i64>,
    credit: Option<i64>,
}

fn leg(lang: Lang, row: EntryRow) -> LegLine {
    let amount = row.amount.get();
    LegLine {
        account: row.code.number(),
        name: account_name(lang, row.code),
        about: about(&row.owner),
        owner: row.owner,
        debit: (row.side == Side::Debit).then_some(amount),
        credit: (row.side == Side::Credit).then_some(amount),
    }
}

pub(super) fn journal_line(lang: Lang, row: JournalRow) -> JournalLine {
    let debits = row.legs.iter().filter(|leg| leg.side == Side::Debit).map(|leg| leg.amount);
    JournalLine {
        amount: Fen::sum(debits).map_or(0, Fen::get),
        id: row.id.to_string(),
        name: journal_name(lang, &row.code),
        link: page_of(&row.business_ref),
        about: about(&row.business_ref),
        reference: row.business_ref,
        at: row.recorded_at.micros(),
        effective_at: row.effective_at.micros(),
        reverses: row.reverses.map(|id| id.to_string()),
        reversed_by: row.reversed_by.map(|id| id.to_string()),
        legs: row.legs.into_iter().map(|row| leg(lang, row)).collect(),
    }
}

#[derive(Serialize)]
struct MoneyView {
    available: i64,
    pending: i64,
    receivable: i64,
    deposit: i64,
    deposit_frozen: i64,
    /// Pays the next bills.
    wallet: i64,
    clawback: i64,
    plan: Option<PlanLine>,
    limits: Vec<LimitLine>,
    rate: RequestLimits,
    missing: i64,
    journals: Vec<JournalLine>,
}

#[derive(Serialize)]
struct LimitLine {
    what: &'static str,
    used: i64,
    most: i64,
}

#[derive(Serialize)]
struct PlanLine {
    name: String,
    fee: i64,
    interval: &'static str,
    take_rate: String,
    since: String,
    /// Which plan will take its place, and when.
    changing: Option<String>,
    may_change: bool,
}

/// Parts per million as a percentage: 20000 is `2`, 6500 is `0.65`.
pub(super) fn percent(ppm: i64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

async fn money_page(auth: Authed<perm::LedgerRead>) -> PageAnswer {
    let lang = auth.info.lang;
    let summary = books::summary(&auth.state, &auth.grant).await?;
    let page = books::journals(&auth.state, &auth.grant, None, PageRequest::first(8)).await?;
    let (mut plan, mut missing, mut limits) = (None, 0, Vec::new());
    if auth.caller.may(Permission::BillingRead) {
        let grant = auth.caller.grant::<perm::BillingRead>()?;
        if let Some(row) = subscriptions::active(&auth.state, &grant).await? {
            let waits = plan_changes::pending(&auth.state, &grant, &row).await?;
            plan = Some(PlanLine {
                name: lang.pick(&row.plan_name_zh, &row.plan_name_en).to_owned(),
                fee: row.terms.fee.get(),
                interval: row.terms.interval.as_str(),
                take_rate: percent(row.terms.take_rate_ppm),
                since: row.begins_on()?,
                changing: waits.map(|change| {
                    let name = lang.pick(&change.target.name_zh, &change.target.name_en);
                    let words = [("plan", name), ("day", change.effective_on.as_str())];
                    auth.state.pages.catalogue().say(lang, "money.change_waits", words)
                }),
                may_change: auth.caller.may(Permission::PlanChange),
            });
        }
        let standing = money_limits::standing(&auth.state, &grant).await?;
        let line = |(what, used, most): (Limited, i64, i64)| LimitLine { what: what.as_str(), used, most };
        limits = standing.into_iter().map(line).collect();
        let details = deposits_read::list(&auth.state, &grant).await?;
        // On trial nothing is missing yet.
        let short = details.iter().filter(|row| row.standing.deposit.state == DepositState::Short);
        missing = Fen::sum(short.map(|row| row.standing.money.missing))?.get();
    }
    let view = MoneyView {
        available: summary.available.get(),
        pending: summary.pending.get(),
        receivable: summary.receivable.get(),
        deposit: summary.deposit.get(),
        deposit_frozen: summary.deposit_frozen.get(),
        wallet: summary.wallet.get(),
        clawback: summary.clawback.get(),
        plan,
        limits,
        rate: health::rates(&auth.state, &auth.caller).await?.into(),
        missing,
        journals: page.items.into_iter().map(|row| journal_line(lang, row)).collect(),
    };
    auth.page("money/overview", view)
}

#[derive(Debug, Deserialize, IntoParams)]
struct MonthQuery {
    month: Option<String>,
}

#[derive(Serialize)]
struct StatementView {
    month: String,
    before: String,
    after: Option<String>,
    merchant: String,
    zone: String,
    is_final: bool,
    sections: Vec<SectionLine>,
}

#[derive(Serialize)]
struct SectionLine {
    account: i64,
    name: &'static str,
    opening: i64,
    closing: i64,
    movements: Vec<MovementLine>,
}

#[derive(Serialize)]
struct MovementLine {
    name: String,
    count: i64,
    change: i64,
    href: String,
}

/// The month before and the month after.
fn neighbours(month: &str) -> Option<(String, String)> {
    let (year, number) = month.split_once('-')?;
    let (year, number): (i32, i32) = (year.parse().ok()?, number.parse().ok()?);
    let text = |months: i32| format!("{:04}-{:02}", months.div_euclid(12), months.rem_euclid(12) + 1);
    let at = year * 12 + number - 1;
    Some((text(at - 1), text(at + 1)))
}

async fn statement_page(auth: Authed<perm::LedgerRead, Query<MonthQuery>>) -> PageAnswer {
    let lang = auth.info.lang;
    let month = auth.input.0.month.as_deref();
    let found = statements::statement(&auth.state, &auth.grant, month).await?;
    let (before, after) = neighbours(&found.month).ok_or_else(ApiError::not_found)?;
    let section = |section: statements::Section| SectionLine {
        account: section.account.number(),
        name: account_name(lang, section.account),
        opening: section.opening.get(),
        closing: section.closing.get(),
        movements: section
            .movements
            .iter()
            .map(|row| MovementLine {
                name: journal_name(lang, &row.journal_code),
                count: row.count,
                change: row.change.get(),
                href: format!(
                    "{HOME}/statements/lines?month={}&account={}&code={}",
                    found.month,
                    section.account.number(),
                    row.journal_code
                ),
            })
            .collect(),
    };
    let view = StatementView {
        before,
        after: found.is_final.then_some(after),
        merchant: found.merchant.clone(),
        zone: found.zone.clone(),
        is_final: found.is_final,
        sections: found.sections.iter().cloned().map(section).collect(),
        month: found.month.clone(),
    };
    auth.page("money/statement", view)
}

#[derive(Debug, Deserialize, IntoParams)]
struct LinesQuery {
    month: Option<String>,
    account: i64,
    code: Option<String>,
    skip: Option<u64>,
}

#[derive(Serialize)]
struct LinesView {
    month: String,
    account: String,
    kind: Option<String>,
    lines: Vec<StatementEntry>,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct StatementEntry {
    at: i64,
    name: String,
    journal: String,
    reference: String,
    about: Option<About>,
    link: Option<String>,
    change: i64,
    balance: Option<i64>,
}

async fn statement_lines_page(auth: Authed<perm::LedgerRead, Query<LinesQuery>>) -> PageAnswer {
    let (lang, Query(query)) = (auth.info.lang, &auth.input);
    let account = AccountCode::from_number(query.account).filter(|code| statements::ACCOUNTS.contains(code));
    let account = account.ok_or_else(ApiError::not_found)?;
    let (month, code) = (query.month.as_deref(), query.code.as_deref().filter(|code| !code.is_empty()));
    let skip = query.skip.unwrap_or(0).min(1_000_000);
    let found = statements::lines(&auth.state, &auth.grant, month, account, code, skip).await?;
    let month = month.unwrap_or_default();
    let next_page = (found.len() == 100).then(|| {
        let (number, code, skip) = (account.number(), code.unwrap_or_default(), skip + 100);
        format!("{HOME}/statements/lines?month={month}&account={number}&code={code}&skip={skip}")
    });
    let lines = found
        .into_iter()
        .map(|line| StatementEntry {
            at: line.at.micros(),
            name: journal_name(lang, &line.journal_code),
            journal: line.journal.to_string(),
            link: page_of(&line.business_ref),
            about: about(&line.business_ref),
            reference: line.business_ref,
            change: line.change.get(),
            balance: line.balance_after.map(Fen::get),
        })
        .collect();
    let view = LinesView {
        month: month.to_owned(),
        account: format!("{} {}", account.number(), account_name(lang, account)),
        kind: code.map(|code| journal_name(lang, code)),
        lines,
        next_page,
    };
    auth.page("money/lines", view)
}

#[derive(Debug, Deserialize, IntoParams)]
struct JournalsQuery {
    reference: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct JournalsView {
    journals: Vec<JournalLine>,
    reference: Option<String>,
    next_page: Option<String>,
}

async fn journals_page(auth: Authed<perm::LedgerRead, Query<JournalsQuery>>) -> PageAnswer {
    let (lang, Query(query)) = (auth.info.lang, &auth.input);
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let reference = query.reference.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let found = books::journals(&auth.state, &auth.grant, reference, page).await?;
    let next_page = found.next.map(|next| format!("{HOME}/journals?cursor={}", cursor_text(&next)));
    let journals = found.items.into_iter().map(|row| journal_line(lang, row)).collect();
    auth.page("money/journals", JournalsView { journals, reference: reference.map(str::to_owned), next_page })
}

async fn journal_page(auth: Authed<perm::LedgerRead, Path<JournalId>>) -> PageAnswer {
    #[derive(Serialize)]
    struct JournalView {
        journal: JournalLine,
    }
    let row = books::journal(&auth.state, &auth.grant, auth.input.0).await?;
    auth.page("money/journal", JournalView { journal: journal_line(auth.info.lang, row) })
}

/// Pages of the merchant console are no pages of a provider, whatever the permission.
pub(super) fn merchants_only<P: qianpu_tenants::authz::Perm, T>(auth: &Authed<P, T>) -> Answer<()> {
    match auth.caller.surface() {
        qianpu_domain::access::Surface::Merchant => Ok(()),
        _ => Err(ApiError::not_found()),
    }
}
