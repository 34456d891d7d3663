//! `/aftersales`: what buyers ask for after paying, and the merchant's decisions about it.

mod dispute_views;
mod views;

use crate::app::aftersales::{decide, dispute, read};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, IdempotencyKey, IfMatch, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, page_request};
use dispute_views::DisputeEvidenceView;
use qianpu_domain::aftersale::{AftersaleKind, AftersaleState, DisputeState, WaitsFor};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{AftersaleId, ChannelAccountId, MediaId, ShopId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::aftersale::{AftersaleFilter, AftersaleSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use views::{AftersaleChoicesView, AftersaleDetailView, AftersaleStandingView, AftersaleView};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/aftersales", list_aftersales, "After-sale cases, newest first or by deadline");
    api.get("/aftersales/counts", count_aftersales, "How many cases stand in each state, and how many wait");
    api.get("/aftersales/{aftersale_id}", get_aftersale, "A case with its goods and what happened");
    api.get(
        "/aftersales/{aftersale_id}/choices",
        list_aftersale_choices,
        "Reasons to refuse and addresses goods come back to, asked of the channel now",
    );
    api.post(
        "/aftersales/{aftersale_id}/accept",
        accept_aftersale,
        "Agree to the refund or the return, or say that the goods are here; the channel is told in the background",
    );
    api.post(
        "/aftersales/{aftersale_id}/refuse",
        refuse_aftersale,
        "Refuse with a reason; the channel is told in the background",
    );
    api.post(
        "/aftersales/{aftersale_id}/dispute/evidence",
        answer_dispute,
        "Give proof or leave a message in the dispute, as it takes it now; the channel is told in the background",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AftersaleQuery {
    /// One state, or several with commas.
    state: Option<String>,
    /// `refund_only`, `return_refund`, `exchange`, `reship` or `other`.
    kind: Option<String>,
    /// `merchant`, `buyer`, `platform` or `nobody`.
    waits_for: Option<String>,
    /// Cases whose dispute is `waits_for_merchant`, `waits_for_buyer`, `with_platform`, `ended` or `unknown`.
    dispute: Option<String>,
    #[param(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    #[param(value_type = Option<String>)]
    channel_account_id: Option<Id<ChannelAccountId>>,
    /// The case's id at the channel, the order's number, or the order's id at the channel.
    q: Option<String>,
    /// `newest` (the default) or `deadline`.
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

fn unknown(field: &'static str) -> ApiError {
    FieldError::new(field, "unknown", "no such word", "没有这个取值").into()
}

fn word<T>(
    field: &'static str,
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => read(text).map(Some).ok_or_else(|| unknown(field)),
        None => Ok(None),
    }
}

async fn list_aftersales(
    auth: Authed<perm::OrderRead, Query<AftersaleQuery>>,
) -> Answer<Json<Page<AftersaleView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let words = query.state.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty());
    let states = words
        .map(|word| AftersaleState::from_text(word).ok_or_else(|| unknown("state")))
        .collect::<Result<Vec<_>, _>>()?;
    let filter = AftersaleFilter {
        states: &states,
        kind: word("kind", query.kind.as_deref(), AftersaleKind::from_text)?,
        waits_for: word("waits_for", query.waits_for.as_deref(), WaitsFor::from_text)?,
        dispute: word("dispute", query.dispute.as_deref(), DisputeState::from_text)?,
        shop: query.shop_id.map(|id| id.0),
        shops: None,
        account: query.channel_account_id.map(|id| id.0),
        search: query.q.as_deref(),
    };
    let sort = word("sort", query.sort.as_deref(), |text| match text {
        "newest" => Some(AftersaleSort::Newest),
        "deadline" => Some(AftersaleSort::Deadline),
        _ => None,
    })?;
    let found = read::list(&auth.state, &auth.grant, filter, sort.unwrap_or_default(), page).await?;
    Ok(Json(Page::of(found, AftersaleView::from)))
}

#[derive(Debug, Serialize, ToSchema)]
struct AftersaleCounts {
    /// How many wait for the merchant.
    waiting: i64,
    /// How many disputes wait for the merchant.
    disputes_waiting: i64,
    items: Vec<AftersaleCount>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AftersaleCount {
    state: &'static str,
    count: i64,
}

async fn count_aftersales(auth: Authed<perm::OrderRead>) -> Answer<Json<AftersaleCounts>> {
    let (found, waiting) = read::counts(&auth.state, &auth.grant, AftersaleFilter::default()).await?;
    let count = |state: &AftersaleState| {
        let count = found.iter().find(|(found, _)| found == state).map_or(0, |(_, count)| *count);
        AftersaleCount { state: state.as_str(), count }
    };
    let disputes_waiting =
        read::disputes_waiting(&auth.state, &auth.grant, AftersaleFilter::default()).await?;
    Ok(Json(AftersaleCounts {
        waiting,
        disputes_waiting,
        items: AftersaleState::ALL.iter().map(count).collect(),
    }))
}

async fn get_aftersale(
    auth: Authed<perm::OrderRead, Path<AftersaleId>>,
) -> Answer<Json<AftersaleDetailView>> {
    Ok(Json(read::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn list_aftersale_choices(
    auth: Authed<perm::AftersaleHandle, Path<AftersaleId>>,
) -> Answer<Json<AftersaleChoicesView>> {
    Ok(Json(read::choices(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptAftersaleBody {
    /// Where the goods come back to: one of the choices. Needed for returns and exchanges where there are any.
    address_id: Option<String>,
    /// Code of the carrier of the new goods, when the goods of an exchange are here.
    carrier: Option<String>,
    /// Its waybill.
    waybill: Option<String>,
}

async fn accept_aftersale(
    auth: Authed<
        perm::AftersaleHandle,
        (Path<AftersaleId>, IfMatch, IdempotencyKey, Json<AcceptAftersaleBody>),
    >,
) -> Answer<Once<AftersaleStandingView, 202>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), key, Json(body)), .. } = auth;
    let AcceptAftersaleBody { address_id, carrier, waybill } = body;
    let command = decide::Accept { address_id, carrier, waybill };
    let effect = async |tx: &mut TenantTx| {
        decide::accept(tx, &grant, id, seen, &command).await.map(|case| AftersaleStandingView::from(&case))
    };
    once(&call, &grant, &key, effect).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefuseAftersaleBody {
    /// The code of one of the reasons among the choices.
    reason_code: String,
    /// Words for the buyer, at most 200; the reason's own when left out.
    #[serde(default)]
    words: String,
}

async fn refuse_aftersale(
    auth: Authed<
        perm::AftersaleHandle,
        (Path<AftersaleId>, IfMatch, IdempotencyKey, Json<RefuseAftersaleBody>),
    >,
) -> Answer<Once<AftersaleStandingView, 202>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), key, Json(body)), .. } = auth;
    let command = decide::Refuse { reason_code: body.reason_code, words: body.words };
    let effect = async |tx: &mut TenantTx| {
        decide::refuse(tx, &grant, id, seen, &command).await.map(|case| AftersaleStandingView::from(&case))
    };
    once(&call, &grant, &key, effect).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerDisputeBody {
    /// `proof` or `message`; what the dispute's `takes` says.
    kind: String,
    /// 1 to 500 letters.
    words: String,
    /// Uploaded pictures, at most 20.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pictures: Vec<Id<MediaId>>,
}

async fn answer_dispute(
    auth: Authed<
        perm::AftersaleHandle,
        (Path<AftersaleId>, IfMatch, IdempotencyKey, Json<AnswerDisputeBody>),
    >,
) -> Answer<Once<DisputeEvidenceView, 202>> {
    let Authed { call, grant, input: (Path(id), IfMatch(seen), key, Json(body)), .. } = auth;
    let pictures = body.pictures.into_iter().map(|id| id.0).collect();
    let command = dispute::Say { kind: body.kind, words: body.words, pictures };
    let effect = async |tx: &mut TenantTx| {
        dispute::say(tx, &grant, id, seen, &command).await.map(DisputeEvidenceView::from)
    };
    once(&call, &grant, &key, effect).await
}
