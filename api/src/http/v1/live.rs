//! `/channel_accounts/{id}/live`: what is on, what was announced, and rooms with their figures.

use crate::app::live::rooms::{self, Board, Room, day_of};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use crate::http::wire::{Money, Time};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{LiveProduct, LiveReservation, LiveRoom};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let live = "/channel_accounts/{channel_account_id}/live";
    api.get(live, get_live_board, "Live rooms of an account, as the platform told last");
    api.post(
        &format!("{live}/read"),
        read_live_board,
        "Ask the platform what is on and announced, or for the rooms of a day with their figures",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveRoomNowView {
    room_id: String,
    title: String,
    cover_url: Option<String>,
    host: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveReservationView {
    notice_id: String,
    title: String,
    #[schema(value_type = Option<String>)]
    starts_at: Option<Time>,
    /// The platform's raw state.
    native_state: String,
    /// The platform's words for it.
    state_text: Option<String>,
}

/// Figures of a room; null where the platform told nothing.
#[derive(Debug, Serialize, ToSchema)]
struct LiveFiguresView {
    viewers: Option<i64>,
    most_online: Option<i64>,
    impressions: Option<i64>,
    average_seconds: Option<i64>,
    new_followers: Option<i64>,
    commenters: Option<i64>,
    sharers: Option<i64>,
    sales: Option<Money>,
    paid_orders: Option<i64>,
    buyers: Option<i64>,
    orders: Option<i64>,
    clicks: Option<i64>,
    refunded: Option<Money>,
    refunds: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveProductView {
    product_id: String,
    title: String,
    sales: Option<Money>,
    paid_orders: Option<i64>,
    clicks: Option<i64>,
    explained: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveRoomView {
    room_id: String,
    /// The platform tells it only while the room is on.
    title: Option<String>,
    /// The day whose figures were read; null before that.
    day: Option<String>,
    #[schema(value_type = String)]
    started_at: Time,
    seconds: Option<i64>,
    on_air: Option<bool>,
    figures: LiveFiguresView,
    products: Vec<LiveProductView>,
    #[schema(value_type = String)]
    read_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct LiveBoardView {
    /// Null before the platform was asked.
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
    /// The id by which orders name the account.
    public_id: Option<String>,
    followers: Option<i64>,
    rooms: Vec<LiveRoomNowView>,
    reservations: Vec<LiveReservationView>,
    /// Newest first, at most 50.
    past: Vec<LiveRoomView>,
    /// Whether the platform has further rooms of the day that was asked for.
    more: bool,
}

fn now(room: LiveRoom) -> LiveRoomNowView {
    LiveRoomNowView { room_id: room.room_id, title: room.title, cover_url: room.cover_url, host: room.host }
}

fn reservation(one: LiveReservation) -> LiveReservationView {
    LiveReservationView {
        notice_id: one.notice_id,
        title: one.title,
        starts_at: one.starts_at.map(Time),
        native_state: one.native_state,
        state_text: one.state_text,
    }
}

fn product(one: LiveProduct) -> LiveProductView {
    LiveProductView {
        product_id: one.product_id,
        title: one.title,
        sales: one.sales.map(Into::into),
        paid_orders: one.paid_orders,
        clicks: one.clicks,
        explained: one.explained,
    }
}

fn past(room: Room) -> LiveRoomView {
    let Room { row, figures, products } = room;
    LiveRoomView {
        room_id: row.room_id,
        title: row.title,
        day: row.day,
        started_at: Time(row.started_at),
        seconds: row.seconds,
        on_air: row.on_air,
        figures: LiveFiguresView {
            viewers: figures.viewers,
            most_online: figures.most_online,
            impressions: figures.impressions,
            average_seconds: figures.average_seconds,
            new_followers: figures.new_followers,
            commenters: figures.commenters,
            sharers: figures.sharers,
            sales: figures.sales.map(Into::into),
            paid_orders: figures.paid_orders,
            buyers: figures.buyers,
            orders: figures.orders,
            clicks: figures.clicks,
            refunded: figures.refunded.map(Into::into),
            refunds: figures.refunds,
        },
        products: products.into_iter().map(product).collect(),
        read_at: Time(row.read_at),
    }
}

fn view(board: Board, more: bool) -> LiveBoardView {
    LiveBoardView {
        read_at: board.board.read_at.map(Time),
        public_id: board.board.public_id,
        followers: board.board.followers,
        rooms: board.rooms.into_iter().map(now).collect(),
        reservations: board.reservations.into_iter().map(reservation).collect(),
        past: board.past.into_iter().map(past).collect(),
        more,
    }
}

async fn get_live_board(auth: Authed<perm::LiveRead, Path<ChannelAccountId>>) -> Answer<Json<LiveBoardView>> {
    Ok(Json(view(rooms::get(&auth.state, &auth.grant, auth.input.0).await?, false)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadLiveBody {
    /// `2026-11-22`, a day in Beijing: its rooms with their figures. Without it: what is on and announced now.
    #[serde(default)]
    day: Option<String>,
}

async fn read_live_board(
    auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Json<ReadLiveBody>)>,
) -> Answer<Json<LiveBoardView>> {
    let (Path(account), Json(body)) = &auth.input;
    let Some(day) = &body.day else {
        return Ok(Json(view(rooms::read_now(&auth.state, &auth.grant, *account).await?, false)));
    };
    // Somebody else's account is not there, whatever day was asked for.
    rooms::get(&auth.state, &auth.grant, *account).await?;
    let day = day_of(day, auth.state.clock().now())?;
    let (board, more) = rooms::read_day(&auth.state, &auth.grant, *account, day).await?;
    Ok(Json(view(board, more)))
}
