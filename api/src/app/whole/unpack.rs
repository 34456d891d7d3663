//! Reading an archive that may come from anybody. Before a row of it is looked at, the whole file is gone through
//! once: every part stands where the manifest says, is as long and has the hash it says, and nothing else is there.
//! Then parts are read in place by their offset; no path of an archive is ever used as a path.

use super::format::{
    FILES, FORMAT, FileLine, MANIFEST, MOST_LINE, MOST_MANIFEST, Manifest, VERSION, content_sha256, file_path,
};
use super::plan;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const BLOCK: usize = 64 * 1024;
/// Entries an archive may have.
const MOST_ENTRIES: u64 = 2_000_000;

/// Why an archive is not accepted, for whoever handed it in.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self(format!("the archive cannot be read: {error}"))
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(why.into()))
}

/// Where a part lies in the archive.
#[derive(Debug, Clone)]
pub struct Part {
    pub path: String,
    pub offset: u64,
    pub bytes: u64,
}

/// An archive that is what its manifest says.
#[derive(Debug)]
pub struct Verified {
    pub archive: PathBuf,
    pub manifest: Manifest,
    pub files: Part,
    /// In the order of the manifest.
    pub tables: Vec<Part>,
    /// Where the first file begins, if there is one.
    pub first_file: Option<u64>,
}

/// Goes through the whole archive.
pub fn verify(archive: &Path, most_bytes: u64) -> Result<Verified, Refused> {
    let file = File::open(archive)?;
    let bytes = file.metadata()?.len();
    if bytes > most_bytes {
        return refuse(format!(
            "the archive has {bytes} bytes, more than the {most_bytes} that are accepted"
        ));
    }
    let mut tar = tar::Archive::new(BufReader::with_capacity(BLOCK, file));
    // Raw: a header that changes what follows it (a long name, a sparse map) is an entry like any other, and
    // refused like any that is no plain file.
    let mut walk = Walk(tar.entries()?.raw(true));
    let Some(mut first) = walk.next(MANIFEST)? else { return refuse("the archive is empty") };
    let manifest = read_manifest(&mut first)?;
    drop(first);
    check_manifest(&manifest)?;

    let files = walk.expect(FILES, manifest.files.bytes, &manifest.files.sha256)?;
    let mut tables = Vec::new();
    for table in &manifest.tables {
        tables.push(walk.expect(&table.path(), table.bytes, &table.sha256)?);
    }
    let mut first_file = None;
    let (mut count, mut missing, mut total) = (0_u64, 0_u64, 0_u64);
    let mut seen = BTreeSet::new();
    let mut list = Lines::open(archive, &files)?;
    while let Some(line) = list.next_line()? {
        let line: FileLine = parse(&line, FILES)?;
        check_file_line(&line)?;
        if count + missing >= MOST_ENTRIES || !seen.insert(line.id.clone()) {
            return refuse(format!("{FILES}: {} is there twice, or there are too many", line.id));
        }
        if line.missing {
            missing += 1;
            continue;
        }
        let part = walk.expect(&file_path(&line.id), line.bytes, &line.sha256)?;
        first_file.get_or_insert(part.offset);
        count += 1;
        total = total.saturating_add(line.bytes);
    }
    if (count, missing, total) != (manifest.files.count, manifest.files.missing, manifest.files.total_bytes) {
        return refuse("the files are not as many, or not as large, as the manifest says");
    }
    if let Some(entry) = walk.0.next().transpose()? {
        return refuse(format!("{} follows the last part of the manifest", Entry(entry).checked_path()?));
    }
    Ok(Verified { archive: archive.to_owned(), manifest, files, tables, first_file })
}

type Raw<'a> = tar::Entry<'a, BufReader<File>>;

struct Entry<'a>(Raw<'a>);

impl Entry<'_> {
    fn checked_path(&self) -> Result<String, Refused> {
        let path = String::from_utf8_lossy(&self.0.path_bytes()).into_owned();
        if self.0.header().entry_type() != tar::EntryType::Regular {
            return refuse(format!("{path:?} is no plain file"));
        }
        let plain = path.split('/').all(|part| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        });
        if plain { Ok(path) } else { refuse(format!("{path:?} is no path of an archive")) }
    }
}

/// The entries in the order in which they have to come.
struct Walk<'a>(tar::Entries<'a, BufReader<File>>);

impl<'a> Walk<'a> {
    fn next(&mut self, wanted: &str) -> Result<Option<Entry<'a>>, Refused> {
        let Some(entry) = self.0.next().transpose()? else { return Ok(None) };
        let entry = Entry(entry);
        let path = entry.checked_path()?;
        if path == wanted { Ok(Some(entry)) } else { refuse(format!("{path} stands where {wanted} has to")) }
    }

    fn expect(&mut self, path: &str, bytes: u64, sha256: &str) -> Result<Part, Refused> {
        let Some(mut entry) = self.next(path)? else { return refuse(format!("{path} is missing")) };
        let offset = entry.0.raw_file_position();
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK];
        let mut read_bytes = 0_u64;
        loop {
            let read = entry.0.read(&mut block)?;
            if read == 0 {
                break;
            }
            read_bytes += read as u64;
            hash.update(block.get(..read).unwrap_or_default());
        }
        if read_bytes != bytes {
            return refuse(format!("{path} has {read_bytes} bytes and not {bytes} as the manifest says"));
        }
        if hex::encode(hash.finalize()) != sha256 {
            return refuse(format!("{path} was changed: its SHA-256 is not the manifest's"));
        }
        Ok(Part { path: path.to_owned(), offset, bytes })
    }
}

fn read_manifest(entry: &mut Entry<'_>) -> Result<Manifest, Refused> {
    let mut text = Vec::new();
    entry.0.by_ref().take(MOST_MANIFEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST_MANIFEST {
        return refuse(format!("the manifest is larger than {MOST_MANIFEST} bytes"));
    }
    // The two words first, so that a later format is told as such and not as an unknown field.
    let value: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| Refused(format!("{MANIFEST}: {error}")))?;
    if value["format"] != FORMAT {
        return refuse(format!("this is no archive of a merchant: the format is {}", value["format"]));
    }
    if value["format_version"] != VERSION {
        return refuse(format!("format version {} is not known here; {VERSION} is", value["format_version"]));
    }
    serde_json::from_value(value).map_err(|error| Refused(format!("{MANIFEST}: {error}")))
}

fn check_manifest(manifest: &Manifest) -> Result<(), Refused> {
    let known = qianpu_migrations::names();
    let newer: Vec<&String> = manifest.schema.iter().filter(|name| !known.contains(name)).collect();
    if !newer.is_empty() {
        return refuse(format!(
            "it was made by another release: {newer:?} are not known here; upgrade first"
        ));
    }
    let tables: Vec<&str> = plan::tables().iter().map(|table| table.name).collect();
    let mut last = None;
    for table in &manifest.tables {
        let at = tables.iter().position(|known| *known == table.name);
        let Some(at) = at else { return refuse(format!("there is no table {:?} in an archive", table.name)) };
        if last.is_some_and(|last| at <= last) {
            return refuse(format!("{} stands where it cannot be written", table.name));
        }
        last = Some(at);
    }
    if manifest.tables.first().is_none_or(|table| table.name != "tenants" || table.rows != 1) {
        return refuse("the first table has to be the merchant itself, one row");
    }
    let content = content_sha256(&manifest.tables, &manifest.files, plan::GOES_ON);
    if content == manifest.content_sha256 {
        Ok(())
    } else {
        refuse("content_sha256 is not that of the parts")
    }
}

fn check_file_line(line: &FileLine) -> Result<(), Refused> {
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    if hex(&line.id, 32) && hex(&line.sha256, 64) {
        return Ok(());
    }
    refuse(format!("{FILES}: {:?} is no file's id, or its SHA-256 is none", line.id))
}

/// A line of JSON.
pub fn parse<T: serde::de::DeserializeOwned>(line: &str, path: &str) -> Result<T, Refused> {
    serde_json::from_str(line).map_err(|error| Refused(format!("{path}: {error}")))
}

/// The lines of a part, one at a time.
pub struct Lines {
    path: String,
    read: std::io::Take<BufReader<File>>,
}

impl Lines {
    pub fn open(archive: &Path, part: &Part) -> Result<Self, Refused> {
        let mut file = File::open(archive)?;
        file.seek(SeekFrom::Start(part.offset))?;
        let read = BufReader::with_capacity(BLOCK, file).take(part.bytes);
        Ok(Self { path: part.path.clone(), read })
    }

    pub fn next_line(&mut self) -> Result<Option<String>, Refused> {
        let mut line = Vec::new();
        let read = self.read.by_ref().take(MOST_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return refuse(format!(
                "{}: a line is longer than {MOST_LINE} bytes, or does not end",
                self.path
            ));
        }
        let text = String::from_utf8(line);
        text.map(Some).map_err(|_| Refused(format!("{}: a line is not UTF-8", self.path)))
    }
}
