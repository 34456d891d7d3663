//! One person in several shops of a provider: off unless the provider turns it on, told to the buyer, refused and undone
//! by the buyer at any time.
//!
//! A link says that rows belong to one person and nothing else: no shop learns a name, a phone or an order of another.
//! It stands in the provider's tenant and the buyer in the merchant's, so a job carries what was decided from here to
//! there; it reads anew what holds and may run twice.

use super::sender::settings_for;
use crate::error::Answer;
use crate::jobs::{JobError, JobResult, finish};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::buyer::{BuyerState, PersonLink};
use qianpu_domain::ids::BuyerId;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{ClaimedJob, NewJob, job_enqueue};
use qianpu_tenants::resolve::{self, BuyerCaller};
use qianpu_tenants::store::buyer::{Buyer, BuyerChange, buyer_change, buyer_get, identity_list};
use qianpu_tenants::store::buyer_person::{linked_shops, links_forget, links_set};
use serde_json::{Value, json};

/// Job that says to the provider's tenant by what a buyer is known, or forgets it; payload `{"buyer_id"}`.
pub const LINK: &str = "buyer.link";

/// What a buyer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Whether the provider joins at all.
    pub on: bool,
    pub state: PersonLink,
    /// In how many shops the person is known, this one counted; 0 while nothing is joined.
    pub shops: u64,
}

impl Told {
    /// What the merchant sees: that there is a link, and not with whom.
    pub fn seen_by_merchant(&self) -> &'static str {
        match self.state {
            PersonLink::Linked if self.shops < 2 => PersonLink::None.as_str(),
            state => state.as_str(),
        }
    }
}

/// Whether the provider of a merchant joins at all.
pub async fn is_on(state: &AppState, merchant: &TenantCtx) -> Answer<bool> {
    Ok(settings_for(state, merchant).await?.person_links)
}

/// What holds for a buyer.
pub async fn told(state: &AppState, merchant: &TenantCtx, buyer: &Buyer) -> Answer<Told> {
    let on = settings_for(state, merchant).await?.person_links;
    if !on || buyer.person_link != PersonLink::Linked {
        let link =
            if buyer.person_link == PersonLink::Refused { PersonLink::Refused } else { PersonLink::None };
        return Ok(Told { on, state: link, shops: 0 });
    }
    let provider = resolve::provider_of(&state.db, merchant).await?;
    let shops = linked_shops(&*state.db.read(&provider).await?, buyer.id).await?;
    Ok(Told { on, state: buyer.person_link, shops })
}

/// Lets the job look at a buyer again, with the transaction that changed something.
pub async fn look_again(tx: &mut TenantTx, buyer: BuyerId) -> StoreResult<()> {
    let job = NewJob {
        kind: LINK,
        dedup_key: None,
        payload: json!({ "buyer_id": buyer.to_string() }),
        run_at: None,
        priority: 0,
    };
    job_enqueue(tx, job).await.map(drop)
}

/// The buyer refuses, or allows again what they refused.
pub async fn decide(state: &AppState, caller: &BuyerCaller, allowed: bool) -> Answer<()> {
    let to = if allowed { PersonLink::None } else { PersonLink::Refused };
    let mut tx = state.db.begin(caller.ctx()).await?;
    let change = BuyerChange { person_link: Some(to), ..BuyerChange::default() };
    buyer_change(&mut tx, caller.id(), &change).await?;
    look_again(&mut tx, caller.id()).await?;
    let id = caller.id().to_string();
    let action = if allowed { AuditAction::PersonLinkAllowed } else { AuditAction::PersonLinkRefused };
    audit_append(&mut tx, action, "buyer", &id, json!({})).await?;
    Ok(tx.commit().await?)
}

/// What a person is found by over the shops of a provider: keyed hashes that hold for this provider only.
async fn keys(state: &AppState, tx: &TenantTx, provider: &TenantCtx, buyer: BuyerId) -> Answer<Vec<String>> {
    let sealer = &state.keys.sealer;
    let mut keys = Vec::new();
    for known in identity_list(tx, sealer, buyer).await? {
        // What only an order told is proven by nobody.
        if known.verified_at.is_none() {
            continue;
        }
        if let Some(phone) = &known.phone {
            keys.push(sealer.lookup(provider, "person phone", phone.reveal())?);
        }
        if let Some(union) = &known.union_id {
            keys.push(sealer.lookup(provider, "person union", union)?);
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// The job `buyer.link`.
pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("buyer_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let id: BuyerId = id.ok_or_else(|| JobError::dead("payload", "the payload has no buyer"))?;
    let provider = resolve::provider_of(&state.db, &job.ctx).await?;
    let on = settings_for(state, &job.ctx).await?.person_links;
    let tx = state.db.read(&job.ctx).await?;
    let buyer = match buyer_get(&tx, id).await {
        // Brought together with another row.
        Err(StoreError::NotFound) => None,
        other => Some(other?),
    };
    let wanted = buyer
        .filter(|buyer| on && buyer.state == BuyerState::Active && buyer.person_link != PersonLink::Refused);
    let keys = match &wanted {
        Some(buyer) => keys(state, &tx, &provider, buyer.id).await?,
        None => Vec::new(),
    };
    drop(tx);
    let mut tx = state.db.begin(&provider).await?;
    match &wanted {
        Some(buyer) => links_set(&mut tx, job.ctx.tenant(), buyer.shop, buyer.id, &keys).await?,
        None => links_forget(&mut tx, id).await?,
    }
    tx.commit().await?;
    let mut tx = state.db.begin(&job.ctx).await?;
    if let Some(buyer) = wanted.filter(|_| !keys.is_empty()) {
        match buyer_get(&tx, buyer.id).await {
            Ok(now) if now.state == BuyerState::Active && now.person_link != PersonLink::Refused => {
                let change = BuyerChange { person_link: Some(PersonLink::Linked), ..BuyerChange::default() };
                buyer_change(&mut tx, buyer.id, &change).await?;
            }
            // Refused, erased or brought together with another row meanwhile: forget what was just said.
            _ => look_again(&mut tx, buyer.id).await?,
        }
    }
    finish(tx, job).await
}
