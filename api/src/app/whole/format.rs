//! How an archive looks: a plain tar file, never compressed, so that what is in it is no larger than itself.
//! First `manifest.json`, then `files.jsonl`, then `tables/<name>.jsonl` in the order of the manifest, then
//! `files/<id>`. The manifest has the size and the SHA-256 of every part before them, and `files.jsonl` of every file.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The word every archive begins with.
pub const FORMAT: &str = "qianpu-merchant";
/// The version of this description. A reader refuses another one.
pub const VERSION: u32 = 1;
pub const MANIFEST: &str = "manifest.json";
pub const FILES: &str = "files.jsonl";
/// The largest manifest that is read.
pub const MOST_MANIFEST: u64 = 4 * 1024 * 1024;
/// The longest line that is read.
pub const MOST_LINE: usize = 8 * 1024 * 1024;

/// `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub format_version: u32,
    /// Names of the migrations behind the tables, oldest first.
    pub schema: Vec<String>,
    /// Program and release.
    pub made_by: String,
    pub made_at: String,
    /// Address of the installation it was made in.
    pub made_in: String,
    pub provider: Named,
    pub merchant: Named,
    /// The same for the same content, wherever and whenever it was made.
    pub content_sha256: String,
    pub tables: Vec<TablePart>,
    pub files: FilesPart,
    pub left_out: Vec<LeftOut>,
    pub withheld: Vec<Withheld>,
}

/// A tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub id: String,
    pub name: String,
}

/// A table's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePart {
    pub name: String,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
    pub columns: Vec<String>,
}

impl TablePart {
    pub fn path(&self) -> String {
        format!("tables/{}.jsonl", self.name)
    }
}

/// `files.jsonl`, and what the files come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesPart {
    pub bytes: u64,
    pub sha256: String,
    /// Files in the archive.
    pub count: u64,
    /// Files that a row names and that were not there, or not as they were stored.
    pub missing: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
}

/// A line of `files.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileLine {
    /// 32 hexadecimal digits; the file is `files/<id>`.
    pub id: String,
    pub bytes: u64,
    pub sha256: String,
    /// True when it was not there, or not as it was stored: then it is not in the archive.
    pub missing: bool,
}

/// A table that is not in the archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub table: String,
    pub reason: String,
}

/// A column that is not in the archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    pub table: String,
    pub column: String,
    pub reason: String,
}

/// The path of a file in the archive.
pub fn file_path(id: &str) -> String {
    format!("files/{id}")
}

/// The hash over the content: of each line `<path> <sha256>\n` of tables and `files.jsonl`, but of the tables that
/// grow by an export itself.
pub fn content_sha256(tables: &[TablePart], files: &FilesPart, goes_on: &[&str]) -> String {
    let mut hash = Sha256::new();
    for table in tables.iter().filter(|table| !goes_on.contains(&table.name.as_str())) {
        hash.update(format!("{} {}\n", table.path(), table.sha256));
    }
    hash.update(format!("{FILES} {}\n", files.sha256));
    hex::encode(hash.finalize())
}
