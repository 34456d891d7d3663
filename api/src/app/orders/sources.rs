//! What was sold by which account and in which scene, as channels name them in their orders.

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ShopId};
use qianpu_domain::money::Fen;
use qianpu_domain::order::Scene;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_list};
use qianpu_tenants::store::live_board::board_public_ids;
use qianpu_tenants::store::order_source::{SourceAccount, source_sales};
use std::collections::BTreeMap;

/// The longest time that is looked at.
pub const MOST_DAYS: i64 = 366;

/// What was sold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sold {
    /// Paid orders.
    pub orders: i64,
    /// What buyers paid.
    pub total: Fen,
    /// What was given back.
    pub refunded: Fen,
}

impl Sold {
    fn add(&mut self, orders: i64, total: i64, refunded: i64) {
        self.orders = self.orders.saturating_add(orders);
        self.total = Fen::new(self.total.get().saturating_add(total));
        self.refunded = Fen::new(self.refunded.get().saturating_add(refunded));
    }
}

/// An account that brought sales.
#[derive(Debug, Clone)]
pub struct Source {
    /// The account as the channel names it; none when it named none.
    pub named: Option<SourceAccount>,
    /// The account that is linked here, when it is one of the merchant's.
    pub linked: Option<ChannelAccount>,
    /// All of it.
    pub sold: Sold,
    /// By scene, most first.
    pub scenes: Vec<(Scene, Sold)>,
}

/// Sales by source, most first.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Since when.
    pub since: Timestamp,
    /// All of it.
    pub sold: Sold,
    /// By account.
    pub sources: Vec<Source>,
}

/// Sales of the last days by account and scene.
pub async fn of(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    shop: Option<ShopId>,
    days: i64,
) -> Answer<Sources> {
    let shops = match (shop, grant.shops()) {
        (Some(shop), _) if !grant.covers_shop(shop) => return Err(ApiError::not_found()),
        (Some(shop), _) => Some(vec![shop]),
        (None, covered) => covered,
    };
    if !(1..=MOST_DAYS).contains(&days) {
        let (en, zh) = (format!("1 to {MOST_DAYS} days"), format!("应为 1 到 {MOST_DAYS} 天"));
        return Err(FieldError::new("days", "range", en, zh).into());
    }
    let since = state.clock().now().minus(Span::days(days));
    let tx = state.db.read(grant.ctx()).await?;
    let filter = AccountFilter { shops: shops.clone(), ..AccountFilter::default() };
    let accounts = account_list(&tx, &filter, PageRequest::first(100)).await?.items;
    let public = board_public_ids(&tx).await?;
    // Orders name a public account by the id it is linked by, and a channels account by another one, which it told.
    let linked = |named: &SourceAccount| {
        let own = |account: &&ChannelAccount| {
            account.kind == named.kind
                && (account.external_id == named.external_id
                    || public.get(&named.external_id) == Some(&account.id))
        };
        accounts.iter().find(own)
    };
    let mut found: BTreeMap<(Option<ChannelAccountId>, Option<SourceAccount>), Source> = BTreeMap::new();
    let mut all = Sold::default();
    for row in source_sales(&tx, shops.as_deref(), None, since).await? {
        let account = row.account.as_ref().and_then(linked);
        // The name of an account that is linked may change between two orders.
        let named = row.account.clone().map(|mut named| {
            if account.is_some() {
                named.name = None;
            }
            named
        });
        let source = found.entry((account.map(|one| one.id), named)).or_insert_with(|| Source {
            named: row.account.clone(),
            linked: account.cloned(),
            sold: Sold::default(),
            scenes: Vec::new(),
        });
        all.add(row.orders, row.total, row.refunded);
        source.sold.add(row.orders, row.total, row.refunded);
        match source.scenes.iter_mut().find(|(scene, _)| *scene == row.scene) {
            Some((_, sold)) => sold.add(row.orders, row.total, row.refunded),
            None => {
                let mut sold = Sold::default();
                sold.add(row.orders, row.total, row.refunded);
                source.scenes.push((row.scene, sold));
            }
        }
    }
    let mut sources: Vec<Source> = found.into_values().collect();
    sources.sort_by_key(|one| std::cmp::Reverse(one.sold.total.get()));
    for source in &mut sources {
        source.scenes.sort_by_key(|(_, sold)| std::cmp::Reverse(sold.total.get()));
    }
    Ok(Sources { since, sold: all, sources })
}
