//! `/storefront/{slug}/sign_in_codes` and `/storefront/{slug}/sessions`: how a program of a shop signs a buyer in.

use crate::app::buyers::codes;
use crate::app::buyers::sign_in::{self, Device};
use crate::error::Answer;
use crate::http::describe::{Accepted, Created};
use crate::http::extract::{Call, Json, Open, Path};
use crate::http::route::Api;
use crate::http::storefront::visit;
use crate::http::v1::user_agent;
use crate::http::wire::Id;
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::ids::BuyerId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post(
        "/storefront/{slug}/sign_in_codes",
        ask_sign_in_code,
        "Send a code to a phone; the answer is the same whether the phone is known or not",
    );
    api.post("/storefront/{slug}/sessions", sign_in_buyer, "Sign a buyer in with phone and code");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInCodeBody {
    /// A mobile number of the mainland.
    phone: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct SignInCodeView {
    /// Seconds the code works.
    expires_in: i64,
    /// Seconds until another may be asked for.
    resend_in: i64,
}

async fn ask_sign_in_code(
    open: Open<(Path<String>, Json<SignInCodeBody>)>,
) -> Answer<Accepted<SignInCodeView>> {
    let (Path(slug), Json(body)) = &open.input;
    let visit = visit(&open, slug).await?;
    let asked = codes::ask(&open.state, &visit, &body.phone, &open.info.address, open.info.lang).await?;
    Ok(Accepted(SignInCodeView {
        expires_in: asked.expires_in.as_seconds(),
        resend_in: asked.resend_in.as_seconds(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BuyerSignInBody {
    phone: String,
    /// Six digits; works once.
    code: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerSessionStartedView {
    #[schema(value_type = String)]
    buyer_id: Id<BuyerId>,
    /// Good at this shop only, until the session ends.
    access_token: String,
    /// Seconds until it ends by itself.
    expires_in: i64,
    token_type: &'static str,
}

pub(in crate::http) fn device(call: &Call, kind: BuyerSessionKind, previous: Option<String>) -> Device {
    Device { kind, user_agent: user_agent(call), locale: call.info.lang.code(), previous }
}

async fn sign_in_buyer(
    open: Open<(Path<String>, Json<BuyerSignInBody>)>,
) -> Answer<Created<BuyerSessionStartedView>> {
    let (Path(slug), Json(body)) = &open.input;
    let visit = visit(&open, slug).await?;
    let proven = codes::prove(&open.state, &visit, &body.phone, &body.code, &open.info.address).await?;
    let device = device(&open, BuyerSessionKind::Api, None);
    let signed = sign_in::by_phone(&open.state, &visit, &proven, &device).await?;
    Ok(Created(BuyerSessionStartedView {
        buyer_id: Id(signed.buyer),
        access_token: signed.access_token.unwrap_or_default(),
        expires_in: signed.life.as_seconds(),
        token_type: "Bearer",
    }))
}
