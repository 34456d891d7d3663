//! `qianpu audit verify`: whether anybody changed an audit log, by whoever runs the installation.

use crate::app::audit::{noted_head, verify_in};
use crate::state::AppState;
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_tenants::audit::chain::Head;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::store::tenant::tenant_list_of_kind;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Look for entries that were changed or removed; ends with a failure when there are any.
    Verify(VerifyArgs),
}

/// The options of `audit verify`.
#[derive(Debug, Default, Args)]
pub struct VerifyArgs {
    /// One tenant's log, `ten_…`; otherwise every tenant's.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// A head that was noted down before, `position:hash`; with --tenant.
    #[arg(long, value_name = "HEAD", requires = "tenant")]
    pub head: Option<String>,
}

/// Most tenants of a kind that are looked at.
const MOST_TENANTS: u64 = 100_000;

/// Looks; answers with a line for each log, and fails when one was changed.
pub async fn verify(state: &AppState, args: &VerifyArgs) -> anyhow::Result<String> {
    let system = SystemCtx::for_task("command line", RequestId(state.new_id()));
    let noted = noted_head(args.head.as_deref().unwrap_or_default());
    let noted = noted.map_err(|_| anyhow!("--head: expected position:hash"))?;
    let tenants: Vec<TenantId> = match &args.tenant {
        Some(tenant) => vec![tenant.parse().context("the tenant's id")?],
        None => {
            let lookup = state.db.begin_lookup(&system).await?;
            let mut all = Vec::new();
            for kind in [Surface::Operator, Surface::Provider, Surface::Merchant] {
                let rows = tenant_list_of_kind(&lookup, kind, MOST_TENANTS).await?;
                all.extend(rows.into_iter().map(|row| row.id));
            }
            all
        }
    };
    let (mut lines, mut wrong) = (Vec::new(), 0);
    for tenant in tenants {
        let ctx = TenantCtx::for_system(&state.db, &system, tenant).await;
        let ctx = ctx.with_context(|| format!("looking for {tenant}"))?;
        let verdict =
            verify_in(state, &ctx, noted.as_ref()).await.map_err(|error| anyhow!("{tenant}: {error}"))?;
        let Head { position, hash } = verdict.head;
        lines.push(match verdict.broken {
            None => format!("{tenant}  intact  {position}:{hash}"),
            Some(broken) => {
                wrong += 1;
                let entry = broken.entry.map_or_else(String::new, |entry| format!(" ({entry})"));
                format!("{tenant}  BROKEN at {}: {}{entry}", broken.position, broken.fault)
            }
        });
    }
    let told = lines.join("\n");
    anyhow::ensure!(wrong == 0, "{told}\n{wrong} of the logs were changed");
    Ok(told)
}
