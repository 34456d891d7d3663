//! How people come to a tenant: an owner invites by mail, the link opens a page that asks for name and
//! password. Whoever has a log-in already accepts while logged in, and works for one tenant more. The link
//! works once; only a hash of its token is stored.

use super::{given, own_shop};
use crate::app::auth::{ConsoleSession, Tokens, issue, open_console};
use crate::app::money::limits;
use crate::app::notices;
use crate::app::setup::{LogInToBe, check_person, email_is_plausible, insert_person};
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::Limited;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{InvitationId, RequestId, ShopId, UserId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::staff::role_to_give;
use qianpu_domain::subject::is_invisible;
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Person, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::custom_role::staff_role_find;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::staff::{grant_insert, staff_gate};
use qianpu_tenants::store::staff_invitation::{
    NewStaffInvitation, StaffInvitation, staff_invitation_count, staff_invitation_find,
    staff_invitation_hash, staff_invitation_insert, staff_invitation_list, staff_invitation_revoke,
    staff_invitation_use,
};
use qianpu_tenants::store::tenant::{TenantState, tenant_get};
use qianpu_tenants::store::user::{Home, member_find, member_insert};
use qianpu_tenants::{random, resolve};
use serde_json::json;

/// How long the link of a mail works.
pub const LIFE: Span = Span::days(7);
/// Most invitations of a tenant that may wait at once.
pub const MOST_OPEN: u64 = 100;

/// What an owner writes.
#[derive(Debug, Clone)]
pub struct InviteStaff {
    pub email: String,
    /// To greet with, and to fill in; may be empty.
    pub name: String,
    pub role: String,
    /// The shop the role is to be limited to.
    pub shop: Option<ShopId>,
    /// Of the mail.
    pub lang: Lang,
}

/// An invitation that was sent, with the token of its link. The token is for the mail, never for an answer.
#[derive(Clone)]
pub struct Invited {
    pub invitation: StaffInvitation,
    pub token: String,
}

/// Invites somebody to join with a role that the inviter holds all of. An older invitation of the same e-mail is dead.
pub async fn invite(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    holds: PermissionSet,
    command: &InviteStaff,
) -> Answer<Invited> {
    let mut errors = Vec::new();
    let ctx = grant.ctx();
    if !email_is_plausible(&command.email) {
        let (en, zh) = ("expected an e-mail address", "请填写正确的邮箱地址");
        errors.push(FieldError::new("email", "invalid", en, zh));
    }
    let name = command.name.trim();
    if name.chars().count() > 60 || name.chars().any(|c| c.is_control() || is_invisible(c)) {
        let (en, zh) = ("at most 60 characters, none of them invisible", "最多 60 个字，不能包含不可见字符");
        errors.push(FieldError::new("name", "too_long", en, zh));
    }
    let known = resolve::by_login_email(&state.db, command.email.trim(), ctx.request_id()).await?;
    let token = random::token();
    let mut tx = state.db.begin(ctx).await?;
    staff_gate(&mut tx).await?;
    let found = staff_role_find(&tx, &command.role).await?;
    let role = match role_to_give(ctx.kind(), found, command.shop.is_some(), holds) {
        Ok(role) if errors.is_empty() => role,
        Ok(_) => return Err(errors.into()),
        Err(error) => {
            errors.push(error);
            return Err(errors.into());
        }
    };
    own_shop(&tx, command.shop).await?;
    if works_here(&tx, known, &command.email).await? {
        return Err(works_here_already().into());
    }
    if staff_invitation_count(&tx).await? >= MOST_OPEN {
        let en = "too many invitations wait; take some back first";
        return Err(FieldError::new("email", "too_many", en, "等待中的邀请过多，请先撤回一些").into());
    }
    let email = command.email.trim().to_lowercase();
    let new = NewStaffInvitation {
        email: &email,
        name,
        role: &role,
        shop: command.shop,
        locale: command.lang.code(),
        token: &token,
        life: LIFE,
    };
    let id = staff_invitation_insert(&mut tx, &new).await?;
    let tenant = tenant_get(&tx).await?;
    let to = (email.as_str(), name);
    notices::staff_invitation(state, &mut tx, &tenant.name, to, &role, command.lang, &token).await?;
    let detail = given(&role, command.shop);
    audit_append(&mut tx, AuditAction::StaffInvited, "staff_invitation", &id.to_string(), detail).await?;
    let invitation = staff_invitation_find(&tx, id).await?;
    tx.commit().await?;
    Ok(Invited { invitation, token })
}

/// Whether the tenant has a row of this person, by log-in or by e-mail.
async fn works_here(tx: &TenantTx, known: Option<(TenantCtx, UserId)>, email: &str) -> Answer<bool> {
    let email = email.trim().to_lowercase();
    // Nobody is at home in a nil row, so that only the e-mail counts for somebody without a log-in.
    let home = known.map_or(Home::NONE, |(ctx, user)| Home { tenant: ctx.tenant(), user });
    Ok(member_find(tx, home, &email).await?.is_some())
}

fn works_here_already() -> FieldError {
    let en = "this person works here already; give them a role, or enable them, on their page";
    FieldError::new("email", "taken", en, "此人已在您的员工名单中，请在其页面分配角色或启用")
}

/// Invitations that wait for an answer, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::StaffManage>,
    page: PageRequest,
) -> Answer<Page<StaffInvitation>> {
    Ok(staff_invitation_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// Takes an invitation back; its link is dead at once.
pub async fn revoke(state: &AppState, grant: &Grant<perm::StaffManage>, id: InvitationId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    staff_invitation_revoke(&mut tx, id).await?;
    let target = id.to_string();
    audit_append(&mut tx, AuditAction::StaffInvitationRevoked, "staff_invitation", &target, json!({}))
        .await?;
    Ok(tx.commit().await?)
}

/// Where a link leads.
#[derive(Debug, Clone)]
pub struct Door {
    ctx: TenantCtx,
    pub tenant_name: String,
    pub invitation: StaffInvitation,
    /// The log-in that the invited e-mail has already: the invitation is accepted with it, not with a new
    /// password.
    known: Option<Home>,
}

impl Door {
    /// Whether the invited e-mail has a log-in already.
    pub fn has_log_in(&self) -> bool {
        self.known.is_some()
    }
    /// Whether this is the person who was invited.
    pub fn is_for(&self, person: &Person) -> bool {
        self.known == Some(person.home)
    }
}

/// By the token of a link; spent, revoked and expired ones are not found.
pub async fn door(state: &AppState, request: RequestId, token: &str) -> Answer<Door> {
    let hash = staff_invitation_hash(token);
    let found = resolve::by_link(&state.db, directory::STAFF_INVITATION, &hash, request).await?;
    let (ctx, id) = found.ok_or_else(ApiError::not_found)?;
    let tx = state.db.read(&ctx).await?;
    let invitation = staff_invitation_find(&tx, InvitationId(id)).await?;
    let tenant = tenant_get(&tx).await?;
    drop(tx);
    if tenant.state == TenantState::Closed {
        return Err(ApiError::not_found());
    }
    let known = resolve::by_login_email(&state.db, &invitation.email, request).await?;
    let known = known.map(|(ctx, user)| Home { tenant: ctx.tenant(), user });
    Ok(Door { ctx, tenant_name: tenant.name, invitation, known })
}

/// What somebody who was invited gives.
#[derive(Debug, Clone)]
pub struct Join {
    pub name: String,
    pub password: String,
    pub lang: Lang,
    /// What the client calls itself.
    pub user_agent: String,
}

async fn join(state: &AppState, door: &Door, command: &Join) -> Answer<UserId> {
    let invitation = &door.invitation;
    let person = LogInToBe {
        email: &invitation.email,
        name: &command.name,
        password: &command.password,
        locale: command.lang.code(),
    };
    let hash = check_person(state, door.ctx.request_id(), person).await?;
    let mut tx = state.db.begin(&door.ctx).await?;
    limits::allow_in(&mut tx, Limited::Staff).await?;
    staff_invitation_use(&mut tx, invitation.id).await?;
    let user = insert_person(&mut tx, person, &hash).await?;
    grant_insert(&mut tx, user, invitation.role.clone(), invitation.shop).await?;
    let detail = given(&invitation.role, invitation.shop);
    audit_append(&mut tx, AuditAction::StaffJoined, "user", &user.to_string(), detail).await?;
    tx.commit().await?;
    Ok(user)
}

/// Joins, and logs in a program.
pub async fn join_with_tokens(state: &AppState, door: &Door, command: &Join) -> Answer<(UserId, Tokens)> {
    let user = join(state, door, command).await?;
    Ok((user, issue(state, &door.ctx, user, &command.user_agent).await?))
}

/// Joins, and logs in a browser.
pub async fn join_with_cookie(state: &AppState, door: &Door, command: &Join) -> Answer<ConsoleSession> {
    let user = join(state, door, command).await?;
    open_console(state, &door.ctx, user, &command.user_agent).await
}

/// Joins with the log-in the person has: one tenant more, no second password. Only who was invited may.
async fn accept(state: &AppState, door: &Door, person: &Person) -> Answer<UserId> {
    if !door.is_for(person) {
        let en = "this invitation is for somebody else; log in with the e-mail it was sent to";
        return Err(FieldError::new(
            "token",
            "not_yours",
            en,
            "该邀请发给了其他邮箱，请用收到邀请的邮箱登录",
        )
        .into());
    }
    let home = person.home;
    let places = resolve::workplaces(&state.db, home, door.ctx.request_id()).await?;
    if places.len() >= directory::MOST_MEMBERSHIPS {
        let en = "one person can work for so many at most; leave one of them first";
        return Err(FieldError::new("token", "too_many", en, "一个账号可加入的商家数量已达上限").into());
    }
    let found = resolve::at_home(&state.db, home, door.ctx.request_id()).await?;
    let (_, own) = found.ok_or_else(ApiError::not_found)?;
    let invitation = &door.invitation;
    let mut tx = state.db.begin(&door.ctx).await?;
    limits::allow_in(&mut tx, Limited::Staff).await?;
    staff_invitation_use(&mut tx, invitation.id).await?;
    let user = member_insert(&mut tx, &own, home).await.map_err(|error| match error {
        StoreError::Conflict(_) => works_here_already().into(),
        other => ApiError::from(other),
    })?;
    grant_insert(&mut tx, user, invitation.role.clone(), invitation.shop).await?;
    let detail = given(&invitation.role, invitation.shop);
    audit_append(&mut tx, AuditAction::StaffJoined, "user", &user.to_string(), detail).await?;
    tx.commit().await?;
    Ok(user)
}

/// Accepts, and gives a program tokens for the new tenant.
pub async fn accept_with_tokens(
    state: &AppState,
    door: &Door,
    person: &Person,
    user_agent: &str,
) -> Answer<(UserId, Tokens)> {
    let user = accept(state, door, person).await?;
    Ok((user, issue(state, &door.ctx, user, user_agent).await?))
}

/// Accepts, and opens the console of the new tenant beside the others.
pub async fn accept_with_cookie(
    state: &AppState,
    door: &Door,
    person: &Person,
    user_agent: &str,
) -> Answer<ConsoleSession> {
    let user = accept(state, door, person).await?;
    open_console(state, &door.ctx, user, user_agent).await
}
