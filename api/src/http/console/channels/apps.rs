//! The provider's channel apps: the list and the form that adds one.

use super::words;
use crate::app::channels::apps::{self, ChannelAppView, CreateChannelApp};
use crate::http::extract::{Authed, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_tenants::authz::perm;
use qianpu_tenants::secrets::Plain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::IntoParams;

pub(super) const HOME: &str = "/console/provider/channel_apps";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, channel_apps_page);
    pages.get("/console/provider/channel_apps/new", new_channel_app_page);
    pages.post("/console/provider/channel_apps/new", new_channel_app_form);
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AppsView {
    apps: Vec<AppCard>,
    next_page: Option<String>,
}

/// An app as lists and its own page show it.
#[derive(Serialize)]
pub(super) struct AppCard {
    pub(super) id: String,
    pub(super) names: String,
    pub(super) app_id: String,
    pub(super) state: &'static str,
    pub(super) ticket: &'static str,
    pub(super) ticket_at: Option<i64>,
    pub(super) token_expires_at: Option<i64>,
    pub(super) linked_accounts: u64,
    pub(super) hook_url: String,
    pub(super) message_hook_url: String,
    pub(super) callback_url: String,
    /// Whether the platform pushes tickets to the app.
    pub(super) tickets: bool,
    pub(super) created_at: i64,
    pub(super) active: bool,
}

impl AppCard {
    pub(super) fn of(view: ChannelAppView, lang: Lang) -> Self {
        let ticket = match (view.app.ticket_at, view.ticket_late) {
            (_, false) if view.app.ticket_at.is_some() => "fresh",
            (None, _) => "never",
            _ => "late",
        };
        Self {
            id: view.app.id.to_string(),
            names: family_names(&view.app.family, lang),
            app_id: view.app.app_id,
            state: if view.app.active { "active" } else { "disabled" },
            ticket,
            ticket_at: view.app.ticket_at.map(|at| at.micros()),
            token_expires_at: view.token_expires_at.map(|at| at.micros()),
            linked_accounts: view.linked_accounts,
            hook_url: view.hook_url,
            message_hook_url: view.message_hook_url,
            callback_url: view.callback_url,
            tickets: view.tickets,
            created_at: view.app.created_at.micros(),
            active: view.app.active,
        }
    }
}

/// The channels an app serves, by name.
fn family_names(family: &str, lang: Lang) -> String {
    let names: Vec<String> = crate::app::channels::family(family)
        .map(|channel| words::channel(channel.info().slug, lang))
        .collect();
    names.join(" · ")
}

async fn channel_apps_page(auth: Authed<perm::ChannelAppManage, Query<ListQuery>>) -> PageAnswer {
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = apps::list(&auth.state, &auth.grant, page).await?;
    let next_page = found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next)));
    let lang = auth.info.lang;
    let apps = found.items.into_iter().map(|view| AppCard::of(view, lang)).collect();
    auth.page("channels/apps", AppsView { apps, next_page })
}

#[derive(Serialize)]
struct FamilyChoice {
    channel: &'static str,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct NewAppView {
    form: FormView,
    families: Vec<FamilyChoice>,
    channel: &'static str,
    /// Which words name the app's id.
    texts: &'static str,
    /// Whether the provider chooses a token and a key for pushes.
    push_keys: bool,
    settings: Vec<Setting>,
}

/// The form of one family; the channels in a family share the app. The first when none or no known one is named.
fn new_app(wanted: &str, form: FormView, lang: Lang) -> NewAppView {
    let mut seen = BTreeSet::new();
    let firsts: Vec<_> = qianpu_host::channels()
        .into_iter()
        .filter_map(|channel| Some((channel.info(), channel.info().app_family?)))
        .filter(|(_, family)| seen.insert(*family))
        .collect();
    let asked = qianpu_host::find(wanted).and_then(|channel| channel.info().app_family);
    let chosen = firsts.iter().find(|(_, family)| Some(*family) == asked).or_else(|| firsts.first());
    let shape = chosen.map(|(info, _)| info.app_shape);
    NewAppView {
        form,
        families: firsts
            .iter()
            .map(|(info, family)| FamilyChoice {
                channel: info.slug,
                label: family_names(family, lang),
                chosen: chosen.is_some_and(|(chosen, _)| chosen.slug == info.slug),
            })
            .collect(),
        channel: chosen.map_or("", |(info, _)| info.slug),
        texts: words::texts(chosen.map_or("", |(info, _)| info.slug)),
        push_keys: shape.is_some_and(|shape| shape.style.has_push_keys()),
        settings: shape.map_or_else(Vec::new, |shape| {
            let setting = |one: &qianpu_sdk::AppSetting| Setting {
                name: one.name,
                label: lang.pick(one.name_zh, one.name_en),
            };
            shape.settings.iter().map(setting).collect()
        }),
    }
}

#[derive(Deserialize, IntoParams)]
struct NewQuery {
    channel: Option<String>,
}

async fn new_channel_app_page(auth: Authed<perm::ChannelAppManage, Query<NewQuery>>) -> PageAnswer {
    let wanted = auth.input.0.channel.as_deref().unwrap_or_default();
    let view = new_app(wanted, FormView::default(), auth.info.lang);
    auth.page("channels/app_new", view)
}

async fn new_channel_app_form(auth: Authed<perm::ChannelAppManage, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let plain = |name: &str| Plain::from(fields.text(name).to_owned());
    let given = |name: &str| Some(plain(name)).filter(|text| !text.expose().is_empty());
    let wanted = fields.text("channel");
    let shape = qianpu_host::find(wanted).map(|channel| channel.info().app_shape);
    let settings = shape.map_or(&[][..], |shape| shape.settings).iter();
    let command = CreateChannelApp {
        channel: wanted.to_owned(),
        app_id: fields.text("component_app_id").to_owned(),
        secret: plain("secret"),
        token: given("token"),
        encoding_aes_key: given("encoding_aes_key"),
        settings: settings.map(|one| (one.name.to_owned(), fields.text(one.name).to_owned())).collect(),
    };
    match apps::create(&auth.state, &auth.grant, &command).await {
        Ok(view) => {
            let to = format!("{HOME}/{}", view.app.id);
            Ok(auth.redirect_with(&Flash::success("channels.app_added"), &to))
        }
        Err(error) if error.code().status() < 500 => {
            // Secrets are not sent back to the browser.
            let kept = without_secrets(fields);
            let form = FormView::refused_by(&kept, &error, auth.info.lang);
            let view = new_app(wanted, form, auth.info.lang);
            auth.refused_page("channels/app_new", view)
        }
        Err(error) => Err(error),
    }
}

/// The fields of a refused form that may be shown again; the others are shown empty.
pub(super) fn without_secrets(fields: &Fields) -> Fields {
    let secret = ["secret", "token", "encoding_aes_key"];
    let kept = |(name, value): &(String, String)| {
        let value = if secret.contains(&name.as_str()) { String::new() } else { value.clone() };
        (name.clone(), value)
    };
    Fields(fields.0.iter().map(kept).collect())
}
