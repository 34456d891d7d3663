//! The route table. A handler is registered once, with its path; its permission, parameters, body and
//! answer are read from its types. From this one table come the routes of the server, the OpenAPI
//! document and the policy table, so none of them can say something else than the others.

use super::describe::{Answered, Draft};
use super::extract::{Access, Gate, Input, caught};
use crate::error::ApiError;
use actix_web::http::{Method, header};
use actix_web::{Handler, HttpRequest, HttpResponse, Responder, ResponseError, guard, web};
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
        for entries in by_path.values() {
            let Some(first) = entries.first() else { continue };
            let mut resource = web::resource(first.path.as_str());
            for entry in entries {
                resource = resource.route((entry.make)());
            }
            let allowed = entries.iter().map(|entry| entry.method.as_str()).collect::<Vec<_>>().join(", ");
            resource = resource.default_service(web::to(move || {
                let allowed = allowed.clone();
                async move {
                    let mut response = ApiError::new(ErrorCode::MethodNotAllowed).error_response();
                    if let Ok(value) = header::HeaderValue::from_str(&allowed) {
                        response.headers_mut().insert(header::ALLOW, value);
                    }
                    response
                }
            }));
            config.service(resource);
        }
    }
}

/// What answers where nothing is.
pub async fn nothing_here(_: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found())
}
