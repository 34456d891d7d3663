//! Third-party plugins, for the operator's people: what is there, taking a version in, putting one in force after
//! agreeing to the hosts it asks for, going back. And the folder whose files are taken in.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use actix_web::web::Bytes;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_host::plugins::{Plugin, PluginError, Plugins, Refused, ReleaseRecord};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
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
    pub plugins: Vec<Plugin>,
    pub refused: Vec<Refused>,
}

/// Every plugin, and the files of the folder that were not taken.
pub fn overview(state: &AppState, _: &Manages) -> Overview {
    let plugins = &state.channels.plugins;
    Overview { plugins: plugins.list(), refused: plugins.refused() }
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

/// Takes a plugin out of force. Work of its accounts waits.
pub async fn stop(state: &AppState, grant: &Manages, slug: &str) -> Answer<()> {
    let own = slug.to_owned();
    off(state, move |plugins| plugins.stop(&own)).await?;
    note(state, grant, AuditAction::PluginStopped, slug, json!({})).await
}

/// Removes a version that is not in force.
pub async fn remove(state: &AppState, grant: &Manages, slug: &str, sha256: &str) -> Answer<()> {
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
