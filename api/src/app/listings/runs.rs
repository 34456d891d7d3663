//! Runs that publish many products on many accounts: beginning one, looking at it, stopping it, and trying the refused
//! again. The work is done by [`super::run_step`], in small steps.

use super::run_step;
use crate::app::channels::accounts::covered;
use crate::app::channels::find;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ListingRunId, ProductId, ShopId};
use qianpu_domain::listing_run::{MOST_ACCOUNTS, MOST_PRODUCTS, RunOrigin, RunState, TargetState};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::job_enqueue_part;
use qianpu_tenants::page::{Cursor, MAX_LIMIT, Page, PageRequest};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::listing_run::{
    ListingRun, NewRun, RunAccount, run_accounts, run_get, run_insert, run_list, run_move,
};
use qianpu_tenants::store::listing_run_target::{
    RunTarget, target_counts, target_insert, target_list, target_move_all,
};
use qianpu_tenants::store::product::{Product, ProductFilter, product_get, product_list};
use serde_json::json;
use std::collections::BTreeSet;

/// Which products a run is about.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// These.
    Products(Vec<ProductId>),
    /// Those on sale of a shop, or of all, whose title or code contains a text.
    Matching { shop: Option<ShopId>, search: Option<String> },
}

/// A run to be begun.
#[derive(Debug, Clone)]
pub struct StartRun {
    pub chosen: Chosen,
    pub accounts: Vec<ChannelAccountId>,
}

/// What became of the products of one account, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: i64,
    pub published: i64,
    pub in_audit: i64,
    pub unchanged: i64,
    pub refused: i64,
    pub cancelled: i64,
}

impl Counts {
    fn add(&mut self, state: TargetState, count: i64) {
        match state {
            TargetState::Waiting | TargetState::Sending => self.open += count,
            TargetState::Published => self.published += count,
            TargetState::InAudit => self.in_audit += count,
            TargetState::Unchanged => self.unchanged += count,
            TargetState::Refused => self.refused += count,
            TargetState::Cancelled => self.cancelled += count,
        }
    }
    /// Those with a result.
    pub const fn done(&self) -> i64 {
        self.published + self.in_audit + self.unchanged + self.refused + self.cancelled
    }
}

/// One account of a run.
#[derive(Debug, Clone)]
pub struct RunAccountView {
    pub waits: RunAccount,
    pub name: String,
    pub counts: Counts,
}

/// A run with its progress.
#[derive(Debug, Clone)]
pub struct RunView {
    pub run: ListingRun,
    pub counts: Counts,
    pub accounts: Vec<RunAccountView>,
}

fn out_of_range(field: &'static str, most: usize, what_en: &str, what_zh: &str) -> ApiError {
    let (en, zh) = (format!("1 to {most} {what_en}"), format!("{what_zh}应为 1 到 {most} 个"));
    FieldError::new(field, "out_of_range", en, zh).into()
}

/// Begins a run. What cannot be published is refused later, each with its reason; here everything has to be there.
pub async fn start(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    command: &StartRun,
) -> Answer<RunView> {
    let mut seen = BTreeSet::new();
    let accounts: Vec<ChannelAccountId> =
        command.accounts.iter().copied().filter(|id| seen.insert(*id)).collect();
    if accounts.is_empty() || accounts.len() > MOST_ACCOUNTS {
        return Err(out_of_range("channel_account_ids", MOST_ACCOUNTS, "accounts", "账号"));
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    for id in &accounts {
        let account = covered(grant, account_get(&tx, *id).await?)?;
        if find(&account.channel)?.catalog().is_none() {
            let (en, zh) = ("this kind of account sells no products", "该类账号不支持发布商品");
            return Err(FieldError::new("channel_account_ids", "no_catalog", en, zh).into());
        }
    }
    let products = match &command.chosen {
        Chosen::Products(ids) => named(&tx, grant, ids).await?,
        Chosen::Matching { shop, search } => matching(&tx, grant, *shop, search.as_deref()).await?,
    };
    let id = begin(&mut tx, RunOrigin::Merchant, &products, &accounts, None).await?;
    let detail = json!({ "products": products.len(), "accounts": accounts.len() });
    audit_append(&mut tx, AuditAction::ListingRunStarted, "listing_run", &id.to_string(), detail).await?;
    let view = view(&tx, run_get(&tx, id).await?).await?;
    tx.commit().await?;
    Ok(view)
}

async fn named<P: Perm>(tx: &TenantTx, grant: &Grant<P>, ids: &[ProductId]) -> Answer<Vec<ProductId>> {
    let mut seen = BTreeSet::new();
    let ids: Vec<ProductId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if ids.is_empty() || ids.len() > MOST_PRODUCTS {
        return Err(out_of_range("product_ids", MOST_PRODUCTS, "products", "商品"));
    }
    for id in &ids {
        if !grant.covers_shop(product_get(tx, *id).await?.shop) {
            return Err(ApiError::not_found());
        }
    }
    Ok(ids)
}

async fn matching<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    shop: Option<ShopId>,
    search: Option<&str>,
) -> Answer<Vec<ProductId>> {
    let shops = match shop {
        Some(shop) if !grant.covers_shop(shop) => return Err(ApiError::not_found()),
        Some(shop) => Some(vec![shop]),
        None => grant.shops(),
    };
    let filter = ProductFilter { shops: shops.as_deref(), state: Some(ProductState::OnSale), search };
    let mut page = PageRequest::first(MAX_LIMIT);
    let mut found = Vec::new();
    loop {
        let next = product_list(tx, &filter, page).await?;
        found.extend(next.items.iter().map(|product| product.id));
        match next.next {
            _ if found.len() > MOST_PRODUCTS => {
                let (en, zh) = (
                    format!("more than {MOST_PRODUCTS} products match; narrow the search"),
                    format!("匹配的商品超过 {MOST_PRODUCTS} 个，请缩小范围"),
                );
                return Err(FieldError::new("search", "out_of_range", en, zh).into());
            }
            Some(cursor) => page.cursor = Some(cursor),
            None if found.is_empty() => {
                let (en, zh) = ("no product on sale matches", "没有符合条件的在售商品");
                return Err(FieldError::new("search", "none", en, zh).into());
            }
            None => return Ok(found),
        }
    }
}

/// Products on sale that a run could be about, the newest hundred.
pub async fn choices(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    shop: Option<ShopId>,
    search: Option<&str>,
) -> Answer<Page<Product>> {
    let shops = match shop {
        Some(shop) if !grant.covers_shop(shop) => return Err(ApiError::not_found()),
        Some(shop) => Some(vec![shop]),
        None => grant.shops(),
    };
    let tx = state.db.read(grant.ctx()).await?;
    let search = search.filter(|text| !text.is_empty());
    let filter = ProductFilter { shops: shops.as_deref(), state: Some(ProductState::OnSale), search };
    Ok(product_list(&tx, &filter, PageRequest::first(MAX_LIMIT)).await?)
}

/// Adds a run with all its pairs, and the first step of each account: one transaction, so that there is never a run
/// without its work.
pub(super) async fn begin(
    tx: &mut TenantTx,
    origin: RunOrigin,
    products: &[ProductId],
    accounts: &[ChannelAccountId],
    pairs: Option<Vec<(ProductId, ChannelAccountId)>>,
) -> StoreResult<ListingRunId> {
    let all = || products.iter().flat_map(|product| accounts.iter().map(|account| (*product, *account)));
    let pairs = pairs.unwrap_or_else(|| all().collect());
    let (_, by, _) = tx.ctx().actor().audit_parts();
    let new = NewRun {
        origin,
        products: i64::try_from(products.len()).unwrap_or(i64::MAX),
        accounts,
        total: i64::try_from(pairs.len()).unwrap_or(i64::MAX),
        created_by: &by,
    };
    let id = run_insert(tx, &new).await?;
    target_insert(tx, id, &pairs).await?;
    for account in accounts {
        job_enqueue_part(tx, run_step::new_job(id, *account, None), account.0).await?;
    }
    Ok(id)
}

async fn view(tx: &TenantTx, run: ListingRun) -> Answer<RunView> {
    let mut counts = Counts::default();
    let found = target_counts(tx, run.id).await?;
    let mut accounts = Vec::new();
    for waits in run_accounts(tx, run.id).await? {
        let mut own = Counts::default();
        for (_, state, count) in found.iter().filter(|(account, _, _)| *account == waits.account) {
            own.add(*state, *count);
            counts.add(*state, *count);
        }
        let name = match account_get(tx, waits.account).await {
            Ok(account) => account.name,
            Err(StoreError::NotFound) => waits.account.to_string(),
            Err(other) => return Err(other.into()),
        };
        accounts.push(RunAccountView { waits, name, counts: own });
    }
    Ok(RunView { run, counts, accounts })
}

/// The caller may see a run when all its accounts are of shops they work for.
async fn visible<P: Perm>(tx: &TenantTx, grant: &Grant<P>, id: ListingRunId) -> Answer<ListingRun> {
    let run = run_get(tx, id).await?;
    for one in run_accounts(tx, id).await? {
        covered(grant, account_get(tx, one.account).await?)?;
    }
    Ok(run)
}

/// A run with its progress.
pub async fn get(state: &AppState, grant: &Grant<perm::ListingRead>, id: ListingRunId) -> Answer<RunView> {
    let tx = state.db.read(grant.ctx()).await?;
    let run = visible(&tx, grant, id).await?;
    view(&tx, run).await
}

/// Runs the caller may see, newest first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    page: PageRequest,
) -> Answer<Page<RunView>> {
    let tx = state.db.read(grant.ctx()).await?;
    let found = run_list(&tx, page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for run in found.items {
        match visible(&tx, grant, run.id).await {
            Ok(run) => items.push(view(&tx, run).await?),
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Page { items, next: found.next })
}

/// One result, with the product's title.
#[derive(Debug, Clone)]
pub struct TargetView {
    pub target: RunTarget,
    pub title: String,
}

/// Results of a run in the order of the choice.
pub async fn targets(
    state: &AppState,
    grant: &Grant<perm::ListingRead>,
    id: ListingRunId,
    states: &[TargetState],
    account: Option<ChannelAccountId>,
    page: PageRequest,
) -> Answer<Page<TargetView>> {
    let tx = state.db.read(grant.ctx()).await?;
    visible(&tx, grant, id).await?;
    // The cursor's time is the place in the run: there is no other order.
    let after = page.cursor.map_or(0, |cursor| cursor.at.micros());
    let rows = target_list(&tx, id, states, account, after, page.limit + 1).await?;
    let found =
        Page::from_rows(rows, page.limit, |row| Cursor { at: Timestamp::from_micros(row.place), id: id.0 });
    let mut items = Vec::with_capacity(found.items.len());
    for target in found.items {
        let title = match product_get(&tx, target.product).await {
            Ok(product) => product.title,
            Err(StoreError::NotFound) => String::new(),
            Err(other) => return Err(other.into()),
        };
        items.push(TargetView { target, title });
    }
    Ok(Page { items, next: found.next })
}

/// Stops a run: what was not begun is left, what is under way comes to its end.
pub async fn cancel(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    id: ListingRunId,
) -> Answer<RunView> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    visible(&tx, grant, id).await?;
    if !run_move(&mut tx, id, RunState::Running, RunState::Cancelled).await? {
        return Err(ApiError::new(ErrorCode::ListingRunOver));
    }
    let open = [TargetState::Waiting, TargetState::Sending];
    let left = target_move_all(&mut tx, id, &open, TargetState::Cancelled).await?;
    let detail = json!({ "left": left });
    audit_append(&mut tx, AuditAction::ListingRunCancelled, "listing_run", &id.to_string(), detail).await?;
    let view = view(&tx, run_get(&tx, id).await?).await?;
    tx.commit().await?;
    Ok(view)
}

/// Tries what was refused, or left when the run was stopped, once more.
pub async fn retry(state: &AppState, grant: &Grant<perm::ListingWrite>, id: ListingRunId) -> Answer<RunView> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let run = visible(&tx, grant, id).await?;
    let again = [TargetState::Refused, TargetState::Cancelled];
    let count = target_move_all(&mut tx, id, &again, TargetState::Waiting).await?;
    if count == 0 {
        return Err(ApiError::new(ErrorCode::ListingRunNothing));
    }
    if run.state != RunState::Running {
        run_move(&mut tx, id, run.state, RunState::Running).await?;
    }
    for one in run_accounts(&tx, id).await? {
        job_enqueue_part(&mut tx, run_step::new_job(id, one.account, None), one.account.0).await?;
    }
    let detail = json!({ "products": count });
    audit_append(&mut tx, AuditAction::ListingRunRetried, "listing_run", &id.to_string(), detail).await?;
    let view = view(&tx, run_get(&tx, id).await?).await?;
    tx.commit().await?;
    Ok(view)
}
