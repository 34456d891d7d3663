//! The way back from a platform's authorisation page. The state in the address says whose link it is: the
//! browser may be that of a phone on which nobody is logged in.

use crate::app::channels::link;
use crate::http::extract::{Open, Query};
use crate::http::route::PageRoutes;
use crate::http::seats::Seat;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Surface;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/channels/{channel}/callback", channel_link_callback);
}

#[derive(Deserialize, IntoParams)]
struct CallbackQuery {
    /// Ours.
    state: String,
    /// The platform's; each has its own name for it.
    #[serde(alias = "code")]
    auth_code: String,
}

async fn channel_link_callback(open: Open<Query<CallbackQuery>>) -> PageAnswer {
    let Query(query) = &open.input;
    let linked = link::complete(&open.state, open.request_id(), &query.state, &query.auth_code).await?;
    // The browser may have other merchants' consoles open, used later than this one.
    let seat = Seat::of(Surface::Merchant, linked.tenant);
    let to = seat.address(&format!("/console/merchant/channel_accounts/{}", linked.account));
    Ok(open.redirect_with(&Flash::success("channels.linked"), &to))
}
