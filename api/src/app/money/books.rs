//! A merchant's books as people read them: accounts, journals with their legs, and the four figures on the
//! money page; and a provider's totals over its merchants.

use super::{ReadsBooks, may_read_books, whole_merchant};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::ids::{JournalId, TenantId};
use qianpu_domain::ledger::AccountCode;
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{Cursor, Page, PageRequest};
use qianpu_tenants::store::ledger::{
    AccountRow, JournalRow, MerchantBalance, account_list, book_totals, book_totals_by_merchant, journal_get,
    journal_list, journal_list_of,
};

/// The merchant's accounts by code.
pub async fn accounts(state: &AppState, grant: &Grant<perm::LedgerRead>) -> Answer<Vec<AccountRow>> {
    whole_merchant(grant)?;
    Ok(account_list(&*state.db.read(grant.ctx()).await?, Currency::Cny).await?)
}

/// Journals, newest first; those about one thing, oldest first, when it is named.
pub async fn journals(
    state: &AppState,
    grant: &Grant<perm::LedgerRead>,
    about: Option<&str>,
    page: PageRequest,
) -> Answer<Page<JournalRow>> {
    whole_merchant(grant)?;
    let tx = state.db.read(grant.ctx()).await?;
    match about {
        None => Ok(journal_list(&tx, page).await?),
        Some(about) => Ok(Page { items: journal_list_of(&tx, about).await?, next: None }),
    }
}

/// One journal.
pub async fn journal<P: ReadsBooks>(state: &AppState, grant: &Grant<P>, id: JournalId) -> Answer<JournalRow> {
    may_read_books(grant)?;
    Ok(journal_get(&*state.db.read(grant.ctx()).await?, id).await?)
}

/// What a merchant has and owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// 2010.
    pub available: Fen,
    /// 2020.
    pub pending: Fen,
    /// 2030.
    pub wallet: Fen,
    /// 2100.
    pub deposit: Fen,
    /// 2110.
    pub deposit_frozen: Fen,
    /// 1110: bills to pay.
    pub receivable: Fen,
    /// 1120: claims after refunds.
    pub clawback: Fen,
}

/// The figures of the money page.
pub async fn summary(state: &AppState, grant: &Grant<perm::LedgerRead>) -> Answer<Summary> {
    let mut summary = Summary::default();
    for account in accounts(state, grant).await? {
        let figure = match account.code {
            AccountCode::MerchantAvailable => &mut summary.available,
            AccountCode::MerchantPending => &mut summary.pending,
            AccountCode::MerchantWallet => &mut summary.wallet,
            AccountCode::DepositAvailable => &mut summary.deposit,
            AccountCode::DepositFrozen => &mut summary.deposit_frozen,
            AccountCode::Receivable => &mut summary.receivable,
            AccountCode::ClawbackReceivable => &mut summary.clawback,
            _ => continue,
        };
        *figure = figure.add(account.balance)?;
    }
    Ok(summary)
}

/// Balances over all merchants of the provider by account of the chart: a roll-up, not an invariant.
pub async fn totals(
    state: &AppState,
    grant: &Grant<perm::ProviderLedgerRead>,
) -> Answer<Vec<(AccountCode, Fen)>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(book_totals(&tx, Currency::Cny).await?)
}

/// What each of the provider's merchants holds, by merchant: on one account of the chart, or on all of them.
pub async fn merchants(
    state: &AppState,
    grant: &Grant<perm::ProviderLedgerRead>,
    account: Option<AccountCode>,
    page: PageRequest,
) -> Answer<Page<MerchantBalance>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let after = page.cursor.map(|cursor| TenantId(cursor.id));
    let rows = book_totals_by_merchant(&tx, Currency::Cny, account, after, page.limit + 1).await?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: Timestamp::from_micros(0), id: row.merchant.0 }))
}
