//! `/auth`: log in, refresh, log out, switch.

use crate::app::account;
use crate::app::auth::{self, LogIn, Tokens};
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Call, Json, Open};
use crate::http::host::AtHost;
use crate::http::route::Api;
use crate::http::wire::Id;
use actix_web::http::header;
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/auth/login",
        log_in,
        "Log in with e-mail and password; whoever has an authenticator app is refused with a challenge for /auth/totp",
    );
    api.post("/auth/refresh", refresh_tokens, "Exchange a refresh token for new tokens; each works once");
    api.post("/auth/logout", log_out, "End the session");
    api.post(
        "/auth/password_resets",
        ask_password_reset,
        "Ask for a mail whose link sets a new password; the answer is the same for an unknown address",
    );
    api.post(
        "/auth/password_resets/complete",
        complete_password_reset,
        "Set a new password with a mail's token",
    );
    api.post("/auth/switch", switch_tenant, "Get tokens for another tenant of the same person");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogInBody {
    email: String,
    password: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshBody {
    refresh_token: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SwitchBody {
    #[schema(value_type = String)]
    tenant_id: Id<TenantId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokensView {
    access_token: String,
    refresh_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    #[schema(example = "Bearer")]
    token_type: &'static str,
}

impl From<Tokens> for Json<TokensView> {
    fn from(tokens: Tokens) -> Self {
        Json(TokensView {
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in: tokens.expires_in,
            token_type: "Bearer",
        })
    }
}

/// What the client calls itself, for the list of sessions.
pub(in crate::http) fn user_agent(call: &Call) -> String {
    let value = call.request.headers().get(header::USER_AGENT);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn log_in(open: Open<Json<LogInBody>>) -> Answer<Json<TokensView>> {
    let command = LogIn {
        within: AtHost::provider(&open.request),
        user_agent: user_agent(&open),
        address: open.info.address.clone(),
        email: open.input.0.email.clone(),
        password: open.input.0.password.clone(),
    };
    Ok(auth::log_in(&open.state, open.request_id(), &command).await?.into())
}

async fn refresh_tokens(open: Open<Json<RefreshBody>>) -> Answer<Json<TokensView>> {
    let token = &open.input.0.refresh_token;
    Ok(auth::refresh(&open.state, open.request_id(), token).await?.into())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskResetBody {
    email: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CompleteResetBody {
    /// The last part of the link.
    token: String,
    password: String,
}

async fn ask_password_reset(open: Open<Json<AskResetBody>>) -> Answer<NoContent> {
    account::ask_reset(&open.state, open.request_id(), &open.input.0.email, &open.info.address).await?;
    Ok(NoContent)
}

/// Every session of the person ends.
async fn complete_password_reset(open: Open<Json<CompleteResetBody>>) -> Answer<NoContent> {
    let body = &open.input.0;
    account::complete_reset(&open.state, open.request_id(), &body.token, &body.password).await?;
    Ok(NoContent)
}

async fn log_out(auth: Authed<perm::SelfManage>) -> Answer<NoContent> {
    auth::log_out(&auth.state, auth.caller.person()?, &auth.grant).await?;
    Ok(NoContent)
}

async fn switch_tenant(auth: Authed<perm::SelfManage, Json<SwitchBody>>) -> Answer<Json<TokensView>> {
    let to = auth.input.0.tenant_id.0;
    let person = auth.caller.person()?;
    Ok(auth::switch(&auth.state, person, &auth.grant, to, &user_agent(&auth)).await?.into())
}
