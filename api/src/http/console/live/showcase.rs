//! The window of an account: what stands in it, what was refused, and products that can be put there.

use super::{Stage, of_account};
use crate::app::live::showcase::{self, Candidate, Window};
use crate::error::{Answer, Text};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::showcase::ShowcaseRow;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let showcase = "/console/merchant/channel_accounts/{channel_account_id}/showcase";
    pages.get(showcase, showcase_page);
    pages.post(&format!("{showcase}/read"), read_showcase_form);
    pages.post(&format!("{showcase}/add"), add_showcase_form);
    pages.post(&format!("{showcase}/remove"), remove_showcase_form);
}

#[derive(Serialize)]
struct ItemRow {
    product_id: String,
    title: Option<String>,
    state: String,
    price: Option<i64>,
    stock: Option<i64>,
    hidden: bool,
    /// A word that has texts, or `other`.
    barred: Option<&'static str>,
    refusal: Option<String>,
    listing: Option<String>,
    own: bool,
    removable: bool,
}

#[derive(Serialize)]
struct CandidateRow {
    value: String,
    title: String,
    source: String,
}

#[derive(Serialize)]
struct ShowcaseView {
    form: FormView,
    stage: Stage,
    at: String,
    items: Vec<ItemRow>,
    candidates: Vec<CandidateRow>,
    read_at: Option<i64>,
    more: bool,
    may_manage: bool,
}

fn item(row: ShowcaseRow) -> ItemRow {
    ItemRow {
        title: row.title,
        barred: row.barred.as_deref().map(|word| match word {
            "category" => "category",
            "not_applied" => "not_applied",
            "branch_closed" => "branch_closed",
            _ => "other",
        }),
        price: row.price.map(qianpu_domain::money::Fen::get),
        stock: row.stock,
        hidden: row.hidden,
        refusal: row.refusal,
        listing: row.listing.map(|id| format!("/console/merchant/listings/{id}")),
        own: !row.source_id.is_empty(),
        removable: !row.source_id.is_empty() && row.state == "shown",
        product_id: row.product_id,
        state: row.state,
    }
}

async fn view<P: Perm, T>(auth: &Authed<P, T>, window: Window, form: FormView) -> Answer<ShowcaseView> {
    let grant = auth.caller.grant::<perm::LiveRead>()?;
    let may_manage = auth.caller.may(Permission::LiveManage);
    let candidates = match may_manage {
        true => showcase::candidates(&auth.state, &grant, &window).await?,
        false => Vec::new(),
    };
    let candidate = |one: Candidate| CandidateRow {
        value: one.listing.to_string(),
        title: one.title,
        source: one.source,
    };
    Ok(ShowcaseView {
        form,
        stage: Stage::of(&auth.caller, &window.account, "showcase"),
        at: of_account(window.account.id, "showcase"),
        items: window.items.into_iter().map(item).collect(),
        candidates: candidates.into_iter().map(candidate).collect(),
        read_at: window.read_at.map(qianpu_domain::time::Timestamp::micros),
        more: window.more,
        may_manage,
    })
}

async fn showcase_page(auth: Authed<perm::LiveRead, Path<ChannelAccountId>>) -> PageAnswer {
    let window = showcase::get(&auth.state, &auth.grant, auth.input.0).await?;
    let view = view(&auth, window, FormView::default()).await?;
    auth.page("live/showcase", view)
}

/// What went wrong at the platform, as a message over the page.
pub(super) fn failed<P: Perm, T>(
    auth: &Authed<P, T>,
    error: crate::error::ApiError,
    back: &str,
) -> PageAnswer {
    if error.code().status() == 404 {
        return Err(error);
    }
    let title = auth.info.lang.pick(error.code().title_zh(), error.code().title_en());
    let why = match error.detail() {
        Some(Text::Plain(detail)) => format!("{title} · {detail}"),
        _ => title.to_owned(),
    };
    Ok(auth.redirect_with(&Flash::failure("live.failed").with("why", why), back))
}

async fn read_showcase_form(auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(*id, "showcase");
    match showcase::read_back(&auth.state, &auth.grant, *id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("live.showcase_read"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}

async fn add_showcase_form(auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let back = of_account(*id, "showcase");
    let listings: Vec<ListingId> = fields
        .all("listing_ids")
        .filter_map(|text| text.parse().ok())
        .take(showcase::MOST_AT_ONCE + 1)
        .collect();
    match showcase::add(&auth.state, &auth.grant, *id, &listings).await {
        Ok(puts) => {
            let taken = puts.iter().filter(|put| !matches!(put.outcome.as_str(), "refused" | "not_tried"));
            let (taken, all) = (taken.count(), puts.len());
            let flash =
                if taken == all { Flash::success("live.added") } else { Flash::failure("live.added_some") };
            let flash = flash.with("taken", taken).with("all", all);
            Ok(auth.redirect_with(&flash, &back))
        }
        Err(error) if !error.errors().is_empty() => {
            let window = showcase::get(&auth.state, &auth.grant, *id).await?;
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, window, form).await?;
            auth.refused_page("live/showcase", view)
        }
        Err(error) => failed(&auth, error, &back),
    }
}

async fn remove_showcase_form(
    auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let back = of_account(*id, "showcase");
    match showcase::remove(&auth.state, &auth.grant, *id, fields.text("product_id")).await {
        Ok(row) if row.state == "shown" => Ok(auth.redirect_with(&Flash::failure("live.still_shown"), &back)),
        Ok(_) => Ok(auth.redirect_with(&Flash::success("live.removed"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}
