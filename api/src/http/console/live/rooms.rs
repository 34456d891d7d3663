//! Live rooms: what is on and announced, and rooms that were with their figures.

use super::showcase::failed;
use super::{Stage, of_account};
use crate::app::live::rooms::{self, Board, Room, day_of, today};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{LiveProduct, LiveReservation, LiveRoom};
use qianpu_tenants::authz::{Perm, perm};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let live = "/console/merchant/channel_accounts/{channel_account_id}/live";
    pages.get(live, live_page);
    pages.post(&format!("{live}/read"), read_live_form);
    pages.post(&format!("{live}/day"), read_live_day_form);
}

#[derive(Serialize)]
struct NowRow {
    title: String,
    host: Option<String>,
}

#[derive(Serialize)]
struct ReservationRow {
    title: String,
    at: Option<i64>,
    state: Option<String>,
}

#[derive(Serialize)]
struct Figure {
    /// The key of its name.
    name: &'static str,
    count: Option<i64>,
}

#[derive(Serialize)]
struct ProductRow {
    title: String,
    sales: Option<i64>,
    orders: Option<i64>,
    explained: Option<i64>,
}

#[derive(Serialize)]
struct RoomRow {
    title: Option<String>,
    room_id: String,
    at: i64,
    minutes: Option<i64>,
    on: bool,
    /// Whether its figures were read.
    read: bool,
    sales: Option<i64>,
    paid_orders: Option<i64>,
    viewers: Option<i64>,
    /// Sales per thousand viewers.
    gpm: Option<i64>,
    refunded: Option<i64>,
    figures: Vec<Figure>,
    products: Vec<ProductRow>,
}

#[derive(Serialize)]
struct LiveView {
    form: FormView,
    stage: Stage,
    at: String,
    read_at: Option<i64>,
    followers: Option<i64>,
    now: Vec<NowRow>,
    reservations: Vec<ReservationRow>,
    past: Vec<RoomRow>,
    today: String,
    may_manage: bool,
}

fn now(room: LiveRoom) -> NowRow {
    NowRow { title: room.title, host: room.host }
}

fn reservation(one: LiveReservation) -> ReservationRow {
    ReservationRow { title: one.title, at: one.starts_at.map(Timestamp::micros), state: one.state_text }
}

fn product(one: LiveProduct) -> ProductRow {
    ProductRow {
        title: if one.title.is_empty() { one.product_id } else { one.title },
        sales: one.sales.map(Fen::get),
        orders: one.paid_orders,
        explained: one.explained,
    }
}

fn room(room: Room) -> RoomRow {
    let figures = room.figures;
    let named = [
        ("most_online", figures.most_online),
        ("impressions", figures.impressions),
        ("average_seconds", figures.average_seconds),
        ("new_followers", figures.new_followers),
        ("commenters", figures.commenters),
        ("sharers", figures.sharers),
        ("buyers", figures.buyers),
        ("made_orders", figures.orders),
        ("clicks", figures.clicks),
        ("refunds", figures.refunds),
    ];
    let gpm = figures.sales.zip(figures.viewers).filter(|(_, viewers)| *viewers > 0);
    RoomRow {
        title: room.row.title,
        room_id: room.row.room_id,
        at: room.row.started_at.micros(),
        minutes: room.row.seconds.map(|seconds| seconds / 60),
        on: room.row.on_air == Some(true),
        read: room.row.day.is_some(),
        sales: figures.sales.map(Fen::get),
        paid_orders: figures.paid_orders,
        viewers: figures.viewers,
        gpm: gpm.map(|(sales, viewers)| sales.get().saturating_mul(1_000) / viewers),
        refunded: figures.refunded.map(Fen::get),
        figures: named.into_iter().map(|(name, count)| Figure { name, count }).collect(),
        products: room.products.into_iter().map(product).collect(),
    }
}

fn view<P: Perm, T>(auth: &Authed<P, T>, board: Board, form: Option<FormView>) -> LiveView {
    let today = today(auth.state.clock().now()).to_string();
    LiveView {
        form: form.unwrap_or_else(|| FormView::filled([("day", today.clone())])),
        stage: Stage::of(&auth.caller, &board.account, "live"),
        at: of_account(board.account.id, "live"),
        read_at: board.board.read_at.map(Timestamp::micros),
        followers: board.board.followers,
        now: board.rooms.into_iter().map(now).collect(),
        reservations: board.reservations.into_iter().map(reservation).collect(),
        past: board.past.into_iter().map(room).collect(),
        today,
        may_manage: auth.caller.may(Permission::LiveManage),
    }
}

async fn live_page(auth: Authed<perm::LiveRead, Path<ChannelAccountId>>) -> PageAnswer {
    let board = rooms::get(&auth.state, &auth.grant, auth.input.0).await?;
    auth.page("live/rooms", view(&auth, board, None))
}

async fn read_live_form(auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(*id, "live");
    match rooms::read_now(&auth.state, &auth.grant, *id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("live.now_read"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}

async fn read_live_day_form(auth: Authed<perm::LiveManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let back = of_account(*id, "live");
    let before = rooms::get(&auth.state, &auth.grant, *id).await?;
    let day = match day_of(fields.text("day"), auth.state.clock().now()) {
        Ok(day) => day,
        Err(error) => {
            let form = FormView::refused_by(fields, &error.into(), auth.info.lang);
            return auth.refused_page("live/rooms", view(&auth, before, Some(form)));
        }
    };
    match rooms::read_day(&auth.state, &auth.grant, *id, day).await {
        Ok((_, true)) => Ok(auth.redirect_with(&Flash::failure("live.day_read_some"), &back)),
        Ok((_, false)) => Ok(auth.redirect_with(&Flash::success("live.day_read"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}
