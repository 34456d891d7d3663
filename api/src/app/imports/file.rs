//! Reading a CSV file as it comes from people: with or without a byte order mark, in UTF-8 or in the
//! GB18030 that Chinese spreadsheets write, separated by comma, semicolon or tab. Read as a stream: never
//! more than one record and two small buffers are held, however large the file is.

use encoding_rs::{CoderResult, Decoder, GB18030, UTF_8};
use qianpu_domain::import::{Column, Header, ImportError};
use std::io::{self, BufRead, BufReader, Read};

/// The encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// GB18030, which contains GBK and GB 2312.
    Gb18030,
}

impl Encoding {
    /// The word as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
        }
    }
    /// From the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Utf8, Self::Gb18030].into_iter().find(|encoding| encoding.as_str() == text)
    }
    fn decoder(self) -> Decoder {
        match self {
            Self::Utf8 => UTF_8.new_decoder_with_bom_removal(),
            Self::Gb18030 => GB18030.new_decoder_without_bom_handling(),
        }
    }
}

/// What is known of a file after one look through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub encoding: Encoding,
    /// Rows below the header that are not blank.
    pub rows: u64,
}

/// Why a whole file is refused.
#[derive(Debug)]
pub enum FileRefusal {
    /// UTF-16, as spreadsheets write for "Unicode text".
    Utf16,
    /// A workbook, not a text.
    Workbook,
    /// Neither UTF-8 nor GB18030.
    Unreadable,
    /// No header, or no row below it.
    Empty,
    /// More rows than this.
    TooManyRows(u64),
    /// The header does not fit.
    Columns(ImportError),
    /// The file could not be read.
    Io(io::Error),
}

impl From<csv::Error> for FileRefusal {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => Self::Unreadable,
            csv::ErrorKind::Io(error) => Self::Io(error),
            _ => Self::Unreadable,
        }
    }
}

/// Looks through a file: its encoding, whether the columns are there, how many rows it has.
pub fn inspect(bytes: &[u8], columns: &[Column], limit: u64) -> Result<FileFacts, FileRefusal> {
    let encoding = sniff(bytes)?;
    let mut rows = Rows::open(bytes, encoding)?;
    let Some((_, cells)) = rows.next_row()? else { return Err(FileRefusal::Empty) };
    Header::read(columns, &cells).map_err(FileRefusal::Columns)?;
    let mut count = 0;
    while rows.next_row()?.is_some() {
        count += 1;
        if count > limit {
            return Err(FileRefusal::TooManyRows(limit));
        }
    }
    if count == 0 { Err(FileRefusal::Empty) } else { Ok(FileFacts { encoding, rows: count }) }
}

fn sniff(bytes: &[u8]) -> Result<Encoding, FileRefusal> {
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(FileRefusal::Utf16),
        // Zip (xlsx) and the older compound file (xls).
        [b'P', b'K', 3, 4, ..] | [0xD0, 0xCF, 0x11, 0xE0, ..] => return Err(FileRefusal::Workbook),
        _ => {}
    }
    let start = bytes.get(..4096).unwrap_or(bytes);
    let zeros = start.iter().filter(|byte| **byte == 0).count();
    if zeros > 0 {
        // Every second byte of plain text in UTF-16 is zero; a text has none.
        let utf16 = zeros * 4 > start.len();
        return Err(if utf16 { FileRefusal::Utf16 } else { FileRefusal::Unreadable });
    }
    if bytes.contains(&0) {
        return Err(FileRefusal::Unreadable);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(Encoding::Utf8);
    }
    Ok(Encoding::Gb18030)
}

/// The rows of a file, one after the other.
pub struct Rows<R: Read> {
    csv: csv::Reader<Decoded<R>>,
    record: csv::StringRecord,
    number: u64,
}

impl<R: Read> Rows<R> {
    /// Opens a file whose encoding is known.
    pub fn open(source: R, encoding: Encoding) -> Result<Self, FileRefusal> {
        let mut text = Decoded::new(source, encoding);
        let separator = text.separator().map_err(|error| FileRefusal::from(csv::Error::from(error)))?;
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(text);
        Ok(Self { csv, record: csv::StringRecord::new(), number: 0 })
    }

    /// The next row that is not blank, with its number as a spreadsheet counts: 1 is the header.
    pub fn next_row(&mut self) -> Result<Option<(u64, Vec<String>)>, FileRefusal> {
        loop {
            if !self.csv.read_record(&mut self.record)? {
                return Ok(None);
            }
            self.number += 1;
            if self.record.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some((self.number, self.record.iter().map(str::to_owned).collect())));
            }
        }
    }
}

/// Bytes of an encoding as a stream of UTF-8. A byte that is none of the encoding ends it with an error.
struct Decoded<R: Read> {
    source: BufReader<R>,
    decoder: Decoder,
    text: Vec<u8>,
    read: usize,
    ended: bool,
}

const TEXT: usize = 16 * 1024;

impl<R: Read> Decoded<R> {
    fn new(source: R, encoding: Encoding) -> Self {
        Self {
            source: BufReader::new(source),
            decoder: encoding.decoder(),
            text: Vec::with_capacity(TEXT),
            read: 0,
            ended: false,
        }
    }

    /// The separator that the first line uses most.
    fn separator(&mut self) -> io::Result<u8> {
        self.refill()?;
        let line = self.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
        let best =
            [b',', b';', b'\t'].into_iter().max_by_key(|separator| (count(*separator), *separator == b','));
        Ok(best.unwrap_or(b','))
    }

    fn refill(&mut self) -> io::Result<()> {
        while self.read == self.text.len() && !self.ended {
            self.text.clear();
            self.text.resize(TEXT, 0);
            self.read = 0;
            let bytes = self.source.fill_buf()?;
            let last = bytes.is_empty();
            let (outcome, taken, written, wrong) = self.decoder.decode_to_utf8(bytes, &mut self.text, last);
            self.source.consume(taken);
            self.text.truncate(written);
            if wrong {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not of the file's encoding"));
            }
            self.ended = last && outcome == CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.refill()?;
        let waiting = self.text.get(self.read..).unwrap_or_default();
        let count = waiting.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), waiting.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::import::Need;

    const COLUMNS: &[Column] = &[
        Column { key: "title", names: &["标题"], need: Need::Required },
        Column { key: "price", names: &["价格"], need: Need::Required },
    ];

    fn check(bytes: &[u8], expected: &str) {
        let got = match inspect(bytes, COLUMNS, 3) {
            Ok(facts) => format!("{} {}", facts.encoding.as_str(), facts.rows),
            Err(refusal) => format!("{refusal:?}"),
        };
        assert_eq!(got, expected, "{}", String::from_utf8_lossy(bytes));
    }

    fn gbk(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn files() {
        check("标题,价格\n茶,1\n".as_bytes(), "utf-8 1");
        check("\u{FEFF}标题,价格\r\n茶,1\r\n".as_bytes(), "utf-8 1");
        check("title;price\n茶;1\n\n ; \n酒;2".as_bytes(), "utf-8 2");
        check("标题\t价格\n茶\t1".as_bytes(), "utf-8 1");
        check("标题,价格\n\"茶\n杯\",1\n".as_bytes(), "utf-8 1");
        check(&gbk("标题,价格\n乌龙茶,1\n"), "gb18030 1");
        check(&gbk("标题,价格\n𠮷野家,1\n"), "gb18030 1");
        check("标题,价格\n1,1\n2,2\n3,3\n4,4\n".as_bytes(), "TooManyRows(3)");
        check(b"", "Empty");
        check("标题,价格\n".as_bytes(), "Empty");
        check("标题\n茶\n".as_bytes(), "Columns(MissingColumns([\"price\"]))");
        check(b"\xFF\xFEt\0i\0", "Utf16");
        check(b"t\0i\0t\0l\0e\0", "Utf16");
        check(b"PK\x03\x04rest", "Workbook");
        check(b"title,price\n\xFF\xFF\xFF,1\n", "Unreadable");
        check(b"title,pri\0ce\nabcdefghijklmnopqrstuvwxyz,1\n", "Unreadable");
    }

    #[test]
    fn characters_on_the_edge_of_a_buffer_stay_whole() {
        let rows: String = (0..3).map(|_| format!("{},1\n", "千铺".repeat(9_000))).collect();
        let text = format!("标题,价格\n{rows}");
        for (bytes, encoding) in
            [(text.clone().into_bytes(), Encoding::Utf8), (gbk(&text), Encoding::Gb18030)]
        {
            let mut read = Rows::open(bytes.as_slice(), encoding).unwrap();
            read.next_row().unwrap();
            for number in 2..5 {
                let (row, cells) = read.next_row().unwrap().unwrap();
                assert_eq!((row, cells[0].chars().count(), cells[1].as_str()), (number, 18_000, "1"));
            }
            assert!(read.next_row().unwrap().is_none());
        }
    }
}
