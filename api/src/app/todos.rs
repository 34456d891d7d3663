//! What waits for a person, counted for the first page of a console. Each count belongs to a permission and
//! leads to the list where it is worked off.

use crate::app::money::{deposit_cases_read, findings};
use crate::app::{applications, channels, documents, listings, orders};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::channel::AccountState;
use qianpu_domain::listing::ListingState;
use qianpu_domain::onboarding::ApplicationState;
use qianpu_domain::order::OrderState;
use qianpu_sdk::NoticeKind;
use qianpu_tenants::authz::{Caller, perm};
use qianpu_tenants::jobs::job_list;
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use qianpu_tenants::store::aftersale::{AftersaleFilter, aftersale_waiting_count, dispute_waiting_count};
use qianpu_tenants::store::channel_account::{AccountFilter, account_list};
use qianpu_tenants::store::order::OrderFilter;
use qianpu_tenants::store::order_desk::{DeskTodo, order_desk_count};
use qianpu_tenants::store::shop_score::link_standing_falling_count;
use qianpu_tenants::store::tenant::merchant_list;
use qianpu_tenants::store::webhook_endpoint::endpoint_disabled_count;

/// One count.
#[derive(Debug, Clone)]
pub struct Todo {
    /// Key of the catalogue, without its area.
    pub name: &'static str,
    /// How many; [`MAX_LIMIT`] stands for that many or more.
    pub count: i64,
    /// Where it is worked off.
    pub href: &'static str,
}

/// The counts a person may see.
pub async fn todos(state: &AppState, caller: &Caller) -> Answer<Vec<Todo>> {
    let mut found = Vec::new();
    if caller.surface() == qianpu_domain::access::Surface::Provider {
        provider(state, caller, &mut found).await?;
    } else {
        merchant(state, caller, &mut found).await?;
    }
    Ok(found)
}

async fn provider(state: &AppState, caller: &Caller, found: &mut Vec<Todo>) -> Answer<()> {
    if let Ok(grant) = caller.grant::<perm::ApplicationRead>() {
        let counts = applications::counts(state, &grant).await?;
        let waiting = [ApplicationState::Submitted, ApplicationState::Reviewing];
        let count = counts.iter().filter(|(state, _)| waiting.contains(state)).map(|(_, count)| count).sum();
        found.push(Todo { name: "todo_applications", count, href: "/console/provider/applications" });
    }
    if let Ok(grant) = caller.grant::<perm::ApplicationReview>() {
        let count = i64::try_from(documents::waiting_count(state, &grant).await?).unwrap_or(i64::MAX);
        found.push(Todo { name: "todo_renewals", count, href: "/console/provider/documents" });
    }
    if let Ok(grant) = caller.grant::<perm::MerchantRead>() {
        let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
        let merchants = merchant_list(&tx, PageRequest::first(MAX_LIMIT)).await?.items.len();
        found.push(Todo {
            name: "todo_merchants",
            count: number(merchants),
            href: "/console/provider/merchants",
        });
    }
    if let Ok(grant) = caller.grant::<perm::ProviderLedgerRead>() {
        let open = findings::open_count(state, &grant).await?;
        if open > 0 {
            let count = i64::try_from(open).unwrap_or(i64::MAX);
            found.push(Todo { name: "todo_findings", count, href: "/console/provider/books/findings" });
        }
    }
    if let Ok(grant) = caller.grant::<perm::DepositCaseManage>() {
        let waiting = deposit_cases_read::waiting_count(state, &grant).await?;
        if waiting > 0 {
            let count = i64::try_from(waiting).unwrap_or(i64::MAX);
            found.push(Todo { name: "todo_deposit_cases", count, href: "/console/provider/deposits/cases" });
        }
    }
    disabled_webhooks(state, caller, found, "/console/provider/webhooks").await?;
    dead_jobs(state, caller, found, "/console/provider/jobs").await
}

async fn merchant(state: &AppState, caller: &Caller, found: &mut Vec<Todo>) -> Answer<()> {
    if let Ok(grant) = caller.grant::<perm::ApplicationEdit>() {
        let count = number(documents::to_renew(state, &grant).await?);
        found.push(Todo { name: "todo_documents", count, href: "/console/merchant/documents" });
    }
    if let Ok(grant) = caller.grant::<perm::OrderRead>() {
        let counts = orders::read::counts(state, &grant, OrderFilter::default()).await?;
        let to_ship = [OrderState::Paid, OrderState::PartShipped];
        let count = counts.iter().filter(|(state, _)| to_ship.contains(state)).map(|(_, count)| count).sum();
        found.push(Todo { name: "todo_orders", count, href: "/console/merchant/orders?state=paid" });
    }
    if let Ok(grant) = caller.grant::<perm::OrderShip>() {
        let tx = state.db.read(grant.ctx()).await?;
        let shops = grant.shops();
        for (todo, name, href) in [
            (DeskTodo::Urged, "todo_urged", "/console/merchant/orders?todo=urged"),
            (DeskTodo::Address, "todo_addresses", "/console/merchant/orders?todo=address"),
        ] {
            let waiting = order_desk_count(&tx, todo, shops.as_deref()).await?;
            if waiting > 0 {
                found.push(Todo { name, count: i64::try_from(waiting).unwrap_or(i64::MAX), href });
            }
        }
    }
    if let Ok(grant) = caller.grant::<perm::AftersaleHandle>() {
        let filter = AftersaleFilter { shops: grant.shops(), ..AftersaleFilter::default() };
        let waiting = aftersale_waiting_count(&*state.db.read(grant.ctx()).await?, &filter).await?;
        let count = i64::try_from(waiting).unwrap_or(i64::MAX);
        found.push(Todo { name: "todo_aftersales", count, href: "/console/merchant/aftersales?tab=waiting" });
        let disputed = dispute_waiting_count(&*state.db.read(grant.ctx()).await?, &filter).await?;
        if disputed > 0 {
            let count = i64::try_from(disputed).unwrap_or(i64::MAX);
            let href = "/console/merchant/aftersales?tab=disputes";
            found.push(Todo { name: "todo_disputes", count, href });
        }
        let claims = [NoticeKind::GuaranteeChanged];
        let claims = channels::pushes::waiting_of(state, &grant, &claims).await?;
        if !claims.is_empty() {
            let count = claims.iter().map(|(_, count)| count).sum();
            found.push(Todo { name: "todo_guarantees", count, href: "/console/merchant/guarantees" });
        }
        let gifts = [NoticeKind::GiftAftersaleChanged];
        let pushes = channels::pushes::waiting_of(state, &grant, &gifts).await?;
        if !pushes.is_empty() {
            let count = pushes.iter().map(|(_, count)| count).sum();
            found.push(Todo {
                name: "todo_pushes",
                count,
                href: "/console/merchant/channel_accounts/pushes",
            });
        }
    }
    if let Ok(grant) = caller.grant::<perm::ListingRead>() {
        let counts = listings::counts(state, &grant, None).await?;
        let refused =
            counts.iter().find(|(state, _)| *state == ListingState::Refused).map_or(0, |(_, count)| *count);
        found.push(Todo {
            name: "todo_refused",
            count: refused,
            href: "/console/merchant/listings?state=refused",
        });
    }
    if let Ok(grant) = caller.grant::<perm::ListingRead>() {
        let count = listings::drift::count(state, &grant, None).await?;
        if count > 0 {
            found.push(Todo { name: "todo_drift", count, href: "/console/merchant/listings/drift" });
        }
    }
    if let Ok(grant) = caller.grant::<perm::AccountRead>() {
        let tx = state.db.read(grant.ctx()).await?;
        let filter = AccountFilter {
            state: Some(AccountState::Expired),
            shops: grant.shops(),
            ..AccountFilter::default()
        };
        let expired = account_list(&tx, &filter, PageRequest::first(MAX_LIMIT)).await?.items.len();
        found.push(Todo {
            name: "todo_accounts",
            count: number(expired),
            href: "/console/merchant/channel_accounts",
        });
    }
    if let Ok(grant) = caller.grant::<perm::AccountRead>() {
        let falling = link_standing_falling_count(&*state.db.read(grant.ctx()).await?).await?;
        if falling > 0 {
            let count = i64::try_from(falling).unwrap_or(i64::MAX);
            let href = "/console/merchant/channel_accounts";
            found.push(Todo { name: "todo_link_quota", count, href });
        }
    }
    if let Ok(grant) = caller.grant::<perm::DepositCaseAppeal>() {
        let open = deposit_cases_read::to_answer_count(state, &grant).await?;
        if open > 0 {
            let count = i64::try_from(open).unwrap_or(i64::MAX);
            let href = "/console/merchant/money/deposits/cases";
            found.push(Todo { name: "todo_deposit_appeals", count, href });
        }
    }
    disabled_webhooks(state, caller, found, "/console/merchant/webhooks").await?;
    dead_jobs(state, caller, found, "/console/merchant/jobs").await
}

/// Shown only when there are any: most tenants have no endpoint at all.
async fn disabled_webhooks(
    state: &AppState,
    caller: &Caller,
    found: &mut Vec<Todo>,
    href: &'static str,
) -> Answer<()> {
    let Ok(grant) = caller.grant::<perm::WebhookManage>() else { return Ok(()) };
    let disabled = endpoint_disabled_count(&*state.db.read(grant.ctx()).await?).await?;
    if disabled > 0 {
        let count = i64::try_from(disabled).unwrap_or(i64::MAX);
        found.push(Todo { name: "todo_webhooks", count, href });
    }
    Ok(())
}

async fn dead_jobs(
    state: &AppState,
    caller: &Caller,
    found: &mut Vec<Todo>,
    href: &'static str,
) -> Answer<()> {
    let Ok(grant) = caller.grant::<perm::JobRead>() else { return Ok(()) };
    let tx = state.db.read(grant.ctx()).await?;
    let dead = job_list(&tx, Some("dead"), PageRequest::first(MAX_LIMIT)).await?.items.len();
    found.push(Todo { name: "todo_jobs", count: number(dead), href });
    Ok(())
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
