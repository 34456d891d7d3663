//! Money of linked shops: the page of all, the page of one with its withdrawals, [`flows`] what moved it, and the page of a
//! [`withdrawal`] with its code.

mod flows;
mod withdrawal;

use crate::app::channel_funds::{self as funds, FundsRow, withdraw};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, IdempotencyKey, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::funds_withdrawal::FundsWithdrawal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

const HOME: &str = "/console/merchant/funds";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, funds_page);
    pages.get("/console/merchant/funds/{channel_account_id}", account_funds_page);
    pages.post("/console/merchant/funds/{channel_account_id}/read", read_funds_form);
    pages.post("/console/merchant/funds/{channel_account_id}/withdraw", withdraw_form);
    flows::routes(pages);
    withdrawal::routes(pages);
}

fn of_account(id: ChannelAccountId) -> String {
    format!("{HOME}/{id}")
}

/// What went wrong, in a sentence; what is nobody's to mend is passed on.
fn words<P: Perm, T>(auth: &Authed<P, T>, error: ApiError) -> Answer<String> {
    if !(409..=503).contains(&error.code().status()) {
        return Err(error);
    }
    let lang = auth.info.lang;
    let title = lang.pick(error.code().title_zh(), error.code().title_en());
    let detail = error.detail().map(|text| auth.state.pages.catalogue().text(lang, text).to_string());
    let field = error.errors().first().map(|one| lang.pick(&one.message_zh, &one.message_en).to_owned());
    Ok(match field.or(detail) {
        Some(detail) => format!("{title} · {detail}"),
        None => title.to_owned(),
    })
}

#[derive(Serialize)]
struct AccountRow {
    href: String,
    name: String,
    available: Option<i64>,
    pending: Option<i64>,
    read_at: Option<i64>,
}

fn account_row(row: FundsRow) -> AccountRow {
    AccountRow {
        href: of_account(row.account.id),
        name: row.account.name,
        available: row.funds.as_ref().map(|funds| funds.available.get()),
        pending: row.funds.as_ref().map(|funds| funds.pending.get()),
        read_at: row.funds.map(|funds| funds.read_at.micros()),
    }
}

#[derive(Serialize)]
struct FundsView {
    accounts: Vec<AccountRow>,
}

async fn funds_page(auth: Authed<perm::FundsRead>) -> PageAnswer {
    let accounts = funds::accounts(&auth.state, &auth.grant).await?.into_iter().map(account_row).collect();
    auth.page("channel_funds/accounts", FundsView { accounts })
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct WithdrawalRow {
    href: String,
    amount: i64,
    state: &'static str,
    note: String,
    asked_by: Option<String>,
    at: i64,
    reason: Option<String>,
}

fn withdrawal_row(one: FundsWithdrawal) -> WithdrawalRow {
    WithdrawalRow {
        href: format!("/console/merchant/funds_withdrawals/{}", one.id),
        amount: one.amount.get(),
        state: one.state.as_str(),
        note: one.note,
        asked_by: one.asked_by,
        at: one.created_at.micros(),
        reason: one.reason,
    }
}

#[derive(Serialize)]
struct AccountView {
    form: FormView,
    account: AccountRow,
    bank: Option<String>,
    bank_holder: Option<String>,
    bank_tail: Option<String>,
    sub_merchant: Option<String>,
    withdrawals: Vec<WithdrawalRow>,
    next_page: Option<String>,
    /// Why nothing can be taken out now: another one waits.
    open: Option<String>,
    may_withdraw: bool,
    key: String,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    page: PageRequest,
    form: FormView,
) -> Answer<AccountView> {
    let grant = auth.caller.grant::<perm::FundsRead>()?;
    let row = funds::get(&auth.state, &grant, id).await?;
    let known = row.funds.clone();
    let found = funds::withdrawals(&auth.state, &grant, id, page).await?;
    let next_page = found.next.map(|next| format!("{}?cursor={}", of_account(id), cursor_text(&next)));
    let open = found.items.iter().find(|one| one.asked_by.is_some() && one.state.open());
    Ok(AccountView {
        form,
        account: account_row(row),
        bank: known.as_ref().and_then(|funds| funds.bank.clone()),
        bank_holder: known.as_ref().and_then(|funds| funds.bank_holder.clone()),
        bank_tail: known.as_ref().and_then(|funds| funds.bank_tail.clone()),
        sub_merchant: known.and_then(|funds| funds.sub_merchant),
        open: open.map(|one| format!("/console/merchant/funds_withdrawals/{}", one.id)),
        withdrawals: found.items.into_iter().map(withdrawal_row).collect(),
        next_page,
        may_withdraw: auth.caller.may(Permission::FundsWithdraw),
        key: qianpu_tenants::random::token(),
    })
}

async fn account_funds_page(
    auth: Authed<perm::FundsRead, (Path<ChannelAccountId>, Query<ListQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let view = view(&auth, *id, page, FormView::default()).await?;
    auth.page("channel_funds/account", view)
}

async fn read_funds_form(auth: Authed<perm::FundsRead, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let flash = match funds::read_back(&auth.state, &auth.grant, *id).await {
        Ok(_) => Flash::success("channel_funds.read"),
        Err(error) => Flash::failure("channel_funds.failed").with("why", words(&auth, error)?),
    };
    Ok(auth.redirect_with(&flash, &of_account(*id)))
}

/// Keeps the withdrawal once for the key of the form, and says where it is.
async fn ask(
    auth: &Authed<perm::FundsWithdraw, (Path<ChannelAccountId>, Fields)>,
    id: ChannelAccountId,
    fields: &Fields,
    amount: Fen,
) -> Answer<()> {
    let typed = withdraw::AskWithdrawal {
        amount,
        note: fields.text("note").to_owned(),
        bank_memo: fields.text("bank_memo").to_owned(),
    };
    let key = fields.text("key");
    if !((16..=100).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(ApiError::new(ErrorCode::IdempotencyKeyInvalid));
    }
    let body_sha256 = Sha256::digest(format!("{typed:?}").as_bytes()).into();
    let key = IdempotencyKey { key: key.to_owned(), body_sha256 };
    let _: Once<()> = once(&auth.call, &auth.grant, &key, async |tx| {
        withdraw::ask(tx, &auth.grant, id, &typed).await?;
        Ok(())
    })
    .await?;
    Ok(())
}

async fn withdraw_form(auth: Authed<perm::FundsWithdraw, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let mut errors = Vec::new();
    let amount = fields.yuan("amount", &mut errors);
    if amount.is_none() && errors.is_empty() {
        errors.push(FieldError::required("amount"));
    }
    let outcome = match amount {
        Some(amount) if errors.is_empty() => ask(&auth, *id, fields, amount).await,
        _ => Err(errors.into()),
    };
    match outcome {
        Ok(()) => {
            let grant = auth.caller.grant::<perm::FundsRead>()?;
            let newest = funds::withdrawals(&auth.state, &grant, *id, PageRequest::first(1)).await?;
            let to = newest.items.first().map_or_else(
                || of_account(*id),
                |one| format!("/console/merchant/funds_withdrawals/{}", one.id),
            );
            Ok(auth.redirect_with(&Flash::success("channel_funds.asked"), &to))
        }
        Err(error) if matches!(error.code().status(), 409 | 422) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, PageRequest::first(20), form).await?;
            auth.refused_page("channel_funds/account", view)
        }
        Err(error) => Err(error),
    }
}
