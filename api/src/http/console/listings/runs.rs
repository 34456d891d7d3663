//! Publishing many products on many accounts: choosing them, seeing what they would be, and how it goes.

use super::list::account_names;
use super::runs_view::{RunCard, TargetRow};
use crate::app::channels::accounts;
use crate::app::listings::rules;
use crate::app::listings::runs::{self, Chosen, StartRun};
use crate::error::{Answer, ApiError};
use crate::http::console::channels::words;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::listing_rules::words as refusal;
use crate::http::v1::listing_runs::states_of;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::http::header::{HeaderName, HeaderValue};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingRunId, ProductId, ShopId};
use qianpu_domain::listing_run::{MOST_ACCOUNTS, MOST_PRODUCTS, RunState};
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::shop::shop_list;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) const RUNS: &str = "/console/merchant/listing_runs";
/// Products of one preview.
const PREVIEWED: usize = 5;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(RUNS, runs_page);
    pages.get("/console/merchant/listing_runs/new", new_run_page);
    pages.post("/console/merchant/listing_runs/new", new_run_form);
    pages.get("/console/merchant/listing_runs/{listing_run_id}", run_page);
    pages.post("/console/merchant/listing_runs/{listing_run_id}/cancel", cancel_run_form);
    pages.post("/console/merchant/listing_runs/{listing_run_id}/retry", retry_run_form);
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct RunsView {
    runs: Vec<RunCard>,
    next_page: Option<String>,
    may_write: bool,
}

async fn runs_page(auth: Authed<perm::ListingRead, Query<ListQuery>>) -> PageAnswer {
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = runs::list(&auth.state, &auth.grant, page).await?;
    let view = RunsView {
        next_page: found.next.map(|next| format!("{RUNS}?cursor={}", cursor_text(&next))),
        runs: found.items.into_iter().map(RunCard::from).collect(),
        may_write: auth.caller.may(Permission::ListingWrite),
    };
    auth.page("listings/runs", view)
}

#[derive(Deserialize, IntoParams)]
struct NewQuery {
    search: Option<String>,
    shop_id: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct Pick {
    id: String,
    name: String,
    sub: String,
    checked: bool,
}

#[derive(Serialize)]
struct PreviewRow {
    product: String,
    account: String,
    title: Option<String>,
    prices: Vec<i64>,
    stock: i64,
    sends: bool,
    left_out: bool,
    category: String,
    why: Option<String>,
}

#[derive(Serialize)]
struct NewView {
    form: FormView,
    search: String,
    shop_id: String,
    shops: Vec<Choice>,
    products: Vec<Pick>,
    /// More match than are shown.
    more: bool,
    all: bool,
    accounts: Vec<Pick>,
    preview: Vec<PreviewRow>,
    most_products: usize,
    most_accounts: usize,
}

type Writer<T> = Authed<perm::ListingWrite, T>;

fn shop_of(text: &str) -> Option<ShopId> {
    text.parse().ok()
}

async fn new_view<T>(auth: &Writer<T>, search: &str, shop_id: &str, fields: &Fields) -> Answer<NewView> {
    let lang = auth.info.lang;
    let found = runs::choices(&auth.state, &auth.grant, shop_of(shop_id), Some(search)).await?;
    let chosen: Vec<&str> = fields.all("product").collect();
    let taken: Vec<&str> = fields.all("account").collect();
    let read = auth.caller.grant::<perm::AccountRead>()?;
    let mut targets = Vec::new();
    for one in accounts::list(&auth.state, &read, None, PageRequest::first(100)).await?.items {
        let sells =
            qianpu_host::find(&one.account.channel).is_some_and(|channel| channel.catalog().is_some());
        if sells && one.account.state.usable() {
            let id = one.account.id.to_string();
            targets.push(Pick {
                checked: taken.contains(&id.as_str()),
                sub: words::kind(&one.account.kind, lang),
                name: one.account.name,
                id,
            });
        }
    }
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let shops = shop_list(&tx, auth.grant.shops().as_deref(), PageRequest::first(100)).await?;
    drop(tx);
    let products = found.items.into_iter().map(|product| {
        let id = product.id.to_string();
        Pick {
            checked: chosen.contains(&id.as_str()),
            sub: product.code.unwrap_or_default(),
            name: product.title,
            id,
        }
    });
    Ok(NewView {
        form: FormView::filled(fields.0.iter().cloned()),
        search: search.to_owned(),
        shop_id: shop_id.to_owned(),
        shops: shops
            .items
            .into_iter()
            .map(|shop| Choice { value: shop.id.to_string(), label: shop.name })
            .collect(),
        products: products.collect(),
        more: found.next.is_some(),
        all: fields.ticked("all"),
        accounts: targets,
        preview: Vec::new(),
        most_products: MOST_PRODUCTS,
        most_accounts: MOST_ACCOUNTS,
    })
}

async fn new_run_page(auth: Writer<Query<NewQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let (search, shop) =
        (query.search.as_deref().unwrap_or_default(), query.shop_id.as_deref().unwrap_or_default());
    let fields =
        Fields(vec![("search".to_owned(), search.to_owned()), ("shop_id".to_owned(), shop.to_owned())]);
    let view = new_view(&auth, search, shop, &fields).await?;
    auth.page("listings/run_new", view)
}

fn typed(fields: &Fields) -> StartRun {
    let accounts = fields.all("account").filter_map(|text| text.parse().ok()).take(100).collect();
    let chosen = if fields.ticked("all") {
        let search = Some(fields.text("search").to_owned()).filter(|text| !text.is_empty());
        Chosen::Matching { shop: shop_of(fields.text("shop_id")), search }
    } else {
        Chosen::Products(fields.all("product").filter_map(|text| text.parse().ok()).take(1_001).collect())
    };
    StartRun { chosen, accounts }
}

async fn new_run_form(auth: Writer<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let command = typed(fields);
    if fields.text("act") == "preview" {
        return preview_page(&auth, &command).await;
    }
    match runs::start(&auth.state, &auth.grant, &command).await {
        Ok(view) => {
            let to = format!("{RUNS}/{}", view.run.id);
            Ok(auth.redirect_with(&Flash::success("listings.run_started"), &to))
        }
        Err(error) if error.code().status() == 422 => again(&auth, &error).await,
        Err(error) => Err(error),
    }
}

/// The page with what is wrong with the choice.
async fn again(auth: &Writer<Fields>, error: &ApiError) -> PageAnswer {
    let fields = &auth.input;
    let mut view = new_view(auth, fields.text("search"), fields.text("shop_id"), fields).await?;
    let told: Vec<FieldError> = error
        .errors()
        .iter()
        .map(|one| FieldError::new("", one.code, one.message_en.clone(), one.message_zh.clone()))
        .collect();
    view.form = FormView::refused(fields, &told, auth.info.lang);
    auth.refused_page("listings/run_new", view)
}

async fn preview_page(auth: &Writer<Fields>, command: &StartRun) -> PageAnswer {
    let fields = &auth.input;
    let mut view = new_view(auth, fields.text("search"), fields.text("shop_id"), fields).await?;
    let products: Vec<ProductId> = match &command.chosen {
        Chosen::Products(ids) => ids.iter().copied().take(PREVIEWED).collect(),
        Chosen::Matching { .. } => {
            view.products.iter().filter_map(|one| one.id.parse().ok()).take(PREVIEWED).collect()
        }
    };
    let accounts: Vec<ChannelAccountId> = command.accounts.iter().copied().take(MOST_ACCOUNTS).collect();
    if products.is_empty() || accounts.is_empty() {
        let (en, zh) = ("choose products and accounts first", "请先选择商品和账号");
        return again(auth, &FieldError::new("", "required", en, zh).into()).await;
    }
    for one in rules::preview(&auth.state, &auth.grant, &products, &accounts).await? {
        let mut row = PreviewRow {
            product: one.product.title,
            account: one.account.name,
            title: None,
            prices: Vec::new(),
            stock: 0,
            sends: false,
            left_out: false,
            category: String::new(),
            why: None,
        };
        match one.outcome {
            Err(error) => row.why = Some(refusal(auth, &error)),
            Ok(found) => {
                let draft = found.drafted.draft;
                let mut prices: Vec<i64> = draft.skus.iter().map(|sku| sku.price.get()).collect();
                prices.sort_unstable();
                prices.dedup();
                row.prices = match prices.as_slice() {
                    [first, .., last] => vec![*first, *last],
                    few => few.to_vec(),
                };
                row.stock = draft.skus.iter().map(|sku| sku.stock).sum();
                row.sends = found.sends;
                row.left_out = !found.drafted.left_out.is_empty();
                row.category = draft.category_path.join(" / ");
                row.title = Some(draft.title);
            }
        }
        view.preview.push(row);
    }
    auth.page("listings/run_new", view)
}

#[derive(Deserialize, IntoParams)]
struct RunQuery {
    state: Option<String>,
    channel_account_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct RunPage {
    run: RunCard,
    tabs: Vec<Tab>,
    targets: Vec<TargetRow>,
    next_page: Option<String>,
    may_cancel: bool,
    may_retry: bool,
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    href: String,
    count: i64,
    current: bool,
}

async fn run_page(auth: Authed<perm::ListingRead, (Path<ListingRunId>, Query<RunQuery>)>) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let view = runs::get(&auth.state, &auth.grant, *id).await?;
    let states = states_of(query.state.as_deref())?;
    let account = query.channel_account_id.as_deref().and_then(|text| text.parse::<ChannelAccountId>().ok());
    let page = page_request(Some(50), query.cursor.as_deref())?;
    let found = runs::targets(&auth.state, &auth.grant, *id, &states, account, page).await?;
    let names = account_names(&auth).await?;
    let of_account = account.map(|id| format!("&channel_account_id={id}")).unwrap_or_default();
    let state = query.state.as_deref().filter(|_| !states.is_empty());
    let in_state = state.map(|state| format!("&state={state}")).unwrap_or_default();
    let next =
        found.next.map(|next| format!("{RUNS}/{id}?cursor={}{in_state}{of_account}", cursor_text(&next)));
    let counts = view.counts;
    let tab = |word: &'static str, count: i64| Tab {
        state: word,
        href: if word == "all" { format!("{RUNS}/{id}") } else { format!("{RUNS}/{id}?state={word}") },
        count,
        current: if word == "all" { state.is_none() } else { state == Some(word) },
    };
    let tabs = vec![
        tab("all", view.run.total),
        tab("published", counts.published),
        tab("in_audit", counts.in_audit),
        tab("unchanged", counts.unchanged),
        tab("refused", counts.refused),
    ];
    let may_write = auth.caller.may(Permission::ListingWrite);
    let running = view.run.state == RunState::Running;
    let lang = auth.info.lang;
    let page = RunPage {
        tabs,
        targets: found
            .items
            .into_iter()
            .map(|one| {
                let account = names.get(&one.target.account).cloned().unwrap_or_default();
                TargetRow::of(one, account, lang)
            })
            .collect(),
        next_page: next,
        may_cancel: may_write && running,
        may_retry: may_write && counts.refused + counts.cancelled > 0,
        run: RunCard::from(view),
    };
    let mut response = auth.page("listings/run", page)?;
    if running {
        // The page looks again by itself, with or without a script.
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static("3"));
    }
    Ok(response)
}

fn back<T>(
    auth: &Writer<T>,
    id: ListingRunId,
    good: &'static str,
    outcome: Result<(), ApiError>,
) -> PageAnswer {
    let to = format!("{RUNS}/{id}");
    match outcome {
        Ok(()) => Ok(auth.redirect_with(&Flash::success(good), &to)),
        Err(error) if error.code().status() == 409 => {
            let flash = Flash::failure("listings.refused").with("why", refusal(auth, &error));
            Ok(auth.redirect_with(&flash, &to))
        }
        Err(error) => Err(error),
    }
}

async fn cancel_run_form(auth: Writer<(Path<ListingRunId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let outcome = runs::cancel(&auth.state, &auth.grant, id).await.map(drop);
    back(&auth, id, "listings.run_cancelled", outcome)
}

async fn retry_run_form(auth: Writer<(Path<ListingRunId>, Fields)>) -> PageAnswer {
    let id = auth.input.0.0;
    let outcome = runs::retry(&auth.state, &auth.grant, id).await.map(drop);
    back(&auth, id, "listings.run_retried", outcome)
}
