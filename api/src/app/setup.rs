//! Setting an installation up: the operator, the platform's policy rows, providers and their staff. Used
//! by the command line, the demo and tests; there is no other way to make a provider.

use super::categories::category_seed;
use crate::auth::password;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::{Role, Surface};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{RequestId, TenantId, UserId};
use qianpu_domain::onboarding::Requirement;
use qianpu_domain::policy;
use qianpu_domain::subject::{ShopSlug, is_invisible};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::resolve;
use qianpu_tenants::store::tenant::{NewTenant, TenantState, tenant_insert, tenant_list_of_kind, tenant_set};
use qianpu_tenants::store::{directory, policy as policy_store, requirement, staff, user};
use serde_json::json;
use uuid::Uuid;

const TASK: &str = "setup";
/// Id of the one operator of an installation.
const OPERATOR: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
/// Version word of the agreement that a new provider starts with.
pub const FIRST_AGREEMENT: &str = "2026-11";

/// A person to be, with one role in the whole tenant.
#[derive(Debug, Clone)]
pub struct NewPerson<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub password: &'a str,
    /// `zh` or `en`.
    pub locale: &'a str,
    pub role: Role,
}

/// A log-in to be, before there is a role.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogInToBe<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub password: &'a str,
    /// `zh` or `en`.
    pub locale: &'a str,
}

impl<'a> From<&'a NewPerson<'_>> for LogInToBe<'a> {
    fn from(new: &'a NewPerson<'_>) -> Self {
        Self { email: new.email, name: new.name, password: new.password, locale: new.locale }
    }
}

/// A provider to be.
#[derive(Debug, Clone)]
pub struct NewProvider<'a> {
    pub name: &'a str,
    /// In the address of its application page, `/apply/{slug}`.
    pub slug: &'a str,
    /// `zh` or `en`.
    pub locale: &'a str,
    /// At least its owner.
    pub staff: &'a [NewPerson<'a>],
}

fn system(state: &AppState) -> SystemCtx {
    SystemCtx::for_task(TASK, RequestId(state.new_id()))
}

/// Makes sure that the operator and every default policy row exist. Safe to call at every start; rows
/// that were ended or added by the operator stay as they are.
pub async fn ensure_operator(
    state: &AppState,
    name: &str,
    owner: Option<&NewPerson<'_>>,
) -> Answer<TenantId> {
    let system = system(state);
    let lookup = state.db.begin_lookup(&system).await?;
    let known = tenant_list_of_kind(&lookup, Surface::Operator, 1).await?;
    drop(lookup);
    let id = match known.first() {
        Some(operator) => operator.id,
        None => {
            let mut tx = state.db.begin_system(&system).await?;
            // The same id everywhere: of two processes that start at once one makes it.
            let id = TenantId(OPERATOR);
            let new = NewTenant {
                id,
                kind: Surface::Operator,
                provider: None,
                name,
                state: TenantState::Active,
                locale: state.config.app.language.code(),
            };
            let made = match tenant_insert(&mut tx, &new).await {
                Ok(()) => {
                    tx.commit().await?;
                    true
                }
                Err(StoreError::Conflict(_)) => false,
                Err(error) => return Err(error.into()),
            };
            if let Some(owner) = owner.filter(|_| made) {
                let ctx = TenantCtx::for_system(&state.db, &system, id).await?;
                add_staff(state, &ctx, owner).await?;
            }
            id
        }
    };
    let ctx = TenantCtx::for_system(&state.db, &system, id).await?;
    seed_policies(state, &ctx).await?;
    Ok(id)
}

/// Adds a person to the installation's operator, who is made sure of first.
pub async fn add_operator(state: &AppState, person: &NewPerson<'_>) -> Answer<UserId> {
    let id = ensure_operator(state, "千铺 Qianpu", None).await?;
    let ctx = TenantCtx::for_system(&state.db, &system(state), id).await?;
    add_staff(state, &ctx, person).await
}

async fn seed_policies(state: &AppState, ctx: &TenantCtx) -> Answer<()> {
    for rule in policy::defaults() {
        let mut tx = state.db.begin(ctx).await?;
        match policy_store::policy_insert(&mut tx, &rule).await {
            Ok(()) => tx.commit().await?,
            // Seeded before.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Creates a provider with its staff, the default requirements, the first category tree and the
/// first agreement.
pub async fn create_provider(state: &AppState, new: &NewProvider<'_>) -> Answer<TenantId> {
    let system = system(state);
    check_provider(state, new).await?;
    let mut tx = state.db.begin_system(&system).await?;
    let id = TenantId(qianpu_tenants::random::id(tx.now()));
    let row = NewTenant {
        id,
        kind: Surface::Provider,
        provider: Some(id),
        name: new.name,
        state: TenantState::Active,
        locale: new.locale,
    };
    tenant_insert(&mut tx, &row).await?;
    tx.commit().await?;
    let ctx = TenantCtx::for_system(&state.db, &system, id).await?;
    if let Err(error) = furnish(state, &ctx, new).await {
        // The tenant row is already there; nobody can use a closed one.
        let mut tx = state.db.begin(&ctx).await?;
        tenant_set(&mut tx, None, None, Some(TenantState::Closed)).await?;
        tx.commit().await?;
        return Err(error);
    }
    Ok(id)
}

async fn check_provider(state: &AppState, new: &NewProvider<'_>) -> Answer<()> {
    let errors = check_fields(state, new).await?;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    // Before anything is stored: a provider whose owner is refused would keep its address.
    for person in new.staff {
        check_person(state, RequestId(state.new_id()), person).await?;
    }
    Ok(())
}

/// What is wrong with a provider to be, besides its people.
pub(super) async fn check_fields(state: &AppState, new: &NewProvider<'_>) -> Answer<Vec<FieldError>> {
    let mut errors = Vec::new();
    if ShopSlug::parse(new.slug).is_err() {
        errors.push(FieldError::of("slug", ErrorCode::ShopSlugInvalid));
    }
    if new.name.trim().is_empty() {
        errors.push(FieldError::required("name"));
    } else if new.name.chars().count() > 60 || new.name.chars().any(|c| c.is_control() || is_invisible(c)) {
        let (en, zh) = ("at most 60 characters, none of them invisible", "最多 60 个字，不能包含不可见字符");
        errors.push(FieldError::new("name", "too_long", en, zh));
    }
    if !new.staff.iter().any(|person| person.role == Role::ProviderOwner) {
        errors.push(FieldError::new("staff", "required", "an owner is needed", "至少需要一名负责人"));
    }
    let request = RequestId(state.new_id());
    if errors.is_empty() && resolve::provider_slug_taken(&state.db, new.slug, request).await? {
        errors.push(FieldError::new("slug", "taken", "this address is taken", "该网址已被使用"));
    }
    Ok(errors)
}

async fn furnish(state: &AppState, ctx: &TenantCtx, new: &NewProvider<'_>) -> Answer<()> {
    let mut tx = state.db.begin(ctx).await?;
    directory::key_insert(&mut tx, directory::PROVIDER_SLUG, new.slug, ctx.tenant().0).await?;
    for (position, default) in (1..).zip(Requirement::defaults()) {
        requirement::requirement_insert(&mut tx, &default, position).await?;
    }
    category_seed(&mut tx).await?;
    let (zh, en) =
        (include_str!("../../content/agreement.zh.txt"), include_str!("../../content/agreement.en.txt"));
    let now = tx.now();
    requirement::agreement_insert(&mut tx, FIRST_AGREEMENT, zh, en, now).await?;
    let detail = json!({"name": new.name, "slug": new.slug});
    audit_append(&mut tx, AuditAction::ProviderCreated, "tenant", &ctx.tenant().to_string(), detail).await?;
    tx.commit().await?;
    for person in new.staff {
        add_staff(state, ctx, person).await?;
    }
    Ok(())
}

/// Adds a person with a role to the tenant of `ctx`. Errors are about the fields `email`, `name` and
/// `password`.
pub async fn add_staff(state: &AppState, ctx: &TenantCtx, new: &NewPerson<'_>) -> Answer<UserId> {
    if new.role.surface() != ctx.kind() {
        return Err(ApiError::internal(format!("{} is no role of this tenant", new.role.as_str())));
    }
    let hash = check_person(state, ctx.request_id(), new).await?;
    let mut tx = state.db.begin(ctx).await?;
    let id = insert_person(&mut tx, new, &hash).await?;
    staff::grant_insert(&mut tx, id, new.role, None).await?;
    let detail = json!({"role": new.role.as_str()});
    audit_append(&mut tx, AuditAction::StaffAdded, "user", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(id)
}

/// Checks a person's fields and hashes the password; nothing is stored.
pub(super) async fn check_person(
    state: &AppState,
    request: RequestId,
    new: impl Into<LogInToBe<'_>>,
) -> Answer<String> {
    let new = new.into();
    let mut errors = Vec::new();
    if !email_is_plausible(new.email) {
        let (en, zh) = ("expected an e-mail address", "请填写正确的邮箱地址");
        errors.push(FieldError::new("email", "invalid", en, zh));
    } else if resolve::by_login_email(&state.db, new.email, request).await?.is_some() {
        errors.push(email_taken());
    }
    let name = new.name.trim();
    if name.is_empty() {
        errors.push(FieldError::required("name"));
    } else if name.chars().count() > 60 || name.chars().any(|c| c.is_control() || is_invisible(c)) {
        let (en, zh) = ("at most 60 characters, none of them invisible", "最多 60 个字，不能包含不可见字符");
        errors.push(FieldError::new("name", "too_long", en, zh));
    }
    let length = new.password.chars().count();
    if !(password::SHORTEST..=password::LONGEST).contains(&length) {
        errors.push(FieldError::new(
            "password",
            "length",
            format!("at least {} characters", password::SHORTEST),
            format!("至少 {} 个字符", password::SHORTEST),
        ));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    password::hash(new.password.to_owned()).await
}

/// Adds a checked person, without a role yet; of two with one e-mail only the first comes through.
pub(super) async fn insert_person(
    tx: &mut qianpu_tenants::db::TenantTx,
    new: impl Into<LogInToBe<'_>>,
    hash: &str,
) -> Answer<UserId> {
    let new = new.into();
    let row = user::NewUser {
        email: new.email.trim(),
        display_name: new.name.trim(),
        password_hash: hash,
        locale: new.locale,
    };
    let id = user::user_insert(tx, &row).await.map_err(|error| match error {
        StoreError::Conflict(directory::LOGIN_EMAIL) => ApiError::field(email_taken()),
        other => other.into(),
    })?;
    Ok(id)
}

fn email_taken() -> FieldError {
    FieldError::new(
        "email",
        "taken",
        "this e-mail has an account already; log in instead",
        "该邮箱已注册，请直接登录",
    )
}

/// One `@` with something on both sides, a dot in the domain, printable ASCII, bounded. Whether it reaches
/// anyone is shown by the mail only.
pub(super) fn email_is_plausible(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"@,;<>()\"\\".contains(&b))
    };
    text.len() <= 254
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
