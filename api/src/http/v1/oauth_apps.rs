//! `/oauth_apps`: third-party apps that a provider registered. `/authorised_apps`: what people allowed them.

use crate::app::oauth::allowed;
use crate::app::oauth_apps::{self, AppForm, MadeSecret};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{AuthorisationId, OauthAppId, OauthSecretId, UserId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::oauth_app::{OauthApp, OauthSecret};
use qianpu_tenants::store::oauth_authorisation::Authorisation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/oauth_apps", list_oauth_apps, "Third-party apps of the provider, newest first");
    api.post(
        "/oauth_apps",
        register_oauth_app,
        "Register a third-party app; its secret is in this answer only",
    );
    api.get("/oauth_apps/{oauth_app_id}", get_oauth_app, "One third-party app with its secrets");
    api.put("/oauth_apps/{oauth_app_id}", change_oauth_app, "Change a third-party app");
    api.post(
        "/oauth_apps/{oauth_app_id}/disable",
        disable_oauth_app,
        "Stop a third-party app everywhere; it acts at once",
    );
    api.post("/oauth_apps/{oauth_app_id}/enable", enable_oauth_app, "Let a third-party app work again");
    api.post(
        "/oauth_apps/{oauth_app_id}/secrets",
        rotate_oauth_secret,
        "Make a new secret; those before it work on for the overlap",
    );
    api.delete("/oauth_apps/{oauth_app_id}/secrets/{oauth_secret_id}", end_oauth_secret, "End a secret now");
    api.get(
        "/authorised_apps",
        list_authorised_apps,
        "Apps that were allowed something: the own, and everybody's for who manages the staff",
    );
    api.delete(
        "/authorised_apps/{authorised_app_id}",
        withdraw_authorised_app,
        "Withdraw what was allowed; it acts at once",
    );
}

fn words(scopes: PermissionSet) -> Vec<&'static str> {
    scopes.iter().map(Permission::as_str).collect()
}

#[derive(Debug, Serialize, ToSchema)]
struct OauthAppView {
    /// Also the client id.
    #[schema(value_type = String)]
    id: Id<OauthAppId>,
    name: String,
    publisher: String,
    homepage: String,
    /// `confidential` or `public`.
    kind: &'static str,
    redirect_uris: Vec<String>,
    /// What it may ask people for.
    scopes: Vec<&'static str>,
    /// What it may do for itself in the provider.
    own_scopes: Vec<&'static str>,
    /// `active` or `disabled`.
    state: &'static str,
    version: i64,
    created_at: Time,
}

fn view(app: OauthApp) -> OauthAppView {
    OauthAppView {
        id: Id(app.id),
        name: app.facts.name,
        publisher: app.facts.publisher,
        homepage: app.facts.homepage,
        kind: if app.confidential { "confidential" } else { "public" },
        redirect_uris: app.facts.redirect_uris,
        scopes: words(app.facts.scopes),
        own_scopes: words(app.facts.own_scopes),
        state: if app.active { "active" } else { "disabled" },
        version: app.version,
        created_at: Time(app.created_at),
    }
}

fn versioned(app: OauthApp) -> Versioned<OauthAppView> {
    Versioned { version: app.version, body: view(app) }
}

#[derive(Debug, Serialize, ToSchema)]
struct OauthSecretView {
    #[schema(value_type = String)]
    id: Id<OauthSecretId>,
    /// Its last characters.
    hint: String,
    /// When it ends, once it was replaced.
    expires_at: Option<Time>,
    created_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct OauthAppWithSecretsView {
    #[serde(flatten)]
    app: OauthAppView,
    secrets: Vec<OauthSecretView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListAppsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_oauth_apps(
    auth: Authed<perm::OauthAppManage, Query<ListAppsQuery>>,
) -> Answer<Json<Page<OauthAppView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(oauth_apps::list(&auth.state, &auth.grant, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterOauthAppBody {
    name: String,
    publisher: String,
    #[serde(default)]
    homepage: Option<String>,
    /// Whether the app can keep a secret: a server can, an app on a phone or in a browser cannot.
    confidential: bool,
    /// https addresses, compared letter by letter; needed by an app that asks people.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// Permissions it may ask people for.
    #[serde(default)]
    scopes: Vec<String>,
    /// Permissions it has for itself in the provider, at most those of who registers it.
    #[serde(default)]
    own_scopes: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RegisteredOauthAppView {
    #[serde(flatten)]
    app: OauthAppView,
    /// The secret of a confidential app. Keep it now: it is never shown again.
    client_secret: Option<String>,
}

async fn register_oauth_app(
    auth: Authed<perm::OauthAppManage, Json<RegisterOauthAppBody>>,
) -> Answer<Created<RegisteredOauthAppView>> {
    let body = &auth.input.0;
    let form = AppForm {
        name: body.name.clone(),
        publisher: body.publisher.clone(),
        homepage: body.homepage.clone().unwrap_or_default(),
        redirect_uris: body.redirect_uris.clone(),
        scopes: body.scopes.clone(),
        own_scopes: body.own_scopes.clone(),
    };
    let made = oauth_apps::register(&auth.state, &auth.caller, &auth.grant, &form, body.confidential).await?;
    let (app, secret) = made;
    Ok(Created(RegisteredOauthAppView { app: view(app), client_secret: secret.map(|made| made.secret) }))
}

async fn get_oauth_app(
    auth: Authed<perm::OauthAppManage, Path<OauthAppId>>,
) -> Answer<Versioned<OauthAppWithSecretsView>> {
    let (app, secrets) = oauth_apps::get(&auth.state, &auth.grant, auth.input.0).await?;
    let secret = |row: OauthSecret| OauthSecretView {
        id: Id(row.id),
        hint: row.hint,
        expires_at: row.expires_at.map(Time),
        created_at: Time(row.created_at),
    };
    let version = app.version;
    let body = OauthAppWithSecretsView { app: view(app), secrets: secrets.into_iter().map(secret).collect() };
    Ok(Versioned { version, body })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeOauthAppBody {
    name: String,
    publisher: String,
    #[serde(default)]
    homepage: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    own_scopes: Vec<String>,
}

async fn change_oauth_app(
    auth: Authed<perm::OauthAppManage, (Path<OauthAppId>, IfMatch, Json<ChangeOauthAppBody>)>,
) -> Answer<Versioned<OauthAppView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let form = AppForm {
        name: body.name.clone(),
        publisher: body.publisher.clone(),
        homepage: body.homepage.clone().unwrap_or_default(),
        redirect_uris: body.redirect_uris.clone(),
        scopes: body.scopes.clone(),
        own_scopes: body.own_scopes.clone(),
    };
    Ok(versioned(oauth_apps::change(&auth.state, &auth.caller, &auth.grant, *id, *seen, &form).await?))
}

async fn disable_oauth_app(
    auth: Authed<perm::OauthAppManage, Path<OauthAppId>>,
) -> Answer<Versioned<OauthAppView>> {
    Ok(versioned(oauth_apps::set_active(&auth.state, &auth.grant, auth.input.0, false).await?))
}

async fn enable_oauth_app(
    auth: Authed<perm::OauthAppManage, Path<OauthAppId>>,
) -> Answer<Versioned<OauthAppView>> {
    Ok(versioned(oauth_apps::set_active(&auth.state, &auth.grant, auth.input.0, true).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateOauthSecretBody {
    /// For how long the secrets before it work on: 0 to 168 hours.
    overlap_hours: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct MadeOauthSecretView {
    #[schema(value_type = String)]
    id: Id<OauthSecretId>,
    /// Keep it now: it is never shown again.
    client_secret: String,
}

async fn rotate_oauth_secret(
    auth: Authed<perm::OauthAppManage, (Path<OauthAppId>, Json<RotateOauthSecretBody>)>,
) -> Answer<Created<MadeOauthSecretView>> {
    let (Path(id), Json(body)) = &auth.input;
    let made =
        oauth_apps::rotate_secret(&auth.state, &auth.caller, &auth.grant, *id, body.overlap_hours).await?;
    let MadeSecret { id, secret } = made;
    Ok(Created(MadeOauthSecretView { id: Id(id), client_secret: secret }))
}

async fn end_oauth_secret(
    auth: Authed<perm::OauthAppManage, Path2<OauthAppId, OauthSecretId>>,
) -> Answer<NoContent> {
    let Path2(app, secret) = auth.input;
    oauth_apps::end_secret(&auth.state, &auth.grant, app, secret).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct AuthorisedAppView {
    #[schema(value_type = String)]
    id: Id<AuthorisationId>,
    #[schema(value_type = String)]
    app_id: Id<OauthAppId>,
    app_name: String,
    publisher: String,
    /// Who allowed it.
    #[schema(value_type = String)]
    user_id: Id<UserId>,
    user_name: String,
    /// What was allowed; the app never has more than the person has now.
    scopes: Vec<&'static str>,
    /// To the minute; null when the app never came with it.
    last_used_at: Option<Time>,
    created_at: Time,
}

fn authorised(row: Authorisation) -> AuthorisedAppView {
    AuthorisedAppView {
        id: Id(row.id),
        app_id: Id(row.app),
        app_name: row.app_name,
        publisher: row.publisher,
        user_id: Id(row.user),
        user_name: row.user_name,
        scopes: words(row.scopes),
        last_used_at: row.last_used_at.map(Time),
        created_at: Time(row.created_at),
    }
}

async fn list_authorised_apps(
    auth: Authed<perm::SelfManage, Query<ListAppsQuery>>,
) -> Answer<Json<Page<AuthorisedAppView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = allowed::list(&auth.state, &auth.caller, &auth.grant, page).await?;
    Ok(Json(Page::of(found, authorised)))
}

async fn withdraw_authorised_app(auth: Authed<perm::SelfManage, Path<AuthorisationId>>) -> Answer<NoContent> {
    allowed::withdraw(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
