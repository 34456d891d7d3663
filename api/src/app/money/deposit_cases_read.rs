//! Cases against deposits as people see them.

use super::{deposit_case_money::advance_left, whole_merchant};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::deposit_case::CaseState;
use qianpu_domain::ids::{DepositCaseId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::deposit_case::{
    DepositCase, DepositCaseFilter, deposit_case_counts_by_provider, deposit_case_get,
    deposit_case_get_by_provider, deposit_case_list, deposit_case_list_by_provider, deposit_cases_to_answer,
    deposit_cases_waiting_by_provider,
};
use qianpu_tenants::store::deposit_case_part::{
    CaseFile, Deduction, case_file_list, case_file_list_by_provider, deduction_list,
    deduction_list_by_provider,
};
use qianpu_tenants::store::shop::{shop_get, shop_names_by_provider};

/// A case with the name of its shop.
#[derive(Debug, Clone)]
pub struct CaseStanding {
    pub case: DepositCase,
    pub shop_name: String,
}

/// A case with all that belongs to it.
#[derive(Debug, Clone)]
pub struct CaseDetail {
    pub standing: CaseStanding,
    pub deductions: Vec<Deduction>,
    pub files: Vec<CaseFile>,
}

/// Cases, newest first: the merchant's own, or those of the provider's merchants.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    filter: DepositCaseFilter,
    page: PageRequest,
) -> Answer<Page<CaseStanding>> {
    whole_merchant(grant)?;
    let mut items = Vec::new();
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        let found = deposit_case_list(&tx, filter, page).await?;
        for case in found.items {
            let shop_name = shop_get(&tx, case.shop).await?.name;
            items.push(CaseStanding { case, shop_name });
        }
        return Ok(Page { items, next: found.next });
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let found = deposit_case_list_by_provider(&tx, filter, page).await?;
    let shops: Vec<ShopId> = found.items.iter().map(|case| case.shop).collect();
    let names = shop_names_by_provider(&tx, &shops).await?;
    for case in found.items {
        let shop_name = names.get(&case.shop).cloned().unwrap_or_else(|| case.shop.to_string());
        items.push(CaseStanding { case, shop_name });
    }
    Ok(Page { items, next: found.next })
}

/// One case.
pub async fn get(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    id: DepositCaseId,
) -> Answer<CaseDetail> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        let case = deposit_case_get(&tx, id).await?;
        let shop_name = shop_get(&tx, case.shop).await?.name;
        return Ok(CaseDetail {
            deductions: deduction_list(&tx, id).await?,
            files: case_file_list(&tx, id).await?,
            standing: CaseStanding { case, shop_name },
        });
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let case = deposit_case_get_by_provider(&tx, id).await?;
    let names = shop_names_by_provider(&tx, &[case.shop]).await?;
    let shop_name = names.get(&case.shop).cloned().unwrap_or_else(|| case.shop.to_string());
    Ok(CaseDetail {
        deductions: deduction_list_by_provider(&tx, &case).await?,
        files: case_file_list_by_provider(&tx, &case).await?,
        standing: CaseStanding { case, shop_name },
    })
}

/// What the provider advanced for the buyer of a case's after-sale and did not get back yet; the provider's proof on the
/// merchant.
pub async fn advance(
    state: &AppState,
    grant: &Grant<perm::DepositCaseManage>,
    case: &DepositCase,
) -> Answer<Fen> {
    let Some(aftersale) = case.aftersale else { return Ok(Fen::ZERO) };
    let tx = state.db.read(grant.ctx()).await?;
    advance_left(&tx, aftersale).await
}

/// How many cases of the provider's merchants stand where.
pub async fn counts(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Vec<(CaseState, i64)>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(deposit_case_counts_by_provider(&tx).await?)
}

/// How many cases wait for the provider.
pub async fn waiting_count(state: &AppState, grant: &Grant<perm::DepositCaseManage>) -> Answer<u64> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(deposit_cases_waiting_by_provider(&tx).await?)
}

/// How many cases the merchant may appeal in.
pub async fn to_answer_count(state: &AppState, grant: &Grant<perm::DepositCaseAppeal>) -> Answer<u64> {
    Ok(deposit_cases_to_answer(&*state.db.read(grant.ctx()).await?).await?)
}
