//! Applications to open a shop, from the first form of a stranger to the shop: start, the four steps, hand
//! in; review, approve, return, reject. Rules are in `domain::onboarding`; here they are loaded, asked,
//! saved and told (audit, outbox, mail).

use super::auth;
use super::invitations::Door;
use super::requirements::{self, Rules};
use super::setup::{NewPerson, check_person, insert_person};
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ApplicationId, TenantId, UserId};
use qianpu_domain::onboarding::{Application, ApplicationState, MissingItem, OnboardingError, Step};
use qianpu_domain::subject::ShopName;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::{AuditEntry, audit_append, audit_list};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::context::{Actor, TenantCtx};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve;
use qianpu_tenants::store::application::{
    ApplicationRow, StoredApplication, application_counts, application_find_by_provider, application_get,
    application_insert, application_list, application_list_by_provider, application_newest,
};
use qianpu_tenants::store::invitation::invitation_use;
use qianpu_tenants::store::shop::{Shop, shop_of_application};
use qianpu_tenants::store::staff::grant_insert;
use qianpu_tenants::store::tenant::{TenantState, tenant_set};
use serde_json::json;

mod decide;
pub mod review;
pub mod steps;

/// What a stranger sends to begin.
#[derive(Debug, Clone)]
pub struct StartApplication {
    pub email: String,
    pub name: String,
    pub password: String,
    pub lang: Lang,
    /// For the brake on machines.
    pub address: String,
}

/// A merchant that has just begun.
#[derive(Debug, Clone)]
pub struct Started {
    pub merchant: TenantId,
    pub user: UserId,
    pub application: ApplicationId,
}

/// Makes a merchant tenant with its owner and an empty application. The person logs in with what they
/// typed, through [`auth`].
pub async fn start(state: &AppState, door: &Door, command: &StartApplication) -> Answer<Started> {
    let now = state.clock().now();
    let brake = format!("apply {}", command.address);
    if let Some(seconds) = state.throttle.wait(&brake, &command.address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let email = match &door.invitation {
        Some(invitation) => invitation.email.clone(),
        None => command.email.trim().to_lowercase(),
    };
    let person = NewPerson {
        email: &email,
        name: &command.name,
        password: &command.password,
        locale: command.lang.code(),
        role: Role::MerchantOwner,
    };
    let hash = check_person(state, door.provider.request_id(), &person).await?;
    // Counted only when it would go through: typing errors do not use the allowance up.
    state.throttle.failed(&brake, &command.address, now);
    let name = match &door.invitation {
        Some(invitation) if !invitation.merchant_name.is_empty() => invitation.merchant_name.as_str(),
        _ => command.name.trim(),
    };
    let ctx = resolve::new_merchant(&state.db, &door.provider, name, command.lang.code()).await?;
    match enrol(state, door, &ctx, &person, &hash).await {
        Ok((user, application)) => Ok(Started { merchant: ctx.tenant(), user, application }),
        Err(error) => {
            let mut tx = state.db.begin(&ctx).await?;
            tenant_set(&mut tx, None, None, Some(TenantState::Closed)).await?;
            tx.commit().await?;
            Err(error)
        }
    }
}

async fn enrol(
    state: &AppState,
    door: &Door,
    ctx: &TenantCtx,
    person: &NewPerson<'_>,
    hash: &str,
) -> Answer<(UserId, ApplicationId)> {
    if let Some(invitation) = &door.invitation {
        let mut tx = state.db.begin(&door.provider).await?;
        invitation_use(&mut tx, invitation.id, ctx.tenant()).await?;
        let detail = json!({"merchant": ctx.tenant().to_string()});
        audit_append(&mut tx, AuditAction::InvitationUsed, "invitation", &invitation.id.to_string(), detail)
            .await?;
        tx.commit().await?;
    }
    let mut tx = state.db.begin(ctx).await?;
    let user = insert_person(&mut tx, person, hash).await?;
    grant_insert(&mut tx, user, person.role, None).await?;
    let application = application_insert(&mut tx, user, person.email, person.locale).await?;
    audit_append(
        &mut tx,
        AuditAction::ApplicationStarted,
        "application",
        &application.to_string(),
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok((user, application))
}

/// Starts and logs in a program.
pub async fn start_with_tokens(
    state: &AppState,
    door: &Door,
    command: &StartApplication,
    user_agent: &str,
) -> Answer<(Started, auth::Tokens)> {
    let started = start(state, door, command).await?;
    let log_in = log_in_of(door, command, user_agent);
    let tokens = auth::log_in(state, door.provider.request_id(), &log_in).await?;
    Ok((started, tokens))
}

/// Starts and logs in a browser.
pub async fn start_with_cookie(
    state: &AppState,
    door: &Door,
    command: &StartApplication,
    user_agent: &str,
) -> Answer<(Started, auth::ConsoleSession)> {
    let started = start(state, door, command).await?;
    let log_in = log_in_of(door, command, user_agent);
    let session = auth::log_in_console(state, door.provider.request_id(), &log_in).await?;
    Ok((started, session))
}

fn log_in_of(door: &Door, command: &StartApplication, user_agent: &str) -> auth::LogIn {
    let invited = door.invitation.as_ref().map(|invitation| invitation.email.clone());
    auth::LogIn {
        within: None,
        email: invited.unwrap_or_else(|| command.email.clone()),
        password: command.password.clone(),
        address: command.address.clone(),
        user_agent: user_agent.to_owned(),
    }
}

/// An application with all that pages and programs show of it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub stored: StoredApplication,
    pub rules: Rules,
    pub shop: Option<Shop>,
    pub timeline: Vec<AuditEntry>,
    /// When it was read.
    pub at: Timestamp,
}

impl Desk {
    pub fn application(&self) -> &Application {
        &self.stored.application
    }
    pub fn missing(&self) -> Vec<MissingItem> {
        let mut missing = self.application().missing(&self.rules.requirements);
        if self.application().state.editable() {
            missing.extend(self.application().ended(&self.rules.requirements, self.at));
        }
        missing
    }
    /// Where the wizard opens.
    pub fn resume_at(&self) -> Step {
        let step = self.application().resume_at(&self.rules.requirements);
        self.missing().into_iter().map(|item| item.step).chain([step]).min().unwrap_or(step)
    }
    /// Approved, but the agreement has a newer version than the one signed.
    pub fn must_sign_again(&self) -> bool {
        self.application().state == ApplicationState::Approved
    }
}

/// The context of an application for whoever may see it: the merchant's own, or through its provider.
/// Another tenant's application is not found, whoever asks.
pub async fn ctx_of<P: Perm>(state: &AppState, grant: &Grant<P>, id: ApplicationId) -> Answer<TenantCtx> {
    match grant.ctx().kind() {
        Surface::Merchant => Ok(grant.ctx().clone()),
        Surface::Provider => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            let row = application_find_by_provider(&tx, id).await?;
            drop(tx);
            Ok(grant.on_merchant(&state.db, row.merchant).await?.ctx().clone())
        }
        Surface::Operator => Err(ApiError::not_found()),
    }
}

/// An application, whole.
pub async fn get(state: &AppState, grant: &Grant<perm::ApplicationRead>, id: ApplicationId) -> Answer<Desk> {
    let ctx = ctx_of(state, grant, id).await?;
    desk(state, &ctx, id).await
}

/// The application that the merchant's wizard shows.
pub async fn own(state: &AppState, grant: &Grant<perm::ApplicationEdit>) -> Answer<Desk> {
    let tx = state.db.read(grant.ctx()).await?;
    let id = application_newest(&tx).await?.ok_or_else(ApiError::not_found)?;
    drop(tx);
    desk(state, grant.ctx(), id).await
}

async fn desk(state: &AppState, ctx: &TenantCtx, id: ApplicationId) -> Answer<Desk> {
    let rules = requirements::rules(&state.db, ctx).await?;
    let tx = state.db.read(ctx).await?;
    let stored = application_get(&tx, &state.keys.sealer, id).await?;
    let shop = shop_of_application(&tx, id).await?;
    let timeline = audit_list(&tx, Some(&id.to_string()), PageRequest::first(50)).await?.items;
    let at = tx.now();
    Ok(Desk { stored, rules, shop, timeline, at })
}

/// Applications the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ApplicationRead>,
    states: &[ApplicationState],
    page: PageRequest,
) -> Answer<Page<ApplicationRow>> {
    match grant.ctx().kind() {
        Surface::Merchant => {
            let tx = state.db.read(grant.ctx()).await?;
            Ok(application_list(&tx, states, page).await?)
        }
        _ => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(application_list_by_provider(&tx, states, None, page).await?)
        }
    }
}

/// How many of the provider's applications stand where.
pub async fn counts(
    state: &AppState,
    grant: &Grant<perm::ApplicationRead>,
) -> Answer<Vec<(ApplicationState, i64)>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(application_counts(&tx).await?)
}

/// Refuses a shop name that another shop of the provider has.
async fn name_is_free(state: &AppState, ctx: &TenantCtx, name: &ShopName, path: &str) -> Answer<()> {
    if resolve::shop_name_taken(&state.db, ctx, name).await? {
        return Err(name_taken(path).into());
    }
    Ok(())
}

/// The field error of a taken shop name.
pub fn name_taken(path: &str) -> FieldError {
    FieldError::new(path, "taken", "another shop has this name", "该店铺名称已被使用")
}

/// The person who acts; a use case that records one is never called by a job.
fn person(ctx: &TenantCtx) -> Answer<UserId> {
    match ctx.actor() {
        Actor::User { id, .. } => Ok(*id),
        _ => Err(ApiError::internal("this step needs a person")),
    }
}

impl From<OnboardingError> for ApiError {
    fn from(error: OnboardingError) -> Self {
        let fields = error.fields();
        let refused = Self::refused(error.code(), &error);
        if fields.is_empty() { refused } else { refused.with_fields(fields) }
    }
}
