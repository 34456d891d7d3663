//! Where a third-party app sends a person's browser: who asks, for what, and where the answer goes. The entry finds out
//! in which console the person is logged in; the page itself is that console's.

use super::api_keys::{Choice, permission_choice};
use crate::app::oauth::authorize::{self, Asked, Read, Request, Stop};
use crate::error::Answer;
use crate::http::extract::{Authed, Call, Fields, Open, logged_in};
use crate::http::route::PageRoutes;
use crate::pages::respond::{PageAnswer, render};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use qianpu_domain::access::Surface;
use qianpu_tenants::authz::{Caller, perm};
use serde::Serialize;

const ENTRY: &str = "/console/oauth/authorize";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(ENTRY, oauth_entry);
    for surface in [Surface::Provider, Surface::Merchant] {
        pages.get(&place(surface), consent_page);
        pages.post(&place(surface), consent_form);
    }
}

fn place(surface: Surface) -> String {
    format!("/console/{}/oauth/authorize", surface.as_str())
}

fn asked_in_address(call: &Call) -> Asked {
    let pairs = url::form_urlencoded::parse(call.request.query_string().as_bytes()).take(50);
    Asked::new(pairs.map(|(name, value)| (name.replace('\0', ""), value.replace('\0', ""))))
}

#[derive(Serialize)]
struct StoppedView {
    why: &'static str,
}

/// An error that the person sees, because there is no address that may be trusted with it.
fn stopped(call: &Call, caller: Option<&Caller>, stop: Stop) -> PageAnswer {
    render(call, caller, StatusCode::BAD_REQUEST, "oauth/stopped", StoppedView { why: stop.word() })
}

#[derive(Serialize)]
struct Place {
    href: String,
    tenant: String,
    person: String,
    surface: &'static str,
}

#[derive(Serialize)]
struct PlacesView {
    app: String,
    places: Vec<Place>,
}

/// Who is logged in here: one console is gone to at once, several are chosen from, none means to log in first.
async fn oauth_entry(open: Open) -> PageAnswer {
    let asked = asked_in_address(&open);
    let request = match authorize::read(&open.state, open.request_id(), &asked).await? {
        Read::Good(request) => request,
        Read::Back(to) => return Ok(open.redirect(&to)),
        Read::Stopped(stop) => return stopped(&open, None, stop),
    };
    let mut places = Vec::new();
    for (seat, caller, person) in logged_in(&open).await? {
        let surface = seat.surface();
        if surface != Surface::Operator && authorize::may_be_asked(&caller, &request).is_ok() {
            let here = seat.address(&place(surface));
            places.push(Place {
                href: format!("{here}?{}", open.request.query_string()),
                tenant: caller.tenant_name().to_owned(),
                person: person.name,
                surface: surface.as_str(),
            });
        }
    }
    match places.as_slice() {
        [] => {
            let back = format!("{ENTRY}?{}", open.request.query_string());
            let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
            Ok(open.redirect(&format!("/console/login?next={back}")))
        }
        [only] => Ok(open.redirect(&only.href)),
        _ => open.page("oauth/places", PlacesView { app: request.app.facts.name.clone(), places }),
    }
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct ConsentView {
    at: String,
    app: String,
    publisher: String,
    homepage: String,
    /// Host that the answer goes to, and the whole address.
    host: String,
    redirect_uri: String,
    tenant: String,
    person: String,
    email: String,
    given: Vec<Choice>,
    /// What is asked for and the person does not have.
    lacking: Vec<Choice>,
    parameters: Vec<Parameter>,
    other: String,
}

type Asks<T = ()> = Authed<perm::SelfManage, T>;

/// The request when this person may be asked; else the answer that ends it.
async fn read<T>(auth: &Asks<T>, asked: &Asked) -> Answer<Result<Box<Request>, HttpResponse>> {
    let request = match authorize::read(&auth.state, auth.request_id(), asked).await? {
        Read::Good(request) => request,
        Read::Back(to) => return Ok(Err(auth.redirect(&to))),
        Read::Stopped(stop) => return Ok(Err(stopped(auth, Some(&auth.caller), stop)?)),
    };
    match authorize::may_be_asked(&auth.caller, &request) {
        Ok(()) => Ok(Ok(request)),
        Err(stop) => Ok(Err(stopped(auth, Some(&auth.caller), stop)?)),
    }
}

async fn consent_page(auth: Asks) -> PageAnswer {
    let asked = asked_in_address(&auth);
    let request = match read(&auth, &asked).await? {
        Ok(request) => request,
        Err(ended) => return Ok(ended),
    };
    let person = auth.caller.person()?;
    let can = authorize::can_allow(&auth.caller, &request);
    let (given, lacking): (Vec<_>, Vec<_>) = request.scopes.iter().partition(|one| can.contains(*one));
    let choices = |from: Vec<_>| from.into_iter().map(|one| permission_choice(&auth, one, true)).collect();
    let host = request.redirect_uri.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
    let view = ConsentView {
        at: place(auth.caller.surface()),
        host: host.unwrap_or_default().to_owned(),
        app: request.app.facts.name.clone(),
        publisher: request.app.facts.publisher.clone(),
        homepage: request.app.facts.homepage.clone(),
        redirect_uri: request.redirect_uri.clone(),
        tenant: auth.caller.tenant_name().to_owned(),
        person: person.name.clone(),
        email: person.email.clone(),
        given: choices(given),
        lacking: choices(lacking),
        parameters: asked
            .pairs()
            .iter()
            .map(|(name, value)| Parameter { name: name.clone(), value: value.clone() })
            .collect(),
        other: format!("/console/login?next={}", {
            let back = format!("{ENTRY}?{}", auth.request.query_string());
            url::form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>()
        }),
    };
    auth.page("oauth/consent", view)
}

async fn consent_form(auth: Asks<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let asked = Asked::new(fields.0.iter().cloned());
    let request = match read(&auth, &asked).await? {
        Ok(request) => request,
        Err(ended) => return Ok(ended),
    };
    let to = match fields.text("answer") {
        "allow" => authorize::allow(&auth.state, &auth.caller, &auth.grant, &request).await?,
        _ => authorize::refuse(&auth.state, &request),
    };
    Ok(auth.redirect(&to))
}
