//! The public door: a provider's application page, and the page behind an invitation's link.

use crate::app::applications::{self, StartApplication};
use crate::app::auth::ConsoleSession;
use crate::app::branding;
use crate::app::invitations::{self, Door};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Call, Fields, Open, Path};
use crate::http::host::AtHost;
use crate::http::route::PageRoutes;
use crate::http::seats::{self, Seat};
use crate::http::v1::user_agent;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::{HttpMessage, HttpResponse};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/apply/{provider}", apply_page);
    pages.post("/apply/{provider}", apply_form);
    pages.get("/apply/invited/{token}", invited_page);
    pages.post("/apply/invited/{token}", invited_form);
}

#[derive(Serialize)]
struct ApplyView {
    form: FormView,
    provider: String,
    /// The e-mail an invitation was sent to; empty without one.
    invited: String,
    action: String,
}

/// The door, in the provider's colours.
async fn dressed(call: &Call, door: Door) -> Answer<Door> {
    if AtHost::provider(&call.request).is_some_and(|provider| provider != door.provider.tenant()) {
        return Err(ApiError::not_found());
    }
    if let Some(brand) = branding::shown(&call.state, &door.provider).await? {
        call.request.extensions_mut().insert(brand);
    }
    Ok(door)
}

fn view(call: &Call, door: &Door, form: FormView) -> ApplyView {
    ApplyView {
        form,
        provider: door.provider_name.clone(),
        invited: door.invitation.as_ref().map_or_else(String::new, |invitation| invitation.email.clone()),
        action: call.request.path().to_owned(),
    }
}

async fn apply_page(open: Open<Path<String>>) -> PageAnswer {
    let door = invitations::door_by_slug(&open.state, &open.input.0, open.request_id()).await?;
    let door = dressed(&open, door).await?;
    open.page("onboarding/apply", view(&open, &door, FormView::default()))
}

async fn invited_page(open: Open<Path<String>>) -> PageAnswer {
    let door = invitations::door_by_invitation(&open.state, &open.input.0, open.request_id()).await?;
    let door = dressed(&open, door).await?;
    open.page("onboarding/apply", view(&open, &door, FormView::default()))
}

async fn apply_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let door = invitations::door_by_slug(&open.state, &open.input.0.0, open.request_id()).await?;
    let door = dressed(&open, door).await?;
    begin(&open, &door).await
}

async fn invited_form(open: Open<(Path<String>, Fields)>) -> PageAnswer {
    let door = invitations::door_by_invitation(&open.state, &open.input.0.0, open.request_id()).await?;
    let door = dressed(&open, door).await?;
    begin(&open, &door).await
}

async fn begin(open: &Open<(Path<String>, Fields)>, door: &Door) -> PageAnswer {
    let fields = &open.input.1;
    let password = fields.0.iter().find(|(name, _)| name == "password").map_or("", |(_, value)| value);
    let command = StartApplication {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        password: password.to_owned(),
        lang: open.info.lang,
        address: open.info.address.clone(),
    };
    let agent = user_agent(open);
    match applications::start_with_cookie(&open.state, door, &command, &agent).await {
        Ok((_, session)) => Ok(welcome(open, session)),
        Err(error) if may_be_mended(&error) => {
            let mut kept = fields.clone();
            kept.0.iter_mut().filter(|(name, _)| name == "password").for_each(|(_, value)| value.clear());
            let form = FormView::refused_by(&kept, &error, open.info.lang);
            open.refused_page("onboarding/apply", view(open, door, form))
        }
        Err(error) => Err(error),
    }
}

/// Whether the page is shown again with what is wrong.
pub(super) fn may_be_mended(error: &ApiError) -> bool {
    matches!(error.code().status(), 409 | 422 | 429)
}

fn welcome(call: &Call, session: ConsoleSession) -> HttpResponse {
    let started = Flash::success("onboarding.started");
    let seat = Seat::of(session.surface, session.tenant);
    let mut response = call.redirect_with(&started, &seat.address("/console/merchant/application"));
    seats::sit_down(call, &mut response, session);
    response
}
