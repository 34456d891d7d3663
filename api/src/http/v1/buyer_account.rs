//! `/storefront/{slug}/me`: a buyer of the shop, by the buyer's own token.

use super::buyer_sign_in::{ChannelSessionBody, ChannelSignInBody, ChannelSignInView, device};
use super::buyers::{BuyerExportView, ErasureView, erasure_view};
use crate::app::buyers::channel::{self, Ended};
use crate::app::buyers::own::{self, OwnOrder, Profile};
use crate::app::buyers::person::{self, Told};
use crate::app::buyers::{erasure, export};
use crate::error::{Answer, ApiError};
use crate::http::describe::{Accepted, Created, NoContent};
use crate::http::extract::{BuyerAuthed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::storefront::visit;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::buyer::BuyerSessionKind;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{BuyerId, BuyerSessionId, OrderId};
use qianpu_tenants::store::buyer_session::BuyerSession;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/storefront/{slug}/me", get_buyer_self, "The buyer: name, masked phone");
    api.patch("/storefront/{slug}/me", rename_buyer_self, "Change the own name");
    api.get("/storefront/{slug}/me/orders", list_own_orders, "The own orders of this shop, newest first");
    api.get("/storefront/{slug}/me/sessions", list_buyer_sessions, "The own sessions, newest first");
    api.delete("/storefront/{slug}/me/sessions", end_buyer_sessions, "Log out everywhere, here too");
    api.delete(
        "/storefront/{slug}/me/sessions/{buyer_session_id}",
        end_buyer_session,
        "End one of the own sessions",
    );
    api.post(
        "/storefront/{slug}/me/channel_joins",
        begin_channel_join,
        "Begin to join the buyer with the shop's channel account, at its page",
    );
    api.post(
        "/storefront/{slug}/me/channel_identities",
        finish_channel_join,
        "Join the buyer with whom they are at the channel, orders and all",
    );
    api.get(
        "/storefront/{slug}/me/export",
        export_buyer_self,
        "Everything personal that is kept of the buyer",
    );
    api.put(
        "/storefront/{slug}/me/person_link",
        decide_person_link,
        "Refuse links between the provider's shops, or allow them again",
    );
    api.get("/storefront/{slug}/me/erasure", get_own_erasure, "The own request to erase that waits");
    api.post("/storefront/{slug}/me/erasure", erase_buyer_self, "Ask to erase the own personal data");
    api.delete(
        "/storefront/{slug}/me/erasure",
        keep_buyer_self,
        "Take the request to erase back, while it waits",
    );
    api.delete("/storefront/{slug}/me/session", log_out_buyer, "Log out; the token is dead at once");
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct BuyerSelfView {
    #[schema(value_type = String)]
    id: Id<BuyerId>,
    /// Empty when the buyer gave none.
    name: String,
    /// `138****0000`; null when there is no phone.
    phone_masked: Option<String>,
    /// Channels the buyer is known from.
    channels: Vec<String>,
    person_link: PersonLinkView,
    created_at: Time,
}

/// Whether the person's rows in other shops of the provider are linked.
#[derive(Debug, Serialize, ToSchema)]
struct PersonLinkView {
    /// Whether the provider links at all.
    enabled: bool,
    /// `none`, `linked` or `refused`.
    state: &'static str,
    /// In how many shops the person is known, this one counted; 0 while nothing is linked.
    shops: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonLinkBody {
    allowed: bool,
}

async fn decide_person_link(
    auth: BuyerAuthed<(Path<String>, Json<PersonLinkBody>)>,
) -> Answer<Json<BuyerSelfView>> {
    person::decide(&auth.state, &auth.buyer, auth.input.1.0.allowed).await?;
    own_view(&auth).await
}

async fn own_view<T>(auth: &BuyerAuthed<T>) -> Answer<Json<BuyerSelfView>> {
    let profile = own::profile(&auth.state, &auth.buyer).await?;
    let link = person::told(&auth.state, auth.buyer.ctx(), &profile.buyer).await?;
    Ok(Json(self_view(profile, link)))
}

fn self_view(profile: Profile, link: Told) -> BuyerSelfView {
    let mut channels: Vec<String> =
        profile.identities.iter().filter_map(|identity| identity.channel.clone()).collect();
    channels.sort();
    channels.dedup();
    BuyerSelfView {
        phone_masked: profile.phone_masked(),
        id: Id(profile.buyer.id),
        name: profile.buyer.name,
        channels,
        person_link: PersonLinkView { enabled: link.on, state: link.state.as_str(), shops: link.shops },
        created_at: Time(profile.buyer.created_at),
    }
}

async fn get_buyer_self(auth: BuyerAuthed<Path<String>>) -> Answer<Json<BuyerSelfView>> {
    own_view(&auth).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameBuyerBody {
    /// At most 40 characters; empty takes it away.
    name: String,
}

async fn rename_buyer_self(
    auth: BuyerAuthed<(Path<String>, Json<RenameBuyerBody>)>,
) -> Answer<Json<BuyerSelfView>> {
    own::rename(&auth.state, &auth.buyer, &auth.input.1.0.name).await?;
    own_view(&auth).await
}

async fn begin_channel_join(
    auth: BuyerAuthed<(Path<String>, Json<ChannelSignInBody>)>,
) -> Answer<Created<ChannelSignInView>> {
    let (Path(slug), Json(body)) = &auth.input;
    let visit = visit(&auth, slug).await?;
    let back = channel::own_address(&auth.state, &visit, &body.redirect_uri).await?;
    Ok(Created(channel::begin(&auth.state, &visit, Some(&auth.buyer), back, "").await?.into()))
}

async fn finish_channel_join(
    auth: BuyerAuthed<(Path<String>, Json<ChannelSessionBody>)>,
) -> Answer<Created<BuyerSelfView>> {
    let (Path(slug), Json(body)) = &auth.input;
    let visit = visit(&auth, slug).await?;
    let device = device(&auth, BuyerSessionKind::Api, None);
    match channel::finish(&auth.state, &visit, Some(&auth.buyer), &body.back(), &device).await? {
        (Ended::Joined, _) => Ok(Created(own_view(&auth).await?.0)),
        (Ended::SignedIn(_) | Ended::Declined, _) => Err(ApiError::new(ErrorCode::ChannelSignInFailed)),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OwnOrdersQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnOrderView {
    #[schema(value_type = String)]
    id: Id<OrderId>,
    number: String,
    state: &'static str,
    /// The channel it came through; null for the shop's own pages.
    channel: Option<String>,
    total: Money,
    lines: Vec<OwnOrderLineView>,
    placed_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct OwnOrderLineView {
    title: String,
    specification: String,
    quantity: i64,
    line_total: Money,
}

pub(crate) fn order_view(own: OwnOrder) -> OwnOrderView {
    let OwnOrder { order, lines } = own;
    OwnOrderView {
        id: Id(order.id),
        number: order.number,
        state: order.progress.state.as_str(),
        channel: order.channel,
        total: order.facts.amounts.total.into(),
        lines: lines
            .into_iter()
            .map(|line| OwnOrderLineView {
                title: line.title,
                specification: line.spec_text,
                quantity: line.quantity,
                line_total: line.total.into(),
            })
            .collect(),
        placed_at: Time(order.placed_at),
    }
}

async fn list_own_orders(
    auth: BuyerAuthed<(Path<String>, Query<OwnOrdersQuery>)>,
) -> Answer<Json<Page<OwnOrderView>>> {
    let query = &auth.input.1.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(own::orders(&auth.state, &auth.buyer, page).await?, order_view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerSessionsView {
    items: Vec<BuyerSessionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerSessionView {
    #[schema(value_type = String)]
    id: Id<BuyerSessionId>,
    /// `browser` or `api`.
    kind: &'static str,
    /// `phone` or `channel`.
    method: &'static str,
    user_agent: String,
    /// Whether it is the one that asks.
    current: bool,
    created_at: Time,
    expires_at: Time,
}

async fn list_buyer_sessions(auth: BuyerAuthed<Path<String>>) -> Answer<Json<BuyerSessionsView>> {
    let current = auth.buyer.session().id;
    let view = |session: BuyerSession| BuyerSessionView {
        id: Id(session.id),
        kind: session.kind.as_str(),
        method: session.method.as_str(),
        user_agent: session.user_agent,
        current: session.id == current,
        created_at: Time(session.created_at),
        expires_at: Time(session.expires_at),
    };
    let sessions = own::sessions(&auth.state, &auth.buyer).await?;
    Ok(Json(BuyerSessionsView { items: sessions.into_iter().map(view).collect() }))
}

async fn end_buyer_sessions(auth: BuyerAuthed<Path<String>>) -> Answer<NoContent> {
    own::end_all(&auth.state, &auth.buyer).await?;
    Ok(NoContent)
}

async fn end_buyer_session(auth: BuyerAuthed<Path2<String, BuyerSessionId>>) -> Answer<NoContent> {
    own::end_session(&auth.state, &auth.buyer, auth.input.1).await?;
    Ok(NoContent)
}

async fn log_out_buyer(auth: BuyerAuthed<Path<String>>) -> Answer<NoContent> {
    own::end_session(&auth.state, &auth.buyer, auth.buyer.session().id).await?;
    Ok(NoContent)
}

async fn export_buyer_self(auth: BuyerAuthed<Path<String>>) -> Answer<Json<BuyerExportView>> {
    Ok(Json(BuyerExportView { document: export::own(&auth.state, &auth.buyer).await? }))
}

async fn get_own_erasure(auth: BuyerAuthed<Path<String>>) -> Answer<Json<ErasureView>> {
    let waiting = erasure::own_waiting(&auth.state, &auth.buyer).await?;
    Ok(Json(erasure_view(waiting.ok_or_else(ApiError::not_found)?)))
}

async fn erase_buyer_self(auth: BuyerAuthed<Path<String>>) -> Answer<Accepted<ErasureView>> {
    Ok(Accepted(erasure_view(erasure::ask_own(&auth.state, &auth.buyer).await?)))
}

async fn keep_buyer_self(auth: BuyerAuthed<Path<String>>) -> Answer<NoContent> {
    erasure::cancel_own(&auth.state, &auth.buyer).await?;
    Ok(NoContent)
}
