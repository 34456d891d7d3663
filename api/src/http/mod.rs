//! HTTP: the application as the server and the tests run it. Where things are:
//! [`v1`] the JSON API, [`console`] pages for staff, [`extract`] what handlers take, [`route`] the route
//! table, [`problem`] errors, [`server`] starting and stopping.

pub mod assets;
mod audit_export;
pub mod console;
pub mod describe;
pub mod extract;
mod hooks;
pub mod host;
pub mod idempotent;
pub mod limits;
pub mod oauth;
pub mod openapi;
mod ops;
pub mod problem;
pub mod rates;
pub mod request;
pub mod route;
pub mod seats;
mod security;
pub mod server;
mod storefront;
pub mod v1;
pub mod wire;

use crate::state::AppState;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, Error, HttpRequest, web};
use route::Routes;

/// Every operation of the product. A new resource is one line in [`v1::register`], a new area of pages
/// one line in [`console::register`].
pub fn routes() -> Routes {
    let mut routes = Routes::default();
    v1::register(&mut routes.api());
    console::register(&mut routes.pages());
    storefront::register(&mut routes.pages());
    hooks::routes(&mut routes.pages());
    oauth::routes(&mut routes.pages());
    routes
}

/// The application. Built once per worker, and by tests.
pub fn build_app(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let routes = routes();
    App::new()
        .app_data(web::Data::new(state))
        .configure(move |config| {
            config
                .route("/healthz", web::get().to(ops::healthz))
                .route("/readyz", web::get().to(ops::readyz))
                .route("/metrics", web::get().to(ops::metrics))
                .route("/tls/ask", web::get().to(ops::tls_ask))
                .route("/assets/{name:.+}", web::get().to(assets::asset));
            routes.configure(config);
        })
        .default_service(web::to(route::nothing_here))
        .wrap(from_fn(seats::resolve))
        // The last wrap is the outermost.
        .wrap(from_fn(host::settle))
        .wrap(Compress::default())
        .wrap(from_fn(security::headers))
        .wrap(from_fn(request::envelope))
}

/// Whether a person looks at the answer: everything but the API, the hooks and the operators' paths.
pub(crate) fn wants_page(request: &HttpRequest) -> bool {
    let path = request.path();
    let machine = [
        "/api/v1/",
        "/api/openapi.json",
        "/hooks/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/assets/",
        "/oauth/",
        "/.well-known/",
        "/tls/ask",
    ];
    !machine.iter().any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod idempotent_tests;
