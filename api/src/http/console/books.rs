//! The trial balance of a merchant and what is behind its figures, for its own people and for its provider's finance
//! staff: the accounts of a code, the entries of an account, and from there the journals. Both consoles show the same
//! pages; only where their links lead differs.

use super::billing::providers_only;
use super::money::{About, about, account_name, journal_name, page_of};
use crate::app::money::ReadsBooks;
use crate::app::money::trial::{self, Columns, Days, Six};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::state::AppState;
use qianpu_domain::billing::{date_in, parse_month};
use qianpu_domain::ids::{DepositCaseId, LedgerAccountId, TenantId};
use qianpu_domain::ledger::{AccountCode, Side};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Grant, perm};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const OWN: &str = "/console/merchant/money";
pub(super) const MERCHANTS: &str = "/console/provider/books/merchants";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/money/trial_balance", trial_page);
    pages.get("/console/merchant/money/accounts", accounts_page);
    pages.get("/console/merchant/money/accounts/{ledger_account_id}", account_page);
    pages.get("/console/provider/books/merchants/{merchant_id}", merchant_trial_page);
    pages.get("/console/provider/books/merchants/{merchant_id}/accounts", merchant_accounts_page);
    pages.get(
        "/console/provider/books/merchants/{merchant_id}/accounts/{ledger_account_id}",
        merchant_account_page,
    );
}

/// Whose books a page shows, and to whom.
pub(super) struct Place {
    /// Where its pages are.
    pub(super) home: String,
    /// Where its trial balance is.
    pub trial: String,
    /// Where its files are.
    files: String,
    provider: bool,
}

impl Place {
    fn own() -> Self {
        Self {
            home: OWN.to_owned(),
            trial: format!("{OWN}/trial_balance"),
            files: "/api/v1/ledger".to_owned(),
            provider: false,
        }
    }
    pub(super) fn of(merchant: TenantId) -> Self {
        let home = format!("{MERCHANTS}/{merchant}");
        Self {
            trial: home.clone(),
            home,
            files: format!("/api/v1/merchants/{merchant}/ledger"),
            provider: true,
        }
    }
    /// Where the thing is shown that a journal is about.
    pub(super) fn page_of(&self, reference: &str) -> Option<String> {
        if !self.provider {
            return page_of(reference);
        }
        let case = reference.split('/').find(|part| part.parse::<DepositCaseId>().is_ok());
        if let Some(case) = case {
            return Some(format!("/console/provider/deposits/cases/{case}"));
        }
        let id = reference.split('/').next().unwrap_or_default();
        match id.split_once('_')?.0 {
            "ivc" => Some(format!("/console/provider/invoices/{id}")),
            "rcp" => Some("/console/provider/receipts?state=confirmed".to_owned()),
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
struct TrialQuery {
    from: Option<String>,
    to: Option<String>,
    /// One day: what there was when it ended.
    at: Option<String>,
}

impl TrialQuery {
    fn days(&self) -> Days<'_> {
        Days { from: self.from.as_deref(), to: self.at.as_deref().or(self.to.as_deref()) }
    }
}

/// Three pairs of columns; what is nothing is left blank.
#[derive(Serialize)]
struct SixView {
    opening_debit: Option<i64>,
    opening_credit: Option<i64>,
    debit: Option<i64>,
    credit: Option<i64>,
    closing_debit: Option<i64>,
    closing_credit: Option<i64>,
}

impl SixView {
    fn new(six: Six, zeros: bool) -> Self {
        let shown = |fen: Fen| (zeros || fen != Fen::ZERO).then(|| fen.get());
        let pair = |pair: Columns| (shown(pair.debit), shown(pair.credit));
        let (opening, moved, closing) = (pair(six.opening), pair(six.moved), pair(six.closing));
        Self {
            opening_debit: opening.0,
            opening_credit: opening.1,
            debit: moved.0,
            credit: moved.1,
            closing_debit: closing.0,
            closing_credit: closing.1,
        }
    }
}

#[derive(Serialize)]
struct TrialView {
    provider: bool,
    merchant: String,
    zone: String,
    from: String,
    to: String,
    files: String,
    rows: Vec<TrialRowView>,
    total: SixView,
    balanced: bool,
}

#[derive(Serialize)]
struct TrialRowView {
    account: i64,
    name: &'static str,
    accounts: i64,
    href: String,
    six: SixView,
}

async fn trial_view<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    lang: Lang,
    place: &Place,
    query: &TrialQuery,
) -> Answer<TrialView> {
    let found = trial::trial(state, grant, query.days()).await?;
    let (from, to) = (found.first.to_string(), found.last.to_string());
    let row = |row: &trial::TrialLine| TrialRowView {
        account: row.code.number(),
        name: account_name(lang, row.code),
        accounts: row.accounts,
        href: format!("{}/accounts?code={}&from={from}&to={to}", place.home, row.code.number()),
        six: SixView::new(row.six, false),
    };
    Ok(TrialView {
        provider: place.provider,
        rows: found.rows.iter().map(row).collect(),
        total: SixView::new(found.total, true),
        balanced: found.total.balanced(),
        merchant: found.merchant,
        zone: found.zone,
        files: place.files.clone(),
        from,
        to,
    })
}

async fn trial_page(auth: Authed<perm::LedgerRead, Query<TrialQuery>>) -> PageAnswer {
    let lang = auth.info.lang;
    let view = trial_view(&auth.state, &auth.grant, lang, &Place::own(), &auth.input.0).await?;
    auth.page("money/trial_balance", view)
}

pub(super) type OfMerchant<T> = Authed<perm::ProviderLedgerRead, T>;

/// The proof of the provider's staff on one of its merchants.
pub(super) async fn on<T>(
    auth: &OfMerchant<T>,
    merchant: TenantId,
) -> Answer<Grant<perm::ProviderLedgerRead>> {
    providers_only(auth)?;
    Ok(auth.grant.on_merchant(&auth.state.db, merchant).await?)
}

async fn merchant_trial_page(auth: OfMerchant<(Path<TenantId>, Query<TrialQuery>)>) -> PageAnswer {
    let (Path(merchant), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let place = Place::of(*merchant);
    let view = trial_view(&auth.state, &grant, auth.info.lang, &place, query).await?;
    auth.page("money/trial_balance", view)
}

#[derive(Debug, Deserialize, IntoParams)]
struct AccountsQuery {
    /// Of the chart.
    code: Option<i64>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AccountsView {
    account: i64,
    name: &'static str,
    from: String,
    to: String,
    back: String,
    rows: Vec<OneAccountView>,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct OneAccountView {
    owner: String,
    about: Option<About>,
    href: String,
    six: SixView,
}

/// The accounts of a code; where there is only one, its own page says it all.
enum AccountsFound {
    One(String),
    Many(AccountsView),
}

async fn accounts_view<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    lang: Lang,
    place: &Place,
    query: &AccountsQuery,
) -> Answer<AccountsFound> {
    let code = query.code.and_then(AccountCode::from_number).ok_or_else(ApiError::not_found)?;
    let page = page_request(Some(50), query.cursor.as_deref())?;
    let days = Days { from: query.from.as_deref(), to: query.to.as_deref() };
    let (opened, found) = trial::accounts_of(state, grant, code, days, page).await?;
    let month = trial::month_of_day(opened.last)?;
    let href = |id: LedgerAccountId| format!("{}/accounts/{id}", place.home);
    if let ([only], None, None) = (found.items.as_slice(), found.next, page.cursor) {
        return Ok(AccountsFound::One(format!("{}?month={month}", href(only.id))));
    }
    let (from, to) = (opened.first.to_string(), opened.last.to_string());
    let next_page = found.next.map(|next| {
        let (home, number, next) = (&place.home, code.number(), cursor_text(&next));
        format!("{home}/accounts?code={number}&from={from}&to={to}&cursor={next}")
    });
    let mut rows = Vec::with_capacity(found.items.len());
    for row in found.items {
        rows.push(OneAccountView {
            href: href(row.id),
            about: about(&row.owner),
            owner: row.owner,
            six: SixView::new(Six::try_from(row.turnover)?, false),
        });
    }
    let back = format!("{}?from={from}&to={to}", place.trial);
    let name = account_name(lang, code);
    Ok(AccountsFound::Many(AccountsView { account: code.number(), name, from, to, back, rows, next_page }))
}

async fn accounts_page(auth: Authed<perm::LedgerRead, Query<AccountsQuery>>) -> PageAnswer {
    let lang = auth.info.lang;
    match accounts_view(&auth.state, &auth.grant, lang, &Place::own(), &auth.input.0).await? {
        AccountsFound::One(href) => Ok(auth.redirect(&href)),
        AccountsFound::Many(view) => auth.page("money/accounts", view),
    }
}

async fn merchant_accounts_page(auth: OfMerchant<(Path<TenantId>, Query<AccountsQuery>)>) -> PageAnswer {
    let (Path(merchant), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    match accounts_view(&auth.state, &grant, auth.info.lang, &Place::of(*merchant), query).await? {
        AccountsFound::One(href) => Ok(auth.redirect(&href)),
        AccountsFound::Many(view) => auth.page("money/accounts", view),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
struct AccountQuery {
    month: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AccountView {
    id: String,
    account: i64,
    name: &'static str,
    owner: String,
    about: Option<About>,
    /// Today's, in the account's own direction.
    balance: i64,
    /// Shown only; empty for all time.
    month: String,
    /// The month that a file has, and its days.
    file_month: String,
    from: String,
    to: String,
    files: String,
    back: String,
    lines: Vec<AccountLineView>,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct AccountLineView {
    at: i64,
    name: String,
    journal: String,
    reference: String,
    about: Option<About>,
    link: Option<String>,
    debit: Option<i64>,
    credit: Option<i64>,
    balance: Option<i64>,
}

async fn account_view<P: ReadsBooks>(
    state: &AppState,
    grant: &Grant<P>,
    lang: Lang,
    place: &Place,
    id: LedgerAccountId,
    query: &AccountQuery,
) -> Answer<AccountView> {
    let page = page_request(Some(50), query.cursor.as_deref())?;
    let month = query.month.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let (row, found) = trial::account_lines(state, grant, id, Some(&month), page).await?;
    let today = trial::open(state, grant, Days::default()).await?;
    let file_month = if parse_month(&month).is_ok() {
        month.clone()
    } else {
        trial::month_of_day(date_in(state.clock().now(), &today.zone)?)?
    };
    let (from, to) = trial::days_of(&file_month)?;
    let next_page = found
        .next
        .map(|next| format!("{}/accounts/{id}?month={month}&cursor={}", place.home, cursor_text(&next)));
    let line = |line: trial::AccountLine| {
        let amount = line.entry.amount.get();
        AccountLineView {
            at: line.entry.at.micros(),
            name: journal_name(lang, &line.journal_code),
            journal: format!("{}/journals/{}", place.home, line.entry.journal),
            about: about(&line.business_ref),
            link: place.page_of(&line.business_ref),
            reference: line.business_ref,
            debit: (line.entry.side == Side::Debit).then_some(amount),
            credit: (line.entry.side == Side::Credit).then_some(amount),
            balance: line.entry.balance_after.map(Fen::get),
        }
    };
    Ok(AccountView {
        id: id.to_string(),
        account: row.code.number(),
        name: account_name(lang, row.code),
        about: about(&row.owner),
        owner: row.owner,
        balance: row.balance.get(),
        month,
        file_month,
        from,
        to,
        files: place.files.clone(),
        back: place.trial.clone(),
        lines: found.items.into_iter().map(line).collect(),
        next_page,
    })
}

async fn account_page(
    auth: Authed<perm::LedgerRead, (Path<LedgerAccountId>, Query<AccountQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let lang = auth.info.lang;
    let view = account_view(&auth.state, &auth.grant, lang, &Place::own(), *id, query).await?;
    auth.page("money/account", view)
}

async fn merchant_account_page(
    auth: OfMerchant<(Path2<TenantId, LedgerAccountId>, Query<AccountQuery>)>,
) -> PageAnswer {
    let (Path2(merchant, id), Query(query)) = &auth.input;
    let grant = on(&auth, *merchant).await?;
    let place = Place::of(*merchant);
    let view = account_view(&auth.state, &grant, auth.info.lang, &place, *id, query).await?;
    auth.page("money/account", view)
}
