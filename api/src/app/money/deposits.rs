//! The deposit 保证金 of each shop: what is due by its categories (the maximum, not the sum), the zero-deposit
//! trial with its three limits, and the state that follows from both and from the balance in the books. What people
//! see of it is in `deposits_read`.
//!
//! The state is worked out anew with every confirmed top-up, after an order of a shop on trial was paid, and daily.

use super::notices;
use crate::app::{categories, policies};
use crate::error::Answer;
use crate::jobs::{Done, JobError, JobResult};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::deposit::{DepositState, TrialUse, deposit_due};
use qianpu_domain::ids::{CategoryId, DepositId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_domain::policy::{self, PolicyKind, PolicyRule};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::deposit::{
    Deposit, NewDeposit, deposit_balances, deposit_change, deposit_get, deposit_insert, deposit_list,
    deposit_of_shop, trial_use,
};
use qianpu_tenants::store::product::product_categories;
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::tenant::tenant_get;
use serde_json::json;

/// The one scheme of this release; a provider may have several later.
pub const SCHEME: &str = "basic";
/// Job that looks whether a shop's trial is over; payload `{"deposit_id"}`.
pub const TRIAL_JOB: &str = "deposit.trial";
/// Tries to change a deposit that others change at the same moment.
const TRIES: usize = 5;

/// What a shop has to keep, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositTerms {
    pub due: Fen,
    /// The row that won: `deposit/category/{code}`, or `deposit/none`.
    pub rule: String,
    /// The row of the calendar that says how much it may trade without a deposit.
    pub trial: PolicyRule,
}

/// Reads what a shop has to keep: the largest deposit among its own category and those of its products on
/// sale.
pub async fn terms(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<DepositTerms> {
    let (due, rule) = due_now(state, ctx, shop).await?;
    let trial = policies::rule_in_force(&state.db, ctx, PolicyKind::DepositTrial).await?;
    Ok(DepositTerms { due, rule, trial })
}

async fn due_now(state: &AppState, ctx: &TenantCtx, shop: ShopId) -> Answer<(Fen, String)> {
    let tx = state.db.read(ctx).await?;
    let mut chosen = product_categories(&tx, shop).await?;
    chosen.extend(shop_get(&tx, shop).await?.category);
    drop(tx);
    let tree = categories::tree_of(&state.db, ctx).await?;
    Ok(due_of(&tree, &chosen))
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
    let trial = policy::deposit_trial(&terms.trial, tx.now())?;
    let over = trial.reached(TrialUse::default(), tx.now());
    let state = DepositState::Trial.recompute(terms.due, Fen::ZERO, over.is_none());
    let new = NewDeposit {
        shop,
        scheme: SCHEME,
        state,
        due: terms.due,
        rule_id: &terms.rule,
        trial,
        trial_rule_id: &terms.trial.id.0,
        trial_ended: over,
    };
    deposit_insert(tx, &new).await?;
    let detail = json!({
        "due_fen": terms.due.get(), "rule": terms.rule, "state": state.as_str(), "trial_rule": terms.trial.id.0,
    });
    audit_append(tx, AuditAction::DepositOpened, "shop", &shop.to_string(), detail).await?;
    Ok(super::daily::ensure_in(tx).await?)
}

/// After an order of a shop was paid: has its trial looked at, once this transaction is committed. Orders that are
/// paid at the same moment do not see each other before.
pub async fn order_paid_in(tx: &mut TenantTx, shop: ShopId) -> Answer<()> {
    let Some(deposit) = deposit_of_shop(tx, shop, SCHEME).await? else { return Ok(()) };
    if deposit.state != DepositState::Trial {
        return Ok(());
    }
    let id = deposit.id.to_string();
    let job = NewJob {
        kind: TRIAL_JOB,
        dedup_key: Some(id.clone()),
        payload: json!({ "deposit_id": id }),
        run_at: None,
        priority: 5,
    };
    job_enqueue(tx, job).await?;
    Ok(())
}

/// Looks whether a trial is over.
pub async fn run_trial(state: &AppState, claimed: &ClaimedJob) -> JobResult {
    let id = claimed.payload["deposit_id"].as_str().and_then(|id| id.parse().ok());
    let id: DepositId = id.ok_or_else(|| JobError::dead("invalid_payload", "deposit_id"))?;
    let tx = state.db.read(&claimed.ctx).await?;
    let deposit = deposit_get(&tx, id).await?;
    drop(tx);
    let seller = seller(state, &claimed.ctx).await?;
    recompute(state, &claimed.ctx, &deposit, &seller).await?;
    Ok(Done::Nothing)
}

async fn seller(state: &AppState, ctx: &TenantCtx) -> Answer<String> {
    let tx = state.db.read_parent(ctx).await?;
    Ok(tenant_get(&tx).await?.name)
}

/// Brings the state in line with the balance, after the balance changed in this transaction.
pub(super) async fn recompute_in(tx: &mut TenantTx, id: DepositId) -> Answer<DepositState> {
    let (_, now) = settle(tx, id, None).await?;
    Ok(now.state)
}

/// The same after money of it was frozen, deducted or released; the merchant is told when it falls short by that.
pub(super) async fn recompute_and_tell_in(
    state: &AppState,
    tx: &mut TenantTx,
    id: DepositId,
    seller: &str,
) -> Answer<()> {
    let (was, now) = settle(tx, id, None).await?;
    tell_short(state, tx, seller, &was, &now).await
}

/// Works the state out anew and saves it if it or what is due changed; answers with before and after. A change that
/// somebody else makes meanwhile is taken in.
async fn settle(
    tx: &mut TenantTx,
    id: DepositId,
    terms: Option<&(Fen, String)>,
) -> Answer<(Deposit, Deposit)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let was = deposit_get(tx, id).await?;
        match try_settle(tx, &was, terms).await {
            Ok(()) => return Ok((was, deposit_get(tx, id).await?)),
            Err(StoreError::VersionConflict) if tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn try_settle(
    tx: &mut TenantTx,
    was: &Deposit,
    terms: Option<&(Fen, String)>,
) -> Result<(), StoreError> {
    let (due, rule) = terms.map_or((was.due, was.rule_id.as_str()), |(due, rule)| (*due, rule.as_str()));
    let kept = deposit_balances(tx, std::slice::from_ref(was)).await?;
    let balance = kept.get(&was.id).copied().unwrap_or_default().available;
    let mut over = None;
    if was.state.may_be_on_trial() && was.trial_ended.is_none() && balance < due {
        over = was.trial.reached(trial_use(tx, was).await?, tx.now());
    }
    let on_trial = was.trial_ended.is_none() && over.is_none();
    let next = was.state.recompute(due, balance, on_trial);
    if next == was.state && due == was.due && rule == was.rule_id {
        return Ok(());
    }
    // Only a shop that was on trial is told that the trial is over.
    let ended = over.filter(|_| was.state == DepositState::Trial && next == DepositState::Short);
    deposit_change(tx, was, next, due, rule, ended).await?;
    let public = was.id.to_string();
    let ended = ended.map(|limit| limit.as_str());
    let detail = json!({
        "state": [was.state.as_str(), next.as_str()],
        "due_fen": [was.due.get(), due.get()],
        "rule": rule,
        "trial_ended_by": ended,
    });
    audit_append(tx, AuditAction::DepositChanged, "deposit", &public, detail).await?;
    if next != was.state {
        let payload = json!({"state": next.as_str(), "trial_ended_by": ended});
        outbox_append(tx, EventType::DepositStateChanged, &public, was.version + 1, payload).await?;
    }
    Ok(())
}

/// Works out anew what every shop of the merchant has to keep, and tells the merchant when one falls short.
pub(super) async fn recompute_all(state: &AppState, ctx: &TenantCtx) -> Answer<()> {
    let tx = state.db.read(ctx).await?;
    let deposits = deposit_list(&tx).await?;
    drop(tx);
    if deposits.is_empty() {
        return Ok(());
    }
    let seller = seller(state, ctx).await?;
    for deposit in deposits {
        recompute(state, ctx, &deposit, &seller).await?;
    }
    Ok(())
}

async fn recompute(state: &AppState, ctx: &TenantCtx, deposit: &Deposit, seller: &str) -> Answer<()> {
    let terms = due_now(state, ctx, deposit.shop).await?;
    let mut tx = state.db.begin(ctx).await?;
    let (was, now) = settle(&mut tx, deposit.id, Some(&terms)).await?;
    tell_short(state, &mut tx, seller, &was, &now).await?;
    Ok(tx.commit().await?)
}

/// Tells the merchant of a deposit that fell short just now.
async fn tell_short(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    was: &Deposit,
    now: &Deposit,
) -> Answer<()> {
    if now.state != DepositState::Short || was.state == DepositState::Short {
        return Ok(());
    }
    let kept = deposit_balances(tx, std::slice::from_ref(now)).await?;
    let balance = kept.get(&now.id).copied().unwrap_or_default().available;
    let missing = super::deposits_read::above(now.due, balance);
    let shop = shop_get(tx, now.shop).await?.name;
    let ended = now.trial_ended.filter(|_| was.trial_ended.is_none());
    let over = ended.map(|(limit, _)| (&now.trial, limit));
    notices::deposit_short(state, tx, seller, &shop, missing, over).await
}
