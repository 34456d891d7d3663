//! A merchant's statement of a month: for each of its accounts what it held when the month began, what moved
//! it, grouped by kind, and what it held in the end. Months are those of the merchant's zone.

use super::book_files::Zoned;
use super::sheet::{Cell, FileKind, Sheet, SheetFile};
use super::whole_merchant;
use crate::error::Answer;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::billing::{Period, date_in, month_of, parse_month};
use qianpu_domain::error::FieldError;
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::ledger::names::names_of;
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::{ReadTx, TenantTx};
use qianpu_tenants::store::statement::{
    LineFilter, Movement, StatementLine, statement_lines, statement_movements, statement_opening,
};
use qianpu_tenants::store::tenant::tenant_get;

/// The accounts that are a merchant's own business. The others mirror where the provider holds the money.
pub const ACCOUNTS: [AccountCode; 9] = [
    AccountCode::MerchantAvailable,
    AccountCode::MerchantPending,
    AccountCode::MerchantWallet,
    AccountCode::PromoCredit,
    AccountCode::DepositAvailable,
    AccountCode::DepositFrozen,
    AccountCode::DepositRefunding,
    AccountCode::Receivable,
    AccountCode::ClawbackReceivable,
];
/// Shown even when nothing moved.
const ALWAYS: [AccountCode; 2] = [AccountCode::MerchantAvailable, AccountCode::MerchantPending];
/// The most lines a file may have.
const MOST_LINES: u64 = 50_000;
const LINES_AT_ONCE: u64 = 1_000;

/// One account's part of a statement.
#[derive(Debug, Clone)]
pub struct Section {
    pub account: AccountCode,
    pub opening: Fen,
    pub movements: Vec<Movement>,
    pub closing: Fen,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// `2026-11`.
    pub month: String,
    pub merchant: String,
    /// IANA zone of its days.
    pub zone: String,
    /// Whether the month is over, so that the figures are final.
    pub is_final: bool,
    pub sections: Vec<Section>,
}

struct Opened {
    tx: ReadTx,
    month: Period,
    merchant: String,
    zone: String,
    from: Timestamp,
    to: Timestamp,
}

async fn open(state: &AppState, grant: &Grant<perm::LedgerRead>, month: Option<&str>) -> Answer<Opened> {
    whole_merchant(grant)?;
    let tx = state.db.read(grant.ctx()).await?;
    let tenant = tenant_get(&tx).await?;
    let month = match month.filter(|text| !text.is_empty()) {
        None => month_of(date_in(tx.now(), &tenant.zone)?)?,
        Some(text) => parse_month(text).map_err(|_| {
            FieldError::new("month", "invalid", "a month such as 2026-11", "请填写月份，例如 2026-11")
        })?,
    };
    let (from, to) = (month.begins_at(&tenant.zone)?, month.ends_at(&tenant.zone)?);
    Ok(Opened { tx, month, merchant: tenant.name, zone: tenant.zone, from, to })
}

fn month_text(month: Period) -> String {
    format!("{:04}-{:02}", month.start.year(), month.start.month())
}

/// The statement of a month; of the present one when none is named.
pub async fn statement(
    state: &AppState,
    grant: &Grant<perm::LedgerRead>,
    month: Option<&str>,
) -> Answer<Statement> {
    let Opened { tx, month, merchant, zone, from, to } = open(state, grant, month).await?;
    let opening = statement_opening(&tx, Currency::Cny, from).await?;
    let movements = statement_movements(&tx, Currency::Cny, from, to).await?;
    let mut sections = Vec::new();
    for account in ACCOUNTS {
        let opening = opening.iter().find(|row| row.account == account).map_or(Fen::ZERO, |row| row.change);
        let movements: Vec<Movement> =
            movements.iter().filter(|row| row.account == account).cloned().collect();
        if opening == Fen::ZERO && movements.is_empty() && !ALWAYS.contains(&account) {
            continue;
        }
        let closing = opening.add(Fen::sum(movements.iter().map(|row| row.change))?)?;
        sections.push(Section { account, opening, movements, closing });
    }
    let is_final = tx.now() >= to;
    Ok(Statement { month: month_text(month), merchant, zone, is_final, sections })
}

/// The lines behind a row of a statement, oldest first, a hundred at a time.
pub async fn lines(
    state: &AppState,
    grant: &Grant<perm::LedgerRead>,
    month: Option<&str>,
    account: AccountCode,
    journal_code: Option<&str>,
    skip: u64,
) -> Answer<Vec<StatementLine>> {
    let Opened { tx, from, to, .. } = open(state, grant, month).await?;
    let filter = LineFilter { from, to, accounts: &[account], journal_code };
    Ok(statement_lines(&tx, Currency::Cny, &filter, skip, 100).await?)
}

/// The month as a file: opening balances, every line, closing balances.
pub async fn file(
    state: &AppState,
    grant: &Grant<perm::LedgerRead>,
    month: Option<&str>,
    kind: FileKind,
    lang: Lang,
) -> Answer<SheetFile> {
    let statement = statement(state, grant, month).await?;
    let Opened { tx, from, to, zone, .. } = open(state, grant, Some(&statement.month)).await?;
    let heading = match lang {
        Lang::Zh => ["时间", "科目", "科目名称", "业务", "业务编号", "凭证编号", "变动（元）", "余额（元）"],
        Lang::En => ["time", "account", "account_name", "kind", "reference", "journal", "change", "balance"],
    };
    let mut sheet = Sheet::new(kind, lang.pick("对账单", "statement"), tx.now(), &heading)?;
    let name = |code: AccountCode| lang.pick(code.name_zh(), code.name_en());
    let month = statement.month.as_str();
    for section in &statement.sections {
        let kind = lang.pick("期初余额", "opening");
        balance(&mut sheet, month, (section.account, name(section.account)), kind, section.opening)?;
    }
    let zoned = Zoned::new(&zone)?;
    let filter = LineFilter { from, to, accounts: &ACCOUNTS, journal_code: None };
    let mut written = 0;
    loop {
        let lines = next_lines(&tx, &filter, written).await?;
        let got = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        for line in &lines {
            let (en, zh) = names_of(&line.journal_code);
            sheet.row(&[
                Cell::Text(&zoned.text(line.at)?),
                Cell::Text(&line.account.number().to_string()),
                Cell::Text(name(line.account)),
                Cell::Text(lang.pick(zh, en)),
                Cell::Text(&line.business_ref),
                Cell::Text(&line.journal.to_string()),
                Cell::Yuan(line.change),
                Cell::yuan(line.balance_after),
            ])?;
        }
        written += got;
        if got < LINES_AT_ONCE {
            break;
        }
        if written >= MOST_LINES {
            let (en, zh) = ("too many lines for one file; use the API", "流水过多，请使用接口获取");
            return Err(FieldError::new("month", "too_many", en, zh).into());
        }
    }
    for section in &statement.sections {
        let kind = lang.pick("期末余额", "closing");
        balance(&mut sheet, month, (section.account, name(section.account)), kind, section.closing)?;
    }
    sheet.finish(&format!("statement-{month}")).await
}

async fn next_lines(tx: &TenantTx, filter: &LineFilter<'_>, skip: u64) -> Answer<Vec<StatementLine>> {
    Ok(statement_lines(tx, Currency::Cny, filter, skip, LINES_AT_ONCE).await?)
}

fn balance(
    sheet: &mut Sheet,
    month: &str,
    (account, name): (AccountCode, &str),
    kind: &str,
    balance: Fen,
) -> Answer<()> {
    let number = account.number().to_string();
    let named = [month, &number, name, kind].map(Cell::Text);
    sheet.row(&[named.as_slice(), &[Cell::Empty; 3], &[Cell::Yuan(balance)]].concat())
}
