//! A provider's merchants.

use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::TenantId;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::application::{ApplicationRow, application_list_by_provider};
use qianpu_tenants::store::shop::{Shop, shop_list_by_provider};
use qianpu_tenants::store::tenant::{TenantRow, merchant_list, tenant_get};

/// The provider's merchants, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::MerchantRead>,
    page: PageRequest,
) -> Answer<Page<TenantRow>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(merchant_list(&tx, page).await?)
}

/// A merchant with its shops and applications.
#[derive(Debug, Clone)]
pub struct Merchant {
    pub row: TenantRow,
    pub shops: Vec<Shop>,
    pub applications: Vec<ApplicationRow>,
}

/// One merchant; another provider's is not found.
pub async fn get(state: &AppState, grant: &Grant<perm::MerchantRead>, id: TenantId) -> Answer<Merchant> {
    let on = grant.on_merchant(&state.db, id).await?;
    let tx = state.db.read(on.ctx()).await?;
    let row = tenant_get(&tx).await?;
    drop(tx);
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let first = PageRequest::first(50);
    let shops = shop_list_by_provider(&tx, Some(id), first).await?.items;
    let applications = application_list_by_provider(&tx, &[], Some(id), first).await?.items;
    Ok(Merchant { row, shops, applications })
}
