//! People of the first merchant besides its owner. They are invited by its owner and join with the token
//! of their mail's link; the token is taken where the mail takes it, because no answer ever shows it.

use super::client::Client;
use super::manifest::Login;
use super::seed::{Merchant, login};
use crate::app::staff::joining::{self, InviteStaff};
use crate::auth::token;
use crate::pages::lang::Lang;
use crate::state::AppState;
use anyhow::{Context, anyhow};
use qianpu_domain::access::Role;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::resolve;
use serde_json::json;

const PEOPLE: [(&str, &str, Role); 2] = [
    ("goods@merchant.example", "许禾", Role::MerchantGoods),
    ("finance@merchant.example", "宋账", Role::MerchantFinance),
];

/// Invites them and lets them join; their log-ins.
pub async fn join(
    state: &AppState,
    visitor: &Client,
    merchant: &Merchant,
    password: &str,
) -> anyhow::Result<Vec<Login>> {
    let own = merchant.client.token().context("the owner is logged in")?;
    let claims = token::read(&state.keys, own, state.clock().now()).context("the owner's token")?;
    let request = RequestId(state.new_id());
    let caller = resolve::by_token(&state.db, claims.tenant, claims.session, request).await?;
    let grant = caller.context("the owner is known")?.grant::<perm::StaffManage>()?;
    let mut logins = Vec::new();
    for (email, name, role) in PEOPLE {
        let invite = InviteStaff {
            email: email.to_owned(),
            name: name.to_owned(),
            role: role.as_str().to_owned(),
            shop: None,
            lang: Lang::Zh,
        };
        let invited = joining::invite(state, &grant, &invite).await.map_err(|error| anyhow!("{error:?}"))?;
        let body = json!({ "token": invited.token, "name": name, "password": password, "locale": "zh" });
        visitor.post("/api/v1/staff_invitations/join", &body).await?;
        logins.push(login("merchant", role, email, password));
    }
    Ok(logins)
}
