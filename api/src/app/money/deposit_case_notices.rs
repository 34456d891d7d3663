//! What a merchant's owner and finance staff are told by mail about cases against a deposit.

use super::book_files::Zoned;
use super::notices::{Notice, tell, yuan};
use crate::error::Answer;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::deposit_case::Verdict;
use qianpu_domain::money::Fen;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::deposit_case::DepositCase;
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::tenant::tenant_get;

const CASES: &str = "/console/merchant/money/deposits/cases";

/// What was done about a case, with somebody's words about it.
async fn say(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
    texts: &'static str,
    amount: Fen,
    words: Option<(String, String)>,
) -> Answer<()> {
    let shop = shop_get(tx, case.shop).await?.name;
    let until = Zoned::new(&tenant_get(tx).await?.zone)?.text(case.appeal_until)?;
    let arguments = [("shop", shop), ("amount", yuan(amount)), ("until", until)];
    let points: Vec<(String, String)> = words.into_iter().collect();
    let path = format!("{CASES}/{}", case.id);
    tell(state, tx, seller, &Notice { texts, arguments: &arguments, plan: None, points: &points, path }).await
}

fn plain(words: &str) -> Option<(String, String)> {
    Some((words.to_owned(), words.to_owned()))
}

/// A case was opened; the merchant may appeal.
pub(super) async fn opened(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
) -> Answer<()> {
    let said = |lang| {
        let key = ["money.violation_", case.violation.as_str()].concat();
        state.pages.catalogue().say(lang, &key, [])
    };
    let words =
        (format!("{}：{}", said(Lang::Zh), case.facts), format!("{}: {}", said(Lang::En), case.facts));
    say(state, tx, seller, case, "money.mail_case_opened.", case.money.frozen, Some(words)).await
}

/// A case was decided.
pub(super) async fn decided(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
) -> Answer<()> {
    let Some((verdict, said)) = &case.verdict else { return Ok(()) };
    let texts = match verdict {
        Verdict::Upheld => "money.mail_case_upheld.",
        Verdict::Dismissed => "money.mail_case_dismissed.",
    };
    say(state, tx, seller, case, texts, case.money.frozen, plain(&said.words)).await
}

/// Something was deducted.
pub(super) async fn deducted(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
    amount: Fen,
    reason: &str,
) -> Answer<()> {
    say(state, tx, seller, case, "money.mail_case_deducted.", amount, plain(reason)).await
}

/// The rest was released, or the case closed.
pub(super) async fn ended(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    case: &DepositCase,
    released: Fen,
) -> Answer<()> {
    let texts = match case.closed_at {
        Some(_) => "money.mail_case_closed.",
        None => "money.mail_case_released.",
    };
    say(state, tx, seller, case, texts, released, None).await
}
