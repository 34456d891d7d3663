//! Live rooms of an account, as far as a platform tells of them. Nothing here begins a room: what a platform has no
//! interface for is done by a person.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading rooms, reservations and figures.
pub trait Live: Send + Sync {
    /// What there is now: rooms that are on, reservations, and the account's own figures.
    fn now(&self, cx: &Context<'_>) -> Turn<LiveNow>;
    /// Goes on with [`Live::now`].
    fn resume_now(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LiveNow>;

    /// The rooms of one day with their figures.
    fn day(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<LiveSessions>;
    /// Goes on with [`Live::day`].
    fn resume_day(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LiveSessions>;
}

/// A day at the platform's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveDay {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
}

/// What there is now.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LiveNow {
    /// Rooms that are on.
    pub rooms: Vec<LiveRoom>,
    /// Rooms that were announced.
    pub reservations: Vec<LiveReservation>,
    /// The account's own figures; `None` when it did not permit them.
    pub account: Option<LiveAccount>,
}

/// A room that is on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveRoom {
    /// Its id; figures and orders name it.
    pub room_id: String,
    /// What it is about.
    pub title: String,
    /// Address of its cover.
    pub cover_url: Option<String>,
    /// Who is on air.
    pub host: Option<String>,
}

/// A room that was announced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveReservation {
    /// Its id.
    pub notice_id: String,
    /// What it is about.
    pub title: String,
    /// When it is to begin.
    #[serde(with = "crate::wire::time_opt", default)]
    pub starts_at: Option<Timestamp>,
    /// The platform's raw state.
    pub native_state: String,
    /// The platform's words for it.
    pub state_text: Option<String>,
    /// Who will be on air.
    pub host: Option<String>,
}

/// An account that goes live.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveAccount {
    /// The id by which orders name it, where that is another one than it is linked by.
    pub public_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// How many people follow it.
    pub followers: Option<i64>,
}

/// The rooms of a day.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LiveSessions {
    /// The rooms.
    pub sessions: Vec<LiveSession>,
    /// Whether the platform says that there are more than it shows.
    pub more: bool,
}

/// A room with its figures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveSession {
    /// Its id.
    pub room_id: String,
    /// When it began.
    #[serde(with = "crate::wire::time_opt", default)]
    pub started_at: Option<Timestamp>,
    /// How long it was on.
    pub seconds: Option<i64>,
    /// Whether it is still on; `None` when that is not told.
    pub on_air: Option<bool>,
    /// Its figures.
    pub figures: LiveFigures,
    /// By product.
    pub products: Vec<LiveProduct>,
}

/// Figures of a room. A figure that the platform did not tell is `None`, never 0.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LiveFigures {
    /// People who watched.
    pub viewers: Option<i64>,
    /// Most people at the same time.
    pub most_online: Option<i64>,
    /// People who were shown the room.
    pub impressions: Option<i64>,
    /// Mean seconds a viewer stayed.
    pub average_seconds: Option<i64>,
    /// People who began to follow.
    pub new_followers: Option<i64>,
    /// People who wrote something.
    pub commenters: Option<i64>,
    /// People who shared the room.
    pub sharers: Option<i64>,
    /// What was sold.
    #[serde(with = "crate::wire::fen_opt", default)]
    pub sales: Option<Fen>,
    /// Orders that were paid.
    pub paid_orders: Option<i64>,
    /// People who paid.
    pub buyers: Option<i64>,
    /// Orders that were made.
    pub orders: Option<i64>,
    /// Clicks on products.
    pub clicks: Option<i64>,
    /// What was given back.
    #[serde(with = "crate::wire::fen_opt", default)]
    pub refunded: Option<Fen>,
    /// Orders given back.
    pub refunds: Option<i64>,
}

/// A product of a room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveProduct {
    /// Its id at the shop it comes from.
    pub product_id: String,
    /// Its title.
    pub title: String,
    /// What was sold of it.
    #[serde(with = "crate::wire::fen_opt", default)]
    pub sales: Option<Fen>,
    /// Orders that were paid.
    pub paid_orders: Option<i64>,
    /// People who looked at it.
    pub clicks: Option<i64>,
    /// How often it was explained.
    pub explained: Option<i64>,
}
