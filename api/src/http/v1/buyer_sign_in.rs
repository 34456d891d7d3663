//! `/storefront/{slug}/sign_in_codes`, `…/sessions`, `…/channel_sign_ins` and `…/channel_sessions`: how a program of a
//! shop signs a buyer in, with a code sent to the phone or at a channel's page.

use crate::app::buyers::channel::{self, Back, Begun, Ended, WITHIN};
use crate::app::buyers::codes;
use crate::app::buyers::sign_in::{self, Device, SignedIn};
use crate::error::{Answer, ApiError};
use crate::http::describe::{Accepted, Created};
use crate::http::extract::{Call, Json, Open, Path};
use crate::http::route::Api;
use crate::http::storefront::visit;
use crate::http::v1::user_agent;
use crate::http::wire::Id;
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::error::ErrorCode;
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
    api.post(
        "/storefront/{slug}/channel_sign_ins",
        begin_channel_sign_in,
        "Begin to sign a buyer in at the page of the shop's channel account",
    );
    api.post(
        "/storefront/{slug}/channel_sessions",
        finish_channel_sign_in,
        "Sign the buyer in who comes back from the channel's page",
    );
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
    Ok(Created(sign_in::by_phone(&open.state, &visit, &proven, &device).await?.into()))
}

impl From<SignedIn> for BuyerSessionStartedView {
    fn from(signed: SignedIn) -> Self {
        Self {
            buyer_id: Id(signed.buyer),
            access_token: signed.access_token.unwrap_or_default(),
            expires_in: signed.life.as_seconds(),
            token_type: "Bearer",
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelSignInBody {
    /// Where the platform leads the buyer back to, with `code` and `state`: an address of this installation or of the
    /// shop's own domain.
    pub(super) redirect_uri: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelSignInView {
    /// The platform's page; it works in the platform's own app.
    address: String,
    /// Kept by the program for this one buyer, and never shown to anybody: whoever finishes has to know it.
    secret: String,
    /// Seconds the buyer has.
    expires_in: i64,
}

async fn begin_channel_sign_in(
    open: Open<(Path<String>, Json<ChannelSignInBody>)>,
) -> Answer<Created<ChannelSignInView>> {
    let (Path(slug), Json(body)) = &open.input;
    let visit = visit(&open, slug).await?;
    let back = channel::own_address(&open.state, &visit, &body.redirect_uri).await?;
    Ok(Created(channel::begin(&open.state, &visit, None, back, "").await?.into()))
}

impl From<Begun> for ChannelSignInView {
    fn from(begun: Begun) -> Self {
        Self { address: begun.address, secret: begun.browser, expires_in: WITHIN.as_seconds() }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelSessionBody {
    /// As the platform brought it back.
    state: String,
    /// As the platform brought it back; works once.
    code: String,
    /// From the beginning.
    secret: String,
}

impl ChannelSessionBody {
    pub(super) fn back(&self) -> Back<'_> {
        Back { state: &self.state, browser: &self.secret, code: Some(&self.code) }
    }
}

async fn finish_channel_sign_in(
    open: Open<(Path<String>, Json<ChannelSessionBody>)>,
) -> Answer<Created<BuyerSessionStartedView>> {
    let (Path(slug), Json(body)) = &open.input;
    let visit = visit(&open, slug).await?;
    let device = device(&open, BuyerSessionKind::Api, None);
    match channel::finish(&open.state, &visit, None, &body.back(), &device).await? {
        (Ended::SignedIn(signed), _) => Ok(Created(signed.into())),
        (Ended::Joined | Ended::Declined, _) => Err(ApiError::new(ErrorCode::ChannelSignInFailed)),
    }
}
