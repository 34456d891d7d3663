//! Tables as files for spreadsheets: CSV with a byte order mark, or XLSX. Amounts are exact in both: what is written is
//! the decimal text of the fen. No text of ours becomes a formula.

use crate::error::{Answer, ApiError};
use qianpu_domain::error::FieldError;
use qianpu_domain::import::cell_for_export;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

/// The most rows a file has beside its heading.
pub const MOST_ROWS: u32 = 100_000;
/// Spreadsheets show 15 digits of a number: an amount with more is written as text.
const MOST_EXACT: u64 = 999_999_999_999_999;
const MONEY: &str = "#,##0.00";

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Csv,
    Xlsx,
}

impl FileKind {
    /// From the word for it; CSV unless said.
    pub fn parse(text: Option<&str>) -> Answer<Self> {
        match text {
            None | Some("" | "csv") => Ok(Self::Csv),
            Some("xlsx") => Ok(Self::Xlsx),
            Some(_) => Err(FieldError::new("format", "invalid", "csv or xlsx", "应为 csv 或 xlsx").into()),
        }
    }
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// A finished file.
#[derive(Debug)]
pub struct SheetFile {
    pub kind: FileKind,
    /// With its ending.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A cell.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Text(&'a str),
    Yuan(Fen),
    Empty,
}

impl Cell<'_> {
    /// An amount, when there is one.
    pub fn yuan(amount: Option<Fen>) -> Self {
        amount.map_or(Self::Empty, Self::Yuan)
    }
    /// An amount that is left out when it is nothing, as bookkeepers do.
    pub fn unless_zero(amount: Fen) -> Self {
        if amount == Fen::ZERO { Self::Empty } else { Self::Yuan(amount) }
    }
}

/// Yuan as spreadsheets read it: `1234.50`.
pub fn plain_yuan(fen: Fen) -> String {
    fen.to_string().replace(',', "")
}

/// The number that a cell of XLSX holds: its format knows nothing but doubles. The nearest one to the decimal text is
/// read, and written again as the same text, for all amounts that a spreadsheet can show. None for larger ones.
fn cell_number(fen: Fen) -> Option<f64> {
    (fen.get().unsigned_abs() <= MOST_EXACT).then(|| plain_yuan(fen).parse().ok()).flatten()
}

enum Out {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Xlsx(Box<Book>),
}

struct Book {
    book: Workbook,
    money: Format,
}

/// A file being written, row by row.
pub struct Sheet {
    out: Out,
    rows: u32,
}

impl Sheet {
    /// Begins with a heading. `made_at` is what the file says about when it was made.
    pub fn new(kind: FileKind, name: &str, made_at: Timestamp, heading: &[&str]) -> Answer<Self> {
        let out = match kind {
            FileKind::Csv => {
                let mut file = csv::Writer::from_writer("\u{FEFF}".as_bytes().to_vec());
                file.write_record(heading).map_err(ApiError::internal)?;
                Out::Csv(Box::new(file))
            }
            FileKind::Xlsx => Out::Xlsx(Box::new(Book::new(name, made_at, heading)?)),
        };
        Ok(Self { out, rows: 0 })
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Answer<()> {
        if self.rows >= MOST_ROWS {
            let en = format!("more than {MOST_ROWS} rows; choose fewer days");
            let zh = format!("超过 {MOST_ROWS} 行，请缩短日期范围");
            return Err(FieldError::new("from", "too_many", en, zh).into());
        }
        self.rows += 1;
        match &mut self.out {
            Out::Csv(file) => {
                let cells = cells.iter().map(|cell| match cell {
                    // A negative amount is a number and stays one; no text may become a formula.
                    Cell::Yuan(fen) => plain_yuan(*fen),
                    Cell::Text(text) => cell_for_export(text),
                    Cell::Empty => String::new(),
                });
                file.write_record(cells).map_err(ApiError::internal)
            }
            Out::Xlsx(book) => book.row(self.rows, cells),
        }
    }

    /// The file, packed beside the other work of the thread.
    pub async fn finish(self, name: &str) -> Answer<SheetFile> {
        let (kind, bytes) = match self.out {
            Out::Csv(file) => {
                (FileKind::Csv, file.into_inner().map_err(|error| ApiError::internal(error.error()))?)
            }
            Out::Xlsx(mut book) => {
                let packed = tokio::task::spawn_blocking(move || book.book.save_to_buffer()).await;
                (FileKind::Xlsx, packed.map_err(ApiError::internal)?.map_err(ApiError::internal)?)
            }
        };
        Ok(SheetFile { kind, name: format!("{name}.{}", kind.as_str()), bytes })
    }
}

impl Book {
    fn new(name: &str, made_at: Timestamp, heading: &[&str]) -> Answer<Self> {
        let mut book = Workbook::new();
        let made_at = ExcelDateTime::from_timestamp(made_at.micros().div_euclid(1_000_000));
        book.set_properties(
            &DocProperties::new().set_creation_datetime(&made_at.map_err(ApiError::internal)?),
        );
        // Rows go to a file in between, so that a long one needs no more memory than a short one.
        let sheet = book.add_worksheet_with_constant_memory().map_err(ApiError::internal)?;
        fill(sheet, name, heading).map_err(ApiError::internal)?;
        Ok(Self { book, money: Format::new().set_num_format(MONEY) })
    }

    fn row(&mut self, row: u32, cells: &[Cell<'_>]) -> Answer<()> {
        let sheet = self.book.worksheet_from_index(0).map_err(ApiError::internal)?;
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Empty => {}
                // Written as a string, a text is never a formula.
                Cell::Text(text) => {
                    sheet.write_string(row, column, *text).map_err(ApiError::internal)?;
                }
                Cell::Yuan(fen) => match cell_number(*fen) {
                    Some(number) => {
                        sheet
                            .write_number_with_format(row, column, number, &self.money)
                            .map_err(ApiError::internal)?;
                    }
                    None => {
                        sheet.write_string(row, column, plain_yuan(*fen)).map_err(ApiError::internal)?;
                    }
                },
            }
        }
        Ok(())
    }
}

fn fill(sheet: &mut Worksheet, name: &str, heading: &[&str]) -> Result<(), rust_xlsxwriter::XlsxError> {
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (column, text) in (0_u16..).zip(heading) {
        sheet.set_column_width(column, 18)?;
        sheet.write_string_with_format(0, column, *text, &bold)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::money::MAX_FEN;

    #[test]
    fn a_number_of_a_cell_is_the_amount_to_the_fen() {
        let most = i64::try_from(MOST_EXACT).unwrap();
        let steps = (0..=2_000).flat_map(|n| [n, MAX_FEN - n, most - n, MAX_FEN / 3 + n * 7_919]);
        for fen in steps.flat_map(|fen| [fen, -fen]) {
            let number = cell_number(Fen::new(fen)).unwrap();
            assert_eq!(format!("{number:.2}"), plain_yuan(Fen::new(fen)), "{fen}");
        }
        for fen in [most + 1, i64::MAX, i64::MIN] {
            assert_eq!(cell_number(Fen::new(fen)), None, "{fen}");
        }
    }

    #[test]
    fn a_file_ends_at_its_most_rows_with_words() {
        let mut sheet = Sheet::new(FileKind::Csv, "x", Timestamp::from_seconds(0), &["a"]).unwrap();
        sheet.rows = MOST_ROWS - 1;
        sheet.row(&[Cell::Text("=1+1")]).unwrap();
        assert_eq!(sheet.row(&[Cell::Empty]).unwrap_err().errors()[0].code, "too_many");
        let Out::Csv(file) = sheet.out else { panic!("CSV was asked for") };
        assert_eq!(file.into_inner().unwrap(), "\u{FEFF}a\n'=1+1\n".as_bytes());
    }
}
