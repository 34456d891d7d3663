//! Rules of listings: reading and changing them. A change is applied by a job, to listings whose outcome it changes.

use super::RULES_JOB;
use super::draft::Drafted;
use super::publish::{Publish, prepare};
use crate::app::channels::accounts::covered;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAccountId, ProductId};
use qianpu_domain::listing::{Content, ListingState};
use qianpu_domain::listing_rule::ListingRule;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::listing::listing_get;
use qianpu_tenants::store::listing_rule::{RuleOwner, StoredRule, rule_for, rule_get, rule_put};
use qianpu_tenants::store::product::{Product, product_get};
use serde_json::{Value, json};

/// What an owner says, beside what holds in the end.
#[derive(Debug, Clone)]
pub struct RuleView {
    pub own: StoredRule,
    /// With what the places above say.
    pub holds: ListingRule,
}

/// The caller may see the rule, or change it: the merchant's defaults touch every shop, so they need all of them.
async fn allowed<P: Perm>(tx: &TenantTx, grant: &Grant<P>, owner: RuleOwner, change: bool) -> Answer<()> {
    match owner {
        RuleOwner::Merchant if change && grant.shops().is_some() => Err(ApiError::new(ErrorCode::Forbidden)),
        RuleOwner::Merchant => Ok(()),
        RuleOwner::Account(id) => covered(grant, account_get(tx, id).await?).map(drop),
        RuleOwner::Listing(id) => super::covered(grant, listing_get(tx, id).await?).map(drop),
    }
}

async fn view(tx: &TenantTx, owner: RuleOwner) -> Answer<RuleView> {
    let own = rule_get(tx, owner).await?;
    let holds = match owner {
        RuleOwner::Merchant => own.rule.clone(),
        RuleOwner::Account(id) => rule_for(tx, id, None).await?,
        RuleOwner::Listing(id) => rule_for(tx, listing_get(tx, id).await?.account, Some(id)).await?,
    };
    Ok(RuleView { own, holds })
}

/// A rule.
pub async fn get(state: &AppState, grant: &Grant<perm::ListingRead>, owner: RuleOwner) -> Answer<RuleView> {
    let tx = state.db.read(grant.ctx()).await?;
    allowed(&tx, grant, owner, false).await?;
    view(&tx, owner).await
}

/// Says something new, and has it applied.
pub async fn put(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    owner: RuleOwner,
    rule: &ListingRule,
    seen: Option<i64>,
) -> Answer<RuleView> {
    let faults = rule.faults();
    if !faults.is_empty() {
        return Err(ApiError::fields(faults));
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    allowed(&tx, grant, owner, true).await?;
    let before = rule_get(&tx, owner).await?;
    if seen.is_some_and(|seen| seen != before.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    if before.rule != *rule {
        rule_put(&mut tx, owner, rule, before.version).await?;
        let (kind, id) = named(owner);
        let detail = json!({ "from": said(&before.rule), "to": said(rule) });
        audit_append(&mut tx, AuditAction::ListingRuleChanged, kind, &id, detail).await?;
        job_enqueue(&mut tx, new_job(owner)).await?;
    }
    let now = view(&tx, owner).await?;
    tx.commit().await?;
    Ok(now)
}

fn named(owner: RuleOwner) -> (&'static str, String) {
    match owner {
        RuleOwner::Merchant => ("merchant", String::new()),
        RuleOwner::Account(id) => ("channel_account", id.to_string()),
        RuleOwner::Listing(id) => ("listing", id.to_string()),
    }
}

fn said(rule: &ListingRule) -> Value {
    json!({ "price_ppm": rule.price_ppm, "price_add_fen": rule.price_add_fen,
        "price_step_fen": rule.price_step_fen, "title_prefix": rule.title_prefix,
        "title_suffix": rule.title_suffix, "safety_stock": rule.safety_stock, "stock_ppm": rule.stock_ppm })
}

fn new_job(owner: RuleOwner) -> NewJob {
    let (kind, id) = named(owner);
    NewJob {
        kind: RULES_JOB,
        dedup_key: Some(format!("{kind}:{id}")),
        payload: json!({ "owner": kind, "id": id }),
        run_at: None,
        priority: 6,
    }
}

/// What a product would be on an account.
#[derive(Debug, Clone)]
pub struct Preview {
    pub product: Product,
    pub account: ChannelAccount,
    /// What would be sent, or why it cannot be.
    pub outcome: Result<PreviewOf, ApiError>,
}

/// What would be sent.
#[derive(Debug, Clone)]
pub struct PreviewOf {
    pub drafted: Drafted,
    /// Where the listing stands now; none where there is none.
    pub state: Option<ListingState>,
    /// Whether publishing would send anything.
    pub sends: bool,
}

/// What products would be on accounts, before anything is sent.
pub async fn preview(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    products: &[ProductId],
    accounts: &[ChannelAccountId],
) -> Answer<Vec<Preview>> {
    let tx = state.db.read(grant.ctx()).await?;
    let mut found = Vec::with_capacity(products.len().saturating_mul(accounts.len()));
    for product_id in products {
        let product = product_get(&tx, *product_id).await?;
        for account_id in accounts {
            let account = covered(grant, account_get(&tx, *account_id).await?)?;
            if !grant.covers_shop(product.shop) {
                return Err(ApiError::not_found());
            }
            let command = Publish::as_before(product.id, account.id);
            let outcome = match prepare(&tx, state, &command).await {
                Ok(prepared) => {
                    let content = prepared.content();
                    let version = prepared.product.version;
                    let next = prepared.known.as_ref().map(|row| row.listing.request(version, content));
                    let sends = next.is_none_or(|next| {
                        matches!(next.state, ListingState::Queued | ListingState::Publishing)
                    });
                    let state = prepared.known.as_ref().map(|row| row.listing.state);
                    Ok(PreviewOf {
                        drafted: prepared.drafted,
                        state,
                        sends: sends || content == Content::Changed,
                    })
                }
                Err(error) if error.code().status() >= 500 => return Err(error),
                Err(error) => Err(error),
            };
            found.push(Preview { product: product.clone(), account, outcome });
        }
    }
    Ok(found)
}
