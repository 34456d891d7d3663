//! Channels accounts 视频号: their window, live rooms, figures and leads, as the assistant's interfaces tell of them.
//!
//! From `doc/channels/API/{windowproduct,live,livedashboard,leads}` of developers.weixin.qq.com. A room is begun by a person,
//! on the page `/live` or through the control calls: the platform has no interface for it.

mod leads;
mod live;
mod page;
mod play;
mod window;

use crate::calls::{Call, Route};
use crate::errors::{WxError, error};
use crate::state::{Account, AccountKind};
use actix_web::web;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const TABLES: [&[Route]; 3] = [window::ROUTES, live::ROUTES, leads::ROUTES];
/// What a channels account grants a component: leads, figures of live rooms with forms, figures, the window.
pub const SETS: &[i64] = &[143, 160, 176, 177];

const MOST: usize = 1_000;

pub fn routes(config: &mut web::ServiceConfig) {
    play::routes(config);
    page::routes(config);
}

/// What a channels account has.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Finder {
    /// `sph…`, by which orders name the account.
    pub finder_id: String,
    pub fans: u64,
    /// Stores that are bound to the account; only their products come into the window.
    pub stores: Vec<String>,
    pub window: Vec<WindowProduct>,
    pub rooms: BTreeMap<String, Room>,
    pub reservations: BTreeMap<String, Reservation>,
    pub forms: BTreeMap<String, Form>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct WindowProduct {
    pub product_id: u64,
    pub appid: String,
    pub hidden: bool,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Room {
    pub title: String,
    /// By which orders name the room; no document says that it is the id of the interfaces.
    pub live_id: String,
    pub began: u64,
    /// Second of its end; nothing while it is on.
    pub ended: Option<u64>,
    /// What the dashboard's summary says, by the platform's names.
    pub summary: BTreeMap<String, u64>,
    /// How often a product was explained, by id.
    pub explained: BTreeMap<u64, u64>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Reservation {
    pub title: String,
    pub start_time: u64,
    /// 0 open, 1 cancelled, 2 used.
    pub status: u64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Form {
    pub title: String,
    /// 1 draft, 2 in audit, 3 refused, 4 accepted, 5 deleted.
    pub status: u64,
    pub leads: Vec<Lead>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Lead {
    pub time: u64,
    pub live_start_time: u64,
    /// Question and answer.
    pub answers: Vec<(String, String)>,
}

/// The account of the call, if it is a channels account.
fn own<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Account, WxError> {
    let account = call.account()?;
    if account.kind == AccountKind::ChannelsAccount { Ok(account) } else { Err(error(48001)) }
}

/// A place in a list as the platform hands it out.
fn buffer(place: usize) -> String {
    format!("B{place}")
}

fn place(buffer: &str) -> Result<usize, WxError> {
    match buffer {
        "" => Ok(0),
        text => text.strip_prefix('B').and_then(|place| place.parse().ok()).ok_or_else(|| error(40097)),
    }
}
