//! The page of a withdrawal: where it stands, and the code while somebody has to scan it. It loads itself again until
//! nothing changes any more.

use super::{of_account, words};
use crate::app::channel_funds::{self as funds, follow, withdraw};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::FundsWithdrawalId;
use qianpu_domain::withdrawal::{CodeState, WithdrawalState};
use qianpu_tenants::authz::perm;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let one = "/console/merchant/funds_withdrawals/{funds_withdrawal_id}";
    pages.get(one, funds_withdrawal_page);
    pages.post(&format!("{one}/look"), look_at_withdrawal_form);
}

fn address(id: FundsWithdrawalId) -> String {
    format!("/console/merchant/funds_withdrawals/{id}")
}

#[derive(Serialize)]
struct WithdrawalView {
    at: String,
    back: String,
    account: String,
    amount: i64,
    state: &'static str,
    code_state: Option<&'static str>,
    scanned_by: Option<String>,
    problem: Option<String>,
    /// The picture as a data address.
    code: Option<String>,
    code_trouble: Option<String>,
    /// The code is there, and the caller may not see it.
    hidden: bool,
    external_id: Option<String>,
    note: String,
    bank_memo: String,
    bank: Option<String>,
    bank_tail: Option<String>,
    reason: Option<String>,
    asked_by: Option<String>,
    created_at: i64,
    updated_at: i64,
    goes_on: bool,
    /// Seconds until the page loads itself again.
    reload: Option<u32>,
}

/// The picture as an address that a page can show. Platforms give PNG or JPEG; anything else is not shown.
fn picture(base64: &str) -> Option<String> {
    let kind = match base64 {
        text if text.starts_with("iVBOR") => "png",
        text if text.starts_with("/9j/") => "jpeg",
        _ => return None,
    };
    let plain = base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    (plain && base64.len() < 200_000).then(|| format!("data:image/{kind};base64,{base64}"))
}

async fn view(auth: &Authed<perm::FundsRead, Path<FundsWithdrawalId>>) -> Answer<WithdrawalView> {
    let (account, one) = funds::withdrawal(&auth.state, &auth.grant, auth.input.0).await?;
    let may = auth.caller.may(Permission::FundsWithdraw);
    let shown = one.state == WithdrawalState::Waiting && one.ticket.is_some();
    let (mut code, mut code_trouble) = (None, None);
    if shown && may {
        let grant = auth.caller.grant::<perm::FundsWithdraw>()?;
        match withdraw::code(&auth.state, &grant, one.id).await {
            Ok(base64) => code = picture(&base64),
            Err(error) => code_trouble = Some(words(auth, error)?),
        }
    }
    let scanned = matches!(one.code, Some(CodeState::Scanned | CodeState::Confirmed));
    Ok(WithdrawalView {
        at: address(one.id),
        back: of_account(account.id),
        account: account.name,
        amount: one.amount.get(),
        state: one.state.as_str(),
        code_state: one.code.map(|code| code.as_str()),
        // The platform tells the kind of person with each answer, also where nobody scanned it.
        scanned_by: one.scanned_by.filter(|_| scanned),
        problem: one.problem,
        code,
        code_trouble,
        hidden: shown && !may,
        external_id: one.external_id,
        note: one.note,
        bank_memo: one.bank_memo,
        bank: one.bank,
        bank_tail: one.bank_tail,
        reason: one.reason,
        asked_by: one.asked_by,
        created_at: one.created_at.micros(),
        updated_at: one.updated_at.micros(),
        goes_on: one.state.goes_on(),
        reload: match one.state {
            WithdrawalState::Asking => Some(3),
            WithdrawalState::Waiting => Some(5),
            WithdrawalState::Accepted => Some(30),
            _ => None,
        },
    })
}

async fn funds_withdrawal_page(auth: Authed<perm::FundsRead, Path<FundsWithdrawalId>>) -> PageAnswer {
    let view = view(&auth).await?;
    auth.page("channel_funds/withdrawal", view)
}

async fn look_at_withdrawal_form(
    auth: Authed<perm::FundsRead, (Path<FundsWithdrawalId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let flash = match follow::look_now(&auth.state, &auth.grant, *id).await {
        Ok(_) => Flash::success("channel_funds.looked"),
        Err(error) => Flash::failure("channel_funds.failed").with("why", words(&auth, error)?),
    };
    Ok(auth.redirect_with(&flash, &address(*id)))
}
