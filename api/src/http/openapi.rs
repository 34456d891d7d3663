//! The OpenAPI 3.1 document, made from the route table, and a page that shows it readably.

use super::describe::Draft;
use super::extract::Access;
use super::route::{Entry, Routes};
use crate::pages::lang::Lang;
use qianpu_domain::error::ErrorCode;
use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder};

const DESCRIPTION: &str = "JSON API of Qianpu. Ids are strings with a prefix, money is an integer of fen \
with a currency, times are RFC 3339 in UTC, lists are read with `limit` and `cursor`. Errors are \
`application/problem+json` with a stable `code`. Unknown fields are refused.";

/// The document of all API operations.
pub fn document(routes: &Routes) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new().security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
    );
    let buyers = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A buyer's token; good at one shop, and nowhere in the consoles' API"));
    components = components.security_scheme("buyer_bearer", SecurityScheme::Http(buyers.build()));
    for entry in routes.entries().iter().filter(|entry| entry.summary.is_some()) {
        let Some(method) = method_of(entry) else { continue };
        let draft = describe(entry);
        for (name, schema) in draft.schemas {
            components = components.schema(name, schema);
        }
        paths = paths.path(entry.path.clone(), PathItem::new(method, draft.operation));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Qianpu 千铺")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn method_of(entry: &Entry) -> Option<HttpMethod> {
    Some(match entry.method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}

fn describe(entry: &Entry) -> Draft {
    let mut draft = Draft::default();
    for name in entry.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        draft.path(name.split(':').next().unwrap_or(name));
    }
    (entry.describe)(&mut draft);
    let tag = entry.path.trim_start_matches(super::v1::PREFIX).split('/').nth(1).unwrap_or("api");
    let mut operation = std::mem::take(&mut draft.operation)
        .operation_id(Some(entry.id))
        .summary(entry.summary)
        .tag(tag.to_owned());
    operation = match entry.access {
        Access::Buyer => {
            operation.security(SecurityRequirement::new("buyer_bearer", Vec::<String>::new())).extensions(
                Some(ExtensionsBuilder::new().add("x-audience", crate::auth::buyer_token::AUDIENCE).build()),
            )
        }
        Access::Public => operation.securities(Some(Vec::<SecurityRequirement>::new())),
        Access::Needs(permission) => operation
            .security(SecurityRequirement::new("bearer", Vec::<String>::new()))
            .extensions(Some(ExtensionsBuilder::new().add("x-permission", permission.as_str()).build())),
    };
    draft.operation = operation;
    draft
}

/// What the page of the document needs: operations grouped by tag, schemas, error codes.
pub fn page_view(document: &Value, lang: Lang) -> Value {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    let empty = serde_json::Map::new();
    let paths = document.get("paths").and_then(Value::as_object).unwrap_or(&empty);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap_or(&empty) {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("api").to_owned();
            let shown = operation_view(path, method, operation);
            match groups.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(shown),
                None => groups.push((tag, vec![shown])),
            }
        }
    }
    groups.sort_by(|one, other| one.0.cmp(&other.0));
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&empty);
    let schemas: Vec<Value> =
        schemas.iter().map(|(name, schema)| json!({"name": name, "json": pretty(schema)})).collect();
    let codes: Vec<Value> = ErrorCode::ALL
        .iter()
        .map(|code| {
            json!({
                "code": code.as_str(),
                "status": code.status(),
                "title": lang.pick(code.title_zh(), code.title_en()),
                "retryable": code.retryable(),
            })
        })
        .collect();
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(name, operations)| json!({"name": name, "operations": operations}))
        .collect();
    json!({"groups": groups, "schemas": schemas, "codes": codes, "version": env!("CARGO_PKG_VERSION")})
}

fn operation_view(path: &str, method: &str, operation: &Value) -> Value {
    let schema_name = |pointer: &str| {
        let schema = operation.pointer(pointer)?;
        schema.get("$ref")?.as_str()?.rsplit('/').next().map(str::to_owned)
    };
    let answers = ["200", "201", "202"]
        .iter()
        .find_map(|status| schema_name(&format!("/responses/{status}/content/application~1json/schema")));
    let parameters: Vec<Value> = operation
        .get("parameters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|parameter| {
            json!({
                "name": parameter.get("name"),
                "place": parameter.get("in"),
                "required": parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
                "description": parameter.get("description").and_then(Value::as_str).unwrap_or(""),
            })
        })
        .collect();
    json!({
        "id": operation.get("operationId"),
        "method": method.to_uppercase(),
        "path": path,
        "summary": operation.get("summary").and_then(Value::as_str).unwrap_or(""),
        "permission": operation.get("x-permission").and_then(Value::as_str).unwrap_or(""),
        "body": schema_name("/requestBody/content/application~1json/schema").unwrap_or_default(),
        "answer": answers.unwrap_or_default(),
        "parameters": parameters,
    })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Schemas are known by name only, so two types of one name would show one of them in both places.
    #[test]
    fn no_two_schemas_share_a_name() {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        let mut shared = Vec::new();
        for entry in crate::http::routes().entries() {
            for (name, schema) in describe(entry).schemas {
                let schema = serde_json::to_value(schema).unwrap();
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                if *first != schema {
                    shared.push(format!("{name} (again at {} {})", entry.method, entry.path));
                }
            }
        }
        assert!(shared.is_empty(), "names of two schemas: {shared:#?}");
    }
}
