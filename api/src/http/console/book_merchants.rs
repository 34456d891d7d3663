//! The merchants that hold something on an account of the chart, for their provider's finance staff, and a journal of one
//! of them.

use super::billing::providers_only;
use super::books::{MERCHANTS, OfMerchant, Place, on};
use super::money::{account_name, journal_line};
use crate::app::money::books;
use crate::error::ApiError;
use crate::http::extract::{Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use qianpu_domain::ids::{JournalId, TenantId};
use qianpu_domain::ledger::{AccountCode, Side};
use qianpu_domain::money::Fen;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(MERCHANTS, merchants_page);
    pages.get("/console/provider/books/merchants/{merchant_id}/journals/{journal_id}", merchant_journal_page);
}

async fn merchant_journal_page(auth: OfMerchant<Path2<TenantId, JournalId>>) -> PageAnswer {
    #[derive(Serialize)]
    struct JournalView {
        journal: super::money::JournalLine,
        back: String,
        /// Where the merchant's journals are, as the provider sees them.
        journals: String,
    }
    let Path2(merchant, id) = auth.input;
    let grant = on(&auth, merchant).await?;
    let row = books::journal(&auth.state, &grant, id).await?;
    let place = Place::of(merchant);
    let link = place.page_of(&row.business_ref);
    let mut journal = journal_line(auth.info.lang, row);
    // Its order or bill as the provider sees it.
    journal.link = link;
    let journals = format!("{}/journals", place.home);
    auth.page("billing/book_journal", JournalView { journal, journals, back: place.trial })
}

#[derive(Debug, Deserialize, IntoParams)]
struct MerchantsQuery {
    /// An account of the chart.
    account: Option<i64>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct MerchantsView {
    account: Option<i64>,
    name: Option<&'static str>,
    rows: Vec<MerchantLine>,
    next_page: Option<String>,
}

#[derive(Serialize)]
struct MerchantLine {
    name: String,
    href: String,
    debit: Option<i64>,
    credit: Option<i64>,
}

async fn merchants_page(auth: OfMerchant<Query<MerchantsQuery>>) -> PageAnswer {
    providers_only(&auth)?;
    let Query(query) = &auth.input;
    let code = match query.account {
        None => None,
        Some(number) => Some(AccountCode::from_number(number).ok_or_else(ApiError::not_found)?),
    };
    let page = page_request(Some(50), query.cursor.as_deref())?;
    let found = books::merchants(&auth.state, &auth.grant, code, page).await?;
    let asked = query.account.map(|number| format!("account={number}&")).unwrap_or_default();
    let next_page = found.next.map(|next| format!("{MERCHANTS}?{asked}cursor={}", cursor_text(&next)));
    let shown = |side: Side, fen: Fen| code.is_none_or(|code| code.side() == side).then(|| fen.get());
    let rows = found.items.into_iter().map(|row| MerchantLine {
        href: match code {
            None => format!("{MERCHANTS}/{}", row.merchant),
            Some(code) => format!("{MERCHANTS}/{}/accounts?code={}", row.merchant, code.number()),
        },
        name: row.name,
        debit: shown(Side::Debit, row.debit),
        credit: shown(Side::Credit, row.credit),
    });
    let view = MerchantsView {
        account: query.account,
        name: code.map(|code| account_name(auth.info.lang, code)),
        rows: rows.collect(),
        next_page,
    };
    auth.page("billing/book_merchants", view)
}
