//! `qianpu export-merchant` and `restore-merchant`: a merchant as one file, and back from it, by whoever runs the
//! installation.

use crate::app::whole::pack::{Progress, pack};
use crate::app::whole::restorations;
use crate::app::whole::restore::{provider_named, restore_into};
use crate::config::Config;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use anyhow::Context;
use clap::Args;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::store::tenant::tenant_list_of_kind;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The options of `export-merchant`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The merchant's id, `ten_…`; its page in the provider's console shows it.
    pub merchant: String,
    /// The archive to write; must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

const TASK: &str = "command line";

async fn acting(state: &AppState, merchant: &str) -> anyhow::Result<TenantCtx> {
    let id: TenantId = merchant.parse().context("the merchant's id")?;
    let system = SystemCtx::for_task(TASK, RequestId(state.new_id()));
    let ctx = TenantCtx::for_system(&state.db, &system, id).await;
    let ctx = ctx.with_context(|| format!("looking for {merchant}"))?;
    anyhow::ensure!(ctx.kind() == Surface::Merchant, "{merchant} is no merchant");
    Ok(ctx)
}

/// Makes the archive; answers with what it is.
pub async fn export(state: &AppState, args: &ExportArgs) -> anyhow::Result<String> {
    anyhow::ensure!(!args.out.exists(), "{} is there already", args.out.display());
    let ctx = acting(state, &args.merchant).await?;
    let mut shown = Shown { last: Instant::now() };
    let packed = pack(state, &ctx, &args.out, &mut shown).await.map_err(|error| told(&error))?;
    let mut tx = state.db.begin(&ctx).await?;
    let detail = json!({ "rows": packed.rows, "files": packed.files, "sha256": packed.sha256 });
    audit_append(&mut tx, AuditAction::ExportReady, "export", "", detail).await?;
    tx.commit().await?;
    let mut text = format!(
        "{}\n  rows     {}\n  files    {}\n  bytes    {}\n  sha256   {}\n  content  {}",
        args.out.display(),
        packed.rows,
        packed.files,
        packed.size_bytes,
        packed.sha256,
        packed.content_sha256
    );
    if packed.missing_files > 0 {
        text.push_str(&format!(
            "\n  {} files were missing or damaged and are not in it",
            packed.missing_files
        ));
    }
    Ok(text)
}

fn told(error: &ApiError) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// Says on standard error how far it is.
struct Shown {
    last: Instant,
}

impl Progress for Shown {
    async fn told(&mut self, done: u64, total: u64) -> Answer<bool> {
        if self.last.elapsed() > Duration::from_secs(2) {
            self.last = Instant::now();
            drop(writeln!(std::io::stderr(), "{done} of {total} rows"));
        }
        Ok(true)
    }
}

/// The options of `restore-merchant`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The archive.
    pub archive: PathBuf,
    /// The provider that takes the merchant: the word in the address of its application page.
    #[arg(long, value_name = "SLUG")]
    pub provider: String,
}

/// The operator, whose log says what its commands did.
async fn operator(state: &AppState) -> anyhow::Result<Option<TenantCtx>> {
    let system = SystemCtx::for_task(TASK, RequestId(state.new_id()));
    let lookup = state.db.begin_lookup(&system).await?;
    let found = tenant_list_of_kind(&lookup, Surface::Operator, 1).await?;
    drop(lookup);
    let Some(operator) = found.first() else { return Ok(None) };
    Ok(Some(TenantCtx::for_system(&state.db, &system, operator.id).await?))
}

/// Brings the merchant back; answers with what came.
pub async fn bring_back(state: &AppState, args: &RestoreArgs) -> anyhow::Result<String> {
    let provider = provider_named(state, &args.provider).await?;
    let done = restore_into(state, &args.archive, &provider).await;
    let mut logs = vec![provider];
    logs.extend(operator(state).await?);
    restorations::note(state, &logs, &done).await.map_err(|error| told(&error))?;
    let done = done?;
    let mut text = format!(
        "{} is here again\n  merchant  {}\n  rows      {}\n  files     {}",
        done.name, done.merchant, done.rows, done.files
    );
    for remark in &done.remarks {
        text.push_str(&format!("\n  - {remark}"));
    }
    Ok(text)
}

/// The options of `purge-merchant`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// The merchant's id, `ten_…`.
    pub merchant: String,
}

/// Removes what was kept of a deleted merchant; answers with what.
pub async fn purge(config: &Config, args: &PurgeArgs) -> anyhow::Result<String> {
    let id: TenantId = args.merchant.parse().context("the merchant's id")?;
    let own = config.database_url();
    let admin = config.database.admin_url.reveal();
    let url = if admin.is_empty() { own.as_str() } else { admin };
    let now = Clock::system().now().micros();
    let removed = qianpu_migrations::purge(url, &id.0.simple().to_string(), now).await?;
    let lines = removed.iter().map(|(table, rows)| format!("  {table}  {rows}"));
    Ok(format!("{} is purged\n{}", args.merchant, lines.collect::<Vec<_>>().join("\n")))
}
