//! What the daily look at the books finds, for the provider's finance staff: kept with its age until it is mended, and
//! taken by whoever looks after it, so that nothing stays that nobody owns (specification §3.3, R12).

use crate::app::policies;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{JournalId, LedgerAccountId, LedgerFindingId};
use qianpu_domain::ledger::findings::{FindingKind, watched};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::policy::{PolicyKind, after_sale_window};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::ledger_check::Disorder;
use qianpu_tenants::store::ledger_finding::{
    Finding, FindingFilter, Look, Reach, Seen, Subject, finding_count, finding_get, finding_get_by_provider,
    finding_list, finding_take, findings_note,
};
use qianpu_tenants::store::ledger_watch::watched_balances;
use serde_json::json;

/// So many of a kind are looked at in one merchant's books; the others are found when these are mended.
const MOST: usize = 200;
/// So many of a kind [`qianpu_tenants::store::ledger_check`] reports at most, in no order.
const MOST_DISORDER: usize = 20;
const LONGEST_NOTE: usize = 200;

/// What is wrong with the books, as something to look after.
fn seen(disorder: &Disorder, now: Timestamp) -> (FindingKind, Seen) {
    let (kind, subject, amount) = match disorder {
        Disorder::Book { currency, sum } => (FindingKind::Book, Subject::Book(currency.clone()), *sum),
        Disorder::Balance { account, balance, entries } => (
            FindingKind::Balance,
            Subject::Account(LedgerAccountId(*account), None),
            balance.saturating_sub(*entries),
        ),
        Disorder::Journal { journal, sum } => {
            (FindingKind::Journal, Subject::Journal(JournalId(*journal)), *sum)
        }
        // A link that is gone names no journal.
        Disorder::Chain { journal, .. } => {
            let book = || Subject::Book(Currency::Cny.code().to_owned());
            (FindingKind::Chain, journal.map_or_else(book, |id| Subject::Journal(JournalId(id))), 0)
        }
    };
    (kind, Seen { subject, amount: Fen::new(amount), since: now })
}

/// Looks at the merchant's accounts, and keeps what it sees beside what is wrong with the books.
pub async fn note(state: &AppState, ctx: &TenantCtx, disorder: &[Disorder]) -> Answer<()> {
    let rule = policies::rule_in_force(&state.db, ctx, PolicyKind::AfterSaleWindow).await?;
    let window = after_sale_window(&rule).map_err(ApiError::internal)?;
    let mut tx = state.db.begin(ctx).await?;
    let wrong: Vec<_> = disorder.iter().map(|one| seen(one, tx.now())).collect();
    for kind in [FindingKind::Book, FindingKind::Balance, FindingKind::Journal, FindingKind::Chain] {
        let of_kind = wrong.iter().filter(|(own, _)| *own == kind);
        let seen: Vec<Seen> = of_kind.map(|(_, seen)| seen.clone()).collect();
        let reach = if seen.len() < MOST_DISORDER { Reach::Whole } else { Reach::Unknown };
        findings_note(&mut tx, &Look { kind, seen, reach }).await?;
    }
    for (kind, codes, what) in watched(window) {
        let found = watched_balances(&tx, codes, what, MOST).await?;
        let reach = if found.len() < MOST { Reach::Whole } else { Reach::ToTheLast };
        let seen = found.into_iter().map(|row| Seen {
            subject: Subject::Account(row.account, Some(row.code)),
            amount: row.balance,
            since: row.since,
        });
        findings_note(&mut tx, &Look { kind, seen: seen.collect(), reach }).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Findings in the books of the provider's merchants, those first seen last first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ProviderLedgerRead>,
    filter: FindingFilter,
    page: PageRequest,
) -> Answer<Page<Finding>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(finding_list(&tx, filter, page).await?)
}

/// How many are open.
pub async fn open_count(state: &AppState, grant: &Grant<perm::ProviderLedgerRead>) -> Answer<u64> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(finding_count(&tx, FindingFilter { open: Some(true), merchant: None }).await?)
}

/// The provider's proof on the merchant in whose books it was found.
pub async fn on_merchant(
    state: &AppState,
    grant: &Grant<perm::ProviderMoneyMove>,
    id: LedgerFindingId,
) -> Answer<Grant<perm::ProviderMoneyMove>> {
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let merchant = finding_get_by_provider(&tx, id).await?.merchant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

/// Somebody looks after an open finding from now on, with a note for the others.
pub async fn take_in(tx: &mut TenantTx, id: LedgerFindingId, name: &str, note: &str) -> Answer<Finding> {
    let before = finding_get(tx, id).await?;
    let note = note.trim();
    if note.is_empty() {
        return Err(FieldError::required("note").into());
    }
    if note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control) {
        let (en, zh) = (format!("at most {LONGEST_NOTE} characters"), format!("最多 {LONGEST_NOTE} 个字"));
        return Err(FieldError::new("note", "too_long", en, zh).into());
    }
    match finding_take(tx, id, name, note).await {
        Ok(()) => {}
        Err(StoreError::VersionConflict) => {
            return Err(ApiError::new(ErrorCode::Conflict).with_text("money.finding_resolved", Vec::new()));
        }
        Err(other) => return Err(other.into()),
    }
    let detail = json!({"kind": before.kind.as_str(), "amount_fen": before.amount.get(), "note": note});
    audit_append(tx, AuditAction::LedgerFindingTaken, "ledger_finding", &id.to_string(), detail).await?;
    Ok(finding_get(tx, id).await?)
}
