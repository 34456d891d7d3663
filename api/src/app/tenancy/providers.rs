//! The operator's providers: creating one with an owner who sets the password by a link, the list with its figures,
//! and stopping, resuming and closing. The operator sees counts and states, never buyers' data.

use super::{Change, change};
use crate::app::notices;
use crate::app::setup::{self, NewPerson, NewProvider};
use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::TenantId;
use qianpu_domain::shop::ShopState;
use qianpu_domain::tenancy::{self, TenantCommand, TenantState};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::{AuditEntry, audit_append, audit_list};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::random;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::password_reset::reset_insert;
use qianpu_tenants::store::shop::shop_counts_by_provider;
use qianpu_tenants::store::staff::{StaffMember, staff_with_roles};
use qianpu_tenants::store::tenant::{TenantRow, merchant_counts, provider_list, tenant_get};
use serde_json::{Value, json};

/// How long the link to the first password works.
pub const LINK_LIFE: Span = Span::days(7);

type Manages = Grant<perm::ProviderManage>;

/// A provider with its figures.
#[derive(Debug, Clone)]
pub struct Provider {
    pub row: TenantRow,
    /// In the address of its application page; none when it was never furnished.
    pub slug: Option<String>,
    /// Merchants in business or suspended.
    pub merchants: i64,
    /// Merchants that still apply.
    pub applying: i64,
    /// Shops that trade.
    pub trading_shops: i64,
    /// Shops in any state.
    pub shops: i64,
}

/// The providers, newest first.
pub async fn list(state: &AppState, grant: &Manages, page: PageRequest) -> Answer<Page<Provider>> {
    let tx = state.db.begin_lookup(&grant.system_ctx("providers")?).await?;
    let found = provider_list(&tx, page).await?;
    drop(tx);
    let mut items = Vec::new();
    for row in found.items {
        items.push(with_figures(state, grant, row).await?);
    }
    Ok(Page { items, next: found.next })
}

/// One provider.
pub async fn get(state: &AppState, grant: &Manages, id: TenantId) -> Answer<Provider> {
    let on = grant.on_provider(&state.db, id).await?;
    let row = tenant_get(&*state.db.read(on.ctx()).await?).await?;
    with_figures(state, grant, row).await
}

async fn with_figures(state: &AppState, grant: &Manages, row: TenantRow) -> Answer<Provider> {
    let on = grant.on_provider(&state.db, row.id).await?;
    let slug = directory::key_value(&*state.db.read(on.ctx()).await?, directory::PROVIDER_SLUG).await?;
    let tx = state.db.read_provider(&on.provider_ctx()?).await?;
    let merchants = merchant_counts(&tx).await?;
    let shops = shop_counts_by_provider(&tx).await?;
    let in_state =
        |wanted: &[TenantState]| merchants.iter().filter(|(s, _)| wanted.contains(s)).map(|(_, n)| n).sum();
    Ok(Provider {
        slug,
        merchants: in_state(&[TenantState::Active, TenantState::Suspended]),
        applying: in_state(&[TenantState::Applying]),
        trading_shops: shops.iter().filter(|(s, _)| *s == ShopState::Trading).map(|(_, n)| n).sum(),
        shops: shops.iter().map(|(_, n)| n).sum(),
        row,
    })
}

/// What was done with the provider lately, newest first.
pub async fn history(state: &AppState, grant: &Manages, id: TenantId) -> Answer<Vec<AuditEntry>> {
    let on = grant.on_provider(&state.db, id).await?;
    let tx = state.db.read(on.ctx()).await?;
    Ok(audit_list(&tx, Some(&id.to_string()), PageRequest::first(20)).await?.items)
}

/// A provider to be.
#[derive(Debug, Clone)]
pub struct CreateProvider {
    pub name: String,
    pub slug: String,
    pub owner_name: String,
    pub owner_email: String,
    /// Of the provider, its owner and the mail.
    pub lang: Lang,
}

/// Creates a provider. Its owner gets a mail with a link that sets the password.
pub async fn create(state: &AppState, grant: &Manages, command: &CreateProvider) -> Answer<Provider> {
    grant.system_ctx("new provider")?;
    // Nobody knows it; the link replaces it.
    let password = random::token();
    let owner = NewPerson {
        email: command.owner_email.trim(),
        name: command.owner_name.trim(),
        password: &password,
        locale: command.lang.code(),
        role: Role::ProviderOwner,
    };
    let checked = setup::check_person(state, grant.ctx().request_id(), &owner).await;
    let mut errors = checked.map_or_else(|error| owners(&error), |_| Vec::new());
    let new = NewProvider {
        name: command.name.trim(),
        slug: command.slug.trim(),
        locale: command.lang.code(),
        staff: &[owner],
    };
    errors.extend(setup::check_fields(state, &new).await?);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let id = setup::create_provider(state, &new).await?;
    note(state, grant, AuditAction::ProviderCreated, id, json!({"name": new.name, "slug": new.slug})).await?;
    let sent = send_links(state, grant, id).await?;
    if sent == 0 {
        return Err(ApiError::internal("a new provider has no owner"));
    }
    get(state, grant, id).await
}

/// Says in the operator's own log what was done with a provider. The provider's log has said it in the transaction of
/// the change; one transaction is one tenant's.
async fn note(
    state: &AppState,
    grant: &Manages,
    action: AuditAction,
    provider: TenantId,
    detail: Value,
) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    audit_append(&mut tx, action, "tenant", &provider.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

/// The same of a change of its state.
async fn note_change(state: &AppState, grant: &Manages, row: &TenantRow, change: &Change<'_>) -> Answer<()> {
    let detail =
        json!({"name": row.name, "reason": change.reason, "stops_merchants": change.stops_merchants});
    note(state, grant, super::action(row.kind, row.state)?, row.id, detail).await
}

/// The errors of the owner's fields under the names that the form has for them.
fn owners(error: &ApiError) -> Vec<FieldError> {
    let named = |field: &FieldError| FieldError { path: format!("owner_{}", field.path), ..field.clone() };
    match error.errors() {
        [] => vec![FieldError::of("owner_email", error.code())],
        fields => fields.iter().map(named).collect(),
    }
}

/// Sends the owners who may log in another link that sets the password; how many were sent.
pub async fn send_link(state: &AppState, grant: &Manages, id: TenantId) -> Answer<usize> {
    let sent = send_links(state, grant, id).await?;
    if sent == 0 {
        return Err(ApiError::new(ErrorCode::TenantWrongState));
    }
    note(state, grant, AuditAction::ProviderLinkSent, id, json!({"links": sent})).await?;
    Ok(sent)
}

async fn send_links(state: &AppState, grant: &Manages, id: TenantId) -> Answer<usize> {
    let on = grant.on_provider(&state.db, id).await?;
    let mut tx = state.db.begin(on.ctx()).await?;
    let row = tenant_get(&tx).await?;
    if row.state == TenantState::Closed {
        return Ok(0);
    }
    let owners: Vec<StaffMember> = staff_with_roles(&tx, &[Role::ProviderOwner]).await?;
    for owner in &owners {
        let token = random::token();
        reset_insert(&mut tx, owner.user, &token, LINK_LIFE).await?;
        notices::provider_welcome(state, &mut tx, owner, &row.name, &token).await?;
    }
    let detail = json!({"links": owners.len(), "by": "operator"});
    audit_append(&mut tx, AuditAction::ProviderLinkSent, "tenant", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(owners.len())
}

/// Stops a provider: its people may look and change nothing. Its merchants go on, unless they are stopped with it.
pub async fn suspend(
    state: &AppState,
    grant: &Manages,
    id: TenantId,
    reason: &str,
    stops_merchants: bool,
) -> Answer<Provider> {
    let on = grant.on_provider(&state.db, id).await?;
    let reason = tenancy::reason(reason)?;
    let wanted = Change { command: TenantCommand::Suspend, reason: Some(reason), stops_merchants };
    let row = change(state, on.ctx(), &wanted).await?;
    note_change(state, grant, &row, &wanted).await?;
    with_figures(state, grant, row).await
}

/// Lets a provider go on, and with it the merchants that were stopped with it.
pub async fn resume(state: &AppState, grant: &Manages, id: TenantId) -> Answer<Provider> {
    let on = grant.on_provider(&state.db, id).await?;
    let wanted = Change { command: TenantCommand::Resume, reason: None, stops_merchants: false };
    let row = change(state, on.ctx(), &wanted).await?;
    note_change(state, grant, &row, &wanted).await?;
    with_figures(state, grant, row).await
}

/// Closes a provider for good, when no merchant is in business or suspended. Its sessions and keys are dead.
pub async fn close(state: &AppState, grant: &Manages, id: TenantId, reason: &str) -> Answer<Provider> {
    let reason = tenancy::reason(reason)?;
    let now = get(state, grant, id).await?;
    let command = TenantCommand::Close { in_use: u64::try_from(now.merchants).unwrap_or(0) };
    let on = grant.on_provider(&state.db, id).await?;
    let wanted = Change { command, reason: Some(reason), stops_merchants: true };
    let row = change(state, on.ctx(), &wanted).await?;
    note_change(state, grant, &row, &wanted).await?;
    with_figures(state, grant, row).await
}
