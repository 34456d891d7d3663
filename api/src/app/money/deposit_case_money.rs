//! What becomes of the money of a decided case: deducted in steps, each a fact of its own in the books, and the rest
//! released (specification §3, F5 c–f). The case's own account never falls below zero, whoever books.
//!
//! What a buyer gets is a refund that was done: the platform paid it, and where the merchant's money did not suffice the
//! provider advanced it, which left a claim (F4). The case pays that claim, at most what this refund left of it. A refund
//! in transit is not paid into from here, because refunds of orders are booked as one fact when the platform has paid.

use super::deposit_cases::{change, ledger_key, refused, stale, words_of};
use super::{book, deposit_case_notices as notices, deposits};
use crate::app::shops::suspension::{name_of, suspend_in};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::deposit_case::{CaseState, DeductedFor, Taken, may_move};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{AftersaleId, DepositCaseId};
use qianpu_domain::ledger::flows::{
    Beneficiary, Debtor, deduction_beyond, deposit_advance_repaid, deposit_penalty, deposit_released,
    deposit_released_waiting,
};
use qianpu_domain::ledger::{AccountRef, Side};
use qianpu_domain::money::{Currency, Fen, MAX_FEN};
use qianpu_domain::shop::{ShopState, SuspensionCause};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::deposit::deposit_get;
use qianpu_tenants::store::deposit_case::{DepositCase, DepositCaseChange, deposit_case_get};
use qianpu_tenants::store::deposit_case_part::{
    NewDeduction, deducted_for_buyer, deduction_insert, deduction_list,
};
use qianpu_tenants::store::ledger::{account_balance, journal_find, journal_get};
use qianpu_tenants::store::shop::shop_get;
use serde_json::json;

/// A deduction to be made.
#[derive(Debug, Clone)]
pub struct Deduct {
    pub to: DeductedFor,
    pub amount: Fen,
    /// What for, for the merchant.
    pub reason: String,
    /// What is more than the case holds becomes a claim (F5 f), and the shop is stopped until the provider lets it go on.
    pub claim_rest: bool,
}

/// Deducts from a case. The same deduction sent again, on the version it was decided on, is answered as it is; another
/// one on that version is refused.
pub async fn deduct_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    (id, version): (DepositCaseId, i64),
    command: &Deduct,
) -> Answer<DepositCase> {
    let was = deposit_case_get(tx, id).await?;
    let mut errors = Vec::new();
    let reason = words_of("reason", &command.reason, &mut errors);
    if !(1..=MAX_FEN).contains(&command.amount.get()) {
        errors.push(FieldError::of("amount", ErrorCode::AmountOutOfRange));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if was.version != version {
        return sent_again(tx, was, version, command, reason).await;
    }
    may_move(was.state).map_err(refused)?;
    let claim_rest = command.claim_rest && command.to == DeductedFor::Provider;
    let taken = was.money.take(command.amount, claim_rest).map_err(refused)?;
    if command.to == DeductedFor::Buyer {
        advanced(tx, &was, command.amount).await?;
    }
    let mut money = was.money;
    money.deducted = money.deducted.add(taken.frozen)?;
    money.claimed = money.claimed.add(taken.claimed)?;
    let case = match change(tx, &was, &DepositCaseChange { money: Some(money), ..Default::default() }).await {
        // Somebody else, or the same person's second click, was faster.
        Err(error) if error.code() == ErrorCode::VersionConflict => {
            let now = deposit_case_get(tx, id).await?;
            return sent_again(tx, now, version, command, reason).await;
        }
        changed => changed?,
    };
    let by = name_of(tx.ctx());
    let new = NewDeduction { to: command.to, taken, amount: command.amount, reason, by: &by };
    let deduction = deduction_insert(tx, &was, &new).await?;
    let public = id.to_string();
    let detail = json!({
        "deduction": deduction.to_string(), "deducted_for": command.to.as_str(),
        "amount_fen": command.amount.get(), "claimed_fen": taken.claimed.get(),
    });
    audit_append(tx, AuditAction::DepositCaseDeducted, "deposit_case", &public, detail.clone()).await?;
    outbox_append(tx, EventType::DepositCaseDeducted, &public, case.version, detail).await?;
    notices::deducted(state, tx, seller, &case, command.amount, reason).await?;
    if taken.claimed > Fen::ZERO {
        restrict(state, tx, &case, reason).await?;
    }
    // The part before the slash leads to the case.
    post(tx, &case, &format!("{id}/{deduction}"), command.to, taken).await?;
    deposits::recompute_and_tell_in(state, tx, case.deposit, seller).await?;
    Ok(case)
}

/// A deduction on a version that is gone: as it is when it was made on that version, refused when another one was.
async fn sent_again(
    tx: &TenantTx,
    now: DepositCase,
    version: i64,
    command: &Deduct,
    reason: &str,
) -> Answer<DepositCase> {
    let made = deduction_list(tx, now.id).await?;
    let same = made.iter().any(|known| {
        known.case_version == version
            && known.to == command.to
            && known.amount == command.amount
            && known.reason == reason
    });
    if same { Ok(now) } else { Err(stale()) }
}

async fn post(
    tx: &mut TenantTx,
    case: &DepositCase,
    deduction: &str,
    to: DeductedFor,
    taken: Taken,
) -> Answer<()> {
    let (key, now) = (ledger_key(&deposit_get(tx, case.deposit).await?, case.id), tx.now());
    if taken.frozen > Fen::ZERO {
        let journal = match to {
            DeductedFor::Provider => deposit_penalty(deduction, &key, taken.frozen, now),
            DeductedFor::Buyer => deposit_advance_repaid(deduction, &key, taken.frozen, now),
        };
        book(tx, journal).await?;
    }
    if taken.claimed > Fen::ZERO {
        book(tx, deduction_beyond(deduction, &Beneficiary::Provider, taken.claimed, now)).await?;
    }
    Ok(())
}

/// F5 f: a shop whose deposit does not cover a deduction stops trading.
async fn restrict(state: &AppState, tx: &mut TenantTx, case: &DepositCase, reason: &str) -> Answer<()> {
    let shop = shop_get(tx, case.shop).await?;
    if shop.state != ShopState::Trading {
        return Ok(());
    }
    suspend_in(state, tx, &shop, SuspensionCause::Provider, reason).await
}

/// Refuses more than the provider advanced for the buyer of the case's after-sale and did not get back yet.
async fn advanced(tx: &TenantTx, case: &DepositCase, amount: Fen) -> Answer<()> {
    let left = match case.aftersale {
        Some(aftersale) => advance_left(tx, aftersale).await?,
        None => Fen::ZERO,
    };
    if amount <= left {
        return Ok(());
    }
    let text = vec![("left", format!("¥{left}"))];
    Err(ApiError::new(ErrorCode::InsufficientBalance).with_text("money.case_advance", text))
}

/// What the refund of an after-sale left as a claim against the merchant, less what cases have paid of it; never more
/// than what the merchant owes in all.
pub(super) async fn advance_left(tx: &TenantTx, aftersale: AftersaleId) -> Answer<Fen> {
    let claim = Debtor::Merchant.claim();
    let Some(refund) = journal_find(tx, "refund.requested", &aftersale.to_string()).await? else {
        return Ok(Fen::ZERO);
    };
    let legs = journal_get(tx, refund).await?.legs;
    let of_claim = legs
        .iter()
        .filter(|leg| AccountRef::owned(leg.code, leg.owner.as_str()) == claim && leg.side == Side::Debit);
    let advanced = Fen::sum(of_claim.map(|leg| leg.amount))?;
    let repaid = deducted_for_buyer(tx, aftersale).await?;
    let owed = account_balance(tx, Currency::Cny, &claim).await?;
    Ok(super::deposits_read::above(advanced, repaid).min(owed))
}

/// Releases what is left of a decided case, which may still be looked at and closed later. Released before, it is
/// answered as it is.
pub async fn release_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    (id, version): (DepositCaseId, i64),
) -> Answer<DepositCase> {
    end(state, tx, seller, (id, version), false).await
}

/// Closes a decided case; what is left of it is released. Closed before, it is answered as it is.
pub async fn close_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    (id, version): (DepositCaseId, i64),
) -> Answer<DepositCase> {
    end(state, tx, seller, (id, version), true).await
}

async fn end(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    (id, version): (DepositCaseId, i64),
    closes: bool,
) -> Answer<DepositCase> {
    let was = deposit_case_get(tx, id).await?;
    if closes && was.state == CaseState::Closed {
        return Ok(was);
    }
    may_move(was.state).map_err(refused)?;
    let left = was.money.left();
    if !closes && left == Fen::ZERO {
        return Ok(was);
    }
    if was.version != version {
        return Err(stale());
    }
    let mut money = was.money;
    money.released = money.released.add(left)?;
    let next = if closes { CaseState::Closed } else { was.state };
    let told = DepositCaseChange { state: Some(next), money: Some(money), ..Default::default() };
    let case = change(tx, &was, &told).await?;
    if closes {
        note_closed(tx, &case, left).await?;
    } else {
        let detail = json!({"released_fen": left.get()});
        audit_append(tx, AuditAction::DepositCaseReleased, "deposit_case", &id.to_string(), detail).await?;
    }
    notices::ended(state, tx, seller, &case, left).await?;
    give_back(state, tx, seller, &case, left).await?;
    Ok(case)
}

/// That a case is closed, in the log and for receivers of events.
pub(super) async fn note_closed(tx: &mut TenantTx, case: &DepositCase, released: Fen) -> Answer<()> {
    let public = case.id.to_string();
    let detail = json!({"released_fen": released.get()});
    audit_append(tx, AuditAction::DepositCaseClosed, "deposit_case", &public, detail.clone()).await?;
    outbox_append(tx, EventType::DepositCaseClosed, &public, case.version, detail).await?;
    Ok(())
}

/// F5 e, i: what is left goes back to where it was taken from.
pub(super) async fn give_back(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
    left: Fen,
) -> Answer<()> {
    if left == Fen::ZERO {
        return Ok(());
    }
    let deposit = deposit_get(tx, case.deposit).await?;
    let (key, now) = (ledger_key(&deposit, case.id), tx.now());
    let journal = if case.waiting {
        deposit_released_waiting(&key, left, now)
    } else {
        deposit_released(&key, &deposit.ledger_owner(), left, now)
    };
    book(tx, journal).await?;
    deposits::recompute_and_tell_in(state, tx, deposit.id, seller).await
}
