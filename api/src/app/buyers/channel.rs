//! Signing in at a channel's page (WeChat's web authorisation): whoever is known to an account of the shop is known to
//! the shop. Whoever is signed in already is joined with that id, and with the orders that came under it.
//!
//! What comes back is believed once, within minutes, and in the browser where it began: a code that somebody else got
//! is worth nothing here.

use super::person::look_again;
use super::sign_in::{Device, SignedIn, door, start};
use crate::app::channels::call::{AccountCall, CallError};
use crate::app::storefront::Visit;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::buyer::{SignInMethod, buyer_name};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::BuyerId;
use qianpu_domain::time::Span;
use qianpu_sdk::{Person, Secret, SignInRequest, SignInScope};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::random;
use qianpu_tenants::resolve::BuyerCaller;
use qianpu_tenants::store::buyer::{
    Buyer, BuyerChange, ChannelIdentity, buyer_change, buyer_get, buyer_insert, channel_insert,
};
use qianpu_tenants::store::buyer_join::{buyer_join, channel_owners, channel_prove, may_join};
use qianpu_tenants::store::buyer_sign_in::{CameBack, NewSignIn, sign_in_insert, sign_in_take};
use qianpu_tenants::store::channel_account::{AccountFilter, ChannelAccount, account_list};
use qianpu_tenants::store::domain::domain_in_use;
use qianpu_tenants::store::order::order_claim;
use serde_json::json;

/// How long somebody may look at the platform's page.
pub const WITHIN: Span = Span::minutes(10);
/// The most linked accounts of a shop that are looked through.
const MOST_ACCOUNTS: u64 = 50;

/// The account of the shop at whose page people sign in: of those that can, the one that was linked first.
pub async fn offered(state: &AppState, visit: &Visit) -> Answer<Option<ChannelAccount>> {
    let filter = AccountFilter { shops: Some(vec![visit.shop.id]), ..AccountFilter::default() };
    let tx = state.db.read(visit.ctx()).await?;
    let found = account_list(&tx, &filter, PageRequest::first(MOST_ACCOUNTS)).await?.items;
    let can = |account: &ChannelAccount| {
        let channel = qianpu_host::find(&account.channel);
        account.state.usable() && channel.is_some_and(|channel| channel.sign_in().is_some())
    };
    Ok(found.into_iter().rev().find(can))
}

/// A sign-in that begins.
#[derive(Debug)]
pub struct Begun {
    /// The platform's page.
    pub address: String,
    /// What the browser keeps until it comes back.
    pub browser: String,
}

/// Begins a sign-in, or the joining of whoever is signed in.
pub async fn begin(
    state: &AppState,
    visit: &Visit,
    buyer: Option<&BuyerCaller>,
    redirect_uri: String,
    next: &str,
) -> Answer<Begun> {
    door(visit)?;
    let account = offered(state, visit).await?.ok_or_else(ApiError::not_found)?;
    // Letters and digits only: the platform takes nothing else.
    let (token, browser) = (hex::encode(random::bytes::<32>()), random::token());
    let call = AccountCall::open(state, visit.ctx(), account.id).await.map_err(failed)?;
    let request = SignInRequest { redirect_uri, state: token.clone(), scope: SignInScope::Profile };
    let address = call.host().sign_in_address(call.account_ref(), &request).await;
    let address = address.map_err(|error| failed(CallError::Channel(error)))?;
    let mut tx = state.db.begin(visit.ctx()).await?;
    let new = NewSignIn {
        shop: visit.shop.id,
        account: account.id,
        state: &token,
        browser: &browser,
        next,
        buyer: buyer.map(BuyerCaller::id),
        life: WITHIN,
    };
    sign_in_insert(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(Begun { address, browser })
}

/// An address that a program names to be led back to: a page of this installation, or of the shop's own domain. The
/// platform's code is for nobody else's server.
pub async fn own_address(state: &AppState, visit: &Visit, text: &str) -> Answer<String> {
    let refused = || {
        let (en, zh) = ("expected an address of the shop itself", "请填写本店网址下的地址");
        ApiError::field(FieldError::new("redirect_uri", "foreign", en, zh))
    };
    let url = url::Url::parse(text).ok().filter(|_| text.len() <= 512).ok_or_else(refused)?;
    let tx = state.db.read(visit.ctx()).await?;
    let own = domain_in_use(&tx, Some(visit.shop.id)).await?.map(|host| state.address_at(&host));
    let bases = [Some(state.config.app.public_url.clone()), own];
    let origin = |text: &String| url::Url::parse(text).ok().map(|url| url.origin());
    let known = bases.iter().flatten().filter_map(origin).any(|known| known == url.origin());
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if known && plain { Ok(url.into()) } else { Err(refused()) }
}

/// What the browser brings back.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    pub state: &'a str,
    pub browser: &'a str,
    /// None when the person said no.
    pub code: Option<&'a str>,
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum Ended {
    /// A session began.
    SignedIn(SignedIn),
    /// Who was signed in is known by the channel's id too now; their session goes on.
    Joined,
    /// The person said no.
    Declined,
}

/// Ends a sign-in: how, and where the buyer wanted to go.
pub async fn finish(
    state: &AppState,
    visit: &Visit,
    signed_in: Option<&BuyerCaller>,
    back: &Back<'_>,
    device: &Device,
) -> Answer<(Ended, String)> {
    door(visit)?;
    let mut tx = state.db.begin(visit.ctx()).await?;
    let taken = sign_in_take(&mut tx, visit.shop.id, back.state, back.browser).await?;
    tx.commit().await?;
    let CameBack { account, next, buyer } = taken.ok_or_else(unusable)?;
    // Who began it has to be who ends it: a session that ended or changed meanwhile is not joined with anything.
    if buyer != signed_in.map(BuyerCaller::id) {
        return Err(unusable());
    }
    let Some(code) = back.code.filter(|code| !code.is_empty()) else { return Ok((Ended::Declined, next)) };
    let call = AccountCall::open(state, visit.ctx(), account).await.map_err(failed)?;
    if call.account().shop != visit.shop.id {
        return Err(unusable());
    }
    // Not settled: what a visitor brings says nothing about the account's own grant.
    let person = call.host().sign_in_person(call.account_ref(), &Secret::new(code.to_owned())).await;
    let person = person.map_err(|error| failed(CallError::Channel(error)))?;
    let known = ChannelIdentity {
        channel: &call.account().channel,
        account,
        open_id: &person.open_id,
        union_id: person.union_id.as_deref(),
    };
    let mut tx = state.db.begin(visit.ctx()).await?;
    let whose = whose(&mut tx, visit, buyer, &known, &person, device).await?;
    order_claim(&mut tx, visit.shop.id, &known, whose.id).await?;
    let ended = match buyer {
        Some(_) => {
            look_again(&mut tx, whose.id).await?;
            Ended::Joined
        }
        None => Ended::SignedIn(start(state, &mut tx, visit, whose.id, SignInMethod::Channel, device).await?),
    };
    tx.commit().await?;
    Ok((ended, next))
}

/// Who the person is in the shop. Rows that are known from orders only, under the same id, become theirs.
async fn whose(
    tx: &mut TenantTx,
    visit: &Visit,
    signed_in: Option<BuyerId>,
    known: &ChannelIdentity<'_>,
    person: &Person,
    device: &Device,
) -> Answer<Buyer> {
    let shop = visit.shop.id;
    let owners = channel_owners(tx, shop, known).await?;
    let buyer = match signed_in.or_else(|| owners.first().copied()) {
        Some(id) => buyer_get(tx, id).await?,
        None => buyer_insert(tx, shop, "", device.locale).await?,
    };
    for other in owners.into_iter().filter(|other| *other != buyer.id) {
        if !may_join(tx, other).await? {
            return Err(ApiError::new(ErrorCode::ChannelIdentityTaken));
        }
        let orders = buyer_join(tx, other, buyer.id).await?;
        look_again(tx, other).await?;
        let detail = json!({ "joined": other.to_string(), "channel": known.channel, "orders": orders });
        audit_append(tx, AuditAction::BuyersJoined, "buyer", &buyer.id.to_string(), detail).await?;
    }
    // True when the id is new; otherwise it is theirs already, or somebody else's since a moment ago.
    if !channel_insert(tx, &buyer, known, true).await? {
        match channel_prove(tx, shop, buyer.id, known).await {
            Err(StoreError::NotFound) => {
                return Err(StoreError::Busy("the id was taken meanwhile".to_owned()).into());
            }
            other => other?,
        }
    }
    if buyer.name.is_empty()
        && let Some(name) = person.name.as_deref().and_then(|name| buyer_name(name).ok())
        && !name.is_empty()
    {
        let change = BuyerChange { name: Some(&name), ..BuyerChange::default() };
        buyer_change(tx, buyer.id, &change).await?;
    }
    Ok(buyer)
}

fn unusable() -> ApiError {
    ApiError::new(ErrorCode::ChannelSignInFailed)
}

/// What the platform or the way to it did wrong. The person can only try again; the account's state is the merchant's.
fn failed(error: CallError) -> ApiError {
    match error {
        CallError::Store(error) => error.into(),
        CallError::NotUsable(_) => ApiError::not_found(),
        CallError::Channel(error) => {
            tracing::info!(class = error.class_name(), "a buyer's sign-in at a channel failed");
            unusable()
        }
    }
}
