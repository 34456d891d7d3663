//! The demo's buyers: one with a phone in each shop, who signs in as a person would, with the code that came by text
//! message. Where the shop has a public account, they are joined with it at the platform's page, so that what they
//! order in the platform's shop is theirs here too.

use super::client::{Client, text};
use super::manifest::{Manifest, ShopEntry};
use crate::app::buyers::channel;
use crate::app::storefront;
use crate::state::AppState;
use anyhow::{Context, anyhow};
use qianpu_domain::ids::RequestId;
use serde_json::json;
use std::time::Duration;

/// Who buys in each of the shops, in their order: phone, name, and the name at the platform.
const BUYERS: [(&str, &str); 3] =
    [("13900000101", "王晓"), ("13900000102", "李木子"), ("13900000103", "周舟")];

/// A buyer who signed in.
pub struct SignedIn {
    slug: String,
    phone: &'static str,
    name: &'static str,
    /// Calls with the buyer's token.
    program: Client,
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
        let program = by_phone(state, visitor, &slug, phone, name).await?;
        shop.buyer_phone = phone.to_owned();
        signed.push(SignedIn { slug, phone, name, program });
    }
    Ok(signed)
}

/// Signs somebody in at a shop, with the code that came to the phone.
async fn by_phone(
    state: &AppState,
    visitor: &Client,
    slug: &str,
    phone: &str,
    name: &str,
) -> anyhow::Result<Client> {
    let at = |rest: &str| format!("/api/v1/storefront/{slug}/{rest}");
    let before = codes_of(state, phone)?.len();
    visitor.post(&at("sign_in_codes"), &json!({"phone": phone})).await?;
    let code = code_after(state, phone, before).await?;
    let session = visitor.post(&at("sessions"), &json!({"phone": phone, "code": code})).await?;
    let program = visitor.with_token(text(&session, "access_token")?);
    program.patch(&at("me"), &json!({"name": name})).await?;
    Ok(program)
}

fn slug_of(shop: &ShopEntry) -> anyhow::Result<String> {
    let slug = shop.url.trim_end_matches('/').rsplit('/').next();
    Ok(slug.context("the address of a shop")?.to_owned())
}

/// The codes that a phone got, newest first.
fn codes_of(state: &AppState, phone: &str) -> anyhow::Result<Vec<String>> {
    let sent = crate::sms::stored_messages(&state.config.sms_dir())?;
    Ok(sent.into_iter().filter(|message| message.phone == phone).map(|message| message.code).collect())
}

/// The code that comes to a phone that got so many before.
async fn code_after(state: &AppState, phone: &str, before: usize) -> anyhow::Result<String> {
    for _ in 0..150 {
        let codes = codes_of(state, phone)?;
        if codes.len() > before {
            return codes.into_iter().next().context("a code");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(anyhow!("no text message came to {phone}"))
}

/// Joins the buyers with the public accounts of their shops, where there is one. The first of them buys at the last
/// shop too: the provider's shops then know that it is one person.
pub async fn join(
    state: &AppState,
    visitor: &Client,
    sandbox: &Client,
    buyers: &[SignedIn],
) -> anyhow::Result<()> {
    for buyer in buyers {
        if offers_platform(state, &buyer.slug).await? {
            at_platform(state, sandbox, buyer).await.with_context(|| buyer.name.to_owned())?;
        }
    }
    if let [first, .., last] = buyers {
        by_phone(state, visitor, &last.slug, first.phone, first.name)
            .await
            .context("a buyer of two shops")?;
    }
    Ok(())
}

async fn offers_platform(state: &AppState, slug: &str) -> anyhow::Result<bool> {
    let told = |error| anyhow!("{error:?}");
    let visit = storefront::visit(state, slug, RequestId(state.new_id())).await.map_err(told)?;
    Ok(channel::offered(state, &visit).await.map_err(told)?.is_some())
}

/// Goes to the platform's page and back, as a person does.
async fn at_platform(state: &AppState, sandbox: &Client, buyer: &SignedIn) -> anyhow::Result<()> {
    let at = |rest: &str| format!("/api/v1/storefront/{}/me/{rest}", buyer.slug);
    let back = format!("{}/s/{}/account", state.config.app.public_url, buyer.slug);
    let begun = buyer.program.post(&at("channel_joins"), &json!({"redirect_uri": back})).await?;
    // The person presses "allow" there.
    let page = url::Url::parse(text(&begun, "address")?).context("the address of the platform's page")?;
    let mut fields: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    fields.push(("buyer".to_owned(), buyer.name.to_owned()));
    let back = url::Url::parse(&sandbox.submit("/sandbox/web-login", &fields).await?)?;
    let given = |name: &str| {
        let found = back.query_pairs().find(|(own, _)| own == name);
        found.map(|(_, value)| value.into_owned()).with_context(|| format!("the platform gave no {name}"))
    };
    let body = json!({"state": given("state")?, "code": given("code")?, "secret": begun["secret"]});
    buyer.program.post(&at("channel_identities"), &body).await?;
    Ok(())
}
