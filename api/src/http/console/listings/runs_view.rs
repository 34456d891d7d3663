//! A run and its results, as the pages show them.

use crate::app::listings::runs::{Counts, RunView, TargetView};
use crate::pages::lang::Lang;
use qianpu_domain::error::ErrorCode;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct RunCard {
    id: String,
    state: &'static str,
    origin: &'static str,
    products: i64,
    accounts: i64,
    total: i64,
    done: i64,
    published: i64,
    in_audit: i64,
    unchanged: i64,
    refused: i64,
    cancelled: i64,
    created_at: i64,
    finished_at: Option<i64>,
    by_account: Vec<AccountLine>,
}

#[derive(Serialize)]
struct AccountLine {
    id: String,
    name: String,
    open: i64,
    done: i64,
    published: i64,
    in_audit: i64,
    unchanged: i64,
    refused: i64,
    waits_until: Option<i64>,
    wait: Option<String>,
}

impl From<RunView> for RunCard {
    fn from(view: RunView) -> Self {
        let Counts { published, in_audit, unchanged, refused, cancelled, .. } = view.counts;
        Self {
            id: view.run.id.to_string(),
            state: view.run.state.as_str(),
            origin: view.run.origin.as_str(),
            products: view.run.products,
            accounts: view.run.accounts,
            total: view.run.total,
            done: view.counts.done(),
            published,
            in_audit,
            unchanged,
            refused,
            cancelled,
            created_at: view.run.created_at.micros(),
            finished_at: view.run.finished_at.map(|at| at.micros()),
            by_account: view
                .accounts
                .into_iter()
                .map(|one| AccountLine {
                    id: one.waits.account.to_string(),
                    name: one.name,
                    open: one.counts.open,
                    done: one.counts.done(),
                    published: one.counts.published,
                    in_audit: one.counts.in_audit,
                    unchanged: one.counts.unchanged,
                    refused: one.counts.refused,
                    waits_until: one.waits.until.map(|at| at.micros()),
                    wait: one.waits.why.map(|(_, text)| text).filter(|text| !text.is_empty()),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TargetRow {
    title: String,
    product_id: String,
    account: String,
    state: &'static str,
    listing_id: Option<String>,
    /// What to do about it, in the reader's language, and the words behind it.
    advice: Option<String>,
    words: Option<String>,
}

impl TargetRow {
    pub(super) fn of(view: TargetView, account: String, lang: Lang) -> Self {
        let target = view.target;
        let (code, words) = target.error.unzip();
        let known =
            code.as_deref().and_then(|word| ErrorCode::ALL.iter().copied().find(|one| one.as_str() == word));
        let advice = known.map(|code| lang.pick(code.title_zh(), code.title_en()).to_owned());
        Self {
            title: if view.title.is_empty() { target.product.to_string() } else { view.title },
            product_id: target.product.to_string(),
            account,
            state: target.state.as_str(),
            listing_id: target.listing.map(|id| id.to_string()),
            words: words
                .filter(|words| !words.is_empty() && known.is_none_or(|code| code.title_zh() != words)),
            advice,
        }
    }
}
