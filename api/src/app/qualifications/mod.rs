//! What linked shops may sell: categories and brands, at their platforms. Here is what is read there; [`wish`] checks what
//! somebody applies with, [`apply`] sends it, once; [`follow`] finds out what became of it, and [`earlier`] is what somebody who
//! applies again begins with.

pub mod apply;
pub mod earlier;
pub mod follow;
pub mod wish;

use crate::app::channels::call::{AccountCall, CallError, plain_words};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, QualificationId};
use qianpu_domain::qualification::{QualificationKind, platform_id};
use qianpu_sdk::{ApprovedCategory, Brand, BrandName, CategoryPlace, CategoryTerms, ErrorClass};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::qualification::{Qualification, qualification_get, qualification_list};
use serde_json::json;

/// Pages of a shop's brands that are read.
const BRAND_PAGES: usize = 20;
/// Pages of the platform's library that one search reads, and the names it tells.
const LIBRARY_PAGES: usize = 10;
const NAMES: usize = 50;
/// Longest words that are searched for.
const SEARCH: usize = 40;

/// Whether an account's channel has qualifications.
pub fn possible(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.qualifications().is_some())
}

/// The account, if the caller may see it and its channel has qualifications.
pub async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    if grant.covers_shop(account.shop) && possible(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

/// The same by itself.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await
}

/// A refusal of the platform that names fields stands at these fields.
fn refused(error: CallError) -> ApiError {
    let CallError::Channel(channel) = &error else { return error.into() };
    let ErrorClass::FixRequest { fields } = &channel.class else { return error.into() };
    if channel.remote.is_some() || fields.is_empty() {
        let words = plain_words(channel);
        return FieldError::new("", "refused_by_platform", words.clone(), words).into();
    }
    let field = |one: &qianpu_sdk::FieldError| match one.code.as_str() {
        "unknown" => unknown(&one.path),
        _ => {
            FieldError::new(one.path.clone(), "refused_by_platform", one.message.clone(), one.message.clone())
        }
    };
    fields.iter().map(field).collect::<Vec<_>>().into()
}

/// What the platform does not have.
fn unknown(path: &str) -> FieldError {
    FieldError::new(path, "unknown", "the platform does not have it", "平台上没有这一项，请重新选择")
}

/// Categories the shop was approved for.
pub async fn approved(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
) -> Answer<Vec<ApprovedCategory>> {
    account(state, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().approved_categories(call.account_ref()).await;
    Ok(call.settle(answer).await?)
}

/// Categories whose name has these words; some dozens at most.
pub async fn search(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
    words: &str,
) -> Answer<Vec<CategoryPlace>> {
    account(state, grant, id).await?;
    let words = words.trim();
    if words.is_empty() || words.chars().count() > SEARCH {
        let (en, zh) = ("1 to 40 characters", "请输入 1–40 个字");
        return Err(FieldError::new("words", "length", en, zh).into());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().search_categories(call.account_ref(), words).await;
    Ok(call.settle(answer).await?)
}

/// What a category asks for and costs.
pub async fn terms<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
    category_id: &str,
) -> Answer<CategoryTerms> {
    account(state, grant, id).await?;
    let category_id = platform_id("category_id", category_id)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().category_terms(call.account_ref(), &category_id).await;
    call.settle(answer).await.map_err(refused)
}

/// A list that may go on at the platform.
#[derive(Debug, Clone)]
pub struct Told<T> {
    /// What was read.
    pub items: Vec<T>,
    /// Whether the platform has further ones.
    pub more: bool,
}

/// Brands of the shop, as the platform has them.
pub async fn brands<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<Told<Brand>> {
    account(state, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..BRAND_PAGES {
        let answer = call.host().brands(call.account_ref(), cursor.as_deref()).await;
        let page = call.settle(answer).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(Told { items, more: cursor.is_some() })
}

/// Names of the platform's library.
#[derive(Debug, Clone)]
pub struct Names {
    /// What was found.
    pub items: Vec<BrandName>,
    /// Where the search goes on.
    pub next: Option<String>,
}

/// Brands that the platform knows, with these words in their names; a part of its library at a time.
pub async fn known_brands(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
    words: &str,
    cursor: Option<&str>,
) -> Answer<Names> {
    account(state, grant, id).await?;
    let words = words.trim().to_lowercase();
    if words.chars().count() > SEARCH || cursor.is_some_and(|cursor| cursor.len() > 200) {
        let (en, zh) = ("at most 40 characters", "最多 40 个字");
        return Err(FieldError::new("words", "length", en, zh).into());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let mut found = Names { items: Vec::new(), next: cursor.map(str::to_owned) };
    for _ in 0..LIBRARY_PAGES {
        let answer = call.host().known_brands(call.account_ref(), found.next.as_deref()).await;
        let page = call.settle(answer).await?;
        let fits = |name: &BrandName| {
            [&name.name_zh, &name.name_en, &name.brand_id]
                .iter()
                .any(|one| one.to_lowercase().contains(&words))
        };
        found.items.extend(page.items.into_iter().filter(fits));
        found.next = page.next_cursor;
        if found.next.is_none() || found.items.len() >= NAMES {
            break;
        }
    }
    Ok(found)
}

/// Applications of an account, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::AccountRead>,
    id: ChannelAccountId,
    kind: Option<QualificationKind>,
    page: PageRequest,
) -> Answer<Page<Qualification>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, id).await?;
    Ok(qualification_list(&tx, id, kind, page).await?)
}

/// One application.
pub async fn get<P: Perm>(state: &AppState, grant: &Grant<P>, id: QualificationId) -> Answer<Qualification> {
    let tx = state.db.read(grant.ctx()).await?;
    let one = qualification_get(&tx, id).await?;
    account_of(&tx, grant, one.account).await?;
    Ok(one)
}

/// Takes a brand away from the shop.
pub async fn remove_brand(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    brand_id: &str,
) -> Answer<()> {
    account(state, grant, id).await?;
    let brand_id = platform_id("brand_id", brand_id)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let detail = json!({ "brand_id": brand_id });
    audit_append(&mut tx, AuditAction::ShopBrandRemoved, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    let answer = call.host().delete_brand(call.account_ref(), &brand_id).await;
    call.settle(answer).await.map_err(refused)
}
