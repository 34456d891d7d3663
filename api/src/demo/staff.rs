//! People besides the owners: some of the first merchant, one of them with a role it made itself, and one who works
//! for two merchants. They are invited by the owners and join with the token of their mail's link; the token is taken
//! where the mail takes it, because no answer ever shows it.

use super::client::{Client, text};
use super::manifest::Login;
use super::seed::{Merchant, login};
use crate::app::staff::joining::{self, InviteStaff};
use crate::auth::{token, totp};
use crate::pages::lang::Lang;
use crate::state::AppState;
use anyhow::{Context, anyhow};
use qianpu_domain::access::Role;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::resolve;
use serde_json::json;

const PEOPLE: [(&str, &str, Role); 2] =
    [(BOTH, "许禾", Role::MerchantGoods), ("finance@merchant.example", "宋账", Role::MerchantFinance)];

/// Works for the second merchant, too.
const BOTH: &str = "goods@merchant.example";
/// Has the role that the first merchant made itself.
const PACKER: &str = "packing@merchant.example";
/// That role.
const PACKING: &str = "夜班打包";

/// Invites them and lets them join; their log-ins.
pub async fn join(
    state: &AppState,
    visitor: &Client,
    (first, second): (&Merchant, &Merchant),
    password: &str,
) -> anyhow::Result<Vec<Login>> {
    let mut logins = Vec::new();
    for (email, name, role) in PEOPLE {
        let token = invite(state, first, email, name, role.as_str()).await?;
        take(visitor, &token, name, password).await?;
        logins.push(login("merchant", role, email, password));
    }
    let body = json!({"name": PACKING, "permissions": ["shops.read", "products.read", "orders.read", "orders.ship"]});
    let role = first.client.post("/api/v1/roles", &body).await?;
    let token = invite(state, first, PACKER, "陶夜", text(&role, "id")?).await?;
    take(visitor, &token, "陶夜", password).await?;
    logins.push(Login {
        role: PACKING.to_owned(),
        ..login("merchant", Role::MerchantOrders, PACKER, password)
    });

    let token = invite(state, second, BOTH, "许禾", Role::MerchantManager.as_str()).await?;
    let both = visitor.log_in(BOTH, password).await?;
    both.post("/api/v1/staff_invitations/accept", &json!({"token": token})).await?;
    let owner = second.client.get("/api/v1/me").await?;
    let name = owner.pointer("/tenant/name").and_then(serde_json::Value::as_str).context("a name")?;
    for person in logins.iter_mut().filter(|person| person.email == BOTH) {
        person.also_works_for.push(name.to_owned());
    }
    Ok(logins)
}

async fn take(visitor: &Client, token: &str, name: &str, password: &str) -> anyhow::Result<()> {
    let body = json!({ "token": token, "name": name, "password": password, "locale": "zh" });
    visitor.post("/api/v1/staff_invitations/join", &body).await.map(drop)
}

/// The token of the link that a merchant's owner has sent.
async fn invite(
    state: &AppState,
    merchant: &Merchant,
    email: &str,
    name: &str,
    role: &str,
) -> anyhow::Result<String> {
    let own = merchant.client.token().context("the owner is logged in")?;
    let claims = token::read(&state.keys, own, state.clock().now()).context("the owner's token")?;
    let request = RequestId(state.new_id());
    let caller = resolve::by_token(&state.db, claims.tenant, claims.session, request).await?;
    let caller = caller.context("the owner is known")?;
    let (grant, holds) = (caller.grant::<perm::StaffManage>()?, caller.holds_everywhere());
    let command = InviteStaff {
        email: email.to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        shop: None,
        lang: Lang::Zh,
    };
    let invited =
        joining::invite(state, &grant, holds, &command).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(invited.token)
}

/// Sets up an authenticator app for somebody; its secret.
pub async fn two_step(state: &AppState, person: &Client, password: &str) -> anyhow::Result<String> {
    let begun = person.post("/api/v1/me/totp", &json!({ "password": password })).await?;
    let secret = text(&begun, "secret")?.to_owned();
    let code = totp::code_at(&secret, state.clock().now()).map_err(|error| anyhow!("{error:?}"))?;
    person.post("/api/v1/me/totp/confirm", &json!({ "code": code })).await?;
    Ok(secret)
}
