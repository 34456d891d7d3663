//! What else is within one click of a console: the other tenants of the person, and the other consoles that
//! are open in the same browser.

use super::gate::{Call, open_seats};
use crate::app::auth::workplaces;
use crate::error::Answer;
use crate::http::seats;
use qianpu_tenants::authz::{Caller, Person};
use qianpu_tenants::resolve::has_memberships;
use serde::Serialize;

/// Another console. Kept with the request for the frame of its page.
#[derive(Debug, Clone, Serialize)]
pub struct Neighbour {
    name: String,
    surface: &'static str,
    /// Public id of the tenant.
    tenant: String,
    /// Its address, when it is open in this browser already.
    open: Option<String>,
    /// Who is logged in there, when it is another log-in.
    other_log_in: Option<String>,
}

/// The neighbours of a console, those that are open first.
pub(super) async fn neighbours(call: &Call, caller: &Caller) -> Answer<Vec<Neighbour>> {
    // Whoever acts in somebody else's tenant has no other ones there, but the way back.
    let own = caller.person().ok();
    let mut found = Vec::new();
    // Most people have one seat, and are never looked up again.
    if seats::in_browser(&call.request).len() > 1 {
        for (seat, other) in open_seats(call).await? {
            if other.tenant() != caller.tenant() {
                found.push(Neighbour {
                    name: other.tenant_name().to_owned(),
                    surface: other.surface().as_str(),
                    tenant: other.tenant().to_string(),
                    open: Some(seat.home()),
                    other_log_in: other_log_in(own, &other),
                });
            }
        }
    }
    let Some(own) = own else { return Ok(found) };
    let at_home = own.home.tenant == caller.tenant();
    if at_home && !has_memberships(&call.state.db, own.home, caller.request_id()).await? {
        return Ok(found);
    }
    for place in workplaces(&call.state, own, caller.request_id()).await? {
        let tenant = place.ctx.tenant().to_string();
        let known = found.iter().any(|other| other.tenant == tenant);
        if !known && place.ctx.tenant() != caller.tenant() {
            let surface = place.ctx.kind().as_str();
            found.push(Neighbour { name: place.name, surface, tenant, open: None, other_log_in: None });
        }
    }
    Ok(found)
}

/// Whose log-in the other console is, when it is not the one of this page.
fn other_log_in(own: Option<&Person>, other: &Caller) -> Option<String> {
    let person = other.person().ok()?;
    own.is_some_and(|own| own.home != person.home).then(|| person.email.clone())
}
