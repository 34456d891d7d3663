//! Removing a merchant. What the provider's own rows say about it goes first, then its files, then every row of every
//! table of the catalogue in one transaction, but for what the law wants kept: the books and what they are made from,
//! and the log. People's names in what stays are taken out. The transaction also writes the listing, so that there
//! is no removal without one.

use super::plan;
use crate::app::{media, notices};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::ids::{DeletionId, MediaId, TenantId};
use qianpu_domain::time::Span;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::deletion::{DeletionTurn, deletion_get, deletion_turn};
use qianpu_tenants::store::directory::key_counts;
use qianpu_tenants::store::staff::staff_with_roles;
use qianpu_tenants::store::tenant::{TenantState, tenant_get, tenant_set};
use qianpu_tenants::whole::about::{about_count, about_delete};
use qianpu_tenants::whole::rows::{rows_count, rows_delete, rows_mask};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// The word the listing begins with, and the version of its description.
pub const FORMAT: &str = "qianpu-deletion";
pub const VERSION: u32 = 1;

const BOOKS: &str = "books and the vouchers they are made from, kept by law";

/// Tables whose rows stay, and why.
pub const KEPT: &[(&str, &str)] = &[
    ("tenants", "that it was here, without its name"),
    ("audit_entries", "who did what, without people's names"),
    ("audit_links", "the chain over it"),
    ("ledger_accounts", BOOKS),
    ("journals", BOOKS),
    ("journal_links", "the chain over them"),
    ("ledger_entries", BOOKS),
    ("ledger_pending", BOOKS),
    ("subscriptions", BOOKS),
    ("invoice_counters", BOOKS),
    ("invoices", BOOKS),
    ("invoice_lines", BOOKS),
    ("usage_events", BOOKS),
    ("usage_meters", BOOKS),
    ("usage_lines", BOOKS),
    ("plan_changes", BOOKS),
    ("credit_notes", BOOKS),
    ("credit_note_lines", BOOKS),
    ("deposits", BOOKS),
    ("deposit_cases", BOOKS),
    ("deposit_deductions", BOOKS),
    ("receipts", BOOKS),
    ("merchant_deletions", "this listing"),
];

/// What is taken out of rows that stay: table, column, what stands there instead.
pub const MASKED: &[(&str, &str, &str)] = &[
    ("tenants", "state_reason", "—"),
    ("audit_entries", "actor_name", "—"),
    ("deposit_cases", "opened_by_name", "—"),
    ("deposit_cases", "facts", "—"),
    ("deposit_cases", "appeal", "—"),
    ("deposit_cases", "appealed_by_name", "—"),
    ("deposit_cases", "reasons", "—"),
    ("deposit_cases", "decided_by_name", "—"),
    ("deposit_deductions", "reason", "—"),
    ("deposit_deductions", "by_name", "—"),
    ("merchant_deletions", "asked_by_name", "—"),
    ("merchant_deletions", "reason", "—"),
];

fn provider_of(ctx: &TenantCtx) -> Answer<TenantId> {
    ctx.provider().ok_or_else(ApiError::not_found)
}

async fn as_provider(state: &AppState, ctx: &TenantCtx) -> Answer<TenantCtx> {
    let system = SystemCtx::for_task("merchant.delete", ctx.request_id());
    Ok(TenantCtx::for_system(&state.db, &system, provider_of(ctx)?).await?)
}

fn folder(state: &AppState, merchant: TenantId) -> PathBuf {
    let file = media::place_in(&state.config.media_dir(), merchant, MediaId(merchant.0));
    file.parent().map(std::path::Path::to_owned).unwrap_or(file)
}

/// What is counted before anything goes: the provider's rows about the merchant, and its files.
pub async fn count_outside(state: &AppState, ctx: &TenantCtx) -> Answer<Value> {
    let provider = as_provider(state, ctx).await?;
    let rows = about_count(&*state.db.read(&provider).await?, ctx.tenant()).await?;
    let folder = folder(state, ctx.tenant());
    let files = super::pack::blocking(move || match std::fs::read_dir(&folder) {
        Ok(entries) => Ok(entries.count()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    })
    .await?;
    let rows: Vec<Value> =
        rows.into_iter().map(|(table, rows)| json!({ "table": table, "rows": rows })).collect();
    Ok(json!({ "provider_rows": rows, "files": files }))
}

/// Removes everything; answers when it is committed.
pub async fn erase(state: &AppState, ctx: &TenantCtx, id: DeletionId) -> Answer<()> {
    let provider = as_provider(state, ctx).await?;
    let mut tx = state.db.begin(&provider).await?;
    about_delete(&mut tx, ctx.tenant()).await?;
    tx.commit().await?;
    let folder = folder(state, ctx.tenant());
    super::pack::blocking(move || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
    .await?;
    erase_rows(state, ctx, id).await
}

async fn erase_rows(state: &AppState, ctx: &TenantCtx, id: DeletionId) -> Answer<()> {
    let mut tx = state.db.begin_erasing(ctx).await?;
    let deletion = deletion_get(&tx, id).await?;
    let owners = staff_with_roles(&tx, &[Role::MerchantOwner]).await?;
    let name = tenant_get(&tx).await?.name;
    let keys = key_counts(&tx).await?;
    let now = tx.now();
    let keep_until = now.plus(Span::days(state.config.deletion.keep_years.saturating_mul(365)));
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    // Backwards, so that no row goes before one that needs it.
    for table in qianpu_migrations::tables().iter().rev() {
        match KEPT.iter().find(|(kept, _)| *kept == table.name) {
            Some((_, reason)) => {
                let masked: Vec<&str> = MASKED
                    .iter()
                    .filter(|(of, ..)| *of == table.name)
                    .map(|(_, column, _)| *column)
                    .collect();
                let rows = rows_count(&tx, table.name).await?;
                if rows > 0 {
                    kept.push(
                        json!({ "table": table.name, "rows": rows, "reason": reason, "masked": masked }),
                    );
                }
            }
            None => {
                let rows = rows_delete(&mut tx, table.name).await?;
                if rows > 0 && table.name != plan::KEYS {
                    deleted.push(json!({ "table": table.name, "rows": rows }));
                }
            }
        }
    }
    // The letter below waits in the queue until it is sent.
    let reason = "the letter with this listing, until it is sent";
    if !owners.is_empty() {
        kept.push(json!({ "table": "jobs", "rows": owners.len(), "reason": reason, "masked": [] }));
    }
    for (table, column, instead) in MASKED {
        rows_mask(&mut tx, table, column, instead).await?;
    }
    let masked_name = format!("已删除商家 {}", &ctx.tenant().0.simple().to_string()[..8]);
    tenant_set(&mut tx, Some(&masked_name), None, Some(TenantState::Closed)).await?;
    let outside: Value = match deletion.outside.as_deref() {
        Some(text) => serde_json::from_str(text).map_err(|_| StoreError::Corrupt("deletions.outside"))?,
        None => Value::Null,
    };
    let proof = json!({
        "format": FORMAT,
        "format_version": VERSION,
        "deletion_id": id.to_string(),
        "merchant_id": ctx.tenant().to_string(),
        "provider_id": provider_of(ctx)?.to_string(),
        "asked_by": deletion.asked_by_kind,
        "asked_at": deletion.asked_at.to_string(),
        "deleted_at": now.to_string(),
        "keep_until": keep_until.to_string(),
        "deleted": deleted,
        "files_deleted": outside["files"],
        "directory_keys_released":
            keys.iter().map(|(kind, count)| json!({ "kind": kind, "count": count })).collect::<Vec<_>>(),
        "provider_rows_deleted": outside["provider_rows"],
        "kept": kept,
    });
    let text = serde_json::to_string_pretty(&proof).map_err(ApiError::internal)?;
    let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
    deletion_turn(&mut tx, id, &DeletionTurn::Done(&text, &sha256, keep_until)).await?;
    notices::deletion_done(state, &mut tx, &name, &owners, &proof, &sha256).await?;
    Ok(tx.commit().await?)
}
