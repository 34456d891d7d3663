//! Deposits as people see them: with the money that is kept, what is missing, and how far the trial is.

use super::whole_merchant;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::deposit::{DepositState, TrialUse};
use qianpu_domain::ids::{DepositId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::deposit::{
    Deposit, DepositBalance, deposit_balances, deposit_balances_by_provider, deposit_counts_by_provider,
    deposit_get, deposit_list, deposit_list_by_provider, trial_use, trial_use_by_provider,
};
use qianpu_tenants::store::receipt::{Receipt, ReceiptFor, receipt_list_of};
use qianpu_tenants::store::shop::{shop_get, shop_names_by_provider};

/// The money of a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DepositMoney {
    pub balance: Fen,
    /// Held for open cases.
    pub frozen: Fen,
    /// What may be taken out: the part above what is due.
    pub withdrawable: Fen,
    /// What is missing.
    pub missing: Fen,
}

impl DepositMoney {
    fn of(kept: Option<&DepositBalance>, due: Fen) -> Self {
        let kept = kept.copied().unwrap_or_default();
        Self {
            balance: kept.available,
            frozen: kept.frozen,
            withdrawable: above(kept.available, due),
            missing: above(due, kept.available),
        }
    }
}

pub(super) fn above(one: Fen, other: Fen) -> Fen {
    one.sub(other).ok().filter(|rest| *rest > Fen::ZERO).unwrap_or(Fen::ZERO)
}

/// A deposit with its money.
#[derive(Debug, Clone)]
pub struct DepositStanding {
    pub deposit: Deposit,
    pub money: DepositMoney,
    /// How far the trial is, while it runs.
    pub used: Option<TrialUse>,
    pub shop_name: String,
}

/// A deposit as its merchant sees it.
#[derive(Debug, Clone)]
pub struct DepositDetail {
    pub standing: DepositStanding,
    pub receipts: Vec<Receipt>,
}

/// The deposits of the merchant's shops, with their money.
pub async fn list(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Vec<DepositDetail>> {
    whole_merchant(grant)?;
    let tx = state.db.read(grant.ctx()).await?;
    let deposits = deposit_list(&tx).await?;
    details(&tx, deposits).await
}

async fn details(tx: &TenantTx, deposits: Vec<Deposit>) -> Answer<Vec<DepositDetail>> {
    let kept = deposit_balances(tx, &deposits).await?;
    let mut details = Vec::with_capacity(deposits.len());
    for deposit in deposits {
        let used = match deposit.state {
            DepositState::Trial => Some(trial_use(tx, &deposit).await?),
            _ => None,
        };
        details.push(DepositDetail {
            receipts: receipt_list_of(tx, ReceiptFor::Deposit(deposit.id)).await?,
            standing: DepositStanding {
                money: DepositMoney::of(kept.get(&deposit.id), deposit.due),
                shop_name: shop_get(tx, deposit.shop).await?.name,
                used,
                deposit,
            },
        });
    }
    Ok(details)
}

/// One deposit with its money, for the provider's staff who may open a case against it, with their proof on the merchant.
pub async fn for_case(
    state: &AppState,
    grant: &Grant<perm::DepositCaseManage>,
    id: DepositId,
) -> Answer<DepositStanding> {
    let tx = state.db.read(grant.ctx()).await?;
    let deposit = deposit_get(&tx, id).await?;
    Ok(details(&tx, vec![deposit]).await?.pop().ok_or_else(ApiError::not_found)?.standing)
}

/// The deposits of the provider's merchants, newest first, optionally in one state.
pub async fn list_by_provider(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    of: Option<DepositState>,
    page: PageRequest,
) -> Answer<Page<DepositStanding>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let found = deposit_list_by_provider(&tx, of, page).await?;
    let kept = deposit_balances_by_provider(&tx, &found.items).await?;
    let shops: Vec<ShopId> = found.items.iter().map(|deposit| deposit.shop).collect();
    let names = shop_names_by_provider(&tx, &shops).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for deposit in found.items {
        let used = match deposit.state {
            DepositState::Trial => Some(trial_use_by_provider(&tx, &deposit).await?),
            _ => None,
        };
        items.push(DepositStanding {
            money: DepositMoney::of(kept.get(&deposit.id), deposit.due),
            shop_name: names.get(&deposit.shop).cloned().unwrap_or_else(|| deposit.shop.to_string()),
            used,
            deposit,
        });
    }
    Ok(Page { items, next: found.next })
}

/// How many deposits of the provider's merchants are in each state.
pub async fn counts(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Vec<(DepositState, i64)>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(deposit_counts_by_provider(&tx).await?)
}

/// One deposit of a merchant.
pub async fn get(state: &AppState, grant: &Grant<perm::BillingRead>, id: DepositId) -> Answer<DepositDetail> {
    whole_merchant(grant)?;
    if grant.ctx().kind() != Surface::Merchant {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read(grant.ctx()).await?;
    let deposit = deposit_get(&tx, id).await?;
    details(&tx, vec![deposit]).await?.pop().ok_or_else(ApiError::not_found)
}
