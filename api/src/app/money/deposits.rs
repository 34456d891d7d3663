//! The deposit 保证金 of each shop: what is due by its categories (the maximum, not the sum), the zero-deposit
//! trial, and the state that follows from the balance in the books.

use super::{notices, whole_merchant};
use crate::app::{categories, policies};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{DepositState, deposit_due};
use qianpu_domain::ids::{CategoryId, DepositId, ShopId};
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::policy::{self, PolicyKind};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::deposit::{
    Deposit, Receipt, ReceiptFor, deposit_get, deposit_list, deposit_list_by_provider, deposit_of_shop,
    deposit_put, receipt_list_of,
};
use qianpu_tenants::store::ledger::{account_balance, account_list};
use qianpu_tenants::store::product::product_categories;
use qianpu_tenants::store::shop::{Shop, shop_get};
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

/// The one scheme of this release; a provider may have several later.
pub const SCHEME: &str = "basic";

/// What a shop has to keep, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositTerms {
    pub due: Fen,
    /// The row that won: `deposit/category/{code}`, or `deposit/none`.
    pub rule: String,
    /// How long it may trade without a deposit.
    pub trial: Span,
}

/// Reads what a shop has to keep: the largest deposit among its own category and those of its products on
/// sale.
pub async fn terms(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<DepositTerms> {
    let tx = state.db.read(ctx).await?;
    let mut chosen = product_categories(&tx, shop).await?;
    chosen.extend(shop_get(&tx, shop).await?.category);
    drop(tx);
    let tree = categories::tree_of(&state.db, ctx).await?;
    let (due, rule) = due_of(&tree, &chosen);
    let row = policies::rule_in_force(&state.db, ctx, PolicyKind::DepositTrial).await?;
    let (trial, ..) = policy::deposit_trial(&row)?;
    Ok(DepositTerms { due, rule, trial })
}

fn due_of(tree: &[Category], chosen: &[CategoryId]) -> (Fen, String) {
    let nodes = || tree.iter().filter(|node| chosen.contains(&node.id));
    let due = deposit_due(nodes().map(|node| node.deposit));
    let winner = nodes().find(|node| node.deposit == due && due > Fen::ZERO);
    (due, winner.map_or_else(|| "deposit/none".to_owned(), |node| format!("deposit/category/{}", node.code)))
}

/// Makes the obligation of a shop that begins to trade. A shop that has one keeps it.
pub async fn open_in(tx: &mut TenantTx, shop: ShopId, terms: &DepositTerms) -> Answer<()> {
    if deposit_of_shop(tx, shop, SCHEME).await?.is_some() {
        return Ok(());
    }
    let ends = tx.now().plus(terms.trial);
    let state = DepositState::Trial.recompute(terms.due, Fen::ZERO, Some(ends), tx.now());
    deposit_put(tx, shop, SCHEME, state, terms.due, &terms.rule, Some(ends)).await?;
    let detail = json!({"due_fen": terms.due.get(), "rule": terms.rule, "state": state.as_str()});
    audit_append(tx, AuditAction::DepositOpened, "shop", &shop.to_string(), detail).await?;
    super::daily::ensure_in(tx).await
}

/// The money of a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DepositMoney {
    pub balance: Fen,
    /// Held for open cases; its accounts' owner keys begin with the deposit's own.
    pub frozen: Fen,
    /// What may be taken out: the part above what is due.
    pub withdrawable: Fen,
    /// What is missing.
    pub missing: Fen,
}

async fn money_of(tx: &TenantTx, deposit: &Deposit) -> Answer<DepositMoney> {
    let owner = deposit.ledger_owner();
    let cases = format!("{owner}/");
    let mut money = DepositMoney::default();
    for account in account_list(tx, Currency::Cny).await? {
        match account.code {
            AccountCode::DepositAvailable if account.owner == owner => money.balance = account.balance,
            AccountCode::DepositFrozen if account.owner.starts_with(&cases) => {
                money.frozen = add(money.frozen, account.balance);
            }
            _ => {}
        }
    }
    money.withdrawable = above(money.balance, deposit.due);
    money.missing = above(deposit.due, money.balance);
    Ok(money)
}

fn add(one: Fen, other: Fen) -> Fen {
    one.add(other).unwrap_or(one)
}
fn above(one: Fen, other: Fen) -> Fen {
    one.sub(other).ok().filter(|rest| *rest > Fen::ZERO).unwrap_or(Fen::ZERO)
}

/// A deposit with its money and its shop.
#[derive(Debug, Clone)]
pub struct DepositDetail {
    pub deposit: Deposit,
    pub money: DepositMoney,
    pub shop: Shop,
    pub receipts: Vec<Receipt>,
}

/// The deposits of the merchant's shops, with their money.
pub async fn list(state: &AppState, grant: &Grant<perm::BillingRead>) -> Answer<Vec<DepositDetail>> {
    whole_merchant(grant)?;
    let tx = state.db.read(grant.ctx()).await?;
    let mut details = Vec::new();
    for deposit in deposit_list(&tx).await? {
        details.push(detail(&tx, deposit).await?);
    }
    Ok(details)
}

async fn detail(tx: &TenantTx, deposit: Deposit) -> Answer<DepositDetail> {
    Ok(DepositDetail {
        money: money_of(tx, &deposit).await?,
        shop: shop_get(tx, deposit.shop).await?,
        receipts: receipt_list_of(tx, ReceiptFor::Deposit(deposit.id)).await?,
        deposit,
    })
}

/// The deposits of the provider's merchants, newest first; without their money.
pub async fn list_by_provider(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    page: PageRequest,
) -> Answer<Page<Deposit>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(deposit_list_by_provider(&tx, page).await?)
}

/// One deposit of a merchant.
pub async fn get(state: &AppState, grant: &Grant<perm::BillingRead>, id: DepositId) -> Answer<DepositDetail> {
    whole_merchant(grant)?;
    if grant.ctx().kind() != Surface::Merchant {
        return Err(crate::error::ApiError::not_found());
    }
    let tx = state.db.read(grant.ctx()).await?;
    let deposit = deposit_get(&tx, id).await?;
    detail(&tx, deposit).await
}

/// Brings the state in line with the balance, after the balance changed in this transaction.
pub(super) async fn recompute_in(tx: &mut TenantTx, was: &Deposit) -> Answer<DepositState> {
    settle(tx, was, was.due, &was.rule_id).await
}

async fn settle(tx: &mut TenantTx, was: &Deposit, due: Fen, rule: &str) -> Answer<DepositState> {
    let account = AccountRef::owned(AccountCode::DepositAvailable, was.ledger_owner());
    let balance = account_balance(tx, Currency::Cny, &account).await?;
    let next = was.state.recompute(due, balance, was.trial_ends_at, tx.now());
    if next == was.state && due == was.due && rule == was.rule_id {
        return Ok(next);
    }
    deposit_put(tx, was.shop, &was.scheme, next, due, rule, was.trial_ends_at).await?;
    let public = was.id.to_string();
    let detail = json!({
        "state": [was.state.as_str(), next.as_str()],
        "due_fen": [was.due.get(), due.get()],
        "rule": rule,
    });
    audit_append(tx, AuditAction::DepositChanged, "deposit", &public, detail).await?;
    if next != was.state {
        outbox_append(tx, "deposit.state_changed", &public, 1, json!({"state": next.as_str()})).await?;
    }
    Ok(next)
}

/// Works out anew what every shop of the merchant has to keep, and tells the merchant when one falls short.
pub(super) async fn recompute_all(state: &AppState, ctx: &TenantCtx) -> Answer<()> {
    let tx = state.db.read(ctx).await?;
    let deposits = deposit_list(&tx).await?;
    drop(tx);
    if deposits.is_empty() {
        return Ok(());
    }
    let tx = state.db.read_parent(ctx).await?;
    let seller = tenant_get(&tx).await?.name;
    drop(tx);
    for deposit in deposits {
        let terms = terms(state, ctx, deposit.shop).await?;
        let mut tx = state.db.begin(ctx).await?;
        let was = deposit_get(&tx, deposit.id).await?;
        let next = settle(&mut tx, &was, terms.due, &terms.rule).await?;
        if next == DepositState::Short && was.state != DepositState::Short {
            let now = deposit_get(&tx, deposit.id).await?;
            let missing = money_of(&tx, &now).await?.missing;
            let shop = shop_get(&tx, deposit.shop).await?.name;
            notices::deposit_short(state, &mut tx, &seller, &shop, missing).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
