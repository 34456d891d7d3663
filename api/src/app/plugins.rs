//! Third-party plugins, for the operator's people: what is there, taking a version in, putting one in force after
//! agreeing to the hosts it asks for, going back. And the folder whose files are taken in.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::web::Bytes;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_host::plugins::{Plugin, PluginError, Plugins, Refused, ReleaseRecord, ReleaseState};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::resolve::{LinkedAccounts, linked_accounts};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub use qianpu_host::plugins::LARGEST as UPLOAD_LIMIT;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

type Manages = Grant<perm::PluginManage>;

/// What there is.
#[derive(Debug)]
pub struct Overview {
    /// Each with the accounts that are linked through its channel.
    pub plugins: Vec<(Plugin, LinkedAccounts)>,
    pub refused: Vec<Refused>,
}

/// Every plugin, and the files of the folder that were not taken.
pub async fn overview(state: &AppState, grant: &Manages) -> Answer<Overview> {
    let plugins = &state.channels.plugins;
    let list = plugins.list();
    let slugs: Vec<String> = list.iter().map(|plugin| plugin.slug.clone()).collect();
    let linked = linked_accounts(&state.db, grant, &slugs).await?;
    Ok(Overview { plugins: list.into_iter().zip(linked).collect(), refused: plugins.refused() })
}

/// Refuses while accounts are linked through the channel, unless whoever asks was told and goes on.
async fn unused(state: &AppState, grant: &Manages, slug: &str, even_with_accounts: bool) -> Answer<()> {
    if even_with_accounts {
        return Ok(());
    }
    let linked = linked_accounts(&state.db, grant, &[slug.to_owned()]).await?.pop().unwrap_or_default();
    if linked.accounts == 0 {
        return Ok(());
    }
    let counts = vec![("accounts", linked.accounts.to_string()), ("merchants", linked.merchants.to_string())];
    Err(ApiError::new(ErrorCode::PluginInUse).with_text("plugins.in_use", counts))
}

/// Reading, compiling and writing block.
async fn off<T: Send + 'static>(
    state: &AppState,
    run: impl FnOnce(&Plugins) -> Result<T, PluginError> + Send + 'static,
) -> Answer<T> {
    let plugins = state.channels.plugins.clone();
    let done = tokio::task::spawn_blocking(move || run(&plugins)).await.map_err(ApiError::internal)?;
    done.map_err(told)
}

fn told(error: PluginError) -> ApiError {
    match error {
        PluginError::Unusable(reason) => {
            let zh = format!("该文件不是可用的插件：{reason}");
            ApiError::field(FieldError::new("file", "unusable", &reason, &zh))
        }
        PluginError::NotFound => ApiError::not_found(),
        PluginError::InForce => refused("plugins.in_force"),
        PluginError::NothingBefore => refused("plugins.nothing_before"),
        PluginError::OtherHosts => refused("plugins.other_hosts"),
        PluginError::Full => refused("plugins.full"),
        PluginError::Disk(error) => ApiError::internal(error),
    }
}

fn refused(key: &'static str) -> ApiError {
    ApiError::new(ErrorCode::PluginRefused).with_text(key, Vec::new())
}

async fn note(
    state: &AppState,
    grant: &Manages,
    action: AuditAction,
    slug: &str,
    detail: Value,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    audit_append(&mut tx, action, "plugin", slug, detail).await?;
    tx.commit().await?;
    Ok(())
}

fn named(release: &ReleaseRecord) -> Value {
    json!({ "version": release.version, "sha256": release.sha256, "hosts": release.hosts })
}

/// Takes a version in. It does nothing until it is put in force.
pub async fn add(state: &AppState, grant: &Manages, file: Bytes) -> Answer<ReleaseRecord> {
    let (by, now) = (grant.ctx().actor().audit_parts().2, state.clock().now());
    let release = off(state, move |plugins| plugins.add(&file, &by, now)).await?;
    note(state, grant, AuditAction::PluginAdded, &release.slug, named(&release)).await?;
    Ok(release)
}

/// Puts a version in force: `hosts` are those that the person saw and agreed to.
pub async fn activate(
    state: &AppState,
    grant: &Manages,
    slug: &str,
    sha256: &str,
    hosts: &[String],
) -> Answer<ReleaseRecord> {
    let (slug, sha256, hosts) = (slug.to_owned(), sha256.to_owned(), hosts.to_vec());
    let release = off(state, move |plugins| plugins.activate(&slug, &sha256, &hosts)).await?;
    note(state, grant, AuditAction::PluginActivated, &release.slug, named(&release)).await?;
    Ok(release)
}

/// Puts the version before in force again. It was agreed to before.
pub async fn roll_back(state: &AppState, grant: &Manages, slug: &str) -> Answer<ReleaseRecord> {
    let slug = slug.to_owned();
    let release = off(state, move |plugins| plugins.roll_back(&slug)).await?;
    note(state, grant, AuditAction::PluginRolledBack, &release.slug, named(&release)).await?;
    Ok(release)
}

/// Takes a plugin out of force. Work of its accounts waits, or goes on with the built-in channel of the same slug.
pub async fn stop(state: &AppState, grant: &Manages, slug: &str, even_with_accounts: bool) -> Answer<()> {
    let listed = state.channels.plugins.list();
    let in_force = |plugin: &Plugin| plugin.releases.iter().any(|(_, state)| *state == ReleaseState::Active);
    if !listed.iter().any(|plugin| plugin.slug == slug && in_force(plugin)) {
        return Err(ApiError::not_found());
    }
    unused(state, grant, slug, even_with_accounts).await?;
    let own = slug.to_owned();
    off(state, move |plugins| plugins.stop(&own)).await?;
    note(state, grant, AuditAction::PluginStopped, slug, json!({})).await
}

/// Removes a version that is not in force. After the last one of a plugin nothing can be put in force any more.
pub async fn remove(
    state: &AppState,
    grant: &Manages,
    slug: &str,
    sha256: &str,
    even_with_accounts: bool,
) -> Answer<()> {
    let listed = state.channels.plugins.list();
    let last = listed.iter().find(|plugin| plugin.slug == slug && !plugin.replaces_built_in);
    if last.is_some_and(|plugin| {
        matches!(plugin.releases.as_slice(), [(only, state)]
        if only.sha256 == sha256 && *state != ReleaseState::Active)
    }) {
        unused(state, grant, slug, even_with_accounts).await?;
    }
    let (own, sha256) = (slug.to_owned(), sha256.to_owned());
    let release = off(state, move |plugins| plugins.remove_release(&own, &sha256)).await?;
    note(state, grant, AuditAction::PluginRemoved, slug, named(&release)).await
}

/// Puts in force what was when the program ended.
pub async fn start(state: &AppState) {
    if let Err(error) = off(state, Plugins::start).await {
        tracing::error!(error = ?error.internal_text(), "the plugins cannot be started");
    }
}

/// Looks at the folder until the program ends. What came that way stands in the log; nobody's name does.
pub async fn watch(state: AppState) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while state.is_ready() {
        looks.tick().await;
        look(&state).await;
    }
}

/// Looks at the folder once.
pub async fn look(state: &AppState) {
    let (plugins, now) = (Arc::clone(&state.channels.plugins), state.clock().now());
    match tokio::task::spawn_blocking(move || plugins.scan(now)).await {
        Ok(taken) => {
            for release in taken {
                tracing::info!(plugin = %release.slug, version = %release.version, sha256 = %release.sha256,
                    "a plugin from the folder is in force");
            }
        }
        Err(error) => tracing::error!(%error, "the folder of plugins cannot be looked at"),
    }
}
