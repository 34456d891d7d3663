//! `/channel_apps`: the provider's apps at channels, and what accounts granted them.

use crate::app::channels::apps::{self, ChangeChannelApp, ChannelAppView, CreateChannelApp};
use crate::app::channels::grants;
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{AppAuthorisationId, ChannelAccountId, ChannelAppId, ShopId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::AppAuthorisation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/channel_apps", create_channel_app, "Add the provider's app at a channel");
    api.get("/channel_apps", list_channel_apps, "The provider's apps at channels, newest first");
    api.get("/channel_apps/{channel_app_id}", get_channel_app, "One app; its secrets are never shown");
    api.patch(
        "/channel_apps/{channel_app_id}",
        change_channel_app,
        "Change an app's secrets or switch it off",
    );
    api.post(
        "/channel_apps/{channel_app_id}/request_ticket",
        request_app_ticket,
        "Ask the platform to start pushing verify tickets",
    );
    api.get("/app_authorisations", list_app_authorisations, "Accounts that granted the provider's apps");
    api.post(
        "/app_authorisations/{app_authorisation_id}/assign",
        assign_app_authorisation,
        "Say for which merchant and shop a parked grant is",
    );
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateChannelAppBody {
    /// A channel of the family the app serves, such as `wechat-store`.
    channel: String,
    /// The app's id at the platform: `component_appid` at WeChat, `app_key` at Douyin.
    component_app_id: String,
    secret: String,
    /// The token both sides know, for signatures of pushes. WeChat only; Douyin signs with the secret.
    token: Option<String>,
    /// 43 letters and digits. WeChat only.
    encoding_aes_key: Option<String>,
    /// What the channel asks for besides: `service_id` at Douyin.
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeChannelAppBody {
    secret: Option<String>,
    token: Option<String>,
    /// The key before it stays accepted.
    encoding_aes_key: Option<String>,
    active: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChannelAppBody {
    id: String,
    channel: String,
    component_app_id: String,
    /// `active` or `disabled`.
    state: &'static str,
    /// For the platform's field "authorisation events".
    hook_url: String,
    /// For the platform's field "messages and events"; keep `$APPID$` as it is.
    message_hook_url: String,
    /// For the platform's field "authorisation callback", where it has one: there browsers come back with the code.
    callback_url: String,
    #[schema(value_type = Option<String>)]
    ticket_received_at: Option<Time>,
    /// Whether tickets have stopped coming.
    ticket_late: bool,
    #[schema(value_type = Option<String>)]
    token_expires_at: Option<Time>,
    linked_accounts: u64,
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

impl From<ChannelAppView> for ChannelAppBody {
    fn from(view: ChannelAppView) -> Self {
        Self {
            id: view.app.id.to_string(),
            channel: view.app.channel,
            component_app_id: view.app.app_id,
            state: if view.app.active { "active" } else { "disabled" },
            hook_url: view.hook_url,
            message_hook_url: view.message_hook_url,
            callback_url: view.callback_url,
            ticket_received_at: view.app.ticket_at.map(Time),
            ticket_late: view.ticket_late,
            token_expires_at: view.token_expires_at.map(Time),
            linked_accounts: view.linked_accounts,
            version: view.app.version,
            created_at: Time(view.app.created_at),
        }
    }
}

async fn create_channel_app(
    auth: Authed<perm::ChannelAppManage, Json<CreateChannelAppBody>>,
) -> Answer<Created<ChannelAppBody>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let command = CreateChannelApp {
        channel: body.channel,
        app_id: body.component_app_id,
        secret: Plain::from(body.secret),
        token: body.token.map(Plain::from),
        encoding_aes_key: body.encoding_aes_key.map(Plain::from),
        settings: body.settings,
    };
    Ok(Created(apps::create(&call.state, &grant, &command).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_channel_apps(
    auth: Authed<perm::ChannelAppManage, Query<PageQuery>>,
) -> Answer<Json<Page<ChannelAppBody>>> {
    let page = page_request(auth.input.0.limit, auth.input.0.cursor.as_deref())?;
    Ok(Json(Page::of(apps::list(&auth.state, &auth.grant, page).await?, ChannelAppBody::from)))
}

async fn get_channel_app(
    auth: Authed<perm::ChannelAppManage, Path<ChannelAppId>>,
) -> Answer<Versioned<ChannelAppBody>> {
    let view = apps::get(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Versioned { version: view.app.version, body: view.into() })
}

async fn change_channel_app(
    auth: Authed<perm::ChannelAppManage, (Path<ChannelAppId>, IfMatch, Json<ChangeChannelAppBody>)>,
) -> Answer<Versioned<ChannelAppBody>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), Json(body)), .. } = auth;
    let command = ChangeChannelApp {
        secret: body.secret.map(Plain::from),
        token: body.token.map(Plain::from),
        encoding_aes_key: body.encoding_aes_key.map(Plain::from),
        active: body.active,
    };
    let view = apps::change(&call.state, &grant, id, seen, &command).await?;
    Ok(Versioned { version: view.app.version, body: view.into() })
}

async fn request_app_ticket(auth: Authed<perm::ChannelAppManage, Path<ChannelAppId>>) -> Answer<NoContent> {
    apps::request_ticket(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AuthorisationQuery {
    /// `received`, `unmatched`, `linked`, `refused` or `withdrawn`.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AppAuthorisationBody {
    id: String,
    channel_app_id: String,
    external_id: String,
    kind: Option<String>,
    name: Option<String>,
    /// The legal subject, as the platform words it.
    subject: Option<String>,
    /// `received`, `unmatched`, `linked`, `refused` or `withdrawn`.
    state: String,
    /// Why it is not linked.
    outcome: Option<String>,
    merchant_id: Option<String>,
    channel_account_id: Option<String>,
    #[schema(value_type = String)]
    received_at: Time,
}

impl From<AppAuthorisation> for AppAuthorisationBody {
    fn from(row: AppAuthorisation) -> Self {
        let text = |name: &str| row.profile[name].as_str().map(str::to_owned);
        Self {
            id: row.id.to_string(),
            channel_app_id: row.app.to_string(),
            name: text("name"),
            subject: text("subject"),
            external_id: row.external_id,
            kind: row.kind,
            state: row.state,
            outcome: row.outcome,
            merchant_id: row.merchant.map(|id| id.to_string()),
            channel_account_id: row.account.map(|id| id.to_string()),
            received_at: Time(row.received_at),
        }
    }
}

async fn list_app_authorisations(
    auth: Authed<perm::ChannelAppManage, Query<AuthorisationQuery>>,
) -> Answer<Json<Page<AppAuthorisationBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = grants::list(&auth.state, &auth.grant, query.state.as_deref(), page).await?;
    Ok(Json(Page::of(found, AppAuthorisationBody::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignBody {
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AssignedBody {
    channel_account_id: String,
}

async fn assign_app_authorisation(
    auth: Authed<perm::ChannelAppManage, (Path<AppAuthorisationId>, Json<AssignBody>)>,
) -> Answer<Json<AssignedBody>> {
    let Authed { call, grant, input: (Path(id), Json(body)), .. } = auth;
    let account: ChannelAccountId =
        grants::assign(&call.state, &grant, id, body.merchant_id.0, body.shop_id.0).await?;
    Ok(Json(AssignedBody { channel_account_id: account.to_string() }))
}
