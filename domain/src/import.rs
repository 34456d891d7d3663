//! Rules for every file import: how columns are found by Chinese or English names, what a cell may hold,
//! and how a row's faults are told. Reading bytes (CSV, encodings) is done outside; rows come in as texts.
//!
//! Amounts are typed in yuan (`12.80`) and read digit by digit, never through floats. Cells that a
//! spreadsheet would run as a formula are refused, both because they are never meant and because the
//! result file goes back into a spreadsheet.

use crate::error::{ErrorCode, FieldError};
use crate::money::{Fen, MAX_FEN};

pub mod product;

/// Most rows of one file, without the header.
pub const MAX_ROWS: u64 = 100_000;
/// Most columns.
pub const MAX_COLUMNS: usize = 100;
/// Longest cell, in characters.
pub const MAX_CELL: usize = 5000;

/// A column that an import knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its word in results.
    pub key: &'static str,
    /// Other names, Chinese and English; upper and lower case, blanks, `_` and brackets do not matter.
    pub names: &'static [&'static str],
    /// Whether a file must have it.
    pub need: Need,
}

/// Whether a file must have a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Must.
    Required,
    /// May.
    Optional,
}

/// Why a whole file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Columns that must be there are not.
    #[error("columns missing: {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// A column is there twice.
    #[error("column twice: {0}")]
    DuplicateColumn(&'static str),
    /// More columns than any import has.
    #[error("more than {MAX_COLUMNS} columns")]
    TooManyColumns,
    /// More rows than allowed.
    #[error("more than {MAX_ROWS} rows")]
    TooManyRows,
}

impl ImportError {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MissingColumns(_) | Self::DuplicateColumn(_) | Self::TooManyColumns => {
                ErrorCode::ImportColumns
            }
            Self::TooManyRows => ErrorCode::ImportTooManyRows,
        }
    }
}

/// Which known column stands where in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    places: Vec<(&'static str, usize)>,
    /// Columns of the file that the import does not know and skips.
    pub ignored: Vec<String>,
}

impl Header {
    /// Reads the first row of a file.
    pub fn read<S: AsRef<str>>(columns: &[Column], cells: &[S]) -> Result<Self, ImportError> {
        if cells.len() > MAX_COLUMNS {
            return Err(ImportError::TooManyColumns);
        }
        let mut header = Self { places: Vec::new(), ignored: Vec::new() };
        for (index, cell) in cells.iter().enumerate() {
            let name = folded(cell.as_ref());
            let known = columns.iter().find(|column| {
                folded(column.key) == name || column.names.iter().any(|other| folded(other) == name)
            });
            match known {
                Some(column) if header.place(column.key).is_some() => {
                    return Err(ImportError::DuplicateColumn(column.key));
                }
                Some(column) => header.places.push((column.key, index)),
                None if name.is_empty() => {}
                None => header.ignored.push(cell.as_ref().chars().take(40).collect()),
            }
        }
        let missing: Vec<_> = columns
            .iter()
            .filter(|column| column.need == Need::Required && header.place(column.key).is_none())
            .map(|column| column.key)
            .collect();
        if missing.is_empty() { Ok(header) } else { Err(ImportError::MissingColumns(missing)) }
    }
    fn place(&self, key: &str) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == key).map(|(_, index)| *index)
    }
}

fn folded(name: &str) -> String {
    name.trim_start_matches('\u{FEFF}')
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '(' | ')' | '（' | '）' | '*'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A row being read: gives cells by column and gathers what is wrong.
#[derive(Debug)]
pub struct Row<'a, S> {
    header: &'a Header,
    cells: &'a [S],
    errors: Vec<FieldError>,
}

impl<'a, S: AsRef<str>> Row<'a, S> {
    /// A row under a header.
    pub const fn new(header: &'a Header, cells: &'a [S]) -> Self {
        Self { header, cells, errors: Vec::new() }
    }
    /// The cell without blanks at its ends; empty cells and missing columns are none.
    fn raw(&self, key: &str) -> Option<&'a str> {
        self.header.place(key).and_then(|index| self.cells.get(index)).map(AsRef::as_ref)
    }
    /// A text cell, if any. Formulas and overlong cells are errors.
    pub fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let raw = self.raw(key)?;
        if is_formula(raw) {
            self.error(
                key,
                "formula",
                "a text must not begin with = + - @ or a tab",
                "文本不能以 = + - @ 或制表符开头",
            );
            return None;
        }
        if raw.chars().count() > MAX_CELL {
            self.error(key, "too_long", "the cell is too long", "单元格内容过长");
            return None;
        }
        Some(raw.trim()).filter(|text| !text.is_empty())
    }
    /// A text cell that must be filled.
    pub fn need_text(&mut self, key: &'static str) -> Option<&'a str> {
        let before = self.errors.len();
        let text = self.text(key);
        if text.is_none() && self.errors.len() == before {
            self.errors.push(FieldError::required(key));
        }
        text
    }
    /// A whole number that must be filled.
    pub fn need_count(&mut self, key: &'static str) -> Option<i64> {
        match self.count(key) {
            Some(result) => result,
            None => {
                self.errors.push(FieldError::required(key));
                None
            }
        }
    }
    /// A whole number, if any; the inner none says that it could not be read (the error is noted).
    pub fn count(&mut self, key: &'static str) -> Option<Option<i64>> {
        let text = self.raw(key).map(str::trim).filter(|text| !text.is_empty())?;
        let number = read_count(text);
        if number.is_none() {
            self.error(key, "number", "expected a whole number such as 10", "需填写整数，例如 10");
        }
        Some(number)
    }
    /// An amount in yuan that must be filled.
    pub fn need_yuan(&mut self, key: &'static str) -> Option<Fen> {
        let Some(text) = self.raw(key).map(str::trim).filter(|text| !text.is_empty()) else {
            self.errors.push(FieldError::required(key));
            return None;
        };
        match read_yuan(text) {
            Ok(fen) => Some(fen),
            Err(error) => {
                let (en, zh) = error.texts();
                self.error(key, error.word(), en, zh);
                None
            }
        }
    }
    /// Notes a fault of a column.
    pub fn error(&mut self, key: &'static str, code: &'static str, en: &str, zh: &str) {
        self.errors.push(FieldError::new(key, code, en, zh));
    }
    /// The value if nothing was wrong and all of it is there, else the faults.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }
    /// What is wrong so far.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

/// Whether a spreadsheet would run the text as a formula.
pub fn is_formula(text: &str) -> bool {
    let begins = |text: &str| text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
    begins(text) || begins(text.trim_start())
}

/// A text for a cell of a file that we write: one that would be a formula gets a `'` in front.
pub fn cell_for_export(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// Reads a whole number: digits, with a minus in front at most.
fn read_count(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// Why a text is not an amount in yuan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum YuanError {
    /// Full-width digits or signs.
    #[error("expected ASCII digits")]
    FullWidth,
    /// A sign, an exponent, a comma, a currency sign, or no digits.
    #[error("expected digits with at most one point")]
    Shape,
    /// More than two digits after the point.
    #[error("expected at most two digits after the point")]
    Decimals,
    /// Above the largest amount.
    #[error("the amount is out of range")]
    Range,
}

impl YuanError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::InvalidField
    }
    const fn word(self) -> &'static str {
        match self {
            Self::FullWidth => "full_width",
            Self::Shape => "amount",
            Self::Decimals => "decimals",
            Self::Range => "range",
        }
    }
    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::FullWidth => ("type the amount with half-width digits", "请使用半角数字填写金额"),
            Self::Shape => ("expected an amount in yuan such as 12.80", "需填写以元为单位的金额，例如 12.80"),
            Self::Decimals => ("expected at most two digits after the point", "金额最多两位小数"),
            Self::Range => ("the amount is too large", "金额过大"),
        }
    }
}

/// Reads an amount in yuan such as `12.80`, `12.8` or `12` to fen, without floats.
pub fn read_yuan(text: &str) -> Result<Fen, YuanError> {
    if text.chars().any(|c| matches!(c, '０'..='９' | '．' | '，' | '－' | '＋')) {
        return Err(YuanError::FullWidth);
    }
    let (yuan, fen) = match text.split_once('.') {
        Some((yuan, fen)) if !fen.is_empty() => (yuan, fen),
        Some(_) => return Err(YuanError::Shape),
        None => (text, ""),
    };
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if yuan.is_empty() || !plain(yuan) || !plain(fen) {
        return Err(YuanError::Shape);
    }
    if fen.len() > 2 {
        return Err(YuanError::Decimals);
    }
    let mut total: i64 = 0;
    for digit in yuan.bytes().chain(fen.bytes()).chain(std::iter::repeat_n(b'0', 2 - fen.len())) {
        total = total
            .checked_mul(10)
            .and_then(|sum| sum.checked_add(i64::from(digit - b'0')))
            .filter(|sum| *sum <= MAX_FEN)
            .ok_or(YuanError::Range)?;
    }
    Ok(Fen::new(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { key: "title", names: &["标题", "商品名称"], need: Need::Required },
        Column { key: "price", names: &["价格（元）", "price (yuan)"], need: Need::Required },
        Column { key: "stock", names: &["库存"], need: Need::Optional },
    ];

    fn check_header(cells: &str, expected: &str) {
        let cells: Vec<_> = cells.split(',').collect();
        let got = match Header::read(COLUMNS, &cells) {
            Ok(header) => format!("{:?} ignored {:?}", header.places, header.ignored),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{cells:?}");
    }

    #[test]
    fn headers() {
        check_header("标题,价格(元),库存", r#"[("title", 0), ("price", 1), ("stock", 2)] ignored []"#);
        check_header(
            "\u{FEFF}商品名称,Price (Yuan),颜色",
            r#"[("title", 0), ("price", 1)] ignored ["颜色"]"#,
        );
        check_header("TITLE,,PRICE", r#"[("title", 0), ("price", 2)] ignored []"#);
        check_header("标题,库存", "columns missing: price");
        check_header("a,b", "columns missing: title, price");
        check_header("标题,商品名称,price", "column twice: title");
    }

    #[test]
    fn amounts() {
        use YuanError::*;
        for (text, expected) in [
            ("12.80", Ok(1280)),
            ("12.8", Ok(1280)),
            ("12", Ok(1200)),
            ("0.01", Ok(1)),
            ("0", Ok(0)),
            ("1000000000000.00", Ok(100_000_000_000_000)),
            ("1000000000000.01", Err(Range)),
            ("99999999999999999999", Err(Range)),
            ("12.805", Err(Decimals)),
            ("12.800", Err(Decimals)),
            ("１２.80", Err(FullWidth)),
            ("12．80", Err(FullWidth)),
            ("1e3", Err(Shape)),
            ("1,280.00", Err(Shape)),
            ("-1", Err(Shape)),
            ("+1", Err(Shape)),
            ("-0", Err(Shape)),
            ("¥12", Err(Shape)),
            (".5", Err(Shape)),
            ("5.", Err(Shape)),
            ("1.2.3", Err(Shape)),
            ("", Err(Shape)),
            ("NaN", Err(Shape)),
        ] {
            assert_eq!(read_yuan(text), expected.map(Fen::new), "{text}");
        }
    }

    fn check_row(cells: &[&str], expected: &str) {
        let header = Header::read(COLUMNS, &["title", "price", "stock"]).unwrap();
        let mut row = Row::new(&header, cells);
        let title = row.need_text("title");
        let price = row.need_yuan("price");
        let stock = row.count("stock");
        let got = match row.finish(title.zip(price)) {
            Ok((title, price)) => format!("{title} {price} {stock:?}"),
            Err(errors) => errors
                .iter()
                .map(|error| format!("{} {}", error.path, error.code))
                .collect::<Vec<_>>()
                .join(", "),
        };
        assert_eq!(got, expected, "{cells:?}");
    }

    #[test]
    fn rows() {
        check_row(&[" 乌龙茶 ", "12.80", "-5"], "乌龙茶 12.80 Some(Some(-5))");
        check_row(&["乌龙茶", "12.80", ""], "乌龙茶 12.80 None");
        check_row(&["乌龙茶", "12.80"], "乌龙茶 12.80 None");
        check_row(&["", "", "x"], "title required, price required, stock number");
        check_row(&["乌龙茶", "12.80", "1e3"], "stock number");
        check_row(&["乌龙茶", "=1+1", "1"], "price amount");
        for formula in ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            check_row(&[formula, "1", "1"], "title formula");
        }
    }

    #[test]
    fn cells_that_we_write_are_no_formulas() {
        assert_eq!(cell_for_export("=1+1"), "'=1+1");
        assert_eq!(cell_for_export("乌龙茶"), "乌龙茶");
    }
}
