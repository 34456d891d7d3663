//! Shops: reading, renaming, the notice, and 开张 — opening the doors.

pub mod suspension;

use super::applications::name_taken;
use super::documents;
use super::money::deposits;
use super::requirements;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ShopId, TenantId};
use qianpu_domain::onboarding::{ApplicationState, OnboardingError};
use qianpu_domain::order::OrderState;
use qianpu_domain::shop::{self, ShopCommand, ShopError, ShopState};
use qianpu_domain::subject::ShopName;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::application::application_get;
use qianpu_tenants::store::directory;
use qianpu_tenants::store::order::{OrderFilter, order_counts};
use qianpu_tenants::store::shop::{
    Shop, ShopChange, shop_get, shop_get_by_provider, shop_list, shop_list_by_provider, shop_save,
};
use serde_json::json;

const LONGEST_NOTICE: usize = 200;

/// Shops the caller may see, newest first: a merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ShopRead>,
    merchant: Option<TenantId>,
    page: PageRequest,
) -> Answer<Page<Shop>> {
    match grant.ctx().kind() {
        Surface::Merchant => {
            let tx = state.db.read(grant.ctx()).await?;
            Ok(shop_list(&tx, grant.shops().as_deref(), page).await?)
        }
        _ => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(shop_list_by_provider(&tx, merchant, page).await?)
        }
    }
}

/// One shop.
pub async fn get(state: &AppState, grant: &Grant<perm::ShopRead>, id: ShopId) -> Answer<Shop> {
    match grant.ctx().kind() {
        Surface::Merchant if !grant.covers_shop(id) => Err(ApiError::not_found()),
        Surface::Merchant => Ok(shop_get(&*state.db.read(grant.ctx()).await?, id).await?),
        _ => {
            let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
            Ok(shop_get_by_provider(&tx, id).await?)
        }
    }
}

/// What may be changed.
#[derive(Debug, Clone, Default)]
pub struct UpdateShop {
    pub name: Option<String>,
    pub notice: Option<String>,
}

/// Changes name and notice. The naming and brand rules hold as in the application.
pub async fn update(
    state: &AppState,
    grant: &Grant<perm::ShopManage>,
    id: ShopId,
    seen: Option<i64>,
    command: &UpdateShop,
) -> Answer<Shop> {
    covered(grant, id)?;
    let rules = requirements::rules(&state.db, grant.ctx()).await?;
    let name = match &command.name {
        None => None,
        Some(name) => {
            let brands: Vec<&str> = rules.brands.iter().map(String::as_str).collect();
            let authorised: Vec<&str> = rules.authorised.iter().map(String::as_str).collect();
            let name = ShopName::parse(name.trim())
                .and_then(|name| name.check_brands(&brands, &authorised).map(|()| name));
            Some(name.map_err(|error| FieldError::of("name", error.code()))?)
        }
    };
    let notice = command.notice.as_deref().map(str::trim);
    if notice.is_some_and(|text| text.chars().count() > LONGEST_NOTICE || text.chars().any(char::is_control))
    {
        let (en, zh) =
            (format!("at most {LONGEST_NOTICE} characters"), format!("最多 {LONGEST_NOTICE} 个字"));
        return Err(FieldError::new("notice", "too_long", en, zh).into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = shop_get(&tx, id).await?;
    if seen.is_some_and(|seen| seen != was.version) {
        return Err(StoreError::VersionConflict.into());
    }
    if was.state == ShopState::Closed {
        return Err(ShopError::WrongState { state: was.state }.into());
    }
    let change = ShopChange { name: name.as_ref(), notice, state: None };
    shop_save(&mut tx, &was, &change).await.map_err(|error| match error {
        StoreError::Conflict(directory::SHOP_NAME) => ApiError::field(name_taken("name")),
        other => other.into(),
    })?;
    let detail = json!({"name": name.as_ref().map(ShopName::as_str), "notice": notice});
    audit_append(&mut tx, AuditAction::ShopChanged, "shop", &id.to_string(), detail).await?;
    let now = shop_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

/// What stands between a shop and its opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The agreement in force is signed.
    pub agreement_signed: bool,
    /// The shop can be opened now.
    pub may_start: bool,
}

/// Whether the doors may be opened, for the shop's page.
pub async fn readiness(state: &AppState, grant: &Grant<perm::ShopRead>, shop: &Shop) -> Answer<Readiness> {
    let tx = state.db.read(grant.ctx()).await?;
    let application = application_state(&tx, state, shop).await?;
    let command = ShopCommand::StartTrading { application };
    Ok(Readiness {
        agreement_signed: application == ApplicationState::AgreementSigned,
        may_start: shop::decide(shop.state, command).is_ok(),
    })
}

async fn application_state(
    tx: &qianpu_tenants::db::TenantTx,
    state: &AppState,
    shop: &Shop,
) -> Answer<ApplicationState> {
    match shop.application {
        Some(id) => Ok(application_get(tx, &state.keys.sealer, id).await?.application.state),
        None => Err(ApiError::internal("a shop without an application")),
    }
}

/// 开张: opens the doors of an opened shop whose agreement is signed.
pub async fn start_trading(state: &AppState, grant: &Grant<perm::ShopManage>, id: ShopId) -> Answer<Shop> {
    covered(grant, id)?;
    let deposit = deposits::terms(state, grant.ctx(), id).await?;
    let shop = shop_get(&*state.db.read(grant.ctx()).await?, id).await?;
    let overdue = documents::overdue_of(state, grant.ctx(), &shop).await?;
    if !overdue.is_empty() {
        let error = OnboardingError::DocumentsOpen(overdue);
        return Err(ApiError::refused(error.code(), &error));
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = shop_get(&tx, id).await?;
    let application = application_state(&tx, state, &was).await?;
    let next = shop::decide(was.state, ShopCommand::StartTrading { application })?;
    shop_save(&mut tx, &was, &ShopChange { state: Some(next), ..ShopChange::default() }).await?;
    deposits::open_in(&mut tx, id, &deposit).await?;
    audit_append(&mut tx, AuditAction::ShopStartedTrading, "shop", &id.to_string(), json!({})).await?;
    let payload = json!({"state": next.as_str()});
    outbox_append(&mut tx, EventType::ShopStartedTrading, &id.to_string(), was.version + 1, payload).await?;
    let now = shop_get(&tx, id).await?;
    tx.commit().await?;
    Ok(now)
}

/// Closes a shop: no new orders from now on; gone for buyers when the last one is over. Asked again, it looks again.
pub async fn close(state: &AppState, grant: &Grant<perm::ShopManage>, id: ShopId) -> Answer<Shop> {
    covered(grant, id)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let mut was = shop_get(&tx, id).await?;
    if was.state != ShopState::Closing {
        let next = shop::decide(was.state, ShopCommand::StartClosing)?;
        shop_save(&mut tx, &was, &ShopChange { state: Some(next), ..ShopChange::default() }).await?;
        was = shop_get(&tx, id).await?;
    }
    let filter = OrderFilter { shops: Some(vec![id]), ..OrderFilter::default() };
    let over = |state: &OrderState| matches!(state, OrderState::Completed | OrderState::Cancelled);
    let counts = order_counts(&tx, &filter).await?;
    let open = counts.iter().filter(|(state, _)| !over(state)).map(|(_, count)| count.unsigned_abs()).sum();
    if let Ok(next) = shop::decide(was.state, ShopCommand::Close { open_orders: open }) {
        shop_save(&mut tx, &was, &ShopChange { state: Some(next), ..ShopChange::default() }).await?;
    }
    let now = shop_get(&tx, id).await?;
    let detail = json!({ "state": now.state.as_str(), "open_orders": open });
    audit_append(&mut tx, AuditAction::ShopClosed, "shop", &id.to_string(), detail).await?;
    let payload = json!({"state": now.state.as_str()});
    outbox_append(&mut tx, EventType::ShopClosed, &id.to_string(), now.version, payload).await?;
    tx.commit().await?;
    Ok(now)
}

fn covered(grant: &Grant<perm::ShopManage>, id: ShopId) -> Answer<()> {
    if grant.covers_shop(id) { Ok(()) } else { Err(ApiError::new(ErrorCode::NotFound)) }
}
