//! Third-party apps of a provider: registering, changing, secrets, and stopping them.

use super::api_keys::{Choice, permission_choice, with_boxes};
use super::apply::may_be_mended;
use crate::app::oauth_apps::{self, AppForm, MadeSecret};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{OauthAppId, OauthSecretId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::oauth_app::{OauthApp, OauthSecret};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/provider/oauth_apps";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, apps_page);
    pages.post(HOME, register_form);
    pages.get(&format!("{HOME}/new"), new_page);
    pages.get(&format!("{HOME}/{{oauth_app_id}}"), app_page);
    pages.post(&format!("{HOME}/{{oauth_app_id}}"), change_form);
    pages.post(&format!("{HOME}/{{oauth_app_id}}/disable"), disable_form);
    pages.post(&format!("{HOME}/{{oauth_app_id}}/enable"), enable_form);
    pages.post(&format!("{HOME}/{{oauth_app_id}}/secrets"), rotate_form);
    pages.post(&format!("{HOME}/{{oauth_app_id}}/secrets/{{oauth_secret_id}}/end"), end_form);
}

type Manages<T = ()> = Authed<perm::OauthAppManage, T>;

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AppLine {
    id: String,
    name: String,
    publisher: String,
    kind: &'static str,
    state: &'static str,
    created_at: i64,
}

fn line(app: &OauthApp) -> AppLine {
    AppLine {
        id: app.id.to_string(),
        name: app.facts.name.clone(),
        publisher: app.facts.publisher.clone(),
        kind: if app.confidential { "confidential" } else { "public" },
        state: if app.active { "active" } else { "disabled" },
        created_at: app.created_at.micros(),
    }
}

#[derive(Serialize)]
struct AppsView {
    home: &'static str,
    apps: Vec<AppLine>,
    next_page: Option<String>,
}

async fn apps_page(auth: Manages<Query<PageQuery>>) -> PageAnswer {
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = oauth_apps::list(&auth.state, &auth.grant, page).await?;
    let view = AppsView {
        home: HOME,
        next_page: found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next))),
        apps: found.items.iter().map(line).collect(),
    };
    auth.page("oauth/apps", view)
}

/// The fields of an app, for registering and for changing.
#[derive(Serialize)]
struct FormFields {
    scopes: Vec<Choice>,
    own_scopes: Vec<Choice>,
}

fn form_fields<T>(
    auth: &Manages<T>,
    ticked: impl Fn(&str, Permission) -> bool,
    own: PermissionSet,
) -> FormFields {
    let choices = |name: &str, set: PermissionSet| {
        set.iter().map(|one| permission_choice(auth, one, ticked(name, one))).collect()
    };
    FormFields {
        scopes: choices("scopes", oauth_apps::scope_choices()),
        own_scopes: choices("own_scopes", oauth_apps::own_scope_choices(&auth.caller).or(own)),
    }
}

fn sent(fields: &Fields) -> AppForm {
    let all = |name: &str| fields.all(name).map(str::to_owned).collect();
    AppForm {
        name: fields.text("name").to_owned(),
        publisher: fields.text("publisher").to_owned(),
        homepage: fields.text("homepage").to_owned(),
        redirect_uris: fields.text("redirect_uris").lines().map(|line| line.trim().to_owned()).collect(),
        scopes: all("scopes"),
        own_scopes: all("own_scopes"),
    }
}

#[derive(Serialize)]
struct NewView {
    form: FormView,
    home: &'static str,
    #[serde(flatten)]
    fields: FormFields,
    confidential: bool,
}

async fn new_page(auth: Manages) -> PageAnswer {
    let fields = form_fields(&auth, |_, _| false, PermissionSet::EMPTY);
    auth.page("oauth/new", NewView { form: FormView::default(), home: HOME, fields, confidential: true })
}

#[derive(Serialize)]
struct MadeView {
    home: &'static str,
    app: AppLine,
    secret: Option<String>,
}

/// The secret is in the answer to the form and nowhere else.
async fn register_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let confidential = fields.text("kind") != "public";
    let made =
        oauth_apps::register(&auth.state, &auth.caller, &auth.grant, &sent(fields), confidential).await;
    match made {
        Ok((app, secret)) => {
            let secret = secret.map(|made| made.secret);
            auth.page("oauth/made", MadeView { home: HOME, app: line(&app), secret })
        }
        Err(error) if may_be_mended(&error) => {
            let ticked = |name: &str, one: Permission| fields.all(name).any(|word| word == one.as_str());
            let shown = with_boxes(fields, &["scopes", "own_scopes"]);
            let form = FormView::refused_by(&shown, &error, auth.info.lang);
            let own = form_fields(&auth, ticked, PermissionSet::EMPTY);
            auth.refused_page("oauth/new", NewView { form, home: HOME, fields: own, confidential })
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct SecretLine {
    id: String,
    hint: String,
    expires_at: Option<i64>,
    created_at: i64,
}

#[derive(Serialize)]
struct Overlap {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct AppView {
    form: FormView,
    home: &'static str,
    at: String,
    app: AppLine,
    confidential: bool,
    secrets: Vec<SecretLine>,
    overlaps: Vec<Overlap>,
    #[serde(flatten)]
    fields: FormFields,
}

async fn app_view<T>(
    auth: &Manages<T>,
    id: OauthAppId,
    refused: Option<(&Fields, &ApiError)>,
) -> Answer<AppView> {
    let (app, secrets) = oauth_apps::get(&auth.state, &auth.grant, id).await?;
    let facts = &app.facts;
    // A form of secrets that was refused leaves the app's own fields as they are stored.
    let typed = refused.filter(|(fields, _)| fields.0.iter().any(|(name, _)| name == "publisher"));
    let stored = || {
        FormView::filled([
            ("name", facts.name.clone()),
            ("publisher", facts.publisher.clone()),
            ("homepage", facts.homepage.clone()),
            ("redirect_uris", facts.redirect_uris.join("\n")),
            ("version", app.version.to_string()),
            ("overlap_hours", "24".to_owned()),
        ])
    };
    let form = match refused {
        Some((fields, error)) => {
            FormView::refused_by(&with_boxes(fields, &["scopes", "own_scopes"]), error, auth.info.lang)
        }
        None => stored(),
    };
    let ticked = |name: &str, one: Permission| match typed {
        Some((fields, _)) => fields.all(name).any(|word| word == one.as_str()),
        None if name == "scopes" => facts.scopes.contains(one),
        None => facts.own_scopes.contains(one),
    };
    let fields = form_fields(auth, ticked, facts.own_scopes);
    let secret = |row: OauthSecret| SecretLine {
        id: row.id.to_string(),
        hint: row.hint,
        expires_at: row.expires_at.map(Timestamp::micros),
        created_at: row.created_at.micros(),
    };
    let overlap = |hours: i64| {
        let (value, catalogue) = (hours.to_string(), auth.state.pages.catalogue());
        Overlap { label: catalogue.say(auth.info.lang, "oauth.hours", [("hours", value.as_str())]), value }
    };
    Ok(AppView {
        form,
        home: HOME,
        at: format!("{HOME}/{id}"),
        app: line(&app),
        confidential: app.confidential,
        secrets: secrets.into_iter().map(secret).collect(),
        overlaps: [0, 24, 72, 168].map(overlap).into(),
        fields,
    })
}

async fn app_page(auth: Manages<Path<OauthAppId>>) -> PageAnswer {
    let view = app_view(&auth, auth.input.0, None).await?;
    auth.page("oauth/app", view)
}

/// Back to the app's page, or the page again with what was refused.
async fn answer<T>(
    auth: &Manages<T>,
    id: OauthAppId,
    fields: &Fields,
    done: Answer<()>,
    told: &'static str,
) -> PageAnswer {
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success(told), &format!("{HOME}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let view = app_view(auth, id, Some((fields, &error))).await?;
            auth.refused_page("oauth/app", view)
        }
        Err(error) => Err(error),
    }
}

async fn change_form(auth: Manages<(Path<OauthAppId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let seen = fields.text("version").parse().ok();
    let done = oauth_apps::change(&auth.state, &auth.caller, &auth.grant, *id, seen, &sent(fields)).await;
    answer(&auth, *id, fields, done.map(drop), "oauth.changed").await
}

async fn disable_form(auth: Manages<(Path<OauthAppId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = oauth_apps::set_active(&auth.state, &auth.grant, *id, false).await;
    answer(&auth, *id, fields, done.map(drop), "oauth.was_disabled").await
}

async fn enable_form(auth: Manages<(Path<OauthAppId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = oauth_apps::set_active(&auth.state, &auth.grant, *id, true).await;
    answer(&auth, *id, fields, done.map(drop), "oauth.was_enabled").await
}

async fn rotate_form(auth: Manages<(Path<OauthAppId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let overlap = fields.text("overlap_hours").parse().unwrap_or(-1);
    match oauth_apps::rotate_secret(&auth.state, &auth.caller, &auth.grant, *id, overlap).await {
        Ok(MadeSecret { secret, .. }) => {
            let (app, _) = oauth_apps::get(&auth.state, &auth.grant, *id).await?;
            auth.page("oauth/made", MadeView { home: HOME, app: line(&app), secret: Some(secret) })
        }
        Err(error) => answer(&auth, *id, fields, Err(error), "").await,
    }
}

async fn end_form(auth: Manages<(Path2<OauthAppId, OauthSecretId>, Fields)>) -> PageAnswer {
    let (Path2(id, secret), fields) = &auth.input;
    let done = oauth_apps::end_secret(&auth.state, &auth.grant, *id, *secret).await;
    answer(&auth, *id, fields, done, "oauth.secret_ended").await
}
