//! Exchanges of all the merchant's accounts with their platforms, to be searched.

use super::words;
use crate::app::channels::exchanges::{self, Found, OUTCOMES, Search};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::FieldError;
use qianpu_domain::time::{Date, Timestamp};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/merchant/channel_accounts/exchanges";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, channel_exchanges_page);
}

#[derive(Debug, Deserialize, IntoParams)]
struct SearchQuery {
    account: Option<String>,
    text: Option<String>,
    outcome: Option<String>,
    from: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct OptionItem {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct Row {
    account: String,
    account_name: String,
    operation: String,
    method: String,
    path: String,
    outcome: String,
    good: bool,
    status: Option<i64>,
    remote: Option<String>,
    request_id: Option<String>,
    millis: i64,
    at: i64,
}

#[derive(Serialize)]
struct ExchangesView {
    at: &'static str,
    form: FormView,
    accounts: Vec<OptionItem>,
    outcomes: Vec<&'static str>,
    rows: Vec<Row>,
    searched: bool,
    next_page: Option<String>,
}

fn row(found: Found) -> Row {
    let exchange = found.exchange;
    Row {
        account: format!("/console/merchant/channel_accounts/{}", found.account),
        account_name: found.account_name,
        operation: exchange.operation,
        method: exchange.method,
        path: exchange.path,
        good: exchange.outcome == "ok",
        outcome: exchange.outcome,
        status: exchange.status,
        remote: exchange.remote_message.map(|message| match exchange.remote_code {
            Some(code) => format!("{message} ({code})"),
            None => message,
        }),
        request_id: exchange.remote_request_id,
        millis: exchange.millis,
        at: exchange.at.micros(),
    }
}

type Reading = Authed<perm::AccountRead, Query<SearchQuery>>;

/// When a typed day begins, or the one after it.
fn day(
    auth: &Reading,
    typed: &Fields,
    name: &str,
    after: bool,
    errors: &mut Vec<FieldError>,
) -> Option<Timestamp> {
    let day: Date = typed.parsed(name, errors)?;
    let day = if after { day.tomorrow().ok()? } else { day };
    qianpu_domain::billing::start_of_day(day, &auth.state.config.app.time_zone).ok()
}

fn search(auth: &Reading, typed: &Fields) -> Answer<Search> {
    let mut errors = Vec::new();
    let some = |name: &str| Some(typed.text(name).to_owned()).filter(|text| !text.is_empty());
    let search = Search {
        account: typed.parsed("account", &mut errors),
        text: some("text"),
        outcome: some("outcome"),
        from: day(auth, typed, "from", false, &mut errors),
        until: day(auth, typed, "until", true, &mut errors),
    };
    if errors.is_empty() { Ok(search) } else { Err(errors.into()) }
}

async fn channel_exchanges_page(auth: Reading) -> PageAnswer {
    let Query(query) = &auth.input;
    let lang = auth.info.lang;
    let fields = [
        ("account", &query.account),
        ("text", &query.text),
        ("outcome", &query.outcome),
        ("from", &query.from),
        ("until", &query.until),
    ];
    let typed =
        Fields(fields.map(|(name, value)| (name.to_owned(), value.clone().unwrap_or_default())).to_vec());
    let page = page_request(Some(30), query.cursor.as_deref())?;
    let found = match search(&auth, &typed) {
        Ok(search) => exchanges::search(&auth.state, &auth.grant, &search, page).await,
        Err(error) => Err(error),
    };
    let accounts = exchanges::accounts(&auth.state, &auth.grant).await?;
    let accounts = accounts.into_values().map(|account| OptionItem {
        value: account.id.to_string(),
        label: format!("{} · {}", account.name, words::kind(&account.kind, lang)),
    });
    let mut view = ExchangesView {
        at: HOME,
        form: FormView::filled(typed.0.iter().cloned()),
        accounts: accounts.collect(),
        outcomes: OUTCOMES.to_vec(),
        rows: Vec::new(),
        searched: typed.0.iter().any(|(_, value)| !value.is_empty()),
        next_page: None,
    };
    match found {
        Ok(found) => {
            view.next_page = found.next.map(|next| {
                let filter =
                    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&typed.0).finish();
                format!("{HOME}?{filter}&cursor={}", cursor_text(&next))
            });
            view.rows = found.items.into_iter().map(row).collect();
            auth.page("channels/exchanges", view)
        }
        Err(error) if error.code().status() == 422 => {
            view.form = FormView::refused_by(&typed, &error, lang);
            auth.refused_page("channels/exchanges", view)
        }
        Err(error) => Err(error),
    }
}
