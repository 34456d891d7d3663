//! From what a request carries to a [`Caller`] or a context: the directory look-ups.

mod buyer;
mod impersonation;

pub use buyer::{BuyerCaller, BuyerClaims, by_buyer_cookie, by_buyer_token, provider_of};
pub use impersonation::by_impersonation;

use crate::authz::{Caller, Person, Principal, Right, Scope};
use crate::context::{Actor, SystemCtx, TenantCtx};
use crate::db::{Db, ReadTx, SystemTx, TenantTx};
use crate::error::{StoreError, StoreResult};
use crate::store::tenant::{TenantRow, TenantState};
use crate::store::user::{Home, User};
use crate::store::{directory, login_challenge, session, sign_in_rule, staff, tenant, totp, user};
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{RequestId, SessionId, ShopId, TenantId, UserId};
use qianpu_domain::subject::ShopName;
use qianpu_domain::tenancy;
use uuid::Uuid;

mod apps;
mod programs;
mod rates;
mod usage;

pub use apps::{by_app_token, by_client_id, by_named_tenant};
pub use programs::by_api_key;
pub use rates::{RateSources, rate_sources};
pub use usage::{LinkedAccounts, linked_accounts};

/// The person behind an access token (already verified): session alive, user active, grants read anew,
/// so that the removal of a role acts at once. `None` when anything of it no longer holds.
pub async fn by_token(
    db: &Db,
    tenant: TenantId,
    session: SessionId,
    request: RequestId,
) -> StoreResult<Option<Caller>> {
    let Some((row, ctx)) = open(db, tenant, Actor::Visitor, request).await? else { return Ok(None) };
    let tx = db.read(&ctx).await?;
    match session::session_find(&tx, session).await? {
        Some(found) => caller(db, tx, row, found).await,
        None => Ok(None),
    }
}

/// The person behind a console cookie `<tenant hex>.<token>`.
pub async fn by_console_cookie(db: &Db, cookie: &str, request: RequestId) -> StoreResult<Option<Caller>> {
    let Some((tenant, token)) = cookie.split_once('.') else { return Ok(None) };
    let Ok(tenant) = Uuid::try_parse(tenant) else { return Ok(None) };
    let Some((row, ctx)) = open(db, TenantId(tenant), Actor::Visitor, request).await? else {
        return Ok(None);
    };
    let tx = db.read(&ctx).await?;
    match session::session_by_token(&tx, token).await? {
        Some(found) => caller(db, tx, row, found).await,
        None => Ok(None),
    }
}

async fn caller(
    db: &Db,
    tx: ReadTx,
    row: TenantRow,
    session: session::Session,
) -> StoreResult<Option<Caller>> {
    if session.revoked || session.expires_at <= tx.now() || row.state == TenantState::Closed {
        return Ok(None);
    }
    let Some(person) = user::user_find(&tx, session.user).await?.filter(|person| person.active) else {
        return Ok(None);
    };
    let required = sign_in_rule::totp_required_since(&tx).await?.is_some();
    let has_app = required && totp::totp_is_on(&tx, session.user).await?;
    let rights = rights_of(&tx, session.user).await?;
    let ctx = tx.ctx().clone();
    // Given back before the home is read: one request holds one connection.
    drop(tx);
    let mut lacks_second_factor = required && !has_app;
    let (email, home) = match person.home {
        None => (person.email, Home { tenant: row.id, user: person.id }),
        Some(home) => {
            let Some((at, own)) = at_home(db, home, ctx.request).await? else { return Ok(None) };
            // Begun with a password that has been replaced since.
            if own.credentials_epoch != session.credentials_epoch {
                return Ok(None);
            }
            let app = required && totp::totp_is_on(&*db.read(&at).await?, home.user).await?;
            lacks_second_factor = required && !app;
            (own.email, home)
        }
    };
    let principal = Principal::Person(Person {
        id: person.id,
        home,
        name: person.display_name,
        email,
        session: session.id,
        csrf_token: session.csrf_token,
        locale: person.locale,
        lacks_second_factor,
    });
    Ok(Some(Caller::new(principal, rights, &row, ctx)))
}

/// What a person may do in the transaction's tenant, read anew at each request.
pub(crate) async fn rights_of(tx: &TenantTx, user: UserId) -> StoreResult<Vec<Right>> {
    let grants = staff::grant_list(tx, user).await?;
    let here = grants.into_iter().filter(|grant| grant.role.belongs_to(tx.ctx().kind()));
    Ok(here.map(|grant| Right::of(&grant.role, grant.shop.map_or(Scope::Tenant, Scope::Shop))).collect())
}

/// The log-in that waits for its code under `<tenant hex>.<token>`.
pub async fn by_challenge(
    db: &Db,
    challenge: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, login_challenge::Waiting)>> {
    let Some((tenant, token)) = challenge.split_once('.') else { return Ok(None) };
    let Ok(tenant) = Uuid::try_parse(tenant) else { return Ok(None) };
    let Some((row, ctx)) = open(db, TenantId(tenant), Actor::Visitor, request).await? else {
        return Ok(None);
    };
    if row.state == TenantState::Closed {
        return Ok(None);
    }
    let tx = db.read(&ctx).await?;
    Ok(login_challenge::challenge_find(&tx, token).await?.map(|waiting| (ctx, waiting)))
}

/// The row that holds a person's password, with a context in which that person acts there. Whether the row is
/// active says something about that tenant only.
pub async fn at_home(db: &Db, home: Home, request: RequestId) -> StoreResult<Option<(TenantCtx, User)>> {
    let Some((_, ctx)) = open(db, home.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    let found = user::user_find(&*db.read(&ctx).await?, home.user).await?;
    Ok(found.filter(|own| own.home.is_none()).map(|own| {
        let actor = Actor::User { id: own.id, name: own.display_name.clone() };
        (TenantCtx { actor, ..ctx }, own)
    }))
}

/// Whether a person has an authenticator app, which is at home like the password.
pub async fn has_second_factor(db: &Db, home: Home, request: RequestId) -> StoreResult<bool> {
    let Some((ctx, own)) = at_home(db, home, request).await? else { return Ok(false) };
    totp::totp_is_on(&*db.read(&ctx).await?, own.id).await
}

/// A tenant that somebody works for.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The tenant, for the person before there is a session in it.
    pub ctx: TenantCtx,
    /// Their row in it.
    pub user: UserId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: TenantState,
    /// Whether the person's log-in lives there.
    pub home: bool,
}

/// Whether the person works anywhere but at home.
pub async fn has_memberships(db: &Db, home: Home, request: RequestId) -> StoreResult<bool> {
    let tx = db.begin_lookup(&SystemCtx::for_task("directory", request)).await?;
    Ok(!directory::memberships(&tx, home.user.0).await?.is_empty())
}

/// Every tenant that a person may work in now: home first, then the others by name. A tenant that closed, or
/// that disabled the person, is none.
pub async fn workplaces(db: &Db, home: Home, request: RequestId) -> StoreResult<Vec<Workplace>> {
    let Some((_, own)) = at_home(db, home, request).await? else { return Ok(Vec::new()) };
    let tx = db.begin_lookup(&SystemCtx::for_task("workplaces", request)).await?;
    let mut keys = directory::memberships(&tx, home.user.0).await?;
    if own.active {
        keys.push(directory::GlobalKey { tenant: home.tenant, target: home.user.0 });
    }
    let ids: Vec<TenantId> = keys.iter().map(|key| key.tenant).collect();
    let rows = tenant::tenant_find_all(&tx, &ids).await?;
    let place = |row: TenantRow| {
        let key = keys.iter().find(|key| key.tenant == row.id)?;
        let actor = Actor::Visitor;
        Some(Workplace {
            ctx: TenantCtx { tenant: row.id, kind: row.kind, provider: row.provider, actor, request },
            user: UserId(key.target),
            name: row.name,
            state: row.state,
            home: row.id == home.tenant,
        })
    };
    let open = rows.into_iter().filter(|row| row.state != TenantState::Closed);
    let mut places: Vec<Workplace> = open.filter_map(place).collect();
    places.sort_by_key(|place| !place.home);
    Ok(places)
}

/// Where a log-in e-mail lives.
pub async fn by_login_email(
    db: &Db,
    email: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, UserId)>> {
    let Some(key) = lookup(db, directory::LOGIN_EMAIL, &email.to_lowercase(), request).await? else {
        return Ok(None);
    };
    let Some((_, ctx)) = open(db, key.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    Ok(Some((ctx, UserId(key.target))))
}

/// The owner of a push token: the context acts as the channel.
pub async fn by_hook_token(
    db: &Db,
    kind: &'static str,
    token: &str,
    channel: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, Uuid)>> {
    let Some(key) = lookup(db, kind, token, request).await? else { return Ok(None) };
    let Some((_, ctx)) = open(db, key.tenant, Actor::Channel(channel.to_owned()), request).await? else {
        return Ok(None);
    };
    Ok(Some((ctx, key.target)))
}

/// A shop by its slug, for storefront visitors.
pub async fn by_shop_slug(
    db: &Db,
    slug: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, ShopId)>> {
    let Some(key) = lookup(db, directory::SHOP_SLUG, slug, request).await? else { return Ok(None) };
    let Some((row, ctx)) = open(db, key.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    Ok((row.state == TenantState::Active).then_some((ctx, ShopId(key.target))))
}

/// The tenant that a channel event names by its external account id, when the event came through another
/// tenant (a provider's channel app): the context acts as the channel.
pub async fn by_external_account(
    db: &Db,
    channel: &str,
    external_id: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, Uuid)>> {
    let value = format!("{channel}:{external_id}");
    let Some(key) = lookup(db, directory::EXTERNAL_ACCOUNT, &value, request).await? else { return Ok(None) };
    let Some((_, ctx)) = open(db, key.tenant, Actor::Channel(channel.to_owned()), request).await? else {
        return Ok(None);
    };
    Ok(Some((ctx, key.target)))
}

/// Whose host this is: a shop of a merchant in business, or a provider that is not closed; then the shop is nobody's.
pub async fn by_host(db: &Db, host: &str, request: RequestId) -> StoreResult<Option<(TenantCtx, ShopId)>> {
    let Some(key) = lookup(db, directory::HOST, host, request).await? else { return Ok(None) };
    let Some((row, ctx)) = open(db, key.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    let shown = match row.kind {
        Surface::Merchant => row.state == TenantState::Active,
        _ => row.state != TenantState::Closed,
    };
    Ok(shown.then_some((ctx, ShopId(key.target))))
}

/// A one-time link (invitation, link state): the kind is one of the directory's.
pub async fn by_link(
    db: &Db,
    kind: &'static str,
    token: &str,
    request: RequestId,
) -> StoreResult<Option<(TenantCtx, Uuid)>> {
    let Some(key) = lookup(db, kind, token, request).await? else { return Ok(None) };
    let Some((_, ctx)) = open(db, key.tenant, Actor::Visitor, request).await? else { return Ok(None) };
    Ok(Some((ctx, key.target)))
}

/// A provider by its public slug, for its application page.
pub async fn by_provider_slug(db: &Db, slug: &str, request: RequestId) -> StoreResult<Option<TenantCtx>> {
    let Some(key) = lookup(db, directory::PROVIDER_SLUG, slug, request).await? else { return Ok(None) };
    let found = open(db, key.tenant, Actor::Visitor, request).await?;
    // Nobody applies where nothing can be decided.
    Ok(found.filter(|(row, _)| row.state == TenantState::Active).map(|(_, ctx)| ctx))
}

/// A provider that is not closed by its public slug, for its brand.
pub async fn by_brand_slug(db: &Db, slug: &str, request: RequestId) -> StoreResult<Option<TenantCtx>> {
    let Some(key) = lookup(db, directory::PROVIDER_SLUG, slug, request).await? else { return Ok(None) };
    let found = open(db, key.tenant, Actor::Visitor, request).await?;
    Ok(found.filter(|(row, _)| row.state != TenantState::Closed).map(|(_, ctx)| ctx))
}

/// Whether a provider has this slug, in whatever state it is. A hint for forms: the insert decides.
pub async fn provider_slug_taken(db: &Db, slug: &str, request: RequestId) -> StoreResult<bool> {
    Ok(lookup(db, directory::PROVIDER_SLUG, slug, request).await?.is_some())
}

/// Whether a shop of the same provider has this name already. A hint for forms: the insert decides.
pub async fn shop_name_taken(db: &Db, ctx: &TenantCtx, name: &ShopName) -> StoreResult<bool> {
    let provider = ctx.provider.ok_or(StoreError::NotFound)?;
    let value = directory::shop_name_value(provider, &name.uniqueness_key());
    Ok(lookup(db, directory::SHOP_NAME, &value, ctx.request).await?.is_some())
}

async fn lookup(
    db: &Db,
    kind: &'static str,
    value: &str,
    request: RequestId,
) -> StoreResult<Option<directory::GlobalKey>> {
    if value.is_empty() || value.len() > 400 {
        return Ok(None);
    }
    let tx = db.begin_lookup(&SystemCtx::for_task("directory", request)).await?;
    directory::key_find(&tx, kind, value).await
}

async fn open(
    db: &Db,
    tenant: TenantId,
    actor: Actor,
    request: RequestId,
) -> StoreResult<Option<(TenantRow, TenantCtx)>> {
    let tx = db.begin_lookup(&SystemCtx::for_task("registry", request)).await?;
    let Some(row) = tenant::tenant_find(&tx, tenant).await? else { return Ok(None) };
    let row = under_its_provider(&tx, row).await?;
    let ctx = TenantCtx { tenant, kind: row.kind, provider: row.provider, actor, request };
    Ok(Some((row, ctx)))
}

/// The tenant as it stands in fact: a merchant stands no better than its provider.
async fn under_its_provider(tx: &SystemTx, mut row: TenantRow) -> StoreResult<TenantRow> {
    let Some(provider) = row.provider.filter(|provider| *provider != row.id) else { return Ok(row) };
    let above = tenant::tenant_find(tx, provider).await?.ok_or(StoreError::Corrupt("tenants.provider_id"))?;
    let state = tenancy::under_provider(row.state, above.state, above.stops_merchants);
    if state != row.state {
        row.state = state;
        // What the operator told the provider is not for its merchants.
        row.state_reason = None;
        row.state_at = above.state_at;
    }
    Ok(row)
}

/// A new merchant tenant of a provider, before anyone has logged in to it; its creator is a visitor.
pub async fn new_merchant(db: &Db, provider: &TenantCtx, name: &str, locale: &str) -> StoreResult<TenantCtx> {
    if provider.kind != Surface::Provider {
        return Err(StoreError::NotFound);
    }
    let mut tx = db.begin_system(&SystemCtx::for_task("new merchant", provider.request)).await?;
    let above = tenant::tenant_find(&tx, provider.tenant).await?.ok_or(StoreError::NotFound)?;
    if above.state != TenantState::Active {
        return Err(StoreError::NotFound);
    }
    let id = TenantId(crate::random::id(tx.now()));
    let new = tenant::NewTenant {
        id,
        kind: Surface::Merchant,
        provider: Some(provider.tenant),
        name,
        state: TenantState::Applying,
        locale,
    };
    tenant::tenant_insert(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(TenantCtx {
        tenant: id,
        kind: Surface::Merchant,
        provider: Some(provider.tenant),
        actor: Actor::Visitor,
        request: provider.request,
    })
}

/// A merchant that comes back from an archive, into a provider; none when its id is taken here. Its rows are not
/// there yet: the first of them has to be the tenant's own.
pub async fn returning_merchant(
    db: &Db,
    provider: &TenantCtx,
    id: TenantId,
) -> StoreResult<Option<TenantCtx>> {
    if provider.kind != Surface::Provider {
        return Err(StoreError::NotFound);
    }
    let lookup = db.begin_lookup(&SystemCtx::for_task("returning merchant", provider.request)).await?;
    if tenant::tenant_find(&lookup, id).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(TenantCtx { tenant: id, kind: Surface::Merchant, ..provider.clone() }))
}
