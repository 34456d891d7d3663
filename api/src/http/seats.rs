//! Several consoles in one browser. Each tenant that somebody is logged in to has a seat: a cookie of its own,
//! and its place in the address, `/console/merchant~k3f9ab2c/orders`. So two tabs work in two merchants, and
//! whoever logs out leaves one seat only.
//!
//! [`resolve`] takes the seat out of the address before routing, so that handlers and templates know plain
//! paths only, and puts it back into `Location`; [`put_into`] puts it into the links and forms of a page. A
//! path below a seat may also be one of the API (`/console/merchant~k3f9ab2c/api/v1/media/…`), for pictures,
//! downloads and scripts of a page. A plain page address leads to the seat that was used last.

use super::extract::Call;
use crate::app::auth::ConsoleSession;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::uri::{PathAndQuery, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use qianpu_domain::access::Surface;
use qianpu_domain::ids::TenantId;
use std::fmt;

/// The browser's seats, the one used last first. It proves nothing: the cookies of the seats do.
const ORDER: &str = "qp_seats";
/// Most seats of one browser; logging in to one more gives up the one used longest ago.
const MOST: usize = 10;
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SHORT: usize = 8;

/// One tenant's console in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    surface: Surface,
    name: String,
}

/// Marks a request whose session was found at this seat.
#[derive(Debug, Clone)]
struct Taken(Seat);

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.surface.as_str(), self.name)
    }
}

impl Seat {
    /// The seat of a tenant: the last 40 bits of its id, which are random. Two tenants of one seat in one
    /// browser would log each other out, and no more: the cookie holds the whole id and the session's token.
    pub fn of(surface: Surface, tenant: TenantId) -> Self {
        let bits = tenant.0.as_u128();
        let letter = |place: usize| {
            let five = usize::try_from((bits >> (5 * (SHORT - 1 - place))) & 31).unwrap_or(0);
            char::from(LETTERS.get(five).copied().unwrap_or(b'0'))
        };
        Self { surface, name: (0..SHORT).map(letter).collect() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (surface, name) = text.split_once('~')?;
        let surface = Surface::parse(surface)?;
        let fits = name.len() == SHORT && name.bytes().all(|letter| LETTERS.contains(&letter));
        fits.then(|| Self { surface, name: name.to_owned() })
    }

    /// The surface.
    pub fn surface(&self) -> Surface {
        self.surface
    }
    /// The address of the console's first page, without a slash at its end.
    pub fn home(&self) -> String {
        format!("/console/{self}")
    }
    /// The name of its cookie.
    pub fn cookie(&self) -> String {
        format!("qp_{}_{}", self.surface.as_str(), self.name)
    }
    /// The same address at this seat: pages of the same surface, and the API.
    pub fn address(&self, plain: &str) -> String {
        let pages = format!("/console/{}", self.surface.as_str());
        match plain.strip_prefix(&pages) {
            Some(rest) if ends_a_name(rest) => format!("{}{rest}", self.home()),
            _ if plain.starts_with("/api/v1/") => format!("{}{plain}", self.home()),
            _ => plain.to_owned(),
        }
    }
    fn removal(&self) -> Cookie<'static> {
        let mut cookie = Cookie::build(self.cookie(), "").path("/").finish();
        cookie.make_removal();
        cookie
    }
}

fn ends_a_name(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['/', '?', '#', '"'])
}

/// The seat in a path, and the path without it.
fn split(path: &str) -> Option<(Seat, String)> {
    let rest = path.strip_prefix("/console/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (seat, rest) = rest.split_at_checked(end)?;
    let seat = Seat::parse(seat)?;
    let plain = if rest.starts_with("/api/v1/") {
        rest.to_owned()
    } else {
        format!("/console/{}{rest}", seat.surface.as_str())
    };
    Some((seat, plain))
}

/// The seats of this browser, the one used last first.
pub fn in_browser(request: &HttpRequest) -> Vec<Seat> {
    let Ok(cookies) = request.cookies() else { return Vec::new() };
    let named = |name: &str| cookies.iter().find(|cookie| cookie.name() == name);
    let order = named(ORDER).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let mut seats: Vec<Seat> = Vec::new();
    let by_use = order.split('.').filter_map(Seat::parse).filter(|seat| named(&seat.cookie()).is_some());
    let others = cookies.iter().filter_map(|cookie| {
        let (surface, name) = cookie.name().strip_prefix("qp_")?.split_once('_')?;
        Seat::parse(&format!("{surface}~{name}"))
    });
    for seat in by_use.chain(others) {
        if !seats.contains(&seat) && seats.len() < MOST {
            seats.push(seat);
        }
    }
    seats
}

/// The seat in the address of a request.
pub fn asked_for(request: &HttpRequest) -> Option<Seat> {
    request.extensions().get::<Seat>().cloned()
}

/// Remembers that the session of the request was found at a seat.
pub fn take(request: &HttpRequest, seat: Seat) {
    request.extensions_mut().insert(Taken(seat));
}

/// The seat at which the session of the request was found.
pub fn taken(request: &HttpRequest) -> Option<Seat> {
    request.extensions().get::<Taken>().map(|taken| taken.0.clone())
}

/// The middleware: from addresses with a seat to plain ones, and back in redirects.
pub(super) async fn resolve(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some((seat, plain)) = split(request.path()) {
        request.extensions_mut().insert(seat);
        set_path(&mut request, &plain);
    } else if let Some(to) = seated(&request) {
        let response = HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish();
        return Ok(request.into_response(response));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, mut response) = response.into_parts();
    let Some(seat) = taken(&request) else { return Ok(ServiceResponse::new(request, response)) };
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    if let Some(to) = location.map(|plain| seat.address(plain))
        && let Ok(value) = HeaderValue::from_str(&to)
    {
        response.headers_mut().insert(header::LOCATION, value);
    }
    // Setting cookies itself, the handler knows better.
    let set = response.cookies().any(|cookie| cookie.name() == ORDER);
    let known = in_browser(&request);
    if !set && asked_for(&request).is_some() && known.first() != Some(&seat) {
        let order = order_of(&request, std::iter::once(seat.clone()).chain(known));
        drop(response.add_cookie(&order));
    }
    Ok(ServiceResponse::new(request, response))
}

/// Where a plain address of a page leads when somebody is logged in.
fn seated(request: &ServiceRequest) -> Option<String> {
    let pages = request.path().strip_prefix("/console/")?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let surface = Surface::parse(pages.split('/').next()?)?;
    let seat = in_browser(request.request()).into_iter().find(|seat| seat.surface == surface)?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", seat.address(request.path())))
}

/// Lets routing see another path than the one that was asked for; the query stays.
pub(super) fn set_path(request: &mut ServiceRequest, path: &str) {
    let mut parts = request.uri().clone().into_parts();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let Ok(path) = PathAndQuery::try_from(format!("{path}{query}")) else { return };
    parts.path_and_query = Some(path);
    let Ok(uri) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// Attributes of our own templates that hold addresses.
const ADDRESSES: [&str; 4] = ["href", "action", "src", "formaction"];

/// Puts the seat into the links and forms of a page. Only whole attributes begin with `="/`: what people
/// typed is escaped, quotes and equals signs included.
pub fn put_into(html: &str, seat: &Seat) -> String {
    let mut page = String::with_capacity(html.len() + html.len() / 16);
    let mut rest = html;
    while let Some(at) = rest.find("=\"/") {
        let (before, after) = rest.split_at(at + 2);
        page.push_str(before);
        let name = before.get(..at).unwrap_or_default();
        let end = after.find('"').unwrap_or(after.len());
        let (value, tail) = after.split_at(end);
        if ADDRESSES.iter().any(|address| name.ends_with(&format!(" {address}"))) {
            page.push_str(&seat.address(value));
        } else {
            page.push_str(value);
        }
        rest = tail;
    }
    page.push_str(rest);
    page
}

fn order_of(request: &HttpRequest, seats: impl Iterator<Item = Seat>) -> Cookie<'static> {
    let mut order: Vec<String> = Vec::new();
    for seat in seats {
        let text = seat.to_string();
        if !order.contains(&text) && order.len() < MOST {
            order.push(text);
        }
    }
    let state = request.app_data::<actix_web::web::Data<crate::state::AppState>>();
    let (secure, days) =
        state.map_or((true, 1), |state| (state.config.cookies_are_secure(), state.config.login.session_days));
    kept(ORDER.to_owned(), order.join("."), secure, days)
}

fn kept(name: String, value: String, secure: bool, days: i64) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(days))
        .finish()
}

/// Gives a browser the session that has just begun; its other seats stay.
pub fn sit_down(call: &Call, response: &mut HttpResponse, session: ConsoleSession) -> Seat {
    let seat = Seat::of(session.surface, session.tenant);
    let config = &call.state.config;
    let cookie = kept(seat.cookie(), session.cookie, config.cookies_are_secure(), config.login.session_days);
    let others: Vec<Seat> = in_browser(&call.request).into_iter().filter(|other| *other != seat).collect();
    let left = others.iter().skip(MOST - 1).map(Seat::removal);
    let order = order_of(&call.request, std::iter::once(seat.clone()).chain(others.iter().cloned()));
    for cookie in left.chain([cookie, order]) {
        // Fails only for a cookie that is no header value; ours are plain words.
        drop(response.add_cookie(&cookie));
    }
    seat
}

/// Takes a seat away from a browser: after logging out, or when its session has ended.
pub fn stand_up(request: &HttpRequest, response: &mut HttpResponse, seat: &Seat) {
    let others = in_browser(request).into_iter().filter(|other| other != seat);
    drop(response.add_cookie(&order_of(request, others)));
    drop(response.add_cookie(&seat.removal()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn seat() -> Seat {
        Seat::of(Surface::Merchant, TenantId(Uuid::from_u128(0x1f_0000_0000_0123_4567)))
    }

    #[test]
    fn a_seat_is_read_as_it_is_written() {
        let seat = seat();
        assert_eq!(seat.to_string(), "merchant~000j6hb7");
        assert_eq!(Seat::parse(&seat.to_string()), Some(seat.clone()));
        assert_eq!(seat.cookie(), "qp_merchant_000j6hb7");
        for wrong in ["merchant~", "merchant~000j6hb", "merchant~000j6hbi", "king~000j6hb7", "merchant", ""] {
            assert_eq!(Seat::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_seat_is_taken_out_of_an_address() {
        for (with, plain) in [
            ("/console/merchant~000j6hb7", "/console/merchant"),
            ("/console/merchant~000j6hb7/", "/console/merchant/"),
            ("/console/merchant~000j6hb7/orders/x", "/console/merchant/orders/x"),
            ("/console/merchant~000j6hb7/api/v1/media/x/content", "/api/v1/media/x/content"),
        ] {
            assert_eq!(split(with), Some((seat(), plain.to_owned())), "{with}");
        }
        for other in
            ["/console/merchant/orders", "/console", "/console/merchant~x/orders", "/s/merchant~000j6hb7"]
        {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn only_addresses_of_the_own_console_and_the_api_get_the_seat() {
        let page = concat!(
            r#"<a href="/console/merchant">a</a><a class="x" href="/console/merchant/orders?state=paid">b</a>"#,
            r#"<form action="/console/merchant/logout"><img src="/api/v1/media/m/content">"#,
            r#"<a href="/console/provider/x">c</a><a href="/console/merchants">d</a><a href="/s/x/">e</a>"#,
            r#"<input value="/console/merchant/orders"><p>=&quot;/console/merchant/</p>"#,
        );
        let seated = concat!(
            r#"<a href="/console/merchant~000j6hb7">a</a><a class="x" href="/console/merchant~000j6hb7/orders?state=paid">b</a>"#,
            r#"<form action="/console/merchant~000j6hb7/logout"><img src="/console/merchant~000j6hb7/api/v1/media/m/content">"#,
            r#"<a href="/console/provider/x">c</a><a href="/console/merchants">d</a><a href="/s/x/">e</a>"#,
            r#"<input value="/console/merchant/orders"><p>=&quot;/console/merchant/</p>"#,
        );
        assert_eq!(put_into(page, &seat()), seated);
    }
}
