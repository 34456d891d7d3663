//! Violation cases against deposits (specification §3, F5 b–f): the provider opens one and freezes what is there, the
//! merchant may appeal for a time, the provider decides. What is deducted and released is in `deposit_case_money`, what
//! people see in `deposit_cases_read`.
//!
//! Each step is taken on the version of the case that somebody looked at. The same step sent again is answered as it is;
//! another one on a version that is gone is refused, so that two people never decide the same thing.

use super::{deposit_case_money, deposit_case_notices as notices, deposits, whole_merchant};
use crate::app::policies;
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::deposit_case::{CaseRefusal, CaseState, Verdict, Violation, appeal, decide};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{AftersaleId, DepositCaseId, DepositId, OrderId};
use qianpu_domain::ledger::flows::{deposit_frozen, deposit_frozen_waiting};
use qianpu_domain::ledger::{AccountCode, AccountRef};
use qianpu_domain::money::{Currency, Fen, MAX_FEN};
use qianpu_domain::policy::{PolicyKind, deposit_appeal};
use qianpu_domain::subject::is_invisible;
use qianpu_domain::time::Span;
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::aftersale::aftersale_get;
use qianpu_tenants::store::deposit::{Deposit, deposit_get, deposit_get_by_provider};
use qianpu_tenants::store::deposit_case::{
    DepositCase, DepositCaseChange, NewDepositCase, deposit_case_change, deposit_case_get,
    deposit_case_get_by_provider, deposit_case_insert,
};
use qianpu_tenants::store::ledger::account_balance;
use qianpu_tenants::store::order::order_get;
use serde_json::json;

/// The most people may write in one place.
pub const LONGEST_WORDS: usize = 2_000;
/// What a refusal says of a case that moved on meanwhile.
const CHANGED: &str = "money.case_changed";

/// How long a merchant may appeal, and which rule says so.
#[derive(Debug, Clone)]
pub struct AppealTerms {
    pub span: Span,
    pub rule: String,
}

/// The terms in force for a merchant; before its transaction begins.
pub async fn appeal_terms(state: &AppState, merchant: &TenantCtx) -> Answer<AppealTerms> {
    let rule = policies::rule_in_force(&state.db, merchant, PolicyKind::DepositAppeal).await?;
    Ok(AppealTerms { span: deposit_appeal(&rule).map_err(ApiError::internal)?, rule: rule.id.0 })
}

/// The provider's proof on the merchant whose deposit it is.
pub async fn on_depositor(
    state: &AppState,
    grant: &Grant<perm::DepositCaseManage>,
    id: DepositId,
) -> Answer<Grant<perm::DepositCaseManage>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = deposit_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// The provider's proof on the merchant whose case it is.
pub async fn on_merchant(
    state: &AppState,
    grant: &Grant<perm::DepositCaseManage>,
    id: DepositCaseId,
) -> Answer<Grant<perm::DepositCaseManage>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = deposit_case_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// A case to be opened.
#[derive(Debug, Clone)]
pub struct OpenCase {
    pub deposit: DepositId,
    pub violation: Violation,
    /// What happened, for the merchant.
    pub facts: String,
    /// What is to be frozen.
    pub amount: Fen,
    pub order: Option<OrderId>,
    pub aftersale: Option<AftersaleId>,
}

/// Opens a case and freezes what is there of the amount (F5 b, i). What is missing is the case's shortage; more may be
/// frozen by another case, once the deposit was topped up.
pub async fn open_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    terms: &AppealTerms,
    command: &OpenCase,
) -> Answer<DepositCase> {
    let deposit = deposit_get(tx, command.deposit).await?;
    let order = about(tx, &deposit, command).await?;
    let mut errors = Vec::new();
    let facts = words_of("facts", &command.facts, &mut errors);
    if !(1..=MAX_FEN).contains(&command.amount.get()) {
        errors.push(FieldError::of("amount", ErrorCode::AmountOutOfRange));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if deposit.state == DepositState::Refunded {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.deposit_closed", Vec::new()));
    }
    let waiting = deposit.state == DepositState::Waiting;
    let from = if waiting {
        AccountRef::of(AccountCode::DepositRefunding)
    } else {
        AccountRef::owned(AccountCode::DepositAvailable, deposit.ledger_owner())
    };
    let frozen = account_balance(tx, Currency::Cny, &from).await?.min(command.amount);
    let by = name_of(tx.ctx());
    let new = NewDepositCase {
        deposit: &deposit,
        order,
        aftersale: command.aftersale,
        violation: command.violation,
        facts,
        by: &by,
        waiting,
        asked: command.amount,
        frozen,
        appeal_until: tx.now().plus(terms.span),
        appeal_rule: &terms.rule,
    };
    let id = match deposit_case_insert(tx, &new).await {
        Err(StoreError::Conflict("aftersale")) => {
            let taken = ApiError::new(ErrorCode::Conflict);
            return Err(taken.with_text("money.case_aftersale_taken", Vec::new()));
        }
        made => made?,
    };
    let (case, public) = (deposit_case_get(tx, id).await?, id.to_string());
    let detail = json!({
        "violation": command.violation.as_str(), "asked_fen": command.amount.get(), "frozen_fen": frozen.get(),
        "appeal_rule": terms.rule, "shop": deposit.shop.to_string(),
    });
    audit_append(tx, AuditAction::DepositCaseOpened, "deposit_case", &public, detail).await?;
    outbox_append(
        tx,
        EventType::DepositCaseOpened,
        &public,
        1,
        json!({"deposit_id": deposit.id.to_string()}),
    )
    .await?;
    notices::opened(state, tx, seller, &case).await?;
    if frozen > Fen::ZERO {
        let (key, now) = (ledger_key(&deposit, id), tx.now());
        let journal = if waiting {
            deposit_frozen_waiting(&key, frozen, now)
        } else {
            deposit_frozen(&key, &deposit.ledger_owner(), frozen, now)
        };
        // Somebody else may have taken it since it was read; the database has the last word.
        super::book(tx, journal).await.map_err(|error| match error.code() {
            ErrorCode::InsufficientBalance => {
                ApiError::new(ErrorCode::VersionConflict).with_text("money.case_deposit_moved", Vec::new())
            }
            _ => error,
        })?;
        deposits::recompute_and_tell_in(state, tx, deposit.id, seller).await?;
    }
    Ok(case)
}

/// The order a case is about. One of another shop does not exist here.
async fn about(tx: &TenantTx, deposit: &Deposit, command: &OpenCase) -> Answer<Option<OrderId>> {
    let order = match command.aftersale {
        None => command.order,
        Some(id) => {
            let found = aftersale_get(tx, id).await?;
            if found.shop != deposit.shop || command.order.is_some_and(|order| order != found.order) {
                return Err(ApiError::not_found());
            }
            Some(found.order)
        }
    };
    if let Some(id) = order
        && order_get(tx, id).await?.shop != deposit.shop
    {
        return Err(ApiError::not_found());
    }
    Ok(order)
}

/// The owner of what is frozen for a case: it begins with the deposit's own.
pub(super) fn ledger_key(deposit: &Deposit, case: DepositCaseId) -> String {
    format!("{}/{case}", deposit.ledger_owner())
}

/// What somebody wrote.
pub(super) fn words_of<'a>(field: &str, said: &'a str, errors: &mut Vec<FieldError>) -> &'a str {
    let words = said.trim();
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\t');
    if words.is_empty() {
        errors.push(FieldError::required(field));
    } else if words.chars().count() > LONGEST_WORDS {
        let (en, zh) = (format!("at most {LONGEST_WORDS} characters"), format!("最多 {LONGEST_WORDS} 个字"));
        errors.push(FieldError::new(field, "too_long", en, zh));
    } else if words.chars().any(|c| !breaks(c) && (c.is_control() || is_invisible(c))) {
        let (en, zh) = ("expected no invisible characters", "不能包含不可见字符");
        errors.push(FieldError::new(field, "invisible", en, zh));
    }
    words
}

/// A refusal in words.
pub(super) fn refused(refusal: CaseRefusal) -> ApiError {
    let (text, arguments) = match refusal {
        CaseRefusal::State { .. } => (CHANGED, Vec::new()),
        CaseRefusal::AppealOver { .. } => ("money.case_appeal_over", Vec::new()),
        CaseRefusal::AppealRuns { .. } => ("money.case_appeal_runs", Vec::new()),
        CaseRefusal::MoreThanFrozen { left, short } => {
            let amounts = vec![("left", format!("¥{left}")), ("short", format!("¥{short}"))];
            ("money.case_more_than_frozen", amounts)
        }
    };
    ApiError::refused(refusal.code(), refusal).with_text(text, arguments)
}

/// Somebody changed the case since it was looked at.
pub(super) fn stale() -> ApiError {
    ApiError::new(ErrorCode::VersionConflict).with_text(CHANGED, Vec::new())
}

/// Changes a case as it was looked at.
pub(super) async fn change(
    tx: &mut TenantTx,
    was: &DepositCase,
    change: &DepositCaseChange<'_>,
) -> Answer<DepositCase> {
    match deposit_case_change(tx, was, change).await {
        Err(StoreError::VersionConflict) => Err(stale()),
        done => {
            done?;
            Ok(deposit_case_get(tx, was.id).await?)
        }
    }
}

/// The merchant appeals. The same appeal sent again is answered as it is.
pub async fn appeal_in(
    tx: &mut TenantTx,
    grant: &Grant<perm::DepositCaseAppeal>,
    id: DepositCaseId,
    version: i64,
    said: &str,
) -> Answer<DepositCase> {
    whole_merchant(grant)?;
    let case = deposit_case_get(tx, id).await?;
    let mut errors = Vec::new();
    let words = words_of("words", said, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if case.appeal.as_ref().is_some_and(|appeal| appeal.words == words) {
        return Ok(case);
    }
    let next = appeal(case.state, case.appeal_until, tx.now()).map_err(refused)?;
    if case.version != version {
        return Err(stale());
    }
    let by = name_of(tx.ctx());
    let told = DepositCaseChange { state: Some(next), appeal: Some((words, &by)), ..Default::default() };
    let case = change(tx, &case, &told).await?;
    let public = id.to_string();
    audit_append(tx, AuditAction::DepositCaseAppealed, "deposit_case", &public, json!({})).await?;
    outbox_append(tx, EventType::DepositCaseAppealed, &public, case.version, json!({})).await?;
    Ok(case)
}

/// The provider decides. A case that is dismissed is closed, and what was frozen for it released. The same decision sent
/// again is answered as it is.
pub async fn decide_in(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    (id, version): (DepositCaseId, i64),
    verdict: Verdict,
    said: &str,
) -> Answer<DepositCase> {
    let case = deposit_case_get(tx, id).await?;
    let mut errors = Vec::new();
    let reasons = words_of("reasons", said, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    if case.verdict.as_ref().is_some_and(|(own, said)| *own == verdict && said.words == reasons) {
        return Ok(case);
    }
    let next = decide(case.state, verdict, case.appeal_until, tx.now()).map_err(refused)?;
    if case.version != version {
        return Err(stale());
    }
    let (by, left) = (name_of(tx.ctx()), case.money.left());
    let mut money = case.money;
    if next == CaseState::Closed {
        money.released = money.released.add(left)?;
    }
    let decided = DepositCaseChange {
        state: Some(next),
        verdict: Some((verdict, reasons, &by)),
        money: Some(money),
        ..Default::default()
    };
    let case = change(tx, &case, &decided).await?;
    let public = id.to_string();
    let detail = json!({"verdict": verdict.as_str()});
    audit_append(tx, AuditAction::DepositCaseDecided, "deposit_case", &public, detail.clone()).await?;
    outbox_append(tx, EventType::DepositCaseDecided, &public, case.version, detail).await?;
    if next == CaseState::Closed {
        deposit_case_money::note_closed(tx, &case, left).await?;
    }
    notices::decided(state, tx, seller, &case).await?;
    if next == CaseState::Closed {
        deposit_case_money::give_back(state, tx, seller, &case, left).await?;
    }
    Ok(case)
}
