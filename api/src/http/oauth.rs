//! The addresses that third-party apps call themselves: tokens, giving tokens back, and the description of both. They
//! speak as the standards say, forms in and flat JSON errors out, and not as the rest of the API.

use super::extract::{Call, Open, RawBody};
use super::route::PageRoutes;
use crate::app::oauth::tokens::{self, Ask, ClientProof};
use crate::app::oauth::{Refused, issuer};
use crate::app::oauth_apps::scope_choices;
use crate::error::Answer;
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qianpu_domain::access::Permission;
use qianpu_domain::oauth::OauthError;
use serde_json::{Value, json};

const LIMIT: usize = 16 * 1024;
pub const METADATA: &str = "/.well-known/oauth-authorization-server";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(METADATA, oauth_metadata);
    pages.post("/oauth/token", oauth_token);
    pages.post("/oauth/revoke", oauth_revoke);
}

type Form = Open<RawBody<LIMIT>>;

async fn oauth_metadata(open: Open) -> Answer<HttpResponse> {
    let issuer = issuer(&open.state);
    let at = |path: &str| format!("{issuer}{path}");
    let ways = ["client_secret_basic", "client_secret_post", "none"];
    let scopes: Vec<&str> = scope_choices().iter().map(Permission::as_str).collect();
    Ok(HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/console/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_methods_supported": ways,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "service_documentation": at("/api/docs"),
    })))
}

async fn oauth_token(open: Form) -> Answer<HttpResponse> {
    let outcome = async {
        let fields = Parameters::read(&open)?;
        let proof = fields.proof(&open)?;
        let ask = fields.ask()?;
        tokens::issue(&open.state, open.request_id(), &proof, &ask).await
    };
    Ok(match outcome.await {
        Ok(tokens) => {
            let mut body = json!({ "access_token": tokens.access_token, "token_type": "Bearer",
                "expires_in": tokens.expires_in, "scope": tokens.scope });
            if let Some(refresh) = tokens.refresh_token {
                body["refresh_token"] = Value::String(refresh);
            }
            answer(StatusCode::OK, &body)
        }
        Err(refused) => refusal(&open, &refused),
    })
}

async fn oauth_revoke(open: Form) -> Answer<HttpResponse> {
    let outcome = async {
        let fields = Parameters::read(&open)?;
        let proof = fields.proof(&open)?;
        tokens::revoke(&open.state, open.request_id(), &proof, fields.needed("token")?).await
    };
    Ok(match outcome.await {
        Ok(()) => answer(StatusCode::OK, &json!({})),
        Err(refused) => refusal(&open, &refused),
    })
}

fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(body)
}

fn refusal(call: &Call, refused: &Refused) -> HttpResponse {
    let status = StatusCode::from_u16(refused.error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "error": refused.error.as_str(), "error_description": refused.description });
    let mut response = answer(status, &body);
    // Whoever tried the Authorization header is told which scheme is known.
    if refused.error == OauthError::InvalidClient
        && call.request.headers().contains_key(header::AUTHORIZATION)
    {
        let basic = header::HeaderValue::from_static("Basic realm=\"qianpu\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn invalid(description: impl Into<String>) -> Refused {
    Refused { error: OauthError::InvalidRequest, description: description.into(), retry_after: None }
}

/// The parameters of a form. Unknown ones are left out, as the standard asks; none may come twice.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(open: &Form) -> Result<Self, Refused> {
        let kind = open.request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(invalid("expected content-type application/x-www-form-urlencoded"));
        }
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(&open.input.0).take(50) {
            if read.iter().any(|(known, _)| *known == name) {
                return Err(invalid("a parameter was given more than once"));
            }
            if value.contains('\0') {
                return Err(invalid("a parameter holds the character U+0000"));
            }
            if !value.is_empty() {
                read.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(read))
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str, Refused> {
        self.given(name).ok_or_else(|| invalid(format!("{name} is missing")))
    }

    /// Who calls: by the Authorization header, or by the form, never by both.
    fn proof(&self, call: &Call) -> Result<ClientProof, Refused> {
        let address = call.info.address.clone();
        let secret = self.given("client_secret").map(str::to_owned);
        let Some(value) = call.request.headers().get(header::AUTHORIZATION) else {
            return Ok(ClientProof { client_id: self.needed("client_id")?.to_owned(), secret, address });
        };
        let unreadable = || Refused {
            error: OauthError::InvalidClient,
            description: "expected Authorization: Basic with client id and secret".to_owned(),
            retry_after: None,
        };
        let (scheme, rest) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(unreadable());
        }
        let pair = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (id, given) = pair.as_deref().and_then(|pair| pair.split_once(':')).ok_or_else(unreadable)?;
        if secret.is_some() || self.given("client_id").is_some_and(|own| own != id) {
            return Err(invalid("the app says who it is in more than one way"));
        }
        if id.contains('\0') {
            return Err(unreadable());
        }
        Ok(ClientProof { client_id: id.to_owned(), secret: Some(given.to_owned()), address })
    }

    fn ask(&self) -> Result<Ask, Refused> {
        let scope = self.given("scope").map(str::to_owned);
        match self.needed("grant_type")? {
            "authorization_code" => Ok(Ask::Code {
                code: self.needed("code")?.to_owned(),
                redirect_uri: self.needed("redirect_uri")?.to_owned(),
                verifier: self.needed("code_verifier")?.to_owned(),
            }),
            "refresh_token" => Ok(Ask::Refresh { token: self.needed("refresh_token")?.to_owned(), scope }),
            "client_credentials" => Ok(Ask::Own { scope }),
            _ => Err(Refused {
                error: OauthError::UnsupportedGrantType,
                description: "expected authorization_code, refresh_token or client_credentials".to_owned(),
                retry_after: None,
            }),
        }
    }
}
