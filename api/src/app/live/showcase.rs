//! The window 橱窗 of an account: what stands in it, and putting products of the merchant's own shops there.

use super::{account_of, shows};
use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::listing::ListingState;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Barred, ErrorClass, ShowcaseItem, ShowcaseRef, ShowcaseState};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{
    AccountFilter, ChannelAccount, account_by_external, account_get, account_list,
};
use qianpu_tenants::store::listing::{
    ListingFilter, ListingRow, listing_by_native, listing_get, listing_list,
};
use qianpu_tenants::store::live_board::board_get;
use qianpu_tenants::store::product::product_get;
use qianpu_tenants::store::showcase::{ShowcaseRow, showcase_list, showcase_put, showcase_replace};
use serde_json::json;

/// Pages that are read of one window.
const MOST_PAGES: usize = 20;
/// Products that are put there at once.
pub const MOST_AT_ONCE: usize = 50;

/// A window as it was read last.
#[derive(Debug, Clone)]
pub struct Window {
    /// The account.
    pub account: ChannelAccount,
    /// What stands in it, and what was refused.
    pub items: Vec<ShowcaseRow>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// Whether the platform has more than was read.
    pub more: bool,
}

/// A product that can be put into the window.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Our listing of it.
    pub listing: ListingId,
    /// Its title.
    pub title: String,
    /// The shop account it is listed at.
    pub source: String,
}

/// The window of an account.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: ChannelAccountId) -> Answer<Window> {
    let tx = state.db.read(grant.ctx()).await?;
    window(&tx, account_of(&tx, grant, id, shows).await?).await
}

async fn window(tx: &TenantTx, account: ChannelAccount) -> Answer<Window> {
    let items = showcase_list(tx, account.id).await?;
    let board = board_get(tx, account.id).await?;
    Ok(Window { account, items, read_at: board.showcase_read_at, more: board.showcase_more })
}

/// Whether products of this account can stand in windows of that one: both belong to one platform.
fn same_platform(showing: &str, selling: &str) -> bool {
    let family = |slug| qianpu_host::find(slug).and_then(|channel| channel.info().app_family);
    let sells = qianpu_host::find(selling).is_some_and(|channel| channel.catalog().is_some());
    sells && family(showing).is_some() && family(showing) == family(selling)
}

/// Products that are listed in shops of the same platform and do not stand in the window, at most 100.
pub async fn candidates<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    window: &Window,
) -> Answer<Vec<Candidate>> {
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: Some(vec![window.account.shop]), ..AccountFilter::default() };
    let accounts = account_list(&tx, &filter, PageRequest::first(100)).await?.items;
    let mut found = Vec::new();
    for source in accounts {
        if !source.state.usable() || !same_platform(&window.account.channel, &source.channel) {
            continue;
        }
        let filter = ListingFilter {
            account: Some(source.id),
            state: Some(ListingState::Listed),
            ..ListingFilter::default()
        };
        for row in listing_list(&tx, &filter, PageRequest::first(100)).await?.items {
            let there = |item: &ShowcaseRow| {
                item.state != "absent" && row.native_product_id.as_ref() == Some(&item.product_id)
            };
            if found.len() < 100 && !window.items.iter().any(there) {
                let title = product_get(&tx, row.product).await?.title;
                found.push(Candidate { listing: row.id, title, source: source.name.clone() });
            }
        }
    }
    Ok(found)
}

fn barred_word(barred: &Barred) -> String {
    match barred {
        Barred::Category => "category".to_owned(),
        Barred::NotApplied => "not_applied".to_owned(),
        Barred::BranchClosed => "branch_closed".to_owned(),
        Barred::Unknown(raw) => format!("other {raw}").trim().to_owned(),
    }
}

async fn row(tx: &TenantTx, item: &ShowcaseItem) -> Answer<ShowcaseRow> {
    let (state, native) = match &item.state {
        ShowcaseState::Shown => ("shown", ""),
        ShowcaseState::Off => ("off", ""),
        ShowcaseState::Gone => ("gone", ""),
        ShowcaseState::Unknown(raw) => ("unknown", raw.as_str()),
    };
    Ok(ShowcaseRow {
        product_id: item.item.product_id.clone(),
        source_id: item.item.source_id.clone(),
        state: state.to_owned(),
        native_state: native.to_owned(),
        title: item.title.clone(),
        picture_url: item.picture_url.clone(),
        price: item.price,
        stock: item.stock,
        hidden: item.hidden,
        barred: item.barred.as_ref().map(barred_word),
        listing: ours(tx, &item.item).await?,
        refusal: None,
        read_at: tx.now(),
    })
}

/// Our listing of a product in the window.
async fn ours(tx: &TenantTx, item: &ShowcaseRef) -> Answer<Option<ListingId>> {
    let mut found = None;
    for channel in qianpu_host::channels() {
        if channel.catalog().is_none() {
            continue;
        }
        if let Some(source) = account_by_external(tx, channel.info().slug, &item.source_id).await? {
            found = listing_by_native(tx, source.id, &item.product_id).await?.map(|listing| listing.id);
        }
    }
    Ok(found)
}

/// Reads the window at the platform.
pub async fn read_back(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: ChannelAccountId,
) -> Answer<Window> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id, shows).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let answer = call.host().showcase(call.account_ref(), cursor.as_deref()).await;
        let page = call.settle(answer).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let mut rows: Vec<ShowcaseRow> = Vec::with_capacity(items.len());
    for item in &items {
        // A product that moved between two pages is told twice.
        if !rows.iter().any(|row| row.product_id == item.item.product_id) {
            rows.push(row(&tx, item).await?);
        }
    }
    showcase_replace(&mut tx, id, &rows, cursor.is_some()).await?;
    let account = account_get(&tx, id).await?;
    let window = window(&tx, account).await?;
    tx.commit().await?;
    Ok(window)
}

/// What came of putting one product into the window.
#[derive(Debug, Clone)]
pub struct Put {
    /// The listing.
    pub listing: ListingId,
    /// Its title.
    pub title: String,
    /// `shown`, `off`, `gone`, `unknown`; `refused` by the platform; `not_tried` because one before it failed for all.
    pub outcome: String,
    /// The platform's words.
    pub words: Option<String>,
}

struct Wanted {
    listing: ListingId,
    title: String,
    item: ShowcaseRef,
}

/// A listing that can stand in the account's window.
async fn wanted<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    account: &ChannelAccount,
    id: ListingId,
) -> Answer<Option<Wanted>> {
    let listing: ListingRow = match listing_get(tx, id).await {
        Ok(listing) => listing,
        Err(StoreError::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !grant.covers_shop(listing.shop) || listing.shop != account.shop {
        return Ok(None);
    }
    let source = account_get(tx, listing.account).await?;
    let listed = listing.listing.state == ListingState::Listed;
    let native = listing.native_product_id.filter(|_| listed);
    let Some(product_id) = native.filter(|_| same_platform(&account.channel, &source.channel)) else {
        return Ok(None);
    };
    let title = product_get(tx, listing.product).await?.title;
    Ok(Some(Wanted { listing: id, title, item: ShowcaseRef { product_id, source_id: source.external_id } }))
}

/// Puts listed products into the window, one after another; what the platform says of each.
pub async fn add(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: ChannelAccountId,
    listings: &[ListingId],
) -> Answer<Vec<Put>> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, id, shows).await?;
    if listings.is_empty() || listings.len() > MOST_AT_ONCE {
        let (en, zh) =
            (format!("1 to {MOST_AT_ONCE} products"), format!("请选择 1 到 {MOST_AT_ONCE} 件商品"));
        return Err(FieldError::new("listing_ids", "count", en, zh).into());
    }
    let mut chosen: Vec<Wanted> = Vec::new();
    for (index, listing) in listings.iter().enumerate() {
        match wanted(&tx, grant, &account, *listing).await? {
            Some(one) => chosen.push(one),
            None => {
                let path = format!("listing_ids[{index}]");
                let en = "a product of this shop that is listed in a WeChat shop";
                return Err(FieldError::new(path, "unknown", en, "请选择本店已在微信小店上架的商品").into());
            }
        }
    }
    drop(tx);
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let mut outcomes = Vec::with_capacity(chosen.len());
    let mut stopped: Option<CallError> = None;
    for one in chosen {
        let mut put =
            Put { listing: one.listing, title: one.title, outcome: "not_tried".to_owned(), words: None };
        if stopped.is_none() {
            let answer = call.host().showcase_add(call.account_ref(), &one.item).await;
            match call.settle(answer).await {
                Ok(item) => put.outcome = keep(state, grant, id, &item, None).await?,
                Err(CallError::Channel(error))
                    if matches!(error.class, ErrorClass::BusinessRefusal | ErrorClass::FixRequest { .. }) =>
                {
                    let words = plain_words(&error);
                    keep(state, grant, id, &absent(&one.item, &put.title), Some(&words)).await?;
                    (put.outcome, put.words) = ("refused".to_owned(), Some(words));
                }
                Err(error) => stopped = Some(error),
            }
        }
        outcomes.push(put);
    }
    let put: Vec<&Put> = outcomes.iter().filter(|one| one.outcome != "not_tried").collect();
    if let (Some(error), true) = (stopped, put.is_empty()) {
        return Err(error.into());
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let refused = put.iter().filter(|one| one.outcome == "refused").count();
    let detail = json!({ "products": put.len() - refused, "refused": refused });
    audit_append(&mut tx, AuditAction::ShowcaseAdded, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(outcomes)
}

/// A product that the platform did not take: kept with its words until the window is read again.
fn absent(item: &ShowcaseRef, title: &str) -> ShowcaseItem {
    ShowcaseItem {
        item: item.clone(),
        state: ShowcaseState::Unknown(String::new()),
        title: Some(title.to_owned()),
        picture_url: None,
        price: None,
        stock: None,
        hidden: false,
        barred: None,
    }
}

/// Keeps what is known of a product now; its state.
async fn keep<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    item: &ShowcaseItem,
    refusal: Option<&str>,
) -> Answer<String> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let mut row = row(&tx, item).await?;
    if let Some(words) = refusal {
        let there = showcase_list(&tx, id).await?.into_iter().find(|one| one.product_id == row.product_id);
        row = match there {
            // It stands there as it did; only this change was refused.
            Some(before) => before,
            None => ShowcaseRow { state: "absent".to_owned(), ..row },
        };
        row.refusal = Some(words.to_owned());
    }
    showcase_put(&mut tx, id, &row).await?;
    tx.commit().await?;
    Ok(row.state)
}

/// Asks the platform to take a product off, and tells how it stands afterwards. A platform may answer "done" and go on
/// showing a product that is on the shelf of the merchant's own shop.
pub async fn remove(
    state: &AppState,
    grant: &Grant<perm::LiveManage>,
    id: ChannelAccountId,
    product_id: &str,
) -> Answer<ShowcaseRow> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, id, shows).await?;
    let there = showcase_list(&tx, id).await?.into_iter().find(|one| one.product_id == product_id);
    let there = there.ok_or_else(ApiError::not_found)?;
    drop(tx);
    let item = ShowcaseRef { product_id: there.product_id, source_id: there.source_id };
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().showcase_remove(call.account_ref(), &item).await;
    let item = match call.settle(answer).await {
        Ok(item) => item,
        Err(CallError::Channel(error)) if error.class == ErrorClass::BusinessRefusal => {
            let bare = absent(&item, there.title.as_deref().unwrap_or_default());
            keep(state, grant, id, &bare, Some(&plain_words(&error))).await?;
            return Err(CallError::Channel(error).into());
        }
        Err(error) => return Err(error.into()),
    };
    keep(state, grant, id, &item, None).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let row = row(&tx, &item).await?;
    let detail = json!({ "product_id": product_id, "state": row.state });
    audit_append(&mut tx, AuditAction::ShowcaseRemoved, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(row)
}
