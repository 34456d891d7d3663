//! API keys of a provider or merchant. A key belongs to the tenant and not to who made it: it works until it is revoked
//! or too old, also when its maker has left. Nobody can give it more than they hold when they make it.

use crate::auth::last_use::EVERY;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ApiKeyId, RequestId, ShopId};
use qianpu_domain::permission_set::PermissionSet;
use qianpu_domain::program::{can_be_given, key_days, program_name, scopes_to_give};
use qianpu_domain::time::Span;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::api_key::{
    ApiKey, MOST_SHOPS, NewApiKey, api_key_count, api_key_get, api_key_insert, api_key_list, api_key_rename,
    api_key_revoke, api_key_touch,
};
use qianpu_tenants::store::shop::{Shop, shop_get, shop_list};
use qianpu_tenants::{random, resolve};
use serde_json::json;

/// What every key begins with, so that people and scanners for leaked secrets know one when they see it.
pub const PREFIX: &str = "qp_live_";
/// Most keys of one tenant that work at the same time.
const MOST_KEYS: u64 = 100;

/// A key to make.
#[derive(Debug, Clone)]
pub struct MakeKey {
    pub name: String,
    /// Words of permissions.
    pub scopes: Vec<String>,
    /// The shops it is to be limited to; none for the whole tenant.
    pub shops: Option<Vec<ShopId>>,
    pub expires_in_days: i64,
}

/// A key that was made, with the secret that is shown this once.
#[derive(Clone)]
pub struct Made {
    pub key: ApiKey,
    pub token: String,
}

/// What the caller can give to a key, in table order.
pub fn choices(caller: &Caller) -> PermissionSet {
    can_be_given(caller.permissions_in(None))
}

/// The shops a key may be limited to; none outside merchants.
pub async fn shops(state: &AppState, grant: &Grant<perm::ApiKeyManage>) -> Answer<Vec<Shop>> {
    if grant.ctx().kind() != Surface::Merchant {
        return Ok(Vec::new());
    }
    let tx = state.db.read(grant.ctx()).await?;
    Ok(shop_list(&tx, None, PageRequest::first(100)).await?.items)
}

/// Makes a key.
pub async fn make(
    state: &AppState,
    caller: &Caller,
    grant: &Grant<perm::ApiKeyManage>,
    command: &MakeKey,
) -> Answer<Made> {
    let person = caller.person()?;
    let shops = limit(command.shops.as_deref());
    let held = caller.permissions_in(shops.as_deref());
    let words = command.scopes.iter().map(String::as_str);
    let name = program_name("name", &command.name);
    let permissions = scopes_to_give("scopes", held, words, shops.is_some());
    let days = key_days(command.expires_in_days, state.config.login.api_key_days);
    let (name, permissions, days) = match (name, permissions, days) {
        (Ok(name), Ok(permissions), Ok(days)) => (name, permissions, days),
        (name, permissions, days) => {
            let errors = [name.err(), permissions.err(), days.err()];
            return Err(errors.into_iter().flatten().collect::<Vec<_>>().into());
        }
    };
    let token = format!("{PREFIX}{}", random::token());
    let mut tx = state.db.begin(grant.ctx()).await?;
    own_shops(&tx, shops.as_deref()).await?;
    if api_key_count(&tx).await? >= MOST_KEYS {
        let (en, zh) = (
            format!("at most {MOST_KEYS} keys; revoke one first"),
            format!("最多 {MOST_KEYS} 个密钥，请先吊销一个"),
        );
        return Err(FieldError::new("name", "too_many", en, zh).into());
    }
    let new = NewApiKey {
        token: &token,
        name: &name,
        hint: token.get(token.len().saturating_sub(4)..).unwrap_or_default(),
        permissions,
        shops: shops.as_deref(),
        maker: (person.id, &person.name),
        life: Span::days(days),
    };
    let id = api_key_insert(&mut tx, &new).await?;
    let shops = shops.map(|shops| shops.iter().map(ToString::to_string).collect::<Vec<_>>());
    let detail = json!({ "name": name, "scopes": permissions.words(), "shops": shops, "days": days });
    audit_append(&mut tx, AuditAction::ApiKeyMade, "api_key", &id.to_string(), detail).await?;
    let key = api_key_get(&tx, id).await?;
    tx.commit().await?;
    Ok(Made { key, token })
}

/// Each shop once; an empty list is no limit.
fn limit(shops: Option<&[ShopId]>) -> Option<Vec<ShopId>> {
    let mut shops = shops.filter(|shops| !shops.is_empty())?.to_vec();
    shops.sort_unstable();
    shops.dedup();
    Some(shops)
}

async fn own_shops(tx: &TenantTx, shops: Option<&[ShopId]>) -> Answer<()> {
    let shops = shops.unwrap_or_default();
    if shops.len() > MOST_SHOPS {
        let (en, zh) = (format!("at most {MOST_SHOPS} shops"), format!("最多 {MOST_SHOPS} 个店铺"));
        return Err(FieldError::new("shop_ids", "too_many", en, zh).into());
    }
    for shop in shops {
        match shop_get(tx, *shop).await {
            Ok(_) => {}
            Err(StoreError::NotFound) => {
                let (en, zh) = ("choose your own shops", "请选择自己的店铺");
                return Err(FieldError::new("shop_ids", "unknown", en, zh).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The tenant's keys, newest first, the dead among them.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ApiKeyManage>,
    page: PageRequest,
) -> Answer<Page<ApiKey>> {
    Ok(api_key_list(&*state.db.read(grant.ctx()).await?, page).await?)
}

/// One key.
pub async fn get(state: &AppState, grant: &Grant<perm::ApiKeyManage>, id: ApiKeyId) -> Answer<ApiKey> {
    Ok(api_key_get(&*state.db.read(grant.ctx()).await?, id).await?)
}

/// Gives a key another name. What it may do and where never changes: make another.
pub async fn rename(
    state: &AppState,
    grant: &Grant<perm::ApiKeyManage>,
    id: ApiKeyId,
    name: &str,
) -> Answer<ApiKey> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = api_key_get(&tx, id).await?;
    let name = program_name("name", name)?;
    api_key_rename(&mut tx, id, &name).await?;
    let detail = json!({ "from": was.name, "to": name });
    audit_append(&mut tx, AuditAction::ApiKeyRenamed, "api_key", &id.to_string(), detail).await?;
    let key = api_key_get(&tx, id).await?;
    tx.commit().await?;
    Ok(key)
}

/// Ends a key; the next request with it is refused.
pub async fn revoke(state: &AppState, grant: &Grant<perm::ApiKeyManage>, id: ApiKeyId) -> Answer<()> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let was = api_key_get(&tx, id).await?;
    api_key_revoke(&mut tx, id).await?;
    let detail = json!({ "name": was.name });
    audit_append(&mut tx, AuditAction::ApiKeyRevoked, "api_key", &id.to_string(), detail).await?;
    Ok(tx.commit().await?)
}

/// Who a key stands for. Wrong keys are counted per address, and a good key passes whatever its neighbours do: nobody
/// guesses 256 bits, and one program with a dead key must not shut out the others behind the same address.
pub async fn authenticate(
    state: &AppState,
    request: RequestId,
    token: &str,
    address: &str,
) -> Answer<Caller> {
    if let Some((caller, key)) = resolve::by_api_key(&state.db, token, request).await? {
        note_use(state, &caller, &key);
        return Ok(caller);
    }
    let now = state.clock().now();
    let guesses = format!("api key {address}");
    if let Some(seconds) = state.throttle.wait(&guesses, address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    state.throttle.failed(&guesses, address, now);
    metrics::counter!("qianpu_api_key_failures_total").increment(1);
    Err(ApiError::new(ErrorCode::Unauthenticated))
}

/// Notes the use beside the request, never in its way.
fn note_use(state: &AppState, caller: &Caller, key: &ApiKey) {
    let (id, now) = (key.id, state.clock().now());
    let noted = key.last_used_at.is_some_and(|at| now.since(at) < EVERY);
    if noted || !state.last_use.due(id.0, now) {
        return;
    }
    let Ok(grant) = caller.grant::<perm::SelfRead>() else { return };
    let db = state.db.clone();
    tokio::spawn(async move {
        let noted = async {
            let mut tx = db.begin(grant.ctx()).await?;
            api_key_touch(&mut tx, id, now.minus(EVERY)).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, key_id = %id, "the last use of a key was not noted");
        }
    });
}
