//! The demo's buyers: one with a phone in each shop, who signs in as a person would, with the code that came by text
//! message. Where the shop has a public account, they are joined with it at the platform's page, so that what they
//! order in the platform's shop is theirs here too.

use super::client::{Client, text};
use super::manifest::{Manifest, ShopEntry};
use crate::app::buyers::channel::{self, Back};
use crate::app::buyers::sign_in::Device;
use crate::app::storefront;
use crate::auth::buyer_token;
use crate::state::AppState;
use anyhow::{Context, anyhow};
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::resolve;
use serde_json::json;
use std::time::Duration;

/// Who buys in each of the shops, in their order: phone, name, and the name at the platform.
const BUYERS: [(&str, &str); 3] =
    [("13900000101", "王晓"), ("13900000102", "李木子"), ("13900000103", "周舟")];

/// A buyer who signed in.
pub struct SignedIn {
    slug: String,
    name: &'static str,
    token: String,
}

/// Signs a buyer in at each shop.
pub async fn sign_in(
    state: &AppState,
    visitor: &Client,
    manifest: &mut Manifest,
) -> anyhow::Result<Vec<SignedIn>> {
    let mut signed = Vec::new();
    for (shop, (phone, name)) in manifest.shops.iter_mut().zip(BUYERS) {
        let slug = slug_of(shop)?;
        let at = |rest: &str| format!("/api/v1/storefront/{slug}/{rest}");
        visitor.post(&at("sign_in_codes"), &json!({"phone": phone})).await?;
        let code = code_for(state, phone).await?;
        let session = visitor.post(&at("sessions"), &json!({"phone": phone, "code": code})).await?;
        let token = text(&session, "access_token")?.to_owned();
        visitor.with_token(&token).patch(&at("me"), &json!({"name": name})).await?;
        shop.buyer_phone = phone.to_owned();
        signed.push(SignedIn { slug, name, token });
    }
    Ok(signed)
}

fn slug_of(shop: &ShopEntry) -> anyhow::Result<String> {
    let slug = shop.url.trim_end_matches('/').rsplit('/').next();
    Ok(slug.context("the address of a shop")?.to_owned())
}

/// The code that a phone got.
async fn code_for(state: &AppState, phone: &str) -> anyhow::Result<String> {
    for _ in 0..150 {
        let sent = crate::sms::stored_messages(&state.config.sms_dir())?;
        if let Some(message) = sent.into_iter().find(|message| message.phone == phone) {
            return Ok(message.code);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(anyhow!("no text message came to {phone}"))
}

/// Joins the buyers with the public accounts of their shops, where there is one.
pub async fn join(state: &AppState, sandbox: &Client, buyers: &[SignedIn]) -> anyhow::Result<()> {
    for buyer in buyers {
        join_one(state, sandbox, buyer).await.with_context(|| buyer.name.to_owned())?;
    }
    Ok(())
}

async fn join_one(state: &AppState, sandbox: &Client, buyer: &SignedIn) -> anyhow::Result<()> {
    let told = |error| anyhow!("{error:?}");
    let request = RequestId(state.new_id());
    let visit = storefront::visit(state, &buyer.slug, request).await.map_err(told)?;
    if channel::offered(state, &visit).await.map_err(told)?.is_none() {
        return Ok(());
    }
    let claims = buyer_token::read(&state.keys, &buyer.token, state.clock().now()).context("the token")?;
    let caller = resolve::by_buyer_token(&state.db, &buyer.slug, &claims, request).await?;
    let caller = caller.context("the buyer is signed in")?;
    let home = format!("{}/s/{}/", state.config.app.public_url, buyer.slug);
    let begun = channel::begin(state, &visit, Some(&caller), format!("{home}sign-in/channel/back"), &home)
        .await
        .map_err(told)?;
    // The person presses "allow" on the platform's page.
    let page = url::Url::parse(&begun.address).context("the address of the platform's page")?;
    let mut fields: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    fields.push(("buyer".to_owned(), buyer.name.to_owned()));
    let back = url::Url::parse(&sandbox.submit("/sandbox/web-login", &fields).await?)?;
    let given = |name: &str| {
        let found = back.query_pairs().find(|(own, _)| own == name);
        found.map(|(_, value)| value.into_owned()).with_context(|| format!("the platform gave no {name}"))
    };
    let (code, token) = (given("code")?, given("state")?);
    let device = Device {
        kind: BuyerSessionKind::Browser,
        user_agent: "demo".to_owned(),
        locale: "zh",
        previous: None,
    };
    let back = Back { state: &token, browser: &begun.browser, code: Some(&code) };
    channel::finish(state, &visit, Some(&caller), &back, &device).await.map_err(told)?;
    Ok(())
}
