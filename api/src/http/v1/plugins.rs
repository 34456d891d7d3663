//! `/plugins`: third-party channel plugins, for the operator.

use crate::app::plugins::{self, UPLOAD_LIMIT};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Upload};
use crate::http::route::Api;
use crate::http::wire::Time;
use qianpu_domain::error::FieldError;
use qianpu_domain::time::Timestamp;
use qianpu_host::plugins::{Plugin, Refused, ReleaseRecord, ReleaseState};
use qianpu_tenants::authz::perm;
use qianpu_tenants::resolve::LinkedAccounts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/plugins", list_plugins, "Channel plugins with their versions, and files that were not taken");
    api.post(
        "/plugins",
        add_plugin,
        "Take a version of a plugin in: field `file`, a WebAssembly component, at most 32 MiB. It is not in force yet",
    );
    api.post(
        "/plugins/activations",
        activate_plugin,
        "Put a version in force at once; `hosts` repeats the hosts it asks for, as agreed to",
    );
    api.post("/plugins/roll_backs", roll_back_plugin, "Put the version before in force again");
    api.post(
        "/plugins/stops",
        stop_plugin,
        "Take a plugin out of force; work of its accounts waits. Refused while there are any, unless `even_with_accounts`",
    );
    api.post(
        "/plugins/removals",
        remove_plugin_version,
        "Remove a version that is not in force. The last one of a plugin is kept while accounts are linked through its \
         channel, unless `even_with_accounts`",
    );
}

type Manages<T = ()> = Authed<perm::PluginManage, T>;

#[derive(Debug, Serialize, ToSchema)]
struct PluginVersionView {
    slug: String,
    version: String,
    name: String,
    /// The hash of the file; it names the version.
    sha256: String,
    /// `active`, `earlier` or `new`.
    state: &'static str,
    /// The hosts it may reach, and no other.
    hosts: Vec<String>,
    capabilities: Vec<String>,
    account_kinds: Vec<String>,
    bytes: u64,
    added_at: Time,
    /// Empty for a file that was put into the folder.
    added_by: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct PluginView {
    slug: String,
    /// Whether a built-in channel has the same slug: the plugin stands in its place.
    replaces_built_in: bool,
    can_roll_back: bool,
    /// Accounts that are linked through the channel, in the whole installation.
    linked_accounts: i64,
    /// How many merchants they belong to.
    linked_merchants: i64,
    versions: Vec<PluginVersionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RefusedFileView {
    file: String,
    reason: String,
    at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct PluginsView {
    items: Vec<PluginView>,
    /// Files in the folder that were not taken.
    refused: Vec<RefusedFileView>,
}

fn version<T>(auth: &Manages<T>, release: ReleaseRecord, state: ReleaseState) -> PluginVersionView {
    PluginVersionView {
        name: auth.info.lang.pick(&release.name_zh, &release.name_en).to_owned(),
        slug: release.slug,
        version: release.version,
        sha256: release.sha256,
        state: state.as_str(),
        hosts: release.hosts,
        capabilities: release.capabilities,
        account_kinds: release.kinds,
        bytes: u64::try_from(release.size).unwrap_or(u64::MAX),
        added_at: Time(Timestamp::from_micros(release.added_at)),
        added_by: release.added_by,
    }
}

fn view<T>(auth: &Manages<T>, (plugin, linked): (Plugin, LinkedAccounts)) -> PluginView {
    PluginView {
        linked_accounts: linked.accounts,
        linked_merchants: linked.merchants,
        slug: plugin.slug,
        replaces_built_in: plugin.replaces_built_in,
        can_roll_back: plugin.can_roll_back,
        versions: plugin.releases.into_iter().map(|(release, state)| version(auth, release, state)).collect(),
    }
}

async fn list_plugins(auth: Manages) -> Answer<Json<PluginsView>> {
    let overview = plugins::overview(&auth.state, &auth.grant).await?;
    let refused = |one: Refused| RefusedFileView { file: one.file, reason: one.reason, at: Time(one.at) };
    Ok(Json(PluginsView {
        items: overview.plugins.into_iter().map(|plugin| view(&auth, plugin)).collect(),
        refused: overview.refused.into_iter().map(refused).collect(),
    }))
}

async fn add_plugin(auth: Manages<Upload<UPLOAD_LIMIT>>) -> Answer<Created<PluginVersionView>> {
    let file = auth.input.file("file").ok_or_else(|| FieldError::required("file"))?;
    let release = plugins::add(&auth.state, &auth.grant, file.bytes.clone()).await?;
    let found = auth.state.channels.plugins.list().into_iter().flat_map(|plugin| plugin.releases);
    let state = found.filter(|(one, _)| one.sha256 == release.sha256).map(|(_, state)| state).next();
    Ok(Created(version(&auth, release, state.unwrap_or(ReleaseState::New))))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ActivatePluginBody {
    slug: String,
    sha256: String,
    /// The hosts the version asks for, all of them.
    hosts: Vec<String>,
}

async fn activate_plugin(auth: Manages<Json<ActivatePluginBody>>) -> Answer<Json<PluginVersionView>> {
    let ActivatePluginBody { slug, sha256, hosts } = &auth.input.0;
    let release = plugins::activate(&auth.state, &auth.grant, slug, sha256, hosts).await?;
    Ok(Json(version(&auth, release, ReleaseState::Active)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PluginBody {
    slug: String,
}

async fn roll_back_plugin(auth: Manages<Json<PluginBody>>) -> Answer<Json<PluginVersionView>> {
    let release = plugins::roll_back(&auth.state, &auth.grant, &auth.input.0.slug).await?;
    Ok(Json(version(&auth, release, ReleaseState::Active)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StopPluginBody {
    slug: String,
    /// Stop it although accounts are linked through it.
    #[serde(default)]
    even_with_accounts: bool,
}

async fn stop_plugin(auth: Manages<Json<StopPluginBody>>) -> Answer<NoContent> {
    let StopPluginBody { slug, even_with_accounts } = &auth.input.0;
    plugins::stop(&auth.state, &auth.grant, slug, *even_with_accounts).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PluginVersionBody {
    slug: String,
    sha256: String,
    /// Remove the last version although accounts are linked through the channel.
    #[serde(default)]
    even_with_accounts: bool,
}

async fn remove_plugin_version(auth: Manages<Json<PluginVersionBody>>) -> Answer<NoContent> {
    let PluginVersionBody { slug, sha256, even_with_accounts } = &auth.input.0;
    plugins::remove(&auth.state, &auth.grant, slug, sha256, *even_with_accounts).await?;
    Ok(NoContent)
}
