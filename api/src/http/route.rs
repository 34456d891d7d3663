//! The route table. A handler is registered once, with its path; its permission, parameters, body and
//! answer are read from its types. From this one table come the routes of the server, the OpenAPI
//! document and the policy table, so none of them can say something else than the others.

use super::describe::{Answered, Draft};
use super::extract::{Access, Gate, Input, caught};
use crate::error::ApiError;
use actix_web::http::{Method, header};
use actix_web::{Handler, HttpRequest, HttpResponse, Resource, Responder, ResponseError, Scope, guard, web};
use qianpu_domain::error::ErrorCode;
use std::collections::BTreeMap;
use std::time::Duration;

type MakeRoute = Box<dyn Fn() -> actix_web::Route>;

/// One operation.
pub struct Entry {
    pub method: Method,
    pub path: String,
    /// Name of the handler; the `operationId` of API operations.
    pub id: &'static str,
    pub access: Access,
    /// Short text for the document; none for pages.
    pub summary: Option<&'static str>,
    pub(super) describe: fn(&mut Draft),
    make: MakeRoute,
}

/// All operations, in the order of their registration.
#[derive(Default)]
pub struct Routes {
    entries: Vec<Entry>,
}

/// Registers operations of the JSON API, below `/api/v1`.
pub struct Api<'a>(&'a mut Routes);
/// Registers pages, with their whole path.
pub struct PageRoutes<'a>(&'a mut Routes);

macro_rules! api_methods {
    ($($name:ident => $method:ident),+) => {$(
        pub fn $name<H, G>(&mut self, path: &str, handler: H, summary: &'static str)
        where
            H: Handler<(G,), Output: Responder + Answered + 'static>,
            G: Gate,
        {
            let path = format!("{}{path}", super::v1::PREFIX);
            self.0.add::<H, G>(Method::$method, path, handler, Some(summary), |draft| {
                <G::Reads as Input>::describe(draft);
                <H::Output as Answered>::describe(draft);
            });
        }
    )+};
}

impl Api<'_> {
    api_methods!(get => GET, post => POST, put => PUT, patch => PATCH, delete => DELETE);
}

macro_rules! page_methods {
    ($($name:ident => $method:ident),+) => {$(
        pub fn $name<H, G>(&mut self, path: &str, handler: H)
        where
            H: Handler<(G,), Output: Responder + 'static>,
            G: Gate,
        {
            self.0.add::<H, G>(Method::$method, path.to_owned(), handler, None, |_| {});
        }
    )+};
}

impl PageRoutes<'_> {
    page_methods!(get => GET, post => POST);
}

impl Routes {
    pub fn api(&mut self) -> Api<'_> {
        Api(self)
    }
    pub fn pages(&mut self) -> PageRoutes<'_> {
        PageRoutes(self)
    }
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn add<H, G>(
        &mut self,
        method: Method,
        path: String,
        handler: H,
        summary: Option<&'static str>,
        describe: fn(&mut Draft),
    ) where
        H: Handler<(G,), Output: Responder + 'static>,
        G: Gate,
    {
        let id = std::any::type_name::<H>().rsplit("::").next().unwrap_or_default();
        let own = method.clone();
        let make: MakeRoute = Box::new(move || {
            let route = match own {
                // A page or resource that can be read can be asked for its head.
                Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
                _ => web::method(own.clone()),
            };
            let handler = handler.clone();
            route.to(move |request: HttpRequest, gate: G| {
                let handler = handler.clone();
                let work = async move { Ok::<_, ApiError>(handler.call((gate,)).await) };
                caught(&request, Duration::ZERO, work)
            })
        });
        self.entries.push(Entry { method, path, id, access: G::ACCESS, summary, describe, make });
    }

    /// Puts the table into a server. Paths with fixed words go before those with parameters, so the order
    /// of registration does not matter; a known path with another method answers 405.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let mut by_path: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            by_path.entry(entry.path.replace('{', "\u{10ffff}{")).or_default().push(entry);
        }
        let places: Vec<Place<'_>> = by_path.into_values().filter_map(Place::of).collect();
        for branch in branches(&places.iter().collect::<Vec<_>>(), 0) {
            match branch {
                Branch::Resource(resource) => config.service(resource),
                Branch::Scope(scope) => config.service(scope),
            };
        }
    }
}

/// A path with what may be done there.
struct Place<'a> {
    segments: Vec<&'a str>,
    entries: Vec<&'a Entry>,
}

enum Branch {
    Resource(Resource),
    Scope(Scope),
}

impl<'a> Place<'a> {
    fn of(entries: Vec<&'a Entry>) -> Option<Self> {
        let segments = entries.first()?.path.strip_prefix('/')?.split('/').collect();
        Some(Self { segments, entries })
    }

    /// The resource, below a scope of the first `depth` segments.
    fn resource(&self, depth: usize) -> Resource {
        let rest: String = self.segments.iter().skip(depth).flat_map(|segment| ["/", segment]).collect();
        let mut resource = web::resource(rest);
        for entry in &self.entries {
            resource = resource.route((entry.make)());
        }
        let allowed = self.entries.iter().map(|entry| entry.method.as_str()).collect::<Vec<_>>().join(", ");
        resource.default_service(web::to(move || {
            let allowed = allowed.clone();
            async move {
                let mut response = ApiError::new(ErrorCode::MethodNotAllowed).error_response();
                if let Ok(value) = header::HeaderValue::from_str(&allowed) {
                    response.headers_mut().insert(header::ALLOW, value);
                }
                response
            }
        }))
    }
}

/// The places below a scope of `depth` segments, which all of them share. A request tries one pattern after the other,
/// twice, and those with parameters are slow; so a word that begins several paths is looked at once for all of them.
/// A scope that was entered is not left again, so there is none where a parameter could stand for its word.
fn branches(places: &[&Place<'_>], depth: usize) -> Vec<Branch> {
    let parameter = |place: &&&Place<'_>| place.segments.get(depth).is_some_and(|word| word.contains('{'));
    if places.iter().any(|place| parameter(&place)) {
        return places.iter().map(|place| Branch::Resource(place.resource(depth))).collect();
    }
    let mut by_word: BTreeMap<Option<&str>, Vec<&Place<'_>>> = BTreeMap::new();
    for place in places {
        by_word.entry(place.segments.get(depth).copied()).or_default().push(place);
    }
    by_word
        .into_iter()
        .map(|(word, group)| match group.as_slice() {
            [only] => Branch::Resource(only.resource(depth)),
            _ => {
                let scope = web::scope(&format!("/{}", word.unwrap_or_default()));
                let below = branches(&group, depth + 1).into_iter();
                Branch::Scope(below.fold(scope, |scope, branch| match branch {
                    Branch::Resource(resource) => scope.service(resource),
                    Branch::Scope(inner) => scope.service(inner),
                }))
            }
        })
        .collect()
}

/// What answers where nothing is.
pub async fn nothing_here(_: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found())
}
