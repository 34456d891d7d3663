//! What a buyer sees and changes of themselves, in the one shop where they are somebody.

use crate::error::{Answer, ApiError};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::buyer::buyer_name;
use qianpu_domain::ids::{BuyerSessionId, OrderId};
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::resolve::BuyerCaller;
use qianpu_tenants::store::buyer::{Buyer, BuyerChange, Identity, buyer_change, buyer_get, identity_list};
use qianpu_tenants::store::buyer_session::{
    BuyerSession, buyer_session_end, buyer_session_end_all, buyer_session_list,
};
use qianpu_tenants::store::order::{Order, order_list_of_buyer};
use qianpu_tenants::store::order_line::{OrderLine, order_line_list_of};
use std::collections::HashMap;

/// A buyer and what they are known by.
#[derive(Debug, Clone)]
pub struct Profile {
    pub buyer: Buyer,
    pub identities: Vec<Identity>,
}

impl Profile {
    /// `138****0000`, when there is a phone.
    pub fn phone_masked(&self) -> Option<String> {
        self.identities.iter().find_map(|identity| identity.phone.as_ref()).map(|phone| phone.masked())
    }
    /// What the channels are called where the buyer is known.
    pub fn platforms(&self, lang: Lang) -> Vec<String> {
        let known = self.identities.iter().filter_map(|one| qianpu_host::find(one.channel.as_deref()?));
        let mut names: Vec<String> =
            known.map(|one| lang.pick(one.info().name_zh, one.info().name_en).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The buyer themselves.
pub async fn profile(state: &AppState, caller: &BuyerCaller) -> Answer<Profile> {
    let tx = state.db.read(caller.ctx()).await?;
    let buyer = buyer_get(&tx, caller.id()).await?;
    let identities = identity_list(&tx, &state.keys.sealer, caller.id()).await?;
    Ok(Profile { buyer, identities })
}

/// Changes the name.
pub async fn rename(state: &AppState, caller: &BuyerCaller, name: &str) -> Answer<()> {
    let name = buyer_name(name).map_err(ApiError::field)?;
    let mut tx = state.db.begin(caller.ctx()).await?;
    buyer_change(&mut tx, caller.id(), &BuyerChange { name: Some(&name), ..BuyerChange::default() }).await?;
    Ok(tx.commit().await?)
}

/// An order as its buyer sees it.
#[derive(Debug, Clone)]
pub struct OwnOrder {
    pub order: Order,
    pub lines: Vec<OrderLine>,
}

/// The buyer's orders, newest first.
pub async fn orders(state: &AppState, caller: &BuyerCaller, page: PageRequest) -> Answer<Page<OwnOrder>> {
    let tx = state.db.read(caller.ctx()).await?;
    with_lines(&tx, order_list_of_buyer(&tx, caller.id(), page).await?).await
}

/// Orders with their lines.
pub(super) async fn with_lines(
    tx: &qianpu_tenants::db::TenantTx,
    found: Page<Order>,
) -> Answer<Page<OwnOrder>> {
    let ids: Vec<OrderId> = found.items.iter().map(|order| order.id).collect();
    let mut lines: HashMap<OrderId, Vec<OrderLine>> = HashMap::new();
    for line in order_line_list_of(tx, &ids).await? {
        lines.entry(line.order).or_default().push(line);
    }
    Ok(found.map(|order| OwnOrder { lines: lines.remove(&order.id).unwrap_or_default(), order }))
}

/// The buyer's sessions, newest first.
pub async fn sessions(state: &AppState, caller: &BuyerCaller) -> Answer<Vec<BuyerSession>> {
    Ok(buyer_session_list(&*state.db.read(caller.ctx()).await?, caller.id()).await?)
}

/// Ends one of the buyer's sessions; the own one is logging out.
pub async fn end_session(state: &AppState, caller: &BuyerCaller, id: BuyerSessionId) -> Answer<()> {
    let mut tx = state.db.begin(caller.ctx()).await?;
    buyer_session_end(&mut tx, caller.id(), id).await?;
    Ok(tx.commit().await?)
}

/// Ends every session of the buyer, this one too; how many.
pub async fn end_all(state: &AppState, caller: &BuyerCaller) -> Answer<u64> {
    let mut tx = state.db.begin(caller.ctx()).await?;
    let ended = buyer_session_end_all(&mut tx, caller.id()).await?;
    tx.commit().await?;
    Ok(ended)
}
