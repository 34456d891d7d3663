//! Programs of the demo: an API key of the first merchant, and a third-party app of the provider whose redirect address
//! is a page of the demo that shows what came back.

use super::client::{Client, text};
use super::manifest::{KeyEntry, Manifest, OauthAppEntry};
use super::seed::Merchant;
use serde_json::json;

/// The pair of RFC 7636, appendix B; good for trying out only.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const KEY_SCOPES: [&str; 5] = ["shops.read", "products.read", "stock.write", "orders.read", "orders.ship"];
const APP_SCOPES: [&str; 3] = ["shops.read", "products.read", "orders.read"];

/// Makes both.
pub async fn make(owner: &Client, merchant: &Merchant, manifest: &mut Manifest) -> anyhow::Result<()> {
    let body = json!({ "name": "ERP 对接", "scopes": KEY_SCOPES, "expires_in_days": 365 });
    let made = merchant.client.post("/api/v1/api_keys", &body).await?;
    manifest.api_keys.push(KeyEntry {
        surface: "merchant".to_owned(),
        name: text(&made, "name")?.to_owned(),
        key: text(&made, "key")?.to_owned(),
        scopes: KEY_SCOPES.map(str::to_owned).into(),
    });
    let redirect_uri = format!("{}/demo/app", manifest.base_url);
    let body = json!({
        "name": "订单管家", "publisher": "远帆软件", "homepage": "https://app.example", "confidential": true,
        "redirect_uris": [redirect_uri], "scopes": APP_SCOPES, "own_scopes": ["merchants.read"],
    });
    let app = owner.post("/api/v1/oauth_apps", &body).await?;
    let client_id = text(&app, "id")?.to_owned();
    let authorize_url = url::Url::parse_with_params(
        &format!("{}/console/oauth/authorize", manifest.base_url),
        [
            ("client_id", client_id.as_str()),
            ("redirect_uri", &redirect_uri),
            ("response_type", "code"),
            ("scope", &APP_SCOPES.join(" ")),
            ("state", "demo"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ],
    )?;
    manifest.oauth_apps.push(OauthAppEntry {
        client_secret: text(&app, "client_secret")?.to_owned(),
        client_id,
        redirect_uri,
        authorize_url: authorize_url.to_string(),
        code_verifier: VERIFIER.to_owned(),
    });
    Ok(())
}
