//! The control call for the clock: stopped at a moment, moved on, or with the wall's again.

use crate::clock::Now;
use crate::control::{Reply, refuse, reply};
use crate::core::Core;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

/// The year 2200: room for every deadline that is added.
const LATEST: u64 = 7_258_118_400;

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/sandbox/api/clock").route(web::get().to(show)).route(web::post().to(change)),
    );
}

/// One of the three.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Change {
    /// Stands still at this moment, seconds since 1970.
    At(u64),
    /// Stands still so many seconds after now.
    AdvanceSeconds(u64),
    /// Goes with the wall's again.
    Running(bool),
}

fn shown(core: &Core) -> Reply {
    Ok(json!({ "at": core.now().seconds(), "stopped": core.clock.stopped().is_some() }))
}

async fn show(core: web::Data<Core>) -> HttpResponse {
    reply(shown(&core))
}

async fn change(change: web::Json<Change>, core: web::Data<Core>) -> HttpResponse {
    let at = match change.into_inner() {
        Change::At(seconds) => Some(seconds.saturating_mul(1_000)),
        Change::AdvanceSeconds(seconds) => {
            Some(core.now().millis().saturating_add(seconds.saturating_mul(1_000)))
        }
        Change::Running(true) => None,
        Change::Running(false) => Some(core.now().millis()),
    };
    if at.is_some_and(|at| at > LATEST * 1_000) {
        return reply(Err(refuse("the clock stands before the year 2200")));
    }
    core.clock.set(at.map(Now));
    // What became due is done at once.
    core.due.notify_one();
    reply(shown(&core))
}
