//! The books as files: a trial balance, the entries of an account, and all journals of days, one row for each leg.

use super::ReadsBooks;
use super::sheet::{Cell, FileKind, Sheet, SheetFile};
use super::trial::{self, Days, Opened, Six, in_direction};
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::ids::LedgerAccountId;
use qianpu_domain::ledger::Side;
use qianpu_domain::ledger::names::names_of;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::Grant;
use qianpu_tenants::store::ledger::account_get;
use qianpu_tenants::store::ledger_lines::{LedgerLine, lines_of_account, lines_of_journals};
use qianpu_tenants::store::trial_balance::account_opening;

const LINES_AT_ONCE: u64 = 1_000;

/// How a file is to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub days: Days<'a>,
    pub kind: FileKind,
    pub lang: Lang,
}

fn named(what: &str, opened: &Opened) -> String {
    format!("{what}-{}_{}", opened.first, opened.last)
}

fn kind_name(lang: Lang, code: &str) -> &str {
    let (en, zh) = names_of(code);
    lang.pick(zh, en)
}

/// Writes moments as people of a zone read them.
pub(super) struct Zoned(jiff::tz::TimeZone);

impl Zoned {
    pub(super) fn new(zone: &str) -> Answer<Self> {
        Ok(Self(jiff::tz::TimeZone::get(zone).map_err(ApiError::internal)?))
    }
    pub(super) fn text(&self, at: Timestamp) -> Answer<String> {
        let at = jiff::Timestamp::from_microsecond(at.micros()).map_err(ApiError::internal)?;
        Ok(at.to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
    }
}

/// The trial balance of days.
pub async fn trial_balance<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    wanted: Wanted<'_>,
) -> Answer<SheetFile> {
    let opened = trial::open(state, grant, wanted.days).await?;
    let found = trial::of(&opened).await?;
    let lang = wanted.lang;
    let heading = match lang {
        Lang::Zh => [
            "科目",
            "科目名称",
            "期初借方（元）",
            "期初贷方（元）",
            "本期借方（元）",
            "本期贷方（元）",
            "期末借方（元）",
            "期末贷方（元）",
        ],
        Lang::En => [
            "account",
            "account_name",
            "opening_debit",
            "opening_credit",
            "debit",
            "credit",
            "closing_debit",
            "closing_credit",
        ],
    };
    let name = lang.pick("试算平衡表", "trial balance");
    let mut sheet = Sheet::new(wanted.kind, name, opened.tx.now(), &heading)?;
    let cells = |six: Six| {
        let pairs = [six.opening, six.moved, six.closing];
        pairs.map(|pair| [Cell::unless_zero(pair.debit), Cell::unless_zero(pair.credit)]).concat()
    };
    for row in &found.rows {
        let number = row.code.number().to_string();
        let name = lang.pick(row.code.name_zh(), row.code.name_en());
        sheet.row(&[&[Cell::Text(&number), Cell::Text(name)], cells(row.six).as_slice()].concat())?;
    }
    let total = lang.pick("合计", "total");
    let pairs = [found.total.opening, found.total.moved, found.total.closing];
    let sums = pairs.map(|pair| [Cell::Yuan(pair.debit), Cell::Yuan(pair.credit)]).concat();
    sheet.row(&[&[Cell::Empty, Cell::Text(total)], sums.as_slice()].concat())?;
    sheet.finish(&named("trial-balance", &opened)).await
}

/// The entries of an account in days, oldest first, between its opening and its closing balance.
pub async fn account<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    id: LedgerAccountId,
    wanted: Wanted<'_>,
) -> Answer<SheetFile> {
    let opened = trial::open(state, grant, wanted.days).await?;
    let row = account_get(&opened.tx, id).await?;
    let (lang, zoned) = (wanted.lang, Zoned::new(&opened.zone)?);
    let heading = match lang {
        Lang::Zh => ["时间", "业务", "业务编号", "凭证编号", "借方（元）", "贷方（元）", "余额（元）"],
        Lang::En => ["time", "kind", "reference", "journal", "debit", "credit", "balance"],
    };
    let name = format!("{} {}", row.code.number(), lang.pick(row.code.name_zh(), row.code.name_en()));
    // A sheet's name has 31 characters at most; every name of the chart fits, and none is cut within a character.
    let name: String = name.chars().take(31).collect();
    let mut sheet = Sheet::new(wanted.kind, &name, opened.tx.now(), &heading)?;
    let opening = account_opening(&opened.tx, id, opened.between.from).await?;
    let mut balance = in_direction(row.code, opening)?;
    let stands = |sheet: &mut Sheet, day: String, word: &str, balance: Fen| {
        let blank = [Cell::Empty; 4];
        sheet.row(&[&[Cell::Text(&day), Cell::Text(word)], blank.as_slice(), &[Cell::Yuan(balance)]].concat())
    };
    stands(&mut sheet, opened.first.to_string(), lang.pick("期初余额", "opening"), balance)?;
    let mut last: Option<LedgerLine> = None;
    loop {
        let lines = lines_of_account(&opened.tx, id, opened.between, last.as_ref(), LINES_AT_ONCE).await?;
        for line in &lines {
            let own = line.side == row.code.side();
            balance = if own { balance.add(line.amount)? } else { balance.sub(line.amount)? };
            let (debit, credit) = sides(line);
            sheet.row(&[
                Cell::Text(&zoned.text(line.at)?),
                Cell::Text(kind_name(lang, &line.journal_code)),
                Cell::Text(&line.business_ref),
                Cell::Text(&line.journal.to_string()),
                debit,
                credit,
                Cell::Yuan(balance),
            ])?;
        }
        if !full(&lines) {
            break;
        }
        last = lines.into_iter().last();
    }
    stands(&mut sheet, opened.last.to_string(), lang.pick("期末余额", "closing"), balance)?;
    sheet.finish(&named(&format!("account-{}", row.code.number()), &opened)).await
}

/// All journals of days, one row for each leg.
pub async fn journals<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    wanted: Wanted<'_>,
) -> Answer<SheetFile> {
    let opened = trial::open(state, grant, wanted.days).await?;
    let (lang, zoned) = (wanted.lang, Zoned::new(&opened.zone)?);
    let heading = match lang {
        Lang::Zh => [
            "凭证编号",
            "分录",
            "记账时间",
            "生效时间",
            "业务",
            "业务编号",
            "科目",
            "科目名称",
            "明细",
            "借方（元）",
            "贷方（元）",
        ],
        Lang::En => [
            "journal",
            "leg",
            "recorded_at",
            "effective_at",
            "kind",
            "reference",
            "account",
            "account_name",
            "owner",
            "debit",
            "credit",
        ],
    };
    let name = lang.pick("记账凭证", "journals");
    let mut sheet = Sheet::new(wanted.kind, name, opened.tx.now(), &heading)?;
    let mut last: Option<LedgerLine> = None;
    loop {
        let lines = lines_of_journals(&opened.tx, opened.between, last.as_ref(), LINES_AT_ONCE).await?;
        for line in &lines {
            let (debit, credit) = sides(line);
            sheet.row(&[
                Cell::Text(&line.journal.to_string()),
                Cell::Text(&line.leg_no.to_string()),
                Cell::Text(&zoned.text(line.at)?),
                Cell::Text(&zoned.text(line.effective_at)?),
                Cell::Text(kind_name(lang, &line.journal_code)),
                Cell::Text(&line.business_ref),
                Cell::Text(&line.code.number().to_string()),
                Cell::Text(lang.pick(line.code.name_zh(), line.code.name_en())),
                Cell::Text(&line.owner),
                debit,
                credit,
            ])?;
        }
        if !full(&lines) {
            break;
        }
        last = lines.into_iter().last();
    }
    sheet.finish(&named("journals", &opened)).await
}

fn full(lines: &[LedgerLine]) -> bool {
    u64::try_from(lines.len()).is_ok_and(|count| count >= LINES_AT_ONCE)
}

fn sides(line: &LedgerLine) -> (Cell<'static>, Cell<'static>) {
    let amount = Cell::Yuan(line.amount);
    match line.side {
        Side::Debit => (amount, Cell::Empty),
        Side::Credit => (Cell::Empty, amount),
    }
}
