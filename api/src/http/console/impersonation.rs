//! Acting in somebody else's tenant by page: beginning it from the page of the merchant or provider, ending it from the
//! banner on each page, and the tenant's own list of who did.

use super::apply::may_be_mended;
use super::login::sit_down;
use crate::app::auth::ConsoleSession;
use crate::app::impersonation::{self, StartImpersonation, Started, TOKEN_PREFIX};
use crate::error::Answer;
use crate::http::extract::{Authed, Call, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::seats::{self, Seat};
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Surface;
use qianpu_domain::ids::{ImpersonationId, TenantId};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.post("/console/provider/merchants/{merchant_id}/impersonate", merchant_form);
    pages.post("/console/operator/providers/{provider_id}/impersonate", provider_form);
    for surface in [Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, impersonations_page);
        pages.post(&format!("{home}/{{impersonation_id}}/end"), end_form);
        pages.post(&format!("/console/{}/impersonation/end", surface.as_str()), end_own_form);
    }
}

fn home_of(surface: Surface) -> String {
    format!("/console/{}/impersonations", surface.as_str())
}

type Starts = Authed<perm::Impersonate, (Path<TenantId>, Fields)>;

async fn begin(auth: &Starts, back: String) -> PageAnswer {
    let (Path(tenant), fields) = &auth.input;
    let minutes = fields.text("minutes");
    let command = StartImpersonation {
        tenant: *tenant,
        reason: fields.text("reason").to_owned(),
        // What is no number is out of range.
        minutes: (!minutes.is_empty()).then(|| minutes.parse().unwrap_or(0)),
    };
    match impersonation::start(&auth.state, &auth.caller, &auth.grant, &command).await {
        Ok(started) => opened(auth, started).await,
        Err(error) if may_be_mended(&error) => {
            Ok(auth.redirect_with(&Flash::failure("impersonation.refused"), &back))
        }
        Err(error) => Err(error),
    }
}

/// The visited console takes a seat of its own in the browser, beside the visitor's own one.
async fn opened(call: &Call, started: Started) -> PageAnswer {
    let session = ConsoleSession {
        cookie: format!("{TOKEN_PREFIX}{}", started.secret),
        surface: started.surface,
        tenant: started.tenant,
    };
    let home = Seat::of(started.surface, started.tenant).home();
    // The banner says it; a flash would lie over it.
    let mut response = call.redirect(&home);
    sit_down(call, &mut response, session).await?;
    Ok(response)
}

async fn merchant_form(auth: Starts) -> PageAnswer {
    let back = format!("/console/provider/merchants/{}", auth.input.0.0);
    begin(&auth, back).await
}

async fn provider_form(auth: Starts) -> PageAnswer {
    let back = format!("/console/operator/providers/{}", auth.input.0.0);
    begin(&auth, back).await
}

async fn end_own_form(auth: Authed<perm::SelfRead, Fields>) -> PageAnswer {
    let surface = auth.caller.surface();
    impersonation::end_own(&auth.state, &auth.caller, &auth.grant).await?;
    let above = if surface == Surface::Merchant { Surface::Provider } else { Surface::Operator };
    let seat = seats::in_browser(&auth.request).into_iter().find(|seat| seat.surface() == above);
    let back = seat.map_or_else(|| "/console/login".to_owned(), |seat| seat.home());
    let mut response = auth.redirect_with(&Flash::success("impersonation.ended"), &back);
    seats::stand_up(&auth.request, &mut response, &Seat::of(surface, auth.caller.tenant()));
    Ok(response)
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Row {
    at: String,
    actor: String,
    from: String,
    reason: String,
    state: &'static str,
    started_at: i64,
    /// When it was over, or will be.
    until: i64,
    ended_by: String,
    goes_on: bool,
}

#[derive(Serialize)]
struct ListView {
    rows: Vec<Row>,
    next_page: Option<String>,
}

async fn impersonations_page(auth: Authed<perm::ImpersonationManage, Query<PageQuery>>) -> PageAnswer {
    let home = home_of(auth.caller.surface());
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = impersonation::list(&auth.state, &auth.grant, page).await?;
    let now = auth.state.clock().now();
    let next_page = found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next)));
    let rows = found.items.into_iter().map(|one| Row {
        at: format!("{home}/{}", one.id),
        goes_on: one.is_alive(now),
        state: if one.is_alive(now) { "running" } else { "over" },
        until: one.ended_at.unwrap_or(one.expires_at).micros(),
        actor: one.actor_name,
        from: one.actor_tenant_name,
        reason: one.reason,
        started_at: one.created_at.micros(),
        ended_by: one.ended_by.unwrap_or_default(),
    });
    auth.page("impersonation/list", ListView { rows: rows.collect(), next_page })
}

async fn end_form(auth: Authed<perm::ImpersonationManage, (Path<ImpersonationId>, Fields)>) -> PageAnswer {
    let ended: Answer<_> = impersonation::end(&auth.state, &auth.caller, &auth.grant, auth.input.0.0).await;
    let flash = match ended {
        Ok(_) => Flash::success("impersonation.ended"),
        Err(error) if may_be_mended(&error) => Flash::failure("impersonation.over_already"),
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &home_of(auth.caller.surface())))
}
