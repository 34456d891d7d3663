//! The operator's page of channel plugins: versions, the hosts they ask for, putting in force, going back.

use super::apply::may_be_mended;
use crate::app::plugins::{self, UPLOAD_LIMIT};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Upload};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_host::plugins::{Plugin, ReleaseRecord, ReleaseState};
use qianpu_tenants::authz::perm;
use qianpu_tenants::resolve::LinkedAccounts;
use serde::Serialize;

const HOME: &str = "/console/operator/plugins";

type Manages<T = ()> = Authed<perm::PluginManage, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, plugins_page);
    pages.post(HOME, add_plugin_form);
    pages.post("/console/operator/plugins/activate", activate_plugin_form);
    pages.post("/console/operator/plugins/roll_back", roll_back_plugin_form);
    pages.post("/console/operator/plugins/stop", stop_plugin_form);
    pages.post("/console/operator/plugins/remove", remove_plugin_version_form);
}

#[derive(Serialize)]
struct Version {
    slug: String,
    version: String,
    sha256: String,
    short: String,
    state: &'static str,
    in_force: bool,
    hosts: Vec<String>,
    /// All hosts in one field of the form that agrees to them.
    agreed: String,
    capabilities: Vec<String>,
    kilobytes: usize,
    added_at: i64,
    added_by: String,
}

#[derive(Serialize)]
struct Card {
    slug: String,
    name: String,
    replaces_built_in: bool,
    in_force: bool,
    can_roll_back: bool,
    accounts: i64,
    merchants: i64,
    versions: Vec<Version>,
}

/// What is asked before a plugin is taken from accounts that are linked through it.
#[derive(Serialize)]
struct Question {
    /// `stop` or `remove`.
    action: &'static str,
    slug: String,
    sha256: String,
    replaces_built_in: bool,
    accounts: i64,
    merchants: i64,
}

#[derive(Serialize)]
struct RefusedLine {
    file: String,
    reason: String,
    at: i64,
}

#[derive(Serialize)]
struct PluginsView {
    form: FormView,
    home: &'static str,
    question: Option<Question>,
    plugins: Vec<Card>,
    refused: Vec<RefusedLine>,
}

fn version((release, state): (ReleaseRecord, ReleaseState)) -> Version {
    Version {
        short: release.sha256.chars().take(12).collect(),
        agreed: release.hosts.join(" "),
        state: state.as_str(),
        in_force: state == ReleaseState::Active,
        slug: release.slug,
        version: release.version,
        sha256: release.sha256,
        hosts: release.hosts,
        capabilities: release.capabilities,
        kilobytes: release.size.div_ceil(1024),
        added_at: release.added_at,
        added_by: release.added_by,
    }
}

async fn view<T>(auth: &Manages<T>, form: FormView) -> Answer<PluginsView> {
    let overview = plugins::overview(&auth.state, &auth.grant).await?;
    let card = |(plugin, linked): (Plugin, LinkedAccounts)| {
        let name = plugin
            .releases
            .first()
            .map(|(release, _)| auth.info.lang.pick(&release.name_zh, &release.name_en).to_owned());
        let versions: Vec<Version> = plugin.releases.into_iter().map(version).collect();
        Card {
            name: name.unwrap_or_else(|| plugin.slug.clone()),
            slug: plugin.slug,
            replaces_built_in: plugin.replaces_built_in,
            in_force: versions.iter().any(|version| version.in_force),
            can_roll_back: plugin.can_roll_back,
            accounts: linked.accounts,
            merchants: linked.merchants,
            versions,
        }
    };
    Ok(PluginsView {
        form,
        home: HOME,
        question: None,
        plugins: overview.plugins.into_iter().map(card).collect(),
        refused: overview
            .refused
            .into_iter()
            .map(|one| RefusedLine { file: one.file, reason: one.reason, at: one.at.micros() })
            .collect(),
    })
}

async fn plugins_page(auth: Manages) -> PageAnswer {
    auth.page("plugins/list", view(&auth, FormView::default()).await?)
}

async fn add_plugin_form(auth: Manages<Upload<UPLOAD_LIMIT>>) -> PageAnswer {
    let upload = &auth.input;
    let done = match upload.file("file") {
        Some(file) => plugins::add(&auth.state, &auth.grant, file.bytes.clone()).await,
        None => Err(ApiError::field(FieldError::required("file"))),
    };
    let done = done.map(|release| {
        Flash::success("plugins.added").with("name", &release.slug).with("version", &release.version)
    });
    answer(&auth, &upload.fields, done).await
}

/// Back to the page, with what came of it.
async fn answer<T>(auth: &Manages<T>, fields: &Fields, done: Answer<Flash>) -> PageAnswer {
    match done {
        Ok(flash) => Ok(auth.redirect_with(&flash, HOME)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            auth.refused_page("plugins/list", view(auth, form).await?)
        }
        Err(error) => Err(error),
    }
}

async fn activate_plugin_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let hosts: Vec<String> = fields.text("hosts").split_whitespace().map(str::to_owned).collect();
    let done =
        plugins::activate(&auth.state, &auth.grant, fields.text("slug"), fields.text("sha256"), &hosts).await;
    let done = done.map(|release| {
        Flash::success("plugins.activated").with("name", &release.slug).with("version", &release.version)
    });
    answer(&auth, fields, done).await
}

async fn roll_back_plugin_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let done = plugins::roll_back(&auth.state, &auth.grant, fields.text("slug")).await.map(|release| {
        Flash::success("plugins.activated").with("name", &release.slug).with("version", &release.version)
    });
    answer(&auth, fields, done).await
}

async fn stop_plugin_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let done = plugins::stop(&auth.state, &auth.grant, fields.text("slug"), told(fields)).await;
    let done = done.map(|()| Flash::success("plugins.stopped").with("name", fields.text("slug")));
    answer_or_ask(&auth, "stop", done).await
}

async fn remove_plugin_version_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let (slug, sha256) = (fields.text("slug"), fields.text("sha256"));
    let done = plugins::remove(&auth.state, &auth.grant, slug, sha256, told(fields)).await;
    answer_or_ask(&auth, "remove", done.map(|()| Flash::success("plugins.removed").with("name", slug))).await
}

/// Whether the person was told how many accounts there are, and goes on.
fn told(fields: &Fields) -> bool {
    fields.text("even_with_accounts") == "1"
}

/// Back to the page; where accounts are linked through the plugin, with their number and the question whether to go on.
async fn answer_or_ask(auth: &Manages<Fields>, action: &'static str, done: Answer<Flash>) -> PageAnswer {
    let in_use = |error: &ApiError| error.code() == ErrorCode::PluginInUse;
    if !done.as_ref().is_err_and(in_use) {
        return answer(auth, &auth.input, done).await;
    }
    let slug = auth.input.text("slug");
    let mut view = view(auth, FormView::default()).await?;
    view.question = view.plugins.iter().find(|card| card.slug == slug).map(|card| Question {
        action,
        slug: slug.to_owned(),
        sha256: auth.input.text("sha256").to_owned(),
        replaces_built_in: card.replaces_built_in,
        accounts: card.accounts,
        merchants: card.merchants,
    });
    auth.refused_page("plugins/list", view)
}
