//! How a handler describes itself for the OpenAPI document: its inputs add parameters and body, its
//! answer adds the response. Nobody writes an operation by hand, so it cannot drift from the code.

use super::extract::Json;
use crate::error::Answer;
use crate::http::problem::Problem;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

/// An operation being described.
#[derive(Default)]
pub struct Draft {
    pub(super) operation: OperationBuilder,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Draft {
    /// Makes a schema known and returns a reference to it.
    pub fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        RefOr::Ref(Ref::from_schema_name(name))
    }
    fn add(&mut self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) {
        self.operation = change(std::mem::take(&mut self.operation));
    }
    pub fn json_body<T: ToSchema>(&mut self) {
        let schema = self.schema::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        self.add(|operation| operation.request_body(Some(body.build())));
    }
    pub fn binary_body(&mut self, content_type: &str) {
        let content = ContentBuilder::new().schema(Some(any_text())).build();
        let body = RequestBodyBuilder::new().content(content_type, content).required(Some(Required::True));
        self.add(|operation| operation.request_body(Some(body.build())));
    }
    pub fn query<T: IntoParams>(&mut self) {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            self.add(|operation| operation.parameter(parameter));
        }
    }
    pub fn header(&mut self, name: &str, required: bool, description: &str) {
        self.parameter(name, ParameterIn::Header, required, description);
    }
    pub(super) fn path(&mut self, name: &str) {
        self.parameter(name, ParameterIn::Path, true, "");
    }
    fn parameter(&mut self, name: &str, place: ParameterIn, required: bool, description: &str) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(if required { Required::True } else { Required::False })
            .description((!description.is_empty()).then_some(description))
            .schema(Some(any_text()));
        self.add(|operation| operation.parameter(parameter));
    }
    /// Adds the answer of the good case.
    pub fn response<T: ToSchema>(&mut self, status: &str, description: &str) {
        let schema = self.schema::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        self.add(|operation| operation.response(status, response.build()));
    }
    /// Adds an answer whose body is none of ours or none at all.
    pub fn bare_response(&mut self, status: &str, description: &str) {
        let response = ResponseBuilder::new().description(description);
        self.add(|operation| operation.response(status, response.build()));
    }
    /// Adds the answer of every bad case.
    pub(super) fn problem(&mut self) {
        let schema = self.schema::<Problem>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description("Problem (RFC 9457)")
            .content("application/problem+json", content);
        self.add(|operation| operation.response("default", response.build()));
    }
}

fn any_text() -> RefOr<Schema> {
    RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).build()))
}

/// What a handler returns, able to describe itself.
pub trait Answered {
    fn describe(draft: &mut Draft);
}

impl<T: Answered> Answered for Answer<T> {
    fn describe(draft: &mut Draft) {
        T::describe(draft);
        draft.problem();
    }
}
impl<T: ToSchema> Answered for Json<T> {
    fn describe(draft: &mut Draft) {
        draft.response::<T>("200", "OK");
    }
}
impl Answered for HttpResponse {
    fn describe(draft: &mut Draft) {
        draft.bare_response("200", "OK");
    }
}

/// 201 with the thing that was made.
pub struct Created<T>(pub T);
/// 202: it will be done by a job.
pub struct Accepted<T>(pub T);
/// 204.
pub struct NoContent;
/// 200 with `ETag`, for things that are changed with `If-Match`.
pub struct Versioned<T> {
    pub version: i64,
    pub body: T,
}

impl<T: ToSchema> Answered for Created<T> {
    fn describe(draft: &mut Draft) {
        draft.response::<T>("201", "Created");
    }
}
impl<T: ToSchema> Answered for Accepted<T> {
    fn describe(draft: &mut Draft) {
        draft.response::<T>("202", "Accepted");
    }
}
impl Answered for NoContent {
    fn describe(draft: &mut Draft) {
        draft.bare_response("204", "Done");
    }
}
impl<T: ToSchema> Answered for Versioned<T> {
    fn describe(draft: &mut Draft) {
        draft.response::<T>("200", "OK");
    }
}

macro_rules! responders {
    ($($name:ident => $status:ident),+) => {$(
        impl<T: Serialize> actix_web::Responder for $name<T> {
            type Body = actix_web::body::BoxBody;
            fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
                HttpResponse::$status().json(self.0)
            }
        }
    )+};
}
responders!(Json => Ok, Created => Created, Accepted => Accepted);

impl actix_web::Responder for NoContent {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}
impl<T: Serialize> actix_web::Responder for Versioned<T> {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", self.version))).json(self.body)
    }
}
