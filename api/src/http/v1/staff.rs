//! `/staff` and `/staff_invitations`: the tenant's people and their roles.

use crate::app::auth::Tokens;
use crate::app::staff::joining::{self, InviteStaff, Join};
use crate::app::staff::{self, GiveRole};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Open, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::v1::user_agent;
use crate::http::wire::{Id, Page, Time, page_request};
use crate::pages::lang::Lang;
use qianpu_domain::ids::{InvitationId, ShopId, StaffGrantId, UserId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::staff::{StaffGrant, StaffPerson};
use qianpu_tenants::store::staff_invitation::StaffInvitation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/staff", list_staff, "The tenant's people with their roles, newest first");
    api.get("/staff/{user_id}", get_staff, "One of the tenant's people");
    api.post("/staff/{user_id}/grants", give_role, "Give a role, everywhere or in one shop");
    api.delete("/staff/{user_id}/grants/{grant_id}", take_role, "Take a role away; it acts at once");
    api.post("/staff/{user_id}/disable", disable_staff, "Stop a person from logging in; their sessions end");
    api.post("/staff/{user_id}/enable", enable_staff, "Let a person log in again");
    api.post("/staff_invitations", invite_staff, "Invite somebody to join with a role, by mail");
    api.get("/staff_invitations", list_staff_invitations, "Invitations that wait, newest first");
    api.delete(
        "/staff_invitations/{staff_invitation_id}",
        revoke_staff_invitation,
        "Take an invitation back; its link is dead at once",
    );
    api.post("/staff_invitations/join", join_staff, "Join with the token of a mail's link, and log in");
    api.post(
        "/staff_invitations/accept",
        accept_staff_invitation,
        "Join with the log-in one has: tokens for one tenant more",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct StaffView {
    #[schema(value_type = String)]
    id: Id<UserId>,
    name: String,
    email: String,
    /// `active` or `disabled`.
    state: &'static str,
    /// Logs in with an authenticator app.
    totp: bool,
    grants: Vec<GrantView>,
    last_login_at: Option<Time>,
    created_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct GrantView {
    #[schema(value_type = String)]
    id: Id<StaffGrantId>,
    /// A word for a built-in role, an id for one of the tenant's own.
    role: String,
    /// What the tenant calls a role of its own; null for built-in ones.
    role_name: Option<String>,
    /// The shop the role is limited to; null for the whole tenant.
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
}

fn grant_view(grant: &StaffGrant) -> GrantView {
    GrantView {
        id: Id(grant.id),
        role: grant.role.key(),
        role_name: grant.role.own_name().map(str::to_owned),
        shop_id: grant.shop.map(Id),
    }
}

fn view(person: StaffPerson) -> StaffView {
    StaffView {
        id: Id(person.user),
        name: person.name,
        email: person.email,
        state: if person.active { "active" } else { "disabled" },
        totp: person.totp,
        grants: person.grants.iter().map(grant_view).collect(),
        last_login_at: person.last_login_at.map(Time),
        created_at: Time(person.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListStaffQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_staff(auth: Authed<perm::StaffManage, Query<ListStaffQuery>>) -> Answer<Json<Page<StaffView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(staff::list(&auth.state, &auth.grant, page).await?, view)))
}

async fn get_staff(auth: Authed<perm::StaffManage, Path<UserId>>) -> Answer<Json<StaffView>> {
    Ok(Json(view(staff::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveRoleBody {
    /// One of the roles of the own console, or the id of one of the tenant's own; not more than one holds oneself.
    role: String,
    /// Limits the role to one of the merchant's shops, where all it allows reaches single shops.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
}

async fn give_role(
    auth: Authed<perm::StaffManage, (Path<UserId>, Json<GiveRoleBody>)>,
) -> Answer<Created<StaffView>> {
    let (Path(user), Json(body)) = &auth.input;
    let command = GiveRole { role: &body.role, shop: body.shop_id.as_ref().map(|id| id.0) };
    Ok(Created(view(
        staff::give_role(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *user, &command).await?,
    )))
}

async fn take_role(auth: Authed<perm::StaffManage, Path2<UserId, StaffGrantId>>) -> Answer<NoContent> {
    let Path2(user, held) = auth.input;
    staff::take_role(&auth.state, &auth.grant, auth.caller.holds_everywhere(), user, held).await?;
    Ok(NoContent)
}

async fn disable_staff(auth: Authed<perm::StaffManage, Path<UserId>>) -> Answer<Json<StaffView>> {
    Ok(Json(view(
        staff::disable(&auth.state, &auth.grant, auth.caller.holds_everywhere(), auth.input.0).await?,
    )))
}

async fn enable_staff(auth: Authed<perm::StaffManage, Path<UserId>>) -> Answer<Json<StaffView>> {
    Ok(Json(view(
        staff::enable(&auth.state, &auth.grant, auth.caller.holds_everywhere(), auth.input.0).await?,
    )))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteStaffBody {
    /// The log-in to be. Whoever has one already accepts with it.
    email: String,
    /// To greet with; may be left out.
    #[serde(default)]
    name: Option<String>,
    /// One of the roles of the own console, or the id of one of the tenant's own; not more than one holds oneself.
    role: String,
    /// Limits the role to one of the merchant's shops, where all it allows reaches single shops.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    /// Language of the mail, `zh` or `en`.
    #[serde(default)]
    locale: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StaffInvitationView {
    #[schema(value_type = String)]
    id: Id<InvitationId>,
    email: String,
    name: String,
    role: String,
    /// What the tenant calls a role of its own; null for built-in ones.
    role_name: Option<String>,
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    locale: String,
    expires_at: Time,
    created_at: Time,
}

fn invitation_view(row: StaffInvitation) -> StaffInvitationView {
    StaffInvitationView {
        id: Id(row.id),
        email: row.email,
        name: row.name,
        role: row.role.key(),
        role_name: row.role.own_name().map(str::to_owned),
        shop_id: row.shop.map(Id),
        locale: row.locale,
        expires_at: Time(row.expires_at),
        created_at: Time(row.created_at),
    }
}

async fn invite_staff(
    auth: Authed<perm::StaffManage, Json<InviteStaffBody>>,
) -> Answer<Created<StaffInvitationView>> {
    let body = &auth.input.0;
    let command = InviteStaff {
        email: body.email.clone(),
        name: body.name.clone().unwrap_or_default(),
        role: body.role.clone(),
        shop: body.shop_id.as_ref().map(|id| id.0),
        lang: body.locale.as_deref().and_then(Lang::parse).unwrap_or(auth.info.lang),
    };
    let invited = joining::invite(&auth.state, &auth.grant, auth.caller.holds_everywhere(), &command).await?;
    Ok(Created(invitation_view(invited.invitation)))
}

async fn list_staff_invitations(
    auth: Authed<perm::StaffManage, Query<ListStaffQuery>>,
) -> Answer<Json<Page<StaffInvitationView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(joining::list(&auth.state, &auth.grant, page).await?, invitation_view)))
}

async fn revoke_staff_invitation(auth: Authed<perm::StaffManage, Path<InvitationId>>) -> Answer<NoContent> {
    joining::revoke(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinBody {
    /// Of the mail's link; works once.
    token: String,
    name: String,
    /// 10 to 200 characters.
    password: String,
    /// The person's language, `zh` or `en`; left out, that of the invitation.
    #[serde(default)]
    locale: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct JoinedView {
    #[schema(value_type = String)]
    user_id: Id<UserId>,
    access_token: String,
    refresh_token: String,
    /// Seconds until the access token ends.
    expires_in: i64,
    token_type: &'static str,
}

async fn join_staff(open: Open<Json<JoinBody>>) -> Answer<Created<JoinedView>> {
    let body = &open.input.0;
    let door = joining::door(&open.state, open.request_id(), &body.token).await?;
    let lang = body.locale.as_deref().or(Some(door.invitation.locale.as_str())).and_then(Lang::parse);
    let command = Join {
        name: body.name.clone(),
        password: body.password.clone(),
        lang: lang.unwrap_or(open.info.lang),
        user_agent: user_agent(&open),
    };
    let (user, tokens) = joining::join_with_tokens(&open.state, &door, &command).await?;
    Ok(Created(JoinedView::of(user, tokens)))
}

impl JoinedView {
    fn of(user: UserId, tokens: Tokens) -> Self {
        Self {
            user_id: Id(user),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in: tokens.expires_in,
            token_type: "Bearer",
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptBody {
    /// Of the mail's link; works once, for the person it was sent to.
    token: String,
}

async fn accept_staff_invitation(
    auth: Authed<perm::SelfManage, Json<AcceptBody>>,
) -> Answer<Created<JoinedView>> {
    let door = joining::door(&auth.state, auth.request_id(), &auth.input.0.token).await?;
    let (user, tokens) =
        joining::accept_with_tokens(&auth.state, &door, auth.caller.person()?, &user_agent(&auth)).await?;
    Ok(Created(JoinedView::of(user, tokens)))
}
