//! The audit log as people use it: looking entries up, taking them along, and making sure that nobody changed them. The
//! entries themselves are written by every use case (`tenants::audit`).

use crate::app::hash_chains::{MOST_TENANTS, Watch};
use crate::error::{Answer, ApiError};
use crate::jobs::{Done, JobResult};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::audit::chain::{
    Broken, Head, chain_check, chain_from, chain_head, chain_links, tenants_with_entries,
};
use qianpu_tenants::audit::search::{
    AuditFilter, FoundEntry, audit_exceeds, audit_exceeds_provider, audit_people, audit_search,
    audit_search_provider,
};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::page::{Page, PageRequest};
use serde_json::json;

/// Links new entries to the chain of their tenant.
pub const CHAIN_JOB: &str = "audit.chain";
/// Most entries of one export.
pub const MOST_EXPORTED: u64 = 100_000;
/// How often somebody looks for entries to link.
pub const WATCH_EVERY: Span = Span::minutes(5);
/// How often they look far back, for what came very late.
pub const SWEEP_EVERY: Span = Span::days(1);
/// How far back the watch looks.
const WATCH_BACK: Span = Span::minutes(15);
/// How far back the sweep does.
const SWEEP_BACK: Span = Span::days(30);

/// Entries that fit, newest first.
pub async fn search(
    state: &AppState,
    grant: &Grant<perm::AuditRead>,
    filter: &AuditFilter,
    page: PageRequest,
) -> Answer<Page<FoundEntry>> {
    let tx = state.db.read(grant.ctx()).await?;
    if grant.ctx().kind() != Surface::Provider {
        return Ok(audit_search(&tx, filter, page).await?);
    }
    let people = audit_people(&tx).await?;
    drop(tx);
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(audit_search_provider(&tx, &people, filter, page).await?)
}

/// Notes that an export begins. Refused when more would come than one file holds.
pub async fn begin_export(
    state: &AppState,
    grant: &Grant<perm::AuditRead>,
    filter: &AuditFilter,
) -> Answer<()> {
    let tx = state.db.read(grant.ctx()).await?;
    let too_many = if grant.ctx().kind() == Surface::Provider {
        let people = audit_people(&tx).await?;
        drop(tx);
        let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
        audit_exceeds_provider(&tx, &people, filter, MOST_EXPORTED).await?
    } else {
        audit_exceeds(&tx, filter, MOST_EXPORTED).await?
    };
    if too_many {
        let en = format!("more than {MOST_EXPORTED} entries; choose a shorter time");
        let zh = format!("超过 {MOST_EXPORTED} 条，请缩短时间范围");
        return Err(FieldError::new("from", "too_many", en, zh).into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let tenant = grant.ctx().tenant().to_string();
    audit_append(&mut tx, AuditAction::AuditExported, "tenant", &tenant, json!({})).await?;
    Ok(tx.commit().await?)
}

/// The newest link of the tenant's chain.
pub async fn head(state: &AppState, grant: &Grant<perm::AuditRead>) -> Answer<Option<Head>> {
    Ok(chain_head(&*state.db.read(grant.ctx()).await?).await?)
}

/// What looking at a chain came to.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// How far it holds.
    pub head: Head,
    /// The first place where it does not.
    pub broken: Option<Broken>,
}

/// Links what has no link yet and looks at the whole chain.
pub async fn verify(
    state: &AppState,
    grant: &Grant<perm::AuditRead>,
    noted: Option<&Head>,
) -> Answer<Verdict> {
    verify_in(state, grant.ctx(), noted).await
}

/// The same for whoever runs the installation.
pub async fn verify_in(state: &AppState, ctx: &TenantCtx, noted: Option<&Head>) -> Answer<Verdict> {
    match link_all(state, ctx, true).await {
        // Somebody else links at this moment; what is linked can be looked at.
        Err(error) if error.code() == ErrorCode::Conflict => {}
        linked => linked?,
    }
    let mut head = Head::begin();
    loop {
        // One short transaction per batch: nobody waits for somebody who reads years.
        let tx = state.db.read(ctx).await?;
        match chain_check(&tx, &head, noted).await? {
            Err(broken) => return Ok(Verdict { head, broken: Some(broken) }),
            Ok(progress) => {
                head = progress.head;
                if !progress.more {
                    return Ok(Verdict { head, broken: None });
                }
            }
        }
    }
}

async fn link_all(state: &AppState, ctx: &TenantCtx, whole: bool) -> Answer<()> {
    let mut from = Some(chain_from(&*state.db.read(ctx).await?, whole).await?);
    while let Some(mark) = from {
        let mut tx = state.db.begin(ctx).await?;
        from = chain_links(&mut tx, mark).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// `audit.chain`: links the tenant's new entries.
pub async fn run_chain(state: &AppState, job: &ClaimedJob) -> JobResult {
    match link_all(state, &job.ctx, false).await {
        // Another one was quicker; the watch comes again.
        Err(error) if error.code() == ErrorCode::Conflict => Ok(Done::Nothing),
        done => {
            done?;
            Ok(Done::Nothing)
        }
    }
}

/// Begins linking for every tenant that wrote entries lately.
pub async fn watch(state: AppState) -> Answer<()> {
    look(&state, WATCH_BACK).await
}

/// The same with a long look back.
pub async fn sweep(state: AppState) -> Answer<()> {
    look(&state, SWEEP_BACK).await
}

async fn look(state: &AppState, back: Span) -> Answer<()> {
    let watch = Watch::new(state, "audit.watch");
    let since = state.clock().now().minus(back);
    let mut due = watch.operators().await?;
    for view in watch.providers().await? {
        let tx = state.db.read_provider(&view).await?;
        due.extend(tenants_with_entries(&tx, since, MOST_TENANTS).await?);
    }
    watch.begin(due, CHAIN_JOB).await
}

/// A head as people note it down, `position:hash`.
pub fn noted_head(text: &str) -> Result<Option<Head>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parts = text.split_once(':').and_then(|(position, hash)| {
        let hash = hash.trim().to_lowercase();
        let plain = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let position = position.trim().parse().ok().filter(|position: &i64| *position > 0);
        position.filter(|_| plain).map(|position| Head { position, hash })
    });
    parts.map(Some).ok_or_else(|| {
        let (en, zh) =
            ("a number, a colon and 64 hexadecimal digits", "格式为：序号、冒号和 64 位十六进制数字");
        FieldError::new("head", "invalid", en, zh).into()
    })
}
