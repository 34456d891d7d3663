//! The trial balance of a merchant 试算平衡表 and what is behind its figures: the accounts of a code, and the entries of
//! an account. Days are those of the merchant's zone; both the first and the last one count.

use super::{ReadsBooks, may_read_books};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::billing::{Period, date_in, month_of, parse_date, parse_month};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::LedgerAccountId;
use qianpu_domain::ledger::{AccountCode, Side};
use qianpu_domain::money::{Currency, Fen, MoneyOverflow};
use qianpu_domain::time::Date;
use qianpu_tenants::authz::Grant;
use qianpu_tenants::db::{ReadTx, TenantTx};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::ledger::{AccountRow, EntryRow, account_get, entry_list_in};
use qianpu_tenants::store::ledger_lines::journal_names;
use qianpu_tenants::store::statement::Between;
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::store::trial_balance::{AccountTurnover, Turnover, account_turnovers, trial_balance};

/// Days as people write them: `2026-11-01`, each of them may be left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Days<'a> {
    /// The first one; the first of the last one's month unless said.
    pub from: Option<&'a str>,
    /// The last one; today unless said.
    pub to: Option<&'a str>,
}

/// A reading of a merchant's books over days.
pub struct Opened {
    pub tx: ReadTx,
    pub merchant: String,
    /// IANA zone of its days.
    pub zone: String,
    pub first: Date,
    pub last: Date,
    pub between: Between,
}

fn day(name: &'static str, text: Option<&str>) -> Answer<Option<Date>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong =
        |_| FieldError::new(name, "invalid", "a day such as 2026-11-21", "请填写日期，例如 2026-11-21");
    Ok(Some(parse_date(text).map_err(wrong)?))
}

/// Opens the books of days, at one moment.
pub async fn open<P: ReadsBooks>(state: &AppState, grant: &Grant<P>, days: Days<'_>) -> Answer<Opened> {
    may_read_books(grant)?;
    let (first, last) = (day("from", days.from)?, day("to", days.to)?);
    let tx = state.db.snapshot(grant.ctx()).await?;
    let tenant = tenant_get(&tx).await?;
    let last = match last {
        Some(last) => last,
        None => date_in(tx.now(), &tenant.zone)?,
    };
    let first = first.unwrap_or(last.first_of_month());
    if first > last {
        let (en, zh) = ("not before the first day", "结束日期不能早于开始日期");
        return Err(FieldError::new("to", "out_of_range", en, zh).into());
    }
    let end = last
        .tomorrow()
        .map_err(|_| FieldError::new("to", "invalid", "a day such as 2026-11-21", "请填写日期"))?;
    let period = Period { start: first, end };
    let between = Between { from: period.begins_at(&tenant.zone)?, to: period.ends_at(&tenant.zone)? };
    Ok(Opened { tx, merchant: tenant.name, zone: tenant.zone, first, last, between })
}

/// An amount in the column of its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    pub debit: Fen,
    pub credit: Fen,
}

impl Columns {
    /// A balance of debits less credits: on the side where it is.
    pub fn of(balance: Fen) -> Result<Self, MoneyOverflow> {
        if balance.get() < 0 {
            return Ok(Self { debit: Fen::ZERO, credit: Fen::ZERO.sub(balance)? });
        }
        Ok(Self { debit: balance, credit: Fen::ZERO })
    }
    fn add(self, other: Self) -> Result<Self, MoneyOverflow> {
        Ok(Self { debit: self.debit.add(other.debit)?, credit: self.credit.add(other.credit)? })
    }
    /// Whether both are the same.
    pub fn equal(self) -> bool {
        self.debit == self.credit
    }
}

/// What there was, what moved, what there is: three pairs of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Six {
    pub opening: Columns,
    pub moved: Columns,
    pub closing: Columns,
}

impl TryFrom<Turnover> for Six {
    type Error = MoneyOverflow;
    fn try_from(turnover: Turnover) -> Result<Self, MoneyOverflow> {
        let closing = turnover.opening.add(turnover.debit)?.sub(turnover.credit)?;
        Ok(Self {
            opening: Columns::of(turnover.opening)?,
            moved: Columns { debit: turnover.debit, credit: turnover.credit },
            closing: Columns::of(closing)?,
        })
    }
}

impl Six {
    fn add(self, other: Self) -> Result<Self, MoneyOverflow> {
        Ok(Self {
            opening: self.opening.add(other.opening)?,
            moved: self.moved.add(other.moved)?,
            closing: self.closing.add(other.closing)?,
        })
    }
    /// Whether debits and credits are equal in each pair.
    pub fn balanced(&self) -> bool {
        self.opening.equal() && self.moved.equal() && self.closing.equal()
    }
}

/// A trial balance.
#[derive(Debug, Clone)]
pub struct Trial {
    pub merchant: String,
    pub zone: String,
    pub first: Date,
    pub last: Date,
    pub rows: Vec<TrialLine>,
    /// Sums of the columns.
    pub total: Six,
}

/// An account of the chart in it.
#[derive(Debug, Clone, Copy)]
pub struct TrialLine {
    pub code: AccountCode,
    /// How many accounts there are of it.
    pub accounts: i64,
    pub six: Six,
}

/// The trial balance of days.
pub async fn trial<P: ReadsBooks>(state: &AppState, grant: &Grant<P>, days: Days<'_>) -> Answer<Trial> {
    of(&open(state, grant, days).await?).await
}

/// The trial balance of what was opened. What stands on an account of the chart is set off: one account of a code with
/// a debit and one with a credit show the difference.
pub async fn of(opened: &Opened) -> Answer<Trial> {
    let mut rows = Vec::new();
    let mut total = Six::default();
    for row in trial_balance(&opened.tx, Currency::Cny, opened.between).await? {
        let six = Six::try_from(row.turnover)?;
        total = total.add(six)?;
        rows.push(TrialLine { code: row.code, accounts: row.accounts, six });
    }
    Ok(Trial {
        merchant: opened.merchant.clone(),
        zone: opened.zone.clone(),
        first: opened.first,
        last: opened.last,
        rows,
        total,
    })
}

/// The accounts of a code over days, those first used last first.
pub async fn accounts_of<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    code: AccountCode,
    days: Days<'_>,
    page: PageRequest,
) -> Answer<(Opened, Page<AccountTurnover>)> {
    let opened = open(state, grant, days).await?;
    let found = account_turnovers(&opened.tx, Currency::Cny, code, opened.between, page).await?;
    Ok((opened, found))
}

/// An entry as a page of its account shows it.
#[derive(Debug, Clone)]
pub struct AccountLine {
    pub entry: EntryRow,
    pub journal_code: String,
    pub business_ref: String,
}

/// Entries of an account, newest first, of a month or of all time, with the journals they belong to.
pub async fn account_lines<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    account: LedgerAccountId,
    month: Option<&str>,
    page: PageRequest,
) -> Answer<(AccountRow, Page<AccountLine>)> {
    may_read_books(grant)?;
    let tx = state.db.snapshot(grant.ctx()).await?;
    let row = account_get(&tx, account).await?;
    let between = match month.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(month_in(&tx, text).await?),
    };
    let found = entry_list_in(&tx, account, between, page).await?;
    let names = journal_names(&tx, found.items.iter().map(|entry| entry.journal)).await?;
    let lines = found.map(|entry| {
        let (journal_code, business_ref) = names.get(&entry.journal).cloned().unwrap_or_default();
        AccountLine { entry, journal_code, business_ref }
    });
    Ok((row, lines))
}

async fn month_in(tx: &TenantTx, text: &str) -> Answer<Between> {
    let month = parse_month(text).map_err(|_| {
        FieldError::new("month", "invalid", "a month such as 2026-11", "请填写月份，例如 2026-11")
    })?;
    let zone = tenant_get(tx).await?.zone;
    Ok(Between { from: month.begins_at(&zone)?, to: month.ends_at(&zone)? })
}

/// The days of a month, for what counts in days.
pub fn days_of(month: &str) -> Answer<(String, String)> {
    let month = parse_month(month).map_err(|_| ApiError::not_found())?;
    let last = month.end.yesterday().map_err(ApiError::internal)?;
    Ok((month.start.to_string(), last.to_string()))
}

/// The month of a day.
pub fn month_of_day(day: Date) -> Answer<String> {
    let month = month_of(day)?;
    Ok(format!("{:04}-{:02}", month.start.year(), month.start.month()))
}

/// A sum of debits less credits in the account's own direction.
pub fn in_direction(code: AccountCode, debits_less_credits: Fen) -> Result<Fen, MoneyOverflow> {
    match code.side() {
        Side::Debit => Ok(debits_less_credits),
        Side::Credit => Fen::ZERO.sub(debits_less_credits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_stands_on_the_side_where_it_is() {
        let six = |opening, debit, credit| {
            let turnover =
                Turnover { opening: Fen::new(opening), debit: Fen::new(debit), credit: Fen::new(credit) };
            Six::try_from(turnover)
        };
        let bank = six(100, 50, 200).unwrap();
        assert_eq!((bank.opening.debit.get(), bank.opening.credit.get()), (100, 0));
        assert_eq!((bank.closing.debit.get(), bank.closing.credit.get()), (0, 50));
        let other = six(-100, 200, 50).unwrap();
        assert!(bank.add(other).unwrap().balanced() && !bank.balanced());
        assert_eq!(six(i64::MAX, 1, 0), Err(MoneyOverflow));
        assert_eq!(six(i64::MIN, 0, 0), Err(MoneyOverflow));
    }
}
