//! The OpenAPI document as a source of requests: for each operation a body that has the right shape.

use qianpu_api::http::route::Routes;
use serde_json::{Map, Value, json};

/// The document of the routes.
pub fn document(routes: &Routes) -> Value {
    let text = qianpu_api::http::openapi::document(routes).to_json().expect("the document can be written");
    serde_json::from_str(&text).expect("the document is JSON")
}

/// A JSON body for an operation with every required field, or none where the operation takes none. `id` gives the
/// value of a field that names a row (`shop_id`).
pub fn body(
    document: &Value,
    method: &str,
    path: &str,
    id: &dyn Fn(&str) -> Option<String>,
) -> Option<Value> {
    let operation = &document["paths"][path][method.to_lowercase()];
    let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
    Some(example(document, schema, "", id, 0))
}

/// The names of the fields of an operation's JSON body.
pub fn fields(document: &Value, method: &str, path: &str) -> Vec<String> {
    let operation = &document["paths"][path][method.to_lowercase()];
    let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else {
        return Vec::new();
    };
    let properties = resolve(document, schema)["properties"].as_object();
    properties.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn example(
    document: &Value,
    schema: &Value,
    name: &str,
    id: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Value {
    if depth > 12 {
        return Value::Null;
    }
    let schema = resolve(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut all = Map::new();
        for part in parts {
            if let Value::Object(fields) = example(document, part, name, id, depth + 1) {
                all.extend(fields);
            }
        }
        return Value::Object(all);
    }
    for choice in ["oneOf", "anyOf"] {
        let options = schema.get(choice).and_then(Value::as_array);
        if let Some(option) = options.into_iter().flatten().find(|option| option["type"] != "null") {
            return example(document, option, name, id, depth + 1);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").cloned().unwrap_or(Value::Null),
        kind => kind.clone(),
    };
    match kind.as_str().unwrap_or("object") {
        "string" => json!(id(name).unwrap_or_else(|| "小铺".to_owned())),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => {
            let singular = name.strip_suffix('s').unwrap_or(name);
            json!([example(document, &schema["items"], singular, id, depth + 1)])
        }
        _ => {
            let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            let fields = required.iter().filter_map(Value::as_str).map(|field| {
                let value = example(document, &schema["properties"][field], field, id, depth + 1);
                (field.to_owned(), value)
            });
            Value::Object(fields.collect())
        }
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}
