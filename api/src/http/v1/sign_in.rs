//! `/auth/totp`, `/me/totp`, `/sign_in_policy`: authenticator apps. `/me/email`, `/auth/email_changes`: another log-in
//! e-mail.

use super::auth::TokensView;
use crate::app::account::{email, totp};
use crate::app::auth::second_step::Proof;
use crate::app::auth::{self, GiveCode};
use crate::app::staff::sign_in;
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Open, Path};
use crate::http::route::Api;
use crate::http::v1::user_agent;
use crate::http::wire::Time;
use qianpu_domain::ids::UserId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/auth/totp", give_code, "Go on with a log-in that waits for a code");
    api.get("/me/totp", get_totp, "The own authenticator app");
    api.post("/me/totp", begin_totp, "Begin to set an authenticator app up; replaces a set-up that waits");
    api.post(
        "/me/totp/confirm",
        confirm_totp,
        "Switch it on with the app's first code; the recovery codes are shown this once",
    );
    api.post(
        "/me/totp/recovery_codes",
        renew_recovery_codes,
        "Make new recovery codes; the old ones are worthless",
    );
    api.post("/me/totp/off", end_totp, "Switch the authenticator app off");
    api.post(
        "/me/email",
        ask_email_change,
        "Ask for another log-in e-mail; the new address gets a link, the old one is told. The answer is the same for a taken address",
    );
    api.post(
        "/auth/email_changes/confirm",
        confirm_email_change,
        "Complete a change of the log-in e-mail with the token of the new address's mail",
    );
    api.post(
        "/auth/email_changes/undo",
        undo_email_change,
        "Stop or undo a change of the log-in e-mail with the token of the old address's mail; every session ends",
    );
    api.get("/sign_in_policy", get_sign_in_policy, "What is asked of everybody who signs in");
    api.put("/sign_in_policy", set_sign_in_policy, "Ask an authenticator app of everybody, or not any more");
    api.post(
        "/staff/{user_id}/totp/reset",
        reset_staff_totp,
        "Take a colleague's authenticator app away, who lost it",
    );
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveCodeBody {
    /// Of the problem `second_factor_needed` that the log-in answered.
    challenge: String,
    /// Six digits of the app, or a recovery code.
    code: String,
}

async fn give_code(open: Open<Json<GiveCodeBody>>) -> Answer<Json<TokensView>> {
    let given = GiveCode {
        user_agent: user_agent(&open),
        address: open.info.address.clone(),
        challenge: open.input.0.challenge.clone(),
        code: open.input.0.code.clone(),
    };
    Ok(auth::log_in_with_code(&open.state, open.request_id(), &given).await?.into())
}

#[derive(Debug, Serialize, ToSchema)]
struct TotpView {
    /// `off`, `pending` or `on`.
    state: &'static str,
    /// Since when codes are asked for.
    on_at: Option<Time>,
    recovery_codes_left: u64,
    /// The tenant asks it of everybody; without it nothing else is answered.
    required: bool,
}

async fn get_totp(auth: Authed<perm::SelfManage>) -> Answer<Json<TotpView>> {
    let found = totp::totp_state(&auth.state, auth.caller.person()?, &auth.grant).await?;
    Ok(Json(TotpView {
        state: match (found.on_at, &found.pending) {
            (Some(_), _) => "on",
            (None, Some(_)) => "pending",
            (None, None) => "off",
        },
        on_at: found.on_at.map(Time),
        recovery_codes_left: found.codes_left,
        required: found.required,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginTotpBody {
    password: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct TotpSetUpView {
    /// In base32, for typing in.
    secret: String,
    /// `otpauth://…`, what the picture holds.
    address: String,
    /// The picture to scan, as SVG.
    qr_svg: String,
}

async fn begin_totp(auth: Authed<perm::SelfManage, Json<BeginTotpBody>>) -> Answer<Created<TotpSetUpView>> {
    let proof = Proof { password: &auth.input.0.password, code: "", address: &auth.info.address };
    let begun = totp::begin_totp(&auth.state, auth.caller.person()?, &auth.grant, &proof).await?;
    Ok(Created(TotpSetUpView { secret: begun.secret, address: begun.address, qr_svg: begun.picture }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmTotpBody {
    /// Six digits of the app.
    code: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct RecoveryCodesView {
    /// Each works once in place of a code.
    recovery_codes: Vec<String>,
}

async fn confirm_totp(
    auth: Authed<perm::SelfManage, Json<ConfirmTotpBody>>,
) -> Answer<Json<RecoveryCodesView>> {
    let code = &auth.input.0.code;
    let recovery_codes = totp::confirm_totp(&auth.state, auth.caller.person()?, &auth.grant, code).await?;
    Ok(Json(RecoveryCodesView { recovery_codes }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProofBody {
    password: String,
    /// Six digits of the app, or a recovery code.
    code: String,
}

impl ProofBody {
    fn proof<'a>(&'a self, address: &'a str) -> Proof<'a> {
        Proof { password: &self.password, code: &self.code, address }
    }
}

async fn renew_recovery_codes(
    auth: Authed<perm::SelfManage, Json<ProofBody>>,
) -> Answer<Json<RecoveryCodesView>> {
    let proof = auth.input.0.proof(&auth.info.address);
    let recovery_codes = totp::renew_codes(&auth.state, auth.caller.person()?, &auth.grant, &proof).await?;
    Ok(Json(RecoveryCodesView { recovery_codes }))
}

async fn end_totp(auth: Authed<perm::SelfManage, Json<ProofBody>>) -> Answer<NoContent> {
    let proof = auth.input.0.proof(&auth.info.address);
    totp::end_totp(&auth.state, auth.caller.person()?, &auth.grant, &proof).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct SignInPolicyView {
    totp_required: bool,
    totp_required_since: Option<Time>,
}

fn policy_view(since: Option<Timestamp>) -> Json<SignInPolicyView> {
    Json(SignInPolicyView { totp_required: since.is_some(), totp_required_since: since.map(Time) })
}

async fn get_sign_in_policy(auth: Authed<perm::StaffManage>) -> Answer<Json<SignInPolicyView>> {
    Ok(policy_view(sign_in::required_since(&auth.state, &auth.grant).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInPolicyBody {
    /// People without an authenticator app can do nothing but set one up. The caller has to have one.
    totp_required: bool,
}

async fn set_sign_in_policy(
    auth: Authed<perm::StaffManage, Json<SignInPolicyBody>>,
) -> Answer<Json<SignInPolicyView>> {
    let required = auth.input.0.totp_required;
    Ok(policy_view(sign_in::require(&auth.state, auth.caller.person()?, &auth.grant, required).await?))
}

async fn reset_staff_totp(auth: Authed<perm::StaffManage, Path<UserId>>) -> Answer<NoContent> {
    let holds = auth.caller.holds_everywhere();
    sign_in::reset(&auth.state, auth.caller.person()?, &auth.grant, holds, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskEmailChangeBody {
    new_email: String,
    password: String,
    /// Of those who have an authenticator app: six digits of it, or a recovery code.
    #[serde(default)]
    code: Option<String>,
}

async fn ask_email_change(auth: Authed<perm::SelfManage, Json<AskEmailChangeBody>>) -> Answer<NoContent> {
    let body = &auth.input.0;
    let code = body.code.as_deref().unwrap_or_default();
    let proof = Proof { password: &body.password, code, address: &auth.info.address };
    email::ask_change(&auth.state, auth.caller.person()?, &auth.grant, &body.new_email, &proof).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmailChangeBody {
    /// The last part of the link.
    token: String,
}

async fn confirm_email_change(open: Open<Json<EmailChangeBody>>) -> Answer<NoContent> {
    email::complete_change(&open.state, open.request_id(), &open.input.0.token).await?;
    Ok(NoContent)
}

async fn undo_email_change(open: Open<Json<EmailChangeBody>>) -> Answer<NoContent> {
    email::undo_change(&open.state, open.request_id(), &open.input.0.token).await?;
    Ok(NoContent)
}
