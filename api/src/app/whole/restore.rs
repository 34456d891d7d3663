//! A merchant back from an archive, into the same or another installation, with its ids. Everything is looked at
//! before anything is written, and all rows come in one transaction: it is there as a whole, or not at all.
//!
//! Jobs, pushes and events are not replayed; what has to go on by itself is begun anew. Accounts come back without
//! their authorisation, so that none is active in two places.

use super::back::{Coming, Reading};
use super::format::{FileLine, Manifest, TablePart};
use super::unpack::{Lines, Part, Refused, Verified, parse, verify};
use super::{again, plan};
use crate::app::{categories, media};
use crate::auth::password;
use crate::error::ApiError;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::{CategoryId, MediaId, RequestId, TenantId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::directory::{self, key_insert, key_taken};
use qianpu_tenants::store::ledger_check::ledger_check;
use qianpu_tenants::whole::Shape;
use qianpu_tenants::whole::rows::{Row, rows_insert};
use qianpu_tenants::{random, resolve};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Rows written at once.
const PAGE: usize = 200;
const TASK: &str = "restore";

/// A sentence for whoever restores, in both languages.
#[derive(Debug, Clone)]
pub struct Why {
    pub en: String,
    pub zh: String,
}

impl Why {
    fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
    /// In the reader's language.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.zh, &self.en)
    }
    /// What is wrong inside of the archive; the place in it reads the same in every language.
    fn inside(en: impl Into<String>) -> Self {
        let en = en.into();
        let zh = format!("归档文件不完整、被改动过，或不是从这里导出的，请重新导出后再试（{en}）");
        Self { en, zh }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

fn lines(whys: &[Why]) -> String {
    whys.iter().map(Why::to_string).collect::<Vec<_>>().join("\n  ")
}

fn refused<T>(en: impl Into<String>, zh: impl Into<String>) -> Result<T, RestoreError> {
    Err(RestoreError::Refused(vec![Why::new(en, zh)]))
}

/// Why a merchant did not come back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The archive, or this installation, does not allow it: what to mend, one line each.
    #[error("nothing was restored:\n  {}", lines(.0))]
    Refused(Vec<Why>),
    /// It failed on our side.
    #[error("nothing was restored: {0}")]
    Failed(#[from] ApiError),
}

impl From<Refused> for RestoreError {
    fn from(refused: Refused) -> Self {
        Self::Refused(vec![Why::inside(refused.0)])
    }
}
impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        match error {
            // The archive's rows do not fit together, or this database's rules.
            StoreError::Conflict(what) => {
                Self::Refused(vec![Why::inside(format!("a row is there twice ({what})"))])
            }
            StoreError::Rule(text) => {
                Self::Refused(vec![Why::inside(format!("a row breaks a rule of the database: {text}"))])
            }
            StoreError::NotFound => {
                Self::Refused(vec![Why::inside("a row names another that is not in the archive")])
            }
            other => Self::Failed(other.into()),
        }
    }
}

/// A merchant that came back.
#[derive(Debug, Clone)]
pub struct Restored {
    pub merchant: TenantId,
    pub name: String,
    pub rows: u64,
    pub files: u64,
    /// What whoever restored it should know.
    pub remarks: Vec<Why>,
}

/// Brings a merchant back into the provider with this slug.
pub async fn restore(state: &AppState, archive: &Path, provider: &str) -> Result<Restored, RestoreError> {
    restore_into(state, archive, &provider_named(state, provider).await?).await
}

/// The provider with this slug, with a context in which the installation acts there.
pub async fn provider_named(state: &AppState, slug: &str) -> Result<TenantCtx, RestoreError> {
    let request = RequestId(state.new_id());
    let Some(found) = resolve::by_provider_slug(&state.db, slug, request).await? else {
        let en = format!("there is no provider {slug:?} in business here");
        return refused(en, format!("没有正常营业的服务商 {slug:?}"));
    };
    Ok(TenantCtx::for_system(&state.db, &SystemCtx::for_task(TASK, request), found.tenant()).await?)
}

/// Brings a merchant back into a provider; the context says who does it.
pub async fn restore_into(
    state: &AppState,
    archive: &Path,
    provider: &TenantCtx,
) -> Result<Restored, RestoreError> {
    let most = state.config.exports.max_restore_gigabytes.saturating_mul(1 << 30);
    let path = archive.to_owned();
    let verified = tokio::task::spawn_blocking(move || verify(&path, most)).await;
    let verified = verified.map_err(ApiError::internal)??;
    let id: TenantId = match verified.manifest.merchant.id.parse() {
        Ok(id) => id,
        Err(_) => return Err(RestoreError::Refused(vec![Why::inside("the manifest names no merchant")])),
    };
    let Some(ctx) = resolve::returning_merchant(&state.db, provider, id).await? else {
        let name = &verified.manifest.merchant.name;
        return refused(
            format!(
                "the merchant {name} ({id}) is here already; one that was deleted here comes back after \
                 qianpu purge-merchant only"
            ),
            format!("商家 {name}（{id}）已在本平台；在此注销过的商家需先执行 qianpu purge-merchant"),
        );
    };
    let staged = Staged::new(&state.config.media_dir(), id)?;
    let done = restore_in(state, &verified, &ctx, &staged).await;
    staged.clear();
    done
}

async fn restore_in(
    state: &AppState,
    verified: &Verified,
    ctx: &TenantCtx,
    staged: &Staged,
) -> Result<Restored, RestoreError> {
    let tree = categories::tree_of(&state.db, ctx).await?;
    let categories: HashMap<String, CategoryId> =
        tree.into_iter().map(|category| (category.code, category.id)).collect();
    let password_hash = password::hash(random::token()).await?;
    let again = again::terms(state, ctx).await?;
    let mut tx = state.db.begin(ctx).await?;
    let mut reading = Reading {
        ctx,
        provider: ctx.provider().map(|id| id.0).unwrap_or_default(),
        sealer: &state.keys.sealer,
        password_hash: &password_hash,
        categories: &categories,
        lost_categories: HashSet::new(),
        keys: HashSet::new(),
        hooks: Vec::new(),
        at: (String::new(), 0),
    };
    let shapes = plan::shapes(&tx).await?;
    let mut rows = 0;
    for (table, part) in verified.manifest.tables.iter().zip(&verified.tables) {
        let shape = shapes.iter().find(|shape| shape.table() == table.name);
        let shape = shape.ok_or_else(|| Refused(format!("there is no table {}", table.name)))?;
        rows += write_table(&mut tx, &mut reading, shape, table, (&verified.archive, part)).await?;
    }
    if let Some((kind, value, _)) = reading.keys.iter().next() {
        let en = format!("the key {kind} {value:?} points to no row of the archive");
        return Err(RestoreError::Refused(vec![Why::inside(en)]));
    }
    for (token, account) in &reading.hooks {
        key_insert(&mut tx, directory::ACCOUNT_HOOK, token, *account).await?;
    }
    let disorder = ledger_check(&tx).await?;
    if !disorder.is_empty() {
        let told = disorder
            .iter()
            .map(|found| Why::inside(format!("the books are not in order: {found:?}")))
            .collect();
        return Err(RestoreError::Refused(told));
    }
    again::begin(&mut tx, &again).await?;
    let (archive, list, first) = (verified.archive.clone(), verified.files.clone(), verified.first_file);
    let folder = staged.folder.clone();
    let files = tokio::task::spawn_blocking(move || unpack_files(&archive, &list, first, &folder)).await;
    let files = files.map_err(ApiError::internal)??;
    let manifest = &verified.manifest;
    let detail = json!({
        "rows": rows, "files": files, "made_in": manifest.made_in, "made_at": manifest.made_at,
        "content_sha256": manifest.content_sha256,
    });
    audit_append(&mut tx, AuditAction::MerchantRestored, "tenant", &ctx.tenant().to_string(), detail).await?;
    // Files first: a crash leaves files that no row names, and never rows without their files.
    staged.put().map_err(ApiError::internal)?;
    if let Err(error) = tx.commit().await {
        staged.take_back();
        return Err(error.into());
    }
    Ok(Restored {
        merchant: ctx.tenant(),
        name: manifest.merchant.name.clone(),
        rows,
        files,
        remarks: remarks(manifest, &reading),
    })
}

fn remarks(manifest: &Manifest, reading: &Reading<'_>) -> Vec<Why> {
    let mut remarks = Vec::new();
    let mut lost: Vec<&str> = reading.lost_categories.iter().map(String::as_str).collect();
    lost.sort_unstable();
    if !lost.is_empty() {
        remarks.push(Why::new(
            format!("categories that this provider does not have were left empty: {}", lost.join(", ")),
            format!("服务商没有以下类目，对应商品的类目已留空：{}", lost.join("、")),
        ));
    }
    let missing = manifest.files.missing;
    if missing > 0 {
        let zh = format!("导出时已有 {missing} 个文件缺失");
        remarks.push(Why::new(format!("{missing} files were missing when the archive was made"), zh));
    }
    let accounts = reading.hooks.len();
    if accounts > 0 {
        let zh = format!("{accounts} 个渠道账号需要重新授权");
        remarks.push(Why::new(format!("{accounts} channel accounts have to be authorised again"), zh));
    }
    let zh = "员工需要在登录页通过邮件重新设置密码";
    remarks.push(Why::new("people set a new password at the log-in page, by mail", zh));
    remarks
}

async fn write_table(
    tx: &mut TenantTx,
    reading: &mut Reading<'_>,
    shape: &Shape,
    table: &TablePart,
    (archive, part): (&Path, &Part),
) -> Result<u64, RestoreError> {
    let coming = Coming::of(shape, &table.columns)?;
    let mut lines = Lines::open(archive, part)?;
    let mut rows: Vec<Row> = Vec::new();
    let together = plan::together(&table.name).and_then(|column| shape.position(column));
    reading.at = (table.name.clone(), 0);
    loop {
        let row = match lines.next_line()? {
            Some(line) => {
                reading.at.1 += 1;
                Some(reading.row(shape, &coming, &line)?)
            }
            None => None,
        };
        let goes_on = match (together, rows.last(), &row) {
            (Some(at), Some(last), Some(row)) => last.get(at) == row.get(at),
            _ => false,
        };
        let full = rows.len() >= PAGE && !goes_on;
        if full || (row.is_none() && !rows.is_empty()) {
            if table.name == plan::KEYS {
                refuse_taken(tx, reading, shape, &rows).await?;
            }
            rows_insert(tx, shape, &coming.left_out, &rows).await?;
            rows.clear();
        }
        let Some(row) = row else { break };
        rows.push(row);
    }
    if reading.at.1 == table.rows {
        return Ok(table.rows);
    }
    let (found, told) = (reading.at.1, table.rows);
    Err(RestoreError::Refused(vec![Why::inside(format!("{} has {found} rows and not {told}", table.path()))]))
}

/// What people call a kind of key of the directory.
fn named(kind: &str) -> (&str, &str) {
    match kind {
        directory::LOGIN_EMAIL => ("log-in e-mail", "登录邮箱"),
        directory::SHOP_SLUG => ("address of a shop", "店铺网址"),
        directory::SHOP_NAME => ("name of a shop", "店铺名称"),
        directory::HOST => ("domain", "域名"),
        directory::EXTERNAL_ACCOUNT => ("channel account", "渠道账号"),
        other => (other, other),
    }
}

/// Everything of the directory that somebody has here already, in one list.
async fn refuse_taken(
    tx: &TenantTx,
    reading: &Reading<'_>,
    shape: &Shape,
    rows: &[Row],
) -> Result<(), RestoreError> {
    use qianpu_tenants::whole::Cell;
    let mut taken = Vec::new();
    let (kind_at, value_at) = (shape.position("kind"), shape.position("value"));
    for row in rows {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        let (Some(Cell::Text(kind)), Some(Cell::Text(value))) = (cell(kind_at), cell(value_at)) else {
            continue;
        };
        if key_taken(tx, kind, value).await? {
            let bare = value.strip_prefix(&format!("{}:", reading.provider.simple())).unwrap_or(value);
            let (en, zh) = named(kind);
            taken.push(Why::new(
                format!("the {en} {bare:?} is taken here; change or release it first"),
                format!("{zh}「{bare}」在本平台已被使用，请先更改或释放"),
            ));
        }
    }
    if taken.is_empty() { Ok(()) } else { Err(RestoreError::Refused(taken)) }
}

/// Writes the files of the archive into a folder, under their ids.
fn unpack_files(archive: &Path, list: &Part, first: Option<u64>, folder: &Path) -> Result<u64, Refused> {
    let Some(first) = first else { return Ok(0) };
    let mut lines = Lines::open(archive, list)?;
    let mut file = File::open(archive)?;
    let (mut offset, mut count) = (first, 0);
    while let Some(line) = lines.next_line()? {
        let line: FileLine = parse(&line, &list.path)?;
        if line.missing {
            continue;
        }
        let id = uuid::Uuid::try_parse(&line.id).map_err(|error| Refused(error.to_string()))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut to = File::create_new(folder.join(id.simple().to_string()))?;
        let mut hash = Sha256::new();
        copy(&mut (&file).take(line.bytes), &mut to, &mut hash)?;
        if hex::encode(hash.finalize()) != line.sha256 {
            return Err(Refused(format!("files/{} was changed while it was read", line.id)));
        }
        to.sync_all()?;
        // Data is filled up to whole blocks of 512 bytes, and the next header is one block.
        offset += line.bytes.div_ceil(512) * 512 + 512;
        count += 1;
    }
    Ok(count)
}

fn copy(from: &mut impl Read, to: &mut impl Write, hash: &mut Sha256) -> std::io::Result<()> {
    let mut block = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut block)?;
        let some = block.get(..read).unwrap_or_default();
        if some.is_empty() {
            return Ok(());
        }
        hash.update(some);
        to.write_all(some)?;
    }
}

/// The merchant's folder of files, beside its place until all is well.
struct Staged {
    folder: PathBuf,
    place: PathBuf,
}

impl Staged {
    fn new(media_dir: &Path, merchant: TenantId) -> Result<Self, RestoreError> {
        let file = media::place_in(media_dir, merchant, MediaId(merchant.0));
        let place = file.parent().unwrap_or(media_dir).to_owned();
        if place.exists() {
            let place = place.display();
            return refused(
                format!("{place} is there already: files of this merchant"),
                format!("{place} 已存在该商家的文件，请先移走"),
            );
        }
        let folder = place.with_extension("coming");
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).map_err(ApiError::internal)?;
        Ok(Self { folder, place })
    }
    fn put(&self) -> std::io::Result<()> {
        std::fs::rename(&self.folder, &self.place)
    }
    fn take_back(&self) {
        drop(std::fs::remove_dir_all(&self.place));
    }
    fn clear(&self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
