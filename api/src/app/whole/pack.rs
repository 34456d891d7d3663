//! Making an archive. The rows are written out of one snapshot, a page at a time, into a folder beside the archive
//! to be; then the files are hashed as they lie there; and at last all parts go into one tar file, which gets its
//! name when it is whole. Memory holds a page of rows and a block of a file, whatever the merchant's size.

use super::format::{
    FILES, FORMAT, FileLine, FilesPart, LeftOut, MANIFEST, Manifest, Named, TablePart, VERSION, Withheld,
    content_sha256, file_path,
};
use super::{plan, row};
use crate::app::{categories, media};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::ids::{CategoryId, MediaId, TenantId};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::tenant::tenant_get;
use qianpu_tenants::whole::Shape;
use qianpu_tenants::whole::rows::{rows_after, rows_count};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Rows read at once.
const PAGE: u64 = 200;
/// Bytes of a file read at once.
const BLOCK: usize = 64 * 1024;

/// An archive that was made.
#[derive(Debug, Clone)]
pub struct Packed {
    pub rows: u64,
    pub files: u64,
    pub missing_files: u64,
    pub size_bytes: u64,
    pub sha256: String,
    pub content_sha256: String,
}

/// Is told how many rows are written, of how many; false ends the work.
pub trait Progress {
    fn told(&mut self, done: u64, total: u64) -> impl Future<Output = Answer<bool>> + Send;
}

/// Nobody looks.
pub struct Unseen;

impl Progress for Unseen {
    async fn told(&mut self, _: u64, _: u64) -> Answer<bool> {
        Ok(true)
    }
}

/// Makes the archive of the merchant of `ctx` at `to`. A folder with the same name and `.parts` is used meanwhile.
pub async fn pack<P: Progress>(
    state: &AppState,
    ctx: &TenantCtx,
    to: &Path,
    progress: &mut P,
) -> Answer<Packed> {
    let parts = to.with_extension("parts");
    // What an earlier try that was cut off has left.
    let _ = tokio::fs::remove_dir_all(&parts).await;
    tokio::fs::create_dir_all(&parts).await.map_err(ApiError::internal)?;
    let made = pack_in(state, ctx, to, &parts, progress).await;
    let _ = tokio::fs::remove_dir_all(&parts).await;
    made
}

async fn pack_in<P: Progress>(
    state: &AppState,
    ctx: &TenantCtx,
    to: &Path,
    parts: &Path,
    progress: &mut P,
) -> Answer<Packed> {
    let tree = categories::tree_of(&state.db, ctx).await?;
    let categories: HashMap<CategoryId, String> =
        tree.into_iter().map(|category| (category.id, category.code)).collect();
    let parent = state.db.read_parent(ctx).await?;
    let provider = tenant_get(&parent).await?;
    drop(parent);
    let tx = state.db.snapshot(ctx).await?;
    let merchant = tenant_get(&tx).await?;
    let shapes = plan::shapes(&tx).await?;
    let mut total = 0;
    for shape in &shapes {
        total += u64::try_from(rows_count(&tx, shape.table()).await?).unwrap_or(0);
    }
    let writing = row::Writing { ctx, sealer: &state.keys.sealer, categories: &categories };
    let mut tables = Vec::new();
    let mut withheld = Vec::new();
    let mut counted = Counted { done: 0, total };
    for shape in &shapes {
        tables.push(write_table(&tx, &writing, shape, parts, &mut counted, progress).await?);
        withheld.extend(plan::withheld(shape).into_iter().map(|(column, reason)| Withheld {
            table: shape.table().to_owned(),
            column,
            reason: reason.to_owned(),
        }));
    }
    drop(tx);
    let folder = state.config.media_dir();
    let (own, tenant) = (parts.to_owned(), ctx.tenant());
    let files = blocking(move || list_files(&own, &folder, tenant)).await?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        format_version: VERSION,
        schema: qianpu_migrations::names(),
        made_by: format!("qianpu {}", env!("CARGO_PKG_VERSION")),
        made_at: state.clock().now().to_string(),
        made_in: state.config.app.public_url.clone(),
        provider: Named { id: provider.id.to_string(), name: provider.name },
        merchant: Named { id: merchant.id.to_string(), name: merchant.name },
        content_sha256: content_sha256(&tables, &files, plan::GOES_ON),
        tables,
        files,
        left_out: plan::LEFT_OUT
            .iter()
            .map(|(table, reason)| LeftOut { table: (*table).to_owned(), reason: (*reason).to_owned() })
            .collect(),
        withheld,
    };
    let rows = manifest.tables.iter().map(|table| table.rows).sum();
    let (count, missing) = (manifest.files.count, manifest.files.missing);
    let content_sha256 = manifest.content_sha256.clone();
    let (own, to, folder) = (parts.to_owned(), to.to_owned(), state.config.media_dir());
    let (size_bytes, sha256) = blocking(move || write_tar(&manifest, &own, &folder, tenant, &to)).await?;
    Ok(Packed { rows, files: count, missing_files: missing, size_bytes, sha256, content_sha256 })
}

/// Runs file work where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

struct Counted {
    done: u64,
    total: u64,
}

async fn write_table<P: Progress>(
    tx: &TenantTx,
    writing: &row::Writing<'_>,
    shape: &Shape,
    parts: &Path,
    counted: &mut Counted,
    progress: &mut P,
) -> Answer<TablePart> {
    let path = parts.join(format!("{}.jsonl", shape.table()));
    let file = tokio::fs::File::create(&path).await.map_err(ApiError::internal)?;
    let mut file = tokio::io::BufWriter::new(file);
    let (mut hash, mut rows, mut bytes) = (Sha256::new(), 0, 0);
    let mut last = None;
    loop {
        let page = rows_after(tx, shape, last.as_ref(), PAGE).await?;
        for row in &page {
            let Some(line) = row::line(writing, shape, row)? else { continue };
            let mut text = serde_json::to_vec(&line).map_err(ApiError::internal)?;
            text.push(b'\n');
            hash.update(&text);
            bytes += text.len() as u64;
            rows += 1;
            file.write_all(&text).await.map_err(ApiError::internal)?;
        }
        counted.done += page.len() as u64;
        let full = page.len() as u64 == PAGE;
        if !page.is_empty() && !progress.told(counted.done, counted.total.max(counted.done)).await? {
            return Err(ApiError::new(qianpu_domain::error::ErrorCode::Conflict));
        }
        last = page.into_iter().last();
        if !full {
            break;
        }
    }
    file.flush().await.map_err(ApiError::internal)?;
    Ok(TablePart {
        name: shape.table().to_owned(),
        rows,
        bytes,
        sha256: hex::encode(hash.finalize()),
        columns: plan::written(shape).map(|(_, column, _)| column.name.clone()).collect(),
    })
}

/// Writes `files.jsonl`: each file that a row of `media` names, with the hash of what lies there.
fn list_files(parts: &Path, folder: &Path, tenant: TenantId) -> std::io::Result<FilesPart> {
    let rows = BufReader::new(std::fs::File::open(parts.join("media.jsonl"))?);
    let mut list = BufWriter::new(std::fs::File::create(parts.join(FILES))?);
    let mut part = FilesPart { bytes: 0, sha256: String::new(), count: 0, missing: 0, total_bytes: 0 };
    let mut hash = Sha256::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(&row?)?;
        let id = row["id"].as_str().and_then(|id| uuid::Uuid::try_parse(id).ok());
        let id = id.ok_or_else(|| std::io::Error::other("a file without an id"))?;
        let line = look(&media::place_in(folder, tenant, MediaId(id)), &row, id)?;
        if line.missing {
            part.missing += 1;
        } else {
            part.count += 1;
            part.total_bytes += line.bytes;
        }
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        hash.update(&text);
        part.bytes += text.len() as u64;
        list.write_all(&text)?;
    }
    list.flush()?;
    part.sha256 = hex::encode(hash.finalize());
    Ok(part)
}

fn look(path: &Path, row: &Value, id: uuid::Uuid) -> std::io::Result<FileLine> {
    use base64::Engine;
    let stored = row["sha256"].as_str().unwrap_or_default();
    let stored = base64::engine::general_purpose::STANDARD.decode(stored).unwrap_or_default();
    let mut line = FileLine {
        id: id.simple().to_string(),
        bytes: row["size_bytes"].as_u64().unwrap_or(0),
        sha256: hex::encode(&stored),
        missing: true,
    };
    match std::fs::File::open(path) {
        Ok(file) => {
            let mut hash = Hashing { inner: std::io::sink(), hash: Sha256::new(), bytes: 0 };
            std::io::copy(&mut BufReader::with_capacity(BLOCK, file), &mut hash)?;
            line.missing = hash.bytes != line.bytes || hash.hash.finalize().as_slice() != stored.as_slice();
            Ok(line)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(line),
        Err(error) => Err(error),
    }
}

/// Counts and hashes what is written through it.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, some: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(some)?;
        self.hash.update(some.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Puts the parts into one file; its size and SHA-256.
fn write_tar(
    manifest: &Manifest,
    parts: &Path,
    folder: &Path,
    tenant: TenantId,
    to: &Path,
) -> std::io::Result<(u64, String)> {
    let part: PathBuf = to.with_extension("part");
    let file = BufWriter::with_capacity(BLOCK, std::fs::File::create(&part)?);
    let mut tar = tar::Builder::new(Hashing { inner: file, hash: Sha256::new(), bytes: 0 });
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    append(&mut tar, MANIFEST, text.len() as u64, text.as_slice())?;
    let list = std::fs::File::open(parts.join(FILES))?;
    append(&mut tar, FILES, manifest.files.bytes, list)?;
    for table in &manifest.tables {
        let rows = std::fs::File::open(parts.join(format!("{}.jsonl", table.name)))?;
        append(&mut tar, &table.path(), table.bytes, rows)?;
    }
    for line in BufReader::new(std::fs::File::open(parts.join(FILES))?).lines() {
        let line: FileLine = serde_json::from_str(&line?)?;
        if line.missing {
            continue;
        }
        let id = uuid::Uuid::try_parse(&line.id).map_err(std::io::Error::other)?;
        let file = std::fs::File::open(media::place_in(folder, tenant, MediaId(id)))?;
        append(&mut tar, &file_path(&line.id), line.bytes, file)?;
    }
    let mut out = tar.into_inner()?;
    out.flush()?;
    let file = out.inner.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    std::fs::rename(&part, to)?;
    Ok((out.bytes, hex::encode(out.hash.finalize())))
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    bytes: u64,
    from: impl Read,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::Regular);
    let mut exact = from.take(bytes);
    tar.append_data(&mut header, path, &mut exact)?;
    if exact.limit() == 0 { Ok(()) } else { Err(std::io::Error::other(format!("{path} became shorter"))) }
}
